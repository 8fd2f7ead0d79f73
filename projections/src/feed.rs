//! The log as projections read it: in large pieces, each event decoded once for all of them.

use crate::projection::{DecodedEvent, EventBatch};
use dlcs_eventlog::{EventLog, LogError, Position, RecordedEvent};
use futures::{Stream, TryStreamExt};
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::sync::Mutex;

/// Pieces that are kept for projections that are a little behind the first one.
const PIECES_MAX: usize = 4;

/// All events of the log after `from`, up to and with `to`.
#[derive(Debug, Clone)]
pub struct Piece {
    pub from: Position,
    pub to: Position,
    pub events: EventBatch,
}

/// Pages that are decoded while further ones are read.
const PAGES_AHEAD: usize = 2;
/// Up to here events are decoded faster than another thread is woken.
const FEW_EVENTS: usize = 64;

/// Reads and decodes for several projections at once.
pub struct Feed {
    log: Arc<dyn EventLog>,
    events_max: usize,
    /// The newest last.
    recent: Mutex<VecDeque<Piece>>,
}

impl Feed {
    /// `events_max`: of one piece.
    pub fn new(log: Arc<dyn EventLog>, events_max: usize) -> Self {
        Self { log, events_max: events_max.max(1), recent: Mutex::default() }
    }

    /// Returns the events that come next after a position; `None`: there are none yet.
    ///
    /// The piece may begin before `after`; what was seen already has to be passed over.
    pub async fn after(&self, after: Position) -> Result<Option<Piece>, LogError> {
        // Held while reading, so that two that want the same piece read it once.
        let mut recent = self.recent.lock().await;
        if let Some(piece) = recent.iter().find(|it| it.from <= after && after < it.to) {
            return Ok(Some(Piece { from: after, ..piece.clone() }));
        }
        let Some(piece) = read(self.log.as_ref(), after, self.events_max).await? else {
            return Ok(None);
        };
        recent.push_back(piece.clone());
        if recent.len() > PIECES_MAX {
            recent.pop_front();
        }
        Ok(Some(piece))
    }
}

/// Reads at most `events_max` events after a position and decodes them.
pub async fn read(
    log: &dyn EventLog,
    after: Position,
    events_max: usize,
) -> Result<Option<Piece>, LogError> {
    match page(log, after, events_max).await? {
        Some(page) => Ok(Some(page.decoded().await?)),
        None => Ok(None),
    }
}

/// Reads all events after a position, piece by piece: while one is decoded and worked on, the next
/// one is read. Ends where the log ends.
pub fn pieces(
    log: &dyn EventLog,
    after: Position,
    events_max: usize,
) -> impl Stream<Item = Result<Piece, LogError>> {
    let pages = futures::stream::try_unfold(after, move |after| async move {
        let page = page(log, after, events_max).await?;
        Ok(page.map(|page| {
            let to = page.to;
            (page.decoded(), to)
        }))
    });
    pages.try_buffered(PAGES_AHEAD)
}

/// Events as they are stored.
struct Page {
    from: Position,
    to: Position,
    recorded: Vec<RecordedEvent>,
}

async fn page(
    log: &dyn EventLog,
    after: Position,
    events_max: usize,
) -> Result<Option<Page>, LogError> {
    let recorded = log.read_all(after, events_max).await?;
    Ok(recorded.last().map(|it| it.position).map(|to| Page { from: after, to, recorded }))
}

impl Page {
    async fn decoded(self) -> Result<Piece, LogError> {
        let Self { from, to, recorded } = self;
        let is_small = recorded.len() <= FEW_EVENTS;
        let decode = move || recorded.into_iter().map(DecodedEvent::new).collect::<EventBatch>();
        if is_small {
            return Ok(Piece { from, to, events: decode() });
        }
        // Thousands of events take longer than an async thread may be held.
        let events = tokio::task::spawn_blocking(decode).await;
        let events = events.map_err(|error| LogError::Unavailable(error.to_string()))?;
        Ok(Piece { from, to, events })
    }
}
