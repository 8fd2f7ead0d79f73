//! Why a source did not become a derivative, by what its owner can do about it.

/// A source that is refused, or work that could not be done. The text is a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    /// The content is no image of a kind that is accepted.
    #[error("{0}")]
    Unsupported(String),
    /// The content is damaged or incomplete. It is never repaired silently.
    #[error("{0}")]
    Corrupt(String),
    /// The content needs more pixels, bytes or memory than the limits allow.
    #[error("{0}")]
    TooLarge(String),
    /// There was no room to write the derivative.
    #[error("{0}")]
    StorageFull(String),
    /// Nothing is known to be wrong with the source.
    #[error("{0}")]
    Internal(String),
}

impl ImageError {
    /// Returns the error code of an asset.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unsupported(_) => "media-type-unsupported",
            Self::Corrupt(_) => "image-corrupt",
            Self::TooLarge(_) => "image-too-large",
            Self::StorageFull(_) => "storage-full",
            Self::Internal(_) => "internal",
        }
    }

    pub(crate) fn unsupported(detail: impl Into<String>) -> Self {
        Self::Unsupported(detail.into())
    }

    pub(crate) fn corrupt(detail: impl Into<String>) -> Self {
        Self::Corrupt(detail.into())
    }

    pub(crate) fn too_large(detail: impl Into<String>) -> Self {
        Self::TooLarge(detail.into())
    }

    pub(crate) fn internal(detail: impl Into<String>) -> Self {
        Self::Internal(detail.into())
    }
}

impl ImageError {
    /// Writing a derivative: nothing that happens then is the source's fault.
    pub(crate) fn writing(error: std::io::Error) -> Self {
        use std::io::ErrorKind as Kind;
        match error.kind() {
            Kind::StorageFull | Kind::QuotaExceeded | Kind::FileTooLarge => {
                Self::StorageFull("there is no room left to write the derivative".to_owned())
            }
            _ => Self::internal(format!("the derivative cannot be written: {error}")),
        }
    }
}

/// Reading a source: an end that comes too early is damage, the rest is the machine's fault.
impl From<std::io::Error> for ImageError {
    fn from(error: std::io::Error) -> Self {
        use std::io::ErrorKind as Kind;
        match error.kind() {
            Kind::UnexpectedEof => Self::corrupt("the file ends too early"),
            Kind::InvalidData | Kind::InvalidInput | Kind::Other => {
                Self::corrupt(format!("the compressed data is damaged: {error}"))
            }
            Kind::OutOfMemory => Self::too_large("the image needs more memory than is allowed"),
            _ => Self::internal(format!("the source cannot be read: {error}")),
        }
    }
}
