//! Read models with a handful of rows, and stores in memory.

use crate::delivery::{CustomHeaders, PreparedAnswers, RenderedManifests};
use crate::state::{Idempotency, Written};
mod defined;

use crate::{
    AdminKey, ApiLimits, ApiState, Credentials, ExportTurns, OriginCheck, OriginRefused, PublicUrl,
    Readers, Readiness, Tries,
};
use async_trait::async_trait;
use axum::Router;
use bytes::Bytes;
use dlcs_commands::Commands;
use dlcs_commands::clock::ManualClock;
use dlcs_commands::idempotency::{
    IdempotencyError, IdempotencyKey, IdempotencyStore, StoredAnswer,
};
use dlcs_commands::lookups::{LookupError, Lookups};
use dlcs_commands::passwords::{MemoryPasswords, Passwords};
use dlcs_commands::services::{AccountCommands, WebhookCommands};
use dlcs_commands::sessions::MemorySessions;
use dlcs_commands::webhooks::{MemoryWebhooks, Webhooks};
use dlcs_domain::access::{AccessRule, Principal};
use dlcs_domain::asset::{Delivered, SizeLimits};
use dlcs_domain::batch::Queue;
use dlcs_domain::{
    AnnotationId, AssetId, BatchId, BlobRef, CollectionId, ContainerId, CustomerId, ManifestId,
    SpaceId,
};
use dlcs_eventlog::memory::{MemoryConsumers, MemoryLog};
use dlcs_eventlog::{RecordedEvent, StreamId};
use dlcs_imaging::tiles::{Tiles, TilesSettings};
use dlcs_objects::memory::MemoryObjects;
use dlcs_objects::{Digest, ObjectKey, Objects};
use dlcs_projections::activities::{Activities, ActivityRow, ActivityStream};
use dlcs_projections::annotations::{
    Annotated, AnnotationFilter, AnnotationRow, Annotations, ContainerRow, Hidden,
};
use dlcs_projections::assets::{AssetFilter, AssetOrder, AssetRow, Assets};
use dlcs_projections::audit_trail::{AuditFilter, AuditRow, AuditTrail};
use dlcs_projections::batches::{BatchList, BatchRow, Batches, Waiting};
use dlcs_projections::customers::{CustomerRow, Customers};
use dlcs_projections::freshness::Freshness;
use dlcs_projections::history::History;
use dlcs_projections::manifests::{CollectionRow, ManifestRow, Manifests, StoredRow};
use dlcs_projections::page_text::{PageTextRow, PageTexts};
use dlcs_projections::search::{PageRecords, Scope, Search, SearchIndex, SearchPage, Suggestion};
use dlcs_projections::tile_metadata::{TileMetadata, TileMetadataRow};
use dlcs_projections::{Page, PageRequest, Position, Queries, QueryError, StreamRevision};
use dlcs_text::Query;
use std::collections::HashMap;
use std::sync::Arc;

pub(super) const BASE: &str = "http://dlcs.test";
pub(super) const KEY: &str = "Bearer key:secret";
pub(super) const ORIGINAL: &[u8] = b"not really an image";

type Found<T> = Result<Option<T>, QueryError>;
type Listed<T> = Result<Page<T>, QueryError>;

