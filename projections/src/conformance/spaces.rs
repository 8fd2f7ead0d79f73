//! Customers, spaces, the audit trail.

use super::Store;
use super::given::{
    BEGINNING_US, Given, admin, append, customer_created, deleted, delivered, id, key_of, page,
    registered, reingest, space_created, space_id, started,
};
use crate::audit_trail::AuditFilter;
use crate::paging::QueryError;
use dlcs_domain::asset::{AssetEvent, Delivered, IngestDelivered};
use dlcs_domain::customer::{CustomerDeleted, CustomerDisplayNameChanged, CustomerEvent};
use dlcs_domain::space::{SpaceDeleted, SpaceEvent, SpaceRenamed};
use dlcs_domain::{BlobRef, CustomerId, DomainEvent, SpaceNumber};

pub(super) async fn names_are_found_without_case<S: Store>(given: &Given<S>) {
    let (customer, space) = (CustomerId(1), space_id(1, 2));
    given.happened("customer-1", customer_created("Library")).await;
    given.happened("space-1/2", space_created("Alte Bücher")).await;
    given.catch_up().await;
    let queries = given.queries();
    let by_name = async |name| queries.customers.id_by_name(name).await.expect("the query works");
    assert_eq!(by_name("LIBRARY").await, Some(customer));
    assert_eq!(by_name("Archive").await, None);
    let number =
        async |name| queries.spaces.number_by_name(customer, name).await.expect("the query works");
    assert_eq!(number("alte BÜCHER").await, Some(SpaceNumber(2)));

    let renamed = SpaceEvent::Renamed(SpaceRenamed { name: "Books".into() });
    given.happened("space-1/2", DomainEvent::Space(renamed)).await;
    let display_name = "Our library".to_owned();
    let event = CustomerEvent::DisplayNameChanged(CustomerDisplayNameChanged { display_name });
    given.happened("customer-1", DomainEvent::Customer(event)).await;
    given.catch_up().await;
    assert_eq!(number("alte Bücher").await, None);
    assert_eq!(number("books").await, Some(SpaceNumber(2)));
    let row = queries.spaces.space(&admin(), space).await.expect("the query works");
    assert_eq!(row.map(|it| (it.name, it.edit_revision)), Some(("Books".into(), 2)));

    given.happened("space-1/2", DomainEvent::Space(SpaceEvent::Deleted(SpaceDeleted {}))).await;
    let event = DomainEvent::Customer(CustomerEvent::Deleted(CustomerDeleted {}));
    given.happened("customer-1", event).await;
    given.catch_up().await;
    assert_eq!((number("books").await, by_name("library").await), (None, None));
    let row = queries.spaces.space(&admin(), space).await.expect("the query works");
    assert!(row.is_some_and(|it| it.deleted), "by its number it is still known");
    let spaces = queries.spaces.list(&admin(), customer, &page(10)).await;
    assert_eq!(spaces.expect("the query works").items, []);
    let customers = queries.customers.list(&admin(), &page(10)).await.expect("the query works");
    assert_eq!((customers.items, customers.total), (vec![], Some(0)));
}

pub(super) async fn a_space_counts_its_living_assets<S: Store>(given: &Given<S>) {
    given.happened("space-1/2", space_created("Maps")).await;
    for name in ["1/2/a", "1/2/b", "1/2/c"] {
        given.asset(&id(name), registered(1)).await;
    }
    given.asset(&id("1/2/a"), deleted(1)).await;
    given.asset(&id("1/2/b"), deleted(1)).await;
    given.asset(&id("1/2/b"), registered(2)).await;
    given.catch_up().await;
    let spaces = given.queries().spaces;
    let row = spaces.space(&admin(), space_id(1, 2)).await.expect("the query works");
    assert_eq!(row.map(|it| it.asset_count), Some(2));
    let list = spaces.list(&admin(), CustomerId(1), &page(10)).await.expect("the query works");
    let counts: Vec<_> = list.items.iter().map(|it| it.asset_count).collect();
    assert_eq!((counts, list.total), (vec![2], Some(1)));
}

