//! What every event store is measured with: one event of a typical size, and writers in a loop.
//!
//! The sides of a comparison are programs of their own, and both use this.

pub mod annotations;

use anyhow::{Context, Result, ensure};
use dlcs_domain::asset::{AssetMetadata, Delivery, Registered, Source};
use dlcs_domain::{ActorId, CustomerId, EventMetadata};
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use uuid::Uuid;

/// Bytes of JSON, together 528.
pub const PAYLOAD_BYTES: usize = 379;
pub const METADATA_BYTES: usize = 149;

/// Name of the program in the metadata.
pub const PROGRAM: &str = "0.0.1";

/// Makes registrations whose events have [`PAYLOAD_BYTES`] and [`METADATA_BYTES`].
#[derive(Debug, Clone)]
pub struct Sample {
    /// Fills the payload up.
    pub string1: String,
    /// Fills the metadata up.
    pub actor: ActorId,
}

impl Default for Sample {
    fn default() -> Self {
        let mut sample = Self { string1: "x".to_owned(), actor: ActorId("x".to_owned()) };
        let payload = json(&sample.registered(&asset_name(0, 0)));
        sample.string1 = "x".repeat(1 + PAYLOAD_BYTES - payload.len());
        let metadata = sample.metadata(Uuid::nil()).to_json();
        sample.actor = ActorId("x".repeat(1 + METADATA_BYTES - metadata.len()));
        sample
    }
}

impl Sample {
    /// Returns the registration of one image, as the write side records it.
    pub fn registered(&self, name: &str) -> Registered {
        Registered {
            generation: 1,
            attempt: 1,
            source: Source::Origin { url: origin(name) },
            media_type: None,
            metadata: AssetMetadata {
                string1: self.string1.clone(),
                number1: 7,
                ..AssetMetadata::default()
            },
            roles: Vec::new(),
            recognise: Default::default(),
            limits: Default::default(),
            delivery: Delivery::standard(),
            batch: None,
            queue: Default::default(),
        }
    }

    /// Returns the JSON of payload and metadata of one registration, made anew.
    pub fn json(&self, name: &str) -> (Vec<u8>, Vec<u8>) {
        let payload = serde_json::to_vec(&self.registered(name)).expect("a sample is plain JSON");
        (payload, self.metadata(Uuid::now_v7()).to_json())
    }

    /// Returns what stands beside each event.
    pub fn metadata(&self, correlation_id: Uuid) -> EventMetadata {
        EventMetadata {
            actor: self.actor.clone(),
            customer: Some(CustomerId(1)),
            correlation_id,
            causation_id: None,
            program: PROGRAM.to_owned(),
            traceparent: None,
            command_id: None,
            body_sha256: None,
        }
    }
}

/// Names an image; every name has the same length.
pub fn asset_name(writer: u32, number: u64) -> String {
    format!("{writer:03}-{number:09}")
}

pub fn origin(name: &str) -> String {
    format!("https://images.example/{name}.jpg")
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("a sample is plain JSON")
}

/// What one side of one round did. Goes from a child to the benchmark as one line of JSON.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Done {
    pub events: u64,
    pub seconds: f64,
    /// Of single writes; zero where there are none.
    pub p50_ms: f64,
    pub p99_ms: f64,
}

impl Done {
    /// Takes the time since `begun` for events that were not awaited one by one.
    pub fn since(begun: Instant, events: u64) -> Self {
        Self { events, seconds: begun.elapsed().as_secs_f64(), p50_ms: 0.0, p99_ms: 0.0 }
    }

    pub fn per_second(&self) -> f64 {
        self.events as f64 / self.seconds
    }

    /// Tells the benchmark.
    pub fn print(&self) {
        println!("{}", json(self));
    }
}

/// Writes events, or asks, one after the other.
pub trait Writer: Send + 'static {
    /// Returns once event `number` of this writer is durable.
    fn write(&mut self, number: u64) -> impl Future<Output = Result<()>> + Send;
}

/// Lets writers write for some time, each waiting for its own answer before it goes on.
pub async fn closed_loop<W: Writer>(
    writers: impl IntoIterator<Item = W>,
    time: Duration,
) -> Result<Done> {
    let mut tasks = JoinSet::new();
    let begun = Instant::now();
    for writer in writers {
        tasks.spawn(write_until(writer, begun + time));
    }
    gathered(tasks, begun).await
}

/// Lets writers share numbers, each taking the next one once its own answer has come.
pub async fn in_turns<W: Writer>(
    writers: impl IntoIterator<Item = W>,
    numbers: Range<u64>,
) -> Result<Done> {
    let next = Arc::new(AtomicU64::new(numbers.start));
    let mut tasks = JoinSet::new();
    let begun = Instant::now();
    for writer in writers {
        tasks.spawn(write_below(writer, Arc::clone(&next), numbers.end));
    }
    gathered(tasks, begun).await
}

async fn gathered(mut tasks: JoinSet<Result<Vec<Duration>>>, begun: Instant) -> Result<Done> {
    let mut waits = Vec::new();
    while let Some(done) = tasks.join_next().await {
        waits.extend(done??);
    }
    let seconds = begun.elapsed().as_secs_f64();
    waits.sort_unstable();
    let last = waits.len().checked_sub(1).context("nothing was written")?;
    let percentile = |it: usize| waits[last * it / 100].as_secs_f64() * 1e3;
    let (p50_ms, p99_ms) = (percentile(50), percentile(99));
    ensure!(seconds > 0.0, "no time has passed");
    Ok(Done { events: waits.len() as u64, seconds, p50_ms, p99_ms })
}

async fn write_below(
    mut writer: impl Writer,
    next: Arc<AtomicU64>,
    end: u64,
) -> Result<Vec<Duration>> {
    let mut waits = Vec::new();
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= end {
            return Ok(waits);
        }
        let begun = Instant::now();
        writer.write(number).await?;
        waits.push(begun.elapsed());
    }
}

async fn write_until(mut writer: impl Writer, end: Instant) -> Result<Vec<Duration>> {
    let mut waits = Vec::new();
    while Instant::now() < end {
        let begun = Instant::now();
        writer.write(waits.len() as u64).await?;
        waits.push(begun.elapsed());
    }
    Ok(waits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_has_the_same_size() {
        let sample = Sample::default();
        for (writer, number) in [(0, 0), (255, 999_999_999)] {
            let payload = json(&sample.registered(&asset_name(writer, number)));
            assert_eq!(payload.len(), PAYLOAD_BYTES);
        }
        assert_eq!(sample.metadata(Uuid::from_u128(7)).to_json().len(), METADATA_BYTES);
    }
}
