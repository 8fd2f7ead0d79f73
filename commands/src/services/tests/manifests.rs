//! Stored manifests.

use super::{ONE, taken};
use crate::context::CommandContext;
use crate::error::CommandError;
use crate::services::NewDocument;
use crate::testing::{World, context, repeatable};
use dlcs_domain::manifest::document::CanvasNaming;
use dlcs_domain::manifest::{CanvasAdded, CanvasRemoved, ManifestEdit};
use dlcs_domain::names::NameError;
use dlcs_domain::{CustomerId, Label, ManifestId, Patch, Place, PlacePatch};
use dlcs_objects::{Digest, ObjectKey, Objects};

fn at(slug: &str) -> Place {
    Place::at_root(Some(slug.to_owned()))
}

fn to(slug: &str) -> PlacePatch {
    PlacePatch::to_slug(Patch::Set(slug.to_owned()))
}

fn document(text: &'static str) -> NewDocument {
    NewDocument { bytes: text.into(), label: Label::default() }
}

#[tokio::test]
async fn a_document_is_a_blob_before_it_is_an_event() {
    let world = World::with_customer().await;
    let manifests = &world.commands.manifests;
    let created = manifests.create(&context(), ONE, None, at("atlas"), document("{}")).await;
    let (id, decided) = created.expect("the slug is free");
    assert!(decided.created);
    let manifest = manifests.load(&id).await.expect("memory can be read");
    let document = manifest.live().expect("created").document.clone();
    let key = ObjectKey::document(&Digest::parse(&document.sha256).expect("hexadecimal"));
    assert_eq!(world.objects.get(&key).await.expect("kept"), "{}");
    assert_eq!(document.length_bytes, 2);
    assert_eq!(manifests.by_slug(ONE, "ATLAS").await, Ok(Some(id)));
}

#[tokio::test]
async fn a_slug_is_used_once() {
    let world = World::with_customer().await;
    let manifests = &world.commands.manifests;
    let create = async |context: CommandContext, id| {
        manifests.create(&context, ONE, id, at("atlas"), document("{}")).await
    };
    let first = create(repeatable(1), None).await.expect("the slug is free");
    assert_eq!(create(repeatable(1), None).await, Ok(first), "it is repeated");
    assert_eq!(create(context(), None).await.err(), Some(taken("atlas")));
    assert_eq!(create(context(), Some("x".into())).await.err(), Some(taken("atlas")));
}

#[tokio::test]
async fn an_id_that_is_used_keeps_the_slug_free() {
    let world = World::with_customer().await;
    let manifests = &world.commands.manifests;
    let id = || Some("x".to_owned());
    manifests
        .create(&context(), ONE, id(), Place::default(), document("{}"))
        .await
        .expect("the id is free");
    let refused = manifests.create(&context(), ONE, id(), at("atlas"), document("{}")).await;
    assert!(matches!(refused, Err(CommandError::Conflict(_))));
    assert!(manifests.create(&context(), ONE, None, at("atlas"), document("{}")).await.is_ok());
}

#[tokio::test]
async fn only_other_bytes_replace() {
    let world = World::with_customer().await;
    let manifests = &world.commands.manifests;
    let id = ManifestId { customer: ONE, id: "x".to_owned() };
    let missing =
        manifests.change(&context(), &id, PlacePatch::default(), Some(document("{}"))).await;
    assert!(matches!(missing, Err(CommandError::NotFound(_))));
    let put = async |text: &'static str| {
        manifests.put(&context(), &id, to("atlas"), document(text)).await
    };
    assert!(put("{}").await.expect("it is new").created);
    assert!(!put("{}").await.expect("it is there").changed);
    assert_eq!(put("[]").await.expect("it is there").edit_revision, 2);
    let moved = manifests.put(&context(), &id, to("other"), document("{}")).await;
    assert_eq!(moved.expect("it moves and is replaced").edit_revision, 4);
}

#[tokio::test]
async fn a_manifest_moves_and_its_former_slug_is_free() {
    let world = World::with_customer().await;
    let manifests = &world.commands.manifests;
    let id = |id: &str| ManifestId { customer: ONE, id: id.to_owned() };
    for (name, at) in [("x", "atlas"), ("y", "globe")] {
        let made = manifests.put(&context(), &id(name), to(at), document("{}")).await;
        assert!(made.expect("both are free").created);
    }
    let change =
        async |name: &str, place| manifests.change(&context(), &id(name), place, None).await;
    assert_eq!(change("x", to("globe")).await.err(), Some(taken("globe")));
    assert_eq!(manifests.by_slug(ONE, "atlas").await, Ok(Some(id("x"))), "nothing has happened");
    assert!(change("x", to("maps")).await.expect("it is free").changed);
    assert_eq!(manifests.by_slug(ONE, "atlas").await, Ok(None));
    assert_eq!(manifests.by_slug(ONE, "maps").await, Ok(Some(id("x"))));
    assert!(change("y", to("atlas")).await.expect("it is free now").changed);
    assert!(change("x", PlacePatch::to_slug(Patch::Clear)).await.expect("it needs none").changed);
    assert_eq!(manifests.by_slug(ONE, "maps").await, Ok(None));
    let reserved = change("x", to("canvases")).await;
    assert_eq!(reserved.err(), Some(NameError::Reserved("canvases".to_owned()).into()));
    let mut stale = context();
    stale.expected_edit = Some(1);
    let stale = manifests.change(&stale, &id("x"), to("maps"), None).await;
    assert_eq!(stale, Err(CommandError::EditMismatch { actual: 3 }));
    assert_eq!(manifests.by_slug(ONE, "maps").await, Ok(None), "what was reserved is given back");
    assert!(change("y", to("maps")).await.is_ok());
}

