//! Tests of `src`.

use super::*;
use crate::attempt::next_of;
use crate::work::change_of;
use dlcs_domain::Aggregate;
use dlcs_domain::asset::{
    Asset, AssetCommand, AssetEvent, IngestErrorCode, IngestPhase, Registration, Source,
};
use proptest::prelude::*;
use std::sync::Arc;
use uuid::Uuid;

fn asset(id: &str) -> AssetId {
    id.parse().unwrap()
}

fn cause(position: u64) -> Cause {
    let event_id = Uuid::from_u128(position.into());
    Cause { event_id, correlation_id: event_id }
}

fn told(id: &str, position: u64, change: Change) -> Signal {
    let cause = cause(position);
    Signal { asset: asset(id), position: Position(position), cause, change }
}

fn registered(id: &str, position: u64) -> Signal {
    told(id, position, Change::Opened { generation: Some(1), queue: Queue::Default })
}

fn again() -> Change {
    Change::Opened { generation: None, queue: Queue::Default }
}

fn urgent(id: &str, position: u64) -> Signal {
    told(id, position, Change::Opened { generation: Some(1), queue: Queue::Priority })
}

fn reading(signals: &[Signal]) -> Pending {
    let mut pending = Pending::after(Position::START, 10);
    for signal in signals {
        pending.take(signal);
        pending.has_read(signal.position);
    }
    pending
}

fn names_in_turn(pending: &mut Pending) -> Vec<String> {
    std::iter::from_fn(|| pending.next(0)).map(|order| order.asset.to_string()).collect()
}

#[test]
fn customers_take_turns() {
    let mut pending = reading(&[
        registered("1/1/a", 1),
        registered("1/1/b", 2),
        registered("1/1/c", 3),
        registered("2/1/d", 4),
        registered("3/1/e", 5),
    ]);
    assert_eq!(names_in_turn(&mut pending), ["1/1/a", "2/1/d", "3/1/e", "1/1/b", "1/1/c"]);
}

#[test]
fn what_has_priority_passes_what_waits() {
    let mut pending = reading(&[
        registered("1/1/a", 1),
        registered("2/1/b", 2),
        urgent("1/1/c", 3),
        urgent("2/1/d", 4),
        urgent("1/1/e", 5),
    ]);
    let turns = ["1/1/c", "2/1/d", "1/1/e", "1/1/a", "2/1/b"];
    assert_eq!(names_in_turn(&mut pending), turns);
}

#[test]
fn what_has_no_priority_moves_on_too() {
    let mut signals = vec![registered("2/1/a", 1), registered("2/1/b", 2)];
    signals.extend((3..12).map(|position| urgent(&format!("1/1/{position}"), position)));
    let turns = names_in_turn(&mut reading(&signals));
    assert_eq!((turns[3].as_str(), turns[7].as_str()), ("2/1/a", "2/1/b"), "{turns:?}");
}

#[test]
fn what_waits_may_be_given_priority_and_keeps_it() {
    let mut pending =
        reading(&[registered("1/1/a", 1), registered("1/1/b", 2), urgent("1/1/b", 3)]);
    pending.take(&told("1/1/b", 4, again()));
    assert_eq!(names_in_turn(&mut pending), ["1/1/b", "1/1/a"]);
    let mut pending = reading(&[registered("1/1/a", 1), urgent("1/1/b", 2)]);
    let order = pending.next(0).unwrap();
    pending.ended(&order.asset, order.run, Ending::Troubled { retry_at_us: 10 });
    assert_eq!(pending.next(10).unwrap().asset, asset("1/1/b"), "also when it is tried again");
}

/// Further on than the log has been read.
#[test]
fn what_was_found_ahead_is_no_news_when_it_is_read() {
    let mut pending = reading(&[registered("1/1/a", 1)]);
    pending.take(&urgent("1/1/z", 7));
    assert!(pending.is_ahead(&asset("1/1/z")) && !pending.is_ahead(&asset("1/1/a")));
    let order = pending.next(0).unwrap();
    assert_eq!(order.asset, asset("1/1/z"));
    assert_eq!(pending.started(&order.asset, order.run, Position(8)), None);
    let recorded = Ending::Recorded { position: Position(9), next: Next::Nothing };
    pending.ended(&order.asset, order.run, recorded);
    assert_eq!(pending.low_watermark(), Position(0), "the other one has not begun");
    assert_eq!(names_in_turn(&mut pending), ["1/1/a"]);
    pending.take(&urgent("1/1/z", 7));
    pending.has_read(Position(7));
    assert!(pending.next(0).is_none());
}

