//! Events in, commands out, whatever the work is: what was asked for comes to an end.
//!
//! - One process at a time does it, under a lease.
//! - The checkpoint stands before the oldest unfinished work, so a restart finds everything again.
//! - What is known of unfinished work is bounded; the log holds the rest. While there is no room,
//!   what has priority is looked for further on in the log.
//! - An attempt without a result is repeated under a new number; the late result of an old one
//!   changes nothing. Both are the domain's rules, so nothing here has to be exactly once.

use crate::measures;
use crate::pending::{Ending, Order, Pending, Run};
use crate::sending::Trouble;
use crate::settings::IngestSettings;
use crate::work::{Moment, SignalError, Work};
use dlcs_commands::{Executor, Position};
use dlcs_domain::AssetId;
use dlcs_eventlog::consumers::{ConsumerError, ConsumerName, ConsumerStore, LeaseOwner, Parked};
use dlcs_eventlog::lease::{Lease, LeaseHolder};
use dlcs_eventlog::{EventId, LogError, RecordedEvent, StreamId};
use futures::FutureExt;
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinError, JoinSet};
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

/// Events read at once.
const PAGE_LENGTH: usize = 512;
/// What has priority may be as many times the work that is known otherwise, together with that.
const PRIORITY_ROOM: usize = 2;
/// Longest pause before work that met trouble is tried again.
const TROUBLE_PAUSE_MAX: Duration = Duration::from_secs(30);

/// Pause after something that does not pass by itself.
const INTERRUPTION_PAUSE: Duration = Duration::from_secs(5);

/// Takes what there is to do from the log and sees it through.
pub(crate) struct WorkManager<W> {
    executor: Executor,
    consumers: Arc<dyn ConsumerStore>,
    consumer: ConsumerName,
    work: Arc<W>,
    settings: IngestSettings,
    holder: LeaseHolder,
}

#[derive(Debug, thiserror::Error)]
enum Interruption {
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Consumers(#[from] ConsumerError),
}

/// What a run says of itself.
struct Report {
    asset: AssetId,
    run: Run,
    ended: Result<Ending, Trouble>,
}

/// One spell of work under one lease.
struct Shift<'a, W> {
    manager: &'a WorkManager<W>,
    pending: Pending,
    runs: JoinSet<Report>,
    in_flight: HashMap<Run, AbortHandle>,
    begun: mpsc::UnboundedSender<(AssetId, Run, Position)>,
    saved: Position,
    saved_at: Instant,
    /// How far what has priority was looked for.
    looked: Position,
}

impl<W: Work> WorkManager<W> {
    /// `owner` names this process and its start, and is never used again.
    pub(crate) fn new(
        executor: Executor,
        consumers: Arc<dyn ConsumerStore>,
        work: W,
        settings: IngestSettings,
        owner: LeaseOwner,
    ) -> Self {
        let consumer = ConsumerName(W::CONSUMER.to_owned());
        let holder = LeaseHolder {
            consumers: consumers.clone(),
            consumer: consumer.clone(),
            owner,
            duration: settings.lease,
            clock: lease_clock(&executor),
        };
        Self { executor, consumers, consumer, work: Arc::new(work), settings, holder }
    }

    /// Works until it is stopped. Returns once running attempts have ended or were given up.
    pub(crate) async fn run(&self, stop: CancellationToken) {
        W::reached(Moment::BeforeLease);
        while let Some(lease) = self.holder.acquire(&stop).await {
            W::reached(Moment::AfterLease);
            let ended = self.shift(&lease, &stop).await;
            W::reached(Moment::BeforeRelease);
            lease.release().await;
            match ended {
                Ok(()) => info!("{} rests", W::CONSUMER),
                Err(interruption) => {
                    error!(error = %interruption, "{} was interrupted", W::CONSUMER);
                    let pause = sleep(INTERRUPTION_PAUSE);
                    stop.run_until_cancelled(pause).await;
                }
            }
        }
    }

