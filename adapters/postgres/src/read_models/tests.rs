//! What is particular to this store, against a real server.

mod equality;
mod faults;
mod histories;
mod plans;
mod processes;
mod rebuilds;
mod speculation;

use super::*;
use crate::testing::{Fsync, TestServer, database_name};
use dlcs_domain::ActorId;
use dlcs_domain::access::Principal;
use dlcs_projections::PageRequest;
use dlcs_projections::conformance::given::sample_history;
use dlcs_projections::conformance::{self, Given, Store};
use dlcs_projections::memory::MemoryReadModels;
use dlcs_projections::paging::Direction;
use dlcs_projections::replay::compare;
use dlcs_projections::runner::{Duty, Runner, RunnerSettings};
use std::sync::OnceLock;

/// Returns a server that does not wait for its disk: what it loses, a rebuild brings back.
fn server() -> &'static TestServer {
    static SERVER: OnceLock<TestServer> = OnceLock::new();
    SERVER.get_or_init(|| TestServer::start_own(Fsync::Off))
}

/// Read models in a database of their own.
struct Temporary {
    read_models: PostgresReadModels,
    url: String,
}

impl Temporary {
    async fn new(log: Arc<dyn EventLog>) -> Self {
        let url = server().new_database().await;
        let read_models = opened(&url, log).await;
        Self { read_models, url }
    }

    /// Runs SQL by hand; `{projection}` stands for the schema that serves it.
    async fn by_hand(&self, sql: &str) {
        let mut sql = sql.to_owned();
        for served in &self.read_models.served {
            let name = format!("{{{}}}", served.definition.name);
            sql = sql.replace(&name, served.current().schema());
        }
        server().execute(database_name(&self.url), &sql).await;
    }

    /// Returns the schemas that the directory lists, in one state.
    async fn schemas(&self, state: &str) -> Vec<String> {
        let client = self.read_models.directory().database.client().await.unwrap();
        let sql = "SELECT schema_name FROM dlcs_read.models WHERE state = $1 ORDER BY build";
        client.query(sql, &[&state]).await.unwrap().iter().map(|row| row.get(0)).collect()
    }

    /// Says whether a schema is in the database.
    async fn exists(&self, schema: &str) -> bool {
        let client = self.read_models.directory().database.client().await.unwrap();
        let sql = "SELECT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = $1)";
        client.query_one(sql, &[&schema]).await.unwrap().get(0)
    }
}

impl Store for Temporary {
    fn queries(&self) -> Queries {
        self.read_models.queries()
    }

    fn models(&self) -> Vec<Arc<dyn ReadModel>> {
        self.read_models.models()
    }
}

/// Opens the read models as another process does.
async fn opened(url: &str, log: Arc<dyn EventLog>) -> PostgresReadModels {
    let database = Database::connect(url).await.unwrap();
    PostgresReadModels::open(database, log).await.unwrap()
}

async fn given() -> Given<Temporary> {
    Given::new(Temporary::new).await
}

async fn given_sample() -> Given<Temporary> {
    let given = given().await;
    sample_history(given.log.as_ref(), 60).await;
    given.catch_up().await;
    given
}

/// Replays the log into the reference in memory, and returns what differs.
async fn unequal(
    log: &dyn EventLog,
    read_models: &PostgresReadModels,
) -> Vec<(String, Vec<String>)> {
    let memory = MemoryReadModels::default();
    let compared = compare(log, &read_models.models(), &memory.models()).await.unwrap();
    assert_eq!(compared.len(), DEFINITIONS.len());
    let unequal = compared.into_iter().filter(|it| !it.is_equal());
    unequal.map(|it| (it.live.projection, it.unequal_tables)).collect()
}

fn runner(read_models: &PostgresReadModels, log: &Arc<dyn EventLog>) -> Runner {
    Runner {
        log: Arc::clone(log),
        models: read_models.models(),
        freshness: read_models.freshness(),
        clock: Arc::new(|| 0),
        duty: Duty::Alone,
        settings: RunnerSettings { events_max: 64, ..RunnerSettings::default() },
    }
}

fn admin() -> Principal {
    Principal::Process { actor: ActorId("process-test".into()) }
}

fn first(limit: usize) -> PageRequest {
    PageRequest { limit, after: None, offset: 0, direction: Direction::Ascending }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_read_models_conform() {
    conformance::read_models(Temporary::new).await;
}

#[test]
fn tables_and_projectors_are_of_one_version() {
    for definition in DEFINITIONS {
        assert_eq!(definition.tables.version, definition.version, "{}", definition.name);
    }
}

#[test]
fn every_projection_has_its_own_lock() {
    let locks: std::collections::HashSet<_> = DEFINITIONS.iter().map(|it| it.lock).collect();
    assert_eq!(locks.len(), DEFINITIONS.len());
}
