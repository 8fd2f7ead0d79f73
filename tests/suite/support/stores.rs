//! Which stores the servers under test work on.
//!
//! `DLCS_TEST_STORES` says so: `sqlite` (the default), `postgres`, or a mix, the log first, such as
//! `postgres+sqlite` or `kurrentdb+postgres`. `DLCS_TEST_SEARCH` says where the search index is: `tantivy` (the default), or
//! `elasticsearch`. `DLCS_TEST_OBJECTS` says where blobs are: `file` (the default), or the address of
//! a test's S3 server.
//! `DLCS_TEST_ROLES=apart` gives a server two processes, by role. `tests/suite/stores.rs` runs the
//! suite over the others.

use dlcs_adapter_elasticsearch::testing::TestNode;
use dlcs_adapter_kurrentdb::testing::Double;
use dlcs_adapter_postgres::testing::{self, TestServer};
use dlcs_adapter_s3::testing::{ACCESS_KEY, BUCKET, SECRET_KEY};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex};

/// Name of the variable.
pub(crate) const STORES: &str = "DLCS_TEST_STORES";
/// Name of the variable for the search index.
pub(crate) const SEARCH: &str = "DLCS_TEST_SEARCH";
/// Name of the variable for blobs.
pub(crate) const OBJECTS: &str = "DLCS_TEST_OBJECTS";
/// Name of the variable for roles.
pub(crate) const ROLES: &str = "DLCS_TEST_ROLES";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Sqlite,
    Postgres,
    Kurrent,
}

/// Kinds of the log and of the read models.
fn kinds() -> (Kind, Kind) {
    let text = std::env::var_os(STORES).unwrap_or_else(|| "sqlite".into());
    let text = text.into_string().expect("the variable is text");
    let kind = |name: &str| match name {
        "sqlite" => Kind::Sqlite,
        "postgres" => Kind::Postgres,
        "kurrentdb" => Kind::Kurrent,
        other => panic!("{STORES}: `{other}` is not sqlite, postgres or kurrentdb"),
    };
    match text.split_once('+') {
        Some((log, read)) => (kind(log), kind(read)),
        None => (kind(&text), kind(&text)),
    }
}

/// Says whether the search index is on a node of Elasticsearch.
pub(crate) fn is_search_on_a_node() -> bool {
    let text = std::env::var_os(SEARCH).unwrap_or_else(|| "tantivy".into());
    match text.to_str() {
        Some("tantivy") => false,
        Some("elasticsearch") => true,
        _ => panic!("{SEARCH}: {text:?} is neither tantivy nor elasticsearch"),
    }
}

/// Returns the address of the S3 server, if blobs are there.
fn s3_endpoint() -> Option<String> {
    let text = std::env::var_os(OBJECTS).unwrap_or_else(|| "file".into());
    let text = text.into_string().expect("the variable is text");
    (text != "file").then_some(text)
}

/// Says whether a server is two processes, one for requests and one for the rest.
pub(crate) fn are_roles_apart() -> bool {
    match std::env::var_os(ROLES) {
        None => false,
        Some(it) if it == *"apart" => true,
        Some(it) => panic!("{ROLES}: {it:?} is not apart"),
    }
}

/// Says whether everything is in the data folder; a test of just that returns otherwise.
pub(crate) fn are_embedded() -> bool {
    let in_files = kinds() == (Kind::Sqlite, Kind::Sqlite);
    in_files && !is_search_on_a_node() && s3_endpoint().is_none()
}

/// Returns the variables that name the stores of a data folder, the same ones each time.
pub(crate) fn environment(data: &Path) -> Vec<(&'static str, String)> {
    let (log, read) = kinds();
    let mut variables = Vec::new();
    for (kind, name) in [(log, "DLCS_EVENT_STORE"), (read, "DLCS_READ_STORE")] {
        match kind {
            Kind::Sqlite => {}
            Kind::Postgres => variables.push((name, database_of(data))),
            Kind::Kurrent => variables.push((name, event_store_of(data))),
        }
    }
    if is_search_on_a_node() {
        variables.push(("DLCS_SEARCH_INDEX", search_index_of(data)));
    }
    if let Some(endpoint) = s3_endpoint() {
        variables.extend(bucket_variables(&endpoint, &prefix_of(data)));
    }
    variables
}

/// Returns the variables that name a place in a bucket.
pub(crate) fn bucket_variables(endpoint: &str, prefix: &str) -> Vec<(&'static str, String)> {
    vec![
        ("DLCS_OBJECTS", format!("s3://{BUCKET}/{prefix}")),
        ("DLCS_OBJECTS_ENDPOINT", endpoint.to_owned()),
        ("DLCS_OBJECTS_ACCESS_KEY", ACCESS_KEY.to_owned()),
        ("DLCS_OBJECTS_SECRET_KEY", SECRET_KEY.to_owned()),
    ]
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
    static DATABASES: Names = LazyLock::new(Mutex::default);
    named(&DATABASES, data, new_database)
}

/// Streams of each data folder have a prefix of their own, on one server.
fn event_store_of(data: &Path) -> String {
    static PREFIXES: Names = LazyLock::new(Mutex::default);
    static SERVER: LazyLock<Double> = LazyLock::new(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        // It serves as long as the tests run.
        let runtime = Box::leak(Box::new(runtime.expect("a runtime starts")));
        std::thread::scope(|scope| {
            let started = scope.spawn(|| runtime.block_on(Double::start(real_clock())));
            started.join().expect("the double starts")
        })
    });
    named(&PREFIXES, data, || {
        format!("{}&streamPrefix=t{}", SERVER.url(), uuid::Uuid::new_v4().simple())
    })
}

fn real_clock() -> dlcs_eventlog::log::Clock {
    std::sync::Arc::new(|| {
        let since = std::time::UNIX_EPOCH.elapsed().expect("it is later than 1970");
        i64::try_from(since.as_micros()).expect("it is not that late")
    })
}

fn prefix_of(data: &Path) -> String {
    static PREFIXES: Names = LazyLock::new(Mutex::default);
    named(&PREFIXES, data, || uuid::Uuid::new_v4().to_string())
}

fn search_index_of(data: &Path) -> String {
    static INDEXES: Names = LazyLock::new(Mutex::default);
    named(&INDEXES, data, || blocking(|| async { TestNode::shared().new_setting() }))
}

/// What belongs to each data folder.
type Names = LazyLock<Mutex<HashMap<PathBuf, String>>>;

fn named(names: &Names, data: &Path, new: impl FnOnce() -> String) -> String {
    let mut names = names.lock().expect("no panic");
    names.entry(data.to_owned()).or_insert_with(new).clone()
}
