//! The projector of customers, spaces and assets.

use super::{AssetRow, AssetState, TextSummary};
use crate::customers::{self, CustomerChange, CustomerRow};
use crate::page_text::TextState;
use crate::projection::{FoldError, Poison, Row, Stamp, Table};
use crate::spaces::{self, SpaceChange, SpaceCount, SpaceRecord, Stored};
use crate::streams;
use dlcs_domain::asset::{AssetEvent, Registered};
use dlcs_domain::transcription::TranscriptionEvent;
use dlcs_domain::{AssetId, DomainEvent};
use dlcs_eventlog::RecordedEvent;

/// The row of an asset and its place in lists.
#[derive(Debug, Clone, PartialEq)]
pub struct AssetRecord {
    pub row: AssetRow,
    /// Position at which this generation was registered: the order of creation, without ties.
    pub created_position: u64,
    /// What the row's summary is made of, also about an image that was replaced.
    pub text: TextState,
}

impl AssetRecord {
    /// Brings the row's summary of the text up to date.
    #[must_use]
    pub fn summed_up(mut self) -> Self {
        let original = self.row.delivered.as_ref().map(|it| &it.original);
        let words = self.text.shown(original).map_or(0, |it| it.words);
        self.row.text = TextSummary { status: self.text.status(original), words };
        self
    }
}

impl Row for AssetRecord {
    type Key = AssetId;

    fn key(&self) -> AssetId {
        self.row.id.clone()
    }
}

/// What one event changes of an asset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssetChange {
    pub id: AssetId,
    pub event: AssetEvent,
    pub stamp: Stamp,
}

/// What one event changes of an asset's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextChange {
    pub id: AssetId,
    pub event: TranscriptionEvent,
    pub stamp: Stamp,
}

/// What one event changes in this projection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AssetsChange {
    Customer(CustomerChange),
    Space(SpaceChange),
    Asset(Box<AssetChange>),
    Text(Box<TextChange>),
}

/// The tables that this projection folds into.
pub trait AssetsTables {
    fn customers(&mut self) -> &mut impl Table<CustomerRow>;
    fn spaces(&mut self) -> &mut impl Table<SpaceRecord>;
    fn space_counts(&mut self) -> &mut impl Table<SpaceCount>;
    fn assets(&mut self) -> &mut impl Table<AssetRecord>;
}

/// Turns an event into changes of customers, spaces and assets.
pub fn project(
    event: &RecordedEvent,
    decoded: &[DomainEvent],
) -> Result<Vec<AssetsChange>, Poison> {
    let stamp = Stamp::from(event);
    let mut changes = Vec::with_capacity(decoded.len());
    for it in decoded {
        changes.push(match it {
            DomainEvent::Customer(it) => {
                let id = streams::customer(&event.stream)?;
                AssetsChange::Customer(CustomerChange { id, event: it.clone(), stamp })
            }
            DomainEvent::Space(it) => {
                let id = streams::space(&event.stream)?;
                AssetsChange::Space(SpaceChange { id, event: it.clone(), stamp })
            }
            DomainEvent::Asset(it) => {
                let id = streams::asset(&event.stream)?;
                AssetsChange::Asset(Box::new(AssetChange { id, event: it.clone(), stamp }))
            }
            DomainEvent::Transcription(it) => {
                let id = streams::asset(&event.stream)?;
                AssetsChange::Text(Box::new(TextChange { id, event: it.clone(), stamp }))
            }
            _ => continue,
        });
    }
    Ok(changes)
}

/// Folds a change into the rows.
pub fn fold(change: AssetsChange, tables: &mut impl AssetsTables) -> Result<(), FoldError> {
    match change {
        AssetsChange::Customer(change) => customers::fold(&change, tables.customers()),
        AssetsChange::Space(change) => spaces::fold(&change, tables.spaces()),
        AssetsChange::Asset(change) => fold_asset(*change, tables),
        AssetsChange::Text(change) => fold_text(*change, tables.assets()),
    }
}

fn fold_asset(change: AssetChange, tables: &mut impl AssetsTables) -> Result<(), FoldError> {
    let stored = tables.assets().get(&change.id)?;
    let before = stored.as_ref().map_or_else(Share::default, Share::of);
    let (space, now_us) = (change.id.space(), change.stamp.recorded_at_us);
    let record = folded(stored, change)?;
    let after = Share::of(&record);
    if before != after {
        let counts = tables.space_counts();
        let nothing = || SpaceCount { id: space, living: 0, stored: Stored::default() };
        let count = counts.get(&space)?.unwrap_or_else(nothing);
        counts.put(exchanged(count, before, after, now_us));
    }
    tables.assets().put(record);
    Ok(())
}

/// What is about a deleted asset or an earlier life of it changes nothing.
fn fold_text(change: TextChange, assets: &mut impl Table<AssetRecord>) -> Result<(), FoldError> {
    let TextChange { id, event, stamp } = change;
    let mut record =
        assets.get(&id)?.ok_or_else(|| Poison(format!("asset {id} is not registered")))?;
    let is_of_this_life = event.generation().is_none_or(|it| it == record.row.generation);
    if is_living(&record) && is_of_this_life {
        record.text.apply(&event, stamp.recorded_at_us);
        record.row.modified_at_us = stamp.recorded_at_us;
        record.row.position = stamp.position;
        assets.put(record.summed_up());
    }
    Ok(())
}

fn is_living(record: &AssetRecord) -> bool {
    record.row.state != AssetState::Deleted
}

