//! The audit trail: rows and the one query.

use super::file::{Definition, Session};
use super::keyset::{Listing, signed};
use super::served::Query;
use super::values::store_error;
use async_trait::async_trait;
use dlcs_domain::CustomerId;
use dlcs_domain::access::Principal;
use dlcs_migrations::read_models::SQLITE_AUDIT_TRAIL;
use dlcs_projections::audit_trail::{self, AuditFilter, AuditRow, AuditTrail};
use dlcs_projections::dump::DumpWriter;
use dlcs_projections::projection::{DecodedEvent, FoldError, StoreError};
use dlcs_projections::scope;
use dlcs_projections::{Cursor, Page, PageRequest, QueryError};
use rusqlite::{Connection, Row, params};

pub(super) static DEFINITION: Definition = Definition {
    name: audit_trail::NAME,
    version: audit_trail::VERSION,
    application_id: 0x444c_5235, // "DLR5".
    migrations: SQLITE_AUDIT_TRAIL,
    begin: |connection| Box::new(Trail(connection)),
    dump,
};

const SELECT: &str = "position, event_id, resource, revision, type, actor, customer,
    recorded_at_us, correlation_id, causation_id FROM audit_trail";
const LIST: &str = "audit-trail";

/// Rows are only ever added: nothing to keep in mind.
struct Trail<'c>(&'c Connection);

impl Session for Trail<'_> {
    fn apply(&mut self, event: &DecodedEvent) -> Result<(), FoldError> {
        let row = audit_trail::project(&event.recorded)?;
        insert(self.0, &row).map_err(|error| store_error(&error))?;
        Ok(())
    }

    fn flush(self: Box<Self>) -> Result<(), StoreError> {
        Ok(())
    }
}

fn insert(connection: &Connection, row: &AuditRow) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO audit_trail
             (position, event_id, resource, revision, type, actor, customer, recorded_at_us,
              correlation_id, causation_id)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?;
    statement.execute(params![
        row.position,
        row.event_id,
        row.resource,
        row.revision,
        row.type_name,
        row.actor,
        row.customer.map(|it| it.0),
        row.recorded_at_us,
        row.correlation_id,
        row.causation_id,
    ])?;
    Ok(())
}

fn into_row(row: &Row<'_>) -> rusqlite::Result<AuditRow> {
    let customer: Option<u32> = row.get("customer")?;
    Ok(AuditRow {
        position: row.get("position")?,
        event_id: row.get("event_id")?,
        resource: row.get("resource")?,
        revision: row.get("revision")?,
        type_name: row.get("type")?,
        actor: row.get("actor")?,
        customer: customer.map(CustomerId),
        recorded_at_us: row.get("recorded_at_us")?,
        correlation_id: row.get("correlation_id")?,
        causation_id: row.get("causation_id")?,
    })
}

fn dump(connection: &Connection, writer: &mut DumpWriter) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(&format!("SELECT {SELECT} ORDER BY position"))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        writer.row(&into_row(row)?);
    }
    writer.end_table("audit_trail");
    Ok(())
}

/// Times never run backwards along positions, so a span of time is a range of positions.
const FROM: &str = "position >= (SELECT min(position) FROM audit_trail WHERE recorded_at_us >= ?)";
const UNTIL: &str = "position <= (SELECT max(position) FROM audit_trail WHERE recorded_at_us <= ?)";

fn listing(filter: &AuditFilter) -> Listing {
    let mut listing = Listing::new(SELECT, &["position"]);
    if let Some(customer) = filter.customer {
        listing.and_with("customer = ?", customer.0);
    }
    for (condition, text) in [
        ("resource = ?", &filter.resource),
        ("actor = ?", &filter.actor),
        ("type = ?", &filter.type_name),
    ] {
        if let Some(text) = text {
            listing.and_with(condition, text.clone());
        }
    }
    for (condition, time_us) in [(FROM, filter.from_us), (UNTIL, filter.until_us)] {
        if let Some(time_us) = time_us {
            listing.and_with(condition, time_us);
        }
    }
    listing
}

#[async_trait]
impl AuditTrail for Query {
    async fn list(
        &self,
        principal: &Principal,
        filter: &AuditFilter,
        page: &PageRequest,
    ) -> Result<Page<AuditRow>, QueryError> {
        let customer = scope::narrowed(principal, filter.customer)?;
        let mut listing = listing(&AuditFilter { customer, ..filter.clone() });
        if let Some(after) = &page.after {
            listing.after([signed(after.key(LIST)?)], page.direction);
        }
        let page = page.clone();
        self.run(move |it| {
            listing.page(it, &page, into_row, |row| Cursor::after(LIST, &row.position))
        })
        .await
    }
}
