//! Words that begin as a reader began them, of pages that the reader may read.

use crate::build::{Build, Failure};
use crate::search::{Places, filters};
use dlcs_projections::search::{self as port, Scope, Suggestion};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use tantivy::schema::IndexRecordOption;
use tantivy::{DocSet, SegmentReader, TERMINATED};

pub(crate) fn suggest(
    build: &Build,
    scope: &Scope,
    allowed: &port::Readable,
    prefix: &str,
    limit: usize,
) -> Result<Vec<Suggestion>, Failure> {
    if prefix.is_empty() || limit == 0 {
        return Ok(Vec::new());
    }
    let searcher = build.searcher();
    let places = scope.places().map(|it| Places::new(&it));
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for reader in searcher.segment_readers() {
        if let Some(readable) = readable(build, reader, scope, allowed, places.as_ref())? {
            count(build, reader, prefix, &readable, &mut counts)?;
        }
    }
    let suggestions = counts.into_iter().map(|(value, count)| Suggestion { value, count });
    let mut suggestions: Vec<_> = suggestions.collect();
    suggestions.sort_by_key(|it| Reverse(it.count));
    suggestions.truncate(limit);
    Ok(suggestions)
}

/// Which documents of a segment may be read.
enum Readable {
    All,
    Some(Vec<bool>),
}

fn readable(
    build: &Build,
    reader: &SegmentReader,
    scope: &Scope,
    allowed: &port::Readable,
    places: Option<&Places>,
) -> Result<Option<Readable>, Failure> {
    let Some(mut filters) = filters(build, reader, scope, allowed)? else { return Ok(None) };
    if filters.is_empty() && !reader.has_deletes() && places.is_none() {
        return Ok(Some(Readable::All));
    }
    let mut passed = vec![0_usize; reader.max_doc() as usize];
    for filter in &mut filters {
        let mut doc = filter.seek(0);
        while doc != TERMINATED {
            passed[doc as usize] += 1;
            doc = filter.seek(doc + 1);
        }
    }
    let mut readable: Vec<bool> = passed.into_iter().map(|it| it == filters.len()).collect();
    let places = places.map(|it| it.of_segment(reader)).transpose()?;
    for (doc, is_readable) in (0..).zip(&mut readable) {
        let is_wanted = |doc| places.as_ref().is_none_or(|it| it.of(doc).is_some());
        *is_readable = *is_readable && !reader.is_deleted(doc) && is_wanted(doc);
    }
    Ok(Some(Readable::Some(readable)))
}

fn count(
    build: &Build,
    reader: &SegmentReader,
    prefix: &str,
    readable: &Readable,
    counts: &mut BTreeMap<String, u64>,
) -> Result<(), Failure> {
    let index = reader.inverted_index(build.fields.words)?;
    let mut terms = index.terms().range().ge(prefix).into_stream()?;
    while let Some((term, info)) = terms.next() {
        if !term.starts_with(prefix.as_bytes()) {
            break;
        }
        let pages = match readable {
            Readable::All => u64::from(info.doc_freq),
            Readable::Some(readable) => {
                let mut pages = 0;
                let mut docs = index.read_postings_from_terminfo(info, IndexRecordOption::Basic)?;
                while docs.doc() != TERMINATED {
                    pages += u64::from(readable[docs.doc() as usize]);
                    docs.advance();
                }
                pages
            }
        };
        if pages > 0 {
            *counts.entry(String::from_utf8_lossy(term).into_owned()).or_default() += pages;
        }
    }
    Ok(())
}
