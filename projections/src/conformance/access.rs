//! Who sees what.

use super::Store;
use super::given::{
    Given, admin, batch_id, id, key_of, page, registered, sample_history, space_id,
};
use crate::assets::{AssetFilter, AssetOrder};
use crate::audit_trail::AuditFilter;
use crate::batches::BatchList;
use crate::paging::QueryError;
use dlcs_domain::access::Principal;
use dlcs_domain::{CustomerId, ManifestId};

/// Says for each management query about customer 1 whether it was answered.
async fn answers<S: Store>(given: &Given<S>, principal: &Principal) -> Vec<(&'static str, bool)> {
    let queries = given.queries();
    let (customer, page) = (CustomerId(1), page(10));
    let filter = AssetFilter { customer: Some(customer), ..AssetFilter::default() };
    let audit = AuditFilter { customer: Some(customer), ..AuditFilter::default() };
    let assets = &queries.assets;
    let listed = assets.list(principal, &filter, AssetOrder::Id, &page, false).await;
    let asset = id("1/1/page-0");
    vec![
        ("asset", is_answered(assets.asset(principal, &asset).await)),
        ("assets by id", is_answered(assets.assets_by_id(principal, &[asset]).await)),
        ("assets", is_answered(listed)),
        ("space", is_answered(queries.spaces.space(principal, space_id(1, 1)).await)),
        ("spaces", is_answered(queries.spaces.list(principal, customer, &page).await)),
        ("customer", is_answered(queries.customers.customer(principal, customer).await)),
        ("batch", is_answered(queries.batches.batch(principal, customer, batch_id(9)).await)),
        (
            "batches",
            is_answered(queries.batches.list(principal, customer, BatchList::All, &page).await),
        ),
        ("manifests", is_answered(queries.manifests.list(principal, customer, &page).await)),
        (
            "collections",
            is_answered(queries.manifests.collections(principal, customer, &page).await),
        ),
        ("audit trail", is_answered(queries.audit_trail.list(principal, &audit, &page).await)),
    ]
}

fn is_answered<T>(answer: Result<T, QueryError>) -> bool {
    match answer {
        Ok(_) => true,
        Err(QueryError::NotAllowed) => false,
        Err(error) => panic!("the query works: {error}"),
    }
}

pub(super) async fn a_key_sees_its_own_customer_only<S: Store>(given: &Given<S>) {
    sample_history(given.log.as_ref(), 10).await;
    given.asset(&id("2/1/other"), registered(1)).await;
    given.catch_up().await;
    for (principal, sees) in [(admin(), true), (key_of(1), true), (key_of(2), false)] {
        for (query, answered) in answers(given, &principal).await {
            assert_eq!(answered, sees, "{query} for {principal:?}");
        }
    }
    // A list that is not narrowed shows what its reader may see.
    let queries = given.queries();
    let filter = AssetFilter::default();
    let listed = queries.assets.list(&key_of(2), &filter, AssetOrder::Id, &page(10), true).await;
    let listed = listed.expect("the query works");
    let ids: Vec<_> = listed.items.iter().map(|it| it.id.to_string()).collect();
    assert_eq!((ids, listed.total), (vec!["2/1/other".to_owned()], Some(1)));
    let trail = queries.audit_trail.list(&key_of(2), &AuditFilter::default(), &page(10)).await;
    let resources: Vec<_> =
        trail.expect("the query works").items.into_iter().map(|it| it.resource).collect();
    assert_eq!(resources, ["asset-2/1/other"]);
    let customers = queries.customers.list(&key_of(2), &page(10)).await.expect("the query works");
    assert_eq!(customers.items, [], "customer 2 has no row, and customer 1 is not theirs");
}

pub(super) async fn anonymous_sees_what_is_public<S: Store>(given: &Given<S>) {
    sample_history(given.log.as_ref(), 10).await;
    given.catch_up().await;
    for (query, answered) in answers(given, &Principal::Anonymous).await {
        assert!(!answered, "{query}");
    }
    let queries = given.queries();
    let anonymous = &Principal::Anonymous;
    assert!(is_answered(queries.tile_metadata.tile_metadata(&id("1/1/page-0")).await));
    assert!(is_answered(queries.customers.id_by_name("library").await));
    assert!(is_answered(queries.spaces.number_by_name(CustomerId(1), "maps").await));
    assert!(is_answered(queries.manifests.by_slug(anonymous, CustomerId(1), None, "a").await));
    let manifest = ManifestId { customer: CustomerId(1), id: "a".into() };
    assert!(is_answered(queries.manifests.manifest(anonymous, &manifest).await));
}
