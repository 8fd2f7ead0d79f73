//! Changes. The same commands as the REST interface.

mod accounts;
mod annotations;
mod assets;
mod collections;
mod definitions;
mod keys;
mod manifests;
mod named_queries;
mod origin_strategies;
mod webhooks;

use crate::context::{asset_id, customer_id, principal, query_error, refused, state};
use crate::query::administrator;
use crate::types::asset::Asset;
use crate::types::manifest::Manifest;
use crate::types::text::{self, Text};
use async_graphql::{
    Context, Error, InputObject, MaybeUndefined, MergedObject, Object, Result, SimpleObject,
};
use dlcs_commands::{CommandContext, CommandError, Decided};
use dlcs_domain::access::{AccessRule, Action, Decision, Principal, decide};
use dlcs_domain::asset::{MetadataPatch, Registration, SizeLimitsPatch, Source};
use dlcs_domain::collection::ROOT;
use dlcs_domain::transcription::TextEdit;
use dlcs_domain::{ActorId, AssetId, CustomerId, Languages, ManifestId, Patch, PlacePatch};
use std::time::Duration;

/// How long a mutation waits until its own effect can be read.
const FRESHNESS_WAIT: Duration = Duration::from_secs(2);

/// An image to register. A field that is left out is left alone, `null` clears it.
#[derive(InputObject)]
pub(crate) struct RegisterAssetInput {
    /// `customer/space/asset`; the space must exist.
    id: String,
    /// Where the bytes are fetched from.
    origin: String,
    media_type: Option<String>,
    string1: MaybeUndefined<String>,
    string2: MaybeUndefined<String>,
    string3: MaybeUndefined<String>,
    number1: MaybeUndefined<i64>,
    number2: MaybeUndefined<i64>,
    number3: MaybeUndefined<i64>,
    tags: MaybeUndefined<Vec<String>>,
    roles: MaybeUndefined<Vec<String>>,
    /// Languages in which its pages are recognised by themselves, for example `deu`.
    ocr: MaybeUndefined<Vec<String>>,
    /// Longest side of every answer, in pixels: 256 or more, or 0 for what the server allows.
    max_width: MaybeUndefined<u32>,
    /// Longest side of the whole image that is shown to those who hold none of its roles; 0: nothing.
    open_full_max: MaybeUndefined<u32>,
}

/// What became of a registration.
#[derive(SimpleObject)]
pub(crate) struct RegisteredAsset {
    /// Place in the history; give it as `atLeast` to read what is at least as new.
    position: u64,
    /// There was no such asset before.
    created: bool,
    /// `null` where the read model has not got there within two seconds.
    asset: Option<Asset>,
}

/// One change of a text; lines and words count from 0, words within their line.
#[derive(InputObject)]
pub(crate) struct TextEditInput {
    line: u32,
    /// The whole line, where none is given.
    word: Option<u32>,
    /// Empty takes it away.
    text: String,
}

impl From<TextEditInput> for TextEdit {
    fn from(edit: TextEditInput) -> Self {
        Self { line: edit.line, word: edit.word, text: edit.text }
    }
}

/// What became of a change of a text.
#[derive(SimpleObject)]
pub(crate) struct ChangedText {
    /// Place in the history; give it as `atLeast` to read what is at least as new.
    position: u64,
    /// `null` where the read model has not got there within two seconds.
    text: Option<Text>,
}

/// What became of a change of a stored manifest.
#[derive(SimpleObject)]
pub(crate) struct ChangedManifest {
    /// Place in the history; give it as `atLeast` to read what is at least as new.
    position: u64,
    /// `null` where it is deleted, or the read model has not got there within two seconds.
    manifest: Option<Manifest>,
}

/// Every change.
#[derive(MergedObject, Default)]
pub struct Mutation(
    ResourceMutation,
    named_queries::NamedQueryMutation,
    assets::AssetMutation,
    keys::KeyMutation,
    definitions::DefinitionMutation,
    collections::CollectionMutation,
    manifests::ManifestMutation,
    annotations::AnnotationMutation,
    origin_strategies::OriginStrategyMutation,
    accounts::AccountMutation,
    webhooks::WebhookMutation,
);

#[derive(Default)]
pub(crate) struct ResourceMutation;

#[Object]
impl ResourceMutation {
    /// Registers an image, or changes what differs.
    async fn register_asset(
        &self,
        ctx: &Context<'_>,
        input: RegisterAssetInput,
    ) -> Result<RegisteredAsset> {
        let id = asset_id(&input.id)?;
        let who = principal(ctx);
        let context = write_context(ctx, &id)?;
        let state = state(ctx);
        (state.check_origin)(&input.origin).map_err(|text| refused("origin-forbidden", text))?;
        let registration = registration(input)?;
        let decided = state.commands.assets.register(&context, &id, registration).await;
        let decided = decided.map_err(command_error)?;
        let freshness = &state.queries.freshness;
        let asset = if freshness
            .wait(dlcs_projections::assets::NAME, decided.position, FRESHNESS_WAIT)
            .await
        {
            state.queries.assets.asset(&who, &id).await.map_err(query_error)?
        } else {
            None
        };
        Ok(RegisteredAsset {
            position: decided.position.0,
            created: decided.created,
            asset: asset.map(Asset::from),
        })
    }

