//! One fetch over HTTP: redirects, the answer's head, its body.
//!
//! Status codes become error codes like this:
//!
//! | status | code | is tried again |
//! |:--|:--|:--|
//! | 200, 203 | – | |
//! | 404, 410 | `origin-not-found` | |
//! | 401, 402, 403, 407, 451 | `origin-forbidden` | no: the origin has refused |
//! | anything else: 206, 304, 429, 5xx … | `origin-unreachable` | yes |
//!
//! Whether and when it is tried again is the domain's to say; the column is what the code means.

use crate::allow::AllowList;
use crate::check::{Reach, Target, check_redirect};
use crate::limits::FetchLimits;
use crate::resolver::{CheckedResolver, ForbiddenAnswer, Lookup};
use crate::sink::{CHUNK_BYTES, Sink, TOO_LARGE};
use dlcs_ingest::{Fetched, OriginCredentials, OriginError};
use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue,
    LOCATION,
};
use reqwest::{Client, Response, StatusCode, redirect};
use std::sync::Arc;
use tokio::time::{Instant, timeout_at};
use url::Url;

const USER_AGENT: &str = concat!("dlcs/", env!("CARGO_PKG_VERSION"));

/// Two clients, since a resolver is not told the port it resolves for.
pub(crate) struct Web {
    ordinary: Client,
    allowed_only: Client,
    allow: Arc<AllowList>,
    pub(crate) limits: FetchLimits,
}

impl Web {
    pub(crate) fn new(
        allow: &Arc<AllowList>,
        limits: &FetchLimits,
        lookup: &Lookup,
    ) -> Result<Self, reqwest::Error> {
        let client = |reach| {
            let resolver =
                CheckedResolver { lookup: Arc::clone(lookup), allow: Arc::clone(allow), reach };
            Client::builder()
                .dns_resolver(Arc::new(resolver))
                .redirect(redirect::Policy::none())
                .referer(false)
                .no_proxy()
                .http1_only()
                .no_gzip()
                .no_brotli()
                .no_zstd()
                .no_deflate()
                .connect_timeout(limits.connect)
                .user_agent(USER_AGENT)
                .build()
        };
        Ok(Self {
            ordinary: client(Reach::Ordinary)?,
            allowed_only: client(Reach::AllowedOnly)?,
            allow: Arc::clone(allow),
            limits: limits.clone(),
        })
    }

    /// Fetches a checked address into `sink`.
    pub(crate) async fn fetch(
        &self,
        url: Url,
        reach: Reach,
        credentials: Option<&OriginCredentials>,
        sink: Sink,
    ) -> Result<Fetched, OriginError> {
        let deadline = Instant::now() + self.limits.total;
        let response = self.follow(url, reach, credentials, deadline).await?;
        check_head(&response, self.limits.body_bytes_max)?;
        let media_type_hint = text_of(response.headers(), &CONTENT_TYPE).map(str::to_owned);
        let sink = self.receive(response, sink, deadline).await?;
        Ok(sink.finish(media_type_hint))
    }

    /// Follows redirects, each checked like the first address. Once they lead to another scheme, host
    /// or port, nobody is told any credentials any more.
    async fn follow(
        &self,
        url: Url,
        reach: Reach,
        credentials: Option<&OriginCredentials>,
        deadline: Instant,
    ) -> Result<Response, OriginError> {
        let (mut url, mut reach, mut credentials) = (url, reach, credentials);
        for _ in 0..=self.limits.redirects_max {
            let response = self.ask(url.clone(), reach, credentials, deadline).await?;
            if !is_redirect(response.status()) {
                return Ok(response);
            }
            let location = text_of(response.headers(), &LOCATION)
                .ok_or(OriginError::Unreachable("the origin redirects to nowhere"))?;
            match check_redirect(&url, location, &self.allow)? {
                Target::Web { url: next, reach: next_reach } => {
                    credentials = credentials.filter(|_| next.origin() == url.origin());
                    (url, reach) = (next, next_reach);
                }
                Target::File { .. } => unreachable!("a redirect never leads to a file"),
            }
        }
        Err(OriginError::Unreachable("the origin redirects too often"))
    }

    pub(crate) fn client(&self, reach: Reach) -> &Client {
        match reach {
            Reach::Ordinary => &self.ordinary,
            Reach::AllowedOnly => &self.allowed_only,
        }
    }

