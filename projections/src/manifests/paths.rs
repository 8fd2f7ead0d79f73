//! Public addresses: which path leads to what, and where something is now.
//!
//! A former path leads on: each of its segments is looked up as the slug that something had last
//! below what the segments before it led to. So a collection that has moved takes the addresses of
//! all that is in it along.

use super::{Manifests, Stored, StoredRow};
use crate::paging::QueryError;
use dlcs_domain::access::Principal;
use dlcs_domain::{CollectionId, CustomerId};

/// Segments of a path, at most: what is deeper cannot have been made.
const SEGMENTS_MAX: usize = 33;

/// Returns what a path leads to, or led to: it may be elsewhere now, or deleted.
pub async fn resolve(
    manifests: &dyn Manifests,
    principal: &Principal,
    customer: CustomerId,
    path: &str,
) -> Result<Option<StoredRow>, QueryError> {
    if path.split('/').count() > SEGMENTS_MAX {
        return Ok(None);
    }
    let mut found: Option<StoredRow> = None;
    for slug in path.split('/') {
        let parent = match &found {
            None => None,
            Some(StoredRow::Collection(above)) => Some(above.id.id.as_str()),
            Some(StoredRow::Manifest(_)) => return Ok(None),
        };
        found = manifests.by_slug(principal, customer, parent, slug).await?;
        if found.is_none() {
            return Ok(None);
        }
    }
    Ok(found)
}

/// Returns the path to something now, from the root collection down. `None`: it has no public
/// address but that of its id, or something above it has none.
pub async fn path_of(
    manifests: &dyn Manifests,
    principal: &Principal,
    customer: CustomerId,
    stored: &Stored,
) -> Result<Option<String>, QueryError> {
    let Some(slug) = &stored.place.slug else { return Ok(None) };
    let mut segments = vec![slug.clone()];
    let mut above = stored.place.parent.clone();
    while let Some(id) = above {
        if segments.len() == SEGMENTS_MAX {
            return Ok(None);
        }
        let row = manifests.collection(principal, &CollectionId { customer, id }).await?;
        let Some(Stored { place, deleted: false, .. }) = row.map(|it| it.stored) else {
            return Ok(None);
        };
        let Some(slug) = place.slug else { return Ok(None) };
        segments.push(slug);
        above = place.parent;
    }
    segments.reverse();
    Ok(Some(segments.join("/")))
}
