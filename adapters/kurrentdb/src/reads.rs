//! Pages of a stream and of `$all`, as they lie there.

use crate::connection::{Connection, answered};
use crate::errors::Failure;
use crate::layout::{self, Read};
use dlcs_eventlog::{LogError, Position, StreamId};
use eventstore::{
    Client, Error, ReadAllOptions, ReadStream, ReadStreamOptions, StreamPosition,
    SubscriptionFilter,
};

impl Connection {
    /// Returns the name of a stream at the server.
    pub(crate) fn stored_name(&self, stream: &StreamId) -> String {
        format!("{}{stream}", self.address.prefix)
    }

    /// Everything of ours, and nothing else.
    pub(crate) fn filter(&self) -> SubscriptionFilter {
        SubscriptionFilter::on_stream_name().add_prefix(&self.address.prefix)
    }

    /// Reads at most `limit` events of a stream.
    pub(crate) async fn read_stream(
        &self,
        stream: &StreamId,
        from: u64,
        limit: usize,
    ) -> Result<Vec<Read>, LogError> {
        let name = self.stored_name(stream);
        let options = ReadStreamOptions::default()
            .position(StreamPosition::Position(from))
            .max_count(limit)
            .requires_leader(true);
        let read = self.raw_stream(&name, &options).await;
        self.decoded(read.map_err(LogError::from)?)
    }

    /// Reads a stream under its whole name; one that is not there is empty.
    pub(crate) async fn raw_stream(
        &self,
        name: &str,
        options: &ReadStreamOptions,
    ) -> Result<Vec<eventstore::RecordedEvent>, Failure> {
        let read = self.asked(|client: Client| async move {
            collected(answered(client.read_stream(name, options)).await?).await
        });
        match read.await {
            Err(Failure::NoStream) => Ok(Vec::new()),
            read => read,
        }
    }

    /// Reads at most `limit` events of ours from a position on, the event there among them.
    pub(crate) async fn read_all_from(
        &self,
        from: u64,
        limit: usize,
    ) -> Result<Vec<Read>, AllError> {
        let options = ReadAllOptions::default().position(place(from)).max_count(limit);
        self.read_all_with(options).await
    }

    /// Reads the last event of ours.
    pub(crate) async fn read_last(&self) -> Result<Option<Read>, LogError> {
        let options = ReadAllOptions::default().position(StreamPosition::End).max_count(1);
        match self.read_all_with(options).await {
            Ok(mut page) => Ok(page.pop()),
            Err(AllError::Misplaced) => Err(Failure::Misplaced.into()),
            Err(AllError::Log(error)) => Err(error),
        }
    }

    async fn read_all_with(&self, options: ReadAllOptions) -> Result<Vec<Read>, AllError> {
        let options = &options.filter(self.filter()).requires_leader(true);
        let read = self.asked(|client: Client| async move {
            collected(answered(client.read_all(options)).await?).await
        });
        let read = read.await.map_err(|failure| match failure {
            Failure::Misplaced => AllError::Misplaced,
            other => AllError::Log(other.into()),
        })?;
        self.decoded(read).map_err(AllError::Log)
    }

    /// Looks whether the user may read everything.
    pub(crate) async fn check_access(&self) -> Result<(), Failure> {
        let options = &ReadAllOptions::default().position(StreamPosition::End).max_count(1);
        self.asked(|client: Client| async move {
            collected(answered(client.read_all(options)).await?).await
        })
        .await
        .map(|_| ())
    }

    pub(crate) fn decoded_one(&self, event: eventstore::RecordedEvent) -> Result<Read, LogError> {
        layout::read(event, &self.address.prefix)
    }

    fn decoded(&self, events: Vec<eventstore::RecordedEvent>) -> Result<Vec<Read>, LogError> {
        events.into_iter().map(|it| self.decoded_one(it)).collect()
    }
}

/// Why there is no page of `$all`.
#[derive(Debug)]
pub(crate) enum AllError {
    /// No record begins there.
    Misplaced,
    Log(LogError),
}

/// Returns where to read `$all` from. Of what is written in one go the server keeps one number twice.
pub(crate) fn place(position: u64) -> StreamPosition<eventstore::Position> {
    match Position(position) {
        Position::START => StreamPosition::Start,
        Position(it) => StreamPosition::Position(eventstore::Position { commit: it, prepare: it }),
    }
}

async fn collected(mut stream: ReadStream) -> Result<Vec<eventstore::RecordedEvent>, Error> {
    let mut events = Vec::new();
    while let Some(resolved) = answered(stream.next()).await? {
        events.extend(resolved.event);
    }
    Ok(events)
}
