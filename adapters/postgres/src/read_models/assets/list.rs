//! Lists of assets: filters, orders, totals. Each filter has an index, see `assets_indexes.sql`.

use super::rows::state_code;
use crate::read_models::directory::SCHEMA;
use crate::read_models::keyset::Listing;
use crate::read_models::served::Query;
use crate::read_models::table::SqlRow;
use crate::read_models::values::Value;
use dlcs_domain::{CustomerId, SpaceId};
use dlcs_projections::assets::{AssetFilter, AssetOrder, AssetRecord, AssetRow};
use dlcs_projections::{Cursor, Page, PageRequest, QueryError};

/// Lets the indexes serve that begin with the customer.
const OF_ANY_CUSTOMER: &str = " = ANY (ARRAY(SELECT id FROM {schema}.customers))";

pub(super) async fn run(
    query: &Query,
    filter: &AssetFilter,
    order: AssetOrder,
    page: &PageRequest,
    with_total: bool,
) -> Result<Page<AssetRow>, QueryError> {
    let mut listing = listing(filter, order);
    // The total counts the whole list, whatever the cursor.
    let total = match (with_total, counted(filter)) {
        (false, _) => None,
        (true, Some(counted)) => Some(counter(query, counted).await?),
        (true, None) => Some(listing.count(query).await?),
    };
    if let Some(after) = &page.after {
        listing.after(cursor_key(after, order)?, page.direction);
    }
    let behind = |record: &AssetRecord| cursor(record, order);
    let page = listing.page(query, page, AssetRecord::read, behind).await?;
    Ok(Page { total, ..page.map(|it| it.row) })
}

/// Returns the whole list, without a cursor.
pub(in crate::read_models) fn listing(filter: &AssetFilter, order: AssetOrder) -> Listing {
    // With the side tables in front the rows come in the order of creation.
    let tables = match (&filter.tag, &filter.role) {
        (Some(_), _) => {
            "FROM {schema}.asset_tags AS l
             JOIN {schema}.assets AS t ON t.created_position = l.asset"
        }
        (None, Some(_)) => {
            "FROM {schema}.asset_roles AS l
             JOIN {schema}.assets AS t ON t.created_position = l.asset"
        }
        (None, None) => "FROM {schema}.assets AS t",
    };
    let is_labelled = filter.tag.is_some() || filter.role.is_some();
    let key: &[&str] = match order {
        AssetOrder::Created if is_labelled => &["l.asset"],
        AssetOrder::Created => &["t.created_position"],
        AssetOrder::Id => &["t.customer", "t.space", "t.name"],
        AssetOrder::Number1 => &["t.number1", "t.created_position"],
    };
    let mut listing = Listing::from_tables::<AssetRecord>(tables, key);
    narrow(&mut listing, filter);
    narrow_by_labels(&mut listing, filter);
    listing
}

fn narrow(listing: &mut Listing, filter: &AssetFilter) {
    listing.and("t.state <> 3");
    match filter.customer {
        Some(customer) => listing.and_with("t.customer = ?", customer),
        None if has_value(filter) => listing.and(format!("t.customer{OF_ANY_CUSTOMER}")),
        None => {}
    }
    if let Some(space) = filter.space {
        listing.and_with("t.customer = ?", space.customer);
        listing.and_with("t.space = ?", space.space.0);
    }
    if let Some(state) = filter.state {
        listing.and_with("t.state = ?", state_code(state));
    }
    if let Some(batch) = &filter.batch {
        listing.and_with("t.batch = ?", batch.0);
    }
    for (column, string) in
        [("string1", &filter.string1), ("string2", &filter.string2), ("string3", &filter.string3)]
    {
        let Some(string) = string else { continue };
        if string.is_empty() {
            listing.and(format!("t.{column} = ''"));
            continue;
        }
        listing.and(format!("t.{column} <> ''"));
        listing.and_with(&is_text(&format!("t.{column}")), string);
    }
    for (column, number) in
        [("number1", filter.number1), ("number2", filter.number2), ("number3", filter.number3)]
    {
        let Some(number) = number else { continue };
        listing.and_with(&format!("t.{column} = ?"), number);
        if number != 0 {
            listing.and(format!("t.{column} <> 0"));
        }
    }
}

