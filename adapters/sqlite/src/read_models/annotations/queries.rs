//! Questions about annotations. Each is driven by its most telling term, in the order of creation.

use super::{SELECT, SELECT_CONTAINER, into_annotation, into_container};
use crate::read_models::keyset::{Listing, signed};
use crate::read_models::served::Query;
use crate::read_models::table::SqlRow;
use crate::read_models::values::to_json;
use async_trait::async_trait;
use dlcs_domain::access::{AccessRule, Principal};
use dlcs_domain::{AnnotationId, AssetId, ContainerId, CustomerId};
use dlcs_projections::annotations::{
    Annotated, AnnotationFilter, AnnotationRecord, AnnotationRow, Annotations, ClosedAsset,
    ContainerRecord, ContainerRow, Hidden, Sought, TermKind, WordsQuery,
};
use dlcs_projections::paging::Direction;
use dlcs_projections::search::Readable;
use dlcs_projections::{Cursor, Page, PageRequest, QueryError};
use rusqlite::params;
use rusqlite::types::Value;
use std::collections::HashMap;

/// With the terms in front the rows come in the order of creation.
const SELECT_BY_TERM: &str = "a.created_position, a.customer, a.container, a.id, a.document,
    a.subjects_json, a.motivations_json, a.creators_json, a.deleted, a.created_at_us,
    a.modified_at_us, a.edit_revision, a.position FROM annotation_terms AS l
    CROSS JOIN annotations AS a ON a.created_position = l.annotation";
const SELECT_BY_WORDS: &str = "a.created_position, a.customer, a.container, a.id, a.document,
    a.subjects_json, a.motivations_json, a.creators_json, a.deleted, a.created_at_us,
    a.modified_at_us, a.edit_revision, a.position FROM annotation_words AS w
    CROSS JOIN annotations AS a ON a.created_position = w.rowid";
const HAS_WORDS: &str = "EXISTS (SELECT 1 FROM annotation_words AS w
    WHERE w.rowid = a.created_position AND w.annotation_words MATCH ?)";
const HAS_TERM: &str = "EXISTS (SELECT 1 FROM annotation_terms AS m
    WHERE m.annotation = a.created_position AND m.kind = ? AND m.term = ?)";
const OVERLAPS: &str = "EXISTS (SELECT 1 FROM annotation_terms AS p
    WHERE p.annotation = a.created_position AND p.kind = 3 AND p.term = ?
      AND (p.left_px IS NULL
           OR (p.left_px < ? AND p.top_px < ? AND p.right_px > ? AND p.bottom_px > ?)))";
const IN_LIVING: &str = "EXISTS (SELECT 1 FROM containers AS c
    WHERE c.customer = a.customer AND c.id = a.container AND c.deleted = 0)";
/// With one value: the names of roles, as JSON.
const IN_READABLE: &str = "EXISTS (SELECT 1 FROM containers AS c
    WHERE c.customer = a.customer AND c.id = a.container AND c.deleted = 0
      AND (c.roles_json = '[]' OR EXISTS (SELECT 1 FROM json_each(c.role_names_json) AS r
               WHERE r.value IN (SELECT value FROM json_each(?)))))";
/// As `IN_READABLE`, of what is listed.
const IS_READABLE: &str = "(c.roles_json = '[]'
    OR EXISTS (SELECT 1 FROM json_each(c.role_names_json) AS r
               WHERE r.value IN (SELECT value FROM json_each(?))))";
/// With one value: the names of roles, as JSON.
const NOT_HIDDEN: &str = "NOT EXISTS (SELECT 1 FROM annotation_terms AS g
    CROSS JOIN closed_assets AS x ON x.customer = g.customer AND x.asset = g.term
    WHERE g.annotation = a.created_position AND g.kind = 4
      AND NOT EXISTS (SELECT 1 FROM json_each(x.roles_json) AS r
               WHERE r.value IN (SELECT value FROM json_each(?))))";
const HIDDEN: &str = "
    SELECT a.container, COUNT(DISTINCT a.created_position), MAX(x.position)
    FROM closed_assets AS x
    CROSS JOIN annotation_terms AS g
        ON g.customer = x.customer AND g.kind = 4 AND g.term = x.asset
    CROSS JOIN annotations AS a ON a.created_position = g.annotation
    WHERE x.customer = ?1 AND NOT EXISTS (SELECT 1 FROM json_each(x.roles_json) AS r
               WHERE r.value IN (SELECT value FROM json_each(?2)))
    GROUP BY a.container";
