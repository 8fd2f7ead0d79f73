//! What PostgreSQL's errors mean to a caller.

use super::address::Address;
use deadpool_postgres::PoolError;
use std::error::Error;
use std::time::Duration;
use tokio::time::Instant;
use tokio_postgres::error::SqlState;

/// Why a store cannot be opened, and the next step.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(
        "the address of the database is wrong: {0}. It looks like \
         postgres://user:password@host:5432/name"
    )]
    Address(String),
    #[error(
        "the database {database} cannot be reached: {reason}. Check host and port, and that the \
         server runs and accepts connections from here"
    )]
    Unreachable { database: String, reason: String },
    #[error(
        "the database {database} refuses user `{user}`: {reason}. Check user and password, and \
         the server's pg_hba.conf"
    )]
    AccessRefused { database: String, user: String, reason: String },
    #[error(
        "there is no database `{name}` at {database}. Make it: createdb --encoding=UTF8 {name}"
    )]
    NoDatabase { database: String, name: String },
    #[error(
        "the database {database} runs PostgreSQL {found}, but 13 or newer is needed: upgrade it"
    )]
    ServerTooOld { database: String, found: String },
    #[error(
        "the database {database} has the encoding {encoding}, but UTF8 is needed: make another \
         one with createdb --encoding=UTF8 --template=template0"
    )]
    OtherEncoding { database: String, encoding: String },
    #[error(
        "the user of {database} may not do that: {reason}. An owner of the database can: \
         GRANT CREATE ON DATABASE to the user"
    )]
    NotAllowed { database: String, reason: String },
    #[error(
        "schema {schema} of {database} has version {found}, but this program knows none above \
         {known}: use the release that wrote it, or a later one"
    )]
    NewerSchema { database: String, schema: String, found: u32, known: u32 },
    #[error(
        "schema {schema} of {database} has version {found}, but {known} is needed: start the \
         server once, which upgrades it"
    )]
    OlderSchema { database: String, schema: String, found: u32, known: u32 },
    #[error("the database {database} cannot be used: {reason}")]
    Other { database: String, reason: String },
}

impl OpenError {
    pub(super) fn of(error: tokio_postgres::Error, address: &Address) -> Self {
        let (database, reason) = (address.name.clone(), text(&error));
        match error.code() {
            Some(code)
                if *code == SqlState::INVALID_PASSWORD
                    || *code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION =>
            {
                Self::AccessRefused { database, user: address.user().into(), reason }
            }
            Some(code) if *code == SqlState::INVALID_CATALOG_NAME => {
                Self::NoDatabase { database, name: address.database().into() }
            }
            Some(code) if *code == SqlState::INSUFFICIENT_PRIVILEGE => {
                Self::NotAllowed { database, reason }
            }
            Some(_) if kind_of(&error) != ErrorKind::Transient => Self::Other { database, reason },
            // The server asks for a password and the address has none.
            None if reason.contains("password missing") => {
                Self::AccessRefused { database, user: address.user().into(), reason }
            }
            _ => Self::Unreachable { database, reason },
        }
    }

    pub(super) fn of_database(error: DatabaseError, address: &Address) -> Self {
        match error {
            DatabaseError::Postgres(error) => Self::of(error, address),
            DatabaseError::NoConnection(reason) => {
                Self::Unreachable { database: address.name.clone(), reason }
            }
            DatabaseError::Damaged(reason) => {
                Self::Other { database: address.name.clone(), reason }
            }
        }
    }
}

/// A statement failed, or there was no connection for it.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    #[error("{}", text(.0))]
    Postgres(#[from] tokio_postgres::Error),
    #[error("no connection: {0}")]
    NoConnection(String),
    #[error("what is stored cannot be what was written: {0}")]
    Damaged(String),
}

impl From<PoolError> for DatabaseError {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) => Self::Postgres(error),
            other => Self::NoConnection(other.to_string()),
        }
    }
}

/// What a caller can do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// May pass: try again.
    Transient,
    /// Nothing can be written until there is room.
    Full,
    /// What is stored is not what was written.
    Damaged,
    /// The statement itself is wrong, or breaks a constraint.
    Other,
}

impl DatabaseError {
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Postgres(error) => kind_of(error),
            Self::NoConnection(_) => ErrorKind::Transient,
            Self::Damaged(_) => ErrorKind::Damaged,
        }
    }

    /// Says whether a key that must be unique was there already.
    pub(crate) fn is_taken(&self) -> bool {
        self.code() == Some(&SqlState::UNIQUE_VIOLATION)
    }

    /// Returns PostgreSQL's code, for example `23505`.
    pub fn code(&self) -> Option<&SqlState> {
        match self {
            Self::Postgres(error) => error.code(),
            Self::NoConnection(_) | Self::Damaged(_) => None,
        }
    }
}

pub(crate) fn kind_of(error: &tokio_postgres::Error) -> ErrorKind {
    let Some(code) = error.code() else {
        // A value that does not fit its column has lost nothing on the way here.
        let misread = error.source().is_some_and(|it| it.is::<tokio_postgres::types::WrongType>());
        return if misread { ErrorKind::Damaged } else { ErrorKind::Transient };
    };
    match code.code() {
        // disk_full; and a quota is a disk to us.
        "53100" => ErrorKind::Full,
        // data_corrupted, index_corrupted.
        "XX001" | "XX002" => ErrorKind::Damaged,
        // serialization_failure, deadlock_detected, lock_not_available, read_only_sql_transaction
        // (a standby before it is promoted), idle_in_transaction_session_timeout.
        "40001" | "40P01" | "55P03" | "25006" | "25P03" => ErrorKind::Transient,
        // Connections, resources (memory, number of connections), and an operator's intervention
        // (shutdown, crash, start-up, a cancelled statement).
        code if ["08", "53", "57"].contains(&&code[..2]) => ErrorKind::Transient,
        _ => ErrorKind::Other,
    }
}

/// The driver's own text names the kind of error only; what happened is in its sources.
pub(crate) fn text(error: &tokio_postgres::Error) -> String {
    if let Some(error) = error.as_db_error() {
        return format!("{} ({})", error.message(), error.code().code());
    }
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        source = error.source();
    }
    text
}

/// Repeats what failed for a reason that may pass, with growing pauses, for a bounded time.
pub struct Retry {
    start: Instant,
    end: Instant,
    pause: Duration,
}

impl Retry {
    const PAUSE_FIRST: Duration = Duration::from_millis(10);
    const PAUSE_MAX: Duration = Duration::from_millis(400);
    /// How long a caller is kept waiting before it is told.
    pub const FOR: Duration = Duration::from_secs(2);

    /// Begins with the first failure.
    pub fn new() -> Self {
        let start = Instant::now();
        Self { start, end: start + Self::FOR, pause: Self::PAUSE_FIRST }
    }

    /// Puts the end off until a duration after the first failure, if it is earlier.
    pub(crate) fn last_at_least(&mut self, duration: Duration) {
        self.end = self.end.max(self.start + duration);
    }

    /// Waits a moment and returns `true`, or returns `false` when it is time to give up.
    pub async fn again(&mut self, kind: ErrorKind) -> bool {
        // Others try again as well: not all at once.
        let pause = self.pause.mul_f64(rand::random_range(0.5..1.0));
        if kind != ErrorKind::Transient || Instant::now() + pause > self.end {
            return false;
        }
        tokio::time::sleep(pause).await;
        self.pause = (self.pause * 2).min(Self::PAUSE_MAX);
        true
    }
}

impl Default for Retry {
    fn default() -> Self {
        Self::new()
    }
}
