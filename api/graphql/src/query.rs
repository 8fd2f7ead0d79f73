//! Questions.

mod annotations;
mod audit;
mod changes;
mod collections;
mod definitions;
mod keys;
mod named_queries;
mod queues;

use crate::connection::{self, List};
use crate::context::{
    ConsumerStatus, ProjectionStatus, asset_id, customer_id, principal, query_error, refused, state,
};
use crate::node::NodeId;
use crate::scalar::{Moment, Time};
use crate::types::annotation::{self, Annotation, AnnotationContainer};
use crate::types::asset::{Asset, AssetState};
use crate::types::batch::Batch;
use crate::types::collection::{self, Collection};
use crate::types::customer::Customer;
use crate::types::event::AuditEntry;
use crate::types::hit::{self, Hits};
use crate::types::manifest::Manifest;
use crate::types::space::Space;
use async_graphql::{Context, Enum, ID, InputObject, MergedObject, Object, Result, Union};
use dlcs_domain::access::Principal;
use dlcs_domain::{BatchId, CustomerId, ManifestId, SpaceId, SpaceNumber};
use dlcs_projections::assets::{AssetFilter, AssetOrder};
use dlcs_projections::audit_trail::AuditFilter;
use dlcs_projections::batches::BatchList;
use dlcs_projections::manifests::{StoredRow, resolve};
use dlcs_projections::paging::Direction;
use dlcs_projections::{Position, as_of};
use std::time::Duration;

/// How long a read waits for the position that it must be at least at.
const FRESHNESS_WAIT: Duration = Duration::from_secs(2);

/// Anything that has a global id.
#[derive(Union)]
pub(crate) enum Node {
    Customer(Customer),
    Space(Space),
    Asset(Asset),
    Batch(Batch),
    Manifest(Manifest),
    Collection(Collection),
    AnnotationContainer(AnnotationContainer),
    Annotation(Annotation),
}

/// What a list of assets is narrowed to; everything that is given must match.
#[derive(InputObject, Default)]
pub(crate) struct AssetFilterInput {
    customer: Option<u32>,
    space: Option<u32>,
    batch: Option<String>,
    state: Option<AssetState>,
    string1: Option<String>,
    string2: Option<String>,
    string3: Option<String>,
    number1: Option<i64>,
    number2: Option<i64>,
    number3: Option<i64>,
    tag: Option<String>,
    role: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum AssetOrderInput {
    CreatedAscending,
    CreatedDescending,
    IdAscending,
    IdDescending,
    Number1Ascending,
    Number1Descending,
}

/// Which batches a list is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(name = "BatchList", remote = "BatchList")]
pub(crate) enum BatchListInput {
    All,
    /// Neither finished nor superseded.
    Active,
    /// Finished.
    Recent,
}

/// Every question.
#[derive(MergedObject, Default)]
pub struct Query(
    ResourceQuery,
    collections::CollectionQuery,
    named_queries::NamedQueryQuery,
    keys::KeyQuery,
    definitions::DefinitionQuery,
    annotations::AnnotationQuery,
    changes::ChangeQuery,
    audit::AuditQuery,
    queues::QueueQuery,
);

/// What the audit trail is narrowed to.
#[derive(InputObject, Default)]
pub(crate) struct AuditFilterInput {
    customer: Option<u32>,
    /// A stream, for example `asset-1/2/page-7`.
    resource: Option<String>,
    actor: Option<String>,
    #[graphql(name = "type")]
    type_name: Option<String>,
    from: Option<Time>,
    until: Option<Time>,
}

pub(crate) fn no_slug_of_the_past() -> async_graphql::Error {
    refused("bad-request", "`asOf` goes with `id`: the slug may have led elsewhere then")
}

#[derive(Default)]
pub(crate) struct ResourceQuery;

#[Object]
impl ResourceQuery {
    /// Returns anything by its global id.
    async fn node(&self, ctx: &Context<'_>, id: ID) -> Result<Option<Node>> {
        let (queries, who) = (&state(ctx).queries, principal(ctx));
        Ok(match NodeId::parse(&id)? {
            NodeId::Customer(id) => {
                let row = queries.customers.customer(&who, id).await.map_err(query_error)?;
                row.filter(|it| !it.deleted).map(|row| Node::Customer(row.into()))
            }
            NodeId::Space(id) => {
                let row = queries.spaces.space(&who, id).await.map_err(query_error)?;
                row.filter(|it| !it.deleted).map(|row| Node::Space(row.into()))
            }
            NodeId::Asset(id) => {
                let row = queries.assets.asset(&who, &id).await.map_err(query_error)?;
                row.map(|row| Node::Asset(row.into()))
            }
            NodeId::Batch(customer, id) => {
                let row = queries.batches.batch(&who, customer, id).await.map_err(query_error)?;
                row.map(|row| Node::Batch(row.into()))
            }
            NodeId::Collection(id) => {
                let row = queries.manifests.collection(&who, &id).await.map_err(query_error)?;
                let row = row.filter(|it| collection::may_see(&who, it));
                row.map(|row| Node::Collection(row.into()))
            }
            NodeId::Manifest(id) => {
                let row = queries.manifests.manifest(&who, &id).await.map_err(query_error)?;
                row.filter(|it| !it.stored.deleted).map(|row| Node::Manifest(row.into()))
            }
            NodeId::AnnotationContainer(id) => {
                let row = annotation::container(ctx, &id).await?;
                row.map(|row| Node::AnnotationContainer(row.into()))
            }
            NodeId::Annotation(id) => {
                let row = annotation::annotation(ctx, &id).await?;
                row.map(|row| Node::Annotation(row.into()))
            }
        })
    }

