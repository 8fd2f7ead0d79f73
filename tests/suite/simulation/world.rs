//! One run: processes over shared stores, clients, mischief, and the end of it.

use super::Flaw;
use super::chance::{Chance, Fault, Faults};
use super::checker::{Broken, Checker};
use super::models::{SimStore, wait_each};
use super::operations::Operation;
use super::outside::{SimClock, SimObjects};
use super::process::{Process, Surroundings};
use super::stores::{SimControl, SimLog};
use dlcs_commands::services::NewSpace;
use dlcs_commands::{Clock, CommandContext, CommandError, Commands};
use dlcs_domain::{ActorId, CustomerId};
use dlcs_eventlog::consumers::{ConsumerName, ConsumerStore, LeaseOwner};
use dlcs_eventlog::memory::MemoryLog;
use dlcs_eventlog::{EventLog, Position};
use dlcs_projections::freshness::Freshness;
use dlcs_projections::runner::Duty;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;

const OPERATIONS: u64 = 200;
const CLIENTS: u64 = 4;
/// Tries of one operation with a key.
const TRIES_MAX: u32 = 12;
/// How long everything may take to end once nothing goes wrong any more, in simulated time.
const END: Duration = Duration::from_secs(3_600);

const HOUR_US: i64 = 3_600_000_000;
const TEN_YEARS_US: i64 = 10 * 365 * 24 * HOUR_US;

/// What a run did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Summary {
    pub(super) acknowledged: u64,
    pub(super) events: u64,
    pub(super) simulated: Duration,
    pub(super) struck: BTreeMap<Fault, u64>,
}

impl Summary {
    pub(super) fn add(&mut self, other: &Self) {
        self.acknowledged += other.acknowledged;
        self.events += other.events;
        self.simulated += other.simulated;
        for (fault, count) in &other.struck {
            *self.struck.entry(*fault).or_default() += count;
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let faults: u64 = self.struck.values().sum();
        let Self { acknowledged, events, simulated, .. } = self;
        write!(
            f,
            "{acknowledged} acknowledged, {events} events, {faults} faults of {} kinds, {} h simulated",
            self.struck.len(),
            simulated.as_secs() / 3_600
        )
    }
}

/// A run in which something did not hold.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) seed: u64,
    pub(super) broken: Broken,
    at: Duration,
    struck: BTreeMap<Fault, u64>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, broken, at, struck } = self;
        write!(
            f,
            "DLCS_SIM_SEED={seed} after {at:?} of simulated time: {broken}; faults: {struck:?}"
        )
    }
}

/// Runs one seed.
pub(super) fn simulate(seed: u64, flaw: Option<Flaw>) -> Result<Summary, Box<Failure>> {
    Ok(run(seed, flaw)?.0)
}

/// Runs one seed and returns what happened in it.
pub(super) fn history(seed: u64) -> Result<Arc<MemoryLog>, Box<Failure>> {
    Ok(run(seed, None)?.1)
}

fn run(seed: u64, flaw: Option<Flaw>) -> Result<(Summary, Arc<MemoryLog>), Box<Failure>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime starts");
    let folder = memory_folder();
    runtime.block_on(async {
        let begun = Instant::now();
        let world = World::new(seed, flaw, folder.path());
        let ended = world.run().await;
        let struck = world.around.faults.struck();
        let at = begun.elapsed();
        ended.map_err(|broken| Box::new(Failure { seed, broken, at, struck: struck.clone() }))?;
        let head = world.log.head().await.expect("memory");
        let acknowledged = world.checker.lock().await.acknowledged;
        let summary = Summary { acknowledged, events: head.0, simulated: at, struck };
        Ok((summary, world.log.clone()))
    })
}

/// Makes a folder for staged files, in memory where the machine has one there.
fn memory_folder() -> tempfile::TempDir {
    let in_memory = tempfile::tempdir_in("/dev/shm");
    in_memory.or_else(|_| tempfile::tempdir()).expect("a temporary folder")
}

struct World {
    chance: Chance,
    flaw: Option<Flaw>,
    log: Arc<MemoryLog>,
    around: Surroundings,
    /// One that all processes share, or one of each.
    stores: Vec<SimStore>,
    /// `None`: not running now.
    processes: Vec<Mutex<Option<Arc<Process>>>>,
    started: std::sync::atomic::AtomicU64,
    checker: Mutex<Checker>,
}

