//! Requests to a node, and what its answers mean.
//!
//! Plain JSON without a version in the media type: one program for every release that knows these
//! requests.

use crate::Address;
use dlcs_projections::projection::StoreError;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, RequestBuilder, StatusCode, redirect};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longer than the node itself may take for a search; writing takes longest.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);
/// Before what is read is asked for again. Together about as long as a client waits.
const READ_PAUSES: [Duration; 5] = [
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(200),
    Duration::from_millis(400),
    Duration::from_millis(800),
];

/// Why a request came to nothing.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum RequestError {
    /// May pass: no answer, or a node that is starting or has too much to do.
    #[error("{0}")]
    Unavailable(String),
    /// The index is not there.
    #[error("{0}")]
    Gone(String),
    /// Somebody else was faster.
    #[error("{0}")]
    Conflict(String),
    /// The index may not be written to for now.
    #[error("{0}")]
    Blocked(String),
    /// Will not pass by itself.
    #[error("{0}")]
    Refused(String),
}

impl From<RequestError> for StoreError {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::Refused(reason) => Self::Damaged(reason),
            RequestError::Unavailable(reason)
            | RequestError::Gone(reason)
            | RequestError::Conflict(reason)
            | RequestError::Blocked(reason) => Self::Unavailable(reason),
        }
    }
}

/// What a request carries.
pub(crate) enum Body {
    Empty,
    Json(Value),
    /// JSON documents, one a line.
    Lines(Vec<u8>),
}

/// Speaks to one node. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    address: Arc<Address>,
}

impl Client {
    /// Connects to nothing yet: a node may come later.
    pub(crate) fn new(address: Address) -> Self {
        // Addresses of nodes are not for a proxy, and nobody sends our credentials elsewhere.
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(ANSWER_TIMEOUT)
            .user_agent("dlcs")
            .build();
        let http = http.expect("nothing in these settings depends on the machine");
        Self { http, address: Arc::new(address) }
    }

    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    /// Sends a request that must succeed. `path` is relative, with its query.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Body,
    ) -> Result<Value, RequestError> {
        let (status, answer) = self.ask(method, path, body).await?;
        if status.is_success() { Ok(answer) } else { Err(meaning(status, &answer)) }
    }

    /// The same for what changes nothing. A shard that is being started, or moved, answers 503 for a
    /// moment: it is asked again.
    pub(crate) async fn read(&self, path: &str, body: Value) -> Result<Value, RequestError> {
        for pause in READ_PAUSES {
            let asked = self.ask(Method::POST, path, Body::Json(body.clone())).await?;
            match asked {
                (StatusCode::SERVICE_UNAVAILABLE, _) => tokio::time::sleep(pause).await,
                (status, answer) if status.is_success() => return Ok(answer),
                (status, answer) => return Err(meaning(status, &answer)),
            }
        }
        self.send(Method::POST, path, Body::Json(body)).await
    }

    /// The same for what may be missing: `None`.
    pub(crate) async fn find(&self, path: &str) -> Result<Option<Value>, RequestError> {
        let (status, answer) = self.ask(Method::GET, path, Body::Empty).await?;
        match status {
            _ if status.is_success() => Ok(Some(answer)),
            StatusCode::NOT_FOUND => Ok(None),
            _ => Err(meaning(status, &answer)),
        }
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Body,
    ) -> Result<(StatusCode, Value), RequestError> {
        let url = self.address.base.join(path);
        let url = url.map_err(|error| RequestError::Refused(format!("{path}: {error}")))?;
        let mut request = self.http.request(method, url);
        if let Some((user, password)) = &self.address.credentials {
            request = request.basic_auth(user, Some(password));
        }
        let response = with_body(request, body).send().await.map_err(|it| self.no_answer(it))?;
        let status = response.status();
        let bytes = response.bytes().await.map_err(|it| self.no_answer(it))?;
        match serde_json::from_slice(&bytes) {
            Ok(answer) => Ok((status, answer)),
            // A gateway speaks before the node.
            Err(_) if !status.is_success() => Ok((status, Value::Null)),
            Err(error) => {
                let reason = format!("{}: the answer is no JSON: {error}", self.address.name());
                Err(RequestError::Unavailable(reason))
            }
        }
    }

    fn no_answer(&self, error: reqwest::Error) -> RequestError {
        // The address in it would show the path; the reason stands innermost.
        let error = error.without_url();
        let mut reason: &dyn std::error::Error = &error;
        while let Some(source) = reason.source() {
            reason = source;
        }
        let name = self.address.name();
        RequestError::Unavailable(format!("Elasticsearch at {name} does not answer: {reason}"))
    }
}

fn with_body(request: RequestBuilder, body: Body) -> RequestBuilder {
    match body {
        Body::Empty => request,
        Body::Json(value) => request.json(&value),
        Body::Lines(lines) => request.header(CONTENT_TYPE, "application/x-ndjson").body(lines),
    }
}

/// Tells what an error of the node, or of one item of a bulk request, means.
pub(crate) fn meaning(status: StatusCode, answer: &Value) -> RequestError {
    let error = &answer["error"];
    let kind = error["type"].as_str().or(error.as_str()).unwrap_or_default();
    let cause = &error["caused_by"]["reason"];
    let reason = error["reason"].as_str().unwrap_or_default();
    let cause = cause.as_str().map(|it| format!(": {it}")).unwrap_or_default();
    let text = format!("Elasticsearch answered {} {kind} {reason}{cause}", status.as_u16());
    match status {
        StatusCode::NOT_FOUND => RequestError::Gone(text),
        StatusCode::CONFLICT => RequestError::Conflict(text),
        StatusCode::FORBIDDEN if kind == "cluster_block_exception" => RequestError::Blocked(text),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => {
            RequestError::Unavailable(text)
        }
        _ if status.is_server_error() => RequestError::Unavailable(text),
        _ => RequestError::Refused(text),
    }
}
