//! The history as the checker folds it, event by event, and what no event may do.

use super::outside::SimObjects;
use dlcs_domain::asset::{Asset, AssetEvent, IngestPhase};
use dlcs_domain::manifest::{Manifest, ManifestEvent};
use dlcs_domain::space::Space;
use dlcs_domain::{Aggregate, BlobRef, DomainEvent, EventMetadata};
use dlcs_eventlog::{EventId, Position, RecordedEvent};
use dlcs_objects::{Digest, ObjectKey};
use dlcs_projections::projection::DecodedEvent;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use uuid::Uuid;

/// One event of a stream.
pub(super) struct Seen {
    pub(super) position: u64,
    /// The client's operation; `None`: ingest did it by itself.
    pub(super) operation: Option<Uuid>,
    pub(super) event: DomainEvent,
}

#[derive(Default)]
pub(super) struct History {
    pub(super) streams: BTreeMap<String, Vec<Seen>>,
    pub(super) assets: BTreeMap<String, Asset>,
    spaces: BTreeMap<String, Space>,
    manifests: BTreeMap<String, Manifest>,
    ids: HashSet<EventId>,
    /// By operation and stream: where its one append ends, and with what.
    effects: HashMap<(Uuid, String), (u64, String)>,
    last: Position,
    last_us: i64,
    pub(super) clock_has_leapt: bool,
}

impl History {
    /// Takes the next event in, or says what is wrong with it.
    pub(super) fn take(
        &mut self,
        event: &DecodedEvent,
        objects: &SimObjects,
    ) -> Result<(), String> {
        let recorded = &event.recorded;
        self.place(recorded)?;
        let stream = recorded.stream.as_str().to_owned();
        let metadata = EventMetadata::parse(&recorded.metadata).map_err(|it| it.to_string())?;
        let is_clients = metadata.actor.0.starts_with("key-");
        let operation = is_clients.then_some(metadata.correlation_id);
        if let Some(operation) = operation {
            self.once(operation, recorded)?;
        }
        for event in event.domain_events().map_err(|it| it.to_string())? {
            self.fold(&stream, event, objects)?;
            let position = recorded.position.0;
            let seen = Seen { position, operation, event: event.clone() };
            self.streams.entry(stream.clone()).or_default().push(seen);
        }
        Ok(())
    }

    /// Positions and times rise, revisions have no gap, no id comes twice.
    fn place(&mut self, event: &RecordedEvent) -> Result<(), String> {
        let RecordedEvent { position, stream, revision, .. } = event;
        if *position <= self.last || event.recorded_at_us < self.last_us {
            return Err(format!("position {position} or its time runs backwards"));
        }
        (self.last, self.last_us) = (*position, event.recorded_at_us);
        let count = self.streams.get(stream.as_str()).map_or(0, Vec::len) as u64;
        if revision.0 != count {
            return Err(format!("revision {} of {stream} follows {count} events", revision.0));
        }
        if !self.ids.insert(event.event_id) {
            return Err(format!("event id {} comes twice", event.event_id.0));
        }
        Ok(())
    }

    /// P2: what an operation does to one stream is one append, whatever was repeated; and one more
    /// that takes it back.
    fn once(&mut self, operation: Uuid, event: &RecordedEvent) -> Result<(), String> {
        let stream = event.stream.as_str().to_owned();
        // Reserving and releasing a name are steps that may run any number of times.
        if event.stream.category() == "name" {
            return Ok(());
        }
        let position = event.position.0;
        let end = (position, event.type_name.clone().into_owned());
        match self.effects.insert((operation, stream), end) {
            Some((before, what)) if before + 1 != position && !undoes(&event.type_name, &what) => {
                Err(format!(
                    "operation {operation} changed {} at {before} and again at {position}",
                    event.stream
                ))
            }
            _ => Ok(()),
        }
    }

    /// Says whether an operation has taken back what it did to a stream.
    pub(super) fn has_undone(&self, operation: Uuid, stream: &str) -> bool {
        let end = self.effects.get(&(operation, stream.to_owned()));
        end.is_some_and(|(_, what)| matches!(what.as_str(), "asset.deleted" | "space.created"))
    }

    fn fold(
        &mut self,
        stream: &str,
        event: &DomainEvent,
        objects: &SimObjects,
    ) -> Result<(), String> {
        match event {
            DomainEvent::Asset(event) => {
                let asset = self.assets.entry(stream.to_owned()).or_default();
                may_follow(asset, event).map_err(|it| format!("{stream}: {it}: {event:?}"))?;
                asset.apply(event);
                blobs_are_there(stream, asset, event, objects)
            }
            DomainEvent::Space(event) => {
                self.spaces.entry(stream.to_owned()).or_default().apply(event);
                let names = self.spaces.values().filter_map(Space::live).map(|it| &it.name);
                let doubled = unique(names).err();
                self.named_twice(doubled.map(|it| format!("two spaces are called {it}")))
            }
            DomainEvent::Manifest(event) => {
                self.manifests.entry(stream.to_owned()).or_default().apply(event);
                let slugs = self.manifests.values().filter_map(Manifest::live);
                let doubled = unique(slugs.filter_map(|it| it.place.slug.as_ref())).err();
                self.named_twice(doubled.map(|it| format!("two manifests have the slug {it}")))?;
                let document = match event {
                    ManifestEvent::Created(it) => &it.document,
                    ManifestEvent::Replaced(it) => &it.document,
                    ManifestEvent::Consolidated(it) => &it.document,
                    // What is moved, edited or deleted names no document.
                    _ => return Ok(()),
                };
                is_there(&ObjectKey::document(&digest(document)), objects)
            }
            _ => Ok(()),
        }
    }

