//! What passes on the embedded stores passes on every other, and on any mix of them: the suite runs
//! again, in processes of its own.

use crate::support::stores::{OBJECTS, ROLES, SEARCH, STORES};
use dlcs_adapter_s3::testing::TestStore;
use std::process::Command;

/// Runs the tests whose names begin with one of `modules` over other stores.
fn rerun(stores: &str, modules: &[&str]) {
    rerun_with(stores, "tantivy", modules);
}

/// Runs them over other stores and with another search index.
fn rerun_with(stores: &str, search: &str, modules: &[&str]) {
    rerun_in(stores, search, &[], modules);
}

/// Runs them with more of the environment set.
fn rerun_in(stores: &str, search: &str, more: &[(&str, &str)], modules: &[&str]) {
    let program = std::env::current_exe().expect("the suite has a path");
    let output = Command::new(program)
        .args(modules)
        .args(["--test-threads", "2"])
        .env(STORES, stores)
        .env(SEARCH, search)
        .envs(more.iter().copied())
        // What servers say is shown where something fails.
        .env("DLCS_TEST_LOG", "1")
        .output()
        .expect("the suite runs");
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "over {stores} and {search}:\n{text}\n{errors}");
    let summary = text.lines().find(|line| line.starts_with("test result: ok"));
    let summary = summary.unwrap_or_else(|| panic!("over {stores}, nothing ran:\n{text}"));
    assert!(!summary.contains(" 0 passed"), "over {stores}, nothing ran:\n{text}");
    eprintln!("over {stores}, {search} {more:?}: {summary}");
}

#[test]
fn the_suite_passes_with_everything_on_postgresql() {
    let modules = [
        "activity::",
        "annotations::",
        "browser::",
        "clocks::",
        "delivery::",
        "graphql::",
        "login::",
        "management::",
        "manifests::",
        "named_queries::",
        "process::",
        "rebuilds::",
        "register::",
        "replay::",
        "stopping::",
        "text::",
        "torture::",
    ];
    rerun("postgres", &modules);
}

#[test]
fn journeys_pass_with_the_log_on_postgresql_and_read_models_in_files() {
    rerun("postgres+sqlite", &["graphql::", "register::", "replay::"]);
}

#[test]
fn journeys_pass_with_the_log_in_a_file_and_read_models_on_postgresql() {
    rerun("sqlite+postgres", &["graphql::", "register::", "replay::"]);
}

/// On a double of the server: docs/kurrentdb.md says what that shows.
#[test]
fn journeys_pass_with_the_log_on_kurrentdb_and_read_models_on_postgresql() {
    let modules = ["graphql::", "journey::", "manifests::", "register::", "replay::"];
    rerun("kurrentdb+postgres", &modules);
}

#[test]
fn journeys_pass_with_the_log_on_kurrentdb_and_read_models_in_files() {
    rerun("kurrentdb+sqlite", &["graphql::", "register::", "replay::"]);
}

#[test]
fn the_journeys_of_text_and_search_pass_with_elasticsearch() {
    let modules = ["boxes::", "browser::a_phrase", "reading::", "rebuilds::", "text::"];
    rerun_with("sqlite", "elasticsearch", &modules);
}

#[test]
fn text_is_found_with_postgresql_and_elasticsearch_together() {
    rerun_with("postgres", "elasticsearch", &["journey::", "text::"]);
}

#[test]
fn journeys_pass_with_blobs_in_a_bucket() {
    let store = TestStore::start();
    let modules = ["delivery::", "export::", "journey::", "register::", "replay::", "text::"];
    rerun_in("sqlite", "tantivy", &[(OBJECTS, store.endpoint().as_str())], &modules);
}

#[test]
fn the_journey_passes_with_two_processes_on_postgresql_elasticsearch_and_a_bucket() {
    let store = TestStore::start();
    let endpoint = store.endpoint();
    let apart = [(OBJECTS, endpoint.as_str()), (ROLES, "apart")];
    rerun_in("postgres", "elasticsearch", &apart, &["journey::"]);
}
