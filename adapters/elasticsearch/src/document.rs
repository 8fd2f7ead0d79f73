//! A page as the index takes it.

use crate::index::{LAYERS, layer};
use dlcs_domain::AssetId;
use dlcs_projections::search::SearchRecord;
use dlcs_text::PageRecord;
use dlcs_text::analysis::{self, Form, IndexedToken};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

/// A document's id has at most 512 bytes.
const ID_BYTES_MAX: usize = 512;

/// Returns the document of an asset.
pub(crate) fn document_id(id: &AssetId) -> String {
    let text = id.to_string();
    if text.len() <= ID_BYTES_MAX {
        return text;
    }
    // No id of an asset begins so.
    format!("sha256:{}", hex::encode(Sha256::digest(text)))
}

/// Returns the source of an asset's document; `page`: what can be found of it.
pub(crate) fn source(record: &SearchRecord, position: u64, page: Option<&PageRecord>) -> Value {
    let mut source = json!({
        "kind": "page",
        "id": record.id,
        "customer": record.id.customer().to_string(),
        "space": record.id.space().to_string(),
        "closed": record.is_closed(),
        "roles": record.role_names().collect::<Vec<_>>(),
        "position": position,
        "record": record,
    });
    if let Some(page) = page {
        Tokens::of(page).add_to(&mut source);
    }
    source
}

/// Returns the digest of a page's tokens, by which its document is compared.
pub(crate) fn digest(tokens: &[IndexedToken]) -> String {
    let mut digest = Sha256::new();
    for IndexedToken { text, position, form } in tokens {
        digest.update(format!("{position} {form:?} {text}\n"));
    }
    hex::encode(digest.finalize())
}

/// The tokens of a page, field by field.
#[derive(Default)]
struct Tokens {
    layers: Vec<Layer>,
    terms: String,
    words: BTreeSet<String>,
    digest: String,
}

impl Tokens {
    fn of(page: &PageRecord) -> Self {
        let all = analysis::indexed(page);
        let mut tokens = Self { digest: digest(&all), ..Self::default() };
        // How many forms there are before this one at its position.
        let (mut present, mut before) = (0, 0);
        for IndexedToken { text, position, form } in all {
            before = if position == present { before } else { 0 };
            present = position;
            tokens.push(before, position, &text);
            if form == Form::Whole {
                tokens.words.insert(text);
            }
            before += 1;
        }
        tokens
    }

    fn push(&mut self, number: usize, position: u32, text: &str) {
        append(&mut self.terms, text);
        if number < LAYERS {
            if number == self.layers.len() {
                self.layers.push(Layer::default());
            }
            self.layers[number].push(position, text);
        }
    }

    fn add_to(self, source: &mut Value) {
        source["tokens"] = self.digest.into();
        source["terms"] = self.terms.into();
        source["words"] = self.words.into_iter().collect();
        for (number, values) in self.layers.into_iter().enumerate() {
            source[layer(number)] = values.values.into();
        }
    }
}

/// The values of a field in which each token stands at a position of our choice.
///
/// The index counts tokens, and leaves one position out before each value but the first, also
/// before those that hold nothing. So a token stands at the number of the tokens before it plus the
/// number of the values before its own.
#[derive(Debug, Default, PartialEq)]
struct Layer {
    values: Vec<String>,
    tokens: usize,
}

impl Layer {
    /// Adds a token at a later position than those before.
    fn push(&mut self, position: u32, text: &str) {
        let before = position as usize - self.tokens;
        self.values.resize(before + 1, String::new());
        append(&mut self.values[before], text);
        self.tokens += 1;
    }
}

fn append(text: &mut String, token: &str) {
    if !text.is_empty() {
        text.push(' ');
    }
    text.push_str(token);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_id_that_is_too_long_is_told_by_its_digest() {
        let id =
            |length: usize| -> AssetId { format!("1/2/{}", "x".repeat(length)).parse().unwrap() };
        assert_eq!(document_id(&id(508)), id(508).to_string());
        assert_eq!(document_id(&id(509)).len(), "sha256:".len() + 64);
        assert_ne!(document_id(&id(509)), document_id(&id(510)));
    }

    #[test]
    fn tokens_that_follow_each_other_are_one_value() {
        let mut layer = Layer::default();
        for (position, text) in [(0, "a"), (1, "b"), (3, "c"), (4, "d"), (9, "e")] {
            layer.push(position, text);
        }
        assert_eq!(layer.values, ["a b", "c d", "", "", "", "e"]);
    }

    proptest! {
        #[test]
        fn a_token_stands_where_it_was_put(gaps in prop::collection::vec(0_u32..4, 0..20)) {
            let mut layer = Layer::default();
            let mut next = 0;
            let positions: Vec<u32> = gaps.iter().map(|gap| {
                let position = next + gap;
                next = position + 1;
                position
            }).collect();
            positions.iter().for_each(|it| layer.push(*it, "x"));
            // As the index counts.
            let mut found = Vec::new();
            let mut place = 0;
            for value in &layer.values {
                for _ in value.split_whitespace() {
                    found.push(place);
                    place += 1;
                }
                place += 1;
            }
            prop_assert_eq!(found, positions);
        }
    }
}
