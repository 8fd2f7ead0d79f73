//! `/annotations/{w3c|oa}/{c}/`: what a customer has, and annotations by what they are about.
//!
//! `?q=` for words of bodies, `?target=` with `&xywh=`, `?motivation=`, `?creator=`, `?container=`,
//! `?from=`, `?until=`: one page of annotations, which is what the canvases of manifests lead to.
//! Without any of them the containers.

use super::containers::PAGE_SIZE;
use super::documents::Vocabulary;
use super::headers::{Kind, Sent};
use crate::access::Caller;
use crate::delivery::caching::digest;
use crate::error::{Answer, Problem};
use crate::http::conditional::Validators;
use crate::http::query::QueryParams;
use crate::http::raw_path::PathParams;
use crate::http::time::iso;
use crate::state::{PublicUrl, Shared};
use axum::extract::State;
use axum::http::HeaderMap;
use dlcs_domain::access::Principal;
use dlcs_domain::{ContainerId, CustomerId};
use dlcs_iiif::base::BASE_PLACEHOLDER;
use dlcs_iiif::presentation::{AnnotationReference, Canvas, LanguageMap, PresentationVersion};
use dlcs_iiif::web_annotation::container::{self, Collection};
use dlcs_iiif::web_annotation::{open, region};
use dlcs_projections::PageRequest;
use dlcs_projections::annotations::{AnnotationFilter, WordsQuery, count_visible};
use dlcs_projections::paging::Direction;
use serde_json::{Value, json};
use std::collections::HashMap;
use url::form_urlencoded::Serializer;

const QUESTIONS: [&str; 8] =
    ["q", "target", "xywh", "motivation", "creator", "container", "from", "until"];
/// Pages beyond cost what they skip.
const OFFSET_MAX: u64 = 100_000;

pub(crate) async fn read(
    State(state): State<Shared>,
    caller: Caller,
    params: PathParams,
    query: QueryParams,
    headers: HeaderMap,
) -> Answer {
    let vocabulary = Vocabulary::of(&params)?;
    let customer = caller.customer()?;
    let number = query.number::<u64>("page")?.unwrap_or(0);
    if number.saturating_mul(PAGE_SIZE as u64) > OFFSET_MAX {
        return Err(Problem::field("page", "pages end there: narrow the question"));
    }
    let question = Question { state: &state, caller: &caller, vocabulary, customer, number };
    let is_question = QUESTIONS.iter().any(|it| query.get(it).is_some());
    let (kind, document) = match is_question {
        true => (Kind::Answer, question.annotations(&query).await?),
        false => (Kind::Page, question.containers().await?),
    };
    let etag = digest(&[vocabulary.media_type(), &document.to_string()]);
    let sent = Sent {
        kind,
        vocabulary,
        location: state.public_url.at(vocabulary.customer_path(customer)),
        document,
        validators: Validators { etag, modified_at_us: None },
        // What it shows depends on who asks.
        is_open: caller.principal == Principal::Anonymous,
    };
    sent.respond(&headers)
}

struct Question<'a> {
    state: &'a Shared,
    caller: &'a Caller,
    vocabulary: Vocabulary,
    customer: CustomerId,
    /// Of the page, from 0 on.
    number: u64,
}

impl Question<'_> {
    fn address(&self) -> String {
        self.state.public_url.at(self.vocabulary.customer_path(self.customer))
    }

    fn request(&self) -> PageRequest {
        let offset = self.number * PAGE_SIZE as u64;
        PageRequest {
            limit: PAGE_SIZE,
            after: None,
            offset: usize::try_from(offset).unwrap_or(usize::MAX),
            direction: Direction::Ascending,
        }
    }

    async fn annotations(&self, query: &QueryParams) -> Answer<Value> {
        let filter = filter(self.state, self.customer, query)?;
        let annotations = &self.state.queries.annotations;
        let principal = &self.caller.principal;
        let found = annotations.find(principal, &filter, &self.request(), false).await?;
        let base = &self.state.public_url;
        let asked = |page: Option<u64>| {
            let mut address = Serializer::new(String::new());
            for name in QUESTIONS {
                if let Some(value) = query.get(name) {
                    address.append_pair(name, value);
                }
            }
            if let Some(page) = page.filter(|it| *it > 0) {
                address.append_pair("page", &page.to_string());
            }
            format!("{}?{}", self.address(), address.finish())
        };
        let id = asked(Some(self.number));
        if self.vocabulary == Vocabulary::Open {
            let shown = found.items.iter().map(|it| Vocabulary::Web.show(base, it));
            return Ok(open::list(&id, "Annotations", &shown.collect::<Answer<Vec<_>>>()?));
        }
        let shown = found.items.iter().map(|it| self.vocabulary.show(base, it));
        let next = found.has_more.then(|| asked(Some(self.number + 1)));
        let prev = self.number.checked_sub(1).map(|it| asked(Some(it)));
        let shown = shown.collect::<Answer<_>>()?;
        Ok(container::answer(&id, "Annotations", (prev, next), shown))
    }

    async fn containers(&self) -> Answer<Value> {
        let annotations = &self.state.queries.annotations;
        let principal = &self.caller.principal;
        let mut found = annotations.containers(principal, self.customer, &self.request()).await?;
        count_visible(&**annotations, principal, self.customer, &mut found.items).await?;
        let described = found.items.iter().map(|row| {
            let collection = Collection {
                id: self.state.public_url.at(self.vocabulary.container_path(&row.id)),
                label: row.label.clone(),
                created: iso(row.created_at_us),
                modified: iso(row.modified_at_us),
                total: row.total,
                pages: None,
            };
            container::collection(&collection, None)
        });
        let described: Vec<Value> = described.collect();
        let mut document = json!({
            "@context": container::LDP_CONTEXT,
            "id": self.address(),
            "type": "BasicContainer",
            "total": found.total,
            "contains": described,
        });
        if found.has_more {
            document["next"] = json!(format!("{}?page={}", self.address(), self.number + 1));
        }
        Ok(document)
    }
}

