//! Canvases and ranges of stored manifests, edited one by one.

use crate::support::fixtures::png;
use crate::support::server::{Managed, Persona, Server};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

const CANVASES: &str = "/1/manifests/b1/canvases";

async fn edit(server: &Server, method: Method, path: &str, body: Option<&Value>) -> Managed {
    server.manage(method, path, body, None).await
}

/// A server with four images, and a manifest of the first two of them.
async fn with_painted() -> Server {
    let server = Server::start();
    server.space(1).await;
    for (number, id) in ["p1", "p2", "p3", "p4"].into_iter().enumerate() {
        server.upload(id, png(64, 48 + u32::try_from(number).expect("few"))).await;
    }
    let body = json!({"type": "Manifest", "label": {"en": ["A book"]}, "slug": "book",
        "paintedResources": [painted("p1"), painted("p2")]});
    let made = edit(&server, Method::PUT, "/1/manifests/b1", Some(&body)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    server
}

/// A server with a manifest whose canvases are the client's own: `a` and `b`.
async fn with_own() -> Server {
    let server = Server::start();
    let body = json!({"type": "Manifest", "label": {"en": ["A book"]}, "slug": "book",
        "items": [own("a", 1), own("b", 1)]});
    let made = edit(&server, Method::PUT, "/1/manifests/b1", Some(&body)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    server
}

fn painted(id: &str) -> Value {
    json!({"asset": {"id": id, "space": 1}, "canvasPainting": {"label": {"none": [id]}}})
}

fn own(name: &str, width: u32) -> Value {
    json!({"id": id(name), "type": "Canvas", "width": width, "height": 1})
}

fn id(name: &str) -> String {
    format!("https://example.org/canvas/{name}")
}

/// Names a canvas of the client's own in an address.
fn at(name: &str) -> String {
    let id = id(name).replace(':', "%3A").replace('/', "%2F");
    format!("{CANVASES}/{id}")
}

/// Names of the canvases that everybody sees, without their address.
async fn shown(server: &Server) -> Vec<String> {
    let manifest = server.json(Persona::Anonymous, "/iiif/v3/1/book").await;
    let items = manifest["items"].as_array().expect("canvases").iter();
    let name =
        |it: &Value| it["id"].as_str().and_then(|id| id.split("/canvas").nth(1)).map(str::to_owned);
    let short =
        |name: String| name.trim_start_matches("es/1%2F").trim_start_matches('/').to_owned();
    items.map(|it| short(name(it).expect("an id"))).collect()
}

#[tokio::test]
async fn assets_are_painted_moved_and_taken_away_one_by_one() {
    let server = with_painted().await;
    let added = edit(&server, Method::POST, CANVASES, Some(&painted("p3"))).await;
    assert_eq!(
        (added.status, added.etag.as_str()),
        (StatusCode::CREATED, "\"2\""),
        "{}",
        added.body
    );
    let p3 = format!("{}{CANVASES}/1%2Fp3", server.base);
    assert_eq!((&added.location, &added.body["canvasPainting"]["canvasId"]), (&p3, &json!(p3)));
    let first = format!("{CANVASES}?before=1/p1");
    let added = edit(&server, Method::POST, &first, Some(&painted("p4"))).await;
    assert_eq!(added.status, StatusCode::CREATED, "{}", added.body);
    assert_eq!(shown(&server).await, ["p4", "p1", "p2", "p3"]);

    let before = format!("{CANVASES}/1%2Fp3?before={}{CANVASES}/1%252Fp1", server.base);
    let moved = edit(&server, Method::PATCH, &before, Some(&json!({}))).await;
    assert_eq!((moved.status, moved.etag.as_str()), (StatusCode::OK, "\"4\""), "{}", moved.body);
    assert_eq!(shown(&server).await, ["p4", "p3", "p1", "p2"]);
    let label = json!({"canvasPainting": {"label": {"en": ["Title page"], "none": null}}});
    let last = format!("{CANVASES}/1%2Fp4?before=");
    let both = edit(&server, Method::PATCH, &last, Some(&label)).await;
    assert_eq!((both.status, both.etag.as_str()), (StatusCode::OK, "\"6\""), "{}", both.body);
    let gone = edit(&server, Method::DELETE, &format!("{CANVASES}/1%2Fp1"), None).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT, "{}", gone.body);
    assert_eq!(shown(&server).await, ["p3", "p2", "p4"]);

    // What everybody sees of one canvas is what stands in the manifest.
    let manifest = server.json(Persona::Anonymous, "/iiif/v3/1/book").await;
    let mut canvas = server.json(Persona::Anonymous, &format!("{CANVASES}/1%2Fp4")).await;
    assert_eq!(canvas["label"], json!({"en": ["Title page"]}));
    canvas.as_object_mut().expect("a canvas").remove("@context").expect("it stands alone");
    assert_eq!(canvas, manifest["items"][2]);

    // GET, then PUT changes nothing; the whole may be replaced at any time.
    let read = edit(&server, Method::GET, "/1/manifests/b1", None).await;
    let written = edit(&server, Method::PUT, "/1/manifests/b1", Some(&read.body)).await;
    assert_eq!(written.status, StatusCode::OK, "{}", written.body);
    assert_eq!(written.body["items"], read.body["items"]);
    assert_eq!(shown(&server).await, ["p3", "p2", "p4"]);
}

#[tokio::test]
async fn an_asset_that_is_painted_twice_keeps_both_canvases() {
    let server = with_painted().await;
    let first = format!("{CANVASES}?before=1/p1");
    let again = edit(&server, Method::POST, &first, Some(&painted("p1"))).await;
    assert_eq!(again.status, StatusCode::CREATED, "{}", again.body);
    assert_eq!(again.location, format!("{}{CANVASES}/1%2Fp1/2", server.base));
    assert_eq!(shown(&server).await, ["p1/2", "p1", "p2"]);
    let gone = edit(&server, Method::DELETE, &format!("{CANVASES}/1%2Fp1"), None).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT, "{}", gone.body);
    assert_eq!(shown(&server).await, ["p1/2", "p2"]);
}