impl World {
    fn new(seed: u64, flaw: Option<Flaw>, folder: &std::path::Path) -> Arc<Self> {
        let chance = Chance::of_seed(seed);
        let faults = Faults::swarm(&chance);
        let clock = SimClock::new(chance.clone());
        let read = clock.clone();
        let log = Arc::new(MemoryLog::new(Arc::new(move || read.now_us())));
        let objects = Arc::new(SimObjects::new(folder, faults.clone(), flaw));
        let around = Surroundings {
            log: SimLog::new(log.clone(), faults.clone(), flaw),
            control: Arc::new(SimControl::new(faults.clone(), flaw)),
            objects: objects.clone(),
            clock,
            faults,
        };
        let processes = 1 + chance.below(3);
        let stores = if chance.one_in(2) { 1 } else { processes };
        let stores: Vec<_> = (0..stores).map(|_| SimStore::new(flaw)).collect();
        let checker = Mutex::new(Checker::new(log.clone(), objects, stores.len()));
        let processes = (0..processes).map(|_| Mutex::new(None)).collect();
        let started = std::sync::atomic::AtomicU64::new(0);
        Arc::new(Self { chance, flaw, log, around, stores, processes, started, checker })
    }

    async fn run(self: &Arc<Self>) -> Result<(), Broken> {
        self.furnish().await;
        for place in 0..self.processes.len() {
            self.start(place).await;
        }
        self.around.faults.begin();
        let mut clients = JoinSet::new();
        for client in 0..CLIENTS {
            clients.spawn(Arc::clone(self).client(client));
        }
        while !clients.is_empty() {
            sleep(Duration::from_millis(1 + self.chance.below(1_000))).await;
            self.mischief().await;
            self.check().await?;
            while let Some(ended) = clients.try_join_next() {
                ended.expect("a client does not panic")?;
            }
        }
        self.around.faults.end();
        self.around.clock.set_right();
        self.come_to_an_end().await?;
        self.checker.lock().await.dumps_are_equal(&self.stores).await
    }

    /// Makes a customer with two spaces, while nothing goes wrong.
    async fn furnish(&self) {
        let lookups = super::models::SimLookups {
            store: SimStore::default(),
            freshness: Freshness::default(),
        };
        let clock = Arc::new(self.around.clock.clone());
        let objects = self.around.objects.clone();
        let commands =
            Commands::new(self.log.clone(), objects, Arc::new(lookups), clock, "simulated");
        let actor = ActorId("process-server".to_owned());
        let context = CommandContext::new(actor, Some(CustomerId(1)), Uuid::nil());
        commands.customers.ensure_default(&context).await.expect("memory");
        for name in ["Maps0", "Books0"] {
            let space = NewSpace { name: name.to_owned(), ..NewSpace::default() };
            commands.spaces.create(&context, CustomerId(1), space).await.expect("memory");
        }
    }

    async fn start(&self, place: usize) {
        let number = self.started.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let owner = format!("process-{place}-{number}");
        let is_shared = self.stores.len() < self.processes.len();
        let store = self.stores[if is_shared { 0 } else { place }].clone();
        let duty = if is_shared {
            let consumers = self.around.control.clone();
            Duty::Leased { consumers, owner: LeaseOwner(owner.clone()) }
        } else {
            Duty::Alone
        };
        let process = Process::start(&self.around, store, duty, &owner);
        *self.processes[place].lock().await = Some(Arc::new(process));
    }

    /// Lets processes die and come back, and the clock jump.
    async fn mischief(&self) {
        let faults = &self.around.faults;
        for place in 0..self.processes.len() {
            let is_running = self.processes[place].lock().await.is_some();
            if !is_running {
                if self.chance.one_in(3) {
                    self.start(place).await;
                }
            } else if faults.strikes(Fault::ProcessDies) {
                let process = self.processes[place].lock().await.take();
                process.expect("it is running").die();
            } else if faults.strikes(Fault::ProcessStops) {
                let process = self.processes[place].lock().await.take();
                process.expect("it is running").stop().await;
            }
        }
        let clock = &self.around.clock;
        if faults.strikes(Fault::ClockBack) {
            clock.jump(-HOUR_US);
        }
        if faults.strikes(Fault::ClockForward) {
            clock.jump(TEN_YEARS_US);
            self.checker.lock().await.history.clock_has_leapt = true;
        }
        if faults.strikes(Fault::ClockStalls) {
            clock.stall();
        } else if self.chance.one_in(5) {
            clock.run_on();
        }
    }

    async fn check(&self) -> Result<(), Broken> {
        for process in &self.processes {
            let process = process.lock().await.clone();
            if let Some(panic) = process.and_then(|it| it.find_panics()) {
                return Err(format!("a process panicked: {panic}"));
            }
        }
        self.checker.lock().await.stores_are_folds(&self.stores).await
    }

