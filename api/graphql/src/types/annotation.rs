//! Annotations and their containers.

pub(crate) mod difference;

use super::event::{self, Event};
use crate::connection::{self, List};
use crate::context::{principal, query_error, refused, segment, state};
use crate::node::NodeId;
use crate::scalar::{Json, Time};
use async_graphql::{ComplexObject, Context, ID, Result, SimpleObject};
use difference::Difference;
use dlcs_domain::access::{AccessRule, Action, Decision, decide};
use dlcs_domain::{AnnotationId, AssetId, ContainerId, DomainEvent, wire};
use dlcs_projections::annotations::{
    AnnotationFilter, AnnotationRow, ContainerRow, Subject, count_visible,
};
use dlcs_projections::paging::Direction;
use dlcs_projections::{StreamId, StreamRevision};

/// What annotations are kept in.
#[derive(SimpleObject)]
#[graphql(complex)]
pub(crate) struct AnnotationContainer {
    customer: u32,
    container_id: String,
    label: String,
    /// Who may read it; anybody when there is none.
    roles: Vec<String>,
    /// Living annotations.
    total: u64,
    created: Time,
    /// Of the container, or of anything in it.
    modified: Time,
    /// Counts changes of the container itself; the first part of its ETag.
    edit_revision: u64,
    position: u64,
    #[graphql(skip)]
    key: ContainerId,
}

impl From<ContainerRow> for AnnotationContainer {
    fn from(row: ContainerRow) -> Self {
        Self {
            customer: row.id.customer.0,
            container_id: row.id.id.clone(),
            label: row.label,
            roles: row.roles,
            total: row.total,
            created: Time(row.created_at_us),
            modified: Time(row.modified_at_us),
            edit_revision: row.edit_revision,
            position: row.position,
            key: row.id,
        }
    }
}

#[ComplexObject]
impl AnnotationContainer {
    /// Relay's id of this node.
    async fn id(&self) -> ID {
        NodeId::AnnotationContainer(self.key.clone()).into()
    }

    /// Address in the Web Annotation Protocol.
    async fn address(&self, ctx: &Context<'_>) -> String {
        container_address(&state(ctx).public_url, &self.key)
    }

