//! The blob port: originals, documents and derivatives by key, with ranged reads.
//!
//! Not here: a technology, and any knowledge of images.

pub mod digest;
pub mod key;
pub mod memory;
pub mod store;

#[cfg(feature = "conformance")]
pub mod conformance;

pub use digest::Digest;
pub use key::ObjectKey;
pub use store::{LocalFile, ObjectError, Objects, Staged, verified};
