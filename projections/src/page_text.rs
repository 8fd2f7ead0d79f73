//! What is the text of an asset? One row per asset: where its text stands, and its blobs.

mod state;

pub use state::{AskedRecognition, PageText, TextState, TextStatus};

use crate::paging::QueryError;
use crate::projection::{FoldError, Poison, Row, Stamp, Table};
use crate::streams;
use async_trait::async_trait;
use dlcs_domain::access::{AccessRule, Action, Decision, Principal, decide};
use dlcs_domain::asset::AssetEvent;
use dlcs_domain::transcription::TranscriptionEvent;
use dlcs_domain::{AssetId, BlobRef, DomainEvent};
use dlcs_eventlog::RecordedEvent;
use serde::{Deserialize, Serialize};

/// Name of the projection.
pub const NAME: &str = "page-text";
/// Version of its rows.
pub const VERSION: u32 = 1;

/// The text of an asset as delivery, management and search see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageTextRow {
    pub id: AssetId,
    pub generation: u32,
    /// The asset is gone, and its text with it.
    pub is_deleted: bool,
    pub roles: Vec<String>,
    /// What the asset shows now.
    pub image: Option<PageImage>,
    pub status: TextStatus,
    /// What was asked for last.
    pub asked: Option<AskedRecognition>,
    /// The text that is shown: of this image, or imported.
    pub text: Option<PageText>,
    /// Of anything that this row says.
    pub modified_at_us: i64,
    /// Counts clients' requests, imports, corrections and withdrawals: the ETag for management.
    pub edit_revision: u64,
    /// Position of the newest event that made this row.
    pub position: u64,
}

impl PageTextRow {
    /// Returns the rule that guards the text: that of the pixels.
    pub fn rule(&self) -> AccessRule {
        AccessRule::of_asset(self.id.customer(), &self.roles)
    }

    /// Says whether a principal may read the text.
    pub fn is_readable_by(&self, principal: &Principal) -> bool {
        decide(principal, &self.rule(), Action::ReadContent) == Decision::Granted
    }
}

#[async_trait]
pub trait PageTexts: Send + Sync {
    /// Returns the row of an asset, deleted ones too. [`QueryError::NotAllowed`]: the asset is
    /// closed to the principal.
    async fn page_text(
        &self,
        principal: &Principal,
        id: &AssetId,
    ) -> Result<Option<PageTextRow>, QueryError>;

    /// Returns rows in the order asked for, with one query. What is missing, deleted or closed to
    /// the principal is left out.
    async fn of_assets(
        &self,
        principal: &Principal,
        ids: &[AssetId],
    ) -> Result<Vec<PageTextRow>, QueryError>;
}

/// The image that an asset shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageImage {
    /// The attempt that delivered it.
    pub attempt: u32,
    pub original: BlobRef,
    pub width_px: u32,
    pub height_px: u32,
}

/// What the projection keeps of an asset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageTextRecord {
    pub id: AssetId,
    pub generation: u32,
    pub is_deleted: bool,
    pub roles: Vec<String>,
    /// The newest attempt to ingest, which may have no result yet.
    pub ingest_attempt: u32,
    pub image: Option<PageImage>,
    pub state: TextState,
    pub modified_at_us: i64,
    pub edit_revision: u64,
    pub position: u64,
}

impl PageTextRecord {
    /// Returns what is shown: no text of an image that was replaced.
    pub fn into_row(self) -> PageTextRow {
        let original = self.image.as_ref().map(|it| &it.original);
        let status = self.state.status(original);
        let text = self.state.shown(original).cloned();
        PageTextRow {
            id: self.id,
            generation: self.generation,
            is_deleted: self.is_deleted,
            roles: self.roles,
            image: self.image,
            status,
            asked: self.state.asked,
            text,
            modified_at_us: self.modified_at_us,
            edit_revision: self.edit_revision,
            position: self.position,
        }
    }
}

/// Returns what `principal` may see of one record.
pub fn answered(
    record: Option<PageTextRecord>,
    principal: &Principal,
) -> Result<Option<PageTextRow>, QueryError> {
    let row = record.map(PageTextRecord::into_row);
    match row {
        Some(row) if !row.is_readable_by(principal) => Err(QueryError::NotAllowed),
        row => Ok(row),
    }
}

/// Returns what `principal` may see of many records, in their order.
pub fn visible(
    records: impl IntoIterator<Item = PageTextRecord>,
    principal: &Principal,
) -> Vec<PageTextRow> {
    let rows = records.into_iter().filter(|it| !it.is_deleted).map(PageTextRecord::into_row);
    rows.filter(|it| it.is_readable_by(principal)).collect()
}

