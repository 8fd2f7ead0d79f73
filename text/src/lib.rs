//! Page text: the layout model, the formats it comes and goes in, tokens, and the recogniser port.
//!
//! Not here: HTTP, SQL, an event log, a recognition engine, IIIF documents (`iiif` prints those from
//! the neutral lines and words of this crate).

pub mod geometry;
pub mod layout;
pub mod recogniser;

pub mod alto;
pub mod hocr;
pub mod hyphens;
pub mod language;
pub mod mets;
pub mod page_xml;
pub mod plain;
pub mod provenance;
pub mod read_error;

mod draft;
pub mod markup;

pub mod analysis;
pub mod hyphenation;
pub mod locate;
pub mod query;
pub mod record;

pub mod edit;
pub mod stored;

pub use geometry::PageSize;
pub use hyphens::resolve_hyphens;
pub use layout::{Block, Hyphen, Line, PageLayout, Rect, Word};
pub use locate::{Hit, locate};
pub use provenance::Provenance;
pub use query::Query;
pub use read_error::{Fault, ReadError};
pub use record::PageRecord;
