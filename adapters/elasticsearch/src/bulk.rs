//! Many documents at once: what could not be written now is tried again, what never can is told.

use crate::client::{Body, Client, RequestError, meaning};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;

/// How often a document that the index refuses is offered.
pub(crate) const REFUSED_TRIES: u32 = 5;
/// How often one that it has no room for is offered, before whoever writes is told to come back.
const BUSY_TRIES: u32 = 6;
const PAUSE_FIRST: Duration = Duration::from_millis(50);
const PAUSE_AT_MOST: Duration = Duration::from_secs(2);

/// A document that is to be written.
pub(crate) struct Operation {
    pub id: String,
    /// Of the last event in it. An older document never takes the place of a newer one.
    pub position: u64,
    pub source: Value,
}

impl Operation {
    fn write(&self, lines: &mut Vec<u8>) {
        let action = json!({ "index": {
            "_id": self.id, "version": self.position, "version_type": "external_gte",
        }});
        for line in [&action, &self.source] {
            serde_json::to_writer(&mut *lines, line).expect("JSON is written to memory");
            lines.push(b'\n');
        }
    }
}

/// A document that the index refused each time.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub id: String,
    pub reason: String,
}

/// What became of one document in one request.
enum Outcome {
    Written,
    Busy(String),
    Refused(String),
}

/// Writes documents through the alias `live`; returns those that were refused.
///
/// With an error, some may have been written: writing them again does no harm.
pub(crate) async fn write(
    client: &Client,
    live: &str,
    mut operations: Vec<Operation>,
) -> Result<Vec<Refused>, RequestError> {
    let mut pause = PAUSE_FIRST;
    let (mut busy_tries, mut refused_tries) = (0, 0);
    loop {
        let outcomes = offer(client, live, &operations).await?;
        let (mut left, mut refused, mut busy) = (Vec::new(), Vec::new(), None);
        for (operation, outcome) in operations.into_iter().zip(outcomes) {
            match outcome {
                Outcome::Written => continue,
                Outcome::Busy(reason) => busy = Some(reason),
                Outcome::Refused(reason) => {
                    refused.push(Refused { id: operation.id.clone(), reason });
                }
            }
            left.push(operation);
        }
        match busy {
            Some(reason) => {
                busy_tries += 1;
                if busy_tries >= BUSY_TRIES {
                    return Err(RequestError::Unavailable(reason));
                }
            }
            None if refused.is_empty() => return Ok(Vec::new()),
            None => {
                refused_tries += 1;
                if refused_tries >= REFUSED_TRIES {
                    return Ok(refused);
                }
            }
        }
        tracing::debug!("{} documents are offered to {live} again", left.len());
        tokio::time::sleep(pause.mul_f64(rand::random_range(0.5..1.0))).await;
        pause = (2 * pause).min(PAUSE_AT_MOST);
        operations = left;
    }
}

/// Offers documents once; returns what became of each, in the same order.
async fn offer(
    client: &Client,
    live: &str,
    operations: &[Operation],
) -> Result<Vec<Outcome>, RequestError> {
    let mut lines = Vec::new();
    operations.iter().for_each(|it| it.write(&mut lines));
    let path =
        format!("{live}/_bulk?require_alias=true&filter_path=errors,items.*.status,items.*.error");
    let answer = match client.send(Method::POST, &path, Body::Lines(lines)).await {
        Ok(answer) => answer,
        // The queue is full: no item was looked at.
        Err(RequestError::Unavailable(reason)) if reason.contains(" 429 ") => {
            return Ok(operations.iter().map(|_| Outcome::Busy(reason.clone())).collect());
        }
        Err(error) => return Err(error),
    };
    if answer["errors"] == false {
        return Ok(operations.iter().map(|_| Outcome::Written).collect());
    }
    let items = answer["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    if items.len() != operations.len() {
        let reason = format!("{} documents, {} answers", operations.len(), items.len());
        return Err(RequestError::Unavailable(reason));
    }
    items.iter().map(|it| outcome(&it["index"])).collect()
}

fn outcome(item: &Value) -> Result<Outcome, RequestError> {
    let status = item["status"].as_u64().and_then(|it| u16::try_from(it).ok());
    let status = status.and_then(|it| StatusCode::from_u16(it).ok());
    let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if status.is_success() {
        return Ok(Outcome::Written);
    }
    match meaning(status, item) {
        // There is a newer one.
        RequestError::Conflict(_) => Ok(Outcome::Written),
        RequestError::Unavailable(reason) => Ok(Outcome::Busy(reason)),
        RequestError::Refused(reason) => Ok(Outcome::Refused(reason)),
        error @ (RequestError::Gone(_) | RequestError::Blocked(_)) => Err(error),
    }
}