/// Deleted and registered anew under the same name, while the old one was being fetched.
#[test]
fn what_is_registered_anew_is_worked_on_in_its_own_generation() {
    let anew = |generation, queue| Change::Opened { generation, queue };
    for generation in [Some(2), None] {
        let mut pending = reading(&[registered("1/1/a", 1)]);
        let old = pending.next(0).unwrap();
        pending.take(&told("1/1/a", 5, anew(generation, Queue::Priority)));
        assert_eq!(pending.started(&old.asset, old.run, Position(2)), Some(old.run));
        assert_eq!(pending.next(0).unwrap().generation, generation, "it was seen ahead");

        let mut pending = reading(&[registered("1/1/a", 1)]);
        let old = pending.next(0).unwrap();
        pending.take(&told("1/1/a", 5, anew(generation, Queue::Priority)));
        pending.ended(&old.asset, old.run, Ending::NothingToDo { next: Next::Nothing });
        assert_eq!(pending.next(0).unwrap().generation, generation, "its run found nothing");

        let mut pending = reading(&[registered("1/1/a", 1)]);
        pending.take(&told("1/1/a", 5, anew(generation, Queue::Priority)));
        assert_eq!(pending.next(0).unwrap().generation, generation, "it had not begun");
    }
}

#[test]
fn an_asset_is_worked_on_once_at_a_time() {
    let mut pending = reading(&[registered("1/1/a", 1)]);
    assert!(pending.next(0).is_some());
    assert!(pending.next(0).is_none());
}

#[test]
fn the_watermark_stands_before_the_oldest_unfinished_work() {
    let mut pending = reading(&[registered("1/1/a", 3), registered("1/1/b", 5)]);
    assert_eq!(pending.low_watermark(), Position(2));
    let order = pending.next(0).unwrap();
    assert_eq!(pending.started(&order.asset, order.run, Position(6)), None);
    assert_eq!(pending.low_watermark(), Position(4));
    let recorded = Ending::Recorded { position: Position(7), next: Next::Nothing };
    pending.ended(&order.asset, order.run, recorded);
    assert_eq!(pending.low_watermark(), Position(4));
    pending.take(&told("1/1/b", 8, Change::Settled));
    pending.has_read(Position(8));
    assert_eq!(pending.low_watermark(), Position(8));
    assert_eq!(pending.active(), 0);
}

#[test]
fn what_a_run_recorded_itself_is_no_news() {
    let mut pending = reading(&[registered("1/1/a", 1)]);
    let order = pending.next(0).unwrap();
    pending.started(&order.asset, order.run, Position(2));
    let recorded = Ending::Recorded { position: Position(3), next: Next::Nothing };
    pending.ended(&order.asset, order.run, recorded);
    pending.take(&told("1/1/a", 2, Change::Started));
    pending.has_read(Position(2));
    assert!(pending.next(0).is_none(), "the start is older than the end that we know");
    pending.has_read(Position(3));
    assert_eq!(pending.active(), 0);
}

#[test]
fn a_start_of_somebody_who_died_is_work() {
    let mut pending = reading(&[registered("1/1/a", 1), told("1/1/a", 2, Change::Started)]);
    assert!(pending.next(0).is_some());
}

#[test]
fn a_retry_waits_for_its_time() {
    let mut pending = reading(&[told("1/1/a", 1, Change::Postponed { due_us: 100 })]);
    assert_eq!((pending.active(), pending.waiting()), (0, 1));
    assert!(pending.next(99).is_none());
    assert!(pending.next(100).is_some());
    assert_eq!((pending.active(), pending.waiting()), (1, 0));
}

#[test]
fn a_newer_wish_makes_a_run_pointless() {
    let mut pending = reading(&[registered("1/1/a", 1)]);
    let old = pending.next(0).unwrap();
    pending.started(&old.asset, old.run, Position(2));
    let reingest = told("1/1/a", 3, again());
    assert_eq!(pending.take(&reingest), Some(old.run));
    let new = pending.next(0).unwrap();
    assert_eq!((new.generation, new.cause), (None, cause(3)), "of whichever generation lives");
    // The late word of the old run is nobody's.
    pending.ended(&old.asset, old.run, Ending::NothingToDo { next: Next::Nothing });
    assert_eq!(pending.active(), 1);
}

#[test]
fn a_wish_read_before_the_run_said_where_it_began_is_kept() {
    let mut pending = reading(&[registered("1/1/a", 1)]);
    let early = pending.next(0).unwrap();
    assert_eq!(pending.take(&told("1/1/a", 2, again())), None);
    assert_eq!(pending.started(&early.asset, early.run, Position(3)), None, "it began later");

    let mut pending = reading(&[registered("1/1/a", 1)]);
    let late = pending.next(0).unwrap();
    assert_eq!(pending.take(&told("1/1/a", 3, again())), None);
    assert_eq!(pending.started(&late.asset, late.run, Position(2)), Some(late.run));
    assert!(pending.next(0).is_some());
}

