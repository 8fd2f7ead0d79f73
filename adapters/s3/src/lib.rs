//! Blobs on storage that speaks S3: Amazon's, or a server of one's own.
//!
//! - A blob is one object; what is large goes up in parts and appears when the last one is there.
//!   So it is there whole or not at all, and `Ok` is the store's own promise.
//! - What may pass (no answer, 5xx) is tried again for some seconds, then told apart from what will not.
//! - Derivatives are read in blocks, which are kept on the local disk up to a bound.

mod blocks;
mod errors;
mod read;
mod settings;
mod slab;
mod store;
mod upload;

#[cfg(feature = "conformance")]
pub mod testing;

pub use settings::{Credentials, Patience, S3Settings, Secret};
pub use store::S3Objects;
