//! Opens the stores that the settings name, whatever keeps them.

use crate::config::{BlobStore, SearchIndex, Settings, Store};
use crate::data_folder;
use anyhow::{Context, bail};
use dlcs_adapter_elasticsearch::{Address, ElasticsearchIndex};
use dlcs_adapter_kurrentdb::{KurrentLog, Waits};
use dlcs_adapter_objects::FolderObjects;
use dlcs_adapter_postgres::connection::Database;
use dlcs_adapter_postgres::control::PostgresControl;
use dlcs_adapter_postgres::log::{PostgresImport, PostgresLog};
use dlcs_adapter_postgres::read_models::PostgresReadModels;
use dlcs_adapter_s3::S3Objects;
use dlcs_adapter_sqlite::control::{SqliteControl, read_consumers};
use dlcs_adapter_sqlite::log::{SqliteImport, SqliteLog};
use dlcs_adapter_sqlite::read_models::ReadModels;
use dlcs_adapter_tantivy::TantivySearch;
use dlcs_commands::idempotency::IdempotencyStore;
use dlcs_commands::lookups::Lookups;
use dlcs_commands::passwords::PasswordStore;
use dlcs_commands::sessions::SessionStore;
use dlcs_commands::webhooks::WebhookStore;
use dlcs_eventlog::EventLog;
use dlcs_eventlog::Position;
use dlcs_eventlog::consumers::{ConsumerName, ConsumerStore, LeaseOwner};
use dlcs_eventlog::import::LogImport;
use dlcs_eventlog::log::Clock;
use dlcs_objects::Objects;
use dlcs_projections::read_store::ReadStore;
use dlcs_projections::search::{PageRecords, SearchStore, WithSearch};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

/// The control store, as those see it who keep something there.
#[derive(Clone)]
pub(crate) struct Control {
    pub(crate) consumers: Arc<dyn ConsumerStore>,
    pub(crate) answers: Arc<dyn IdempotencyStore>,
    pub(crate) sessions: Arc<dyn SessionStore>,
    pub(crate) passwords: Arc<dyn PasswordStore>,
    pub(crate) webhooks: Arc<dyn WebhookStore>,
}

impl Control {
    fn of<C>(control: Arc<C>) -> Self
    where
        C: ConsumerStore + IdempotencyStore + SessionStore + PasswordStore + WebhookStore,
    {
        Self {
            consumers: control.clone(),
            answers: control.clone(),
            sessions: control.clone(),
            passwords: control.clone(),
            webhooks: control,
        }
    }
}

/// The read models, as those see them who feed and who ask.
#[derive(Clone)]
pub(crate) struct ReadModelStore {
    pub(crate) models: Arc<dyn ReadStore>,
    pub(crate) lookups: Arc<dyn Lookups>,
}

/// The stores of one process.
pub(crate) struct Stores {
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) control: Control,
    pub(crate) read_models: ReadModelStore,
}

/// Databases by address, so that stores in the same one share its connections.
#[derive(Default)]
struct Databases(HashMap<String, Database>);

impl Databases {
    async fn get(&mut self, url: &str) -> anyhow::Result<Database> {
        if let Some(database) = self.0.get(url) {
            return Ok(database.clone());
        }
        let database = Database::connect(url).await?;
        self.0.insert(url.to_owned(), database.clone());
        Ok(database)
    }
}

