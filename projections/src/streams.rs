//! What the name of a stream says: whose it is, and which resource it is about.

use crate::projection::Poison;
use dlcs_domain::{
    AnnotationId, ApiKeyId, AssetId, BatchId, CollectionId, ContainerId, CustomerId, DefinitionId,
    ManifestId, NamedQueryId, SpaceId,
};
use dlcs_eventlog::StreamId;
use std::str::FromStr;

/// Returns the customer whose stream this is; `None`: it stands above customers.
pub fn customer_of(stream: &StreamId) -> Option<CustomerId> {
    match stream.category() {
        "directory" => None,
        // Names of customers themselves are `name-customer/…`, which is no number.
        _ => stream.id().split('/').next()?.parse().ok(),
    }
}

pub(crate) fn customer(stream: &StreamId) -> Result<CustomerId, Poison> {
    parsed(stream, stream.id())
}

pub(crate) fn space(stream: &StreamId) -> Result<SpaceId, Poison> {
    parsed(stream, stream.id())
}

pub(crate) fn asset(stream: &StreamId) -> Result<AssetId, Poison> {
    parsed(stream, stream.id())
}

pub(crate) fn batch(stream: &StreamId) -> Result<(CustomerId, BatchId), Poison> {
    let (customer, id) = split(stream)?;
    let id = id.parse().map_err(|error| unreadable(stream, &error))?;
    Ok((customer, BatchId(id)))
}

pub(crate) fn manifest(stream: &StreamId) -> Result<ManifestId, Poison> {
    let (customer, id) = split(stream)?;
    Ok(ManifestId { customer, id: id.to_owned() })
}

pub(crate) fn collection(stream: &StreamId) -> Result<CollectionId, Poison> {
    let (customer, id) = split(stream)?;
    Ok(CollectionId { customer, id: id.to_owned() })
}

pub(crate) fn named_query(stream: &StreamId) -> Result<NamedQueryId, Poison> {
    parsed(stream, stream.id())
}

pub(crate) fn api_key(stream: &StreamId) -> Result<ApiKeyId, Poison> {
    parsed(stream, stream.id())
}

pub(crate) fn definition(stream: &StreamId) -> Result<DefinitionId, Poison> {
    parsed(stream, stream.id())
}

pub(crate) fn container(stream: &StreamId) -> Result<ContainerId, Poison> {
    parsed(stream, stream.id())
}

pub(crate) fn annotation(stream: &StreamId) -> Result<AnnotationId, Poison> {
    parsed(stream, stream.id())
}

fn split(stream: &StreamId) -> Result<(CustomerId, &str), Poison> {
    let (customer, id) =
        stream.id().split_once('/').ok_or_else(|| unreadable(stream, &"it has no `/`"))?;
    Ok((parsed(stream, customer)?, id))
}

fn parsed<T: FromStr<Err: std::fmt::Display>>(stream: &StreamId, id: &str) -> Result<T, Poison> {
    id.parse().map_err(|error| unreadable(stream, &error))
}

fn unreadable(stream: &StreamId, reason: &dyn std::fmt::Display) -> Poison {
    Poison(format!("the stream name {stream} cannot be read: {reason}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_tells_whose_it_is() {
        let whose = |name: &str| customer_of(&StreamId::from_stored(name)).map(|it| it.0);
        assert_eq!(whose("customer-7"), Some(7));
        assert_eq!(whose("asset-1/2/page-7"), Some(1));
        assert_eq!(whose("batch-3/0190-x"), Some(3));
        assert_eq!(whose("name-4/space/maps"), Some(4));
        assert_eq!(whose("name-customer/5"), None);
        assert_eq!(whose("directory-customers"), None);
    }

    #[test]
    fn an_id_keeps_its_hyphens_and_slashes() {
        let id = asset(&StreamId::from_stored("asset-1/2/a-b/c")).unwrap();
        assert_eq!(id.name(), "a-b/c");
        assert!(asset(&StreamId::from_stored("asset-1/2")).is_err());
        let id = annotation(&StreamId::from_stored("annotation-1/my-notes/a-b")).unwrap();
        assert_eq!((id.container.id.as_str(), id.id.as_str()), ("my-notes", "a-b"));
        assert!(annotation(&StreamId::from_stored("annotation-1/notes")).is_err());
    }
}
