//! Appends, one stream at a time, each against the exact revision of its stream.
//!
//! - The server answers a repetition as if it had just been written. It is told apart by the ids that
//!   are known of the stream, and by its position, which was there before.
//! - Where an answer is lost the same append is sent again, with the same expectation: the server
//!   writes it once.

use crate::connection::{Patience, answered};
use crate::errors::Failure;
use crate::layout;
use crate::log::Inner;
use dlcs_eventlog::{
    Append, AppendError, Appended, EventId, Expected, LogError, Position, StreamId, StreamRevision,
};
use eventstore::{AppendToStreamOptions, Client, Error, EventData, StreamState};
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use tokio::sync::{Mutex, MutexGuard};

/// Streams that are appended to at the same time.
const TURNS: usize = 256;
/// Events of one page, where a stream is read for its ids.
const PAGE: usize = 1_000;
/// How often an append finds that others were first.
const ROUNDS_MAX: usize = 200;

/// Lets appends to one stream queue up within the process.
pub(crate) struct Turns(Vec<Mutex<()>>);

impl Turns {
    pub(crate) fn new() -> Self {
        Self((0..TURNS).map(|_| Mutex::new(())).collect())
    }

    /// Returns the place of a stream, which it may share with others.
    pub(crate) fn place(stream: &StreamId) -> usize {
        let mut hasher = DefaultHasher::new();
        stream.hash(&mut hasher);
        usize::try_from(hasher.finish() % TURNS as u64).unwrap_or_default()
    }

    pub(crate) async fn at(&self, place: usize) -> MutexGuard<'_, ()> {
        self.0[place].lock().await
    }
}

/// What became of sending an append.
pub(crate) enum Sent {
    Written(Appended),
    /// The server has had it before.
    Repeated,
    /// The stream is not where it was thought to be.
    Moved,
}

/// One append on its way.
pub(crate) struct Sending {
    pub(crate) stream: StreamId,
    expected: Expected,
    pub(crate) ids: Vec<EventId>,
    pub(crate) data: Vec<EventData>,
    /// Everything up to here was recorded before it was sent.
    before: Position,
    /// It was sent, and what came of it is unknown.
    pub(crate) in_doubt: bool,
}

impl Inner {
    /// Makes an append ready to be sent. Whoever does so has the turn of its stream.
    pub(crate) fn sending(&self, append: Append) -> Result<Sending, AppendError> {
        let Append { stream, expected, events } = append;
        let ids: Vec<_> = events.iter().map(|it| it.event_id).collect();
        check_shape(&stream, &ids)?;
        let count = events.len();
        let data = events.iter().enumerate().map(|(at, it)| layout::written(it, at, count));
        let data = data.collect();
        let before = self.index.position();
        Ok(Sending { stream, expected, ids, data, before, in_doubt: false })
    }

    /// Sends an append, by a call of its own, until it is known what came of it.
    pub(crate) async fn append_in_turn(
        &self,
        sending: &mut Sending,
    ) -> Result<Appended, AppendError> {
        let mut reads = sending.in_doubt;
        for _ in 0..ROUNDS_MAX {
            let length = match self.place(sending, reads).await {
                // What was sent has arrived.
                Err(AppendError::Duplicate { appended }) if sending.in_doubt => {
                    self.hint(appended.position);
                    return Ok(appended);
                }
                place => place?,
            };
            match self.send(sending, length).await? {
                Sent::Written(appended) => {
                    self.written(sending, length, appended);
                    return Ok(appended);
                }
                Sent::Repeated => (reads, sending.in_doubt) = (true, false),
                Sent::Moved => reads = true,
            }
        }
        let text = format!("stream {} is never where it was a moment ago", sending.stream);
        Err(LogError::Unavailable(text).into())
    }

    /// Keeps what is known from now on.
    pub(crate) fn written(&self, sending: &Sending, length: u64, appended: Appended) {
        self.known.learn_written(&sending.stream, length, &sending.ids);
        self.hint(appended.position);
    }

    /// Returns how long the stream is, if the append may follow there.
    pub(crate) async fn place(&self, sending: &Sending, reads: bool) -> Result<u64, AppendError> {
        let Sending { stream, ids, expected, .. } = sending;
        let is_known = match expected {
            Expected::Any => false,
            Expected::Revision(revision) => {
                self.known.length(stream) == revision.0.saturating_add(1)
            }
            // Then there is nothing to know, unless there is.
            Expected::NoStream => {
                self.known.length(stream) == 0
                    && self.known.recent(ids[0]).is_none_or(|it| it != *stream)
            }
        };
        if reads || !is_known {
            self.read_ids(stream).await?;
        }
        self.refuse_known(stream, ids).await?;
        let length = self.known.length(stream);
        let is_expected = match expected {
            Expected::Any => true,
            Expected::NoStream => length == 0,
            Expected::Revision(revision) => Some(revision.0) == length.checked_sub(1),
        };
        if is_expected {
            return Ok(length);
        }
        Err(AppendError::Conflict { actual: length.checked_sub(1).map(StreamRevision) })
    }

