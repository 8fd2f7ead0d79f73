//! What can go wrong with a server, and what to do about it.

use dlcs_eventlog::LogError;
use eventstore::Error;

/// Codes of gRPC.
const CANCELLED: i32 = 1;
const ABORTED: i32 = 10;

/// Why the log cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(
        "the address of the event store is wrong: {0}. It looks like \
         kurrentdb://user:password@host:2113?tls=true, with several hosts for a cluster"
    )]
    Address(String),
    #[error(
        "the event store {server} cannot be reached: {reason}. Check host and port, that the server \
         runs, and `tls`: a server without certificates needs `?tls=false`"
    )]
    Unreachable { server: String, reason: String },
    #[error(
        "the event store {server} refuses user `{user}`. Check user and password; the user has to \
         be allowed to read $all, as members of $admins are"
    )]
    AccessRefused { server: String, user: String },
    #[error(
        "the event store {server} runs version {found}, but 22.6 or newer is needed, for older \
         ones do not say where an event of a stream lies: upgrade it"
    )]
    ServerTooOld { server: String, found: String },
    #[error("the event store {server} cannot be opened: {reason}")]
    Other { server: String, reason: String },
}

/// What the server or the way to it answered, sorted by what can be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// May pass. Whether the request was done is unknown.
    Away(String),
    /// Another node leads: the client turns to it. Nothing was done.
    NotLeader,
    Denied,
    /// No record begins at the position that was asked for.
    Misplaced,
    /// There is no such stream.
    NoStream,
    /// Somebody deleted the stream for ever.
    Deleted,
    /// The request itself is wrong.
    Refused(String),
}

impl Failure {
    /// It helps to ask again.
    pub(crate) fn passes(&self) -> bool {
        matches!(self, Self::Away(_) | Self::NotLeader)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::NotLeaderException(_) => Self::NotLeader,
            Error::AccessDenied => Self::Denied,
            Error::ResourceNotFound => Self::NoStream,
            Error::ResourceDeleted => Self::Deleted,
            Error::DeadlineExceeded => Self::Away("it does not answer in time".to_owned()),
            Error::ConnectionClosed => Self::Away("the connection is closed".to_owned()),
            // Which status this comes with has changed with the server's versions.
            Error::ServerError(text) | Error::Grpc { message: text, .. }
                if text.to_lowercase().contains("position") =>
            {
                Self::Misplaced
            }
            Error::ServerError(text) => Self::Away(text),
            Error::GrpcConnectionError(error) => Self::Away(error.to_string()),
            Error::Grpc { code, message } => match i32::from(code) {
                CANCELLED | ABORTED => Self::Away(message),
                _ => Self::Refused(message),
            },
            other => Self::Refused(other.to_string()),
        }
    }
}

impl From<Failure> for LogError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Away(text) => Self::Unavailable(text),
            Failure::NotLeader => Self::Unavailable("the cluster has no leader".to_owned()),
            Failure::Denied => Self::Unavailable(
                "it refuses the user: check user and password in `event-store`, and that the user \
                 may read $all"
                    .to_owned(),
            ),
            Failure::Misplaced => {
                Self::Damaged("it does not know a position of its own".to_owned())
            }
            Failure::NoStream => Self::Damaged("a stream is missing".to_owned()),
            Failure::Deleted => Self::Damaged("a stream has been deleted".to_owned()),
            Failure::Refused(text) => Self::Damaged(format!("it refuses what it is asked: {text}")),
        }
    }
}
