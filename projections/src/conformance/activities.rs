//! Activities of public documents.

use super::Store;
use super::given::{Given, a_blob, customer_created, page};
use crate::activities::{ActivityKind, ActivityRow, ResourceKind};
use crate::paging::{Cursor, Direction, PageRequest, QueryError};
use dlcs_domain::collection::{
    CollectionCreated, CollectionDeleted, CollectionEvent, CollectionKind, CollectionMoved,
    CollectionPublished, CollectionReplaced, CollectionRestored, CollectionWithdrawn,
};
use dlcs_domain::customer::{CustomerDeleted, CustomerEvent};
use dlcs_domain::manifest::{
    ManifestCreated, ManifestDeleted, ManifestEvent, ManifestMoved, ManifestReplaced,
};
use dlcs_domain::{CustomerId, DomainEvent, Label};

const ONE: CustomerId = CustomerId(1);

fn created(slug: Option<&str>) -> ManifestEvent {
    let slug = slug.map(str::to_owned);
    ManifestEvent::Created(ManifestCreated {
        slug,
        parent: None,
        document: a_blob(1),
        label: Label::default(),
    })
}

fn moved(slug: Option<&str>) -> ManifestEvent {
    ManifestEvent::Moved(ManifestMoved { slug: slug.map(str::to_owned), parent: None })
}

fn replaced(number: u64) -> ManifestEvent {
    ManifestEvent::Replaced(ManifestReplaced { document: a_blob(number), label: Label::default() })
}

async fn happened<S: Store>(given: &Given<S>, manifest: &str, event: ManifestEvent) {
    given.happened(&format!("manifest-{manifest}"), DomainEvent::Manifest(event)).await;
}

async fn ordinals<S: Store>(given: &Given<S>, first: u64, end: u64) -> Vec<u64> {
    let rows = given.queries().activities.between(ONE, first, end).await;
    rows.expect("the query works").into_iter().map(|it| it.ordinal).collect()
}

pub(super) async fn what_happened_is_told_in_order<S: Store>(given: &Given<S>) {
    let deleted = || ManifestEvent::Deleted(ManifestDeleted {});
    for (manifest, event) in [
        ("1/a", created(Some("Atlas"))),
        ("1/b", created(None)),
        ("2/a", created(Some("other"))),
        ("1/a", replaced(2)),
        ("1/a", moved(Some("globe"))),
        ("1/a", moved(None)),
        ("1/a", deleted()),
    ] {
        happened(given, manifest, event).await;
        given.catch_up().await;
    }
    happened(given, "1/a", created(Some("again"))).await;
    let end = given.catch_up().await;
    let rows = given.queries().activities.between(ONE, 0, 100).await.expect("the query works");
    let told = rows.iter().map(|it: &ActivityRow| {
        assert_eq!((it.customer, it.kind), (ONE, ResourceKind::Manifest));
        (it.ordinal, it.activity, &*it.resource, it.former_slug.as_deref(), it.slug.as_deref())
    });
    use ActivityKind::{Create, Delete, Move, Update};
    let expected = [
        (0, Create, "a", None, Some("Atlas")),
        (1, Create, "b", None, None),
        (2, Update, "a", None, Some("Atlas")),
        (3, Move, "a", Some("Atlas"), Some("globe")),
        (4, Move, "a", Some("globe"), None),
        (5, Delete, "a", None, None),
        (6, Create, "a", None, Some("again")),
    ];
    assert_eq!(told.collect::<Vec<_>>(), expected);
    assert!(rows.is_sorted_by_key(|it| (it.ended_at_us, it.position)), "{rows:?}");
    assert_eq!(rows.last().map(|it| it.position), Some(end.0));
    let stream = given.queries().activities.stream(ONE).await.expect("the query works");
    let stream = stream.expect("something happened");
    assert_eq!((stream.count, stream.deleted), (7, false));
    assert_eq!(Some(stream.modified_at_us), rows.last().map(|it| it.ended_at_us));
}

