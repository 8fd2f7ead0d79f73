//! What must delivery know of an image? The smallest row, for the hottest path.

use crate::paging::QueryError;
use crate::projection::{FoldError, Poison, Row, Stamp, Table};
use crate::streams;
use async_trait::async_trait;
use dlcs_domain::access::AccessRule;
use dlcs_domain::asset::{AssetEvent, Delivered, SizeLimits};
use dlcs_domain::{AssetId, DomainEvent};
use dlcs_eventlog::RecordedEvent;
use serde::{Deserialize, Serialize};

/// Name of the projection.
pub const NAME: &str = "tile-metadata";
/// Version of its rows.
pub const VERSION: u32 = 2;

/// An image as delivery sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum TileMetadataRow {
    /// Registered, nothing to show yet.
    Pending {
        roles: Vec<String>,
    },
    /// Failed, nothing to show.
    Failed {
        roles: Vec<String>,
    },
    Ready {
        delivered: Delivered,
        generation: u32,
        /// With the generation the image version, and the derivative's key.
        attempt: u32,
        channels: Vec<String>,
        roles: Vec<String>,
        limits: SizeLimits,
        modified_at_us: i64,
    },
    Deleted,
}

impl TileMetadataRow {
    /// Returns the rule that guards pixels of this image.
    pub fn rule(&self, id: &AssetId) -> AccessRule {
        AccessRule::of_asset(id.customer(), self.roles())
    }

    /// Returns the rule that guards the whole image at a size: it may be open while it is small.
    pub fn rule_of_whole(&self, id: &AssetId, longest_side_px: u32) -> AccessRule {
        if longest_side_px <= self.limits().open_full_max_px {
            return AccessRule::Open;
        }
        self.rule(id)
    }

    /// Returns how large it is given out; what is not there has no limits of its own.
    pub fn limits(&self) -> SizeLimits {
        match self {
            Self::Ready { limits, .. } => *limits,
            Self::Pending { .. } | Self::Failed { .. } | Self::Deleted => SizeLimits::default(),
        }
    }

    /// Returns the roles that close it, as they stand there.
    pub fn roles(&self) -> &[String] {
        match self {
            Self::Pending { roles } | Self::Failed { roles } | Self::Ready { roles, .. } => roles,
            Self::Deleted => &[],
        }
    }
}

#[async_trait]
pub trait TileMetadata: Send + Sync {
    /// Returns what is known of an image. The caller decides with [`TileMetadataRow::rule`]
    /// before it shows anything.
    async fn tile_metadata(&self, id: &AssetId) -> Result<Option<TileMetadataRow>, QueryError>;

    /// Returns the same of many images with one query, in the order asked for; `None`: not
    /// registered.
    async fn tile_metadata_of(
        &self,
        ids: &[AssetId],
    ) -> Result<Vec<Option<TileMetadataRow>>, QueryError>;
}

/// What the projection keeps of an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TileRecord {
    pub id: AssetId,
    pub generation: u32,
    /// The newest attempt, which may have no result yet.
    pub attempt: u32,
    pub channels: Vec<String>,
    pub roles: Vec<String>,
    pub limits: SizeLimits,
    pub phase: TilePhase,
    /// The attempt that made what is shown now, and what it is.
    pub delivered: Option<(u32, Delivered)>,
    pub modified_at_us: i64,
}

/// Where the newest attempt stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TilePhase {
    Pending,
    Delivered,
    Failed,
    Deleted,
}

impl TileRecord {
    /// Returns what delivery needs to know: what was delivered last is shown until there is better.
    pub fn into_row(self) -> TileMetadataRow {
        let Self { generation, channels, roles, limits, phase, delivered, modified_at_us, .. } =
            self;
        match (phase, delivered) {
            (TilePhase::Deleted, _) => TileMetadataRow::Deleted,
            (_, Some((attempt, delivered))) => TileMetadataRow::Ready {
                delivered,
                generation,
                attempt,
                channels,
                roles,
                limits,
                modified_at_us,
            },
            (TilePhase::Failed, None) => TileMetadataRow::Failed { roles },
            (TilePhase::Pending | TilePhase::Delivered, None) => TileMetadataRow::Pending { roles },
        }
    }
}

