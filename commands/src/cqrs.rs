//! The bridge to `cqrs-es`, and the executor behind it.
//!
//! The only file that names that crate. Its aggregate trait, event sink and test framework serve;
//! its framework (no position, no revision, one aggregate at a time) and its stores do not.

mod executor;
mod loading;
mod planning;
#[cfg(test)]
mod tests;

pub use executor::{Executor, Prepared};
pub use loading::Loaded;

use cqrs_es::event_sink::EventSink;
use dlcs_domain::{Aggregate, DomainEvent, wire};
use dlcs_eventlog::{LogError, Position, StreamRevision};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// An aggregate of ours as one of `cqrs-es`.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(transparent, bound = "A: Aggregate")]
pub struct Sourced<A>(pub A);

/// An event of ours as one of `cqrs-es`. In JSON: `[type, version, payload]`.
#[derive(Debug, Clone, PartialEq)]
pub struct SourcedEvent<E>(pub E);

impl<E: Clone + Into<DomainEvent>> Serialize for SourcedEvent<E> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let event: DomainEvent = self.0.clone().into();
        let (type_name, schema_version) = event.event_type();
        (type_name, schema_version, event).serialize(serializer)
    }
}

impl<'de, E: TryFrom<DomainEvent>> Deserialize<'de> for SourcedEvent<E> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (type_name, schema_version, payload) =
            <(String, u32, Box<RawValue>)>::deserialize(deserializer)?;
        let events = wire::decode(&type_name, schema_version, payload.get().as_bytes());
        let event = events.map_err(serde::de::Error::custom)?.pop();
        let event = event.and_then(|it| E::try_from(it).ok());
        event.map(Self).ok_or_else(|| serde::de::Error::custom("an event of another aggregate"))
    }
}

impl<E> cqrs_es::DomainEvent for SourcedEvent<E>
where
    E: Clone + PartialEq + std::fmt::Debug + Send + Sync + Into<DomainEvent> + TryFrom<DomainEvent>,
{
    fn event_type(&self) -> String {
        self.0.clone().into().event_type().0.to_owned()
    }

    fn event_version(&self) -> String {
        self.0.clone().into().event_type().1.to_string()
    }
}

impl<A: Aggregate> cqrs_es::Aggregate for Sourced<A> {
    const TYPE: &'static str = A::CATEGORY;
    type Command = A::Command;
    type Event = SourcedEvent<A::Event>;
    type Error = A::Error;
    type Services = ();

    async fn handle(
        &mut self,
        command: A::Command,
        (): &(),
        sink: &EventSink<Self>,
    ) -> Result<(), A::Error> {
        for event in self.0.handle(command)? {
            sink.write(SourcedEvent(event), self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: Self::Event) {
        self.0.apply(&event.0);
    }
}

impl<A: Aggregate> Sourced<A> {
    /// Decides, folds what was decided, and returns it.
    async fn decide(&mut self, command: A::Command) -> Result<Vec<A::Event>, A::Error> {
        let sink = EventSink::default();
        cqrs_es::Aggregate::handle(self, command, &(), &sink).await?;
        let sourced = sink.collect().await;
        // Of its own length: the sink's buffer has room for several large events.
        let mut events = Vec::with_capacity(sourced.len());
        events.extend(sourced.into_iter().map(|it| it.0));
        Ok(events)
    }
}

/// What became of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decided {
    /// Of the stream's last event; `None`: it has none.
    pub revision: Option<StreamRevision>,
    /// Of the last event appended, or of the stream's last event when nothing changed. A read
    /// model that has got there shows the command's effect.
    pub position: Position,
    /// The ETag of the management resource.
    pub edit_revision: u64,
    pub changed: bool,
    /// There was no such thing before, and now there is.
    pub created: bool,
}

/// What became of a command, with what the aggregate looked like before and after.
#[derive(Debug, Clone)]
pub struct Outcome<A: Aggregate> {
    pub decided: Decided,
    pub before: A,
    pub after: A,
    pub events: Vec<A::Event>,
}

/// Why a command had no effect.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DispatchError<E: std::error::Error> {
    /// A rule of the domain says no.
    #[error(transparent)]
    Rejected(E),
    /// `If-Match` was sent, and somebody has changed the resource since; or `If-None-Match: *`, and
    /// there is one.
    #[error("the resource has changed: its edit revision is {actual}")]
    EditMismatch { actual: u64 },
    /// The command's id has been used for another body.
    #[error("the idempotency key has been used with another body")]
    OtherBody,
    /// Others write to the same stream all the time: try again.
    #[error("the resource is being changed by others: try again")]
    Busy,
    #[error("{0}")]
    Full(String),
    /// May pass: try again.
    #[error("{0}")]
    Unavailable(String),
    #[error("{0}")]
    Damaged(String),
}

impl<E: std::error::Error> From<LogError> for DispatchError<E> {
    fn from(error: LogError) -> Self {
        let text = error.to_string();
        match error {
            LogError::Full(_) => Self::Full(text),
            LogError::Unavailable(_) => Self::Unavailable(text),
            LogError::Damaged(_) => Self::Damaged(text),
        }
    }
}
