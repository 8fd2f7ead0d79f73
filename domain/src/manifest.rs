//! A stored manifest: a document of a client, kept whole as a blob and sealed by its digest, and the
//! public address that leads to it.

use crate::aggregate::Aggregate;
use crate::ids::BlobRef;
use crate::names::{NameError, check_slug};
use crate::patch::Patch;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    #[error("there is no such manifest")]
    NotFound,
    #[error("the manifest has been deleted")]
    Deleted,
    #[error("the manifest exists already")]
    AlreadyExists,
    #[error(transparent)]
    Slug(#[from] NameError),
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Manifest {
    #[default]
    Absent,
    Live(LiveManifest),
    /// Until somebody stores another one under its id.
    Deleted {
        edits: u64,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveManifest {
    pub slug: Option<String>,
    pub document: BlobRef,
    pub edits: u64,
}

#[derive(Debug, Clone)]
pub enum ManifestCommand {
    Create {
        slug: Option<String>,
        document: BlobRef,
    },
    /// Moves it to another public address, replaces its document, or both.
    Change {
        slug: Patch<String>,
        document: Option<BlobRef>,
    },
    Delete,
}

impl Manifest {
    pub fn live(&self) -> Option<&LiveManifest> {
        match self {
            Self::Live(manifest) => Some(manifest),
            Self::Absent | Self::Deleted { .. } => None,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum ManifestEvent {
    Created(ManifestCreated),
    Replaced(ManifestReplaced),
    Moved(ManifestMoved),
    Deleted(ManifestDeleted),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestCreated {
    /// Path of the public address below the customer, if it has one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub slug: Option<String>,
    pub document: BlobRef,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestReplaced {
    pub document: BlobRef,
}

/// Its former address leads to the new one, until another manifest takes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestMoved {
    /// `null`: it has no public address any more but that of its id.
    pub slug: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestDeleted {}

impl Aggregate for Manifest {
    const CATEGORY: &'static str = "manifest";
    type Command = ManifestCommand;
    type Event = ManifestEvent;
    type Error = ManifestError;

    fn handle(&self, command: ManifestCommand) -> Result<Vec<ManifestEvent>, ManifestError> {
        use {Manifest as State, ManifestCommand as Do, ManifestEvent as Then};
        Ok(match (self, command) {
            (State::Absent | State::Deleted { .. }, Do::Create { slug, document }) => {
                slug.as_deref().map_or(Ok(()), check_slug)?;
                vec![Then::Created(ManifestCreated { slug, document })]
            }
            (State::Live(_), Do::Create { .. }) => return Err(ManifestError::AlreadyExists),
            (State::Live(it), Do::Change { slug, document }) => it.change(slug, document)?,
            (State::Live(_), Do::Delete) => vec![Then::Deleted(ManifestDeleted {})],
            (State::Absent, Do::Change { .. } | Do::Delete) => return Err(ManifestError::NotFound),
            (State::Deleted { .. }, Do::Change { .. } | Do::Delete) => {
                return Err(ManifestError::Deleted);
            }
        })
    }

    fn apply(&mut self, event: &ManifestEvent) {
        let edits = self.edit_revision().saturating_add(1);
        match (&mut *self, event) {
            (_, ManifestEvent::Created(it)) => {
                let (slug, document) = (it.slug.clone(), it.document.clone());
                *self = Self::Live(LiveManifest { slug, document, edits });
            }
            (Self::Live(manifest), ManifestEvent::Replaced(it)) => {
                manifest.document = it.document.clone();
                manifest.edits = edits;
            }
            (Self::Live(manifest), ManifestEvent::Moved(it)) => {
                manifest.slug.clone_from(&it.slug);
                manifest.edits = edits;
            }
            (Self::Live(_), ManifestEvent::Deleted(_)) => *self = Self::Deleted { edits },
            (Self::Absent | Self::Deleted { .. }, _) => {}
        }
    }

    fn makes_room(command: &ManifestCommand) -> bool {
        matches!(command, ManifestCommand::Delete)
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

impl LiveManifest {
    /// Decides what is different. The same bytes once more change nothing.
    fn change(
        &self,
        slug: Patch<String>,
        document: Option<BlobRef>,
    ) -> Result<Vec<ManifestEvent>, ManifestError> {
        let mut events = Vec::new();
        let slug = match slug {
            Patch::Keep => None,
            Patch::Clear => Some(None),
            Patch::Set(slug) => Some(Some(slug)),
        };
        if let Some(slug) = slug.filter(|it| *it != self.slug) {
            slug.as_deref().map_or(Ok(()), check_slug)?;
            events.push(ManifestEvent::Moved(ManifestMoved { slug }));
        }
        if let Some(document) = document.filter(|it| *it != self.document) {
            events.push(ManifestEvent::Replaced(ManifestReplaced { document }));
        }
        Ok(events)
    }
}

#[cfg(test)]
mod tests {
    use super::{
        Manifest, ManifestCommand as Do, ManifestCreated, ManifestDeleted, ManifestError,
        ManifestEvent as Then, ManifestMoved, ManifestReplaced,
    };
    use crate::given::given;
    use crate::ids::BlobRef;
    use crate::names::NameError;
    use crate::patch::Patch;

    fn document(byte: &str) -> BlobRef {
        BlobRef { sha256: byte.repeat(32), length_bytes: 7 }
    }

    fn created() -> Then {
        let slug = Some("atlas".to_owned());
        Then::Created(ManifestCreated { slug, document: document("aa") })
    }

    #[test]
    fn a_manifest_is_created_once() {
        let create = || Do::Create { slug: Some("atlas".to_owned()), document: document("aa") };
        given::<Manifest>([]).when(create()).then([created()]);
        given::<Manifest>([created()]).when(create()).then_refused(&ManifestError::AlreadyExists);
    }

    fn replace(byte: &str) -> Do {
        Do::Change { slug: Patch::Keep, document: Some(document(byte)) }
    }

    fn deleted() -> Then {
        Then::Deleted(ManifestDeleted {})
    }

    #[test]
    fn only_other_bytes_replace() {
        let replaced = Then::Replaced(ManifestReplaced { document: document("bb") });
        given::<Manifest>([created()]).when(replace("aa")).then([]);
        given::<Manifest>([created()]).when(replace("bb")).then([replaced]);
        given::<Manifest>([]).when(replace("bb")).then_refused(&ManifestError::NotFound);
    }

    #[test]
    fn a_manifest_moves_and_may_be_replaced_on_the_way() {
        let moved =
            |slug: Option<&str>| Then::Moved(ManifestMoved { slug: slug.map(str::to_owned) });
        let to = |slug: &str| Patch::Set(slug.to_owned());
        let same = Do::Change { slug: to("atlas"), document: None };
        given::<Manifest>([created()]).when(same).then([]);
        let both = Do::Change { slug: to("globe"), document: Some(document("bb")) };
        let replaced = Then::Replaced(ManifestReplaced { document: document("bb") });
        given::<Manifest>([created()]).when(both).then([moved(Some("globe")), replaced]);
        let clear = Do::Change { slug: Patch::Clear, document: None };
        given::<Manifest>([created()]).when(clear.clone()).then([moved(None)]);
        given::<Manifest>([created(), moved(None)]).when(clear).then([]);
        let reserved = NameError::Reserved("canvases".to_owned());
        given::<Manifest>([created()])
            .when(Do::Change { slug: to("canvases"), document: None })
            .then_refused(&ManifestError::Slug(reserved));
    }

    #[test]
    fn a_deleted_manifest_is_gone_until_another_is_stored_there() {
        given::<Manifest>([created()]).when(Do::Delete).then([deleted()]);
        given::<Manifest>([]).when(Do::Delete).then_refused(&ManifestError::NotFound);
        for command in [Do::Delete, replace("bb")] {
            let gone = given::<Manifest>([created(), deleted()]).when(command);
            gone.then_refused(&ManifestError::Deleted);
        }
        let create = Do::Create { slug: Some("atlas".to_owned()), document: document("aa") };
        given::<Manifest>([created(), deleted()]).when(create).then([created()]);
    }

    #[test]
    fn a_slug_of_the_platform_is_refused() {
        let slug = "paintedresources".to_owned();
        given::<Manifest>([])
            .when(Do::Create { slug: Some(slug.clone()), document: document("aa") })
            .then_refused(&ManifestError::Slug(NameError::Reserved(slug)));
    }
}
