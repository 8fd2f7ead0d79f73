//! Stored manifests as they were rendered before, as long as nothing that they are made of changes.
//!
//! The document of a client's own canvases is as fixed as the blob that it is kept in. One that is
//! made of registered images is good as long as the read models behind it stay where they were:
//! whoever was told of a change finds them further on, and the document rendered anew.

use super::caching::digest;
use bytes::Bytes;
use dlcs_domain::ManifestId;
use dlcs_iiif::presentation::PresentationVersion;
use dlcs_projections::freshness::Freshness;
use dlcs_projections::{Position, annotations, page_text, tile_metadata};
use moka::sync::Cache;
use std::fmt;
use std::sync::Arc;
use std::thread::available_parallelism;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Bytes of documents that are kept. One of 5,000 canvases has about ten million.
const KEPT_BYTES_MAX: u64 = 128 * 1024 * 1024;
/// What an entry needs beside its document, roughly.
const ENTRY_BYTES: usize = 1_024;
/// Documents that are rendered at the same time, by core: each is in memory several times then.
const AT_ONCE_BY_CORE: usize = 4;
/// What a manifest of registered images is made of, beside its own row.
const SOURCES: [&str; 3] = [tile_metadata::NAME, page_text::NAME, annotations::NAME];

/// Names a document: everything that it depends on but the read models behind it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct RenderedKey {
    pub manifest: ManifestId,
    /// SHA-256 of what was kept last.
    pub document: String,
    /// Edits of it until now.
    pub edits: u64,
    /// The id that it is shown with.
    pub address: String,
    pub version: PresentationVersion,
    pub content_type: &'static str,
}

/// A document for readers.
#[derive(Debug)]
pub(super) struct Rendered {
    pub body: Bytes,
    pub etag: String,
    /// When anything in it last changed, beside the manifest itself.
    pub modified_at_us: i64,
    /// `None`: it is made of nothing but what the client put.
    made_at: Option<MadeAt>,
}

/// Where the read models were before the first of them was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MadeAt([Option<Position>; SOURCES.len()]);

impl MadeAt {
    pub(super) fn now(freshness: &Freshness) -> Self {
        Self(SOURCES.map(|name| freshness.position(name)))
    }

    /// Where nobody says how far a read model is, nothing is good for long.
    fn is_now(self, freshness: &Freshness) -> bool {
        self.0.iter().all(Option::is_some) && self == Self::now(freshness)
    }
}

impl Rendered {
    pub(super) fn new(
        key: &RenderedKey,
        body: String,
        modified_at_us: i64,
        made_at: Option<MadeAt>,
    ) -> Self {
        let etag = digest(&[key.content_type, &body]);
        Self { body: body.into(), etag, modified_at_us, made_at }
    }
}

/// Documents in memory; the least used go first. Cheap to clone.
#[derive(Clone)]
pub struct RenderedManifests {
    kept: Cache<RenderedKey, Arc<Rendered>>,
    turns: Arc<Semaphore>,
}

impl Default for RenderedManifests {
    fn default() -> Self {
        let weigh = |_: &RenderedKey, it: &Arc<Rendered>| {
            u32::try_from(it.body.len() + ENTRY_BYTES).unwrap_or(u32::MAX)
        };
        let cores = available_parallelism().map_or(1, usize::from);
        Self {
            kept: Cache::builder().weigher(weigh).max_capacity(KEPT_BYTES_MAX).build(),
            turns: Arc::new(Semaphore::new(cores * AT_ONCE_BY_CORE)),
        }
    }
}

impl fmt::Debug for RenderedManifests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RenderedManifests").field("kept", &self.kept.entry_count()).finish()
    }
}

impl RenderedManifests {
    /// Returns the document, if it is still what would be rendered.
    pub(super) fn get(&self, key: &RenderedKey, freshness: &Freshness) -> Option<Arc<Rendered>> {
        let rendered = self.kept.get(key)?;
        let is_current = rendered.made_at.is_none_or(|it| it.is_now(freshness));
        is_current.then_some(rendered)
    }

    /// Waits until not too many are rendered. Who has waited looks again first.
    pub(super) async fn turn(&self) -> SemaphorePermit<'_> {
        self.turns.acquire().await.expect("the semaphore is never closed")
    }

    pub(super) fn keep(&self, key: RenderedKey, rendered: Rendered) -> Arc<Rendered> {
        let rendered = Arc::new(rendered);
        self.kept.insert(key, Arc::clone(&rendered));
        rendered
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dlcs_domain::CustomerId;

    fn key(document: &str) -> RenderedKey {
        RenderedKey {
            manifest: ManifestId { customer: CustomerId(1), id: "kant".to_owned() },
            document: document.to_owned(),
            edits: 1,
            address: "http://dlcs.test/iiif/1/kant".to_owned(),
            version: PresentationVersion::V3,
            content_type: "application/json",
        }
    }

    #[test]
    fn a_manifest_of_images_is_good_until_what_it_is_made_of_moves() {
        for moved in SOURCES {
            let freshness = Freshness::new(&SOURCES).and("batches");
            let (manifests, key) = (RenderedManifests::default(), key("a"));
            let made_at = MadeAt::now(&freshness);
            let rendered = Rendered::new(&key, "{}".to_owned(), 7, Some(made_at));
            manifests.keep(key.clone(), rendered);
            freshness.reached("batches", Position(9));
            assert!(manifests.get(&key, &freshness).is_some(), "nothing of it has moved");
            freshness.reached(moved, Position(9));
            assert!(manifests.get(&key, &freshness).is_none(), "{moved} has moved");
        }
    }

    /// What moves while it is rendered may be in it or not.
    #[test]
    fn what_moved_during_the_rendering_makes_it_old() {
        let freshness = Freshness::new(&SOURCES);
        let (manifests, key) = (RenderedManifests::default(), key("a"));
        let made_at = MadeAt::now(&freshness);
        freshness.reached(annotations::NAME, Position(1));
        manifests.keep(key.clone(), Rendered::new(&key, "{}".to_owned(), 7, Some(made_at)));
        assert!(manifests.get(&key, &freshness).is_none());
    }

    #[test]
    fn canvases_of_a_client_change_with_their_document_only() {
        let freshness = Freshness::new(&SOURCES);
        let manifests = RenderedManifests::default();
        let rendered = Rendered::new(&key("a"), "{}".to_owned(), 7, None);
        let etag = rendered.etag.clone();
        manifests.keep(key("a"), rendered);
        freshness.reached(tile_metadata::NAME, Position(9));
        assert!(manifests.get(&key("a"), &freshness).is_some_and(|it| it.etag == etag));
        assert!(manifests.get(&key("b"), &freshness).is_none());
        let edited = RenderedKey { edits: 2, ..key("a") };
        assert!(manifests.get(&edited, &freshness).is_none());
        let as_version_2 = RenderedKey { version: PresentationVersion::V2, ..key("a") };
        assert!(manifests.get(&as_version_2, &freshness).is_none());
    }
}