#[tokio::test]
async fn a_deleted_manifest_lets_its_slug_go() {
    let world = World::with_customer().await;
    let manifests = &world.commands.manifests;
    let id = ManifestId { customer: ONE, id: "x".to_owned() };
    manifests.put(&context(), &id, to("atlas"), document("{}")).await.expect("it is free");
    let first = manifests.delete(&repeatable(1), &id).await.expect("it is there");
    assert_eq!(manifests.delete(&repeatable(1), &id).await, Ok(first), "it is repeated");
    let gone = manifests.delete(&context(), &id).await;
    assert!(matches!(gone, Err(CommandError::Gone(_))), "{gone:?}");
    let gone = manifests.change(&context(), &id, PlacePatch::default(), Some(document("[]"))).await;
    assert!(matches!(gone, Err(CommandError::Gone(_))), "{gone:?}");
    let other = manifests.create(&context(), ONE, None, at("atlas"), document("{}")).await;
    assert!(other.is_ok(), "the slug is free: {other:?}");
    let again = manifests.put(&context(), &id, to("globe"), document("{}")).await;
    assert!(again.expect("another is stored there").created);
}

/// Its answer was lost, and somebody has replaced the document meanwhile.
#[tokio::test]
async fn a_repeated_put_that_created_replaces_nothing() {
    let world = World::with_customer().await;
    let manifests = &world.commands.manifests;
    let id = ManifestId { customer: ONE, id: "x".to_owned() };
    let put = async |context: CommandContext, text: &'static str| {
        manifests
            .put(&context, &id, PlacePatch::default(), document(text))
            .await
            .expect("it is allowed")
    };
    let first = put(repeatable(1), "{}").await;
    let other = put(context(), "[]").await;
    assert_eq!(put(repeatable(1), "{}").await, first);
    let manifest = manifests.load(&id).await.expect("memory can be read");
    assert_eq!(manifest.live().map(|it| it.edits), Some(other.edit_revision));
}

#[tokio::test]
async fn a_manifest_needs_a_customer_and_a_free_name() {
    let world = World::with_customer().await;
    let manifests = &world.commands.manifests;
    let orphan =
        manifests.create(&context(), CustomerId(9), None, Place::default(), document("{}")).await;
    assert!(matches!(orphan, Err(CommandError::NotFound(_))));
    let reserved = manifests.create(&context(), ONE, None, at("Canvases"), document("{}")).await;
    assert_eq!(reserved.err(), Some(NameError::Reserved("Canvases".to_owned()).into()));
}

/// No asset is painted here.
struct NoNames;

impl CanvasNaming for NoNames {
    fn canvas_id(&self, _: u64, _: &str, _: usize) -> String {
        unreachable!("canvases have ids of their own")
    }
}

fn added(id: &str) -> ManifestEdit {
    let canvas = serde_json::json!({"id": id, "type": "Canvas", "width": 1});
    ManifestEdit::CanvasAdded(CanvasAdded { canvas, before: None })
}

#[tokio::test]
async fn edits_are_small_events_until_the_document_is_kept_anew() {
    let world = World::with_customer().await;
    let manifests = &world.commands.manifests;
    let kept = document(r#"{"items":[],"summary":"\u007b{dlcs-base}}"}"#);
    let id = ManifestId { customer: ONE, id: "x".to_owned() };
    manifests.put(&context(), &id, PlacePatch::default(), kept).await.expect("it is new");
    let edit = async |context: CommandContext, edits: &[ManifestEdit]| {
        manifests.edit(&context, &id, edits, &NoNames).await
    };
    let live = async || {
        let manifest = manifests.load(&id).await.expect("memory can be read");
        manifest.live().expect("it is there").clone()
    };
    let first = edit(repeatable(1), &[added("a")]).await.expect("it is new");
    assert_eq!(edit(repeatable(1), &[added("a")]).await, Ok(first), "it is repeated");
    let refused = edit(context(), &[added("b"), added("a")]).await;
    assert!(matches!(refused, Err(CommandError::Conflict(_))), "all or none: {refused:?}");
    assert_eq!((live().await.pending.len(), live().await.edits), (1, 2));
    let stale = CommandContext { expected_edit: Some(1), ..context() };
    let stale = edit(stale, &[added("b")]).await;
    assert_eq!(stale.err(), Some(CommandError::EditMismatch { actual: 2 }));

    let many: Vec<ManifestEdit> = (0..31).map(|number| added(&number.to_string())).collect();
    edit(context(), &many).await.expect("they are new");
    let now = live().await;
    assert_eq!((now.pending.len(), now.edits), (0, 33));
    let key = ObjectKey::document(&Digest::parse(&now.document.sha256).expect("hexadecimal"));
    let text = String::from_utf8(world.objects.get(&key).await.expect("kept").into());
    let text = text.expect("JSON is text");
    assert!(text.contains(r#""summary":"\u007b{dlcs-base}}""#), "a client's own words: {text}");
    assert_eq!(text.matches("\"id\"").count(), 32);
    let gone = ManifestEdit::CanvasRemoved(CanvasRemoved { canvas_id: "a".to_owned() });
    assert!(edit(context(), std::slice::from_ref(&gone)).await.expect("it is there").changed);
    assert!(matches!(edit(context(), &[gone]).await, Err(CommandError::NotFound(_))));
}
