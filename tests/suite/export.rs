//! PDF and zip as others open them: poppler, qpdf, unzip.

use crate::support::fixtures;
use crate::support::server::{PATIENCE, Persona, Server, image_path};
use reqwest::header::HeaderMap;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const BOOK: &str = "/pdf/1/manifests/book";

/// A downloaded file.
struct Got {
    status: StatusCode,
    headers: HeaderMap,
    bytes: Vec<u8>,
}

impl Got {
    async fn of(response: Response) -> Self {
        let (status, headers) = (response.status(), response.headers().clone());
        Self { status, headers, bytes: response.bytes().await.expect("a body").to_vec() }
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|it| it.to_str().expect("ASCII")).unwrap_or_default()
    }

    fn code(&self) -> Value {
        let problem: Value = serde_json::from_slice(&self.bytes).expect("a problem");
        problem["code"].clone()
    }
}

async fn get(server: &Server, who: Persona, path: &str) -> Got {
    Got::of(server.get(who, path).await).await
}

/// Writes a file of which programs can be asked.
fn kept(bytes: &[u8], name: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).expect("it is written");
    (folder, path)
}

/// Returns what a program prints; `None`, loudly, where it is missing. In CI it has to be there.
fn ask(program: &str, args: &[&str], file: &Path, last: &[&str]) -> Option<String> {
    let Ok(output) = Command::new(program).args(args).arg(file).args(last).output() else {
        assert!(std::env::var_os("CI").is_none(), "{program} is missing");
        eprintln!("SKIPPED: {program} is missing");
        return None;
    };
    assert!(output.status.success(), "{program} {args:?}: {output:?}");
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn painted(ids: &[&str]) -> Vec<Value> {
    let painting = |(number, id): (usize, &&str)| {
        let label = json!({"none": [format!("S. {}", number + 1)]});
        json!({"asset": {"id": id, "space": 1}, "canvasPainting": {"label": label}})
    };
    ids.iter().enumerate().map(painting).collect()
}

async fn store(server: &Server, id: &str, body: &Value) -> StatusCode {
    let request = server.request(Persona::Admin, Method::PUT, &format!("/1/manifests/{id}"));
    let request = request.header("X-IIIF-CS-Show-Extras", "All").json(body);
    request.send().await.expect("an answer").status()
}

/// A page of 1784 with its text, a page without, and the manifest `book` of both.
async fn with_book() -> Option<Server> {
    let pages = fixtures::folder("pages")?;
    let server = Server::start();
    server.space(1).await;
    for page in ["kant_0020.tif", "phototest.tif"] {
        let bytes = std::fs::read(pages.join(page)).expect("readable");
        let image = server.upload(page, bytes).await;
        assert_eq!(image["error"], Value::Null, "{image}");
    }
    let alto = std::fs::read(pages.join("kant_0020.alto.xml")).expect("readable");
    let path = "/text/alto/1/1/kant_0020.tif";
    let request = server.request(Persona::Admin, Method::PUT, path).body(alto);
    assert_eq!(request.send().await.expect("an answer").status(), StatusCode::CREATED);
    let canvas = format!("{}/1/manifests/book/canvases/1%2Fphototest.tif", server.base);
    let range = json!({"id": "https://example.org/r", "type": "Range", "label": {"de": ["Anhang"]},
        "items": [{"id": canvas, "type": "Canvas"}]});
    let body = json!({"type": "Manifest", "label": {"de": ["Was ist Aufklärung?"]}, "slug": "kant",
        "structures": [range], "paintedResources": painted(&["kant_0020.tif", "phototest.tif"])});
    assert_eq!(store(&server, "book", &body).await, StatusCode::CREATED);
    Some(server)
}

#[tokio::test]
async fn the_words_of_a_pdf_are_found_in_order_and_where_they_stand() {
    let Some(server) = with_book().await else { return };
    let pdf = get(&server, Persona::Anonymous, BOOK).await;
    assert_eq!(pdf.status, StatusCode::OK, "{}", String::from_utf8_lossy(&pdf.bytes));
    assert_eq!(pdf.header("content-type"), "application/pdf");
    assert_eq!(pdf.header("content-disposition"), "inline; filename*=UTF-8''kant.pdf");
    assert_eq!(pdf.header("cache-control"), "public, max-age=0, must-revalidate");
    let (_folder, file) = kept(&pdf.bytes, "book.pdf");
    let Some(text) = ask("pdftotext", &["-raw"], &file, &["-"]) else { return };
    let plain = server.get(Persona::Anonymous, "/text/plain/1/1/kant_0020.tif").await;
    let plain = plain.text().await.expect("a body");
    // Poppler sets no blank where boxes touch; the words themselves are looked at below.
    let lines = |text: &str| text.lines().map(squeezed).filter(|it| !it.is_empty()).collect();
    let (found, expected): (Vec<String>, Vec<String>) = (lines(&text), lines(&plain));
    assert_eq!(found, expected);
    let boxes = ask("pdftotext", &["-bbox"], &file, &["-"]).expect("it was there");
    let layout = server.request(Persona::Anonymous, Method::GET, "/text/page/1/1/kant_0020.tif");
    let layout = layout.header("accept", "application/json").send().await.expect("an answer");
    check_boxes(&boxes, &layout.json().await.expect("JSON"));
    let facts = ask("pdfinfo", &[], &file, &[]).expect("it was there");
    assert!(
        facts.contains("Was ist Aufklärung?") && facts.contains("Pages:           2"),
        "{facts}"
    );
    let Some(sound) = ask("qpdf", &["--check"], &file, &[]) else { return };
    assert!(sound.contains("No syntax or stream encoding errors found"), "{sound}");
    let outline = ask("qpdf", &["--json=2", "--json-key=outlines"], &file, &[]).expect("there");
    assert!(outline.contains("Anhang") && outline.contains("\"destpageposfrom1\": 2"), "{outline}");
}

/// Returns a line without blanks and page breaks.
fn squeezed(line: &str) -> String {
    line.split_whitespace().collect()
}

/// Looks for every word of a layout that stands once on the page: its box lies on that of the PDF.
fn check_boxes(found: &str, layout: &Value) {
    let lines = layout["blocks"].as_array().expect("blocks").iter();
    let lines = lines.flat_map(|block| block["lines"].as_array().expect("lines"));
    let words: Vec<&Value> =
        lines.flat_map(|line| line["words"].as_array().expect("words")).collect();
    let mut checked = 0;
    for word in &words {
        let text = word["text"].as_str().expect("a text");
        let is_plain = text.chars().all(char::is_alphanumeric);
        if !is_plain || words.iter().filter(|it| it["text"] == text).count() > 1 {
            continue;
        }
        let needle = format!(">{text}</word>");
        let line = found.lines().find(|it| it.contains(&needle));
        let line = line.unwrap_or_else(|| panic!("{text} is not found: {found}"));
        let side = |name: &str| -> f64 {
            let at = line.find(name).expect("a side") + name.len() + 2;
            line[at..].split('"').next().and_then(|it| it.parse().ok()).expect("a number")
        };
        // A pixel is 0.24 points.
        let pixels = |name: &str| word["box"][name].as_f64().expect("a number") * 0.24;
        let (x, y, w, h) = (pixels("x"), pixels("y"), pixels("w"), pixels("h"));
        assert!(
            (side("xMin") - x).abs() < 1.0 && (side("xMax") - x - w).abs() < 1.0,
            "{text}: {line}"
        );
        let middle = y + h / 2.0;
        assert!(side("yMin") < middle && side("yMax") > middle, "{text}: {line}");
        checked += 1;
    }
    assert!(checked > 50, "{checked} words");
}

/// Pages of PDFs that this server has made.
async fn pages_made(server: &Server) -> u64 {
    let metrics = server.get(Persona::Admin, "/metrics").await.text().await.expect("text");
    let line = metrics.lines().find(|it| it.starts_with("dlcs_export_pages_total{kind=\"pdf\"}"));
    line.and_then(|it| it.rsplit(' ').next()?.parse().ok()).unwrap_or(0)
}

#[tokio::test]
async fn what_a_client_has_is_not_made_again() {
    let Some(server) = with_book().await else { return };
    let first = get(&server, Persona::Anonymous, BOOK).await;
    let again = get(&server, Persona::Anonymous, BOOK).await;
    assert!(first.bytes == again.bytes, "the same question, the same bytes");
    assert_eq!(pages_made(&server).await, 4);
    let etag = first.header("etag").to_owned();
    let request = server.request(Persona::Anonymous, Method::GET, BOOK);
    let known = request.header("if-none-match", &etag).send().await.expect("an answer");
    assert_eq!(known.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(known.headers()["etag"], *etag);
    let head = server.request(Persona::Anonymous, Method::HEAD, BOOK).send().await.expect("one");
    let head = Got::of(head).await;
    assert_eq!((head.status, head.header("etag")), (StatusCode::OK, &*etag));
    assert_eq!(head.header("content-length"), "", "it is not known");
    assert_eq!(head.header("last-modified"), first.header("last-modified"));
    assert!(!head.header("last-modified").is_empty());
    assert_eq!(pages_made(&server).await, 4, "no picture was touched for these");
    let edit = json!({"edits": [{"line": 0, "word": 0, "text": "Xylophon"}]});
    let path = "/text/page/1/1/kant_0020.tif";
    assert_eq!(server.send(Method::PATCH, path, &edit).await.0, StatusCode::OK);
    let corrected = get(&server, Persona::Anonymous, BOOK).await;
    assert_ne!(corrected.header("etag"), etag);
    let (_folder, file) = kept(&corrected.bytes, "book.pdf");
    let Some(text) = ask("pdftotext", &["-raw"], &file, &["-"]) else { return };
    assert!(text.starts_with("Xylophon"), "{text}");
}

#[tokio::test]
async fn a_closed_page_is_a_notice_in_a_pdf_and_missing_in_a_zip() {
    let Some(server) = with_book().await else { return };
    let close = |roles: Value| json!({"roles": roles, "string1": "kant"});
    for (id, roles) in [("kant_0020.tif", json!(["staff"])), ("phototest.tif", json!([]))] {
        let (status, answer) = server.send(Method::PATCH, &image_path(id), &close(roles)).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
    }
    let template = "s1=p1&objectname={s1} ganz.pdf&redactedmessage=Gesperrt bis 2030";
    let query = json!({"template": template});
    let path = "/customers/1/namedQueries/all";
    assert_eq!(server.send(Method::PUT, path, &query).await.0, StatusCode::CREATED);
    for path in ["/pdf/1/all/kant", BOOK] {
        let pdf = get(&server, Persona::Anonymous, path).await;
        assert_eq!(pdf.header("cache-control"), "private, no-store", "{path}");
        let (_folder, file) = kept(&pdf.bytes, "book.pdf");
        let Some(text) = ask("pdftotext", &[], &file, &["-"]) else { return };
        let said = if path == BOOK { "This page is not public." } else { "Gesperrt bis 2030" };
        assert!(text.contains(said) && !text.contains("gewiegelt"), "{path}: {text}");
        let facts = ask("pdfinfo", &[], &file, &[]).expect("it was there");
        assert!(facts.contains("Pages:           2"), "{facts}");
        let whole = get(&server, Persona::Admin, path).await;
        assert_eq!(whole.header("cache-control"), "private, no-store", "{path}");
        assert_ne!(whole.header("etag"), pdf.header("etag"));
        let (_folder, file) = kept(&whole.bytes, "book.pdf");
        let text = ask("pdftotext", &[], &file, &["-"]).expect("it was there");
        assert!(text.contains("gewiegelt") && !text.contains(said), "{path}: {text}");
    }
    let zip = get(&server, Persona::Anonymous, "/zip/1/all/kant").await;
    let name = "attachment; filename*=UTF-8''kant%20ganz.zip";
    assert_eq!((zip.status, zip.header("content-disposition")), (StatusCode::OK, name));
    let (_folder, file) = kept(&zip.bytes, "book.zip");
    let Some(list) = ask("unzip", &["-Z1"], &file, &[]) else { return };
    assert_eq!(list, "0001_phototest.jpg\n");
    let close = close(json!(["staff"]));
    server.send(Method::PATCH, &image_path("phototest.tif"), &close).await;
    for path in ["/pdf/1/all/kant", "/zip/1/all/kant", BOOK] {
        let closed = get(&server, Persona::Anonymous, path).await;
        assert_eq!(closed.status, StatusCode::UNAUTHORIZED, "{path}: all of it is closed");
    }
}

#[tokio::test]
async fn a_zip_holds_the_pictures_of_the_pages() {
    let Some(server) = with_book().await else { return };
    let zip = get(&server, Persona::Anonymous, "/zip/1/manifests/book").await;
    assert_eq!((zip.status, zip.header("content-type")), (StatusCode::OK, "application/zip"));
    let (_folder, file) = kept(&zip.bytes, "book.zip");
    let Some(tested) = ask("unzip", &["-t"], &file, &[]) else { return };
    assert!(tested.contains("No errors detected"), "{tested}");
    let list = ask("unzip", &["-Z1"], &file, &[]).expect("it was there");
    assert_eq!(list, "0001_kant_0020.jpg\n0002_phototest.jpg\n");
    let python = "import sys, zipfile\n\
        sys.stdout.buffer.write(zipfile.ZipFile(sys.argv[1]).read('0002_phototest.jpg'))";
    let unpacked =
        Command::new("python3").args(["-c", python]).arg(&file).output().expect("it runs");
    assert!(unpacked.status.success(), "{unpacked:?}");
    let path = "/iiif-img/v3/1/1/phototest.tif/full/max/0/default.jpg";
    let picture = get(&server, Persona::Anonymous, path).await;
    assert!(unpacked.stdout == picture.bytes, "it is the picture that the image service gives");
}

#[tokio::test]
async fn manifests_lead_to_their_pdf_and_zip() {
    let Some(server) = with_book().await else { return };
    let query = json!({"template": "space=p1"});
    let path = "/customers/1/namedQueries/of";
    assert_eq!(server.send(Method::PUT, path, &query).await.0, StatusCode::CREATED);
    for path in ["/iiif/v3/1/kant", "/iiif-resource/v3/1/of/1"] {
        let manifest = server.json(Persona::Anonymous, path).await;
        for (label, media_type) in [("PDF", "application/pdf"), ("Images (zip)", "application/zip")]
        {
            let renderings = manifest["rendering"].as_array().expect("renderings");
            let one = renderings.iter().find(|it| it["format"] == media_type);
            let one = one.unwrap_or_else(|| panic!("{path}: {manifest}"));
            assert_eq!(one["label"]["en"][0], label);
            let address = one["id"].as_str().expect("an address");
            let file = get(&server, Persona::Anonymous, address).await;
            assert_eq!((file.status, file.header("content-type")), (StatusCode::OK, media_type));
        }
    }
    let old = server.json(Persona::Anonymous, "/iiif/v2/1/kant").await;
    assert!(old["rendering"].to_string().contains(BOOK), "{old}");
    let hidden = json!({"template": "space=p1"});
    let path = "/customers/1/namedQueries/manifests";
    let (status, problem) = server.send(Method::PUT, path, &hidden).await;
    let expected = (StatusCode::BAD_REQUEST, &json!("name-reserved"));
    assert_eq!((status, &problem["code"]), expected);
    let query = "{ manifest(slug: \"kant\") { pdf zip } namedQueries { nodes { pdf zip } } }";
    let (_, answer) = server.send(Method::POST, "/graphql", &json!({"query": query})).await;
    assert_eq!(answer["data"]["manifest"]["pdf"], format!("{}{BOOK}", server.base), "{answer}");
    let of = &answer["data"]["namedQueries"]["nodes"][0];
    assert_eq!(of["zip"], format!("{}/zip/1/of", server.base), "{answer}");
}

#[tokio::test]
async fn what_cannot_be_made_says_why() {
    let Some(server) = with_book().await else { return };
    let many = painted(&["phototest.tif"; 2001]);
    let many = json!({"type": "Manifest", "label": {"en": ["Many"]}, "paintedResources": many});
    assert_eq!(store(&server, "many", &many).await, StatusCode::CREATED);
    let own = json!({"type": "Manifest", "label": {"en": ["Own"]}, "items": []});
    assert_eq!(store(&server, "own", &own).await, StatusCode::CREATED);
    for (id, status, code) in [
        ("many", StatusCode::FORBIDDEN, "too-many-pages"),
        ("own", StatusCode::NOT_FOUND, "no-pages"),
        ("none", StatusCode::NOT_FOUND, "not-found"),
    ] {
        for kind in ["pdf", "zip"] {
            let path = format!("/{kind}/1/manifests/{id}");
            let got = get(&server, Persona::Anonymous, &path).await;
            assert_eq!((got.status, got.code()), (status, json!(code)), "{path}");
        }
    }
    for path in ["/pdf/1/nobody/x", "/zip/nobody/x", "/pdf/1/manifests", "/pdf/1/manifests/book/x"]
    {
        let got = get(&server, Persona::Anonymous, path).await;
        assert_eq!(got.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn a_book_with_images_on_their_way_is_asked_for_again() {
    // Nobody ingests here.
    let server = Server::start_with(&["--roles", "api,project", "--origin-allow", "127.0.0.1"]);
    server.space(1).await;
    let image = json!({"origin": "http://127.0.0.1:9/a.tif"});
    assert_eq!(server.send(Method::PUT, &image_path("a"), &image).await.0, StatusCode::CREATED);
    let query = json!({"template": "space=p1"});
    let path = "/customers/1/namedQueries/of";
    assert_eq!(server.send(Method::PUT, path, &query).await.0, StatusCode::CREATED);
    let body =
        json!({"type": "Manifest", "label": {"en": ["A"]}, "paintedResources": painted(&["a"])});
    assert_eq!(store(&server, "a", &body).await, StatusCode::CREATED);
    for path in ["/pdf/1/of/1", "/zip/1/of/1", "/pdf/1/manifests/a"] {
        let got = get(&server, Persona::Anonymous, path).await;
        let expected = (StatusCode::SERVICE_UNAVAILABLE, json!("not-ready"));
        assert_eq!((got.status, got.code()), expected, "{path}");
        assert_eq!(got.header("retry-after"), "5");
    }
}

#[tokio::test]
async fn the_work_stops_when_the_client_goes() {
    let Some(server) = with_book().await else { return };
    let many = painted(&["kant_0020.tif"; 1500]);
    let many = json!({"type": "Manifest", "label": {"en": ["Many"]}, "paintedResources": many});
    assert_eq!(store(&server, "many", &many).await, StatusCode::CREATED);
    let mut response = server.get(Persona::Anonymous, "/pdf/1/manifests/many").await;
    assert_eq!(response.status(), StatusCode::OK);
    assert!(response.chunk().await.expect("a piece").is_some());
    drop(response);
    let deadline = Instant::now() + PATIENCE;
    let mut before = 0;
    loop {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let made = pages_made(&server).await;
        if made == before {
            break;
        }
        assert!(Instant::now() < deadline, "it goes on: {made}");
        before = made;
    }
    assert!(before < 1500, "{before} pages were made for nobody");
}