/// Opens every store for reading and writing, and makes what is missing.
pub(crate) async fn open(settings: &Settings, clock: Clock) -> anyhow::Result<Stores> {
    let mut databases = Databases::default();
    let log: Arc<dyn EventLog> = match &settings.event_store {
        Store::Sqlite => Arc::new(SqliteLog::open(&data_folder::log_path(settings), clock)?),
        Store::Postgres(url) => {
            let database = databases.get(url).await.context("`event-store`")?;
            Arc::new(PostgresLog::open(database, clock).await.context("`event-store`")?)
        }
        // Its server has a clock of its own.
        Store::Kurrent(url) => {
            Arc::new(KurrentLog::open(url, Waits::default()).await.context("`event-store`")?)
        }
    };
    let control = match settings.control_store() {
        Store::Postgres(url) => {
            let database = databases.get(url).await.context("the control store")?;
            let control = PostgresControl::open(database).await.context("the control store")?;
            Control::of(Arc::new(control))
        }
        Store::Sqlite | Store::Kurrent(_) => {
            Control::of(Arc::new(SqliteControl::open(&data_folder::control_path(settings))?))
        }
    };
    let read_models = match &settings.read_store {
        Store::Sqlite => {
            let folder = data_folder::read_models_folder(settings);
            let models = Arc::new(ReadModels::open(&folder, Arc::clone(&log))?);
            ReadModelStore { models: models.clone(), lookups: models }
        }
        Store::Kurrent(_) => return Err(no_tables()),
        Store::Postgres(url) => {
            let database = databases.get(url).await.context("`read-store`")?;
            let models = PostgresReadModels::open(database, Arc::clone(&log)).await;
            let models = Arc::new(models.context("`read-store`")?);
            ReadModelStore { models: models.clone(), lookups: models }
        }
    };
    Ok(Stores { log, control, read_models })
}

/// Settings that say so are refused.
fn no_tables() -> anyhow::Error {
    anyhow::anyhow!("KurrentDB keeps events only")
}

/// Opens the search index for reading and writing, and makes it if it is missing.
pub(crate) fn open_search(
    settings: &Settings,
    objects: &Arc<dyn Objects>,
) -> anyhow::Result<Arc<dyn SearchStore>> {
    Ok(match &settings.search_index {
        SearchIndex::Tantivy => {
            let folder = data_folder::search_folder(settings);
            Arc::new(TantivySearch::open(&folder, PageRecords::new(Arc::clone(objects)))?)
        }
        SearchIndex::Elasticsearch(address) => {
            Arc::new(ElasticsearchIndex::new(node(address)?, Arc::clone(objects)))
        }
    })
}

/// Opens the search index that serves for reading, also beside a running server.
pub(crate) fn search_read_only(
    settings: &Settings,
    objects: &Arc<dyn Objects>,
) -> anyhow::Result<Arc<dyn SearchStore>> {
    Ok(match &settings.search_index {
        SearchIndex::Tantivy => {
            let folder = data_folder::search_folder(settings);
            Arc::new(TantivySearch::open_read_only(&folder, PageRecords::new(Arc::clone(objects)))?)
        }
        SearchIndex::Elasticsearch(address) => {
            Arc::new(ElasticsearchIndex::read_only(node(address)?, Arc::clone(objects)))
        }
    })
}

fn node(address: &str) -> anyhow::Result<Address> {
    Address::parse(address).context("`search-index`")
}

/// Opens the log for reading, also beside a running server.
pub(crate) async fn log_read_only(settings: &Settings) -> anyhow::Result<Arc<dyn EventLog>> {
    match &settings.event_store {
        Store::Sqlite => {
            let path = data_folder::log_path(settings);
            if !path.exists() {
                bail!(
                    "there is no event store at `{}`: name the data folder with `--data`",
                    path.display()
                );
            }
            Ok(Arc::new(SqliteLog::open_read_only(&path)?))
        }
        Store::Postgres(url) => {
            let database = Database::connect(url).await.context("`event-store`")?;
            Ok(Arc::new(PostgresLog::open_read_only(database).await.context("`event-store`")?))
        }
        Store::Kurrent(url) => {
            Ok(Arc::new(KurrentLog::open_read_only(url).await.context("`event-store`")?))
        }
    }
}

/// Opens the log for an import, and makes it if it is missing.
pub(crate) async fn log_import(settings: &Settings) -> anyhow::Result<Box<dyn LogImport>> {
    match &settings.event_store {
        Store::Sqlite => Ok(Box::new(SqliteImport::open(&data_folder::log_path(settings))?)),
        Store::Postgres(url) => {
            let database = Database::connect(url).await.context("`event-store`")?;
            Ok(Box::new(PostgresImport::open(database).await.context("`event-store`")?))
        }
        Store::Kurrent(_) => bail!(
            "KurrentDB gives positions itself and cannot take those of another log: import into \
             `sqlite` or `postgres://…`"
        ),
    }
}

