//! `PUT …/images/{a}/content`: the bytes of an image in the body.
//!
//! They go to a staged file while their digest is taken, and are kept durably before the event
//! that names them. An unknown asset is registered, a failed one tried again.
//!
//! `?fields={…}` carries the fields that a PUT of the image would have, so that an image that is to
//! be closed is never open, not even for a moment.

use super::image_body;
use super::images::{answer, id};
use super::spaces;
use super::write::Incoming;
use crate::error::{Answer, Problem};
use crate::http::body;
use crate::http::fields::Fields;
use axum::body::Body;
use dlcs_domain::BlobRef;
use dlcs_domain::asset::{Registration, Source};
use dlcs_objects::{Digest, ObjectKey, Staged};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use tokio::fs::File;
use tokio::io::AsyncWriteExt;

pub(crate) async fn upload(request: Incoming, body: Body) -> Answer {
    let bytes_max = request.state.limits.upload_bytes_max;
    if body::content_length(&request.headers).is_some_and(|length| length > bytes_max) {
        return Err(body::too_large(bytes_max));
    }
    let id = id(&request).await?;
    // Judged before the body is read: what is wrong here costs no upload.
    fields(&request)?;
    spaces::living(&request, id.space()).await?;
    request.state.commands.needs_room()?;
    let staged = request.state.objects.stage().await?;
    let (digest, length_bytes) = receive(body, &staged, bytes_max).await?;
    request.state.objects.keep(staged, &ObjectKey::original(&digest)).await?;
    let blob = BlobRef { sha256: digest.to_string(), length_bytes };
    // The digest stands for the content under an `Idempotency-Key`; the fields are said beside it.
    let fields = request.query.get("fields").unwrap_or_default();
    let sealed = format!("{}:{}:{fields}", blob.sha256, blob.length_bytes);
    let registration = registration(&request, Source::Upload { blob })?;
    let (request, id) = (&request, &id);
    request
        .once(sealed.as_bytes(), |context| async move {
            // The same bytes again give what has failed another try.
            let assets = &request.state.commands.assets;
            let decided = assets.register(&context, id, registration).await?;
            answer(request, id, decided).await
        })
        .await
}

/// Reads `?fields=`; without it there are none.
fn fields(request: &Incoming) -> Answer<Value> {
    let Some(text) = request.query.get("fields") else { return Ok(Value::Object(Map::new())) };
    let fields: Value = serde_json::from_str(text)
        .map_err(|error| Problem::field("fields", format!("`fields` is not JSON: {error}")))?;
    if Fields::of(&fields)?.get("origin").is_some() {
        return Err(Problem::field("origin", "an image has an origin or a content, not both"));
    }
    Ok(fields)
}

fn registration(request: &Incoming, source: Source) -> Answer<Registration> {
    let fields = fields(request)?;
    let mut registration =
        image_body::registration(&request.state, &Fields::of(&fields)?, Some(source))?;
    let declared = body::media_type(&request.headers);
    let declared = declared.filter(|media_type| media_type.starts_with("image/"));
    registration.media_type = registration.media_type.or(declared);
    Ok(registration)
}

/// Writes the body to a file; returns its digest and length.
async fn receive(body: Body, staged: &Staged, bytes_max: u64) -> Answer<(Digest, u64)> {
    let mut file = File::create(staged.path()).await.map_err(room)?;
    let mut stream = body.into_data_stream();
    let (mut sha256, mut length) = (Sha256::new(), 0_u64);
    while let Some(chunk) = body::next(&mut stream).await? {
        length += chunk.len() as u64;
        if length > bytes_max {
            return Err(body::too_large(bytes_max));
        }
        sha256.update(&chunk);
        file.write_all(&chunk).await.map_err(room)?;
    }
    file.flush().await.map_err(room)?;
    Ok((Digest(sha256.finalize().into()), length))
}

fn room(error: std::io::Error) -> Problem {
    match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
            dlcs_commands::CommandError::Full(error.to_string()).into()
        }
        _ => Problem::internal(error),
    }
}
