//! What a customer defines under a name and always says as a whole: roles, access services,
//! custom headers, origin strategies, accounts, webhooks.

mod account;
mod auth_service;
mod custom_header;
mod origin_strategy;
mod role;
mod webhook;

pub use account::{Account, Password};
pub use auth_service::{AuthProfile, AuthService};
pub use custom_header::CustomHeader;
pub use origin_strategy::{OriginStrategy, Sealed, Strategy, UnknownStrategy};
pub use role::{Role, RoleDefinition};
pub use webhook::{FormerSecret, SecretChange, Webhook};

use crate::aggregate::Aggregate;
use crate::names::NameError;
use crate::wire::{DomainEvent, ForeignEvent};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fmt::Debug;

/// A kind of definition.
pub trait Definition:
    Clone + PartialEq + Debug + Serialize + DeserializeOwned + Send + Sync + 'static
{
    /// Prefix of the streams' names, `{category}-{customer}/{name}`. Never changes.
    const CATEGORY: &'static str;
    /// What one is called in a sentence, for example `role`.
    const NAME: &'static str;

    /// Judges what a client says, and the name under which it says so.
    fn check(&self, name: &str) -> Result<(), DefinitionError>;

    /// Fills in what a change does not say out of what is known.
    #[must_use]
    fn merged(self, _known: &Self) -> Self {
        self
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DefinitionError {
    #[error("there is no such {0}")]
    NotFound(&'static str),
    #[error("there is a {0} of this name already")]
    AlreadyExists(&'static str),
    #[error("{0}")]
    Invalid(String),
    /// The same, under a code of its own for clients.
    #[error("{detail}")]
    Refused { code: &'static str, detail: String },
    #[error(transparent)]
    Name(#[from] NameError),
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Defined<D> {
    #[default]
    Absent,
    Live {
        value: D,
        edits: u64,
    },
    /// Until somebody defines another one of this name.
    Removed {
        edits: u64,
    },
}

#[derive(Debug, Clone)]
pub enum DefinitionCommand<D> {
    /// The name is the last part of the stream's name, handed in to be checked.
    Define {
        name: String,
        value: D,
    },
    Change {
        name: String,
        value: D,
    },
    Remove,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum DefinitionEvent<D> {
    Defined(D),
    Changed(D),
    Removed(DefinitionRemoved),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefinitionRemoved {}

impl<D> Aggregate for Defined<D>
where
    D: Definition,
    DefinitionEvent<D>: Into<DomainEvent> + TryFrom<DomainEvent, Error = ForeignEvent>,
{
    const CATEGORY: &'static str = D::CATEGORY;
    type Command = DefinitionCommand<D>;
    type Event = DefinitionEvent<D>;
    type Error = DefinitionError;

    fn handle(
        &self,
        command: DefinitionCommand<D>,
    ) -> Result<Vec<DefinitionEvent<D>>, DefinitionError> {
        use {DefinitionCommand as Do, DefinitionEvent as Then};
        Ok(match (self, command) {
            (Self::Absent | Self::Removed { .. }, Do::Define { name, value }) => {
                value.check(&name)?;
                vec![Then::Defined(value)]
            }
            (Self::Live { .. }, Do::Define { .. }) => {
                return Err(DefinitionError::AlreadyExists(D::NAME));
            }
            (Self::Live { value: known, .. }, Do::Change { name, value }) => {
                let value = value.merged(known);
                value.check(&name)?;
                let differs = value != *known;
                differs.then_some(Then::Changed(value)).into_iter().collect()
            }
            (Self::Live { .. }, Do::Remove) => vec![Then::Removed(DefinitionRemoved {})],
            (Self::Absent | Self::Removed { .. }, Do::Change { .. } | Do::Remove) => {
                return Err(DefinitionError::NotFound(D::NAME));
            }
        })
    }

    fn apply(&mut self, event: &DefinitionEvent<D>) {
        let edits = self.edit_revision().saturating_add(1);
        *self = match event {
            DefinitionEvent::Defined(value) | DefinitionEvent::Changed(value) => {
                Self::Live { value: value.clone(), edits }
            }
            DefinitionEvent::Removed(_) => Self::Removed { edits },
        };
    }

    fn makes_room(command: &DefinitionCommand<D>) -> bool {
        matches!(command, DefinitionCommand::Remove)
    }

    fn edit_revision(&self) -> u64 {
        match self {
            Self::Absent => 0,
            Self::Live { edits, .. } | Self::Removed { edits } => *edits,
        }
    }

    fn exists(&self) -> bool {
        matches!(self, Self::Live { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::{
        Defined, DefinitionCommand as Do, DefinitionError, DefinitionEvent as Then,
        DefinitionRemoved, Role,
    };
    use crate::given::given;

    fn role(label: &str) -> Role {
        Role { label: label.to_owned(), auth_service: None }
    }

    fn define(label: &str) -> Do<Role> {
        Do::Define { name: "staff".to_owned(), value: role(label) }
    }

    #[test]
    fn one_name_is_defined_once_at_a_time() {
        let defined = || Then::Defined(role("Staff"));
        given::<Defined<Role>>([]).when(define("Staff")).then([defined()]);
        let twice = DefinitionError::AlreadyExists("role");
        given::<Defined<Role>>([defined()]).when(define("Staff")).then_refused(&twice);
        let removed = || Then::Removed(DefinitionRemoved {});
        given::<Defined<Role>>([defined()]).when(Do::Remove).then([removed()]);
        let history = [defined(), removed()];
        given::<Defined<Role>>(history.clone())
            .when(define("Other"))
            .then([Then::Defined(role("Other"))]);
        let missing = DefinitionError::NotFound("role");
        given::<Defined<Role>>(history).when(Do::Remove).then_refused(&missing);
    }

    #[test]
    fn only_what_differs_changes() {
        let history = || [Then::Defined(role("Staff"))];
        let change = |label| Do::Change { name: "staff".to_owned(), value: role(label) };
        given::<Defined<Role>>(history()).when(change("Staff")).then([]);
        let other = Then::Changed(role("Members"));
        given::<Defined<Role>>(history()).when(change("Members")).then([other]);
        let missing = DefinitionError::NotFound("role");
        given::<Defined<Role>>([]).when(change("Members")).then_refused(&missing);
    }
}