#[tokio::test]
async fn canvases_of_the_clients_own_are_added_replaced_and_removed() {
    let server = with_own().await;
    let added = edit(&server, Method::PUT, &at("c"), Some(&own("c", 3))).await;
    assert_eq!(added.status, StatusCode::CREATED, "{}", added.body);
    assert_eq!(added.location, format!("{}{}", server.base, at("c").replace("%3A", ":")));
    let same = edit(&server, Method::PUT, &at("c"), Some(&own("c", 3))).await;
    assert_eq!((same.status, same.etag), (StatusCode::OK, added.etag), "nothing has changed");
    let wider = json!({"type": "Canvas", "width": 9, "height": 1});
    let replaced = edit(&server, Method::PUT, &at("c"), Some(&wider)).await;
    assert_eq!((replaced.status, &replaced.body["id"]), (StatusCode::OK, &json!(id("c"))));
    let wide = edit(&server, Method::PATCH, &at("c"), Some(&json!({"width": 12}))).await;
    assert_eq!((wide.status, &wide.body), (StatusCode::OK, &own("c", 12)));
    let twice = edit(&server, Method::POST, CANVASES, Some(&own("a", 1))).await;
    assert_eq!(twice.status, StatusCode::CONFLICT, "{}", twice.body);
    let gone = edit(&server, Method::DELETE, &at("a"), None).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT, "{}", gone.body);
    assert_eq!(shown(&server).await, ["b", "c"]);
    let again = edit(&server, Method::DELETE, &at("a"), None).await;
    assert_eq!(again.status, StatusCode::NOT_FOUND, "{}", again.body);
    let refused = edit(&server, Method::POST, CANVASES, Some(&painted("p1"))).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{}", refused.body);
}

