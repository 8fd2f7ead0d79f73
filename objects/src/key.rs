//! Where each kind of blob lives. The one place that makes keys.
//!
//! - `originals/sha256/ab/abcd…`: bytes as they were fetched or uploaded.
//! - `documents/sha256/ab/abcd…`: manifests and other documents of clients.
//! - `texts/sha256/ab/abcd…`: layouts of pages: blocks, lines, words and their places.
//! - `records/sha256/ab/abcd…`: what a search index is fed with, one for each text.
//! - `imports/sha256/ab/abcd…`: files from which texts were imported, as they came.
//! - `derivatives/ab/abcd…/{generation}-{attempt}`: pyramid of an asset; the directory is the
//!   SHA-256 of the asset's id, since an id is a key and never a path.

use crate::digest::Digest;
use std::fmt;

/// Names a blob: ASCII letters, digits, `-`, `.` and `/`, never `..`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectKey(String);

impl ObjectKey {
    /// Returns the key of an original.
    pub fn original(digest: &Digest) -> Self {
        Self::by_digest("originals", digest)
    }

    /// Returns the key of a document.
    pub fn document(digest: &Digest) -> Self {
        Self::by_digest("documents", digest)
    }

    /// Returns the key of a page's layout.
    pub fn text(digest: &Digest) -> Self {
        Self::by_digest("texts", digest)
    }

    /// Returns the key of a page's record for search.
    pub fn record(digest: &Digest) -> Self {
        Self::by_digest("records", digest)
    }

    /// Returns the key of a file that a text was imported from.
    pub fn imported_text(digest: &Digest) -> Self {
        Self::by_digest("imports", digest)
    }

    /// Returns the key of the derivative that one attempt made.
    ///
    /// `asset` is the whole id, for example `1/2/page-7`.
    pub fn derivative(asset: &str, generation: u32, attempt: u32) -> Self {
        let name = Digest::of(asset.as_bytes()).to_string();
        Self(format!("derivatives/{}/{name}/{generation}-{attempt}", &name[..2]))
    }

    fn by_digest(kind: &str, digest: &Digest) -> Self {
        let name = digest.to_string();
        Self(format!("{kind}/sha256/{}/{name}", &name[..2]))
    }

    /// Says whether it names a derivative, which is read piece by piece.
    pub fn is_derivative(&self) -> bool {
        self.0.starts_with("derivatives/")
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
