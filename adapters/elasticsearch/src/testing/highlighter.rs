//! Elasticsearch by itself: its own analysis, phrase query and highlighter. To measure against.

use super::TestNode;
use crate::Address;
use crate::client::{Body, Client};
use reqwest::Method;
use serde_json::{Value, json};

/// An index of plain text.
pub struct Highlighter {
    client: Client,
    index: String,
}

/// What the node found by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Highlighted {
    pub total_pages: u64,
    pub pages: usize,
    /// Pieces of text with marks around what was asked for.
    pub fragments: usize,
}

/// How one asks the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plain {
    Word,
    Phrase,
    Prefix,
}

impl Highlighter {
    /// Makes an empty index with the node's own way of doing things.
    pub async fn new(node: &TestNode) -> Self {
        let address = Address::parse(&node.new_setting()).expect("the setting is right");
        let index = format!("{}-plain", address.prefix);
        let client = Client::new(address);
        let body = json!({
            "settings": {
                "number_of_shards": 1,
                "number_of_replicas": 0,
                "refresh_interval": -1,
            },
            "mappings": { "properties": {
                "customer": { "type": "keyword" },
                "closed": { "type": "boolean" },
                // Stored positions of letters are what highlights fastest.
                "text": { "type": "text", "index_options": "offsets" },
            }},
        });
        let made = client.send(Method::PUT, &index, Body::Json(body)).await;
        made.expect("the index is made");
        Self { client, index }
    }

    /// Adds pages; they are found after [`Highlighter::settle`].
    pub async fn add(&self, pages: &[(String, String)]) {
        let mut lines = Vec::new();
        for (id, text) in pages {
            let page = json!({ "customer": "1", "closed": false, "text": text });
            for line in [&json!({ "index": { "_id": id } }), &page] {
                serde_json::to_writer(&mut lines, line).expect("JSON is written to memory");
                lines.push(b'\n');
            }
        }
        let path = format!("{}/_bulk?filter_path=errors", self.index);
        let answer = self.client.send(Method::POST, &path, Body::Lines(lines)).await;
        assert_eq!(answer.expect("the node takes it")["errors"], false);
    }

    pub async fn settle(&self) {
        let path = format!("{}/_refresh", self.index);
        self.client.send(Method::POST, &path, Body::Empty).await.expect("it is refreshed");
    }

    /// Finds the best `size` pages with every occurrence marked.
    pub async fn find(&self, how: Plain, text: &str, size: usize) -> Highlighted {
        let query = match how {
            Plain::Word => json!({ "match": { "text": text } }),
            Plain::Phrase => json!({ "match_phrase": { "text": text } }),
            Plain::Prefix => json!({ "prefix": { "text": { "value": text } } }),
        };
        let filter = json!([{ "term": { "customer": "1" } }, { "term": { "closed": false } }]);
        let body = json!({
            "query": { "bool": { "must": [query], "filter": filter } },
            "size": size,
            "track_total_hits": true,
            "_source": false,
            "highlight": { "fields": { "text": {
                "type": "unified", "fragment_size": 100, "number_of_fragments": 1_000,
            }}},
        });
        let path = format!("{}/_search", self.index);
        let answer = self.client.send(Method::POST, &path, Body::Json(body)).await;
        let answer = answer.expect("the node answers");
        let hits = answer["hits"]["hits"].as_array().map(Vec::as_slice).unwrap_or_default();
        let fragments = |hit: &Value| hit["highlight"]["text"].as_array().map_or(0, Vec::len);
        Highlighted {
            total_pages: answer["hits"]["total"]["value"].as_u64().unwrap_or_default(),
            pages: hits.len(),
            fragments: hits.iter().map(fragments).sum(),
        }
    }

    /// Returns how many bytes the index takes.
    pub async fn size_bytes(&self) -> u64 {
        size_bytes(&self.client, &self.index).await
    }

    /// Takes the index away.
    pub async fn remove(self) {
        self.client.send(Method::DELETE, &self.index, Body::Empty).await.expect("it is there");
    }
}

/// Returns how many bytes an index takes on the disk.
pub(super) async fn size_bytes(client: &Client, index: &str) -> u64 {
    let path = format!("{index}/_flush?wait_if_ongoing=true");
    client.send(Method::POST, &path, Body::Empty).await.expect("it is written to the disk");
    let path = format!("{index}/_stats/store");
    let answer = client.send(Method::GET, &path, Body::Empty).await.expect("the node answers");
    answer["_all"]["primaries"]["store"]["size_in_bytes"].as_u64().unwrap_or_default()
}
