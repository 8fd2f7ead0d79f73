//! A history of registrations: written in bulk, read and decoded, folded into read models.

use crate::store::Store;
use anyhow::{Result, ensure};
use dlcs_bench_sample::{Done, METADATA_BYTES, PAYLOAD_BYTES, Sample, asset_name};
use dlcs_domain::asset::AssetEvent;
use dlcs_domain::{DomainEvent, EventMetadata, wire};
use dlcs_eventlog::{Append, EventId, Expected, NewEvent, Position, StreamId};
use dlcs_projections::feed;
use dlcs_projections::projection::OnPoison;
use dlcs_projections::replay::{Target, replay};
use futures::TryStreamExt;
use std::hint::black_box;
use std::pin::pin;
use std::time::Instant;
use uuid::Uuid;

/// Events of one append, and of one page.
const APPENDED_TOGETHER: u64 = 10_000;
const PAGE_LENGTH: usize = 8_192;

pub(crate) async fn fill(store: &Store, events: u64) -> Result<Done> {
    let (log, sample) = (store.log().await?, Sample::default());
    let begun = Instant::now();
    let mut first = 0;
    while first < events {
        let end = events.min(first + APPENDED_TOGETHER);
        for answer in log.append((first..end).map(|it| registration(&sample, it)).collect()).await {
            answer?;
        }
        first = end;
    }
    Ok(Done::since(begun, events))
}

pub(crate) fn registration(sample: &Sample, number: u64) -> Append {
    let name = asset_name(0, number);
    let encoded =
        wire::encode(&DomainEvent::Asset(AssetEvent::Registered(sample.registered(&name))));
    let event = NewEvent {
        event_id: EventId(Uuid::now_v7()),
        type_name: encoded.type_name.into(),
        schema_version: encoded.schema_version,
        payload: encoded.payload.into(),
        metadata: sample.metadata(Uuid::now_v7()).to_json().into(),
    };
    let stream = StreamId::new("asset", &format!("1/1/{name}"));
    Append { stream, expected: Expected::NoStream, events: vec![event] }
}

pub(crate) async fn read(store: &Store) -> Result<Done> {
    let log = store.log().await?;
    let begun = Instant::now();
    let mut events = 0;
    let mut pieces = pin!(feed::pieces(log.as_ref(), Position::START, PAGE_LENGTH));
    while let Some(piece) = pieces.try_next().await? {
        for event in piece.events.iter() {
            ensure!(event.recorded.payload.len() == PAYLOAD_BYTES, "another payload");
            ensure!(event.recorded.metadata.len() == METADATA_BYTES, "other metadata");
            black_box(event.domain_events()?);
            black_box(EventMetadata::parse(&event.recorded.metadata)?);
        }
        events += piece.events.len() as u64;
    }
    Ok(Done::since(begun, events))
}

pub(crate) async fn fold(store: &Store, into: &Store, only: Option<&str>) -> Result<Done> {
    let log = store.log().await?;
    let fresh = into.read_models(std::sync::Arc::clone(&log)).await?;
    let to = log.head().await?;
    let models = fresh.models().into_iter().filter(|it| only.is_none_or(|only| it.name() == only));
    let targets: Vec<Target> = models.map(|model| Target { model, to }).collect();
    ensure!(!targets.is_empty(), "there is no such projection");
    let begun = Instant::now();
    replay(log.as_ref(), &targets, OnPoison::Stop).await?;
    Ok(Done::since(begun, to.0))
}
