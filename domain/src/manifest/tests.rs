//! Life of a stored manifest.

use super::{
    CanvasRemoved, Label, LabelledBlob, Manifest, ManifestCommand as Do, ManifestConsolidated,
    ManifestCreated, ManifestDeleted, ManifestEdit, ManifestError, ManifestEvent as Then,
    ManifestMoved, ManifestReplaced,
};
use crate::aggregate::Aggregate;
use crate::given::given;
use crate::ids::BlobRef;
use crate::names::NameError;
use crate::patch::Patch;
use crate::place::{Place, PlacePatch};

fn document(byte: &str) -> BlobRef {
    BlobRef { sha256: byte.repeat(32), length_bytes: 7 }
}

fn labelled(byte: &str) -> LabelledBlob {
    LabelledBlob { blob: document(byte), label: Label::none("Atlas") }
}

fn create(slug: &str) -> Do {
    Do::Create { place: Place::at_root(Some(slug.to_owned())), document: labelled("aa") }
}

fn created() -> Then {
    let (slug, label) = (Some("atlas".to_owned()), Label::none("Atlas"));
    Then::Created(ManifestCreated { slug, parent: None, document: document("aa"), label })
}

fn replaced(byte: &str) -> Then {
    let label = Label::none("Atlas");
    Then::Replaced(ManifestReplaced { document: document(byte), label })
}

fn moved(slug: Option<&str>, parent: Option<&str>) -> Then {
    let (slug, parent) = (slug.map(str::to_owned), parent.map(str::to_owned));
    Then::Moved(ManifestMoved { slug, parent })
}

#[test]
fn a_manifest_is_created_once() {
    given::<Manifest>([]).when(create("atlas")).then([created()]);
    given::<Manifest>([created()])
        .when(create("atlas"))
        .then_refused(&ManifestError::AlreadyExists);
}

fn replace(byte: &str) -> Do {
    Do::Change { place: PlacePatch::default(), document: Some(labelled(byte)) }
}

fn deleted() -> Then {
    Then::Deleted(ManifestDeleted {})
}

#[test]
fn only_other_bytes_replace() {
    given::<Manifest>([created()]).when(replace("aa")).then([]);
    given::<Manifest>([created()]).when(replace("bb")).then([replaced("bb")]);
    given::<Manifest>([]).when(replace("bb")).then_refused(&ManifestError::NotFound);
}

#[test]
fn a_manifest_moves_and_may_be_replaced_on_the_way() {
    let to = |slug: &str| PlacePatch::to_slug(Patch::Set(slug.to_owned()));
    let same = Do::Change { place: to("atlas"), document: None };
    given::<Manifest>([created()]).when(same).then([]);
    let both = Do::Change { place: to("globe"), document: Some(labelled("bb")) };
    given::<Manifest>([created()]).when(both).then([moved(Some("globe"), None), replaced("bb")]);
    let clear = Do::Change { place: PlacePatch::to_slug(Patch::Clear), document: None };
    given::<Manifest>([created()]).when(clear.clone()).then([moved(None, None)]);
    given::<Manifest>([created(), moved(None, None)]).when(clear).then([]);
    let reserved = NameError::Reserved("canvases".to_owned());
    given::<Manifest>([created()])
        .when(Do::Change { place: to("canvases"), document: None })
        .then_refused(&ManifestError::Slug(reserved));
}

#[test]
fn a_manifest_moves_below_another_collection_and_keeps_its_slug() {
    let into = |parent| PlacePatch { parent, slug: Patch::Keep };
    let into_maps = Do::Change { place: into(Patch::Set("maps".to_owned())), document: None };
    let there = moved(Some("atlas"), Some("maps"));
    given::<Manifest>([created()]).when(into_maps.clone()).then([there.clone()]);
    given::<Manifest>([created(), there.clone()]).when(into_maps).then([]);
    let back = Do::Change { place: into(Patch::Clear), document: None };
    given::<Manifest>([created(), there]).when(back).then([moved(Some("atlas"), None)]);
}

#[test]
fn a_deleted_manifest_is_gone_until_another_is_stored_there() {
    given::<Manifest>([created()]).when(Do::Delete).then([deleted()]);
    given::<Manifest>([]).when(Do::Delete).then_refused(&ManifestError::NotFound);
    for command in [Do::Delete, replace("bb")] {
        let gone = given::<Manifest>([created(), deleted()]).when(command);
        gone.then_refused(&ManifestError::Deleted);
    }
    given::<Manifest>([created(), deleted()]).when(create("atlas")).then([created()]);
}

#[test]
fn a_slug_of_the_platform_is_refused() {
    let reserved = NameError::Reserved("paintedresources".to_owned());
    given::<Manifest>([])
        .when(create("paintedresources"))
        .then_refused(&ManifestError::Slug(reserved));
}

fn removal(canvas_id: &str) -> ManifestEdit {
    ManifestEdit::CanvasRemoved(CanvasRemoved { canvas_id: canvas_id.to_owned() })
}

#[test]
fn an_edit_is_an_event_of_its_own_and_stays_until_the_document_is_kept_anew() {
    let edit = |consolidated| Do::Edit { edits: vec![removal("a")], consolidated };
    given::<Manifest>([created()]).when(edit(None)).then([removal("a").into()]);
    let kept = Then::Consolidated(ManifestConsolidated { document: document("cc") });
    given::<Manifest>([created()])
        .when(edit(Some(document("cc"))))
        .then([removal("a").into(), kept.clone()]);
    given::<Manifest>([]).when(edit(None)).then_refused(&ManifestError::NotFound);
    given::<Manifest>([created(), deleted()])
        .when(edit(None))
        .then_refused(&ManifestError::Deleted);

    let mut manifest = Manifest::default();
    manifest.apply(&created());
    manifest.apply(&removal("a").into());
    let live = manifest.live().expect("it is there");
    assert_eq!((live.pending.len(), live.edits), (1, 2));
    manifest.apply(&kept);
    let live = manifest.live().expect("it is there");
    assert_eq!((live.pending.len(), live.edits), (0, 2), "no edit of anybody");
    assert_eq!(live.document, document("cc"));
}

#[test]
fn a_document_is_due_after_many_edits_or_one_big_one() {
    let mut manifest = Manifest::default();
    manifest.apply(&created());
    let is_due = |manifest: &Manifest, edit: ManifestEdit| {
        manifest.live().expect("it is there").is_due(&[edit])
    };
    assert!(is_due(&manifest, removal(&"x".repeat(33 * 1024))));
    let mut edits = 0;
    while !is_due(&manifest, removal("a")) {
        manifest.apply(&removal("a").into());
        edits += 1;
    }
    assert_eq!(edits, 31);
}
