//! Why a service refused, by what the caller can do about it.

use crate::cqrs::DispatchError;
use crate::idempotency::IdempotencyError;
use crate::lookups::LookupError;
use dlcs_domain::annotation::AnnotationError;
use dlcs_domain::api_key::ApiKeyError;
use dlcs_domain::asset::AssetError;
use dlcs_domain::batch::BatchError;
use dlcs_domain::collection::CollectionError;
use dlcs_domain::container::ContainerError;
use dlcs_domain::customer::CustomerError;
use dlcs_domain::definition::DefinitionError;
use dlcs_domain::directory::DirectoryError;
use dlcs_domain::manifest::ManifestError;
use dlcs_domain::name::NameReservationError;
use dlcs_domain::named_query::NamedQueryError;
use dlcs_domain::names::NameError;
use dlcs_domain::space::SpaceError;
use dlcs_domain::transcription::TranscriptionError;
use dlcs_eventlog::LogError;
use dlcs_objects::ObjectError;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// There never was such a thing.
    #[error("{0}")]
    NotFound(String),
    /// It has been deleted.
    #[error("{0}")]
    Gone(String),
    /// It exists already.
    #[error("{0}")]
    Conflict(String),
    /// It still has something in it.
    #[error("{0}")]
    NotEmpty(String),
    /// Another resource of the customer has the name.
    #[error("the name `{0}` is in use")]
    NameTaken(String),
    #[error(transparent)]
    Name(#[from] NameError),
    #[error("{0}")]
    Invalid(String),
    /// The same, under a code of its own for clients.
    #[error("{detail}")]
    Refused { code: &'static str, detail: String },
    /// `If-Match` was sent, and somebody has changed the resource since.
    #[error("the resource has changed: its edit revision is {actual}")]
    EditMismatch { actual: u64 },
    #[error("the idempotency key has been used with another body")]
    OtherBody,
    /// Whoever asks may not give that away.
    #[error("{0}")]
    NotAllowed(String),
    /// Others write to the same resource all the time: try again.
    #[error("the resource is being changed by others: try again")]
    Busy,
    /// There is no room left: somebody must make some.
    #[error("{0}")]
    Full(String),
    /// May pass: try again.
    #[error("{0}")]
    Unavailable(String),
    /// Will not pass by itself.
    #[error("{0}")]
    Damaged(String),
}

impl CommandError {
    /// Says whether the same command may be accepted later, with nothing changed but the stores.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Busy | Self::Full(_) | Self::Unavailable(_))
    }
}

/// What the rules of an aggregate say, in the words of the services.
pub(crate) trait Rule: std::error::Error + Sized {
    fn refusal(self) -> CommandError;
}

impl<E: Rule> From<DispatchError<E>> for CommandError {
    fn from(error: DispatchError<E>) -> Self {
        match error {
            DispatchError::Rejected(rule) => rule.refusal(),
            DispatchError::EditMismatch { actual } => Self::EditMismatch { actual },
            DispatchError::OtherBody => Self::OtherBody,
            DispatchError::Busy => Self::Busy,
            DispatchError::Full(text) => Self::Full(text),
            DispatchError::Unavailable(text) => Self::Unavailable(text),
            DispatchError::Damaged(text) => Self::Damaged(text),
        }
    }
}

impl Rule for AssetError {
    fn refusal(self) -> CommandError {
        let text = self.to_string();
        match self {
            Self::NotRegistered => CommandError::NotFound(text),
            Self::Deleted => CommandError::Gone(text),
            Self::InvalidDelivery(_) | Self::InvalidLimits(_) => CommandError::Invalid(text),
        }
    }
}

impl Rule for TranscriptionError {
    fn refusal(self) -> CommandError {
        let text = self.to_string();
        match self {
            Self::NoText => CommandError::NotFound(text),
            Self::Deleted => CommandError::Gone(text),
            Self::BaseChanged => CommandError::Conflict(text),
            Self::NoLanguage | Self::InvalidEdits(_) => CommandError::Invalid(text),
        }
    }
}

impl Rule for SpaceError {
    fn refusal(self) -> CommandError {
        let text = self.to_string();
        match self {
            Self::NotFound => CommandError::NotFound(text),
            Self::Deleted => CommandError::Gone(text),
            Self::AlreadyExists => CommandError::Conflict(text),
            Self::NotEmpty => CommandError::NotEmpty(text),
            Self::Name(error) => error.into(),
        }
    }
}

