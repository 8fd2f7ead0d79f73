//! How an index is laid out, and what it is called.
//!
//! - `{prefix}-search-v{version}` is an alias of the index that serves; `…-{number}` are the indexes
//!   themselves, of which a rebuild makes the next.
//! - Whoever writes names `…-{number}-live`, an alias of the index alone, and requires it to be an
//!   alias: a node that has lost the index must not make another one up.
//! - Analysis is ours: an index gets tokens with spaces between them. What stands at one position
//!   under several forms is spread over layers, fields that count positions alike.

use crate::Address;
use serde_json::{Value, json};

/// Fields that hold the forms at a position: the first one all of it, the next ones its parts.
///
/// A word has one form and at most 16 parts; more has only a word that many line breaks divide,
/// whose last pieces are then found by themselves and in no phrase.
pub(crate) const LAYERS: usize = 24;
/// The last place where a part of the pages can end.
pub(crate) const WINDOW_MAX: usize = 25_000;

/// Returns the field of a layer.
pub(crate) fn layer(number: usize) -> String {
    if number == 0 { "text".to_owned() } else { format!("text_{number}") }
}

/// Returns the alias of the index that serves.
pub(crate) fn serving(prefix: &str, version: u32) -> String {
    format!("{prefix}-search-v{version}")
}

/// Returns the name of an index behind the alias.
pub(crate) fn build(serving: &str, number: u32) -> String {
    format!("{serving}-{number:06}")
}

/// Returns the number of an index behind the alias.
pub(crate) fn number(serving: &str, build: &str) -> Option<u32> {
    build.strip_prefix(serving)?.strip_prefix('-')?.parse().ok()
}

/// Returns the alias through which an index is written to.
pub(crate) fn live(build: &str) -> String {
    format!("{build}-live")
}

/// Returns the body of the request that makes an index.
pub(crate) fn definition(address: &Address, aliases: &[&str]) -> Value {
    let mut settings = json!({
        "number_of_shards": address.shards,
        // Whoever writes decides when it is seen; see `Build::apply_batch`.
        "refresh_interval": -1,
        "max_result_window": WINDOW_MAX,
    });
    match address.replicas {
        Some(replicas) => settings["number_of_replicas"] = replicas.into(),
        None => settings["auto_expand_replicas"] = "0-1".into(),
    }
    let aliases: serde_json::Map<String, Value> =
        aliases.iter().map(|alias| ((*alias).to_owned(), json!({}))).collect();
    json!({ "settings": settings, "aliases": aliases, "mappings": mappings() })
}

fn mappings() -> Value {
    let unread = json!({ "type": "object", "enabled": false });
    let mut properties = json!({
        "kind": { "type": "keyword" },
        "id": { "type": "keyword" },
        "customer": { "type": "keyword" },
        "space": { "type": "keyword" },
        "closed": { "type": "boolean" },
        // Names of those that open it.
        "roles": { "type": "keyword" },
        // Of the last event that is in the document.
        "position": { "type": "long" },
        "record": unread,
        "checkpoint": unread,
        // SHA-256 of the tokens, for comparing.
        "tokens": { "type": "keyword", "index": false, "doc_values": false },
        // Every form, for whatever is one word.
        "terms": { "type": "text", "analyzer": "whitespace", "index_options": "freqs" },
        // Whole words, each once, for suggestions.
        "words": { "type": "keyword", "index": false },
    });
    for number in 0..LAYERS {
        properties[layer(number)] = json!({
            "type": "text",
            "analyzer": "whitespace",
            "index_options": "positions",
            "norms": false,
            // Each value after the first leaves one position out; see `Layer`.
            "position_increment_gap": 1,
        });
    }
    json!({
        "dynamic": "strict",
        // The blobs have it, and nobody reads it back.
        "_source": { "excludes": ["terms", "words", "text", "text_*"] },
        "properties": properties,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_an_index_is_in_its_name() {
        let serving = serving("dlcs", 1);
        assert_eq!(serving, "dlcs-search-v1");
        assert_eq!(build(&serving, 7), "dlcs-search-v1-000007");
        assert_eq!(number(&serving, "dlcs-search-v1-000007"), Some(7));
        assert_eq!(number(&serving, "dlcs-search-v1-000007-live"), None);
        assert_eq!(number(&serving, "dlcs-search-v12-000007"), None);
    }
}
