//! The text of images: documents in every format, imports, corrections, requests for recognition.
//!
//! Text is guarded by the rule of its image's pixels.

pub(crate) mod annotations;
pub(crate) mod documents;
pub(crate) mod manifests;
pub(crate) mod recognition;
pub(crate) mod writing;

pub(crate) mod found;
mod resource;

pub(crate) use found::{plain_text_of, text_path};