const ANNOTATED: &str = "
    SELECT l.term, MAX(a.modified_at_us) FROM annotation_terms AS l
    CROSS JOIN annotations AS a ON a.created_position = l.annotation
    CROSS JOIN containers AS c ON c.customer = a.customer AND c.id = a.container
    WHERE l.customer = ?1 AND l.kind = 0 AND l.term IN (SELECT value FROM json_each(?2))
      AND c.deleted = 0 AND c.roles_json = '[]'
      AND NOT EXISTS (SELECT 1 FROM annotation_terms AS g
            CROSS JOIN closed_assets AS x ON x.customer = g.customer AND x.asset = g.term
            WHERE g.annotation = a.created_position AND g.kind = 4)
    GROUP BY l.term";
const LIST: &str = "annotations";
const LIST_CONTAINERS: &str = "containers";

#[async_trait]
impl Annotations for Query {
    async fn container(&self, id: &ContainerId) -> Result<Option<ContainerRow>, QueryError> {
        let id = id.clone();
        self.run(move |it| Ok(ContainerRecord::load(it, &id)?.map(|it| it.row))).await
    }

    async fn containers(
        &self,
        principal: &Principal,
        customer: CustomerId,
        page: &PageRequest,
    ) -> Result<Page<ContainerRow>, QueryError> {
        let mut listing = Listing::new(SELECT_CONTAINER, &["c.created_position"]);
        listing.and_with("c.customer = ?", customer.0);
        listing.and("c.deleted = 0");
        if let Readable::Open { roles } = Readable::by(principal, customer) {
            listing.and_with(IS_READABLE, to_json(&roles));
        }
        let whole = listing.clone();
        if let Some(after) = &page.after {
            listing.after([signed(after.key(LIST_CONTAINERS)?)], page.direction);
        }
        let page = page.clone();
        self.run(move |it| {
            let cursor =
                |it: &ContainerRecord| Cursor::after(LIST_CONTAINERS, &it.created_position);
            let total = Some(whole.count(it)?);
            let page = listing.page(it, &page, into_container, cursor)?;
            Ok(Page { total, ..page.map(|it| it.row) })
        })
        .await
    }

    async fn hidden(
        &self,
        principal: &Principal,
        customer: CustomerId,
    ) -> Result<HashMap<ContainerId, Hidden>, QueryError> {
        let Readable::Open { roles } = Readable::by(principal, customer) else {
            return Ok(HashMap::new());
        };
        self.run(move |it| {
            let mut statement = it.prepare_cached(HIDDEN)?;
            let rows = statement.query_map(params![customer.0, to_json(&roles)], |row| {
                let container = ContainerId { customer, id: row.get(0)? };
                Ok((container, Hidden { count: row.get(1)?, position: row.get(2)? }))
            })?;
            rows.collect()
        })
        .await
    }

    async fn rules_of(&self, assets: &[AssetId]) -> Result<Vec<AccessRule>, QueryError> {
        let assets = assets.to_vec();
        self.run(move |it| {
            let mut rules = Vec::new();
            for asset in &assets {
                rules.extend(ClosedAsset::load(it, asset)?.map(|it| it.rule()));
            }
            Ok(rules)
        })
        .await
    }

    async fn annotation(&self, id: &AnnotationId) -> Result<Option<AnnotationRow>, QueryError> {
        let id = id.clone();
        self.run(move |it| Ok(AnnotationRecord::load(it, &id)?.map(|it| it.row))).await
    }

    async fn find(
        &self,
        principal: &Principal,
        filter: &AnnotationFilter,
        page: &PageRequest,
        with_total: bool,
    ) -> Result<Page<AnnotationRow>, QueryError> {
        let mut listing = listing(filter, &Readable::by(principal, filter.customer));
        let whole = with_total.then(|| listing.clone());
        if let Some(after) = &page.after {
            listing.after([signed(after.key(LIST)?)], page.direction);
        }
        let page = page.clone();
        self.run(move |it| {
            let cursor = |it: &AnnotationRecord| Cursor::after(LIST, &it.created_position);
            let total = whole.map(|whole| whole.count(it)).transpose()?;
            let page = listing.page(it, &page, into_annotation, cursor)?;
            Ok(Page { total, ..page.map(|it| it.row) })
        })
        .await
    }