/// After a restart old events are read again, and the run that they open looks at the asset just
/// before a client asks for another attempt.
#[test]
fn a_wish_read_while_a_run_found_nothing_to_do_is_kept() {
    let mut pending = reading(&[registered("1/1/a", 1)]);
    let idle = pending.next(0).unwrap();
    assert_eq!(pending.take(&told("1/1/a", 4, again())), None);
    pending.has_read(Position(4));
    pending.ended(&idle.asset, idle.run, Ending::NothingToDo { next: Next::Nothing });
    assert_eq!(pending.low_watermark(), Position(3));
    assert_eq!(pending.next(0).unwrap().cause, cause(4));
}

#[test]
fn a_deleted_asset_is_no_work() {
    let mut pending = reading(&[registered("1/1/a", 1), registered("1/1/b", 2)]);
    let order = pending.next(0).unwrap();
    assert_eq!(pending.take(&told("1/1/a", 3, Change::Cancelled)), Some(order.run));
    assert_eq!(pending.take(&told("1/1/b", 4, Change::Cancelled)), None);
    assert_eq!(pending.active(), 0);
    assert!(pending.next(0).is_none());
}

#[test]
fn trouble_is_tried_again_and_counted() {
    let mut pending = reading(&[registered("1/1/a", 1)]);
    for troubles in 0..3 {
        let order = pending.next(troubles * 10).unwrap();
        let retry_at_us = (troubles + 1) * 10;
        pending.ended(&order.asset, order.run, Ending::Troubled { retry_at_us });
        assert!(pending.next(retry_at_us - 1).is_none());
    }
    assert_eq!(pending.troubles(&asset("1/1/a")), 3);
    assert_eq!(pending.low_watermark(), Position(0));
}

/// An attempt that has begun, and where that was recorded.
#[derive(Clone, Copy)]
struct Begun {
    generation: u32,
    attempt: u32,
    at: Position,
}

/// A little world: real aggregates, one log, and a process that may die at any moment.
struct World {
    assets: Vec<Asset>,
    log: Vec<(usize, AssetEvent)>,
    now_us: i64,
    pending: Pending,
    /// Runs, with the attempts that they opened.
    runs: Vec<(Order, Begun)>,
    checkpoint: Position,
}

impl World {
    const COUNT: usize = 3;
    const FINISHED_MAX: usize = 1;

    fn new() -> Self {
        Self {
            assets: vec![Asset::default(); Self::COUNT],
            log: Vec::new(),
            now_us: 0,
            pending: Pending::after(Position::START, Self::FINISHED_MAX),
            runs: Vec::new(),
            checkpoint: Position::START,
        }
    }

    fn id(index: usize) -> AssetId {
        asset(&format!("1/1/{index}"))
    }

    fn index(id: &AssetId) -> usize {
        id.name().parse().unwrap()
    }

    /// Decides and records. Returns the position of the last event, if there is one.
    fn send(&mut self, index: usize, command: AssetCommand) -> Option<Position> {
        let events = self.assets[index].handle(command).unwrap_or_default();
        for event in &events {
            self.assets[index].apply(event);
            self.log.push((index, event.clone()));
        }
        (!events.is_empty()).then_some(Position(self.log.len() as u64))
    }

    fn read_one(&mut self) -> bool {
        let read = self.pending.read_up_to();
        let Some((index, event)) = self.log.get(usize::try_from(read.0).unwrap()) else {
            return false;
        };
        let position = Position(read.0 + 1);
        if let Some(change) = change_of(event) {
            let (asset, cause) = (Self::id(*index), cause(position.0));
            let pointless = self.pending.take(&Signal { asset, position, cause, change });
            self.runs.retain(|(order, _)| Some(order.run) != pointless);
        }
        self.pending.has_read(position);
        true
    }

    /// Takes what has priority further on in the log, and what follows for it.
    fn look_ahead(&mut self, many: usize) {
        let read = usize::try_from(self.pending.read_up_to().0).unwrap();
        let ahead: Vec<_> = (read..).zip(self.log[read..].iter().cloned()).take(many).collect();
        for (before, (index, event)) in ahead {
            let Some(change) = change_of(&event) else { continue };
            let position = Position(before as u64 + 1);
            let signal =
                Signal { asset: Self::id(index), position, cause: cause(position.0), change };
            if signal.is_urgent() || self.pending.is_ahead(&signal.asset) {
                let pointless = self.pending.take(&signal);
                self.runs.retain(|(order, _)| Some(order.run) != pointless);
            }
        }
    }