pub(super) async fn collections_are_told_of_while_they_are_public<S: Store>(given: &Given<S>) {
    let created = |kind, slug: &str, public| {
        let (slug, parent, label) = (Some(slug.to_owned()), None, Label::default());
        let document = a_blob(1);
        CollectionEvent::Created(CollectionCreated { kind, slug, parent, public, document, label })
    };
    let moved = |slug: &str, parent: Option<&str>| {
        let (slug, parent) = (Some(slug.to_owned()), parent.map(str::to_owned));
        CollectionEvent::Moved(CollectionMoved { slug, parent })
    };
    let replaced = || {
        let (document, label) = (a_blob(2), Label::default());
        CollectionEvent::Replaced(CollectionReplaced { document, label })
    };
    for (id, event) in [
        ("shown", created(CollectionKind::Storage, "maps", true)),
        ("list", created(CollectionKind::Iiif, "draft", false)),
        ("list", replaced()),
        ("list", moved("list", None)),
        ("list", CollectionEvent::Published(CollectionPublished {})),
        ("list", replaced()),
        ("shown", moved("globes", None)),
        ("list", moved("list", Some("shown"))),
        ("list", CollectionEvent::Withdrawn(CollectionWithdrawn {})),
        ("list", moved("list", None)),
        ("list", CollectionEvent::Deleted(CollectionDeleted {})),
        ("shown", CollectionEvent::Deleted(CollectionDeleted {})),
        ("shown", CollectionEvent::Restored(CollectionRestored {})),
    ] {
        given.happened(&format!("collection-1/{id}"), DomainEvent::Collection(event)).await;
        given.catch_up().await;
    }
    let rows = given.queries().activities.between(ONE, 0, 100).await.expect("the query works");
    let told = rows.iter().map(|it: &ActivityRow| {
        assert_eq!((it.customer, it.kind), (ONE, ResourceKind::Collection));
        (it.ordinal, it.activity, &*it.resource, it.former_slug.as_deref(), it.slug.as_deref())
    });
    use ActivityKind::{Add, Create, Delete, Move, Remove, Update};
    let expected = [
        (0, Create, "shown", None, Some("maps")),
        (1, Add, "list", None, Some("list")),
        (2, Update, "list", None, Some("list")),
        (3, Move, "shown", Some("maps"), Some("globes")),
        (4, Move, "list", Some("list"), None),
        (5, Remove, "list", None, None),
        (6, Delete, "shown", None, Some("globes")),
        (7, Create, "shown", None, Some("globes")),
    ];
    assert_eq!(told.collect::<Vec<_>>(), expected);
}

pub(super) async fn activities_are_read_by_their_numbers<S: Store>(given: &Given<S>) {
    for number in 0..12 {
        happened(given, &format!("1/{number}"), created(None)).await;
    }
    happened(given, "2/a", created(None)).await;
    given.catch_up().await;
    assert_eq!(ordinals(given, 0, 4).await, [0, 1, 2, 3]);
    assert_eq!(ordinals(given, 10, 14).await, [10, 11]);
    assert_eq!(ordinals(given, 12, 100_000_000_000_000).await, [0_u64; 0]);
    assert_eq!(ordinals(given, 5, 5).await, [0_u64; 0]);
    let activities = given.queries().activities;
    for direction in [Direction::Ascending, Direction::Descending] {
        let mut request = PageRequest { direction, ..page(5) };
        let mut all = Vec::new();
        loop {
            let page = activities.list(ONE, &request).await.expect("the query works");
            assert_eq!(page.total, Some(12));
            all.extend(page.items.iter().map(|it| it.ordinal));
            request.after = page.cursors.last().cloned();
            if !page.has_more {
                break;
            }
        }
        if direction == Direction::Descending {
            all.reverse();
        }
        assert_eq!(all, Vec::from_iter(0..12));
    }
    let foreign = PageRequest { after: Some(Cursor::after("assets", &1_u64)), ..page(5) };
    let refused = activities.list(ONE, &foreign).await;
    assert!(matches!(refused, Err(QueryError::BadCursor)), "{refused:?}");
}

pub(super) async fn a_customer_has_activities_until_it_goes<S: Store>(given: &Given<S>) {
    let stream = async || {
        given.catch_up().await;
        let stream = given.queries().activities.stream(ONE).await.expect("the query works");
        stream.map(|it| (it.count, it.deleted))
    };
    assert_eq!(stream().await, None);
    given.happened("customer-1", customer_created("Library")).await;
    assert_eq!(stream().await, Some((0, false)));
    happened(given, "1/a", created(None)).await;
    assert_eq!(stream().await, Some((1, false)));
    let event = DomainEvent::Customer(CustomerEvent::Deleted(CustomerDeleted {}));
    given.happened("customer-1", event).await;
    assert_eq!(stream().await, Some((1, true)));
}
