//! `/graphql` over HTTP and WebSocket.
//!
//! - POST with `application/json` only, so that no form of another site can send one.
//! - GET asks questions only, and shows GraphiQL to a browser.
//! - A WebSocket says who it is in `connection_init`, never by cookie, and comes from our own pages
//!   or from a program.

use crate::context::GraphqlState;
use crate::subscriptions::{ANONYMOUS_MAX, SUBSCRIPTIONS_MAX, Subscribed, Subscriptions, key_of};
use crate::{DlcsSchema, guard};
use async_graphql::http::ALL_WEBSOCKET_PROTOCOLS;
use async_graphql::parser::parse_query;
use async_graphql::parser::types::OperationType;
use async_graphql::{BatchRequest, BatchResponse, Data, Request, Response, ServerError};
use async_graphql_axum::{GraphQLProtocol, GraphQLWebSocket};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequestParts, Query, State, WebSocketUpgrade};
use axum::http::{HeaderMap, HeaderValue, Request as HttpRequest, StatusCode, header};
use axum::response::{IntoResponse, Response as HttpResponse};
use axum::routing::get;
use dlcs_domain::access::Principal;
use serde::Deserialize;
use std::any::TypeId;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Bytes of a request.
const BODY_BYTES_MAX: usize = 16 * 1024;
/// How often the credentials of an open subscription are looked at.
const SESSION_LOOK: Duration = Duration::from_secs(1);
/// A question is given up after this time.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Makes the page that a browser gets.
pub type Page = Arc<dyn Fn(&HeaderMap) -> HttpResponse + Send + Sync>;

#[derive(Clone)]
struct Endpoint {
    schema: DlcsSchema,
    state: GraphqlState,
    page: Page,
    subscriptions: Subscriptions,
}

/// Returns the routes of GraphQL.
pub fn router(state: GraphqlState, page: Page) -> Router {
    let schema = crate::schema(state.clone());
    let endpoint = Endpoint { schema, state, page, subscriptions: Subscriptions::default() };
    Router::new()
        .route("/graphql", get(answer_get).post(answer_post))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(endpoint)
}

async fn answer_post(
    State(endpoint): State<Endpoint>,
    headers: HeaderMap,
    body: Bytes,
) -> HttpResponse {
    if !is_json(&headers) {
        let detail = "send the document as application/json";
        return problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, "media-type-unsupported", detail);
    }
    let principal = match (endpoint.state.authenticate)(headers).await {
        Ok(principal) => principal,
        Err(detail) => return unauthorized(&detail),
    };
    let request = match serde_json::from_slice::<BatchRequest>(&body) {
        Ok(request) => request,
        Err(error) => {
            return problem(StatusCode::BAD_REQUEST, "bad-request", &error.to_string());
        }
    };
    json(&answer_batch(&endpoint, request, &principal).await)
}

async fn answer_batch(
    endpoint: &Endpoint,
    request: BatchRequest,
    principal: &Principal,
) -> BatchResponse {
    match request {
        BatchRequest::Single(request) => {
            BatchResponse::Single(execute(endpoint, request, principal).await)
        }
        BatchRequest::Batch(requests) if requests.len() > guard::BATCH_MAX => {
            let message = format!("at most {} documents at once", guard::BATCH_MAX);
            BatchResponse::Single(refusal(message))
        }
        BatchRequest::Batch(requests) => {
            let mut responses = Vec::with_capacity(requests.len());
            for request in requests {
                responses.push(execute(endpoint, request, principal).await);
            }
            BatchResponse::Batch(responses)
        }
    }
}

async fn execute(endpoint: &Endpoint, request: Request, principal: &Principal) -> Response {
    if let Err(refused) = guard::check(&request) {
        metrics::counter!("dlcs_graphql_refused_total").increment(1);
        return refusal(refused.to_string());
    }
    let asks = only_asks(&request.query);
    bounded(asks, endpoint.schema.execute(request.data(principal.clone()))).await
}

