//! Pages that are read and searched while the server is killed: no page is lost, none is found twice.
//!
//! Twenty moments in every run, seeded; a hundred with `make torture`.

use crate::support::fixtures;
use crate::support::server::{KEY, PATIENCE, Persona, SECRET, Server, image_path};
use crate::support::{Random, is_long, seed};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Pages that recognition gets in each round; each takes it a second or less.
const RECOGNISED: u64 = 2;
/// Pages whose text is imported at most in each round.
const IMPORTED: u64 = 40;

/// What is known of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Page {
    /// Registered with a language.
    Recognised,
    /// Registered, and its text imported.
    Imported,
}

/// Pages of which the server has said that it has them.
type Told = Arc<Mutex<BTreeMap<String, Page>>>;

struct Scans {
    page: Vec<u8>,
    alto: Vec<u8>,
}

impl Scans {
    fn read() -> Option<Arc<Self>> {
        let pages = fixtures::folder("pages")?;
        let page = std::fs::read(pages.join("phototest.tif")).expect("readable");
        Some(Arc::new(Self { page, alto: alto().into_bytes() }))
    }
}

/// Two words on one line of the page.
fn alto() -> String {
    let word = |content: &str, left: u32| {
        format!(
            "<String CONTENT=\"{content}\" HPOS=\"{left}\" VPOS=\"40\" WIDTH=\"80\" HEIGHT=\"20\"/>"
        )
    };
    format!(
        "<alto xmlns=\"http://www.loc.gov/standards/alto/ns-v4#\"><Layout>\
         <Page WIDTH=\"640\" HEIGHT=\"480\"><PrintSpace><TextBlock><TextLine>{}<SP/>{}\
         </TextLine></TextBlock></PrintSpace></Page></Layout></alto>",
        word("imported", 40),
        word("wholesale", 140),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_pages_are_read_and_indexed_none_is_lost_and_none_is_found_twice() {
    let Some(scans) = Scans::read() else { return };
    let kills = if is_long() { 100 } else { 20 };
    let seed = seed();
    eprintln!("reading: seed {seed}, {kills} kills");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let told = Told::default();
    let mut random = Random(seed);
    for round in 0..kills {
        let mut server = Server::start_on(folder.path(), &[]);
        if round == 0 {
            server.space(1).await;
        }
        let writer =
            tokio::spawn(write(server.base.clone(), round, Arc::clone(&scans), Arc::clone(&told)));
        tokio::time::sleep(Duration::from_millis(20 + random.below(700))).await;
        server.kill();
        writer.await.expect("a writer ends when the server is gone");
    }
    let told = told.lock().expect("no panic").clone();
    judge(folder.path(), &told).await;
}

/// Uploads pages until the server is gone.
async fn write(base: String, round: u64, scans: Arc<Scans>, told: Told) {
    let http = reqwest::Client::new();
    let put = |path: &str, body: &[u8]| {
        http.put(format!("{base}{path}")).basic_auth(KEY, Some(SECRET)).body(body.to_vec())
    };
    for n in 0..RECOGNISED + IMPORTED {
        let page = if n < RECOGNISED { Page::Recognised } else { Page::Imported };
        let id = format!("r{round}-{n}");
        let fields =
            if page == Page::Recognised { "?fields=%7B%22ocr%22:%22eng%22%7D" } else { "" };
        let content = format!("{}/content{fields}", image_path(&id));
        let text = format!("/text/alto/1/1/{id}");
        if done(|| put(&content, &scans.page), &id).await.is_err()
            || page == Page::Imported && done(|| put(&text, &scans.alto), &id).await.is_err()
        {
            return;
        }
        told.lock().expect("no panic").insert(id, page);
    }
}

/// The server is gone.
struct Gone;

/// Asks until it is done; a text has to wait for its image.
async fn done(request: impl Fn() -> RequestBuilder, id: &str) -> Result<(), Gone> {
    loop {
        let answer = request().send().await.map_err(|_| Gone)?;
        match answer.status() {
            status if status.is_success() => return Ok(()),
            StatusCode::NOT_FOUND => tokio::time::sleep(Duration::from_millis(10)).await,
            status => panic!("{id}: {status}"),
        }
    }
}

/// Starts once more: every page has its text, is found as often as its words are on it, and the
/// index is what it would be if it were made anew.
async fn judge(folder: &Path, told: &BTreeMap<String, Page>) {
    let server = Server::start_on(folder, &[]);
    let of = |kind: Page| told.iter().filter(move |(_, page)| **page == kind).map(|(id, _)| id);
    let mut given_up = 0;
    for id in of(Page::Recognised) {
        given_up += text_is_there(&server, id).await;
    }
    for (id, page) in told {
        let (word, count) = match page {
            Page::Recognised => ("quick", 4),
            Page::Imported => ("wholesale", 1),
        };
        let found = found_on(&server, id, word, count).await;
        assert_eq!(found, count, "{id} ({page:?}): `{word}`");
    }
    let output = server.command(&["replay"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let (recognised, imported) = (of(Page::Recognised).count(), of(Page::Imported).count());
    assert!(recognised > 0 && imported > 0, "{recognised} recognised, {imported} imported");
    eprintln!(
        "reading: {recognised} recognised ({given_up} given up after too many deaths and asked for \
         again), {imported} imported, 0 lost, 0 doubled"
    );
}

/// Waits for the text of a page. A page whose worker died too often is given up, and says so: it is
/// asked for again then, as its owner would do. Returns how often.
async fn text_is_there(server: &Server, id: &str) -> u32 {
    let (deadline, mut asked_again) = (Instant::now() + PATIENCE, 0);
    let path = format!("{}/text", image_path(id));
    loop {
        let text: Value = server.json(Persona::Admin, &path).await;
        assert!(Instant::now() < deadline, "{id} has no text: {text}");
        match text["status"].as_str() {
            Some("ready") => return asked_again,
            Some("failed") if text["error"]["nextAttempt"].is_null() => {
                let path = format!("{}/recognition", image_path(id));
                let body = json!({ "languages": ["eng"] });
                let (status, answer) = server.send(Method::POST, &path, &body).await;
                assert!(status.is_success(), "{id}: {status} {answer}");
                asked_again += 1;
            }
            _ => {}
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Returns how often a word is found on a page; waits a while for as many as there must be.
async fn found_on(server: &Server, id: &str, word: &str, wanted: usize) -> usize {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let path = format!("/search/v2/1/assets/1/{id}?q={word}");
        let found: Value = server.json(Persona::Anonymous, &path).await;
        let count = found["items"].as_array().expect("a list").len();
        if count >= wanted || Instant::now() > deadline {
            return count;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