    /// Asks for recognition of an image; without languages, in its own.
    async fn request_recognition(
        &self,
        ctx: &Context<'_>,
        asset: String,
        #[graphql(default)] languages: Vec<String>,
    ) -> Result<ChangedText> {
        let id = asset_id(&asset)?;
        let (context, languages) = (write_context(ctx, &id)?, self::languages(languages)?);
        let texts = &state(ctx).commands.texts;
        let decided = texts.request(&context, &id, languages).await.map_err(command_error)?;
        changed_text(ctx, id, decided).await
    }

    /// Corrects words and lines. `base` names the text that was read; another one meanwhile is
    /// refused.
    async fn correct_text(
        &self,
        ctx: &Context<'_>,
        asset: String,
        base: Option<String>,
        edits: Vec<TextEditInput>,
    ) -> Result<ChangedText> {
        let id = asset_id(&asset)?;
        let context = write_context(ctx, &id)?;
        let base = text::base(ctx, &id, base).await?;
        let edits: Vec<TextEdit> = edits.into_iter().map(TextEdit::from).collect();
        let texts = &state(ctx).commands.texts;
        let decided = texts
            .correct(&context, &id, edits, base.as_ref(), |layout, edits| {
                text::corrected(layout, edits)
            })
            .await;
        changed_text(ctx, id, decided.map_err(command_error)?).await
    }

    /// Takes the text of an image away.
    async fn withdraw_text(&self, ctx: &Context<'_>, asset: String) -> Result<ChangedText> {
        let id = asset_id(&asset)?;
        let context = write_context(ctx, &id)?;
        let decided = state(ctx).commands.texts.withdraw(&context, &id).await;
        changed_text(ctx, id, decided.map_err(command_error)?).await
    }

    /// Moves a stored manifest to another public address; without a slug, to that of its id. The
    /// former address leads there.
    async fn move_manifest(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 1)] customer: u32,
        id: String,
        slug: Option<String>,
        #[graphql(
            desc = "Flat id of a storage collection, `root`: the root collection; left out, it stays."
        )]
        parent: Option<String>,
    ) -> Result<ChangedManifest> {
        let id = ManifestId { customer: customer_id(customer)?, id };
        let context = context_for(ctx, id.customer)?;
        let place = place(parent, slug);
        let moved = state(ctx).commands.manifests.change(&context, &id, place, None).await;
        changed_manifest(ctx, id, moved.map_err(command_error)?).await
    }

    /// Deletes a stored manifest: its addresses answer 410.
    async fn delete_manifest(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 1)] customer: u32,
        id: String,
    ) -> Result<ChangedManifest> {
        let id = ManifestId { customer: customer_id(customer)?, id };
        let context = context_for(ctx, id.customer)?;
        let deleted = state(ctx).commands.manifests.delete(&context, &id).await;
        changed_manifest(ctx, id, deleted.map_err(command_error)?).await
    }

    /// Builds a projection anew beside the serving version; answers when the new one serves.
    async fn rebuild_projection(&self, ctx: &Context<'_>, name: String) -> Result<bool> {
        administrator(ctx)?;
        let rebuilt = state(ctx).projections.rebuild(&name).await;
        rebuilt.map(|()| true).map_err(|error| refused("rebuild-failed", error))
    }
}

fn registration(input: RegisterAssetInput) -> Result<Registration> {
    let recognise = match patch(input.ocr) {
        Patch::Keep => Patch::Keep,
        Patch::Clear => Patch::Clear,
        Patch::Set(names) => Patch::Set(languages(names)?),
    };
    Ok(Registration {
        media_type: input.media_type,
        metadata: MetadataPatch {
            string1: patch(input.string1),
            string2: patch(input.string2),
            string3: patch(input.string3),
            number1: patch(input.number1),
            number2: patch(input.number2),
            number3: patch(input.number3),
            tags: patch(input.tags),
        },
        roles: patch(input.roles),
        recognise,
        limits: SizeLimitsPatch {
            max_width_px: patch(input.max_width),
            open_full_max_px: patch(input.open_full_max),
        },
        ..Registration::of(Source::Origin { url: input.origin })
    })
}

fn languages(names: Vec<String>) -> Result<Languages> {
    Languages::new(names).map_err(|error| refused("bad-request", error))
}

fn patch<T>(value: MaybeUndefined<T>) -> Patch<T> {
    match value {
        MaybeUndefined::Undefined => Patch::Keep,
        MaybeUndefined::Null => Patch::Clear,
        MaybeUndefined::Value(value) => Patch::Set(value),
    }
}

fn write_context(ctx: &Context<'_>, id: &AssetId) -> Result<CommandContext> {
    context_for(ctx, id.customer())
}

fn context_for(ctx: &Context<'_>, customer: CustomerId) -> Result<CommandContext> {
    context_to(ctx, customer, Action::WriteManagement)
}

