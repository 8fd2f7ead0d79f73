//! Lists of assets: filters, orders, pages.

use super::Store;
use super::given::{Given, admin, batch_id, customer_created, id, page, registration, space_id};
use crate::assets::{AssetFilter, AssetOrder, AssetRow, AssetState};
use crate::paging::{Cursor, Direction, PageRequest, QueryError};
use dlcs_domain::CustomerId;
use dlcs_domain::asset::AssetEvent;
use std::collections::HashSet;

const ORDERS: [AssetOrder; 3] = [AssetOrder::Created, AssetOrder::Id, AssetOrder::Number1];

/// Registers an asset whose fields follow from its number.
async fn register<S: Store>(given: &Given<S>, number: u32) {
    let id = id(&format!("{}/{}/{:03}", 1 + number % 2, 1 + number % 3, (number * 37) % 1_000));
    let mut it = registration(1);
    let metadata = &mut it.metadata;
    metadata.string1 =
        if number.is_multiple_of(4) { String::new() } else { format!("s{}", number % 4) };
    metadata.string2 = format!("s{}", number % 5);
    metadata.string3 = format!("s{}", number % 6);
    metadata.number1 = i64::from(number % 4) - 1;
    metadata.number2 = i64::from(number % 5);
    metadata.number3 = i64::from(number % 6);
    metadata.tags = (0..number % 3).map(|it| format!("tag-{it}")).collect();
    it.roles = (0..number % 4).map(|it| format!("role-{it}")).collect();
    it.batch = number.is_multiple_of(7).then(|| batch_id(1));
    given.asset(&id, AssetEvent::Registered(it)).await;
    let result = match number % 8 {
        0 => super::given::failed(1, None),
        1 => super::given::deleted(1),
        2 | 3 => super::given::delivered(1),
        _ => return,
    };
    given.asset(&id, result).await;
}

async fn registered<S: Store>(given: &Given<S>, count: u32) {
    given.happened("customer-1", customer_created("One")).await;
    given.happened("customer-2", customer_created("Two")).await;
    for number in 0..count {
        register(given, number).await;
    }
    given.catch_up().await;
}

async fn walk<S: Store>(
    given: &Given<S>,
    filter: &AssetFilter,
    order: AssetOrder,
    direction: Direction,
) -> Vec<AssetRow> {
    let assets = given.queries().assets;
    let mut rows = Vec::new();
    let mut after = None;
    loop {
        let request = PageRequest { limit: 7, after, offset: 0, direction };
        let page = assets.list(&admin(), filter, order, &request, true).await;
        let page = page.expect("the query works");
        after = page.next().cloned();
        assert_eq!(page.cursors.len(), page.items.len(), "one cursor behind each row");
        rows.extend(page.items);
        if after.is_none() {
            assert_eq!(page.total, Some(rows.len() as u64), "{filter:?}");
            return rows;
        }
    }
}

pub(super) async fn every_filter_finds_what_it_should<S: Store>(given: &Given<S>) {
    registered(given, 120).await;
    let all = walk(given, &AssetFilter::default(), AssetOrder::Created, Direction::Ascending).await;
    assert_eq!(all.len(), 105, "deleted assets are not in lists");
    for filter in filters() {
        let expected: HashSet<_> =
            all.iter().filter(|it| matches(&filter, it)).map(|it| it.id.clone()).collect();
        for order in ORDERS {
            let rows = walk(given, &filter, order, Direction::Ascending).await;
            let found: HashSet<_> = rows.into_iter().map(|it| it.id).collect();
            assert_eq!(found, expected, "{filter:?} in the order {order:?}");
        }
    }
}