    async fn ask(
        &self,
        url: Url,
        reach: Reach,
        credentials: Option<&OriginCredentials>,
        deadline: Instant,
    ) -> Result<Response, OriginError> {
        let request = self
            .client(reach)
            .get(url)
            .header(ACCEPT, HeaderValue::from_static("image/*, */*;q=0.5"))
            .header(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        let request = match credentials {
            None => request,
            Some(it) => request.basic_auth(&it.user, Some(&it.password)),
        };
        let by = deadline.min(Instant::now() + self.limits.first_byte);
        match timeout_at(by, request.send()).await {
            Ok(answered) => answered.map_err(of_asking),
            Err(_) => Err(OriginError::Timeout("the origin did not answer in time")),
        }
    }

    /// Takes the body, as long as enough of it comes.
    async fn receive(
        &self,
        response: Response,
        sink: Sink,
        deadline: Instant,
    ) -> Result<Sink, OriginError> {
        let (mut response, mut sink) = (response, sink);
        let mut window = Window::new(&self.limits);
        let mut waiting: Vec<u8> = Vec::new();
        loop {
            let received = match timeout_at(deadline.min(window.end), response.chunk()).await {
                Ok(received) => received.map_err(of_receiving)?,
                Err(_) if Instant::now() >= deadline => {
                    return Err(OriginError::Timeout("the origin took too long"));
                }
                Err(_) => {
                    window.close(&self.limits)?;
                    continue;
                }
            };
            let Some(bytes) = received else { break };
            window.bytes += bytes.len() as u64;
            if Instant::now() >= window.end {
                window.close(&self.limits)?;
            }
            waiting.extend_from_slice(&bytes);
            if waiting.len() >= CHUNK_BYTES {
                sink = write(sink, std::mem::take(&mut waiting)).await?;
            }
        }
        write(sink, waiting).await
    }
}

/// A stretch of time in which enough bytes must come.
struct Window {
    end: Instant,
    bytes: u64,
}

impl Window {
    fn new(limits: &FetchLimits) -> Self {
        Self { end: Instant::now() + limits.rate_window, bytes: 0 }
    }

    fn close(&mut self, limits: &FetchLimits) -> Result<(), OriginError> {
        if self.bytes < limits.window_bytes_min {
            return Err(OriginError::Timeout("the origin sends too slowly"));
        }
        *self = Self::new(limits);
        Ok(())
    }
}

/// Digests and writes on a thread that may block.
async fn write(sink: Sink, bytes: Vec<u8>) -> Result<Sink, OriginError> {
    let written = tokio::task::spawn_blocking(move || {
        let mut sink = sink;
        sink.write(&bytes).map(|()| sink)
    });
    written.await.unwrap_or(Err(OriginError::Internal))
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// Refuses an answer that is not the whole, plain file.
fn check_head(response: &Response, body_bytes_max: u64) -> Result<(), OriginError> {
    match response.status().as_u16() {
        200 | 203 => {}
        404 | 410 => return Err(OriginError::NotFound("the origin has no such image")),
        401 | 402 | 403 | 407 | 451 => {
            return Err(OriginError::Forbidden("the origin refuses to hand the image out"));
        }
        206 => return Err(OriginError::Unreachable("the origin answered with a part only")),
        _ => return Err(OriginError::Unreachable("the origin answered with an error")),
    }
    let encodings = response.headers().get_all(CONTENT_ENCODING);
    let is_plain = |value: &HeaderValue| {
        value.to_str().is_ok_and(|it| it.is_empty() || it.eq_ignore_ascii_case("identity"))
    };
    if !encodings.iter().all(is_plain) {
        return Err(OriginError::Unreachable(
            "the origin answered with an encoding nobody asked for",
        ));
    }
    if response.content_length().is_some_and(|length| length > body_bytes_max) {
        return Err(TOO_LARGE);
    }
    Ok(())
}

pub(crate) fn text_of<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

pub(crate) fn of_asking(error: reqwest::Error) -> OriginError {
    let error = error.without_url();
    if is_caused_by::<ForbiddenAnswer>(&error) {
        return OriginError::Forbidden("the origin has an address that may not be fetched from");
    }
    tracing::debug!(error = ?error, "an origin cannot be reached");
    if error.is_timeout() {
        return OriginError::Timeout("the origin could not be connected to in time");
    }
    OriginError::Unreachable("the origin cannot be reached")
}

fn of_receiving(error: reqwest::Error) -> OriginError {
    tracing::debug!(error = ?error.without_url(), "an origin's answer broke off");
    OriginError::Unreachable("the origin's answer broke off")
}

fn is_caused_by<E: std::error::Error + 'static>(error: &(dyn std::error::Error + 'static)) -> bool {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.into_iter().any(|cause| cause.is::<E>())
}
