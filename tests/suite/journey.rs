//! The journey of DLCS, whole: two customers, a book that is registered, recognised, shown, searched, written
//! upon and corrected; a page that is closed; and an auditor who reads what was there before.
//!
//! `make journey` prints its time and the server's peak memory.

use crate::browser;
use crate::support::fixtures;
use crate::support::server::{PATIENCE, Persona, Server};
use crate::viewers::Gallery;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const PAGES: [&str; 2] = ["page-1.tif", "page-2.tif"];
/// What the pages say, and one word of it as somebody puts it right.
const PHRASE: &str = "see if it works";
const WRONG: &str = "works";
const RIGHT: &str = "operates";

/// A server, and somebody's credentials (`None`: nobody's).
struct Client<'a> {
    server: &'a Server,
    key: Option<(String, String)>,
}

impl Client<'_> {
    async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> (StatusCode, String) {
        let mut request = self.server.request(Persona::Anonymous, method, path);
        if let Some((id, secret)) = &self.key {
            request = request.basic_auth(id, Some(secret));
        }
        if let Some(body) = body {
            let kind = if path.starts_with("/annotations/") {
                "application/ld+json; profile=\"http://www.w3.org/ns/anno.jsonld\""
            } else {
                "application/json"
            };
            request = request
                .header("content-type", kind)
                .header("x-iiif-cs-show-extras", "All")
                .body(body.to_string());
        }
        let response = request.send().await.expect("the server answers");
        let status = response.status();
        (status, response.text().await.unwrap_or_default())
    }

    /// Asks for something that is given.
    async fn get(&self, path: &str) -> Value {
        let (status, text) = self.ask(Method::GET, path, None).await;
        assert_eq!(status, StatusCode::OK, "{path}: {text}");
        serde_json::from_str(&text).unwrap_or(Value::String(text))
    }

    /// Sends something that is taken.
    async fn send(&self, method: Method, path: &str, body: Value) -> Value {
        let (status, text) = self.ask(method, path, Some(&body)).await;
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    async fn status(&self, path: &str) -> StatusCode {
        self.ask(Method::GET, path, None).await.0
    }

    async fn graphql(&self, query: &str) -> Value {
        let (_, text) = self.ask(Method::POST, "/graphql", Some(&json!({"query": query}))).await;
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}"))
    }

    /// Searches until as much is found as there should be.
    async fn finds(&self, path: &str, expected: u64) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let found = self.get(path).await;
            let count = found["items"].as_array().map_or(0, Vec::len) as u64;
            if count == expected {
                return found;
            }
            assert!(Instant::now() < deadline, "{path}: {expected} expected, {found}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Makes a customer, and a key of it.
async fn customer<'a>(server: &'a Server, name: &str) -> (u64, Client<'a>) {
    let (status, made) = server.send(Method::POST, "/customers", &json!({ "name": name })).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let number = made["id"].as_u64().expect("a number");
    let path = format!("/customers/{number}/keys");
    let (status, key) = server.send(Method::POST, &path, &json!({"label": name})).await;
    assert_eq!(status, StatusCode::CREATED, "{key}");
    let text = |field: &str| key[field].as_str().expect("a key and its secret").to_owned();
    (number, Client { server, key: Some((text("key"), text("secret"))) })
}

/// Registers the pages, and waits until they are read.
fn register(library: &Client<'_>, scan: &std::path::Path) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for page in PAGES {
        std::fs::copy(scan, folder.path().join(page)).expect("room");
    }
    let (id, secret) = library.key.as_ref().expect("the library's");
    let key = format!("{id}:{secret}");
    let pages = folder.path().to_str().expect("UTF-8");
    let args = ["register", "--json", "--key", &key, "--customer", "library", "--space", "books"];
    let more = ["--ocr", "eng", "--wait-text", pages];
    let output = library.server.command(&[&args[..], &more].concat());
    assert!(output.status.success(), "{output:?}");
}

