//! `/activity/{c}/…`: what changed among the public documents of a customer (Change Discovery 1.0).
//!
//! - A page holds the activities with numbers from `n * PAGE_ITEMS` on. When the next one has begun
//!   it never changes again, so that anybody may keep it.
//! - Activities say which document and where, never what is in it: it may be gone by now.

use super::address;
use super::caching::{Caching, Document};
use crate::access::Caller;
use crate::error::{Answer, Problem};
use crate::http::raw_path::PathParams;
use crate::http::time;
use crate::state::Shared;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use dlcs_domain::{CollectionId, CustomerId, ManifestId};
use dlcs_iiif::discovery::{
    Activity, Change, OrderedCollection, OrderedCollectionPage, Resource, ResourceKind,
};
use dlcs_iiif::negotiation::negotiate_discovery;
use dlcs_projections::activities::{self, ActivityKind, ActivityRow, ActivityStream};

/// Activities on a page. A harvester remembers where it stopped: this is for ever.
const PAGE_ITEMS: u64 = 100;

/// `/activity/{c}/all-changes`.
pub(crate) async fn all_changes(
    State(state): State<Shared>,
    caller: Caller,
    headers: HeaderMap,
) -> Answer {
    let stream = living(&state, &caller).await?;
    let (base, customer) = (&state.public_url, stream.customer);
    let collection = OrderedCollection {
        id: address::all_changes(base, customer),
        total: stream.count,
        first: address::changes_page(base, customer, 0),
        last: address::changes_page(base, customer, last_page(&stream)),
    };
    let caching = Caching::Revalidate;
    let document = document(collection.to_json(), &headers, stream.modified_at_us, caching);
    Ok(document.respond(&headers))
}

/// `/activity/{c}/page/{n}`.
pub(crate) async fn page(
    State(state): State<Shared>,
    caller: Caller,
    params: PathParams,
    headers: HeaderMap,
) -> Answer {
    let number = page_number(params.get("page"))?;
    let stream = living(&state, &caller).await?;
    let last = last_page(&stream);
    if number > last {
        return Err(Problem::not_found());
    }
    let (base, customer) = (&state.public_url, stream.customer);
    let first = number * PAGE_ITEMS;
    let end = stream.count.min(first + PAGE_ITEMS);
    // What has been added since the stream was read is left for the next request.
    let rows = state.queries.activities.between(customer, first, end).await?;
    let modified_at_us = rows.last().map_or(stream.modified_at_us, |row| row.ended_at_us);
    let at = |number| address::changes_page(base, customer, number);
    let id = at(number);
    let page = OrderedCollectionPage {
        part_of: address::all_changes(base, customer),
        start_index: first,
        prev: number.checked_sub(1).map(at),
        next: (number < last).then(|| at(number + 1)),
        activities: rows.into_iter().map(|row| activity(&state, &id, row)).collect(),
        id,
    };
    let caching = Caching::of(true, number < last);
    Ok(document(page.to_json(), &headers, modified_at_us, caching).respond(&headers))
}

/// Returns what is known of the customer of the path, unless there is none.
async fn living(state: &Shared, caller: &Caller) -> Answer<ActivityStream> {
    let stream = state.queries.activities.stream(caller.customer()?).await?;
    stream.filter(|it| !it.deleted).ok_or_else(Problem::not_found)
}

/// The first one is there even when nothing has happened yet.
fn last_page(stream: &ActivityStream) -> u64 {
    stream.count.saturating_sub(1) / PAGE_ITEMS
}

/// Reads the number of a page, in its one spelling.
fn page_number(text: &str) -> Answer<u64> {
    let number = text.parse::<u64>().ok().filter(|number| number.to_string() == text);
    number.ok_or_else(Problem::not_found)
}

fn document(body: String, headers: &HeaderMap, modified_at_us: i64, caching: Caching) -> Document {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let content_type = negotiate_discovery(accept);
    let modified_at_us = Some(modified_at_us);
    Document { body, content_type, modified_at_us, caching, link: None }
}

fn activity(state: &Shared, page: &str, row: ActivityRow) -> Activity {
    let at = |slug: Option<&str>| resource(state, row.customer, row.kind, &row.resource, slug);
    let now = at(row.slug.as_deref());
    let change = match row.activity {
        ActivityKind::Create => Change::Create(now),
        ActivityKind::Update => Change::Update(now),
        ActivityKind::Delete => Change::Delete(now),
        ActivityKind::Add => Change::Add(now),
        ActivityKind::Remove => Change::Remove(now),
        ActivityKind::Move => Change::Move { from: at(row.former_slug.as_deref()), to: now },
    };
    Activity { id: format!("{page}#{}", row.ordinal), end_time: time::iso(row.ended_at_us), change }
}

/// The flat address leads to a document wherever that is; so it is the canonical one.
fn resource(
    state: &Shared,
    customer: CustomerId,
    kind: activities::ResourceKind,
    id: &str,
    slug: Option<&str>,
) -> Resource {
    let base = &state.public_url;
    let (kind, flat) = match kind {
        activities::ResourceKind::Manifest => {
            let id = ManifestId { customer, id: id.to_owned() };
            (ResourceKind::Manifest, address::flat_manifest(base, &id))
        }
        activities::ResourceKind::Collection => (
            ResourceKind::Collection,
            address::flat_collection(base, &CollectionId { customer, id: id.to_owned() }),
        ),
    };
    match slug {
        Some(slug) => {
            let id = address::public_stored(base, None, customer, slug);
            Resource { id, kind, canonical: Some(flat) }
        }
        None => Resource { id: flat, kind, canonical: None },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_one_spelling() {
        assert_eq!(page_number("0").unwrap(), 0);
        assert_eq!(page_number("1000000000000").unwrap(), 1_000_000_000_000);
        for wrong in ["-1", "+1", "01", "", " 1", "1.0", "x", "18446744073709551616", "١"] {
            assert!(page_number(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_next_page_begins_with_its_first_activity() {
        let last = |count| {
            let (customer, deleted, modified_at_us) = (CustomerId(1), false, 0);
            last_page(&ActivityStream { customer, deleted, count, modified_at_us })
        };
        assert_eq!([0, 1, 100, 101, 200, 201].map(last), [0, 0, 0, 1, 1, 2]);
    }
}
