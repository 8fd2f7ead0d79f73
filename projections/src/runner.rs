//! Keeps read models up to date: catches up, then follows the log.
//!
//! - Each projection advances by itself: a slow or broken one holds up no other.
//! - Where several processes share the read models, one of them advances a projection, under a lease
//!   of its own; the others watch how far it is. A second one would do no harm: the checkpoint moves
//!   by compare and set, in the transaction that writes the rows.
//! - A piece is what has been recorded since the last one, up to a maximum: the backlog sets the
//!   size, nothing waits for more to come.
//! - Hints of the log wake the runner; polling is the truth.
//! - What may pass is tried again for ever, ever more slowly; what cannot pass is parked.

use crate::feed::{Feed, Piece};
use crate::freshness::Freshness;
use crate::projection::{ApplyError, OnPoison, ParkedEvent, ReadModel, StoreError};
use dlcs_eventlog::consumers::{ConsumerName, ConsumerStore, LeaseOwner};
use dlcs_eventlog::lease::{LEASE_DURATION, LeaseHolder};
use dlcs_eventlog::log::Clock;
use dlcs_eventlog::{EventLog, LogError, Position};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// How soon one looks again at a projection that another process is advancing.
const WATCH_FIRST: Duration = Duration::from_millis(10);
const WATCH_AT_MOST: Duration = Duration::from_millis(250);

/// How the runner works.
#[derive(Debug, Clone, Copy)]
pub struct RunnerSettings {
    /// Most events of one transaction.
    pub events_max: usize,
    /// How often the log is asked when it gives no hints.
    pub poll_every: Duration,
    pub retry_first: Duration,
    pub retry_at_most: Duration,
}

impl Default for RunnerSettings {
    fn default() -> Self {
        Self {
            events_max: 4_096,
            poll_every: Duration::from_millis(500),
            retry_first: Duration::from_millis(50),
            retry_at_most: Duration::from_secs(10),
        }
    }
}

/// Who advances the read models.
#[derive(Clone)]
pub enum Duty {
    /// This process, which alone can: the read models are embedded in it.
    Alone,
    /// This process, for as long as it holds the lease of a projection.
    Leased { consumers: Arc<dyn ConsumerStore>, owner: LeaseOwner },
    /// Other processes: this one only sees how far they are.
    Watch,
}

/// Returns the name of the lease of a projection of some version.
pub fn lease_name(projection: &str, version: u32) -> ConsumerName {
    ConsumerName(format!("projection/{projection}/v{version}"))
}

/// Feeds every read model of this process from one log.
pub struct Runner {
    pub log: Arc<dyn EventLog>,
    pub models: Vec<Arc<dyn ReadModel>>,
    pub freshness: Freshness,
    /// Tells how far behind a projection is in time.
    pub clock: Clock,
    pub duty: Duty,
    pub settings: RunnerSettings,
}

impl Runner {
    /// Runs until `stop`; what is being applied then is finished first.
    pub async fn run(self, stop: CancellationToken) {
        let feed = Arc::new(Feed::new(Arc::clone(&self.log), self.settings.events_max));
        let follower = |model| Follower {
            model,
            feed: Arc::clone(&feed),
            log: Arc::clone(&self.log),
            freshness: self.freshness.clone(),
            clock: Arc::clone(&self.clock),
            settings: self.settings,
        };
        let runs = self.models.iter().map(async |model| {
            let follower = follower(Arc::clone(model));
            match &self.duty {
                Duty::Alone => follower.advance(&stop).await,
                Duty::Watch => follower.watch(&stop).await,
                Duty::Leased { consumers, owner } => {
                    let holder = LeaseHolder {
                        consumers: Arc::clone(consumers),
                        consumer: lease_name(follower.model.name(), follower.model.version()),
                        owner: owner.clone(),
                        duration: LEASE_DURATION,
                        clock: Arc::clone(&self.clock),
                    };
                    follower.take_turns(&holder, &stop).await;
                }
            }
        });
        futures::future::join_all(runs).await;
    }
}

/// Keeps one read model up to date.
struct Follower {
    model: Arc<dyn ReadModel>,
    feed: Arc<Feed>,
    log: Arc<dyn EventLog>,
    freshness: Freshness,
    clock: Clock,
    settings: RunnerSettings,
}

