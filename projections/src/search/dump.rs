//! The canonical dump of a search index: what it keeps of every asset, and every term with its
//! places. Equal indexes give equal digests, in every engine.

use super::{NAME, SearchRecord, VERSION};
use crate::dump::{Dump, DumpWriter};
use crate::projection::ParkedEvent;
use dlcs_eventlog::Position;
use serde::Serialize;

/// A term of the index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TermRow {
    pub term: String,
    /// By the id of the asset, as text.
    pub pages: Vec<TermPage>,
}

/// A page that has a term.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct TermPage {
    pub id: String,
    pub positions: Vec<u32>,
}

/// Writes the dump of an index. Rows come in any order; of terms one at a time is asked for, by
/// their letters.
pub fn write(
    mut records: Vec<SearchRecord>,
    terms: impl Iterator<Item = TermRow>,
    parked: impl Iterator<Item = ParkedEvent>,
    position: Position,
) -> Dump {
    let mut writer = DumpWriter::default();
    records.sort_by_cached_key(|it| it.id.to_string());
    records.iter().for_each(|it| writer.row(it));
    writer.end_table("pages");
    for mut row in terms {
        row.pages.sort_unstable();
        writer.row(&row);
    }
    writer.end_table("terms");
    parked.for_each(|it| writer.row(&it));
    writer.end_table("parked");
    writer.finish(NAME, VERSION, position)
}
