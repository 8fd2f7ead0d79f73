//! Documents of ours in other people's viewers: Mirador 4, Universal Viewer 4 and Clover 3, in headless Chromium.
//!
//! What a viewer cannot do by itself is left out, and said where it is:
//!
//! - Clover shows no table of contents, and of a collection only the manifests that are in it directly.
//! - Clover takes a canvas of version 2.1 for an image, and shows nothing, where its address ends like one's (`….jpg`).
//! - Universal Viewer and Clover show the first image of a composed canvas alone; so does the light viewer.

use crate::browser;
use crate::support::fixtures;
use crate::support::server::{KEY, Managed, Persona, SECRET, Server};
use reqwest::{Client, Method, StatusCode, redirect};
use serde_json::{Value, json};

/// Pages of a book, in order.
const PAGES: [&str; 3] =
    ["kant_0020.tif", "laube_europa0202_1837_0105.jpg", "bebel_frau_1879_0146.tif"];
const CONTEXT: &str = "http://iiif.io/api/presentation/3/context.json";

/// A server on which the pages are registered; `None`: this cannot run here.
fn with_pages() -> Option<Server> {
    if !browser::is_here() {
        return None;
    }
    let folder = fixtures::folder("pages")?;
    let server = Server::start();
    let pages = PAGES.map(|page| folder.join(page).to_str().expect("UTF-8").to_owned());
    let mut args = vec!["register", "--json"];
    args.extend(pages.iter().map(String::as_str));
    let output = server.command(&args);
    assert!(output.status.success(), "{output:?}");
    Some(server)
}

async fn manage(server: &Server, method: Method, path: &str, body: Option<&Value>) -> Value {
    guarded(server, method, path, body, None).await.1
}

/// Manages something that must succeed. Returns its tag, too.
async fn guarded(
    server: &Server,
    method: Method,
    path: &str,
    body: Option<&Value>,
    if_match: Option<&str>,
) -> (String, Value) {
    let Managed { status, etag, body, .. } = server.manage(method, path, body, if_match).await;
    assert!(status.is_success(), "{path}: {status} {body}");
    (etag, body)
}

/// Asks without following a redirection.
async fn look(server: &Server, path: &str) -> (StatusCode, String) {
    let client = Client::builder().redirect(redirect::Policy::none()).build().expect("a client");
    let response = client.get(format!("{}{path}", server.base)).send().await.expect("an answer");
    let location = response.headers().get("location").and_then(|it| it.to_str().ok());
    (response.status(), location.unwrap_or_default().to_owned())
}

fn manifest(slug: &str, label: &str, pages: &[&str]) -> Value {
    let painted = pages.iter().enumerate().map(|(at, page)| {
        let painting = json!({"label": {"en": [format!("Page {}", at + 1)]}});
        json!({"asset": {"id": page, "space": 1}, "canvasPainting": painting})
    });
    json!({"type": "Manifest", "slug": slug, "label": {"en": [label]},
        "paintedResources": painted.collect::<Vec<_>>()})
}

/// Makes `/iiif/1/{slug}`, a book with a table of contents of two levels.
async fn with_contents(server: &Server, slug: &str) {
    let made = manifest(slug, "A book", &PAGES);
    manage(server, Method::PUT, &format!("/1/manifests/{slug}"), Some(&made)).await;
    let shown = server.json(Persona::Anonymous, &format!("/iiif/v3/1/{slug}")).await;
    let canvas = |at: usize| json!({"id": shown["items"][at]["id"], "type": "Canvas"});
    let range = |name: &str, label: &str, items: Value| {
        let id = format!("{}/1/manifests/{slug}/ranges/{name}", server.base);
        json!({"id": id, "type": "Range", "label": {"en": [label]}, "items": items})
    };
    let section = range("2-1", "A section", json!([canvas(2)]));
    let chapters = json!([
        range("1", "First chapter", json!([canvas(0)])),
        range("2", "Second chapter", json!([canvas(1), section])),
    ]);
    let contents = json!({"structures": [range("0", "Table of Contents", chapters)]});
    manage(server, Method::PATCH, &format!("/1/manifests/{slug}"), Some(&contents)).await;
}

/// Shows documents in viewers, and keeps what they looked like.
pub(crate) struct Gallery<'a> {
    server: &'a Server,
    folder: tempfile::TempDir,
}

impl<'a> Gallery<'a> {
    pub(crate) fn of(server: &'a Server) -> Self {
        Self { server, folder: tempfile::tempdir().expect("a temporary folder") }
    }

