//! The audit trail: rows and the one query.

use super::build::{Definition, DumpTable};
use super::errors::SqlError;
use super::fold::Session;
use super::keyset::Listing;
use super::served::Query;
use super::table::{Added, Slots, SqlRow};
use super::values::{Columns, Value};
use async_trait::async_trait;
use dlcs_domain::CustomerId;
use dlcs_domain::access::Principal;
use dlcs_migrations::read_models::POSTGRES_AUDIT_TRAIL;
use dlcs_projections::audit_trail::{self, AuditFilter, AuditRow, AuditTrail};
use dlcs_projections::dump::DumpWriter;
use dlcs_projections::projection::{DecodedEvent, FoldError};
use dlcs_projections::scope;
use dlcs_projections::{Cursor, Page, PageRequest, QueryError};
use tokio_postgres::Row;

pub(super) static DEFINITION: Definition = Definition {
    name: audit_trail::NAME,
    version: audit_trail::VERSION,
    lock: 5,
    tables: POSTGRES_AUDIT_TRAIL,
    begin: || Box::new(Trail(Added(Vec::new()))),
    dump: &[DumpTable::of::<AuditRow>()],
};

const LIST: &str = "audit-trail";

/// Rows are only ever added: nothing to keep in mind.
struct Trail(Added<AuditRow>);

impl Session for Trail {
    fn apply(&mut self, event: &DecodedEvent) -> Result<(), FoldError> {
        self.0.0.push(audit_trail::project(&event.recorded)?);
        Ok(())
    }

    fn tables(&mut self) -> Vec<&mut dyn Slots> {
        vec![&mut self.0]
    }
}

impl SqlRow for AuditRow {
    const TABLE: &'static str = "audit_trail";
    const COLUMNS: &'static [(&'static str, &'static str)] = &[
        ("position", "bigint"),
        ("event_id", "text"),
        ("resource", "text"),
        ("revision", "bigint"),
        ("type", "text"),
        ("actor", "text"),
        ("customer", "bigint"),
        ("recorded_at_us", "bigint"),
        ("correlation_id", "text"),
        ("causation_id", "text"),
    ];
    const KEY: usize = 1;

    fn values(&self) -> Vec<Value> {
        vec![
            self.position.into(),
            (&self.event_id).into(),
            (&self.resource).into(),
            self.revision.into(),
            (&self.type_name).into(),
            (&self.actor).into(),
            self.customer.into(),
            self.recorded_at_us.into(),
            (&self.correlation_id).into(),
            self.causation_id.as_ref().into(),
        ]
    }

    fn read(columns: &mut Columns<'_>) -> Result<Self, SqlError> {
        Ok(Self {
            position: columns.number()?,
            event_id: columns.text()?,
            resource: columns.text()?,
            revision: columns.number()?,
            type_name: columns.text()?,
            actor: columns.text()?,
            customer: columns.small_or_null()?.map(CustomerId),
            recorded_at_us: columns.take()?,
            correlation_id: columns.text()?,
            causation_id: columns.text_or_null()?,
        })
    }

    fn dump(row: &Row, writer: &mut DumpWriter) -> Result<(), SqlError> {
        writer.row(&Self::read(&mut Columns::new(row))?);
        Ok(())
    }
}

/// Times never run backwards along positions, so a span of time is a range of positions.
const FROM: &str = "t.position >= (SELECT position FROM {schema}.audit_trail
    WHERE recorded_at_us >= ? ORDER BY recorded_at_us, position LIMIT 1)";
const UNTIL: &str = "t.position <= (SELECT position FROM {schema}.audit_trail
    WHERE recorded_at_us <= ? ORDER BY recorded_at_us DESC, position DESC LIMIT 1)";

pub(super) fn listing(filter: &AuditFilter) -> Listing {
    let mut listing = Listing::of::<AuditRow>(&["t.position"]);
    if let Some(customer) = filter.customer {
        listing.and_with("t.customer = ?", customer);
    }
    for (condition, text) in [
        ("t.resource = ?", &filter.resource),
        ("t.actor = ?", &filter.actor),
        ("t.type = ?", &filter.type_name),
    ] {
        if let Some(text) = text {
            listing.and_with(condition, text);
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
            let position: u64 = after.key(LIST)?;
            listing.after([position.into()], page.direction);
        }
        let cursor = |row: &AuditRow| Cursor::after(LIST, &row.position);
        listing.page(self, page, AuditRow::read, cursor).await
    }
}
