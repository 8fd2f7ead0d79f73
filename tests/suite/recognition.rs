//! Pages as `dlcs ocr` and a server read them. Models are installed by `make setup`.

use crate::support::fixtures;
use crate::support::server::{PATIENCE, Persona, Server, dlcs, image_path};
use reqwest::Method;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

fn page(name: &str) -> Option<String> {
    let path = fixtures::folder("pages")?.join(name);
    Some(path.to_str().expect("UTF-8").to_owned())
}

fn ocr(args: &[&str]) -> Output {
    dlcs().arg("ocr").args(args).output().expect("it runs")
}

fn said(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

#[test]
fn a_page_is_read_as_the_tesseract_program_reads_it() {
    let Some(page) = page("phototest.tif") else { return };
    let (status, ours, complaint) = said(&ocr(&["--lang", "eng", &page]));
    assert_eq!((status, complaint.as_str()), (Some(0), ""));
    let theirs = Command::new("tesseract").args([&page, "-", "-l", "eng"]).output();
    let (_, theirs, _) = said(&theirs.expect("`make setup` installs it"));
    assert_eq!(words(&ours), words(&theirs));
}

#[test]
fn pages_come_in_the_order_in_which_they_were_named_and_failures_are_named() {
    let (Some(small), Some(large)) = (page("phototest.tif"), page("eurotext.tif")) else { return };
    let broken = fixtures::folder("hostile").expect("beside the pages").join("truncated_half.jpg");
    let broken = broken.to_str().expect("UTF-8");
    let images = [&large, &small, broken, "/nonexistent.png", &small];
    let (status, text, complaint) = said(&ocr(&[&["--to", "json"], &images[..]].concat()));
    assert_eq!(status, Some(1));
    let pages: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let widths: Vec<_> = pages.iter().map(|it| it["layout"]["width_px"].as_u64()).collect();
    assert_eq!(widths, [Some(1024), Some(640), Some(640)]);
    assert_eq!(pages[1], pages[2], "the same page gives the same answer");
    assert_eq!(pages[0]["engine"]["name"], "tesseract");
    let models = pages[0]["engine"]["models"].as_array().expect("models");
    assert!(models[0].as_str().is_some_and(|it| it.starts_with("eng@sha256:")), "{models:?}");
    let complaints: Vec<&str> = complaint.lines().collect();
    assert_eq!(complaints.len(), 2, "{complaint}");
    assert!(complaints[0].contains("truncated_half.jpg: image-corrupt: "), "{complaint}");
    assert!(complaints[1].contains("/nonexistent.png: "), "{complaint}");
}

#[test]
fn each_form_is_written_into_a_folder() {
    let Some(page) = page("phototest.tif") else { return };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("new/folder");
    for (form, file, part) in [
        ("text", "phototest.txt", "quick brown dog"),
        ("alto", "phototest.alto.xml", "CONTENT=\"quick\""),
        ("hocr", "phototest.hocr", ">quick</span>"),
        ("page", "phototest.page.xml", "<Unicode>quick</Unicode>"),
        ("json", "phototest.json", "\"text\":\"quick\""),
    ] {
        let out_text = out.to_str().expect("UTF-8");
        let (status, text, complaint) = said(&ocr(&["--to", form, "--out", out_text, &page]));
        assert_eq!((status, text.as_str(), complaint.as_str()), (Some(0), "", ""), "{form}");
        let written = std::fs::read_to_string(out.join(file)).expect("it is written");
        assert!(written.contains(part), "{file}: {written}");
        assert!(!written.contains(out_text) && !written.contains(&page), "no path is told");
    }
    assert_eq!(std::fs::read_dir(&out).expect("a folder").count(), 5, "nothing is left over");
}

/// Hostile input B45 among it: what is no language never reaches the engine.
#[test]
fn wrong_usage_is_told_before_anything_is_read() {
    let many = vec!["eng"; 200].join("+");
    for (args, part) in [
        (&["--lang", "xyz", "p.png"][..], "there is no model for `xyz`; there are: "),
        (&["--lang", "xyz", "p.png"], "install the package `tesseract-ocr-xyz`"),
        (&["--lang", "../../etc/passwd", "p.png"], "not a language"),
        (&["--lang", "eng+$(id)", "p.png"], "not a language"),
        (&["--lang", "", "p.png"], "names no language"),
        (&["--to", "alto", "a.png", "b.png"], "`--out`"),
        (&["--out", "o", "a/1.png", "b/1.tif"], "would both become"),
        (&["--to", "pdf", "a.png"], "invalid value 'pdf'"),
        (&[], "required"),
    ] {
        let (status, _, complaint) = said(&ocr(args));
        assert_eq!(status, Some(2), "{args:?}: {complaint}");
        assert!(complaint.contains(part), "{args:?}: {complaint}");
    }
    // The same language two hundred times is that language.
    let (status, _, complaint) = said(&ocr(&["--lang", &many, "/nonexistent.png"]));
    assert_eq!(status, Some(1), "{complaint}");
}

#[test]
fn the_doctor_names_languages_and_how_to_get_them() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let doctor = |tessdata: Option<&Path>| {
        let mut command = dlcs();
        command.arg("--data").arg(folder.path().join("data")).arg("doctor");
        if let Some(path) = tessdata {
            command.arg("--tessdata").arg(path);
        }
        said(&command.output().expect("it runs"))
    };
    let line = |text: &str| {
        let line = text.lines().find(|line| line.contains(" recognition "));
        line.expect("a line about it").to_owned()
    };
    let well = line(&doctor(None).1);
    assert!(well.starts_with("ok") && well.contains("tesseract 5"), "{well}");
    assert!(well.contains("deu") && well.contains("frk"), "{well}");
    let (status, text, _) = doctor(Some(folder.path()));
    assert_eq!(status, Some(1));
    assert!(line(&text).starts_with("FAIL"), "{text}");
    assert!(line(&text).contains("`tesseract-ocr-eng`"), "{text}");
}

