//! The rules of collections.

use super::{
    Collection, CollectionCommand as Do, CollectionCreated, CollectionDeleted, CollectionError,
    CollectionEvent as Then, CollectionKind, CollectionMoved, CollectionPatch, CollectionPublished,
    CollectionReplaced, CollectionRestored, CollectionWithdrawn, NewCollection,
};
use crate::given::given;
use crate::ids::BlobRef;
use crate::label::Label;
use crate::manifest::LabelledBlob;
use crate::names::NameError;
use crate::patch::Patch;
use crate::place::{Place, PlacePatch};

fn document(byte: &str) -> LabelledBlob {
    let blob = BlobRef { sha256: byte.repeat(32), length_bytes: 7 };
    LabelledBlob { blob, label: Label::none("Maps") }
}

fn create(slug: &str) -> Do {
    Do::Create(NewCollection {
        kind: CollectionKind::Storage,
        place: Place { parent: Some("top".to_owned()), slug: Some(slug.to_owned()) },
        is_public: true,
        document: document("aa"),
    })
}

fn created() -> Then {
    let LabelledBlob { blob: document, label } = document("aa");
    Then::Created(CollectionCreated {
        kind: CollectionKind::Storage,
        slug: Some("maps".to_owned()),
        parent: Some("top".to_owned()),
        public: true,
        document,
        label,
    })
}

fn deleted() -> Then {
    Then::Deleted(CollectionDeleted {})
}

fn change(patch: CollectionPatch) -> Do {
    Do::Change(patch)
}

#[test]
fn a_collection_is_created_once() {
    given::<Collection>([]).when(create("maps")).then([created()]);
    given::<Collection>([created()])
        .when(create("maps"))
        .then_refused(&CollectionError::AlreadyExists);
    given::<Collection>([created(), deleted()]).when(create("maps")).then([created()]);
    let reserved = NameError::Reserved("Manifests".to_owned());
    given::<Collection>([])
        .when(create("Manifests"))
        .then_refused(&CollectionError::Name(reserved));
}

#[test]
fn only_what_differs_is_an_event() {
    let place = PlacePatch { parent: Patch::Clear, slug: Patch::Set("atlases".to_owned()) };
    let all = CollectionPatch {
        kind: Some(CollectionKind::Storage),
        place,
        is_public: Some(false),
        document: Some(document("bb")),
    };
    let moved = Then::Moved(CollectionMoved { slug: Some("atlases".to_owned()), parent: None });
    let withdrawn = Then::Withdrawn(CollectionWithdrawn {});
    let LabelledBlob { blob, label } = document("bb");
    let replaced = Then::Replaced(CollectionReplaced { document: blob, label });
    let events = [withdrawn, moved, replaced];
    given::<Collection>([created()]).when(change(all.clone())).then(events.clone());
    let [withdrawn, moved, replaced] = events.clone();
    let history = [created(), withdrawn.clone(), moved, replaced];
    given::<Collection>(history).when(change(all.clone())).then([]);
    let [_, moved, replaced] = events;
    let published = Then::Published(CollectionPublished {});
    let shown = CollectionPatch { is_public: Some(true), ..all };
    given::<Collection>([created(), withdrawn.clone()])
        .when(change(shown))
        .then([moved, replaced, published]);
    let public = CollectionPatch { is_public: Some(true), ..CollectionPatch::default() };
    given::<Collection>([created(), withdrawn])
        .when(change(public))
        .then([Then::Published(CollectionPublished {})]);
}

#[test]
fn a_collection_stays_what_it_is() {
    let kind = Some(CollectionKind::Iiif);
    given::<Collection>([created()])
        .when(change(CollectionPatch { kind, ..CollectionPatch::default() }))
        .then_refused(&CollectionError::OtherKind);
}

#[test]
fn only_an_empty_collection_is_deleted() {
    given::<Collection>([created()])
        .when(Do::Delete { is_empty: false })
        .then_refused(&CollectionError::NotEmpty);
    given::<Collection>([created()]).when(Do::Delete { is_empty: true }).then([deleted()]);
    given::<Collection>([])
        .when(Do::Delete { is_empty: true })
        .then_refused(&CollectionError::NotFound);
    for command in [Do::Delete { is_empty: true }, change(CollectionPatch::default())] {
        given::<Collection>([created(), deleted()])
            .when(command)
            .then_refused(&CollectionError::Deleted);
    }
}

#[test]
fn a_deletion_is_taken_back() {
    let restored = || Then::Restored(CollectionRestored {});
    given::<Collection>([created(), deleted()]).when(Do::Restore).then([restored()]);
    given::<Collection>([created(), deleted(), restored()]).when(Do::Restore).then([]);
    given::<Collection>([created(), deleted(), restored()])
        .when(Do::Delete { is_empty: false })
        .then_refused(&CollectionError::NotEmpty);
}
