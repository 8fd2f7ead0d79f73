//! The canonical dump of an index, equal to that of any engine which holds the same.
//!
//! The node does not hand out who has a term at which place. But a document has the digest of its
//! tokens, and tokens follow from the page record: where both agree, the terms of the record are
//! those of the index. Where they do not, the page counts as one without terms, and the dump is
//! another.

use crate::build::{Build, CHECKPOINT, Checkpoint, checkpoint_of, stored_of};
use crate::client::{Body, RequestError};
use crate::document::digest;
use dlcs_projections::dump::Dump;
use dlcs_projections::projection::StoreError;
use dlcs_projections::search::dump::{TermPage, TermRow, write};
use dlcs_projections::search::{PageRecords, SearchRecord};
use dlcs_text::analysis::{IndexedToken, indexed};
use futures::{StreamExt, TryStreamExt, stream};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque, btree_map};
use std::ops::RangeInclusive;
use std::time::Duration;
use tokio::runtime::Handle;

/// How long a snapshot is kept between two requests.
const KEPT: &str = "1m";
const PAGE: usize = 1_000;
/// How often a snapshot is taken anew because it fell into a write.
const TRIES: u32 = 50;
const PAUSE: Duration = Duration::from_millis(20);
/// Page records that are read at the same time.
const READS: usize = 8;
/// Places that are in memory at once, of 8 bytes each. More pages are read several times.
const PLACES_MAX: usize = 1 << 25;

/// The documents of an index, at its checkpoint.
struct Snapshot {
    checkpoint: Checkpoint,
    pages: Vec<(SearchRecord, Option<String>)>,
}

impl Build {
    /// Sums up the index as it is at its checkpoint.
    pub(crate) async fn sum_up(&self) -> Result<Dump, StoreError> {
        let (snapshot, records) = (self.snapshot().await?, self.records().clone());
        let handle = Handle::current();
        let done = tokio::task::spawn_blocking(move || snapshot.write(&records, &handle)).await;
        done.map_err(|error| StoreError::Unavailable(error.to_string()))?
    }

    async fn snapshot(&self) -> Result<Snapshot, StoreError> {
        for _ in 0..TRIES {
            if let Some(snapshot) = self.try_snapshot().await? {
                return Ok(snapshot);
            }
            tokio::time::sleep(PAUSE).await;
        }
        Err(StoreError::Unavailable("the search index is written to all the time".into()))
    }

    /// `None`: a batch was half in it.
    async fn try_snapshot(&self) -> Result<Option<Snapshot>, RequestError> {
        self.refresh().await?;
        let path = format!("{}/_pit?keep_alive={KEPT}", self.name());
        let answer = self.client().send(Method::POST, &path, Body::Empty).await?;
        let id = answer["id"].as_str().unwrap_or_default().to_owned();
        let snapshot = self.read_snapshot(&id).await;
        // It ends by itself too.
        let body = Body::Json(json!({ "id": id }));
        let _ = self.client().send(Method::DELETE, "_pit", body).await;
        snapshot
    }

    async fn read_snapshot(&self, id: &str) -> Result<Option<Snapshot>, RequestError> {
        let found = self.page_of(id, &json!({ "term": { "kind": CHECKPOINT } }), None).await?;
        let checkpoint = found.first().map(checkpoint_of).transpose()?.unwrap_or_default();
        let (mut pages, mut after) = (Vec::new(), None);
        loop {
            let page = self.page_of(id, &json!({ "term": { "kind": "page" } }), after).await?;
            let Some(last) = page.last() else { break };
            after = Some(last["sort"].clone());
            for document in &page {
                let source = &document["_source"];
                let stored = stored_of(source)?;
                if stored.position > checkpoint.position.0 {
                    return Ok(None);
                }
                pages.push((stored.record, source["tokens"].as_str().map(str::to_owned)));
            }
        }
        Ok(Some(Snapshot { checkpoint, pages }))
    }

    async fn page_of(
        &self,
        id: &str,
        query: &Value,
        after: Option<Value>,
    ) -> Result<Vec<Value>, RequestError> {
        let mut body = json!({
            "size": PAGE,
            "query": query,
            "pit": { "id": id, "keep_alive": KEPT },
            "sort": [{ "id": "asc" }],
            "track_total_hits": false,
        });
        if let Some(after) = after {
            body["search_after"] = after;
        }
        let path = "_search?allow_partial_search_results=false";
        let mut answer = self.client().send(Method::POST, path, Body::Json(body)).await?;
        match answer["hits"]["hits"].take() {
            Value::Array(hits) => Ok(hits),
            _ => Ok(Vec::new()),
        }
    }
}

impl Snapshot {
    fn write(self, records: &PageRecords, handle: &Handle) -> Result<Dump, StoreError> {
        let Self { checkpoint, pages } = self;
        let mut terms = Terms::new(&pages, records, handle)?;
        let rows = pages.iter().map(|it| it.0.clone()).collect();
        let parked = checkpoint.parked.into_iter();
        let dump = write(rows, terms.by_ref(), parked, checkpoint.position);
        terms.failed.map_or(Ok(dump), Err)
    }
}

