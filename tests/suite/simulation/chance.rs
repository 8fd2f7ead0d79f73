//! Everything random comes from one seed, and so does what goes wrong.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// SplitMix64. Clones draw from the same sequence.
#[derive(Clone)]
pub(super) struct Chance(Arc<Mutex<u64>>);

impl Chance {
    pub(super) fn of_seed(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(seed)))
    }

    pub(super) fn next(&self) -> u64 {
        let mut state = self.0.lock().expect("nobody panics here");
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut it = *state;
        it = (it ^ (it >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        it = (it ^ (it >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        it ^ (it >> 31)
    }

    /// Returns a number from 0 up to `end`, which is not among them.
    pub(super) fn below(&self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    pub(super) fn one_in(&self, count: u64) -> bool {
        self.below(count) == 0
    }

    pub(super) fn pick<'a, T>(&self, of: &'a [T]) -> &'a T {
        let place = self.below(of.len() as u64);
        &of[usize::try_from(place).expect("a short list")]
    }

    pub(super) fn up_to(&self, longest: Duration) -> Duration {
        Duration::from_millis(self.below(u64::try_from(longest.as_millis()).expect("short") + 1))
    }
}

/// What may go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fault {
    /// Nothing is written, and the caller is told.
    AppendRefused,
    /// Some items of one call are written, others refused.
    AppendTorn,
    /// The caller is told that it failed, and it did not.
    AppendAnswerLost,
    /// It is written late, perhaps after the caller has died.
    AppendSlow,
    AppendFull,
    ReadRefused,
    ReadSlow,
    ShortPages,
    HintsLost,
    HintsLate,
    HintsDoubled,
    CheckpointRefused,
    CheckpointAnswerLost,
    LeaseRefused,
    LeaseAnswerLost,
    AnswersUnkept,
    AnswersForgotten,
    ModelRefused,
    ModelAnswerLost,
    ModelSlow,
    ObjectsRefused,
    ObjectsFull,
    OriginSlow,
    OriginFails,
    WorkerSlow,
    WorkerDies,
    ClockBack,
    ClockForward,
    ClockStalls,
    ProcessDies,
    ProcessStops,
    ClientRepeats,
    ClientImpatient,
}

use Fault as F;

pub(super) const ALL: [Fault; 33] = [
    F::AppendRefused,
    F::AppendTorn,
    F::AppendAnswerLost,
    F::AppendSlow,
    F::AppendFull,
    F::ReadRefused,
    F::ReadSlow,
    F::ShortPages,
    F::HintsLost,
    F::HintsLate,
    F::HintsDoubled,
    F::CheckpointRefused,
    F::CheckpointAnswerLost,
    F::LeaseRefused,
    F::LeaseAnswerLost,
    F::AnswersUnkept,
    F::AnswersForgotten,
    F::ModelRefused,
    F::ModelAnswerLost,
    F::ModelSlow,
    F::ObjectsRefused,
    F::ObjectsFull,
    F::OriginSlow,
    F::OriginFails,
    F::WorkerSlow,
    F::WorkerDies,
    F::ClockBack,
    F::ClockForward,
    F::ClockStalls,
    F::ProcessDies,
    F::ProcessStops,
    F::ClientRepeats,
    F::ClientImpatient,
];

/// The faults of one run: some of all, each as often as chance says. Clones are the same.
#[derive(Clone)]
pub(super) struct Faults {
    pub(super) chance: Chance,
    /// One in how many calls is hit.
    rates: Arc<BTreeMap<Fault, u64>>,
    is_on: Arc<AtomicBool>,
    struck: Arc<Mutex<BTreeMap<Fault, u64>>>,
}

impl Faults {
    /// Selects a swarm: each run tries other faults together, so that none hides another.
    pub(super) fn swarm(chance: &Chance) -> Self {
        let share = *chance.pick(&[2, 3, 4]);
        let mut rates = BTreeMap::new();
        for fault in ALL {
            if chance.one_in(share) {
                rates.insert(fault, *chance.pick(&[4, 12, 40]));
            }
        }
        Self {
            chance: chance.clone(),
            rates: Arc::new(rates),
            is_on: Arc::default(),
            struck: Arc::default(),
        }
    }

    pub(super) fn begin(&self) {
        self.is_on.store(true, Ordering::SeqCst);
    }

    pub(super) fn end(&self) {
        self.is_on.store(false, Ordering::SeqCst);
    }

    /// Says whether a fault hits now.
    pub(super) fn strikes(&self, fault: Fault) -> bool {
        let Some(rate) = self.rates.get(&fault) else { return false };
        let strikes = self.is_on.load(Ordering::SeqCst) && self.chance.one_in(*rate);
        if strikes {
            *self.struck.lock().expect("nobody panics here").entry(fault).or_default() += 1;
        }
        strikes
    }

    /// Waits for some time, if the fault hits.
    pub(super) async fn delay(&self, fault: Fault, longest: Duration) {
        if self.strikes(fault) {
            tokio::time::sleep(self.chance.up_to(longest)).await;
        }
    }

    /// Returns how often each fault has hit.
    pub(super) fn struck(&self) -> BTreeMap<Fault, u64> {
        self.struck.lock().expect("nobody panics here").clone()
    }
}
