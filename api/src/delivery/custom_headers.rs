//! Custom headers beside pixels and originals, out of memory.

use super::asset::Found;
use crate::error::{Answer, Problem};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use dlcs_domain::access::Principal;
use dlcs_domain::definition::CustomHeader;
use dlcs_domain::{ActorId, CustomerId};
use dlcs_projections::definitions::{DefinitionRow, Definitions, Kind};
use dlcs_projections::paging::Direction;
use dlcs_projections::{PageRequest, QueryError};
use moka::future::Cache;
use std::sync::Arc;
use std::time::Duration;

/// How long it is believed what a customer has defined: a tile asks no store.
const KNOWN_FOR: Duration = Duration::from_millis(500);
const CUSTOMERS_MAX: u64 = 10_000;
/// Custom headers of a customer that count.
const DEFINED_MAX: usize = 1_000;
/// Names that go out beside one image, at most: clients bear no more than about a hundred headers.
const SENT_MAX: usize = 32;

/// Knows what is sent beside images. Cheap to clone; clones share what they know.
#[derive(Clone)]
pub struct CustomHeaders {
    definitions: Arc<dyn Definitions>,
    /// Those that say more come later.
    known: Cache<CustomerId, Arc<[Known]>>,
}

struct Known {
    header: CustomHeader,
    name: HeaderName,
    value: HeaderValue,
}

impl CustomHeaders {
    pub fn new(definitions: Arc<dyn Definitions>) -> Self {
        let known = Cache::builder().max_capacity(CUSTOMERS_MAX).time_to_live(KNOWN_FOR).build();
        Self { definitions, known }
    }

    /// Adds what is sent beside an image. Nothing that this service says itself is replaced, but for
    /// how long an open image may be kept.
    pub(super) async fn write(&self, found: &Found, headers: &mut HeaderMap) -> Answer<()> {
        let customer = found.id.customer();
        let known = self.known.try_get_with(customer, self.load(customer)).await;
        let known = known.map_err(Problem::internal)?;
        let sent = chosen(&known, found);
        for (name, value) in sent {
            if name == header::CACHE_CONTROL || !headers.contains_key(name) {
                headers.insert(name, value.clone());
            }
        }
        Ok(())
    }

    async fn load(&self, customer: CustomerId) -> Result<Arc<[Known]>, QueryError> {
        let everything = Principal::Process { actor: ActorId("process-api".to_owned()) };
        let (limit, direction) = (DEFINED_MAX, Direction::Ascending);
        let page = PageRequest { limit, after: None, offset: 0, direction };
        let kind = Kind::CustomHeader;
        let mut rows = self.definitions.list(&everything, customer, kind, &page).await?.items;
        rows.sort_by_key(|row| {
            let rank = row.custom_header().map_or(0, CustomHeader::rank);
            (rank, row.created_at_us, row.position)
        });
        Ok(rows.iter().filter_map(known).collect())
    }
}

/// What cannot be a header is none: it would have been refused.
fn known(row: &DefinitionRow) -> Option<Known> {
    let header = row.custom_header()?.clone();
    let name = HeaderName::try_from(header.key.as_str()).ok()?;
    let value = HeaderValue::try_from(header.value.as_str()).ok()?;
    Some(Known { header, name, value })
}

/// Returns one value for each name: of those that are meant for the image, the one that says most.
fn chosen<'k>(known: &'k [Known], found: &Found) -> Vec<(&'k HeaderName, &'k HeaderValue)> {
    let (space, roles) = (found.id.space().space, found.row.roles());
    let mut sent: Vec<(&HeaderName, &HeaderValue)> = Vec::new();
    for Known { header, name, value } in known {
        let is_withheld = header.is_about_caching() && !found.is_open;
        if is_withheld || !header.is_for(space, roles) {
            continue;
        }
        match sent.iter().position(|(it, _)| *it == name) {
            Some(at) => sent[at].1 = value,
            None if sent.len() < SENT_MAX => sent.push((name, value)),
            None => {}
        }
    }
    sent
}

#[cfg(test)]
mod tests {
    use super::*;
    use dlcs_domain::{DefinitionId, SpaceNumber};
    use dlcs_projections::definitions::Value;
    use dlcs_projections::tile_metadata::TileMetadataRow;

    fn header(key: &str, value: &str, space: Option<u32>, role: Option<&str>) -> Known {
        let space = space.map(SpaceNumber);
        let role = role.map(str::to_owned);
        let header = CustomHeader { key: key.to_owned(), value: value.to_owned(), space, role };
        let id = DefinitionId { customer: CustomerId(1), name: "a".to_owned() };
        let value = Value::CustomHeader(header);
        let row = DefinitionRow {
            id,
            value,
            removed: false,
            created_at_us: 0,
            modified_at_us: 0,
            edit_revision: 1,
            position: 1,
        };
        known(&row).expect("a header")
    }

    fn image(roles: &[&str]) -> Found {
        let roles: Vec<_> = roles.iter().map(|it| (*it).to_owned()).collect();
        Found {
            id: "1/2/a".parse().expect("an id"),
            is_open: roles.is_empty(),
            row: TileMetadataRow::Pending { roles },
            tail: String::new(),
        }
    }

    fn said(known: &[Known], found: &Found) -> Vec<String> {
        let sent = chosen(known, found).into_iter();
        sent.map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect()
    }

    #[test]
    fn whatever_says_most_is_sent() {
        let known = [
            header("X-A", "all", None, None),
            header("x-a", "space", Some(2), None),
            header("X-B", "other space", Some(3), None),
            header("X-A", "role", None, Some("staff")),
            header("X-A", "both", Some(2), Some("staff")),
        ];
        assert_eq!(said(&known, &image(&[])), ["x-a: space"]);
        assert_eq!(said(&known, &image(&["other"])), ["x-a: space"]);
        assert_eq!(said(&known, &image(&["staff"])), ["x-a: both"]);
        assert_eq!(said(&known[..4], &image(&["staff"])), ["x-a: role"]);
    }

    #[test]
    fn nobody_is_told_to_keep_what_is_closed() {
        let known = [header("Cache-Control", "public, max-age=60", None, None)];
        assert_eq!(said(&known, &image(&[])), ["cache-control: public, max-age=60"]);
        assert_eq!(said(&known, &image(&["staff"])), [""; 0]);
    }

    #[test]
    fn clients_are_not_flooded() {
        let known: Vec<_> = (0..40).map(|n| header(&format!("X-{n}"), "a", None, None)).collect();
        assert_eq!(said(&known, &image(&[])).len(), SENT_MAX);
    }
}
