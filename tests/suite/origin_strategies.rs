//! Origin strategies: credentials go to the origin that they are for, and are seen nowhere else.

use crate::support::fixtures::png;
use crate::support::is_anywhere;
use crate::support::server::{Persona, Server, image_path};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};

const ALL: &str = "/customers/1/originStrategies";
const PASSWORD: &str = "open-sesame-4711";

/// Hands an image to whoever says user and password.
fn closed_origin() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback can be bound");
    let port = listener.local_addr().expect("it is bound").port();
    std::thread::spawn(move || listener.incoming().flatten().for_each(|it| drop(answer(it))));
    port
}

fn answer(mut connection: TcpStream) -> std::io::Result<()> {
    let lines = BufReader::new(connection.try_clone()?).lines();
    let head: Vec<String> = lines.map_while(Result::ok).take_while(|it| !it.is_empty()).collect();
    let wanted = format!("Basic {}", STANDARD.encode(format!("reader:{PASSWORD}")));
    let is_told = head.iter().any(|line| line.ends_with(&wanted));
    let (status, body) = if is_told { ("200 OK", png(40, 30)) } else { ("401 No", Vec::new()) };
    let length = body.len();
    write!(connection, "HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n")?;
    connection.write_all(&body)
}

fn strategy(port: u16) -> Value {
    json!({
        "regex": format!(r"^http://127\.0\.0\.1:{port}/"),
        "strategy": "basic-http-authentication",
        "credentials": {"user": "reader", "password": PASSWORD},
        "order": 1,
    })
}

async fn register(server: &Server, id: &str, port: u16) -> Value {
    let origin = json!({"origin": format!("http://127.0.0.1:{port}/{id}.png")});
    let (status, answer) = server.send(Method::PUT, &image_path(id), &origin).await;
    assert!(status.is_success(), "{answer}");
    server.settled(id).await
}

#[tokio::test]
async fn credentials_open_an_origin_and_are_seen_nowhere() {
    let port = closed_origin();
    let server = Server::start_with(&["--origin-allow", "127.0.0.1/32"]);
    server.space(1).await;
    let refused = register(&server, "before", port).await;
    assert_eq!(refused["error"]["code"], "origin-forbidden", "{refused}");

    let body = strategy(port).to_string();
    let request = server.request(Persona::Admin, Method::POST, ALL).body(body.clone());
    let request = request.header("content-type", "application/json");
    let request = request.header("idempotency-key", "k");
    let made = request.send().await.expect("an answer");
    assert_eq!(made.status(), StatusCode::CREATED);
    let made: Value = made.json().await.expect("JSON");
    assert_eq!((&made["credentials"], &made["order"]), (&json!("xxx"), &json!(1)), "{made}");
    let image = register(&server, "after", port).await;
    assert_eq!((&image["width"], &image["error"]), (&json!(40), &Value::Null), "{image}");

    let path = format!("{ALL}/{}", made["id"].as_str().expect("an id"));
    let read = server.json(Persona::Admin, &path).await;
    let listed = server.json(Persona::Admin, ALL).await;
    assert_eq!(listed["member"][0]["credentials"], "xxx", "{listed}");
    let query = json!({"query": "{ originStrategies { regex hasCredentials history {
        edges { node { type payload } } } } }"});
    let (_, asked) = server.send(Method::POST, "/graphql", &query).await;
    assert_eq!(asked["data"]["originStrategies"][0]["hasCredentials"], true, "{asked}");
    let history = server.command(&["events", "--json"]).stdout;
    let history = String::from_utf8(history).expect("UTF-8");
    let digest = dlcs_objects::Digest::of(body.as_bytes()).to_string();
    assert!(history.contains("origin_strategy.defined"), "{history}");
    for seen in [&read, &listed, &asked].map(Value::to_string).iter().chain([&history]) {
        assert!(!seen.contains(PASSWORD), "{seen}");
        assert!(!seen.contains(&digest), "what was said could be tried out: {seen}");
    }
    assert!(!is_anywhere(server.data(), PASSWORD), "it lies in the data folder in clear");
    assert!(server.data().join("seal-key").exists());

    // What was read can be written back, and changes nothing.
    let (status, answer) = server.send(Method::PUT, &path, &read).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let again = server.command(&["events", "--json", "--type", "origin_strategy.changed"]);
    assert_eq!(String::from_utf8_lossy(&again.stdout), "");
    let image = register(&server, "again", port).await;
    assert_eq!(image["width"], 40, "they are still there: {image}");
    assert_eq!(server.command(&["replay"]).status.code(), Some(0));

    assert_eq!(server.send(Method::DELETE, &path, &Value::Null).await.0, StatusCode::NO_CONTENT);
    let refused = register(&server, "gone", port).await;
    assert_eq!(refused["error"]["code"], "origin-forbidden", "{refused}");
}

