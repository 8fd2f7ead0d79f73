//! Questions about annotations. Each is driven by its most telling term, in the order of creation.

use crate::read_models::keyset::Listing;
use crate::read_models::served::Query;
use crate::read_models::table::{SqlRow, StoredRow, columns, select_one};
use crate::read_models::values::{Columns, Value};
use async_trait::async_trait;
use dlcs_domain::access::{AccessRule, Principal};
use dlcs_domain::{AnnotationId, AssetId, ContainerId, CustomerId};
use dlcs_projections::annotations::{
    Annotated, AnnotationFilter, AnnotationRecord, AnnotationRow, Annotations, ClosedAsset,
    ContainerRecord, ContainerRow, Hidden, Sought, TermKind, WordsQuery,
};
use dlcs_projections::search::Readable;
use dlcs_projections::{Cursor, Page, PageRequest, QueryError};
use std::collections::HashMap;

const IN_LIVING: &str = "EXISTS (SELECT 1 FROM {schema}.containers AS c
    WHERE c.customer = t.customer AND c.id = t.container AND NOT c.deleted)";
/// Each `?` stands for the names of roles, as JSON.
const IN_READABLE: &str = "EXISTS (SELECT 1 FROM {schema}.containers AS c
    WHERE c.customer = t.customer AND c.id = t.container AND NOT c.deleted
      AND (c.roles_json = '[]' OR jsonb_exists_any(
          c.role_names_json::jsonb, ARRAY(SELECT jsonb_array_elements_text(?::text::jsonb)))))";
/// As `IN_READABLE`, of what is listed.
const IS_READABLE: &str = "(t.roles_json = '[]' OR jsonb_exists_any(
    t.role_names_json::jsonb, ARRAY(SELECT jsonb_array_elements_text(?::text::jsonb))))";
const NOT_HIDDEN: &str = "NOT EXISTS (SELECT 1 FROM {schema}.annotation_terms AS g
    JOIN {schema}.closed_assets AS x ON x.customer = g.customer AND x.asset = g.term
    WHERE g.annotation = t.created_position AND g.kind = 4
      AND NOT jsonb_exists_any(
          x.roles_json::jsonb, ARRAY(SELECT jsonb_array_elements_text(?::text::jsonb))))";
const HIDDEN: &str = "
    SELECT a.container, count(DISTINCT a.created_position), max(x.position)
    FROM {schema}.closed_assets AS x
    JOIN {schema}.annotation_terms AS g
        ON g.customer = x.customer AND g.kind = 4 AND left(g.term, 200) = left(x.asset, 200)
        AND g.term = x.asset
    JOIN {schema}.annotations AS a ON a.created_position = g.annotation
    WHERE x.customer = $1 AND NOT jsonb_exists_any(
          x.roles_json::jsonb, ARRAY(SELECT jsonb_array_elements_text($2::text::jsonb)))
    GROUP BY a.container";
const ANNOTATED: &str = "
    SELECT l.term, max(t.modified_at_us)
    FROM (SELECT DISTINCT s.source FROM unnest($2::text[]) AS s (source)) AS s
    JOIN {schema}.annotation_terms AS l
        ON l.customer = $1 AND l.kind = 0 AND left(l.term, 200) = left(s.source, 200)
        AND l.term = s.source
    JOIN {schema}.annotations AS t ON t.created_position = l.annotation
    WHERE {readable}
    GROUP BY l.term";
const LIST: &str = "annotations";
const LIST_CONTAINERS: &str = "containers";

#[async_trait]
impl Annotations for Query {
    async fn container(&self, id: &ContainerId) -> Result<Option<ContainerRow>, QueryError> {
        let key = ContainerRecord::key_values(id);
        let record =
            self.one(&select_one::<ContainerRecord>(), &key, ContainerRecord::read).await?;
        Ok(record.map(|it| it.row))
    }

    async fn containers(
        &self,
        principal: &Principal,
        customer: CustomerId,
        page: &PageRequest,
    ) -> Result<Page<ContainerRow>, QueryError> {
        let mut listing = Listing::of::<ContainerRecord>(&["t.created_position"]);
        listing.and_with("t.customer = ?", customer);
        listing.and("NOT t.deleted");
        if let Readable::Open { roles } = Readable::by(principal, customer) {
            listing.and_with(IS_READABLE, Value::json(&roles));
        }
        let total = Some(listing.count(self).await?);
        if let Some(after) = &page.after {
            let position: u64 = after.key(LIST_CONTAINERS)?;
            listing.after([position.into()], page.direction);
        }
        let cursor = |it: &ContainerRecord| Cursor::after(LIST_CONTAINERS, &it.created_position);
        let page = listing.page(self, page, ContainerRecord::read, cursor).await?;
        Ok(Page { total, ..page.map(|it| it.row) })
    }

