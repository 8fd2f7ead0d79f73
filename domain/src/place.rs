//! Where a stored manifest or collection stands: below which storage collection, under which slug.

use crate::ids::{CustomerId, NameKey};
use crate::names::{NameError, check_flat_id, check_slug};
use crate::patch::Patch;
use serde::{Deserialize, Serialize};

/// A place in the hierarchy of a customer. Slugs are unique below one parent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Place {
    /// Flat id of the storage collection above; `None`: the root collection.
    pub parent: Option<String>,
    /// Last segment of the public address; `None`: there is none but that of the id.
    pub slug: Option<String>,
}

/// What a client wants to change of a place.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PlacePatch {
    /// Cleared: back to the root collection.
    pub parent: Patch<String>,
    pub slug: Patch<String>,
}

impl Place {
    /// Directly below the root collection.
    pub fn at_root(slug: Option<String>) -> Self {
        Self { parent: None, slug }
    }

    /// Checks that both are names that may be given.
    pub fn check(&self) -> Result<(), NameError> {
        self.parent.as_deref().map_or(Ok(()), check_flat_id)?;
        self.slug.as_deref().map_or(Ok(()), check_slug)
    }

    /// Returns the name that has to be reserved for it.
    pub fn name_key(&self, customer: CustomerId) -> Option<NameKey> {
        let slug = self.slug.clone()?;
        Some(NameKey::Slug { customer, parent: self.parent.clone(), slug })
    }
}

impl PlacePatch {
    pub fn to_slug(slug: Patch<String>) -> Self {
        Self { parent: Patch::Keep, slug }
    }

    /// Returns the place that it leads to from another one.
    pub fn from(self, place: &Place) -> Place {
        let one = |patch: Patch<String>, kept: &Option<String>| match patch {
            Patch::Keep => kept.clone(),
            Patch::Clear => None,
            Patch::Set(value) => Some(value),
        };
        Place { parent: one(self.parent, &place.parent), slug: one(self.slug, &place.slug) }
    }
}
