//! Ports and their adapters: the one place that names both.

mod documents;
mod probe;
mod projections;
mod ready;

use documents::{Annotations, Checked, KeptNames, outline};
pub(crate) use probe::probe_worker;
use projections::Projections;
use ready::Ready;

use crate::audit::{AuditFolder, Signer};
use crate::config::{AdminKey, Roles, Settings};
use crate::stores::{Blobs, Control, ReadModelStore, Stores};
use crate::strategies::KnownStrategies;
use crate::vault::KeptVault;
use crate::{data_folder, recognition, stores};
use anyhow::Context;
use axum::Router;
use dlcs_adapter_egress::{AllowList, Egress, FetchLimits};
use dlcs_adapter_s3::S3Objects;
use dlcs_adapter_worker::{ProcessWorker, ProcessWorkerSettings};
use dlcs_api::state::Written;
use dlcs_api::{
    AnnotationDocuments, ApiLimits, ApiState, CustomHeaders, ExportTurns, PreparedAnswers,
    PublicUrl, Readers, RenderedManifests, Tries,
};
use dlcs_commands::clock::SystemClock;
use dlcs_commands::idempotency::Idempotency;
use dlcs_commands::passwords::Passwords;
use dlcs_commands::services::{AccountCommands, WebhookCommands};
use dlcs_commands::webhooks::Webhooks;
use dlcs_commands::{Clock, CommandContext, Commands, Room};
use dlcs_domain::ActorId;
use dlcs_eventlog::EventLog;
use dlcs_eventlog::consumers::LeaseOwner;
use dlcs_graphql::GraphqlState;
use dlcs_imaging::{DecodeLimits, Tiles, TilesSettings};
use dlcs_ingest::{
    ImageWorker, IngestPorts, IngestProcessManager, IngestSettings, Origins, Receivers,
    RecognitionPorts, RecognitionProcessManager, Sweeper, WebhookPorts, WebhookSender,
    WebhookSettings,
};
use dlcs_objects::Objects;
use dlcs_projections::projection::ReadModel;
use dlcs_projections::read_store::ReadStore;
use dlcs_projections::runner::{Duty, Runner, RunnerSettings};
use dlcs_projections::search::{PageRecords, Search, SearchStore, WithSearch};
use metrics_exporter_prometheus::PrometheusHandle;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How long an answer is kept for a repetition. The log recognises a later one, too.
const ANSWERS_KEPT_US: i64 = 48 * 60 * 60 * 1_000_000;
const FORGET_EVERY: Duration = Duration::from_secs(60 * 60);

/// Everything that one process works with.
pub(crate) struct Wired {
    pub(crate) log: Arc<dyn EventLog>,
    /// The search index among them.
    pub(crate) read_models: ReadModelStore,
    /// The read models without the search index, which may be kept elsewhere.
    tables: Arc<dyn ReadStore>,
    search: Arc<dyn SearchStore>,
    pub(crate) admin_key: AdminKey,
    commands: Commands,
    accounts: AccountCommands,
    webhooks: WebhookCommands,
    objects: Arc<dyn Objects>,
    /// The same, if they are in a bucket.
    s3: Option<S3Objects>,
    control: Control,
    origins: Arc<dyn Origins>,
    receivers: Arc<dyn Receivers>,
    vault: Arc<KeptVault>,
    worker: Arc<dyn ImageWorker>,
    clock: Arc<dyn Clock>,
    /// Names this process and its start.
    owner: LeaseOwner,
    settings: Settings,
}

