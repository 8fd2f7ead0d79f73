//! Our values in SQLite's columns, and its errors in our words.

use dlcs_projections::QueryError;
use dlcs_projections::projection::StoreError;
use rusqlite::{ErrorCode, Row};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

/// Reads a column of JSON text.
pub(super) fn json<T: DeserializeOwned>(row: &Row<'_>, column: &str) -> rusqlite::Result<T> {
    let text = row.get_ref(column)?.as_str()?;
    serde_json::from_str(text).map_err(unreadable)
}

/// Reads a column of JSON text that may be `NULL`.
pub(super) fn json_or_null<T: DeserializeOwned>(
    row: &Row<'_>,
    column: &str,
) -> rusqlite::Result<Option<T>> {
    let text = row.get_ref(column)?.as_str_or_null()?;
    text.map(|it| serde_json::from_str(it).map_err(unreadable)).transpose()
}

pub(super) fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("a row is plain JSON")
}

pub(super) fn uuid(bytes: [u8; 16]) -> Uuid {
    Uuid::from_bytes(bytes)
}

/// Something in a row that we cannot have written.
pub(super) fn unreadable(error: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(error))
}

/// A number in a row that stands for nothing.
pub(super) fn unknown_code(code: i64) -> rusqlite::Error {
    rusqlite::Error::IntegralValueOutOfRange(0, code)
}

/// Sorts SQLite's errors by whether they may pass.
pub(super) fn store_error(error: &rusqlite::Error) -> StoreError {
    use ErrorCode as E;
    match error.sqlite_error_code() {
        Some(E::DatabaseCorrupt | E::NotADatabase | E::ReadOnly | E::TypeMismatch) => {
            StoreError::Damaged(error.to_string())
        }
        _ => StoreError::Unavailable(error.to_string()),
    }
}

pub(super) fn query_error(error: &rusqlite::Error) -> QueryError {
    QueryError::Store(error.to_string())
}
