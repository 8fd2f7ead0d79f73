//! Blobs in a bucket: everything that an image has, restarts, several processes, a store that goes
//! away, and what is said where something is wrong.

use crate::processes::{history, replays_equal};
use crate::support::fixtures::{self, png};
use crate::support::server::{PATIENCE, Persona, Server, dlcs, image_path};
use crate::support::stores::{self, bucket_variables, new_database};
use dlcs_adapter_s3::testing::{SECRET_KEY, TestStore};
use reqwest::{Method, StatusCode};
use serde_json::Value;
use std::path::Path;
use std::time::{Duration, Instant};

type Variables = Vec<(&'static str, String)>;

/// Starts over a bucket, everything else in the folder.
fn start(data: &Path, variables: &Variables) -> Server {
    let started = Server::try_start(data, variables.clone(), &[], &[]);
    started.unwrap_or_else(|said| panic!("{said:#?}"))
}

async fn bytes(server: &Server, path: &str) -> Vec<u8> {
    let answer = server.get(Persona::Anonymous, path).await;
    assert_eq!(answer.status(), StatusCode::OK, "{path}");
    answer.bytes().await.expect("a body").to_vec()
}

/// Names every file below a folder.
fn files_below(folder: &Path) -> Vec<String> {
    let all = crate::support::files(folder, &|_| true);
    all.into_iter().map(|it| it.display().to_string()).collect()
}

/// Looks at everything that a page has.
async fn look(server: &Server, scan: &[u8]) {
    let page = "1/1/phototest.tif";
    let info = server.json(Persona::Anonymous, &format!("/iiif-img/v3/{page}/info.json")).await;
    assert_eq!(info["width"], 640, "{info}");
    for path in [
        format!("/iiif-img/v3/{page}/0,0,512,480/512,480/0/default.jpg"),
        format!("/iiif-img/v3/{page}/10,10,300,200/150,100/0/default.jpg"),
        format!("/thumbs/v3/{page}/full/max/0/default.jpg"),
    ] {
        assert_eq!(&bytes(server, &path).await[..2], b"\xff\xd8", "{path} is a JPEG");
    }
    let file = format!("/file/{page}");
    assert!(bytes(server, &file).await == scan, "the original is as it came");
    let part = server.request(Persona::Anonymous, Method::GET, &file);
    let part = part.header("range", "bytes=100-199").send().await.expect("an answer");
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    assert!(part.bytes().await.expect("a body") == scan[100..200]);
    let text = bytes(server, &format!("/text/plain/{page}")).await;
    assert!(String::from_utf8_lossy(&text).contains("see if it works"));
    let manifest = server.json(Persona::Anonymous, "/iiif/v3/1/book").await;
    assert_eq!(manifest["items"].as_array().map(Vec::len), Some(1), "{manifest}");
    let found = server.json(Persona::Anonymous, "/search/v2/1/manifests/book?q=works").await;
    assert_eq!(found["items"].as_array().map(Vec::len), Some(1), "{found}");
}

/// Registers a scan, its text and a manifest of it. Returns the bytes of the scan.
async fn book(server: &Server) -> Option<Vec<u8>> {
    let scan = fixtures::folder("pages")?.join("phototest.tif");
    let page = scan.to_str().expect("UTF-8");
    let args = ["register", "--json", "--manifest", "book", "--ocr", "eng", "--wait-text", page];
    let output = server.command(&args);
    assert!(output.status.success(), "{output:?}");
    server.projected().await;
    Some(std::fs::read(scan).expect("readable"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_book_is_in_the_bucket_and_a_restart_finds_it() {
    let store = TestStore::start();
    let data = tempfile::tempdir().expect("a folder");
    let variables = bucket_variables(store.endpoint().as_str(), "books/one");
    let mut server = start(data.path(), &variables);
    let Some(scan) = book(&server).await else { return };
    look(&server, &scan).await;
    replays_equal(&server);
    let doctor = server.command(&["doctor"]);
    let report = String::from_utf8_lossy(&doctor.stdout).into_owned();
    let line =
        report.lines().find(|it| it.contains("objects")).unwrap_or_else(|| panic!("{report}"));
    assert!(line.starts_with("ok") && line.contains("s3://scans/books/one"), "{line}");
    let metrics = server.get(Persona::Admin, "/metrics").await.text().await.expect("text");
    assert!(metrics.contains("dlcs_s3_requests_total"), "{metrics}");
    assert_eq!(server.terminate().0, Some(0));
    let local = files_below(&data.path().join("objects"));
    assert!(local.is_empty(), "blobs are in the bucket only: {local:?}");
    for kind in ["originals", "derivatives", "documents", "texts", "records"] {
        let kept = files_below(&store.file(&format!("books/one/{kind}")));
        assert!(!kept.is_empty(), "{kind} are in the bucket");
    }
    look(&start(data.path(), &variables), &scan).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_by_role_share_postgresql_and_a_bucket() {
    let store = TestStore::start();
    let mut variables = bucket_variables(store.endpoint().as_str(), "shared");
    let database = new_database();
    variables.push(("DLCS_EVENT_STORE", database.clone()));
    variables.push(("DLCS_READ_STORE", database));
    let worker = Server::start_over(variables.clone(), &["--roles", "project,ingest,ocr"]);
    let api = Server::start_over(variables, &["--roles", "api"]);
    api.space(1).await;
    for n in 0..3 {
        let image = api.upload(&format!("a{n}"), png(1300, 900)).await;
        assert_eq!(image["width"], 1300, "{image}");
        let tile = format!("/iiif-img/v3/1/1/a{n}/0,0,512,512/512,512/0/default.jpg");
        assert_eq!(&bytes(&api, &tile).await[..2], b"\xff\xd8");
    }
    for server in [&api, &worker] {
        let local = files_below(&server.data().join("objects"));
        assert!(local.is_empty(), "nothing is left on the local disk: {local:?}");
    }
    replays_equal(&api);
}

/// Uploads a picture without waiting for it. Returns what was answered.
async fn upload(server: &Server, id: &str) -> (StatusCode, Value) {
    let path = format!("{}/content", image_path(id));
    let request = server.request(Persona::Admin, Method::PUT, &path);
    let request = request.header("Prefer", "respond-async").body(png(300, 200));
    let answer = request.send().await.expect("the server answers");
    let status = answer.status();
    (status, answer.json().await.expect("JSON"))
}

async fn until_ready(server: &Server, is_ready: bool) -> String {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = server.get(Persona::Anonymous, "/health/ready").await;
        let (status, text) = (answer.status(), answer.text().await.expect("a body"));
        if status.is_success() == is_ready {
            return text;
        }
        assert!(Instant::now() < deadline, "{status} {text}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_goes_away_loses_nothing_and_comes_back() {
    let store = TestStore::start();
    let data = tempfile::tempdir().expect("a folder");
    let mut variables = bucket_variables(store.endpoint().as_str(), "p");
    // What is asked for comes from the bucket each time.
    variables.push(("DLCS_OBJECTS_CACHE_MIB", "0".to_owned()));
    let server = start(data.path(), &variables);
    server.space(1).await;
    server.upload("before", png(1300, 900)).await;
    let tile = "/iiif-img/v3/1/1/before/0,0,512,512/512,512/0/default.jpg";
    assert_eq!(&bytes(&server, tile).await[..2], b"\xff\xd8");
    let mut acknowledged = Vec::new();
    for n in 0..4 {
        let (status, answer) = upload(&server, &format!("a{n}")).await;
        assert!(status.is_success(), "{status} {answer}");
        acknowledged.push(format!("a{n}"));
    }
    store.set_away(true);
    let begun = Instant::now();
    let (status, problem) = upload(&server, "refused").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{problem}");
    assert_eq!(problem["code"], "objects-unavailable", "{problem}");
    assert!(!problem.to_string().contains("127.0.0.1"), "{problem}");
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    let answer = server.get(Persona::Anonymous, tile).await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.headers().contains_key("retry-after"));
    assert!(until_ready(&server, false).await.contains("objects"));
    store.set_away(false);
    until_ready(&server, true).await;
    assert_eq!(&bytes(&server, tile).await[..2], b"\xff\xd8");
    let (status, answer) = upload(&server, "after").await;
    assert!(status.is_success(), "{status} {answer}");
    acknowledged.push("after".to_owned());
    for id in &acknowledged {
        let image = server.settled(id).await;
        assert_eq!((&image["width"], &image["error"]), (&300.into(), &Value::Null), "{id}");
    }
    let streams = history(&server);
    assert!(!streams.contains_key("asset-1/1/refused"), "what was refused is not recorded");
    for id in &acknowledged {
        let types = &streams[&format!("asset-1/1/{id}")];
        assert!(!types.iter().any(|it| it == "asset.ingest_failed"), "{id}: {types:?}");
    }
}

#[test]
fn a_start_says_what_is_wrong_with_the_bucket() {
    let store = TestStore::start();
    let with = |name: &'static str, value: &str| {
        let mut variables = bucket_variables(store.endpoint().as_str(), "p");
        variables.retain(|(it, _)| *it != name);
        variables.push((name, value.to_owned()));
        variables
    };
    for (variables, expected) in [
        (with("DLCS_OBJECTS", "s3://none/p"), "no such bucket"),
        (with("DLCS_OBJECTS_SECRET_KEY", "hunter2"), "`--objects-secret-key`"),
        (with("DLCS_OBJECTS_ACCESS_KEY", "nobody"), "`--objects-access-key`"),
        (with("DLCS_OBJECTS_ENDPOINT", "http://127.0.0.1:1"), "127.0.0.1:1"),
        (with("DLCS_OBJECTS_ENDPOINT", "http://192.0.2.1"), "--objects-allow-http"),
    ] {
        let data = tempfile::tempdir().expect("a folder");
        let Err(said) = Server::try_start(data.path(), variables.clone(), &[], &[]) else {
            panic!("{expected}: it started");
        };
        let said = said.join("\n");
        assert!(said.contains(expected), "{expected}: {said}");
        let mut doctor = dlcs();
        doctor.arg("doctor").env("DLCS_DATA", data.path()).envs(variables);
        let report = doctor.output().expect("the program runs");
        assert!(!report.status.success(), "{expected}: {report:?}");
        for text in [said, format!("{report:?}")] {
            assert!(!text.contains("hunter2") && !text.contains(SECRET_KEY), "{text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_holds_the_bucket_and_is_restored_into_a_folder_or_a_bucket() {
    if !stores::are_embedded() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let store = TestStore::start();
    let variables = bucket_variables(store.endpoint().as_str(), "first");
    let server = start(&folder.path().join("data"), &variables);
    let Some(scan) = book(&server).await else { return };
    let file = folder.path().join("backup.tar");
    let file = file.to_str().expect("UTF-8");
    let made = server.command(&["backup", file]);
    assert!(made.status.success(), "{made:?}");
    let to_bucket = bucket_variables(store.endpoint().as_str(), "restored");
    for (name, variables) in [("in-folder", Variables::new()), ("in-bucket", to_bucket)] {
        let restored = folder.path().join(name);
        let mut command = dlcs();
        command.args(["restore", file, "--data"]).arg(&restored).envs(variables.iter().cloned());
        let output = command.output().expect("the program runs");
        assert!(output.status.success(), "{name}: {output:?}");
        assert_eq!(restored.join("objects").exists(), variables.is_empty(), "{name}");
        let server = start(&restored, &variables);
        server.projected().await;
        look(&server, &scan).await;
    }
}