/// Returns one filter for each field, alone and within a customer and a space, and some mixed.
fn filters() -> Vec<AssetFilter> {
    let none = AssetFilter::default;
    let text = |text: &str| Some(text.to_owned());
    let single = vec![
        none(),
        AssetFilter { batch: Some(batch_id(1)), ..none() },
        AssetFilter { state: Some(AssetState::Failed), ..none() },
        AssetFilter { state: Some(AssetState::Deleted), ..none() },
        AssetFilter { string1: text("s2"), ..none() },
        AssetFilter { string1: text(""), ..none() },
        AssetFilter { string2: text("s2"), ..none() },
        AssetFilter { string3: text("s4"), ..none() },
        AssetFilter { number1: Some(0), ..none() },
        AssetFilter { number1: Some(-1), ..none() },
        AssetFilter { number2: Some(3), ..none() },
        AssetFilter { number3: Some(5), ..none() },
        AssetFilter { tag: text("tag-1"), ..none() },
        AssetFilter { role: text("role-2"), ..none() },
        AssetFilter { tag: text("tag-0"), role: text("role-0"), number1: Some(1), ..none() },
        AssetFilter { string2: text("s1"), state: Some(AssetState::Delivered), ..none() },
    ];
    let mut filters = single.clone();
    for filter in single {
        let customer = Some(CustomerId(1));
        filters.push(AssetFilter { customer, ..filter.clone() });
        filters.push(AssetFilter { customer, space: Some(space_id(1, 2)), ..filter.clone() });
        filters.push(AssetFilter { space: Some(space_id(2, 1)), ..filter });
    }
    filters
}

fn matches(filter: &AssetFilter, row: &AssetRow) -> bool {
    fn is<T: PartialEq>(wanted: &Option<T>, found: &T) -> bool {
        wanted.as_ref().is_none_or(|it| it == found)
    }
    let metadata = &row.metadata;
    is(&filter.customer, &row.id.customer())
        && is(&filter.space, &row.id.space())
        && filter.batch.is_none_or(|it| row.batch == Some(it))
        && is(&filter.state, &row.state)
        && is(&filter.string1, &metadata.string1)
        && is(&filter.string2, &metadata.string2)
        && is(&filter.string3, &metadata.string3)
        && is(&filter.number1, &metadata.number1)
        && is(&filter.number2, &metadata.number2)
        && is(&filter.number3, &metadata.number3)
        && filter.tag.as_ref().is_none_or(|it| metadata.tags.contains(it))
        && filter.role.as_ref().is_none_or(|it| row.roles.contains(it))
}

pub(super) async fn pages_give_every_row_once_in_both_directions<S: Store>(given: &Given<S>) {
    registered(given, 100).await;
    let filter = AssetFilter { customer: Some(CustomerId(1)), ..AssetFilter::default() };
    let assets = given.queries().assets;
    let mut next_number = 100;
    for order in ORDERS {
        for direction in [Direction::Ascending, Direction::Descending] {
            let before = walk(given, &filter, order, direction).await;
            let (mut seen, mut after) = (Vec::new(), None);
            loop {
                let request = PageRequest { limit: 5, after, offset: 0, direction };
                let page = assets.list(&admin(), &filter, order, &request, false).await;
                let page = page.expect("the query works");
                after = page.next().cloned();
                seen.extend(page.items.into_iter().map(|it| it.id));
                if after.is_none() {
                    break;
                }
                // Meanwhile others come, before and behind the cursor.
                register(given, next_number).await;
                next_number += 1;
                given.catch_up().await;
            }
            let unique: HashSet<_> = seen.iter().collect();
            assert_eq!(unique.len(), seen.len(), "no row comes twice in the order {order:?}");
            let old: HashSet<_> = before.iter().map(|it| &it.id).collect();
            let seen_old: Vec<_> = seen.iter().filter(|it| old.contains(it)).collect();
            let expected: Vec<_> = before.iter().map(|it| &it.id).collect();
            assert_eq!(seen_old, expected, "in the order {order:?} {direction:?}");
        }
    }
}

pub(super) async fn a_foreign_cursor_is_refused<S: Store>(given: &Given<S>) {
    registered(given, 20).await;
    let assets = given.queries().assets;
    let list = async |order, after| {
        let request = PageRequest { after, ..page(3) };
        assets.list(&admin(), &AssetFilter::default(), order, &request, false).await
    };
    let first = list(AssetOrder::Created, None).await.expect("the query works");
    let next = first.next().cloned();
    assert!(list(AssetOrder::Created, next.clone()).await.is_ok());
    let foreign = Some(Cursor("00".into()));
    for (order, cursor) in [(AssetOrder::Id, next), (AssetOrder::Created, foreign)] {
        let refused = list(order, cursor).await;
        assert!(matches!(refused, Err(QueryError::BadCursor)), "{order:?}: {refused:?}");
    }
}
