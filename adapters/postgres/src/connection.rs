//! Reaching a database: addresses, TLS, the pool, schema versions, and what errors mean.

mod address;
mod errors;
mod schema;
#[cfg(test)]
mod tests;
mod tls;

pub use errors::{DatabaseError, ErrorKind, OpenError, Retry};

use address::Address;
use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use std::sync::Arc;
use std::time::Duration;
use tokio_postgres::{Config, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

/// A connection of the pool. Goes back when it is dropped.
pub type Client = deadpool_postgres::Client;

/// The two halves of a connection outside of the pool.
pub(crate) type Connected = (
    tokio_postgres::Client,
    tokio_postgres::Connection<Socket, <MakeRustlsConnect as MakeTls>::Stream>,
);

use tokio_postgres::tls::MakeTlsConnect;

/// Names the stream type of our TLS without spelling out where it lives.
pub(crate) trait MakeTls {
    type Stream;
}

impl MakeTls for MakeRustlsConnect {
    type Stream = <Self as MakeTlsConnect<Socket>>::Stream;
}

const CONNECTIONS_MAX: usize = 16;
/// How long anybody waits for a connection of the pool, or for a new one.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Unanswered bytes after this time mean that the other side is gone.
const SILENCE_MAX: Duration = Duration::from_secs(10);
/// PostgreSQL 13, the oldest that the statements are written for.
const VERSION_MIN: i32 = 130_000;

/// One PostgreSQL database. Cheap to clone; clones share the pool.
#[derive(Clone)]
pub struct Database {
    address: Arc<Address>,
    tls: MakeRustlsConnect,
    pool: Pool,
}

impl Database {
    /// Connects once, and with it proves that the database is there and usable.
    ///
    /// `url`: `postgres://user:password@host:5432/name`, as libpq takes it. `sslmode` may be
    /// `disable`, `prefer` (the default), `require`, `verify-ca` and `verify-full`; the last two
    /// check the certificate and the host's name, against `sslrootcert` or what the system trusts.
    pub async fn connect(url: &str) -> Result<Self, OpenError> {
        let address = Address::parse(url)?;
        let tls = tls::connector(&address)?;
        let pool = make_pool(&address, tls.clone(), CONNECTIONS_MAX, "");
        let database = Self { address: Arc::new(address), tls, pool };
        database.check_server().await?;
        Ok(database)
    }

    /// Returns a connection, one that waits or a new one.
    pub async fn client(&self) -> Result<Client, DatabaseError> {
        Ok(self.pool.get().await?)
    }

    /// Returns `host:port/name`: fit for messages, without user and password.
    pub fn name(&self) -> &str {
        &self.address.name
    }

    /// Returns a further pool to the same database, whose connections begin with `session_sql`.
    pub(crate) fn further_pool(&self, connections_max: usize, session_sql: &'static str) -> Pool {
        make_pool(&self.address, self.tls.clone(), connections_max, session_sql)
    }

    /// Opens a connection outside of the pool. Nothing happens until its second half is polled.
    pub(crate) async fn connect_alone(&self) -> Result<Connected, tokio_postgres::Error> {
        self.address.config.connect(self.tls.clone()).await
    }

    async fn check_server(&self) -> Result<(), OpenError> {
        const SERVER: &str = "
            SELECT current_setting('server_version_num')::int4,
                   current_setting('server_encoding')";
        let (client, connection) =
            self.connect_alone().await.map_err(|error| self.open_error(error))?;
        let query = client.query_one(SERVER, &[]);
        let row = tokio::select! {
            row = query => row.map_err(|error| self.open_error(error))?,
            ended = connection => {
                let reason = ended.err().map_or_else(|| "it hung up".into(), |it| errors::text(&it));
                return Err(OpenError::Unreachable { database: self.name().into(), reason });
            }
        };
        let (version, encoding): (i32, String) = (row.get(0), row.get(1));
        if version < VERSION_MIN {
            let found = format!("{}.{}", version / 10_000, version % 10_000);
            return Err(OpenError::ServerTooOld { database: self.name().into(), found });
        }
        if encoding != "UTF8" {
            return Err(OpenError::OtherEncoding { database: self.name().into(), encoding });
        }
        Ok(())
    }

    fn open_error(&self, error: tokio_postgres::Error) -> OpenError {
        OpenError::of(error, &self.address)
    }
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Database").field(&self.name()).finish()
    }
}

fn make_pool(
    address: &Address,
    tls: MakeRustlsConnect,
    connections_max: usize,
    session_sql: &'static str,
) -> Pool {
    let config = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = Manager::from_config(address.config.clone(), tls, config);
    let mut builder = Pool::builder(manager)
        .max_size(connections_max)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(CONNECT_TIMEOUT))
        .create_timeout(Some(CONNECT_TIMEOUT));
    if !session_sql.is_empty() {
        builder = builder.post_create(Hook::async_fn(move |client, _| {
            Box::pin(
                async move { client.batch_execute(session_sql).await.map_err(HookError::Backend) },
            )
        }));
    }
    builder.build().expect("a runtime is given, which is all that can be missing")
}

/// Does something with a connection of a pool. One that does not answer in time is thrown away: the
/// line may swallow what is sent and say nothing, and the next user would wait as long.
pub(crate) async fn answered<T, E: From<DatabaseError>>(
    client: Client,
    within: Duration,
    work: impl AsyncFnOnce(&Client) -> Result<T, E>,
) -> Result<T, E> {
    let done = tokio::time::timeout(within, work(&client)).await;
    done.unwrap_or_else(|_| {
        drop(Client::take(client));
        Err(DatabaseError::NoConnection(format!("no answer within {within:?}")).into())
    })
}

/// Fills in what an address leaves open.
fn with_defaults(config: &mut Config) {
    if config.get_application_name().is_none() {
        config.application_name("dlcs");
    }
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT_TIMEOUT);
    }
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(SILENCE_MAX);
    }
    config.keepalives_idle(SILENCE_MAX);
}
