//! The read side: projectors, read models, query traits, and the runner that feeds them.
//!
//! Not here: HTTP, a concrete database. One file per question: row, projector, query trait.

pub mod activities;
pub mod annotations;
pub mod api_keys;
pub mod as_of;
pub mod assets;
pub mod audit_trail;
pub mod audit_tree;
pub mod batches;
pub mod customers;
pub mod history;
pub mod manifests;
pub mod named_queries;
pub mod page_text;
pub mod paging;
pub mod search;
pub mod spaces;
pub mod tile_metadata;

pub mod cloud_events;
pub mod definitions;
pub mod dump;
pub mod feed;
pub mod freshness;
pub mod memory;
pub mod named_blobs;
pub mod projection;
pub mod queues;
pub mod read_store;
pub mod replay;
pub mod runner;
pub mod scope;
pub mod streams;

#[cfg(feature = "conformance")]
pub mod conformance;

pub use dlcs_eventlog::{EventId, Position, RecordedEvent, StreamId, StreamRevision};
pub use paging::{Cursor, Page, PageRequest, QueryError};

use std::sync::Arc;

/// Every question that can be asked, each answered by one read model.
#[derive(Clone)]
pub struct Queries {
    pub customers: Arc<dyn customers::Customers>,
    pub spaces: Arc<dyn spaces::Spaces>,
    pub assets: Arc<dyn assets::Assets>,
    pub batches: Arc<dyn batches::Batches>,
    pub manifests: Arc<dyn manifests::Manifests>,
    pub named_queries: Arc<dyn named_queries::NamedQueries>,
    pub api_keys: Arc<dyn api_keys::ApiKeys>,
    pub definitions: Arc<dyn definitions::Definitions>,
    pub annotations: Arc<dyn annotations::Annotations>,
    pub activities: Arc<dyn activities::Activities>,
    pub page_texts: Arc<dyn page_text::PageTexts>,
    pub tile_metadata: Arc<dyn tile_metadata::TileMetadata>,
    pub audit_trail: Arc<dyn audit_trail::AuditTrail>,
    pub audit_tree: Arc<dyn audit_tree::AuditTree>,
    pub history: Arc<dyn history::History>,
    pub freshness: freshness::Freshness,
}
