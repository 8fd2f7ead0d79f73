//! An asset: one registered image, from its origin to what is delivered.
//!
//! - A new generation begins when a deleted id is registered again.
//! - Within it, an attempt is one try to ingest; the late result of an old attempt changes nothing.
//! - `tries` counts the starts since a client last asked for something, so that a crash loop ends.
//! - What was delivered last stays while the asset is ingested again, until there is better.

mod events;
mod retry;
#[cfg(test)]
mod tests;
mod values;

pub use events::*;
pub use retry::{TRIES_MAX, retry_policy};
pub use values::*;

use crate::aggregate::Aggregate;
use crate::batch::Queue;
use crate::ids::BatchId;
use crate::languages::Languages;
use crate::patch::Patch;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AssetError {
    #[error("the asset is not registered")]
    NotRegistered,
    #[error("the asset has been deleted")]
    Deleted,
    #[error("{0}")]
    InvalidDelivery(&'static str),
    #[error("the size limits are not valid: {0}")]
    InvalidLimits(&'static str),
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Asset {
    #[default]
    Absent,
    Live(Box<LiveAsset>),
    Deleted {
        generation: u32,
        edits: u64,
    },
}

/// An asset that is registered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveAsset {
    pub generation: u32,
    /// The newest attempt.
    pub attempt: u32,
    pub source: Source,
    /// As the client said.
    pub media_type: Option<String>,
    pub metadata: AssetMetadata,
    pub roles: Vec<String>,
    pub delivery: Delivery,
    /// Languages in which its pages are recognised by themselves.
    pub recognise: Languages,
    pub limits: SizeLimits,
    /// The batch that asked last.
    pub batch: Option<BatchId>,
    pub ingest: IngestPhase,
    /// Starts since a client last asked for something.
    pub tries: u32,
    /// What is served now; may be older than `attempt`.
    pub delivered: Option<DeliveredAttempt>,
    pub edits: u64,
}

/// Where the newest attempt stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IngestPhase {
    /// Opened, and not begun.
    Pending,
    Started,
    Delivered,
    Failed(Failure),
}

/// The result of one attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveredAttempt {
    pub attempt: u32,
    pub delivered: Delivered,
}

/// What somebody wants of an asset.
#[derive(Debug, Clone)]
pub enum AssetCommand {
    /// PUT: registers an absent or deleted id; on a living asset only what differs changes.
    ///
    /// `defaults` fill in what a new asset does not say.
    Register {
        registration: Registration,
        defaults: Arc<AssetDefaults>,
    },
    /// PATCH.
    Change(AssetChange),
    /// Changes one of its lists, whatever that holds by then.
    ChangeList {
        list: AssetList,
        operation: ListOperation,
    },
    RequestReingest {
        batch: Option<BatchId>,
    },
    Delete,
    /// From the ingest process manager: opens the attempt that is due, or nothing.
    ///
    /// An attempt that has begun and has no result is taken for dead and the next one begins;
    /// the caller holds the lease that makes this true.
    StartIngest {
        generation: u32,
        now_us: i64,
    },
    ReportDelivered {
        generation: u32,
        attempt: u32,
        delivered: Delivered,
    },
    /// The next attempt, if any, follows from [`retry_policy`].
    ReportFailed {
        generation: u32,
        attempt: u32,
        code: IngestErrorCode,
        detail: String,
        now_us: i64,
    },
}

impl Asset {
    pub fn live(&self) -> Option<&LiveAsset> {
        match self {
            Self::Live(asset) => Some(asset),
            Self::Absent | Self::Deleted { .. } => None,
        }
    }
}

impl LiveAsset {
    /// Says whether an attempt is open: waiting, running, or waiting to be repeated.
    pub fn is_ingesting(&self) -> bool {
        match &self.ingest {
            IngestPhase::Pending | IngestPhase::Started => true,
            IngestPhase::Failed(failure) => failure.next_attempt_at_us.is_some(),
            IngestPhase::Delivered => false,
        }
    }

