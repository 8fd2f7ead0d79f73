//! Lists are answered by indexes, without sorting what matches.

use super::*;
use crate::read_models::keyset::Listing;
use crate::read_models::values::Value;
use dlcs_domain::{BatchId, CustomerId};
use dlcs_projections::assets::{AssetFilter, AssetOrder, AssetState};
use dlcs_projections::audit_trail::AuditFilter;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

/// Twenty thousand assets of two customers, whose fields follow from their numbers.
const ASSETS: &str = "
    INSERT INTO {assets}.customers
    SELECT n, 'c' || n, 'c' || n, '', false, 0, 1, n FROM generate_series(1, 2) AS n;
    INSERT INTO {assets}.assets
    SELECT 1 + n % 2, 1 + n % 6, 'page-' || n, n, n % 4, 1, 1, '{}', NULL,
           's' || n % 20, 's' || n % 30, 's' || n % 40, n % 10, n % 20, n % 30,
           '[]', '[]', '{}', '[]', lpad(to_hex(n % 20), 32, '0')::uuid, NULL, NULL, NULL, 0, 0, NULL, 1, n
    FROM generate_series(1, 20000) AS n;
    INSERT INTO {assets}.asset_tags
    SELECT 1 + n % 2, 't' || n % 20, n FROM generate_series(1, 20000) AS n WHERE n % 4 <> 3;
    INSERT INTO {assets}.asset_roles
    SELECT 1 + n % 2, 'r' || n % 20, n FROM generate_series(1, 20000) AS n WHERE n % 4 <> 3;
    INSERT INTO {audit-trail}.audit_trail
    SELECT n, 'e' || n, 'asset-1/1/' || n % 500, n, 'type-' || n % 20, 'key-' || n % 50, n % 100,
           n, 'c', NULL
    FROM generate_series(1, 20000) AS n;
    ANALYZE";

/// Rows that are sorted as quickly as an index gives them in order.
const SORTED_MAX: u32 = 100;

async fn given_many() -> Given<Temporary> {
    let given = given().await;
    given.store.by_hand(ASSETS).await;
    given
}

async fn plan(
    given: &Given<Temporary>,
    name: &str,
    listing: &Listing,
    request: &PageRequest,
) -> String {
    let build = given.store.read_models.served(name).current();
    let client = given.store.read_models.directory().database.client().await.unwrap();
    let sql = build.sql(&format!("EXPLAIN {}", listing.sql(request)));
    let values = listing.values().iter().map(|it| (it as &(dyn ToSql + Sync), it.kind()));
    let values: Vec<_> = values.collect();
    let rows = client.query_typed(&sql, &values).await.unwrap();
    rows.iter().map(|row| row.get::<_, String>(0)).collect::<Vec<_>>().join("\n")
}

fn assert_direct(plan: &str, what: &dyn std::fmt::Debug) {
    assert!(plan.contains("Index"), "{what:?}\n{plan}");
    for costly in ["Seq Scan", "Hash"] {
        assert!(!plan.contains(costly), "{what:?}\n{plan}");
    }
    // The few that a narrow filter finds may be sorted, the many never.
    for sort in plan.lines().filter(|line| line.contains("Sort  (")) {
        let rows = sort.split("rows=").nth(1).and_then(|it| it.split(' ').next()?.parse().ok());
        assert!(rows.is_some_and(|rows: u32| rows <= SORTED_MAX), "{what:?}\n{plan}");
    }
}

fn filters() -> Vec<AssetFilter> {
    let text = |text: &str| Some(text.to_owned());
    let customer = Some(CustomerId(1));
    let space = "1/3".parse().ok();
    let batch = Some(BatchId(Uuid::from_u128(6)));
    let of_customer = || AssetFilter { customer, ..AssetFilter::default() };
    vec![
        AssetFilter::default(),
        of_customer(),
        AssetFilter { space, ..of_customer() },
        AssetFilter { state: Some(AssetState::Failed), ..of_customer() },
        AssetFilter { state: Some(AssetState::Failed), space, ..of_customer() },
        AssetFilter { string1: text("s2"), ..of_customer() },
        AssetFilter { string2: text("s2"), ..of_customer() },
        AssetFilter { string3: text("s2"), ..of_customer() },
        AssetFilter { number1: Some(2), ..of_customer() },
        AssetFilter { number2: Some(2), ..of_customer() },
        AssetFilter { number3: Some(2), ..of_customer() },
        AssetFilter { tag: text("t2"), ..of_customer() },
        AssetFilter { role: text("r2"), ..of_customer() },
        AssetFilter { batch, ..of_customer() },
        AssetFilter { batch, ..AssetFilter::default() },
    ]
}

#[tokio::test]
async fn every_list_of_assets_is_answered_by_an_index() {
    let given = given_many().await;
    for filter in filters() {
        for direction in [Direction::Ascending, Direction::Descending] {
            let request = PageRequest { direction, ..first(20) };
            let mut listing = assets::listing(&filter, AssetOrder::Created);
            assert_direct(&plan(&given, "assets", &listing, &request).await, &filter);
            listing.after([Value::from(9_000_u64)], direction);
            assert_direct(&plan(&given, "assets", &listing, &request).await, &filter);
        }
    }
}

#[tokio::test]
async fn the_other_orders_are_those_of_an_index() {
    let given = given_many().await;
    let customer = Some(CustomerId(1));
    let space = "1/3".parse().ok();
    for filter in [
        AssetFilter { customer, ..AssetFilter::default() },
        AssetFilter { customer, space, ..AssetFilter::default() },
    ] {
        let listing = assets::listing(&filter, AssetOrder::Number1);
        assert_direct(&plan(&given, "assets", &listing, &first(20)).await, &filter);
        let mut listing = assets::listing(&filter, AssetOrder::Id);
        assert_direct(&plan(&given, "assets", &listing, &first(20)).await, &filter);
        let after = [Value::from(1_u32), Value::from(3_u32), Value::from("page-2")];
        listing.after(after, Direction::Ascending);
        assert_direct(&plan(&given, "assets", &listing, &first(20)).await, &filter);
    }
}

#[tokio::test]
async fn every_list_of_the_audit_trail_is_answered_by_an_index() {
    let given = given_many().await;
    let all = AuditFilter::default;
    for filter in [
        all(),
        AuditFilter { customer: Some(CustomerId(7)), ..all() },
        AuditFilter { resource: Some("asset-1/1/7".into()), ..all() },
        AuditFilter { actor: Some("key-7".into()), ..all() },
        AuditFilter { type_name: Some("type-7".into()), ..all() },
        AuditFilter { from_us: Some(19_000), ..all() },
        AuditFilter { from_us: Some(900), until_us: Some(1_000), ..all() },
    ] {
        let listing = audit_trail::listing(&filter);
        assert_direct(&plan(&given, "audit-trail", &listing, &first(20)).await, &filter);
    }
}
