//! Following the log: hints, the index, and its records.
//!
//! A subscription is believed when it brings something, and never when it is silent: servers are
//! known to leave one open and mute. After a while the head is looked up, and where it has moved on the
//! subscription is made again.

use crate::ending;
use crate::index::Record;
use crate::log::Inner;
use crate::reads::place;
use dlcs_eventlog::{LogError, Position};
use eventstore::{
    AppendToStreamOptions, Client, Error, EventData, ReadStreamOptions, StreamState,
    SubscribeToAllOptions, Subscription, SubscriptionEvent,
};
use futures::StreamExt;
use std::pin::pin;
use std::sync::Weak;
use std::time::Duration;
use uuid::Uuid;

const RECORD_TYPE: &str = "dlcs.index";
/// Names the records of one position, whoever writes them.
const RECORDS: Uuid = Uuid::from_u128(0x6f0c_8b6e_52a1_4f0c_9f1e_0d1c_5a7b_3e21);
const RECORDS_PER_APPEND: usize = 200;
/// Before a subscription that was lost is made again.
const PAUSE: Duration = Duration::from_millis(200);

/// Why a subscription is made again.
enum Ended {
    /// The log is gone.
    Closed,
    Mute,
    Failed(Error),
}

/// Follows the log until it is dropped.
pub(crate) async fn follow(inner: Weak<Inner>, idle: Duration) {
    loop {
        let Some(log) = inner.upgrade() else { return };
        let subscription = subscribe(&log).await;
        drop(log);
        let ended = match subscription {
            Ok(subscription) => listen(&inner, subscription, idle).await,
            Err(error) => Ended::Failed(error),
        };
        match ended {
            Ended::Closed => return,
            Ended::Mute => tracing::warn!(
                "the event store has new events that its subscription does not bring: it is made again"
            ),
            Ended::Failed(error) => {
                tracing::debug!(%error, "the subscription of the event store is made again");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

async fn subscribe(log: &Inner) -> Result<Subscription, Error> {
    let position = place(log.index.position().0);
    let options = SubscribeToAllOptions::default()
        .position(position)
        .filter(log.connection.filter())
        .requires_leader(true);
    let options = &options;
    log.connection
        .once(|client: Client| async move { Ok(client.subscribe_to_all(options).await) })
        .await
}

async fn listen(inner: &Weak<Inner>, subscription: Subscription, idle: Duration) -> Ended {
    let listener = &ending::listener();
    let events = futures::stream::unfold(subscription, async |mut subscription| {
        Some((ending::next(&mut subscription, listener).await, subscription))
    });
    let mut events = pin!(events);
    loop {
        let event = tokio::time::timeout(idle, events.next()).await;
        let Some(log) = inner.upgrade() else { return Ended::Closed };
        match event {
            Ok(Some(Ok(event))) => {
                if let Err(error) = log.came(event) {
                    tracing::error!(%error, "the event store brings what cannot be read");
                    return Ended::Failed(Error::InternalClientError);
                }
                log.save_records().await;
            }
            Ok(Some(Err(error))) => {
                log.connection.note_latest(&error);
                return Ended::Failed(error);
            }
            Ok(None) => return Ended::Failed(Error::ConnectionClosed),
            Err(_) => match log.connection.read_last().await {
                Ok(Some(last)) if last.event.position > log.index.position() => return Ended::Mute,
                Ok(_) => {}
                Err(error) => tracing::debug!(%error, "the event store does not say its head"),
            },
        }
    }
}

impl Inner {
    /// Takes what a subscription brought, which may be old.
    fn came(&self, event: SubscriptionEvent) -> Result<(), LogError> {
        let SubscriptionEvent::EventAppeared(resolved) = event else { return Ok(()) };
        let Some(event) = resolved.event else { return Ok(()) };
        let page = [self.connection.decoded_one(event)?];
        self.known.see(&page);
        self.index.follow(&page);
        self.hint(page[0].event.position);
        Ok(())
    }

    /// Reads on until the event at a position is known.
    pub(crate) async fn catch_up(&self, to: Position) -> Result<(), LogError> {
        if self.index.position() >= to {
            return Ok(());
        }
        let _turn = self.catching_up.lock().await;
        while self.index.position() < to {
            let from = self.index.position();
            let page = self.page(from, STEP_OF_READING).await?;
            if page.last().is_none_or(|it| it.event.position <= from) {
                let text = format!("it does not show event {to} yet");
                return Err(LogError::Unavailable(text));
            }
            self.known.see(&page);
            self.index.follow(&page);
            if let Some(last) = page.last() {
                self.hint(last.event.position);
            }
        }
        Ok(())
    }

    /// Tells that the head is at least there.
    pub(crate) fn hint(&self, position: Position) {
        self.hints.send_if_modified(|head| {
            let moves = position > *head;
            *head = position.max(*head);
            moves
        });
    }

    fn records_name(&self) -> String {
        format!("~{}index", self.connection.address.prefix)
    }

    /// Reads what is recorded of the log, as far as it can be understood.
    pub(crate) async fn load_records(&self) -> Result<Vec<Record>, LogError> {
        let options = ReadStreamOptions::default().requires_leader(true);
        let read = self.connection.raw_stream(&self.records_name(), &options).await?;
        let records = read.iter().map_while(|it| serde_json::from_slice(&it.data).ok());
        Ok(records.collect())
    }

    /// Writes records that are due. Another process may have been first, or it may work next time.
    pub(crate) async fn save_records(&self) {
        let (first, records) = self.index.unsaved();
        if records.is_empty() || !self.writes {
            return;
        }
        let records = &records[..records.len().min(RECORDS_PER_APPEND)];
        let data: Result<Vec<EventData>, _> = records.iter().map(record_data).collect();
        let Ok(data) = data else { return };
        let expected =
            first.checked_sub(1).map_or(StreamState::NoStream, StreamState::StreamRevision);
        let options =
            &AppendToStreamOptions::default().stream_state(expected).requires_leader(true);
        let (name, data) = (&self.records_name(), &data);
        let written = self
            .connection
            .once(|client: Client| async move {
                let append = client.append_to_stream(name.as_str(), options, data.clone());
                crate::connection::answered(append).await
            })
            .await;
        match written {
            Ok(written) => self.index.saved(written.next_expected_version + 1),
            Err(Error::WrongExpectedVersion {
                current: eventstore::CurrentRevision::Current(revision),
                ..
            }) => self.index.saved(revision + 1),
            Err(error) => tracing::debug!(%error, "the record of the log is written later"),
        }
    }
}

/// Events of one page, where the log is read on.
const STEP_OF_READING: usize = 1_000;

fn record_data(record: &Record) -> serde_json::Result<EventData> {
    let id = Uuid::new_v5(&RECORDS, &record.position.to_be_bytes());
    Ok(EventData::json(RECORD_TYPE, record)?.id(id))
}
