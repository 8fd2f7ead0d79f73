//! Decides the commands on one stream, one after the other, and makes one append of it.

use super::loading::{Answer, Loaded};
use super::{Decided, DispatchError, Outcome, Sourced};
use crate::context::CommandContext;
use crate::metadata::{event_metadata, new_uuid, repeatable_event_id};
use dlcs_domain::{Aggregate, DomainEvent, wire};
use dlcs_eventlog::{Append, Appended, EventId, Expected, NewEvent, StreamId, StreamRevision};
use std::borrow::Cow;
use std::collections::HashMap;

/// What is kept of the outcome of a command until it is answered.
pub(super) type Kept<A, T> = Result<(Decided, T), DispatchError<<A as Aggregate>::Error>>;

/// The answers of the commands on one stream, and what must be appended before they hold.
pub(super) struct Plan<A: Aggregate, T> {
    pub(super) answers: Vec<Kept<A, T>>,
    /// Which answers wait for the append.
    waiting: Vec<bool>,
    pub(super) append: Option<Append>,
}

pub(super) struct Planner<'a, A: Aggregate> {
    pub(super) stream: &'a StreamId,
    pub(super) program: &'a str,
    pub(super) now_us: i64,
    pub(super) loaded: Loaded<A>,
}

impl<A: Aggregate> Planner<'_, A> {
    /// `known` holds the answers of commands that were recorded before; of each outcome that is
    /// kept which `keep` returns.
    pub(super) async fn plan<T>(
        mut self,
        commands: Vec<(&CommandContext, A::Command)>,
        mut known: HashMap<usize, Answer<A>>,
        keep: impl Fn(Outcome<A>) -> T,
    ) -> Plan<A, T> {
        let expected = self.loaded.revision.map_or(Expected::NoStream, Expected::Revision);
        let count = commands.len();
        let mut events = Vec::with_capacity(count);
        let (answers, waiting) = (Vec::with_capacity(count), Vec::with_capacity(count));
        let mut plan = Plan { answers, waiting, append: None };
        for (index, (context, command)) in commands.into_iter().enumerate() {
            let (mut answer, is_new) = match known.remove(&index) {
                Some(answer) => (answer, false),
                None => (self.decide(context, command, index + 1 == count).await, true),
            };
            // What changes nothing still rests on the events before it.
            plan.waiting.push(is_new && answer.is_ok());
            if let (Ok(outcome), true) = (&mut answer, is_new) {
                self.encode(context, outcome, &mut events);
            }
            plan.answers.push(answer.map(|it| (it.decided, keep(it))));
        }
        if !events.is_empty() {
            plan.append = Some(Append { stream: self.stream.clone(), expected, events });
        }
        plan
    }

    /// After the last command the state is given away, not copied.
    async fn decide(
        &mut self,
        context: &CommandContext,
        command: A::Command,
        is_last: bool,
    ) -> Answer<A> {
        let before = self.loaded.state.clone();
        let actual = before.edit_revision();
        let has_moved = context.seen_edit.is_some_and(|it| it != actual);
        if has_moved || (context.expects_absent && before.exists()) {
            return Err(DispatchError::EditMismatch { actual });
        }
        let is_stale = context.expected_edit.is_some_and(|it| it != actual || !before.exists());
        if is_stale && before.exists() {
            return Err(DispatchError::EditMismatch { actual });
        }
        let mut sourced = Sourced(before.clone());
        let events = sourced.decide(command).await.map_err(DispatchError::Rejected)?;
        if is_stale {
            return Err(DispatchError::EditMismatch { actual });
        }
        self.loaded.state = sourced.0;
        self.loaded.revision = advanced(self.loaded.revision, events.len());
        let after = match is_last {
            true => std::mem::take(&mut self.loaded.state),
            false => self.loaded.state.clone(),
        };
        Ok(self.loaded.outcome(before, after, events))
    }

    fn encode(&self, context: &CommandContext, outcome: &mut Outcome<A>, into: &mut Vec<NewEvent>) {
        let metadata = bytes::Bytes::from(event_metadata(context, self.program));
        let new_event = |(ordinal, event): (usize, &DomainEvent)| {
            let encoded = wire::encode(event);
            let event_id = match context.command_id {
                Some(command) => repeatable_event_id(command, self.stream, ordinal),
                None => EventId(new_uuid(self.now_us)),
            };
            NewEvent {
                event_id,
                type_name: Cow::Borrowed(encoded.type_name),
                schema_version: encoded.schema_version,
                payload: encoded.payload.into(),
                metadata: metadata.clone(),
            }
        };
        // There and back: cheaper than a copy, and nothing of it is lost on the way.
        let events: Vec<DomainEvent> =
            std::mem::take(&mut outcome.events).into_iter().map(Into::into).collect();
        into.extend(events.iter().enumerate().map(new_event));
        outcome.events = events.into_iter().filter_map(|it| A::Event::try_from(it).ok()).collect();
    }
}

impl<A: Aggregate, T> Plan<A, T> {
    /// The append has happened: what waited for it holds.
    pub(super) fn appended(mut self, appended: Appended) -> Vec<Kept<A, T>> {
        for (answer, waits) in self.answers.iter_mut().zip(&self.waiting) {
            if let (Ok((decided, _)), true) = (answer, waits) {
                decided.position = appended.position;
            }
        }
        self.answers
    }

    /// The append has failed: what waited for it fails.
    pub(super) fn failed(mut self, error: &DispatchError<A::Error>) -> Vec<Kept<A, T>> {
        for (answer, waits) in self.answers.iter_mut().zip(&self.waiting) {
            if *waits {
                *answer = Err(error.clone());
            }
        }
        self.answers
    }
}

fn advanced(revision: Option<StreamRevision>, count: usize) -> Option<StreamRevision> {
    let length = revision.map_or(0, |it| it.0.saturating_add(1)).saturating_add(count as u64);
    length.checked_sub(1).map(StreamRevision)
}