    fn next_attempt(&self) -> u32 {
        self.attempt.saturating_add(1)
    }

    fn awaits(&self, generation: u32, attempt: u32) -> bool {
        self.ingest == IngestPhase::Started
            && (self.generation, self.attempt) == (generation, attempt)
    }
}

impl Aggregate for Asset {
    const CATEGORY: &'static str = "asset";
    type Command = AssetCommand;
    type Event = AssetEvent;
    type Error = AssetError;

    fn handle(&self, command: AssetCommand) -> Result<Vec<AssetEvent>, AssetError> {
        use {Asset as State, AssetCommand as Do, AssetEvent as Then};
        Ok(match (self, command) {
            (State::Absent, Do::Register { registration, defaults }) => {
                vec![registered(1, registration, &defaults)?]
            }
            (State::Deleted { generation, .. }, Do::Register { registration, defaults }) => {
                vec![registered(generation.saturating_add(1), registration, &defaults)?]
            }
            (State::Live(asset), Do::Register { registration, .. }) => asset.put(registration)?,
            // Workers may be late, whatever became of the asset.
            (
                State::Absent | State::Deleted { .. },
                Do::StartIngest { .. } | Do::ReportDelivered { .. } | Do::ReportFailed { .. },
            ) => vec![],
            (State::Absent, _) => return Err(AssetError::NotRegistered),
            (State::Deleted { .. }, _) => return Err(AssetError::Deleted),
            (State::Live(asset), Do::Change(change)) => asset.changed(change)?,
            (State::Live(asset), Do::ChangeList { list, operation }) => {
                asset.changed(asset.with_list(list, operation))?
            }
            // A reingest while ingesting opens a new attempt: a dead worker blocks nobody.
            (State::Live(asset), Do::RequestReingest { batch }) => {
                vec![asset.reingested(batch, Queue::Default)]
            }
            (State::Live(asset), Do::Delete) => {
                vec![Then::Deleted(Deleted { generation: asset.generation })]
            }
            (State::Live(asset), Do::StartIngest { generation, now_us }) => {
                asset.started(generation, now_us).into_iter().collect()
            }
            (State::Live(asset), Do::ReportDelivered { generation, attempt, delivered }) => {
                let is_awaited = asset.awaits(generation, attempt);
                let event = Then::IngestDelivered(IngestDelivered { attempt, delivered });
                is_awaited.then_some(event).into_iter().collect()
            }
            (
                State::Live(asset),
                Do::ReportFailed { generation, attempt, code, detail, now_us },
            ) => {
                let is_awaited = asset.awaits(generation, attempt);
                let event = || asset.failed(code, detail, now_us);
                is_awaited.then(event).into_iter().collect()
            }
        })
    }

    fn apply(&mut self, event: &AssetEvent) {
        let edits = self.edit_revision();
        match (&mut *self, event) {
            (_, AssetEvent::Registered(it)) => *self = Self::born(it, edits.saturating_add(1)),
            (_, AssetEvent::Deleted(it)) => {
                let (generation, edits) = (it.generation, edits.saturating_add(1));
                *self = Self::Deleted { generation, edits };
            }
            (Self::Live(asset), event) => asset.apply(event),
            (Self::Absent | Self::Deleted { .. }, _) => {}
        }
    }

    fn makes_room(command: &AssetCommand) -> bool {
        matches!(command, AssetCommand::Delete)
    }

    fn edit_revision(&self) -> u64 {
        match self {
            Self::Absent => 0,
            Self::Live(asset) => asset.edits,
            Self::Deleted { edits, .. } => *edits,
        }
    }

    fn exists(&self) -> bool {
        matches!(self, Self::Live(_))
    }
}