impl Rule for CustomerError {
    fn refusal(self) -> CommandError {
        let text = self.to_string();
        match self {
            Self::NotFound => CommandError::NotFound(text),
            Self::Deleted => CommandError::Gone(text),
            Self::AlreadyExists => CommandError::Conflict(text),
            Self::NotEmpty => CommandError::NotEmpty(text),
            Self::NumbersExhausted => CommandError::Full(text),
            Self::NumberZero => CommandError::Invalid(text),
            Self::Name(error) => error.into(),
        }
    }
}

impl Rule for DirectoryError {
    fn refusal(self) -> CommandError {
        CommandError::Full(self.to_string())
    }
}

impl Rule for BatchError {
    fn refusal(self) -> CommandError {
        let text = self.to_string();
        match self {
            Self::AlreadySubmitted => CommandError::Conflict(text),
        }
    }
}

impl Rule for ManifestError {
    fn refusal(self) -> CommandError {
        let text = self.to_string();
        match self {
            Self::NotFound => CommandError::NotFound(text),
            Self::Deleted => CommandError::Gone(text),
            Self::AlreadyExists => CommandError::Conflict(text),
            Self::Slug(error) => error.into(),
        }
    }
}

impl Rule for CollectionError {
    fn refusal(self) -> CommandError {
        let text = self.to_string();
        match self {
            Self::NotFound => CommandError::NotFound(text),
            Self::Deleted => CommandError::Gone(text),
            Self::AlreadyExists | Self::OtherKind => CommandError::Conflict(text),
            Self::NotEmpty => CommandError::NotEmpty(text),
            Self::Name(error) => error.into(),
        }
    }
}

impl Rule for NamedQueryError {
    fn refusal(self) -> CommandError {
        let text = self.to_string();
        match self {
            Self::NotFound => CommandError::NotFound(text),
            Self::AlreadyExists => CommandError::Conflict(text),
            Self::Template(_) => CommandError::Invalid(text),
            Self::Name(error) => error.into(),
        }
    }
}

impl Rule for ApiKeyError {
    fn refusal(self) -> CommandError {
        let text = self.to_string();
        match self {
            Self::NotFound => CommandError::NotFound(text),
            Self::Revoked => CommandError::Gone(text),
            Self::AlreadyExists => CommandError::Conflict(text),
            Self::TooStrong => CommandError::NotAllowed(text),
            Self::Expired => CommandError::Invalid(text),
            Self::Label(error) => error.into(),
        }
    }
}

impl Rule for DefinitionError {
    fn refusal(self) -> CommandError {
        let text = self.to_string();
        match self {
            Self::NotFound(_) => CommandError::NotFound(text),
            Self::AlreadyExists(_) => CommandError::Conflict(text),
            Self::Invalid(_) => CommandError::Invalid(text),
            Self::Refused { code, detail } => CommandError::Refused { code, detail },
            Self::Name(error) => error.into(),
        }
    }
}

impl Rule for ContainerError {
    fn refusal(self) -> CommandError {
        let text = self.to_string();
        match self {
            Self::NotFound => CommandError::NotFound(text),
            Self::Deleted => CommandError::Gone(text),
            Self::AlreadyExists => CommandError::Conflict(text),
            Self::NotEmpty => CommandError::NotEmpty(text),
            Self::Name(error) => error.into(),
        }
    }
}

impl Rule for AnnotationError {
    fn refusal(self) -> CommandError {
        let text = self.to_string();
        match self {
            Self::NotFound => CommandError::NotFound(text),
            Self::Deleted => CommandError::Gone(text),
            Self::AlreadyExists => CommandError::Conflict(text),
            Self::Name(error) => error.into(),
        }
    }
}

impl Rule for NameReservationError {
    fn refusal(self) -> CommandError {
        CommandError::Conflict(self.to_string())
    }
}

impl From<LogError> for CommandError {
    fn from(error: LogError) -> Self {
        DispatchError::<NameReservationError>::from(error).into()
    }
}

impl From<LookupError> for CommandError {
    fn from(error: LookupError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<IdempotencyError> for CommandError {
    fn from(error: IdempotencyError) -> Self {
        let text = error.to_string();
        match error {
            IdempotencyError::InvalidKey => Self::Invalid(text),
            IdempotencyError::OtherBody => Self::OtherBody,
            IdempotencyError::Store(_) => Self::Unavailable(text),
        }
    }
}

impl From<ObjectError> for CommandError {
    fn from(error: ObjectError) -> Self {
        let text = error.to_string();
        match error {
            ObjectError::NotFound(_) => Self::NotFound(text),
            ObjectError::Full(_) => Self::Full(text),
            ObjectError::Store(_) | ObjectError::Unavailable(_) => Self::Unavailable(text),
            ObjectError::Damaged { .. } => Self::Damaged(text),
        }
    }
}
