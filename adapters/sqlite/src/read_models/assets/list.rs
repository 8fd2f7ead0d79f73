//! Lists of assets: filters, orders, totals. Each filter has an index, see `assets.sql`.

use super::super::keyset::{Listing, signed};
use super::rows::{columns, into_record, state_code};
use dlcs_domain::{CustomerId, SpaceId};
use dlcs_projections::assets::{AssetFilter, AssetOrder, AssetRecord, AssetRow};
use dlcs_projections::{Cursor, Page, PageRequest, QueryError};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension};

/// A list that is ready to be run.
pub(in super::super) struct ListQuery {
    /// Without the cursor: what the total counts.
    whole: Listing,
    listing: Listing,
    order: AssetOrder,
    page: PageRequest,
    /// Set when counters know the total.
    counted: Option<Counted>,
}

#[derive(Clone, Copy)]
enum Counted {
    Customer(CustomerId),
    Space(SpaceId),
}

pub(in super::super) fn prepare(
    filter: &AssetFilter,
    order: AssetOrder,
    page: &PageRequest,
) -> Result<ListQuery, QueryError> {
    let whole = listing(filter, order);
    let mut listing = whole.clone();
    if let Some(after) = &page.after {
        listing.after(cursor_key(after, order)?, page.direction);
    }
    Ok(ListQuery { whole, listing, order, page: page.clone(), counted: counted(filter) })
}

impl ListQuery {
    pub(in super::super) fn run(
        self,
        connection: &Connection,
        with_total: bool,
    ) -> rusqlite::Result<Page<AssetRow>> {
        let total = with_total.then(|| match self.counted {
            Some(counted) => counter(connection, counted),
            None => self.whole.count(connection),
        });
        let order = self.order;
        let behind = |record: &AssetRecord| cursor(record, order);
        let page = self.listing.page(connection, &self.page, into_record, behind)?;
        Ok(Page { total: total.transpose()?, ..page.map(|it| it.row) })
    }
}

/// Returns the whole list, without a cursor.
pub(in super::super) fn listing(filter: &AssetFilter, order: AssetOrder) -> Listing {
    // The side tables lead: with them the rows come in the order of creation.
    let select = match (&filter.tag, &filter.role) {
        (Some(_), _) => concat!(
            columns!(),
            " FROM asset_tags CROSS JOIN assets ON assets.created_position = asset_tags.asset"
        ),
        (None, Some(_)) => concat!(
            columns!(),
            " FROM asset_roles CROSS JOIN assets ON assets.created_position = asset_roles.asset"
        ),
        (None, None) => concat!(columns!(), " FROM assets"),
    };
    let key: &[&str] = match (order, &filter.tag, &filter.role) {
        (AssetOrder::Created, Some(_), _) => &["asset_tags.asset"],
        (AssetOrder::Created, None, Some(_)) => &["asset_roles.asset"],
        (AssetOrder::Created, None, None) => &["assets.created_position"],
        (AssetOrder::Id, ..) => &["assets.customer", "assets.space", "assets.name"],
        (AssetOrder::Number1, ..) => &["assets.number1", "assets.created_position"],
    };
    let mut listing = Listing::new(select, key);
    narrow(&mut listing, filter);
    narrow_by_labels(&mut listing, filter);
    listing
}

fn narrow(listing: &mut Listing, filter: &AssetFilter) {
    // Not `<`: that would look like a range worth an index, and cost a sort.
    listing.and("assets.state <> 3");
    match filter.customer {
        Some(customer) => listing.and_with("assets.customer = ?", customer.0),
        // Lets the indexes serve that begin with the customer.
        None if has_value(filter) => listing.and("assets.customer IN (SELECT id FROM customers)"),
        None => {}
    }
    if let Some(space) = filter.space {
        listing.and_with("assets.customer = ?", space.customer.0);
        listing.and_with("assets.space = ?", space.space.0);
    }
    if let Some(state) = filter.state {
        listing.and_with("assets.state = ?", state_code(state));
    }
    if let Some(batch) = &filter.batch {
        listing.and_with("assets.batch = ?", batch.0.as_bytes().to_vec());
    }
    for (column, string) in
        [("string1", &filter.string1), ("string2", &filter.string2), ("string3", &filter.string3)]
    {
        let Some(string) = string else { continue };
        listing.and_with(&format!("assets.{column} = ?"), string.clone());
        if !string.is_empty() {
            listing.and(&format!("assets.{column} <> ''"));
        }
    }
    for (column, number) in
        [("number1", filter.number1), ("number2", filter.number2), ("number3", filter.number3)]
    {
        let Some(number) = number else { continue };
        listing.and_with(&format!("assets.{column} = ?"), number);
        if number != 0 {
            listing.and(&format!("assets.{column} <> 0"));
        }
    }
}

fn narrow_by_labels(listing: &mut Listing, filter: &AssetFilter) {
    let customer = filter.customer.or(filter.space.map(|it| it.customer));
    if let Some(tag) = &filter.tag {
        match customer {
            Some(customer) => listing.and_with("asset_tags.customer = ?", customer.0),
            None => listing.and("asset_tags.customer IN (SELECT id FROM customers)"),
        }
        listing.and_with("asset_tags.tag = ?", tag.clone());
    }
    let Some(role) = &filter.role else { return };
    if filter.tag.is_some() {
        let condition = "EXISTS (SELECT 1 FROM asset_roles AS r WHERE r.customer = assets.customer
                                 AND r.role = ? AND r.asset = assets.created_position)";
        listing.and_with(condition, role.clone());
        return;
    }
    match customer {
        Some(customer) => listing.and_with("asset_roles.customer = ?", customer.0),
        None => listing.and("asset_roles.customer IN (SELECT id FROM customers)"),
    }
    listing.and_with("asset_roles.role = ?", role.clone());
}

/// Says whether the list is narrowed by something that is indexed within a customer.
fn has_value(filter: &AssetFilter) -> bool {
    let AssetFilter { state, string1, string2, string3, number1, number2, number3, .. } = filter;
    state.is_some()
        || [string1, string2, string3].iter().any(|it| it.is_some())
        || [number1, number2, number3].iter().any(|it| it.is_some())
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

fn counter(connection: &Connection, counted: Counted) -> rusqlite::Result<u64> {
    let (condition, customer, space) = match counted {
        Counted::Customer(customer) => ("customer = ?1 AND ?2 IS NULL", customer, None),
        Counted::Space(id) => ("customer = ?1 AND space = ?2", id.customer, Some(id.space.0)),
    };
    let sql = format!("SELECT sum(living) FROM space_counts WHERE {condition}");
    let sum: Option<Option<u64>> = connection
        .prepare_cached(&sql)?
        .query_row((customer.0, space), |row| row.get(0))
        .optional()?;
    Ok(sum.flatten().unwrap_or(0))
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
        AssetOrder::Created => vec![signed(cursor.key(list)?)],
        AssetOrder::Number1 => {
            let (number, position): (i64, u64) = cursor.key(list)?;
            vec![number.into(), signed(position)]
        }
        AssetOrder::Id => {
            let (customer, space, name): (u32, u32, String) = cursor.key(list)?;
            vec![customer.into(), space.into(), name.into()]
        }
    })
}
