//! Keys of the API: issued, used within their bounds, expired, revoked.

use crate::support::server::{Persona, Server};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

/// Credentials as a client keeps them.
#[derive(Clone)]
struct Key {
    id: String,
    secret: String,
}

impl Key {
    fn of(answer: &Value) -> Self {
        let text = |name: &str| answer[name].as_str().expect("a key and its secret").to_owned();
        Self { id: text("key"), secret: text("secret") }
    }
}

async fn ask(
    server: &Server,
    key: &Key,
    method: Method,
    path: &str,
    body: Option<&Value>,
) -> (StatusCode, Value) {
    let request = server.request(Persona::Anonymous, method, path);
    let mut request = request.basic_auth(&key.id, Some(&key.secret));
    if let Some(body) = body {
        request = request.json(body);
    }
    let response = request.send().await.expect("the server answers");
    let status = response.status();
    let text = response.text().await.expect("a body");
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

async fn issue(server: &Server, customer: u32, body: &Value) -> Key {
    let path = format!("/customers/{customer}/keys");
    let (status, answer) = server.send(Method::POST, &path, body).await;
    assert_eq!(status, StatusCode::CREATED, "{answer}");
    Key::of(&answer)
}

async fn revoke(server: &Server, key: &Key) {
    let path = format!("/customers/1/keys/{}", key.id);
    let (status, answer) = server.send(Method::DELETE, &path, &Value::Null).await;
    assert_eq!(status, StatusCode::NO_CONTENT, "{answer}");
}

/// Makes customer 2.
async fn with_other() -> Server {
    let server = Server::start();
    let (status, made) = server.send(Method::POST, "/customers", &json!({"name": "other"})).await;
    assert_eq!((status, &made["id"]), (StatusCode::CREATED, &json!(2)), "{made}");
    server
}

#[tokio::test]
async fn a_secret_is_told_once_and_opens_what_its_customer_has() {
    let server = Server::start();
    let request = server.request(Persona::Admin, Method::POST, "/customers/1/keys");
    let made = request.header("idempotency-key", "k").send().await.expect("an answer");
    assert_eq!(made.status(), StatusCode::CREATED);
    let location = made.headers()["location"].to_str().expect("ASCII").to_owned();
    let made: Value = made.json().await.expect("JSON");
    assert_eq!((&made["access"], &made["expires"]), (&json!("manage"), &Value::Null), "{made}");
    let key = Key::of(&made);
    assert!(location.ends_with(&format!("/customers/1/keys/{}", key.id)), "{location}");

    let request = server.request(Persona::Admin, Method::POST, "/customers/1/keys");
    let again = request.header("idempotency-key", "k").send().await.expect("an answer");
    let again: Value = again.json().await.expect("JSON");
    assert_eq!((&again["key"], &again["secret"]), (&json!(key.id), &Value::Null), "{again}");
    let (_, read) = server.send(Method::GET, &location, &Value::Null).await;
    assert_eq!((&read["key"], &read["secret"]), (&json!(key.id), &Value::Null), "{read}");
    let listed = server.json(Persona::Admin, "/customers/1/keys").await;
    assert_eq!(
        (&listed["totalItems"], listed["member"].as_array().map(Vec::len)),
        (&json!(1), Some(1))
    );

    let space = json!({"name": "maps"});
    let (status, _) = ask(&server, &key, Method::PUT, "/customers/1/spaces/4", Some(&space)).await;
    assert_eq!(status, StatusCode::CREATED);
    let (status, _) = ask(&server, &key, Method::GET, "/customers", None).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "what stands above customers");
    let history = server.command(&["events", "--json"]).stdout;
    let history = String::from_utf8(history).expect("UTF-8");
    assert!(!history.contains(&key.secret), "the history holds a secret");
    assert!(history.contains(&format!("\"actor\":\"key-{}\"", key.id)), "{history}");

    revoke(&server, &key).await;
    let (status, answer) = ask(&server, &key, Method::GET, "/customers/1/spaces/4", None).await;
    assert_eq!((status, &answer["code"]), (StatusCode::UNAUTHORIZED, &json!("credentials-wrong")));
    let gone = server.get(Persona::Admin, &format!("/customers/1/keys/{}", key.id)).await;
    assert_eq!(gone.status(), StatusCode::GONE);
}