    async fn shift(&self, lease: &Lease, stop: &CancellationToken) -> Result<(), Interruption> {
        let checkpoint = self.consumers.checkpoint(&self.consumer).await?;
        let (begun, mut has_begun) = mpsc::unbounded_channel();
        let mut shift = Shift {
            manager: self,
            pending: Pending::after(checkpoint, self.settings.pending_max),
            runs: JoinSet::new(),
            in_flight: HashMap::new(),
            begun,
            saved: checkpoint,
            saved_at: Instant::now(),
            looked: checkpoint,
        };
        let mut hints = self.executor.log().head_hints();
        while !stop.is_cancelled() && !lease.lost().is_cancelled() {
            let is_behind = shift.read().await?;
            shift.start_what_is_due();
            shift.save_now_and_then().await?;
            let pause = if is_behind { Duration::ZERO } else { self.settings.poll_every };
            tokio::select! {
                biased;
                () = stop.cancelled() => {}
                () = lease.lost().cancelled() => {}
                Some((asset, run, at)) = has_begun.recv() => shift.has_begun(&asset, run, at),
                Some(ended) = shift.runs.join_next() => shift.has_ended(ended).await?,
                Ok(()) = hints.changed() => {}
                () = sleep(pause) => {}
            }
        }
        if lease.lost().is_cancelled() {
            return Ok(());
        }
        shift.wind_down().await
    }

    fn now_us(&self) -> i64 {
        self.executor.clock().now_us()
    }

    async fn park(
        &self,
        stream: StreamId,
        position: Position,
        event_id: EventId,
        error: String,
    ) -> Result<(), ConsumerError> {
        error!(%stream, %position, error, "an event is parked: there is no {} of its asset", W::CONSUMER);
        measures::parked(W::CONSUMER);
        let consumer = self.consumer.clone();
        let parked_at_us = self.now_us();
        let parked =
            Parked { consumer, stream, position, event_id, error, attempts: 1, parked_at_us };
        self.consumers.park(parked).await
    }
}