    fn begin_one(&mut self) -> bool {
        let Some(order) = self.pending.next(self.now_us) else { return false };
        let index = Self::index(&order.asset);
        let live = self.assets[index].live().map(|asset| asset.generation);
        let Some(generation) = order.generation.or(live) else {
            self.end(&order, 0, None);
            return true;
        };
        let now_us = self.now_us;
        let at = self.send(index, AssetCommand::StartIngest { generation, now_us });
        let asset = self.assets[index].live().filter(|it| it.ingest == IngestPhase::Started);
        match (at, asset) {
            (Some(at), Some(asset)) => {
                let (generation, attempt) = (asset.generation, asset.attempt);
                self.runs.push((order, Begun { generation, attempt, at }));
            }
            (at, _) => self.end(&order, generation, at),
        }
        true
    }

    /// The word that a run has begun may come late.
    fn tell_begun(&mut self, chosen: usize) {
        if let Some((order, begun)) = self.runs.get(chosen).cloned() {
            let pointless = self.pending.started(&order.asset, order.run, begun.at);
            self.runs.retain(|(order, _)| Some(order.run) != pointless);
        }
    }

    fn end_one(&mut self, chosen: usize, fails: bool) -> bool {
        if self.runs.is_empty() {
            return false;
        }
        let (order, begun) = self.runs.remove(chosen % self.runs.len());
        let Begun { generation, attempt, at } = begun;
        let index = Self::index(&order.asset);
        let (code, detail, now_us) =
            (IngestErrorCode::OriginUnreachable, String::new(), self.now_us);
        let command = if fails {
            AssetCommand::ReportFailed { generation, attempt, code, detail, now_us }
        } else {
            let delivered = crate::make::tests::delivered();
            AssetCommand::ReportDelivered { generation, attempt, delivered }
        };
        let recorded = self.send(index, command);
        if self.pending.started(&order.asset, order.run, at).is_none() {
            self.end(&order, generation, recorded);
        }
        true
    }

    fn end(&mut self, order: &Order, generation: u32, recorded: Option<Position>) {
        let asset = &self.assets[Self::index(&order.asset)];
        let next = next_of(asset, generation, self.now_us);
        let ending = match recorded {
            Some(position) => Ending::Recorded { position, next },
            None => Ending::NothingToDo { next },
        };
        self.pending.ended(&order.asset, order.run, ending);
    }

    fn save(&mut self) {
        let reached = self.pending.low_watermark();
        assert!(reached >= self.checkpoint, "a checkpoint never goes back");
        assert!(reached <= self.pending.read_up_to());
        self.checkpoint = reached;
    }

    fn crash(&mut self) {
        self.runs.clear();
        self.pending = Pending::after(self.checkpoint, Self::FINISHED_MAX);
    }

    fn step(&mut self, step: u8, chosen: usize) {
        let index = chosen % Self::COUNT;
        match step {
            0 => {
                let source = Source::Origin { url: format!("http://example.org/{chosen}") };
                let queue = if chosen < 4 { Queue::Default } else { Queue::Priority };
                let registration = Registration { queue, ..Registration::of(source) };
                let defaults = Arc::default();
                self.send(index, AssetCommand::Register { registration, defaults });
            }
            1 => drop(self.send(index, AssetCommand::RequestReingest { batch: None })),
            11 => self.look_ahead(chosen),
            2 => drop(self.send(index, AssetCommand::Delete)),
            3 => self.crash(),
            4 => self.save(),
            5 => self.tell_begun(chosen),
            6 | 7 => drop(self.end_one(chosen, step == 7)),
            8 => self.now_us += 60_000_000,
            9 | 10 => drop(self.begin_one()),
            _ => drop(self.read_one()),
        }
    }

    /// Lets everything come to rest, without further failures.
    fn settle(&mut self) {
        for _ in 0..10_000 {
            let is_busy = self.read_one() | self.begin_one() | self.end_one(0, false);
            if !is_busy && self.pending.waiting() == 0 {
                return;
            }
            self.now_us += 1_000_000;
        }
        panic!("it never comes to rest: {:?}", self.pending);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_every_asset_ends_and_nothing_is_left_over(
        steps in proptest::collection::vec((0u8..16, 0usize..8), 0..120),
    ) {
        let mut world = World::new();
        for (step, chosen) in steps {
            world.step(step, chosen);
        }
        world.settle();
        for asset in world.assets.iter().filter_map(Asset::live) {
            prop_assert!(!asset.is_ingesting(), "{asset:?}");
        }
        prop_assert_eq!(world.pending.active(), 0);
        world.save();
        prop_assert_eq!(world.checkpoint, Position(world.log.len() as u64));
        let mut results = HashMap::new();
        let mut generations: HashMap<usize, u32> = HashMap::new();
        for (index, event) in &world.log {
            match event {
                AssetEvent::Registered(it) => drop(generations.insert(*index, it.generation)),
                AssetEvent::IngestDelivered(it) => {
                    *results.entry((*index, generations.get(index).copied(), it.attempt)).or_insert(0) += 1;
                }
                _ => {}
            }
        }
        prop_assert!(results.values().all(|count| *count == 1), "{results:?}");
    }
}