/// What one asset adds to the counts of its space.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Share {
    living: u64,
    kept: Kept,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Kept {
    images: u64,
    original_bytes: u64,
    derivative_bytes: u64,
}

impl Share {
    fn of(record: &AssetRecord) -> Self {
        if !is_living(record) {
            return Self::default();
        }
        let kept = record.row.delivered.as_ref().map_or_else(Kept::default, |it| Kept {
            images: 1,
            original_bytes: it.original.length_bytes,
            derivative_bytes: it.derivative_bytes,
        });
        Self { living: 1, kept }
    }
}

/// Puts the new share of an asset in the place of the old one.
fn exchanged(count: SpaceCount, before: Share, after: Share, now_us: i64) -> SpaceCount {
    let swap = |sum: u64, old: u64, new: u64| sum.saturating_sub(old).saturating_add(new);
    let SpaceCount { id, living, stored } = count;
    let living = swap(living, before.living, after.living);
    let (old, new) = (before.kept, after.kept);
    if old == new {
        return SpaceCount { id, living, stored };
    }
    let stored = Stored {
        images: swap(stored.images, old.images, new.images),
        original_bytes: swap(stored.original_bytes, old.original_bytes, new.original_bytes),
        derivative_bytes: swap(stored.derivative_bytes, old.derivative_bytes, new.derivative_bytes),
        changed_at_us: Some(now_us),
    };
    SpaceCount { id, living, stored }
}

fn folded(stored: Option<AssetRecord>, change: AssetChange) -> Result<AssetRecord, Poison> {
    let AssetChange { id, event, stamp } = change;
    let is_edit = event.is_edit();
    let mut record = match (stored, event) {
        (stored, AssetEvent::Registered(it)) => {
            let edits = stored.map_or(0, |it| it.row.edit_revision);
            registered(id, it, edits, stamp)
        }
        (Some(mut record), event) => {
            if let AssetEvent::Deleted(_) = &event {
                record.text = TextState::default();
            }
            apply(&mut record.row, event, stamp.recorded_at_us);
            record.summed_up()
        }
        (None, _) => return Err(Poison(format!("asset {id} is not registered"))),
    };
    let row = &mut record.row;
    row.edit_revision += u64::from(is_edit);
    row.modified_at_us = stamp.recorded_at_us;
    row.position = stamp.position;
    Ok(record)
}

fn registered(id: AssetId, it: Registered, edits: u64, stamp: Stamp) -> AssetRecord {
    let row = AssetRow {
        id,
        state: AssetState::Ingesting,
        generation: it.generation,
        attempt: it.attempt,
        source: it.source,
        media_type: it.media_type,
        metadata: it.metadata,
        roles: it.roles,
        delivery: it.delivery,
        recognise: it.recognise,
        limits: it.limits,
        text: TextSummary::default(),
        batch: it.batch,
        delivered: None,
        delivered_attempt: None,
        failure: None,
        created_at_us: stamp.recorded_at_us,
        modified_at_us: stamp.recorded_at_us,
        finished_at_us: None,
        edit_revision: edits,
        position: stamp.position,
    };
    AssetRecord { row, created_position: stamp.position, text: TextState::default() }
}

fn apply(row: &mut AssetRow, event: AssetEvent, now_us: i64) {
    match event {
        AssetEvent::Registered(_) => {}
        AssetEvent::OriginChanged(it) => {
            row.source = it.source;
            row.media_type = it.media_type;
            row.batch = it.batch.or(row.batch);
            open_attempt(row, it.attempt);
        }
        AssetEvent::MetadataChanged(it) => {
            row.metadata = it.applied_to(std::mem::take(&mut row.metadata));
        }
        AssetEvent::AccessChanged(it) => row.roles = it.roles,
        AssetEvent::RecognitionChanged(it) => row.recognise = it.languages,
        AssetEvent::LimitsChanged(it) => row.limits = it,
        AssetEvent::DeliveryChanged(it) => {
            row.delivery = it.delivery;
            open_attempt(row, it.attempt);
        }
        AssetEvent::ReingestRequested(it) => {
            row.batch = it.batch.or(row.batch);
            open_attempt(row, it.attempt);
        }
        AssetEvent::IngestStarted(it) => open_attempt(row, it.attempt),
        // The late result of an old attempt changes nothing.
        AssetEvent::IngestDelivered(it) if it.attempt == row.attempt => {
            row.state = AssetState::Delivered;
            row.media_type = Some(it.delivered.media_type.clone());
            row.delivered = Some(it.delivered);
            row.delivered_attempt = Some(it.attempt);
            row.failure = None;
            row.finished_at_us = Some(now_us);
        }
        AssetEvent::IngestFailed(it) if it.attempt == row.attempt => {
            let is_final = it.failure.next_attempt_at_us.is_none();
            row.state = if is_final { AssetState::Failed } else { AssetState::Ingesting };
            row.finished_at_us = is_final.then_some(now_us);
            row.failure = Some(it.failure);
        }
        AssetEvent::IngestDelivered(_) | AssetEvent::IngestFailed(_) => {}
        AssetEvent::Deleted(_) => {
            row.state = AssetState::Deleted;
            row.finished_at_us = Some(now_us);
        }
    }
}

fn open_attempt(row: &mut AssetRow, attempt: u32) {
    row.attempt = attempt;
    row.state = AssetState::Ingesting;
    row.failure = None;
    row.finished_at_us = None;
}