pub(super) fn router() -> Router {
    let clock = Arc::new(ManualClock::at(0));
    let objects = Arc::new(MemoryObjects::new(std::env::temp_dir()));
    let original = ObjectKey::original(&Digest::of(ORIGINAL));
    futures::executor::block_on(objects.put(&original, Bytes::from_static(ORIGINAL))).unwrap();
    let log = Arc::new(MemoryLog::new(Arc::new(|| 0)));
    let commands = Commands::new(log, objects.clone(), Arc::new(Fakes), clock.clone(), "test");
    let passwords = Passwords::new(Arc::new(MemoryPasswords::default())).unwrap();
    let kept = Webhooks {
        store: Arc::new(MemoryWebhooks::default()),
        consumers: Arc::new(MemoryConsumers::new()),
        vault: Arc::new(Fakes),
    };
    let executor = commands.executor().clone();
    let state = ApiState {
        webhooks: WebhookCommands::new(commands.definitions.clone(), executor, kept),
        accounts: AccountCommands::new(commands.definitions.clone(), passwords),
        commands,
        idempotency: Idempotency::new(Arc::new(Fakes), clock.clone()),
        queries: queries(),
        search: Search { index: Arc::new(Fakes), records: PageRecords::new(objects.clone()) },
        tiles: Arc::new(Tiles::new(objects.clone(), TilesSettings::default())),
        objects,
        origins: Arc::new(Fakes),
        vault: Arc::new(Fakes),
        readiness: Arc::new(Fakes),
        audit: Arc::new(Fakes),
        clock: clock.clone(),
        metrics: Arc::new(|| "metrics".to_owned()),
        public_url: PublicUrl::new(BASE),
        credentials: Credentials {
            admin_key: AdminKey::new("key", "secret"),
            keys: Arc::new(Fakes),
            clock,
        },
        readers: Readers::new(
            Arc::new(MemorySessions::default()),
            Arc::new(Fakes),
            Arc::new(ManualClock::at(0)),
        ),
        tries: Tries::default(),
        limits: ApiLimits::default(),
        written: Written::default(),
        rendered: RenderedManifests::default(),
        prepared: PreparedAnswers::default(),
        custom_headers: CustomHeaders::new(Arc::new(Fakes)),
        exports: ExportTurns::default(),
    };
    crate::router(state, Router::new())
}

fn queries() -> Queries {
    let fakes = Arc::new(Fakes);
    Queries {
        customers: fakes.clone(),
        spaces: fakes.clone(),
        assets: fakes.clone(),
        batches: fakes.clone(),
        manifests: fakes.clone(),
        named_queries: fakes.clone(),
        api_keys: fakes.clone(),
        definitions: fakes.clone(),
        annotations: fakes.clone(),
        activities: fakes.clone(),
        page_texts: fakes.clone(),
        tile_metadata: fakes.clone(),
        audit_trail: fakes.clone(),
        audit_tree: fakes.clone(),
        history: fakes,
        freshness: Freshness::new(&["assets"]),
    }
}

struct Fakes;

#[async_trait]
impl SearchIndex for Fakes {
    async fn search(
        &self,
        _: &Principal,
        _: &Scope,
        _: &Query,
        _: usize,
        _: usize,
    ) -> Result<SearchPage, QueryError> {
        Ok(SearchPage::default())
    }

    async fn autocomplete(
        &self,
        _: &Principal,
        _: &Scope,
        _: &str,
        _: usize,
    ) -> Result<Vec<Suggestion>, QueryError> {
        Ok(Vec::new())
    }
}

fn nothing<T>() -> Listed<T> {
    Ok(Page { items: Vec::new(), cursors: Vec::new(), has_more: false, total: Some(0) })
}

#[async_trait]
impl TileMetadata for Fakes {
    async fn tile_metadata(&self, id: &AssetId) -> Found<TileMetadataRow> {
        let closed = vec!["staff".to_owned()];
        Ok(match id.to_string().as_str() {
            "1/1/open" | "1/1/a/b" => Some(ready(Vec::new())),
            "1/1/closed" => Some(ready(closed)),
            "1/1/lost" => Some(lost()),
            "1/1/pending" => Some(TileMetadataRow::Pending { roles: Vec::new() }),
            "1/1/failed" => Some(TileMetadataRow::Failed { roles: Vec::new() }),
            "1/1/deleted" => Some(TileMetadataRow::Deleted),
            _ => None,
        })
    }

    async fn tile_metadata_of(
        &self,
        ids: &[AssetId],
    ) -> Result<Vec<Option<TileMetadataRow>>, QueryError> {
        futures::future::try_join_all(ids.iter().map(|id| self.tile_metadata(id))).await
    }
}

#[async_trait]
impl Activities for Fakes {
    async fn stream(&self, _: CustomerId) -> Found<ActivityStream> {
        Ok(None)
    }

