//! Numbered pages of Hydra collections: `?page=&pageSize=`, and their `view`.

use super::query::QueryParams;
use crate::error::Problem;
use dlcs_projections::PageRequest;
use dlcs_projections::paging::Direction;
use serde_json::{Value, json};

const PAGE_SIZE_DEFAULT: usize = 100;
/// THREATS 4.3.
const PAGE_SIZE_MAX: usize = 1000;
/// Deeper pages cost what they skip; the filters lead there faster.
const OFFSET_MAX: usize = 1_000_000;

/// Which page of a collection is wanted; pages count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PageNumber {
    pub page: usize,
    pub size: usize,
}

impl PageNumber {
    pub(crate) fn read(query: &QueryParams) -> Result<Self, Problem> {
        let page: usize = query.number("page")?.unwrap_or(1);
        let size = query.number("pageSize")?.unwrap_or(PAGE_SIZE_DEFAULT);
        if page == 0 {
            return Err(Problem::field("page", "pages count from 1"));
        }
        if size == 0 || size > PAGE_SIZE_MAX {
            let detail = format!("a page has 1 to {PAGE_SIZE_MAX} members");
            return Err(Problem::field("pageSize", detail));
        }
        if (page - 1).saturating_mul(size) > OFFSET_MAX {
            let detail = format!("pages end at member {OFFSET_MAX}; narrow the list by a filter");
            return Err(Problem::field("page", detail));
        }
        Ok(Self { page, size })
    }

    pub(crate) fn request(self, direction: Direction) -> PageRequest {
        let offset = (self.page - 1) * self.size;
        PageRequest { limit: self.size, after: None, offset, direction }
    }

    /// Returns a Hydra collection of one page. `address` is the list's own, without paging.
    pub(crate) fn collection(
        self,
        address: &str,
        query: &QueryParams,
        members: Vec<Value>,
        has_more: bool,
        total: Option<u64>,
    ) -> Value {
        let at = |page: usize| format!("{address}?{}", query.with_page(page, self.size));
        // On the last page the end of the list is known, whether it was counted or not.
        let end = ((self.page - 1) * self.size + members.len()) as u64;
        let total = total.or_else(|| (!has_more).then_some(end));
        let mut view = json!({
            "@id": at(self.page),
            "@type": "hydra:PartialCollectionView",
            "first": at(1),
            "page": self.page,
            "pageSize": self.size,
        });
        if self.page > 1 {
            view["previous"] = json!(at(self.page - 1));
        }
        if has_more {
            view["next"] = json!(at(self.page + 1));
        }
        if let Some(total) = total {
            let pages = total.div_ceil(self.size as u64).max(1);
            view["totalPages"] = json!(pages);
            view["last"] = json!(at(usize::try_from(pages).unwrap_or(usize::MAX)));
        }
        let mut collection = json!({
            "@context": crate::management::json_ld::context(),
            "@id": address,
            "@type": "Collection",
            "pageSize": self.size,
            "member": members,
        });
        if let Some(total) = total {
            collection["totalItems"] = json!(total);
        }
        collection["view"] = view;
        collection
    }
}