    /// A name is taken from a flow that is older than any may be. Where the clock leaps ahead,
    /// every flow looks that old, and two may get one name.
    fn named_twice(&self, doubled: Option<String>) -> Result<(), String> {
        let Some(doubled) = doubled.filter(|_| !self.clock_has_leapt) else { return Ok(()) };
        let is_about = |it: &&String| it.starts_with("name-") || it.starts_with("space-");
        let stories = self.streams.keys().filter(is_about);
        let stories: Vec<_> = stories.map(|it| format!("{it}: {}", self.story(it))).collect();
        Err(format!("{doubled}: {}", stories.join("; ")))
    }

    /// Folds one aggregate as it was after a position.
    pub(super) fn as_of<A: Aggregate>(&self, stream: &str, position: u64) -> A {
        let mut aggregate = A::default();
        let events = self.streams.get(stream).into_iter().flatten();
        for seen in events.take_while(|it| it.position <= position) {
            if let Ok(event) = A::Event::try_from(seen.event.clone()) {
                aggregate.apply(&event);
            }
        }
        aggregate
    }

    /// Tells what happened to a stream.
    pub(super) fn story(&self, stream: &str) -> String {
        let seen = self.streams.get(stream).into_iter().flatten();
        let told = seen.map(|it| format!("{} {}", it.position, it.event.event_type().0));
        told.collect::<Vec<_>>().join(", ")
    }

    /// Returns the first and the last position at which an operation changed a stream.
    pub(super) fn changed_by(&self, operation: Uuid, stream: &str) -> Option<(u64, u64)> {
        let seen = self.streams.get(stream)?.iter();
        let mut own = seen.filter(|it| it.operation == Some(operation)).map(|it| it.position);
        let first = own.next()?;
        Some((first, own.next_back().unwrap_or(first)))
    }
}

/// The rules of an asset's life, once more and by another hand.
fn may_follow(asset: &Asset, event: &AssetEvent) -> Result<(), &'static str> {
    let Asset::Live(live) = asset else {
        let is_born = matches!(event, AssetEvent::Registered(_));
        return is_born.then_some(()).ok_or("nothing lives here");
    };
    let is_awaited = |attempt| live.ingest == IngestPhase::Started && live.attempt == attempt;
    let is_allowed = match event {
        AssetEvent::Registered(_) => false,
        AssetEvent::IngestStarted(it) => match live.ingest {
            IngestPhase::Pending => it.attempt == live.attempt,
            IngestPhase::Delivered => false,
            IngestPhase::Started | IngestPhase::Failed(_) => it.attempt == live.attempt + 1,
        },
        AssetEvent::IngestDelivered(it) => is_awaited(it.attempt),
        AssetEvent::IngestFailed(it) => is_awaited(it.attempt),
        _ => true,
    };
    is_allowed.then_some(()).ok_or("it must not follow")
}

/// A blob is durable before the event that names it.
fn blobs_are_there(
    stream: &str,
    asset: &Asset,
    event: &AssetEvent,
    objects: &SimObjects,
) -> Result<(), String> {
    let (AssetEvent::IngestDelivered(it), Some(live)) = (event, asset.live()) else {
        return Ok(());
    };
    let id = stream.trim_start_matches("asset-");
    is_there(&ObjectKey::original(&digest(&it.delivered.original)), objects)?;
    is_there(&ObjectKey::derivative(id, live.generation, it.attempt), objects)
}

pub(super) fn is_there(key: &ObjectKey, objects: &SimObjects) -> Result<(), String> {
    objects.has(key).then_some(()).ok_or_else(|| format!("the history names {key}, which is lost"))
}

fn digest(blob: &BlobRef) -> Digest {
    Digest::parse(&blob.sha256).expect("written by us")
}

fn unique<'a>(names: impl Iterator<Item = &'a String>) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    for name in names {
        if !seen.insert(name.to_lowercase()) {
            return Err(name.clone());
        }
    }
    Ok(())
}

/// A space that was deleted while something was registered in it is there again; what was
/// registered in a space while that was deleted goes.
fn undoes(what: &str, before: &str) -> bool {
    matches!(
        (before, what),
        ("space.deleted", "space.created") | ("asset.registered", "asset.deleted")
    )
}
