//! Management: the resource model of DLCS as Hydra JSON-LD (CONTRACT 3).

pub(crate) mod audit_trail;
pub(crate) mod batches;
pub(crate) mod bulk;
mod collection_body;
pub(crate) mod collections;
pub(crate) mod content;
pub(crate) mod customers;
pub(crate) mod definitions;
pub(crate) mod image_body;
pub(crate) mod images;
pub(crate) mod json_ld;
pub(crate) mod keys;
pub(crate) mod listing;
pub(crate) mod manifest_body;
pub(crate) mod manifest_edits;
pub(crate) mod manifests;
pub(crate) mod named_queries;
pub(crate) mod ndjson;
pub(crate) mod place;
pub(crate) mod queue;
pub(crate) mod spaces;
pub(crate) mod storage;
pub(crate) mod write;
