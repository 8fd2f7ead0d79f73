//! One webhook, from its checkpoint on: what it wants goes out, one message at a time.

use super::receiver::Answered;
use super::{Desk, Trouble, patience};
use crate::measures;
use crate::origin::OriginError;
use bytes::Bytes;
use dlcs_commands::vault::VaultError;
use dlcs_commands::webhooks::{Delivery, DeliveryState, Secret, WebhookError, consumer};
use dlcs_domain::DefinitionId;
use dlcs_domain::definition::Webhook;
use dlcs_eventlog::consumers::{ConsumerName, Parked};
use dlcs_eventlog::{Position, RecordedEvent};
use dlcs_projections::cloud_events::{CloudEvent, MEDIA_TYPE};
use dlcs_projections::definitions::Kind;
use dlcs_projections::feed::Piece;
use dlcs_projections::streams::customer_of;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

/// Pause behind a failure of the control store.
const SAVE_AGAIN: Duration = Duration::from_secs(5);

pub(super) struct Follower {
    desk: Arc<Desk>,
    id: DefinitionId,
    consumer: ConsumerName,
    delivery: Delivery,
    /// There is something new in it.
    is_unrecorded: bool,
    saved: Position,
    saved_at: Instant,
    /// Everything up to here is delivered, or was not wanted.
    reached: Position,
}

/// What becomes of a webhook after an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    GoOn,
    /// The task ends before this event: it is not its time, or it has none.
    Rest,
}

