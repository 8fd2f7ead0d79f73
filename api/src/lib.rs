//! HTTP: management, IIIF delivery, pages and documentation, from one table of routes.
//!
//! Not here: SQL, the event log, a codec, a decision about what may happen.
//!
//! - [`router`](mod@router): the one table of routes, and what is laid around them.
//! - [`access`]: who asks, and may they?
//! - [`error`]: the one mapping from failures to answers.
//! - `management`: customers, spaces, images, queues, stored manifests.
//! - `delivery`: image requests, info.json, thumbnails, manifests, originals.
//! - `annotations`: the Web Annotation Protocol, and the same as Open Annotation.
//! - `text`: recognised and imported text, corrections, transcriptions.
//! - `export`: PDF and zip.
//! - `search`: Content Search and autocomplete.
//! - `auth`: IIIF Auth: how readers get in.
//! - `audit`: the public part of the audit log.
//! - `memento`: what resources were.
//! - `service`: health, entry point, documentation, pages.

pub mod access;
pub mod error;
pub mod router;
pub mod state;

mod annotations;
mod audit;
mod auth;
mod delivery;
mod export;
mod http;
mod management;
mod memento;
mod openapi;
mod search;
mod service;
mod text;

pub use access::{AdminKey, Credentials};
pub use annotations::AnnotationDocuments;
pub use audit::{AuditRefused, AuditSigner};
pub use auth::{ClientAddress, Readers, Tries};
pub use delivery::stored::PaintedNames;
pub use delivery::{CustomHeaders, PreparedAnswers, RenderedManifests};
pub use error::Problem;
pub use export::ExportTurns;
pub use management::manifests::{
    CanvasOutline, canvases as manifest_canvases, members as manifest_members,
};
pub use router::{reserved_segments, router};
pub use service::pages::{are_built_in as pages_are_built_in, graphiql as graphiql_page};
pub use state::{ApiLimits, ApiState, OriginCheck, OriginRefused, PublicUrl, Readiness};

#[cfg(test)]
mod tests;