#[tokio::test]
async fn a_page_that_is_registered_with_a_language_can_be_read_and_its_history_explains_it() {
    let Some(image) = page("phototest.tif") else { return };
    let server = Server::start();
    let output = server.command(&["register", "--ocr", "eng", "--wait-text", &image]);
    assert!(output.status.success(), "{output:?}");
    let text = server.get(Persona::Anonymous, "/text/plain/1/1/phototest.tif").await;
    assert!(text.text().await.expect("a body").contains("quick brown dog"));
    let output =
        server.command(&["events", "--json", "--type", "transcription.recognition_completed"]);
    let (_, events, _) = said(&output);
    let event: Value = serde_json::from_str(events.lines().next().expect("one")).expect("JSON");
    let recognition = &event["payload"]["recognition"];
    assert_eq!(recognition["engine"], "tesseract", "{event}");
    assert_eq!(recognition["settings"]["page_segmentation"], "auto", "{event}");
    assert!(recognition["confidence"].as_u64().is_some_and(|it| it > 80), "{event}");
}

/// Waits until the text of an image stands somewhere, and returns what is said of it.
async fn text_until(server: &Server, id: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let path = format!("{}/text", image_path(id));
    let deadline = Instant::now() + PATIENCE;
    loop {
        let text = server.json(Persona::Admin, &path).await;
        if is_so(&text) {
            return text;
        }
        assert!(Instant::now() < deadline, "{text}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_language_without_a_model_fails_with_its_code() {
    let Some(image) = page("phototest.tif") else { return };
    let server = Server::start();
    let output = server.command(&["register", &image]);
    assert!(output.status.success(), "{output:?}");
    let path = format!("{}/recognition", image_path("phototest.tif"));
    let body = json!({ "languages": ["xyz"] });
    let (status, _) = server.send(Method::POST, &path, &body).await;
    assert!(status.is_success(), "{status}");
    let text = text_until(&server, "phototest.tif", |it| it["status"] == "failed").await;
    let told = text.to_string();
    assert!(told.contains("recognition-failed") && told.contains("`xyz`"), "{told}");
}

/// Kills the server in the middle, again and again: every page has its text in the end, once.
#[tokio::test]
async fn killed_while_pages_are_recognised_no_page_is_lost_and_none_is_doubled() {
    let Some(image) = page("phototest.tif") else { return };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let pages: Vec<PathBuf> =
        (0..6).map(|number| folder.path().join(format!("{number}.tif"))).collect();
    for path in &pages {
        std::fs::copy(&image, path).expect("room");
    }
    let data = folder.path().join("data");
    let mut server = Server::start_on(&data, &[]);
    let mut args = vec!["register", "--ocr", "eng"];
    args.extend(pages.iter().map(|it| it.to_str().expect("UTF-8")));
    let output = server.command(&args);
    assert!(output.status.success(), "{output:?}");
    for round in 0..4 {
        let done = completed(&server).len();
        if done == pages.len() {
            break;
        }
        // Later each time, so that another moment is met.
        tokio::time::sleep(Duration::from_millis(60 + 170 * round)).await;
        server.kill();
        server = Server::start_on(&data, &[]);
    }
    for number in 0..pages.len() {
        text_until(&server, &format!("{number}.tif"), |it| it["status"] == "ready").await;
    }
    let mut streams = completed(&server);
    streams.sort();
    let expected: Vec<_> =
        (0..pages.len()).map(|number| format!("transcription-1/1/{number}.tif")).collect();
    assert_eq!(streams, expected);
    let output = server.command(&["replay"]);
    assert!(output.status.success(), "{output:?}");
}

/// Streams in which a recognition was completed.
fn completed(server: &Server) -> Vec<String> {
    let type_name = "transcription.recognition_completed";
    let output = server.command(&["events", "--json", "--type", type_name]);
    let (_, text, _) = said(&output);
    let events = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    events.map(|it| it["stream"].as_str().expect("a stream").to_owned()).collect()
}
