//! Search by looking at every page: slow, and plainly right. The other engines must answer alike.

use super::{MemoryReadModel, MemoryTable, MemoryTables};
use crate::dump::{Dump, DumpWriter};
use crate::paging::QueryError;
use crate::projection::{
    ApplyError, DecodedEvent, EventBatch, FoldError, OnPoison, ParkedEvent, ReadModel, StoreError,
};
use crate::search::dump::{TermPage, TermRow};
use crate::search::{
    self, PAGES_MAX, PageRecords, SUGGESTIONS_MAX, Scope, SearchIndex, SearchPage, SearchRecord,
    SearchedPage, Suggestion, Within,
};
use async_trait::async_trait;
use dlcs_domain::access::Principal;
use dlcs_eventlog::Position;
use dlcs_text::analysis::{self, Form};
use dlcs_text::{PageRecord, Query, locate};
use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

#[derive(Debug, Clone, PartialEq, Default)]
pub struct SearchMemory {
    pub pages: MemoryTable<SearchRecord>,
}

impl MemoryTables for SearchMemory {
    const NAME: &'static str = search::NAME;
    const VERSION: u32 = search::VERSION;

    fn fold(&mut self, event: &DecodedEvent) -> Result<(), FoldError> {
        for change in search::project(&event.recorded, event.domain_events()?)? {
            search::fold(change, &mut self.pages)?;
        }
        Ok(())
    }

    fn commit(&mut self) {
        self.pages.commit();
    }

    fn roll_back(&mut self) {
        self.pages.roll_back();
    }

    fn dump(&self, writer: &mut DumpWriter) {
        self.pages.rows().for_each(|it| writer.row(it));
        writer.end_table("pages");
    }
}

/// An index that reads every page for every question.
pub struct MemorySearch {
    model: MemoryReadModel<SearchMemory>,
    records: PageRecords,
}

/// A page that may be found, with its text.
struct Readable {
    row: SearchRecord,
    page: Arc<PageRecord>,
}

impl MemorySearch {
    pub fn new(records: PageRecords) -> Self {
        Self { model: MemoryReadModel::default(), records }
    }

    /// Returns every page in scope that `principal` may read.
    async fn readable(
        &self,
        principal: &Principal,
        scope: &Scope,
    ) -> Result<Vec<Readable>, QueryError> {
        let places = scope.places();
        let readable = search::Readable::by(principal, scope.customer);
        let is_wanted = |row: &&SearchRecord| {
            let is_own = row.id.customer() == scope.customer;
            let is_within = match &scope.within {
                Within::Customer => true,
                Within::Space(space) => row.id.space().space == *space,
                Within::Assets(_) => places.as_ref().is_some_and(|it| it.contains_key(&row.id)),
            };
            is_own && is_within && readable.has(row)
        };
        let rows = |tables: &SearchMemory| {
            tables.pages.rows().filter(is_wanted).cloned().collect::<Vec<_>>()
        };
        self.pages_of(self.model.read(rows)).await
    }

    async fn pages_of(&self, rows: Vec<SearchRecord>) -> Result<Vec<Readable>, QueryError> {
        let mut readable = Vec::new();
        for row in rows {
            let Some(text) = row.visible_text() else { continue };
            let page = self.records.record(&text.blobs.record).await;
            let page = page.map_err(|error| QueryError::Store(error.to_string()))?;
            readable.extend(page.map(|page| Readable { row, page }));
        }
        Ok(readable)
    }
}

