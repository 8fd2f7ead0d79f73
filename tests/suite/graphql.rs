//! GraphQL over a real server: questions, the mutation, history, the guard.

use crate::support::fixtures::png;
use crate::support::server::{Persona, Server};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

async fn ask(server: &Server, who: Persona, query: &str) -> Value {
    let request = server.request(who, Method::POST, "/graphql").json(&json!({ "query": query }));
    request.send().await.expect("an answer").json().await.expect("JSON")
}

#[tokio::test]
async fn an_asset_tells_its_history_with_actor_and_time() {
    let server = Server::start();
    server.space(1).await;
    server.upload("a", png(64, 48)).await;
    let query = "{ asset(id: \"1/1/a\") { id assetId state width height space { name assetCount }
        history(first: 10) { pageInfo { hasNextPage } nodes { type actor time revision } } } }";
    let answer = ask(&server, Persona::Admin, query).await;
    assert!(answer["errors"].is_null(), "{answer}");
    let asset = &answer["data"]["asset"];
    assert_eq!((&asset["width"], &asset["state"]), (&json!(64), &json!("DELIVERED")));
    assert_eq!(asset["space"]["assetCount"], 1);
    let history = asset["history"]["nodes"].as_array().expect("events");
    let types: Vec<_> = history.iter().map(|it| it["type"].as_str().expect("a type")).collect();
    assert_eq!(types, ["asset.registered", "asset.ingest_started", "asset.ingest_delivered"]);
    assert!(history[0]["actor"].as_str().is_some_and(|it| it.starts_with("key-")), "{history:?}");
    assert_eq!(history[2]["actor"], "process-ingest");
    let id = asset["id"].as_str().expect("a node id");
    let node = format!("{{ node(id: \"{id}\") {{ ... on Asset {{ assetId }} }} }}");
    let answer = ask(&server, Persona::Admin, &node).await;
    assert_eq!(answer["data"]["node"]["assetId"], "1/1/a", "{answer}");
}

#[tokio::test]
async fn register_asset_registers_and_refuses_as_rest_does() {
    let server = Server::start();
    server.space(1).await;
    let mutation = "mutation { registerAsset(input: { id: \"1/1/b\", string1: \"x\",
        origin: \"https://nowhere.invalid/b.png\" }) { created position asset { string1 state } } }";
    let answer = ask(&server, Persona::Admin, mutation).await;
    assert_eq!(answer["data"]["registerAsset"]["created"], true, "{answer}");
    assert_eq!(answer["data"]["registerAsset"]["asset"]["string1"], "x");
    let forbidden = mutation.replace("https://nowhere.invalid", "http://127.0.0.1");
    let answer = ask(&server, Persona::Admin, &forbidden).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "origin-forbidden", "{answer}");
    let answer = ask(&server, Persona::Anonymous, mutation).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "not-allowed", "{answer}");
}

#[tokio::test]
async fn pages_of_a_list_meet_without_gap() {
    let server = Server::start();
    server.space(1).await;
    for n in 0..5 {
        server.upload(&format!("i{n}"), png(10, 10)).await;
    }
    let mut seen = Vec::new();
    let mut after = "null".to_owned();
    loop {
        let query = format!(
            "{{ assets(first: 2, after: {after}) {{ totalCount pageInfo {{ hasNextPage endCursor }}
               edges {{ node {{ assetId }} }} }} }}"
        );
        let answer = ask(&server, Persona::Admin, &query).await;
        let list = &answer["data"]["assets"];
        assert_eq!(list["totalCount"], 5, "{answer}");
        let edges = list["edges"].as_array().expect("edges");
        seen.extend(edges.iter().map(|it| it["node"]["assetId"].as_str().expect("id").to_owned()));
        if list["pageInfo"]["hasNextPage"] == json!(false) {
            break;
        }
        after = list["pageInfo"]["endCursor"].to_string();
    }
    assert_eq!(seen, ["1/1/i0", "1/1/i1", "1/1/i2", "1/1/i3", "1/1/i4"]);
}