    /// Returns one asset by `customer/space/asset`; `atLeast` is a position that it must know.
    ///
    /// `asOf` gives it, and its text, as they were then; what else it leads to is as it is now.
    async fn asset(
        &self,
        ctx: &Context<'_>,
        id: String,
        at_least: Option<u64>,
        as_of: Option<Moment>,
    ) -> Result<Option<Asset>> {
        fresh(ctx, at_least).await?;
        let (queries, who, id) = (&state(ctx).queries, principal(ctx), asset_id(&id)?);
        if let Some(Moment(moment)) = as_of {
            let row = as_of::asset(&*queries.history, &who, &id, moment).await;
            return Ok(row.map_err(query_error)?.map(|row| Asset::of(row, moment)));
        }
        let row = queries.assets.asset(&who, &id).await.map_err(query_error)?;
        Ok(row.map(Asset::from))
    }

    /// Lists living assets.
    async fn assets(
        &self,
        ctx: &Context<'_>,
        #[graphql(default)] filter: AssetFilterInput,
        order_by: Option<AssetOrderInput>,
        first: Option<i32>,
        after: Option<String>,
        at_least: Option<u64>,
    ) -> Result<List<Asset>> {
        fresh(ctx, at_least).await?;
        let (order, direction) = order(order_by.unwrap_or(AssetOrderInput::CreatedAscending));
        let request = connection::page(first, after, direction)?;
        let who = principal(ctx);
        let filter = asset_filter(filter, &who)?;
        let total = ctx.look_ahead().field("totalCount").exists();
        let page = state(ctx).queries.assets.list(&who, &filter, order, &request, total).await;
        connection::connection(page, &request, Asset::from)
    }

    async fn customer(&self, ctx: &Context<'_>, number: u32) -> Result<Option<Customer>> {
        let customers = &state(ctx).queries.customers;
        let row = customers.customer(&principal(ctx), customer_id(number)?).await;
        Ok(row.map_err(query_error)?.filter(|it| !it.deleted).map(Customer::from))
    }

