//! `/customers/{c}/audit`: who did what to a customer's resources, when, oldest first, as lines of JSON
//! or CSV, of any length.
//!
//! A page at a time is read while the lines are sent; what happens meanwhile is not among them.

use super::write::Incoming;
use crate::error::{Answer, Problem};
use crate::http::query::QueryParams;
use crate::http::time::iso;
use crate::state::Shared;
use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::IntoResponse;
use bytes::Bytes;
use dlcs_domain::CustomerId;
use dlcs_domain::access::Principal;
use dlcs_projections::audit_trail::{self, AuditFilter, AuditRow};
use dlcs_projections::paging::{Cursor, Direction, LIMIT_MAX};
use dlcs_projections::{PageRequest, Position, QueryError};
use futures::stream;
use serde_json::json;

const COLUMNS: [&str; 10] = [
    "position",
    "recordedAt",
    "type",
    "resource",
    "revision",
    "actor",
    "customer",
    "correlationId",
    "causationId",
    "eventId",
];

/// `?resource=&actor=&type=&from=&until=`; `?format=csv` or `Accept: text/csv` for CSV.
pub(crate) async fn export(request: Incoming) -> Answer {
    let customer = request.caller.customer()?;
    let format = Format::of(&request)?;
    let filter = filter(customer, &request.query)?;
    let state = request.state.clone();
    let until = state.queries.freshness.position(audit_trail::NAME).unwrap_or_default();
    let trail =
        Trail { state, who: request.caller.principal, filter, format, until, next: Next::Header };
    let lines = stream::try_unfold(trail, |mut trail| async {
        let piece = trail.piece().await.map_err(std::io::Error::other)?;
        Ok::<_, std::io::Error>(piece.map(|piece| (piece, trail)))
    });
    let mut response = Body::from_stream(lines).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(format.media_type()));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    headers.insert(header::VARY, HeaderValue::from_static("accept"));
    Ok(response)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Lines,
    Csv,
}

impl Format {
    fn of(request: &Incoming) -> Answer<Self> {
        let accept = request.headers.get(header::ACCEPT).and_then(|it| it.to_str().ok());
        match request.query.get("format") {
            Some("csv") => Ok(Self::Csv),
            Some("ndjson") => Ok(Self::Lines),
            Some(_) => Err(Problem::field("format", "`format` is `ndjson` or `csv`")),
            None if accept.is_some_and(|it| it.contains("text/csv")) => Ok(Self::Csv),
            None => Ok(Self::Lines),
        }
    }

    fn media_type(self) -> &'static str {
        match self {
            Self::Lines => "application/x-ndjson",
            Self::Csv => "text/csv; charset=utf-8; header=present",
        }
    }

    fn header(self) -> Option<Vec<u8>> {
        (self == Self::Csv).then(|| csv_line(&COLUMNS.map(str::to_owned)))
    }

    fn write(self, row: &AuditRow, out: &mut Vec<u8>) {
        match self {
            Self::Lines => {
                out.extend_from_slice(line(row).to_string().as_bytes());
                out.push(b'\n');
            }
            Self::Csv => out.extend_from_slice(&csv_line(&cells(row))),
        }
    }
}

fn line(row: &AuditRow) -> serde_json::Value {
    json!({
        "position": row.position,
        "recordedAt": iso(row.recorded_at_us),
        "type": row.type_name,
        "resource": row.resource,
        "revision": row.revision,
        "actor": row.actor,
        "customer": row.customer.map(|it| it.0),
        "correlationId": row.correlation_id,
        "causationId": row.causation_id,
        "eventId": row.event_id,
    })
}

fn cells(row: &AuditRow) -> [String; COLUMNS.len()] {
    [
        row.position.to_string(),
        iso(row.recorded_at_us),
        row.type_name.clone(),
        row.resource.clone(),
        row.revision.to_string(),
        row.actor.clone(),
        row.customer.map(|it| it.0.to_string()).unwrap_or_default(),
        row.correlation_id.clone(),
        row.causation_id.clone().unwrap_or_default(),
        row.event_id.clone(),
    ]
}

/// Returns one record as RFC 4180 writes it.
fn csv_line(cells: &[String]) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::with_capacity(256));
    writer.write_record(cells).expect("memory takes what is written");
    writer.into_inner().expect("memory takes what is written")
}

fn filter(customer: CustomerId, query: &QueryParams) -> Answer<AuditFilter> {
    Ok(AuditFilter {
        customer: Some(customer),
        resource: query.get("resource").map(str::to_owned),
        actor: query.get("actor").map(str::to_owned),
        type_name: query.get("type").map(str::to_owned),
        from_us: query.time("from")?,
        until_us: query.time("until")?,
    })
}

/// What is still to be sent.
struct Trail {
    state: Shared,
    who: Principal,
    filter: AuditFilter,
    format: Format,
    /// The last event that is among the lines.
    until: Position,
    next: Next,
}

enum Next {
    Header,
    Page(Option<Cursor>),
    Nothing,
}

impl Trail {
    /// Returns the next lines; `None`: there are no more.
    async fn piece(&mut self) -> Result<Option<Bytes>, QueryError> {
        let mut out = match self.next {
            Next::Header => self.format.header().unwrap_or_default(),
            _ => Vec::new(),
        };
        let after = match std::mem::replace(&mut self.next, Next::Nothing) {
            Next::Nothing => return Ok(None),
            Next::Header => None,
            Next::Page(after) => after,
        };
        let request =
            PageRequest { limit: LIMIT_MAX, after, offset: 0, direction: Direction::Ascending };
        let trail = &self.state.queries.audit_trail;
        let page = trail.list(&self.who, &self.filter, &request).await?;
        let known = page.items.iter().take_while(|row| row.position <= self.until.0);
        let mut count = 0;
        for row in known {
            self.format.write(row, &mut out);
            count += 1;
        }
        if let Some(next) = page.next().filter(|_| count == page.items.len()) {
            self.next = Next::Page(Some(next.clone()));
        }
        Ok(Some(out.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_of_csv_is_quoted_where_it_must_be() {
        let cells = ["1", "a,b", "say \"yes\"", "two\nlines", ""].map(str::to_owned);
        let line = String::from_utf8(csv_line(&cells)).expect("UTF-8");
        assert_eq!(line, "1,\"a,b\",\"say \"\"yes\"\"\",\"two\nlines\",\r\n");
    }
}
