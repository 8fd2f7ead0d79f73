//! Which event ids are in use, as far as it has to be known here.
//!
//! The server appends an event a second time where the expected revision holds. So whoever appends
//! knows every id of the stream first: they are kept as they are read, and read where they are not
//! kept. Ids of other streams are known for the last events only, which the server could not tell
//! either.

use crate::layout::Read;
use dlcs_eventlog::{EventId, StreamId};
use lru::LruCache;
use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Ids of whole streams that are kept, about 40 bytes each.
const IDS_MAX: usize = 500_000;
const RECENT_MAX: NonZeroUsize = NonZeroUsize::new(100_000).expect("it is not 0");

pub(crate) struct Known(Mutex<Inner>);

struct Inner {
    streams: LruCache<StreamId, Ids>,
    /// In all streams.
    count: usize,
    recent: LruCache<EventId, StreamId>,
}

/// Every id of a stream, up to some revision.
#[derive(Default)]
struct Ids {
    length: u64,
    revisions: HashMap<EventId, u64>,
}

impl Known {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Inner {
            streams: LruCache::unbounded(),
            count: 0,
            recent: LruCache::new(RECENT_MAX),
        }))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns how many events of a stream are known, from the first one on.
    pub(crate) fn length(&self, stream: &StreamId) -> u64 {
        self.inner().streams.get(stream).map_or(0, |it| it.length)
    }

    /// Returns at which revision of a stream an event is.
    pub(crate) fn revision(&self, stream: &StreamId, id: EventId) -> Option<u64> {
        self.inner().streams.get(stream).and_then(|it| it.revisions.get(&id).copied())
    }

    /// Returns the stream in which an event was lately seen.
    pub(crate) fn recent(&self, id: EventId) -> Option<StreamId> {
        self.inner().recent.get(&id).cloned()
    }

    /// Takes what was read of a stream, where it goes on from what is known.
    pub(crate) fn learn(&self, stream: &StreamId, page: &[Read]) {
        let ids = page.iter().map(|it| (it.event.revision.0, it.event.event_id));
        self.inner().learn(stream, ids);
    }

    /// Takes what was written to a stream behind `length` events.
    pub(crate) fn learn_written(&self, stream: &StreamId, length: u64, ids: &[EventId]) {
        let mut inner = self.inner();
        inner.learn(stream, (length..).zip(ids.iter().copied()));
        for id in ids {
            inner.recent.put(*id, stream.clone());
        }
    }

    /// Takes what came by.
    pub(crate) fn see(&self, page: &[Read]) {
        let mut inner = self.inner();
        for Read { event, .. } in page {
            inner.recent.put(event.event_id, event.stream.clone());
        }
    }
}

impl Inner {
    fn learn(&mut self, stream: &StreamId, ids: impl Iterator<Item = (u64, EventId)>) {
        let mut ids = ids.peekable();
        let length = self.streams.get(stream).map_or(0, |it| it.length);
        if ids.peek().is_none_or(|(revision, _)| *revision > length) {
            return;
        }
        let known = self.streams.get_or_insert_mut(stream.clone(), Ids::default);
        for (revision, id) in ids {
            if revision == known.length {
                known.length += 1;
                known.revisions.insert(id, revision);
                self.count += 1;
            }
        }
        while self.count > IDS_MAX && self.streams.len() > 1 {
            self.count -= self.streams.pop_lru().map_or(0, |(_, it)| it.revisions.len());
        }
    }
}
