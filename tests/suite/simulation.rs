//! R29: the core in a deterministic simulation.
//!
//! One thread, simulated time, and one seed that decides everything: what clients ask, what goes
//! wrong, and when processes die. Invariants are checked after every step; when the faults end,
//! everything must come to its end. A run is repeated with `DLCS_SIM_SEED=x`; `DLCS_SIM_SEEDS=n`
//! runs more of them.
//!
//! Not here: adapters. They pass the conformance suites of the ports that are simulated here.

mod chance;
mod checker;
mod folded;
mod models;
mod operations;
mod outside;
mod process;
mod stores;
mod world;

use dlcs_adapter_sqlite::read_models::ReadModels;
use dlcs_eventlog::EventLog;
use dlcs_projections::memory::MemoryReadModels;
use dlcs_projections::projection::OnPoison;
use dlcs_projections::read_store::ReadStore;
use dlcs_projections::replay::{Target, replay};
use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Instant;
use world::{Failure, Summary, history, simulate};

/// Seeds of every run of the suite.
const SEEDS: u64 = 500;
/// The first one, unless one is named.
const FIRST_SEED: u64 = 20_261_123;
const THREADS: u64 = 2;

/// A world in which something is wrong, so that the checker can be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// The log says yes before it writes.
    AcknowledgesBeforeAppending,
    /// The log leaves events out of a page.
    SkipsEvents,
    /// The API passes no command id on, so that a repetition is another command.
    ForgetsKeys,
    /// A read model applies whatever it is given.
    ComparesNoCheckpoint,
    /// A read model saves rows and checkpoint one after the other.
    SavesApart,
    /// Blobs are said to be durable and are not.
    LosesBlobs,
    /// The lease of a dead process is held for ever.
    LeasesNeverEnd,
}

fn number(variable: &str) -> Option<u64> {
    std::env::var_os(variable).and_then(|it| it.to_str()?.parse().ok())
}

/// Runs each seed and returns what they did, or the first that failed.
fn run(seeds: Range<u64>, flaw: Option<Flaw>) -> Result<Summary, Box<Failure>> {
    let mut all = Summary::default();
    for seed in seeds {
        all.add(&simulate(seed, flaw)?);
    }
    Ok(all)
}

fn commit() -> String {
    let root = crate::support::workspace_root();
    let output =
        std::process::Command::new("git").args(["rev-parse", "HEAD"]).current_dir(root).output();
    let text = output.map(|it| String::from_utf8_lossy(&it.stdout).trim().to_owned());
    text.unwrap_or_else(|_| "unknown".to_owned())
}

#[test]
fn simulated_processes_keep_every_promise() {
    let first = number("DLCS_SIM_SEED");
    let count = number("DLCS_SIM_SEEDS").unwrap_or(if first.is_some() { 1 } else { SEEDS });
    let first = first.unwrap_or(FIRST_SEED);
    let begun = Instant::now();
    let ranges =
        (0..THREADS).map(|it| first + count * it / THREADS..first + count * (it + 1) / THREADS);
    let threads: Vec<_> =
        ranges.map(|seeds| std::thread::spawn(move || run(seeds, None))).collect();
    let mut all = Summary::default();
    for thread in threads {
        match thread.join().expect("a run does not panic") {
            Ok(summary) => all.add(&summary),
            Err(failure) => panic!("commit {}: {failure}", commit()),
        }
    }
    eprintln!("simulation: {count} seeds from {first} in {:.1?}: {all}", begun.elapsed());
}

#[test]
fn a_seed_gives_the_same_run_again() {
    for seed in [1, 2, 3] {
        let once = simulate(seed, None).unwrap_or_else(|failure| panic!("{failure}"));
        let again = simulate(seed, None).unwrap_or_else(|failure| panic!("{failure}"));
        assert_eq!(once, again, "seed {seed}");
    }
}

#[test]
fn every_fault_is_among_the_first_seeds() {
    let mut struck = BTreeMap::new();
    for seed in 0..40 {
        let summary = simulate(seed, None).unwrap_or_else(|failure| panic!("{failure}"));
        for (fault, count) in summary.struck {
            *struck.entry(fault).or_insert(0) += count;
        }
    }
    let missing: Vec<_> = chance::ALL.iter().filter(|it| !struck.contains_key(it)).collect();
    assert!(missing.is_empty(), "never tried: {missing:?}");
}

/// The reference is what the simulation compares with; so it must be what SQLite is.
#[test]
fn sqlite_dumps_what_the_reference_dumps() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    for seed in 0..4 {
        let log = history(seed).unwrap_or_else(|failure| panic!("{failure}"));
        let folder = tempfile::tempdir().expect("a temporary folder");
        let sqlite = ReadModels::open(folder.path(), log.clone()).expect("an empty folder");
        let pairs = sqlite.models().into_iter().zip(MemoryReadModels::default().models());
        runtime.block_on(async {
            let to = log.head().await.expect("memory");
            for (sqlite, memory) in pairs {
                let targets = [sqlite, memory].map(|model| Target { model, to });
                replay(&*log, &targets, OnPoison::Stop).await.expect("it can be folded");
                let [sqlite, memory] = targets.map(|it| it.model);
                let sqlite = sqlite.dump().await.expect("a file");
                assert_eq!(sqlite, memory.dump().await.expect("memory"), "seed {seed}");
                let is_filled = sqlite.tables.iter().any(|it| it.rows > 0);
                // The simulated clients do not annotate, define no queries and roles, and make no keys,
                // whose secrets are random; the conformance suite compares these.
                let is_spared = ["annotations", "definitions", "keys", "named-queries"]
                    .contains(&&*sqlite.projection);
                assert!(is_filled || is_spared, "{} is empty", sqlite.projection);
            }
        });
    }
}

/// Seeds within which a flaw must be found.
const CANARY_SEEDS: u64 = 30;

fn is_caught(flaw: Flaw, broken: &str) {
    let failure = run(0..CANARY_SEEDS, Some(flaw)).expect_err("it must be found");
    eprintln!("simulation: {flaw:?} is found by seed {}: {}", failure.seed, failure.broken);
    assert!(failure.broken.contains(broken), "{}", failure.broken);
}

#[test]
fn canary_an_acknowledgement_without_an_event_is_found() {
    is_caught(Flaw::AcknowledgesBeforeAppending, "is lost");
}

#[test]
fn canary_a_skipped_event_is_found() {
    is_caught(Flaw::SkipsEvents, "is no fold");
}

#[test]
fn canary_a_repetition_that_is_applied_again_is_found() {
    is_caught(Flaw::ForgetsKeys, "and again at");
}

#[test]
fn canary_a_batch_that_is_applied_twice_is_found() {
    is_caught(Flaw::ComparesNoCheckpoint, "assets ");
}

#[test]
fn canary_a_checkpoint_apart_from_its_rows_is_found() {
    is_caught(Flaw::SavesApart, "assets differs");
}

#[test]
fn canary_a_lost_blob_is_found() {
    is_caught(Flaw::LosesBlobs, "which is lost");
}

#[test]
fn canary_a_lease_that_never_ends_is_found() {
    is_caught(Flaw::LeasesNeverEnd, "does not come to an end");
}
