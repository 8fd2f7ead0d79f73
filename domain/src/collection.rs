//! A collection: a folder of what is stored below it, or a list that a client wrote.
//!
//! A *storage collection* holds manifests and collections; what it lists is what is in it. A *IIIF
//! collection* is a document of a client, kept whole, which names whatever it likes and holds
//! nothing. The root collection of a customer is always there and has no stream.

use crate::aggregate::Aggregate;
use crate::ids::BlobRef;
use crate::label::Label;
use crate::manifest::LabelledBlob;
use crate::names::NameError;
use crate::place::{Place, PlacePatch};
use serde::{Deserialize, Serialize};

/// Flat id of the root collection.
pub const ROOT: &str = "root";

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CollectionError {
    #[error("there is no such collection")]
    NotFound,
    #[error("the collection has been deleted")]
    Deleted,
    #[error("the collection exists already")]
    AlreadyExists,
    #[error("the collection still has something in it: move or delete that first")]
    NotEmpty,
    #[error("a collection stays what it is: a storage collection or a IIIF collection")]
    OtherKind,
    #[error(transparent)]
    Name(#[from] NameError),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CollectionKind {
    /// Holds manifests and collections.
    Storage,
    /// Is as its client wrote it.
    Iiif,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Collection {
    #[default]
    Absent,
    Live(LiveCollection),
    /// As it was; gone, unless somebody put something into it meanwhile.
    Deleted(LiveCollection),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveCollection {
    pub kind: CollectionKind,
    pub place: Place,
    /// Whether anybody may see it.
    pub is_public: bool,
    pub document: BlobRef,
    pub edits: u64,
}

#[derive(Debug, Clone)]
pub struct NewCollection {
    pub kind: CollectionKind,
    pub place: Place,
    pub is_public: bool,
    pub document: LabelledBlob,
}

/// What is to be different; what is left out stays.
#[derive(Debug, Clone, Default)]
pub struct CollectionPatch {
    pub kind: Option<CollectionKind>,
    pub place: PlacePatch,
    pub is_public: Option<bool>,
    pub document: Option<LabelledBlob>,
}

#[derive(Debug, Clone)]
pub enum CollectionCommand {
    Create(NewCollection),
    Change(CollectionPatch),
    /// Whether anything is in it was looked up.
    Delete {
        is_empty: bool,
    },
    /// Takes a deletion back: somebody has put something into it meanwhile.
    Restore,
}

impl Collection {
    pub fn live(&self) -> Option<&LiveCollection> {
        match self {
            Self::Live(collection) => Some(collection),
            Self::Absent | Self::Deleted(_) => None,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum CollectionEvent {
    Created(CollectionCreated),
    Replaced(CollectionReplaced),
    Moved(CollectionMoved),
    Published(CollectionPublished),
    Withdrawn(CollectionWithdrawn),
    Deleted(CollectionDeleted),
    Restored(CollectionRestored),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CollectionCreated {
    pub kind: CollectionKind,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub slug: Option<String>,
    /// Flat id of the storage collection that it is in; absent: the root collection.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub parent: Option<String>,
    pub public: bool,
    pub document: BlobRef,
    /// What the document says that it is called.
    #[serde(skip_serializing_if = "Label::is_empty", default)]
    pub label: Label,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CollectionReplaced {
    pub document: BlobRef,
    #[serde(skip_serializing_if = "Label::is_empty", default)]
    pub label: Label,
}

/// Its former address, and those of all that is in it, lead to the new ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CollectionMoved {
    pub slug: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub parent: Option<String>,
}

/// Anybody may see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CollectionPublished {}

/// Only its customer may see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CollectionWithdrawn {}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CollectionDeleted {}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CollectionRestored {}

impl Aggregate for Collection {
    const CATEGORY: &'static str = "collection";
    type Command = CollectionCommand;
    type Event = CollectionEvent;
    type Error = CollectionError;

    fn handle(&self, command: CollectionCommand) -> Result<Vec<CollectionEvent>, CollectionError> {
        use {CollectionCommand as Do, CollectionEvent as Then};
        Ok(match (self, command) {
            (Self::Absent | Self::Deleted(_), Do::Create(new)) => {
                new.place.check()?;
                vec![created(new)]
            }
            (Self::Live(_), Do::Create(_)) => return Err(CollectionError::AlreadyExists),
            (Self::Live(it), Do::Change(patch)) => it.change(patch)?,
            (Self::Live(_), Do::Delete { is_empty: false }) => {
                return Err(CollectionError::NotEmpty);
            }
            (Self::Live(_), Do::Delete { is_empty: true }) => {
                vec![Then::Deleted(CollectionDeleted {})]
            }
            (Self::Deleted(_), Do::Restore) => vec![Then::Restored(CollectionRestored {})],
            (Self::Live(_), Do::Restore) => vec![],
            (Self::Absent, _) => return Err(CollectionError::NotFound),
            (Self::Deleted(_), _) => return Err(CollectionError::Deleted),
        })
    }

    fn apply(&mut self, event: &CollectionEvent) {
        let edits = self.edit_revision().saturating_add(1);
        *self = match (std::mem::take(self), event) {
            (_, CollectionEvent::Created(it)) => Self::Live(LiveCollection {
                kind: it.kind,
                place: Place { slug: it.slug.clone(), parent: it.parent.clone() },
                is_public: it.public,
                document: it.document.clone(),
                edits,
            }),
            (Self::Live(it), CollectionEvent::Deleted(_)) => {
                Self::Deleted(LiveCollection { edits, ..it })
            }
            (Self::Live(it) | Self::Deleted(it), CollectionEvent::Restored(_)) => {
                Self::Live(LiveCollection { edits, ..it })
            }
            (Self::Live(it), event) => Self::Live(LiveCollection { edits, ..it.after(event) }),
            (gone, _) => gone,
        };
    }

    fn makes_room(command: &CollectionCommand) -> bool {
        matches!(command, CollectionCommand::Delete { .. })
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

fn created(new: NewCollection) -> CollectionEvent {
    let NewCollection { kind, place: Place { slug, parent }, is_public, document } = new;
    let LabelledBlob { blob: document, label } = document;
    let public = is_public;
    CollectionEvent::Created(CollectionCreated { kind, slug, parent, public, document, label })
}

impl LiveCollection {
    /// Decides what is different.
    fn change(&self, patch: CollectionPatch) -> Result<Vec<CollectionEvent>, CollectionError> {
        use CollectionEvent as Then;
        if patch.kind.is_some_and(|kind| kind != self.kind) {
            return Err(CollectionError::OtherKind);
        }
        let mut events = Vec::new();
        // What goes out of sight goes first, what comes into sight comes last: nobody is told what
        // happened in private.
        let public = patch.is_public.filter(|it| *it != self.is_public);
        if public == Some(false) {
            events.push(Then::Withdrawn(CollectionWithdrawn {}));
        }
        let place = patch.place.from(&self.place);
        if place != self.place {
            place.check()?;
            let Place { slug, parent } = place;
            events.push(Then::Moved(CollectionMoved { slug, parent }));
        }
        if let Some(it) = patch.document.filter(|it| it.blob != self.document) {
            let replaced = CollectionReplaced { document: it.blob, label: it.label };
            events.push(Then::Replaced(replaced));
        }
        if public == Some(true) {
            events.push(Then::Published(CollectionPublished {}));
        }
        Ok(events)
    }

    fn after(mut self, event: &CollectionEvent) -> Self {
        match event {
            CollectionEvent::Replaced(it) => self.document = it.document.clone(),
            CollectionEvent::Moved(it) => {
                self.place = Place { slug: it.slug.clone(), parent: it.parent.clone() };
            }
            CollectionEvent::Published(_) => self.is_public = true,
            CollectionEvent::Withdrawn(_) => self.is_public = false,
            CollectionEvent::Created(_)
            | CollectionEvent::Deleted(_)
            | CollectionEvent::Restored(_) => {}
        }
        self
    }
}

#[cfg(test)]
mod tests;
