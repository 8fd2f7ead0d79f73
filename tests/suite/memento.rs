//! Memento (RFC 7089): the past of resources by time, as any client of the standard asks for it.

use crate::support::fixtures::png;
use crate::support::server::{KEY, Persona, SECRET, Server, image_path};
use crate::support::workspace_root;
use reqwest::{Client, Method, Response, StatusCode, redirect};
use serde_json::{Value, json};
use std::process::Command;
use std::time::Duration;

const MANIFEST: &str = "/history/1/manifests/book";
const IMAGE: &str = "/history/1/spaces/1/images/page.png";
const TEXT: &str = "/history/1/spaces/1/texts/page.png";
const NOTE: &str = "/history/1/annotations/notes/one";

/// A link of RFC 8288: its address, and its parameters in order.
type Link = (String, Vec<(String, String)>);

/// Reads links as RFC 8288, appendix B.2, says; written apart from what is tested.
fn links(text: &str) -> Vec<Link> {
    let (mut rest, mut links) = (text.trim(), Vec::new());
    while let Some(begun) = rest.strip_prefix('<') {
        let (address, mut tail) = begun.split_once('>').expect("an address ends");
        let mut parameters = Vec::new();
        while let Some(parameter) = tail.trim_start().strip_prefix(';') {
            let (name, value) = parameter.split_once("=\"").expect("a parameter");
            let (value, after) = value.split_once('"').expect("a quoted value");
            parameters.push((name.trim().to_owned(), value.to_owned()));
            tail = after;
        }
        links.push((address.to_owned(), parameters));
        rest = tail.trim_start().strip_prefix(',').unwrap_or_default().trim_start();
    }
    assert!(rest.is_empty(), "{rest}");
    links
}

fn with_relation<'l>(links: &'l [Link], relation: &str) -> Vec<&'l Link> {
    let has = |(_, parameters): &&Link| {
        let relations = parameters.iter().find(|(name, _)| name == "rel");
        relations.is_some_and(|(_, it)| it.split(' ').any(|it| it == relation))
    };
    links.iter().filter(has).collect()
}

fn parameter<'l>(link: &'l Link, name: &str) -> &'l str {
    let found = link.1.iter().find(|(known, _)| known == name);
    found.map_or("", |(_, value)| value)
}

fn header<'r>(response: &'r Response, name: &str) -> &'r str {
    response.headers().get(name).map_or("", |it| it.to_str().expect("ASCII"))
}

/// Asks without following, at a time.
async fn gate(server: &Server, path: &str, at: Option<&str>) -> Response {
    let client = Client::builder().redirect(redirect::Policy::none()).build().expect("a client");
    let request = client.get(format!("{}{path}", server.base)).basic_auth(KEY, Some(SECRET));
    let request = match at {
        Some(at) => request.header("accept-datetime", at),
        None => request,
    };
    request.send().await.expect("an answer")
}

async fn map(server: &Server, gate: &str) -> Vec<Link> {
    let response = server.get(Persona::Admin, &format!("{gate}/timemap")).await;
    assert_eq!(response.status(), StatusCode::OK, "{gate}");
    assert_eq!(header(&response, "content-type"), "application/link-format");
    links(&response.text().await.expect("a body"))
}

/// Returns what each memento of a resource is, in order.
async fn mementos(server: &Server, gate: &str) -> Vec<String> {
    let map = map(server, gate).await;
    let mut bodies = Vec::new();
    for link in with_relation(&map, "memento") {
        let path = link.0.strip_prefix(&server.base).expect("an address of ours");
        let memento = server.get(Persona::Admin, path).await;
        assert_eq!(memento.status(), StatusCode::OK, "{path}");
        assert_eq!(header(&memento, "memento-datetime"), parameter(link, "datetime"), "{path}");
        assert!(header(&memento, "cache-control").contains("no-store"), "{path}");
        let beside = links(header(&memento, "link"));
        for relation in ["original", "timegate", "timemap"] {
            assert_eq!(with_relation(&beside, relation).len(), 1, "{relation}: {beside:?}");
        }
        let gates = with_relation(&beside, "timegate");
        assert_eq!(gates[0].0, format!("{}{gate}", server.base));
        bodies.push(memento.text().await.expect("a body"));
    }
    bodies
}

