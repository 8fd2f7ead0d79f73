//! Identifiers. One newtype each; parsed at the edge, trusted afterwards.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    #[error("`{0}` is not a number from 1 on")]
    NotANumber(String),
    #[error("an id has 1 to 512 bytes, this one has {0}")]
    Length(usize),
    #[error("an id has no control characters")]
    Control,
    #[error("no asset is called `info.json`")]
    InfoJson,
    #[error("`{0}` is not an id of the form that is asked for, with its parts between slashes")]
    Shape(String),
}

/// Identifies a customer: a number from 1 on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CustomerId(pub u32);

/// Number of a space within its customer, from 1 on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SpaceNumber(pub u32);

/// Identifies a space everywhere: `customer/space`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SpaceId {
    pub customer: CustomerId,
    pub space: SpaceNumber,
}

/// Identifies an asset everywhere: `customer/space/asset`. The client's bytes are kept.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AssetId {
    space: SpaceId,
    name: String,
}

impl AssetId {
    /// Checks the client's part of the id: 1 to 512 bytes, no control characters,
    /// not `info.json`.
    pub fn new(space: SpaceId, name: impl Into<String>) -> Result<Self, IdError> {
        let name = name.into();
        if name.is_empty() || name.len() > 512 {
            return Err(IdError::Length(name.len()));
        }
        if name.chars().any(char::is_control) {
            return Err(IdError::Control);
        }
        if name.eq_ignore_ascii_case("info.json") {
            return Err(IdError::InfoJson);
        }
        Ok(Self { space, name })
    }

    pub fn space(&self) -> SpaceId {
        self.space
    }

    pub fn customer(&self) -> CustomerId {
        self.space.customer
    }

    /// Returns the client's part, the last of the three.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl FromStr for AssetId {
    type Err = IdError;

    /// Reads `customer/space/asset`; the asset's part may hold further slashes.
    fn from_str(text: &str) -> Result<Self, IdError> {
        let mut parts = text.splitn(3, '/');
        let (Some(customer), Some(space), Some(name)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(IdError::Shape(text.to_owned()));
        };
        Self::new(format!("{customer}/{space}").parse()?, name)
    }
}

impl FromStr for SpaceId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let (customer, space) =
            text.split_once('/').ok_or_else(|| IdError::Shape(text.to_owned()))?;
        Ok(Self { customer: customer.parse()?, space: SpaceNumber(number(space)?) })
    }
}

impl FromStr for CustomerId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        number(text).map(Self)
    }
}

impl FromStr for SpaceNumber {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        number(text).map(Self)
    }
}

/// Reads a number from 1 on, without sign or leading zero: one spelling each.
fn number(text: &str) -> Result<u32, IdError> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
    match text.parse::<u32>() {
        Ok(number) if plain && number > 0 => Ok(number),
        _ => Err(IdError::NotANumber(text.to_owned())),
    }
}

impl fmt::Display for CustomerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for SpaceNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for SpaceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.customer, self.space)
    }
}

impl fmt::Display for AssetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.space, self.name)
    }
}

impl Serialize for AssetId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for AssetId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Identifies a batch (UUIDv7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BatchId(pub Uuid);

impl fmt::Display for BatchId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Identifies a stored manifest: its customer and a flat id without `/`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ManifestId {
    pub customer: CustomerId,
    pub id: String,
}

impl fmt::Display for ManifestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.customer, self.id)
    }
}

/// Identifies a collection: its customer and a flat id without `/`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CollectionId {
    pub customer: CustomerId,
    pub id: String,
}

impl fmt::Display for CollectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.customer, self.id)
    }
}

/// Identifies an annotation container: its customer and a flat id without `/`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ContainerId {
    pub customer: CustomerId,
    pub id: String,
}

impl fmt::Display for ContainerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.customer, self.id)
    }
}

impl FromStr for ContainerId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let (customer, id) = text.split_once('/').ok_or_else(|| IdError::Shape(text.to_owned()))?;
        Ok(Self { customer: customer.parse()?, id: id.to_owned() })
    }
}

/// Identifies an annotation: its container and a flat id without `/`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AnnotationId {
    pub container: ContainerId,
    pub id: String,
}

impl fmt::Display for AnnotationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.container, self.id)
    }
}

impl FromStr for AnnotationId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let (container, id) =
            text.rsplit_once('/').ok_or_else(|| IdError::Shape(text.to_owned()))?;
        Ok(Self { container: container.parse()?, id: id.to_owned() })
    }
}

/// Identifies a named query: its customer and its name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NamedQueryId {
    pub customer: CustomerId,
    pub name: String,
}

impl fmt::Display for NamedQueryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.customer, self.name)
    }
}

impl FromStr for NamedQueryId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let (customer, name) =
            text.split_once('/').ok_or_else(|| IdError::Shape(text.to_owned()))?;
        Ok(Self { customer: customer.parse()?, name: name.to_owned() })
    }
}

/// Identifies a key of the API: its customer and the public half of its credentials.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ApiKeyId {
    pub customer: CustomerId,
    pub id: String,
}

impl fmt::Display for ApiKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.customer, self.id)
    }
}

impl FromStr for ApiKeyId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let (customer, id) = text.split_once('/').ok_or_else(|| IdError::Shape(text.to_owned()))?;
        Ok(Self { customer: customer.parse()?, id: id.to_owned() })
    }
}

/// Identifies what a customer defines under a name: a role, an access service, a custom header.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DefinitionId {
    pub customer: CustomerId,
    pub name: String,
}

impl fmt::Display for DefinitionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.customer, self.name)
    }
}

impl FromStr for DefinitionId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let (customer, name) =
            text.split_once('/').ok_or_else(|| IdError::Shape(text.to_owned()))?;
        Ok(Self { customer: customer.parse()?, name: name.to_owned() })
    }
}

/// What a name reservation is about: `scope/kind/name`, for example `1/space/maps`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NameKey {
    /// Name of a customer, compared without case.
    Customer(String),
    /// Name of a space of a customer, compared without case.
    Space(CustomerId, String),
    /// Slug of a stored manifest or collection below a parent, compared without case.
    Slug {
        customer: CustomerId,
        /// Flat id of a storage collection, compared as it is; `None`: the root collection.
        parent: Option<String>,
        slug: String,
    },
}

impl fmt::Display for NameKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Customer(name) => write!(f, "customer/{}", name.to_lowercase()),
            Self::Space(customer, name) => write!(f, "{customer}/space/{}", name.to_lowercase()),
            Self::Slug { customer, parent: None, slug } => {
                write!(f, "{customer}/slug/{}", slug.to_lowercase())
            }
            // Neither has a `/` in it.
            Self::Slug { customer, parent: Some(parent), slug } => {
                write!(f, "{customer}/slug/{parent}/{}", slug.to_lowercase())
            }
        }
    }
}

/// Says who acted, without saying who that is: `key-…`, `account-…` or `process-ingest`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ActorId(pub String);

/// A blob that an event seals: SHA-256 in hexadecimal and length in bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlobRef {
    pub sha256: String,
    pub length_bytes: u64,
}
