//! A stored manifest: where it is and which document it has.

use super::event::{self, Event};
use crate::connection::List;
use crate::context::{segment, state};
use crate::node::NodeId;
use crate::scalar::Time;
use async_graphql::{ComplexObject, Context, ID, Result, SimpleObject};
use dlcs_domain::ManifestId;
use dlcs_projections::manifests::ManifestRow;

/// A stored manifest.
#[derive(SimpleObject)]
#[graphql(complex)]
pub(crate) struct Manifest {
    customer: u32,
    manifest_id: String,
    slug: Option<String>,
    /// SHA-256 of the document as the client put it.
    sha256: String,
    length_bytes: u64,
    created: Time,
    modified: Time,
    position: u64,
    #[graphql(skip)]
    key: ManifestId,
}

impl From<ManifestRow> for Manifest {
    fn from(row: ManifestRow) -> Self {
        Self {
            customer: row.id.customer.0,
            manifest_id: row.id.id.clone(),
            slug: row.slug,
            sha256: row.document.sha256,
            length_bytes: row.document.length_bytes,
            created: Time(row.created_at_us),
            modified: Time(row.modified_at_us),
            position: row.position,
            key: row.id,
        }
    }
}

#[ComplexObject]
impl Manifest {
    /// Relay's id of this node.
    async fn id(&self) -> ID {
        NodeId::Manifest(self.key.clone()).into()
    }

    /// Public address of the IIIF document.
    async fn address(&self, ctx: &Context<'_>) -> String {
        let base = &state(ctx).public_url;
        match &self.slug {
            Some(slug) => format!("{base}/iiif/{}/{}", self.customer, segment(slug)),
            None => format!("{base}/{}/manifests/{}", self.customer, segment(&self.manifest_id)),
        }
    }

    /// Everything that happened to this manifest, in order.
    async fn history(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<List<Event>> {
        event::of_stream(ctx, format!("manifest-{}", self.key), first, after).await
    }
}
