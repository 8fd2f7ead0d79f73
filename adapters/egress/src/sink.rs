//! Where fetched bytes go: into a file, counted, capped and digested on the way.

use dlcs_ingest::{Fetched, OriginError};
use dlcs_objects::Digest;
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::path::Path;

/// Bytes that are collected before they are digested and written at once.
pub(crate) const CHUNK_BYTES: usize = 1024 * 1024;

/// A file being filled. Blocking: used on threads that may block.
pub(crate) struct Sink {
    file: File,
    sha256: Sha256,
    length_bytes: u64,
    length_bytes_max: u64,
}

impl Sink {
    /// Opens the existing file `into`, whose content is replaced.
    pub(crate) fn open(into: &Path, length_bytes_max: u64) -> Result<Self, OriginError> {
        let file = File::options().write(true).truncate(true).open(into).map_err(of_storing)?;
        Ok(Self { file, sha256: Sha256::new(), length_bytes: 0, length_bytes_max })
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), OriginError> {
        self.length_bytes += bytes.len() as u64;
        if self.length_bytes > self.length_bytes_max {
            return Err(TOO_LARGE);
        }
        self.sha256.update(bytes);
        self.file.write_all(bytes).map_err(of_storing)
    }

    /// Takes everything that `source` has.
    pub(crate) fn write_all_of(&mut self, source: &mut impl Read) -> Result<(), OriginError> {
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            match source.read(&mut chunk) {
                Ok(0) => return Ok(()),
                Ok(length) => self.write(&chunk[..length])?,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Err(OriginError::Unreachable("the file cannot be read")),
            }
        }
    }

    pub(crate) fn finish(self, media_type_hint: Option<String>) -> Fetched {
        let sha256 = Digest(self.sha256.finalize().into());
        Fetched { length_bytes: self.length_bytes, sha256, media_type_hint }
    }
}

pub(crate) const TOO_LARGE: OriginError =
    OriginError::TooLarge("the image has more bytes than are accepted");

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn of_storing(error: std::io::Error) -> OriginError {
    tracing::error!(%error, "a fetched original cannot be written");
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => OriginError::StorageFull,
        _ => OriginError::Internal,
    }
}
