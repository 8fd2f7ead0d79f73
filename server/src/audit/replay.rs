//! Read models made anew out of an export, and compared with the digests that it carries.

use crate::stores;
use anyhow::{Context, bail};
use bytes::Bytes;
use dlcs_adapter_objects::FolderObjects;
use dlcs_audit::export::{Content, Dump, Recorded, Verified};
use dlcs_eventlog::memory::MemoryLog;
use dlcs_eventlog::{EventId, EventLog, Position, RecordedEvent, StreamId, StreamRevision};
use dlcs_objects::{Digest, ObjectKey, Objects};
use dlcs_projections::named_blobs::{NamedBlob, NamedBlobs};
use dlcs_projections::projection::{ApplyError, DecodedEvent, EventBatch, OnPoison, ReadModel};
use dlcs_projections::search;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::sync::Arc;
use uuid::Uuid;

/// Events of one transaction.
const EVENTS_MAX: usize = 4_096;

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Replayed {
    pub(super) equal: Vec<String>,
    pub(super) unequal: Vec<String>,
    /// Could not be made, and why.
    pub(super) lacking: Vec<(String, String)>,
}

/// Replays a file that was verified. Everything is made in a folder that goes afterwards.
pub(super) async fn replay(file: &Path, verified: &Verified) -> anyhow::Result<Replayed> {
    let scratch = tempfile::tempdir().context("no folder can be made to replay in")?;
    let objects: Arc<dyn Objects> = Arc::new(FolderObjects::open(&scratch.path().join("objects"))?);
    if verified.blobs > 0 {
        keep_blobs(file, objects.as_ref()).await?;
    }
    // Who asks a projection for events, asks for none here.
    let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new(Arc::new(|| 0)));
    let models = stores::scratch_read_models(&scratch.path().join("read"), &log, &objects)?;
    let (mut replayed, mut targets) = (Replayed::default(), Vec::new());
    for dump in &verified.dumps {
        let model = models.models().into_iter().find(|it| it.name() == dump.projection);
        match model {
            Some(model) if model.version() == dump.version => {
                let failed = None;
                targets.push(Target { dump, model, checkpoint: Position::START, failed });
            }
            _ => {
                let why = format!("this program does not know version {}", dump.version);
                replayed.lacking.push((dump.projection.clone(), why));
            }
        }
    }
    feed(file, &mut targets).await?;
    for target in targets {
        target.judge(verified.blobs > 0, &mut replayed).await?;
    }
    Ok(replayed)
}

/// A read model that is to be filled.
struct Target<'v> {
    dump: &'v Dump,
    model: Arc<dyn ReadModel>,
    checkpoint: Position,
    /// It cannot take any more.
    failed: Option<String>,
}

