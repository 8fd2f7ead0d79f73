//! The invariants, checked after every step (RELIABILITY, P1 to P5).

use super::folded::History;
use super::models::SimStore;
use super::operations::{Acknowledged, Effect, Kind, Operation};
use super::outside::SimObjects;
use dlcs_commands::CommandError;
use dlcs_domain::asset::{Asset, Source};
use dlcs_domain::batch::Batch;
use dlcs_domain::manifest::Manifest;
use dlcs_domain::space::Space;
use dlcs_domain::{Aggregate, AssetId};
use dlcs_eventlog::memory::MemoryLog;
use dlcs_eventlog::{EventLog, Position};
use dlcs_objects::Digest;
use dlcs_projections::feed::Piece;
use dlcs_projections::memory::{MemoryReadModel, MemoryReadModels, MemoryTables};
use dlcs_projections::projection::{DecodedEvent, OnPoison, ReadModel};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use uuid::Uuid;

/// What must hold does not.
pub(super) type Broken = String;

pub(super) struct Checker {
    log: Arc<MemoryLog>,
    objects: Arc<SimObjects>,
    pub(super) history: History,
    seen: Position,
    pieces: Vec<Piece>,
    /// What each operation was told first.
    told: HashMap<Uuid, Acknowledged>,
    /// For each store, the fold of the log up to the checkpoints of that store.
    folds: Vec<MemoryReadModels>,
    pub(super) acknowledged: u64,
    /// The first that was found: what follows from it is of no interest.
    broken: Option<Broken>,
}

impl Checker {
    pub(super) fn new(log: Arc<MemoryLog>, objects: Arc<SimObjects>, stores: usize) -> Self {
        Self {
            log,
            objects,
            history: History::default(),
            seen: Position::START,
            pieces: Vec::new(),
            told: HashMap::new(),
            folds: (0..stores).map(|_| MemoryReadModels::default()).collect(),
            acknowledged: 0,
            broken: None,
        }
    }

    /// Takes in what the true log holds by now.
    async fn observe(&mut self) -> Result<(), Broken> {
        if let Some(broken) = &self.broken {
            return Err(broken.clone());
        }
        let observed = self.take_in().await;
        self.broken = observed.clone().err();
        observed
    }

    async fn take_in(&mut self) -> Result<(), Broken> {
        let events = self.log.read_all(self.seen, usize::MAX).await.expect("memory");
        let Some(to) = events.last().map(|it| it.position) else { return Ok(()) };
        let events: Arc<[_]> = events.into_iter().map(DecodedEvent::new).collect();
        for event in events.iter() {
            self.history.take(event, &self.objects)?;
        }
        self.pieces.push(Piece { from: self.seen, to, events });
        self.seen = to;
        Ok(())
    }

    /// P1, P2: what was acknowledged is in the log, once, and is told the same way again.
    pub(super) async fn acknowledged(
        &mut self,
        operation: &Operation,
        done: &Acknowledged,
    ) -> Result<(), Broken> {
        self.observe().await?;
        self.acknowledged += 1;
        for effect in &done.effects {
            self.is_recorded(operation, effect)?;
            let expected = self.is_as_asked(operation, effect);
            expected.then_some(()).ok_or_else(|| format!("{operation:?} is not in {effect:?}"))?;
            self.is_counted(operation, effect)?;
        }
        match self.told.get(&operation.correlation) {
            None => drop(self.told.insert(operation.correlation, done.clone())),
            Some(before) => {
                let has_changed = before.effects.iter().any(|it| it.is_changed);
                let is_batch = matches!(operation.kind, Kind::Batch { .. });
                if has_changed && !is_batch && before != done {
                    return Err(format!("{operation:?} was told {before:?} and then {done:?}"));
                }
            }
        }
        Ok(())
    }