/// Puts one word of the first page right.
async fn correct(library: &Client<'_>, page: &str) {
    let query =
        format!("{{ asset(id: \"{page}\") {{ text {{ base lines {{ words {{ text }} }} }} }} }}");
    let answer = library.graphql(&query).await;
    let text = &answer["data"]["asset"]["text"];
    let lines = text["lines"].as_array().unwrap_or_else(|| panic!("{answer}"));
    let place = lines.iter().enumerate().find_map(|(line, it)| {
        let words = it["words"].as_array()?;
        Some((line, words.iter().position(|word| word["text"] == WRONG)?))
    });
    let (line, word) = place.unwrap_or_else(|| panic!("{WRONG} is not read: {answer}"));
    let base = text["base"].as_str().expect("a base");
    let mutation = format!(
        "mutation {{ correctText(asset: \"{page}\", base: \"{base}\", \
         edits: [{{line: {line}, word: {word}, text: \"{RIGHT}\"}}]) {{ position }} }}"
    );
    let answer = library.graphql(&mutation).await;
    assert!(answer["data"]["correctText"]["position"].is_u64(), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_book_is_made_shown_searched_written_upon_closed_and_audited() {
    let Some(pages) = fixtures::folder("pages") else { return };
    let begun = Instant::now();
    let server = Server::start();
    let anybody = Client { server: &server, key: None };
    let (number, library) = customer(&server, "library").await;
    let (_, archive) = customer(&server, "archive").await;
    let space = json!({"name": "books"});
    let space = library.send(Method::POST, &format!("/customers/{number}/spaces"), space).await;
    assert_eq!(space["id"], 1, "{space}");
    register(&library, &pages.join("phototest.tif"));
    server.projected().await;

    let painted = PAGES.map(|page| json!({"asset": {"id": page, "space": 1}}));
    let book = json!({"type": "Manifest", "slug": "book", "label": {"en": ["A book"]},
        "paintedResources": painted});
    library.send(Method::PUT, &format!("/{number}/manifests/book"), book).await;
    let shown = anybody.get(&format!("/iiif/v3/{number}/book")).await;
    let canvas = |at: usize| shown["items"][at]["id"].as_str().expect("an id").to_owned();
    if browser::is_here() {
        let gallery = Gallery::of(&server);
        for viewer in ["mirador", "universalviewer", "clover"] {
            gallery.shows(viewer, &format!("/iiif/v3/{number}/book"), "pages", &PAGES);
        }
    }
    let within = format!("/search/v2/{number}/manifests/book");
    let phrase = format!("{within}?q=%22{}%22", PHRASE.replace(' ', "+"));
    let found = anybody.finds(&phrase, 2).await;
    let place = found["items"][0]["target"].as_str().unwrap_or_else(|| panic!("{found}"));
    assert!(place.contains("#xywh="), "{found}");

    let notes = format!("/annotations/w3c/{number}/");
    let container = json!({"type": ["BasicContainer", "AnnotationCollection"], "label": "Notes"});
    for name in ["notes-1/", "notes-2/"] {
        library.send(Method::PUT, &format!("{notes}{name}"), container.clone()).await;
    }
    for at in 0..2 {
        let target = format!("{}#xywh=10,10,200,80", canvas(at));
        let note = json!({"@context": "http://www.w3.org/ns/anno.jsonld", "type": "Annotation",
            "motivation": "commenting", "target": target,
            "body": {"type": "TextualBody", "value": format!("a note on page {}", at + 1)}});
        library.send(Method::POST, &format!("{notes}notes-{}/", at + 1), note).await;
    }
    let about = |at: usize| {
        format!("{notes}?target={}", canvas(at).replace('%', "%25").replace(':', "%3A"))
    };
    assert_eq!(anybody.get(&about(0)).await["items"].as_array().map(Vec::len), Some(1));

    let first = format!("{number}/1/{}", PAGES[0]);
    let position = head(&library, &first).await;
    correct(&library, &first).await;
    anybody.finds(&format!("{within}?q={RIGHT}"), 1).await;
    anybody.finds(&phrase, 1).await;

    assert_eq!(anybody.get(&about(1)).await["items"].as_array().map(Vec::len), Some(1));
    close_and_look(&anybody, &library, &archive, number, &within, &about(1)).await;
    audited(&library, &archive, &first, position).await;
    eprintln!(
        "journey: {:.1} s, the server's peak memory {} MiB",
        begun.elapsed().as_secs_f64(),
        crate::hostile::resident_kib(server.pid()) / 1024,
    );
}

/// Returns the place in the history of what is known of an asset.
async fn head(library: &Client<'_>, asset: &str) -> u64 {
    let answer = library.graphql(&format!("{{ asset(id: \"{asset}\") {{ position }} }}")).await;
    answer["data"]["asset"]["position"].as_u64().unwrap_or_else(|| panic!("{answer}"))
}

/// The second page is closed: nobody without the role sees anything of it.
async fn close_and_look(
    anybody: &Client<'_>,
    library: &Client<'_>,
    archive: &Client<'_>,
    number: u64,
    within: &str,
    notes: &str,
) {
    let page = format!("{number}/1/{}", PAGES[1]);
    let open = [
        format!("/iiif-img/v3/{page}/full/max/0/default.jpg"),
        format!("/iiif-img/v3/{page}/0,0,64,64/64,64/0/default.jpg"),
        format!("/thumbs/v3/{page}/full/max/0/default.jpg"),
        format!("/file/{page}"),
        format!("/text/plain/{page}"),
        format!("/text/alto/{page}"),
        format!("/text/lines/v3/{page}"),
    ];
    let mut was_open = Vec::new();
    for path in open {
        if anybody.status(&path).await == StatusCode::OK {
            was_open.push(path);
        }
    }
    assert!(was_open.len() >= 5, "{was_open:?}");
    let image = format!("/customers/{number}/spaces/1/images/{}", PAGES[1]);
    library.send(Method::PATCH, &image, json!({"roles": ["staff"]})).await;
    let deadline = Instant::now() + Duration::from_secs(1);
    for path in &was_open {
        for who in [anybody, archive] {
            while who.status(path).await == StatusCode::OK {
                assert!(Instant::now() < deadline, "{path} is still open after a second");
            }
        }
        assert_eq!(library.status(path).await, StatusCode::OK, "{path}");
    }
    let everywhere = format!("/search/v2/{number}?q=types");
    for path in [&format!("{within}?q=types"), &everywhere] {
        for who in [anybody, archive] {
            let found = who.finds(path, 1).await;
            assert!(!found.to_string().contains(PAGES[1]), "{found}");
        }
    }
    for who in [anybody, archive] {
        // What is said of it is closed with it, in a container that is open.
        while who.get(notes).await["items"].as_array().map_or(0, Vec::len) > 0 {
            assert!(Instant::now() < deadline, "a note is still shown after a second");
        }
        let container = who.get(&format!("/annotations/w3c/{number}/notes-2/")).await;
        assert_eq!(container["total"], 0, "{container}");
    }
    assert_eq!(library.get(notes).await["items"].as_array().map(Vec::len), Some(1));
    // The archive has nothing to do with the library.
    for path in [&image, &format!("/customers/{number}/spaces")] {
        assert_eq!(archive.status(path).await, StatusCode::NOT_FOUND, "{path}");
    }
    let query = format!("{{ asset(id: \"{page}\") {{ state }} }}");
    let answer = archive.graphql(&query).await;
    assert_eq!(answer["data"]["asset"], Value::Null, "{answer}");
}

/// An auditor lists who did what, and reads the page as it was.
async fn audited(library: &Client<'_>, archive: &Client<'_>, asset: &str, before: u64) {
    let stream = format!("transcription-{asset}");
    let query = format!(
        "{{ audit(filter: {{resource: \"{stream}\"}}, first: 50) {{ nodes {{ type actor position }} }} }}"
    );
    let answer = library.graphql(&query).await;
    let entries = answer["data"]["audit"]["nodes"].as_array().unwrap_or_else(|| panic!("{answer}"));
    let actor = format!("key-{}", library.key.as_ref().expect("the library's").0);
    let correction = entries.iter().find(|it| it["type"] == "transcription.corrected");
    let correction = correction.unwrap_or_else(|| panic!("{answer}"));
    assert_eq!(correction["actor"], actor, "{answer}");
    let corrected = correction["position"].as_u64().expect("a position");
    assert!(before < corrected, "{answer}");

    let text = async |who: &Client<'_>, moment: &str| {
        let query =
            format!("{{ asset(id: \"{asset}\"{moment}) {{ state text {{ plain corrected }} }} }}");
        who.graphql(&query).await
    };
    for (moment, word, is_corrected) in [
        (String::new(), RIGHT, true),
        (format!(", asOf: {corrected}"), RIGHT, true),
        (format!(", asOf: {}", corrected - 1), WRONG, false),
        (format!(", asOf: {before}"), WRONG, false),
    ] {
        let answer = text(library, &moment).await;
        let text = &answer["data"]["asset"]["text"];
        assert!(text["plain"].as_str().is_some_and(|it| it.contains(word)), "{moment}: {answer}");
        assert_eq!(text["corrected"], is_corrected, "{moment}: {answer}");
    }
    let answer = text(library, ", asOf: \"2020-01-01T00:00:00Z\"").await;
    assert_eq!(answer["data"], json!({"asset": null}), "it was not there: {answer}");
    let answer = text(archive, &format!(", asOf: {before}")).await;
    assert_eq!(answer["data"]["asset"], Value::Null, "{answer}");
}
