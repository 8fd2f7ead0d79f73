//! How much is kept: of an image, in a space, for a customer.

use crate::support::fixtures::png;
use crate::support::server::{Persona, Server, image_path};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

async fn sums(server: &Server, path: &str) -> (u64, u64, u64) {
    let storage = server.json(Persona::Admin, path).await;
    let number = |name: &str| storage[name].as_u64().expect("a number");
    (
        number("numberOfStoredImages"),
        number("totalSizeOfStoredImages"),
        number("totalSizeOfThumbnails"),
    )
}

#[tokio::test]
async fn what_is_kept_is_summed_up_as_it_comes_and_goes() {
    let server = Server::start();
    let customer = "/customers/1/storage";
    assert_eq!(sums(&server, customer).await, (0, 0, 0));
    let empty = server.json(Persona::Admin, customer).await;
    assert_eq!(empty["lastCalculated"], Value::Null, "{empty}");
    server.space(1).await;
    server.space(2).await;
    let (small, large) = (png(20, 20), png(200, 150));
    let bytes = [small.len() as u64, large.len() as u64];
    server.upload("small", small.clone()).await;
    server.upload("large", large).await;
    server.upload("broken", b"no image at all".to_vec()).await;
    // The same bytes, elsewhere.
    let path = "/customers/1/spaces/2/images/small/content";
    let request = server.request(Persona::Admin, Method::PUT, path);
    request.body(small).send().await.expect("an answer");
    loop {
        let image = server.json(Persona::Admin, "/customers/1/spaces/2/images/small").await;
        if image["ingesting"] == json!(false) {
            break;
        }
    }
    server.projected().await;

    let image = server.json(Persona::Admin, &format!("{}/storage", image_path("large"))).await;
    assert_eq!(image["size"], bytes[1], "{image}");
    let derivative = image["thumbnailSize"].as_u64().expect("a number");
    assert!(derivative > 0, "{image}");
    let broken = server.json(Persona::Admin, &format!("{}/storage", image_path("broken"))).await;
    assert_eq!((&broken["size"], &broken["thumbnailSize"]), (&json!(0), &json!(0)), "{broken}");
    let (images, originals, derivatives) = sums(&server, "/customers/1/spaces/1/storage").await;
    assert_eq!((images, originals), (2, bytes[0] + bytes[1]));
    assert!(derivatives > derivative);
    let of_second = sums(&server, "/customers/1/spaces/2/storage").await;
    assert_eq!((of_second.0, of_second.1), (1, bytes[0]));
    let all = sums(&server, customer).await;
    assert_eq!(all, (3, originals + bytes[0], derivatives + of_second.2));
    let query = "{ customer(number: 1) { storage { images originalBytes derivativeBytes changed } }
        space(customer: 1, number: 2) { storage { images } }
        asset(id: \"1/1/large\") { originalBytes derivativeBytes } }";
    let (_, answer) = server.send(Method::POST, "/graphql", &json!({"query": query})).await;
    let data = &answer["data"];
    assert_eq!(data["customer"]["storage"]["originalBytes"], all.1, "{answer}");
    assert!(data["customer"]["storage"]["changed"].is_string(), "{answer}");
    assert_eq!(data["space"]["storage"], json!({"images": 1}), "{answer}");
    let expected = json!({"originalBytes": bytes[1], "derivativeBytes": derivative});
    assert_eq!(data["asset"], expected, "{answer}");

    let path = image_path("large");
    assert_eq!(server.send(Method::DELETE, &path, &Value::Null).await.0, StatusCode::NO_CONTENT);
    server.projected().await;
    assert_eq!(sums(&server, "/customers/1/spaces/1/storage").await.0, 1);
    let gone = server.get(Persona::Admin, &format!("{path}/storage")).await;
    assert_eq!(gone.status(), StatusCode::GONE);
    for path in ["/customers/77/storage", "/customers/1/spaces/77/storage"] {
        let missing = server.get(Persona::Admin, path).await;
        assert_eq!(missing.status(), StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(server.command(&["replay"]).status.code(), Some(0), "a fold of the history");
}
