//! Search within a collection: the images of the manifests that it holds, at any depth.
//!
//! - A storage collection holds what is below it; a IIIF collection holds what it names of the same
//!   customer: stored manifests, collections, and the manifests of single images.
//! - A private collection is looked into for those who manage it only.
//! - Nothing is looked into twice, however often it is named.

use super::canvases::Held;
use crate::access::Caller;
use crate::delivery::asset::space_of;
use crate::delivery::{collections, stored};
use crate::error::{Answer, Problem};
use crate::management::{collections as managed, manifests};
use crate::state::Shared;
use axum::http::StatusCode;
use dlcs_domain::collection::{CollectionKind, ROOT};
use dlcs_domain::{AssetId, CollectionId, CustomerId, ManifestId};
use dlcs_projections::PageRequest;
use dlcs_projections::manifests::{CollectionRow, ManifestRow, StoredKey, StoredRow, resolve};
use dlcs_projections::paging::{Direction, LIMIT_MAX};
use futures::{StreamExt, TryStreamExt};
use percent_encoding::percent_decode_str;
use serde_json::Value;
use std::collections::HashSet;

/// Manifests and collections within one: every search goes through them.
const HELD_MAX: usize = 2_000;
/// Documents that are read at the same time.
const READ_AT_ONCE: usize = 16;

/// Returns what a collection holds, in its order, with the images that each paints.
pub(super) async fn held(state: &Shared, caller: &Caller, id: &CollectionId) -> Answer<Vec<Held>> {
    let (customer, waiting) = (id.customer, vec![first(state, caller, id).await?]);
    let (met, found) = (HashSet::new(), Vec::new());
    let mut walk = Walk { state, caller, customer, met, waiting, found };
    while let Some(next) = walk.waiting.pop() {
        walk.go(next).await?;
    }
    let read = futures::stream::iter(walk.found).map(|it| read(state.clone(), it));
    read.buffered(READ_AT_ONCE).try_collect().await
}

/// Says that a collection holds more than a search goes through.
pub(super) fn too_large() -> Problem {
    let detail = format!(
        "a search goes through {HELD_MAX} manifests and collections and {} images at most: search \
         in one of those that are in it",
        dlcs_projections::search::ASSETS_MAX
    );
    Problem::bad_request("collection-too-large", detail)
}

/// Something on the way.
enum Next {
    /// The root collection.
    Root,
    Stored {
        row: StoredRow,
        address: String,
    },
    /// What a IIIF collection names.
    Named {
        named: Named,
        address: String,
    },
}

enum Found {
    Manifest { row: ManifestRow, address: String },
    Asset(AssetId),
}

async fn first(state: &Shared, caller: &Caller, id: &CollectionId) -> Answer<Next> {
    if id.id == ROOT {
        return Ok(Next::Root);
    }
    let row = managed::living(state, caller, id).await?;
    Ok(Next::Stored { row: StoredRow::Collection(row), address: String::new() })
}

async fn read(state: Shared, found: Found) -> Answer<Held> {
    match found {
        Found::Asset(asset) => Ok(Held::of_asset(&state.public_url, asset)),
        Found::Manifest { row, address } => {
            let painted = manifests::document_of(&state, &row).await?.painted.unwrap_or_default();
            Ok(Held::stored(&state, &row, address, painted))
        }
    }
}

struct Walk<'a> {
    state: &'a Shared,
    caller: &'a Caller,
    customer: CustomerId,
    met: HashSet<StoredKey>,
    /// The next one comes last.
    waiting: Vec<Next>,
    found: Vec<Found>,
}

