//! Stored manifests and collections.

use super::Store;
use super::given::{Given, a_blob, admin, page};
use crate::manifests::{Manifests, StoredRow, path_of, resolve};
use dlcs_domain::access::Principal;
use dlcs_domain::collection::{
    CollectionCreated, CollectionDeleted, CollectionEvent, CollectionKind, CollectionMoved,
    CollectionPublished, CollectionReplaced, CollectionRestored, CollectionWithdrawn,
};
use dlcs_domain::manifest::{
    CanvasRemoved, ManifestConsolidated, ManifestCreated, ManifestDeleted, ManifestEdit,
    ManifestEvent, ManifestMoved, ManifestReplaced,
};
use dlcs_domain::{CollectionId, CustomerId, DomainEvent, Label, ManifestId};
use std::sync::Arc;

const ONE: CustomerId = CustomerId(1);

fn manifest_created(slug: Option<&str>, parent: Option<&str>, number: u64) -> ManifestEvent {
    ManifestEvent::Created(ManifestCreated {
        slug: slug.map(str::to_owned),
        parent: parent.map(str::to_owned),
        document: a_blob(number),
        label: Label::none("Atlas"),
    })
}

fn manifest_moved(slug: Option<&str>, parent: Option<&str>) -> ManifestEvent {
    let (slug, parent) = (slug.map(str::to_owned), parent.map(str::to_owned));
    ManifestEvent::Moved(ManifestMoved { slug, parent })
}

fn collection_created(slug: &str, parent: Option<&str>, public: bool) -> CollectionEvent {
    CollectionEvent::Created(CollectionCreated {
        kind: CollectionKind::Storage,
        slug: Some(slug.to_owned()),
        parent: parent.map(str::to_owned),
        public,
        document: a_blob(1),
        label: Label::of([("de", "Karten"), ("en", "Maps")]),
    })
}

fn collection_moved(slug: &str, parent: Option<&str>) -> CollectionEvent {
    let (slug, parent) = (Some(slug.to_owned()), parent.map(str::to_owned));
    CollectionEvent::Moved(CollectionMoved { slug, parent })
}

impl<S: Store> Given<S> {
    async fn of_manifest(&self, id: &str, event: ManifestEvent) {
        self.happened(&format!("manifest-1/{id}"), DomainEvent::Manifest(event)).await;
        self.catch_up().await;
    }

    async fn of_collection(&self, id: &str, event: CollectionEvent) {
        self.happened(&format!("collection-1/{id}"), DomainEvent::Collection(event)).await;
        self.catch_up().await;
    }

    fn manifests(&self) -> Arc<dyn Manifests> {
        self.queries().manifests
    }

    /// What a path leads to: its id, its path now, whether it has been deleted.
    async fn at(&self, path: &str) -> Option<(String, Option<String>, bool)> {
        let (manifests, anonymous) = (self.manifests(), Principal::Anonymous);
        let row = resolve(&*manifests, &anonymous, ONE, path).await.expect("the query works")?;
        let now = path_of(&*manifests, &anonymous, ONE, row.stored()).await;
        let now = now.expect("the query works");
        Some((id_of(&row), now, row.stored().deleted))
    }

    async fn members(&self, principal: &Principal, parent: Option<&str>) -> Vec<String> {
        let members = self.manifests();
        let members = members.members(principal, ONE, parent, &page(10)).await;
        let members = members.expect("the query works");
        assert_eq!(members.total, Some(members.items.len() as u64));
        members.items.iter().map(id_of).collect()
    }
}

fn id_of(row: &StoredRow) -> String {
    match row {
        StoredRow::Manifest(it) => it.id.id.clone(),
        StoredRow::Collection(it) => it.id.id.clone(),
    }
}

fn known(id: &str, path: Option<&str>) -> Option<(String, Option<String>, bool)> {
    Some((id.to_owned(), path.map(str::to_owned), false))
}

