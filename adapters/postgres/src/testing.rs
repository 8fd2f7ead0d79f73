//! A real PostgreSQL server for tests: a private folder, loopback, an ordinary user.
//!
//! It ends with the process that made it, however that ends, and its folder goes with it.

mod process;
mod proxy;

pub use proxy::{Cut, Proxy};

use process::Process;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio_postgres::NoTls;

/// Names the url of a server that tests use in place of their own.
const OTHER_SERVER: &str = "DLCS_TEST_POSTGRES";

/// When a commit counts as done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fsync {
    On,
    /// Faster; for tests that do not stop the server.
    Off,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tls {
    On,
    Off,
}

/// A server. Panics, and never skips, when PostgreSQL is missing.
pub struct TestServer {
    /// `None`: a server that was there before us.
    process: Option<Process>,
    /// Ends before the name of the database.
    base_url: String,
}

impl TestServer {
    /// Starts a server of the caller's own, to be stopped and started at will.
    pub fn start_own(fsync: Fsync) -> Self {
        Self::started(Process::make(fsync, Tls::Off))
    }

    /// Starts a server of the caller's own that speaks TLS to who wants it.
    pub fn start_own_with_tls() -> Self {
        Self::started(Process::make(Fsync::Off, Tls::On))
    }

    fn started(process: Process) -> Self {
        let base_url = process.base_url();
        Self { process: Some(process), base_url }
    }

    /// Returns the file of the certificate that has signed that of such a server.
    pub fn root_certificate(&self) -> std::path::PathBuf {
        self.process().root_certificate()
    }

    /// Returns the one that the tests of this process share.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<TestServer> = OnceLock::new();
        SHARED.get_or_init(|| match std::env::var_os(OTHER_SERVER) {
            Some(url) => {
                let url = url.into_string().expect("the url is text");
                let (base, _) = url.rsplit_once('/').expect("the url names a database");
                Self { process: None, base_url: base.to_owned() }
            }
            None => Self::start_own(Fsync::On),
        })
    }

    /// Makes an empty database and returns its url.
    pub async fn new_database(&self) -> String {
        self.database_from("template0").await
    }

    /// Copies a database that nobody uses any more, and returns the url of the copy.
    pub async fn copy_database(&self, url: &str) -> String {
        self.database_from(database_name(url)).await
    }

    async fn database_from(&self, template: &str) -> String {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::SeqCst);
        let name = format!("test_{}_{count}", std::process::id());
        let sql = format!("CREATE DATABASE {name} TEMPLATE {template} ENCODING 'UTF8'");
        // Whoever used it a moment ago may still be leaving: the server waits for that itself.
        self.execute("postgres", &sql).await;
        self.url(&name)
    }

    /// Returns the url of a database by its name.
    pub fn url(&self, database: &str) -> String {
        format!("{}/{database}", self.base_url)
    }

    /// Runs statements by hand, outside of any pool.
    pub async fn execute(&self, database: &str, sql: &str) {
        self.try_execute(database, sql).await.expect("the statement is right");
    }

    pub async fn try_execute(
        &self,
        database: &str,
        sql: &str,
    ) -> Result<(), tokio_postgres::Error> {
        let (client, connection) = tokio_postgres::connect(&self.url(database), NoTls).await?;
        let connection = tokio::spawn(connection);
        let result = client.batch_execute(sql).await;
        drop(client);
        // Waits until the server has seen the end; what it says then is of no interest.
        let _ = connection.await;
        result
    }

    /// Breaks all connections as a crash does, and lets nobody in until [`start`](Self::start).
    pub fn stop(&self) {
        self.process().stop("immediate");
    }

    pub fn start(&self) {
        self.process().start();
    }

    pub fn restart(&self) {
        self.stop();
        self.start();
    }

    /// Returns the port on loopback.
    pub fn port(&self) -> u16 {
        self.process().port()
    }

    fn process(&self) -> &Process {
        self.process.as_ref().expect("the server belongs to the tests")
    }
}

/// Says whether the long forms of the fault tests run, which take minutes (`make torture`).
pub fn is_long() -> bool {
    std::env::var_os("DLCS_TORTURE").is_some_and(|it| it == "long")
}

/// Returns the name of the database at the end of a url.
pub fn database_name(url: &str) -> &str {
    url.rsplit_once('/').map_or(url, |(_, name)| name)
}
