//! Objects one after the other, and the table of where each begins.

use flate2::Compression;
use flate2::write::ZlibEncoder;
use pdf_writer::{Chunk, Filter, Ref, Settings, Stream};
use std::io::Write;

/// The second line tells programs that the file is not text.
const HEADER: &[u8] = b"%PDF-1.7\n%\xE2\xE3\xCF\xD3\n";

/// What is written and has not been taken yet, and what is known of the rest.
#[derive(Debug)]
pub(super) struct Body {
    out: Vec<u8>,
    /// Bytes that were taken.
    taken: u64,
    /// Where objects begin, the first one's number being 1.
    offsets: Vec<u64>,
}

impl Default for Body {
    fn default() -> Self {
        Self { out: HEADER.to_vec(), taken: 0, offsets: Vec::new() }
    }
}

impl Body {
    /// Returns the number of an object that is going to be written.
    pub(super) fn reserve(&mut self) -> Ref {
        self.offsets.push(0);
        Ref::new(self.offsets.len() as i32)
    }

    /// Writes the one object of this number.
    pub(super) fn object(&mut self, id: Ref, write: impl FnOnce(&mut Chunk)) {
        let mut chunk = Chunk::with_settings(Settings { pretty: false });
        write(&mut chunk);
        debug_assert_eq!(chunk.refs().len(), 1, "one object at a time");
        self.offsets[id.get() as usize - 1] = self.taken + self.out.len() as u64;
        self.out.extend_from_slice(chunk.as_bytes());
    }

    /// Writes a stream, compressed.
    pub(super) fn compressed(
        &mut self,
        id: Ref,
        bytes: &[u8],
        describe: impl FnOnce(&mut Stream<'_>),
    ) {
        let compressed = deflated(bytes);
        self.object(id, |chunk| {
            let mut stream = chunk.stream(id, &compressed);
            stream.filter(Filter::FlateDecode);
            describe(&mut stream);
        });
    }

    /// Hands out what was written.
    pub(super) fn take(&mut self) -> Vec<u8> {
        self.taken += self.out.len() as u64;
        std::mem::take(&mut self.out)
    }

    /// Writes the table of objects and the trailer.
    pub(super) fn finish(mut self, catalog: Ref, information: Ref) -> Vec<u8> {
        let start = self.taken + self.out.len() as u64;
        let size = self.offsets.len() + 1;
        let mut table = format!("xref\n0 {size}\n0000000000 65535 f \n");
        for offset in &self.offsets {
            debug_assert!(*offset > 0, "what is reserved is written");
            table.push_str(&format!("{offset:010} 00000 n \n"));
        }
        let (catalog, information) = (catalog.get(), information.get());
        table.push_str(&format!(
            "trailer\n<</Size {size}/Root {catalog} 0 R/Info {information} 0 R>>\n\
             startxref\n{start}\n%%EOF\n"
        ));
        self.out.extend_from_slice(table.as_bytes());
        self.out
    }
}

pub(super) fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("a vector takes all");
    encoder.finish().expect("a vector takes all")
}
