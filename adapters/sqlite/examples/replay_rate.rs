//! Measures how fast each read model takes in a history: events per second, on one thread.
//!
//! `cargo run --release -p dlcs-adapter-sqlite --example replay_rate -- 300000`

use dlcs_adapter_sqlite::read_models::ReadModels;
use dlcs_eventlog::EventLog;
use dlcs_eventlog::memory::MemoryLog;
use dlcs_projections::conformance::given::sample_history;
use dlcs_projections::projection::OnPoison;
use dlcs_projections::read_store::ReadStore;
use dlcs_projections::replay::{Target, replay};
use std::sync::Arc;
use std::time::Instant;

#[expect(clippy::print_stdout, reason = "an example tells its result")]
fn main() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    let events = std::env::args().nth(1).and_then(|it| it.parse().ok()).unwrap_or(300_000_u32);
    runtime.block_on(async {
        let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new(Arc::new(|| 1)));
        sample_history(log.as_ref(), events / 3).await;
        let to = log.head().await.expect("the log tells its head");
        let folder = tempfile::tempdir().expect("a folder can be made");
        let read_models = ReadModels::open(folder.path(), Arc::clone(&log)).expect("it opens");
        for model in read_models.models() {
            let name = model.name();
            let begun = Instant::now();
            let target = Target { model, to };
            let replayed = replay(log.as_ref(), &[target], OnPoison::Stop).await;
            replayed.expect("the history can be projected");
            let rate = to.0 as f64 / begun.elapsed().as_secs_f64();
            println!("{name}: {rate:.0} events/s ({to} events)");
        }
    });
}
