//! What may happen: aggregates, commands, events, the access decision.
//!
//! Pure and synchronous: no clock, no random source, no IO, no HTTP, no SQL.

pub mod access;
pub mod aggregate;
pub mod annotation;
pub mod api_key;
pub mod asset;
pub mod batch;
pub mod collection;
pub mod container;
pub mod customer;
pub mod definition;
pub mod directory;
pub mod ids;
pub mod label;
pub mod languages;
pub mod manifest;
pub mod metadata;
pub mod name;
pub mod named_query;
pub mod names;
pub mod patch;
pub mod place;
pub mod space;
pub mod transcription;
pub mod wire;

#[cfg(test)]
mod given;
#[cfg(test)]
mod properties;

pub use aggregate::Aggregate;
pub use ids::{
    ActorId, AnnotationId, ApiKeyId, AssetId, BatchId, BlobRef, CollectionId, ContainerId,
    CustomerId, DefinitionId, ManifestId, NameKey, NamedQueryId, SpaceId, SpaceNumber,
};
pub use label::Label;
pub use languages::{Languages, LanguagesError};
pub use metadata::EventMetadata;
pub use patch::Patch;
pub use place::{Place, PlacePatch};
pub use wire::{DomainEvent, WireError};