impl<W: Work> Shift<'_, W> {
    /// Reads a page, if there is room for what it may hold. Says whether there may be more.
    async fn read(&mut self) -> Result<bool, Interruption> {
        let settings = &self.manager.settings;
        let room = settings.pending_max.saturating_sub(self.pending.active());
        let room = room.min(settings.waiting_max.saturating_sub(self.pending.waiting()));
        let limit = room.min(PAGE_LENGTH);
        if limit == 0 {
            return self.look_ahead().await;
        }
        let events = self.page(self.pending.read_up_to(), limit).await?;
        for event in &events {
            self.take(event).await?;
        }
        if let Some(last) = events.last() {
            self.pending.has_read(last.position);
        }
        Ok(events.len() == limit)
    }

    /// Looks further on in the log for what does not wait until there is room for all that stands
    /// before it. What is found is seen to the end here; when it is read again in its turn, it is no
    /// news. Says whether there may be more.
    async fn look_ahead(&mut self) -> Result<bool, Interruption> {
        if self.pending.active() >= PRIORITY_ROOM * self.manager.settings.pending_max {
            return Ok(false);
        }
        let after = self.looked.max(self.pending.read_up_to());
        let events = self.page(after, PAGE_LENGTH).await?;
        for event in &events {
            // What cannot be understood is told of in its turn.
            let Ok(Some(signal)) = W::signal(event) else { continue };
            if signal.is_urgent() || self.pending.is_ahead(&signal.asset) {
                let pointless = self.pending.take(&signal);
                self.abort(pointless);
            }
        }
        if let Some(last) = events.last() {
            self.looked = last.position;
        }
        Ok(events.len() == PAGE_LENGTH)
    }

    /// Reads a page; nothing, where the log cannot be read for now.
    async fn page(&self, after: Position, limit: usize) -> Result<Vec<RecordedEvent>, LogError> {
        match self.manager.executor.log().read_all(after, limit).await {
            Err(error @ LogError::Unavailable(_)) => {
                warn!(%error, "{} cannot read on for now", W::CONSUMER);
                Ok(Vec::new())
            }
            read => read,
        }
    }

    async fn take(&mut self, event: &RecordedEvent) -> Result<(), ConsumerError> {
        match W::signal(event) {
            Ok(None) => Ok(()),
            Ok(Some(signal)) => {
                let pointless = self.pending.take(&signal);
                self.abort(pointless);
                Ok(())
            }
            Err(error @ (SignalError::Stream(_) | SignalError::Wire(_))) => {
                let (stream, event_id) = (event.stream.clone(), event.event_id);
                self.manager.park(stream, event.position, event_id, error.to_string()).await
            }
        }
    }

    fn start_what_is_due(&mut self) {
        let now_us = self.manager.now_us();
        while self.in_flight.len() < self.manager.settings.at_once {
            let Some(order) = self.pending.next(now_us) else { break };
            self.start(order);
        }
        let (active, waiting) = (self.pending.active(), self.pending.waiting());
        measures::queue(W::CONSUMER, active, waiting, self.in_flight.len());
    }

    fn start(&mut self, order: Order) {
        let (work, begun) = (Arc::clone(&self.manager.work), self.begun.clone());
        let run = order.run;
        let task = async move {
            let says = |at| {
                // Nobody listens any more: the shift is over.
                let _ = begun.send((order.asset.clone(), order.run, at));
            };
            let ended = AssertUnwindSafe(work.run(&order, says)).catch_unwind().await;
            let ended = ended.unwrap_or_else(|_| Err(Trouble::Passing("it panicked".to_owned())));
            Report { asset: order.asset, run: order.run, ended }
        };
        self.in_flight.insert(run, self.runs.spawn(task));
    }

    fn has_begun(&mut self, asset: &AssetId, run: Run, at: Position) {
        let pointless = self.pending.started(asset, run, at);
        self.abort(pointless);
    }

    async fn has_ended(&mut self, ended: Result<Report, JoinError>) -> Result<(), ConsumerError> {
        // A run that was aborted has been forgotten already.
        let Ok(Report { asset, run, ended }) = ended else { return Ok(()) };
        self.in_flight.remove(&run);
        match ended {
            Ok(ending) => self.pending.ended(&asset, run, ending),
            Err(Trouble::Passing(error)) => {
                let troubles = self.pending.troubles(&asset);
                warn!(asset.id = %asset, error, "the {} of asset {asset} is tried again", W::CONSUMER);
                let retry_at_us = self.manager.now_us() + pause_us(troubles);
                self.pending.ended(&asset, run, Ending::Troubled { retry_at_us });
            }
            Err(Trouble::Lasting(error)) => {
                let position = self.pending.position_of(&asset).unwrap_or_default();
                self.pending.give_up(&asset, run);
                let stream = StreamId::new(W::CATEGORY, &asset.to_string());
                let event_id = EventId(uuid::Uuid::nil());
                self.manager.park(stream, position, event_id, error).await?;
            }
        }
        Ok(())
    }

    fn abort(&mut self, pointless: Option<Run>) {
        if let Some(handle) = pointless.and_then(|run| self.in_flight.remove(&run)) {
            handle.abort();
        }
    }

    async fn save_now_and_then(&mut self) -> Result<(), ConsumerError> {
        if self.saved_at.elapsed() < self.manager.settings.save_every {
            return Ok(());
        }
        self.saved_at = Instant::now();
        self.save().await
    }

    async fn save(&mut self) -> Result<(), ConsumerError> {
        let reached = self.pending.low_watermark();
        if reached > self.saved {
            let WorkManager { consumers, consumer, .. } = self.manager;
            W::reached(Moment::BeforeCheckpoint);
            match consumers.advance(consumer, self.saved, reached).await {
                Err(error @ ConsumerError::Store(_)) => {
                    warn!(%error, "the progress of {} cannot be saved for now", W::CONSUMER);
                }
                saved => {
                    saved?;
                    self.saved = reached;
                    W::reached(Moment::AfterCheckpoint);
                }
            }
        }
        Ok(())
    }

    /// Gives running attempts a moment. What does not end is found again by whoever comes next.
    async fn wind_down(mut self) -> Result<(), Interruption> {
        let deadline = Instant::now() + self.manager.settings.stop_grace;
        while let Ok(Some(ended)) = timeout_at(deadline, self.runs.join_next()).await {
            self.has_ended(ended).await?;
        }
        self.runs.shutdown().await;
        Ok(self.save().await?)
    }
}

/// The write side's clock, as leases read it.
pub(crate) fn lease_clock(executor: &Executor) -> dlcs_eventlog::log::Clock {
    let executor = executor.clone();
    Arc::new(move || executor.clock().now_us())
}

fn pause_us(troubles: u32) -> i64 {
    let pause = Duration::from_secs(1 << troubles.min(10)).min(TROUBLE_PAUSE_MAX);
    i64::try_from(pause.as_micros()).unwrap_or(i64::MAX)
}