/// B82 and B92: expensive documents and forged requests are refused before the engine sees them.
#[tokio::test]
async fn the_guard_stands_in_front() {
    let server = Server::start();
    let mut document = "query { ...F0 }".to_owned();
    for level in 0..18 {
        document += &format!(" fragment F{level} on Query {{ ...F{0} ...F{0} }}", level + 1);
    }
    document += " fragment F18 on Query { __typename }";
    let answer = ask(&server, Persona::Admin, &document).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "document-refused", "{answer}");
    let form = server.request(Persona::Admin, Method::POST, "/graphql").body("query=mutation");
    let form = form.header("content-type", "application/x-www-form-urlencoded");
    assert_eq!(form.send().await.expect("an answer").status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let get = server.get(Persona::Admin, "/graphql?query=mutation%7Ba%7D").await;
    assert_eq!(get.status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn what_was_deleted_is_not_shown_as_living() {
    let server = Server::start();
    server.space(1).await;
    let space = r#"{ space(customer: 1, number: 1) { id name } }"#;
    let answer = ask(&server, Persona::Admin, space).await;
    let id = answer["data"]["space"]["id"].as_str().expect("it is there").to_owned();
    server.send(Method::DELETE, "/customers/1/spaces/1", &json!({})).await;
    let node = format!(
        r#"{{ space(customer: 1, number: 1) {{ id }} node(id: "{id}") {{ __typename }} }}"#
    );
    let answer = ask(&server, Persona::Admin, &node).await;
    assert_eq!(answer["data"], json!({ "space": null, "node": null }));
}

/// Canvases come in pages, with images and annotations by what they are about.
#[tokio::test]
async fn the_canvases_of_a_manifest_lead_to_images_and_annotations() {
    let server = Server::start();
    server.space(1).await;
    for name in ["a", "b", "c"] {
        server.upload(name, png(64, 48)).await;
    }
    let painted = ["c", "a", "b"].map(|id| json!({"asset": {"id": id, "space": 1}}));
    let manifest = json!({"slug": "book", "paintedResources": painted});
    let own = json!({
        "type": "Manifest",
        "label": {"en": ["Own"]},
        "items": [{"id": "https://example.org/c1", "type": "Canvas", "label": {"none": ["One"]}}],
    });
    for (id, body) in [("book", &manifest), ("own", &own)] {
        let request = server.request(Persona::Admin, Method::PUT, &format!("/1/manifests/{id}"));
        let request = request.header("X-IIIF-CS-Show-Extras", "All").json(body);
        assert_eq!(request.send().await.expect("an answer").status(), StatusCode::CREATED, "{id}");
    }
    let page = |after: &str| {
        format!(
            "{{ manifest(id: \"book\") {{ canvases(first: 2, after: {after}) {{ totalCount
               pageInfo {{ hasNextPage endCursor }}
               nodes {{ address label asset {{ assetId }}
                 one: annotations(first: 1) {{ annotationId }} annotations {{ annotationId }} }} }} }} }}"
        )
    };
    let first = ask(&server, Persona::Admin, &page("null")).await;
    let canvases = &first["data"]["manifest"]["canvases"];
    assert_eq!(canvases["totalCount"], 3, "{first}");
    assert_eq!(canvases["nodes"][0]["asset"]["assetId"], "1/1/c");
    assert_eq!(canvases["nodes"][1]["label"], json!({"none": ["a"]}));
    let document = server.json(Persona::Anonymous, "/iiif/1/book").await;
    let address = canvases["nodes"][1]["address"].as_str().expect("an address");
    assert_eq!(document["items"][1]["id"], address);

    let body = json!({"type": ["BasicContainer", "AnnotationCollection"], "label": "Notes"});
    let container = server.request(Persona::Admin, Method::PUT, "/annotations/w3c/1/notes/");
    container.json(&body).send().await.expect("an answer");
    for (slug, target) in [("x", format!("{address}#xywh=1,1,5,5")), ("y", address.to_owned())] {
        let note = json!({"@context": "http://www.w3.org/ns/anno.jsonld", "type": "Annotation",
            "bodyValue": "A wood", "target": target});
        let request = server.request(Persona::Admin, Method::POST, "/annotations/w3c/1/notes/");
        let sent = request.header("Slug", slug).json(&note).send().await.expect("an answer");
        assert_eq!(sent.status(), StatusCode::CREATED);
    }
    for (who, asset) in
        [(Persona::Admin, json!({"assetId": "1/1/a"})), (Persona::Anonymous, Value::Null)]
    {
        let answer = ask(&server, who, &page("null")).await;
        let nodes = &answer["data"]["manifest"]["canvases"]["nodes"];
        assert_eq!(nodes[0]["annotations"], json!([]), "{answer}");
        assert_eq!(nodes[1]["annotations"], json!([{"annotationId": "x"}, {"annotationId": "y"}]));
        assert_eq!(nodes[1]["one"], json!([{"annotationId": "x"}]));
        assert_eq!(nodes[1]["asset"], asset, "{answer}");
    }
    let end = first["data"]["manifest"]["canvases"]["pageInfo"]["endCursor"].to_string();
    let second = ask(&server, Persona::Admin, &page(&end)).await;
    let canvases = &second["data"]["manifest"]["canvases"];
    assert_eq!(canvases["pageInfo"]["hasNextPage"], false, "{second}");
    assert_eq!(canvases["nodes"].as_array().map(Vec::len), Some(1));
    assert_eq!(canvases["nodes"][0]["asset"]["assetId"], "1/1/b");
    let query =
        "{ manifest(id: \"own\") { canvases { nodes { address label asset { assetId } } } } }";
    let answer = ask(&server, Persona::Anonymous, query).await;
    let expected = json!([{
        "address": "https://example.org/c1", "label": {"none": ["One"]}, "asset": null,
    }]);
    assert_eq!(answer["data"]["manifest"]["canvases"]["nodes"], expected, "{answer}");
}
