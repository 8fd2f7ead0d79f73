//! The pages of a manifest: whether a document is one of them, and which.

use crate::build::Failure;
use crate::schema;
use dlcs_domain::AssetId;
use std::collections::HashMap;
use tantivy::columnar::{Column, StrColumn};
use tantivy::{DocId, SegmentReader};

/// The place of each page, by the number that stands for it.
pub(crate) struct Places {
    /// Pages that share a number stand beside each other.
    by_hash: HashMap<u64, Vec<(String, u32)>>,
}

impl Places {
    pub(crate) fn new(places: &HashMap<&AssetId, usize>) -> Self {
        let mut by_hash: HashMap<u64, Vec<(String, u32)>> = HashMap::with_capacity(places.len());
        for (id, place) in places {
            let key = schema::key(id);
            let place = u32::try_from(*place).unwrap_or(u32::MAX);
            by_hash.entry(schema::hash(&key)).or_default().push((key, place));
        }
        Self { by_hash }
    }

    pub(crate) fn of_segment(&self, reader: &SegmentReader) -> Result<SegmentPlaces<'_>, Failure> {
        let keys = reader.fast_fields().str(schema::KEY)?;
        let keys = keys.ok_or(Failure::Damaged("the documents have no keys"))?;
        Ok(SegmentPlaces { places: self, hashes: reader.fast_fields().u64(schema::HASH)?, keys })
    }
}

/// The same for the documents of one segment.
pub(crate) struct SegmentPlaces<'a> {
    places: &'a Places,
    hashes: Column<u64>,
    keys: StrColumn,
}

impl SegmentPlaces<'_> {
    /// Returns the place of a document; `None`: it is not one of the pages.
    pub(crate) fn of(&self, doc: DocId) -> Option<u32> {
        let pages = self.places.by_hash.get(&self.hashes.first(doc)?)?;
        let mut key = String::new();
        self.keys.ord_to_str(self.keys.ords().first(doc)?, &mut key).ok()?;
        pages.iter().find(|it| it.0 == key).map(|it| it.1)
    }
}
