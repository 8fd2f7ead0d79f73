//! The log itself.

use crate::address::Address;
use crate::append::Turns;
use crate::connection::Connection;
use crate::errors::OpenError;
use crate::follow;
use crate::group::Session;
use crate::index::Index;
use crate::known::Known;
use crate::layout::Read;
use crate::reads::AllError;
use async_trait::async_trait;
use dlcs_eventlog::log::StreamRead;
use dlcs_eventlog::{
    Append, AppendError, Appended, EventLog, LogError, Position, RecordedEvent, StreamId,
    StreamRevision,
};
use futures::StreamExt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;

/// Streams that are read at the same time for one caller.
const READS: usize = 16;
/// Events of one page; what is asked for is put together from several.
const PAGE_MAX: usize = 10_000;

/// How long things are waited for.
#[derive(Debug, Clone, Copy)]
pub struct Waits {
    /// Until a silent subscription is compared with the head.
    pub idle: Duration,
}

impl Default for Waits {
    fn default() -> Self {
        Self { idle: Duration::from_secs(10) }
    }
}

/// The event log on one KurrentDB server or cluster.
pub struct KurrentLog {
    inner: Arc<Inner>,
    /// `None`: opened for reading only.
    follower: Option<JoinHandle<()>>,
}

pub(crate) struct Inner {
    pub(crate) connection: Connection,
    pub(crate) index: Index,
    pub(crate) known: Known,
    pub(crate) turns: Turns,
    pub(crate) session: Session,
    pub(crate) hints: watch::Sender<Position>,
    pub(crate) catching_up: Mutex<()>,
    pub(crate) writes: bool,
}

impl Drop for KurrentLog {
    fn drop(&mut self) {
        if let Some(follower) = &self.follower {
            follower.abort();
        }
    }
}

impl KurrentLog {
    /// Opens the log for writing and reading. Several processes may have it open.
    ///
    /// What was appended since the last record of the log is read first. Needs a Tokio runtime.
    pub async fn open(url: &str, waits: Waits) -> Result<Self, OpenError> {
        let inner = Arc::new(Inner::open(url, true).await?);
        let head = async {
            if let Some(last) = inner.connection.read_last().await? {
                inner.catch_up(last.event.position).await?;
            }
            Ok::<_, LogError>(())
        };
        head.await.map_err(|error| inner.open_error(&error))?;
        inner.save_records().await;
        let follower = tokio::spawn(follow::follow(Arc::downgrade(&inner), waits.idle));
        Ok(Self { inner, follower: Some(follower) })
    }

    /// Opens the log for reading, beside those who write. It gives no hints of its own.
    pub async fn open_read_only(url: &str) -> Result<Self, OpenError> {
        Ok(Self { inner: Arc::new(Inner::open(url, false).await?), follower: None })
    }
}

impl Inner {
    async fn open(url: &str, writes: bool) -> Result<Self, OpenError> {
        let connection = Connection::new(Address::parse(url)?);
        connection.check().await?;
        let (hints, _) = watch::channel(Position::START);
        let mut inner = Self {
            connection,
            index: Index::from_records(Vec::new()),
            known: Known::new(),
            turns: Turns::new(),
            session: Session::default(),
            hints,
            catching_up: Mutex::default(),
            writes,
        };
        // The first question that needs a password and the right to read everything.
        let asked = inner.connection.check_access().await;
        asked.map_err(|failure| inner.connection.open_error(failure))?;
        let records = inner.load_records().await.map_err(|error| inner.open_error(&error))?;
        inner.index = Index::from_records(records);
        Ok(inner)
    }

    fn open_error(&self, error: &LogError) -> OpenError {
        OpenError::Other {
            server: self.connection.address.server.clone(),
            reason: error.to_string(),
        }
    }

