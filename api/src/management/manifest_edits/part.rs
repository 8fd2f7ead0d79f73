//! What an address below a manifest is about: a canvas or a range, by its id.

use crate::delivery::address;
use crate::delivery::stored::PaintedNames;
use crate::error::{Answer, Problem};
use crate::management::write::Incoming;
use crate::state::Shared;
use dlcs_domain::ManifestId;
use dlcs_domain::manifest::document::{canvas_ids, find_canvas, find_range};
use dlcs_iiif::base::{BASE_PLACEHOLDER, strip_base};
use dlcs_iiif::link::encode_segment;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

/// What an address below a manifest is about.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) manifest: ManifestId,
    pub(super) kind: PartKind,
    /// Whole id of the canvas or range, as clients know it. Empty: none is named.
    pub(super) id: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PartKind {
    Canvas,
    Range,
}

impl PartKind {
    fn folder(self) -> &'static str {
        match self {
            Self::Canvas => "canvases",
            Self::Range => "ranges",
        }
    }

    pub(super) fn type_name(self) -> &'static str {
        match self {
            Self::Canvas => "Canvas",
            Self::Range => "Range",
        }
    }
}

impl Part {
    pub(super) fn of(request: &Incoming, kind: PartKind) -> Answer<Self> {
        let customer = request.caller.customer()?;
        let manifest = ManifestId { customer, id: request.params.get("manifest").to_owned() };
        // `/{c}/manifests/{id}/{folder}/…`: what follows stays encoded.
        let named = request.uri.path().splitn(6, '/').nth(5).unwrap_or_default();
        let id = whole_id(&request.state, &manifest, kind, named)?;
        Ok(Self { manifest, kind, id })
    }

    /// Address of the part, without scheme and host.
    pub(super) fn path(&self, state: &Shared) -> String {
        let flat = address::flat_manifest(&state.public_url, &self.manifest);
        let folder = format!("{flat}/{}/", self.kind.folder());
        let name = self.id.strip_prefix(&folder);
        let name = name.map_or_else(|| encode_segment(&self.id), str::to_owned);
        let ours = flat.strip_prefix(state.public_url.as_str()).unwrap_or(&flat);
        format!("{ours}/{}/{name}", self.kind.folder())
    }

    /// Finds it in a document, as that is kept or as it is shown.
    pub(super) fn within(&self, state: &Shared, document: &Value) -> Option<Value> {
        let names = PaintedNames::shown(state, &self.manifest);
        let found = match self.kind {
            PartKind::Canvas => find_canvas(document, &self.id, &names),
            PartKind::Range => find_range(document, &self.id),
        };
        let mut found = found?.clone();
        if found.get("asset").is_some() {
            found["canvasPainting"]["canvasId"] = json!(self.id);
        }
        Some(found)
    }

    /// Finds the canvas that was put before another one, or as the last one.
    pub(super) fn before(
        &self,
        state: &Shared,
        document: &Value,
        next: Option<String>,
    ) -> Option<Self> {
        let ids = canvas_ids(document, &PaintedNames::shown(state, &self.manifest));
        let next = next.map(|id| id.replace(BASE_PLACEHOLDER, state.public_url.as_str()));
        let end = match next {
            None => ids.len(),
            Some(next) => ids.iter().position(|id| *id == next)?,
        };
        let id = ids.get(end.checked_sub(1)?)?.clone();
        Some(Self { id, ..self.clone() })
    }
}

/// Whether a name is an id as clients write it, and not the end of one of ours.
pub(super) fn is_whole(named: &str) -> bool {
    named.contains("://") || named.starts_with("urn:")
}

/// Reads a name: a whole id, percent-encoded, or the end of one of ours, in its segments.
pub(super) fn whole_id(
    state: &Shared,
    manifest: &ManifestId,
    kind: PartKind,
    named: &str,
) -> Answer<String> {
    let wrong = || Problem::bad_request("bad-address", "the address is not UTF-8");
    let decode = |text: &str| Some(percent_decode_str(text).decode_utf8().ok()?.into_owned());
    let whole = decode(named).ok_or_else(wrong)?;
    if whole.is_empty() || is_whole(&whole) {
        return Ok(whole);
    }
    let segments = named.split('/').map(|it| decode(it).map(|it| encode_segment(&it)));
    let segments = segments.collect::<Option<Vec<_>>>().ok_or_else(wrong)?.join("/");
    let flat = address::flat_manifest(&state.public_url, manifest);
    Ok(format!("{flat}/{}/{segments}", kind.folder()))
}

/// Returns an id or document as it is kept, without our base.
pub(super) fn kept(state: &Shared, value: &Value) -> Answer<Value> {
    let text = value.to_string();
    if text.contains(BASE_PLACEHOLDER) {
        let detail = format!("`{BASE_PLACEHOLDER}` stands for our own address, and cannot be kept");
        return Err(Problem::field("canvas", detail));
    }
    let stripped = strip_base(&text, state.public_url.as_str());
    serde_json::from_str(&stripped).map_err(Problem::internal)
}

pub(super) fn kept_id(state: &Shared, id: &str) -> Answer<String> {
    Ok(kept(state, &json!(id))?.as_str().unwrap_or_default().to_owned())
}
