//! Accounts as they are managed: passwords go in, and come out nowhere.

use super::{JANE, OTHER, PASSWORD, account, log_in, with_letter};
use crate::support::cookies::Browser;
use crate::support::server::{Persona, Server};
use crate::support::{files, stores};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

const ALL: &str = "/customers/1/accounts";

/// Says whether any file of a data folder whose name is wanted holds a text.
fn is_in_files(server: &Server, wanted: &dyn Fn(&str) -> bool, text: &str) -> bool {
    files(server.data(), &|path| wanted(&path.to_string_lossy())).iter().any(|path| {
        let bytes = std::fs::read(path).unwrap_or_default();
        bytes.windows(text.len()).any(|it| it == text.as_bytes())
    })
}

async fn graphql(server: &Server, document: &str) -> Value {
    server.send(Method::POST, "/graphql", &json!({ "query": document })).await.1
}

#[tokio::test]
async fn an_account_is_made_read_changed_and_removed() {
    let server = Server::start();
    let (status, made) = server.send(Method::PUT, JANE, &account(PASSWORD, &["members"])).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    assert_eq!((&made["name"], &made["label"]), (&json!("jane"), &json!("Jane")), "{made}");
    assert_eq!(made["authServices"], json!(["members"]), "{made}");
    let read = server.json(Persona::Admin, JANE).await;
    assert_eq!(read, made);
    // What was read can be written back, and changes nothing: the password stays.
    let before = server.command(&["events", "--json"]).stdout;
    assert_eq!(server.send(Method::PUT, JANE, &read).await.0, StatusCode::OK);
    assert_eq!(server.command(&["events", "--json"]).stdout, before);
    let service = format!("{}/customers/1/authServices/ein%20Saal", server.base);
    let john = json!({"name": "john", "password": OTHER, "authServices": [service]});
    let (status, made) = server.send(Method::POST, ALL, &john).await;
    assert_eq!((status, &made["authServices"]), (StatusCode::CREATED, &json!(["ein Saal"])));
    let (status, twice) = server.send(Method::POST, ALL, &john).await;
    assert_eq!((status, &twice["code"]), (StatusCode::CONFLICT, &json!("conflict")), "{twice}");
    let listed = server.json(Persona::Admin, ALL).await;
    assert_eq!((&listed["totalItems"], &listed["member"][0]), (&json!(2), &read), "{listed}");

    let changed = json!({"authServices": []});
    let (status, said) = server.send(Method::PUT, JANE, &changed).await;
    assert_eq!((status, &said["authServices"]), (StatusCode::OK, &json!([])), "{said}");
    assert_eq!(server.send(Method::DELETE, JANE, &Value::Null).await.0, StatusCode::NO_CONTENT);
    assert_eq!(server.get(Persona::Admin, JANE).await.status(), StatusCode::NOT_FOUND);
    let (status, said) = server.send(Method::PUT, JANE, &changed).await;
    let told = (status, &said["code"]);
    assert_eq!(told, (StatusCode::BAD_REQUEST, &json!("password-missing")), "{said}");
    let history = server.command(&["events", "--json"]).stdout;
    let history = String::from_utf8(history).expect("UTF-8");
    for event in ["account.defined", "account.changed", "account.removed"] {
        assert!(history.contains(event), "{history}");
    }
    assert_eq!(server.command(&["replay"]).status.code(), Some(0));
}

#[tokio::test]
async fn what_cannot_be_an_account_is_refused() {
    let server = Server::start();
    let long = "x".repeat(1025);
    for (name, body, code) in [
        ("jane", json!({"authServices": ["a"]}), "password-missing"),
        ("jane", account("", &[]), "invalid-field"),
        ("jane", account("eleven char", &[]), "invalid-field"),
        ("jane", account(&long, &[]), "invalid-field"),
        ("jane", account("twelve\0chars", &[]), "invalid-field"),
        ("jane", json!({"password": 123_456_789_012_i64}), "invalid-field"),
        ("jane", json!({"password": PASSWORD, "authServices": "members"}), "invalid-field"),
        ("jane", json!({"password": PASSWORD, "label": "a\u{7}"}), "name-invalid"),
        ("jane", json!({"password": PASSWORD, "authServices": [""]}), "name-invalid"),
        ("jane", json!({"password": PASSWORD, "name": "john"}), "invalid-field"),
        ("a%2Fb", account(PASSWORD, &[]), "name-invalid"),
        ("root", account(PASSWORD, &[]), "name-reserved"),
    ] {
        let (status, answer) = server.send(Method::PUT, &format!("{ALL}/{name}"), &body).await;
        let told = (status, answer["code"].as_str().unwrap_or_default());
        assert_eq!(told, (StatusCode::BAD_REQUEST, code), "{name} {body}: {answer}");
        assert!(!answer.to_string().contains("eleven char"), "{answer}");
    }
    let (status, answer) = server.send(Method::POST, ALL, &account(PASSWORD, &[])).await;
    assert_eq!((status, &answer["field"]), (StatusCode::BAD_REQUEST, &json!("name")), "{answer}");
    let listed = server.json(Persona::Admin, ALL).await;
    assert_eq!(listed["totalItems"], 0, "{listed}");
    let request = server.request(Persona::Admin, Method::PUT, JANE).header("if-match", "\"3\"");
    let stale = request.json(&account(PASSWORD, &[])).send().await.expect("an answer");
    assert_eq!(stale.status(), StatusCode::PRECONDITION_FAILED);
}

