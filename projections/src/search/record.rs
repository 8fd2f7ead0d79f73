//! What the index keeps of an asset, and how events change it.
//!
//! The rules of what is shown are the domain's: recognised text holds for one original, imported
//! text for the asset, and neither for another generation.

use crate::projection::{FoldError, Poison, Row, Table};
use crate::streams;
use dlcs_domain::access::role_name;
use dlcs_domain::asset::AssetEvent;
use dlcs_domain::transcription::{CurrentText, TextBlobs, TextSource, TranscriptionEvent};
use dlcs_domain::{AssetId, BlobRef, DomainEvent};
use dlcs_eventlog::RecordedEvent;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchRecord {
    pub id: AssetId,
    /// Of the asset; 0: not registered.
    pub generation: u32,
    pub roles: Vec<String>,
    pub is_deleted: bool,
    /// The newest attempt to ingest it.
    pub attempt: u32,
    /// What was delivered last.
    pub original: Option<BlobRef>,
    /// The generation that the text is about.
    pub text_generation: u32,
    pub text: Option<CurrentText>,
}

/// Text that can be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VisibleText<'a> {
    pub blobs: &'a TextBlobs,
}

impl SearchRecord {
    fn new(id: AssetId) -> Self {
        Self {
            id,
            generation: 0,
            roles: Vec::new(),
            is_deleted: false,
            attempt: 0,
            original: None,
            text_generation: 0,
            text: None,
        }
    }

    /// Returns the text that can be found; `None`: the asset has none now.
    pub fn visible_text(&self) -> Option<VisibleText<'_>> {
        let is_current = !self.is_deleted && self.text_generation == self.generation;
        let text = self.text.as_ref().filter(|_| is_current)?;
        let is_shown = text.source.is_about(self.original.as_ref());
        is_shown.then_some(VisibleText { blobs: &text.blobs })
    }

    /// Says whether nobody but the customer, and who holds one of its roles, may find it.
    pub fn is_closed(&self) -> bool {
        !self.roles.is_empty()
    }

    /// Returns the names of the roles that open it.
    pub fn role_names(&self) -> impl Iterator<Item = &str> {
        self.roles.iter().map(|it| role_name(it))
    }
}

impl Row for SearchRecord {
    type Key = AssetId;

    fn key(&self) -> AssetId {
        self.id.clone()
    }
}

/// What one event changes of an asset and its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SearchChange {
    Asset { id: AssetId, event: AssetEvent },
    Text { id: AssetId, event: TranscriptionEvent },
}

/// Turns an event into changes; what cannot change what is found is left out.
pub fn project(
    event: &RecordedEvent,
    decoded: &[DomainEvent],
) -> Result<Vec<SearchChange>, Poison> {
    let mut changes = Vec::new();
    for it in decoded {
        match it {
            DomainEvent::Asset(
                AssetEvent::MetadataChanged(_)
                | AssetEvent::RecognitionChanged(_)
                | AssetEvent::LimitsChanged(_)
                | AssetEvent::IngestFailed(_),
            ) => {}
            DomainEvent::Asset(it) => {
                let id = streams::asset(&event.stream)?;
                changes.push(SearchChange::Asset { id, event: it.clone() });
            }
            DomainEvent::Transcription(
                TranscriptionEvent::RecognitionStarted(_)
                | TranscriptionEvent::RecognitionFailed(_),
            ) => {}
            DomainEvent::Transcription(it) => {
                let id = streams::asset(&event.stream)?;
                changes.push(SearchChange::Text { id, event: it.clone() });
            }
            _ => {}
        }
    }
    Ok(changes)
}

/// Folds a change into the record of its asset.
pub fn fold(change: SearchChange, records: &mut impl Table<SearchRecord>) -> Result<(), FoldError> {
    match change {
        SearchChange::Asset { id, event } => {
            let record = records.get(&id)?;
            let is_known = record.as_ref().is_some_and(|it| it.generation > 0);
            if !is_known && !matches!(event, AssetEvent::Registered(_)) {
                return Err(Poison(format!("asset {id} is not registered")).into());
            }
            let mut record = record.unwrap_or_else(|| SearchRecord::new(id));
            apply(&mut record, event);
            records.put(record);
        }
        SearchChange::Text { id, event } => {
            let record = records.get(&id)?;
            let mut record = record.unwrap_or_else(|| SearchRecord::new(id));
            apply_text(&mut record, event);
            records.put(record);
        }
    }
    Ok(())
}

fn apply(record: &mut SearchRecord, event: AssetEvent) {
    match event {
        AssetEvent::Registered(it) => {
            record.generation = it.generation;
            record.attempt = it.attempt;
            record.roles = it.roles;
            record.is_deleted = false;
            record.original = None;
        }
        AssetEvent::AccessChanged(it) => record.roles = it.roles,
        AssetEvent::DeliveryChanged(it) => record.attempt = it.attempt,
        AssetEvent::OriginChanged(it) => record.attempt = it.attempt,
        AssetEvent::ReingestRequested(it) => record.attempt = it.attempt,
        AssetEvent::IngestStarted(it) => record.attempt = it.attempt,
        // The late result of an old attempt changes nothing.
        AssetEvent::IngestDelivered(it) if it.attempt == record.attempt => {
            record.original = Some(it.delivered.original);
        }
        AssetEvent::Deleted(_) => {
            record.is_deleted = true;
            record.original = None;
        }
        AssetEvent::IngestDelivered(_)
        | AssetEvent::IngestFailed(_)
        | AssetEvent::MetadataChanged(_)
        | AssetEvent::RecognitionChanged(_)
        | AssetEvent::LimitsChanged(_) => {}
    }
}

fn apply_text(record: &mut SearchRecord, event: TranscriptionEvent) {
    let generation = event.generation();
    if let Some(generation) = generation.filter(|it| *it > record.text_generation) {
        record.text_generation = generation;
        record.text = None;
    }
    match event {
        TranscriptionEvent::RecognitionCompleted(it) => {
            let source = TextSource::recognised(it.image);
            record.text = Some(CurrentText { source, blobs: it.text });
        }
        TranscriptionEvent::TextImported(it) => {
            let source = TextSource::imported(it.format);
            record.text = Some(CurrentText { source, blobs: it.text });
        }
        TranscriptionEvent::Corrected(it) => {
            if let Some(text) = &mut record.text {
                text.source.is_corrected = true;
                text.blobs = it.text;
            }
        }
        TranscriptionEvent::Withdrawn(_) => record.text = None,
        TranscriptionEvent::RecognitionRequested(_)
        | TranscriptionEvent::RecognitionStarted(_)
        | TranscriptionEvent::RecognitionFailed(_) => {}
    }
}