    async fn customers(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<List<Customer>> {
        let request = connection::page(first, after, Direction::Ascending)?;
        let page = state(ctx).queries.customers.list(&principal(ctx), &request).await;
        connection::connection(page, &request, Customer::from)
    }

    async fn space(&self, ctx: &Context<'_>, customer: u32, number: u32) -> Result<Option<Space>> {
        let id = SpaceId { customer: customer_id(customer)?, space: SpaceNumber(number) };
        let row = state(ctx).queries.spaces.space(&principal(ctx), id).await;
        Ok(row.map_err(query_error)?.filter(|it| !it.deleted).map(Space::from))
    }

    async fn spaces(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 1)] customer: u32,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<List<Space>> {
        let request = connection::page(first, after, Direction::Ascending)?;
        let spaces = &state(ctx).queries.spaces;
        let page = spaces.list(&principal(ctx), customer_id(customer)?, &request).await;
        connection::connection(page, &request, Space::from)
    }

    async fn batch(&self, ctx: &Context<'_>, customer: u32, id: String) -> Result<Option<Batch>> {
        let batches = &state(ctx).queries.batches;
        let row = batches.batch(&principal(ctx), customer_id(customer)?, batch_id(&id)?).await;
        Ok(row.map_err(query_error)?.map(Batch::from))
    }

    /// Lists batches, the newest first; of those that are done, what was done last.
    async fn batches(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 1)] customer: u32,
        #[graphql(default_with = "BatchListInput::All")] which: BatchListInput,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<List<Batch>> {
        let request = connection::page(first, after, Direction::Descending)?;
        let batches = &state(ctx).queries.batches;
        let (who, customer) = (principal(ctx), customer_id(customer)?);
        let page = batches.list(&who, customer, which.into(), &request).await;
        connection::connection(page, &request, Batch::from)
    }

    /// Returns a stored manifest by its flat id, or by the slugs that lead to it, as in its public
    /// address: `maps/1900/atlas`. Also by those that it had.
    async fn manifest(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 1)] customer: u32,
        id: Option<String>,
        slug: Option<String>,
        as_of: Option<Moment>,
    ) -> Result<Option<Manifest>> {
        let (queries, who) = (&state(ctx).queries, principal(ctx));
        let manifests = &queries.manifests;
        let customer = customer_id(customer)?;
        let row = match (id, slug, as_of) {
            (Some(id), None, None) => manifests.manifest(&who, &ManifestId { customer, id }).await,
            (Some(id), None, Some(Moment(moment))) => {
                let id = ManifestId { customer, id };
                as_of::manifest(&*queries.history, &who, &id, moment).await
            }
            (None, Some(_), Some(_)) => return Err(no_slug_of_the_past()),
            (None, Some(path), None) => {
                resolve(&**manifests, &who, customer, &path).await.map(|row| match row {
                    Some(StoredRow::Manifest(row)) => Some(row),
                    Some(StoredRow::Collection(_)) | None => None,
                })
            }
            _ => return Err(refused("bad-request", "give either `id` or `slug`")),
        };
        Ok(row.map_err(query_error)?.filter(|it| !it.stored.deleted).map(Manifest::from))
    }

    async fn manifests(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 1)] customer: u32,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<List<Manifest>> {
        let request = connection::page(first, after, Direction::Ascending)?;
        let manifests = &state(ctx).queries.manifests;
        let page = manifests.list(&principal(ctx), customer_id(customer)?, &request).await;
        connection::connection(page, &request, Manifest::from)
    }

    /// Finds text: bare words must all be on a page, `"several words"` stand together, `word*`
    /// begins so, `word~` may have one mistake. Within one of `manifest`, `space`, `asset`, else in
    /// the customer's whole collection.
    #[expect(clippy::too_many_arguments, reason = "arguments of a field")]
    async fn search(
        &self,
        ctx: &Context<'_>,
        q: String,
        #[graphql(default = 1)] customer: u32,
        manifest: Option<String>,
        space: Option<u32>,
        asset: Option<String>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Hits> {
        let within = hit::WithinInput { manifest, space, asset };
        hit::search(ctx, &q, customer_id(customer)?, within, first, after).await
    }

    /// Returns who did what, when, to which resource; newest first.
    async fn audit(
        &self,
        ctx: &Context<'_>,
        #[graphql(default)] filter: AuditFilterInput,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<List<AuditEntry>> {
        let request = connection::page(first, after, Direction::Descending)?;
        let filter = AuditFilter {
            customer: filter.customer.map(customer_id).transpose()?,
            resource: filter.resource,
            actor: filter.actor,
            type_name: filter.type_name,
            from_us: filter.from.map(|time| time.0),
            until_us: filter.until.map(|time| time.0),
        };
        let page = state(ctx).queries.audit_trail.list(&principal(ctx), &filter, &request).await;
        connection::connection(page, &request, AuditEntry::from)
    }

    /// Returns where every projection is.
    async fn projections(&self, ctx: &Context<'_>) -> Result<Vec<ProjectionStatus>> {
        administrator(ctx)?;
        state(ctx).projections.status().await.map_err(|error| refused("internal", error))
    }

    /// Returns who follows the log, how far it is, and which process does its work.
    async fn consumers(&self, ctx: &Context<'_>) -> Result<Vec<ConsumerStatus>> {
        administrator(ctx)?;
        state(ctx).projections.consumers().await.map_err(|error| refused("internal", error))
    }
}

