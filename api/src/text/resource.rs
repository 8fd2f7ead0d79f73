//! The text of an image as a management resource: where it stands and how it came to be.

use crate::delivery::address;
use crate::http::time::iso;
use crate::management::json_ld::context;
use crate::state::PublicUrl;
use dlcs_domain::AssetId;
use dlcs_domain::transcription::TextOrigin;
use dlcs_projections::page_text::{PageText, PageTextRow, TextStatus};
use serde_json::{Value, json};

/// Returns the path of the resource.
pub(super) fn path(id: &AssetId) -> String {
    format!("{}/text", address::managed_asset_path(id))
}

pub(super) fn text(base: &PublicUrl, row: &PageTextRow) -> Value {
    let mut resource = json!({
        "@context": context(),
        "@id": base.at(path(&row.id)),
        "@type": "vocab:Text",
        "image": address::managed_asset(base, &row.id),
        "status": status(&row.status),
        "modified": iso(row.modified_at_us),
        "languages": row.asked.as_ref().map(|it| &it.languages),
    });
    if let TextStatus::Failed(failure) = &row.status {
        resource["error"] = json!({
            "code": failure.code,
            "detail": failure.detail,
            "attempt": row.asked.as_ref().map(|it| it.attempt),
            "nextAttempt": failure.next_attempt_at_us.map(iso),
        });
    }
    if let Some(text) = &row.text {
        describe(base, row, text, &mut resource);
    }
    resource
}

pub(super) fn status(status: &TextStatus) -> &'static str {
    match status {
        TextStatus::None => "none",
        TextStatus::Requested => "requested",
        TextStatus::Started => "started",
        TextStatus::Failed(_) => "failed",
        TextStatus::Ready => "ready",
    }
}

fn describe(base: &PublicUrl, row: &PageTextRow, text: &PageText, resource: &mut Value) {
    let tail = address::tail(&row.id);
    for format in ["plain", "alto", "hocr", "page", "lines", "words"] {
        resource[format] = json!(address::text(base, format, None, &tail));
    }
    resource["words"] = json!(text.words);
    resource["corrected"] = json!(text.source.is_corrected);
    resource["source"] = match &text.source.origin {
        TextOrigin::Recognised { .. } => json!("recognised"),
        TextOrigin::Imported { format } => json!(format.as_str()),
    };
    if let Some(recognition) = &text.recognition {
        resource["engine"] = json!(recognition.engine);
        resource["engineVersion"] = json!(recognition.engine_version);
        resource["models"] = json!(recognition.models);
        resource["languages"] = json!(recognition.languages);
        resource["confidence"] = json!(recognition.confidence);
    }
}
