//! Named queries.

use super::event::{self, Event};
use crate::connection::List;
use crate::context::{segment, state};
use crate::scalar::Time;
use async_graphql::{ComplexObject, Context, Result, SimpleObject};
use dlcs_domain::NamedQueryId;
use dlcs_projections::named_queries::NamedQueryRow;

/// A template by which images are chosen.
#[derive(SimpleObject)]
#[graphql(complex)]
pub(crate) struct NamedQuery {
    customer: u32,
    name: String,
    template: String,
    created: Time,
    modified: Time,
    /// Counts changes; the ETag.
    edit_revision: u64,
    position: u64,
    #[graphql(skip)]
    key: NamedQueryId,
}

impl From<NamedQueryRow> for NamedQuery {
    fn from(row: NamedQueryRow) -> Self {
        Self {
            customer: row.id.customer.0,
            name: row.id.name.clone(),
            template: row.template.to_string(),
            created: Time(row.created_at_us),
            modified: Time(row.modified_at_us),
            edit_revision: row.edit_revision,
            position: row.position,
            key: row.id,
        }
    }
}

#[ComplexObject]
impl NamedQuery {
    /// Address of its manifests, to which arguments are added: `…/{argument}/{argument}`.
    async fn address(&self, ctx: &Context<'_>) -> String {
        let base = &state(ctx).public_url;
        format!("{base}/iiif-resource/{}/{}", self.customer, segment(&self.name))
    }

    /// Address of its PDFs, to which arguments are added.
    async fn pdf(&self, ctx: &Context<'_>) -> String {
        self.export(ctx, "pdf")
    }

    /// Address of zips of its images, to which arguments are added.
    async fn zip(&self, ctx: &Context<'_>) -> String {
        self.export(ctx, "zip")
    }

    /// Everything that happened to this named query, in order.
    async fn history(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<List<Event>> {
        event::of_stream(ctx, format!("named_query-{}", self.key), first, after).await
    }
}

impl NamedQuery {
    fn export(&self, ctx: &Context<'_>, kind: &str) -> String {
        let base = &state(ctx).public_url;
        format!("{base}/{kind}/{}/{}", self.customer, segment(&self.name))
    }
}
