//! A collection: where it is, what it is called, and what is in it.

use super::event::{self, Event};
use super::manifest::{Manifest, address};
use crate::connection::{self, List};
use crate::context::{principal, segment, state};
use crate::node::NodeId;
use crate::scalar::Time;
use async_graphql::{ComplexObject, Context, Enum, ID, Json, Result, SimpleObject, Union};
use dlcs_domain::access::{AccessRule, Action, Decision, Principal, decide};
use dlcs_domain::{CollectionId, Label, collection};
use dlcs_projections::manifests::{CollectionRow, Stored, StoredRow};
use dlcs_projections::paging::Direction;

/// A collection of manifests and collections.
#[derive(SimpleObject)]
#[graphql(complex)]
pub(crate) struct Collection {
    customer: u32,
    collection_id: String,
    kind: CollectionKind,
    /// Whether anybody may see it.
    is_public: bool,
    /// Last segment of its public address.
    slug: Option<String>,
    /// Flat id of the storage collection that it is in; `null`: the root collection.
    parent: Option<String>,
    /// What it is called, by language.
    label: Json<Label>,
    created: Time,
    modified: Time,
    position: u64,
    #[graphql(skip)]
    key: CollectionId,
    #[graphql(skip)]
    stored: Stored,
}

#[derive(Enum, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CollectionKind {
    /// Holds manifests and collections, and lists them.
    Storage,
    /// A document of a client, which lists what it likes.
    Iiif,
}

/// What is in a collection.
#[derive(Union)]
pub(crate) enum Member {
    Manifest(Manifest),
    Collection(Collection),
}

impl From<CollectionRow> for Collection {
    fn from(row: CollectionRow) -> Self {
        Self {
            customer: row.id.customer.0,
            collection_id: row.id.id.clone(),
            kind: match row.kind {
                collection::CollectionKind::Storage => CollectionKind::Storage,
                collection::CollectionKind::Iiif => CollectionKind::Iiif,
            },
            is_public: row.is_public,
            slug: row.stored.place.slug.clone(),
            parent: row.stored.place.parent.clone(),
            label: Json(row.stored.label.clone()),
            created: Time(row.stored.created_at_us),
            modified: Time(row.stored.modified_at_us),
            position: row.stored.position,
            key: row.id,
            stored: row.stored,
        }
    }
}

impl From<StoredRow> for Member {
    fn from(row: StoredRow) -> Self {
        match row {
            StoredRow::Manifest(row) => Self::Manifest(row.into()),
            StoredRow::Collection(row) => Self::Collection(row.into()),
        }
    }
}

/// Whether somebody may know of a collection, which is there.
pub(crate) fn may_see(who: &Principal, row: &CollectionRow) -> bool {
    let rule = AccessRule::Management { customer: row.id.customer };
    let manages = || decide(who, &rule, Action::ReadManagement) == Decision::Granted;
    !row.stored.deleted && (row.is_public || manages())
}

#[ComplexObject]
impl Collection {
    /// Relay's id of this node.
    async fn id(&self) -> ID {
        NodeId::Collection(self.key.clone()).into()
    }

    /// Public address of the IIIF document.
    async fn address(&self, ctx: &Context<'_>) -> Result<String> {
        let flat = || format!("/{}/collections/{}", self.customer, segment(&self.collection_id));
        address(ctx, self.key.customer, &self.stored, flat).await
    }

    /// What is in it, in the order of creation; nothing is in a IIIF collection.
    async fn members(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<List<Member>> {
        let request = connection::page(first, after, Direction::Ascending)?;
        let (manifests, parent) = (&state(ctx).queries.manifests, Some(self.key.id.as_str()));
        let page = manifests.members(&principal(ctx), self.key.customer, parent, &request).await;
        connection::connection(page, &request, Member::from)
    }

    /// Everything that happened to this collection, in order.
    async fn history(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<List<Event>> {
        event::of_stream(ctx, format!("collection-{}", self.key), first, after).await
    }
}
