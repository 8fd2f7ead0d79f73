//! A stored manifest: a document of a client, kept whole as a blob and sealed by its digest.

use crate::aggregate::Aggregate;
use crate::ids::BlobRef;
use crate::names::{NameError, check_slug};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    #[error("there is no such manifest")]
    NotFound,
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
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveManifest {
    pub slug: Option<String>,
    pub document: BlobRef,
    pub edits: u64,
}

#[derive(Debug, Clone)]
pub enum ManifestCommand {
    Create { slug: Option<String>, document: BlobRef },
    Replace { document: BlobRef },
}

impl Manifest {
    pub fn live(&self) -> Option<&LiveManifest> {
        match self {
            Self::Live(manifest) => Some(manifest),
            Self::Absent => None,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum ManifestEvent {
    Created(ManifestCreated),
    Replaced(ManifestReplaced),
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

impl Aggregate for Manifest {
    const CATEGORY: &'static str = "manifest";
    type Command = ManifestCommand;
    type Event = ManifestEvent;
    type Error = ManifestError;

    fn handle(&self, command: ManifestCommand) -> Result<Vec<ManifestEvent>, ManifestError> {
        use {Manifest as State, ManifestCommand as Do, ManifestEvent as Then};
        Ok(match (self, command) {
            (State::Absent, Do::Create { slug, document }) => {
                slug.as_deref().map_or(Ok(()), check_slug)?;
                vec![Then::Created(ManifestCreated { slug, document })]
            }
            (State::Absent, Do::Replace { .. }) => return Err(ManifestError::NotFound),
            (State::Live(_), Do::Create { .. }) => return Err(ManifestError::AlreadyExists),
            // The same bytes once more change nothing.
            (State::Live(it), Do::Replace { document }) if it.document == document => vec![],
            (State::Live(_), Do::Replace { document }) => {
                vec![Then::Replaced(ManifestReplaced { document })]
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
            (Self::Absent, ManifestEvent::Replaced(_)) => {}
        }
    }

    fn edit_revision(&self) -> u64 {
        self.live().map_or(0, |it| it.edits)
    }

    fn exists(&self) -> bool {
        matches!(self, Self::Live(_))
    }
}

#[cfg(test)]
mod tests {
    use super::{
        Manifest, ManifestCommand as Do, ManifestCreated, ManifestError, ManifestEvent as Then,
        ManifestReplaced,
    };
    use crate::given::given;
    use crate::ids::BlobRef;
    use crate::names::NameError;

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

    #[test]
    fn only_other_bytes_replace() {
        let replace = |byte| Do::Replace { document: document(byte) };
        let replaced = Then::Replaced(ManifestReplaced { document: document("bb") });
        given::<Manifest>([created()]).when(replace("aa")).then([]);
        given::<Manifest>([created()]).when(replace("bb")).then([replaced]);
        given::<Manifest>([]).when(replace("bb")).then_refused(&ManifestError::NotFound);
    }

    #[test]
    fn a_slug_of_the_platform_is_refused() {
        let slug = "paintedresources".to_owned();
        given::<Manifest>([])
            .when(Do::Create { slug: Some(slug.clone()), document: document("aa") })
            .then_refused(&ManifestError::Slug(NameError::Reserved(slug)));
    }
}
