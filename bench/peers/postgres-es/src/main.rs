//! The peer of the event log on PostgreSQL: `postgres-es` 0.5, as its crate comes.
//!
//! A child of the benchmark. It writes and reads the same events, in the schema that the crate
//! documents; only `persist` is timed, without loading or deciding anything, which favours it.

use anyhow::{Context, Result, ensure};
use clap::{Args, Parser, Subcommand};
use cqrs_es::event_sink::EventSink;
use cqrs_es::persist::{PersistedEventRepository, SerializedEvent};
use cqrs_es::{Aggregate, DomainEvent};
use dlcs_bench_sample::{Done, Sample, Writer, asset_name, closed_loop};
use dlcs_domain::asset::Registered;
use postgres_es::PostgresEventRepository;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::postgres::{PgPool, PgPoolOptions};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// As `db/init.sql` of the crate has it.
const SCHEMA: &str = "
    CREATE TABLE events (
        aggregate_type text                         NOT NULL,
        aggregate_id   text                         NOT NULL,
        sequence       bigint CHECK (sequence >= 0) NOT NULL,
        event_type     text                         NOT NULL,
        event_version  text                         NOT NULL,
        payload        json                         NOT NULL,
        metadata       json                         NOT NULL,
        PRIMARY KEY (aggregate_type, aggregate_id, sequence)
    )";
const COPY: &str = "
    COPY events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload,
                 metadata)
    FROM STDIN";
const COPY_ROWS: u64 = 10_000;

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    work: Work,
}

#[derive(Args)]
struct Place {
    /// Of an empty database.
    #[arg(long)]
    url: String,
}

#[derive(Subcommand)]
enum Work {
    /// Persists events one by one, each writer on a connection of its own.
    Append {
        #[command(flatten)]
        place: Place,
        #[arg(long)]
        writers: u32,
        #[arg(long)]
        seconds: f64,
    },
    /// Fills the table, as fast as can be.
    Fill {
        #[command(flatten)]
        place: Place,
        #[arg(long)]
        events: u64,
    },
    /// Streams all events and decodes each.
    Replay {
        #[command(flatten)]
        place: Place,
    },
}

#[tokio::main]
async fn main() -> Result<()> {
    match Cli::parse().work {
        Work::Append { place, writers, seconds } => append(&place, writers, seconds).await?.print(),
        Work::Fill { place, events } => fill(&place, events).await?.print(),
        Work::Replay { place } => replay(&place).await?.print(),
    }
    Ok(())
}

async fn pool(place: &Place, connections: u32) -> Result<PgPool> {
    let options = PgPoolOptions::new().min_connections(connections).max_connections(connections);
    options.connect(&place.url).await.context("the database cannot be reached")
}

async fn append(place: &Place, writers: u32, seconds: f64) -> Result<Done> {
    let pool = pool(place, writers).await?;
    sqlx::raw_sql(SCHEMA).execute(&pool).await?;
    let repository = Arc::new(PostgresEventRepository::new(pool.clone()));
    let writer =
        |writer| Persister { repository: Arc::clone(&repository), writer, maker: Maker::new() };
    let done = closed_loop((0..writers).map(writer), Duration::from_secs_f64(seconds)).await?;
    let stored: i64 = sqlx::query_scalar("SELECT count(*) FROM events").fetch_one(&pool).await?;
    ensure!(stored.cast_unsigned() == done.events, "{stored} of {} events are there", done.events);
    Ok(done)
}

async fn fill(place: &Place, events: u64) -> Result<Done> {
    let pool = pool(place, 1).await?;
    sqlx::raw_sql(SCHEMA).execute(&pool).await?;
    let (begun, maker) = (Instant::now(), Maker::new());
    let mut connection = pool.acquire().await?;
    for first in (0..events).step_by(usize::try_from(COPY_ROWS)?) {
        let mut rows = String::new();
        for number in first..events.min(first + COPY_ROWS) {
            let event = maker.event(0, number);
            let SerializedEvent { aggregate_id, payload, metadata, .. } = event;
            // The sample has nothing in it that COPY would want escaped.
            writeln!(
                rows,
                "{}\t{aggregate_id}\t1\t{}\t1\t{payload}\t{metadata}",
                Asset::TYPE,
                EVENT
            )?;
        }
        let mut copy = connection.copy_in_raw(COPY).await?;
        copy.send(rows.into_bytes()).await?;
        copy.finish().await?;
    }
    // It is the only one of the pool.
    drop(connection);
    sqlx::raw_sql("ANALYZE events").execute(&pool).await?;
    Ok(Done::since(begun, events))
}

async fn replay(place: &Place) -> Result<Done> {
    let repository = PostgresEventRepository::new(pool(place, 2).await?);
    let begun = Instant::now();
    let mut stream = repository.stream_all_events::<Asset>().await?;
    let mut events = 0;
    while let Some(event) = stream.next::<Asset>(&[]).await {
        std::hint::black_box(event?);
        events += 1;
    }
    Ok(Done::since(begun, events))
}

/// Makes what the crate persists.
struct Maker {
    sample: Sample,
    metadata: Value,
}

impl Maker {
    fn new() -> Self {
        let sample = Sample::default();
        // The crate's metadata is a map of texts; otherwise it is the same.
        let metadata = json!({
            "actor": sample.actor.0,
            "customer": "1",
            "correlation_id": "00000000-0000-0000-0000-000000000007",
            "program": dlcs_bench_sample::PROGRAM,
        });
        Self { sample, metadata }
    }

    fn event(&self, writer: u32, number: u64) -> SerializedEvent {
        let name = asset_name(writer, number);
        let payload = serde_json::to_value(self.sample.registered(&name));
        SerializedEvent::new(
            format!("1/1/{name}"),
            1,
            Asset::TYPE.to_owned(),
            EVENT.to_owned(),
            "1".to_owned(),
            payload.expect("a sample is plain JSON"),
            self.metadata.clone(),
        )
    }
}

struct Persister {
    repository: Arc<PostgresEventRepository>,
    writer: u32,
    maker: Maker,
}

impl Writer for Persister {
    async fn write(&mut self, number: u64) -> Result<()> {
        let event = self.maker.event(self.writer, number);
        Ok(self.repository.persist::<Asset>(&[event], None).await?)
    }
}

const EVENT: &str = "asset.registered";

/// What the crate wants to know of; nothing is decided here.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Asset;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
struct Event(Registered);

impl DomainEvent for Event {
    fn event_type(&self) -> String {
        EVENT.to_owned()
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}

impl Aggregate for Asset {
    const TYPE: &'static str = "asset";
    type Command = ();
    type Event = Event;
    type Error = std::convert::Infallible;
    type Services = ();

    async fn handle(&mut self, (): (), (): &(), _: &EventSink<Self>) -> Result<(), Self::Error> {
        Ok(())
    }

    fn apply(&mut self, _: Event) {}
}
