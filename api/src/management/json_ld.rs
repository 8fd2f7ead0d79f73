//! Rows of read models as Hydra JSON-LD.

use crate::delivery::address::{self, Service};
use crate::http::time::iso;
use crate::state::PublicUrl;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use dlcs_domain::asset::{Failure, Source};
use dlcs_projections::assets::{AssetRow, AssetState};
use dlcs_projections::batches::BatchRow;
use dlcs_projections::customers::CustomerRow;
use dlcs_projections::spaces::SpaceRow;
use serde_json::{Value, json};

pub(crate) const MEDIA_TYPE: &str = "application/ld+json";

/// Returns the context of every management resource.
pub(crate) fn context() -> Value {
    json!([
        "http://www.w3.org/ns/hydra/context.jsonld",
        {"vocab": "https://dlcs.io/vocab#", "@vocab": "https://dlcs.io/vocab#"},
    ])
}

/// Answers a JSON-LD document.
pub(crate) fn json_ld(status: StatusCode, document: &Value) -> Response {
    let mut response = (status, document.to_string()).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    response
}

pub(crate) fn customer(base: &PublicUrl, row: &CustomerRow) -> Value {
    let at = base.at(format_args!("/customers/{}", row.id));
    json!({
        "@context": context(),
        "@id": at,
        "@type": "vocab:Customer",
        "id": row.id,
        "name": row.name,
        "displayName": row.display_name,
        "created": iso(row.created_at_us),
        "spaces": format!("{at}/spaces"),
        "allImages": format!("{at}/allImages"),
        "queue": format!("{at}/queue"),
        "namedQueries": format!("{at}/namedQueries"),
        "keys": format!("{at}/keys"),
        "roles": format!("{at}/roles"),
        "authServices": format!("{at}/authServices"),
        "customHeaders": format!("{at}/customHeaders"),
        "originStrategies": format!("{at}/originStrategies"),
        "accounts": format!("{at}/accounts"),
        "storage": format!("{at}/storage"),
        "manifests": base.at(format_args!("/{}/manifests", row.id)),
    })
}

pub(crate) fn space(base: &PublicUrl, row: &SpaceRow) -> Value {
    let at = base.at(format_args!("/customers/{}/spaces/{}", row.id.customer, row.id.space));
    json!({
        "@context": context(),
        "@id": at,
        "@type": "vocab:Space",
        "id": row.id.space,
        "name": row.name,
        "defaultTags": row.default_tags,
        "defaultRoles": row.default_roles,
        "defaultOcr": row.default_recognise,
        "approximateNumberOfImages": row.asset_count,
        "created": iso(row.created_at_us),
        "images": format!("{at}/images"),
        "storage": format!("{at}/storage"),
    })
}

/// Every field of an image that has a value; measured ones only once they are measured.
pub(crate) fn image(base: &PublicUrl, row: &AssetRow) -> Value {
    let (id, metadata) = (&row.id, &row.metadata);
    let channels = row.delivery.channels.iter();
    let channels: Vec<Value> =
        channels.map(|channel| json!({"channel": channel, "policy": "default"})).collect();
    let at = address::managed_asset(base, id);
    let mut image = json!({
        "@context": context(),
        "storage": format!("{at}/storage"),
        "@id": at,
        "@type": "vocab:Image",
        "id": id.name(),
        "customer": id.customer(),
        "space": id.space().space,
        "origin": origin(&row.source),
        "mediaType": row.media_type,
        "family": "I",
        "string1": metadata.string1,
        "string2": metadata.string2,
        "string3": metadata.string3,
        "number1": metadata.number1,
        "number2": metadata.number2,
        "number3": metadata.number3,
        "tags": metadata.tags,
        "roles": row.roles,
        "ocr": row.recognise,
        "maxWidth": row.limits.max_width_px,
        "openFullMax": row.limits.open_full_max_px,
        "deliveryChannels": channels,
        "created": iso(row.created_at_us),
        "modified": iso(row.modified_at_us),
        "finished": row.finished_at_us.map(iso),
        "ingesting": row.state == AssetState::Ingesting,
        "error": row.failure.as_ref().map(|failure| error(failure, row.attempt)),
        "batch": row.batch.map(|batch| {
            base.at(format_args!("/customers/{}/queue/batches/{batch}", id.customer()))
        }),
    });
    if let Some(delivered) = &row.delivered {
        image["width"] = json!(delivered.width_px);
        image["height"] = json!(delivered.height_px);
        add_services(base, row, &mut image);
    }
    image
}

fn add_services(base: &PublicUrl, row: &AssetRow, image: &mut Value) {
    let tail = address::tail(&row.id);
    let has = |channel: &str| row.delivery.channels.iter().any(|it| it == channel);
    if has("iiif-img") {
        image["imageService"] = json!(address::service(base, Service::Images, None, &tail));
    }
    if has("thumbs") {
        let thumbnails = address::service(base, Service::Thumbnails, None, &tail);
        image["thumbnailImageService"] = json!(thumbnails);
    }
    image["manifest"] = json!(address::asset_manifest(base, None, &tail));
}

/// An uploaded image has no origin.
fn origin(source: &Source) -> Option<&str> {
    match source {
        Source::Origin { url } => Some(url),
        Source::Upload { .. } => None,
    }
}

fn error(failure: &Failure, attempt: u32) -> Value {
    json!({
        "code": failure.code,
        "detail": failure.detail,
        "attempt": attempt,
        "nextAttempt": failure.next_attempt_at_us.map(iso),
    })
}

pub(crate) fn batch(base: &PublicUrl, row: &BatchRow) -> Value {
    let at = base.at(format_args!("/customers/{}/queue/batches/{}", row.customer, row.id));
    json!({
        "@context": context(),
        "@id": at,
        "@type": "vocab:Batch",
        "id": row.id,
        "queue": row.queue.as_str(),
        "submitted": iso(row.submitted_at_us),
        "count": row.count,
        "completed": row.completed,
        "errors": row.errors,
        "finished": row.finished_at_us.map(iso),
        "superseded": row.superseded,
        "images": format!("{at}/images"),
        "assets": format!("{at}/assets"),
        "test": format!("{at}/test"),
    })
}