    async fn annotations(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<List<Annotation>> {
        let container = Some(self.key.clone());
        let filter = AnnotationFilter { container, ..AnnotationFilter::of(self.key.customer) };
        list(ctx, &filter, first, after).await
    }

    /// Everything that happened to this container, in order.
    async fn history(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<List<Event>> {
        event::of_stream(ctx, format!("container-{}", self.key), first, after).await
    }
}

/// Something that is said of something.
#[derive(SimpleObject)]
#[graphql(complex)]
pub(crate) struct Annotation {
    customer: u32,
    container_id: String,
    annotation_id: String,
    motivations: Vec<String>,
    /// Addresses and names of those who made it.
    creators: Vec<String>,
    created: Time,
    modified: Time,
    /// Counts changes; the ETag.
    edit_revision: u64,
    position: u64,
    #[graphql(skip)]
    row: AnnotationRow,
}

impl From<AnnotationRow> for Annotation {
    fn from(row: AnnotationRow) -> Self {
        Self {
            customer: row.id.container.customer.0,
            container_id: row.id.container.id.clone(),
            annotation_id: row.id.id.clone(),
            motivations: row.motivations.clone(),
            creators: row.creators.clone(),
            created: Time(row.created_at_us),
            modified: Time(row.modified_at_us),
            edit_revision: row.edit_revision,
            position: row.position,
            row,
        }
    }
}

/// What an annotation is about.
#[derive(SimpleObject)]
pub(crate) struct AnnotationTarget {
    source: String,
    /// In units of the source; null: all of it, or a part that is not known.
    region: Option<TargetRegion>,
}

/// A box, in units of the source.
#[derive(SimpleObject)]
pub(crate) struct TargetRegion {
    x: u32,
    y: u32,
    width: u32,
    height: u32,
}

#[ComplexObject]
impl Annotation {
    /// Relay's id of this node.
    async fn id(&self) -> ID {
        NodeId::Annotation(self.row.id.clone()).into()
    }

    /// Address in the Web Annotation Protocol.
    async fn address(&self, ctx: &Context<'_>) -> String {
        address(&state(ctx).public_url, &self.row.id)
    }

    /// The Web Annotation, its HTML cleaned.
    async fn document(&self, ctx: &Context<'_>) -> Option<Json> {
        state(ctx).annotations.show(&self.row).map(Json)
    }

    async fn targets(&self, ctx: &Context<'_>) -> Vec<AnnotationTarget> {
        let absolute = |it: &str| state(ctx).annotations.absolute(it);
        let target = |Subject { source, region }: &Subject| AnnotationTarget {
            source: absolute(source),
            region: region.map(|it| TargetRegion {
                x: it.x,
                y: it.y,
                width: it.width,
                height: it.height,
            }),
        };
        self.row.subjects.iter().map(target).collect()
    }

    /// Everything that happened to this annotation, in order.
    async fn history(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<List<Event>> {
        event::of_stream(ctx, format!("annotation-{}", self.row.id), first, after).await
    }

    /// What it was from a revision of its history on; null: deleted.
    async fn version(&self, ctx: &Context<'_>, revision: u64) -> Result<Option<Json>> {
        Ok(version(ctx, &self.row.id, revision).await?.map(Json))
    }

    /// What is different between two revisions of its history.
    async fn differences(&self, ctx: &Context<'_>, from: u64, to: u64) -> Result<Vec<Difference>> {
        let id = &self.row.id;
        let before = version(ctx, id, from).await?.unwrap_or_default();
        let after = version(ctx, id, to).await?.unwrap_or_default();
        Ok(difference::between(&before, &after))
    }
}

fn container_address(public_url: &str, id: &ContainerId) -> String {
    format!("{public_url}/annotations/w3c/{}/{}/", id.customer, segment(&id.id))
}

/// Returns the address of an annotation in the Web Annotation Protocol.
pub(crate) fn address(public_url: &str, id: &AnnotationId) -> String {
    format!("{}{}", container_address(public_url, &id.container), segment(&id.id))
}

/// Returns a container that may be read.
pub(crate) async fn container(ctx: &Context<'_>, id: &ContainerId) -> Result<Option<ContainerRow>> {
    let annotations = &state(ctx).queries.annotations;
    let row = annotations.container(id).await.map_err(query_error)?;
    let who = principal(ctx);
    let mut row = row.filter(|it| !it.deleted && it.is_readable_by(&who));
    if let Some(row) = &mut row {
        let rows = std::slice::from_mut(row);
        count_visible(&**annotations, &who, id.customer, rows).await.map_err(query_error)?;
    }
    Ok(row)
}

/// Returns an annotation that may be read.
pub(crate) async fn annotation(
    ctx: &Context<'_>,
    id: &AnnotationId,
) -> Result<Option<AnnotationRow>> {
    if container(ctx, &id.container).await?.is_none() {
        return Ok(None);
    }
    let annotations = &state(ctx).queries.annotations;
    let row = annotations.annotation(id).await.map_err(query_error)?;
    let Some(row) = row.filter(|it| !it.deleted) else { return Ok(None) };
    let assets: Vec<AssetId> = row.assets().collect();
    let rules = annotations.rules_of(&assets).await.map_err(query_error)?;
    let who = principal(ctx);
    let is_open = |rule: &AccessRule| decide(&who, rule, Action::ReadContent) == Decision::Granted;
    Ok(rules.iter().all(is_open).then_some(row))
}

pub(crate) async fn list(
    ctx: &Context<'_>,
    filter: &AnnotationFilter,
    first: Option<i32>,
    after: Option<String>,
) -> Result<List<Annotation>> {
    let request = connection::page(first, after, Direction::Ascending)?;
    let total = ctx.look_ahead().field("totalCount").exists();
    let annotations = &state(ctx).queries.annotations;
    let page = annotations.find(&principal(ctx), filter, &request, total).await;
    connection::connection(page, &request, Annotation::from)
}

async fn version(
    ctx: &Context<'_>,
    id: &AnnotationId,
    revision: u64,
) -> Result<Option<serde_json::Value>> {
    let stream = StreamId::from_stored(format!("annotation-{id}"));
    let history = &state(ctx).queries.history;
    let read = history.of_stream(&principal(ctx), &stream, StreamRevision(revision), 1).await;
    let read = read.map_err(query_error)?;
    let missing = || refused("not-found", format!("there is no version {revision}"));
    let recorded = read.first().ok_or_else(missing)?;
    let events = wire::decode(&recorded.type_name, recorded.schema_version, &recorded.payload);
    let events = events.map_err(|error| {
        tracing::error!(%error, "a version cannot be read");
        refused("internal", "the version cannot be read")
    })?;
    Ok(events.iter().find_map(|it| match it {
        DomainEvent::Annotation(it) => state(ctx).annotations.version(it.document()?),
        _ => None,
    }))
}
