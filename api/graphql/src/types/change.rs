//! Activities of public documents.

use crate::context::{segment, state};
use crate::scalar::Time;
use async_graphql::{ComplexObject, Context, Enum, SimpleObject};
use dlcs_projections::activities::{ActivityKind, ActivityRow, ResourceKind};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum ChangeType {
    Create,
    Update,
    Move,
    Delete,
    /// It was there and is public now.
    Add,
    /// It is there and is not public any more.
    Remove,
}

/// What it happened to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum ChangedKind {
    Manifest,
    Collection,
}

/// Something that happened to a public document, as Change Discovery tells it.
#[derive(SimpleObject)]
#[graphql(complex)]
pub(crate) struct Change {
    customer: u32,
    /// Place among the changes of the customer, from 0 without a gap.
    ordinal: u64,
    #[graphql(name = "type")]
    change: ChangeType,
    kind: ChangedKind,
    /// Flat id of the document.
    resource: String,
    /// The slug it has after the change, or had before it was deleted.
    slug: Option<String>,
    /// The slug it had before it moved.
    former_slug: Option<String>,
    end_time: Time,
    position: u64,
}

impl From<ActivityRow> for Change {
    fn from(row: ActivityRow) -> Self {
        Self {
            customer: row.customer.0,
            ordinal: row.ordinal,
            change: match row.activity {
                ActivityKind::Create => ChangeType::Create,
                ActivityKind::Update => ChangeType::Update,
                ActivityKind::Move => ChangeType::Move,
                ActivityKind::Delete => ChangeType::Delete,
                ActivityKind::Add => ChangeType::Add,
                ActivityKind::Remove => ChangeType::Remove,
            },
            kind: match row.kind {
                ResourceKind::Manifest => ChangedKind::Manifest,
                ResourceKind::Collection => ChangedKind::Collection,
            },
            resource: row.resource,
            slug: row.slug,
            former_slug: row.former_slug,
            end_time: Time(row.ended_at_us),
            position: row.position,
        }
    }
}

#[ComplexObject]
impl Change {
    /// Address of the document after the change, or before it was deleted.
    async fn address(&self, ctx: &Context<'_>) -> String {
        self.at(ctx, self.slug.as_deref())
    }

    /// Address that the document had before it moved.
    async fn former_address(&self, ctx: &Context<'_>) -> Option<String> {
        let is_move = self.change == ChangeType::Move;
        is_move.then(|| self.at(ctx, self.former_slug.as_deref()))
    }
}

impl Change {
    fn at(&self, ctx: &Context<'_>, slug: Option<&str>) -> String {
        let (base, customer) = (&state(ctx).public_url, self.customer);
        let flat = match self.kind {
            ChangedKind::Manifest => "manifests",
            ChangedKind::Collection => "collections",
        };
        match slug {
            Some(slug) => {
                let segments: Vec<_> = slug.split('/').map(|it| segment(it).to_string()).collect();
                format!("{base}/iiif/{customer}/{}", segments.join("/"))
            }
            None => format!("{base}/{customer}/{flat}/{}", segment(&self.resource)),
        }
    }
}
