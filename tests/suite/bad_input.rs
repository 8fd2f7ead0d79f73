//! Issue 3, point 5: what is wrong is said in one line, with the next step; and nothing is lost.

use crate::support::disks::SmallDisk;
use crate::support::fixtures::png;
use crate::support::server::{Persona, Server, dlcs, image_path};
use crate::support::stores::{self, execute, new_database};
use dlcs_adapter_postgres::testing::{TestServer, database_name};
use reqwest::StatusCode;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Runs a command that must refuse, soon and with status 1, and returns what it says.
fn refused(command: &mut Command) -> String {
    let begun = Instant::now();
    let output = command.stdin(Stdio::null()).output().expect("the program runs");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(begun.elapsed() < Duration::from_secs(15), "it took {:?}", begun.elapsed());
    assert!(text.contains("dlcs: "), "{text}");
    assert!(!text.contains("panicked"), "{text}");
    assert!(!text.contains("secret-word"), "{text}");
    text
}

fn serve(data: &Path, flags: &[&str]) -> Command {
    let mut command = dlcs();
    command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data).args(flags);
    command
}

fn says(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "`{word}` is not said: {text}");
    }
}

#[test]
fn a_database_that_cannot_be_used_is_told_with_the_next_step() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let url = new_database();
    let port = TestServer::shared().port();
    let wrong_word = url.replace("of-the-tests", "secret-word");
    let cases: [(String, &[&str]); 5] = [
        (
            "postgres://u:secret-word@127.0.0.1:1/d".into(),
            &["127.0.0.1:1/d", "Check host and port"],
        ),
        ("postgres://u:secret-word@h:port/d".into(), &["postgres://user:password@host:5432/name"]),
        (wrong_word, &["refuses user", "Check user and password"]),
        (
            format!("postgres://postgres:of-the-tests@127.0.0.1:{port}/nowhere"),
            &["no database `nowhere`", "createdb --encoding=UTF8 nowhere"],
        ),
        ("postgres://u:secret-word@no-such-host.invalid/d".into(), &["cannot be reached"]),
    ];
    for (url, words) in cases {
        for setting in ["event-store", "read-store"] {
            let flag = format!("--{setting}");
            let text = refused(&mut serve(folder.path(), &[&flag, &url]));
            says(&text, words);
            says(&text, &[setting]);
        }
        let mut events = dlcs();
        let text = refused(events.args(["events", "--event-store", &url]));
        says(&text, words);
    }
}

#[tokio::test]
async fn another_schema_of_postgresql_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let url = new_database();
    let flags = ["--event-store", &url, "--read-store", &url];
    // Older: there is none yet, and a command that only reads makes none.
    let mut events = dlcs();
    let text = refused(events.args(["events", "--event-store", &url]));
    says(&text, &["version 0", "start the server once"]);
    let server = Server::start_on(folder.path(), &flags);
    server.space(1).await;
    server.upload("a", png(60, 40)).await;
    drop(server);
    for schema in ["dlcs_log", "dlcs_control", "dlcs_read"] {
        let sql = format!("INSERT INTO {schema}.schema_version VALUES (99, 'later', now())");
        run(&url, &sql).await;
        let text = refused(&mut serve(folder.path(), &flags));
        says(&text, &[schema, "version 99", "use the release that wrote it, or a later one"]);
        run(&url, &format!("DELETE FROM {schema}.schema_version WHERE version = 99")).await;
    }
    let server = Server::start_on(folder.path(), &flags);
    assert_eq!(server.json(Persona::Admin, &image_path("a")).await["width"], 60);
    drop(server);
    // Only its tables are missing: a read model that another program has removed is told.
    execute(&url, "DROP SCHEMA dlcs_log CASCADE");
    let mut events = dlcs();
    let text = refused(events.args(["events", "--event-store", &url]));
    says(&text, &["version 0", "start the server once"]);
}

async fn run(url: &str, sql: &str) {
    TestServer::shared().execute(database_name(url), sql).await;
}

/// A stopped data folder with one image in it.
async fn furnished() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut server = embedded(folder.path());
    server.space(1).await;
    server.upload("a", png(60, 40)).await;
    assert_eq!(server.terminate().0, Some(0));
    folder
}

