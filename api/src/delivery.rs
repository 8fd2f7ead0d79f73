//! What the world sees: pixels, descriptions, manifests, originals.
//!
//! Access is decided before anything else is told of a resource, a 304 included.

pub(crate) mod activity;
pub(crate) mod address;
pub(crate) mod asset;
pub(crate) mod caching;
pub(crate) mod canvases;
pub(crate) mod collections;
mod custom_headers;
pub(crate) mod files;
pub(crate) mod images;
pub(crate) mod info;
pub(crate) mod manifests;
pub(crate) mod named;
mod prepared;
mod rendered;
pub(crate) mod stored;
pub(crate) mod thumbs;

pub use custom_headers::CustomHeaders;
pub use prepared::PreparedAnswers;
pub use rendered::RenderedManifests;