    async fn hidden(
        &self,
        principal: &Principal,
        customer: CustomerId,
    ) -> Result<HashMap<ContainerId, Hidden>, QueryError> {
        let Readable::Open { roles } = Readable::by(principal, customer) else {
            return Ok(HashMap::new());
        };
        let rows = self.looked_up(HIDDEN, &[customer.into(), Value::json(&roles)]).await?;
        let hidden = rows.iter().map(|row| {
            let mut columns = Columns::new(row);
            let container = ContainerId { customer, id: columns.text()? };
            Ok((container, Hidden { count: columns.number()?, position: columns.number()? }))
        });
        hidden.collect()
    }

    async fn rules_of(&self, assets: &[AssetId]) -> Result<Vec<AccessRule>, QueryError> {
        let mut rules = Vec::new();
        for asset in assets {
            let key = ClosedAsset::key_values(asset);
            let closed = self.one(&select_one::<ClosedAsset>(), &key, ClosedAsset::read).await?;
            rules.extend(closed.map(|it| it.rule()));
        }
        Ok(rules)
    }

    async fn annotation(&self, id: &AnnotationId) -> Result<Option<AnnotationRow>, QueryError> {
        let key = AnnotationRecord::key_values(id);
        let record =
            self.one(&select_one::<AnnotationRecord>(), &key, AnnotationRecord::read).await?;
        Ok(record.map(|it| it.row))
    }

    async fn find(
        &self,
        principal: &Principal,
        filter: &AnnotationFilter,
        page: &PageRequest,
        with_total: bool,
    ) -> Result<Page<AnnotationRow>, QueryError> {
        let mut listing = listing(filter, &Readable::by(principal, filter.customer));
        let total = match with_total {
            true => Some(listing.count(self).await?),
            false => None,
        };
        if let Some(after) = &page.after {
            let position: u64 = after.key(LIST)?;
            listing.after([position.into()], page.direction);
        }
        let cursor = |it: &AnnotationRecord| Cursor::after(LIST, &it.created_position);
        let page = listing.page(self, page, AnnotationRecord::read, cursor).await?;
        Ok(Page { total, ..page.map(|it| it.row) })
    }

    async fn on_sources(
        &self,
        principal: &Principal,
        customer: CustomerId,
        sources: &[String],
        first: usize,
    ) -> Result<HashMap<String, Vec<AnnotationRow>>, QueryError> {
        let first = i64::try_from(first).unwrap_or(i64::MAX);
        let sources = Value::List(sources.iter().map(Value::from).collect());
        let mut values = vec![customer.into(), sources, first.into()];
        let readable = match Readable::by(principal, customer) {
            Readable::All => IN_LIVING.to_owned(),
            Readable::Open { roles } => {
                values.push(Value::json(&roles));
                format!("{IN_READABLE} AND {NOT_HIDDEN}").replace('?', "$4")
            }
        };
        let rows = self.looked_up(&on_sources(&readable), &values).await?;
        let mut found: HashMap<String, Vec<AnnotationRow>> = HashMap::new();
        for row in &rows {
            let mut columns = Columns::new(row);
            let source = columns.text()?;
            found.entry(source).or_default().push(AnnotationRecord::read(&mut columns)?.row);
        }
        Ok(found)
    }

    async fn annotated(
        &self,
        customer: CustomerId,
        sources: &[String],
    ) -> Result<Vec<Annotated>, QueryError> {
        let readable = format!("{IN_READABLE} AND {NOT_HIDDEN}").replace('?', "'[]'");
        let sql = ANNOTATED.replace("{readable}", &readable);
        let sources = Value::List(sources.iter().map(Value::from).collect());
        let rows = self.looked_up(&sql, &[customer.into(), sources]).await?;
        let annotated = rows.iter().map(|row| {
            let mut columns = Columns::new(row);
            Ok(Annotated { source: columns.text()?, modified_at_us: columns.take()? })
        });
        annotated.collect()
    }
}

