//! Folds a stream, and finds in it what a repeated command has brought about before.

use super::{Decided, DispatchError, Outcome};
use crate::context::CommandContext;
use crate::metadata::repeatable_event_id;
use dlcs_domain::{Aggregate, EventMetadata, wire};
use dlcs_eventlog::{
    EventId, EventLog, LogError, Position, RecordedEvent, StreamId, StreamRevision,
};
use std::collections::HashMap;
use uuid::Uuid;

/// Events of a stream read at once.
pub(super) const PAGE_LENGTH: usize = 512;

pub(super) type Answer<A> = Result<Outcome<A>, DispatchError<<A as Aggregate>::Error>>;

/// An aggregate as it stands in the log.
#[derive(Debug, Clone)]
pub struct Loaded<A> {
    pub state: A,
    /// Of the last event; `None`: there is none.
    pub revision: Option<StreamRevision>,
    pub position: Position,
    /// When the last event was recorded.
    pub recorded_at_us: i64,
}

/// Folds one stream and remembers the answers of commands that it holds already.
pub(super) struct Loader<'a, A: Aggregate> {
    stream: &'a StreamId,
    contexts: &'a [&'a CommandContext],
    /// First event id of each repeatable command, by its place in `contexts`.
    firsts: HashMap<EventId, usize>,
    loaded: Loaded<A>,
    current: Option<Repeated<A>>,
    answers: HashMap<usize, Answer<A>>,
}

/// A command whose events are being read back.
struct Repeated<A: Aggregate> {
    index: usize,
    command: Uuid,
    /// Events recognised so far.
    count: usize,
    body_sha256: Option<String>,
    before: A,
    events: Vec<A::Event>,
}

impl<'a, A: Aggregate> Loader<'a, A> {
    pub(super) fn new(stream: &'a StreamId, contexts: &'a [&'a CommandContext]) -> Self {
        let first = |(index, context): (usize, &&CommandContext)| {
            context.command_id.map(|it| (repeatable_event_id(it, stream, 0), index))
        };
        let loaded = Loaded {
            state: A::default(),
            revision: None,
            position: Position::START,
            recorded_at_us: 0,
        };
        Self {
            stream,
            contexts,
            firsts: contexts.iter().enumerate().filter_map(first).collect(),
            loaded,
            current: None,
            answers: HashMap::new(),
        }
    }

    /// Returns the aggregate, and the answers of the commands that were recorded before.
    pub(super) async fn load(
        self,
        log: &dyn EventLog,
    ) -> Result<(Loaded<A>, HashMap<usize, Answer<A>>), LogError> {
        let page = log.read_stream(self.stream, StreamRevision(0), PAGE_LENGTH).await?;
        self.load_after(page, log).await
    }

    /// The same, where the first page has been read.
    pub(super) async fn load_after(
        mut self,
        mut page: Vec<RecordedEvent>,
        log: &dyn EventLog,
    ) -> Result<(Loaded<A>, HashMap<usize, Answer<A>>), LogError> {
        loop {
            let is_last = page.len() < PAGE_LENGTH;
            for event in &page {
                self.fold(event)?;
            }
            if is_last {
                self.close();
                return Ok((self.loaded, self.answers));
            }
            let last = self.loaded.revision.map_or(0, |it| it.0.saturating_add(1));
            page = log.read_stream(self.stream, StreamRevision(last), PAGE_LENGTH).await?;
        }
    }

    fn fold(&mut self, recorded: &RecordedEvent) -> Result<(), LogError> {
        self.recognise(recorded);
        for event in decoded::<A>(recorded)? {
            self.loaded.state.apply(&event);
            if let Some(repeated) = &mut self.current {
                repeated.events.push(event);
            }
        }
        self.loaded.revision = Some(recorded.revision);
        self.loaded.position = recorded.position;
        self.loaded.recorded_at_us = recorded.recorded_at_us;
        Ok(())
    }

    fn recognise(&mut self, recorded: &RecordedEvent) {
        if let Some(repeated) = &mut self.current {
            let next = repeatable_event_id(repeated.command, self.stream, repeated.count);
            if recorded.event_id == next {
                repeated.count += 1;
                return;
            }
        }
        self.close();
        let Some(&index) = self.firsts.get(&recorded.event_id) else { return };
        let Some(command) = self.contexts[index].command_id else { return };
        let metadata = EventMetadata::parse(&recorded.metadata).ok();
        self.current = Some(Repeated {
            index,
            command,
            count: 1,
            body_sha256: metadata.and_then(|it| it.body_sha256),
            before: self.loaded.state.clone(),
            events: Vec::new(),
        });
    }

    /// The command that is being read back has no further event.
    fn close(&mut self) {
        let Some(repeated) = self.current.take() else { return };
        let expected = &self.contexts[repeated.index].body_sha256;
        let is_other_body = match (expected, &repeated.body_sha256) {
            (Some(expected), Some(recorded)) => expected != recorded,
            _ => false,
        };
        let answer = if is_other_body {
            Err(DispatchError::OtherBody)
        } else {
            let after = self.loaded.state.clone();
            Ok(self.loaded.outcome(repeated.before, after, repeated.events))
        };
        self.answers.insert(repeated.index, answer);
    }
}

impl<A: Aggregate> Loaded<A> {
    pub(super) fn outcome(&self, before: A, after: A, events: Vec<A::Event>) -> Outcome<A> {
        let decided = Decided {
            revision: self.revision,
            position: self.position,
            edit_revision: after.edit_revision(),
            changed: !events.is_empty(),
            created: !before.exists() && after.exists(),
        };
        Outcome { decided, before, after, events }
    }
}

fn decoded<A: Aggregate>(recorded: &RecordedEvent) -> Result<Vec<A::Event>, LogError> {
    let damaged = |error: &dyn std::error::Error| {
        LogError::Damaged(format!("event {} of {}: {error}", recorded.position, recorded.stream))
    };
    let events = wire::decode(&recorded.type_name, recorded.schema_version, &recorded.payload)
        .map_err(|error| damaged(&error))?;
    let own = events.into_iter().map(A::Event::try_from);
    own.collect::<Result<_, _>>().map_err(|error| damaged(&error))
}