/// Gives up a question that takes too long. A command that was begun is not broken off: its answer
/// would be lost, not its effect.
async fn bounded(asks: bool, executed: impl Future<Output = Response>) -> Response {
    if !asks {
        return executed.await;
    }
    match tokio::time::timeout(TIMEOUT, executed).await {
        Ok(response) => response,
        Err(_) => refusal(format!("no answer within {} seconds", TIMEOUT.as_secs())),
    }
}

fn refusal(message: String) -> Response {
    let mut error = ServerError::new(message, None);
    let mut extensions = async_graphql::ErrorExtensionValues::default();
    extensions.set("code", "document-refused");
    error.extensions = Some(extensions);
    Response::from_errors(vec![error])
}

#[derive(Deserialize)]
struct Parameters {
    query: Option<String>,
    variables: Option<String>,
    #[serde(rename = "operationName")]
    operation_name: Option<String>,
}

async fn answer_get(
    State(endpoint): State<Endpoint>,
    Query(parameters): Query<Parameters>,
    request: HttpRequest<axum::body::Body>,
) -> HttpResponse {
    let (mut parts, _) = request.into_parts();
    if parts.headers.contains_key(header::UPGRADE) {
        return match upgrade(&mut parts, &endpoint).await {
            Ok(response) | Err(response) => response,
        };
    }
    let Some(query) = parameters.query else { return (endpoint.page)(&parts.headers) };
    let principal = match (endpoint.state.authenticate)(parts.headers).await {
        Ok(principal) => principal,
        Err(detail) => return unauthorized(&detail),
    };
    let mut request = Request::new(query);
    if let Some(variables) = parameters.variables {
        match serde_json::from_str(&variables) {
            Ok(variables) => request.variables = async_graphql::Variables::from_json(variables),
            Err(error) => {
                return problem(StatusCode::BAD_REQUEST, "bad-request", &error.to_string());
            }
        }
    }
    request.operation_name = parameters.operation_name;
    if guard::check(&request).is_ok() && !only_asks(&request.query) {
        let detail = "a mutation is sent by POST";
        return problem(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", detail);
    }
    json(&BatchResponse::Single(execute(&endpoint, request, &principal).await))
}

/// The guard has let the document pass, so that parsing it is safe.
fn only_asks(document: &str) -> bool {
    parse_query(document).is_ok_and(|document| {
        document.operations.iter().all(|(_, operation)| operation.node.ty == OperationType::Query)
    })
}

async fn upgrade(
    parts: &mut axum::http::request::Parts,
    endpoint: &Endpoint,
) -> Result<HttpResponse, HttpResponse> {
    if !origin_is_ours(&parts.headers, &endpoint.state.public_url) {
        let detail = "pages of other sites may not subscribe";
        return Err(problem(StatusCode::FORBIDDEN, "origin-refused", detail));
    }
    let protocol = GraphQLProtocol::from_request_parts(parts, &())
        .await
        .map_err(IntoResponse::into_response)?;
    let upgrade = WebSocketUpgrade::from_request_parts(parts, &())
        .await
        .map_err(IntoResponse::into_response)?;
    let endpoint = endpoint.clone();
    let socket = upgrade
        .max_message_size(BODY_BYTES_MAX)
        .protocols(ALL_WEBSOCKET_PROTOCOLS)
        .on_upgrade(move |stream| async move {
            let authenticate = Arc::clone(&endpoint.state.authenticate);
            let executor = Guarded {
                schema: endpoint.schema,
                of_keys: endpoint.subscriptions,
                of_connection: Subscriptions::default(),
            };
            GraphQLWebSocket::new(stream, executor, protocol)
                .on_connection_init(move |payload| identify(authenticate, payload))
                .keepalive_timeout(Duration::from_secs(60))
                .serve()
                .await;
        });
    Ok(socket)
}

/// `connection_init` carries what a request would have as headers.
async fn identify(
    authenticate: crate::Authenticate,
    payload: serde_json::Value,
) -> async_graphql::Result<Data> {
    let mut headers = HeaderMap::new();
    let given = payload.get("Authorization").or_else(|| payload.get("authorization"));
    if let Some(text) = given.and_then(serde_json::Value::as_str) {
        headers.insert(header::AUTHORIZATION, HeaderValue::from_str(text)?);
    }
    let principal = authenticate(headers.clone()).await.map_err(async_graphql::Error::new)?;
    let mut data = Data::default();
    data.insert(principal.clone());
    data.insert(Session { authenticate, headers, principal });
    Ok(data)
}

/// Who opened a connection, and how they showed it.
#[derive(Clone)]
struct Session {
    authenticate: crate::Authenticate,
    headers: HeaderMap,
    principal: Principal,
}

impl Session {
    /// Waits until the credentials do not hold any more: they were revoked, or have expired.
    async fn ended(self) {
        if self.principal == Principal::Anonymous {
            return std::future::pending().await;
        }
        loop {
            tokio::time::sleep(SESSION_LOOK).await;
            if (self.authenticate)(self.headers.clone()).await.as_ref() != Ok(&self.principal) {
                return;
            }
        }
    }
}

fn origin_is_ours(headers: &HeaderMap, public_url: &str) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let Ok(origin) = origin.to_str() else { return false };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let same_host = host.is_some_and(|host| {
        origin.strip_prefix("http://").or(origin.strip_prefix("https://")) == Some(host)
    });
    origin == public_url || same_host
}