/// THREATS 35: neither the password nor what it could be tried out with.
#[tokio::test]
async fn a_password_is_seen_nowhere() {
    let server = with_letter().await;
    let body = json!({"password": OTHER, "authServices": ["members"]}).to_string();
    let path = format!("{ALL}/john");
    let mut told = Vec::new();
    // The answer to a repetition is the same one.
    for _ in 0..2 {
        let request = server.request(Persona::Admin, Method::PUT, &path).body(body.clone());
        let request = request.header("content-type", "application/json");
        let made = request.header("idempotency-key", "k").send().await.expect("an answer");
        assert_eq!(made.status(), StatusCode::CREATED);
        told.push(made.text().await.expect("a body"));
    }
    assert_eq!(told[0], told[1]);
    told.push(server.json(Persona::Admin, &path).await.to_string());
    told.push(server.json(Persona::Admin, ALL).await.to_string());
    let history = server.command(&["events", "--json"]).stdout;
    told.push(String::from_utf8(history).expect("UTF-8"));
    let query = "{ accounts { name history { edges { node { type payload } } } } }";
    told.push(graphql(&server, query).await.to_string());
    let digest = dlcs_objects::Digest::of(body.as_bytes()).to_string();
    for seen in &told {
        for secret in [PASSWORD, OTHER, "argon2", &digest] {
            assert!(!seen.contains(secret), "{secret}: {seen}");
        }
    }
    let done = log_in(&server, &Browser::default(), "john", OTHER).await;
    assert_eq!(done.status(), StatusCode::OK);
    if stores::are_embedded() {
        assert!(!is_in_files(&server, &|_| true, PASSWORD), "it lies in the data folder in clear");
        let is_control = |path: &str| path.contains("control.sqlite");
        assert!(is_in_files(&server, &is_control, "$argon2id$"));
        assert!(!is_in_files(&server, &|path| !is_control(path), "$argon2id$"));
    }
}

#[tokio::test]
async fn graphql_makes_lists_and_removes_accounts() {
    let server = with_letter().await;
    let put = |arguments: &str| {
        format!(
            "mutation {{ putAccount(name: \"john\", account: {{{arguments}}}) {{
                account {{ name label authServices editRevision }} }} }}"
        )
    };
    let missing = graphql(&server, &put("label: \"John\"")).await;
    assert_eq!(missing["errors"][0]["extensions"]["code"], "password-missing", "{missing}");
    let short = graphql(&server, &put("password: \"short\"")).await;
    assert_eq!(short["errors"][0]["extensions"]["code"], "bad-request", "{short}");
    let arguments = format!("password: \"{OTHER}\", authServices: [\"members\"]");
    let made = graphql(&server, &put(&arguments)).await;
    let expected =
        json!({"name": "john", "label": "", "authServices": ["members"], "editRevision": 1});
    assert_eq!(made["data"]["putAccount"]["account"], expected, "{made}");
    let done = log_in(&server, &Browser::default(), "john", OTHER).await;
    assert_eq!(done.status(), StatusCode::OK);
    graphql(&server, &put("label: \"John\", authServices: [\"members\"]")).await;
    let done = log_in(&server, &Browser::default(), "john", OTHER).await;
    assert_eq!(done.status(), StatusCode::OK, "the password stays");
    graphql(&server, "mutation { removeAccount(name: \"john\") { position } }").await;
    let listed = graphql(&server, "{ accounts { name } }").await;
    assert_eq!(listed["data"]["accounts"], json!([{"name": "jane"}]), "{listed}");
    let refused = log_in(&server, &Browser::default(), "john", OTHER).await;
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
}
