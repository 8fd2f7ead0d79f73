//! Where stores are, as settings name them.

use super::refuse;

/// Where a store is. Its `Debug` shows no password.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Store {
    /// In the data folder.
    Sqlite,
    /// Under an address `postgres://…`.
    Postgres(String),
    /// Under an address `kurrentdb://…` or `esdb://…`; a log and nothing else.
    Kurrent(String),
}

impl Store {
    pub(super) fn parse(key: &str, value: Option<&str>) -> anyhow::Result<Self> {
        let value = value.unwrap_or("sqlite");
        match value.split_once("://") {
            None if value == "sqlite" => Ok(Self::Sqlite),
            Some(("postgres" | "postgresql", _)) => Ok(Self::Postgres(value.to_owned())),
            Some(("kurrentdb" | "kurrentdb+discover" | "esdb" | "esdb+discover", _)) => {
                Ok(Self::Kurrent(value.to_owned()))
            }
            _ => {
                let kind = value.split(':').next().unwrap_or_default();
                refuse(format!(
                    "`{key}`: this program knows `sqlite`, `postgres://…` and, for the event store, \
                     `kurrentdb://…`, not `{kind}`"
                ))
            }
        }
    }

    /// Reads where read models are, which KurrentDB cannot keep.
    pub(super) fn parse_for_tables(key: &str, value: Option<&str>) -> anyhow::Result<Self> {
        match Self::parse(key, value)? {
            Self::Kurrent(_) => refuse(format!(
                "`{key}`: KurrentDB keeps events only: name `sqlite` or `postgres://…`"
            )),
            store => Ok(store),
        }
    }

    /// Several processes can use it at once.
    pub(crate) fn is_shared(&self) -> bool {
        *self != Self::Sqlite
    }
}

/// Where the search index is. Its `Debug` shows no password.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum SearchIndex {
    /// In the data folder.
    Tantivy,
    /// On a node, under an address `elasticsearch+http://…`.
    Elasticsearch(String),
}

impl SearchIndex {
    pub(super) fn parse(value: Option<&str>) -> anyhow::Result<Self> {
        let value = value.unwrap_or("tantivy");
        match value.split_once("://") {
            None if value == "tantivy" => Ok(Self::Tantivy),
            Some(("elasticsearch+http" | "elasticsearch+https", _)) => {
                Ok(Self::Elasticsearch(value.to_owned()))
            }
            _ => {
                let kind = value.split(':').next().unwrap_or_default();
                refuse(format!(
                    "`search-index`: this program knows `tantivy` and `elasticsearch+http://…`, \
                     not `{kind}`"
                ))
            }
        }
    }

    /// Several processes can use it at once.
    pub(crate) fn is_shared(&self) -> bool {
        *self != Self::Tantivy
    }
}

impl std::fmt::Debug for SearchIndex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Tantivy => "tantivy",
            Self::Elasticsearch(_) => "elasticsearch+http://…",
        })
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "sqlite",
            Self::Postgres(_) => "postgres://…",
            Self::Kurrent(_) => "kurrentdb://…",
        })
    }
}
