//! The fields of a document, and how a page becomes one.

use dlcs_domain::{AssetId, CustomerId, SpaceId};
use dlcs_projections::search::{SearchRecord, VERSION};
use dlcs_text::PageRecord;
use dlcs_text::analysis::{self, Form};
use std::collections::BTreeSet;
use tantivy::TantivyDocument;
use tantivy::schema::{
    FAST, Field, INDEXED, IndexRecordOption, STORED, STRING, Schema, TextFieldIndexing, TextOptions,
};
use tantivy::tokenizer::{PreTokenizedString, Token};

/// Version of the documents: changes with the fields, and with what the port keeps.
pub(crate) fn version() -> String {
    format!("{VERSION}.1")
}

/// Documents of pages; annotations will be another kind.
const KIND_PAGE: &str = "page";
/// Whose documents are open to all.
pub(crate) const OPEN: &str = "open";

#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields {
    kind: Field,
    /// The id of the asset: which document it is.
    pub(crate) key: Field,
    /// A number made of the key, to look pages of a manifest up by.
    hash: Field,
    /// `c/1`, `s/1/2`, `open` where no role is needed, `r/staff` for a role that opens it. Only
    /// documents with text have them.
    pub(crate) scope: Field,
    languages: Field,
    /// Tokens with their positions.
    pub(crate) text: Field,
    /// Whole words, once each.
    pub(crate) words: Field,
    /// The record of the asset, as JSON.
    pub(crate) record: Field,
}

pub(crate) const KEY: &str = "key";
pub(crate) const HASH: &str = "hash";

pub(crate) fn schema() -> (Schema, Fields) {
    let mut schema = Schema::builder();
    let raw = |option| {
        let indexing = TextFieldIndexing::default().set_tokenizer("raw");
        TextOptions::default().set_indexing_options(indexing.set_index_option(option))
    };
    let words = raw(IndexRecordOption::Basic).get_indexing_options().cloned();
    let words = words.unwrap_or_default().set_fieldnorms(false);
    let fields = Fields {
        kind: schema.add_text_field("kind", STRING),
        key: schema.add_text_field(KEY, STRING | FAST),
        hash: schema.add_u64_field(HASH, FAST | INDEXED),
        scope: schema.add_text_field("scope", STRING),
        languages: schema.add_text_field("languages", STRING),
        text: schema.add_text_field("text", raw(IndexRecordOption::WithFreqsAndPositions)),
        words: schema.add_text_field("words", TextOptions::default().set_indexing_options(words)),
        record: schema.add_text_field("record", STORED),
    };
    (schema.build(), fields)
}

/// Returns the term under which a page is found in the collection of a customer.
pub(crate) fn of_customer(customer: CustomerId) -> String {
    format!("c/{customer}")
}

/// Returns the term under which a page is found in a space.
pub(crate) fn of_space(space: SpaceId) -> String {
    format!("s/{space}")
}

/// Returns the term under which a page is found by who holds a role.
pub(crate) fn of_role(name: &str) -> String {
    format!("r/{name}")
}

/// Returns the number that stands for an asset; two can share one.
pub(crate) fn hash(key: &str) -> u64 {
    // FNV-1a: the same in every process, and for ever.
    key.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Makes the document of an asset; `page`: the text that is shown, if there is one.
pub(crate) fn document(
    fields: &Fields,
    record: &SearchRecord,
    page: Option<&PageRecord>,
) -> Result<TantivyDocument, serde_json::Error> {
    let mut document = TantivyDocument::default();
    let key = key(&record.id);
    document.add_text(fields.kind, KIND_PAGE);
    document.add_u64(fields.hash, hash(&key));
    document.add_text(fields.key, key);
    document.add_text(fields.record, serde_json::to_string(record)?);
    let Some(page) = page else { return Ok(document) };
    document.add_text(fields.scope, of_customer(record.id.customer()));
    document.add_text(fields.scope, of_space(record.id.space()));
    if !record.is_closed() {
        document.add_text(fields.scope, OPEN);
    }
    record.role_names().for_each(|it| document.add_text(fields.scope, of_role(it)));
    page.languages().iter().for_each(|it| document.add_text(fields.languages, it));
    add_tokens(fields, page, &mut document);
    Ok(document)
}

pub(crate) fn key(id: &AssetId) -> String {
    id.to_string()
}

fn add_tokens(fields: &Fields, page: &PageRecord, document: &mut TantivyDocument) {
    let indexed = analysis::indexed(page);
    let mut words = BTreeSet::new();
    let mut tokens = Vec::with_capacity(indexed.len());
    for token in indexed {
        if token.form == Form::Whole && !words.contains(&token.text) {
            words.insert(token.text.clone());
        }
        tokens.push(Token {
            offset_from: 0,
            offset_to: 0,
            position: token.position as usize,
            text: token.text,
            position_length: 1,
        });
    }
    words.into_iter().for_each(|it| document.add_text(fields.words, it));
    let text = PreTokenizedString { text: String::new(), tokens };
    document.add_pre_tokenized_text(fields.text, text);
}