/// A message, ready to go.
struct Message {
    headers: [(&'static str, String); 4],
    body: Bytes,
}

/// Why a message did not arrive.
struct Failure {
    code: &'static str,
    status: Option<u16>,
    retry_after: Option<Duration>,
}

impl Failure {
    fn of(code: &'static str) -> Self {
        Self { code, status: None, retry_after: None }
    }
}

impl Follower {
    pub(super) fn new(desk: Arc<Desk>, id: DefinitionId, delivery: Delivery) -> Self {
        let consumer = consumer(&id);
        let [saved, reached] = [Position::START; 2];
        let saved_at = Instant::now();
        Self { desk, id, consumer, delivery, is_unrecorded: false, saved, saved_at, reached }
    }

    pub(super) async fn run(mut self, stop: CancellationToken) {
        match self.follow(&stop).await {
            // Somebody has it go on elsewhere: the next look begins there.
            Ok(()) | Err(Trouble::Kept(WebhookError::Moved)) => {}
            Err(error) => {
                warn!(%error, "webhook {} cannot be told for now", self.id);
                // What has arrived need not come again.
                let _ = self.try_save().await;
            }
        }
    }

    async fn follow(&mut self, stop: &CancellationToken) -> Result<(), Trouble> {
        let desk = Arc::clone(&self.desk);
        let checkpoint = desk.ports.webhooks.consumers.checkpoint(&self.consumer).await;
        self.saved = checkpoint.map_err(WebhookError::from)?;
        self.reached = self.saved;
        let mut hints = desk.ports.log.head_hints();
        while !stop.is_cancelled() {
            let Some(webhook) = self.webhook().await? else { break };
            match desk.feed.after(self.reached).await? {
                Some(piece) => {
                    if self.take(&webhook, &piece, stop).await? == Next::Rest {
                        break;
                    }
                }
                None => {
                    tokio::select! {
                        () = stop.cancelled() => {}
                        Ok(()) = hints.changed() => {}
                        () = sleep(desk.settings.poll_every) => {}
                    }
                }
            }
            if self.saved_at.elapsed() >= desk.settings.save_every {
                self.save(stop).await?;
            }
        }
        self.save(stop).await
    }

    async fn take(
        &mut self,
        webhook: &Webhook,
        piece: &Piece,
        stop: &CancellationToken,
    ) -> Result<Next, Trouble> {
        let seen = self.reached;
        let events = piece.events.iter().map(|it| &it.recorded);
        for event in events.filter(|it| it.position > seen) {
            let is_wanted = self.is_for(webhook, event);
            if is_wanted && self.deliver(event, stop).await? == Next::Rest {
                return Ok(Next::Rest);
            }
            self.reached = event.position;
            if is_wanted && self.saved_at.elapsed() >= self.desk.settings.save_every {
                self.save(stop).await?;
            }
        }
        Ok(Next::GoOn)
    }

    fn is_for(&self, webhook: &Webhook, event: &RecordedEvent) -> bool {
        customer_of(&event.stream) == Some(self.id.customer) && webhook.wants(&event.type_name)
    }

    /// Returns what is said of the webhook now; `None`: it is not there, or it is off.
    async fn webhook(&self) -> Result<Option<Webhook>, Trouble> {
        let definitions = &self.desk.ports.definitions;
        let row = definitions.definition(&self.id, Kind::Webhook).await?;
        Ok(row.and_then(|row| row.webhook().filter(|it| it.active).cloned()))
    }

    async fn deliver(
        &mut self,
        event: &RecordedEvent,
        stop: &CancellationToken,
    ) -> Result<Next, Trouble> {
        let desk = Arc::clone(&self.desk);
        let _slot = desk.slots.acquire().await;
        // As it is now: what was removed or switched off meanwhile is told nothing.
        let Some(webhook) = self.webhook().await? else { return Ok(Next::Rest) };
        if stop.is_cancelled() {
            return Ok(Next::Rest);
        }
        if !self.is_for(&webhook, event) {
            return Ok(Next::GoOn);
        }
        let body = match CloudEvent::of(event, &desk.ports.source) {
            Ok(it) => serde_json::to_vec(&it).expect("an event is plain data with text keys"),
            Err(error) => return self.park(event, error.to_string()).await,
        };
        let sent = async {
            let message = self.signed(&webhook, event, body.into()).await?;
            let Message { headers, body } = message;
            let posted = desk.ports.receivers.post(&webhook.url, &headers, body).await;
            Ok::<_, WebhookError>(posted)
        };
        let answer = tokio::select! {
            answer = sent => answer,
            // It comes again, under the same id.
            () = grace(stop, desk.settings.stop_grace) => return Ok(Next::Rest),
        };
        match answer {
            Err(error @ WebhookError::Vault(_)) => {
                error!(%error, "webhook {} cannot be signed: {error}", self.id);
                self.failed(&Failure::of("secret-unusable"));
            }
            Err(error) => return Err(error.into()),
            Ok(Err(error)) => self.failed(&Failure::of(code_of(error))),
            Ok(Ok(answered)) => self.answered(event, &answered),
        }
        if self.delivery.tries == 0 && self.delivery.state == DeliveryState::Open {
            return Ok(Next::GoOn);
        }
        Ok(Next::Rest)
    }

    /// Signs as Standard Webhooks 1.0 has it, by every secret that counts now.
    async fn signed(
        &self,
        webhook: &Webhook,
        event: &RecordedEvent,
        body: Bytes,
    ) -> Result<Message, WebhookError> {
        let (id, now_us) = (event.event_id.0.to_string(), self.now_us());
        let timestamp_s = now_us.div_euclid(1_000_000);
        let secrets = self.desk.ports.webhooks.secrets(&self.id, webhook, now_us).await?;
        if secrets.is_empty() {
            let missing = "it is not there: rotate it".to_owned();
            return Err(VaultError(missing).into());
        }
        let sign = |secret: &Secret| secret.sign(&id, timestamp_s, &body);
        let signatures: Vec<String> = secrets.iter().map(sign).collect();
        let headers = [
            ("content-type", MEDIA_TYPE.to_owned()),
            ("webhook-timestamp", timestamp_s.to_string()),
            ("webhook-signature", signatures.join(" ")),
            ("webhook-id", id),
        ];
        Ok(Message { headers, body })
    }

    fn answered(&mut self, event: &RecordedEvent, answered: &Answered) {
        let status = answered.status;
        match status {
            200..=299 => {
                measures::webhook_delivered();
                // That it works again is to be seen at once, that it still works now and then.
                let now_us = self.now_us();
                self.delivery = Delivery {
                    spell: self.delivery.spell,
                    last_try_at_us: Some(now_us),
                    last_status: Some(status),
                    delivered_at_us: Some(now_us),
                    ..Delivery::default()
                };
                self.is_unrecorded = true;
            }
            410 => {
                self.tried("receiver-gone", Some(status));
                self.delivery.state = DeliveryState::Gone;
                warn!("the receiver of webhook {} is gone at {}", self.id, event.position);
            }
            _ => {
                let now_us = self.now_us();
                let wanted = answered.retry_after.as_deref();
                let retry_after = wanted.and_then(|text| patience::retry_after(text, now_us));
                let is_redirect = (300..=399).contains(&status);
                let code = if is_redirect { "receiver-redirects" } else { "receiver-refused" };
                self.failed(&Failure { code, status: Some(status), retry_after });
            }
        }
    }

    /// Says when the message is sent again, or that it is not.
    fn failed(&mut self, failure: &Failure) {
        self.tried(failure.code, failure.status);
        let tries = self.delivery.tries;
        if tries >= self.desk.settings.tries {
            self.delivery.state = DeliveryState::Paused;
            warn!("webhook {} is paused after {tries} tries: {}", self.id, failure.code);
            return;
        }
        measures::webhook_retried();
        let dice = self.desk.ports.executor.clock().random();
        let pause = patience::pause(tries, dice, failure.retry_after);
        let pause_us = i64::try_from(pause.as_micros()).unwrap_or(i64::MAX);
        self.delivery.next_try_at_us = Some(self.now_us().saturating_add(pause_us));
        info!("webhook {} is told again after try {tries}: {}", self.id, failure.code);
    }

    fn tried(&mut self, code: &'static str, status: Option<u16>) {
        measures::webhook_failed(code);
        self.delivery.tries = self.delivery.tries.saturating_add(1);
        self.delivery.next_try_at_us = None;
        self.delivery.last_try_at_us = Some(self.now_us());
        self.delivery.last_status = status;
        self.delivery.last_error = Some(code.to_owned());
        self.is_unrecorded = true;
    }

    /// An event that cannot be written down holds up nothing, and stays visible.
    async fn park(&self, event: &RecordedEvent, error: String) -> Result<Next, Trouble> {
        error!(error, "webhook {} is not told of event {}", self.id, event.position);
        let parked = Parked {
            consumer: self.consumer.clone(),
            stream: event.stream.clone(),
            position: event.position,
            event_id: event.event_id,
            error,
            attempts: 1,
            parked_at_us: self.now_us(),
        };
        let parked = self.desk.ports.webhooks.consumers.park(parked).await;
        parked.map_err(WebhookError::from)?;
        Ok(Next::GoOn)
    }

    /// Writes down how far it is and how it stands. Until that can be done nothing more is sent: it would
    /// all come again.
    async fn save(&mut self, stop: &CancellationToken) -> Result<(), Trouble> {
        loop {
            match self.try_save().await {
                Err(Trouble::Kept(WebhookError::Store(error))) if !stop.is_cancelled() => {
                    warn!(error, "the progress of webhook {} cannot be saved for now", self.id);
                    stop.run_until_cancelled(sleep(SAVE_AGAIN)).await;
                }
                saved => return saved,
            }
        }
    }

    /// A checkpoint never moves back here.
    async fn try_save(&mut self) -> Result<(), Trouble> {
        let webhooks = &self.desk.ports.webhooks;
        self.saved_at = Instant::now();
        if self.reached > self.saved {
            let saved = webhooks.consumers.advance(&self.consumer, self.saved, self.reached).await;
            saved.map_err(WebhookError::from)?;
            self.saved = self.reached;
        }
        if self.is_unrecorded {
            let spell = self.delivery.spell;
            if !webhooks.store.record(&self.id, spell, &self.delivery).await? {
                return Err(WebhookError::Moved.into());
            }
            self.is_unrecorded = false;
        }
        Ok(())
    }

    fn now_us(&self) -> i64 {
        self.desk.ports.executor.clock().now_us()
    }
}

/// Ends a while after somebody wants it to stop.
async fn grace(stop: &CancellationToken, grace: Duration) {
    stop.cancelled().await;
    sleep(grace).await;
}

fn code_of(error: OriginError) -> &'static str {
    match error {
        OriginError::Forbidden(_) => "receiver-forbidden",
        OriginError::Timeout(_) => "receiver-timeout",
        OriginError::NotFound(_)
        | OriginError::Unreachable(_)
        | OriginError::TooLarge(_)
        | OriginError::Credentials
        | OriginError::StorageFull
        | OriginError::Internal => "receiver-unreachable",
    }
}
