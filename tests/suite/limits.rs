//! How large pixels are given out: `maxWidth` to everybody, `openFullMax` to those without a role.

use crate::support::fixtures::png;
use crate::support::server::{Persona, Server, image_path};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

const IMAGE: &str = "/iiif-img/v3/1/1/map.png";

/// An image of 1200 × 800 pixels with these fields.
async fn with_map(fields: &Value) -> Server {
    let server = Server::start();
    server.space(1).await;
    server.upload("map.png", png(1200, 800)).await;
    change(&server, fields).await;
    server
}

async fn change(server: &Server, fields: &Value) {
    let (status, answer) = server.send(Method::PATCH, &image_path("map.png"), fields).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
}

async fn status(server: &Server, who: Persona, path: &str) -> u16 {
    server.get(who, &format!("{IMAGE}/{path}/0/default.jpg")).await.status().as_u16()
}

/// Width and height of an answer.
async fn pixels(server: &Server, who: Persona, path: &str) -> (u32, u32) {
    let answer = server.get(who, &format!("{IMAGE}/{path}/0/default.png")).await;
    assert_eq!(answer.status(), StatusCode::OK, "{path}");
    let bytes = answer.bytes().await.expect("a body");
    // The first chunk of a PNG begins with them.
    let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
    (number(16), number(20))
}

fn sides(info: &Value) -> Vec<u64> {
    let sizes = info["sizes"].as_array().expect("sizes").iter();
    sizes.map(|it| it["width"].as_u64().expect("a width")).collect()
}

#[tokio::test]
async fn nobody_gets_an_image_larger_than_its_maximum() {
    let server = with_map(&json!({"maxWidth": 600})).await;
    let info = server.json(Persona::Anonymous, &format!("{IMAGE}/info.json")).await;
    assert_eq!((&info["width"], &info["maxWidth"]), (&json!(1200), &json!(600)), "{info}");
    assert!(sides(&info).iter().all(|side| *side <= 600), "{info}");
    assert_eq!(info["tiles"][0]["width"], 512, "{info}");
    for who in [Persona::Anonymous, Persona::Admin] {
        assert_eq!(pixels(&server, who, "full/max").await, (600, 400));
        assert_eq!(pixels(&server, who, "square/max").await, (600, 600));
        assert_eq!(pixels(&server, who, "0,0,300,300/max").await, (300, 300));
        for larger in ["full/601,", "full/,401", "full/1200,800", "0,0,800,100/700,"] {
            assert_eq!(status(&server, who, larger).await, 400, "{larger}");
        }
    }
    // Every tile that info.json promises is there.
    for scale in info["tiles"][0]["scaleFactors"].as_array().expect("factors") {
        let scale = scale.as_u64().expect("a number");
        let (width, height) = ((512 * scale).min(1200), (512 * scale).min(800));
        let path = format!("0,0,{width},{height}/{},", width.div_ceil(scale));
        assert_eq!(status(&server, Persona::Anonymous, &path).await, 200, "{path}");
    }
    let thumbnails = server.json(Persona::Anonymous, "/thumbs/v3/1/1/map.png/info.json").await;
    assert_eq!(sides(&thumbnails).last(), Some(&400), "{thumbnails}");
    let manifest = server.json(Persona::Anonymous, "/iiif-manifest/v3/1/1/map.png").await;
    let body = &manifest["items"][0]["items"][0]["items"][0]["body"];
    assert_eq!((&body["width"], &body["height"]), (&json!(600), &json!(400)), "{body}");

    // Tiles shrink with the limit, and nothing is ingested again.
    let before = server.json(Persona::Admin, &image_path("map.png")).await;
    change(&server, &json!({"maxWidth": 300})).await;
    let info = server.json(Persona::Anonymous, &format!("{IMAGE}/info.json")).await;
    assert_eq!(info["tiles"][0]["width"], 256, "{info}");
    assert_eq!(status(&server, Persona::Anonymous, "full/400,").await, 400);
    let after = server.json(Persona::Admin, &image_path("map.png")).await;
    assert_eq!((&after["finished"], &after["maxWidth"]), (&before["finished"], &json!(300)));
    change(&server, &json!({"maxWidth": null})).await;
    assert_eq!(pixels(&server, Persona::Anonymous, "full/max").await, (1200, 800));
}