pub(super) async fn a_manifest_is_found_by_slug_and_keeps_its_place<S: Store>(given: &Given<S>) {
    given.of_manifest("one", manifest_created(Some("Book"), None, 1)).await;
    given.of_manifest("two", manifest_created(None, None, 2)).await;
    let (document, label) = (a_blob(3), Label::none("Globe"));
    let replaced = ManifestEvent::Replaced(ManifestReplaced { document, label: label.clone() });
    let end = given.happened("manifest-1/one", DomainEvent::Manifest(replaced)).await;
    given.catch_up().await;
    let manifests = given.manifests();
    let by_slug = manifests.by_slug(&Principal::Anonymous, ONE, None, "bOOK").await;
    let row = by_slug.expect("the query works").expect("the slug is known");
    let stored = row.stored();
    assert_eq!((stored.document.length_bytes, stored.edit_revision), (3, 2));
    assert_eq!((stored.position, &stored.label), (end.0, &label));
    let one = ManifestId { customer: ONE, id: "one".into() };
    let by_id = manifests.manifest(&Principal::Anonymous, &one).await.expect("the query works");
    assert_eq!(by_id.map(StoredRow::Manifest), Some(row));
    let list = manifests.list(&admin(), ONE, &page(10)).await.expect("the query works");
    let ids: Vec<_> = list.items.iter().map(|it| it.id.id.as_str()).collect();
    assert_eq!(ids, ["one", "two"]);
}

pub(super) async fn edits_of_a_manifest_stay_until_its_document_is_kept_anew<S: Store>(
    given: &Given<S>,
) {
    let edit =
        |canvas: &str| ManifestEdit::CanvasRemoved(CanvasRemoved { canvas_id: canvas.to_owned() });
    let stored = async || {
        let one = ManifestId { customer: ONE, id: "one".into() };
        let row = given.manifests().manifest(&Principal::Anonymous, &one).await;
        row.expect("the query works").expect("it is there").stored
    };
    given.of_manifest("one", manifest_created(None, None, 1)).await;
    given.of_manifest("one", edit("a").into()).await;
    given.of_manifest("one", edit("\u{e9} \"b\"").into()).await;
    let edited = stored().await;
    assert_eq!(edited.pending, [edit("a"), edit("\u{e9} \"b\"")]);
    assert_eq!((edited.document, edited.edit_revision), (a_blob(1), 3));
    let kept = ManifestConsolidated { document: a_blob(2) };
    given.of_manifest("one", ManifestEvent::Consolidated(kept)).await;
    let kept = stored().await;
    assert_eq!((kept.pending, kept.document, kept.edit_revision), (vec![], a_blob(2), 3));
    given.of_manifest("one", edit("c").into()).await;
    let replaced = ManifestReplaced { document: a_blob(4), label: Label::default() };
    given.of_manifest("one", ManifestEvent::Replaced(replaced)).await;
    assert_eq!(stored().await.pending, []);
}

pub(super) async fn a_manifest_moves_and_goes<S: Store>(given: &Given<S>) {
    given.of_manifest("one", manifest_created(Some("Atlas"), None, 1)).await;
    assert_eq!(given.at("ATLAS").await, known("one", Some("Atlas")));
    given.of_manifest("one", manifest_moved(Some("globe"), None)).await;
    assert_eq!(given.at("atlas").await, known("one", Some("globe")), "it leads on");
    given.of_manifest("two", manifest_created(Some("atlas"), None, 1)).await;
    assert_eq!(given.at("atlas").await, known("two", Some("atlas")), "until another takes it");
    given.of_manifest("one", manifest_moved(None, None)).await;
    assert_eq!(given.at("globe").await, known("one", None));
    given.of_manifest("two", ManifestEvent::Deleted(ManifestDeleted {})).await;
    let gone = Some(("two".to_owned(), Some("atlas".to_owned()), true));
    assert_eq!(given.at("atlas").await, gone);
    let list = given.manifests().list(&admin(), ONE, &page(10)).await.expect("the query works");
    assert_eq!((list.items.len(), list.total), (1, Some(1)));
    given.of_manifest("two", manifest_created(Some("maps"), None, 1)).await;
    assert_eq!(given.at("atlas").await, known("two", Some("maps")), "it is there again");
}