    fn is_recorded(&self, operation: &Operation, effect: &Effect) -> Result<(), Broken> {
        let Some((first, last)) = self.history.changed_by(operation.correlation, &effect.stream)
        else {
            let text = || format!("{operation:?} was acknowledged and is lost: {effect:?}");
            return (!effect.is_changed).then_some(()).ok_or_else(text);
        };
        // Rows of a batch that are about one asset share an append.
        let is_row = matches!(operation.kind, Kind::Batch { .. });
        let ends = if is_row { first..=last } else { last..=last };
        if effect.is_changed && !ends.contains(&effect.position) {
            return Err(format!("{operation:?} ends at {last}, not as told: {effect:?}"));
        }
        if let (Some(expected), Kind::Patch { .. } | Kind::Delete { .. }) =
            (operation.expected_edit, &operation.kind)
        {
            let before: Asset = self.history.as_of(&effect.stream, first - 1);
            if before.edit_revision() != expected {
                return Err(format!("{operation:?} overwrote edit {}", before.edit_revision()));
            }
        }
        Ok(())
    }

    /// Says whether the stream is, at the position that was told, as the client wanted it.
    fn is_as_asked(&self, operation: &Operation, effect: &Effect) -> bool {
        let Effect { stream, position, .. } = effect;
        let asset = || self.history.as_of::<Asset>(stream, *position);
        let space = || self.history.as_of::<Space>(stream, *position);
        let registered = |url: &str| {
            let source = Source::Origin { url: url.to_owned() };
            asset().live().is_some_and(|it| it.source == source)
        };
        let document = |document: &str| {
            let manifest = self.history.as_of::<Manifest>(stream, *position);
            let sha256 = Digest::of(document.as_bytes()).to_string();
            manifest.live().is_some_and(|it| it.document.sha256 == sha256)
        };
        match &operation.kind {
            Kind::Register { url, .. } => registered(url),
            Kind::Patch { string1, .. } => {
                asset().live().is_some_and(|it| it.metadata.string1 == *string1)
            }
            Kind::Delete { .. } => !asset().exists(),
            Kind::Reingest { .. } => effect.is_changed && asset().exists(),
            Kind::Batch { rows } if stream.starts_with("asset-") => {
                let own = rows.iter().filter(|(id, _)| format!("asset-{id}") == *stream);
                own.map(|(_, url)| url).any(|url| registered(url))
            }
            Kind::Batch { .. } => self.history.as_of::<Batch>(stream, *position) != Batch::Open,
            Kind::CreateSpace { name } | Kind::RenameSpace { name, .. } => {
                space().live().is_some_and(|it| it.name == *name)
            }
            Kind::DeleteSpace { .. } => !space().exists(),
            Kind::CreateManifest { document: it, .. } | Kind::PutManifest { document: it, .. } => {
                document(it)
            }
        }
    }

    /// A batch has at least the members that it was submitted with. It has more when a row that a
    /// rule refused at first is accepted in a repetition whose first answer was lost.
    fn is_counted(&self, operation: &Operation, effect: &Effect) -> Result<(), Broken> {
        let Kind::Batch { rows } = &operation.kind else { return Ok(()) };
        let batch: Batch = self.history.as_of(&effect.stream, effect.position);
        let Batch::Submitted { count, .. } = batch else { return Ok(()) };
        let streams: BTreeSet<_> = rows.iter().map(|(id, _)| format!("asset-{id}")).collect();
        let has_joined =
            |it: &&String| self.history.changed_by(operation.correlation, it).is_some();
        let (members, others): (Vec<_>, Vec<_>) = streams.iter().partition(has_joined);
        if members.len() as u64 >= count {
            return Ok(());
        }
        let stories: Vec<_> = members.iter().map(|it| self.history.story(it)).collect();
        Err(format!("a batch of {count} has the members {members:?} ({stories:?}), not {others:?}"))
    }

