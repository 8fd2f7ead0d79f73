//! An annotation: a document of a client that lives in a container.
//!
//! Web Annotation Protocol, section 5. The document is small, so that it lies in the event itself;
//! what it must look like is checked by whoever knows the model.

use crate::aggregate::Aggregate;
use crate::names::{NameError, check_flat_id};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnnotationError {
    #[error("there is no such annotation")]
    NotFound,
    #[error("the annotation has been deleted")]
    Deleted,
    #[error("the annotation exists already")]
    AlreadyExists,
    #[error(transparent)]
    Name(#[from] NameError),
}

/// A Web Annotation as JSON text: without its id, its own addresses relative to the placeholder.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AnnotationDocument(Box<RawValue>);

impl AnnotationDocument {
    /// Takes JSON text.
    pub fn new(json: String) -> serde_json::Result<Self> {
        RawValue::from_string(json).map(Self)
    }

    pub fn as_str(&self) -> &str {
        self.0.get()
    }
}

impl PartialEq for AnnotationDocument {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for AnnotationDocument {}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Annotation {
    #[default]
    Absent,
    Live(LiveAnnotation),
    /// Its address is never given to another one; it may be restored.
    Deleted {
        edits: u64,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveAnnotation {
    pub document: AnnotationDocument,
    pub edits: u64,
}

#[derive(Debug, Clone)]
pub enum AnnotationCommand {
    /// The id is the last part of the stream's name, handed in to be checked.
    Create {
        id: String,
        document: AnnotationDocument,
    },
    Replace {
        document: AnnotationDocument,
    },
    /// Brings back what the stream held at `revision`, which was looked up.
    Restore {
        revision: u64,
        document: AnnotationDocument,
    },
    Delete,
}

impl Annotation {
    pub fn live(&self) -> Option<&LiveAnnotation> {
        match self {
            Self::Live(annotation) => Some(annotation),
            Self::Absent | Self::Deleted { .. } => None,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum AnnotationEvent {
    Created(AnnotationCreated),
    Replaced(AnnotationReplaced),
    Restored(AnnotationRestored),
    Deleted(AnnotationDeleted),
}

impl AnnotationEvent {
    /// Returns what the annotation is from this event on; `None`: nothing.
    pub fn document(&self) -> Option<&AnnotationDocument> {
        match self {
            Self::Created(it) => Some(&it.document),
            Self::Replaced(it) => Some(&it.document),
            Self::Restored(it) => Some(&it.document),
            Self::Deleted(_) => None,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnnotationCreated {
    pub document: AnnotationDocument,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnnotationReplaced {
    pub document: AnnotationDocument,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnnotationRestored {
    /// Of the stream: what was written there is the document again.
    pub revision: u64,
    pub document: AnnotationDocument,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnnotationDeleted {}

impl Aggregate for Annotation {
    const CATEGORY: &'static str = "annotation";
    type Command = AnnotationCommand;
    type Event = AnnotationEvent;
    type Error = AnnotationError;

    fn handle(&self, command: AnnotationCommand) -> Result<Vec<AnnotationEvent>, AnnotationError> {
        use {AnnotationCommand as Do, AnnotationEvent as Then};
        Ok(match (self, command) {
            (Self::Absent, Do::Create { id, document }) => {
                check_flat_id(&id)?;
                vec![Then::Created(AnnotationCreated { document })]
            }
            (Self::Live(_), Do::Create { .. }) => return Err(AnnotationError::AlreadyExists),
            // The same document once more changes nothing.
            (Self::Live(it), Do::Replace { document } | Do::Restore { document, .. })
                if it.document == document =>
            {
                vec![]
            }
            (Self::Live(_), Do::Replace { document }) => {
                vec![Then::Replaced(AnnotationReplaced { document })]
            }
            (Self::Live(_) | Self::Deleted { .. }, Do::Restore { revision, document }) => {
                vec![Then::Restored(AnnotationRestored { revision, document })]
            }
            (Self::Live(_), Do::Delete) => vec![Then::Deleted(AnnotationDeleted {})],
            (Self::Absent, _) => return Err(AnnotationError::NotFound),
            (Self::Deleted { .. }, _) => return Err(AnnotationError::Deleted),
        })
    }

    fn apply(&mut self, event: &AnnotationEvent) {
        let edits = self.edit_revision().saturating_add(1);
        *self = match event.document() {
            Some(document) => Self::Live(LiveAnnotation { document: document.clone(), edits }),
            None => Self::Deleted { edits },
        };
    }

    fn makes_room(command: &AnnotationCommand) -> bool {
        matches!(command, AnnotationCommand::Delete)
    }

    fn edit_revision(&self) -> u64 {
        match self {
            Self::Absent => 0,
            Self::Live(it) => it.edits,
            Self::Deleted { edits } => *edits,
        }
    }

    fn exists(&self) -> bool {
        matches!(self, Self::Live(_))
    }
}

#[cfg(test)]
mod tests {
    use super::{
        Annotation, AnnotationCommand as Do, AnnotationCreated, AnnotationDeleted,
        AnnotationDocument, AnnotationError, AnnotationEvent as Then, AnnotationReplaced,
        AnnotationRestored,
    };
    use crate::given::given;

    fn document(text: &str) -> AnnotationDocument {
        AnnotationDocument::new(format!(r#"{{"bodyValue":"{text}"}}"#)).expect("JSON")
    }

    fn created(text: &str) -> Then {
        Then::Created(AnnotationCreated { document: document(text) })
    }

    fn deleted() -> Then {
        Then::Deleted(AnnotationDeleted {})
    }

    fn create(text: &str) -> Do {
        Do::Create { id: "n1".to_owned(), document: document(text) }
    }

    #[test]
    fn an_annotation_is_created_once_and_its_address_is_never_used_again() {
        given::<Annotation>([]).when(create("a")).then([created("a")]);
        let twice = AnnotationError::AlreadyExists;
        given::<Annotation>([created("a")]).when(create("a")).then_refused(&twice);
        let gone = [created("a"), deleted()];
        given::<Annotation>(gone).when(create("a")).then_refused(&AnnotationError::Deleted);
    }

    #[test]
    fn only_another_document_replaces() {
        let replace = |text| Do::Replace { document: document(text) };
        let replaced = Then::Replaced(AnnotationReplaced { document: document("b") });
        given::<Annotation>([created("a")]).when(replace("a")).then([]);
        given::<Annotation>([created("a")]).when(replace("b")).then([replaced]);
        given::<Annotation>([]).when(replace("b")).then_refused(&AnnotationError::NotFound);
    }

    #[test]
    fn a_deleted_annotation_takes_nothing_but_an_earlier_version() {
        let gone = [created("a"), deleted()];
        let replace = Do::Replace { document: document("b") };
        given::<Annotation>(gone.clone()).when(replace).then_refused(&AnnotationError::Deleted);
        given::<Annotation>(gone.clone()).when(Do::Delete).then_refused(&AnnotationError::Deleted);
        let restore = || Do::Restore { revision: 0, document: document("a") };
        let restored = Then::Restored(AnnotationRestored { revision: 0, document: document("a") });
        given::<Annotation>(gone).when(restore()).then([restored]);
        given::<Annotation>([created("a")]).when(restore()).then([]);
        given::<Annotation>([]).when(restore()).then_refused(&AnnotationError::NotFound);
    }
}