#[tokio::test]
async fn a_closed_image_is_shown_small_to_everybody() {
    let server = with_map(&json!({"roles": ["staff"], "openFullMax": 400, "maxWidth": 900})).await;
    let anonymous = Persona::Anonymous;
    for (path, expected) in [
        ("full/400,", 200),
        ("full/!400,400", 200),
        ("full/,200", 200),
        ("full/401,", 401),
        ("full/,400", 401),
        ("full/max", 401),
        ("full/1000,", 400),
        // A part of it is no small picture of the whole.
        ("0,0,400,400/400,", 401),
        ("square/200,", 401),
        ("0,0,1200,800/400,", 401),
        ("pct:0,0,100,100/400,", 401),
    ] {
        assert_eq!(status(&server, anonymous, path).await, expected, "{path}");
    }
    let path = format!("{IMAGE}/full/400,/0/default.jpg");
    let answer = server.get(anonymous, &path).await;
    let caching = answer.headers()["cache-control"].to_str().expect("ASCII");
    assert!(caching.contains("no-store"), "a role may see more of it tomorrow: {caching}");
    assert_eq!(status(&server, Persona::Admin, "full/900,").await, 200);
    for (side, expected) in [(400, 200), (1024, 400)] {
        let path = format!("/thumbs/v3/1/1/map.png/full/{side},/0/default.jpg");
        assert_eq!(server.get(anonymous, &path).await.status(), expected, "{side}");
    }
    for other in ["/file/1/1/map.png", "/text/plain/1/1/map.png"] {
        assert_ne!(server.get(anonymous, other).await.status(), StatusCode::OK, "{other}");
    }
    let probe = server.json(anonymous, "/auth/v2/probe/1/1/map.png").await;
    assert_eq!(probe["status"], 401, "{probe}");
    let substitute = probe["substitute"]["id"].as_str().expect("a substitute");
    let path = substitute.strip_prefix(&server.base).expect("ours");
    assert_eq!(server.get(anonymous, path).await.status(), StatusCode::OK, "{substitute}");

    change(&server, &json!({"openFullMax": 0})).await;
    assert_eq!(status(&server, anonymous, "full/400,").await, 401);
    let probe = server.json(anonymous, "/auth/v2/probe/1/1/map.png").await;
    assert_eq!(probe["substitute"], Value::Null, "{probe}");
}

#[tokio::test]
async fn limits_are_fields_of_an_image_everywhere() {
    let server = with_map(&json!({"maxUnauthorised": 400})).await;
    let image = server.json(Persona::Admin, &image_path("map.png")).await;
    assert_eq!((&image["maxWidth"], &image["openFullMax"]), (&json!(0), &json!(400)), "{image}");
    // What is left out is left alone, and the same again is no change.
    let before = server.command(&["events", "--json"]).stdout;
    change(&server, &json!({"openFullMax": 400})).await;
    assert_eq!(server.command(&["events", "--json"]).stdout, before);
    change(&server, &json!({"string1": "x", "maxWidth": 512})).await;
    let image = server.json(Persona::Admin, &image_path("map.png")).await;
    assert_eq!((&image["maxWidth"], &image["openFullMax"]), (&json!(512), &json!(400)), "{image}");
    change(&server, &json!({"maxUnauthorised": -1})).await;
    let query = json!({"query": "{ asset(id: \"1/1/map.png\") { maxWidth openFullMax
        history { edges { node { type } } } } }"});
    let answer = server.send(Method::POST, "/graphql", &query).await.1;
    let asset = &answer["data"]["asset"];
    assert_eq!((&asset["maxWidth"], &asset["openFullMax"]), (&json!(512), &json!(0)), "{answer}");
    assert!(answer.to_string().contains("asset.limits_changed"), "{answer}");
    let query = json!({"query": "mutation { registerAsset(input: {id: \"1/1/map.png\",
        origin: \"https://origin.example/a.png\", maxWidth: 700}) { asset { maxWidth } } }"});
    let answer = server.send(Method::POST, "/graphql", &query).await.1;
    assert_eq!(answer["data"]["registerAsset"]["asset"]["maxWidth"], 700, "{answer}");

    for (wrong, field) in [
        (json!({"maxWidth": 255}), "maxWidth"),
        (json!({"maxWidth": -1}), "maxWidth"),
        (json!({"maxWidth": "large"}), "maxWidth"),
        (json!({"maxWidth": 4_294_967_296_u64}), "maxWidth"),
        (json!({"openFullMax": -5}), "openFullMax"),
        (json!({"maxUnauthorised": 100, "maxWidth": 500}), "maxUnauthorised"),
        (json!({"maxUnauthorised": -2}), "maxUnauthorised"),
    ] {
        let (status, answer) = server.send(Method::PATCH, &image_path("map.png"), &wrong).await;
        let told = (status, &answer["field"]);
        assert_eq!(told, (StatusCode::BAD_REQUEST, &json!(field)), "{wrong}: {answer}");
    }
}
