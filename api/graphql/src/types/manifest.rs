//! A stored manifest: where it is and which document it has.

use super::canvas::{self, Canvas};
use super::event::{self, Event};
use crate::connection::List;
use crate::context::{principal, query_error, segment, state};
use crate::node::NodeId;
use crate::scalar::Time;
use async_graphql::{ComplexObject, Context, ID, Json, Result, SimpleObject};
use dlcs_domain::{CustomerId, Label, ManifestId};
use dlcs_projections::manifests::{ManifestRow, Stored, path_of};

/// A stored manifest.
#[derive(SimpleObject)]
#[graphql(complex)]
pub(crate) struct Manifest {
    customer: u32,
    manifest_id: String,
    /// Last segment of its public address.
    slug: Option<String>,
    /// Flat id of the storage collection that it is in; `null`: the root collection.
    parent: Option<String>,
    /// What it is called, by language.
    label: Json<Label>,
    /// SHA-256 of the document as the client put it.
    sha256: String,
    length_bytes: u64,
    created: Time,
    modified: Time,
    position: u64,
    #[graphql(skip)]
    key: ManifestId,
    #[graphql(skip)]
    stored: Stored,
}

impl From<ManifestRow> for Manifest {
    fn from(row: ManifestRow) -> Self {
        Self {
            customer: row.id.customer.0,
            manifest_id: row.id.id.clone(),
            slug: row.stored.place.slug.clone(),
            parent: row.stored.place.parent.clone(),
            label: Json(row.stored.label.clone()),
            sha256: row.stored.document.sha256.clone(),
            length_bytes: row.stored.document.length_bytes,
            created: Time(row.stored.created_at_us),
            modified: Time(row.stored.modified_at_us),
            position: row.stored.position,
            key: row.id,
            stored: row.stored,
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
    async fn address(&self, ctx: &Context<'_>) -> Result<String> {
        let flat = || format!("/{}/manifests/{}", self.customer, segment(&self.manifest_id));
        address(ctx, self.key.customer, &self.stored, flat).await
    }

    /// Its canvases in order; of registered images those too that are not ingested yet.
    async fn canvases(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<List<Canvas>> {
        let row = ManifestRow { id: self.key.clone(), stored: self.stored.clone() };
        canvas::of_manifest(ctx, row, first, after).await
    }

    /// Address of a PDF of it. 404 where nothing is painted from registered images.
    async fn pdf(&self, ctx: &Context<'_>) -> String {
        self.export(ctx, "pdf")
    }

    /// Address of a zip of its pictures. 404 where nothing is painted from registered images.
    async fn zip(&self, ctx: &Context<'_>) -> String {
        self.export(ctx, "zip")
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

impl Manifest {
    fn export(&self, ctx: &Context<'_>, kind: &str) -> String {
        let base = &state(ctx).public_url;
        format!("{base}/{kind}/{}/manifests/{}", self.customer, segment(&self.manifest_id))
    }
}

/// Returns the public address of something stored: by the slugs that lead there, else its flat one.
pub(crate) async fn address(
    ctx: &Context<'_>,
    customer: CustomerId,
    stored: &Stored,
    flat: impl FnOnce() -> String,
) -> Result<String> {
    let (base, manifests) = (&state(ctx).public_url, &state(ctx).queries.manifests);
    let path = path_of(&**manifests, &principal(ctx), customer, stored).await;
    Ok(match path.map_err(query_error)? {
        Some(path) => {
            let path: Vec<String> = path.split('/').map(|it| segment(it).to_string()).collect();
            format!("{base}/iiif/{customer}/{}", path.join("/"))
        }
        None => format!("{base}{}", flat()),
    })
}
