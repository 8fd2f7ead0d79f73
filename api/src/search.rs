//! Content Search and autocomplete: within an asset, a manifest, a collection, a space, and a
//! customer's whole collection, as versions 2.0 and 1.0.
//!
//! Who may find what is part of the search itself; nothing is filtered here.

pub(crate) mod results;
pub(crate) mod terms;

mod canvases;
mod collections;
mod request;
