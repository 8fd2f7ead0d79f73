//! How many SQL statements one question needs, as what it asks for grows: counted in the log of
//! PostgreSQL.

use super::{Bench, register_batch};
use crate::children::{self, Postgres};
use crate::client::Connection;
use crate::figures::{Better, Figure, Outcome, Rounds};
use crate::program::Server;
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::sleep;

/// Canvases of the manifests.
const SIZES: [u32; 3] = [1, 10, 100];
const NOTES: &str = "/annotations/w3c/1/notes/";
const NOTES_BY_CANVAS: u32 = 2;
/// Questions of one kind. Projections look for news now and then, which is logged too: the fewest
/// statements that were seen are those of the question.
const TRIES: usize = 15;
/// How long the projections have for what was written.
const SETTLED: Duration = Duration::from_millis(150);

/// Fewest statements by number of canvases.
type Counts = [u64; SIZES.len()];

pub(crate) async fn run(bench: &Bench) -> Result<Outcome> {
    if let Some(skipped) = children::lacks_postgres() {
        return Ok(skipped);
    }
    let data = bench.folder("statements")?;
    let mut postgres = Postgres::start().await?;
    let url = postgres.create("dlcs").await?;
    let flags =
        ["--roles", "api,project", "--event-store", url.as_str(), "--read-store", url.as_str()];
    let server = bench.serve(&data, &flags).await?;
    prepare(&server).await?;
    postgres.log_statements().await?;
    let (mut described, mut asked, mut rendered, mut kept) =
        <(Counts, Counts, Counts, Counts)>::default();
    for (index, size) in SIZES.into_iter().enumerate() {
        eprintln!("statements: {size} canvases");
        described[index] = fewest(&server, &mut postgres, Question::Described(size)).await?;
        asked[index] = fewest(&server, &mut postgres, Question::Asked(size)).await?;
        rendered[index] = fewest(&server, &mut postgres, Question::Rendered(size)).await?;
        kept[index] = fewest(&server, &mut postgres, Question::Kept(size)).await?;
    }
    server.stop().await?;
    postgres.stop().await?;
    let figures = [
        ("GraphQL: a manifest, its label and address", described),
        ("GraphQL: a manifest, its canvases, their images and annotations", asked),
        ("IIIF document of registered images, rendered", rendered),
        ("IIIF document of registered images, as it was rendered before", kept),
    ];
    let figures = figures.into_iter().flat_map(|(what, counts)| figures_of(what, counts)).collect();
    Ok(Outcome::Measured { setup: setup(), figures })
}

/// Registers images, stores a manifest of each size, and annotates every canvas.
async fn prepare(server: &Server) -> Result<()> {
    let largest = SIZES.into_iter().max().unwrap_or_default();
    register_batch(server, largest, "page").await?;
    let mut connection = server.connect().await?;
    let headers = [("x-iiif-cs-show-extras", "All"), ("content-type", "application/json")];
    for size in SIZES {
        let painted =
            (0..size).map(|number| json!({"asset": {"id": format!("page-{number}"), "space": 1}}));
        let body =
            json!({"slug": format!("m{size}"), "paintedResources": painted.collect::<Vec<_>>()});
        let path = format!("/1/manifests/m{size}");
        let answer = connection.send("PUT", &path, &headers, body.to_string().into_bytes()).await?;
        ensure!(answer.status.is_success(), "{path}: {}", answer.text());
    }
    let container = json!({"type": ["BasicContainer", "AnnotationCollection"], "label": "Notes"});
    let answer = connection.put_json(NOTES, container.to_string()).await?;
    ensure!(answer.status.is_success(), "no container: {}", answer.text());
    for size in SIZES {
        let answer = ask(&mut connection, Question::Asked(size)).await?;
        let canvases = answer["data"]["manifest"]["canvases"]["nodes"].as_array();
        for canvas in canvases.with_context(|| format!("no canvases: {answer}"))? {
            for _ in 0..NOTES_BY_CANVAS {
                annotate(&mut connection, canvas["address"].as_str().unwrap_or_default()).await?;
            }
        }
    }
    Ok(())
}

async fn annotate(connection: &mut Connection, target: &str) -> Result<()> {
    let body = json!({
        "@context": "http://www.w3.org/ns/anno.jsonld",
        "type": "Annotation",
        "bodyValue": "A note",
        "target": target,
    });
    let headers = [("content-type", "application/ld+json")];
    let answer = connection.send("POST", NOTES, &headers, body.to_string().into_bytes()).await?;
    ensure!(answer.status.is_success(), "{target}: {}", answer.text());
    Ok(())
}

/// What is asked, of a manifest with so many canvases.
#[derive(Debug, Clone, Copy)]
enum Question {
    Described(u32),
    Asked(u32),
    /// After something has changed.
    Rendered(u32),
    Kept(u32),
}

async fn fewest(server: &Server, postgres: &mut Postgres, question: Question) -> Result<u64> {
    let mut connection = server.connect().await?;
    let mut fewest = u64::MAX;
    for _ in 0..TRIES {
        if matches!(question, Question::Rendered(_)) {
            annotate(&mut connection, "https://library.example/elsewhere").await?;
            sleep(SETTLED).await;
        }
        let before = postgres.statements().await?;
        ask(&mut connection, question).await?;
        let after = postgres.statements().await?;
        fewest = fewest.min(after - before);
    }
    Ok(fewest)
}

async fn ask(connection: &mut Connection, question: Question) -> Result<Value> {
    let query = match question {
        Question::Rendered(size) | Question::Kept(size) => {
            let answer = connection.get(&format!("/iiif/1/m{size}")).await?;
            ensure!(answer.status.is_success(), "{question:?}: {}", answer.text());
            return Ok(serde_json::from_slice(&answer.body)?);
        }
        Question::Described(size) => format!("{{ manifest(id: \"m{size}\") {{ label address }} }}"),
        Question::Asked(size) => format!(
            "{{ manifest(id: \"m{size}\") {{ label address canvases(first: {size}) {{ totalCount \
             nodes {{ address label asset {{ assetId state width height }} \
             annotations(first: 10) {{ annotationId document }} }} }} }} }}"
        ),
    };
    let body = json!({ "query": query }).to_string().into_bytes();
    let headers = [("content-type", "application/json")];
    let answer = connection.send("POST", "/graphql", &headers, body).await?;
    ensure!(answer.status.is_success(), "{question:?}: {}", answer.text());
    let answer: Value = serde_json::from_slice(&answer.body)?;
    ensure!(answer["errors"].is_null(), "{question:?}: {}", answer["errors"]);
    Ok(answer)
}

fn figures_of(what: &str, counts: Counts) -> Vec<Figure> {
    let rounds = counts.map(|it| Rounds(vec![it as f64]));
    let least = rounds[0].clone();
    let figures = SIZES.into_iter().zip(rounds).map(|(size, count)| {
        let canvases = if size == 1 { "1 canvas".to_owned() } else { format!("{size} canvases") };
        let figure = Figure::new(format!("{what}, {canvases}"), "statements", Better::Less, count);
        if size == SIZES[0] { figure } else { figure.beside("with 1 canvas", least.clone()) }
    });
    figures.collect()
}

fn setup() -> String {
    format!(
        "Manifests of registered images on PostgreSQL, {NOTES_BY_CANVAS} annotations on each canvas. \
         PostgreSQL logs every statement, and what is logged from the first byte of a question to the \
         last of its answer is counted; of {TRIES} times the fewest, for projections look for news \
         meanwhile. Here the peer is the smallest manifest: a ratio of one is flat."
    )
}