#[tokio::test]
async fn the_table_of_contents_is_edited_range_by_range() {
    let server = with_own().await;
    let range = |items: Value| json!({"type": "Range", "label": {"en": ["One"]}, "items": items});
    let to = |name: &str| json!({"id": id(name), "type": "Canvas"});
    let one = "/1/manifests/b1/ranges/one";
    let set = edit(&server, Method::PUT, one, Some(&range(json!([to("a"), to("b")])))).await;
    assert_eq!(set.status, StatusCode::CREATED, "{}", set.body);
    assert_eq!(
        (&set.location, &set.body["id"]),
        (&format!("{}{one}", server.base), &json!(set.location))
    );
    let again = edit(&server, Method::PUT, one, Some(&range(json!([to("b")])))).await;
    assert_eq!((again.status, again.etag.as_str()), (StatusCode::OK, "\"3\""), "{}", again.body);
    let manifest = server.json(Persona::Anonymous, "/iiif/v3/1/book").await;
    assert_eq!(manifest["structures"], json!([again.body]));
    let older = server.json(Persona::Anonymous, "/iiif/v2/1/book").await;
    assert_eq!(older["structures"][0]["canvases"], json!([id("b")]));
    let mut alone = server.json(Persona::Anonymous, one).await;
    alone.as_object_mut().expect("a range").remove("@context").expect("it stands alone");
    assert_eq!(alone, again.body);

    let nowhere = edit(&server, Method::PUT, one, Some(&range(json!([to("x")])))).await;
    assert_eq!(
        (nowhere.status, &nowhere.body["type"].as_str().unwrap_or_default().ends_with("rejected")),
        (StatusCode::BAD_REQUEST, &true),
        "{}",
        nowhere.body
    );
    let danger = json!({"type": "Range", "items": [], "homepage": [{"id": "javascript:alert(1)"}]});
    let danger = edit(&server, Method::PUT, one, Some(&danger)).await;
    assert_eq!(danger.status, StatusCode::BAD_REQUEST, "{}", danger.body);
    // The canvas goes, and with it what leads there.
    assert_eq!(edit(&server, Method::DELETE, &at("b"), None).await.status, StatusCode::NO_CONTENT);
    let manifest = server.json(Persona::Anonymous, "/iiif/v3/1/book").await;
    assert_eq!(manifest.get("structures"), None);
    assert_eq!(edit(&server, Method::DELETE, one, None).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn editors_of_different_canvases_do_not_get_in_one_anothers_way() {
    let server = with_own().await;
    let mut editors = tokio::task::JoinSet::new();
    for number in 0..12 {
        let name = format!("n{number}");
        let request = server.request(Persona::Admin, Method::PUT, &at(&name));
        let request = request.header("X-IIIF-CS-Show-Extras", "All").json(&own(&name, 7));
        editors.spawn(async move { request.send().await.expect("the server answers").status() });
    }
    while let Some(status) = editors.join_next().await {
        let status = status.expect("no editor panics");
        assert_eq!(status, StatusCode::CREATED);
    }
    assert_eq!(shown(&server).await.len(), 14);
    let stale = server.manage(Method::DELETE, &at("a"), None, Some("\"1\"")).await;
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED, "{}", stale.body);
}

#[tokio::test]
async fn many_edits_are_kept_in_one_document_and_survive_a_replay() {
    let server = with_own().await;
    for number in 0..70 {
        let name = format!("n{number}");
        let added = edit(&server, Method::POST, CANVASES, Some(&own(&name, 7))).await;
        assert_eq!(added.status, StatusCode::CREATED, "{}", added.body);
    }
    let events = printed(&server, &["events", "--stream", "manifest-1/b1", "--json"]);
    let events: Vec<Value> =
        events.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let count = |name: &str| events.iter().filter(|event| event["type"] == name).count();
    assert_eq!((count("manifest.canvas_added"), count("manifest.consolidated")), (70, 2));
    assert_eq!(shown(&server).await.len(), 72);
    let read = edit(&server, Method::GET, "/1/manifests/b1", None).await;
    assert_eq!(read.etag, "\"71\"", "keeping the document anew is no edit");
    server.projected().await;
    let replayed = printed(&server, &["replay"]);
    assert_eq!(replayed.trim().lines().last(), Some("equal"), "{replayed}");
}

fn printed(server: &Server, args: &[&str]) -> String {
    let output = server.command(args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

#[tokio::test]
async fn graphql_paints_moves_and_removes_canvases_and_sets_ranges() {
    let server = with_painted().await;
    let base = server.base.clone();
    let canvas = |id: &str| format!("{base}{CANVASES}/1%2F{id}");
    let ask = async |mutation: String| {
        let query = format!("mutation {{ {mutation} {{ position manifest {{ manifestId }} }} }}");
        let request = server.request(Persona::Admin, Method::POST, "/graphql");
        let response = request.json(&json!({"query": query})).send().await.expect("an answer");
        response.json::<Value>().await.expect("JSON")
    };
    let (p1, p3) = (canvas("p1"), canvas("p3"));
    let painted = ask(format!(
        r#"paintAsset(id: "b1", asset: "1/1/p3", label: {{en: ["Three"]}}, before: "{p1}")"#
    ));
    assert_eq!(painted.await["data"]["paintAsset"]["manifest"]["manifestId"], "b1");
    assert_eq!(shown(&server).await, ["p3", "p1", "p2"]);
    let range = format!(
        r#"setRange(id: "b1", range: {{id: "one", label: {{en: ["One"]}}, canvases: ["{p3}", "{p1}"]}})"#
    );
    assert_eq!(ask(range).await["errors"], Value::Null);
    let moved = ask(format!(r#"moveCanvas(id: "b1", canvas: "{p3}")"#)).await;
    assert_eq!(moved["errors"], Value::Null);
    let removed = ask(format!(r#"removeCanvas(id: "b1", canvas: "{p1}")"#)).await;
    assert_eq!(removed["errors"], Value::Null);
    assert_eq!(shown(&server).await, ["p2", "p3"]);
    let manifest = server.json(Persona::Anonymous, "/iiif/v3/1/book").await;
    assert_eq!(manifest["structures"][0]["items"], json!([{"id": p3, "type": "Canvas"}]));
    let gone = ask(r#"removeRange(id: "b1", range: "one")"#.to_owned()).await;
    assert_eq!(gone["errors"], Value::Null);
    let again = ask(r#"removeRange(id: "b1", range: "one")"#.to_owned()).await;
    assert_eq!(again["errors"][0]["extensions"]["code"], "not-found", "{again}");
    let message = again["errors"][0]["message"].as_str().unwrap_or_default();
    assert!(message.contains(&format!("{base}/1/manifests/b1/ranges/one")), "{message}");
}