async fn sent(server: &Server, method: Method, path: &str, body: Value) {
    let (status, answer) = server.send(method, path, &body).await;
    assert!(status.is_success(), "{path}: {status} {answer}");
}

async fn manage(server: &Server, method: Method, body: Option<Value>) {
    let managed = server.manage(method, "/1/manifests/book", body.as_ref(), None).await;
    assert!(managed.status.is_success(), "{} {}", managed.status, managed.body);
}

fn book(label: &str) -> Value {
    json!({"type": "Manifest", "label": {"en": [label]}, "items": [
        {"id": "https://example.org/c1", "type": "Canvas", "width": 10, "height": 10, "items": []}]})
}

fn note(text: &str) -> Value {
    json!({"@context": "http://www.w3.org/ns/anno.jsonld", "type": "Annotation",
        "bodyValue": text, "target": "https://example.org/c1"})
}

async fn text(server: &Server, word: &str) {
    let alto = format!(
        "<alto xmlns=\"http://www.loc.gov/standards/alto/ns-v4#\"><Layout><Page WIDTH=\"60\" \
         HEIGHT=\"40\"><PrintSpace><TextBlock><TextLine><String CONTENT=\"{word}\" HPOS=\"4\" \
         VPOS=\"4\" WIDTH=\"40\" HEIGHT=\"9\"/></TextLine></TextBlock></PrintSpace></Page></Layout>\
         </alto>"
    );
    let request = server.request(Persona::Admin, Method::PUT, "/text/alto/1/1/page.png");
    let imported = request.body(alto).send().await.expect("an answer");
    assert!(imported.status().is_success());
}

/// Everything has a first state and, more than a second later, a second one.
async fn two_states() -> Server {
    let server = Server::start();
    server.space(1).await;
    server.upload("page.png", png(60, 40)).await;
    let container = json!({"type": ["BasicContainer", "AnnotationCollection"]});
    sent(&server, Method::PUT, "/annotations/w3c/1/notes/", container).await;
    for (state, word) in ["early", "late"].into_iter().enumerate() {
        if state == 1 {
            tokio::time::sleep(Duration::from_millis(2_100)).await;
        }
        sent(&server, Method::PATCH, &image_path("page.png"), json!({"string1": word})).await;
        manage(&server, Method::PUT, Some(book(word))).await;
        sent(&server, Method::PUT, "/annotations/w3c/1/notes/one", note(word)).await;
        text(&server, word).await;
    }
    server
}

#[tokio::test]
async fn a_time_gate_leads_to_what_was_there() {
    let server = two_states().await;
    for path in [MANIFEST, IMAGE, TEXT, NOTE] {
        let map = map(&server, path).await;
        let all = with_relation(&map, "memento");
        let (first, last) = (all[0], all[all.len() - 1]);
        assert_eq!(with_relation(&map, "first"), [first], "{map:?}");
        assert_eq!(with_relation(&map, "last"), [last], "{map:?}");
        assert_eq!(with_relation(&map, "self")[0].0, format!("{}{path}/timemap", server.base));
        assert_eq!(with_relation(&map, "timegate")[0].0, format!("{}{path}", server.base));
        let early = parameter(first, "datetime");
        assert_ne!(early, parameter(last, "datetime"), "{map:?}");
        let (past, future) = ("Thu, 01 Jan 1970 00:00:01 GMT", "Fri, 01 Jan 2100 00:00:00 GMT");
        for (at, expected) in [(None, last), (Some(past), first), (Some(future), last)] {
            let response = gate(&server, path, at).await;
            assert_eq!(response.status(), StatusCode::FOUND, "{path}");
            assert_eq!(header(&response, "location"), expected.0, "{path} at {at:?}");
            assert!(header(&response, "vary").contains("accept-datetime"));
            assert!(response.headers().get("memento-datetime").is_none(), "a gate is none");
            let beside = links(header(&response, "link"));
            for relation in ["original", "timemap", "first", "last"] {
                assert_eq!(with_relation(&beside, relation).len(), 1, "{relation}: {beside:?}");
            }
        }
        // In the second of the first state: what was last in that second, not the late one.
        let chosen = gate(&server, path, Some(early)).await;
        let chosen = server
            .get(
                Persona::Admin,
                header(&chosen, "location").strip_prefix(&server.base).expect("ours"),
            )
            .await;
        assert_eq!(header(&chosen, "memento-datetime"), early, "{path}");
        for wrong in ["yesterday", "2026-11-28", ""] {
            let response = gate(&server, path, Some(wrong)).await;
            assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{wrong}");
        }
        let json = server.get(Persona::Admin, &format!("{path}/timemap")).await;
        assert_eq!(json.status(), StatusCode::OK);
        let request = server.request(Persona::Admin, Method::GET, &format!("{path}/timemap"));
        let json = request.header("accept", "application/json").send().await.expect("an answer");
        let json: Value = json.json().await.expect("JSON");
        assert_eq!(json["mementos"]["list"].as_array().map(Vec::len), Some(all.len()), "{json}");
        assert_eq!(json["mementos"]["first"]["uri"], first.0, "{json}");
    }
}