/// Waits until the read models are at a position, or refuses.
async fn fresh(ctx: &Context<'_>, at_least: Option<u64>) -> Result<()> {
    let Some(position) = at_least else { return Ok(()) };
    let freshness = &state(ctx).queries.freshness;
    if freshness.wait_all(Position(position), FRESHNESS_WAIT).await {
        return Ok(());
    }
    Err(refused("not-fresh-enough", format!("position {position} is not reached yet, try again")))
}

pub(crate) fn administrator(ctx: &Context<'_>) -> Result<()> {
    match principal(ctx) {
        who if who.is_admin() => Ok(()),
        _ => Err(refused("not-allowed", "the administrator's credentials are needed for this")),
    }
}

fn batch_id(text: &str) -> Result<BatchId> {
    let id = text.parse().map_err(|_| refused("bad-id", format!("`{text}` is not a batch")))?;
    Ok(BatchId(id))
}

fn order(order: AssetOrderInput) -> (AssetOrder, Direction) {
    use {AssetOrderInput as By, Direction::Ascending, Direction::Descending};
    match order {
        By::CreatedAscending => (AssetOrder::Created, Ascending),
        By::CreatedDescending => (AssetOrder::Created, Descending),
        By::IdAscending => (AssetOrder::Id, Ascending),
        By::IdDescending => (AssetOrder::Id, Descending),
        By::Number1Ascending => (AssetOrder::Number1, Ascending),
        By::Number1Descending => (AssetOrder::Number1, Descending),
    }
}

/// A customer's key sees its own customer, whatever the filter leaves out.
fn asset_filter(input: AssetFilterInput, who: &Principal) -> Result<AssetFilter> {
    let own = match who {
        Principal::Key { scope, .. } => scope.customer(),
        _ => None,
    };
    let customer = input.customer.map(customer_id).transpose()?.or(own);
    let space = match (input.space, customer) {
        (Some(number), Some(customer)) => Some(SpaceId { customer, space: SpaceNumber(number) }),
        (Some(number), None) => {
            Some(SpaceId { customer: CustomerId(1), space: SpaceNumber(number) })
        }
        (None, _) => None,
    };
    Ok(AssetFilter {
        customer,
        space,
        batch: input.batch.as_deref().map(batch_id).transpose()?,
        state: input.state.map(Into::into),
        string1: input.string1,
        string2: input.string2,
        string3: input.string3,
        number1: input.number1,
        number2: input.number2,
        number3: input.number3,
        tag: input.tag,
        role: input.role,
    })
}
