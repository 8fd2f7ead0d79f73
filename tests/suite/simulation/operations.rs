//! What clients do, and what they are told.

use super::chance::Chance;
use dlcs_commands::idempotency::{Answer, Begin, Idempotency};
use dlcs_commands::services::NewSpace;
use dlcs_commands::{CommandContext, CommandError, Commands, Decided, NewDocument};
use dlcs_domain::asset::{AssetChange, MetadataPatch, Registration, Source};
use dlcs_domain::batch::Queue;
use dlcs_domain::space::SpaceChange;
use dlcs_domain::{
    ActorId, AssetId, CustomerId, Label, ManifestId, Patch, Place, PlacePatch, SpaceId, SpaceNumber,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;

/// One intention of a client, sent once or more often.
#[derive(Debug, Clone)]
pub(super) struct Operation {
    /// Of every event that it brings about.
    pub(super) correlation: Uuid,
    pub(super) customer: CustomerId,
    /// `Idempotency-Key`.
    pub(super) key: Option<String>,
    /// `If-Match`.
    pub(super) expected_edit: Option<u64>,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone)]
pub(super) enum Kind {
    Register { id: AssetId, url: String },
    Patch { id: AssetId, string1: String },
    Delete { id: AssetId },
    Reingest { id: AssetId },
    Batch { rows: Vec<(AssetId, String)> },
    CreateSpace { name: String },
    RenameSpace { space: SpaceId, name: String },
    DeleteSpace { space: SpaceId },
    CreateManifest { slug: String, document: String },
    PutManifest { id: ManifestId, document: String },
}

/// What a client is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Acknowledged {
    pub(super) effects: Vec<Effect>,
}

/// One stream that the operation has changed, or found as it shall be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Effect {
    pub(super) stream: String,
    pub(super) position: u64,
    pub(super) revision: Option<u64>,
    pub(super) edit_revision: u64,
    pub(super) is_changed: bool,
}

impl Acknowledged {
    fn of(stream: String, decided: Decided) -> Self {
        Self { effects: vec![Effect::of(stream, decided)] }
    }

    pub(super) fn position(&self) -> u64 {
        self.effects.iter().map(|it| it.position).max().unwrap_or_default()
    }
}

impl Effect {
    fn of(stream: String, decided: Decided) -> Self {
        Self {
            stream,
            position: decided.position.0,
            revision: decided.revision.map(|it| it.0),
            edit_revision: decided.edit_revision,
            is_changed: decided.changed,
        }
    }
}

impl Operation {
    /// Draws one. `edits` tells the edit revision of an asset now.
    pub(super) fn draw(chance: &Chance, number: u64, edits: impl Fn(&AssetId) -> u64) -> Self {
        let customer = CustomerId(1);
        let kind = Kind::draw(chance, customer, number);
        let is_keyed = chance.one_in(2);
        let matched = match &kind {
            Kind::Patch { id, .. } | Kind::Delete { id } if chance.one_in(3) => Some(edits(id)),
            _ => None,
        };
        // Now and then somebody else was faster.
        let expected_edit =
            matched.map(|it| if chance.one_in(4) { it.saturating_sub(1) } else { it });
        let correlation = Uuid::from_u128(u128::from(number));
        let key = is_keyed.then(|| format!("key-{number}"));
        Self { correlation, customer, key, expected_edit, kind }
    }

    pub(super) fn context(&self) -> CommandContext {
        let actor = ActorId("key-simulated".to_owned());
        let context = CommandContext::new(actor, Some(self.customer), self.correlation);
        CommandContext { expected_edit: self.expected_edit, ..context }
    }

    /// Executes it as the API does: once per key, and what is final is kept.
    pub(super) async fn execute(
        &self,
        commands: &Commands,
        idempotency: &Idempotency,
    ) -> Result<Acknowledged, CommandError> {
        let context = self.context();
        let Some(key) = &self.key else { return self.run(&context, commands).await };
        let body = format!("{:?}", self.kind);
        match idempotency.begin(&context, key, "POST /", body.as_bytes()).await? {
            Begin::Answered(kept) => Ok(serde_json::from_slice(&kept.body).expect("kept below")),
            Begin::Execute { context, in_flight } => {
                let done = self.run(&context, commands).await?;
                let answer = Answer {
                    status: 200,
                    location: None,
                    content_type: None,
                    body: serde_json::to_vec(&done).expect("plain data").into(),
                    position: dlcs_commands::Position(done.position()),
                };
                // A cache: the log recognises a repetition all the same.
                let _ = in_flight.finish(answer).await;
                Ok(done)
            }
        }
    }

    async fn run(
        &self,
        context: &CommandContext,
        commands: &Commands,
    ) -> Result<Acknowledged, CommandError> {
        let Commands { assets, .. } = commands;
        let (id, decided) = match &self.kind {
            Kind::Register { id, url } => (id, assets.register(context, id, page(url)).await?),
            Kind::Patch { id, string1 } => {
                let string1 = Patch::Set(string1.clone());
                let metadata = MetadataPatch { string1, ..MetadataPatch::default() };
                let change = AssetChange { metadata, ..AssetChange::default() };
                (id, assets.change(context, id, change).await?)
            }
            Kind::Delete { id } => (id, assets.delete(context, id).await?),
            Kind::Reingest { id } => (id, assets.request_reingest(context, id, None).await?),
            Kind::Batch { rows } => return self.batch(context, commands, rows).await,
            _ => return self.named(context, commands).await,
        };
        Ok(Acknowledged::of(format!("asset-{id}"), decided))
    }

