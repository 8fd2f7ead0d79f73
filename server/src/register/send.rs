//! Registers one item and waits until it is ingested.

use super::collect::{Bytes, Item};
use super::progress::Reporter;
use super::space::Space;
use crate::client::{Client, Problem, segment};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

/// How one item ended.
#[derive(Debug, Clone)]
pub(super) struct Outcome {
    pub(super) index: usize,
    pub(super) source: String,
    pub(super) customer: u64,
    pub(super) space: u64,
    pub(super) id: String,
    /// Address of the management resource, once there is one.
    pub(super) address: Option<String>,
    /// `delivered`, `failed`, `ingesting` or `refused`.
    pub(super) state: &'static str,
    pub(super) error: Option<Failed>,
}

#[derive(Debug, Clone)]
pub(super) struct Failed {
    pub(super) code: String,
    pub(super) detail: String,
}

impl Outcome {
    /// The line of `--json`.
    pub(super) fn line(&self) -> Value {
        let error = self.error.as_ref().map(|it| json!({ "code": it.code, "detail": it.detail }));
        json!({
            "source": self.source, "customer": self.customer, "space": self.space, "id": self.id,
            "@id": self.address, "state": self.state, "error": error,
        })
    }
}

pub(super) struct Sender<'a> {
    pub(super) client: &'a Client,
    pub(super) space: &'a Space,
    pub(super) wait: bool,
    /// Also for the text that was asked for.
    pub(super) wait_text: bool,
}

impl Sender<'_> {
    pub(super) async fn register(&self, index: usize, item: Item, reporter: &Reporter) -> Outcome {
        let mut outcome = Outcome {
            index,
            source: item.source.clone(),
            customer: self.space.customer,
            space: self.space.number,
            id: item.id.clone(),
            address: None,
            state: "refused",
            error: None,
        };
        match self.send(&item).await {
            Ok(answer) => {
                reporter.registered();
                settle(&mut outcome, &answer);
            }
            Err(error) => outcome.error = Some(failed(&error)),
        }
        if self.wait && outcome.state == "ingesting" {
            self.wait(&mut outcome).await;
        }
        if self.wait_text && outcome.state == "delivered" && item.fields.contains_key("ocr") {
            self.wait_for_text(&mut outcome).await;
        }
        outcome
    }

    async fn send(&self, item: &Item) -> anyhow::Result<Value> {
        let path = self.space.image_path(&item.id);
        match &item.bytes {
            Bytes::Origin(url) => {
                let mut body = item.fields.clone();
                body.insert("origin".to_owned(), json!(url));
                self.client.json(self.client.request(Method::PUT, &path).json(&body)).await
            }
            Bytes::File(file) => {
                let file = tokio::fs::File::open(file).await?;
                let length = file.metadata().await?.len();
                let request = self
                    .client
                    .request(Method::PUT, &content_path(&path, item)?)
                    .header("content-type", "application/octet-stream")
                    .header("content-length", length)
                    .body(reqwest::Body::wrap_stream(tokio_util::io::ReaderStream::new(file)));
                self.client.json(request).await
            }
        }
    }

    /// Polls until the image is no longer worked on, at growing intervals.
    async fn wait(&self, outcome: &mut Outcome) {
        let path = self.space.image_path(&outcome.id);
        let mut pause = Duration::from_millis(25);
        loop {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(1));
            match self.client.json(self.client.request(Method::GET, &path)).await {
                Ok(answer) => settle(outcome, &answer),
                Err(error) => {
                    outcome.state = "unknown";
                    outcome.error = Some(failed(&error));
                }
            }
            if outcome.state != "ingesting" {
                return;
            }
        }
    }
}

impl Sender<'_> {
    /// Polls until the image is read. The request follows the delivery by itself, so that nothing
    /// may be there at first.
    async fn wait_for_text(&self, outcome: &mut Outcome) {
        let path = format!("{}/text", self.space.image_path(&outcome.id));
        let mut pause = Duration::from_millis(100);
        loop {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(1));
            match self.client.json(self.client.request(Method::GET, &path)).await {
                Ok(answer) if settle_text(outcome, &answer) => return,
                Ok(_) => {}
                Err(error) => {
                    outcome.error = Some(failed(&error));
                    return;
                }
            }
        }
    }
}

