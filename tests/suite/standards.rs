//! Other people's programs judge us: the IIIF validator, the schema, the parsers.

use crate::support::fixtures::{self, png};
use crate::support::server::{Persona, Server};
use crate::support::workspace_root;
use reqwest::Method;
use serde_json::{Value, json};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Identifier of the validator's test image.
const TEST_IMAGE: &str = "67352ccc-d1b0-11e1-89ae-279075081939";
const CONTEXT: &str = "http://iiif.io/api/presentation/3/context.json";

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

/// A server with three images, and addresses of every kind of document that there is of them.
struct Documents {
    server: Server,
    manifests: Vec<String>,
    collections: Vec<String>,
}

impl Documents {
    async fn make() -> Self {
        let server = Server::start();
        server.space(1).await;
        for n in 0..3 {
            server.upload(&format!("page {n}.png"), png(700, 900 + n)).await;
        }
        let documents = Self {
            manifests: [
                "/iiif/v3/1/book",
                "/iiif/v3/1/shelf/written",
                "/iiif-manifest/v3/1/1/page%200.png",
                "/iiif-resource/v3/1/all",
            ]
            .map(str::to_owned)
            .into(),
            collections: ["/iiif/v3/1", "/iiif/v3/1/shelf", "/iiif/v3/1/picks"]
                .map(str::to_owned)
                .into(),
            server,
        };
        documents.store_collections().await;
        documents.store_manifests().await;
        let (made, answer) = documents
            .server
            .send(Method::PUT, "/customers/1/namedQueries/all", &json!({"template": "space=1"}))
            .await;
        assert!(made.is_success(), "{answer}");
        documents
    }

    /// Stores a painted manifest, and one whose canvases are a client's own; both with ranges.
    async fn store_manifests(&self) {
        let painted: Vec<Value> = (0..3)
            .map(|n| json!({ "asset": { "id": format!("page {n}.png"), "space": 1 } }))
            .collect();
        let book = json!({"type": "Manifest", "slug": "book", "label": { "en": ["A book"] },
            "behavior": ["paged"], "paintedResources": painted});
        self.store("manifests/book", &book).await;
        let shown = self.server.json(Persona::Anonymous, "/iiif/v3/1/book").await;
        let ranges = json!({"structures": [self.range(&shown)]});
        let patch = self.server.request(Persona::Admin, Method::PATCH, "/1/manifests/book");
        let patch = patch.header("X-IIIF-CS-Show-Extras", "All").json(&ranges);
        let answer = patch.send().await.expect("the server answers");
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap_or_default());

        let address = "/iiif-manifest/v3/1/1/page%201.png";
        let mut written = self.server.json(Persona::Anonymous, address).await;
        written["structures"] = json!([self.range(&written)]);
        written["slug"] = json!("written");
        written["parent"] = json!("shelf");
        written["requiredStatement"] =
            json!({"label": {"en": ["Attribution"]}, "value": {"en": ["A library"]}});
        self.store("manifests/written", &written).await;
    }

    fn range(&self, manifest: &Value) -> Value {
        let leaf = |(at, canvas): (usize, &Value)| {
            json!({"id": format!("{}/ranges/{at}", self.server.base), "type": "Range",
                "label": {"en": [format!("Chapter {at}")]},
                "items": [{"id": canvas["id"], "type": "Canvas"}]})
        };
        let canvases = manifest["items"].as_array().expect("canvases").iter().enumerate();
        json!({"id": format!("{}/ranges/top", self.server.base), "type": "Range",
            "label": {"en": ["Contents"]}, "items": canvases.map(leaf).collect::<Vec<_>>()})
    }

    /// Stores a collection that holds things, with one in it, and one that a client wrote.
    async fn store_collections(&self) {
        let folder = json!({"type": "Collection", "slug": "shelf", "label": {"en": ["A shelf"]},
            "behavior": ["storage-collection", "public-iiif"]});
        self.store("collections/shelf", &folder).await;
        let mut inner = folder.clone();
        inner["slug"] = json!("inner");
        inner["parent"] = json!("shelf");
        self.store("collections/inner", &inner).await;
        let picks = json!({"type": "Collection", "slug": "picks", "label": {"en": ["Picks"]},
        "behavior": ["multi-part", "public-iiif"], "summary": {"en": ["By hand"]},
        "items": [
            {"id": format!("{}/iiif/v3/1/book", self.server.base), "type": "Manifest",
                "label": {"en": ["A book"]}},
            {"id": format!("{}/iiif/1/shelf", self.server.base), "type": "Collection",
                "label": {"en": ["A shelf"]}},
        ]});
        self.store("collections/picks", &picks).await;
    }

    async fn store(&self, path: &str, body: &Value) {
        let request = self.server.request(Persona::Admin, Method::PUT, &format!("/1/{path}"));
        let answer = request.header("X-IIIF-CS-Show-Extras", "All").json(body).send().await;
        let answer = answer.expect("the server answers");
        assert_eq!(answer.status(), 201, "{}", answer.text().await.unwrap_or_default());
    }

    /// Returns each document of version 3, with how much is in it at least.
    async fn all(&self) -> Vec<Value> {
        let mut all = Vec::new();
        for address in self.manifests.iter().chain(&self.collections) {
            let document = self.server.json(Persona::Anonymous, address).await;
            let items = document["items"].as_array().map_or(0, Vec::len);
            assert!(items > 0, "{address} is empty: {document}");
            all.push(document);
        }
        all
    }
}