fn filter(state: &Shared, customer: CustomerId, query: &QueryParams) -> Answer<AnnotationFilter> {
    let (source, fragment) =
        match query.get("target").map(|it| it.split_once('#').unwrap_or((it, ""))) {
            Some((source, fragment)) => (Some(relative(&state.public_url, source)), fragment),
            None => (None, ""),
        };
    let asked = query.get("xywh").map(|it| format!("xywh={it}"));
    let region = match asked.as_deref().or((!fragment.is_empty()).then_some(fragment)) {
        None => None,
        Some(fragment) => {
            let wrong = || Problem::field("xywh", "`xywh` has four whole numbers of pixels");
            Some(region::of_fragment(fragment).ok_or_else(wrong)?)
        }
    };
    if region.is_some() && source.is_none() {
        return Err(Problem::field("target", "`xywh` is a part of a `target`"));
    }
    let words = query.get("q").map(WordsQuery::parse).transpose();
    let words = words.map_err(|it| Problem::field("q", it.to_string()))?;
    let container = query.get("container");
    Ok(AnnotationFilter {
        customer,
        container: container.map(|id| ContainerId { customer, id: id.to_owned() }),
        source,
        region,
        motivation: query.get("motivation").map(str::to_owned),
        creator: query.get("creator").map(|it| relative(&state.public_url, it)),
        words,
        from_us: query.time("from")?,
        until_us: query.time("until")?,
    })
}

/// Returns an address as read models know it: without our own name.
pub(super) fn relative(base: &PublicUrl, address: &str) -> String {
    match address.strip_prefix(base.as_str()) {
        Some(path) if path.starts_with('/') => format!("{BASE_PLACEHOLDER}{path}"),
        _ => address.to_owned(),
    }
}

/// Annotations that anybody may read, by canvas, with the time of the last change.
pub(crate) struct Annotations(HashMap<String, i64>);

impl Annotations {
    /// Looks up which of these canvases have some in the containers of a customer.
    pub(crate) async fn on(
        state: &Shared,
        customer: CustomerId,
        canvases: impl Iterator<Item = &str>,
    ) -> Answer<Self> {
        let sources: Vec<String> = canvases.map(|it| relative(&state.public_url, it)).collect();
        let found = state.queries.annotations.annotated(customer, &sources).await?;
        Ok(Self(found.into_iter().map(|it| (it.source, it.modified_at_us)).collect()))
    }

    /// Lets a canvas lead to its annotations, and returns when they changed last.
    pub(crate) fn refer(
        &self,
        base: &PublicUrl,
        customer: CustomerId,
        canvas: &mut Canvas,
        version: PresentationVersion,
    ) -> Option<i64> {
        let modified_at_us = *self.0.get(&relative(base, &canvas.id))?;
        let vocabulary = match version {
            PresentationVersion::V3 => Vocabulary::Web,
            PresentationVersion::V2 => Vocabulary::Open,
        };
        let question = Serializer::new(String::new()).append_pair("target", &canvas.id).finish();
        let path = vocabulary.customer_path(customer);
        canvas.annotations.push(AnnotationReference {
            id: base.at(format_args!("{path}?{question}")),
            label: LanguageMap::new("en", "Annotations"),
        });
        Some(modified_at_us)
    }
}
