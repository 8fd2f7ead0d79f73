//! What every write has in common: context, `Idempotency-Key`, waiting, headers of the answer.

use super::json_ld::{context as json_ld_context, json_ld};
use crate::access::Caller;
use crate::error::{Answer, Problem};
use crate::http::conditional::{IfMatch, Validators, into_not_modified};
use crate::http::preferences::Waiting;
use crate::http::query::QueryParams;
use crate::http::raw_path::PathParams;
use crate::http::time::http_date;
use crate::state::{Resource, Shared};
use axum::body::{Body, HttpBody};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use dlcs_commands::idempotency::{
    Answer as KeptAnswer, Begin, InFlight, RowsInFlight, StoredAnswer,
};
use dlcs_commands::{CommandContext, Decided};
use dlcs_domain::access::Principal;
use dlcs_projections::Position;
use serde_json::{Value, json};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const DLCS_POSITION: HeaderName = HeaderName::from_static("dlcs-position");
/// Largest answer that is kept for repetitions.
const KEPT_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// A request for management, without its body.
pub(crate) struct Incoming {
    pub state: Shared,
    pub caller: Caller,
    pub params: PathParams,
    pub query: QueryParams,
    pub method: Method,
    pub uri: Uri,
    pub headers: HeaderMap,
}

impl FromRequestParts<Shared> for Incoming {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &Shared) -> Answer<Self> {
        let caller = Caller::from_request_parts(parts, state).await?;
        let params = PathParams::from_request_parts(parts, state).await?;
        let query = QueryParams::parse(parts.uri.query().unwrap_or_default());
        let (method, uri, headers) =
            (parts.method.clone(), parts.uri.clone(), parts.headers.clone());
        Ok(Self { state: state.clone(), caller, params, query, method, uri, headers })
    }
}

/// What a write came to.
pub(crate) struct Done {
    /// 200, 201 or 204.
    pub status: StatusCode,
    pub resource: Resource,
    pub decided: Decided,
    /// Path of the resource, without scheme and host.
    pub path: String,
}

impl Incoming {
    /// Returns the context of the command, with what `If-Match` and `If-None-Match: *` say.
    pub(crate) fn context(&self) -> Answer<CommandContext> {
        let actor = match &self.caller.principal {
            Principal::Key { actor, .. } | Principal::Process { actor } => actor.clone(),
            Principal::Anonymous | Principal::Reader { .. } => {
                return Err(Problem::credentials_needed());
            }
        };
        let Caller { customer, request_id, traceparent, .. } = &self.caller;
        let mut context = CommandContext::new(actor, *customer, *request_id);
        context.traceparent.clone_from(traceparent);
        context.expected_edit = IfMatch::read(&self.headers)?.expected_edit();
        context.expects_absent = expects_absent(&self.headers);
        Ok(context)
    }

    /// Executes once per `Idempotency-Key`; a repetition gets the first answer again.
    pub(crate) async fn once<F, Fut>(&self, body: &[u8], run: F) -> Answer
    where
        F: FnOnce(CommandContext) -> Fut,
        Fut: Future<Output = Answer>,
    {
        self.once_without(&[], body, run).await
    }

    /// The same; the members of the answer that are named are told once only.
    pub(crate) async fn once_without<F, Fut>(
        &self,
        told_once: &[&str],
        body: &[u8],
        run: F,
    ) -> Answer
    where
        F: FnOnce(CommandContext) -> Fut,
        Fut: Future<Output = Answer>,
    {
        let context = self.context()?;
        let Some(key) = self.idempotency_key() else { return run(context).await };
        let request = format!("{} {}", self.method, self.uri.path());
        let begun = self.state.idempotency.begin(&context, key, &request, body).await;
        match begun.map_err(dlcs_commands::CommandError::from)? {
            Begin::Answered(answer) => self.again(*answer),
            Begin::Execute { context, in_flight } => {
                self.keep(run(context).await?, told_once, in_flight).await
            }
        }
    }

    /// Begins what is read and executed row by row. Its answer is made anew for a repetition: each
    /// row is recognised by itself.
    pub(crate) async fn by_rows(&self) -> Answer<(CommandContext, Option<RowsInFlight>)> {
        let context = self.context()?;
        let Some(key) = self.idempotency_key() else { return Ok((context, None)) };
        let begun = self.state.idempotency.begin_rows(&context, key).await;
        let (context, in_flight) = begun.map_err(dlcs_commands::CommandError::from)?;
        Ok((context, Some(in_flight)))
    }

    fn idempotency_key(&self) -> Option<&str> {
        Some(self.headers.get(IDEMPOTENCY_KEY)?.to_str().unwrap_or_default())
    }

    /// Waits for the read model as the client prefers. `false`: answer 202.
    pub(crate) async fn settled(&self, done: &Done) -> bool {
        let position = done.decided.position;
        self.state.written.record(done.resource.clone(), position);
        match Waiting::read(&self.headers) {
            Waiting::No => false,
            Waiting::Own(at_most) => {
                let names = done.resource.projections();
                self.state.queries.freshness.wait_each(names, position, at_most).await
            }
            Waiting::All(at_most) => self.state.queries.freshness.wait_all(position, at_most).await,
        }
    }

