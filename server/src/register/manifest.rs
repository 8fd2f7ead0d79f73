//! `--manifest NAME`: a stored manifest of the registered images, in order.

use super::send::Outcome;
use super::space::Space;
use crate::client::{Client, Problem};
use anyhow::Context;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

/// Makes the manifest, or replaces the one of this name; returns its public address.
pub(super) async fn publish(
    client: &Client,
    space: &Space,
    name: &str,
    outcomes: &[Outcome],
) -> anyhow::Result<String> {
    let body = document(name, outcomes);
    let path = format!("/{}/manifests", space.customer);
    let create = extras(client.request(Method::POST, &path)).json(&body);
    let made = match client.json(create).await {
        Ok(made) => made,
        Err(error) => match error.downcast_ref::<Problem>() {
            Some(problem) if problem.status == 409 => {
                replace(client, &format!("{path}/{}", crate::client::segment(name)), &body).await?
            }
            _ => return Err(error.context("the manifest cannot be made")),
        },
    };
    made["publicId"].as_str().map(str::to_owned).context("the manifest has no public address")
}

async fn replace(client: &Client, path: &str, body: &Value) -> anyhow::Result<Value> {
    let current = client.send(extras(client.request(Method::GET, path))).await?;
    let etag = current.headers().get("etag").cloned().context("the manifest has no ETag")?;
    let request = extras(client.request(Method::PUT, path)).header("if-match", etag).json(body);
    client.json(request).await
}

fn extras(request: RequestBuilder) -> RequestBuilder {
    request.header("X-IIIF-CS-Show-Extras", "All")
}

/// Images that were refused have no canvas; those that failed get theirs when they are delivered.
fn document(name: &str, outcomes: &[Outcome]) -> Value {
    let registered = outcomes.iter().filter(|outcome| outcome.address.is_some());
    let painted: Vec<Value> = registered
        .map(|outcome| {
            json!({
                "asset": { "id": outcome.id, "space": outcome.space },
                "canvasPainting": { "label": { "none": [outcome.id] } },
            })
        })
        .collect();
    json!({
        "type": "Manifest", "id": name, "slug": name,
        "label": { "none": [name] }, "paintedResources": painted,
    })
}