    /// Spaces and manifests.
    async fn named(
        &self,
        context: &CommandContext,
        Commands { spaces, manifests, .. }: &Commands,
    ) -> Result<Acknowledged, CommandError> {
        let customer = self.customer;
        let (stream, decided) = match &self.kind {
            Kind::CreateSpace { name } => {
                let space = NewSpace { name: name.clone(), ..NewSpace::default() };
                let (id, decided) = spaces.create(context, customer, space).await?;
                (format!("space-{id}"), decided)
            }
            Kind::RenameSpace { space, name } => {
                let change = SpaceChange { name: Some(name.clone()), ..SpaceChange::default() };
                (format!("space-{space}"), spaces.change(context, *space, change).await?)
            }
            Kind::DeleteSpace { space } => {
                (format!("space-{space}"), spaces.delete(context, *space).await?)
            }
            Kind::CreateManifest { slug, document } => {
                let place = Place::at_root(Some(slug.clone()));
                let document = stored(document);
                let created = manifests.create(context, customer, None, place, document).await?;
                (format!("manifest-{}", created.0), created.1)
            }
            Kind::PutManifest { id, document } => {
                let put =
                    manifests.put(context, id, PlacePatch::default(), stored(document)).await?;
                (format!("manifest-{id}"), put)
            }
            other => unreachable!("{other:?} is about assets"),
        };
        Ok(Acknowledged::of(stream, decided))
    }

    async fn batch(
        &self,
        context: &CommandContext,
        commands: &Commands,
        rows: &[(AssetId, String)],
    ) -> Result<Acknowledged, CommandError> {
        let registrations = rows.iter().map(|(id, url)| (id.clone(), page(url))).collect();
        let batches = &commands.batches;
        let submitted =
            batches.submit(context, self.customer, registrations, Queue::Default).await?;
        let stream = format!("batch-{}/{}", self.customer, submitted.batch);
        let mut effects = vec![Effect::of(stream, submitted.decided)];
        for ((id, _), row) in rows.iter().zip(submitted.rows) {
            // A row that may pass makes the whole batch worth repeating.
            match row {
                Ok(decided) => effects.push(Effect::of(format!("asset-{id}"), decided)),
                Err(error @ (CommandError::Unavailable(_) | CommandError::Busy)) => {
                    return Err(error);
                }
                Err(_) => {}
            }
        }
        Ok(Acknowledged { effects })
    }
}

pub(super) fn page(url: &str) -> Registration {
    Registration::of(Source::Origin { url: url.to_owned() })
}

impl Kind {
    fn draw(chance: &Chance, customer: CustomerId, number: u64) -> Self {
        let id = || draw_asset(chance, customer);
        let space = || draw_space(chance, customer);
        let name = || format!("{}{}", chance.pick(&["Maps", "maps", "Books"]), chance.below(2));
        match chance.below(20) {
            0..=7 => Self::Register { id: id(), url: draw_url(chance) },
            8..=10 => Self::Patch { id: id(), string1: format!("s{}", chance.below(3)) },
            11 | 12 => Self::Delete { id: id() },
            13 => Self::Reingest { id: id() },
            14 | 15 => {
                let rows = (0..1 + chance.below(5)).map(|_| (id(), draw_url(chance)));
                // Each asset once: a second row that changes nothing leaves no trace of itself.
                let rows: BTreeMap<_, _> = rows.collect();
                Self::Batch { rows: rows.into_iter().collect() }
            }
            16 => Self::CreateSpace { name: name() },
            17 => Self::RenameSpace { space: space(), name: name() },
            18 => Self::DeleteSpace { space: space() },
            19 if chance.one_in(2) => {
                let id = ManifestId { customer, id: format!("m-{}", chance.below(3)) };
                Self::PutManifest { id, document: format!("{{\"put\":{}}}", chance.below(3)) }
            }
            _ => {
                let slug = format!("{}{}", chance.pick(&["Atlas", "atlas"]), chance.below(3));
                Self::CreateManifest { slug, document: format!("{{\"n\":{number}}}") }
            }
        }
    }
}

fn draw_space(chance: &Chance, customer: CustomerId) -> SpaceId {
    let number = 1 + u32::try_from(chance.below(4)).expect("small");
    SpaceId { customer, space: SpaceNumber(number) }
}

/// Most are in the first spaces, where they meet.
fn draw_asset(chance: &Chance, customer: CustomerId) -> AssetId {
    let number = if chance.one_in(8) { 1 + chance.below(4) } else { 1 + chance.below(2) };
    let space = SpaceNumber(u32::try_from(number).expect("small"));
    let name = format!("page-{}", chance.below(20));
    AssetId::new(SpaceId { customer, space }, name).expect("a plain name")
}

fn draw_url(chance: &Chance) -> String {
    let kind = chance.pick(&["page", "page", "page", "page", "missing", "corrupt"]);
    format!("https://origin.example/{kind}/{}", chance.below(50))
}

/// A document that says nothing of how it is called.
fn stored(document: &str) -> NewDocument {
    NewDocument { bytes: document.to_owned().into(), label: Label::default() }
}
