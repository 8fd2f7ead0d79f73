//! What is to be made into one file: pages in order, each shown or closed, and what they are called.

use super::Kind;
use super::contents::contents;
use super::picture::Picture;
use crate::access::Caller;
use crate::delivery::asset::{Found, Ready};
use crate::delivery::named::{self, Asked, Chosen};
use crate::delivery::stored::{CanvasNames, facts};
use crate::error::{Answer, Problem};
use crate::management::manifests::{self as managed, Painted, StoredDocument};
use crate::state::Shared;
use crate::text::manifests::label;
use axum::http::{HeaderValue, StatusCode, header};
use dlcs_domain::access::AccessRule;
use dlcs_domain::{AssetId, ManifestId};
use dlcs_export::pdf::OutlineItem;
use dlcs_iiif::Dimensions;
use dlcs_objects::ObjectKey;
use dlcs_projections::assets;
use dlcs_projections::assets::AssetState;
use dlcs_projections::manifests::ManifestRow;
use dlcs_projections::page_text::PageTextRow;
use dlcs_projections::tile_metadata::{self, TileMetadataRow};
use std::collections::HashMap;
use std::time::Duration;

/// How long the read model of delivery is waited for where it is behind.
const CATCH_UP: Duration = Duration::from_secs(2);
const NOTICE: &str = "This page is not public.";

pub(super) struct Book {
    pub title: String,
    /// Without its ending.
    pub file_name: String,
    /// Stands in place of closed pages.
    pub notice: String,
    /// At least one of them is shown.
    pub pages: Vec<BookPage>,
    pub outline: Vec<OutlineItem>,
    pub modified_at_us: i64,
    /// Anybody may see all of it.
    pub is_open: bool,
}

pub(super) struct BookPage {
    pub asset: AssetId,
    pub label: String,
    pub size: Dimensions,
    /// Of the image.
    pub version: String,
    pub content: BookContent,
}

pub(super) enum BookContent {
    Shown { picture: Picture, text: Option<Box<PageTextRow>> },
    Closed,
}

/// A page that there may be in a book.
struct Leaf<'a> {
    asset: &'a AssetId,
    label: String,
    ready: Ready<'a>,
    rule: AccessRule,
}

impl Book {
    pub(super) async fn of_manifest(
        kind: Kind,
        state: &Shared,
        caller: &Caller,
        id: &ManifestId,
    ) -> Answer<Self> {
        let row = managed::living(state, caller, id).await?;
        let StoredDocument { document, painted } = managed::document_of(state, &row).await?;
        let painted = painted.ok_or_else(no_pages)?;
        check_count(state, painted.len())?;
        let found = settled_facts(state, &painted).await?;
        let title = label(&document).unwrap_or_else(|| row.id.id.clone());
        let file_name = row.stored.place.slug.clone().unwrap_or_else(|| row.id.id.clone());
        let (leaves, canvases) = leaves(state, &row, &painted, &found);
        let book = Self::new(kind, state, caller, title, leaves).await?;
        // Of a page that is painted twice with one id the first one counts.
        let pages = canvases.iter().enumerate().rev().map(|(at, id)| (id.as_str(), at));
        let outline = contents(&document, &pages.collect());
        Ok(Self { file_name, outline, ..book }.changed_after(row.stored.modified_at_us))
    }

    pub(super) async fn of_query(
        kind: Kind,
        state: &Shared,
        caller: &Caller,
        asked: &Asked,
    ) -> Answer<Self> {
        let Chosen { query, selection, images } = asked.choose(state).await?;
        check_count(state, images.len())?;
        if images.iter().any(|it| it.delivered.is_none() && it.state == AssetState::Ingesting) {
            return Err(not_ready());
        }
        let leaves = images.iter().filter_map(|row| {
            let leaf = Leaf {
                asset: &row.id,
                label: row.id.name().to_owned(),
                ready: named::ready(row)?,
                rule: AccessRule::of_asset(row.id.customer(), &row.roles),
            };
            leaf.is_offered().then_some(leaf)
        });
        let title = asked.words();
        let book = Self::new(kind, state, caller, title, leaves.collect()).await?;
        let template = &query.template;
        let name = template.object_name(&asked.arguments, &selection);
        let name = name.as_deref().map(without_ending).filter(|it| !it.is_empty());
        let file_name = name.unwrap_or(&book.title).to_owned();
        let notice = template.redacted_message(&asked.arguments);
        Ok(Self { file_name, notice: notice.unwrap_or_else(|| NOTICE.to_owned()), ..book }
            .changed_after(query.modified_at_us))
    }

    async fn new(
        kind: Kind,
        state: &Shared,
        caller: &Caller,
        title: String,
        leaves: Vec<Leaf<'_>>,
    ) -> Answer<Self> {
        let texts = texts(kind, state, caller, &leaves).await?;
        let mut book = Self {
            file_name: title.clone(),
            title,
            notice: NOTICE.to_owned(),
            pages: Vec::with_capacity(leaves.len()),
            outline: Vec::new(),
            modified_at_us: 0,
            is_open: leaves.iter().all(|it| it.rule == AccessRule::Open),
        };
        let mut refused = None;
        for leaf in leaves {
            book.modified_at_us = book.modified_at_us.max(leaf.ready.modified_at_us);
            let content = match caller.check(&leaf.rule) {
                Ok(()) => {
                    let text = texts.get(leaf.asset).cloned();
                    let changed_at_us = text.as_ref().map_or(0, |it| it.modified_at_us);
                    book.modified_at_us = book.modified_at_us.max(changed_at_us);
                    BookContent::Shown { picture: leaf.picture(), text: text.map(Box::new) }
                }
                Err(problem) => {
                    refused = Some(problem);
                    BookContent::Closed
                }
            };
            book.pages.push(leaf.page(content));
        }
        if book.pages.iter().any(|it| matches!(it.content, BookContent::Shown { .. })) {
            return Ok(book);
        }
        // Of a book that is closed as a whole nothing is told but how to ask for it.
        Err(refused.unwrap_or_else(no_pages))
    }

