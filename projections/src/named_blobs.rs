//! Which blobs a history names: what a backup must hold, and what nobody may remove.

use crate::projection::{DecodedEvent, Poison};
use crate::streams;
use dlcs_domain::asset::{AssetEvent, IngestDelivered, Source};
use dlcs_domain::collection::CollectionEvent;
use dlcs_domain::manifest::ManifestEvent;
use dlcs_domain::transcription::{TextBlobs, TranscriptionEvent};
use dlcs_domain::{AssetId, BlobRef, DomainEvent};
use dlcs_objects::{Digest, ObjectKey};
use std::collections::{BTreeMap, HashMap};

/// A blob that must be there.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NamedBlob {
    pub key: ObjectKey,
    pub length_bytes: u64,
    /// Of its bytes; `None` for a derivative, whose bytes no event seals.
    pub digest: Option<Digest>,
}

/// A fold over a history. Holds one entry for each blob and each asset.
#[derive(Debug, Default)]
pub struct NamedBlobs {
    /// Originals, documents and texts: named once, kept for ever.
    sealed: BTreeMap<ObjectKey, NamedBlob>,
    assets: HashMap<AssetId, Asset>,
}

#[derive(Debug, Default)]
struct Asset {
    generation: u32,
    /// What is shown now; an earlier one may have been removed.
    derivative: Option<NamedBlob>,
}

impl NamedBlobs {
    /// Takes in one event; events come in the order of the log.
    pub fn apply(&mut self, event: &DecodedEvent) -> Result<(), Poison> {
        for it in event.domain_events()? {
            match it {
                DomainEvent::Asset(it) => {
                    self.asset(streams::asset(&event.recorded.stream)?, it)?;
                }
                DomainEvent::Manifest(ManifestEvent::Created(it)) => {
                    self.seal(&it.document, ObjectKey::document)?;
                }
                DomainEvent::Manifest(ManifestEvent::Replaced(it)) => {
                    self.seal(&it.document, ObjectKey::document)?;
                }
                DomainEvent::Manifest(ManifestEvent::Consolidated(it)) => {
                    self.seal(&it.document, ObjectKey::document)?;
                }
                DomainEvent::Collection(CollectionEvent::Created(it)) => {
                    self.seal(&it.document, ObjectKey::document)?;
                }
                DomainEvent::Collection(CollectionEvent::Replaced(it)) => {
                    self.seal(&it.document, ObjectKey::document)?;
                }
                DomainEvent::Transcription(it) => self.text(it)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// Returns every blob that must be there, in no particular order.
    pub fn into_blobs(self) -> impl Iterator<Item = NamedBlob> {
        let derivatives = self.assets.into_values().filter_map(|it| it.derivative);
        self.sealed.into_values().chain(derivatives)
    }

    fn asset(&mut self, id: AssetId, event: &AssetEvent) -> Result<(), Poison> {
        match event {
            AssetEvent::Registered(it) => {
                let asset = Asset { generation: it.generation, derivative: None };
                self.assets.insert(id, asset);
                self.source(&it.source)
            }
            AssetEvent::OriginChanged(it) => self.source(&it.source),
            AssetEvent::IngestDelivered(it) => self.delivered(id, it),
            AssetEvent::Deleted(_) => {
                self.assets.remove(&id);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn text(&mut self, event: &TranscriptionEvent) -> Result<(), Poison> {
        match event {
            TranscriptionEvent::RecognitionRequested(it) => {
                self.seal(&it.image.original, ObjectKey::original)
            }
            TranscriptionEvent::RecognitionCompleted(it) => self.blobs(&it.text),
            TranscriptionEvent::TextImported(it) => {
                self.seal(&it.source, ObjectKey::imported_text)?;
                self.blobs(&it.text)
            }
            TranscriptionEvent::Corrected(it) => self.blobs(&it.text),
            TranscriptionEvent::RecognitionStarted(_)
            | TranscriptionEvent::RecognitionFailed(_)
            | TranscriptionEvent::Withdrawn(_) => Ok(()),
        }
    }

    fn blobs(&mut self, text: &TextBlobs) -> Result<(), Poison> {
        self.seal(&text.layout, ObjectKey::text)?;
        self.seal(&text.record, ObjectKey::record)
    }

    fn delivered(&mut self, id: AssetId, event: &IngestDelivered) -> Result<(), Poison> {
        self.seal(&event.delivered.original, ObjectKey::original)?;
        let key = id.to_string();
        let asset = self.assets.entry(id).or_default();
        let key = ObjectKey::derivative(&key, asset.generation, event.attempt);
        let length_bytes = event.delivered.derivative_bytes;
        asset.derivative = Some(NamedBlob { key, length_bytes, digest: None });
        Ok(())
    }

    fn source(&mut self, source: &Source) -> Result<(), Poison> {
        match source {
            Source::Upload { blob } => self.seal(blob, ObjectKey::original),
            Source::Origin { .. } => Ok(()),
        }
    }

    fn seal(&mut self, blob: &BlobRef, key: fn(&Digest) -> ObjectKey) -> Result<(), Poison> {
        let digest = Digest::parse(&blob.sha256);
        let digest = digest.ok_or_else(|| Poison(format!("`{}` is no SHA-256", blob.sha256)))?;
        let (key, length_bytes) = (key(&digest), blob.length_bytes);
        self.sealed.insert(key.clone(), NamedBlob { key, length_bytes, digest: Some(digest) });
        Ok(())
    }
}
