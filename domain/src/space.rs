//! A space: where a customer keeps assets.

use crate::aggregate::Aggregate;
use crate::languages::Languages;
use crate::names::{NameError, check_space_name};
use crate::patch::Patch;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpaceError {
    #[error("there is no such space")]
    NotFound,
    #[error("the space has been deleted")]
    Deleted,
    #[error("the space exists already")]
    AlreadyExists,
    #[error("the space still has assets")]
    NotEmpty,
    #[error(transparent)]
    Name(#[from] NameError),
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Space {
    #[default]
    Absent,
    Live(LiveSpace),
    /// Until somebody creates a space with the same number: its assets are deleted ids then, which
    /// begin new generations.
    Deleted {
        edits: u64,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveSpace {
    pub name: String,
    /// For assets that are registered from now on.
    pub default_tags: Vec<String>,
    /// For assets that are registered from now on.
    pub default_roles: Vec<String>,
    /// For assets that are registered from now on.
    pub default_recognise: Languages,
    pub edits: u64,
}

#[derive(Debug, Clone)]
pub enum SpaceCommand {
    Create {
        name: String,
        default_tags: Vec<String>,
        default_roles: Vec<String>,
        default_recognise: Languages,
    },
    Change(SpaceChange),
    /// Whether it is empty was looked up.
    Delete {
        is_empty: bool,
    },
}

/// What a client changes of a space; what is left out stays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SpaceChange {
    pub name: Option<String>,
    pub default_tags: Patch<Vec<String>>,
    pub default_roles: Patch<Vec<String>>,
    pub default_recognise: Patch<Languages>,
}

impl Space {
    pub fn live(&self) -> Option<&LiveSpace> {
        match self {
            Self::Live(space) => Some(space),
            Self::Absent | Self::Deleted { .. } => None,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum SpaceEvent {
    Created(SpaceCreated),
    Renamed(SpaceRenamed),
    DefaultsChanged(SpaceDefaultsChanged),
    Deleted(SpaceDeleted),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpaceCreated {
    pub name: String,
    #[serde(default)]
    pub default_tags: Vec<String>,
    #[serde(default)]
    pub default_roles: Vec<String>,
    #[serde(skip_serializing_if = "Languages::is_empty", default)]
    pub default_recognise: Languages,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpaceRenamed {
    pub name: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpaceDefaultsChanged {
    pub default_tags: Vec<String>,
    pub default_roles: Vec<String>,
    #[serde(skip_serializing_if = "Languages::is_empty", default)]
    pub default_recognise: Languages,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpaceDeleted {}

impl Aggregate for Space {
    const CATEGORY: &'static str = "space";
    type Command = SpaceCommand;
    type Event = SpaceEvent;
    type Error = SpaceError;

    fn handle(&self, command: SpaceCommand) -> Result<Vec<SpaceEvent>, SpaceError> {
        use {Space as State, SpaceCommand as Do, SpaceEvent as Then};
        Ok(match (self, command) {
            (
                State::Absent | State::Deleted { .. },
                Do::Create { name, default_tags, default_roles, default_recognise },
            ) => {
                check_space_name(&name)?;
                let created = SpaceCreated { name, default_tags, default_roles, default_recognise };
                vec![Then::Created(created)]
            }
            (State::Absent, _) => return Err(SpaceError::NotFound),
            (State::Deleted { .. }, _) => return Err(SpaceError::Deleted),
            (State::Live(_), Do::Create { .. }) => return Err(SpaceError::AlreadyExists),
            (State::Live(space), Do::Change(change)) => space.changed(change)?,
            (State::Live(_), Do::Delete { is_empty: false }) => return Err(SpaceError::NotEmpty),
            (State::Live(_), Do::Delete { is_empty: true }) => vec![Then::Deleted(SpaceDeleted {})],
        })
    }

    fn apply(&mut self, event: &SpaceEvent) {
        let edits = self.edit_revision().saturating_add(1);
        match (&mut *self, event) {
            (_, SpaceEvent::Created(it)) => {
                *self = Self::Live(LiveSpace {
                    name: it.name.clone(),
                    default_tags: it.default_tags.clone(),
                    default_roles: it.default_roles.clone(),
                    default_recognise: it.default_recognise.clone(),
                    edits,
                });
            }
            (_, SpaceEvent::Deleted(_)) => *self = Self::Deleted { edits },
            (Self::Live(space), SpaceEvent::Renamed(it)) => {
                space.name.clone_from(&it.name);
                space.edits = edits;
            }
            (Self::Live(space), SpaceEvent::DefaultsChanged(it)) => {
                space.default_tags.clone_from(&it.default_tags);
                space.default_roles.clone_from(&it.default_roles);
                space.default_recognise.clone_from(&it.default_recognise);
                space.edits = edits;
            }
            (Self::Absent | Self::Deleted { .. }, _) => {}
        }
    }

    fn makes_room(command: &SpaceCommand) -> bool {
        matches!(command, SpaceCommand::Delete { .. })
    }

    fn edit_revision(&self) -> u64 {
        match self {
            Self::Absent => 0,
            Self::Live(space) => space.edits,
            Self::Deleted { edits } => *edits,
        }
    }

    fn exists(&self) -> bool {
        matches!(self, Self::Live(_))
    }
}

impl LiveSpace {
    fn defaults(&self) -> SpaceDefaultsChanged {
        SpaceDefaultsChanged {
            default_tags: self.default_tags.clone(),
            default_roles: self.default_roles.clone(),
            default_recognise: self.default_recognise.clone(),
        }
    }

    fn changed(&self, change: SpaceChange) -> Result<Vec<SpaceEvent>, SpaceError> {
        let mut events = Vec::new();
        if let Some(name) = change.name.filter(|it| *it != self.name) {
            check_space_name(&name)?;
            events.push(SpaceEvent::Renamed(SpaceRenamed { name }));
        }
        let was = self.defaults();
        let mut becomes = was.clone();
        change.default_tags.apply_to(&mut becomes.default_tags);
        change.default_roles.apply_to(&mut becomes.default_roles);
        change.default_recognise.apply_to(&mut becomes.default_recognise);
        if becomes != was {
            events.push(SpaceEvent::DefaultsChanged(becomes));
        }
        Ok(events)
    }
}

#[cfg(test)]
mod tests;