    fn changed_after(mut self, at_us: i64) -> Self {
        self.modified_at_us = self.modified_at_us.max(at_us);
        self
    }
}

impl Leaf<'_> {
    fn picture(&self) -> Picture {
        let Ready { generation, attempt, limits, .. } = self.ready;
        Picture {
            key: ObjectKey::derivative(&self.asset.to_string(), generation, attempt),
            only_ready_made: !self.ready.has_channel("iiif-img"),
            side_max_px: if limits.max_width_px == 0 { u32::MAX } else { limits.max_width_px },
        }
    }

    /// Whether the image or its ready-made sizes are offered; else there is nothing to show.
    fn is_offered(&self) -> bool {
        self.ready.has_channel("iiif-img") || self.ready.has_channel("thumbs")
    }

    fn page(self, content: BookContent) -> BookPage {
        BookPage {
            asset: self.asset.clone(),
            size: self.ready.dimensions(),
            version: self.ready.version(),
            label: self.label,
            content,
        }
    }
}

/// Returns what there is of each painted asset; an image that is being made is an answer of its own,
/// for a book without it would be taken for the whole.
async fn settled_facts(state: &Shared, painted: &[Painted]) -> Answer<Vec<Option<Found>>> {
    let is_pending = |found: &Option<Found>| {
        found.as_ref().is_some_and(|it| matches!(it.row, TileMetadataRow::Pending { .. }))
    };
    let found = facts(state, painted).await?;
    if !found.iter().any(is_pending) {
        return Ok(found);
    }
    // Whoever was told that they are delivered was told by another read model.
    state.queries.freshness.catch_up(tile_metadata::NAME, assets::NAME, CATCH_UP).await;
    let found = facts(state, painted).await?;
    if found.iter().any(is_pending) { Err(not_ready()) } else { Ok(found) }
}

/// Returns the pages of a manifest and the ids of their canvases. As in the manifest, what has failed or
/// was deleted is left out.
fn leaves<'a>(
    state: &Shared,
    row: &ManifestRow,
    painted: &'a [Painted],
    found: &'a [Option<Found>],
) -> (Vec<Leaf<'a>>, Vec<String>) {
    let mut names = CanvasNames::default();
    let (mut leaves, mut canvases) = (Vec::new(), Vec::new());
    for (painted, found) in painted.iter().zip(found) {
        let Some((found, Ok(ready))) = found.as_ref().map(|it| (it, it.ready())) else { continue };
        let naming = names.of(state, row, painted);
        let first = naming.label.texts().next().map(|(_, text)| text.to_owned());
        let label = first.unwrap_or_else(|| painted.asset.name().to_owned());
        let leaf = Leaf { asset: &painted.asset, label, ready, rule: found.row.rule(&found.id) };
        if leaf.is_offered() {
            canvases.push(naming.id);
            leaves.push(leaf);
        }
    }
    (leaves, canvases)
}

/// Returns the texts that the caller may read; a zip has none.
async fn texts(
    kind: Kind,
    state: &Shared,
    caller: &Caller,
    leaves: &[Leaf<'_>],
) -> Answer<HashMap<AssetId, PageTextRow>> {
    if kind == Kind::Zip {
        return Ok(HashMap::new());
    }
    let ids: Vec<AssetId> = leaves.iter().map(|it| it.asset.clone()).collect();
    let rows = state.queries.page_texts.of_assets(&caller.principal, &ids).await?;
    let rows = rows.into_iter().filter(|it| it.text.is_some());
    Ok(rows.map(|it| (it.id.clone(), it)).collect())
}

fn check_count(state: &Shared, count: usize) -> Answer<()> {
    let max = state.limits.export_pages_max;
    if count <= max {
        return Ok(());
    }
    let detail = format!("{count} pages are more than the {max} that one file may have");
    Err(Problem::new(StatusCode::FORBIDDEN, "too-many-pages", detail))
}

fn no_pages() -> Problem {
    let detail = "there is no page that could be shown: none is painted from a registered image";
    Problem::new(StatusCode::NOT_FOUND, "no-pages", detail)
}

fn not_ready() -> Problem {
    let detail = "some of the images are being ingested: ask again in a moment";
    Problem::unavailable("not-ready", detail)
        .header(header::RETRY_AFTER, HeaderValue::from_static("5"))
}

/// Returns a name of a file without the ending that it gets.
fn without_ending(name: &str) -> &str {
    let name = name.trim();
    let stem = name.len().checked_sub(4).and_then(|at| name.split_at_checked(at));
    match stem {
        Some((stem, ending))
            if [".pdf", ".zip"].iter().any(|it| ending.eq_ignore_ascii_case(it)) =>
        {
            stem
        }
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::without_ending;

    #[test]
    fn a_name_loses_the_ending_that_it_gets_again() {
        for (name, stem) in
            [("a.pdf", "a"), ("a.ZIP", "a"), ("a.b", "a.b"), ("äö", "äö"), (" x ", "x")]
        {
            assert_eq!(without_ending(name), stem);
        }
    }
}
