//! Bodies: bounded in length, time and depth before they are understood.

use crate::error::{Answer, Problem};
use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use serde_json::Value;
use std::time::Duration;

/// Deepest nesting of a JSON body (THREATS 4.3); the parser itself would stop at 128.
const DEPTH_MAX: usize = 64;
/// Longest silence of a client that sends a body.
const SILENCE_MAX: Duration = Duration::from_secs(30);

/// How much more is read of a body that is too large.
const DRAINED_BYTES_MAX: usize = 8 * 1024 * 1024;
const DRAINED_WITHIN: Duration = Duration::from_secs(5);

/// A JSON body, and its bytes for `Idempotency-Key`.
#[derive(Debug)]
pub(crate) struct Json {
    pub value: Value,
    pub bytes: Bytes,
}

/// Reads a JSON document of at most `bytes_max`.
pub(crate) async fn json(headers: &HeaderMap, body: Body, bytes_max: usize) -> Answer<Json> {
    if !is_json(headers) {
        let detail = "the body has to be application/json or application/ld+json";
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported-media-type",
            detail,
        ));
    }
    let bytes = collect(headers, body, bytes_max).await?;
    check_depth(&bytes)?;
    let value = serde_json::from_slice(&bytes)
        .map_err(|error| Problem::bad_request("malformed-json", error.to_string()))?;
    Ok(Json { value, bytes })
}

/// Reads a whole body of at most `bytes_max`.
pub(crate) async fn collect(headers: &HeaderMap, body: Body, bytes_max: usize) -> Answer<Bytes> {
    let mut stream = body.into_data_stream();
    let mut collected = BytesMut::new();
    let is_announced = content_length(headers).is_some_and(|length| length > bytes_max as u64);
    if !is_announced {
        while let Some(chunk) = next(&mut stream).await? {
            if collected.len() + chunk.len() > bytes_max {
                drain(&mut stream).await;
                return Err(too_large(bytes_max as u64));
            }
            collected.extend_from_slice(&chunk);
        }
        return Ok(collected.freeze());
    }
    drain(&mut stream).await;
    Err(too_large(bytes_max as u64))
}

/// Reads on for a while what will not be used. A client that is still sending would see the
/// connection end, and not the answer that says why.
async fn drain(stream: &mut axum::body::BodyDataStream) {
    let mut left = DRAINED_BYTES_MAX;
    let read = async {
        while let Ok(Some(chunk)) = next(stream).await {
            left = left.saturating_sub(chunk.len());
            if left == 0 {
                break;
            }
        }
    };
    // Whoever sends slowly has had the answer by then, or does not want it.
    let _ = tokio::time::timeout(DRAINED_WITHIN, read).await;
}

/// Returns the next piece of a body; a client that falls silent gets 408.
pub(crate) async fn next(stream: &mut axum::body::BodyDataStream) -> Answer<Option<Bytes>> {
    match tokio::time::timeout(SILENCE_MAX, stream.next()).await {
        Ok(None) => Ok(None),
        Ok(Some(Ok(chunk))) => Ok(Some(chunk)),
        Ok(Some(Err(_))) => {
            Err(Problem::bad_request("body-incomplete", "the body broke off before its end"))
        }
        Err(_) => {
            let detail = "the body did not arrive in time";
            Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "body-timeout", detail))
        }
    }
}

pub(crate) fn too_large(bytes_max: u64) -> Problem {
    let detail = format!("a body has at most {bytes_max} bytes here");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", detail)
}

pub(crate) fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Returns the media type of the body without parameters, in lower case.
pub(crate) fn media_type(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    Some(text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

fn is_json(headers: &HeaderMap) -> bool {
    media_type(headers)
        .is_some_and(|media_type| media_type == "application/json" || media_type.ends_with("+json"))
}

/// Refuses what nests deeper than [`DEPTH_MAX`], by one walk over the bytes.
pub(crate) fn check_depth(bytes: &[u8]) -> Result<(), Problem> {
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    for byte in bytes {
        match (in_text, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (true, b'"') => in_text = false,
            (false, b'"') => in_text = true,
            (false, b'{' | b'[') => depth += 1,
            (false, b'}' | b']') => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEPTH_MAX {
            let detail = format!("the body nests deeper than {DEPTH_MAX}");
            return Err(Problem::bad_request("json-too-deep", detail));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn typed(media_type: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(media_type))])
    }

    async fn refused(media_type: &'static str, body: &str, max: usize) -> StatusCode {
        json(&typed(media_type), Body::from(body.to_owned()), max).await.unwrap_err().status
    }

    #[tokio::test]
    async fn bodies_are_refused_by_type_length_depth_and_form() {
        assert_eq!(refused("text/plain", "{}", 10).await, StatusCode::UNSUPPORTED_MEDIA_TYPE);
        assert_eq!(
            refused("application/json", "{\"a\":1}", 6).await,
            StatusCode::PAYLOAD_TOO_LARGE
        );
        assert_eq!(refused("application/json", "{} x", 10).await, StatusCode::BAD_REQUEST);
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(refused("application/json", &deep, 1 << 20).await, StatusCode::BAD_REQUEST);
    }

    #[tokio::test]
    async fn a_body_at_every_limit_passes() {
        let text = format!("{}\"[[\\\"\"{}", "[".repeat(DEPTH_MAX), "]".repeat(DEPTH_MAX));
        let headers = typed("application/ld+json; profile=x");
        let read = json(&headers, Body::from(text.clone()), text.len()).await.unwrap();
        assert_eq!(read.bytes, text.as_bytes());
    }
}
