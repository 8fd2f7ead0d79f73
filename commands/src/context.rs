//! Who asks, on whose behalf, and what caused it.

use dlcs_domain::{ActorId, CustomerId};
use uuid::Uuid;

/// Travels with a command and becomes the metadata of its events.
#[derive(Debug, Clone)]
pub struct CommandContext {
    pub actor: ActorId,
    /// `None`: above customers.
    pub customer: Option<CustomerId>,
    /// Root request or batch; constant along a flow.
    pub correlation_id: Uuid,
    /// Command or event that caused this.
    pub causation_id: Option<Uuid>,
    /// Makes event ids deterministic, so that a repeated command is applied once.
    pub command_id: Option<Uuid>,
    /// SHA-256 of the request's body in hexadecimal, where `command_id` came from a client.
    pub body_sha256: Option<String>,
    pub traceparent: Option<String>,
    /// Edit revision that the client sent in `If-Match`.
    pub expected_edit: Option<u64>,
    /// The client sent `If-None-Match: *`: there must be no such thing yet.
    pub expects_absent: bool,
    /// Edit revision of the resource, there or not, on which a flow has built; if it is another one
    /// now, the flow has to look again.
    pub seen_edit: Option<u64>,
}

impl CommandContext {
    /// Begins a flow: nothing caused it, and it may not be repeated.
    pub fn new(actor: ActorId, customer: Option<CustomerId>, correlation_id: Uuid) -> Self {
        Self {
            actor,
            customer,
            correlation_id,
            causation_id: None,
            command_id: None,
            body_sha256: None,
            traceparent: None,
            expected_edit: None,
            expects_absent: false,
            seen_edit: None,
        }
    }

    /// Returns the context of one part of a larger command, for example one row of a batch.
    ///
    /// Parts of a repeatable command are repeatable, each under an id of its own.
    #[must_use]
    pub fn part(&self, name: &str) -> Self {
        let command_id = self.command_id.map(|it| Uuid::new_v5(&it, name.as_bytes()));
        let (expected_edit, seen_edit) = (None, None);
        Self { command_id, expected_edit, expects_absent: false, seen_edit, ..self.clone() }
    }

    /// Returns the context of one row of a body that is repeated row by row: each is sealed by its
    /// own digest.
    #[must_use]
    pub fn row(&self, number: u64, body_sha256: Option<String>) -> Self {
        let part = self.part(&format!("row/{number}"));
        Self { body_sha256: body_sha256.or_else(|| self.body_sha256.clone()), ..part }
    }

    /// Returns the context of a step that may run any number of times, whose rule keeps it from
    /// being applied twice.
    #[must_use]
    pub fn natural(&self) -> Self {
        let causation_id = self.causation_id.or(self.command_id);
        Self { causation_id, command_id: None, ..self.part("") }
    }
}
