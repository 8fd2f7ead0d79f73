//! `/history/{c}/…`: what a manifest, an image, its text or an annotation was. Memento, RFC 7089.
//!
//! - The address of a resource's past is a TimeGate: it leads to what was there at
//!   `Accept-Datetime`. Below it `timemap` lists all that ever was, and `{position}` is one of these:
//!   what was there from that place of the history on.
//! - A memento is the fold of the resource's own events up to there; what has been deleted since has
//!   its mementos still.
//! - The past is for those who may see the history of the customer's resources, whatever is open now.

mod links;
mod moments;
mod remembered;

pub(crate) use links::announce;
pub(crate) use remembered::Remembered;

use crate::access::Caller;
use crate::error::{Answer, Problem};
use crate::http::query::QueryParams;
use crate::http::raw_path::PathParams;
use crate::http::time::{http_date, parse_http_date};
use crate::state::Shared;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use dlcs_projections::Position;
use links::Links;
use moments::{Moments, PAGE_SIZE};

pub(crate) const ACCEPT_DATETIME: HeaderName = HeaderName::from_static("accept-datetime");
const MEMENTO_DATETIME: HeaderName = HeaderName::from_static("memento-datetime");
const LINK_FORMAT: &str = "application/link-format";

/// The TimeGate of a resource: RFC 7089, section 4.1, pattern 2.1.
pub(crate) async fn time_gate(
    State(state): State<Shared>,
    caller: Caller,
    params: PathParams,
    headers: HeaderMap,
) -> Answer {
    let (resource, moments) = known(&state, &caller, &params).await?;
    let chosen = match headers.get(ACCEPT_DATETIME) {
        None => moments.len() - 1,
        Some(value) => moments.at(wanted_us(value)?),
    };
    let links = Links { base: &state.public_url, resource: &resource, moments: &moments };
    let mut response = StatusCode::FOUND.into_response();
    let answer = response.headers_mut();
    answer.insert(header::LOCATION, value(&links.memento(chosen))?);
    answer.insert(header::VARY, HeaderValue::from_static("accept-datetime"));
    answer.insert(header::LINK, value(&links.of_gate(chosen))?);
    answer.insert(header::CACHE_CONTROL, PRIVATE);
    Ok(response)
}

/// The TimeMap of a resource, oldest first: RFC 7089, section 5.
pub(crate) async fn time_map(
    State(state): State<Shared>,
    caller: Caller,
    params: PathParams,
    query: QueryParams,
    headers: HeaderMap,
) -> Answer {
    let (resource, moments) = known(&state, &caller, &params).await?;
    let links = Links { base: &state.public_url, resource: &resource, moments: &moments };
    let page = query.number::<usize>("page")?.unwrap_or(0);
    if page > 0 && page.saturating_mul(PAGE_SIZE) >= moments.len() {
        return Err(Problem::not_found());
    }
    let (body, media_type) = match wants_json(&headers) {
        true => (links.map_as_json(page).to_string(), "application/json"),
        false => (links.map(page), LINK_FORMAT),
    };
    let mut response = body.into_response();
    let answer = response.headers_mut();
    answer.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    answer.insert(header::VARY, HeaderValue::from_static("accept"));
    answer.insert(header::CACHE_CONTROL, PRIVATE);
    Ok(response)
}

/// What was there from a position of the history on: RFC 7089, section 4.2. A position between two
/// changes leads to the one before it.
pub(crate) async fn memento(
    State(state): State<Shared>,
    caller: Caller,
    params: PathParams,
) -> Answer {
    let position: u64 = params.get("position").parse().map_err(|_| Problem::not_found())?;
    let (resource, moments) = known(&state, &caller, &params).await?;
    let links = Links { base: &state.public_url, resource: &resource, moments: &moments };
    let chosen = moments.in_force(Position(position)).ok_or_else(Problem::not_found)?;
    let moment = moments.get(chosen);
    if moment.position.0 != position {
        let mut response = StatusCode::FOUND.into_response();
        response.headers_mut().insert(header::LOCATION, value(&links.memento(chosen))?);
        return Ok(response);
    }
    let shown = resource.shown(&state, &caller.principal, moment.position).await?;
    let (content_type, body) = shown.ok_or_else(Problem::not_found)?;
    let mut response: Response = body.into_response();
    let answer = response.headers_mut();
    answer.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer.insert(MEMENTO_DATETIME, value(&http_date(moment.recorded_at_us))?);
    answer.insert(header::LINK, value(&links.of_memento(chosen))?);
    answer.insert(header::CACHE_CONTROL, PRIVATE);
    Ok(response)
}

/// Nobody keeps the past for others.
const PRIVATE: HeaderValue = HeaderValue::from_static("private, no-store");

/// Returns the resource of the address and the moments at which it was something.
async fn known(
    state: &Shared,
    caller: &Caller,
    params: &PathParams,
) -> Answer<(Remembered, Moments)> {
    let resource = Remembered::of(state, caller, params).await?;
    let moments = Moments::of(state, &caller.principal, &resource).await?;
    if moments.len() == 0 {
        return Err(Problem::not_found());
    }
    Ok((resource, moments))
}

/// Returns the last microsecond of the second that a client asks for.
fn wanted_us(value: &HeaderValue) -> Answer<i64> {
    let seconds = value.to_str().ok().and_then(parse_http_date);
    let wrong = || {
        let detail = "`Accept-Datetime` is a time like `Sat, 28 Nov 2026 09:30:00 GMT`";
        Problem::bad_request("bad-request", detail)
    };
    let seconds = seconds.ok_or_else(wrong)?;
    Ok(seconds.saturating_add(1).saturating_mul(1_000_000).saturating_sub(1))
}

fn wants_json(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|it| it.to_str().ok());
    accept.is_some_and(|it| it.contains("json"))
}

fn value(text: &str) -> Answer<HeaderValue> {
    HeaderValue::try_from(text).map_err(Problem::internal)
}
