//! Sums an index up: records, terms, parked events.

use crate::build::{Build, Failure};
use crate::schema;
use dlcs_projections::dump::Dump;
use dlcs_projections::search::dump::{TermPage, TermRow, write};
use std::collections::BTreeMap;
use tantivy::postings::Postings;
use tantivy::schema::IndexRecordOption;
use tantivy::{DocAddress, DocSet, Searcher, TERMINATED};

pub(crate) fn dump(build: &Build) -> Result<Dump, Failure> {
    let searcher = build.searcher();
    let mut records = Vec::new();
    for (segment, reader) in (0_u32..).zip(searcher.segment_readers()) {
        for doc in reader.doc_ids_alive() {
            records.push(build.stored(&searcher, DocAddress::new(segment, doc))?);
        }
    }
    let progress = build.progress();
    let terms = terms(build, &searcher)?;
    let terms = terms.into_iter().map(|(term, pages)| TermRow { term, pages });
    Ok(write(records, terms, progress.parked.iter().cloned(), progress.checkpoint))
}

fn terms(build: &Build, searcher: &Searcher) -> Result<BTreeMap<String, Vec<TermPage>>, Failure> {
    let mut terms: BTreeMap<String, Vec<TermPage>> = BTreeMap::new();
    for reader in searcher.segment_readers() {
        let keys = reader.fast_fields().str(schema::KEY)?;
        let keys = keys.ok_or(Failure::Damaged("the documents have no keys"))?;
        let index = reader.inverted_index(build.fields.text)?;
        let mut all = index.terms().stream()?;
        while let Some((term, info)) = all.next() {
            let term = String::from_utf8_lossy(term).into_owned();
            let option = IndexRecordOption::WithFreqsAndPositions;
            let mut postings = index.read_postings_from_terminfo(info, option)?;
            while postings.doc() != TERMINATED {
                let doc = postings.doc();
                if !reader.is_deleted(doc) {
                    let mut id = String::new();
                    keys.ord_to_str(keys.ords().first(doc).unwrap_or_default(), &mut id)?;
                    let mut positions = Vec::new();
                    postings.positions(&mut positions);
                    terms.entry(term.clone()).or_default().push(TermPage { id, positions });
                }
                postings.advance();
            }
        }
    }
    Ok(terms)
}
