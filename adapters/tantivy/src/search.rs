//! Finds pages: clauses and filters side by side over each segment, hits counted on the way.

mod clauses;
mod mistakes;
mod places;

use crate::build::{Build, Failure};
use crate::schema;
use clauses::{Clause, Statistics, clauses};
use dlcs_projections::search::{Readable, Scope, SearchPage, SearchedPage, Within};
use dlcs_text::Query;
pub(crate) use places::Places;
use std::cmp::Ordering;
use tantivy::postings::SegmentPostings;
use tantivy::schema::IndexRecordOption;
use tantivy::{DocAddress, DocId, DocSet, Searcher, SegmentReader, TERMINATED, Term};

/// A page that has everything.
#[derive(Debug, Clone, Copy)]
struct Match {
    /// Lower is better: the place, or the score turned round.
    rank: f32,
    hits: u32,
    address: DocAddress,
}

pub(crate) fn search(
    build: &Build,
    scope: &Scope,
    readable: &Readable,
    query: &Query,
    from: usize,
    limit: usize,
) -> Result<SearchPage, Failure> {
    if query.is_empty() {
        return Ok(SearchPage { total_hits: Some(0), ..SearchPage::default() });
    }
    let searcher = build.searcher();
    let places = scope.places().map(|it| Places::new(&it));
    let statistics = Statistics::of(build, &searcher, query)?;
    let wanted = from.saturating_add(limit);
    let (mut total_pages, mut total_hits) = (0_u64, 0_u64);
    let mut best = Vec::new();
    for (number, reader) in (0_u32..).zip(searcher.segment_readers()) {
        let mut segment = Segment { build, scope, readable, places: places.as_ref(), reader };
        let matches = segment.matches(number, query, &statistics)?;
        total_pages += matches.len() as u64;
        total_hits += matches.iter().map(|it| u64::from(it.hits)).sum::<u64>();
        best.extend(first(matches, wanted, reader)?);
    }
    let pages = part(build, &searcher, best, from, limit)?;
    Ok(SearchPage { total_pages, total_hits: Some(total_hits), pages })
}

struct Segment<'a> {
    build: &'a Build,
    scope: &'a Scope,
    readable: &'a Readable,
    places: Option<&'a Places>,
    reader: &'a SegmentReader,
}

impl Segment<'_> {
    /// Returns every page of the segment that has all clauses and may be found.
    fn matches(
        &mut self,
        number: u32,
        query: &Query,
        statistics: &Statistics,
    ) -> Result<Vec<Match>, Failure> {
        let Some(mut clauses) = clauses(self.build, self.reader, query, statistics)? else {
            return Ok(Vec::new());
        };
        let Some(mut filters) = filters(self.build, self.reader, self.scope, self.readable)? else {
            return Ok(Vec::new());
        };
        let places = self.places.map(|it| it.of_segment(self.reader)).transpose()?;
        let norms = self.reader.get_fieldnorms_reader(self.build.fields.text)?;
        let mut matches = Vec::new();
        clauses.sort_by_key(Clause::cost);
        let mut doc = 0;
        loop {
            doc = aligned(&mut clauses, &mut filters, doc);
            if doc == TERMINATED {
                return Ok(matches);
            }
            let place = match &places {
                Some(places) => places.of(doc),
                None => Some(0),
            };
            if let Some(place) = place.filter(|_| !self.reader.is_deleted(doc))
                && let Some((hits, score)) =
                    hits(&mut clauses, statistics.norm(norms.fieldnorm(doc)))
            {
                // Places are exact: there are fewer than a float can count.
                let rank = if self.places.is_some() { place as f32 } else { -score };
                matches.push(Match { rank, hits, address: DocAddress::new(number, doc) });
            }
            doc += 1;
        }
    }
}

/// Moves all to the first document, from `doc` on, that every one of them has.
fn aligned(clauses: &mut [Clause], filters: &mut [Filter], mut doc: DocId) -> DocId {
    'again: loop {
        let next = clauses[0].seek(doc);
        if next == TERMINATED {
            return TERMINATED;
        }
        doc = next;
        for clause in &mut clauses[1..] {
            let next = clause.seek(doc);
            if next > doc {
                doc = next;
                continue 'again;
            }
        }
        for filter in filters.iter_mut() {
            let next = filter.seek(doc);
            if next > doc {
                doc = next;
                continue 'again;
            }
        }
        return doc;
    }
}

/// Moves postings to `doc` or behind it, never back.
fn seek(docs: &mut impl DocSet, doc: DocId) -> DocId {
    if doc >= TERMINATED {
        return TERMINATED;
    }
    if docs.doc() < doc { docs.seek(doc) } else { docs.doc() }
}

/// Counts the hits of the document that all clauses are at; `None`: one has none after all.
fn hits(clauses: &mut [Clause], norm: f32) -> Option<(u32, f32)> {
    let (mut hits, mut score) = (0_u32, 0.0);
    for clause in clauses {
        let own = clause.count();
        if own == 0 {
            return None;
        }
        hits = hits.saturating_add(own);
        score += clause.score(own, norm);
    }
    Some((hits, score))
}

