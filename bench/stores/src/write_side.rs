//! Registrations through the write side that the API calls: look up the space, load the stream,
//! decide, encode, append, wait until it is durable.

use crate::store::Store;
use anyhow::{Result, ensure};
use async_trait::async_trait;
use dlcs_bench_sample::{Done, PROGRAM, Sample, Writer, asset_name, closed_loop, origin};
use dlcs_commands::clock::SystemClock;
use dlcs_commands::context::CommandContext;
use dlcs_commands::lookups::{LookupError, Lookups};
use dlcs_commands::services::{Commands, NewSpace};
use dlcs_domain::asset::{MetadataPatch, Registration, Source};
use dlcs_domain::patch::Patch;
use dlcs_domain::{AssetId, CollectionId, ContainerId, CustomerId, SpaceId};
use dlcs_eventlog::{EventLog, Position};
use dlcs_objects::memory::MemoryObjects;
use std::sync::Arc;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// The write side over one store, with a space to register in.
struct WriteSide {
    log: Arc<dyn EventLog>,
    commands: Commands,
    space: SpaceId,
    sample: Sample,
    /// Before the first registration.
    head: Position,
}

impl WriteSide {
    async fn open(store: &Store) -> Result<Self> {
        let log = store.log().await?;
        let commands = Commands::new(
            Arc::clone(&log),
            Arc::new(MemoryObjects::new(std::env::temp_dir())),
            Arc::new(NoLookups),
            Arc::new(SystemClock),
            PROGRAM,
        );
        let sample = Sample::default();
        let context = context(&sample);
        commands.customers.ensure_default(&context).await?;
        let new = NewSpace { name: "bench".to_owned(), ..NewSpace::default() };
        let (space, _) = commands.spaces.create(&context, CustomerId(1), new).await?;
        let head = log.head().await?;
        Ok(Self { log, commands, space, sample, head })
    }

    /// Makes sure that what was acknowledged is there.
    async fn check(&self, done: Done) -> Result<Done> {
        let stored = self.log.head().await?.0 - self.head.0;
        ensure!(stored == done.events, "{stored} of {} events are there", done.events);
        Ok(done)
    }
}

pub(crate) async fn append(store: &Store, writers: u32, seconds: f64) -> Result<Done> {
    let side = WriteSide::open(store).await?;
    let registrar = |writer| Registrar {
        commands: side.commands.clone(),
        space: side.space,
        sample: side.sample.clone(),
        writer,
    };
    let time = Duration::from_secs_f64(seconds);
    let done = closed_loop((0..writers).map(registrar), time).await?;
    side.check(done).await
}

pub(crate) async fn bulk(store: &Store, events: u64) -> Result<Done> {
    let side = WriteSide::open(store).await?;
    let rows = (0..events).map(|it| row(side.space, &side.sample, 0, it));
    let context = context(&side.sample);
    let rows = rows.zip(0..).map(|(row, number)| {
        let (id, registration) = row?;
        Ok((context.part(&format!("row/{number}")), id, registration))
    });
    let rows = rows.collect::<Result<Vec<_>>>()?;
    let begun = Instant::now();
    for answer in side.commands.assets.register_many(rows).await {
        ensure!(answer?.decided.created, "a row was there already");
    }
    side.check(Done::since(begun, events)).await
}

struct Registrar {
    commands: Commands,
    space: SpaceId,
    sample: Sample,
    writer: u32,
}

impl Writer for Registrar {
    async fn write(&mut self, number: u64) -> Result<()> {
        let (id, registration) = row(self.space, &self.sample, self.writer, number)?;
        let context = context(&self.sample);
        let decided = self.commands.assets.register(&context, &id, registration).await?;
        ensure!(decided.created, "{id} was there already");
        Ok(())
    }
}

/// Each request has an id of its own.
fn context(sample: &Sample) -> CommandContext {
    CommandContext::new(sample.actor.clone(), Some(CustomerId(1)), Uuid::now_v7())
}

fn row(
    space: SpaceId,
    sample: &Sample,
    writer: u32,
    number: u64,
) -> Result<(AssetId, Registration)> {
    let name = asset_name(writer, number);
    let registration = Registration {
        metadata: MetadataPatch {
            string1: Patch::Set(sample.string1.clone()),
            number1: Patch::Set(7),
            ..MetadataPatch::default()
        },
        ..Registration::of(Source::Origin { url: origin(&name) })
    };
    Ok((AssetId::new(space, name)?, registration))
}

/// Nothing is deleted here.
struct NoLookups;

#[async_trait]
impl Lookups for NoLookups {
    async fn space_is_empty(&self, _: SpaceId, _: Position) -> Result<bool, LookupError> {
        Err(LookupError::Behind)
    }

    async fn customer_is_empty(&self, _: CustomerId, _: Position) -> Result<bool, LookupError> {
        Err(LookupError::Behind)
    }

    async fn collection_is_empty(
        &self,
        _: &CollectionId,
        _: Position,
    ) -> Result<bool, LookupError> {
        Err(LookupError::Behind)
    }

    async fn container_is_empty(&self, _: &ContainerId, _: Position) -> Result<bool, LookupError> {
        Err(LookupError::Behind)
    }
}
