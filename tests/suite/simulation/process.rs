//! One server process: the real core over simulated ports. It may die at every await.

use super::chance::Faults;
use super::models::{SimLookups, SimModel, SimStore};
use super::operations::{Acknowledged, Operation};
use super::outside::{SimClock, SimObjects, SimOrigins, SimStrategies, SimWorker};
use super::stores::{SimControl, SimLog};
use dlcs_commands::idempotency::Idempotency;
use dlcs_commands::{Clock, CommandError, Commands};
use dlcs_eventlog::consumers::LeaseOwner;
use dlcs_ingest::{IngestPorts, IngestProcessManager, IngestSettings, Sweeper};
use dlcs_projections::freshness::Freshness;
use dlcs_projections::projection::ReadModel;
use dlcs_projections::runner::{Duty, Runner, RunnerSettings};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// What lives longer than a process.
#[derive(Clone)]
pub(super) struct Surroundings {
    pub(super) log: SimLog,
    pub(super) control: Arc<SimControl>,
    pub(super) objects: Arc<SimObjects>,
    pub(super) clock: SimClock,
    pub(super) faults: Faults,
}

pub(super) struct Process {
    pub(super) store: SimStore,
    pub(super) freshness: Freshness,
    commands: Commands,
    pub(super) idempotency: Idempotency,
    tasks: Mutex<JoinSet<()>>,
    stop: CancellationToken,
}

impl Process {
    /// Starts everything that a server runs. `owner` was never used before.
    pub(super) fn start(around: &Surroundings, store: SimStore, duty: Duty, owner: &str) -> Self {
        let models = store.models();
        let names: Vec<_> = models.iter().map(|it| it.name()).collect();
        let freshness = Freshness::new(&names);
        let clock: Arc<dyn Clock> = Arc::new(around.clock.clone());
        let log = Arc::new(around.log.clone());
        let lookups = SimLookups { store: store.clone(), freshness: freshness.clone() };
        let objects = around.objects.clone();
        let lookups = Arc::new(lookups);
        let commands = Commands::new(log.clone(), objects, lookups, clock.clone(), "simulated");
        let idempotency = Idempotency::new(around.control.clone(), clock.clone());
        let faults = &around.faults;
        let behind_a_wire =
            |inner| Arc::new(SimModel { inner, faults: faults.clone() }) as Arc<dyn ReadModel>;
        let runner = Runner {
            log,
            models: models.into_iter().map(behind_a_wire).collect(),
            freshness: freshness.clone(),
            clock: Arc::new(move || clock.now_us()),
            duty,
            settings: RunnerSettings {
                events_max: 24,
                poll_every: Duration::from_secs(2),
                ..RunnerSettings::default()
            },
        };
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        tasks.spawn(runner.run(stop.clone()));
        let (manager, sweeper) = ingest(around, &commands, owner);
        let stopped = stop.clone();
        tasks.spawn(async move { manager.run(stopped).await });
        let stopped = stop.clone();
        tasks.spawn(async move { sweeper.run(stopped).await });
        Self { store, freshness, commands, idempotency, tasks: Mutex::new(tasks), stop }
    }

    /// Executes an operation in this process; `None`: it died meanwhile.
    pub(super) async fn execute(
        self: &Arc<Self>,
        operation: &Operation,
    ) -> Option<Result<Acknowledged, CommandError>> {
        let (answer, answered) = oneshot::channel();
        let (process, operation) = (Arc::downgrade(self), operation.clone());
        self.tasks.lock().expect("nobody panics here").spawn(async move {
            let Some(process) = process.upgrade() else { return };
            let done = operation.execute(&process.commands, &process.idempotency).await;
            // A client that went away does not want to know.
            let _ = answer.send(done);
        });
        answered.await.ok()
    }

    /// Ends it as `kill -9` does.
    pub(super) fn die(&self) {
        self.tasks.lock().expect("nobody panics here").abort_all();
    }

    /// Ends it as SIGTERM does, at most within ten seconds.
    pub(super) async fn stop(&self) {
        self.stop.cancel();
        for _ in 0..100 {
            if self.tasks.lock().expect("nobody panics here").is_empty() {
                return;
            }
            self.find_panics();
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        self.die();
    }

    /// Returns what has panicked since the last time.
    pub(super) fn find_panics(&self) -> Option<String> {
        let mut tasks = self.tasks.lock().expect("nobody panics here");
        while let Some(ended) = tasks.try_join_next() {
            if let Some(error) = ended.err().filter(tokio::task::JoinError::is_panic) {
                return Some(error.to_string());
            }
        }
        None
    }
}

fn ingest(
    around: &Surroundings,
    commands: &Commands,
    owner: &str,
) -> (IngestProcessManager, Sweeper) {
    let ports = IngestPorts {
        executor: commands.executor().clone(),
        consumers: around.control.clone(),
        objects: around.objects.clone(),
        origins: Arc::new(SimOrigins(around.faults.clone())),
        strategies: Arc::new(SimStrategies),
        worker: Arc::new(SimWorker(around.faults.clone())),
    };
    let settings = IngestSettings {
        at_once: 3,
        pending_max: 16,
        poll_every: Duration::from_secs(2),
        lease: Duration::from_secs(12),
        ..IngestSettings::default()
    };
    let owner = LeaseOwner(owner.to_owned());
    let sweeper = Sweeper::new(&ports, &settings, owner.clone());
    (IngestProcessManager::new(ports, settings, owner), sweeper)
}