#[derive(Debug, thiserror::Error)]
enum StepError {
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Apply(#[from] ApplyError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Whether there may be more to do at once.
enum Step {
    Advanced,
    Idle,
}

impl Follower {
    /// Advances while the lease is ours, watches while it is not.
    async fn take_turns(&self, holder: &LeaseHolder, stop: &CancellationToken) {
        while !stop.is_cancelled() {
            let watching = stop.child_token();
            let (lease, ()) = tokio::join!(
                async {
                    let lease = holder.acquire(stop).await;
                    watching.cancel();
                    lease
                },
                self.watch(&watching)
            );
            let Some(lease) = lease else { return };
            let turn = stop.child_token();
            tokio::select! {
                biased;
                () = self.advance(&turn) => {}
                () = async {
                    lease.lost().cancelled().await;
                    // What is being applied is finished first: its checkpoint decides.
                    turn.cancel();
                    std::future::pending::<()>().await;
                } => {}
            }
            lease.release().await;
        }
    }

    /// Tells how far the process is that advances the projection.
    async fn watch(&self, stop: &CancellationToken) {
        let mut hints = self.log.head_hints();
        let mut pause = WATCH_FIRST;
        let mut seen = Position::START;
        while !stop.is_cancelled() {
            let head = *hints.borrow_and_update();
            match self.model.checkpoint().await {
                Ok(position) => {
                    self.freshness.reached(self.model.name(), position);
                    pause = if position > seen { WATCH_FIRST } else { pause * 2 };
                    seen = position;
                }
                Err(error) => {
                    self.report_failure(&error.into(), WATCH_AT_MOST);
                    pause = WATCH_AT_MOST;
                }
            }
            pause = pause.clamp(WATCH_FIRST, WATCH_AT_MOST);
            // Behind, it is looked at often; at the head, when something new is hinted at.
            let wait = if seen < head { pause } else { self.settings.poll_every };
            let woken = async {
                if seen < head || hints.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            };
            let _ = wait_for(stop, tokio::time::timeout(wait, woken)).await;
        }
    }

    /// Applies what comes, until `stop`.
    async fn advance(&self, stop: &CancellationToken) {
        let mut hints = self.log.head_hints();
        let mut delay = self.settings.retry_first;
        while !stop.is_cancelled() {
            hints.mark_unchanged();
            let wait = match self.step().await {
                Ok(Step::Advanced) => {
                    delay = self.settings.retry_first;
                    continue;
                }
                Ok(Step::Idle) => self.settings.poll_every,
                Err(error) => {
                    self.report_failure(&error, delay);
                    let wait = delay;
                    delay = (delay * 2).min(self.settings.retry_at_most);
                    // A hint does not heal anything.
                    if wait_for(stop, tokio::time::sleep(wait)).await.is_none() {
                        return;
                    }
                    continue;
                }
            };
            let woken = async {
                // A log that gives no hints is only polled.
                if hints.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            };
            let _ = wait_for(stop, tokio::time::timeout(wait, woken)).await;
        }
    }

    /// Applies the next piece, if there is one.
    async fn step(&self) -> Result<Step, StepError> {
        let name = self.model.name();
        let from = self.model.checkpoint().await?;
        self.freshness.reached(name, from);
        let Some(piece) = self.feed.after(from).await? else {
            self.report_lag(from, None);
            return Ok(Step::Idle);
        };
        self.report_lag(from, Some(&piece));
        let begun = Instant::now();
        let applied = self.model.apply(from, piece.to, piece.events, OnPoison::Park).await;
        let parked = match applied {
            // A rebuilt read model has taken the place of this one.
            Err(ApplyError::CheckpointMoved { .. }) => return Ok(Step::Advanced),
            applied => applied?,
        };
        metrics::histogram!("dlcs_projection_batch_seconds", "projection" => name)
            .record(begun.elapsed().as_secs_f64());
        self.report_parked(&parked);
        self.freshness.reached(name, piece.to);
        Ok(Step::Advanced)
    }

    fn report_lag(&self, position: Position, next: Option<&Piece>) {
        let name = self.model.name();
        let unseen =
            next.and_then(|it| it.events.iter().find(|it| it.recorded.position > position));
        let seconds =
            unseen.map_or(0, |it| (self.clock)().saturating_sub(it.recorded.recorded_at_us)) as f64
                / 1e6;
        let head = *self.log.head_hints().borrow();
        let known = next.map_or(position, |it| it.to).max(head);
        let behind = known.0.saturating_sub(position.0);
        metrics::gauge!("dlcs_projection_position", "projection" => name).set(position.0 as f64);
        metrics::gauge!("dlcs_projection_lag_events", "projection" => name).set(behind as f64);
        metrics::gauge!("dlcs_projection_lag_seconds", "projection" => name).set(seconds.max(0.0));
    }

    fn report_parked(&self, parked: &[ParkedEvent]) {
        let name = self.model.name();
        metrics::counter!("dlcs_projection_parked_total", "projection" => name)
            .increment(parked.len() as u64);
        for ParkedEvent { stream, position, error, .. } in parked {
            tracing::error!(
                projection = name,
                event.stream = %stream,
                event.position = position.0,
                "projection {name} parked the event at {position} of {stream}: {error}"
            );
        }
    }

    fn report_failure(&self, error: &StepError, delay: Duration) {
        let name = self.model.name();
        metrics::counter!("dlcs_projection_failures_total", "projection" => name).increment(1);
        tracing::error!(
            projection = name,
            "projection {name} cannot advance and tries again in {delay:?}: {error}"
        );
    }
}

/// Waits for work, or returns `None` when it is time to stop.
async fn wait_for<T>(stop: &CancellationToken, work: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        () = stop.cancelled() => None,
        done = work => Some(done),
    }
}
