//! PostgreSQL's errors in the words of the read side.

use crate::connection::{DatabaseError, ErrorKind};
use deadpool_postgres::PoolError;
use dlcs_projections::QueryError;
use dlcs_projections::projection::{ApplyError, StoreError};
use tokio_postgres::error::SqlState;

/// Why a read model cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub(super) enum SqlError {
    /// The tables are not there: another build serves by now.
    #[error("it is gone: {0}")]
    Gone(String),
    #[error(transparent)]
    Database(DatabaseError),
    /// Something in a row that we cannot have written.
    #[error("a row cannot be read: {0}")]
    Unreadable(String),
}

impl SqlError {
    pub(super) fn unreadable(error: impl std::error::Error) -> Self {
        Self::Unreadable(error.to_string())
    }

    /// A number in a row that stands for nothing.
    pub(super) fn unknown_code(code: i16) -> Self {
        Self::Unreadable(format!("{code} stands for nothing"))
    }
}

impl From<DatabaseError> for SqlError {
    fn from(error: DatabaseError) -> Self {
        match error.code() {
            Some(code)
                if *code == SqlState::UNDEFINED_TABLE || *code == SqlState::INVALID_SCHEMA_NAME =>
            {
                Self::Gone(error.to_string())
            }
            _ => Self::Database(error),
        }
    }
}

impl From<tokio_postgres::Error> for SqlError {
    fn from(error: tokio_postgres::Error) -> Self {
        DatabaseError::from(error).into()
    }
}

impl From<PoolError> for SqlError {
    fn from(error: PoolError) -> Self {
        DatabaseError::from(error).into()
    }
}

impl From<SqlError> for StoreError {
    fn from(error: SqlError) -> Self {
        let text = error.to_string();
        match error {
            SqlError::Unreadable(_) => Self::Damaged(text),
            SqlError::Gone(_) => Self::Unavailable(text),
            SqlError::Database(error) => match error.kind() {
                ErrorKind::Transient => Self::Unavailable(text),
                ErrorKind::Full | ErrorKind::Damaged | ErrorKind::Other => Self::Damaged(text),
            },
        }
    }
}

impl From<SqlError> for ApplyError {
    fn from(error: SqlError) -> Self {
        Self::Store(error.into())
    }
}

impl From<SqlError> for QueryError {
    fn from(error: SqlError) -> Self {
        Self::Store(error.to_string())
    }
}
