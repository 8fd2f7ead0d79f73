//! Moving house: the history of one store into another, whatever keeps them.

use crate::support::fixtures::png;
use crate::support::server::{Persona, Server, dlcs, image_path};
use crate::support::stores::new_database;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Output;
use std::time::Duration;

/// The variables that name the log and the read models.
type Stores = Vec<(&'static str, String)>;

fn said(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

fn import(data: &Path, stores: &Stores, file: &Path, more: &[&str]) -> Output {
    let mut import = dlcs();
    import.args(["events", "import"]).arg(file).args(more);
    import.env("DLCS_DATA", data).envs(stores.iter().cloned());
    import.output().expect("the program runs")
}

/// Images, a manifest, notes, a closed image, deletions.
async fn fill(server: &Server) {
    server.space(1).await;
    for name in ["one.png", "two.png", "gone.png"] {
        server.upload(name, png(60, 40)).await;
    }
    let closed = json!({"roles": ["staff"], "tags": ["\u{1F5FA}"]});
    server.send(Method::PATCH, &image_path("two.png"), &closed).await;
    server.send(Method::DELETE, &image_path("gone.png"), &json!({})).await;
    let book = json!({"type": "Manifest", "label": {"en": ["A book"]}, "slug": "book",
        "paintedResources": [{"asset": {"id": "one.png", "space": 1}}]});
    let stored = server.manage(Method::PUT, "/1/manifests/book", Some(&book), None).await;
    assert_eq!(stored.status, StatusCode::CREATED, "{}", stored.body);
    let container = json!({"type": ["BasicContainer", "AnnotationCollection"]});
    server.send(Method::PUT, "/annotations/w3c/1/notes/", &container).await;
    for at in 0..30 {
        let note = json!({"@context": "http://www.w3.org/ns/anno.jsonld", "type": "Annotation",
            "bodyValue": format!("note {at}"), "target": format!("https://example.org/{at}")});
        server.send(Method::POST, "/annotations/w3c/1/notes/", &note).await;
    }
    server.projected().await;
}

/// What a history leads to: digests of all read models, each up to the last event.
fn digests(export: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(export).expect("an export");
    let lines = text.lines().map(|it| serde_json::from_str::<Value>(it).expect("JSON"));
    lines.filter(|it| it["line"] == "dump").collect()
}

fn audited(server: &Server, folder: &Path, name: &str) -> (String, Vec<Value>) {
    let file = folder.join(name);
    said(&server.command(&["audit", "export", file.to_str().expect("UTF-8")]));
    let verified = dlcs().args(["audit", "verify"]).arg(&file).output().expect("it runs");
    (said(&verified), digests(&file))
}

#[tokio::test]
async fn a_history_moves_between_stores_and_all_is_as_it_was() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start_on(&folder.path().join("home"), &[]);
    fill(&server).await;
    let history = said(&server.command(&["events", "--json"]));
    let file = folder.path().join("history.ndjson");
    said(&server.command(&["events", "export", file.to_str().expect("UTF-8")]));
    let (verified, models) = audited(&server, folder.path(), "first.ndjson");
    assert!(models.len() > 10, "{models:?}");
    let key = said(&server.command(&["audit", "key"])).trim().to_owned();
    let objects = format!("file://{}", server.data().join("objects").display());
    drop(server);

    let postgres = || {
        let url = new_database();
        vec![("DLCS_EVENT_STORE", url.clone()), ("DLCS_READ_STORE", url)]
    };
    let mut file = file;
    for (name, stores) in [("sqlite", Stores::new()), ("postgres", postgres()), ("back", vec![])] {
        let data = folder.path().join(name);
        // The file of the second house was signed by that house.
        let trusted: &[&str] = if name == "sqlite" { &["--public-key", &key] } else { &[] };
        let output = said(&import(&data, &stores, &file, trusted));
        assert!(output.contains("imported: "), "{output}");
        let flags = ["--objects", objects.as_str()];
        let server = Server::try_start(&data, stores.clone(), &flags, &[]).expect("it starts");
        server.projected().await;
        assert!(said(&server.command(&["replay"])).contains("equal"), "{name}");
        // Nothing is ingested or recognised again.
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!(said(&server.command(&["events", "--json"])), history, "{name}");
        let (again, same) = audited(&server, folder.path(), &format!("{name}.ndjson"));
        assert_eq!((again, &same), (verified.clone(), &models), "{name}");
        let image = "/iiif-img/v3/1/1/one.png/full/max/0/default.jpg";
        assert_eq!(server.get(Persona::Anonymous, image).await.status(), StatusCode::OK);
        let closed = "/iiif-img/v3/1/1/two.png/full/max/0/default.jpg";
        assert_eq!(server.get(Persona::Anonymous, closed).await.status(), 401);
        let found = server.json(Persona::Anonymous, "/annotations/w3c/1/?q=note").await;
        assert_eq!(found["items"].as_array().map(Vec::len), Some(30), "{found}");
        file = folder.path().join(format!("{name}-history.ndjson"));
        said(&server.command(&["events", "export", file.to_str().expect("UTF-8")]));
    }
}

#[tokio::test]
async fn an_import_goes_on_and_refuses_what_is_not_its_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start();
    server.space(1).await;
    let early = folder.path().join("early.ndjson");
    said(&server.command(&["events", "export", early.to_str().expect("UTF-8")]));
    server.upload("one.png", png(60, 40)).await;
    let late = folder.path().join("late.ndjson");
    said(&server.command(&["events", "export", late.to_str().expect("UTF-8")]));
    let running = import(server.data(), &server.environment(), &early, &[]);
    assert_eq!(running.status.code(), Some(15), "a server is running there: {running:?}");

    for stores in [Stores::new(), vec![("DLCS_EVENT_STORE", new_database())]] {
        let data = tempfile::tempdir().expect("a folder");
        let first = said(&import(data.path(), &stores, &early, &[]));
        let again = said(&import(data.path(), &stores, &early, &[]));
        assert!(again.contains("imported: 0 events of"), "{first}{again}");
        let more = said(&import(data.path(), &stores, &late, &[]));
        assert!(more.contains("imported: ") && !more.contains("imported: 0"), "{more}");
        // What is there goes beyond the file, or is something else.
        let back = import(data.path(), &stores, &early, &[]);
        let text = String::from_utf8_lossy(&back.stderr).into_owned();
        assert_eq!(back.status.code(), Some(1), "{text}");
        assert!(text.contains("has a history of its own: event "), "{text}");

        let other = Server::start();
        other.space(2).await;
        let foreign = folder.path().join("foreign.ndjson");
        said(&other.command(&["events", "export", foreign.to_str().expect("UTF-8")]));
        let refused = import(data.path(), &stores, &foreign, &[]);
        assert_eq!(refused.status.code(), Some(1), "{refused:?}");

        // A file in which something is wrong is not even begun.
        let text = std::fs::read_to_string(&late).expect("an export");
        let wrong = folder.path().join("wrong.ndjson");
        std::fs::write(&wrong, text.replacen("one.png", "two.png", 1)).expect("written");
        let empty = tempfile::tempdir().expect("a folder");
        let stores = match stores.first() {
            None => Stores::new(),
            Some((name, _)) => vec![(*name, new_database())],
        };
        let refused = import(empty.path(), &stores, &wrong, &[]);
        assert_eq!(refused.status.code(), Some(1), "{refused:?}");
        let text = String::from_utf8_lossy(&refused.stdout).into_owned();
        assert!(text.contains("not valid: event "), "{text}");
        let first = said(&import(empty.path(), &stores, &early, &[]));
        assert!(!first.contains("imported: 0"), "nothing had been written: {first}");
    }
}
