//! Roles, access services, custom headers, accounts, webhooks.

use super::Store;
use super::given::{Given, admin, key_of, page};
use crate::definitions::{Kind, Value};
use crate::paging::QueryError;
use dlcs_domain::definition::{
    Account, AuthProfile, AuthService, CustomHeader, DefinitionEvent, DefinitionRemoved,
    FormerSecret, Role, SecretChange, Webhook,
};
use dlcs_domain::{CustomerId, DefinitionId, DomainEvent, SpaceNumber};
use uuid::Uuid;

pub(super) async fn roles_and_services_are_defined_changed_and_removed<S: Store>(given: &Given<S>) {
    let customer = CustomerId(1);
    let happened = async |stream: &str, event: DomainEvent| {
        given.happened(stream, event).await;
        given.catch_up().await;
    };
    let role = |label: &str| Role { label: label.to_owned(), auth_service: Some("terms".into()) };
    let defined = |label: &str| DomainEvent::Role(DefinitionEvent::Defined(role(label)));
    let terms = AuthService {
        profile: AuthProfile::Clickthrough,
        label: "Terms".to_owned(),
        page_label: "Terms of use".to_owned(),
        description: "Be kind.".to_owned(),
        call_to_action: "I am".to_owned(),
        ttl_s: 600,
    };
    let service = DomainEvent::AuthService(DefinitionEvent::Defined(terms.clone()));
    happened("role-1/staff", defined("Staff")).await;
    happened("role-1/readers", defined("Readers")).await;
    // Two kinds do not share their names.
    happened("auth_service-1/staff", service).await;
    happened("role-2/staff", defined("Others")).await;
    let changed = DomainEvent::Role(DefinitionEvent::Changed(role("Employees")));
    happened("role-1/staff", changed).await;

    let definitions = given.queries().definitions;
    let names = async |kind| {
        let list = definitions.list(&admin(), customer, kind, &page(10)).await;
        let list = list.expect("the query works");
        assert_eq!(list.total, Some(list.items.len() as u64));
        list.items.into_iter().map(|it| it.id.name).collect::<Vec<_>>()
    };
    assert_eq!(names(Kind::Role).await, ["readers", "staff"]);
    assert_eq!(names(Kind::AuthService).await, ["staff"]);
    let id = DefinitionId { customer, name: "staff".to_owned() };
    let row = async |kind| definitions.definition(&id, kind).await.expect("the query works");
    let found = row(Kind::Role).await.expect("it is there");
    assert_eq!((found.role(), found.edit_revision), (Some(&role("Employees")), 2));
    let found = row(Kind::AuthService).await.expect("it is there");
    assert_eq!(found.value, Value::AuthService(terms));

    let removed = DefinitionEvent::Removed(DefinitionRemoved {});
    happened("role-1/staff", DomainEvent::Role(removed)).await;
    assert_eq!(names(Kind::Role).await, ["readers"]);
    let found = row(Kind::Role).await.expect("it is known");
    assert!(found.removed && found.role().is_none());
    happened("role-1/staff", defined("Again")).await;
    let found = row(Kind::Role).await.expect("it is there");
    assert_eq!((found.role(), found.edit_revision), (Some(&role("Again")), 4));
    let refused = definitions.list(&key_of(2), customer, Kind::Role, &page(10)).await;
    assert!(matches!(refused, Err(QueryError::NotAllowed)), "{refused:?}");
}

pub(super) async fn accounts_and_webhooks_are_kept_beside_them<S: Store>(given: &Given<S>) {
    accounts_are_kept(given).await;
    webhooks_are_kept(given).await;
}