    /// Opens what is at a path; `things` as `open.mjs` has them.
    pub(crate) fn shows(&self, viewer: &str, path: &str, what: &str, things: &[&str]) {
        let address = format!("{}{path}", self.server.base);
        let screenshot = self.folder.path().join(format!("{viewer}-{what}.png"));
        let screenshot = screenshot.to_str().expect("UTF-8");
        let things = things.join(";");
        let args = [viewer, &self.server.base, &address, screenshot, what, &things];
        browser::run("open.mjs", &args);
    }
}

/// The journey of issue 5.
#[tokio::test]
async fn a_manifest_is_made_edited_moved_opened_and_written_upon() {
    let Some(server) = with_pages() else { return };
    with_contents(&server, "draft").await;
    let flat = "/1/manifests/draft";
    let edited = json!({"label": {"en": ["What is Enlightenment?"]}});
    manage(&server, Method::PATCH, flat, Some(&edited)).await;
    let (tag, mut read) = guarded(&server, Method::GET, flat, None, None).await;
    read["summary"] = json!({"en": ["Three pages"]});
    guarded(&server, Method::PUT, flat, Some(&read), Some(&tag)).await;
    manage(&server, Method::PATCH, flat, Some(&json!({"slug": "enlightenment"}))).await;
    for version in ["", "/v2", "/v3"] {
        let moved = format!("{}/iiif{version}/1/enlightenment", server.base);
        let seen = look(&server, &format!("/iiif{version}/1/draft")).await;
        assert_eq!(seen, (StatusCode::MOVED_PERMANENTLY, moved));
    }
    let shown = server.json(Persona::Anonymous, "/iiif/v3/1/enlightenment").await;
    assert_eq!(shown["label"], json!({"en": ["What is Enlightenment?"]}));
    assert_eq!(shown["summary"], json!({"en": ["Three pages"]}));
    assert_eq!(shown["structures"][0]["items"][1]["items"][1]["label"]["en"][0], "A section");

    let gallery = Gallery::of(&server);
    // Its former address opens it, too.
    gallery.shows("mirador", "/iiif/v3/1/draft", "pages", &PAGES);
    gallery.shows("universalviewer", "/iiif/v3/1/enlightenment", "pages", &PAGES);
    gallery.shows("clover", "/iiif/v3/1/enlightenment", "pages", &PAGES);
    for viewer in ["mirador", "universalviewer"] {
        gallery.shows(viewer, "/iiif/v3/1/enlightenment", "contents", &contents());
    }
    let address = format!("{}/iiif/v3/1/enlightenment", server.base);
    let screenshot = gallery.folder.path().join("annotations.png");
    let screenshot = screenshot.to_str().expect("UTF-8");
    let key = format!("{KEY}:{SECRET}");
    browser::run("annotations.mjs", &[&server.base, &key, &address, screenshot]);
}

/// Entries of the table of contents with the pages that they lead to, as `open.mjs` has them.
fn contents() -> [&'static str; 3] {
    ["Second chapter", "A section=bebel_frau_1879_0146.tif", "First chapter=kant_0020.tif"]
}

#[tokio::test]
async fn a_manifest_of_version_2_opens_with_its_table_of_contents() {
    let Some(server) = with_pages() else { return };
    with_contents(&server, "new").await;
    let mut old = server.json(Persona::Anonymous, "/iiif/v2/1/new").await;
    assert_eq!(old["structures"][0]["viewingHint"], "top", "{old}");
    old["slug"] = json!("old");
    manage(&server, Method::PUT, "/1/manifests/old", Some(&old)).await;
    let gallery = Gallery::of(&server);
    for path in ["/iiif/v2/1/new", "/iiif/v2/1/old", "/iiif/v3/1/old"] {
        for viewer in ["mirador", "universalviewer"] {
            gallery.shows(viewer, path, "pages", &PAGES);
            gallery.shows(viewer, path, "contents", &contents());
        }
    }
}

#[tokio::test]
async fn a_work_in_volumes_opens_volume_by_volume() {
    let Some(server) = with_pages() else { return };
    let folder = |slug: &str, parent: &str, label: &str, behavior: &[&str]| {
        let mut all = vec!["storage-collection", "public-iiif"];
        all.extend(behavior);
        json!({"type": "Collection", "slug": slug, "parent": parent, "label": {"en": [label]},
            "behavior": all})
    };
    let works = folder("works", "root", "Collected works", &[]);
    manage(&server, Method::PUT, "/1/collections/works", Some(&works)).await;
    let kant = folder("kant", "works", "Kant", &["multi-part"]);
    manage(&server, Method::PUT, "/1/collections/kant", Some(&kant)).await;
    for (number, pages) in [(1, &PAGES[..2]), (2, &PAGES[2..])] {
        let mut volume = manifest(&format!("volume-{number}"), &format!("Volume {number}"), pages);
        volume["parent"] = json!("kant");
        let path = format!("/1/manifests/volume-{number}");
        manage(&server, Method::PUT, &path, Some(&volume)).await;
    }
    let volumes = ["Volume 1=kant_0020.tif", "Volume 2=bebel_frau_1879_0146.tif"];
    let gallery = Gallery::of(&server);
    for viewer in ["mirador", "openseadragon", "universalviewer", "clover"] {
        gallery.shows(viewer, "/iiif/1/works/kant", "members", &volumes);
    }
    gallery.shows("mirador", "/iiif/1/works", "members", &["Kant", volumes[0], volumes[1]]);
    // It shows both levels at once.
    gallery.shows("universalviewer", "/iiif/1/works", "members", &volumes);
    for viewer in ["mirador", "universalviewer"] {
        gallery.shows(viewer, "/iiif/v2/1/works/kant", "members", &volumes);
    }
}

