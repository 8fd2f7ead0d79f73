//! What happens to an asset.

use super::values::{
    AssetMetadata, Delivered, Delivery, Failure, MetadataPatch, SizeLimits, Source,
};
use crate::batch::Queue;
use crate::ids::BatchId;
use crate::languages::Languages;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum AssetEvent {
    Registered(Registered),
    /// Opens attempt `attempt`.
    OriginChanged(OriginChanged),
    MetadataChanged(MetadataPatch),
    AccessChanged(AccessChanged),
    /// Holds for what is delivered from now on.
    RecognitionChanged(RecognitionChanged),
    /// Holds at once: what is made of the image stays as it is.
    LimitsChanged(SizeLimits),
    /// Opens attempt `attempt`, since other derivatives are needed.
    DeliveryChanged(DeliveryChanged),
    /// Opens attempt `attempt`.
    ReingestRequested(ReingestRequested),
    /// Attempt `attempt` begins; also a retry that nobody asked for opens here.
    IngestStarted(IngestStarted),
    IngestDelivered(IngestDelivered),
    IngestFailed(IngestFailed),
    Deleted(Deleted),
}

impl AssetEvent {
    /// Says whether a client caused it, rather than a worker.
    pub fn is_edit(&self) -> bool {
        !matches!(self, Self::IngestStarted(_) | Self::IngestDelivered(_) | Self::IngestFailed(_))
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registered {
    /// From 1 on.
    pub generation: u32,
    /// Always 1: of this generation.
    pub attempt: u32,
    pub source: Source,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub media_type: Option<String>,
    #[serde(default)]
    pub metadata: AssetMetadata,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub roles: Vec<String>,
    pub delivery: Delivery,
    /// Languages in which its pages are recognised by themselves.
    #[serde(skip_serializing_if = "Languages::is_empty", default)]
    pub recognise: Languages,
    #[serde(skip_serializing_if = "SizeLimits::is_default", default)]
    pub limits: SizeLimits,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub batch: Option<BatchId>,
    /// Where its work waits.
    #[serde(skip_serializing_if = "Queue::is_default", default)]
    pub queue: Queue,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OriginChanged {
    pub source: Source,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub media_type: Option<String>,
    pub attempt: u32,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub batch: Option<BatchId>,
    /// Where its work waits.
    #[serde(skip_serializing_if = "Queue::is_default", default)]
    pub queue: Queue,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessChanged {
    pub roles: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecognitionChanged {
    /// None: no longer.
    pub languages: Languages,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryChanged {
    pub delivery: Delivery,
    pub attempt: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReingestRequested {
    pub attempt: u32,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub batch: Option<BatchId>,
    /// Where its work waits.
    #[serde(skip_serializing_if = "Queue::is_default", default)]
    pub queue: Queue,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IngestStarted {
    pub attempt: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IngestDelivered {
    pub attempt: u32,
    #[serde(flatten)]
    pub delivered: Delivered,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IngestFailed {
    pub attempt: u32,
    #[serde(flatten)]
    pub failure: Failure,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deleted {
    pub generation: u32,
}