    /// Answers the resource, or 202 where its read model is not there yet.
    pub(crate) fn answer(&self, done: &Done, resource: Option<&Value>) -> Answer {
        let location = self.state.public_url.at(&done.path);
        let mut response = match (resource, done.status) {
            (_, StatusCode::NO_CONTENT) => StatusCode::NO_CONTENT.into_response(),
            (Some(resource), status) => json_ld(status, resource),
            (None, _) => {
                let mut accepted = json!({"@context": json_ld_context(), "@id": location});
                if matches!(done.resource, Resource::Asset(_)) {
                    accepted["ingesting"] = json!(true);
                }
                json_ld(StatusCode::ACCEPTED, &accepted)
            }
        };
        let headers = response.headers_mut();
        if done.status == StatusCode::CREATED || resource.is_none() {
            let location = HeaderValue::try_from(location).map_err(Problem::internal)?;
            headers.insert(header::LOCATION, location);
        }
        insert_position(headers, done.decided.position);
        insert_edit_tag(headers, done.decided.edit_revision);
        Ok(response)
    }

    /// Keeps what is final and not too large. A repetition of what was only accepted may find the
    /// resource, and the log recognises a repetition whose answer was not kept.
    async fn keep(&self, response: Response, told_once: &[&str], in_flight: InFlight) -> Answer {
        let is_small = response.body().size_hint().exact().is_some_and(|it| it <= KEPT_BYTES_MAX);
        if response.status() == StatusCode::ACCEPTED || !is_small {
            return Ok(response);
        }
        let (parts, body) = response.into_parts();
        let body: Bytes =
            axum::body::to_bytes(body, usize::MAX).await.map_err(Problem::internal)?;
        let text = |name: HeaderName| {
            parts.headers.get(name).and_then(|it| it.to_str().ok()).unwrap_or_default().to_owned()
        };
        let position = text(DLCS_POSITION).parse().unwrap_or_default();
        let location = text(header::LOCATION);
        let kept = KeptAnswer {
            status: parts.status.as_u16(),
            location: location.strip_prefix(self.state.public_url.as_str()).map(str::to_owned),
            content_type: Some(format!("{}\n{}", text(header::CONTENT_TYPE), text(header::ETAG))),
            body: without(&body, told_once)?,
            position: Position(position),
        };
        if let Err(error) = in_flight.finish(kept).await {
            tracing::warn!(%error, "an idempotent answer could not be kept: {error}");
        }
        Ok(Response::from_parts(parts, Body::from(body)))
    }

    fn again(&self, answer: StoredAnswer) -> Answer {
        let status = StatusCode::from_u16(answer.status).map_err(Problem::internal)?;
        let mut response = (status, answer.body).into_response();
        let headers = response.headers_mut();
        if let Some(kept) = answer.content_type {
            // The tag travels behind the type, for it belongs to the same answer.
            let (media_type, etag) = kept.split_once('\n').unwrap_or((kept.as_str(), ""));
            insert(headers, header::CONTENT_TYPE, media_type)?;
            insert(headers, header::ETAG, etag)?;
        }
        if let Some(path) = answer.location {
            insert(headers, header::LOCATION, &self.state.public_url.at(path))?;
        }
        insert_position(headers, answer.position);
        Ok(response)
    }
}

/// Returns a document of JSON without some of its members.
fn without(body: &Bytes, members: &[&str]) -> Answer<Bytes> {
    if members.is_empty() {
        return Ok(body.clone());
    }
    let mut document: Value = serde_json::from_slice(body).map_err(Problem::internal)?;
    if let Some(document) = document.as_object_mut() {
        document.retain(|name, _| !members.contains(&name.as_str()));
    }
    Ok(document.to_string().into())
}

/// `If-None-Match: *`: the client will have nothing replaced (RFC 9110, section 13.1.2).
fn expects_absent(headers: &HeaderMap) -> bool {
    let value = headers.get(header::IF_NONE_MATCH).and_then(|it| it.to_str().ok());
    value.is_some_and(|it| it.trim() == "*")
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) -> Answer<()> {
    if !value.is_empty() {
        headers.insert(name, HeaderValue::try_from(value).map_err(Problem::internal)?);
    }
    Ok(())
}

pub(crate) fn insert_position(headers: &mut HeaderMap, position: Position) {
    headers.insert(DLCS_POSITION, HeaderValue::from(position.0));
}

/// Writes the ETag of a management resource: its edit revision.
pub(crate) fn insert_edit_tag(headers: &mut HeaderMap, edit_revision: u64) {
    if let Ok(tag) = HeaderValue::try_from(format!("\"{edit_revision}\"")) {
        headers.insert(header::ETAG, tag);
    }
}

/// Answers a read of a resource that changes without its tag, as a worker gets on: never 304, or
/// a client that polls would not see it end.
pub(crate) fn read_moving(document: &Value, edit_revision: u64) -> Response {
    let mut response = json_ld(StatusCode::OK, document);
    insert_edit_tag(response.headers_mut(), edit_revision);
    response
}

/// Answers a read of a resource that only clients change, or 304.
pub(crate) fn read_steady(headers: &HeaderMap, document: &Value, edit_revision: u64) -> Response {
    let validators = Validators { etag: edit_revision.to_string(), modified_at_us: None };
    let response = read_moving(document, edit_revision);
    if validators.not_modified(headers) { into_not_modified(response) } else { response }
}

/// Says when clients or workers last changed the resource.
pub(crate) fn insert_modified(headers: &mut HeaderMap, modified_at_us: i64) {
    if let Ok(modified) = HeaderValue::try_from(http_date(modified_at_us)) {
        headers.insert(header::LAST_MODIFIED, modified);
    }
}
