//! What a search asks for: the scope of its address, and its parameters.

use super::canvases::Canvases;
use super::collections;
use crate::access::Caller;
use crate::delivery::asset::{id_of, space_of};
use crate::error::{Answer, Problem};
use crate::http::query::QueryParams;
use crate::http::raw_path::PathParams;
use crate::management::manifests as managed;
use crate::state::{Resource, Shared};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Uri};
use dlcs_domain::access::Principal;
use dlcs_domain::{CollectionId, ManifestId};
use dlcs_iiif::content_search::SearchVersion;
use dlcs_projections::search::{ASSETS_MAX, HITS_FROM_MAX, Scope, Within};
use url::form_urlencoded;

/// Hits of one page.
pub(super) const PAGE_LENGTH: usize = 100;
/// The last page: hits are listed no further.
const PAGES_MAX: usize = HITS_FROM_MAX / PAGE_LENGTH + 1;
/// Parameters of the specifications that have no effect here: text has no author and no date.
const IGNORED: [&str; 2] = ["date", "user"];

/// A search, as its address says it.
pub(crate) struct SearchRequest {
    pub(super) state: Shared,
    pub(super) caller: Caller,
    pub(super) params: PathParams,
    pub(super) query: QueryParams,
    pub(super) uri: Uri,
    pub(super) headers: HeaderMap,
    pub(super) version: SearchVersion,
}

impl FromRequestParts<Shared> for SearchRequest {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &Shared) -> Answer<Self> {
        let params = PathParams::from_request_parts(parts, state).await?;
        let version = match params.get("version") {
            "v1" => SearchVersion::V1,
            "v2" => SearchVersion::V2,
            _ => return Err(Problem::not_found()),
        };
        Ok(Self {
            caller: Caller::from_request_parts(parts, state).await?,
            query: QueryParams::parse(parts.uri.query().unwrap_or_default()),
            state: state.clone(),
            params,
            uri: parts.uri.clone(),
            headers: parts.headers.clone(),
            version,
        })
    }
}

impl SearchRequest {
    /// Returns where is searched, and how what is found there is called.
    pub(super) async fn scope(&self) -> Answer<(Scope, Canvases)> {
        let customer = self.caller.customer()?;
        let scope = |within| Scope { customer, within };
        if let Some(id) = self.params.find("manifest") {
            return self.manifest(ManifestId { customer, id: id.to_owned() }).await;
        }
        if let Some(id) = self.params.find("collection") {
            return self.collection(&CollectionId { customer, id: id.to_owned() }).await;
        }
        if self.params.find("asset").is_some() {
            let id = id_of(&self.state, customer, &self.params).await?;
            self.state.settle(&Resource::Asset(id.clone())).await;
            return Ok((scope(Within::Assets(vec![id])), Canvases::of_asset()));
        }
        if let Some(space) = self.params.find("space") {
            let space = space_of(&self.state, customer, space).await?;
            return Ok((scope(Within::Space(space.space)), Canvases::of_collection()));
        }
        Ok((scope(Within::Customer), Canvases::of_collection()))
    }

    async fn manifest(&self, id: ManifestId) -> Answer<(Scope, Canvases)> {
        let (state, customer) = (&self.state, id.customer);
        let row = managed::living(state, &self.caller, &id).await?;
        let stored = managed::document_of(state, &row).await?;
        let painted = stored.painted.unwrap_or_default();
        let assets = painted.iter().map(|it| it.asset.clone()).collect();
        let canvases = Canvases::of_manifest(state, &row, &painted);
        Ok((Scope { customer, within: Within::Assets(assets) }, canvases))
    }

    async fn collection(&self, id: &CollectionId) -> Answer<(Scope, Canvases)> {
        let held = collections::held(&self.state, &self.caller, id).await?;
        let (canvases, assets) = Canvases::of_held(held);
        if assets.len() > ASSETS_MAX {
            return Err(collections::too_large());
        }
        Ok((Scope { customer: id.customer, within: Within::Assets(assets) }, canvases))
    }

    /// Returns what is looked for; empty: nothing.
    pub(super) fn q(&self) -> &str {
        self.query.get("q").unwrap_or_default()
    }

    pub(super) fn ignored(&self, also: &[&'static str]) -> Vec<&'static str> {
        let named = IGNORED.iter().chain(also).copied();
        named.filter(|name| self.query.get(name).is_some()).collect()
    }

    /// Whether text is among the motivations that are asked for.
    pub(super) fn wants_text(&self) -> bool {
        let Some(wanted) = self.query.get("motivation") else { return true };
        let texts: &[&str] = match self.version {
            SearchVersion::V1 => &["painting"],
            SearchVersion::V2 => &["painting", "supplementing", "contextualizing", "highlighting"],
        };
        let mut wanted = wanted.split_ascii_whitespace().peekable();
        wanted.peek().is_none() || wanted.any(|it| texts.contains(&it))
    }

    /// Returns the number of the page, from 1.
    pub(super) fn page(&self) -> Answer<usize> {
        match self.query.number("page")?.unwrap_or(1_usize) {
            0 => Err(Problem::field("page", "`page` counts from 1")),
            page if page > PAGES_MAX => {
                Err(Problem::field("page", format!("`page` is at most {PAGES_MAX}")))
            }
            page => Ok(page),
        }
    }

    /// Returns the address of this search, or of one of its further pages.
    pub(super) fn address(&self, page: Option<usize>) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for name in ["q", "motivation"] {
            if let Some(value) = self.query.get(name) {
                query.append_pair(name, value);
            }
        }
        if let Some(page) = page {
            query.append_pair("page", &page.to_string());
        }
        let path = self.uri.path();
        self.state.public_url.at(format_args!("{path}?{}", query.finish()))
    }

    /// Whether the answer is the same for everybody.
    pub(super) fn is_public(&self) -> bool {
        self.caller.principal == Principal::Anonymous
    }
}
