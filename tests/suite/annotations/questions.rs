//! What annotations are found by, and where the canvases of manifests lead.

use super::{NOTES, annotate, get, graphql, note, with_container, write};
use crate::support::fixtures::png;
use crate::support::server::{Persona, Server};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

fn ids(page: &Value) -> Vec<&str> {
    let items = page["items"].as_array().expect("items").iter();
    items.map(|it| it["id"].as_str().expect("an id").rsplit('/').next().expect("an end")).collect()
}

async fn put(server: &Server, id: &str, body: &Value) {
    let made = write(server, Method::PUT, &format!("{NOTES}{id}"), body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
}

#[tokio::test]
async fn annotations_are_found_by_target_box_motivation_creator_and_time() {
    let server = with_container().await;
    let canvas = format!("{}/iiif-manifest/1/1/page/canvas", server.base);
    put(&server, "left", &note(&format!("{canvas}#xywh=0,0,10,10"))).await;
    put(&server, "right", &note(&format!("{canvas}#xywh=100,0,10,10"))).await;
    let svg = "<svg><path d='M100 100 l20 20'/></svg>";
    let selector = json!({"type": "SvgSelector", "value": svg});
    let mut drawn = note(&canvas);
    drawn["target"] = json!({"source": {"id": canvas, "type": "Canvas"}, "selector": selector});
    drawn["motivation"] = json!("tagging");
    drawn["creator"] = json!({"id": "https://people.example/me", "name": "Me"});
    put(&server, "drawn", &drawn).await;
    put(&server, "elsewhere", &note("https://example.org/canvas")).await;
    let found = async |question: &str| {
        let page = get(&server, &format!("/annotations/w3c/1/?{question}")).await;
        assert_eq!(page.status, StatusCode::OK, "{page:?}");
        ids(&page.body).join(" ")
    };
    let on = |more: &str| format!("target={canvas}{more}");
    assert_eq!(found(&on("")).await, "left right drawn");
    assert_eq!(found(&on("&xywh=5,5,10,10")).await, "left");
    assert_eq!(found(&on("&xywh=5,5,200,200")).await, "left right drawn");
    assert_eq!(found(&on("&motivation=tagging")).await, "drawn");
    assert_eq!(found("creator=Me").await, "drawn");
    assert_eq!(found("creator=https://people.example/me&motivation=commenting").await, "");
    assert_eq!(found("container=notes&target=https://example.org/canvas").await, "elsewhere");
    assert_eq!(found("container=other").await, "");
    assert_eq!(found("from=2100-01-01T00:00:00Z").await, "");
    assert_eq!(found("until=2100-01-01T00:00:00Z").await, "left right drawn elsewhere");
    for wrong in
        ["xywh=1,2,3,4", "target=urn:x:a&xywh=1", "from=yesterday", "target=urn:x:a&page=x"]
    {
        let refused = get(&server, &format!("/annotations/w3c/1/?{wrong}")).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
    // A changed annotation is found by what it is about now.
    let moved = write(&server, Method::PUT, &format!("{NOTES}left"), &note("urn:x:new")).await;
    assert_eq!(moved.status, StatusCode::OK);
    assert_eq!(found(&on("")).await, "right drawn");
    assert_eq!(found("target=urn:x:new").await, "left");
}

#[tokio::test]
async fn annotations_are_found_by_what_their_bodies_say() {
    let server = with_container().await;
    let tagged = |text: &str, tag: &str| {
        let mut tagged = note("https://example.org/canvas");
        let tag = json!({"type": "TextualBody", "value": tag, "purpose": "tagging"});
        let text = json!({"type": "TextualBody", "value": text, "format": "text/html"});
        tagged["body"] = json!([text, tag]);
        tagged
    };
    put(&server, "one", &tagged("<p>Im dunklen</p><p>W<b>ald</b></p>", "B\u{e4}ume")).await;
    put(&server, "two", &tagged("<p>Im Wald, dem dunklen</p>", "Eiche")).await;
    let found = async |question: &str| {
        let page = get(&server, &format!("/annotations/w3c/1/?{question}")).await;
        assert_eq!(page.status, StatusCode::OK, "{page:?}");
        ids(&page.body).join(" ")
    };
    assert_eq!(found("q=wald+DUNKLEN").await, "one two");
    assert_eq!(found("q=%22dunklen+wald%22").await, "one");
    assert_eq!(found("q=wald+baume").await, "one");
    assert_eq!(found("q=ei*&motivation=tagging").await, "two");
    assert_eq!(found("q=wald&target=https://example.org/canvas&creator=Me").await, "");
    assert_eq!(found("q=wald+NOT+eiche").await, "");
    assert_eq!(found("q=").await, "");
    let page = get(&server, "/annotations/oa/1/?q=eiche").await;
    assert_eq!(page.body["resources"].as_array().map(Vec::len), Some(1), "{page:?}");
    let long = get(&server, &format!("/annotations/w3c/1/?q={}", "x".repeat(513))).await;
    assert_eq!(long.status, StatusCode::BAD_REQUEST);
    assert!(long.body["detail"].as_str().expect("a reason").contains("512 bytes"), "{long:?}");

    let asked = "query($q: String) { annotations(filter: {q: $q}) { totalCount nodes { id } } }";
    let variables = json!({"q": "\"dunklen wald\""});
    let answer = graphql(&server, Persona::Anonymous, asked, variables).await;
    assert_eq!(answer["annotations"]["totalCount"], 1, "{answer}");
    let body = json!({"query": asked, "variables": {"q": "x".repeat(513)}});
    let refused = server.request(Persona::Anonymous, Method::POST, "/graphql").json(&body);
    let refused: Value = refused.send().await.expect("an answer").json().await.expect("JSON");
    assert!(refused["errors"][0]["message"].to_string().contains("512 bytes"), "{refused}");
}

#[tokio::test]
async fn the_canvases_of_manifests_lead_to_their_annotations() {
    let server = with_container().await;
    server.space(1).await;
    server.upload("page", png(64, 48)).await;
    let path = "/iiif-manifest/v3/1/1/page";
    let before = get(&server, path).await;
    let canvas = before.body["items"][0]["id"].as_str().expect("a canvas").to_owned();
    assert!(before.body["items"][0].get("annotations").is_none(), "{before:?}");
    annotate(&server, &format!("{canvas}#xywh=1,2,30,40")).await;
    let known = [("if-none-match", before.header("etag"))];
    let known: Vec<_> = known.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let after = super::ask(&server, Persona::Anonymous, (Method::GET, path), &known, None).await;
    assert_eq!(after.status, StatusCode::OK, "the manifest has changed");
    let reference = &after.body["items"][0]["annotations"][0];
    assert_eq!(reference["type"], "AnnotationPage");
    let page = get(&server, reference["id"].as_str().expect("an address")).await;
    assert_eq!(page.body["id"], reference["id"]);
    assert_eq!(page.body["items"][0]["target"], format!("{canvas}#xywh=1,2,30,40"));
    assert_eq!(page.header("access-control-allow-origin"), "*");
    assert!(page.header("content-type").contains("presentation/3"), "{page:?}");
    assert_eq!(page.body["@context"], "http://iiif.io/api/presentation/3/context.json");
    assert!(page.body["items"][0].get("@context").is_none(), "{page:?}");

    let old = get(&server, "/iiif-manifest/v2/1/1/page").await.body;
    let list = &old["sequences"][0]["canvases"][0]["otherContent"][0]["@id"];
    let list = get(&server, list.as_str().expect("an address")).await.body;
    assert_eq!(list["@type"], "sc:AnnotationList");
    assert_eq!(list["resources"][0]["on"], format!("{canvas}#xywh=1,2,30,40"));
    assert_eq!(list["resources"][0]["resource"]["chars"], "A wood");
}

#[tokio::test]
async fn the_canvases_of_stored_manifests_lead_to_their_annotations() {
    let server = with_container().await;
    server.space(1).await;
    server.upload("page", png(64, 48)).await;
    let asset = json!({"id": "page", "space": 1});
    let body = json!({"type": "Manifest", "label": {"en": ["Book"]}, "slug": "book",
        "paintedResources": [{"asset": asset, "canvasPainting": {}}]});
    let request = server.request(Persona::Admin, Method::PUT, "/1/manifests/book");
    let request = request.header("x-iiif-cs-show-extras", "All").json(&body);
    let status = request.send().await.expect("the server answers").status();
    assert_eq!(status, StatusCode::CREATED);
    let manifest = get(&server, "/iiif/v3/1/book").await.body;
    let canvas = manifest["items"][0]["id"].as_str().expect("a canvas").to_owned();
    let address = annotate(&server, &canvas).await;
    let manifest = get(&server, "/iiif/v3/1/book").await.body;
    let reference = &manifest["items"][0]["annotations"][0]["id"];
    let page = get(&server, reference.as_str().expect("an address")).await.body;
    assert_eq!(page["items"][0]["id"], address.as_str());
}

#[tokio::test]
async fn open_annotation_is_another_view_of_the_same() {
    let server = with_container().await;
    let open = "/annotations/oa/1/notes/";
    let body = json!({
        "@context": "http://iiif.io/api/presentation/2/context.json",
        "@type": "oa:Annotation",
        "motivation": ["oa:commenting"],
        "resource": {"@type": "dctypes:Text", "format": "text/html", "chars": "<p>A wood</p>"},
        "on": "https://example.org/canvas#xywh=1,2,30,40",
    });
    let made = write(&server, Method::POST, open, &body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    assert_eq!(made.body["hasTarget"], body["on"]);
    assert!(made.header("content-type").contains("oa.jsonld"), "{made:?}");
    let id = made.body["@id"].as_str().expect("an id").to_owned();
    let web = get(&server, &id.replace("/oa/", "/w3c/")).await.body;
    assert_eq!(web["body"]["value"], "<p>A wood</p>");
    assert_eq!(web["motivation"], json!(["commenting"]));
    let shown = get(&server, open).await.body;
    assert_eq!(shown["first"]["items"][0]["hasBody"]["chars"], "<p>A wood</p>");
    let mut changed = made.body.clone();
    changed["hasBody"]["chars"] = json!("<p>A forest</p>");
    let put = write(&server, Method::PUT, &id, &changed).await;
    assert_eq!(put.status, StatusCode::OK, "{put:?}");
    let web = get(&server, &id.replace("/oa/", "/w3c/")).await.body;
    assert_eq!(web["body"]["value"], "<p>A forest</p>");
    assert!(web.get("via").is_none(), "{web}");
}

#[tokio::test]
async fn containers_are_listed() {
    let server = with_container().await;
    for label in ["A", "B"] {
        let made =
            write(&server, Method::POST, "/annotations/w3c/1/", &json!({"label": label})).await;
        assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
        assert_eq!(made.header("location"), made.body["id"].as_str().expect("an id"));
    }
    let listed = get(&server, "/annotations/w3c/1/").await.body;
    assert_eq!(listed["total"], 3);
    let labels: Vec<_> = listed["contains"].as_array().expect("a list").iter().collect();
    assert_eq!(labels.iter().map(|it| &it["label"]).collect::<Vec<_>>(), ["Notes", "A", "B"]);
    let wrong =
        write(&server, Method::POST, "/annotations/w3c/1/", &json!({"type": "Manifest"})).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
}
