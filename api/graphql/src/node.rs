//! Relay's global ids: `kind:key` in URL-safe base64 without padding.

use crate::context::refused;
use async_graphql::{Error, ID};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use dlcs_domain::{
    AnnotationId, AssetId, BatchId, CollectionId, ContainerId, CustomerId, ManifestId, SpaceId,
};

/// What a global id names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NodeId {
    Customer(CustomerId),
    Space(SpaceId),
    Asset(AssetId),
    Batch(CustomerId, BatchId),
    Manifest(ManifestId),
    Collection(CollectionId),
    AnnotationContainer(ContainerId),
    Annotation(AnnotationId),
}

impl From<NodeId> for ID {
    fn from(node: NodeId) -> Self {
        let text = match node {
            NodeId::Customer(id) => format!("customer:{id}"),
            NodeId::Space(id) => format!("space:{id}"),
            NodeId::Asset(id) => format!("asset:{id}"),
            NodeId::Batch(customer, id) => format!("batch:{customer}/{id}"),
            NodeId::Manifest(id) => format!("manifest:{id}"),
            NodeId::Collection(id) => format!("collection:{id}"),
            NodeId::AnnotationContainer(id) => format!("annotation-container:{id}"),
            NodeId::Annotation(id) => format!("annotation:{id}"),
        };
        Self(URL_SAFE_NO_PAD.encode(text))
    }
}

impl NodeId {
    /// Reads a global id.
    pub(crate) fn parse(id: &ID) -> Result<Self, Error> {
        Self::read(id).ok_or_else(|| refused("bad-id", "this is not an id of a node"))
    }

    fn read(id: &ID) -> Option<Self> {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(id.as_bytes()).ok()?).ok()?;
        let (kind, key) = text.split_once(':')?;
        Some(match kind {
            "customer" => Self::Customer(key.parse().ok()?),
            "space" => Self::Space(key.parse().ok()?),
            "asset" => Self::Asset(key.parse().ok()?),
            "batch" => {
                let (customer, id) = key.split_once('/')?;
                Self::Batch(customer.parse().ok()?, BatchId(id.parse().ok()?))
            }
            "collection" => {
                let (customer, id) = key.split_once('/')?;
                let customer = customer.parse().ok()?;
                Self::Collection(CollectionId { customer, id: id.to_owned() })
            }
            "manifest" => {
                let (customer, id) = key.split_once('/')?;
                Self::Manifest(ManifestId { customer: customer.parse().ok()?, id: id.to_owned() })
            }
            "annotation-container" => Self::AnnotationContainer(key.parse().ok()?),
            "annotation" => Self::Annotation(key.parse().ok()?),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_come_back_as_they_went() {
        let batch = BatchId("0193a1de-0000-7000-8000-000000000001".parse().unwrap());
        for node in [
            NodeId::Customer(CustomerId(1)),
            NodeId::Space("1/2".parse().unwrap()),
            NodeId::Asset("1/2/page/7 ü".parse().unwrap()),
            NodeId::Batch(CustomerId(3), batch),
            NodeId::Manifest(ManifestId { customer: CustomerId(1), id: "book".into() }),
            NodeId::Collection(CollectionId { customer: CustomerId(1), id: "maps".into() }),
            NodeId::AnnotationContainer("1/notes".parse().unwrap()),
            NodeId::Annotation("1/notes/a-b".parse().unwrap()),
        ] {
            assert_eq!(NodeId::parse(&node.clone().into()).unwrap(), node);
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "x", "YXNzZXQ6", "!!!!", "bm9kZTox"] {
            assert!(NodeId::parse(&ID(text.into())).is_err(), "{text}");
        }
    }
}
