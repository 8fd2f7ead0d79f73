//! An asset, its history, its manifest's address.

use super::batch::Batch;
use super::event::{self, Event};
use super::space::Space;
use super::text::Text;
use crate::connection::List;
use crate::context::{principal, query_error, segment, state};
use crate::node::NodeId;
use crate::scalar::Time;
use async_graphql::{ComplexObject, Context, Enum, ID, Result, SimpleObject};
use dlcs_domain::asset::{IngestErrorCode, Source};
use dlcs_domain::{AssetId, BatchId};
use dlcs_projections::as_of::{self, Moment};
use dlcs_projections::assets::{AssetRow, AssetState as State};

/// Where an asset is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(name = "AssetState", remote = "State")]
pub(crate) enum AssetState {
    Ingesting,
    Delivered,
    Failed,
    Deleted,
}

/// One registered image.
#[derive(SimpleObject)]
#[graphql(complex)]
pub(crate) struct Asset {
    /// `customer/space/asset`.
    asset_id: String,
    state: AssetState,
    /// Found by content once delivered, before that as the client said.
    media_type: Option<String>,
    /// Where the bytes were fetched from; null for an upload.
    origin: Option<String>,
    string1: String,
    string2: String,
    string3: String,
    number1: i64,
    number2: i64,
    number3: i64,
    tags: Vec<String>,
    roles: Vec<String>,
    /// Languages in which its pages are recognised by themselves.
    ocr: Vec<String>,
    /// Longest side of every answer, in pixels; 0: what the server allows.
    max_width: u32,
    /// Longest side of the whole image that is shown to those who hold none of its roles; 0: nothing.
    open_full_max: u32,
    /// In pixels, once delivered.
    width: Option<u32>,
    height: Option<u32>,
    /// Of the original, once delivered.
    original_bytes: Option<u64>,
    /// Of the pyramid with the ready-made sizes in it, once delivered.
    derivative_bytes: Option<u64>,
    /// Why the newest attempt failed.
    error: Option<AssetFailure>,
    generation: u32,
    attempt: u32,
    created: Time,
    modified: Time,
    finished: Option<Time>,
    /// Place of the newest change in the history.
    position: u64,
    #[graphql(skip)]
    key: AssetId,
    #[graphql(skip)]
    batch_id: Option<BatchId>,
    /// `None`: as it is now.
    #[graphql(skip)]
    as_of: Option<Moment>,
}

/// Why an attempt failed, and when the next one begins.
#[derive(SimpleObject)]
pub(crate) struct AssetFailure {
    /// Stable, for example `image-corrupt`.
    code: String,
    detail: String,
    next_attempt: Option<Time>,
}

impl From<AssetRow> for Asset {
    fn from(row: AssetRow) -> Self {
        let error = row.failure.map(|failure| AssetFailure {
            code: code(failure.code),
            detail: failure.detail,
            next_attempt: failure.next_attempt_at_us.map(Time),
        });
        Self {
            asset_id: row.id.to_string(),
            state: row.state.into(),
            media_type: row.media_type,
            origin: match row.source {
                Source::Origin { url } => Some(url),
                Source::Upload { .. } => None,
            },
            string1: row.metadata.string1,
            string2: row.metadata.string2,
            string3: row.metadata.string3,
            number1: row.metadata.number1,
            number2: row.metadata.number2,
            number3: row.metadata.number3,
            tags: row.metadata.tags,
            roles: row.roles,
            ocr: row.recognise.as_slice().to_vec(),
            max_width: row.limits.max_width_px,
            open_full_max: row.limits.open_full_max_px,
            width: row.delivered.as_ref().map(|it| it.width_px),
            height: row.delivered.as_ref().map(|it| it.height_px),
            original_bytes: row.delivered.as_ref().map(|it| it.original.length_bytes),
            derivative_bytes: row.delivered.as_ref().map(|it| it.derivative_bytes),
            error,
            generation: row.generation,
            attempt: row.attempt,
            created: Time(row.created_at_us),
            modified: Time(row.modified_at_us),
            finished: row.finished_at_us.map(Time),
            position: row.position,
            key: row.id,
            batch_id: row.batch,
            as_of: None,
        }
    }
}

/// Returns the code as the contract spells it.
fn code(code: IngestErrorCode) -> String {
    let value = serde_json::to_value(code).unwrap_or_default();
    value.as_str().unwrap_or("internal").to_owned()
}

#[ComplexObject]
impl Asset {
    /// Relay's id of this node.
    async fn id(&self) -> ID {
        NodeId::Asset(self.key.clone()).into()
    }

    async fn space(&self, ctx: &Context<'_>) -> Result<Option<Space>> {
        let row = state(ctx).queries.spaces.space(&principal(ctx), self.key.space()).await;
        Ok(row.map_err(query_error)?.filter(|it| !it.deleted).map(Space::from))
    }

    /// The batch that the asset belongs to now.
    async fn batch(&self, ctx: &Context<'_>) -> Result<Option<Batch>> {
        let Some(batch) = self.batch_id else { return Ok(None) };
        let customer = self.key.customer();
        let row = state(ctx).queries.batches.batch(&principal(ctx), customer, batch).await;
        Ok(row.map_err(query_error)?.map(Batch::from))
    }

    /// Address of the IIIF image service, once delivered.
    async fn image_service(&self, ctx: &Context<'_>) -> Option<String> {
        self.width.map(|_| self.address(ctx, "iiif-img"))
    }

    /// Address of the manifest of this one image.
    async fn manifest_address(&self, ctx: &Context<'_>) -> String {
        self.address(ctx, "iiif-manifest")
    }

    /// The text of the image, where it stands and what it is; of the moment that the asset is of.
    async fn text(&self, ctx: &Context<'_>) -> Result<Option<Text>> {
        let (queries, who) = (&state(ctx).queries, principal(ctx));
        let row = match self.as_of {
            None => queries.page_texts.page_text(&who, &self.key).await,
            Some(moment) => as_of::page_text(&*queries.history, &who, &self.key, moment).await,
        };
        Ok(row.map_err(query_error)?.filter(|row| !row.is_deleted).map(Text::from))
    }

    /// Everything that happened to this asset, in order: who, what, when.
    async fn history(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<List<Event>> {
        event::of_stream(ctx, format!("asset-{}", self.key), first, after).await
    }
}

impl Asset {
    /// Returns an asset as it was at a moment.
    pub(crate) fn of(row: AssetRow, moment: Moment) -> Self {
        Self { as_of: Some(moment), ..Self::from(row) }
    }

    fn address(&self, ctx: &Context<'_>, service: &str) -> String {
        let name = segment(self.key.name());
        let space = self.key.space();
        format!("{}/{service}/{space}/{name}", state(ctx).public_url)
    }
}