#[async_trait]
impl SearchIndex for MemorySearch {
    async fn search(
        &self,
        principal: &Principal,
        scope: &Scope,
        query: &Query,
        from: usize,
        limit: usize,
    ) -> Result<SearchPage, QueryError> {
        let mut found = Vec::new();
        for Readable { row, page } in self.readable(principal, scope).await? {
            let hits = locate::count(&page, query);
            if hits > 0 {
                found.push((hits, hits as f64 / f64::from(page.word_count()), row));
            }
        }
        let places = scope.places();
        found.sort_by(|left, right| {
            if let Some(places) = &places {
                return places.get(&left.2.id).cmp(&places.get(&right.2.id));
            }
            let score = right.1.partial_cmp(&left.1).unwrap_or(Ordering::Equal);
            score.then_with(|| left.2.id.to_string().cmp(&right.2.id.to_string()))
        });
        let total_pages = found.len() as u64;
        let total_hits = found.iter().map(|it| it.0 as u64).sum();
        let part = found.into_iter().skip(from).take(limit.min(PAGES_MAX));
        let pages = part.filter_map(|(hits, _, row)| {
            let blobs = row.visible_text()?.blobs.clone();
            Some(SearchedPage {
                generation: row.generation,
                id: row.id,
                layout: blobs.layout,
                record: blobs.record,
                hits: u32::try_from(hits).ok(),
            })
        });
        let pages = pages.collect();
        Ok(SearchPage { total_pages, total_hits: Some(total_hits), pages })
    }

    async fn autocomplete(
        &self,
        principal: &Principal,
        scope: &Scope,
        prefix: &str,
        limit: usize,
    ) -> Result<Vec<Suggestion>, QueryError> {
        if prefix.is_empty() {
            return Ok(Vec::new());
        }
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        for Readable { page, .. } in self.readable(principal, scope).await? {
            let tokens = analysis::indexed(&page).into_iter();
            let words = tokens.filter(|it| it.form == Form::Whole && it.text.starts_with(prefix));
            let words: BTreeSet<String> = words.map(|it| it.text).collect();
            words.into_iter().for_each(|it| *counts.entry(it).or_default() += 1);
        }
        let mut suggestions: Vec<_> =
            counts.into_iter().map(|(value, count)| Suggestion { value, count }).collect();
        suggestions.sort_by_key(|it| Reverse(it.count));
        suggestions.truncate(limit.min(SUGGESTIONS_MAX));
        Ok(suggestions)
    }
}

#[async_trait]
impl ReadModel for MemorySearch {
    fn name(&self) -> &'static str {
        self.model.name()
    }

    fn version(&self) -> u32 {
        self.model.version()
    }

    async fn checkpoint(&self) -> Result<Position, StoreError> {
        self.model.checkpoint().await
    }

    async fn apply(
        &self,
        from: Position,
        to: Position,
        events: EventBatch,
        on_poison: OnPoison,
    ) -> Result<Vec<ParkedEvent>, ApplyError> {
        self.model.apply(from, to, events, on_poison).await
    }

    async fn parked(&self) -> Result<Vec<ParkedEvent>, StoreError> {
        self.model.parked().await
    }

    async fn dump(&self) -> Result<Dump, StoreError> {
        let unreadable = |error: QueryError| StoreError::Unavailable(error.to_string());
        let rows = self.model.read(|it| it.pages.rows().cloned().collect::<Vec<_>>());
        let mut terms: BTreeMap<String, BTreeMap<String, Vec<u32>>> = BTreeMap::new();
        for Readable { row, page } in self.pages_of(rows.clone()).await.map_err(unreadable)? {
            for token in analysis::indexed(&page) {
                let pages = terms.entry(token.text).or_default();
                pages.entry(row.id.to_string()).or_default().push(token.position);
            }
        }
        let terms = terms.into_iter().map(|(term, pages)| {
            let pages = pages.into_iter().map(|(id, positions)| TermPage { id, positions });
            TermRow { term, pages: pages.collect() }
        });
        let parked = self.model.parked().await?;
        let position = self.model.checkpoint().await?;
        Ok(search::dump::write(rows, terms, parked.into_iter(), position))
    }
}

#[cfg(all(test, feature = "conformance"))]
mod tests {
    use super::*;
    use crate::conformance::search::{self, SearchEngine};

    #[async_trait]
    impl SearchEngine for Arc<MemorySearch> {
        fn model(&self) -> Arc<dyn ReadModel> {
            Arc::clone(self) as Arc<dyn ReadModel>
        }

        fn index(&self) -> Arc<dyn SearchIndex> {
            Arc::clone(self) as Arc<dyn SearchIndex>
        }
    }

    #[tokio::test]
    async fn the_reference_passes() {
        search::search(async |objects| Arc::new(MemorySearch::new(PageRecords::new(objects))))
            .await;
    }
}
