//! What may happen: aggregates, commands, events, the access decision.
//!
//! Pure and synchronous: no clock, no random source, no IO, no HTTP, no SQL.

pub mod access;
pub mod aggregate;
pub mod annotation;
pub mod asset;
pub mod batch;
pub mod container;
pub mod customer;
pub mod directory;
pub mod ids;
pub mod languages;
pub mod manifest;
pub mod metadata;
pub mod name;
pub mod named_query;
pub mod names;
pub mod patch;
pub mod space;
pub mod transcription;
pub mod wire;

#[cfg(test)]
mod given;
#[cfg(test)]
mod properties;

pub use aggregate::Aggregate;
pub use ids::{
    ActorId, AnnotationId, AssetId, BatchId, BlobRef, ContainerId, CustomerId, ManifestId, NameKey,
    NamedQueryId, SpaceId, SpaceNumber,
};
pub use languages::{Languages, LanguagesError};
pub use metadata::EventMetadata;
pub use patch::Patch;
pub use wire::{DomainEvent, WireError};
