//! Real pages in a real browser: headless Chromium, driven by playwright-core.

use crate::boxes::{self, GroundTruth};
use crate::support::fixtures;
use crate::support::server::{KEY, Persona, SECRET, Server};
use crate::support::workspace_root;
use reqwest::Method;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Says whether browser tests can run here; in CI they must.
pub(crate) fn is_here() -> bool {
    let modules = workspace_root().join("portal/node_modules/playwright-core");
    let here = Path::new("/usr/bin/chromium").exists() && modules.exists();
    assert!(here || std::env::var_os("CI").is_none(), "chromium or playwright-core is missing");
    if !here {
        eprintln!("SKIPPED: chromium or playwright-core is missing: run `make setup assets`");
    }
    here
}

fn script(name: &str) -> PathBuf {
    workspace_root().join("tests/browser").join(name)
}

/// Runs a test of `tests/browser`; its status is the verdict.
pub(crate) fn run(name: &str, args: &[&str]) {
    let output = Command::new("node").arg(script(name)).args(args).output().expect("node runs");
    let report = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{report}");
}

/// A manifest of a page, and of an image that is smaller than any thumbnail.
fn scanned_page() -> Option<(Server, String)> {
    let pages = fixtures::folder("pages")?;
    let server = Server::start();
    let page = pages.join("kant_0020.tif");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let small = folder.path().join("small.png");
    std::fs::write(&small, fixtures::png(64, 56)).expect("room");
    let output = server.command(&[
        "register",
        "--json",
        "--manifest",
        "kant",
        page.to_str().expect("UTF-8"),
        small.to_str().expect("UTF-8"),
    ]);
    assert!(output.status.success(), "{output:?}");
    let manifest = format!("{}/iiif/v3/1/kant", server.base);
    Some((server, manifest))
}

#[test]
fn a_scanned_page_is_drawn_and_zoomed_in_the_viewer() {
    if !is_here() {
        return;
    }
    let Some((server, manifest)) = scanned_page() else { return };
    let screenshots = tempfile::tempdir().expect("a temporary folder");
    let screenshot = screenshots.path().join("viewer.png");
    run("viewer.mjs", &[&server.base, &manifest, screenshot.to_str().expect("UTF-8")]);
    assert!(screenshot.exists(), "the screenshot is missing");
}

/// Mirador 4 and Universal Viewer 4 ask version 1.0 of Content Search, Clover 3 asks 2.0.
/// Exported once, and shown by a web server that knows nothing of images.
#[test]
fn an_exported_image_needs_no_server_of_ours() {
    let Some(pages) = fixtures::folder("pages") else { return };
    let mut server = Server::start();
    let page = pages.join("kant_0020.tif");
    let output = server.command(&["register", "--json", page.to_str().expect("UTF-8")]);
    assert!(output.status.success(), "{output:?}");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let into = folder.path().join("page");
    let into = into.to_str().expect("UTF-8");
    // Below those that the system gives to whoever asks for any: the other tests do.
    let port = (20_000 + std::process::id() % 10_000).to_string();
    let url = format!("http://127.0.0.1:{port}/iiif-img/page/");
    let export = ["image", "export", "1/1/kant_0020.tif", "--level0", "--into", into];
    let export = [&export[..], &["--id-url", &url]].concat();
    // Again: nothing of it is fetched twice, and it comes out the same.
    for _ in 0..2 {
        let output = server.command(&export);
        assert!(output.status.success(), "{output:?}");
    }
    let info = std::fs::read_to_string(folder.path().join("page/info.json")).expect("written");
    assert!(info.contains("\"level0\"") && info.contains(url.trim_end_matches('/')), "{info}");
    let missing = [&export[..2], &["1/1/other.tif"], &export[3..]].concat();
    assert_eq!(server.command(&missing).status.code(), Some(1));
    server.kill();
    if is_here() {
        let screenshot = folder.path().join("page.png");
        run("level0.mjs", &[into, &port, screenshot.to_str().expect("UTF-8")]);
    }
}

