//! Readers' questions.

use crate::build::stored_of;
use crate::client::RequestError;
use crate::document::document_id;
use crate::dsl;
use crate::index::WINDOW_MAX;
use crate::served::{ElasticsearchIndex, Inner};
use async_trait::async_trait;
use dlcs_domain::AssetId;
use dlcs_domain::access::Principal;
use dlcs_projections::QueryError;
use dlcs_projections::search::{
    PAGES_MAX, SUGGESTIONS_MAX, Scope, SearchIndex, SearchPage, SearchedPage, Suggestion,
};
use dlcs_text::Query;
use serde_json::{Value, json};
use std::collections::HashMap;

/// How long the node may take for an answer.
const TIMEOUT: &str = "20s";
/// Suggestions of each shard, where there are several: the first of them all are right only if
/// every shard tells more than its own first.
const SHARD_SUGGESTIONS: usize = 5_000;

#[async_trait]
impl SearchIndex for ElasticsearchIndex {
    async fn search(
        &self,
        principal: &Principal,
        scope: &Scope,
        query: &Query,
        from: usize,
        limit: usize,
    ) -> Result<SearchPage, QueryError> {
        if query.is_empty() {
            return Ok(SearchPage::default());
        }
        let (inner, limit) = (&self.inner, limit.min(PAGES_MAX));
        let pages = dsl::pages(principal, scope, query);
        let found = match scope.places() {
            Some(places) if places.is_empty() => Ok(SearchPage::default()),
            Some(places) => inner.in_places(pages, &places, from, limit).await,
            None => inner.best(pages, from, limit).await,
        };
        found.map_err(query_error)
    }

    async fn autocomplete(
        &self,
        principal: &Principal,
        scope: &Scope,
        prefix: &str,
        limit: usize,
    ) -> Result<Vec<Suggestion>, QueryError> {
        if prefix.is_empty() || limit == 0 {
            return Ok(Vec::new());
        }
        let query = dsl::pages_with(principal, scope, prefix);
        let limit = limit.min(SUGGESTIONS_MAX);
        let suggestions = self.inner.suggest(query, prefix, limit).await;
        suggestions.map_err(query_error)
    }
}

fn query_error(error: RequestError) -> QueryError {
    QueryError::Store(error.to_string())
}

impl Inner {
    /// Finds the best pages first, equals by their id.
    async fn best(
        &self,
        query: Value,
        from: usize,
        limit: usize,
    ) -> Result<SearchPage, RequestError> {
        let size = limit.min(WINDOW_MAX.saturating_sub(from));
        let body = json!({
            "query": query,
            "from": if size == 0 { 0 } else { from },
            "size": size,
            "sort": [{ "_score": "desc" }, { "id": "asc" }],
            "_source": ["record"],
        });
        let answer = self.ask(body).await?;
        let sources = hits(&answer).iter().map(|it| &it["_source"]);
        let pages: Result<Vec<_>, _> = sources.map(page).collect();
        let pages = pages?.into_iter().flatten().collect();
        Ok(SearchPage { total_pages: total(&answer), total_hits: None, pages })
    }

    /// Finds pages in an order that the index does not know: all their ids, then the wanted part.
    async fn in_places(
        &self,
        query: Value,
        places: &HashMap<&AssetId, usize>,
        from: usize,
        limit: usize,
    ) -> Result<SearchPage, RequestError> {
        let body = json!({
            "query": { "constant_score": { "filter": query } },
            "size": places.len(),
            "sort": ["_doc"],
            "_source": false,
            "docvalue_fields": ["id"],
        });
        let answer = self.ask(body).await?;
        let ids =
            hits(&answer).iter().filter_map(|it| it["fields"]["id"][0].as_str()?.parse().ok());
        let mut found: Vec<(usize, AssetId)> =
            ids.filter_map(|id: AssetId| Some((*places.get(&id)?, id))).collect();
        found.sort_unstable();
        let wanted: Vec<_> = found.into_iter().skip(from).take(limit).map(|it| it.1).collect();
        let pages = self.pages_of(&wanted).await?;
        Ok(SearchPage { total_pages: total(&answer), total_hits: None, pages })
    }

    /// Returns pages by their ids, those left out that have lost their text this moment.
    async fn pages_of(&self, ids: &[AssetId]) -> Result<Vec<SearchedPage>, RequestError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<String> = ids.iter().map(document_id).collect();
        let path = format!(
            "{}/_mget?realtime=false&_source_includes=record&filter_path=docs._source",
            self.alias
        );
        let answer = self.client.read(&path, json!({ "ids": ids })).await?;
        let documents = answer["docs"].as_array().map(Vec::as_slice).unwrap_or_default();
        let sources = documents.iter().filter_map(|it| it.get("_source"));
        let pages: Result<Vec<_>, _> = sources.map(page).collect();
        Ok(pages?.into_iter().flatten().collect())
    }

    async fn suggest(
        &self,
        query: Value,
        prefix: &str,
        limit: usize,
    ) -> Result<Vec<Suggestion>, RequestError> {
        let mut words = json!({
            "field": "words",
            "include": dsl::expression(prefix),
            "size": limit,
            "order": [{ "_count": "desc" }, { "_key": "asc" }],
        });
        if self.client.address().shards > 1 {
            words["shard_size"] = SHARD_SUGGESTIONS.into();
        }
        let body = json!({ "query": query, "size": 0, "aggs": { "words": { "terms": words } } });
        let answer = self.ask(body).await?;
        let buckets = answer["aggregations"]["words"]["buckets"].as_array();
        let suggestion = |bucket: &Value| {
            let value = bucket["key"].as_str()?.to_owned();
            Some(Suggestion { value, count: bucket["doc_count"].as_u64()? })
        };
        Ok(buckets.into_iter().flatten().filter_map(suggestion).collect())
    }

    /// Asks the index that serves. All of it answers, or nothing does.
    async fn ask(&self, mut body: Value) -> Result<Value, RequestError> {
        body["track_total_hits"] = true.into();
        body["timeout"] = TIMEOUT.into();
        let path = format!(
            "{}/_search?allow_partial_search_results=false&filter_path={}",
            self.alias,
            "timed_out,hits.total.value,hits.hits._source,hits.hits.fields,aggregations.*.buckets"
        );
        let answer = self.client.read(&path, body).await?;
        if answer["timed_out"] == true {
            let reason = format!("Elasticsearch at {} took longer than {TIMEOUT}", self.name());
            return Err(RequestError::Unavailable(reason));
        }
        Ok(answer)
    }
}

fn hits(answer: &Value) -> &[Value] {
    answer["hits"]["hits"].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn total(answer: &Value) -> u64 {
    answer["hits"]["total"]["value"].as_u64().unwrap_or_default()
}

/// Reads a page out of the source of its document; `None`: it has no text.
fn page(source: &Value) -> Result<Option<SearchedPage>, RequestError> {
    let record = stored_of(source)?.record;
    let blobs = record.visible_text().map(|it| it.blobs.clone());
    let generation = record.generation;
    Ok(blobs.map(|blobs| SearchedPage {
        id: record.id,
        generation,
        layout: blobs.layout,
        record: blobs.record,
        hits: None,
    }))
}
