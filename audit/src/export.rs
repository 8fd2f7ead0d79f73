//! The file that an auditor gets: lines of JSON, each in one spelling only, so that no byte of it can
//! change unseen.
//!
//! In this order: the header; events, and behind the last event of each tile the tiles that are whole
//! by then; tiles that are not; blobs that events name, if they were wished for; digests of the read
//! models; the verifier key; the checkpoint, which
//! is of all events in the file; and a seal: a signed note of the SHA-256 over all lines before it.

mod content;
mod verify;

pub use content::{Content, Recorded};
pub use verify::{Finding, Verified, Verifier};

use crate::leaf::Leaf;
use crate::note::SigningKey;
use crate::tiles::{Tile, Tiler};
use crate::tree::{Hash, Tree};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::io::{self, Write};

/// Version of the form of the file.
const VERSION: u32 = 1;

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "snake_case", deny_unknown_fields)]
enum Line<'a> {
    Header {
        version: u32,
        /// Program and version that wrote it.
        program: Cow<'a, str>,
    },
    Event(Event<'a>),
    Tile {
        path: Cow<'a, str>,
        /// Hashes, one behind the other, in base64.
        hashes: Cow<'a, str>,
    },
    Blob {
        /// Ends with the SHA-256 of the bytes.
        key: Cow<'a, str>,
        /// In base64.
        bytes: Cow<'a, str>,
    },
    Dump {
        projection: Cow<'a, str>,
        version: u32,
        position: u64,
        digest: Cow<'a, str>,
    },
    Key {
        key: Cow<'a, str>,
    },
    Checkpoint {
        note: Cow<'a, str>,
    },
    Seal {
        note: Cow<'a, str>,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Event<'a> {
    index: u64,
    position: u64,
    event_id: Cow<'a, str>,
    stream: Cow<'a, str>,
    revision: u64,
    #[serde(rename = "type")]
    type_name: Cow<'a, str>,
    schema_version: u32,
    recorded_at_us: i64,
    /// The bytes as they were written: JSON text.
    payload: Cow<'a, str>,
    metadata: Cow<'a, str>,
}

/// What a read model holds, summed up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dump {
    pub projection: String,
    pub version: u32,
    pub position: u64,
    /// SHA-256 in hexadecimal.
    pub digest: String,
}

/// Writes an export, event by event.
pub struct Exporter<W> {
    out: Digesting<W>,
    tree: Tree,
    tiler: Tiler,
}

impl<W: Write> Exporter<W> {
    /// Begins a file.
    pub fn new(out: W, program: &str) -> io::Result<Self> {
        let mut out = Digesting { out, digest: Sha256::new() };
        write(&mut out, &Line::Header { version: VERSION, program: program.into() })?;
        Ok(Self { out, tree: Tree::default(), tiler: Tiler::default() })
    }

    /// Returns how many events there are, and the root over them.
    pub fn tree(&self) -> (u64, Hash) {
        (self.tree.size(), self.tree.root())
    }

    /// Adds the next event. Its index is the number of those before it; payload and metadata are text.
    pub fn event(&mut self, leaf: &Leaf<'_>) -> io::Result<()> {
        let text = |bytes| std::str::from_utf8(bytes).map_err(io::Error::other);
        let event = Event {
            index: leaf.index,
            position: leaf.position,
            event_id: leaf.event_id.into(),
            stream: leaf.stream.into(),
            revision: leaf.revision,
            type_name: leaf.type_name.into(),
            schema_version: leaf.schema_version,
            recorded_at_us: leaf.recorded_at_us,
            payload: text(leaf.payload)?.into(),
            metadata: text(leaf.metadata)?.into(),
        };
        write(&mut self.out, &Line::Event(event))?;
        let hash = leaf.hash();
        self.tree.push(hash);
        for tile in self.tiler.push(hash) {
            write_tile(&mut self.out, &tile)?;
        }
        Ok(())
    }

    /// Adds a blob, behind all events. Its key ends with its SHA-256; keys come in their order.
    pub fn blob(&mut self, key: &str, bytes: &[u8]) -> io::Result<()> {
        self.end_tiles()?;
        let bytes = STANDARD.encode(bytes).into();
        write(&mut self.out, &Line::Blob { key: key.into(), bytes })
    }

    /// Writes tiles that are not whole, once.
    fn end_tiles(&mut self) -> io::Result<()> {
        for tile in std::mem::take(&mut self.tiler).finish() {
            write_tile(&mut self.out, &tile)?;
        }
        Ok(())
    }

    /// Ends the file: `key` signs the checkpoint of [`Exporter::tree`], and all that was written.
    pub fn finish(mut self, dumps: &[Dump], key: &SigningKey) -> io::Result<W> {
        self.end_tiles()?;
        for dump in dumps {
            let line = Line::Dump {
                projection: dump.projection.as_str().into(),
                version: dump.version,
                position: dump.position,
                digest: dump.digest.as_str().into(),
            };
            write(&mut self.out, &line)?;
        }
        let (size, root) = self.tree();
        write(&mut self.out, &Line::Key { key: key.verifier().to_string().into() })?;
        write(&mut self.out, &Line::Checkpoint { note: key.sign(size, root).into() })?;
        let note = key.sign_text(&sealed(self.out.digest.clone()));
        write(&mut self.out, &Line::Seal { note: note.into() })?;
        self.out.flush()?;
        Ok(self.out.out)
    }
}

/// Passes on what is written, and sums it up.
struct Digesting<W> {
    out: W,
    digest: Sha256,
}

impl<W: Write> Write for Digesting<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.digest.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Returns the text of a seal.
fn sealed(lines: Sha256) -> String {
    format!("dlcs.io/audit-export/v{VERSION}\n{}\n", hex::encode(lines.finalize()))
}

fn write_tile(out: &mut impl Write, tile: &Tile) -> io::Result<()> {
    let (path, hashes) = (tile.path().into(), STANDARD.encode(tile.bytes()).into());
    write(out, &Line::Tile { path, hashes })
}

fn write(out: &mut impl Write, line: &Line<'_>) -> io::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    out.write_all(b"\n")
}

#[cfg(test)]
mod tests;
