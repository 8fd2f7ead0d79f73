//! Many images at once: read, changed, deleted.

use crate::support::fixtures::png;
use crate::support::server::{Persona, Server, image_path};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

/// Three images in space 1.
async fn with_pages() -> Server {
    let server = Server::start();
    server.space(1).await;
    for n in 1..=3 {
        server.upload(&format!("p{n}.png"), png(20 + n, 30)).await;
    }
    server
}

async fn tags(server: &Server, id: &str) -> Value {
    server.json(Persona::Admin, &image_path(id)).await["tags"].clone()
}

#[tokio::test]
async fn images_are_changed_together_and_each_for_itself() {
    let server = with_pages().await;
    let body = json!({"@type": "Collection", "member": [
        {"id": "p1.png", "string1": "one", "tags": ["a"]},
        {"id": "1/1/p2.png", "number1": 2},
        {"id": "lost.png", "number1": 2},
    ]});
    let path = "/customers/1/spaces/1/images";
    let (status, answer) = server.send(Method::PATCH, path, &body).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let shown = |index: usize, field: &str| answer["member"][index][field].clone();
    assert_eq!((shown(0, "id"), shown(0, "string1")), (json!("p1.png"), json!("one")), "{answer}");
    assert_eq!((shown(1, "id"), shown(1, "number1")), (json!("p2.png"), json!(2)), "{answer}");
    assert_eq!(shown(1, "tags"), json!([]), "what is left out stays");
    let refused = &answer["refused"];
    assert_eq!(refused[0]["row"], 2, "{answer}");
    assert_eq!(refused[0]["error"]["code"], "not-found", "{answer}");

    let body = json!({"field": "tags", "operation": "add", "value": ["b"],
        "member": [{"id": "1/1/p1.png"}, {"id": "p3.png", "space": 1}]});
    let all = "/customers/1/allImages";
    assert_eq!(server.send(Method::PATCH, all, &body).await.0, StatusCode::OK);
    assert_eq!(tags(&server, "p1.png").await, json!(["a", "b"]));
    assert_eq!(tags(&server, "p3.png").await, json!(["b"]));
    assert_eq!(tags(&server, "p2.png").await, json!([]));

    let wrong = json!({"member": [{"id": "p1.png"}, {"id": "p2.png", "number1": "two"}]});
    let (status, answer) = server.send(Method::PATCH, path, &wrong).await;
    assert_eq!((status, &answer["member"]), (StatusCode::BAD_REQUEST, &json!(1)), "{answer}");
}

/// Each adds a tag of its own to the same images: none is lost.
#[tokio::test]
async fn additions_at_the_same_time_are_all_kept() {
    let server = with_pages().await;
    let add = async |n: u32| {
        let members = ["1/1/p1.png", "1/1/p2.png", "1/1/p3.png"];
        let value = [format!("t{n}")];
        let body = json!({"field": "tags", "operation": "add", "value": value, "member": members});
        server.send(Method::PATCH, "/customers/1/allImages", &body).await.0
    };
    let done = futures::future::join_all((0..12).map(add)).await;
    assert!(done.iter().all(|status| *status == StatusCode::OK), "{done:?}");
    for page in ["p1.png", "p2.png", "p3.png"] {
        assert_eq!(tags(&server, page).await.as_array().map(Vec::len), Some(12));
    }
}

#[tokio::test]
async fn images_are_read_by_id_and_deleted_together() {
    let server = with_pages().await;
    let ids = json!({"member": [{"id": "1/1/p3.png"}, "1/1/p1.png", "1/1/lost.png"]});
    let (status, found) = server.send(Method::POST, "/customers/1/allImages", &ids).await;
    assert_eq!((status, &found["totalItems"]), (StatusCode::OK, &json!(2)), "{found}");
    assert_eq!(found["member"][0]["id"], "p3.png");
    assert_eq!(
        (&found["member"][1]["id"], &found["member"][1]["width"]),
        (&json!("p1.png"), &json!(21))
    );

    let delete = "/customers/1/deleteImages";
    let (status, answer) = server.send(Method::POST, delete, &ids).await;
    assert_eq!((status, &answer["deleted"]), (StatusCode::OK, &json!(2)), "{answer}");
    assert_eq!(answer["refused"][0]["id"], "1/1/lost.png", "{answer}");
    let status = async |id: &str| server.get(Persona::Admin, &image_path(id)).await.status();
    assert_eq!(status("p1.png").await, StatusCode::GONE);
    assert_eq!(status("p2.png").await, StatusCode::OK);
    let tile =
        server.get(Persona::Anonymous, "/iiif-img/v3/1/1/p3.png/full/max/0/default.jpg").await;
    assert_eq!(tile.status(), StatusCode::GONE);
    let other = json!({"member": [{"id": "2/1/p2.png"}]});
    let (status, answer) = server.send(Method::POST, delete, &other).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{answer}");
}

#[tokio::test]
async fn graphql_changes_and_deletes_many() {
    let server = with_pages().await;
    let graphql = async |document: &str| {
        let body = json!({ "query": document });
        server.send(Method::POST, "/graphql", &body).await.1["data"].clone()
    };
    let document = "mutation { changeAssetLists(ids: [\"1/1/p1.png\", \"1/1/lost.png\"],
        list: ROLES, operation: ADD, values: [\"staff\"]) { done refused { id } } }";
    let expected = json!({"done": 1, "refused": [{"id": "1/1/lost.png"}]});
    assert_eq!(graphql(document).await["changeAssetLists"], expected);
    let closed =
        server.get(Persona::Anonymous, "/iiif-img/v3/1/1/p1.png/full/max/0/default.jpg").await;
    assert_eq!(closed.status(), StatusCode::UNAUTHORIZED);
    let document = "mutation { deleteAssets(ids: [\"1/1/p1.png\", \"1/1/p2.png\"]) { done } }";
    assert_eq!(graphql(document).await["deleteAssets"], json!({"done": 2}));
}
