//! Folding over guesses gives what folding over rows gives. Needs no server.

use super::histories::{Happening, histories, log_of};
use crate::read_models::batches::Tables;
use crate::read_models::fold::{self, Batch, Session};
use crate::read_models::table::{Known, Slots};
use dlcs_eventlog::Position;
use dlcs_projections::batches::{BatchRecord, Member};
use dlcs_projections::feed;
use dlcs_projections::memory::MemoryReadModels;
use dlcs_projections::projection::{OnPoison, ReadModel, Row};
use proptest::prelude::*;
use std::collections::{BTreeMap, HashSet};

type Rows<R> = BTreeMap<<R as Row>::Key, R>;

/// Tables that answer only what they are asked for.
#[derive(Default)]
struct Stored {
    batches: Rows<BatchRecord>,
    members: Rows<Member>,
    parked: HashSet<dlcs_eventlog::StreamId>,
}

fn answer<R: Row>(known: &mut Known<R>, stored: &Rows<R>) -> usize {
    let lacking = known.lacking();
    known.take(lacking.iter().filter_map(|key| stored.get(key).cloned()));
    lacking.len()
}

fn write<R: Row>(known: &Known<R>, stored: &mut Rows<R>) {
    for (key, change) in known.changed() {
        assert_eq!(change.stored.is_some(), stored.contains_key(key), "it knows what is stored");
        match change.current {
            Some(row) => drop(stored.insert(key.clone(), row.clone())),
            None => drop(stored.remove(key)),
        }
    }
}

impl Stored {
    /// Applies a batch; returns how many passes that took.
    fn apply(&mut self, batch: &Batch) -> usize {
        let mut tables = Tables::default();
        for passes in 1.. {
            let parked = fold::pass(&mut tables, batch, &self.parked).unwrap();
            if tables.tables().iter().any(|it: &&mut dyn Slots| it.question().is_some()) {
                let learnt = answer(&mut tables.batches, &self.batches)
                    + answer(&mut tables.members, &self.members);
                assert!(learnt > 0, "every pass learns something");
                continue;
            }
            write(&tables.batches, &mut self.batches);
            write(&tables.members, &mut self.members);
            self.parked.extend(parked.into_iter().map(|it| it.stream));
            return passes;
        }
        unreachable!("the passes come to an end");
    }
}

/// Applies a history in pieces, both ways.
async fn check(history: &[Happening], pieces: &[usize]) {
    let log = log_of(history).await;
    let (memory, mut stored) = (MemoryReadModels::default(), Stored::default());
    let mut from = Position::START;
    for size in pieces.iter().copied().cycle() {
        let Some(piece) = feed::read(log.as_ref(), from, size).await.unwrap() else { break };
        let (to, events) = (piece.to, piece.events);
        memory.batches.apply(from, to, events.clone(), OnPoison::Park).await.unwrap();
        let passes = stored.apply(&Batch { from, to, events });
        assert!(passes <= size + 2, "{passes} passes for {size} events");
        from = to;
    }
    let batches = memory.batches.read(|it| it.batches.rows().cloned().collect::<Vec<_>>());
    let members = memory.batches.read(|it| it.members.rows().cloned().collect::<Vec<_>>());
    assert_eq!(Vec::from_iter(stored.batches.into_values()), batches);
    assert_eq!(Vec::from_iter(stored.members.into_values()), members);
    let parked = memory.batches.parked().await.unwrap();
    assert_eq!(stored.parked, parked.into_iter().map(|it| it.stream).collect());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    #[test]
    fn guessing_ahead_gives_what_reading_first_gives(
        history in histories(40),
        pieces in proptest::collection::vec(1..20_usize, 1..4),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(check(&history, &pieces));
    }
}
