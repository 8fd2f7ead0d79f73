//! Markup in and out: XML, tag soup, character encodings, all with limits before anything is kept.
//!
//! Nothing here follows an address, expands a declared entity or reads a second file.

pub(crate) mod decode;
pub(crate) mod soup;
pub(crate) mod write;
pub(crate) mod xml;

/// Of a file.
pub const BYTES_MAX: usize = 64 << 20;
/// Elements within elements.
pub const DEPTH_MAX: usize = 256;
/// Of one element.
pub const ATTRIBUTES_MAX: usize = 256;
/// Tags, texts, comments, references.
pub const NODES_MAX: usize = 5_000_000;
/// Of one page; the densest newspaper pages have about 30,000.
pub const WORDS_MAX: usize = 200_000;
/// Of one word. Scripts without spaces give a whole line as one word.
pub const WORD_BYTES_MAX: usize = 4_096;
/// Width or height of a page.
pub const SIDE_PX_MAX: u32 = 1_000_000;