/// Reads who follows the log, how far it is, and who does its work.
pub(crate) async fn consumers(
    settings: &Settings,
) -> anyhow::Result<Vec<(ConsumerName, Position, Option<LeaseOwner>)>> {
    match settings.control_store() {
        Store::Sqlite | Store::Kurrent(_) => {
            Ok(read_consumers(&data_folder::control_path(settings)).await?)
        }
        Store::Postgres(url) => {
            let database = Database::connect(url).await.context("the control store")?;
            let control = PostgresControl::open_read_only(database).await;
            Ok(control.context("the control store")?.consumers().await?)
        }
    }
}

/// Opens every read model that serves for reading, the search index among them.
pub(crate) async fn all_read_only(
    settings: &Settings,
    log: &Arc<dyn EventLog>,
) -> anyhow::Result<Arc<dyn ReadStore>> {
    let tables = read_models_read_only(settings, log).await?;
    let search = search_read_only(settings, &objects(settings).await?)?;
    Ok(Arc::new(WithSearch::new(tables, search, Arc::clone(log))))
}

/// Opens what serves for reading, also beside a running server.
pub(crate) async fn read_models_read_only(
    settings: &Settings,
    log: &Arc<dyn EventLog>,
) -> anyhow::Result<Arc<dyn ReadStore>> {
    match &settings.read_store {
        Store::Sqlite => {
            let folder = data_folder::read_models_folder(settings);
            let models =
                ReadModels::open_read_only(&folder, Arc::clone(log)).with_context(|| {
                    format!("the read models in `{}` cannot be read", folder.display())
                })?;
            Ok(Arc::new(models))
        }
        Store::Kurrent(_) => Err(no_tables()),
        Store::Postgres(url) => {
            let database = Database::connect(url).await.context("`read-store`")?;
            let models = PostgresReadModels::open_read_only(database, Arc::clone(log)).await;
            Ok(Arc::new(models.context("`read-store`")?))
        }
    }
}

/// Makes empty read models in a folder of their own, to replay into. Every store gives the same
/// dumps, so whatever serves can be compared with them.
pub(crate) fn scratch_read_models(
    folder: &Path,
    log: &Arc<dyn EventLog>,
    objects: &Arc<dyn Objects>,
) -> anyhow::Result<Arc<dyn ReadStore>> {
    let tables = Arc::new(ReadModels::open(folder, Arc::clone(log))?);
    let records = PageRecords::new(Arc::clone(objects));
    let search = TantivySearch::open(&folder.join("search"), records)?;
    Ok(Arc::new(WithSearch::new(tables, Arc::new(search), Arc::clone(log))))
}

/// The blobs, and what else is to be known of a store that others run.
pub(crate) struct Blobs {
    pub(crate) objects: Arc<dyn Objects>,
    /// `None`: they are in a folder.
    pub(crate) s3: Option<S3Objects>,
}

/// Opens the blobs. A bucket is not asked for anything yet.
pub(crate) async fn blobs(settings: &Settings) -> anyhow::Result<Blobs> {
    Ok(match &settings.objects {
        BlobStore::Folder(folder) => {
            Blobs { objects: Arc::new(FolderObjects::open(folder)?), s3: None }
        }
        BlobStore::S3(s3) => {
            // Local files are made in the data folder, and go with the process.
            let staging = Arc::new(FolderObjects::open(&settings.data.join("objects"))?);
            let opened = S3Objects::open(s3, staging).await.context("`objects`")?;
            Blobs { objects: Arc::new(opened.clone()), s3: Some(opened) }
        }
    })
}

/// Opens the blobs, where page records are.
pub(crate) async fn objects(settings: &Settings) -> anyhow::Result<Arc<dyn Objects>> {
    Ok(blobs(settings).await?.objects)
}
