//! The one table of routes: method, path, action, rule, summary, handler.
//!
//! A route without an action does not compile. The table also yields the OpenAPI document, the
//! preflight answers, the reserved first path segments and the labels of the metrics.

mod table;

use crate::access::{Caller, authenticate, check};
use crate::error::{Answer, Problem};
use crate::http::layers::{self, RequestId};
use crate::http::raw_path::PathParams;
use crate::state::{ApiState, Shared};
use axum::Router;
use axum::extract::{FromRequestParts, Request, State};
use axum::handler::Handler;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, on, options};
use dlcs_domain::CustomerId;
use dlcs_domain::access::{AccessRule, Action, Principal};
use dlcs_projections::Position;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

pub(crate) use table::routes;

const MIN_POSITION: HeaderName = HeaderName::from_static("dlcs-min-position");
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "Allow, Content-Location, ETag, Last-Modified, Link, Location, Prefer, Vary, Retry-After, \
     Content-Disposition, Dlcs-Position, X-Request-Id",
);

/// Builds the whole service. `extra` brings routes that decide for themselves (GraphQL); they find
/// the `Principal` in the request's extensions.
pub fn router(state: ApiState, extra: Router) -> Router {
    let state: Shared = Arc::new(state);
    let mut methods: BTreeMap<String, (Vec<&'static str>, Scripts)> = BTreeMap::new();
    let mut router: Router<Shared> = Router::new();
    for route in routes() {
        let entry = methods.entry(route.path.to_string());
        let entry = entry.or_insert((Vec::new(), Scripts::Nothing));
        entry.0.push(route.method);
        entry.1 = entry.1.max(route.scripts());
        let post = Post { state: state.clone(), entry: route.entry() };
        router =
            router.route(&route.path, route.handler.route_layer(from_fn_with_state(post, guard)));
    }
    for (path, (methods, scripts)) in methods {
        let allowed = methods.join(", ").replace("GET", "GET, HEAD");
        let answer = move || std::future::ready(preflight(&allowed, scripts));
        router = router.route(&path, options(answer));
    }
    router
        .with_state(state.clone())
        .merge(extra)
        .fallback(layers::not_found)
        .method_not_allowed_fallback(layers::method_not_allowed)
        .layer(from_fn_with_state(state.clone(), authenticate))
        .layer(from_fn_with_state(state, layers::observe))
}

/// Returns the first path segments that are taken, so that no customer may be called like that.
pub fn reserved_segments() -> Vec<String> {
    let routes = routes();
    let firsts = routes.iter().filter_map(|route| route.path.split('/').nth(1));
    let firsts = firsts.filter(|it| !it.is_empty() && !it.starts_with('{'));
    let mut firsts: Vec<String> = firsts.map(str::to_owned).collect();
    firsts.sort_unstable();
    firsts.dedup();
    firsts
}

/// What guards a route, beside what its resource's own rule says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Guarded {
    /// Nothing.
    Open,
    /// The management rule of the `{customer}` in the path.
    ByCustomer,
    /// What stands above customers.
    ByAdministration,
    /// The handler asks [`Caller::check`] with the rule of the resource that it read.
    ByResource,
}

/// Version of a IIIF API that an address names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AddressVersion {
    V2,
    V3,
}