    /// One client: one operation after the other.
    async fn client(self: Arc<Self>, client: u64) -> Result<(), Broken> {
        for number in 0..OPERATIONS / CLIENTS {
            sleep(self.chance.up_to(Duration::from_millis(600))).await;
            let number = client * 1_000 + number + 1;
            let operation = {
                let checker = self.checker.lock().await;
                Operation::draw(&self.chance, number, |id| checker.edits(id))
            };
            self.perform(&operation).await?;
            if operation.key.is_some() && self.around.faults.strikes(Fault::ClientRepeats) {
                self.perform(&operation).await?;
            }
        }
        Ok(())
    }

    /// Sends an operation, with a key until there is an answer.
    async fn perform(&self, operation: &Operation) -> Result<(), Broken> {
        for _ in 0..TRIES_MAX {
            match self.send(operation).await {
                Some(Ok(process)) => return self.reads_own_write(process).await,
                Some(Err(broken)) => return Err(broken),
                None if operation.key.is_none() => return Ok(()),
                None => sleep(self.chance.up_to(Duration::from_secs(3))).await,
            }
        }
        Ok(())
    }

    /// Sends it once. `None`: nobody knows what became of it.
    async fn send(
        &self,
        operation: &Operation,
    ) -> Option<Result<Option<(Arc<Process>, Position)>, Broken>> {
        let place = usize::try_from(self.chance.below(self.processes.len() as u64)).expect("few");
        let process = self.processes[place].lock().await.clone()?;
        let is_impatient = self.around.faults.strikes(Fault::ClientImpatient);
        let patience = Duration::from_secs(if is_impatient { 1 } else { 60 });
        let forgets = self.flaw == Some(Flaw::ForgetsKeys);
        let sent =
            if forgets { Operation { key: None, ..operation.clone() } } else { operation.clone() };
        let answer = timeout(patience, process.execute(&sent)).await.ok()??;
        let mut checker = self.checker.lock().await;
        Some(match answer {
            Ok(done) => {
                let told = checker.acknowledged(operation, &done).await;
                told.map(|()| Some((process, Position(done.position()))))
            }
            Err(CommandError::Unavailable(_) | CommandError::Busy | CommandError::Full(_)) => {
                return None;
            }
            Err(error) => checker.refused(operation, &error).await.map(|()| None),
        })
    }

    /// P4: who waits for the position that was told sees it in every read model.
    async fn reads_own_write(&self, told: Option<(Arc<Process>, Position)>) -> Result<(), Broken> {
        let Some((process, position)) = told else { return Ok(()) };
        let models = process.store.models();
        let names: Vec<_> = models.iter().map(|it| it.name()).collect();
        if !wait_each(&process.freshness, &names, position).await {
            return Ok(());
        }
        for model in models {
            let reached = model.checkpoint().await.expect("memory");
            if reached < position {
                return Err(format!("{} is said to be at {position}: {reached}", model.name()));
            }
        }
        Ok(())
    }

    /// Nothing goes wrong any more: everything ends delivered or failed, and is shown.
    async fn come_to_an_end(&self) -> Result<(), Broken> {
        let deadline = Instant::now() + END;
        for place in 0..self.processes.len() {
            if self.processes[place].lock().await.is_none() {
                self.start(place).await;
            }
        }
        loop {
            self.check().await?;
            let Some(unfinished) = self.unfinished().await else { return Ok(()) };
            if Instant::now() > deadline {
                return Err(format!("it does not come to an end: {unfinished}"));
            }
            sleep(Duration::from_secs(2)).await;
        }
    }

    /// Says what is not at its end.
    async fn unfinished(&self) -> Option<String> {
        let head = self.log.head().await.expect("memory");
        let ingest = ConsumerName(dlcs_ingest::process_manager::CONSUMER.to_owned());
        let consumers = &self.around.control.consumers;
        let ingested = consumers.checkpoint(&ingest).await.expect("memory");
        let checker = self.checker.lock().await;
        for (stream, asset) in &checker.history.assets {
            if asset.live().is_some_and(|it| it.is_ingesting()) {
                let story = checker.history.story(stream);
                return Some(format!("ingest is at {ingested} of {head}, {stream}: {story}"));
            }
        }
        for model in self.stores.iter().flat_map(SimStore::models) {
            let reached = model.checkpoint().await.expect("memory");
            if reached < head {
                return Some(format!("{} is at {reached} of {head}", model.name()));
            }
        }
        (ingested < head).then(|| format!("ingest is at {ingested} of {head}"))
    }
}
