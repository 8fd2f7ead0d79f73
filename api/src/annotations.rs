//! `/annotations/{w3c|oa}/{c}/…`: the Web Annotation Protocol, and the same as Open Annotation.
//!
//! - `containers`: containers, and annotations created in them.
//! - `single`: one annotation.
//! - `questions`: annotations of a customer by what they are about, why, by whom and when; this is
//!   also what the canvases of manifests lead to.
//! - `documents`: bodies in and out. `headers`: what every answer carries. `preferences`: `Prefer`.

pub(crate) mod containers;
mod documents;
mod headers;
mod preferences;
pub(crate) mod questions;
pub(crate) mod single;

pub use documents::AnnotationDocuments;
pub(crate) use documents::Vocabulary;
pub(crate) use questions::Annotations;
use questions::relative;