fn registered(
    generation: u32,
    registration: Registration,
    defaults: &AssetDefaults,
) -> Result<AssetEvent, AssetError> {
    let delivery = registration.delivery.unwrap_or_else(|| defaults.delivery.clone());
    delivery.check().map_err(AssetError::InvalidDelivery)?;
    let unsaid = AssetMetadata { tags: defaults.tags.clone(), ..AssetMetadata::default() };
    let mut roles = defaults.roles.clone();
    registration.roles.apply_to(&mut roles);
    let mut recognise = defaults.recognise.clone();
    registration.recognise.apply_to(&mut recognise);
    let limits = registration.limits.applied_to(SizeLimits::default());
    limits.check().map_err(AssetError::InvalidLimits)?;
    Ok(AssetEvent::Registered(Registered {
        generation,
        attempt: 1,
        source: registration.source,
        media_type: registration.media_type,
        metadata: registration.metadata.applied_to(unsaid),
        roles,
        delivery,
        recognise,
        limits,
        batch: registration.batch,
        queue: registration.queue,
    }))
}

impl LiveAsset {
    /// PUT on a living asset: only what differs is an event.
    ///
    /// Exactly one event names the batch, so that its members can be counted. The media type alone
    /// changes nothing: the bytes decide.
    fn put(&self, registration: Registration) -> Result<Vec<AssetEvent>, AssetError> {
        let Registration {
            source,
            media_type,
            metadata,
            roles,
            delivery,
            recognise,
            limits,
            batch,
            queue,
        } = registration;
        let is_new_source = source != self.source;
        // The same upload once more is how a client repeats what failed.
        let is_repeat = matches!(source, Source::Upload { .. })
            && matches!(self.ingest, IngestPhase::Failed(_));
        let joins_batch = batch.is_some() && batch != self.batch;
        let change = AssetChange { metadata, roles, source: None, delivery, recognise, limits };
        let mut events = self.changed(change)?;
        if is_new_source {
            let attempt = self.next_attempt();
            let changed = OriginChanged { source, media_type, attempt, batch, queue };
            events.insert(0, AssetEvent::OriginChanged(changed));
        } else if is_repeat || joins_batch {
            events.push(self.reingested(batch, queue));
        }
        Ok(events)
    }

    fn changed(&self, change: AssetChange) -> Result<Vec<AssetEvent>, AssetError> {
        let attempt = self.next_attempt();
        let mut events = Vec::new();
        if let Some(source) = change.source.filter(|it| *it != self.source) {
            let queue = Queue::Default;
            let changed = OriginChanged { source, media_type: None, attempt, batch: None, queue };
            events.push(AssetEvent::OriginChanged(changed));
        }
        let metadata = change.metadata.against(&self.metadata);
        if !metadata.is_empty() {
            events.push(AssetEvent::MetadataChanged(metadata));
        }
        if let Some(roles) = change.roles.against(&self.roles).value() {
            events.push(AssetEvent::AccessChanged(AccessChanged { roles }));
        }
        if let Some(languages) = change.recognise.against(&self.recognise).value() {
            events.push(AssetEvent::RecognitionChanged(RecognitionChanged { languages }));
        }
        let limits = change.limits.applied_to(self.limits);
        if limits != self.limits {
            limits.check().map_err(AssetError::InvalidLimits)?;
            events.push(AssetEvent::LimitsChanged(limits));
        }
        if let Some(delivery) = change.delivery.filter(|it| *it != self.delivery) {
            delivery.check().map_err(AssetError::InvalidDelivery)?;
            events.push(AssetEvent::DeliveryChanged(DeliveryChanged { delivery, attempt }));
        }
        Ok(events)
    }

    fn with_list(&self, list: AssetList, operation: ListOperation) -> AssetChange {
        match list {
            AssetList::Tags => {
                let tags = Patch::Set(operation.applied_to(&self.metadata.tags));
                let metadata = MetadataPatch { tags, ..MetadataPatch::default() };
                AssetChange { metadata, ..AssetChange::default() }
            }
            AssetList::Roles => {
                let roles = Patch::Set(operation.applied_to(&self.roles));
                AssetChange { roles, ..AssetChange::default() }
            }
        }
    }

