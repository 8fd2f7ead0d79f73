//! Named queries.

use super::Store;
use super::given::{Given, admin, key_of, page};
use crate::paging::QueryError;
use dlcs_domain::named_query::{
    NamedQueryChanged, NamedQueryDefined, NamedQueryEvent, NamedQueryRemoved,
};
use dlcs_domain::{CustomerId, DomainEvent, NamedQueryId};

pub(super) async fn a_named_query_is_defined_changed_and_removed<S: Store>(given: &Given<S>) {
    let customer = CustomerId(1);
    let happened = async |name: &str, event: NamedQueryEvent| {
        given.happened(&format!("named_query-1/{name}"), DomainEvent::NamedQuery(event)).await;
        given.catch_up().await;
    };
    let template = |text: &str| text.parse().expect("a template");
    let defined = || NamedQueryDefined { template: template("s1=p1") };
    happened("pages", NamedQueryEvent::Defined(defined())).await;
    happened("books", NamedQueryEvent::Defined(defined())).await;
    let changed = NamedQueryChanged { template: template("s2=p1") };
    happened("pages", NamedQueryEvent::Changed(changed)).await;
    let queries = given.queries().named_queries;
    let names = async || {
        let list = queries.list(&admin(), customer, &page(10)).await.expect("the query works");
        assert_eq!(list.total, Some(list.items.len() as u64));
        list.items.into_iter().map(|it| it.id.name).collect::<Vec<_>>()
    };
    assert_eq!(names().await, ["books", "pages"]);
    let id = NamedQueryId { customer, name: "pages".to_owned() };
    let row = async || queries.named_query(&id).await.expect("the query works");
    let found = row().await.map(|it| (it.template.to_string(), it.edit_revision, it.removed));
    assert_eq!(found, Some(("s2=p1".to_owned(), 2, false)));
    happened("pages", NamedQueryEvent::Removed(NamedQueryRemoved {})).await;
    assert_eq!(names().await, ["books"]);
    assert!(row().await.is_some_and(|it| it.removed));
    let refused = queries.list(&key_of(2), customer, &page(10)).await;
    assert!(matches!(refused, Err(QueryError::NotAllowed)), "{refused:?}");
}
