//! The way to the server: one session, on which appends follow each other without waiting for answers in
//! between. Also one that is alone is there in one piece, which calls of their own are not.
//!
//! The order of a batch is the order in which they arrive. Where one is refused the client gives up the
//! session, with all that has no answer yet: those go on one by one, as whatever is in doubt.

use crate::append::{Sending, Sent, Turns, after};
use crate::connection::answered;
use crate::log::Inner;
use dlcs_eventlog::{Append, AppendError, Appended, EventId, StreamId};
use eventstore::{BatchAppendClient, BatchAppendOptions, Client, WriteResult};
use futures::StreamExt;
use futures::future::join_all;
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use tokio::sync::Mutex;

/// Appends that are on their way at once.
const GROUP_MAX: usize = 500;
/// Streams that are looked up at once.
const READS: usize = 16;

/// The session that groups go through, while it lasts.
pub(crate) type Session = Mutex<Option<Arc<BatchAppendClient>>>;

type Answer = Result<Appended, AppendError>;

/// Splits a batch where an append may depend on one before it.
fn groups(batch: Vec<Append>) -> Vec<Vec<Append>> {
    let mut groups: Vec<Vec<Append>> = Vec::new();
    let (mut streams, mut ids): (HashSet<StreamId>, HashSet<EventId>) = Default::default();
    for append in batch {
        let is_apart = !streams.contains(&append.stream)
            && !append.events.iter().any(|it| ids.contains(&it.event_id));
        if !is_apart || groups.last().is_none_or(|it| it.len() == GROUP_MAX) {
            groups.push(Vec::new());
            streams.clear();
            ids.clear();
        }
        streams.insert(append.stream.clone());
        ids.extend(append.events.iter().map(|it| it.event_id));
        if let Some(group) = groups.last_mut() {
            group.push(append);
        }
    }
    groups
}

impl Inner {
    pub(crate) async fn append_batch(&self, batch: Vec<Append>) -> Vec<Answer> {
        let mut answers = Vec::with_capacity(batch.len());
        for group in groups(batch) {
            answers.extend(self.append_group(group).await);
        }
        answers
    }

    async fn append_group(&self, group: Vec<Append>) -> Vec<Answer> {
        // In one order, or two groups would wait for each other.
        let places: BTreeSet<_> = group.iter().map(|it| Turns::place(&it.stream)).collect();
        let mut turns = Vec::with_capacity(places.len());
        for place in places {
            turns.push(self.turns.at(place).await);
        }
        let sendings = group.into_iter().map(|it| self.sending(it));
        let placed = futures::stream::iter(sendings).map(async |sending| {
            let sending = sending?;
            let length = self.place(&sending, false).await?;
            Ok((sending, length))
        });
        let mut placed: Vec<Result<(Sending, u64), AppendError>> =
            placed.buffered(READS).collect().await;
        let sent = self.send_group(placed.iter().flatten()).await;
        let is_sent = sent.is_some();
        let mut sent = sent.into_iter().flatten();
        let mut answers = Vec::with_capacity(placed.len());
        for placed in placed.drain(..) {
            answers.push(match placed {
                Ok((mut sending, length)) => match sent.next().flatten() {
                    Some(written) => self.answer(sending, length, &written).await,
                    None => {
                        sending.in_doubt = is_sent;
                        self.append_in_turn(&mut sending).await
                    }
                },
                Err(error) => Err(error),
            });
        }
        answers
    }

    /// Hands all of them over, then waits. `None`: it was not sent, or what came of it is not known.
    async fn send_group(
        &self,
        group: impl Iterator<Item = &(Sending, u64)>,
    ) -> Option<Vec<Option<WriteResult>>> {
        let session = &self.session().await?;
        let sends = group.map(|(sending, length)| async move {
            let name = self.connection.stored_name(&sending.stream);
            let send = session.append_to_stream(name, after(*length), sending.data.clone());
            answered(send).await
        });
        let sent = join_all(sends).await;
        if sent.iter().any(Result::is_err) {
            *self.session.lock().await = None;
        }
        let written = sent.into_iter().map(|it| {
            let it = it.ok()?;
            let (revision, position) = it.current_revision().zip(it.current_position())?;
            Some(WriteResult { next_expected_version: revision, position })
        });
        Some(written.collect())
    }

    /// `None`: there is none to be had, and appends go one by one.
    async fn session(&self) -> Option<Arc<BatchAppendClient>> {
        let mut session = self.session.lock().await;
        if session.is_none() {
            let options = &BatchAppendOptions::default().requires_leader(true);
            let open = |client: Client| async move { answered(client.batch_append(options)).await };
            *session = self.connection.once(open).await.ok().map(Arc::new);
        }
        session.clone()
    }

    async fn answer(&self, mut sending: Sending, length: u64, written: &WriteResult) -> Answer {
        match sending.sent(length, written)? {
            Sent::Written(appended) => {
                self.written(&sending, length, appended);
                Ok(appended)
            }
            Sent::Repeated | Sent::Moved => self.append_in_turn(&mut sending).await,
        }
    }
}