/// THREATS 15.
#[tokio::test]
async fn a_key_makes_none_that_is_stronger_than_itself() {
    let server = with_other().await;
    let soon = json!({"expires": "2999-01-01T00:00:00Z", "label": "until 2999"});
    let manager = issue(&server, 1, &soon).await;
    let writer = issue(&server, 1, &json!({"access": "write"})).await;
    let told = async |key: &Key, path: &str, body: Value| {
        let (status, answer) = ask(&server, key, Method::POST, path, Some(&body)).await;
        (status.as_u16(), answer["code"].as_str().unwrap_or_default().to_owned())
    };
    let own = "/customers/1/keys";
    let later = json!({"expires": "3000-01-01T00:00:00Z"});
    assert_eq!(told(&manager, own, later).await, (403, "right-needed".to_owned()));
    let past = json!({"expires": "2001-01-01T00:00:00Z"});
    assert_eq!(told(&manager, own, past).await, (400, "rejected".to_owned()));
    assert_eq!(told(&writer, own, json!({})).await, (403, "right-needed".to_owned()));
    assert_eq!(told(&manager, "/customers/2/keys", json!({})).await.0, 404);
    assert_eq!(told(&manager, own, json!({"access": "all"})).await.0, 400);
    assert_eq!(told(&manager, own, json!({"expires": "tomorrow"})).await.0, 400);
    // What it leaves out is as its maker is.
    let (status, heir) = ask(&server, &manager, Method::POST, own, Some(&json!({}))).await;
    assert_eq!(status, StatusCode::CREATED, "{heir}");
    assert_eq!(heir["expires"], "2999-01-01T00:00:00Z");
}

#[tokio::test]
async fn a_key_ends_at_its_time() {
    let server = Server::start();
    let end = jiff::Timestamp::now() + std::time::Duration::from_secs(2);
    let key = issue(&server, 1, &json!({"expires": end.to_string()})).await;
    let status = async || ask(&server, &key, Method::GET, "/customers/1", None).await;
    assert_eq!(status().await.0, StatusCode::OK);
    tokio::time::sleep(std::time::Duration::from_millis(2_100)).await;
    let (status, answer) = status().await;
    assert_eq!(
        (status, &answer["code"]),
        (StatusCode::UNAUTHORIZED, &json!("credentials-expired"))
    );
}

/// Every operation of the description × who asks. A route that is new is in it.
#[tokio::test]
async fn every_operation_is_closed_to_those_who_may_not() {
    let server = with_other().await;
    server.space(1).await;
    let [reader, revoked] =
        [issue(&server, 1, &json!({"access": "read"})).await, issue(&server, 1, &json!({})).await];
    let other = issue(&server, 2, &json!({})).await;
    revoke(&server, &revoked).await;
    let description = server.json(Persona::Anonymous, "/openapi.json").await;
    let mut seen = 0;
    for (path, operations) in description["paths"].as_object().expect("paths") {
        let address = filled(path);
        for (method, operation) in operations.as_object().expect("operations") {
            let Ok(method) = Method::from_bytes(method.to_ascii_uppercase().as_bytes()) else {
                continue;
            };
            let told = async |key: &Key| {
                let body = (method != Method::GET).then(|| json!({}));
                ask(&server, key, method.clone(), &address, body.as_ref()).await.0.as_u16()
            };
            let what = format!("{method} {address}");
            assert_eq!(told(&revoked).await, 401, "{what}: a key that was revoked");
            if operation["security"].is_null() {
                continue;
            }
            seen += 1;
            let nobody = server.request(Persona::Anonymous, method.clone(), &address);
            let nobody = nobody.json(&json!({})).send().await.expect("an answer");
            assert_eq!(nobody.status(), 401, "{what}: without a key");
            assert_eq!(told(&other).await, 404, "{what}: the key of another customer");
            let by_reader = told(&reader).await;
            let is_above = !path.contains("{customer}") || is_administration(&method, path);
            let expected = match (&method, is_above) {
                (_, true) => by_reader == 404,
                // A long list of ids does not fit into an address.
                (&Method::POST, _) if path.ends_with("/allImages") => {
                    ![401, 403].contains(&by_reader)
                }
                (&Method::GET, _) if !path.contains("/keys") => ![401, 403].contains(&by_reader),
                _ => by_reader == 403,
            };
            assert!(expected, "{what}: a key that only reads got {by_reader}");
        }
    }
    assert!(seen > 40, "{seen} operations need credentials");
}