/// Kinds of bodies, as the documentation names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Nothing,
    /// A schema of the OpenAPI document.
    Schema(&'static str),
    /// A page of them.
    PageOf(&'static str),
    /// Any media type.
    Media(&'static str),
}

/// One route.
pub(crate) struct Route {
    pub method: &'static str,
    pub path: Cow<'static, str>,
    pub action: Action,
    pub guarded: Guarded,
    pub summary: &'static str,
    pub takes: Kind,
    pub answers: Kind,
    pub version: Option<AddressVersion>,
    /// Scripts of other sites may write too: with credentials in a header, never in a cookie.
    scripted: bool,
    handler: MethodRouter<Shared>,
}

impl Route {
    fn new<H, T>(
        (filter, method): (MethodFilter, &'static str),
        path: Cow<'static, str>,
        (action, guarded): (Action, Guarded),
        summary: &'static str,
        handler: H,
    ) -> Self
    where
        H: Handler<T, Shared>,
        T: 'static,
    {
        let handler = on(filter, handler);
        let (takes, answers) = (Kind::Nothing, Kind::Nothing);
        let (version, scripted) = (None, false);
        Self { method, path, action, guarded, summary, takes, answers, version, scripted, handler }
    }

    fn of(mut self, version: Option<AddressVersion>) -> Self {
        self.version = version;
        self
    }

    fn takes(mut self, kind: Kind) -> Self {
        self.takes = kind;
        self
    }

    fn answers(mut self, kind: Kind) -> Self {
        self.answers = kind;
        self
    }

    /// Offers it to scripts of other sites, as the Web Annotation Protocol wants.
    fn for_scripts(mut self) -> Self {
        self.scripted = true;
        self
    }

    /// What scripts of other sites may do.
    fn scripts(&self) -> Scripts {
        match self.action {
            _ if self.scripted => Scripts::Use,
            Action::ReadService | Action::ReadContent | Action::ReadDescription => Scripts::Read,
            _ => Scripts::Nothing,
        }
    }

    fn entry(&self) -> Entry {
        let Self { action, guarded, version, .. } = *self;
        Entry { action, guarded, version, scripts: self.scripts() }
    }
}

/// What scripts of other sites may do at an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Scripts {
    Nothing,
    /// Read, whatever else the address takes: management is for programs and our pages.
    Read,
    /// All that the address takes.
    Use,
}

/// What the guard knows of its route.
#[derive(Debug, Clone, Copy)]
struct Entry {
    action: Action,
    guarded: Guarded,
    version: Option<AddressVersion>,
    scripts: Scripts,
}

#[derive(Clone)]
struct Post {
    state: Shared,
    entry: Entry,
}

/// Stands before every handler: resolves the customer, decides, waits for a wished position.
async fn guard(State(post): State<Post>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let mut response = match admit(&post, &mut parts).await {
        Ok(caller) => {
            parts.extensions.insert(caller);
            next.run(Request::from_parts(parts, body)).await
        }
        Err(problem) => problem.into_response(),
    };
    if post.entry.scripts != Scripts::Nothing {
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    }
    response
}

async fn admit(post: &Post, parts: &mut Parts) -> Answer<Caller> {
    let Entry { action, guarded, version, .. } = post.entry;
    let params = PathParams::from_request_parts(parts, &()).await?;
    let principal = parts.extensions.get::<Principal>().cloned();
    let principal = principal.unwrap_or(Principal::Anonymous);
    let customer = match params.find("customer") {
        Some(text) => resolve_customer(&post.state, text).await?,
        None => None,
    };
    match (guarded, customer) {
        (Guarded::Open, _) => check(&principal, &AccessRule::Open, action)?,
        (Guarded::ByAdministration, _) | (Guarded::ByCustomer, None) => {
            check(&principal, &AccessRule::Administration, action)?;
        }
        (Guarded::ByCustomer, Some(customer)) => {
            check(&principal, &AccessRule::Management { customer }, action)?;
        }
        (Guarded::ByResource, _) => {}
    }
    if params.find("customer").is_some() && customer.is_none() {
        return Err(Problem::not_found());
    }
    if let Some(position) = min_position(&parts.headers)? {
        post.state.at_least(position).await?;
    }
    let request_id = parts.extensions.get::<RequestId>();
    let request_id = request_id.map_or_else(uuid::Uuid::now_v7, |id| id.0);
    let traceparent = parts.headers.get("traceparent").and_then(|it| it.to_str().ok());
    let traceparent = traceparent.filter(|it| is_traceparent(it)).map(str::to_owned);
    Ok(Caller { principal, action, customer, version, request_id, traceparent })
}

/// Returns the customer of an address: a number, or a name. The name is in the address, so that
/// finding out its number tells nothing new.
async fn resolve_customer(state: &Shared, text: &str) -> Answer<Option<CustomerId>> {
    if let Ok(id) = text.parse() {
        return Ok(Some(id));
    }
    state.queries.customers.id_by_name(text).await.map_err(Problem::from)
}

/// Says whether a text has the form of W3C Trace Context, level 1: only that is recorded.
fn is_traceparent(text: &str) -> bool {
    let hex = |part: &str| part.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'));
    let is_set = |id: &str| id.bytes().any(|it| it != b'0');
    match text.split('-').collect::<Vec<_>>()[..] {
        [version, trace, parent, flags] => {
            [version, trace, parent, flags].into_iter().all(hex)
                && (version.len(), trace.len(), parent.len(), flags.len()) == (2, 32, 16, 2)
                && (version != "ff" && is_set(trace) && is_set(parent))
        }
        _ => false,
    }
}

fn min_position(headers: &HeaderMap) -> Answer<Option<Position>> {
    let Some(value) = headers.get(MIN_POSITION) else { return Ok(None) };
    let number = value.to_str().ok().and_then(|text| text.parse().ok());
    let number = number.ok_or_else(|| {
        Problem::bad_request("invalid-header", "Dlcs-Min-Position has to be a whole number")
    })?;
    Ok(Some(Position(number)))
}

/// Answers OPTIONS: the same for everybody, whatever is at the address.
///
/// The Web Annotation Protocol wants 200 (section 5); elsewhere nothing is to be said.
fn preflight(allowed: &str, scripts: Scripts) -> Response {
    let status = match scripts {
        Scripts::Use => StatusCode::OK,
        Scripts::Read | Scripts::Nothing => StatusCode::NO_CONTENT,
    };
    let mut response = status.into_response();
    let headers = response.headers_mut();
    let allowed = HeaderValue::try_from(format!("{allowed}, {}", Method::OPTIONS));
    let allowed = allowed.unwrap_or(HeaderValue::from_static("OPTIONS"));
    headers.insert(header::ALLOW, allowed.clone());
    let (methods, named) = match scripts {
        Scripts::Nothing => return response,
        Scripts::Read => (
            HeaderValue::from_static("GET, HEAD, OPTIONS"),
            "Authorization, Accept, Content-Type, If-None-Match, If-Modified-Since, Range",
        ),
        Scripts::Use => (
            allowed,
            "Authorization, Accept, Content-Type, Idempotency-Key, If-Match, If-None-Match, \
             If-Modified-Since, Prefer, Slug",
        ),
    };
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(named));
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
    response
}

#[cfg(test)]
mod tests {
    use super::is_traceparent;

    #[test]
    fn only_what_has_the_form_of_a_trace_is_recorded() {
        assert!(is_traceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"));
        for other in [
            "",
            "ivan@example.org was here",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        ] {
            assert!(!is_traceparent(other), "{other}");
        }
    }
}