#[tokio::test]
async fn manifests_and_collections_follow_the_official_schema() {
    for document in Documents::make().await.all().await {
        follows_the_schema(&document);
    }
}

/// Validates a document of version 3.0.
pub(crate) fn follows_the_schema(document: &Value) {
    let Some(schema) = fixtures::schema("presentation/iiif_3_0.json") else { return };
    let Some(python) = python_tool("python") else { return };
    let program = "import json,sys,jsonschema\n\
        errors=list(jsonschema.Draft7Validator(json.load(open(sys.argv[1]))).iter_errors(json.load(sys.stdin)))\n\
        print('\\n'.join(str(e.message)[:300] for e in errors)); sys.exit(bool(errors))";
    let schema = schema.to_str().expect("UTF-8");
    feed(&python, &["-c", program, schema], &document.to_string());
}

#[tokio::test]
async fn prezi3_reads_our_manifests_and_collections() {
    let Some(python) = python_tool("python") else { return };
    let program = "import json,sys,iiif_prezi3\n\
        given=json.load(sys.stdin)\n\
        read=getattr(iiif_prezi3, given['type']).model_validate(given)\n\
        assert len(read.items) == len(given['items']), 'something is lost'\n\
        assert read.type == 'Collection' or read.items[0].items, 'no canvas is painted'";
    for document in Documents::make().await.all().await {
        feed(&python, &["-c", program], &document.to_string());
    }
}

#[tokio::test]
async fn iiif_parser_reads_both_versions() {
    let documents = Documents::make().await;
    for address in documents.manifests.iter().chain(&documents.collections) {
        for address in [address.clone(), address.replace("/v3/", "/v2/")] {
            is_read_by_the_parser(&documents.server.json(Persona::Anonymous, &address).await);
        }
    }
}

#[test]
fn canary_a_collection_that_breaks_the_rules_is_refused() {
    let wrong = [
        json!({"@context": CONTEXT, "id": "https://example.org/c", "type": "Collection",
            "items": []}),
        json!({"@context": CONTEXT, "id": "https://example.org/c", "type": "Collection",
            "label": {"en": ["No members of that kind"]},
            "items": [{"id": "https://example.org/x", "type": "Canvas"}]}),
    ];
    for document in wrong {
        if fixtures::schema("presentation/iiif_3_0.json").is_some()
            && python_tool("python").is_some()
        {
            assert!(std::panic::catch_unwind(|| follows_the_schema(&document)).is_err());
        }
    }
}

/// Reads a manifest or a collection of either version with `@iiif/parser`.
pub(crate) fn is_read_by_the_parser(document: &Value) {
    let script = workspace_root().join("tests/browser/manifest.mjs");
    let script = script.to_str().expect("UTF-8");
    feed(&PathBuf::from("node"), &[script, "-"], &document.to_string());
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