    /// Reads `limit` events of ours after a position, fewer at the end only, as the server stamped them.
    pub(crate) async fn page(&self, after: Position, limit: usize) -> Result<Vec<Read>, LogError> {
        // The event at `after` may come first, and does not count.
        let asked = limit.saturating_add(1);
        let from = match self.connection.read_all_from(after.0, asked).await {
            Ok(mut page) => {
                page.retain(|it| it.event.position > after);
                page.truncate(limit);
                return Ok(page);
            }
            Err(AllError::Log(error)) => return Err(error),
            // Callers may also name what lies between two events, mostly just before one.
            Err(AllError::Misplaced) => Position(after.0 + 1),
        };
        match self.connection.read_all_from(from.0, limit).await {
            Ok(page) => Ok(page),
            Err(AllError::Log(error)) => Err(error),
            Err(AllError::Misplaced) => self.page_between(after, limit).await,
        }
    }

    /// Reads on from the last place before `after` of which it is known that an event lies there.
    async fn page_between(&self, after: Position, limit: usize) -> Result<Vec<Read>, LogError> {
        let mut from = self.index.step_before(after);
        let mut found = Vec::new();
        while found.len() < limit {
            let page = match self.connection.read_all_from(from.0, PAGE_MAX).await {
                Ok(page) => page,
                Err(AllError::Log(error)) => return Err(error),
                Err(AllError::Misplaced) => {
                    return Err(LogError::Damaged(format!("there is no event at {from}")));
                }
            };
            let is_end = page.len() < PAGE_MAX;
            let known = found.last().map_or(after, |it: &Read| it.event.position);
            from = page.last().map_or(from, |it| it.event.position);
            found.extend(page.into_iter().filter(|it| it.event.position > known));
            if is_end {
                break;
            }
        }
        found.truncate(limit);
        Ok(found)
    }

    /// Reads after a position until there are `limit` events or no more.
    async fn read_after(&self, mut after: Position, limit: usize) -> Result<Vec<Read>, LogError> {
        let mut read: Vec<Read> = Vec::new();
        while read.len() < limit {
            let wanted = (limit - read.len()).min(PAGE_MAX);
            let is_next = after <= self.index.position();
            let page = self.page(after, wanted).await?;
            if is_next {
                self.index.follow(&page);
            }
            let is_end = page.len() < wanted;
            after = page.last().map_or(after, |it| it.event.position);
            read.extend(page);
            if is_end {
                break;
            }
        }
        Ok(read)
    }

    /// Evens times, once everything before is known.
    async fn evened(&self, mut read: Vec<Read>) -> Result<Vec<RecordedEvent>, LogError> {
        if let Some(last) = read.last() {
            self.catch_up(last.event.position).await?;
        }
        self.index.even(&mut read);
        Ok(read.into_iter().map(|it| it.event).collect())
    }

    async fn read_stream(&self, asked: StreamRead) -> Result<Vec<RecordedEvent>, LogError> {
        let StreamRead { stream, from, limit } = asked;
        if limit == 0 || i64::try_from(from.0).is_err() {
            return Ok(Vec::new());
        }
        let read = self.connection.read_stream(&stream, from.0, limit).await?;
        self.known.learn(&stream, &read);
        self.evened(read).await
    }
}

#[async_trait]
impl EventLog for KurrentLog {
    async fn append(&self, batch: Vec<Append>) -> Vec<Result<Appended, AppendError>> {
        if self.inner.writes {
            return self.inner.append_batch(batch).await;
        }
        let refused = || LogError::Unavailable("it was opened for reading only".to_owned()).into();
        batch.iter().map(|_| Err(refused())).collect()
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        from: StreamRevision,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, LogError> {
        self.inner.read_stream(StreamRead { stream: stream.clone(), from, limit }).await
    }

    async fn read_streams(
        &self,
        reads: Vec<StreamRead>,
    ) -> Vec<Result<Vec<RecordedEvent>, LogError>> {
        let reads = reads.into_iter().map(|it| self.inner.read_stream(it));
        futures::stream::iter(reads).buffered(READS).collect().await
    }

    async fn read_all(
        &self,
        after: Position,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, LogError> {
        if i64::try_from(after.0).is_err() {
            return Ok(Vec::new());
        }
        let read = self.inner.read_after(after, limit).await?;
        self.inner.evened(read).await
    }

    async fn head(&self) -> Result<Position, LogError> {
        let last = self.inner.connection.read_last().await?;
        Ok(last.map_or(Position::START, |it| it.event.position))
    }

    fn head_hints(&self) -> watch::Receiver<Position> {
        self.inner.hints.subscribe()
    }
}