/// Returns the context of a command that an action of a customer's needs.
fn context_to(ctx: &Context<'_>, customer: CustomerId, action: Action) -> Result<CommandContext> {
    let actor = may(&principal(ctx), customer, action)?;
    let correlation = dlcs_commands::metadata::new_uuid(state(ctx).clock.now_us());
    Ok(CommandContext::new(actor, Some(customer), correlation))
}

/// Waits until the change can be read.
async fn changed_text(ctx: &Context<'_>, id: AssetId, decided: Decided) -> Result<ChangedText> {
    let queries = &state(ctx).queries;
    let name = dlcs_projections::page_text::NAME;
    let is_there = queries.freshness.wait(name, decided.position, FRESHNESS_WAIT).await;
    let row = match is_there {
        true => queries.page_texts.page_text(&principal(ctx), &id).await.map_err(query_error)?,
        false => None,
    };
    Ok(ChangedText { position: decided.position.0, text: row.map(Text::from) })
}

/// Reads where something is to go. A slug that is left out beside a parent stays; without a parent
/// there is no public address any more but that of the id.
fn place(parent: Option<String>, slug: Option<String>) -> PlacePatch {
    let slug = match slug {
        Some(slug) => Patch::Set(slug),
        None if parent.is_some() => Patch::Keep,
        None => Patch::Clear,
    };
    let parent = match parent {
        None => Patch::Keep,
        Some(root) if root == ROOT => Patch::Clear,
        Some(id) => Patch::Set(id),
    };
    PlacePatch { parent, slug }
}

async fn changed_manifest(
    ctx: &Context<'_>,
    id: ManifestId,
    decided: Decided,
) -> Result<ChangedManifest> {
    let queries = &state(ctx).queries;
    let name = dlcs_projections::manifests::NAME;
    let row = match queries.freshness.wait(name, decided.position, FRESHNESS_WAIT).await {
        true => queries.manifests.manifest(&principal(ctx), &id).await.map_err(query_error)?,
        false => None,
    };
    let manifest = row.filter(|it| !it.stored.deleted).map(Manifest::from);
    Ok(ChangedManifest { position: decided.position.0, manifest })
}

/// Returns who acts, where they may.
fn may(who: &Principal, customer: CustomerId, action: Action) -> Result<ActorId> {
    let rule = AccessRule::Management { customer };
    match (decide(who, &rule, action), who) {
        (Decision::Granted, Principal::Key { actor, .. } | Principal::Process { actor }) => {
            Ok(actor.clone())
        }
        (Decision::RightNeeded, _) => Err(refused("right-needed", "this key may not do that")),
        _ => Err(refused("not-allowed", "credentials for this customer are needed")),
    }
}

pub(crate) fn command_error(error: CommandError) -> Error {
    let code = match &error {
        CommandError::NotFound(_) => "not-found",
        CommandError::Gone(_) => "gone",
        CommandError::Conflict(_) => "conflict",
        CommandError::NotEmpty(_) => "not-empty",
        CommandError::NameTaken(_) => "name-taken",
        CommandError::Name(name) => name.code(),
        CommandError::Invalid(_) => "bad-request",
        CommandError::Refused { code, .. } => code,
        CommandError::EditMismatch { .. } | CommandError::OtherBody => "precondition-failed",
        CommandError::NotAllowed(_) => "not-allowed",
        CommandError::Busy => "unavailable",
        // What a store says is for the log.
        CommandError::Unavailable(text) => {
            tracing::warn!(text, "a command could not be carried out for now");
            return refused("unavailable", "the store does not answer at the moment");
        }
        CommandError::Full(text) => {
            tracing::error!(text, "no room left");
            return refused("storage-full", "the store has no room left");
        }
        CommandError::Damaged(text) => {
            tracing::error!(text, "a command could not be carried out");
            return refused("internal", "the change could not be stored");
        }
    };
    refused(code, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(error: CommandError) -> String {
        let error = command_error(error);
        let code = error.extensions.as_ref().and_then(|it| it.get("code")).map(ToString::to_string);
        format!("{} {}", code.unwrap_or_default(), error.message)
    }

    #[test]
    fn what_a_store_says_is_not_told_to_clients() {
        let text = || "/srv/dlcs/events.db: disk I/O error".to_owned();
        for error in [
            CommandError::Unavailable(text()),
            CommandError::Full(text()),
            CommandError::Damaged(text()),
        ] {
            let told = told(error);
            assert!(!told.contains("srv"), "{told}");
        }
    }

    #[test]
    fn a_name_is_refused_for_what_is_wrong_with_it() {
        use dlcs_domain::names::NameError;
        let reserved = told(NameError::Reserved("iiif".to_owned()).into());
        assert!(reserved.contains("name-reserved"), "{reserved}");
        let invalid = dlcs_domain::names::check_space_name("").expect_err("a name is not empty");
        let invalid = told(invalid.into());
        assert!(invalid.contains("name-invalid"), "{invalid}");
    }
}