#[tokio::test]
async fn a_phrase_over_a_line_break_is_marked_on_its_words_in_the_viewers() {
    if !is_here() {
        return;
    }
    let Some(truth) = GroundTruth::of("kant_0020") else { return };
    let pages = fixtures::folder("pages").expect("it was there");
    let server = Server::start();
    boxes::recognised(&server, &pages.join("kant_0020.tif"), "kant").await;
    let query = "\"Haufens dienen\"";
    let path = format!("/search/v2/1/manifests/kant?q={}", query.replace(' ', "+"));
    let found = boxes::found(&server, &path).await;
    assert_eq!(found.len(), 2, "one for each line: {found:?}");
    for ((_, rect), word) in found.iter().zip(["Haufens", "dienen"]) {
        let expected = truth.only(word).expect("it is there once");
        assert!(boxes::has_centre_in(*rect, expected), "{word}: {rect:?} is not on {expected:?}");
    }
    let rects = found.iter().map(|(_, rect)| rect.map(|it| it.to_string()).join(","));
    let rects = rects.collect::<Vec<_>>().join(";");
    let screenshots = tempfile::tempdir().expect("a temporary folder");
    for viewer in ["mirador", "universalviewer", "clover"] {
        let screenshot = screenshots.path().join(format!("{viewer}.png"));
        let screenshot = screenshot.to_str().expect("UTF-8");
        run("search.mjs", &[viewer, &server.base, "kant", query, &rects, screenshot]);
    }
}

/// An annotation is listed and marked where it belongs, its script gone.
#[tokio::test]
async fn an_annotation_is_shown_in_its_place_in_the_viewers() {
    if !is_here() {
        return;
    }
    let Some((server, _)) = scanned_page() else { return };
    let manifest = server.json(Persona::Anonymous, "/iiif/v3/1/kant").await;
    let canvas = manifest["items"][0]["id"].as_str().expect("a canvas").to_owned();
    let notes = "/annotations/w3c/1/notes/";
    let (made, answer) = server.send(Method::PUT, notes, &json!({"label": "Notes"})).await;
    assert!(made.is_success(), "{answer}");
    let html = "<p>Printed in <b>Berlin</b></p><script>document.title = 'hacked'</script>";
    let note = json!({
        "@context": "http://www.w3.org/ns/anno.jsonld",
        "type": "Annotation",
        "motivation": "commenting",
        "body": {"type": "TextualBody", "value": html, "format": "text/html"},
        "target": format!("{canvas}#xywh=300,400,600,200"),
    });
    let (made, answer) = server.send(Method::POST, notes, &note).await;
    assert!(made.is_success(), "{answer}");
    let screenshots = tempfile::tempdir().expect("a temporary folder");
    for viewer in ["mirador", "clover"] {
        let screenshot = screenshots.path().join(format!("{viewer}.png"));
        let screenshot = screenshot.to_str().expect("UTF-8");
        let box_ = "300,400,600,200";
        let args = [viewer, &server.base, "kant", "Printed in", box_, screenshot, "annotations"];
        run("search.mjs", &args);
    }
}

/// Drawn, changed, compared, restored, closed and deleted in one browser, seen at once in another.
#[test]
fn a_note_drawn_in_one_browser_appears_in_another() {
    if !is_here() {
        return;
    }
    let Some((server, manifest)) = scanned_page() else { return };
    let screenshots = tempfile::tempdir().expect("a temporary folder");
    let screenshot = screenshots.path().join("annotations.png");
    let key = format!("{KEY}:{SECRET}");
    run("annotations.mjs", &[&server.base, &key, &manifest, screenshot.to_str().expect("UTF-8")]);
    for name in ["annotations.png", "annotations-dark.png", "annotations-history.png"] {
        assert!(screenshots.path().join(name).exists(), "{name} is missing");
    }
}

#[test]
fn graphiql_the_api_page_and_the_start_page_work_without_the_internet() {
    if !is_here() {
        return;
    }
    let server = Server::start();
    run("pages.mjs", &[&server.base]);
}

#[tokio::test]
async fn a_page_follows_a_batch_until_it_is_finished() {
    if !is_here() {
        return;
    }
    let server = Server::start_with(&["--origin-allow", "127.0.0.1"]);
    server.space(1).await;
    run("subscription.mjs", &[&server.base, &format!("{KEY}:{SECRET}")]);
}
