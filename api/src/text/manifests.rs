//! `/text/plain|alto|mets/{c}/manifests/{id}`: the text of a stored manifest.
//!
//! Pages that are closed to the caller are left out of plain text and of METS' texts, and nothing
//! of such an answer is kept by anybody.

use super::documents::read_hyphens;
use super::found::{self, no_text};
use crate::access::Caller;
use crate::delivery::address::{self, Service};
use crate::delivery::caching::{Caching, Document};
use crate::delivery::stored::facts;
use crate::error::{Answer, Problem};
use crate::http::query::QueryParams;
use crate::http::raw_path::PathParams;
use crate::management::manifests as managed;
use crate::state::Shared;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use dlcs_domain::access::Principal;
use dlcs_domain::{AssetId, ManifestId};
use dlcs_projections::page_text::PageTextRow;
use dlcs_text::mets::{self, Mets, MetsPage};
use dlcs_text::{PageSize, plain};
use std::collections::HashMap;

/// Largest plain text of a manifest, in bytes.
const TEXT_BYTES_MAX: usize = 64 * 1024 * 1024;

pub(crate) async fn text(
    State(state): State<Shared>,
    caller: Caller,
    params: PathParams,
    query: QueryParams,
    headers: HeaderMap,
) -> Answer {
    let book = Book::read(&state, &caller, &params).await?;
    let (body, content_type) = match params.get("format") {
        "plain" => (book.plain(&state, &query).await?, "text/plain; charset=utf-8"),
        "mets" => (book.mets(&state), "application/xml; charset=utf-8"),
        // One file holds one page; the list of them is METS.
        "alto" => {
            let detail = "ALTO is written page by page: METS of the manifest lists the pages";
            return Err(Problem::new(StatusCode::NOT_FOUND, "page-by-page", detail));
        }
        _ => return Err(Problem::not_found()),
    };
    let document = Document {
        body,
        content_type,
        modified_at_us: Some(book.modified_at_us),
        caching: Caching::of(caller.principal == Principal::Anonymous, false),
        link: None,
    };
    Ok(document.respond(&headers))
}

/// A manifest of registered assets and the texts that the caller may read.
struct Book {
    id: String,
    label: String,
    pages: Vec<BookPage>,
    modified_at_us: i64,
}

struct BookPage {
    asset: AssetId,
    size: PageSize,
    text: Option<PageTextRow>,
}

impl Book {
    async fn read(state: &Shared, caller: &Caller, params: &PathParams) -> Answer<Self> {
        let id = params.get("manifest").to_owned();
        let id = ManifestId { customer: caller.customer()?, id };
        let row = managed::living(state, caller, &id).await?;
        let stored = managed::document_of(state, &row).await?;
        let painted = stored.painted.unwrap_or_default();
        let assets: Vec<AssetId> = painted.iter().map(|it| it.asset.clone()).collect();
        let texts = state.queries.page_texts.of_assets(&caller.principal, &assets).await?;
        let mut texts: HashMap<AssetId, PageTextRow> =
            texts.into_iter().map(|it| (it.id.clone(), it)).collect();
        let mut modified_at_us = row.stored.modified_at_us;
        let mut pages = Vec::with_capacity(assets.len());
        for (asset, found) in assets.into_iter().zip(facts(state, &painted).await?) {
            let Some(Ok(ready)) = found.as_ref().map(|found| found.ready()) else { continue };
            let text = texts.remove(&asset);
            let changed = text.as_ref().map_or(0, |it| it.modified_at_us);
            modified_at_us = modified_at_us.max(ready.modified_at_us).max(changed);
            let size = ready.dimensions();
            let size = PageSize { width_px: size.width, height_px: size.height };
            pages.push(BookPage { asset, size, text });
        }
        let label = label(&stored.document).unwrap_or_else(|| row.id.id.clone());
        Ok(Self {
            id: address::flat_manifest(&state.public_url, &row.id),
            label,
            pages,
            modified_at_us,
        })
    }

    /// Joins the pages, a form feed between two of them.
    async fn plain(&self, state: &Shared, query: &QueryParams) -> Answer<String> {
        let hyphens = read_hyphens(query)?;
        let mut joined = String::new();
        let mut is_first = true;
        for page in &self.pages {
            let Some(row) = &page.text else { continue };
            let Some(text) = &row.text else { continue };
            let layout = found::layout(state, row, &text.blobs).await?;
            if !std::mem::take(&mut is_first) {
                joined.push('\u{c}');
            }
            joined.push_str(&plain::write(&layout, hyphens));
            if joined.len() > TEXT_BYTES_MAX {
                let detail = "the text of this manifest is too large for one answer";
                return Err(Problem::new(StatusCode::FORBIDDEN, "text-too-large", detail));
            }
        }
        if is_first { Err(no_text()) } else { Ok(joined) }
    }

    fn mets(&self, state: &Shared) -> String {
        let base = &state.public_url;
        let addresses = self.pages.iter().map(|page| {
            let tail = address::tail(&page.asset);
            let service = address::service(base, Service::Images, None, &tail);
            let has_text = page.text.as_ref().is_some_and(|row| row.text.is_some());
            let alto = has_text.then(|| address::text(base, "alto", None, &tail));
            (format!("{service}/full/max/0/default.jpg"), alto)
        });
        let addresses: Vec<(String, Option<String>)> = addresses.collect();
        let pages = self.pages.iter().zip(&addresses).map(|(page, (image, alto))| MetsPage {
            label: page.asset.name(),
            image,
            image_media_type: "image/jpeg",
            alto: alto.as_deref(),
            size: page.size,
        });
        let pages: Vec<MetsPage<'_>> = pages.collect();
        mets::write(Mets { id: &self.id, label: &self.label, made_at: None, pages: &pages })
    }
}

/// Returns the first text of a label.
pub(crate) fn label(document: &serde_json::Value) -> Option<String> {
    let label = &document["label"];
    let first = label.as_object().and_then(|it| it.values().next()).and_then(|it| it.get(0));
    first.unwrap_or(label).as_str().map(str::to_owned)
}
