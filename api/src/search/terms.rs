//! `/autocomplete/v2|v1/{c}/…?q=`: words that begin like this.

use super::request::SearchRequest;
use super::results::respond;
use crate::error::{Answer, Problem};
use dlcs_iiif::content_search::{Term, TermList};
use url::form_urlencoded;

/// Words of one answer.
const TERMS_MAX: usize = 20;

pub(crate) async fn autocomplete(request: SearchRequest) -> Answer {
    let least: u64 = request.query.number("min")?.unwrap_or(1);
    let (scope, _) = request.scope().await?;
    let (principal, index) = (&request.caller.principal, &request.state.search);
    let suggestions = index.autocomplete(principal, &scope, request.q(), TERMS_MAX).await?;
    let search = search_address(&request)?;
    let wanted = suggestions.into_iter().filter(|it| it.count >= least);
    let mut terms: Vec<Term> = wanted
        .map(|it| {
            let q = form_urlencoded::Serializer::new(String::new())
                .append_pair("q", &it.value)
                .finish();
            Term { search: format!("{search}?{q}"), value: it.value, total: Some(it.count) }
        })
        .collect();
    terms.sort_by(|left, right| left.value.cmp(&right.value));
    let ignored = request.ignored(&["motivation"]);
    let list = TermList { id: request.address(None), ignored, terms };
    let body = list.to_json(request.version);
    Ok(respond(body, request.version.content_type(), request.is_public(), &request.headers))
}

/// Returns the address of the search service that has the same tail.
fn search_address(request: &SearchRequest) -> Answer<String> {
    let tail = request.uri.path().strip_prefix("/autocomplete").ok_or_else(Problem::not_found)?;
    Ok(request.state.public_url.at(format_args!("/search{tail}")))
}