impl Row for TileRecord {
    type Key = AssetId;

    fn key(&self) -> AssetId {
        self.id.clone()
    }
}

/// What one event changes of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TileChange {
    pub id: AssetId,
    pub event: AssetEvent,
    pub stamp: Stamp,
}

/// Turns an event into changes of images; free fields are of no interest here.
pub fn project(event: &RecordedEvent, decoded: &[DomainEvent]) -> Result<Vec<TileChange>, Poison> {
    let mut changes = Vec::new();
    for it in decoded {
        match it {
            DomainEvent::Asset(
                AssetEvent::MetadataChanged(_) | AssetEvent::RecognitionChanged(_),
            ) => {}
            DomainEvent::Asset(it) => {
                let id = streams::asset(&event.stream)?;
                changes.push(TileChange { id, event: it.clone(), stamp: event.into() });
            }
            _ => {}
        }
    }
    Ok(changes)
}

/// Folds a change into the row of its image.
pub fn fold(change: TileChange, images: &mut impl Table<TileRecord>) -> Result<(), FoldError> {
    let TileChange { id, event, stamp } = change;
    let record = match (images.get(&id)?, event) {
        (_, AssetEvent::Registered(it)) => TileRecord {
            id,
            generation: it.generation,
            attempt: it.attempt,
            channels: it.delivery.channels,
            roles: it.roles,
            limits: it.limits,
            phase: TilePhase::Pending,
            delivered: None,
            modified_at_us: stamp.recorded_at_us,
        },
        (Some(mut record), event) => {
            apply(&mut record, event, stamp.recorded_at_us);
            record
        }
        (None, _) => return Err(Poison(format!("asset {id} is not registered")).into()),
    };
    images.put(record);
    Ok(())
}

fn apply(record: &mut TileRecord, event: AssetEvent, now_us: i64) {
    match event {
        AssetEvent::Registered(_)
        | AssetEvent::MetadataChanged(_)
        | AssetEvent::RecognitionChanged(_) => {}
        AssetEvent::AccessChanged(it) => {
            record.roles = it.roles;
            record.modified_at_us = now_us;
        }
        AssetEvent::LimitsChanged(it) => {
            record.limits = it;
            record.modified_at_us = now_us;
        }
        AssetEvent::DeliveryChanged(it) => {
            record.channels = it.delivery.channels;
            record.modified_at_us = now_us;
            open_attempt(record, it.attempt);
        }
        AssetEvent::OriginChanged(it) => open_attempt(record, it.attempt),
        AssetEvent::ReingestRequested(it) => open_attempt(record, it.attempt),
        AssetEvent::IngestStarted(it) => open_attempt(record, it.attempt),
        // The late result of an old attempt changes nothing.
        AssetEvent::IngestDelivered(it) if it.attempt == record.attempt => {
            record.phase = TilePhase::Delivered;
            record.delivered = Some((it.attempt, it.delivered));
            record.modified_at_us = now_us;
        }
        AssetEvent::IngestFailed(it) if it.attempt == record.attempt => {
            let is_final = it.failure.next_attempt_at_us.is_none();
            record.phase = if is_final { TilePhase::Failed } else { TilePhase::Pending };
        }
        AssetEvent::IngestDelivered(_) | AssetEvent::IngestFailed(_) => {}
        AssetEvent::Deleted(_) => {
            record.phase = TilePhase::Deleted;
            record.delivered = None;
            record.modified_at_us = now_us;
        }
    }
}

fn open_attempt(record: &mut TileRecord, attempt: u32) {
    record.attempt = attempt;
    record.phase = TilePhase::Pending;
}