/// Returns the documents that are in scope and may be read; filters that all documents pass are
/// left out. `None`: there is no such document.
pub(crate) fn filters(
    build: &Build,
    reader: &SegmentReader,
    scope: &Scope,
    readable: &Readable,
) -> Result<Option<Vec<Filter>>, Failure> {
    let place = match &scope.within {
        Within::Customer | Within::Assets(_) => schema::of_customer(scope.customer),
        Within::Space(space) => {
            let customer = scope.customer;
            schema::of_space(dlcs_domain::SpaceId { customer, space: *space })
        }
    };
    let open = match readable {
        Readable::All => None,
        Readable::Open { roles } => {
            let roles = roles.iter().map(|it| schema::of_role(it));
            Some(std::iter::once(schema::OPEN.to_owned()).chain(roles).collect())
        }
    };
    let index = reader.inverted_index(build.fields.scope)?;
    let mut filters = Vec::new();
    for terms in [Some(vec![place]), open].into_iter().flatten() {
        let mut any = Vec::with_capacity(terms.len());
        for term in terms {
            let term = Term::from_field_text(build.fields.scope, &term);
            any.extend(index.read_postings(&term, IndexRecordOption::Basic)?);
        }
        if any.is_empty() {
            return Ok(None);
        }
        if any.iter().all(|it| it.doc_freq() < reader.max_doc()) {
            filters.push(Filter { any });
        }
    }
    filters.sort_by_key(Filter::cost);
    Ok(Some(filters))
}

/// Documents with one of some terms.
pub(crate) struct Filter {
    any: Vec<SegmentPostings>,
}

impl Filter {
    /// Moves to the first document from `doc` on; `TERMINATED`: there is none. Never moves back.
    pub(crate) fn seek(&mut self, doc: DocId) -> DocId {
        self.any.iter_mut().map(|it| seek(it, doc)).min().unwrap_or(TERMINATED)
    }

    /// Returns how many documents it has at most.
    fn cost(&self) -> u32 {
        self.any.iter().map(SegmentPostings::doc_freq).fold(0, u32::saturating_add)
    }
}

/// Keeps the first `wanted` of a segment; equals are in the order of their keys.
fn first(
    mut matches: Vec<Match>,
    wanted: usize,
    reader: &SegmentReader,
) -> Result<Vec<Match>, Failure> {
    if matches.len() <= wanted {
        return Ok(matches);
    }
    if wanted == 0 {
        return Ok(Vec::new());
    }
    let by_rank = |left: &Match, right: &Match| left.rank.total_cmp(&right.rank);
    let (_, last, _) = matches.select_nth_unstable_by(wanted - 1, by_rank);
    let last = last.rank;
    matches.retain(|it| it.rank.total_cmp(&last) != Ordering::Greater);
    if matches.len() > wanted {
        let keys = reader.fast_fields().str(schema::KEY)?;
        let keys = keys.ok_or(Failure::Damaged("the documents have no keys"))?;
        // Within a segment, keys are numbered in their order.
        matches.sort_by_cached_key(|it| {
            (it.rank.total_cmp(&last), keys.ords().first(it.address.doc_id))
        });
        matches.truncate(wanted);
    }
    Ok(matches)
}

/// Puts the segments together, and reads what is wanted of them.
fn part(
    build: &Build,
    searcher: &Searcher,
    mut best: Vec<Match>,
    from: usize,
    limit: usize,
) -> Result<Vec<SearchedPage>, Failure> {
    let wanted = from.saturating_add(limit);
    best.sort_by(|left, right| left.rank.total_cmp(&right.rank));
    // Those behind the last that is wanted matter only where they are its equals.
    if let Some(last) = wanted.checked_sub(1).and_then(|it| best.get(it)).map(|it| it.rank) {
        best.truncate(best.partition_point(|it| it.rank.total_cmp(&last) != Ordering::Greater));
    }
    let mut pages = Vec::new();
    let mut start = 0;
    for equals in best.chunk_by(|left, right| left.rank.total_cmp(&right.rank).is_eq()) {
        let end = start + equals.len();
        if end > from && start < wanted {
            let mut read = Vec::with_capacity(equals.len());
            for it in equals {
                let record = build.stored(searcher, it.address)?;
                read.push((schema::key(&record.id), record, it.hits));
            }
            read.sort_by(|left, right| left.0.cmp(&right.0));
            let own = read.into_iter().skip(from.saturating_sub(start));
            pages.extend(own.filter_map(|(_, record, hits)| {
                let blobs = record.visible_text()?.blobs.clone();
                let (id, generation) = (record.id, record.generation);
                let (layout, record) = (blobs.layout, blobs.record);
                Some(SearchedPage { id, generation, layout, record, hits: Some(hits) })
            }));
        }
        start = end;
    }
    pages.truncate(limit);
    Ok(pages)
}
