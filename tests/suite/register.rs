//! `dlcs register` as a person uses it.

use crate::support::fixtures::png;
use crate::support::server::{Persona, Server, dlcs};
use serde_json::Value;
use std::path::Path;
use std::process::Output;

fn lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().map(|line| serde_json::from_str(line).expect("JSON lines")).collect()
}

fn folder_of_pages(count: u32) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for n in 1..=count {
        let name = format!("page-{n:02}.png");
        std::fs::write(folder.path().join(name), png(300 + n, 400)).expect("writable");
    }
    folder
}

fn path(folder: &Path) -> &str {
    folder.to_str().expect("UTF-8")
}

#[tokio::test]
async fn a_folder_becomes_a_manifest_in_order() {
    let server = Server::start();
    let folder = folder_of_pages(12);
    let output = server.command(&[
        "register",
        "--json",
        "--space",
        "books",
        "--manifest",
        "book",
        path(folder.path()),
    ]);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{text}");
    let lines = lines(&output);
    assert_eq!(lines.len(), 13);
    for line in &lines[..12] {
        assert_eq!(line["state"], "delivered", "{line}");
        assert!(line["@id"].as_str().is_some_and(|it| it.starts_with(&server.base)), "{line}");
    }
    let address = lines[12]["manifest"].as_str().expect("the last line names the manifest");
    let manifest = server.json(Persona::Anonymous, address).await;
    let canvases = manifest["items"].as_array().expect("canvases");
    let widths: Vec<u64> = canvases.iter().filter_map(|it| it["width"].as_u64()).collect();
    assert_eq!(widths, (301..=312).collect::<Vec<_>>());
}

#[tokio::test]
async fn registering_twice_changes_nothing_and_replaces_the_manifest() {
    let server = Server::start();
    let folder = folder_of_pages(2);
    let args = ["register", "--json", "--space", "7", "--manifest", "m", path(folder.path())];
    assert_eq!(server.command(&args).status.code(), Some(0));
    let before = server.command(&["events", "--json"]).stdout;
    assert_eq!(server.command(&args).status.code(), Some(0));
    let after = server.command(&["events", "--json"]).stdout;
    assert_eq!(String::from_utf8_lossy(&before), String::from_utf8_lossy(&after));
}

#[test]
fn a_failed_image_is_named_with_its_code_and_the_status_is_1() {
    let server = Server::start();
    let folder = folder_of_pages(1);
    std::fs::write(folder.path().join("page.jpg"), b"<html></html>").expect("writable");
    let output = server.command(&["register", "--json", path(folder.path())]);
    assert_eq!(output.status.code(), Some(1));
    let failed = lines(&output).into_iter().find(|line| line["id"] == "page.jpg").expect("a line");
    assert_eq!(failed["state"], "failed");
    assert_eq!(failed["error"]["code"], "media-type-unsupported");
}

#[test]
fn wrong_usage_is_status_2() {
    let server = Server::start();
    for args in [
        vec!["register"],
        vec!["register", "/nowhere/at/all.png"],
        vec!["register", "--no-such-flag", "x.png"],
    ] {
        let output = server.command(&args);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {output:?}");
    }
}

#[test]
fn without_a_server_the_next_step_is_named() {
    let folder = folder_of_pages(1);
    let output = dlcs()
        .args(["register", "--server", "http://127.0.0.1:9", "--key", "a:b"])
        .arg(folder.path())
        .output()
        .expect("runs");
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(text.contains("dlcs serve"), "{text}");
}

#[test]
fn with_the_data_flag_no_server_is_needed() {
    let folder = folder_of_pages(3);
    let data = tempfile::tempdir().expect("a temporary folder");
    let output = dlcs()
        .args(["register", "--json", "--manifest", "book", "--data"])
        .arg(data.path())
        .arg(folder.path())
        .output()
        .expect("runs");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert_eq!(lines(&output).len(), 4);
}

#[tokio::test]
async fn a_table_registers_with_its_fields() {
    let server = Server::start();
    let folder = folder_of_pages(1);
    let table = folder.path().join("table.csv");
    let text = "origin,id,string1,number1,tags,roles\npage-01.png,first,Ünï,7,a;b,closed\n";
    std::fs::write(&table, text).expect("writable");
    let output = server.command(&["register", "--json", "--space", "1", path(&table)]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let image = server.json(Persona::Admin, "/customers/1/spaces/1/images/first").await;
    assert_eq!(image["string1"], "Ünï");
    assert_eq!(image["number1"], 7);
    assert_eq!(image["tags"], serde_json::json!(["a", "b"]));
    assert_eq!(image["roles"], serde_json::json!(["closed"]));
}