/// Opens the stores and puts everything together. The caller holds the data folder's lock.
pub(crate) async fn wire(settings: Settings) -> anyhow::Result<Wired> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let Stores { log, control, read_models } = stores::open(&settings, micros(&clock)).await?;
    let Blobs { objects, s3 } = stores::blobs(&settings).await?;
    if let Some(s3) = &s3 {
        s3.check().await.context("`objects`")?;
    }
    let search = stores::open_search(&settings, &objects)?;
    let tables = Arc::clone(&read_models.models);
    let all = WithSearch::new(Arc::clone(&tables), Arc::clone(&search), Arc::clone(&log));
    let read_models = ReadModelStore { models: Arc::new(all), ..read_models };
    let commands = Commands::new(
        Arc::clone(&log),
        Arc::clone(&objects),
        Arc::clone(&read_models.lookups),
        Arc::clone(&clock),
        concat!("dlcs ", env!("CARGO_PKG_VERSION")),
    );
    let passwords = Passwords::new(Arc::clone(&control.passwords))?;
    let accounts = AccountCommands::new(commands.definitions.clone(), passwords);
    let vault = Arc::new(KeptVault::of(&settings));
    let kept = Webhooks {
        store: Arc::clone(&control.webhooks),
        consumers: Arc::clone(&control.consumers),
        vault: vault.clone(),
    };
    let executor = commands.executor().clone();
    let webhooks = WebhookCommands::new(commands.definitions.clone(), executor, kept);
    let allow = AllowList::parse(&settings.origin_allow).context("`origin-allow`")?;
    let egress = Arc::new(Egress::new(allow, FetchLimits::default())?);
    let worker: Arc<dyn ImageWorker> = Arc::new(worker(&settings)?);
    let admin_key = data_folder::admin_key(&settings)?;
    let name = data_folder::process_name(&settings)?;
    // The lock is ours: whoever held leases under this name has ended.
    control.consumers.release_all(&format!("{name}/")).await?;
    Ok(Wired {
        log,
        read_models,
        tables,
        search,
        admin_key,
        commands,
        accounts,
        webhooks,
        objects,
        s3,
        control,
        origins: egress.clone(),
        receivers: egress,
        vault,
        worker,
        clock,
        owner: LeaseOwner(format!("{name}/{}-{}", std::process::id(), Uuid::new_v4())),
        settings,
    })
}

fn micros(clock: &Arc<dyn Clock>) -> dlcs_eventlog::log::Clock {
    let clock = Arc::clone(clock);
    Arc::new(move || clock.now_us())
}

fn worker(settings: &Settings) -> anyhow::Result<ProcessWorker> {
    let defaults = ProcessWorkerSettings::of_this_program()?;
    let threads = (defaults.threads / settings.ingest_workers).max(1);
    Ok(ProcessWorker::new(ProcessWorkerSettings {
        processes_max: settings.ingest_workers,
        memory_bytes: settings.worker_memory_bytes,
        threads,
        ..defaults
    }))
}

impl Wired {
    /// Makes customer 1 if it is missing.
    pub(crate) async fn first_customer(&self) -> anyhow::Result<()> {
        let actor = ActorId("process-server".to_owned());
        let correlation = dlcs_commands::metadata::new_uuid(self.clock.now_us());
        let context = CommandContext::new(actor, None, correlation);
        Ok(self.commands.customers.ensure_default(&context).await?)
    }

    /// Returns what is told about the disks.
    pub(crate) fn room(&self) -> Room {
        self.commands.executor().room().clone()
    }

    /// Looks whether a bucket can be used, until it is stopped.
    pub(crate) fn watch_blobs(
        &self,
        stop: CancellationToken,
    ) -> impl Future<Output = ()> + Send + use<> {
        let s3 = self.s3.clone();
        async move {
            if let Some(s3) = s3 {
                stop.run_until_cancelled(s3.watch()).await;
            }
        }
    }

    /// Returns what says whether a deletion, or a read model that is behind, may be waiting for room.
    pub(crate) fn needs_room(&self) -> impl Fn() -> bool + Send + use<> {
        let (room, clock) = (self.room(), Arc::clone(&self.clock));
        let (freshness, names) = (self.read_models.models.freshness(), self.awaited());
        let head = self.log.head_hints();
        move || {
            let is_behind = |name: &&str| freshness.position(name) < Some(*head.borrow());
            room.is_needed(clock.now_us()) || names.iter().any(is_behind)
        }
    }

    /// Returns what keeps the read models up to date.
    pub(crate) fn runners(&self, roles: Roles) -> [Runner; 2] {
        let tables = match self.settings.read_store.is_shared() {
            false if roles.project => Duty::Alone,
            is_shared => self.shared_duty(roles, is_shared),
        };
        // An embedded index is this process's own, whatever its role.
        let search = match self.settings.search_index.is_shared() {
            false => Duty::Alone,
            true => self.shared_duty(roles, self.settings.event_store.is_shared()),
        };
        [self.runner(self.tables.models(), tables), self.runner(vec![self.search.model()], search)]
    }

    fn shared_duty(&self, roles: Roles, has_others: bool) -> Duty {
        match (roles.project, has_others) {
            (false, _) => Duty::Watch,
            (true, false) => Duty::Alone,
            (true, true) => {
                let consumers = Arc::clone(&self.control.consumers);
                Duty::Leased { consumers, owner: self.owner.clone() }
            }
        }
    }

