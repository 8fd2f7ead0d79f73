//! `dlcs manifest` and `dlcs collection` as a person uses them in a shell.

use crate::support::fixtures::png;
use crate::support::server::{Persona, Server};
use reqwest::Method;
use serde_json::{Value, json};
use std::process::Output;

fn said(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

/// Writes a document beside the data folder; returns its path.
fn file(server: &Server, name: &str, document: &Value) -> String {
    let path = server.data().join(name);
    std::fs::write(&path, document.to_string()).expect("writable");
    path.to_str().expect("UTF-8").to_owned()
}

/// A collection, a manifest in it, moved, listed, read, written back, deleted.
#[test]
fn a_manifest_is_put_moved_listed_and_deleted() {
    let server = Server::start();
    let base = &server.base;
    let maps =
        file(&server, "maps.json", &json!({"type": "Collection", "label": {"en": ["Maps"]}}));
    let canvas = "https://example.org/canvas/1";
    let manifest = json!({
        "@context": "http://iiif.io/api/presentation/3/context.json",
        "type": "Manifest", "label": {"en": ["An atlas"]},
        "items": [{"id": canvas, "type": "Canvas", "width": 10, "height": 10}],
    });
    let atlas = file(&server, "atlas.json", &manifest);
    said(&server.command(&["collection", "put", "maps", &maps]));
    said(&server.command(&["collection", "move", "maps", "--slug", "m"]));
    assert_eq!(
        said(&server.command(&["manifest", "put", "atlas", &atlas])),
        format!("{base}/1/manifests/atlas\n")
    );
    let moved = format!("{base}/iiif/1/m/world\n");
    let told = ["manifest", "move", "atlas", "--slug", "world", "--parent", "maps"];
    assert_eq!(said(&server.command(&told)), moved);
    let listed = said(&server.command(&["manifest", "list"]));
    assert_eq!(listed, format!("atlas\t{}\tAn atlas\n", moved.trim_end()));
    let listed = said(&server.command(&["manifest", "list", "--json"]));
    let listed: Value = serde_json::from_str(&listed).expect("a line of JSON");
    assert_eq!(listed["flatId"], "atlas");

    let read = said(&server.command(&["manifest", "get", "atlas"]));
    let read: Value = serde_json::from_str(&read).expect("JSON");
    assert_eq!(read["items"][0]["id"], canvas);
    let before = said(&server.command(&["events", "--json"]));
    let back = file(&server, "back.json", &read);
    assert_eq!(said(&server.command(&["manifest", "put", "atlas", &back])), moved);
    assert_eq!(said(&server.command(&["events", "--json"])), before, "it is as it was");

    let stale = server.command(&["manifest", "put", "atlas", &atlas, "--if-match", "77"]);
    let error = String::from_utf8_lossy(&stale.stderr).into_owned();
    assert_eq!(stale.status.code(), Some(1));
    assert!(error.contains("412"), "{error}");
    said(&server.command(&["manifest", "delete", "atlas"]));
    let gone = server.command(&["manifest", "get", "atlas"]);
    assert!(String::from_utf8_lossy(&gone.stderr).contains("410"), "{gone:?}");
    assert_eq!(said(&server.command(&["manifest", "list"])), "");
}

#[test]
fn a_book_is_fetched_as_a_pdf_and_what_cannot_be_leaves_no_file() {
    let server = Server::start();
    let page = server.data().join("page.png");
    std::fs::write(&page, png(300, 400)).expect("writable");
    let page = page.to_str().expect("UTF-8");
    said(&server.command(&["register", "--manifest", "book", page]));
    let folder = tempfile::tempdir().expect("a folder");
    let to = folder.path().join("book.pdf");
    let name = to.to_str().expect("UTF-8");
    said(&server.command(&["manifest", "pdf", "book", name]));
    assert!(std::fs::read(&to).expect("it is there").starts_with(b"%PDF-"));
    let zip = server.command(&["manifest", "zip", "book", "-"]);
    assert!(zip.status.success() && zip.stdout.starts_with(b"PK"));
    std::fs::remove_file(&to).expect("it was there");
    let missing = server.command(&["manifest", "pdf", "none", name]);
    assert_eq!(missing.status.code(), Some(1));
    assert_eq!(std::fs::read_dir(folder.path()).expect("readable").count(), 0);
}

#[test]
fn a_note_is_found_read_and_its_history_told() {
    let server = Server::start();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    let canvas = "https://example.org/canvas/1";
    let note = json!({
        "@context": "http://www.w3.org/ns/anno.jsonld", "type": "Annotation",
        "motivation": "commenting", "target": format!("{canvas}#xywh=10,10,20,20"),
        "body": {"type": "TextualBody", "value": "A blot of ink"},
    });
    runtime.block_on(async {
        for (slug, path, body) in [
            (
                "notes",
                "/annotations/w3c/1/",
                json!({"type": "AnnotationCollection", "label": "Notes"}),
            ),
            ("blot", "/annotations/w3c/1/notes/", note),
        ] {
            let request = server.request(Persona::Admin, Method::POST, path);
            let request = request.header("slug", slug).json(&body);
            let request = request.header("content-type", "application/ld+json");
            let made = request.send().await.expect("an answer");
            assert_eq!(made.status(), 201, "{path}");
        }
    });
    let line = format!("notes\tblot\t{canvas}\tA blot of ink\n");
    assert_eq!(said(&server.command(&["annotation", "search", "ink"])), line);
    let around = ["annotation", "search", "--target", canvas, "--region", "0,0,15,15"];
    assert_eq!(said(&server.command(&around)), line);
    let beside = ["annotation", "search", "--target", canvas, "--region", "90,90,5,5"];
    assert_eq!(said(&server.command(&beside)), "");
    let read = said(&server.command(&["annotation", "get", "notes", "blot"]));
    let read: Value = serde_json::from_str(&read).expect("JSON");
    assert_eq!(read["body"]["value"], "A blot of ink", "{read}");
    let history = said(&server.command(&["annotation", "history", "notes", "blot"]));
    assert!(history.contains("\tannotation.created\tkey-"), "{history}");
    let missing = server.command(&["annotation", "get", "notes", "other"]);
    assert_eq!(missing.status.code(), Some(1));
}
