//! Keys of the API.

use super::Store;
use super::given::{Given, key_of, page};
use crate::paging::QueryError;
use dlcs_domain::access::{Principal, Right, Scope};
use dlcs_domain::api_key::{ApiKeyEvent, ApiKeyIssued, ApiKeyRevoked};
use dlcs_domain::{ActorId, CustomerId, DomainEvent};

pub(super) async fn a_key_is_found_until_it_is_revoked<S: Store>(given: &Given<S>) {
    let happened = async |id: &str, event: ApiKeyEvent| {
        given.happened(&format!("key-{id}"), DomainEvent::ApiKey(event)).await;
        given.catch_up().await;
    };
    let issued = |right, until_us| {
        let (label, secret_sha256) = ("scanner".to_owned(), "ab".repeat(32));
        ApiKeyEvent::Issued(ApiKeyIssued { right, until_us, label, secret_sha256 })
    };
    happened("1/bb", issued(Right::Write, None)).await;
    happened("1/aa", issued(Right::Read, Some(9))).await;
    happened("2/cc", issued(Right::Manage, None)).await;
    let keys = given.queries().api_keys;
    let listed = async |principal: &Principal| {
        let list = keys.list(principal, CustomerId(1), &page(10)).await?;
        assert_eq!(list.total, Some(list.items.len() as u64));
        Ok::<_, QueryError>(list.items.into_iter().map(|it| it.id.id).collect::<Vec<_>>())
    };
    assert_eq!(listed(&key_of(1)).await.expect("the query works"), ["aa", "bb"]);
    let found = keys.credentials("aa").await.expect("the query works").expect("it is there");
    let scope = Scope { right: Right::Read, until_us: Some(9), ..key_scope(1) };
    assert_eq!((found.scope(), found.revoked), (scope, false));
    assert_eq!(found.secret_sha256, "ab".repeat(32));
    assert_eq!(keys.credentials("dd").await.expect("the query works"), None);

    happened("1/aa", ApiKeyEvent::Revoked(ApiKeyRevoked {})).await;
    assert_eq!(listed(&key_of(1)).await.expect("the query works"), ["bb"]);
    let revoked = keys.credentials("aa").await.expect("the query works");
    assert!(revoked.is_some_and(|it| it.revoked));

    let writer = Scope { right: Right::Write, ..key_scope(1) };
    let writer = Principal::Key { actor: ActorId("key-bb".into()), scope: writer };
    for stranger in [key_of(2), writer] {
        let refused = listed(&stranger).await;
        assert!(matches!(refused, Err(QueryError::NotAllowed)), "{refused:?}");
    }
}

fn key_scope(customer: u32) -> Scope {
    Scope::of_customer(CustomerId(customer))
}
