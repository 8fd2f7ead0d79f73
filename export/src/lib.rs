//! A book as one file: PDF with the recognised text behind its pages, zip with its pictures.
//!
//! - Pure: both writers hand out their bytes piece by piece, one page at a time, and whoever calls them
//!   sends each piece before the next is made. What is kept of a page is a few numbers and its label.
//! - No clock and no chance: the same input gives the same bytes.
//!
//! Not here: HTTP, who may see what, where pictures come from, a codec. JPEGs are passed through.

pub mod jpeg;
pub mod pdf;
pub mod zip;

/// Goes into the ETag of what was written: to be raised when the same input gives other bytes.
pub const WRITER_VERSION: u32 = 1;
