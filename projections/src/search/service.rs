//! A search as readers see it: hits with their boxes and the words around, page by page.

use super::{PAGES_MAX, PageRecords, Scope, SearchIndex, SearchedPage, Suggestion};
use crate::paging::QueryError;
use dlcs_domain::AssetId;
use dlcs_domain::access::Principal;
use dlcs_objects::ObjectError;
use dlcs_text::analysis::Analyser;
use dlcs_text::{Hit, PageRecord, Query, locate, query};
use futures::{StreamExt, stream};
use std::sync::Arc;

/// Hits are counted on so many pages; where there are more, only pages are counted, unless the
/// engine counts hits by itself.
pub const COUNTED_PAGES_MAX: u64 = 1_000;
/// The last place where a part of the hits can begin.
pub const HITS_FROM_MAX: usize = 10_000;
/// Most hits of one answer.
pub const HITS_LIMIT_MAX: usize = 1_000;

/// Page records that are fetched at the same time, if it is known that they are needed.
const FETCHES_MAX: usize = 64;
/// The same if it is not.
const FETCHES: usize = 8;
/// Pages that are asked for first; later parts are larger.
const PAGES_FIRST: usize = 32;

#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    #[error(transparent)]
    Query(#[from] query::QueryError),
    #[error("hits are listed up to {HITS_FROM_MAX}, not from {0}")]
    TooFar(usize),
    #[error(transparent)]
    Index(#[from] QueryError),
    #[error(transparent)]
    Objects(#[from] ObjectError),
}

/// Which part of the hits is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HitsWanted {
    pub from: usize,
    pub limit: usize,
}

/// A part of the hits.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Found {
    pub hits: Vec<FoundHit>,
    /// Of all pages together; `None`: there are too many to count.
    pub total_hits: Option<u64>,
    pub total_pages: u64,
    /// There are hits behind the last one.
    pub has_more: bool,
}

/// A hit and the page that it is on.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundHit {
    pub id: AssetId,
    pub generation: u32,
    /// Size of the page that the boxes are of.
    pub page_width_px: u32,
    pub page_height_px: u32,
    /// The first language of the page, as a BCP 47 tag.
    pub language: Option<String>,
    pub hit: Hit,
}

/// Search, for every interface. Clones share the index.
#[derive(Clone)]
pub struct Search {
    pub index: Arc<dyn SearchIndex>,
    pub records: PageRecords,
}

impl Search {
    /// Finds hits: pages in the order of the index, on each in reading order.
    pub async fn search_within(
        &self,
        principal: &Principal,
        scope: &Scope,
        text: &str,
        wanted: HitsWanted,
    ) -> Result<Found, SearchError> {
        let query = Query::parse(text)?;
        self.find(principal, scope, &query, wanted).await
    }

    /// The same for a query that is parsed.
    pub async fn find(
        &self,
        principal: &Principal,
        scope: &Scope,
        query: &Query,
        wanted: HitsWanted,
    ) -> Result<Found, SearchError> {
        if wanted.from > HITS_FROM_MAX {
            return Err(SearchError::TooFar(wanted.from));
        }
        let mut gathering = Gathering::new(query, wanted);
        let (mut from, mut limit) = (0, PAGES_FIRST);
        while !query.is_empty() {
            let part = self.index.search(principal, scope, query, from, limit).await?;
            gathering.begin(part.total_pages, part.total_hits);
            from += part.pages.len();
            let is_last = part.pages.is_empty() || from as u64 >= part.total_pages;
            self.gather(&mut gathering, part.pages).await?;
            if is_last || gathering.is_done() {
                gathering.is_complete = is_last;
                break;
            }
            limit = (4 * limit).min(PAGES_MAX);
        }
        Ok(gathering.finish())
    }

    /// Completes the last word of a text; what stands before it stays as it is.
    pub async fn autocomplete(
        &self,
        principal: &Principal,
        scope: &Scope,
        text: &str,
        limit: usize,
    ) -> Result<Vec<Suggestion>, SearchError> {
        if text.len() > query::QUERY_BYTES_MAX {
            return Err(query::QueryError::TooLong(text.len()).into());
        }
        let start = text.rfind(char::is_whitespace).map_or(0, |at| at + 1);
        let start = text.char_indices().map(|it| it.0).find(|it| *it >= start);
        let (before, last) = text.split_at(start.unwrap_or(text.len()));
        let mut words = Vec::new();
        Analyser::default().segments(last, |segment| words.push(segment.joined.to_owned()));
        let Some(prefix) = words.pop() else { return Ok(Vec::new()) };
        let mut suggestions = self.index.autocomplete(principal, scope, &prefix, limit).await?;
        for suggestion in &mut suggestions {
            suggestion.value.insert_str(0, before);
        }
        Ok(suggestions)
    }

