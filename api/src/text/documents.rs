//! `/text/plain|alto|hocr|page/{c}/{s}/{a}`: the text of an image in a format.

use super::found::{FoundText, Origin, find_text};
use crate::access::Caller;
use crate::delivery::caching::{Caching, Document};
use crate::error::{Answer, Problem};
use crate::http::query::QueryParams;
use crate::http::raw_path::PathParams;
use crate::state::Shared;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use dlcs_text::plain::{self, Hyphens};
use dlcs_text::{alto, hocr, page_xml};
use serde_json::{Value, json};

pub(crate) async fn text(
    State(state): State<Shared>,
    caller: Caller,
    params: PathParams,
    query: QueryParams,
    headers: HeaderMap,
) -> Answer {
    let format = Format::read(&params, &query, &headers)?;
    let found = find_text(&state, &caller, &params).await?;
    let document = Document {
        body: format.write(&state, &found)?,
        content_type: format.content_type(),
        modified_at_us: Some(found.text.modified_at_us.max(found.asset_changed_at_us())),
        caching: Caching::of(found.asset.is_open, false),
        link: None,
    };
    let mut response = document.respond(&headers);
    // hOCR is a page: a browser that opens it runs nothing of it.
    let sandbox = HeaderValue::from_static("default-src 'none'; sandbox");
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, sandbox);
    Ok(response)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Plain(Hyphens),
    Alto,
    Hocr,
    PageXml,
    /// Our own layout.
    Json,
}

impl Format {
    fn read(params: &PathParams, query: &QueryParams, headers: &HeaderMap) -> Answer<Self> {
        Ok(match params.get("format") {
            "plain" => Self::Plain(read_hyphens(query)?),
            "alto" => Self::Alto,
            "hocr" => Self::Hocr,
            "page" if wants_json(headers) => Self::Json,
            "page" => Self::PageXml,
            _ => return Err(Problem::not_found()),
        })
    }

    fn content_type(self) -> &'static str {
        match self {
            Self::Plain(_) => "text/plain; charset=utf-8",
            Self::Alto | Self::PageXml => "application/xml; charset=utf-8",
            Self::Hocr => "text/vnd.hocr+html; charset=utf-8",
            Self::Json => "application/json",
        }
    }

    fn write(self, state: &Shared, found: &FoundText) -> Answer<String> {
        let origin = Origin::of(&state.public_url, &found.asset.id, &found.text);
        let (layout, provenance) = (&found.layout, origin.provenance());
        Ok(match self {
            Self::Plain(hyphens) => plain::write(layout, hyphens),
            Self::Alto => alto::write(layout, provenance),
            Self::Hocr => hocr::write(layout, provenance),
            Self::PageXml => page_xml::write(layout, provenance),
            Self::Json => {
                let mut json = serde_json::to_value(layout).map_err(Problem::internal)?;
                // What a correction refers to.
                json["base"] = json!(found.text.blobs.layout.sha256);
                json["editRevision"] = json!(found.row.edit_revision);
                Value::to_string(&json)
            }
        })
    }
}

pub(super) fn read_hyphens(query: &QueryParams) -> Answer<Hyphens> {
    match query.get("hyphens") {
        None | Some("keep") => Ok(Hyphens::Keep),
        Some("join") => Ok(Hyphens::Join),
        Some(_) => Err(Problem::field("hyphens", "`hyphens` is `keep` or `join`")),
    }
}

/// Whether JSON stands in `Accept`, and no XML before it.
fn wants_json(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let accept = accept.unwrap_or_default().to_ascii_lowercase();
    match (accept.find("application/json"), accept.find("xml")) {
        (Some(json), Some(xml)) => json < xml,
        (json, _) => json.is_some(),
    }
}

impl FoundText {
    /// The boxes depend on the image's size, the addresses on its access.
    fn asset_changed_at_us(&self) -> i64 {
        self.asset.ready().map_or(0, |ready| ready.modified_at_us)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_layout_is_sent_to_those_who_ask_for_json() {
        let wants = |accept: &'static str| {
            let accept = HeaderValue::from_static(accept);
            wants_json(&HeaderMap::from_iter([(header::ACCEPT, accept)]))
        };
        assert!(wants("application/json"));
        assert!(wants("application/json, application/xml;q=0.5"));
        assert!(!wants("text/html,application/xml;q=0.9,application/json;q=0.8"));
        assert!(!wants("*/*"));
    }
}
