//! Sessions of readers.

use super::{ControlError, Parameters, PostgresControl};
use async_trait::async_trait;
use dlcs_commands::sessions::{Session, SessionAccount, SessionError, SessionStore};
use dlcs_domain::CustomerId;
use tokio_postgres::Row;

impl From<ControlError> for SessionError {
    fn from(error: ControlError) -> Self {
        Self(error.0)
    }
}

#[async_trait]
impl SessionStore for PostgresControl {
    async fn session(&self, id: &str) -> Result<Option<Session>, SessionError> {
        const GET: &str = "SELECT id, parent, customer, services_json, expires_at_us, account,
            password_id FROM dlcs_control.sessions WHERE id = $1";
        let rows = self.query(GET, &[&id]).await?;
        rows.first().map(into_session).transpose()
    }

    async fn keep(&self, session: Session) -> Result<(), SessionError> {
        const KEEP: &str = "
            INSERT INTO dlcs_control.sessions
                (id, parent, customer, services_json, expires_at_us, account, password_id)
            VALUES ($1, $2, $3, $4, $5, $6, $7)
            ON CONFLICT (id) DO UPDATE
            SET parent = excluded.parent, customer = excluded.customer,
                services_json = excluded.services_json, expires_at_us = excluded.expires_at_us,
                account = excluded.account, password_id = excluded.password_id";
        let Session { id, parent, customer, services, account, expires_at_us } = session;
        let services = serde_json::Value::from(services).to_string();
        let customer = i64::from(customer.0);
        let (account, password) = account.map(|it| (it.name, it.password_id)).unzip();
        let row: Parameters<'_> =
            &[&id, &parent, &customer, &services, &expires_at_us, &account, &password];
        self.execute(KEEP, row).await?;
        Ok(())
    }

    async fn end(&self, id: &str) -> Result<(), SessionError> {
        const END: &str = "DELETE FROM dlcs_control.sessions WHERE id = $1 OR parent = $1";
        self.execute(END, &[&id]).await?;
        Ok(())
    }

    async fn purge_expired(&self, before_us: i64) -> Result<u64, SessionError> {
        const PURGE: &str = "DELETE FROM dlcs_control.sessions WHERE expires_at_us < $1";
        Ok(self.execute(PURGE, &[&before_us]).await?)
    }
}

fn into_session(row: &Row) -> Result<Session, SessionError> {
    let services: &str = row.get(3);
    let services =
        serde_json::from_str(services).map_err(|error| SessionError(error.to_string()))?;
    let customer = u32::try_from(row.get::<_, i64>(2))
        .map_err(|_| SessionError("a session has a customer out of range".to_owned()))?;
    let account = row.get::<_, Option<String>>(5).zip(row.get(6));
    Ok(Session {
        id: row.get(0),
        parent: row.get(1),
        customer: CustomerId(customer),
        services,
        account: account.map(|(name, password_id)| SessionAccount { name, password_id }),
        expires_at_us: row.get(4),
    })
}