/// The schema behind the guard, for subscriptions.
#[derive(Clone)]
struct Guarded {
    schema: DlcsSchema,
    of_keys: Subscriptions,
    of_connection: Subscriptions,
}

impl Guarded {
    /// Counts a subscription; `None`: there are too many.
    fn subscribe(&self, session: Option<&Data>) -> Option<Vec<Subscribed>> {
        let principal = session.and_then(|data| data.get(&TypeId::of::<Principal>()));
        let principal = principal.and_then(|it| it.downcast_ref::<Principal>());
        let counted = match principal.and_then(key_of) {
            Some(key) => vec![self.of_keys.open(key, SUBSCRIPTIONS_MAX)],
            None => vec![
                self.of_connection.open("", SUBSCRIPTIONS_MAX),
                self.of_keys.open("", ANONYMOUS_MAX),
            ],
        };
        counted.into_iter().collect()
    }
}

impl async_graphql::Executor for Guarded {
    async fn execute(&self, request: Request) -> Response {
        match guard::check(&request) {
            Ok(()) => self.schema.execute(request).await,
            Err(refused) => refusal(refused.to_string()),
        }
    }

    fn execute_stream(
        &self,
        request: Request,
        session_data: Option<Arc<Data>>,
    ) -> futures::stream::BoxStream<'static, Response> {
        use futures::StreamExt;
        let refuse = |message| futures::stream::once(async move { refusal(message) }).boxed();
        if let Err(refused) = guard::check(&request) {
            return refuse(refused.to_string());
        }
        let Some(subscribed) = self.subscribe(session_data.as_deref()) else {
            return refuse("too many subscriptions at once".to_owned());
        };
        let data = session_data.unwrap_or_default();
        let session =
            data.get(&TypeId::of::<Session>()).and_then(|it| it.downcast_ref::<Session>());
        let session = session.cloned();
        let answers = self.schema.execute_stream_with_session_data(request, data);
        // It counts until the stream is dropped.
        let answers = answers.inspect(move |_| _ = &subscribed);
        match session {
            Some(session) => until_ended(answers, session).boxed(),
            None => answers.boxed(),
        }
    }
}

/// Passes answers on until the credentials do not hold any more, and then says so.
fn until_ended(
    answers: impl futures::Stream<Item = Response> + Send + 'static,
    session: Session,
) -> impl futures::Stream<Item = Response> + Send + 'static {
    use futures::StreamExt;
    let is_over = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&is_over);
    let ended = async move {
        session.ended().await;
        is_over.store(true, Ordering::Relaxed);
    };
    let refusal = || refusal("the credentials do not hold any more".to_owned());
    let last = async move { told.load(Ordering::Relaxed).then(refusal) };
    answers.take_until(ended).chain(futures::stream::once(last).filter_map(std::future::ready))
}