fn narrow_by_labels(listing: &mut Listing, filter: &AssetFilter) {
    let label = match (&filter.tag, &filter.role) {
        (Some(tag), _) => Some(("tag", tag)),
        (None, Some(role)) => Some(("role", role)),
        (None, None) => None,
    };
    let Some((column, label)) = label else { return };
    match filter.customer.or(filter.space.map(|it| it.customer)) {
        Some(customer) => listing.and_with("l.customer = ?", customer),
        None => listing.and(format!("l.customer{OF_ANY_CUSTOMER}")),
    }
    listing.and_with(&is_text(&format!("l.{column}")), label);
    let (Some(_), Some(role)) = (&filter.tag, &filter.role) else { return };
    let condition = format!(
        "EXISTS (SELECT 1 FROM {SCHEMA}.asset_roles AS r
                 WHERE r.customer = t.customer AND {} AND r.asset = t.created_position)",
        is_text("r.role")
    );
    listing.and_with(&condition, role);
}

/// Returns the condition that a column is a text of any length, of which the index has the
/// beginning.
///
/// Two conditions count as independent, so that far too few rows would be expected and sorted. Of a
/// `CASE` the planner expects half.
fn is_text(column: &str) -> String {
    format!(
        "left({column}, 200) = left(?, 200) AND CASE WHEN {column} = ? THEN true ELSE false END"
    )
}

/// Says whether the list is narrowed by something that is indexed within a customer.
fn has_value(filter: &AssetFilter) -> bool {
    let AssetFilter { state, string1, string2, string3, number1, number2, number3, .. } = filter;
    state.is_some()
        || [string1, string2, string3].iter().any(|it| it.is_some())
        || [number1, number2, number3].iter().any(|it| it.is_some())
}

#[derive(Clone, Copy)]
enum Counted {
    Customer(CustomerId),
    Space(SpaceId),
}

/// Says whether the counters of spaces know the total.
fn counted(filter: &AssetFilter) -> Option<Counted> {
    let AssetFilter { customer, space, .. } = *filter;
    let plain = AssetFilter { customer, space, ..AssetFilter::default() };
    if *filter != plain {
        return None;
    }
    match (customer, space) {
        (Some(customer), Some(space)) if customer != space.customer => None,
        (_, Some(space)) => Some(Counted::Space(space)),
        (Some(customer), None) => Some(Counted::Customer(customer)),
        (None, None) => None,
    }
}

async fn counter(query: &Query, counted: Counted) -> Result<u64, QueryError> {
    // The sum of `bigint` is a `numeric`, which counts of assets never need.
    const SUM: &str = "SELECT coalesce(sum(living), 0)::bigint FROM {schema}.space_counts";
    let (condition, values) = match counted {
        Counted::Customer(customer) => ("customer = $1", vec![customer.into()]),
        Counted::Space(id) => {
            ("customer = $1 AND space = $2", vec![id.customer.into(), id.space.0.into()])
        }
    };
    let sum = query.one(&format!("{SUM} WHERE {condition}"), &values, |it| it.number()).await?;
    Ok(sum.unwrap_or(0))
}

fn list_name(order: AssetOrder) -> &'static str {
    match order {
        AssetOrder::Created => "assets-created",
        AssetOrder::Id => "assets-id",
        AssetOrder::Number1 => "assets-number1",
    }
}

fn cursor(record: &AssetRecord, order: AssetOrder) -> Cursor {
    let AssetRecord { row, created_position, .. } = record;
    let list = list_name(order);
    match order {
        AssetOrder::Created => Cursor::after(list, created_position),
        AssetOrder::Number1 => Cursor::after(list, &(row.metadata.number1, created_position)),
        AssetOrder::Id => {
            let SpaceId { customer, space } = row.id.space();
            Cursor::after(list, &(customer, space, row.id.name()))
        }
    }
}

fn cursor_key(cursor: &Cursor, order: AssetOrder) -> Result<Vec<Value>, QueryError> {
    let list = list_name(order);
    Ok(match order {
        AssetOrder::Created => vec![Value::from(cursor.key::<u64>(list)?)],
        AssetOrder::Number1 => {
            let (number, position): (i64, u64) = cursor.key(list)?;
            vec![number.into(), position.into()]
        }
        AssetOrder::Id => {
            let (customer, space, name): (u32, u32, String) = cursor.key(list)?;
            vec![customer.into(), space.into(), (&name).into()]
        }
    })
}