    /// Reads what is not known of a stream yet.
    async fn read_ids(&self, stream: &StreamId) -> Result<(), LogError> {
        loop {
            let page = self.connection.read_stream(stream, self.known.length(stream), PAGE).await?;
            self.known.learn(stream, &page);
            if page.len() < PAGE {
                return Ok(());
            }
        }
    }

    async fn refuse_known(&self, stream: &StreamId, ids: &[EventId]) -> Result<(), AppendError> {
        if let Some(revision) = self.known.revision(stream, ids[0]) {
            let appended = self.end_of_append(stream, revision).await?;
            return Err(AppendError::Duplicate { appended });
        }
        for id in ids {
            let elsewhere = self.known.recent(*id).filter(|it| it != stream);
            let here = self.known.revision(stream, *id).map(|_| stream.clone());
            if let Some(other) = elsewhere.or(here) {
                let text = format!("event id {} is in use in {other}", id.0);
                return Err(AppendError::Invalid(text));
            }
        }
        Ok(())
    }

    /// Returns where the append ended that brought an event.
    async fn end_of_append(&self, stream: &StreamId, revision: u64) -> Result<Appended, LogError> {
        let missing =
            || LogError::Damaged(format!("event {revision} of stream `{stream}` is gone"));
        let first = self.connection.read_stream(stream, revision, 1).await?;
        let first = first.first().ok_or_else(missing)?;
        let last = self.connection.read_stream(stream, revision + first.rest, 1).await?;
        let last = last.first().ok_or_else(missing)?;
        Ok(Appended { revision: last.event.revision, position: last.event.position })
    }

    /// Sends until there is an answer, as long as what is in the way may pass.
    async fn send(&self, sending: &mut Sending, length: u64) -> Result<Sent, AppendError> {
        let options =
            &AppendToStreamOptions::default().stream_state(after(length)).requires_leader(true);
        let name = &self.connection.stored_name(&sending.stream);
        let mut patience = Patience::new();
        loop {
            let data = &sending.data;
            let append = |client: Client| async move {
                answered(client.append_to_stream(name.as_str(), options, data.clone())).await
            };
            let failure = match self.connection.once(append).await {
                Ok(written) => return sending.sent(length, &written),
                Err(Error::WrongExpectedVersion { .. }) => return Ok(Sent::Moved),
                Err(error) => Failure::from(error),
            };
            sending.in_doubt |= matches!(failure, Failure::Away(_));
            match failure {
                Failure::Refused(text) => return Err(AppendError::Invalid(text)),
                failure if !failure.passes() || !patience.again().await => {
                    return Err(LogError::from(failure).into());
                }
                _ => {}
            }
        }
    }
}

impl Sending {
    /// Tells what was written from what was there before.
    pub(crate) fn sent(
        &self,
        length: u64,
        written: &eventstore::WriteResult,
    ) -> Result<Sent, AppendError> {
        let revision = StreamRevision(length + self.ids.len() as u64 - 1);
        if written.next_expected_version != revision.0 {
            let (found, stream) = (written.next_expected_version, &self.stream);
            let text =
                format!("stream `{stream}` ends at {found} after {} was written", revision.0);
            return Err(LogError::Damaged(text).into());
        }
        let position = Position(written.position.commit);
        // Of a repetition it may name no position at all.
        if position <= self.before || i64::try_from(position.0).is_err() {
            return Ok(Sent::Repeated);
        }
        Ok(Sent::Written(Appended { revision, position }))
    }
}

/// What is expected of a stream that has so many events.
pub(crate) fn after(length: u64) -> StreamState {
    length.checked_sub(1).map_or(StreamState::NoStream, StreamState::StreamRevision)
}

fn check_shape(stream: &StreamId, ids: &[EventId]) -> Result<(), AppendError> {
    if ids.is_empty() {
        return Err(AppendError::Invalid(format!("an append to {stream} has no event")));
    }
    let mut seen = HashSet::with_capacity(ids.len());
    match ids.iter().find(|it| !seen.insert(**it)) {
        Some(id) => Err(AppendError::Invalid(format!("event id {} is there twice", id.0))),
        None => Ok(()),
    }
}
