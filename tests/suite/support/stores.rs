//! Which stores the servers under test work on.
//!
//! `DLCS_TEST_STORES` says so: `sqlite` (the default), `postgres`, or a mix, the log first, such as
//! `postgres+sqlite`. `tests/suite/stores.rs` runs the suite over the others.

use dlcs_adapter_postgres::testing::{self, TestServer};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex};

/// Name of the variable.
pub(crate) const STORES: &str = "DLCS_TEST_STORES";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Sqlite,
    Postgres,
}

/// Kinds of the log and of the read models.
fn kinds() -> (Kind, Kind) {
    let text = std::env::var_os(STORES).unwrap_or_else(|| "sqlite".into());
    let text = text.into_string().expect("the variable is text");
    let kind = |name: &str| match name {
        "sqlite" => Kind::Sqlite,
        "postgres" => Kind::Postgres,
        other => panic!("{STORES}: `{other}` is neither sqlite nor postgres"),
    };
    match text.split_once('+') {
        Some((log, read)) => (kind(log), kind(read)),
        None => (kind(&text), kind(&text)),
    }
}

/// Says whether everything is in the data folder; a test of just that returns otherwise.
pub(crate) fn are_embedded() -> bool {
    kinds() == (Kind::Sqlite, Kind::Sqlite)
}

/// Returns the variables that name the stores of a data folder, the same ones each time.
pub(crate) fn environment(data: &Path) -> Vec<(&'static str, String)> {
    let (log, read) = kinds();
    let mut variables = Vec::new();
    for (kind, name) in [(log, "DLCS_EVENT_STORE"), (read, "DLCS_READ_STORE")] {
        if kind == Kind::Postgres {
            variables.push((name, database_of(data)));
        }
    }
    variables
}

/// Makes an empty database on the server that the tests share.
pub(crate) fn new_database() -> String {
    blocking(|| TestServer::shared().new_database())
}

/// Copies a database whose users have gone.
pub(crate) fn copied_database(url: &str) -> String {
    let url = url.to_owned();
    blocking(|| async move { TestServer::shared().copy_database(&url).await })
}

/// Runs statements in a database of that server.
pub(crate) fn execute(url: &str, sql: &'static str) {
    let database = testing::database_name(url).to_owned();
    blocking(move || async move { TestServer::shared().execute(&database, sql).await });
}

/// Tests have a runtime of their own already, in which nobody may block.
fn blocking<T: Send + 'static, F: Future<Output = T>>(
    work: impl FnOnce() -> F + Send + 'static,
) -> T {
    let done = std::thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime starts").block_on(work())
    });
    done.join().expect("PostgreSQL does it")
}

fn database_of(data: &Path) -> String {
    static DATABASES: LazyLock<Mutex<HashMap<PathBuf, String>>> = LazyLock::new(Mutex::default);
    let mut databases = DATABASES.lock().expect("no panic");
    databases.entry(data.to_owned()).or_insert_with(new_database).clone()
}