impl Row for PageTextRecord {
    type Key = AssetId;

    fn key(&self) -> AssetId {
        self.id.clone()
    }
}

/// What one event changes of an asset's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageTextChange {
    pub id: AssetId,
    pub event: PageTextEvent,
    pub stamp: Stamp,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PageTextEvent {
    Asset(Box<AssetEvent>),
    Text(Box<TranscriptionEvent>),
}

/// Turns an event into changes of texts; free fields and delivery are of no interest here.
pub fn project(
    event: &RecordedEvent,
    decoded: &[DomainEvent],
) -> Result<Vec<PageTextChange>, Poison> {
    let mut changes = Vec::new();
    for it in decoded {
        let it = match it {
            DomainEvent::Asset(
                AssetEvent::MetadataChanged(_)
                | AssetEvent::RecognitionChanged(_)
                | AssetEvent::LimitsChanged(_)
                | AssetEvent::IngestFailed(_),
            ) => continue,
            DomainEvent::Asset(it) => PageTextEvent::Asset(Box::new(it.clone())),
            DomainEvent::Transcription(it) => PageTextEvent::Text(Box::new(it.clone())),
            _ => continue,
        };
        let id = streams::asset(&event.stream)?;
        changes.push(PageTextChange { id, event: it, stamp: event.into() });
    }
    Ok(changes)
}

/// Folds a change into the row of its asset.
pub fn fold(
    change: PageTextChange,
    texts: &mut impl Table<PageTextRecord>,
) -> Result<(), FoldError> {
    let PageTextChange { id, event, stamp } = change;
    let stored = texts.get(&id)?;
    let record = match (stored, event) {
        (stored, PageTextEvent::Asset(event)) => match (stored, *event) {
            (stored, AssetEvent::Registered(it)) => PageTextRecord {
                id,
                generation: it.generation,
                is_deleted: false,
                roles: it.roles,
                ingest_attempt: it.attempt,
                image: None,
                state: TextState::default(),
                modified_at_us: stamp.recorded_at_us,
                edit_revision: stored.map_or(0, |it| it.edit_revision),
                position: stamp.position,
            },
            (Some(mut record), event) => {
                apply_asset(&mut record, event, stamp);
                record
            }
            (None, _) => return Err(unregistered(&id)),
        },
        (Some(mut record), PageTextEvent::Text(event)) => {
            apply_text(&mut record, &event, stamp);
            record
        }
        (None, PageTextEvent::Text(_)) => return Err(unregistered(&id)),
    };
    texts.put(record);
    Ok(())
}

fn unregistered(id: &AssetId) -> FoldError {
    Poison(format!("asset {id} is not registered")).into()
}

fn apply_asset(record: &mut PageTextRecord, event: AssetEvent, stamp: Stamp) {
    match event {
        AssetEvent::AccessChanged(it) => record.roles = it.roles,
        AssetEvent::OriginChanged(it) => return record.ingest_attempt = it.attempt,
        AssetEvent::DeliveryChanged(it) => return record.ingest_attempt = it.attempt,
        AssetEvent::ReingestRequested(it) => return record.ingest_attempt = it.attempt,
        AssetEvent::IngestStarted(it) => return record.ingest_attempt = it.attempt,
        // The late result of an old attempt changes nothing.
        AssetEvent::IngestDelivered(it) if it.attempt == record.ingest_attempt => {
            record.image = Some(PageImage {
                attempt: it.attempt,
                original: it.delivered.original,
                width_px: it.delivered.width_px,
                height_px: it.delivered.height_px,
            });
        }
        AssetEvent::Deleted(_) => {
            record.is_deleted = true;
            record.roles.clear();
            record.image = None;
            record.state = TextState::default();
        }
        AssetEvent::Registered(_)
        | AssetEvent::MetadataChanged(_)
        | AssetEvent::RecognitionChanged(_)
        | AssetEvent::LimitsChanged(_)
        | AssetEvent::IngestDelivered(_)
        | AssetEvent::IngestFailed(_) => return,
    }
    record.modified_at_us = stamp.recorded_at_us;
    record.position = stamp.position;
}

/// What is about an earlier life of the asset is counted, and changes nothing.
fn apply_text(record: &mut PageTextRecord, event: &TranscriptionEvent, stamp: Stamp) {
    record.edit_revision += u64::from(event.is_edit());
    if !record.is_deleted && event.generation().is_none_or(|it| it == record.generation) {
        record.state.apply(event, stamp.recorded_at_us);
    }
    record.modified_at_us = stamp.recorded_at_us;
    record.position = stamp.position;
}