fn embedded(folder: &Path) -> Server {
    let started = Server::try_start(folder, Vec::new(), &[], &[]);
    started.unwrap_or_else(|seen| panic!("it starts: {seen:#?}"))
}

/// Changes a database as somebody with access to the disk might.
fn sqlite(file: &Path, sql: &str) {
    let program = "import sqlite3,sys\nc=sqlite3.connect(sys.argv[1])\n\
        c.executescript(sys.argv[2])\nc.commit()";
    let status = Command::new("python3").args(["-c", program]).arg(file).arg(sql).status();
    assert!(status.expect("python3 runs").success());
}

#[tokio::test]
async fn another_schema_of_sqlite_is_refused_and_left_as_it_is() {
    let folder = furnished().await;
    for (name, known) in [("events.sqlite", 2), ("control.sqlite", 4)] {
        let file = folder.path().join(name);
        sqlite(&file, "PRAGMA user_version = 99");
        let before = std::fs::read(&file).expect("it is there");
        let text = refused(&mut serve(folder.path(), &[]));
        says(&text, &[name, "version 99", "use the release that wrote it, or a later one"]);
        assert!(std::fs::read(&file).expect("it is there") == before, "{name} was written to");
        sqlite(&file, &format!("PRAGMA user_version = {known}"));
    }
    assert_eq!(embedded(folder.path()).json(Persona::Admin, &image_path("a")).await["width"], 60);
    // Older: a file without a schema, which a command that only reads does not make.
    let empty = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(empty.path().join("events.sqlite"), b"").expect("room");
    let mut events = dlcs();
    let text = refused(events.arg("events").arg("--data").arg(empty.path()));
    says(&text, &["version 0", "start the server once"]);
}

#[tokio::test]
async fn a_damaged_database_is_named_and_left_as_it_is() {
    let folder = furnished().await;
    for name in ["events.sqlite", "control.sqlite"] {
        let file = folder.path().join(name);
        let whole = std::fs::read(&file).expect("it is there");
        let mut damaged = whole.clone();
        damaged[..100].fill(b'x');
        std::fs::write(&file, &damaged).expect("room");
        let text = refused(&mut serve(folder.path(), &[]));
        says(&text, &[name, "is damaged", "dlcs restore"]);
        assert!(std::fs::read(&file).expect("it is there") == damaged, "{name} was written to");
        std::fs::write(&file, whole).expect("room");
    }
    // A page in the middle: nobody looks at all of them at a start, but `doctor` does.
    let file = folder.path().join("events.sqlite");
    let whole = std::fs::read(&file).expect("it is there");
    let mut damaged = whole.clone();
    let event = whole.windows(16).position(|it| it == b"asset.registered").expect("it happened");
    let page = event / 4_096 * 4_096;
    damaged[page..page + 16].fill(0xff);
    std::fs::write(&file, &damaged).expect("room");
    let mut doctor = dlcs();
    let output = doctor.arg("doctor").arg("--data").arg(folder.path()).output().expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1));
    says(&text, &["FAIL  event store", "events.sqlite"]);
    std::fs::write(&file, whole).expect("room");
    // A read model is made anew by itself.
    let models = crate::support::fixtures::files(&folder.path().join("read"));
    let assets = models.iter().find(|it| it.to_string_lossy().contains("assets-v"));
    let assets = assets.expect("the projection has a file");
    std::fs::write(assets, b"this is no database, but something else of some length")
        .expect("room");
    let server = embedded(folder.path());
    assert_eq!(server.json(Persona::Admin, &image_path("a")).await["width"], 60);
    let replayed = server.command(&["replay"]);
    assert!(replayed.status.success(), "{replayed:?}");
}

/// A start on a disk without room says so; with an older history on it, it serves.
#[tokio::test]
async fn a_start_on_a_full_disk_says_so() {
    if !stores::are_embedded() {
        return;
    }
    let Some(disk) = SmallDisk::mount(2) else { return };
    let filler = disk.fill();
    let text = refused(&mut serve(disk.path(), &[]));
    says(&text, &["make some on its disk"]);
    std::fs::remove_file(filler).expect("it is ours");
    disk.grow(64);
    let server = embedded(disk.path());
    let ready = server.get(Persona::Anonymous, "/health/ready").await;
    assert_eq!(ready.status(), StatusCode::OK);
}