    /// R8: a client is told that something was applied or that it was not, never wrongly.
    pub(super) async fn refused(
        &mut self,
        operation: &Operation,
        error: &CommandError,
    ) -> Result<(), Broken> {
        self.observe().await?;
        let id = match &operation.kind {
            Kind::Register { id, .. } | Kind::Patch { id, .. } => id,
            Kind::Delete { id } | Kind::Reingest { id } => id,
            // Steps before the refused one stay, and harm nobody.
            _ => return Ok(()),
        };
        let stream = format!("asset-{id}");
        let is_registration = matches!(operation.kind, Kind::Register { .. });
        if is_registration && self.history.has_undone(operation.correlation, &stream) {
            return Ok(());
        }
        match self.history.changed_by(operation.correlation, &stream) {
            Some(at) => Err(format!("{operation:?} was refused ({error}) and applied at {at:?}")),
            None => Ok(()),
        }
    }

    pub(super) fn edits(&self, id: &AssetId) -> u64 {
        self.history.assets.get(&format!("asset-{id}")).map_or(0, Aggregate::edit_revision)
    }

    /// P3: every read model is the fold of the log up to its checkpoint.
    pub(super) async fn stores_are_folds(&mut self, stores: &[SimStore]) -> Result<(), Broken> {
        self.observe().await?;
        for (place, store) in stores.iter().enumerate() {
            let (live, fold) = (&store.models, &self.folds[place]);
            match &store.flawed {
                None => self.is_fold(&live.assets, &fold.assets).await?,
                Some(flawed) => self.has_equal_dump(&**flawed, &*fold.assets).await?,
            }
            self.is_fold(&live.batches, &fold.batches).await?;
            self.is_fold(&live.tile_metadata, &fold.tile_metadata).await?;
            self.is_fold(&live.manifests, &fold.manifests).await?;
            self.is_fold(&live.activities, &fold.activities).await?;
            self.is_fold(&live.audit_trail, &fold.audit_trail).await?;
            self.is_fold(&live.audit_tree, &fold.audit_tree).await?;
        }
        Ok(())
    }

    async fn is_fold<T: MemoryTables>(
        &self,
        live: &MemoryReadModel<T>,
        fold: &MemoryReadModel<T>,
    ) -> Result<(), Broken> {
        if self.advance(fold, live.checkpoint().await.expect("memory")).await? {
            let equal = live.is_equal(fold);
            return equal.then_some(()).ok_or_else(|| format!("{} is no fold", T::NAME));
        }
        Ok(())
    }

    /// The same by checksum, as stores are compared with each other.
    pub(super) async fn dumps_are_equal(&self, stores: &[SimStore]) -> Result<(), Broken> {
        for (store, fold) in stores.iter().zip(&self.folds) {
            for (live, fold) in store.models().iter().zip(fold.models()) {
                self.has_equal_dump(&**live, &*fold).await?;
            }
        }
        Ok(())
    }

    async fn has_equal_dump(
        &self,
        live: &dyn ReadModel,
        fold: &dyn ReadModel,
    ) -> Result<(), Broken> {
        self.advance(fold, live.checkpoint().await.expect("memory")).await?;
        let (live, fold) = (live.dump().await.expect("memory"), fold.dump().await.expect("memory"));
        let text = || format!("{} differs in {:?}", live.projection, live.unequal_tables(&fold));
        (live == fold).then_some(()).ok_or_else(text)
    }

    /// Folds on to a checkpoint. Says whether there was something to fold.
    async fn advance(&self, fold: &dyn ReadModel, to: Position) -> Result<bool, Broken> {
        let from = fold.checkpoint().await.expect("memory");
        if to < from {
            return Err(format!("{} went back from {from} to {to}", fold.name()));
        }
        let mut at = from;
        for piece in self.pieces.iter().filter(|it| from < it.to && it.from < to) {
            let end = piece.to.min(to);
            let events = Arc::clone(&piece.events);
            let parked = fold.apply(at, end, events, OnPoison::Stop).await;
            parked.map_err(|error| format!("{}: {error}", fold.name()))?;
            at = end;
        }
        (at == to)
            .then_some(())
            .ok_or_else(|| format!("{} is at {to}, past the log", fold.name()))?;
        Ok(to > from)
    }
}