#[tokio::test]
async fn the_first_strategy_in_order_decides() {
    let port = closed_origin();
    let server = Server::start_with(&["--origin-allow", "127.0.0.1/32"]);
    server.space(1).await;
    let mut basic = strategy(port);
    // As the original wants it.
    basic["credentials"] = json!(basic["credentials"].to_string());
    let (status, made) = server.send(Method::POST, ALL, &basic).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let open = json!({"regex": "/open-", "strategy": "default", "order": 0});
    assert_eq!(server.send(Method::POST, ALL, &open).await.0, StatusCode::CREATED);
    assert_eq!(register(&server, "closed-1", port).await["width"], 40);
    let refused = register(&server, "open-1", port).await;
    assert_eq!(refused["error"]["code"], "origin-forbidden", "nobody was told: {refused}");
    // Of another customer nobody is told anything.
    let (_, other) = server.send(Method::POST, "/customers", &json!({"name": "other"})).await;
    assert_eq!(other["id"], 2, "{other}");
    let space = json!({"name": "letters"});
    server.send(Method::PUT, "/customers/2/spaces/1", &space).await;
    let path = "/customers/2/spaces/1/images/a";
    let origin = json!({"origin": format!("http://127.0.0.1:{port}/a.png")});
    server.send(Method::PUT, path, &origin).await;
    loop {
        let image = server.json(Persona::Admin, path).await;
        if image["ingesting"] == json!(false) {
            assert_eq!(image["error"]["code"], "origin-forbidden", "{image}");
            break;
        }
    }
}

#[tokio::test]
async fn what_cannot_be_a_strategy_is_refused() {
    let server = Server::start();
    let good = strategy(80);
    let with = |field: &str, value: Value| {
        let mut body = good.clone();
        body[field] = value;
        body
    };
    for (body, code) in [
        (with("strategy", json!("s3-ambient")), "strategy-unsupported"),
        (with("strategy", json!("sftp")), "strategy-unsupported"),
        (with("optimised", json!(true)), "strategy-unsupported"),
        (with("regex", json!("(")), "regex-invalid"),
        (with("regex", json!("^https://(?!a)")), "regex-invalid"),
        (with("regex", json!("example")), "regex-invalid"),
        (with("credentials", Value::Null), "credentials-missing"),
        (with("credentials", json!("xxx")), "credentials-missing"),
        (with("credentials", json!("reader:sesame")), "invalid-field"),
        (with("credentials", json!({"user": "a:b", "password": "c"})), "invalid-field"),
        (with("order", json!(-1)), "invalid-field"),
        (json!({"regex": "a"}), "invalid-field"),
    ] {
        let (status, answer) = server.send(Method::POST, ALL, &body).await;
        let told = (status, answer["code"].as_str().unwrap_or_default());
        assert_eq!(told, (StatusCode::BAD_REQUEST, code), "{body}: {answer}");
    }
    let (status, made) = server.send(Method::POST, ALL, &good).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let (status, twice) = server.send(Method::POST, ALL, &good).await;
    assert_eq!((status, &twice["code"]), (StatusCode::CONFLICT, &json!("conflict")), "{twice}");
    let path = format!("{ALL}/{}", made["id"].as_str().expect("an id"));
    let other = with("regex", json!("^https://other/"));
    let (status, answer) = server.send(Method::PUT, &path, &other).await;
    assert_eq!((status, &answer["code"]), (StatusCode::BAD_REQUEST, &json!("regex-invalid")));

    let mutation = |arguments: &str| {
        json!({"query": format!("mutation {{ putOriginStrategy({arguments}) {{
            originStrategy {{ id strategy order hasCredentials }} }} }}")})
    };
    let arguments = r#"regex: "^https://a/", credentials: {user: "u", password: "p"}, order: 3"#;
    let (_, answer) = server.send(Method::POST, "/graphql", &mutation(arguments)).await;
    let put = &answer["data"]["putOriginStrategy"]["originStrategy"];
    assert_eq!((&put["hasCredentials"], &put["order"]), (&json!(true), &json!(3)), "{answer}");
    let arguments = r#"regex: "^https://b/", strategy: "sftp""#;
    let (_, answer) = server.send(Method::POST, "/graphql", &mutation(arguments)).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "strategy-unsupported", "{answer}");
    let remove = format!("mutation {{ removeOriginStrategy(id: {}) {{ position }} }}", put["id"]);
    server.send(Method::POST, "/graphql", &json!({"query": remove})).await;
    let listed = server.json(Persona::Admin, ALL).await;
    assert_eq!(listed["totalItems"], 1, "{listed}");
}
