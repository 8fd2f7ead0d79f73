//! Which pages have this text? The search index: its rows, its questions, and what is made of them.
//!
//! - One document for each asset. It is kept also while it has no text, for its access and its
//!   generation; then no search finds it.
//! - Analysis, queries and boxes are of `dlcs-text`, so that every engine answers alike. An engine
//!   finds pages and nothing else.
//! - Access is part of the search, before anything is counted: nobody learns from a total, a
//!   suggestion or a page number that a closed page has a word.
//! - The checkpoint is in the index and moves with the documents.

pub mod dump;
mod pages;
mod record;
mod service;
mod store;

pub use pages::PageRecords;
pub use record::{SearchChange, SearchRecord, VisibleText, fold, project};
pub use service::{
    COUNTED_PAGES_MAX, Found, FoundHit, HITS_FROM_MAX, HITS_LIMIT_MAX, HitsWanted, Search,
    SearchError,
};

pub use store::{SearchStore, WithSearch};

use crate::paging::QueryError;
use async_trait::async_trait;
use dlcs_domain::access::{AccessRule, Action, Decision, Principal, decide};
use dlcs_domain::{AssetId, BlobRef, CustomerId, SpaceNumber};
use dlcs_text::Query;

/// Name of the projection.
pub const NAME: &str = "search";
/// Version of its documents, and of the analysis that made them: since 2 they name the roles that
/// open them.
pub const VERSION: u32 = 2;

/// Most assets of [`Within::Assets`].
pub const ASSETS_MAX: usize = 20_000;
/// Most pages of one answer of an index.
pub const PAGES_MAX: usize = 1_000;
/// Most suggestions of one answer.
pub const SUGGESTIONS_MAX: usize = 100;

/// Where a search looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    pub customer: CustomerId,
    pub within: Within,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Within {
    /// The whole collection of the customer.
    Customer,
    Space(SpaceNumber),
    /// Pages in their order, for example the canvases of a manifest; at most [`ASSETS_MAX`], the
    /// others are not looked at. Those of other customers are never found.
    Assets(Vec<AssetId>),
}

/// A part of the pages that were found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SearchPage {
    /// How many pages there are in all.
    pub total_pages: u64,
    /// How many hits there are on all of them, where the engine counts them.
    pub total_hits: Option<u64>,
    pub pages: Vec<SearchedPage>,
}

/// A page that has all of a query.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchedPage {
    pub id: AssetId,
    pub generation: u32,
    pub layout: BlobRef,
    pub record: BlobRef,
    /// How many hits it has, where the engine counts them: as many as `dlcs_text::locate` finds.
    pub hits: Option<u32>,
}

/// A word that begins as a reader began it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// Folded; finds what it counts.
    pub value: String,
    /// How many pages have it.
    pub count: u64,
}

/// An index of pages.
#[async_trait]
pub trait SearchIndex: Send + Sync + 'static {
    /// Finds the pages that have all of a query, of those that `principal` may read.
    ///
    /// Exact: a page is found if and only if `dlcs_text::locate` finds something on it. A query
    /// without clauses finds nothing. The order is that of [`Within::Assets`]; without such, the
    /// best page comes first by the engine's own measure, equals by their id (as text).
    /// `from` and `limit` count pages; `limit` is at most [`PAGES_MAX`], the rest is cut.
    async fn search(
        &self,
        principal: &Principal,
        scope: &Scope,
        query: &Query,
        from: usize,
        limit: usize,
    ) -> Result<SearchPage, QueryError>;

    /// Returns words that begin with `prefix`, of pages that `principal` may read: whole words
    /// only, those of the most pages first, equals in the order of their letters.
    ///
    /// `prefix` is folded; without any, nothing is suggested.
    async fn autocomplete(
        &self,
        principal: &Principal,
        scope: &Scope,
        prefix: &str,
        limit: usize,
    ) -> Result<Vec<Suggestion>, QueryError>;
}

impl Scope {
    /// Returns the place of each asset that is looked at; `None`: all of the customer's, or of the
    /// space's, are.
    ///
    /// An asset that is named twice has the first of its places.
    pub fn places(&self) -> Option<std::collections::HashMap<&AssetId, usize>> {
        let Within::Assets(assets) = &self.within else { return None };
        let mut places = std::collections::HashMap::with_capacity(assets.len().min(ASSETS_MAX));
        let own = assets.iter().filter(|it| it.customer() == self.customer);
        for (place, asset) in own.take(ASSETS_MAX).enumerate() {
            places.entry(asset).or_insert(place);
        }
        Some(places)
    }
}

/// Which pages of a customer somebody may find.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Readable {
    All,
    /// Those that are open, and those that one of these roles opens.
    Open {
        roles: Vec<String>,
    },
}

impl Readable {
    pub fn by(principal: &Principal, customer: CustomerId) -> Self {
        if let Principal::Reader { roles } = principal {
            let own = roles.iter().filter(|(whose, _)| *whose == customer);
            return Self::Open { roles: own.map(|(_, name)| name.clone()).collect() };
        }
        // No role opens these to anybody but those who need none.
        let closed = AccessRule::Roles { customer, roles: vec![String::new()] };
        match decide(principal, &closed, Action::ReadContent) {
            Decision::Granted => Self::All,
            _ => Self::Open { roles: Vec::new() },
        }
    }

    /// Says whether this page is among them.
    pub fn has(&self, record: &SearchRecord) -> bool {
        match self {
            Self::All => true,
            Self::Open { roles } => {
                let mut names = record.role_names().peekable();
                names.peek().is_none() || names.any(|name| roles.iter().any(|it| it == name))
            }
        }
    }
}
