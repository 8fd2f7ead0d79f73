//! Measures how fast each read model takes in a history: events per second.
//!
//! Starts a server of its own, or uses a database of the one that `DLCS_TEST_POSTGRES` names.
//!
//! `cargo run --release -p dlcs-adapter-postgres --features conformance --example replay_rate -- 300000`

use dlcs_adapter_postgres::connection::Database;
use dlcs_adapter_postgres::read_models::PostgresReadModels;
use dlcs_adapter_postgres::testing::TestServer;
use dlcs_eventlog::memory::MemoryLog;
use dlcs_eventlog::{EventLog, Position};
use dlcs_projections::conformance::given::sample_history;
use dlcs_projections::projection::{OnPoison, ReadModel};
use dlcs_projections::read_store::ReadStore;
use dlcs_projections::replay::{Target, replay};
use std::sync::Arc;
use std::time::Instant;

#[expect(clippy::print_stdout, reason = "an example tells its result")]
fn tell(what: &str, events: Position, begun: Instant) {
    let rate = events.0 as f64 / begun.elapsed().as_secs_f64();
    println!("{what}: {rate:.0} events/s ({events} events)");
}

async fn open(log: &Arc<dyn EventLog>) -> PostgresReadModels {
    let url = TestServer::shared().new_database().await;
    let database = Database::connect(&url).await.expect("the server runs");
    PostgresReadModels::open(database, Arc::clone(log)).await.expect("it opens")
}

async fn fill(log: &dyn EventLog, models: Vec<Arc<dyn ReadModel>>, to: Position) {
    let targets: Vec<_> = models.into_iter().map(|model| Target { model, to }).collect();
    let replayed = replay(log, &targets, OnPoison::Stop).await;
    replayed.expect("the history can be projected");
}

fn main() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    let events = std::env::args().nth(1).and_then(|it| it.parse().ok()).unwrap_or(300_000_u32);
    runtime.block_on(async {
        let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new(Arc::new(|| 1)));
        sample_history(log.as_ref(), events / 3).await;
        let to = log.head().await.expect("the log tells its head");
        let read_models = open(&log).await;
        for model in read_models.models() {
            let (name, begun) = (model.name(), Instant::now());
            fill(log.as_ref(), vec![model], to).await;
            tell(name, to, begun);
        }
        let all = open(&log).await;
        let begun = Instant::now();
        fill(log.as_ref(), all.models(), to).await;
        tell("all at once", to, begun);
        for name in ["assets", "audit-trail"] {
            let begun = Instant::now();
            all.rebuild(name).await.expect("nobody else rebuilds");
            tell(&format!("rebuild of {name}, its indexes included"), to, begun);
        }
    });
}
