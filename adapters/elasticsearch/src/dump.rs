//! Summing up an index, for comparing: every record, the digest of its tokens, what is parked.
//!
//! Of the terms the digest stands for all: the node does not hand out who has a term at which place.
//! So a dump is comparable with one of this adapter, and not with one of another engine.

use crate::build::{Build, CHECKPOINT, Checkpoint, checkpoint_of};
use crate::client::{Body, RequestError};
use dlcs_projections::dump::{Dump, DumpWriter};
use dlcs_projections::projection::StoreError;
use dlcs_projections::search::{NAME, VERSION};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

/// How long a snapshot is kept between two requests.
const KEPT: &str = "1m";
const PAGE: usize = 1_000;
/// How often a snapshot is taken anew because it fell into a write.
const TRIES: u32 = 50;
const PAUSE: Duration = Duration::from_millis(20);

impl Build {
    /// Sums up the index as it is at its checkpoint.
    pub(crate) async fn sum_up(&self) -> Result<Dump, StoreError> {
        for _ in 0..TRIES {
            if let Some(dump) = self.try_sum_up().await? {
                return Ok(dump);
            }
            tokio::time::sleep(PAUSE).await;
        }
        Err(StoreError::Unavailable("the search index is written to all the time".into()))
    }

    /// `None`: a batch was half in it.
    async fn try_sum_up(&self) -> Result<Option<Dump>, RequestError> {
        self.refresh().await?;
        let path = format!("{}/_pit?keep_alive={KEPT}", self.name());
        let answer = self.client().send(Method::POST, &path, Body::Empty).await?;
        let id = answer["id"].as_str().unwrap_or_default().to_owned();
        let dump = self.read_snapshot(&id).await;
        // It ends by itself too.
        let body = Body::Json(json!({ "id": id }));
        let _ = self.client().send(Method::DELETE, "_pit", body).await;
        dump
    }

    async fn read_snapshot(&self, id: &str) -> Result<Option<Dump>, RequestError> {
        let found = self.page_of(id, &json!({ "term": { "kind": CHECKPOINT } }), None).await?;
        let checkpoint = found.first().map(checkpoint_of).transpose()?.unwrap_or_default();
        let Checkpoint { position, parked } = checkpoint;
        let mut writer = DumpWriter::default();
        let mut after = None;
        loop {
            let page = self.page_of(id, &json!({ "term": { "kind": "page" } }), after).await?;
            let Some(last) = page.last() else { break };
            after = Some(last["sort"].clone());
            for document in &page {
                let source = &document["_source"];
                if source["position"].as_u64() > Some(position.0) {
                    return Ok(None);
                }
                writer.row(&json!([source["id"], source["record"], source["tokens"]]));
            }
        }
        writer.end_table("pages");
        parked.iter().for_each(|it| writer.row(it));
        writer.end_table("parked");
        Ok(Some(writer.finish(NAME, VERSION, position)))
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