/// Stores `/iiif/1/{slug}`, a manifest of one canvas that a client drew.
async fn with_canvas(server: &Server, slug: &str, size: [u64; 2], paintings: &[Value]) {
    let canvas = canvas_id(server, slug);
    let paint = |(at, painting): (usize, &Value)| {
        let mut painting = painting.clone();
        painting["id"] = json!(format!("{canvas}/painting/{at}"));
        painting["type"] = json!("Annotation");
        painting["motivation"] = json!("painting");
        painting
    };
    let painted: Vec<Value> = paintings.iter().enumerate().map(paint).collect();
    let page = json!({"id": format!("{canvas}/painting"), "type": "AnnotationPage",
        "items": painted});
    let [width, height] = size;
    let canvas = json!({"id": canvas, "type": "Canvas", "label": {"en": ["A canvas"]},
        "width": width, "height": height, "items": [page]});
    let body = json!({"@context": CONTEXT, "type": "Manifest", "slug": slug,
        "label": {"en": [slug]}, "items": [canvas]});
    manage(server, Method::PUT, &format!("/1/manifests/{slug}"), Some(&body)).await;
}

fn canvas_id(server: &Server, slug: &str) -> String {
    format!("{}/1/manifests/{slug}/canvases/1", server.base)
}

/// The image of a page as our own manifests paint it, and the size of its canvas.
async fn image_of(server: &Server, page: &str) -> (Value, [u64; 2]) {
    let manifest = server.json(Persona::Anonymous, &format!("/iiif-manifest/v3/1/1/{page}")).await;
    let canvas = &manifest["items"][0];
    let side = |name: &str| canvas[name].as_u64().expect("a number");
    let body = canvas["items"][0]["items"][0]["body"].clone();
    (body, [side("width"), side("height")])
}

#[tokio::test]
async fn a_canvas_with_a_choice_shows_what_is_chosen() {
    let Some(server) = with_pages() else { return };
    let mut options = Vec::new();
    for (page, label) in [(PAGES[0], "As printed"), (PAGES[1], "As drawn")] {
        let (mut image, _) = image_of(&server, page).await;
        image["label"] = json!({"en": [label]});
        options.push(image);
    }
    let (_, size) = image_of(&server, PAGES[0]).await;
    let choice = json!({"body": {"type": "Choice", "items": options},
        "target": canvas_id(&server, "choice")});
    with_canvas(&server, "choice", size, &[choice]).await;
    let options = ["As printed=kant_0020.tif", "As drawn=laube_europa0202_1837_0105.jpg"];
    let gallery = Gallery::of(&server);
    for viewer in ["mirador", "universalviewer", "clover"] {
        gallery.shows(viewer, "/iiif/v3/1/choice", "choice", &options);
    }
    gallery.shows("mirador", "/iiif/v2/1/choice", "choice", &options);
}

#[tokio::test]
async fn two_images_lie_side_by_side_on_a_composed_canvas() {
    let Some(server) = with_pages() else { return };
    let canvas = canvas_id(&server, "composed");
    let (mut left, mut paintings, mut boxes) = (0, Vec::new(), Vec::new());
    for page in &PAGES[..2] {
        let (image, [width, height]) = image_of(&server, page).await;
        let place = format!("{left},0,{},1000", width * 1000 / height);
        left += width * 1000 / height + 100;
        paintings.push(json!({"body": image, "target": format!("{canvas}#xywh={place}")}));
        boxes.push(format!("{place}={page}"));
    }
    with_canvas(&server, "composed", [left - 100, 1000], &paintings).await;
    let boxes: Vec<&str> = boxes.iter().map(String::as_str).collect();
    let gallery = Gallery::of(&server);
    gallery.shows("mirador", "/iiif/v3/1/composed", "composed", &boxes);
    gallery.shows("mirador", "/iiif/v2/1/composed", "composed", &boxes);
    // The other two show the first one alone.
    for viewer in ["universalviewer", "clover"] {
        gallery.shows(viewer, "/iiif/v3/1/composed", "pages", &PAGES[..1]);
    }
}