/// Fills in what stands in braces: of customer 1, and most of it is not there.
fn filled(path: &str) -> String {
    let mut address = path.to_owned();
    for (name, value) in [("customer", "1"), ("space", "1"), ("version", "v2"), ("format", "plain")]
    {
        address = address.replace(&format!("{{{name}}}"), value);
    }
    while let (Some(begin), Some(end)) = (address.find('{'), address.find('}')) {
        address.replace_range(begin..=end, "x");
    }
    address
}

fn is_administration(method: &Method, path: &str) -> bool {
    path == "/customers/{customer}" && method == Method::DELETE
}

#[tokio::test]
async fn graphql_issues_lists_and_revokes_keys() {
    let server = Server::start();
    let graphql = async |key: Option<&Key>, document: &str| {
        let body = json!({ "query": document });
        match key {
            None => server.send(Method::POST, "/graphql", &body).await.1,
            Some(key) => ask(&server, key, Method::POST, "/graphql", Some(&body)).await.1,
        }
    };
    let document = "mutation { issueKey(label: \"web site\", access: READ) {
        id secret key { access label expires } } }";
    let issued = graphql(None, document).await;
    let issued = &issued["data"]["issueKey"];
    assert_eq!(issued["key"], json!({"access": "READ", "label": "web site", "expires": null}));
    let text = |name: &str| issued[name].as_str().expect("a text").to_owned();
    let reader = Key { id: text("id"), secret: text("secret") };
    let listed =
        graphql(None, "{ keys { edges { node { key history { edges { node { type } } } } } } }")
            .await;
    let node = &listed["data"]["keys"]["edges"][0]["node"];
    assert_eq!(node["key"], json!(reader.id), "{listed}");
    assert_eq!(node["history"]["edges"][0]["node"]["type"], "key.issued", "{listed}");
    let refused = graphql(Some(&reader), document).await;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "right-needed", "{refused}");
    let refused = graphql(Some(&reader), "{ keys { edges { node { key } } } }").await;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "not-allowed", "{refused}");
    let document = format!("mutation {{ revokeKey(key: \"{}\") {{ position }} }}", reader.id);
    assert!(graphql(None, &document).await["data"]["revokeKey"]["position"].is_u64());
    let (status, _) = ask(&server, &reader, Method::GET, "/customers/1", None).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
}

#[test]
fn accounts_are_kept_from_a_shell() {
    let server = Server::start();
    let said = |args: &[&str]| {
        let output = server.command(args);
        assert!(output.status.success(), "{args:?}: {output:?}");
        String::from_utf8(output.stdout).expect("UTF-8").trim_end().to_owned()
    };
    assert_eq!(said(&["customer", "create", "wellcome", "--display-name", "Wellcome"]), "2");
    assert_eq!(said(&["customer", "list"]), "1\tdefault\tdefault\n2\twellcome\tWellcome");
    let pair = said(&[
        "key",
        "create",
        "--customer",
        "wellcome",
        "--access",
        "write",
        "--label",
        "scanner",
    ]);
    let (id, secret) = pair.split_once(':').expect("KEY:SECRET");
    assert_eq!(secret.len(), 64);
    assert_eq!(said(&["key", "list", "--customer", "2"]), format!("{id}\twrite\t-\tscanner"));
    let as_scanner = |args: &[&str]| {
        server.prepare(args).env("DLCS_KEY", &pair).output().expect("the program runs")
    };
    let refused = as_scanner(&["key", "list", "--customer", "2"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("right-needed"), "{refused:?}");
    said(&["key", "revoke", id, "--customer", "2"]);
    let refused = as_scanner(&["manifest", "list", "--customer", "2"]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("credentials-wrong"), "{refused:?}");
    assert_eq!(said(&["key", "list", "--customer", "2"]), "");
}