pub(super) async fn a_collection_lists_what_is_in_it<S: Store>(given: &Given<S>) {
    given.of_collection("a", collection_created("maps", None, true)).await;
    given.of_manifest("a", manifest_created(Some("atlas"), Some("a"), 1)).await;
    given.of_collection("hidden", collection_created("drafts", Some("a"), false)).await;
    given.of_manifest("b", manifest_created(None, Some("a"), 1)).await;
    given.of_manifest("elsewhere", manifest_created(Some("atlas"), None, 1)).await;
    let anonymous = Principal::Anonymous;
    assert_eq!(given.members(&admin(), Some("a")).await, ["a", "hidden", "b"]);
    assert_eq!(given.members(&anonymous, Some("a")).await, ["a", "b"], "what is public");
    assert_eq!(given.members(&anonymous, None).await, ["a", "elsewhere"]);
    given.of_manifest("b", ManifestEvent::Deleted(ManifestDeleted {})).await;
    given.of_manifest("a", manifest_moved(Some("globe"), None)).await;
    assert_eq!(given.members(&admin(), Some("a")).await, ["hidden"]);
    let manifests = given.manifests();
    let list = manifests.collections(&admin(), ONE, &page(10)).await.expect("the query works");
    let ids: Vec<_> = list.items.iter().map(|it| it.id.id.as_str()).collect();
    assert_eq!(ids, ["a", "hidden"]);
}

pub(super) async fn former_paths_lead_to_what_has_moved<S: Store>(given: &Given<S>) {
    given.of_collection("a", collection_created("maps", None, true)).await;
    given.of_collection("b", collection_created("1900", Some("a"), true)).await;
    given.of_manifest("m", manifest_created(Some("atlas"), Some("b"), 1)).await;
    assert_eq!(given.at("maps/1900/ATLAS").await, known("m", Some("maps/1900/atlas")));
    assert_eq!(given.at("maps/atlas").await, None);
    assert_eq!(given.at("maps/1900/atlas/further").await, None, "nothing is in a manifest");
    given.of_collection("a", collection_moved("charts", None)).await;
    let now = known("m", Some("charts/1900/atlas"));
    assert_eq!(given.at("maps/1900/atlas").await, now, "with all that is in it");
    given.of_collection("b", collection_moved("1900", None)).await;
    assert_eq!(given.at("maps/1900/atlas").await, known("m", Some("1900/atlas")));
    given.of_manifest("m", manifest_moved(Some("globe"), Some("a"))).await;
    assert_eq!(given.at("maps/1900/atlas").await, known("m", Some("charts/globe")));
    given.of_collection("c", collection_created("maps", None, true)).await;
    assert_eq!(given.at("maps/1900/atlas").await, None, "another has taken it");
    // What nobody can have made: a collection within itself.
    given.of_collection("a", collection_moved("charts", Some("a"))).await;
    assert_eq!(given.at("charts").await, known("a", None));
}

pub(super) async fn a_collection_is_shown_hidden_deleted_and_restored<S: Store>(given: &Given<S>) {
    given.of_collection("a", collection_created("maps", None, false)).await;
    let id = CollectionId { customer: ONE, id: "a".into() };
    let is = async || {
        let row = given.manifests().collection(&Principal::Anonymous, &id).await;
        let row = row.expect("the query works").expect("it is known");
        (row.is_public, row.stored.deleted, row.stored.edit_revision)
    };
    assert_eq!(is().await, (false, false, 1));
    given.of_collection("a", CollectionEvent::Published(CollectionPublished {})).await;
    assert_eq!(is().await, (true, false, 2));
    assert_eq!(given.members(&Principal::Anonymous, None).await, ["a"]);
    given.of_collection("a", CollectionEvent::Withdrawn(CollectionWithdrawn {})).await;
    assert_eq!(given.members(&Principal::Anonymous, None).await, [""; 0]);
    given.of_collection("a", CollectionEvent::Deleted(CollectionDeleted {})).await;
    assert_eq!(is().await, (false, true, 4));
    given.of_collection("a", CollectionEvent::Restored(CollectionRestored {})).await;
    let (document, label) = (a_blob(7), Label::none("Charts"));
    let replaced = CollectionReplaced { document: document.clone(), label: label.clone() };
    given.of_collection("a", CollectionEvent::Replaced(replaced)).await;
    let row = given.manifests().collection(&Principal::Anonymous, &id).await;
    let stored = row.expect("the query works").expect("it is known").stored;
    assert_eq!((stored.document, stored.label), (document, label));
    assert_eq!((stored.deleted, stored.edit_revision), (false, 6));
}
