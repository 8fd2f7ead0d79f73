//! Replaying the log into fresh read models, and comparing them with those that serve.

use crate::dump::Dump;
use crate::feed;
use crate::projection::{ApplyError, OnPoison, ReadModel, StoreError};
use dlcs_eventlog::{EventLog, LogError, Position};
use futures::TryStreamExt;
use serde::Serialize;
use std::pin::pin;
use std::sync::Arc;

/// Events of one transaction.
const EVENTS_MAX: usize = 8_192;

#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Apply(#[from] ApplyError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the log ends at {head}, before {to} that the read model has seen")]
    LogTooShort { head: Position, to: Position },
}

/// A read model beside its replay.
#[derive(Debug, Clone, Serialize)]
pub struct Compared {
    pub live: Dump,
    pub replayed: Dump,
    /// Tables whose rows differ; none: the two are equal.
    pub unequal_tables: Vec<String>,
}

impl Compared {
    pub fn is_equal(&self) -> bool {
        self.live.digest == self.replayed.digest
    }
}

/// A read model that is to be filled, and how far.
#[derive(Clone)]
pub struct Target {
    pub model: Arc<dyn ReadModel>,
    /// At or after the model's checkpoint.
    pub to: Position,
}

/// Applies the log to each read model up to exactly its position. The events are read once.
///
/// A position between two events stands for the one before it.
pub async fn replay(
    log: &dyn EventLog,
    targets: &[Target],
    on_poison: OnPoison,
) -> Result<(), ReplayError> {
    let mut checkpoints = Vec::with_capacity(targets.len());
    for target in targets {
        checkpoints.push(target.model.checkpoint().await?);
    }
    let end = targets.iter().map(|it| it.to).max().unwrap_or_default();
    let mut position = checkpoints.iter().copied().min().unwrap_or(end);
    let mut pieces = pin!(feed::pieces(log, position, EVENTS_MAX));
    while position < end {
        let Some(piece) = pieces.try_next().await? else {
            return Err(ReplayError::LogTooShort { head: position, to: end });
        };
        let applied = targets.iter().zip(&mut checkpoints).map(async |(target, checkpoint)| {
            let to = piece.to.min(target.to);
            if *checkpoint < to {
                let events = Arc::clone(&piece.events);
                target.model.apply(*checkpoint, to, events, on_poison).await?;
                *checkpoint = to;
            }
            Ok::<(), ApplyError>(())
        });
        futures::future::try_join_all(applied).await?;
        position = piece.to;
    }
    Ok(())
}

/// Replays each read model that serves into its fresh counterpart up to the same position, and
/// compares what both hold. The serving ones may go on meanwhile: one snapshot of each is read.
///
/// `fresh` holds one empty read model for each of `live`, in the same order.
pub async fn compare(
    log: &dyn EventLog,
    live: &[Arc<dyn ReadModel>],
    fresh: &[Arc<dyn ReadModel>],
) -> Result<Vec<Compared>, ReplayError> {
    debug_assert_eq!(live.len(), fresh.len(), "one fresh read model for each");
    let mut dumps = Vec::with_capacity(live.len());
    for model in live {
        dumps.push(model.dump().await?);
    }
    let pairs = fresh.iter().zip(&dumps);
    let targets: Vec<_> =
        pairs.map(|(model, dump)| Target { model: Arc::clone(model), to: dump.position }).collect();
    replay(log, &targets, OnPoison::Park).await?;
    let mut compared = Vec::with_capacity(live.len());
    for (live, model) in dumps.into_iter().zip(fresh) {
        let replayed = model.dump().await?;
        let unequal_tables =
            live.unequal_tables(&replayed).into_iter().map(str::to_owned).collect();
        compared.push(Compared { live, replayed, unequal_tables });
    }
    Ok(compared)
}
