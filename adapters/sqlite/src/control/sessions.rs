//! Sessions of readers.

use super::{ControlError, SqliteControl};
use async_trait::async_trait;
use dlcs_commands::sessions::{Session, SessionAccount, SessionError, SessionStore};
use dlcs_domain::CustomerId;
use rusqlite::types::Type;
use rusqlite::{OptionalExtension, Row, params};
use uuid::Uuid;

impl From<ControlError> for SessionError {
    fn from(error: ControlError) -> Self {
        Self(error.0)
    }
}

#[async_trait]
impl SessionStore for SqliteControl {
    async fn session(&self, id: &str) -> Result<Option<Session>, SessionError> {
        const GET: &str = "SELECT id, parent, customer, services_json, expires_at_us, account,
            password_id FROM sessions WHERE id = ?1";
        let id = id.to_owned();
        let read = self.readers.run(move |connection| {
            connection.prepare_cached(GET)?.query_row([id], into_session).optional()
        });
        read.await.map_err(|error| SessionError(error.to_string()))
    }

    async fn keep(&self, session: Session) -> Result<(), SessionError> {
        const KEEP: &str = "INSERT OR REPLACE INTO sessions
            (id, parent, customer, services_json, expires_at_us, account, password_id)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        let kept = self.writer.run(move |connection| {
            let Session { id, parent, customer, services, account, expires_at_us } = &session;
            let services = serde_json::Value::from(services.clone()).to_string();
            let (account, password) =
                account.as_ref().map(|it| (&it.name, it.password_id.to_string())).unzip();
            let row = params![id, parent, customer.0, services, expires_at_us, account, password];
            connection.prepare_cached(KEEP)?.execute(row).map(drop)
        });
        Ok(kept.await?)
    }

    async fn end(&self, id: &str) -> Result<(), SessionError> {
        const END: &str = "DELETE FROM sessions WHERE id = ?1 OR parent = ?1";
        let id = id.to_owned();
        let ended = self
            .writer
            .run(move |connection| connection.prepare_cached(END)?.execute([id]).map(drop));
        Ok(ended.await?)
    }

    async fn purge_expired(&self, before_us: i64) -> Result<u64, SessionError> {
        const PURGE: &str = "DELETE FROM sessions WHERE expires_at_us < ?1";
        let purged = self.writer.run(move |connection| {
            connection.prepare_cached(PURGE)?.execute([before_us]).map(|count| count as u64)
        });
        Ok(purged.await?)
    }
}

fn into_session(row: &Row<'_>) -> rusqlite::Result<Session> {
    let services: String = row.get(3)?;
    let services = serde_json::from_str(&services)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(3, Type::Text, error.into()))?;
    let name: Option<String> = row.get(5)?;
    let password: Option<String> = row.get(6)?;
    let password = password.map(|it| Uuid::parse_str(&it)).transpose();
    let password = password
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(6, Type::Text, error.into()))?;
    let account = name.zip(password);
    Ok(Session {
        id: row.get(0)?,
        parent: row.get(1)?,
        customer: CustomerId(row.get(2)?),
        services,
        account: account.map(|(name, password_id)| SessionAccount { name, password_id }),
        expires_at_us: row.get(4)?,
    })
}
