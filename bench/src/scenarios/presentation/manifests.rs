//! The manifests: how they are made, stored and changed.

use crate::client::Connection;
use crate::program::{Server, image_path};
use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::sleep;

/// Public addresses.
pub(super) const OWN: &str = "/iiif/1/own";
pub(super) const PAINTED: &str = "/iiif/1/painted";
const OWN_MANAGED: &str = "/1/manifests/own";
const PAINTED_MANAGED: &str = "/1/manifests/painted";
const EXTRAS: (&str, &str) = ("x-iiif-cs-show-extras", "All");
const JSON: (&str, &str) = ("content-type", "application/json");
const UPLOADERS: u32 = 8;
/// How long the pages may take to be ingested.
const PATIENCE: Duration = Duration::from_secs(600);

/// How long a change took, from its first byte sent.
pub(super) struct Times {
    pub(super) answered_ms: f64,
    pub(super) shown_ms: f64,
}

/// Both manifests have as many canvases.
#[derive(Debug, Clone, Copy)]
pub(super) struct Book {
    pub(super) canvases: u32,
}

impl Book {
    /// Stores the manifest with canvases of its own.
    pub(super) async fn store_own(self, server: &Server) -> Result<()> {
        let body = self.own(None).to_string().into_bytes();
        send(&mut server.connect().await?, "PUT", OWN_MANAGED, body).await
    }

    /// Registers the pages, all with the same bytes, and stores the manifest that paints them.
    pub(super) async fn store_painted(self, server: &Server, page: Vec<u8>) -> Result<()> {
        let (next, page) = (Arc::new(AtomicU32::new(0)), Arc::new(page));
        let mut uploaders = JoinSet::new();
        for _ in 0..UPLOADERS {
            let connection = server.connect().await?;
            uploaders.spawn(self.upload(connection, Arc::clone(&next), Arc::clone(&page)));
        }
        while let Some(done) = uploaders.join_next().await {
            done??;
        }
        let body = json!({
            "slug": "painted",
            "label": {"en": ["Registered pages"]},
            "paintedResources": self.painted(None),
        });
        let mut connection = server.connect().await?;
        send(&mut connection, "PUT", PAINTED_MANAGED, body.to_string().into_bytes()).await?;
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            let answer = connection.send("GET", PAINTED_MANAGED, &[EXTRAS], Vec::new()).await?;
            let state = &serde_json::from_slice::<Value>(&answer.body)?["ingesting"];
            ensure!(state["errors"] == 0, "pages failed: {state}");
            if state["isSettled"] == true {
                return Ok(());
            }
            sleep(Duration::from_secs(1)).await;
        }
        bail!("the pages are not ingested in time")
    }

    async fn upload(
        self,
        mut connection: Connection,
        next: Arc<AtomicU32>,
        page: Arc<Vec<u8>>,
    ) -> Result<()> {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= self.canvases {
                return Ok(());
            }
            let path = format!("{}/content", image_path(&page_id(number)));
            let headers = [("content-type", "image/jpeg"), ("prefer", "respond-async")];
            let answer = connection.send("PUT", &path, &headers, page.to_vec()).await?;
            ensure!(answer.status.is_success(), "page {number}: {}", answer.text());
        }
    }

    /// Changes the label of one canvas by putting the whole document; returns that too.
    pub(super) async fn change_own(
        self,
        server: &Server,
        number: usize,
    ) -> Result<(Times, Vec<u8>)> {
        let label = format!("own change {number}");
        let body = self.own(Some(&label)).to_string().into_bytes();
        let mut connection = server.connect().await?;
        let begun = Instant::now();
        send(&mut connection, "PUT", OWN_MANAGED, body.clone()).await?;
        Ok((shown(&mut connection, OWN, &label, begun).await?, body))
    }

    /// Changes the label of one canvas by patching that alone.
    pub(super) async fn change_canvas(self, server: &Server, number: usize) -> Result<Times> {
        let label = format!("canvas change {number}");
        let canvas = canvas_id(self.canvases / 2).replace(':', "%3A").replace('/', "%2F");
        let path = format!("{OWN_MANAGED}/canvases/{canvas}");
        let body = json!({"label": {"none": [label]}}).to_string().into_bytes();
        let mut connection = server.connect().await?;
        let begun = Instant::now();
        send(&mut connection, "PATCH", &path, body).await?;
        shown(&mut connection, OWN, &label, begun).await
    }

    /// Changes the label of one painted image by patching the list of them.
    pub(super) async fn change_painted(self, server: &Server, number: usize) -> Result<Times> {
        let label = format!("painted change {number}");
        let body = json!({"paintedResources": self.painted(Some(&label))});
        let body = body.to_string().into_bytes();
        let mut connection = server.connect().await?;
        let begun = Instant::now();
        send(&mut connection, "PATCH", PAINTED_MANAGED, body).await?;
        shown(&mut connection, PAINTED, &label, begun).await
    }

    /// The canvas in the middle is the one that changes.
    fn label(self, number: u32, changed: Option<&str>) -> String {
        match changed {
            Some(label) if number == self.canvases / 2 => label.to_owned(),
            _ => {
                format!("f. {}{}", number / 2 + 1, if number.is_multiple_of(2) { "r" } else { "v" })
            }
        }
    }

    fn own(self, changed: Option<&str>) -> Value {
        let canvases = (0..self.canvases).map(|it| canvas(it, &self.label(it, changed)));
        json!({
            "@context": "http://iiif.io/api/presentation/3/context.json",
            "type": "Manifest",
            "slug": "own",
            "label": {"en": ["A large book"]},
            "metadata": [{"label": {"en": ["Shelfmark"]}, "value": {"none": ["MS 1"]}}],
            "rights": "http://creativecommons.org/publicdomain/mark/1.0/",
            "items": canvases.collect::<Vec<_>>(),
        })
    }

    fn painted(self, changed: Option<&str>) -> Vec<Value> {
        let painted = (0..self.canvases).map(|number| {
            json!({
                "asset": {"id": page_id(number), "space": 1},
                "canvasPainting": {
                    "canvasOrder": number,
                    "label": {"none": [self.label(number, changed)]},
                },
            })
        });
        painted.collect()
    }
}