/// The terms of all pages, by their letters.
struct Terms<'a> {
    pages: &'a [(SearchRecord, Option<String>)],
    records: &'a PageRecords,
    handle: &'a Handle,
    /// Beginnings of terms that are gathered at once.
    passes: VecDeque<RangeInclusive<String>>,
    /// Each term with its pages, by their numbers, and positions.
    gathered: btree_map::IntoIter<String, Vec<(u32, u32)>>,
    failed: Option<StoreError>,
}

impl<'a> Terms<'a> {
    /// Looks at every page once to see how much is gathered at once.
    fn new(
        pages: &'a [(SearchRecord, Option<String>)],
        records: &'a PageRecords,
        handle: &'a Handle,
    ) -> Result<Self, StoreError> {
        let gathered = BTreeMap::new().into_iter();
        let passes = VecDeque::new();
        let mut terms = Self { pages, records, handle, passes, gathered, failed: None };
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        terms.each_token(|_, token| {
            let beginning = beginning(&token.text);
            match counts.get_mut(beginning) {
                Some(count) => *count += 1,
                None => drop(counts.insert(beginning.to_owned(), 1)),
            }
        })?;
        terms.passes = passes_of(counts, PLACES_MAX);
        Ok(terms)
    }

    fn gather(&self, pass: &RangeInclusive<String>) -> Result<Gathered, StoreError> {
        let mut gathered = Gathered::new();
        self.each_token(|page, token| {
            let beginning = beginning(&token.text);
            if pass.start().as_str() <= beginning && beginning <= pass.end().as_str() {
                gathered.entry(token.text).or_default().push((page, token.position));
            }
        })?;
        Ok(gathered)
    }

    /// Hands over every token that is in the index, with the number of its page.
    fn each_token(&self, mut take: impl FnMut(u32, IndexedToken)) -> Result<(), StoreError> {
        let read = |(number, (record, expected)): (u32, &'a (SearchRecord, Option<String>))| {
            let text = record.visible_text().map(|it| it.blobs.record.clone());
            async move {
                let (Some(blob), Some(expected)) = (text, expected) else { return Ok(None) };
                let page = self.records.read(&blob).await;
                let page = page.map_err(|error| StoreError::Unavailable(error.to_string()))?;
                let tokens = page.map(|it| indexed(&it)).filter(|it| digest(it) == *expected);
                Ok::<_, StoreError>(tokens.map(|it| (number, it)))
            }
        };
        self.handle.block_on(async {
            let pages = stream::iter((0..).zip(self.pages)).map(read).buffered(READS);
            let mut pages = std::pin::pin!(pages);
            while let Some(page) = pages.try_next().await? {
                let Some((number, tokens)) = page else { continue };
                tokens.into_iter().for_each(|token| take(number, token));
            }
            Ok(())
        })
    }

    fn row(&self, term: String, places: Vec<(u32, u32)>) -> TermRow {
        let mut pages: Vec<TermPage> = Vec::new();
        let mut last = None;
        for (page, position) in places {
            if last != Some(page) {
                let id = self.pages[page as usize].0.id.to_string();
                pages.push(TermPage { id, positions: Vec::new() });
                last = Some(page);
            }
            pages.last_mut().expect("one was pushed").positions.push(position);
        }
        TermRow { term, pages }
    }
}

type Gathered = BTreeMap<String, Vec<(u32, u32)>>;

impl Iterator for Terms<'_> {
    type Item = TermRow;

    fn next(&mut self) -> Option<TermRow> {
        loop {
            if let Some((term, places)) = self.gathered.next() {
                return Some(self.row(term, places));
            }
            let pass = self.passes.pop_front()?;
            match self.gather(&pass) {
                Ok(gathered) => self.gathered = gathered.into_iter(),
                Err(error) => {
                    self.failed = Some(error);
                    return None;
                }
            }
        }
    }
}

/// Returns the first two letters of a term.
fn beginning(term: &str) -> &str {
    term.char_indices().nth(2).map_or(term, |(at, _)| &term[..at])
}

/// Puts beginnings together as long as their tokens are not too many.
fn passes_of(counts: BTreeMap<String, usize>, max: usize) -> VecDeque<RangeInclusive<String>> {
    let mut passes: VecDeque<RangeInclusive<String>> = VecDeque::new();
    let mut sum = 0;
    for (beginning, count) in counts {
        match passes.back_mut() {
            Some(pass) if sum + count <= max => {
                *pass = pass.start().clone()..=beginning;
                sum += count;
            }
            _ => {
                passes.push_back(beginning.clone()..=beginning);
                sum = count;
            }
        }
    }
    passes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beginnings_are_put_together_up_to_a_sum() {
        let counts = [("a", 3), ("ab", 4), ("b", 9), ("ba", 1), ("c", 20)];
        let counts = counts.map(|(it, count)| (it.to_owned(), count)).into();
        let passes: Vec<_> = passes_of(counts, 10).into_iter().collect();
        let range = |start: &str, end: &str| start.to_owned()..=end.to_owned();
        assert_eq!(passes, [range("a", "ab"), range("b", "ba"), range("c", "c")]);
    }

    #[test]
    fn a_beginning_has_two_letters() {
        assert_eq!(["a", "ab", "abc", "äöü"].map(beginning), ["a", "ab", "ab", "äö"]);
    }
}