    /// Looks at pages in their order, reading some of them at the same time.
    async fn gather(
        &self,
        gathering: &mut Gathering<'_>,
        pages: Vec<SearchedPage>,
    ) -> Result<(), ObjectError> {
        let mut pages = pages.into_iter().peekable();
        while pages.peek().is_some() && !gathering.is_done() {
            // Where hits are counted by the engine, pages that are passed over are not read.
            while let Some(passed) = pages.next_if(|it| gathering.passes(it)) {
                drop(passed);
            }
            let some = gathering.next(&mut pages);
            let read = stream::iter(some)
                .map(|page| async move {
                    let record = self.records.record(&page.record).await;
                    record.map(|record| (page, record))
                })
                .buffered(FETCHES_MAX)
                .collect::<Vec<_>>();
            for it in read.await {
                let (page, record) = it?;
                gathering.take(&page, record.as_deref());
            }
        }
        Ok(())
    }
}

/// Hits on the way to a [`Found`].
struct Gathering<'a> {
    query: &'a Query,
    wanted: HitsWanted,
    hits: Vec<FoundHit>,
    /// Hits on the pages that were looked at.
    seen: usize,
    total_pages: u64,
    total_hits: Option<u64>,
    /// Every page was looked at.
    is_complete: bool,
}

impl<'a> Gathering<'a> {
    fn new(query: &'a Query, wanted: HitsWanted) -> Self {
        let wanted = HitsWanted { limit: wanted.limit.min(HITS_LIMIT_MAX), ..wanted };
        Self {
            query,
            wanted,
            hits: Vec::new(),
            seen: 0,
            total_pages: 0,
            total_hits: None,
            is_complete: query.is_empty(),
        }
    }

    fn begin(&mut self, total_pages: u64, total_hits: Option<u64>) {
        self.total_pages = total_pages;
        self.total_hits = total_hits;
    }

    /// Counts the hits of a page that has none of those that are wanted, if they are known.
    fn passes(&mut self, page: &SearchedPage) -> bool {
        let Some(hits) = page.hits.map(|it| it as usize) else { return false };
        let is_before = self.seen + hits <= self.wanted.from;
        if is_before {
            self.seen += hits;
        }
        is_before
    }

    /// Takes the pages that have to be looked at next: as many as are needed, where hits are
    /// counted by the engine, for one wait is shorter than many.
    fn next(&self, pages: &mut impl Iterator<Item = SearchedPage>) -> Vec<SearchedPage> {
        let end = self.wanted.from + self.wanted.limit;
        let (mut seen, mut next) = (self.seen, Vec::new());
        while next.len() < FETCHES_MAX
            && let Some(page) = pages.next()
        {
            let hits = page.hits;
            next.push(page);
            match hits {
                Some(hits) => seen += hits as usize,
                None if next.len() >= FETCHES => break,
                None => {}
            }
            if hits.is_some() && seen >= end {
                break;
            }
        }
        next
    }

    fn take(&mut self, page: &SearchedPage, record: Option<&PageRecord>) {
        let Some(record) = record else { return };
        let start = self.wanted.from.saturating_sub(self.seen);
        let room = self.wanted.limit - self.hits.len();
        let (hits, total) = locate::locate_some(record, self.query, start..start + room);
        self.seen += total;
        self.hits.extend(hits.into_iter().map(|hit| FoundHit {
            id: page.id.clone(),
            generation: page.generation,
            page_width_px: record.width_px(),
            page_height_px: record.height_px(),
            language: record.languages().first().cloned(),
            hit,
        }));
    }

    /// Says whether nothing more has to be looked at: what is wanted is there, it is known that
    /// there is more, and the rest is counted, or too much.
    fn is_done(&self) -> bool {
        let has_more = self.seen > self.wanted.from + self.hits.len();
        let is_filled = self.hits.len() == self.wanted.limit;
        match self.total_hits {
            Some(_) => is_filled,
            None => is_filled && has_more && self.total_pages > COUNTED_PAGES_MAX,
        }
    }

    fn finish(self) -> Found {
        let counted = self.is_complete.then_some(self.seen as u64);
        let total_hits = self.total_hits.or(counted);
        let seen = total_hits.unwrap_or(self.seen as u64);
        let has_more = seen > (self.wanted.from + self.hits.len()) as u64;
        let has_more = has_more && !self.hits.is_empty();
        Found { hits: self.hits, total_hits, total_pages: self.total_pages, has_more }
    }
}