    async fn on_sources(
        &self,
        principal: &Principal,
        customer: CustomerId,
        sources: &[String],
        first: usize,
    ) -> Result<HashMap<String, Vec<AnnotationRow>>, QueryError> {
        let (sources, readable) = (sources.to_vec(), Readable::by(principal, customer));
        let request =
            PageRequest { limit: first, after: None, offset: 0, direction: Direction::Ascending };
        self.run(move |it| {
            let cursor = |it: &AnnotationRecord| Cursor::after(LIST, &it.created_position);
            let mut found = HashMap::new();
            for source in sources {
                let source_only = Some(source.clone());
                let filter =
                    AnnotationFilter { source: source_only, ..AnnotationFilter::of(customer) };
                let listing = listing(&filter, &readable);
                let page = listing.page(it, &request, into_annotation, cursor)?;
                found.insert(source, page.items.into_iter().map(|it| it.row).collect());
            }
            Ok(found)
        })
        .await
    }

    async fn annotated(
        &self,
        customer: CustomerId,
        sources: &[String],
    ) -> Result<Vec<Annotated>, QueryError> {
        let sources = serde_json::to_string(sources).expect("texts are plain JSON");
        self.run(move |it| {
            let mut statement = it.prepare_cached(ANNOTATED)?;
            let rows = statement.query_map(params![customer.0, sources], |row| {
                Ok(Annotated { source: row.get(0)?, modified_at_us: row.get(1)? })
            })?;
            rows.collect()
        })
        .await
    }
}

/// Returns the whole list, without a cursor.
pub(in crate::read_models) fn listing(filter: &AnnotationFilter, readable: &Readable) -> Listing {
    let terms = [
        (TermKind::Source, &filter.source),
        (TermKind::Creator, &filter.creator),
        (TermKind::Motivation, &filter.motivation),
    ];
    let mut terms = terms.into_iter().filter_map(|(kind, it)| Some((kind as i64, it.as_ref()?)));
    let words = filter.words.as_ref().map(matching);
    let mut listing = match (&filter.source, words) {
        // Words say more than a person or a reason.
        (None, Some(words)) => {
            let mut listing = Listing::new(SELECT_BY_WORDS, &["w.rowid"]);
            listing.and_with("w.annotation_words MATCH ?", words);
            listing
        }
        (_, words) => {
            let mut listing = match terms.next() {
                Some((kind, term)) => by_term(filter.customer, kind, term),
                None => Listing::new(SELECT, &["a.created_position"]),
            };
            if let Some(words) = words {
                listing.and_with(HAS_WORDS, words);
            }
            listing
        }
    };
    for (kind, term) in terms {
        listing.and_with_all(HAS_TERM, [Value::from(kind), Value::from(term.clone())]);
    }
    listing.and_with("a.customer = ?", filter.customer.0);
    listing.and("a.deleted = 0");
    if let Some(container) = &filter.container {
        listing.and_with("a.container = ?", container.id.clone());
    }
    if let (Some(source), Some(region)) = (&filter.source, filter.region) {
        let [left, top, right, bottom] = region.edges().map(Value::from);
        let source = Value::from(source.clone());
        listing.and_with_all(OVERLAPS, [source, right, bottom, left, top]);
    }
    if let Some(from) = filter.from_us {
        listing.and_with("a.created_at_us >= ?", from);
    }
    if let Some(until) = filter.until_us {
        listing.and_with("a.created_at_us < ?", until);
    }
    match readable {
        Readable::All => listing.and(IN_LIVING),
        Readable::Open { roles } => {
            listing.and_with(IN_READABLE, to_json(roles));
            listing.and_with(NOT_HIDDEN, to_json(roles));
        }
    }
    listing
}

fn by_term(customer: CustomerId, kind: i64, term: &str) -> Listing {
    let mut listing = Listing::new(SELECT_BY_TERM, &["l.annotation"]);
    listing.and_with("l.customer = ?", customer.0);
    listing.and_with("l.kind = ?", kind);
    listing.and_with("l.term = ?", term.to_owned());
    listing
}

/// Returns what FTS5 is asked for. Words have nothing that would have to be escaped in quotes.
fn matching(query: &WordsQuery) -> String {
    let clauses = query.sought().iter().map(|it| match it {
        Sought::Words(words) => format!("\"{}\"", words.join(" ")),
        Sought::Prefix(prefix) => format!("\"{prefix}\"*"),
    });
    let clauses: Vec<_> = clauses.collect();
    match clauses.is_empty() {
        // No word: a phrase of nothing is in no text.
        true => "\"\"".to_owned(),
        false => clauses.join(" AND "),
    }
}
