//! What the targets assert, one module for a kind of input.

pub mod annotations;
pub mod images;
pub mod manifests;
pub mod search;
pub mod text_formats;