impl Target<'_> {
    async fn apply(&mut self, to: Position, events: &EventBatch) -> anyhow::Result<()> {
        let to = to.min(Position(self.dump.position));
        if self.failed.is_some() || self.checkpoint >= to {
            return Ok(());
        }
        let applied = self.model.apply(self.checkpoint, to, Arc::clone(events), OnPoison::Park);
        match applied.await {
            Ok(_) => self.checkpoint = to,
            Err(ApplyError::Store(error)) => self.failed = Some(error.to_string()),
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    async fn judge(self, has_blobs: bool, replayed: &mut Replayed) -> anyhow::Result<()> {
        let name = self.dump.projection.clone();
        let is_equal = self.model.dump().await?.digest == self.dump.digest;
        if let Some(why) = self.failed {
            replayed.lacking.push((name, why));
        } else if self.checkpoint.0 < self.dump.position {
            let why = format!("the file ends before its position {}", self.dump.position);
            replayed.lacking.push((name, why));
        } else if is_equal {
            replayed.equal.push(name);
        } else if !has_blobs && name == search::NAME {
            let why = "it is made out of texts, which the file does not hold".to_owned();
            replayed.lacking.push((name, why));
        } else {
            replayed.unequal.push(name);
        }
        Ok(())
    }
}

async fn feed(file: &Path, targets: &mut [Target<'_>]) -> anyhow::Result<()> {
    let mut events = events_of(file)?;
    loop {
        let batch: Vec<_> = events.by_ref().take(EVENTS_MAX).collect::<anyhow::Result<_>>()?;
        if batch.is_empty() {
            return Ok(());
        }
        apply(batch, targets).await?;
    }
}

/// Returns the events of a file that was verified, in order.
pub(crate) fn events_of(
    file: &Path,
) -> anyhow::Result<impl Iterator<Item = anyhow::Result<RecordedEvent>> + use<>> {
    let lines = BufReader::new(File::open(file)?).lines();
    Ok(lines.filter_map(|line| match line {
        Err(error) => Some(Err(error.into())),
        Ok(line) => match Content::read(&line)? {
            Content::Event(event) => Some(recorded(event)),
            Content::Blob { .. } => None,
        },
    }))
}

async fn apply(events: Vec<RecordedEvent>, targets: &mut [Target<'_>]) -> anyhow::Result<()> {
    let Some(to) = events.last().map(|it| it.position) else { return Ok(()) };
    let events: EventBatch = events.into_iter().map(DecodedEvent::new).collect();
    for target in targets {
        target.apply(to, &events).await?;
    }
    Ok(())
}

fn recorded(event: Recorded) -> anyhow::Result<RecordedEvent> {
    let position = Position(event.position);
    let id = event.event_id.parse::<Uuid>();
    Ok(RecordedEvent {
        position,
        event_id: EventId(id.with_context(|| format!("the id of the event at {position}"))?),
        stream: StreamId::from_stored(event.stream),
        revision: StreamRevision(event.revision),
        type_name: event.type_name.into(),
        schema_version: event.schema_version,
        recorded_at_us: event.recorded_at_us,
        payload: event.payload.into(),
        metadata: event.metadata.into(),
    })
}

async fn keep_blobs(file: &Path, objects: &dyn Objects) -> anyhow::Result<()> {
    for line in BufReader::new(File::open(file)?).lines() {
        let Some(Content::Blob { key, bytes }) = Content::read(&line?) else { continue };
        objects.put(&object_key(&key)?, Bytes::from(bytes)).await?;
    }
    Ok(())
}

fn object_key(text: &str) -> anyhow::Result<ObjectKey> {
    let digest = text.rsplit_once('/').and_then(|(_, name)| Digest::parse(name));
    let kinds: [fn(&Digest) -> ObjectKey; 4] =
        [ObjectKey::document, ObjectKey::imported_text, ObjectKey::record, ObjectKey::text];
    let keys = digest.into_iter().flat_map(|digest| kinds.map(|kind| kind(&digest)));
    let mut keys = keys.filter(|key| key.as_str() == text);
    keys.next().with_context(|| format!("`{text}` is no blob of texts or documents"))
}

/// Returns the texts and documents that a history names, by key: no pictures.
pub(super) fn exported(named: NamedBlobs) -> Vec<NamedBlob> {
    let is_text = |blob: &NamedBlob| object_key(blob.key.as_str()).is_ok();
    let mut blobs: Vec<NamedBlob> = named.into_blobs().filter(is_text).collect();
    blobs.sort_unstable_by(|left, right| left.key.cmp(&right.key));
    blobs
}

/// Returns the bytes of a blob, if they are those that the event names.
pub(super) async fn bytes(objects: &dyn Objects, blob: &NamedBlob) -> anyhow::Result<Bytes> {
    let bytes = objects.get(&blob.key).await?;
    match blob.digest {
        Some(digest) if Digest::of(&bytes) == digest => Ok(bytes),
        _ => bail!("blob {} is damaged: nothing is exported", blob.key),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_texts_and_documents_are_read_back_and_no_others() {
        let digest = Digest::of(b"x");
        for key in [ObjectKey::document(&digest), ObjectKey::record(&digest)] {
            assert_eq!(object_key(key.as_str()).unwrap(), key);
        }
        let original = ObjectKey::original(&digest);
        for wrong in [original.as_str(), "documents/../../x", "", &digest.to_string()] {
            assert!(object_key(wrong).is_err(), "{wrong}");
        }
    }
}
