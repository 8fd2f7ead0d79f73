//! Other people's programs judge us: the IIIF validator, the schema, the parsers.

use crate::support::fixtures::{self, png};
use crate::support::server::{Persona, Server};
use crate::support::workspace_root;
use serde_json::Value;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Identifier of the validator's test image.
const TEST_IMAGE: &str = "67352ccc-d1b0-11e1-89ae-279075081939";

/// A program of `make setup`'s Python folder; without it the test is skipped, in CI it fails.
fn python_tool(name: &str) -> Option<PathBuf> {
    let path = workspace_root().join(".cache/python/bin").join(name);
    if path.exists() {
        return Some(path);
    }
    assert!(std::env::var_os("CI").is_none(), "{name} is missing: run `make setup`");
    eprintln!("SKIPPED: {name} is missing: run `make setup`");
    None
}

async fn with_test_image() -> Option<Server> {
    let folder = fixtures::folder("images")?;
    let server = Server::start();
    server.space(1).await;
    let bytes = std::fs::read(folder.join(format!("{TEST_IMAGE}.png"))).expect("readable");
    server.upload(TEST_IMAGE, bytes).await;
    Some(server)
}

async fn validate(version: &str, prefix: &str) {
    let Some(validator) = python_tool("iiif-validate.py") else { return };
    let Some(server) = with_test_image().await else { return };
    let host = server.base.trim_start_matches("http://").to_owned();
    let python = python_tool("python").expect("beside the validator");
    let output = Command::new(python)
        .arg(validator)
        .args(["-s", &host, "-p", prefix, "-i", TEST_IMAGE, "--version", version, "--level", "2"])
        .arg("-v")
        .output()
        .expect("the validator runs");
    let report = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{report}");
    assert!(report.contains("Done"), "the validator did not finish: {report}");
}

#[tokio::test]
async fn the_validator_finds_nothing_in_image_api_3() {
    validate("3.0", "iiif-img/v3/1/1").await;
}

#[tokio::test]
async fn the_validator_finds_nothing_in_image_api_2() {
    validate("2.0", "iiif-img/v2/1/1").await;
}

/// A server with three images and a manifest of them; addresses of a stored and a derived manifest.
async fn with_manifests() -> (Server, [String; 2]) {
    let server = Server::start();
    server.space(1).await;
    for n in 0..3 {
        server.upload(&format!("page {n}.png"), png(700, 900 + n)).await;
    }
    let painted: Vec<Value> = (0..3)
        .map(|n| serde_json::json!({ "asset": { "id": format!("page {n}.png"), "space": 1 } }))
        .collect();
    let body = serde_json::json!({
        "type": "Manifest", "id": "book", "slug": "book", "label": { "en": ["A book"] },
        "paintedResources": painted,
    });
    let request = server.request(Persona::Admin, reqwest::Method::POST, "/1/manifests");
    let answer = request.header("X-IIIF-CS-Show-Extras", "All").json(&body).send().await;
    let answer = answer.expect("the server answers");
    assert_eq!(answer.status(), 201, "{}", answer.text().await.unwrap_or_default());
    let stored = format!("{}/iiif/v3/1/book", server.base);
    let derived = format!("{}/iiif-manifest/v3/1/1/page%200.png", server.base);
    (server, [stored, derived])
}

#[tokio::test]
async fn manifests_follow_the_official_schema() {
    let (server, addresses) = with_manifests().await;
    for address in addresses {
        follows_the_schema(&server.json(Persona::Anonymous, &address).await);
    }
}

/// Validates a manifest of version 3.0.
pub(crate) fn follows_the_schema(manifest: &Value) {
    let Some(schema) = fixtures::schema("presentation/iiif_3_0.json") else { return };
    let Some(python) = python_tool("python") else { return };
    let program = "import json,sys,jsonschema\n\
        errors=list(jsonschema.Draft7Validator(json.load(open(sys.argv[1]))).iter_errors(json.load(sys.stdin)))\n\
        print('\\n'.join(str(e.message)[:300] for e in errors)); sys.exit(bool(errors))";
    let schema = schema.to_str().expect("UTF-8");
    feed(&python, &["-c", program, schema], &manifest.to_string());
}

#[tokio::test]
async fn prezi3_reads_our_manifests() {
    let Some(python) = python_tool("python") else { return };
    let (server, addresses) = with_manifests().await;
    for address in addresses {
        let manifest = server.json(Persona::Anonymous, &address).await;
        let program = "import sys,iiif_prezi3\n\
            m=iiif_prezi3.Manifest.model_validate_json(sys.stdin.read())\n\
            assert m.items and m.items[0].items, 'no canvas'";
        feed(&python, &["-c", program], &manifest.to_string());
    }
}

#[tokio::test]
async fn iiif_parser_reads_both_versions() {
    let (server, addresses) = with_manifests().await;
    for address in addresses {
        for address in [address.clone(), address.replace("/v3/", "/v2/")] {
            is_read_by_the_parser(&server.json(Persona::Anonymous, &address).await);
        }
    }
}

/// Reads a manifest of either version with `@iiif/parser`.
pub(crate) fn is_read_by_the_parser(manifest: &Value) {
    let script = workspace_root().join("tests/browser/manifest.mjs");
    let script = script.to_str().expect("UTF-8");
    feed(&PathBuf::from("node"), &[script, "-"], &manifest.to_string());
}

/// Runs a program on a document; its status is the verdict.
fn feed(program: &PathBuf, args: &[&str], document: &str) {
    let mut child = Command::new(program)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program runs");
    child.stdin.take().expect("piped").write_all(document.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    let report = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{report}");
}