fn page_id(number: u32) -> String {
    format!("page-{number:05}.jpg")
}

fn page_base(number: u32) -> String {
    format!("https://library.example/iiif/book/p{number}")
}

fn canvas_id(number: u32) -> String {
    format!("{}/canvas", page_base(number))
}

/// A canvas as libraries publish it: one image with its service, a thumbnail, something said.
fn canvas(number: u32, label: &str) -> Value {
    let (base, id) = (page_base(number), canvas_id(number));
    let service = format!("https://images.library.example/iiif/3/book-{number:05}");
    json!({
        "id": id,
        "type": "Canvas",
        "label": {"none": [label]},
        "metadata": [{"label": {"en": ["Leaf"]}, "value": {"none": [format!("{}", number / 2 + 1)]}}],
        "width": 4_000,
        "height": 6_000,
        "thumbnail": [{
            "id": format!("{service}/full/200,300/0/default.jpg"),
            "type": "Image",
            "format": "image/jpeg",
            "width": 200,
            "height": 300,
        }],
        "items": [{
            "id": format!("{base}/page"),
            "type": "AnnotationPage",
            "items": [{
                "id": format!("{base}/image"),
                "type": "Annotation",
                "motivation": "painting",
                "body": {
                    "id": format!("{service}/full/max/0/default.jpg"),
                    "type": "Image",
                    "format": "image/jpeg",
                    "width": 4_000,
                    "height": 6_000,
                    "service": [{"id": service, "type": "ImageService3", "profile": "level2"}],
                },
                "target": id,
            }],
        }],
    })
}

async fn send(connection: &mut Connection, method: &str, path: &str, body: Vec<u8>) -> Result<()> {
    let answer = connection.send(method, path, &[EXTRAS, JSON], body).await?;
    let read = matches!(answer.status.as_u16(), 200 | 201);
    ensure!(read, "{method} {path}: {}", &answer.text()[..answer.text().len().min(400)]);
    Ok(())
}

/// Waits until readers get the label; it may take more than one look.
async fn shown(
    connection: &mut Connection,
    path: &str,
    label: &str,
    begun: Instant,
) -> Result<Times> {
    let answered_ms = begun.elapsed().as_secs_f64() * 1e3;
    loop {
        let answer = connection.get(path).await?;
        let read_ms = begun.elapsed().as_secs_f64() * 1e3;
        let is_there = answer.body.windows(label.len()).any(|it| it == label.as_bytes());
        if is_there {
            return Ok(Times { answered_ms, shown_ms: read_ms });
        }
        ensure!(read_ms < 10_000.0, "{path} does not show the change");
    }
}

/// Puts a file in the place of another one, durably; returns the time in milliseconds.
pub(super) fn replace_file(path: &Path, bytes: &[u8]) -> Result<f64> {
    let begun = Instant::now();
    let new = path.with_extension("new");
    let mut file = File::create(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&new, path)?;
    File::open(path.parent().context("it is in a folder")?)?.sync_all()?;
    Ok(begun.elapsed().as_secs_f64() * 1e3)
}