async fn accounts_are_kept<S: Store>(given: &Given<S>) {
    let account = |password| Account {
        label: "Jane".to_owned(),
        auth_services: vec!["members".to_owned(), "ein „Lesesaal“".to_owned()],
        password_id: Some(Uuid::from_u128(password)),
        keeps_password: false,
    };
    let stream = "account-1/jane";
    for event in [
        DefinitionEvent::Defined(account(1)),
        DefinitionEvent::Changed(account(2)),
        DefinitionEvent::Removed(DefinitionRemoved {}),
        DefinitionEvent::Defined(account(3)),
    ] {
        given.happened(stream, DomainEvent::Account(event)).await;
    }
    let other = DefinitionEvent::Defined(account(4));
    given.happened("account-2/jane", DomainEvent::Account(other)).await;
    given.catch_up().await;
    let definitions = given.queries().definitions;
    let id = DefinitionId { customer: CustomerId(1), name: "jane".to_owned() };
    let found = definitions.definition(&id, Kind::Account).await.expect("the query works");
    let found = found.expect("it is there");
    assert_eq!((found.account(), found.edit_revision), (Some(&account(3)), 4));
    assert!(found.role().is_none() && found.auth_service().is_none());
    let list = definitions.list(&admin(), id.customer, Kind::Account, &page(10)).await;
    assert_eq!(list.expect("the query works").items, [found]);
}

pub(super) async fn custom_headers_are_kept_beside_them<S: Store>(given: &Given<S>) {
    let header = |value: &str| CustomHeader {
        key: "X-Licence".to_owned(),
        value: value.to_owned(),
        space: Some(SpaceNumber(2)),
        role: Some("staff".to_owned()),
    };
    let stream = "custom_header-1/a";
    let role = Role { label: "A role".to_owned(), auth_service: None };
    given.happened("role-1/a", DomainEvent::Role(DefinitionEvent::Defined(role))).await;
    let events = [
        DefinitionEvent::Defined(header("CC BY 4.0")),
        DefinitionEvent::Changed(header("In copyright")),
    ];
    for event in events {
        given.happened(stream, DomainEvent::CustomHeader(event)).await;
    }
    given.catch_up().await;
    let definitions = given.queries().definitions;
    let id = DefinitionId { customer: CustomerId(1), name: "a".to_owned() };
    let found = definitions.definition(&id, Kind::CustomHeader).await.expect("the query works");
    let found = found.expect("it is there");
    assert_eq!((found.custom_header(), found.edit_revision), (Some(&header("In copyright")), 2));
    assert!(found.role().is_none() && found.auth_service().is_none());
    let removed = DefinitionEvent::Removed(DefinitionRemoved {});
    given.happened(stream, DomainEvent::CustomHeader(removed)).await;
    given.catch_up().await;
    let kind = Kind::CustomHeader;
    let list = definitions.list(&admin(), id.customer, kind, &page(10)).await;
    assert_eq!(list.expect("the query works").items, []);
}

async fn webhooks_are_kept<S: Store>(given: &Given<S>) {
    let webhook = |active| Webhook {
        url: "https://example.org/hook?a=„b“".to_owned(),
        description: "Tells the catalogue".to_owned(),
        events: vec!["asset.*".to_owned(), "space.created".to_owned()],
        active,
        secret_id: Some(Uuid::from_u128(2)),
        former_secret: Some(FormerSecret { id: Uuid::from_u128(1), until_us: i64::MAX }),
        secret_change: SecretChange::Given,
    };
    let stream = "webhook-1/a";
    for event in [
        DefinitionEvent::Defined(webhook(true)),
        DefinitionEvent::Removed(DefinitionRemoved {}),
        DefinitionEvent::Defined(webhook(true)),
        DefinitionEvent::Changed(webhook(false)),
    ] {
        given.happened(stream, DomainEvent::Webhook(event)).await;
    }
    let other = DefinitionEvent::Defined(webhook(true));
    given.happened("webhook-2/a", DomainEvent::Webhook(other)).await;
    given.catch_up().await;
    let definitions = given.queries().definitions;
    let id = DefinitionId { customer: CustomerId(1), name: "a".to_owned() };
    let found = definitions.definition(&id, Kind::Webhook).await.expect("the query works");
    let found = found.expect("it is there");
    assert_eq!((found.webhook(), found.edit_revision), (Some(&webhook(false)), 4));
    assert!(found.role().is_none() && found.account().is_none());
    let list = definitions.list(&admin(), id.customer, Kind::Webhook, &page(10)).await;
    assert_eq!(list.expect("the query works").items, [found]);
}