/// Registered, delivered, made again with other bytes, deleted, and there once more.
pub(super) async fn a_space_sums_up_what_is_kept<S: Store>(given: &Given<S>) {
    given.happened("space-1/2", space_created("Maps")).await;
    given.happened("space-1/3", space_created("Letters")).await;
    let of = |attempt, original, derivative| {
        let AssetEvent::IngestDelivered(it) = delivered(attempt) else { unreachable!() };
        let original = BlobRef { length_bytes: original, ..it.delivered.original };
        let delivered = Delivered { original, derivative_bytes: derivative, ..it.delivered };
        AssetEvent::IngestDelivered(IngestDelivered { attempt, delivered })
    };
    let stored = async |space| {
        given.catch_up().await;
        let spaces = given.queries().spaces;
        let stored = spaces.stored(&admin(), CustomerId(1), space).await.expect("the query works");
        (stored.images, stored.original_bytes, stored.derivative_bytes)
    };
    for name in ["1/2/a", "1/2/b", "1/3/c", "2/1/d"] {
        given.asset(&id(name), registered(1)).await;
        assert_eq!(stored(Some(SpaceNumber(2))).await.0, 0, "nothing is kept yet");
        given.asset(&id(name), started(1)).await;
    }
    given.asset(&id("1/2/a"), of(1, 1_000, 300)).await;
    given.asset(&id("1/2/b"), of(1, 20, 10)).await;
    given.asset(&id("1/3/c"), of(1, 5_000_000_000, 7)).await;
    given.asset(&id("2/1/d"), of(1, 9, 9)).await;
    assert_eq!(stored(Some(SpaceNumber(2))).await, (2, 1_020, 310));
    assert_eq!(stored(None).await, (3, 5_000_001_020, 317));
    for event in [reingest(2, None), started(2)] {
        given.asset(&id("1/2/a"), event).await;
    }
    // The late result of an old attempt counts for nothing.
    given.asset(&id("1/2/a"), of(1, 77, 77)).await;
    assert_eq!(stored(Some(SpaceNumber(2))).await, (2, 1_020, 310), "until there is better");
    given.asset(&id("1/2/a"), of(2, 400, 100)).await;
    assert_eq!(stored(Some(SpaceNumber(2))).await, (2, 420, 110));
    given.asset(&id("1/2/a"), deleted(1)).await;
    given.asset(&id("1/2/a"), registered(2)).await;
    assert_eq!(stored(Some(SpaceNumber(2))).await, (1, 20, 10));
    let spaces = given.queries().spaces;
    let changed = async |customer, space| {
        let stored = spaces.stored(&admin(), CustomerId(customer), space).await;
        stored.expect("the query works").changed_at_us
    };
    assert_eq!(changed(7, None).await, None);
    let newest = changed(1, Some(SpaceNumber(2))).await;
    assert!(newest > changed(1, Some(SpaceNumber(3))).await && newest == changed(1, None).await);
    let refused = spaces.stored(&key_of(2), CustomerId(1), None).await;
    assert!(matches!(refused, Err(QueryError::NotAllowed)), "{refused:?}");
}

pub(super) async fn a_space_that_is_created_again_is_there_again<S: Store>(given: &Given<S>) {
    given.happened("space-1/2", space_created("Maps")).await;
    given.happened("space-1/2", DomainEvent::Space(SpaceEvent::Deleted(SpaceDeleted {}))).await;
    given.happened("space-1/2", space_created("Charts")).await;
    given.catch_up().await;
    let spaces = given.queries().spaces;
    let row = spaces.space(&admin(), space_id(1, 2)).await.expect("the query works");
    let row = row.map(|it| (it.name, it.deleted, it.edit_revision));
    assert_eq!(row, Some(("Charts".to_owned(), false, 3)), "as the aggregate counts edits");
    let number = spaces.number_by_name(CustomerId(1), "charts").await.expect("the query works");
    assert_eq!(number, Some(SpaceNumber(2)));
}

pub(super) async fn the_audit_trail_tells_who_did_what<S: Store>(given: &Given<S>) {
    let log = given.log.as_ref();
    append(log, "customer-1", &customer_created("Library"), "key-admin").await;
    append(log, "space-1/2", &space_created("Maps"), "key-1").await;
    append(log, "asset-1/2/a", &DomainEvent::Asset(registered(1)), "key-1").await;
    append(log, "customer-2", &customer_created("Archive"), "key-admin").await;
    given.catch_up().await;
    let trail = given.queries().audit_trail;
    let positions = async |filter| {
        let page = trail.list(&admin(), &filter, &page(10)).await.expect("the query works");
        page.items.into_iter().map(|it| it.position).collect::<Vec<_>>()
    };
    let all = AuditFilter::default;
    assert_eq!(positions(all()).await, [1, 2, 3, 4]);
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(positions(AuditFilter { actor: text("key-1"), ..all() }).await, [2, 3]);
    assert_eq!(positions(AuditFilter { resource: text("space-1/2"), ..all() }).await, [2]);
    assert_eq!(
        positions(AuditFilter { type_name: text("customer.created"), ..all() }).await,
        [1, 4]
    );
    assert_eq!(positions(AuditFilter { customer: Some(CustomerId(1)), ..all() }).await, [1, 2, 3]);
    let from_us = Some(BEGINNING_US + 1_000_000);
    let until_us = Some(BEGINNING_US + 2_999_999);
    assert_eq!(positions(AuditFilter { from_us, until_us, ..all() }).await, [2, 3]);
    let from_us = Some(BEGINNING_US + 9_000_000);
    assert_eq!(positions(AuditFilter { from_us, ..all() }).await, [0_u64; 0]);
    let page = trail.list(&admin(), &all(), &page(1)).await.expect("the query works");
    let first = &page.items[0];
    assert_eq!((first.actor.as_str(), first.resource.as_str()), ("key-admin", "customer-1"));
    assert_eq!((first.recorded_at_us, first.revision), (BEGINNING_US, 0));
}
