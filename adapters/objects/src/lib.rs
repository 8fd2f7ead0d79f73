//! Blobs in a folder, and the lock of the data folder.
//!
//! - A blob is written beside its place, synced, and renamed into it; then the directory is
//!   synced. So it is there whole or not at all, and `Ok` survives power loss.
//! - A tile of a blob in use is one positioned read: handles are kept open.

pub mod archive;
mod data_lock;
mod disk;
mod files;
mod folder;
mod handles;
mod temporary;

pub use data_lock::{DataLock, LockError};
pub use disk::DiskWatch;
pub use folder::FolderObjects;
