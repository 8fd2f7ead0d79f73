//! `/audit/…`: what a stranger gets, and how long caches keep it.

use super::{filled, said, uploads};
use crate::support::server::{Persona, Server};
use dlcs_audit::{Checkpoint, VerifierKey};
use reqwest::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderMap, IF_NONE_MATCH};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const FOR_EVER: &str = "public, max-age=31536000, immutable";
const ASK_AGAIN: &str = "public, max-age=0, must-revalidate";

async fn get(server: &Server, path: &str) -> (StatusCode, HeaderMap, Vec<u8>) {
    let response = server.get(Persona::Anonymous, path).await;
    let (status, headers) = (response.status(), response.headers().clone());
    (status, headers, response.bytes().await.expect("a body").to_vec())
}

fn header<'h>(headers: &'h HeaderMap, name: &reqwest::header::HeaderName) -> &'h str {
    headers.get(name).and_then(|it| it.to_str().ok()).unwrap_or_default()
}

#[tokio::test]
async fn a_stranger_gets_key_checkpoint_and_tiles() {
    let server = Server::start();
    let size = filled(&server, 257).await;
    let rest = format!(".p/{}", size - 256);
    let (text, bytes) = ("text/plain; charset=utf-8", "application/octet-stream");
    for (path, content_type, caching, length) in [
        ("/audit/key".to_owned(), text, ASK_AGAIN, None),
        ("/audit/checkpoint".to_owned(), text, ASK_AGAIN, None),
        ("/audit/tile/0/000".to_owned(), bytes, FOR_EVER, Some(256 * 32)),
        ("/audit/tile/0/000.p/7".to_owned(), bytes, ASK_AGAIN, Some(7 * 32)),
        (format!("/audit/tile/0/001{rest}"), bytes, ASK_AGAIN, Some((size - 256) * 32)),
        ("/audit/tile/1/000.p/1".to_owned(), bytes, ASK_AGAIN, Some(32)),
        ("/audit/tile/entries/000".to_owned(), bytes, FOR_EVER, None),
        (format!("/audit/tile/entries/001{rest}"), bytes, ASK_AGAIN, None),
    ] {
        let (status, headers, body) = get(&server, &path).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        assert_eq!(header(&headers, &CONTENT_TYPE), content_type, "{path}");
        assert_eq!(header(&headers, &CACHE_CONTROL), caching, "{path}");
        assert_eq!(header(&headers, &"access-control-allow-origin".parse().expect("a name")), "*");
        assert_eq!(length.unwrap_or(body.len() as u64), body.len() as u64, "{path}");
        assert!(!body.is_empty(), "{path}");
        let request = server.request(Persona::Anonymous, Method::HEAD, &path);
        let head = request.send().await.expect("an answer");
        assert_eq!(head.headers().get(ETAG), headers.get(ETAG), "{path}");
        let request = server.request(Persona::Anonymous, Method::GET, &path);
        let known = request.header(IF_NONE_MATCH, headers.get(ETAG).expect("a tag"));
        let status = known.send().await.expect("an answer").status();
        assert_eq!(status, StatusCode::NOT_MODIFIED, "{path}");
    }
    for path in [
        format!("/audit/tile/0/001.p/{}", size - 255),
        format!("/audit/tile/entries/001.p/{}", size - 255),
        "/audit/tile/0/001".to_owned(),
        "/audit/tile/entries/001".to_owned(),
        "/audit/tile/1/000".to_owned(),
        "/audit/tile/0/0".to_owned(),
        "/audit/tile/0/000.p/256".to_owned(),
        "/audit/tile/9/000".to_owned(),
        "/audit/tile/data/000".to_owned(),
        "/audit/tile/entries/x018446744/073/709/551/615".to_owned(),
        "/audit/tile/".to_owned(),
        "/audit".to_owned(),
    ] {
        assert_eq!(get(&server, &path).await.0, StatusCode::NOT_FOUND, "{path}");
    }
    let request = server.request(Persona::Admin, Method::POST, "/audit/checkpoint");
    let status = request.send().await.expect("an answer").status();
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
}

/// Waits for a checkpoint of at least some events: the one that is served is of a moment ago.
async fn served(server: &Server, key: &VerifierKey, size: u64) -> Checkpoint {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let (status, _, body) = get(server, "/audit/checkpoint").await;
        let note = String::from_utf8(body).expect("UTF-8");
        assert_eq!(status, StatusCode::OK, "{note}");
        let checkpoint = key.verify(&note).expect("signed by the server");
        if checkpoint.size >= size {
            return checkpoint;
        }
        assert!(Instant::now() < deadline, "an old checkpoint is served: {note}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn the_server_and_the_command_sign_one_log() {
    let server = Server::start();
    server.space(1).await;
    let (_, _, key) = get(&server, "/audit/key").await;
    let command = said(&server.command(&["audit", "key"]));
    assert_eq!(String::from_utf8(key).expect("UTF-8"), command);
    let key: VerifierKey = command.trim().parse().expect("a verifier key");
    let mut last = 0;
    for round in 0..3 {
        uploads(&server, round..round + 1).await;
        let note = said(&server.command(&["audit", "checkpoint"]));
        let signed = key.verify(&note).expect("signed by the command");
        assert!(signed.size > last, "{note}");
        assert_eq!(served(&server, &key, signed.size).await, signed);
        last = signed.size;
    }
}

#[tokio::test]
async fn a_proof_is_asked_for_in_graphql() {
    let server = Server::start();
    server.space(1).await;
    uploads(&server, 0..1).await;
    let ask = async |index: u64| -> Value {
        let query = format!("{{ auditProof(index: {index}) {{ index record proof checkpoint }} }}");
        let request = server.request(Persona::Anonymous, Method::POST, "/graphql");
        let response = request.json(&json!({ "query": query })).send().await.expect("an answer");
        response.json().await.expect("JSON")
    };
    let events = String::from_utf8(server.command(&["events", "--json"]).stdout).expect("UTF-8");
    // The newest one too, which nobody has signed yet.
    let last = events.lines().count() as u64 - 1;
    for index in [0, 3, last] {
        let answer = ask(index).await;
        let proof = &answer["data"]["auditProof"];
        assert_eq!(proof["index"], json!(index), "{answer}");
        assert!(super::proof_holds(&server, proof, index), "{answer}");
        assert!(!super::proof_holds(&server, proof, index + 1), "{answer}");
    }
    assert_eq!(ask(last + 1_000).await["data"]["auditProof"], Value::Null);
}

#[tokio::test]
async fn processes_with_one_key_are_one_log() {
    let key = dlcs_audit::SigningKey::new("dlcs.io/audit/test", [7; 32]).expect("a name");
    let secret = key.to_secret();
    let server = Server::start_with(&["--audit-key", &secret]);
    let (_, _, served) = get(&server, "/audit/key").await;
    assert_eq!(String::from_utf8(served).expect("UTF-8").trim(), key.verifier().to_string());
    let (_, _, note) = get(&server, "/audit/checkpoint").await;
    key.verifier().verify(&String::from_utf8(note).expect("UTF-8")).expect("signed with it");
    let other = dlcs_audit::SigningKey::new("dlcs.io/audit/test", [8; 32]).expect("a name");
    let refused = server.command(&["audit", "checkpoint", "--audit-key", &other.to_secret()]);
    let text = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && text.contains("another key"), "{text}");
    assert!(!text.contains(&other.to_secret()), "{text}");
}