    async fn between(&self, _: CustomerId, _: u64, _: u64) -> Result<Vec<ActivityRow>, QueryError> {
        Ok(vec![])
    }

    async fn list(&self, _: CustomerId, _: &PageRequest) -> Listed<ActivityRow> {
        nothing()
    }
}

#[async_trait]
impl Annotations for Fakes {
    async fn container(&self, _: &ContainerId) -> Found<ContainerRow> {
        Ok(None)
    }

    async fn containers(
        &self,
        _: &Principal,
        _: CustomerId,
        _: &PageRequest,
    ) -> Listed<ContainerRow> {
        nothing()
    }

    async fn hidden(
        &self,
        _: &Principal,
        _: CustomerId,
    ) -> Result<HashMap<ContainerId, Hidden>, QueryError> {
        Ok(HashMap::new())
    }

    async fn annotation(&self, _: &AnnotationId) -> Found<AnnotationRow> {
        Ok(None)
    }

    async fn rules_of(&self, _: &[AssetId]) -> Result<Vec<AccessRule>, QueryError> {
        Ok(Vec::new())
    }

    async fn find(
        &self,
        _: &Principal,
        _: &AnnotationFilter,
        _: &PageRequest,
        _: bool,
    ) -> Listed<AnnotationRow> {
        nothing()
    }

    async fn on_sources(
        &self,
        _: &Principal,
        _: CustomerId,
        _: &[String],
        _: usize,
    ) -> Result<HashMap<String, Vec<AnnotationRow>>, QueryError> {
        Ok(HashMap::new())
    }

    async fn annotated(&self, _: CustomerId, _: &[String]) -> Result<Vec<Annotated>, QueryError> {
        Ok(Vec::new())
    }
}

#[async_trait]
impl PageTexts for Fakes {
    async fn page_text(&self, _: &Principal, _: &AssetId) -> Found<PageTextRow> {
        Ok(None)
    }

    async fn of_assets(
        &self,
        _: &Principal,
        _: &[AssetId],
    ) -> Result<Vec<PageTextRow>, QueryError> {
        Ok(Vec::new())
    }
}

fn ready(roles: Vec<String>) -> TileMetadataRow {
    let sha256 = Digest::of(ORIGINAL).to_string();
    TileMetadataRow::Ready {
        delivered: Delivered {
            width_px: 400,
            height_px: 300,
            media_type: "image/jpeg".to_owned(),
            original: BlobRef { sha256, length_bytes: ORIGINAL.len() as u64 },
            derivative_bytes: 1,
            thumbnails: vec![(200, 150), (100, 75)],
            tile_side_px: 256,
            levels: 2,
            gray: false,
        },
        generation: 1,
        attempt: 1,
        channels: vec!["iiif-img".to_owned(), "thumbs".to_owned()],
        roles,
        limits: SizeLimits::default(),
        modified_at_us: 1_700_000_000_000_000,
    }
}

/// An asset whose original has gone from the store.
fn lost() -> TileMetadataRow {
    let mut row = ready(Vec::new());
    if let TileMetadataRow::Ready { delivered, .. } = &mut row {
        delivered.original.sha256 = Digest::of(b"lost").to_string();
    }
    row
}

#[async_trait]
impl Customers for Fakes {
    async fn customer(&self, _: &Principal, _: CustomerId) -> Found<CustomerRow> {
        Ok(None)
    }

    async fn id_by_name(&self, name: &str) -> Found<CustomerId> {
        Ok((name == "default").then_some(CustomerId(1)))
    }

    async fn list(&self, _: &Principal, _: &PageRequest) -> Listed<CustomerRow> {
        nothing()
    }
}

#[async_trait]
impl Assets for Fakes {
    async fn asset(&self, _: &Principal, _: &AssetId) -> Found<AssetRow> {
        Ok(None)
    }

    async fn assets_by_id(
        &self,
        _: &Principal,
        _: &[AssetId],
    ) -> Result<Vec<AssetRow>, QueryError> {
        Ok(Vec::new())
    }

