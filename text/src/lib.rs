//! Page text: the layout model, the formats it comes and goes in, tokens, and the recogniser port.
//!
//! Not here: HTTP, SQL, an event log, a recognition engine, IIIF documents (`iiif` prints those from
//! the neutral lines and words of this crate).

pub mod layout;
pub mod recogniser;

pub use layout::{Block, Hyphen, Line, PageLayout, Rect, Word};
