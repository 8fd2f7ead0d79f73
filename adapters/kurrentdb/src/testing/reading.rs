//! Reads and subscriptions.

use super::messages::{
    Confirmed, Empty, OfAll, OfStream, Place, ReadAnswer, ReadEvent, ReadOptions, ReadPart,
    Recorded,
};
use super::state::{State, Store};
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use std::collections::VecDeque;
use std::sync::Arc;
use tonic::Status;

pub(super) type Answers = BoxStream<'static, Result<ReadAnswer, Status>>;

/// Events that a filter may pass over before a checkpoint is sent.
const WINDOW: usize = 32;

impl State {
    pub(super) fn read(self: Arc<Self>, options: ReadOptions) -> Result<Answers, Status> {
        let prefixes = options.filter.and_then(|it| it.stream).map(|it| it.prefixes);
        let filter = Filter(prefixes.unwrap_or_default());
        if options.subscription.is_some() {
            let all = options.all.ok_or_else(|| Status::unimplemented("of $all only"))?;
            let subscription = self.subscribe(all, filter)?;
            return Ok(stream::unfold(subscription, Subscription::next).boxed());
        }
        let count = usize::try_from(options.count.unwrap_or(u64::MAX)).unwrap_or(usize::MAX);
        let store = self.store();
        let parts: Vec<ReadPart> = match (options.stream, options.all) {
            (Some(of), None) => of_stream(&store, &of, options.direction == 0, count)?,
            (None, Some(of)) => of_all(&store, &of, options.direction == 0, count, &filter)?,
            _ => return Err(Status::invalid_argument("a stream or $all")),
        };
        Ok(stream::iter(parts.into_iter().map(|it| Ok(answer(it)))).boxed())
    }

    fn subscribe(self: Arc<Self>, of: OfAll, filter: Filter) -> Result<Subscription, Status> {
        let next = match of.place {
            // From behind the event there.
            Some(place) => self.store().index_of(place)? + 1,
            None => 0,
        };
        let mut faults = self.faults();
        faults.subscriptions += 1;
        let (mute, ended, again) = (faults.mute, faults.ended, faults.first_again);
        drop(faults);
        let confirmed = ReadPart::Confirmed(Confirmed { id: next.to_string() });
        Ok(Subscription {
            appended: self.appended.subscribe(),
            next: next.saturating_sub(again),
            passed: 0,
            is_live: false,
            waiting: VecDeque::from([confirmed]),
            state: self,
            mute,
            ended,
            filter,
        })
    }
}

struct Filter(Vec<String>);

impl Filter {
    fn takes(&self, event: &Recorded) -> bool {
        let name = event.stream.as_ref().map_or(&[][..], |it| &it.name);
        self.0.is_empty() || self.0.iter().any(|it| name.starts_with(it.as_bytes()))
    }
}

struct Subscription {
    state: Arc<State>,
    appended: tokio::sync::watch::Receiver<u64>,
    filter: Filter,
    next: usize,
    /// Events that the filter has passed over since something was sent.
    passed: usize,
    is_live: bool,
    waiting: VecDeque<ReadPart>,
    /// It is mute where this is not how often that was asked for.
    mute: u64,
    /// The same for its end.
    ended: u64,
}

impl Subscription {
    async fn next(mut self) -> Option<(Result<ReadAnswer, Status>, Self)> {
        loop {
            if self.state.faults().mute != self.mute {
                std::future::pending::<()>().await;
            }
            if self.state.faults().ended != self.ended {
                return None;
            }
            if let Some(part) = self.waiting.pop_front() {
                return Some((Ok(answer(part)), self));
            }
            self.appended.mark_unchanged();
            self.look();
            if self.waiting.is_empty() && self.appended.changed().await.is_err() {
                return None;
            }
        }
    }

    /// Takes what has come since.
    fn look(&mut self) {
        let repeated = self.state.faults().repeated;
        let state = Arc::clone(&self.state);
        let store = state.store();
        while let Some(recorded) = store.events.get(self.next) {
            self.next += 1;
            if self.filter.takes(recorded) {
                self.passed = 0;
                self.waiting.push_back(event(recorded));
                if rand::random_bool(repeated) {
                    self.waiting.push_back(event(recorded));
                }
                return;
            }
            self.passed += 1;
            if self.passed == WINDOW {
                self.passed = 0;
                let place = Place { commit: recorded.commit, prepare: recorded.prepare };
                self.waiting.push_back(ReadPart::Checkpoint(place));
                return;
            }
        }
        if !self.is_live {
            self.is_live = true;
            self.waiting.push_back(ReadPart::CaughtUp(Empty {}));
        }
    }
}

impl Store {
    /// Returns which record begins at a place.
    fn index_of(&self, place: Place) -> Result<usize, Status> {
        let found = self.events.binary_search_by_key(&place.commit, |it| it.commit);
        found.map_err(|_| Status::internal("Invalid position"))
    }
}

fn of_stream(
    store: &Store,
    of: &OfStream,
    forwards: bool,
    count: usize,
) -> Result<Vec<ReadPart>, Status> {
    let name = of.stream.clone().unwrap_or_default();
    let Some(indexes) = store.streams.get(&name.name) else {
        return Ok(vec![ReadPart::NoStream(name)]);
    };
    if !forwards || of.end.is_some() {
        return Err(Status::unimplemented("backwards"));
    }
    let from = usize::try_from(of.revision.unwrap_or(0)).unwrap_or(usize::MAX);
    let events = indexes.iter().skip(from).take(count);
    Ok(events.map(|index| event(&store.events[*index])).collect())
}

fn of_all(
    store: &Store,
    of: &OfAll,
    forwards: bool,
    count: usize,
    filter: &Filter,
) -> Result<Vec<ReadPart>, Status> {
    let from = of.place.map(|place| store.index_of(place)).transpose()?;
    if forwards {
        let events = store.events[from.unwrap_or(0)..].iter();
        return Ok(events.filter(|it| filter.takes(it)).take(count).map(event).collect());
    }
    let events = store.events[..from.unwrap_or(store.events.len())].iter().rev();
    Ok(events.filter(|it| filter.takes(it)).take(count).map(event).collect())
}

fn event(recorded: &Recorded) -> ReadPart {
    ReadPart::Event(ReadEvent { event: Some(recorded.clone()), commit: Some(recorded.commit) })
}

fn answer(part: ReadPart) -> ReadAnswer {
    ReadAnswer { part: Some(part) }
}
