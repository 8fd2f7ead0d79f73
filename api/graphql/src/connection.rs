//! Relay connections over keyset pages.

use crate::context::{query_error, refused};
use async_graphql::connection::{Connection, Edge, EmptyFields};
use async_graphql::{Error, OutputType};
use dlcs_projections::paging::Direction;
use dlcs_projections::{Cursor, Page, PageRequest, QueryError};

pub(crate) const PAGE_MAX: i32 = 1_000;
pub(crate) const PAGE_DEFAULT: i32 = 25;

/// A Relay connection with a count of the whole list where it is known.
pub(crate) type List<T> = Connection<String, T, Total, EmptyFields>;

#[derive(async_graphql::SimpleObject)]
pub(crate) struct Total {
    /// Number of all entries, where it is counted.
    pub(crate) total_count: Option<u64>,
}

/// Reads `first` and `after`.
pub(crate) fn page(
    first: Option<i32>,
    after: Option<String>,
    direction: Direction,
) -> Result<PageRequest, Error> {
    let first = first.unwrap_or(PAGE_DEFAULT);
    if !(1..=PAGE_MAX).contains(&first) {
        return Err(refused("bad-page", format!("`first` is 1 to {PAGE_MAX}, not {first}")));
    }
    let limit = usize::try_from(first).expect("first is positive");
    Ok(PageRequest { limit, after: after.map(Cursor), offset: 0, direction })
}

/// Turns a page into a connection.
pub(crate) fn connection<R, T: OutputType>(
    page: Result<Page<R>, QueryError>,
    request: &PageRequest,
    node: impl Fn(R) -> T,
) -> Result<List<T>, Error> {
    let page = page.map_err(query_error)?;
    let total = Total { total_count: page.total };
    let before = request.after.is_some();
    let mut list = Connection::with_additional_fields(before, page.has_more, total);
    for (row, cursor) in page.items.into_iter().zip(page.cursors) {
        list.edges.push(Edge::new(cursor.0, node(row)));
    }
    Ok(list)
}