/// Says whether the text has come to its end. The image stays delivered if its text failed.
fn settle_text(outcome: &mut Outcome, answer: &Value) -> bool {
    let error = &answer["error"];
    if answer["status"] == "failed" && !error["nextAttempt"].is_string() {
        let text = |key: &str| error[key].as_str().unwrap_or_default().to_owned();
        outcome.error = Some(Failed { code: text("code"), detail: text("detail") });
        return true;
    }
    answer["status"] == "ready"
}

/// The fields go with the bytes, so that an image that is to be closed is never open.
fn content_path(path: &str, item: &Item) -> anyhow::Result<String> {
    if item.fields.is_empty() {
        return Ok(format!("{path}/content"));
    }
    let fields = serde_json::to_string(&item.fields)?;
    Ok(format!("{path}/content?fields={}", segment(&fields)))
}

/// Reads the state from the image's resource. A failure that is tried again is not the end.
fn settle(outcome: &mut Outcome, answer: &Value) {
    outcome.address = answer["@id"].as_str().map(str::to_owned);
    let error = &answer["error"];
    let again = error["nextAttempt"].is_string();
    if answer["ingesting"] == json!(true) || again {
        outcome.state = "ingesting";
        return;
    }
    if error.is_object() {
        let text = |key: &str| error[key].as_str().unwrap_or_default().to_owned();
        outcome.state = "failed";
        outcome.error = Some(Failed { code: text("code"), detail: text("detail") });
        return;
    }
    outcome.state = "delivered";
    outcome.error = None;
}

fn failed(error: &anyhow::Error) -> Failed {
    match error.downcast_ref::<Problem>() {
        Some(problem) => Failed { code: problem.code.clone(), detail: problem.detail.clone() },
        None => Failed { code: "client".to_owned(), detail: format!("{error:#}") },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state_of(answer: Value) -> (&'static str, Option<String>) {
        let mut outcome = Outcome {
            index: 0,
            source: String::new(),
            customer: 1,
            space: 1,
            id: "a".into(),
            address: None,
            state: "refused",
            error: None,
        };
        settle(&mut outcome, &answer);
        (outcome.state, outcome.error.map(|error| error.code))
    }

    #[test]
    fn a_text_ends_ready_or_failed_for_good() {
        let end = |answer: Value| {
            let mut outcome = Outcome {
                index: 0,
                source: String::new(),
                customer: 1,
                space: 1,
                id: "a".into(),
                address: None,
                state: "delivered",
                error: None,
            };
            let ended = settle_text(&mut outcome, &answer);
            (ended, outcome.error.map(|error| error.code))
        };
        assert_eq!(end(json!({"status": "none"})), (false, None));
        assert_eq!(end(json!({"status": "started"})), (false, None));
        assert_eq!(end(json!({"status": "ready"})), (true, None));
        let error = json!({"code": "recognition-failed", "detail": "d", "nextAttempt": "2026"});
        assert_eq!(end(json!({"status": "failed", "error": error})), (false, None));
        let error = json!({"code": "recognition-failed", "detail": "d"});
        let failed = (true, Some("recognition-failed".to_owned()));
        assert_eq!(end(json!({"status": "failed", "error": error})), failed);
    }

    #[test]
    fn the_state_follows_from_the_resource() {
        let failed = json!({"code": "image-corrupt", "detail": "d", "attempt": 1});
        assert_eq!(state_of(json!({"ingesting": true})), ("ingesting", None));
        assert_eq!(state_of(json!({"ingesting": false})), ("delivered", None));
        assert_eq!(
            state_of(json!({"ingesting": false, "error": failed})),
            ("failed", Some("image-corrupt".into()))
        );
        let again = json!({"code": "origin-timeout", "nextAttempt": "2026-01-01T00:00:00Z"});
        assert_eq!(state_of(json!({"ingesting": false, "error": again})), ("ingesting", None));
    }
}