#[tokio::test]
async fn a_memento_is_what_was_there_also_after_the_end() {
    let server = two_states().await;
    for (path, now) in [
        (MANIFEST, "/1/manifests/book"),
        (IMAGE, &image_path("page.png")),
        (NOTE, "/annotations/w3c/1/notes/one"),
    ] {
        let before = mementos(&server, path).await;
        let has = |word: &str| before.iter().filter(|it| it.contains(word)).count();
        assert!(has("early") > 0 && has("late") > 0, "{path}: {before:?}");
        match path {
            MANIFEST => manage(&server, Method::DELETE, None).await,
            _ => sent(&server, Method::DELETE, now, json!({})).await,
        }
        assert_eq!(mementos(&server, path).await, before, "what was is not changed: {path}");
        let end = server.get(Persona::Admin, &format!("{path}/{}", u64::MAX)).await;
        assert_eq!(end.status(), StatusCode::NOT_FOUND, "it is deleted: {path}");
        for tail in ["", "/timemap", "/1"] {
            let refused = server.get(Persona::Anonymous, &format!("{path}{tail}")).await.status();
            assert_eq!(refused, StatusCode::UNAUTHORIZED, "{path}{tail}");
        }
    }
    assert_eq!(mementos(&server, TEXT).await, ["early\n", "late\n"]);
    for unknown in [
        "/history/1/manifests/none",
        "/history/1/spaces/1/texts/none",
        "/history/1/manifests/book/1",
    ] {
        let response = server.get(Persona::Admin, unknown).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{unknown}");
    }
}

/// A client that others wrote goes the way of the standard, from the resource as it is now.
#[tokio::test]
async fn a_memento_client_finds_its_way() {
    const PROGRAM: &str = "
import datetime, json, requests, sys
from memento_client import MementoClient
base, key, secret = sys.argv[1:4]
for path in sys.argv[4:]:
    session = requests.Session()
    session.auth = (key, secret)
    client = MementoClient(session=session)
    found = client.get_memento_info(base + path, datetime.datetime(2001, 1, 1))['mementos']
    print(json.dumps([found[it]['uri'][0] for it in ('first', 'closest', 'last')]))
";
    let python = workspace_root().join(".cache/python/bin/python");
    if !python.exists() {
        eprintln!("SKIPPED: memento_client is not there; run `make setup`");
        assert!(std::env::var_os("CI").is_none(), "CI has it");
        return;
    }
    let server = two_states().await;
    let paths = ["/1/manifests/book", &image_path("page.png"), "/annotations/w3c/1/notes/one"];
    let mut client = Command::new(python);
    client.args(["-c", PROGRAM, &server.base, KEY, SECRET]).args(paths);
    let output = client.output().expect("python runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).expect("UTF-8");
    assert_eq!(said.lines().count(), paths.len(), "{said}");
    for (line, path) in said.lines().zip([MANIFEST, IMAGE, NOTE]) {
        let found: Vec<String> = serde_json::from_str(line).expect("JSON");
        let all: Vec<String> = with_relation(&map(&server, path).await, "memento")
            .into_iter()
            .map(|it| it.0.clone())
            .collect();
        assert_eq!(found[0], all[0], "the first");
        assert_eq!(found[1], all[0], "the closest to a time before it");
        assert_eq!(found[2], all[all.len() - 1], "the last");
    }
}
