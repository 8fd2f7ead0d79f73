//! Questions about annotations.

use super::fresh;
use crate::connection::{self, List};
use crate::context::{customer_id, principal, query_error, refused, state};
use crate::scalar::{Moment, Time};
use crate::types::annotation::{self, Annotation, AnnotationContainer};
use async_graphql::{Context, InputObject, Object, Result};
use dlcs_domain::{AnnotationId, ContainerId};
use dlcs_projections::annotations::{AnnotationFilter, Region, WordsQuery, count_visible};
use dlcs_projections::as_of;
use dlcs_projections::paging::Direction;

/// What a list of annotations is narrowed to; everything that is given must match.
#[derive(InputObject, Default)]
pub(crate) struct AnnotationFilterInput {
    /// Words of its bodies, tags too: all of them, "several words" together, word* begins so.
    q: Option<String>,
    container: Option<String>,
    /// Address without fragment, for example that of a canvas.
    target: Option<String>,
    /// Boxes on the target that overlap with this one: x, y, width, height.
    region: Option<Vec<u32>>,
    motivation: Option<String>,
    /// Address or name of who made it.
    creator: Option<String>,
    /// First written then or later.
    from: Option<Time>,
    /// First written before that.
    until: Option<Time>,
}

#[derive(Default)]
pub(super) struct AnnotationQuery;

#[Object]
impl AnnotationQuery {
    async fn annotation_container(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 1)] customer: u32,
        id: String,
    ) -> Result<Option<AnnotationContainer>> {
        let id = ContainerId { customer: customer_id(customer)?, id };
        Ok(annotation::container(ctx, &id).await?.map(AnnotationContainer::from))
    }

    async fn annotation_containers(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 1)] customer: u32,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<List<AnnotationContainer>> {
        let request = connection::page(first, after, Direction::Ascending)?;
        let annotations = &state(ctx).queries.annotations;
        let (who, customer) = (principal(ctx), customer_id(customer)?);
        let mut page = annotations.containers(&who, customer, &request).await;
        if let Ok(page) = &mut page {
            let rows = &mut page.items;
            count_visible(&**annotations, &who, customer, rows).await.map_err(query_error)?;
        }
        connection::connection(page, &request, AnnotationContainer::from)
    }

    /// `asOf` gives it as it was then.
    async fn annotation(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 1)] customer: u32,
        container: String,
        id: String,
        at_least: Option<u64>,
        as_of: Option<Moment>,
    ) -> Result<Option<Annotation>> {
        fresh(ctx, at_least).await?;
        let container = ContainerId { customer: customer_id(customer)?, id: container };
        let id = AnnotationId { container, id };
        if let Some(Moment(moment)) = as_of {
            let history = &state(ctx).queries.history;
            let row = as_of::annotation(&**history, &principal(ctx), &id, moment).await;
            let row = row.map_err(query_error)?.filter(|it| !it.deleted);
            return Ok(row.map(Annotation::from));
        }
        let row = annotation::annotation(ctx, &id).await?;
        Ok(row.map(Annotation::from))
    }

    /// Lists living annotations, in the order in which they were first written.
    async fn annotations(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 1)] customer: u32,
        #[graphql(default)] filter: AnnotationFilterInput,
        first: Option<i32>,
        after: Option<String>,
        at_least: Option<u64>,
    ) -> Result<List<Annotation>> {
        fresh(ctx, at_least).await?;
        let customer = customer_id(customer)?;
        let relative = |it: String| state(ctx).annotations.relative(&it);
        let words = filter.q.as_deref().map(WordsQuery::parse).transpose();
        let filter = AnnotationFilter {
            customer,
            container: filter.container.map(|id| ContainerId { customer, id }),
            source: filter.target.map(relative),
            region: filter.region.as_deref().map(region).transpose()?,
            motivation: filter.motivation,
            creator: filter.creator.map(relative),
            words: words.map_err(|it| refused("bad-request", it.to_string()))?,
            from_us: filter.from.map(|it| it.0),
            until_us: filter.until.map(|it| it.0),
        };
        if filter.region.is_some() && filter.source.is_none() {
            return Err(refused("bad-request", "`region` is a part of a `target`"));
        }
        annotation::list(ctx, &filter, first, after).await
    }
}

fn region(numbers: &[u32]) -> Result<Region> {
    match *numbers {
        [x, y, width, height] => Ok(Region { x, y, width, height }),
        _ => Err(refused("bad-request", "`region` has four numbers: x, y, width, height")),
    }
}