    fn runner(&self, models: Vec<Arc<dyn ReadModel>>, duty: Duty) -> Runner {
        Runner {
            log: Arc::clone(&self.log),
            models,
            freshness: self.read_models.models.freshness(),
            clock: micros(&self.clock),
            duty,
            settings: RunnerSettings::default(),
        }
    }

    /// Names the projections that are caught up with before this process is ready. A node that
    /// others run keeps nobody from serving what does not need it.
    pub(crate) fn awaited(&self) -> Vec<&'static str> {
        let mut names: Vec<&'static str> =
            self.tables.models().iter().map(|model| model.name()).collect();
        if !self.settings.search_index.is_shared() {
            names.push(self.search.model().name());
        }
        names
    }

    fn search(&self) -> Search {
        let records = PageRecords::new(Arc::clone(&self.objects));
        Search { index: self.search.index(), records }
    }

    /// Returns what sees registrations through, and what clears up behind it.
    pub(crate) fn ingest(&self) -> (IngestProcessManager, Sweeper) {
        let ports = IngestPorts {
            executor: self.commands.executor().clone(),
            consumers: Arc::clone(&self.control.consumers),
            objects: Arc::clone(&self.objects),
            origins: Arc::clone(&self.origins),
            strategies: Arc::new(KnownStrategies {
                definitions: self.read_models.models.queries().definitions,
                vault: self.vault.clone(),
            }),
            worker: Arc::clone(&self.worker),
        };
        let limits =
            DecodeLimits { pixels_max: self.settings.source_pixels_max, ..DecodeLimits::default() };
        let settings = IngestSettings {
            at_once: self.settings.ingest_workers,
            limits,
            ..IngestSettings::default()
        };
        // Under a name that the next start does not give back: images whose attempts have just died
        // with a process wait until the lease runs out, so that a loop of crashes, whatever its
        // reason, does not use up their tries.
        let LeaseOwner(name) = &self.owner;
        let owner = LeaseOwner(format!("ingest of {name}"));
        let sweeper = Sweeper::new(&ports, &settings, owner.clone());
        (IngestProcessManager::new(ports, settings, owner), sweeper)
    }

    fn idempotency(&self) -> Idempotency {
        Idempotency::new(Arc::clone(&self.control.answers), Arc::clone(&self.clock))
    }

    /// Forgets answers that are kept for repetitions, and sessions of readers, once they are old,
    /// until it is stopped.
    pub(crate) fn forget_old_answers(
        &self,
        stop: CancellationToken,
    ) -> impl Future<Output = ()> + Send + use<> {
        let idempotency = self.idempotency();
        let (sessions, clock) = (Arc::clone(&self.control.sessions), Arc::clone(&self.clock));
        async move {
            while stop.run_until_cancelled(tokio::time::sleep(FORGET_EVERY)).await.is_some() {
                match idempotency.purge_older_than(ANSWERS_KEPT_US).await {
                    Ok(0) => {}
                    Ok(count) => tracing::debug!(count, "{count} old answers are forgotten"),
                    Err(error) => {
                        tracing::warn!(%error, "old answers cannot be forgotten: {error}");
                    }
                }
                if let Err(error) = sessions.purge_expired(clock.now_us()).await {
                    tracing::warn!(%error, "old sessions cannot be forgotten: {error}");
                }
            }
        }
    }

    /// Returns what tells webhooks.
    pub(crate) fn webhooks(&self, public_url: &str) -> WebhookSender {
        let ports = WebhookPorts {
            executor: self.commands.executor().clone(),
            log: Arc::clone(&self.log),
            definitions: self.read_models.models.queries().definitions,
            webhooks: self.webhooks.kept().clone(),
            receivers: Arc::clone(&self.receivers),
            source: public_url.into(),
        };
        let settings =
            WebhookSettings { tries: self.settings.webhook_tries, ..WebhookSettings::default() };
        WebhookSender::new(ports, settings, self.owner.clone())
    }

    /// Returns what sees pages through that are to be recognised; `None`: it is not built in.
    pub(crate) fn recognition(&self) -> anyhow::Result<Option<RecognitionProcessManager>> {
        if recognition::engine().is_none() {
            return Ok(None);
        }
        let ports = RecognitionPorts {
            executor: self.commands.executor().clone(),
            consumers: Arc::clone(&self.control.consumers),
            objects: Arc::clone(&self.objects),
            worker: Arc::new(recognition::pool(&self.settings)?),
        };
        let limits =
            DecodeLimits { pixels_max: self.settings.source_pixels_max, ..DecodeLimits::default() };
        let at_once = self.settings.ocr_workers;
        let settings = IngestSettings { at_once, limits, ..IngestSettings::default() };
        Ok(Some(RecognitionProcessManager::new(ports, settings, self.owner.clone())))
    }

    /// Returns everything that answers HTTP. `public_url` has no slash at the end.
    pub(crate) fn router(&self, public_url: &str, metrics: PrometheusHandle) -> Router {
        let signer = Arc::new(Signer::new(self, AuditFolder::of(&self.settings)));
        let state = self.api_state(public_url, metrics, Arc::clone(&signer));
        let graphql = self.graphql_state(public_url, &state, signer);
        let extra = dlcs_graphql::router(graphql, Arc::new(dlcs_api::graphiql_page));
        dlcs_api::router(state, extra)
    }

    fn api_state(
        &self,
        public_url: &str,
        metrics: PrometheusHandle,
        audit: Arc<Signer>,
    ) -> ApiState {
        let tiles = Tiles::new(Arc::clone(&self.objects), TilesSettings::default());
        ApiState {
            commands: self.commands.clone(),
            accounts: self.accounts.clone(),
            webhooks: self.webhooks.clone(),
            idempotency: self.idempotency(),
            queries: self.read_models.models.queries(),
            search: self.search(),
            tiles: Arc::new(tiles),
            objects: Arc::clone(&self.objects),
            origins: Arc::new(Checked(Arc::clone(&self.origins))),
            vault: self.vault.clone(),
            readiness: Arc::new(Ready::new(self)),
            audit,
            clock: Arc::clone(&self.clock),
            metrics: Arc::new(move || metrics.render()),
            public_url: PublicUrl::new(public_url),
            credentials: dlcs_api::Credentials {
                admin_key: dlcs_api::AdminKey::new(&self.admin_key.key, &self.admin_key.secret),
                keys: self.read_models.models.queries().api_keys,
                clock: Arc::clone(&self.clock),
            },
            readers: Readers::new(
                Arc::clone(&self.control.sessions),
                self.read_models.models.queries().definitions,
                Arc::clone(&self.clock),
            ),
            tries: Tries::default(),
            limits: ApiLimits::default(),
            written: Written::default(),
            rendered: RenderedManifests::default(),
            prepared: PreparedAnswers::default(),
            custom_headers: CustomHeaders::new(self.read_models.models.queries().definitions),
            exports: ExportTurns::default(),
        }
    }

    fn graphql_state(&self, public_url: &str, api: &ApiState, audit: Arc<Signer>) -> GraphqlState {
        let credentials = api.credentials.clone();
        let shared = Arc::new(api.clone());
        let for_canvases = Arc::clone(&shared);
        let origins = Arc::clone(&self.origins);
        GraphqlState {
            queries: self.read_models.models.queries(),
            commands: self.commands.clone(),
            accounts: self.accounts.clone(),
            webhooks: self.webhooks.clone(),
            search: api.search.clone(),
            objects: Arc::clone(&self.objects),
            members: Arc::new(move |row| {
                let members = dlcs_api::manifest_members(Arc::clone(&shared), row);
                Box::pin(async move { members.await.map_err(|problem| problem.detail) })
            }),
            canvases: Arc::new(move |row| {
                let canvases = dlcs_api::manifest_canvases(Arc::clone(&for_canvases), row);
                Box::pin(async move {
                    let canvases = canvases.await.map_err(|problem| problem.detail)?;
                    Ok(canvases.into_iter().map(outline).collect())
                })
            }),
            annotations: Arc::new(Annotations(AnnotationDocuments {
                public_url: api.public_url.clone(),
            })),
            manifest_names: Arc::new(KeptNames),
            clock: Arc::clone(&self.clock),
            public_url: public_url.into(),
            authenticate: Arc::new(move |headers| {
                let credentials = credentials.clone();
                Box::pin(async move {
                    credentials.identify(&headers).await.map_err(|problem| problem.detail)
                })
            }),
            audit,
            projections: Arc::new(Projections {
                models: Arc::clone(&self.read_models.models),
                consumers: Arc::clone(&self.control.consumers),
            }),
            vault: self.vault.clone(),
            check_origin: Arc::new(move |url| origins.check(url).map_err(|it| it.to_string())),
        }
    }
}