fn is_json(headers: &HeaderMap) -> bool {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = given.and_then(|value| value.split(';').next()).map(str::trim);
    essence.is_some_and(|value| value.eq_ignore_ascii_case("application/json"))
}

fn json(response: &BatchResponse) -> HttpResponse {
    let mut answer = axum::Json(response).into_response();
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

fn unauthorized(detail: &str) -> HttpResponse {
    let mut answer = problem(StatusCode::UNAUTHORIZED, "credentials-wrong", detail);
    let challenge = HeaderValue::from_static("Basic realm=\"dlcs\"");
    answer.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    answer
}

/// Problem details of RFC 9457.
fn problem(status: StatusCode, code: &str, detail: &str) -> HttpResponse {
    let body = serde_json::json!({
        "type": format!("/docs/errors#{code}"), "code": code, "status": status.as_u16(),
        "title": status.canonical_reason(), "detail": detail,
    });
    let headers = [(header::CONTENT_TYPE, "application/problem+json")];
    (status, headers, body.to_string()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &str)| {
            (header::HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn b92_pages_of_other_sites_may_not_subscribe() {
        let public = "https://iiif.example.org";
        for (origin, ours) in [
            (public, true),
            ("http://127.0.0.1:8080", true),
            ("https://evil.example", false),
            ("null", false),
            ("https://iiif.example.org.evil.example", false),
        ] {
            let headers = headers(&[("origin", origin), ("host", "127.0.0.1:8080")]);
            assert_eq!(origin_is_ours(&headers, public), ours, "{origin}");
        }
        assert!(origin_is_ours(&headers(&[("host", "x")]), public));
    }

    #[test]
    fn b92_only_json_is_read() {
        assert!(is_json(&headers(&[("content-type", "application/json; charset=utf-8")])));
        for other in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"] {
            assert!(!is_json(&headers(&[("content-type", other)])), "{other}");
        }
        assert!(!is_json(&HeaderMap::new()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_question_is_given_up_after_a_while_and_a_rebuild_is_not() {
        let slow = async || {
            tokio::time::sleep(TIMEOUT * 6).await;
            Response::new(async_graphql::Value::from(true))
        };
        assert!(bounded(false, slow()).await.is_ok());
        assert!(bounded(true, slow()).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_subscription_ends_when_its_key_does_and_one_without_a_key_does_not() {
        use dlcs_domain::access::Scope;
        let key =
            Principal::Key { actor: dlcs_domain::ActorId("key-1".into()), scope: Scope::ADMIN };
        let begun = tokio::time::Instant::now();
        let holds = key.clone();
        let session = |principal| {
            let holds = holds.clone();
            let authenticate: crate::Authenticate = Arc::new(move |_| {
                let is_over = begun.elapsed() > Duration::from_secs(60);
                let found = if is_over { Err("revoked".to_owned()) } else { Ok(holds.clone()) };
                Box::pin(std::future::ready(found))
            });
            Session { authenticate, headers: HeaderMap::new(), principal }
        };
        let whole = until_ended(futures::stream::iter([Response::default()]), session(key.clone()));
        assert_eq!(futures::StreamExt::count(whole).await, 1, "what ends by itself is not cut off");
        session(key).ended().await;
        assert!(begun.elapsed() > Duration::from_secs(60), "it held so long");
        assert!(begun.elapsed() <= Duration::from_secs(62), "{:?}", begun.elapsed());
        let anonymous = session(Principal::Anonymous).ended();
        assert!(tokio::time::timeout(Duration::from_secs(3600), anonymous).await.is_err());
    }

    #[test]
    fn a_get_only_asks() {
        assert!(only_asks("{ a }"));
        assert!(!only_asks("mutation { a }"));
        assert!(!only_asks("query A { a } mutation B { a }"));
    }
}