    fn reingested(&self, batch: Option<BatchId>, queue: Queue) -> AssetEvent {
        let attempt = self.next_attempt();
        AssetEvent::ReingestRequested(ReingestRequested { attempt, batch, queue })
    }

    fn started(&self, generation: u32, now_us: i64) -> Option<AssetEvent> {
        if generation != self.generation {
            return None;
        }
        let attempt = match &self.ingest {
            IngestPhase::Pending => self.attempt,
            IngestPhase::Started if self.tries >= TRIES_MAX => return Some(self.given_up()),
            IngestPhase::Started => self.next_attempt(),
            IngestPhase::Failed(failure) if failure.is_due(now_us) => self.next_attempt(),
            IngestPhase::Failed(_) | IngestPhase::Delivered => return None,
        };
        Some(AssetEvent::IngestStarted(IngestStarted { attempt }))
    }

    fn given_up(&self) -> AssetEvent {
        let failure = Failure::given_up("the work on the image", self.tries);
        AssetEvent::IngestFailed(IngestFailed { attempt: self.attempt, failure })
    }

    fn failed(&self, code: IngestErrorCode, detail: String, now_us: i64) -> AssetEvent {
        let failure = Failure::of_try(code, detail, self.tries, now_us);
        AssetEvent::IngestFailed(IngestFailed { attempt: self.attempt, failure })
    }

    fn apply(&mut self, event: &AssetEvent) {
        match event {
            AssetEvent::OriginChanged(it) => {
                self.source = it.source.clone();
                self.media_type.clone_from(&it.media_type);
                self.open(it.attempt, it.batch);
            }
            AssetEvent::MetadataChanged(it) => {
                self.metadata = it.applied_to(std::mem::take(&mut self.metadata));
            }
            AssetEvent::AccessChanged(it) => self.roles.clone_from(&it.roles),
            AssetEvent::RecognitionChanged(it) => self.recognise.clone_from(&it.languages),
            AssetEvent::LimitsChanged(it) => self.limits = *it,
            AssetEvent::DeliveryChanged(it) => {
                self.delivery = it.delivery.clone();
                self.open(it.attempt, None);
            }
            AssetEvent::ReingestRequested(it) => self.open(it.attempt, it.batch),
            AssetEvent::IngestStarted(it) => {
                self.attempt = it.attempt;
                self.ingest = IngestPhase::Started;
                self.tries = self.tries.saturating_add(1);
            }
            AssetEvent::IngestDelivered(it) => {
                self.ingest = IngestPhase::Delivered;
                let (attempt, delivered) = (it.attempt, it.delivered.clone());
                self.delivered = Some(DeliveredAttempt { attempt, delivered });
            }
            AssetEvent::IngestFailed(it) => self.ingest = IngestPhase::Failed(it.failure.clone()),
            // They begin and end a life, and are folded above.
            AssetEvent::Registered(_) | AssetEvent::Deleted(_) => {}
        }
        if event.is_edit() {
            self.edits = self.edits.saturating_add(1);
        }
    }

    fn open(&mut self, attempt: u32, batch: Option<BatchId>) {
        self.attempt = attempt;
        self.ingest = IngestPhase::Pending;
        self.tries = 0;
        self.batch = batch.or(self.batch);
    }
}

impl Asset {
    fn born(registered: &Registered, edits: u64) -> Self {
        let it = registered.clone();
        Self::Live(Box::new(LiveAsset {
            generation: it.generation,
            attempt: it.attempt,
            source: it.source,
            media_type: it.media_type,
            metadata: it.metadata,
            roles: it.roles,
            delivery: it.delivery,
            recognise: it.recognise,
            limits: it.limits,
            batch: it.batch,
            ingest: IngestPhase::Pending,
            tries: 0,
            delivered: None,
            edits,
        }))
    }
}
