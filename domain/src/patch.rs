//! A change of one field: an absent field is left alone, `null` clears.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What shall happen to one field. In JSON: absent, `null`, or the value.
///
/// Use with `#[serde(default, skip_serializing_if = "Patch::is_keep")]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Patch<T> {
    #[default]
    Keep,
    Clear,
    Set(T),
}

impl<T> Patch<T> {
    pub fn is_keep(&self) -> bool {
        matches!(self, Self::Keep)
    }

    /// Applies to a field that has an empty value.
    pub fn apply_to(&self, field: &mut T)
    where
        T: Clone + Default,
    {
        match self {
            Self::Keep => {}
            Self::Clear => *field = T::default(),
            Self::Set(value) => *field = value.clone(),
        }
    }

    /// Returns what a field becomes that has an empty value; `None`: it stays.
    pub fn value(self) -> Option<T>
    where
        T: Default,
    {
        match self {
            Self::Keep => None,
            Self::Clear => Some(T::default()),
            Self::Set(value) => Some(value),
        }
    }

    /// Drops what would change nothing.
    #[must_use]
    pub fn against(self, field: &T) -> Self
    where
        T: Default + PartialEq,
    {
        match self {
            Self::Set(value) if value == *field => Self::Keep,
            Self::Set(value) if value == T::default() => Self::Clear,
            Self::Clear if *field == T::default() => Self::Keep,
            other => other,
        }
    }
}

impl<T: Serialize> Serialize for Patch<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Keep | Self::Clear => serializer.serialize_none(),
            Self::Set(value) => value.serialize(serializer),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Clear, Self::Set))
    }
}