impl Walk<'_> {
    async fn go(&mut self, next: Next) -> Answer<()> {
        match next {
            Next::Root => self.list(None, Some("")).await,
            Next::Stored { row, address } => self.meet(row, address).await,
            Next::Named { named, address } => self.look_up(named, address).await,
        }
    }

    async fn meet(&mut self, row: StoredRow, address: String) -> Answer<()> {
        let key = match &row {
            StoredRow::Manifest(row) => StoredKey::from(&row.id),
            StoredRow::Collection(row) => StoredKey::from(&row.id),
        };
        let is_seen = !row.stored().deleted && collections::may_see(self.caller, &row);
        if !is_seen || !self.met.insert(key) {
            return Ok(());
        }
        match row {
            StoredRow::Manifest(row) => self.found.push(Found::Manifest { row, address }),
            StoredRow::Collection(row) => match row.kind {
                CollectionKind::Storage => {
                    let path = stored::path(self.state, self.customer, &row.stored).await?;
                    let prefix = path.map(|it| format!("{it}/"));
                    self.list(Some(&row.id.id), prefix.as_deref()).await?;
                }
                CollectionKind::Iiif => self.read_names(&row).await?,
            },
        }
        Ok(())
    }

    /// Goes into a storage collection (`None`: the root collection).
    async fn list(&mut self, parent: Option<&str>, prefix: Option<&str>) -> Answer<()> {
        let (principal, manifests) = (&self.caller.principal, &self.state.queries.manifests);
        let direction = Direction::Ascending;
        let mut wanted = PageRequest { limit: LIMIT_MAX, after: None, offset: 0, direction };
        let mut members = Vec::new();
        loop {
            let page = manifests.members(principal, self.customer, parent, &wanted).await?;
            wanted.after = page.next().cloned();
            members.extend(page.items.into_iter().map(|row| {
                let address = collections::member_address(self.state, &row, prefix);
                Next::Stored { row, address }
            }));
            self.check(members.len())?;
            if wanted.after.is_none() {
                break;
            }
        }
        self.waiting.extend(members.into_iter().rev());
        Ok(())
    }

    /// Goes into a document of a client.
    async fn read_names(&mut self, row: &CollectionRow) -> Answer<()> {
        let document = managed::document_of(self.state, row).await?;
        let mut addresses = Vec::new();
        collect_addresses(&document["items"], &mut addresses);
        let base = self.state.public_url.as_str();
        let named = addresses.into_iter().filter_map(|address| {
            let named = Named::read(base, address)?;
            Some(Next::Named { named, address: address.to_owned() })
        });
        let named: Vec<Next> = named.collect();
        self.check(named.len())?;
        self.waiting.extend(named.into_iter().rev());
        Ok(())
    }

    async fn look_up(&mut self, named: Named, address: String) -> Answer<()> {
        if !self.is_own(named.customer()).await? {
            return Ok(());
        }
        let (state, customer) = (self.state, self.customer);
        let (manifests, principal) = (&*state.queries.manifests, &self.caller.principal);
        let row = match named {
            Named::Path { path, .. } => resolve(manifests, principal, customer, &path).await?,
            Named::Manifest { id, .. } => {
                let id = ManifestId { customer, id };
                manifests.manifest(principal, &id).await?.map(StoredRow::Manifest)
            }
            Named::Collection { id, .. } => {
                let id = CollectionId { customer, id };
                manifests.collection(principal, &id).await?.map(StoredRow::Collection)
            }
            Named::Asset { space, asset, .. } => {
                let space = match space_of(state, customer, &space).await {
                    Err(problem) if problem.status == StatusCode::NOT_FOUND => return Ok(()),
                    space => space?,
                };
                self.found.extend(AssetId::new(space, asset).map(Found::Asset));
                None
            }
        };
        match row {
            Some(row) => self.meet(row, address).await,
            None => Ok(()),
        }
    }

    async fn is_own(&self, customer: &str) -> Answer<bool> {
        let id = match customer.parse() {
            Ok(id) => Some(id),
            Err(_) => self.state.queries.customers.id_by_name(customer).await?,
        };
        Ok(id == Some(self.customer))
    }

    /// Refuses what is too large before it is gone through.
    fn check(&self, more: usize) -> Answer<()> {
        let all = self.found.len() + self.waiting.len() + more;
        if all.max(self.met.len()) > HELD_MAX { Err(too_large()) } else { Ok(()) }
    }
}

fn collect_addresses<'v>(items: &'v Value, addresses: &mut Vec<&'v str>) {
    for item in items.as_array().into_iter().flatten() {
        addresses.extend(item["id"].as_str());
        collect_addresses(&item["items"], addresses);
    }
}

/// What an address of ours names, decoded.
#[derive(Debug, PartialEq, Eq)]
enum Named {
    /// A path of slugs.
    Path {
        customer: String,
        path: String,
    },
    Manifest {
        customer: String,
        id: String,
    },
    Collection {
        customer: String,
        id: String,
    },
    /// The manifest of a single image.
    Asset {
        customer: String,
        space: String,
        asset: String,
    },
}

impl Named {
    fn read(base: &str, address: &str) -> Option<Self> {
        let path = address.strip_prefix(base)?.strip_prefix('/')?;
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let decoded = path.split('/').map(|it| percent_decode_str(it).decode_utf8().ok());
        let decoded = decoded.collect::<Option<Vec<_>>>()?;
        let mut segments: Vec<&str> = decoded.iter().map(|it| &**it).collect();
        if matches!(segments.as_slice(), ["iiif" | "iiif-manifest", "v2" | "v3", ..]) {
            segments.remove(1);
        }
        let own = |text: &&str| (*text).to_owned();
        Some(match segments.as_slice() {
            ["iiif", customer, path @ ..] if !path.is_empty() => {
                Self::Path { customer: own(customer), path: path.join("/") }
            }
            ["iiif-manifest", customer, space, asset] => {
                Self::Asset { customer: own(customer), space: own(space), asset: own(asset) }
            }
            [customer, "manifests", id] => Self::Manifest { customer: own(customer), id: own(id) },
            [customer, "collections", id] => {
                Self::Collection { customer: own(customer), id: own(id) }
            }
            _ => return None,
        })
    }

    fn customer(&self) -> &str {
        let (Self::Path { customer, .. }
        | Self::Manifest { customer, .. }
        | Self::Collection { customer, .. }
        | Self::Asset { customer, .. }) = self;
        customer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_ours_name_what_they_lead_to() {
        let read = |path: &str| Named::read("https://x", &format!("https://x{path}"));
        let own = |it: &str| it.to_owned();
        let path = |path: &str| Some(Named::Path { customer: own("1"), path: own(path) });
        assert_eq!(read("/iiif/1/maps/1900"), path("maps/1900"));
        assert_eq!(read("/iiif/v3/1/old%20maps"), path("old maps"));
        assert_eq!(read("/iiif/v2/1/maps?page=2#c"), path("maps"));
        let asset = |asset: &str| {
            Some(Named::Asset { customer: own("library"), space: own("2"), asset: own(asset) })
        };
        assert_eq!(read("/iiif-manifest/v3/library/2/a%2Fb.tif"), asset("a/b.tif"));
        assert_eq!(read("/iiif-manifest/library/2/page"), asset("page"));
        let id = || own("kant");
        let manifest = Named::Manifest { customer: own("1"), id: id() };
        assert_eq!(read("/1/manifests/kant"), Some(manifest));
        assert_eq!(
            read("/1/collections/kant"),
            Some(Named::Collection { customer: own("1"), id: id() })
        );
        for other in ["", "/", "/iiif/1", "/iiif/v3/1", "/iiif-img/1/2/page", "/1/manifests/%ff"] {
            assert_eq!(read(other), None, "{other}");
        }
        assert_eq!(Named::read("https://x", "https://xy/iiif/1/maps"), None);
    }
}