    async fn list(
        &self,
        _: &Principal,
        _: &AssetFilter,
        _: AssetOrder,
        _: &PageRequest,
        _: bool,
    ) -> Listed<AssetRow> {
        nothing()
    }
}

#[async_trait]
impl Batches for Fakes {
    async fn batch(&self, _: &Principal, _: CustomerId, _: BatchId) -> Found<BatchRow> {
        Ok(None)
    }

    async fn list(
        &self,
        _: &Principal,
        _: CustomerId,
        _: BatchList,
        _: &PageRequest,
    ) -> Listed<BatchRow> {
        nothing()
    }

    async fn waiting(&self, _: &Principal, _: CustomerId, _: Queue) -> Result<Waiting, QueryError> {
        Ok(Waiting::default())
    }
}

#[async_trait]
impl Manifests for Fakes {
    async fn manifest(&self, _: &Principal, _: &ManifestId) -> Found<ManifestRow> {
        Ok(None)
    }

    async fn collection(&self, _: &Principal, _: &CollectionId) -> Found<CollectionRow> {
        Ok(None)
    }

    async fn by_slug(
        &self,
        _: &Principal,
        _: CustomerId,
        _: Option<&str>,
        _: &str,
    ) -> Found<StoredRow> {
        Ok(None)
    }

    async fn collections(
        &self,
        _: &Principal,
        _: CustomerId,
        _: &PageRequest,
    ) -> Listed<CollectionRow> {
        nothing()
    }

    async fn members(
        &self,
        _: &Principal,
        _: CustomerId,
        _: Option<&str>,
        _: &PageRequest,
    ) -> Listed<StoredRow> {
        nothing()
    }

    async fn list(&self, _: &Principal, _: CustomerId, _: &PageRequest) -> Listed<ManifestRow> {
        nothing()
    }
}

#[async_trait]
impl AuditTrail for Fakes {
    async fn list(&self, _: &Principal, _: &AuditFilter, _: &PageRequest) -> Listed<AuditRow> {
        nothing()
    }
}

#[async_trait]
impl History for Fakes {
    async fn of_stream(
        &self,
        _: &Principal,
        _: &StreamId,
        _: StreamRevision,
        _: usize,
    ) -> Result<Vec<RecordedEvent>, QueryError> {
        Ok(Vec::new())
    }

    async fn all(
        &self,
        _: &Principal,
        _: Position,
        _: usize,
    ) -> Result<Vec<RecordedEvent>, QueryError> {
        Ok(Vec::new())
    }
}

#[async_trait]
impl Lookups for Fakes {
    async fn space_is_empty(&self, _: SpaceId, _: Position) -> Result<bool, LookupError> {
        Ok(true)
    }

    async fn customer_is_empty(&self, _: CustomerId, _: Position) -> Result<bool, LookupError> {
        Ok(true)
    }

    async fn collection_is_empty(
        &self,
        _: &CollectionId,
        _: Position,
    ) -> Result<bool, LookupError> {
        Ok(true)
    }

    async fn container_is_empty(&self, _: &ContainerId, _: Position) -> Result<bool, LookupError> {
        Ok(true)
    }
}

#[async_trait]
impl IdempotencyStore for Fakes {
    async fn get(&self, _: &IdempotencyKey) -> Result<Option<StoredAnswer>, IdempotencyError> {
        Ok(None)
    }

    async fn put(&self, _: StoredAnswer) -> Result<(), IdempotencyError> {
        Ok(())
    }

    async fn purge(&self, _: i64) -> Result<u64, IdempotencyError> {
        Ok(0)
    }
}

impl OriginCheck for Fakes {
    fn check(&self, origin: &str) -> Result<(), OriginRefused> {
        match origin.contains("forbidden") {
            true => Err(OriginRefused("it is forbidden".to_owned())),
            false => Ok(()),
        }
    }
}

impl Readiness for Fakes {
    fn not_ready(&self) -> Vec<String> {
        vec!["assets".to_owned()]
    }
}
