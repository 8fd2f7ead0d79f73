//! Opens an event store or read models by their address.

use anyhow::Result;
use dlcs_adapter_postgres::connection::Database;
use dlcs_adapter_postgres::log::PostgresLog;
use dlcs_adapter_postgres::read_models::PostgresReadModels;
use dlcs_adapter_sqlite::log::SqliteLog;
use dlcs_adapter_sqlite::read_models::ReadModels;
use dlcs_commands::clock::{Clock, SystemClock};
use dlcs_eventlog::EventLog;
use dlcs_projections::read_store::ReadStore;
use std::convert::Infallible;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

#[derive(Debug, Clone)]
pub(crate) enum Store {
    Sqlite(PathBuf),
    Postgres(String),
}

impl FromStr for Store {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(crate::path_of(text).map_or_else(|| Self::Postgres(text.to_owned()), Self::Sqlite))
    }
}

impl Store {
    /// Opens the log as a server does.
    pub(crate) async fn log(&self) -> Result<Arc<dyn EventLog>> {
        let clock = Arc::new(|| SystemClock.now_us());
        Ok(match self {
            Self::Sqlite(path) => Arc::new(SqliteLog::open(path, clock)?),
            Self::Postgres(url) => {
                Arc::new(PostgresLog::open(Database::connect(url).await?, clock).await?)
            }
        })
    }

    /// Opens read models as a server does.
    pub(crate) async fn read_models(&self, log: Arc<dyn EventLog>) -> Result<Arc<dyn ReadStore>> {
        Ok(match self {
            Self::Sqlite(folder) => Arc::new(ReadModels::open(folder, log)?),
            Self::Postgres(url) => {
                Arc::new(PostgresReadModels::open(Database::connect(url).await?, log).await?)
            }
        })
    }
}
