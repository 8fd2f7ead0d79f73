//! Recognition with Tesseract, behind the recogniser port of `dlcs-text`.
//!
//! - Page segmentation is automatic, as with the `tesseract` program.
//! - An engine keeps its models loaded from page to page; of several sets of languages the last few.
//! - A language is a file of the folder of models and nothing else: no name reaches the library that
//!   is not such a file's.
//!
//! Set `OMP_THREAD_LIMIT=1` in the environment of the process before it starts. OpenMP reads it when
//! it is loaded, and without it threads spin for each other.

mod engine;
mod models;
mod tsv;

pub use engine::{Tesseract, TesseractSettings, library_version};
pub use models::{LanguageName, ModelError, ModelFolder};