/// Returns the SQL that lists some annotations of each source.
fn on_sources(readable: &str) -> String {
    let columns = columns::<AnnotationRecord>();
    format!(
        "SELECT s.source, a.*
         FROM (SELECT DISTINCT u.source FROM unnest($2::text[]) AS u (source)) AS s
         CROSS JOIN LATERAL (
             SELECT {columns} FROM {{schema}}.annotation_terms AS l
             JOIN {{schema}}.annotations AS t ON t.created_position = l.annotation
             WHERE l.customer = $1 AND l.kind = 0 AND left(l.term, 200) = left(s.source, 200)
                 AND l.term = s.source AND t.customer = $1 AND NOT t.deleted AND {readable}
             ORDER BY l.annotation LIMIT $3::bigint) AS a
         ORDER BY s.source, a.created_position"
    )
}

/// Returns the whole list, without a cursor.
fn listing(filter: &AnnotationFilter, readable: &Readable) -> Listing {
    let terms = [
        (TermKind::Source, &filter.source),
        (TermKind::Creator, &filter.creator),
        (TermKind::Motivation, &filter.motivation),
    ];
    let mut terms = terms.into_iter().filter_map(|(kind, it)| Some((kind as i16, it.as_ref()?)));
    let mut listing = match terms.next() {
        Some((kind, term)) => {
            let tables = "FROM {schema}.annotation_terms AS l
                JOIN {schema}.annotations AS t ON t.created_position = l.annotation";
            let mut listing = Listing::from_tables::<AnnotationRecord>(tables, &["l.annotation"]);
            listing.and_with("l.customer = ?", filter.customer);
            listing.and(format!("l.kind = {kind}"));
            listing.and_with("left(l.term, 200) = left(?, 200) AND l.term = ?", term);
            listing
        }
        None => Listing::of::<AnnotationRecord>(&["t.created_position"]),
    };
    for (kind, term) in terms {
        let condition = format!(
            "EXISTS (SELECT 1 FROM {{schema}}.annotation_terms AS m
                     WHERE m.annotation = t.created_position AND m.kind = {kind} AND m.term = ?)"
        );
        listing.and_with(&condition, term);
    }
    listing.and_with("t.customer = ?", filter.customer);
    listing.and("NOT t.deleted");
    if let Some(container) = &filter.container {
        listing.and_with("t.container = ?", &container.id);
    }
    if let (Some(source), Some(region)) = (&filter.source, filter.region) {
        let [left, top, right, bottom] = region.edges();
        let condition = format!(
            "EXISTS (SELECT 1 FROM {{schema}}.annotation_terms AS p
                     WHERE p.annotation = t.created_position AND p.kind = 3 AND p.term = ?
                       AND (p.left_px IS NULL
                            OR (p.left_px < {right} AND p.top_px < {bottom}
                                AND p.right_px > {left} AND p.bottom_px > {top})))"
        );
        listing.and_with(&condition, source);
    }
    if let Some(words) = &filter.words {
        has_words(&mut listing, words);
    }
    if let Some(from) = filter.from_us {
        listing.and_with("t.created_at_us >= ?", from);
    }
    if let Some(until) = filter.until_us {
        listing.and_with("t.created_at_us < ?", until);
    }
    match readable {
        Readable::All => listing.and(IN_LIVING),
        Readable::Open { roles } => {
            listing.and_with(IN_READABLE, Value::json(roles));
            listing.and_with(NOT_HIDDEN, Value::json(roles));
        }
    }
    listing
}

/// Narrows a list to what has these words. They have nothing that would have to be escaped in quotes.
fn has_words(listing: &mut Listing, query: &WordsQuery) {
    let (mut lexemes, mut phrases) = (Vec::new(), Vec::new());
    for it in query.sought() {
        match it {
            Sought::Words(words) => {
                lexemes.extend(words.iter().map(|it| format!("'{it}'")));
                if words.len() > 1 {
                    phrases.push(format!(" {} ", words.join(" ")));
                }
            }
            Sought::Prefix(prefix) => lexemes.push(format!("'{prefix}':*")),
        }
    }
    if lexemes.is_empty() {
        return listing.and("false");
    }
    let condition = format!(
        "EXISTS (SELECT 1 FROM {{schema}}.annotation_words AS w
                 WHERE w.annotation = t.created_position AND w.lexemes @@ ?::tsquery{})",
        " AND strpos(w.words, ?) > 0".repeat(phrases.len())
    );
    let lexemes = lexemes.join(" & ");
    let values = std::iter::once(&lexemes).chain(&phrases).map(Value::from);
    listing.and_with_all(&condition, values);
}
