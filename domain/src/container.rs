//! An annotation container: what annotations are kept in, and what they are guarded by.
//!
//! Web Annotation Protocol, section 4. Its address is never given to another one: section 5.4.

use crate::aggregate::Aggregate;
use crate::names::{NameError, check_flat_id};
use crate::patch::Patch;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContainerError {
    #[error("there is no such annotation container")]
    NotFound,
    #[error("the annotation container has been deleted")]
    Deleted,
    #[error("the annotation container exists already")]
    AlreadyExists,
    #[error(
        "the annotation container still has annotations: delete them, or add `?recursive=true`"
    )]
    NotEmpty,
    #[error(transparent)]
    Name(#[from] NameError),
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Container {
    #[default]
    Absent,
    Live(LiveContainer),
    Deleted(LiveContainer),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveContainer {
    /// May be empty.
    pub label: String,
    /// Who may read it: one of these roles; anybody when there is none.
    pub roles: Vec<String>,
    pub edits: u64,
}

#[derive(Debug, Clone)]
pub enum ContainerCommand {
    /// The id is the last part of the stream's name, handed in to be checked.
    Create {
        id: String,
        label: String,
        roles: Vec<String>,
    },
    Change {
        label: Patch<String>,
        roles: Patch<Vec<String>>,
    },
    /// Whether it is empty was looked up.
    Delete {
        is_empty: bool,
        recursive: bool,
    },
    /// Takes a deletion back: somebody has annotated meanwhile.
    Restore,
}

impl Container {
    pub fn live(&self) -> Option<&LiveContainer> {
        match self {
            Self::Live(container) => Some(container),
            Self::Absent | Self::Deleted(_) => None,
        }
    }

    /// Returns the container, or why there is none.
    pub fn check_live(&self) -> Result<&LiveContainer, ContainerError> {
        match self {
            Self::Live(container) => Ok(container),
            Self::Absent => Err(ContainerError::NotFound),
            Self::Deleted(_) => Err(ContainerError::Deleted),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum ContainerEvent {
    Created(ContainerCreated),
    Changed(ContainerChanged),
    Deleted(ContainerDeleted),
    Restored(ContainerRestored),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerCreated {
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub label: String,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub roles: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerChanged {
    #[serde(skip_serializing_if = "Patch::is_keep", default)]
    pub label: Patch<String>,
    #[serde(skip_serializing_if = "Patch::is_keep", default)]
    pub roles: Patch<Vec<String>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerDeleted {
    /// Its annotations are gone with it.
    pub recursive: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerRestored {}

impl Aggregate for Container {
    const CATEGORY: &'static str = "container";
    type Command = ContainerCommand;
    type Event = ContainerEvent;
    type Error = ContainerError;

    fn handle(&self, command: ContainerCommand) -> Result<Vec<ContainerEvent>, ContainerError> {
        use {ContainerCommand as Do, ContainerEvent as Then};
        Ok(match (self, command) {
            (Self::Absent, Do::Create { id, label, roles }) => {
                check_flat_id(&id)?;
                vec![Then::Created(ContainerCreated { label, roles })]
            }
            (Self::Live(_), Do::Create { .. }) => return Err(ContainerError::AlreadyExists),
            (Self::Live(it), Do::Change { label, roles }) => {
                let (label, roles) = (label.against(&it.label), roles.against(&it.roles));
                if label.is_keep() && roles.is_keep() {
                    return Ok(vec![]);
                }
                vec![Then::Changed(ContainerChanged { label, roles })]
            }
            (Self::Live(_), Do::Delete { is_empty: false, recursive: false }) => {
                return Err(ContainerError::NotEmpty);
            }
            (Self::Live(_), Do::Delete { recursive, .. }) => {
                vec![Then::Deleted(ContainerDeleted { recursive })]
            }
            (Self::Live(_), Do::Restore) => vec![],
            (Self::Deleted(_), Do::Restore) => vec![Then::Restored(ContainerRestored {})],
            (Self::Absent, _) => return Err(ContainerError::NotFound),
            (Self::Deleted(_), _) => return Err(ContainerError::Deleted),
        })
    }

    fn apply(&mut self, event: &ContainerEvent) {
        let edits = self.edit_revision().saturating_add(1);
        let (mut container, was_live) = match std::mem::take(self) {
            Self::Absent => (LiveContainer { label: String::new(), roles: vec![], edits }, false),
            Self::Live(container) => (container, true),
            Self::Deleted(container) => (container, false),
        };
        container.edits = edits;
        let is_live = match event {
            ContainerEvent::Created(it) => {
                container.label.clone_from(&it.label);
                container.roles.clone_from(&it.roles);
                true
            }
            ContainerEvent::Changed(it) => {
                it.label.apply_to(&mut container.label);
                it.roles.apply_to(&mut container.roles);
                was_live
            }
            ContainerEvent::Deleted(_) => false,
            ContainerEvent::Restored(_) => true,
        };
        *self = if is_live { Self::Live(container) } else { Self::Deleted(container) };
    }

    fn makes_room(command: &ContainerCommand) -> bool {
        matches!(command, ContainerCommand::Delete { .. } | ContainerCommand::Restore)
    }

    fn edit_revision(&self) -> u64 {
        match self {
            Self::Absent => 0,
            Self::Live(it) | Self::Deleted(it) => it.edits,
        }
    }

    fn exists(&self) -> bool {
        matches!(self, Self::Live(_))
    }
}

#[cfg(test)]
mod tests {
    use super::{
        Container, ContainerChanged, ContainerCommand as Do, ContainerCreated, ContainerDeleted,
        ContainerError, ContainerEvent as Then, ContainerRestored,
    };
    use crate::given::given;
    use crate::names::NameError;
    use crate::patch::Patch;

    fn created() -> Then {
        Then::Created(ContainerCreated { label: "Notes".to_owned(), roles: vec![] })
    }

    fn deleted(recursive: bool) -> Then {
        Then::Deleted(ContainerDeleted { recursive })
    }

    fn create(id: &str) -> Do {
        Do::Create { id: id.to_owned(), label: "Notes".to_owned(), roles: vec![] }
    }

    #[test]
    fn a_container_is_created_once_and_its_address_is_never_used_again() {
        given::<Container>([]).when(create("notes")).then([created()]);
        let twice = ContainerError::AlreadyExists;
        given::<Container>([created()]).when(create("notes")).then_refused(&twice);
        let gone = [created(), deleted(false)];
        given::<Container>(gone).when(create("notes")).then_refused(&ContainerError::Deleted);
    }

    #[test]
    fn an_id_is_one_segment_of_an_address() {
        let reason = "it has no `/` and no control characters";
        let error = NameError::Invalid { name: "a/b".to_owned(), reason };
        given::<Container>([]).when(create("a/b")).then_refused(&ContainerError::Name(error));
    }

    #[test]
    fn a_change_that_changes_nothing_is_none() {
        let change = |label: &str, roles: &[&str]| Do::Change {
            label: Patch::Set(label.to_owned()),
            roles: Patch::Set(roles.iter().map(|it| (*it).to_owned()).collect()),
        };
        given::<Container>([created()]).when(change("Notes", &[])).then([]);
        let roles = Patch::Set(vec!["staff".to_owned()]);
        let changed = Then::Changed(ContainerChanged { label: Patch::Keep, roles });
        given::<Container>([created()]).when(change("Notes", &["staff"])).then([changed]);
        given::<Container>([]).when(change("", &[])).then_refused(&ContainerError::NotFound);
    }

    #[test]
    fn what_has_annotations_is_deleted_with_them_or_not_at_all() {
        let delete = |is_empty, recursive| Do::Delete { is_empty, recursive };
        let full = ContainerError::NotEmpty;
        given::<Container>([created()]).when(delete(false, false)).then_refused(&full);
        given::<Container>([created()]).when(delete(false, true)).then([deleted(true)]);
        given::<Container>([created()]).when(delete(true, false)).then([deleted(false)]);
        let gone = [created(), deleted(false)];
        given::<Container>(gone).when(delete(true, true)).then_refused(&ContainerError::Deleted);
    }

    #[test]
    fn a_deletion_is_taken_back_as_it_was() {
        let history = [created(), deleted(false)];
        let restored = Then::Restored(ContainerRestored {});
        given::<Container>(history.clone()).when(Do::Restore).then([restored.clone()]);
        given::<Container>([created()]).when(Do::Restore).then([]);
        let [first, second] = history;
        given::<Container>([first, second, restored])
            .when(Do::Change { label: Patch::Set("Notes".to_owned()), roles: Patch::Keep })
            .then([]);
    }
}
