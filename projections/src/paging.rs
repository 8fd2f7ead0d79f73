//! Keyset paging: a page begins after a cursor, never at an offset.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Most rows of one page.
pub const LIMIT_MAX: usize = 1_000;

/// Says where the next page begins. Opaque to clients.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(pub String);

impl Cursor {
    /// Makes the cursor that stands behind the row with this key in this list.
    pub fn after(list: &str, key: &impl Serialize) -> Self {
        let text = serde_json::to_vec(&(list, key)).expect("a key is plain JSON");
        Self(hex::encode(text))
    }

    /// Returns the key that the cursor stands behind, if it is one of this list.
    pub fn key<K: DeserializeOwned>(&self, list: &str) -> Result<K, QueryError> {
        let text = hex::decode(&self.0).map_err(|_| QueryError::BadCursor)?;
        let (found, key): (String, K) =
            serde_json::from_slice(&text).map_err(|_| QueryError::BadCursor)?;
        if found == list { Ok(key) } else { Err(QueryError::BadCursor) }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    #[default]
    Ascending,
    Descending,
}

/// Which part of a list is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    /// 1 to 1,000.
    pub limit: usize,
    pub after: Option<Cursor>,
    /// Skipped rows, for the numbered pages of the management API; 0 with a cursor.
    pub offset: usize,
    pub direction: Direction,
}

impl PageRequest {
    /// Returns how many rows are wanted, within the bounds.
    pub fn bounded_limit(&self) -> usize {
        self.limit.clamp(1, LIMIT_MAX)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// The place behind each item.
    pub cursors: Vec<Cursor>,
    /// There are items behind the last one.
    pub has_more: bool,
    /// Of the whole list, where it was asked for.
    pub total: Option<u64>,
}

impl<T> Page<T> {
    /// Returns where the next page begins, if there is one.
    pub fn next(&self) -> Option<&Cursor> {
        self.cursors.last().filter(|_| self.has_more)
    }

    /// Changes every item and keeps its place.
    pub fn map<U>(self, change: impl FnMut(T) -> U) -> Page<U> {
        let items = self.items.into_iter().map(change).collect();
        Page { items, cursors: self.cursors, has_more: self.has_more, total: self.total }
    }

    /// Changes the items that can be changed and drops the others; each keeps its place.
    pub fn filter_map<U>(self, change: impl Fn(T) -> Option<U>) -> Page<U> {
        let both = self.items.into_iter().zip(self.cursors);
        let kept = both.filter_map(|(item, cursor)| Some((change(item)?, cursor)));
        let (items, cursors) = kept.unzip();
        Page { items, cursors, has_more: self.has_more, total: self.total }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The principal may not ask this.
    #[error("not allowed")]
    NotAllowed,
    #[error("the cursor is not one of ours")]
    BadCursor,
    #[error("the read model cannot be used: {0}")]
    Store(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_belongs_to_one_list() {
        let cursor = Cursor::after("things", &(7, "a"));
        assert_eq!(cursor.key::<(u64, String)>("things").unwrap(), (7, "a".to_owned()));
        assert!(matches!(cursor.key::<(u64, String)>("others"), Err(QueryError::BadCursor)));
        assert!(matches!(cursor.key::<String>("things"), Err(QueryError::BadCursor)));
        let foreign = Cursor("nonsense".into());
        assert!(matches!(foreign.key::<u64>("things"), Err(QueryError::BadCursor)));
    }
}
