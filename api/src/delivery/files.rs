//! `/file/{c}/{s}/{a}`: the original, as it came.
//!
//! What a stranger once uploaded is never shown as a page of ours: it is an attachment, its type
//! is not guessed at, and a browser that opens it all the same runs nothing of it.

use super::asset::find;
use super::caching::Caching;
use crate::access::Caller;
use crate::error::{Answer, Problem};
use crate::http::conditional::{Validators, into_not_modified};
use crate::http::range::{Wanted, wanted};
use crate::http::raw_path::PathParams;
use crate::state::Shared;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::IntoResponse;
use dlcs_domain::BlobRef;
use dlcs_iiif::link::encode_segment;
use dlcs_objects::{Digest, ObjectError, ObjectKey, Objects};
use futures::StreamExt;
use std::ops::Range;
use std::sync::Arc;

/// Bytes that are read and sent at a time.
const PIECE_BYTES: u64 = 256 * 1024;

pub(crate) async fn original(
    State(state): State<Shared>,
    caller: Caller,
    params: PathParams,
    headers: HeaderMap,
) -> Answer {
    let found = find(&state, &caller, &params).await?;
    let ready = found.ready()?;
    if ready.has_channel("none") {
        return Err(Problem::not_found());
    }
    let blob = &ready.delivered.original;
    let validators =
        Validators { etag: blob.sha256.clone(), modified_at_us: Some(ready.modified_at_us) };
    let wanted = wanted(&headers, blob.length_bytes, &validators.etag);
    let is_known = validators.not_modified(&headers);
    let mut response = match wanted {
        _ if is_known => StatusCode::OK.into_response(),
        Wanted::Whole => send(&state, blob, 0..blob.length_bytes, StatusCode::OK).await?,
        Wanted::Part(range) => send(&state, blob, range, StatusCode::PARTIAL_CONTENT).await?,
        Wanted::Unsatisfiable => return Err(unsatisfiable(blob.length_bytes)),
    };
    let answer = response.headers_mut();
    validators.write(answer);
    Caching::of(found.is_open, false).write(answer);
    describe(answer, &ready.delivered.media_type, found.id.name())?;
    state.custom_headers.write(&found, answer).await?;
    Ok(if is_known { into_not_modified(response) } else { response })
}

fn describe(headers: &mut HeaderMap, media_type: &str, name: &str) -> Answer<()> {
    let media_type = HeaderValue::try_from(media_type).map_err(Problem::internal)?;
    let name = format!("attachment; filename*=UTF-8''{}", encode_segment(name));
    let name = HeaderValue::try_from(name).map_err(Problem::internal)?;
    let sandbox = HeaderValue::from_static("default-src 'none'; sandbox");
    headers.insert(header::CONTENT_TYPE, media_type);
    headers.insert(header::CONTENT_DISPOSITION, name);
    headers.insert(header::CONTENT_SECURITY_POLICY, sandbox);
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    Ok(())
}

async fn send(state: &Shared, blob: &BlobRef, range: Range<u64>, status: StatusCode) -> Answer {
    let digest = Digest::parse(&blob.sha256)
        .ok_or_else(|| Problem::internal("the digest of an original is malformed"))?;
    let key = ObjectKey::original(&digest);
    let length = range.end - range.start;
    let body = stream(state.objects.clone(), key, range.clone()).await?;
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    if status == StatusCode::PARTIAL_CONTENT {
        let (first, last) = (range.start, range.end - 1);
        let part = format!("bytes {first}-{last}/{}", blob.length_bytes);
        let part = HeaderValue::try_from(part).map_err(Problem::internal)?;
        headers.insert(header::CONTENT_RANGE, part);
    }
    Ok(response)
}

/// Reads piece by piece as the client takes them. The first one is read at once: a blob that has
/// gone is an error then, not an answer that breaks off.
async fn stream(objects: Arc<dyn Objects>, key: ObjectKey, range: Range<u64>) -> Answer<Body> {
    let Some((first, rest)) = piece(&*objects, &key, range).await? else {
        return Ok(Body::empty());
    };
    let rest = futures::stream::try_unfold(rest, move |left| {
        let (objects, key) = (objects.clone(), key.clone());
        async move { piece(&*objects, &key, left).await }
    });
    Ok(Body::from_stream(futures::stream::once(async { Ok(first) }).chain(rest)))
}

/// Reads the first piece of a range, and says what is left of it.
async fn piece(
    objects: &dyn Objects,
    key: &ObjectKey,
    left: Range<u64>,
) -> Result<Option<(Bytes, Range<u64>)>, ObjectError> {
    if left.is_empty() {
        return Ok(None);
    }
    let end = left.end.min(left.start + PIECE_BYTES);
    let bytes = objects.get_range(key, left.start..end).await?;
    Ok(Some((bytes, end..left.end)))
}

fn unsatisfiable(length: u64) -> Problem {
    let detail = format!("the original has {length} bytes");
    let problem = Problem::new(StatusCode::RANGE_NOT_SATISFIABLE, "range-not-satisfiable", detail);
    match HeaderValue::try_from(format!("bytes */{length}")) {
        Ok(value) => problem.header(header::CONTENT_RANGE, value),
        Err(_) => problem,
    }
}
