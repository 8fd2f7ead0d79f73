//! The way in and out: access page, token, logout.
//!
//! Authentication 1.0, sections 2.2 to 2.5; Authorization Flow 2.0, sections 4, 5 and 7.

use super::login::{self, Entry};
use super::pages;
use super::readers::cookie_name;
use super::tries::ClientAddress;
use crate::access::Caller;
use crate::error::{Answer, Problem};
use crate::http::query::QueryParams;
use crate::http::raw_path::PathParams;
use crate::router::AddressVersion;
use crate::state::Shared;
use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use dlcs_domain::DefinitionId;
use dlcs_domain::definition::{AuthProfile, AuthService};
use dlcs_iiif::auth::{TokenMessage, web_origin};
use dlcs_projections::definitions::Kind;

/// Bytes of a viewer's message id.
const MESSAGE_ID_BYTES_MAX: usize = 1024;

/// `GET /auth/{v}/access/{c}/{service}`: the page on which a reader agrees, or logs in.
pub(crate) async fn access(
    State(state): State<Shared>,
    caller: Caller,
    params: PathParams,
    query: QueryParams,
) -> Answer {
    let (_, service) = find(&state, &caller, &params).await?;
    if let Some(origin) = query.get("origin") {
        checked_origin(origin)?;
    }
    Ok(match service.profile {
        AuthProfile::Clickthrough => pages::agreement(&service),
        AuthProfile::Login => pages::login(&service, None),
    })
}

/// `POST` of the same: the reader has agreed, or says name and password.
pub(crate) async fn enter(
    State(state): State<Shared>,
    caller: Caller,
    params: PathParams,
    client: Option<Extension<ClientAddress>>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let (id, service) = find(&state, &caller, &params).await?;
    // A page of another site cannot agree in a reader's name, or log it in.
    if !is_our_page(&headers, state.public_url.as_str()) {
        let detail = "this is sent by our own page only";
        return Err(Problem::new(StatusCode::FORBIDDEN, "origin-refused", detail));
    }
    let account = match service.profile {
        AuthProfile::Clickthrough => None,
        AuthProfile::Login => {
            let client = client.map(|Extension(client)| client);
            match login::enter(&state, (&id, &service), client, &headers, body).await? {
                Entry::Granted(account) => Some(account),
                Entry::Refused(page) => return Ok(page),
            }
        }
    };
    let secret = state.readers.let_in(&id, service.ttl_s, account).await?;
    let mut response = pages::done("You may close this window.");
    set_cookie(&mut response, &state, &id, &secret, service.ttl_s)?;
    Ok(response)
}

/// `GET /auth/{v}/token/{c}/{service}`: tells a viewer's page in a frame.
pub(crate) async fn token(
    State(state): State<Shared>,
    caller: Caller,
    params: PathParams,
    query: QueryParams,
    headers: HeaderMap,
) -> Answer {
    let (id, _) = find(&state, &caller, &params).await?;
    let message_id = query.get("messageId");
    if message_id.is_some_and(|it| it.len() > MESSAGE_ID_BYTES_MAX) {
        let detail = format!("a message id has at most {MESSAGE_ID_BYTES_MAX} bytes");
        return Err(Problem::field("messageId", detail));
    }
    let issued = state.readers.issue_token(&headers, &id).await?;
    let message = match &issued {
        Some((token, expires_in_s)) => TokenMessage::Token { token, expires_in_s: *expires_in_s },
        None => TokenMessage::Missing,
    };
    match (caller.version, message_id) {
        (Some(AddressVersion::V2), Some(message_id)) => {
            let origin = checked_origin(query.get("origin").unwrap_or_default())?;
            Ok(pages::message(&message.v2(message_id), origin))
        }
        (Some(AddressVersion::V2), None) => {
            Err(Problem::field("messageId", "`messageId` is missing"))
        }
        (_, Some(message_id)) => {
            let origin = checked_origin(query.get("origin").unwrap_or_default())?;
            Ok(pages::message(&message.v1(Some(message_id)), origin))
        }
        // A program without frames: Authentication 1.0, section 2.4.1.
        (_, None) => {
            let no_store = [(header::CACHE_CONTROL, "private, no-store")];
            Ok((no_store, axum::Json(message.v1(None))).into_response())
        }
    }
}

/// `GET /auth/{v}/logout/{c}/{service}`.
pub(crate) async fn logout(
    State(state): State<Shared>,
    caller: Caller,
    params: PathParams,
    headers: HeaderMap,
) -> Answer {
    let (id, _) = find(&state, &caller, &params).await?;
    // A picture or a frame of another page lets nobody out.
    let destination = headers.get("sec-fetch-dest").and_then(|it| it.to_str().ok());
    if destination.is_some_and(|it| it != "document") {
        let detail = "a reader opens this in a window";
        return Err(Problem::new(StatusCode::FORBIDDEN, "origin-refused", detail));
    }
    state.readers.let_out(&headers, &id).await?;
    let mut response = pages::done("You are logged out. You may close this window.");
    set_cookie(&mut response, &state, &id, "", 0)?;
    Ok(response)
}

async fn find(
    state: &Shared,
    caller: &Caller,
    params: &PathParams,
) -> Answer<(DefinitionId, AuthService)> {
    let id = DefinitionId { customer: caller.customer()?, name: params.get("service").to_owned() };
    let row = state.queries.definitions.definition(&id, Kind::AuthService).await?;
    let service = row.and_then(|row| row.auth_service().cloned());
    Ok((id, service.ok_or_else(Problem::not_found)?))
}

fn checked_origin(origin: &str) -> Answer<&str> {
    web_origin(origin)
        .ok_or_else(|| Problem::field("origin", "`origin` is no origin of a web page"))
}

/// Says whether a form was sent by a page of ours. Browsers say so; programs need not.
fn is_our_page(headers: &HeaderMap, public_url: &str) -> bool {
    let text = |name: &str| headers.get(name).and_then(|it| it.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return matches!(site, "same-origin" | "none");
    }
    let ours = public_url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
    text("origin").is_none_or(|origin| origin == ours)
}

/// A viewer of another site sends it along with pictures: only over HTTPS, for so browsers want it.
fn set_cookie(
    response: &mut Response,
    state: &Shared,
    service: &DefinitionId,
    secret: &str,
    ttl_s: u32,
) -> Answer<()> {
    let is_secure = state.public_url.as_str().starts_with("https://");
    let site = if is_secure { "SameSite=None; Secure" } else { "SameSite=Lax" };
    let name = cookie_name(service);
    let cookie = format!("{name}={secret}; Path=/; HttpOnly; Max-Age={ttl_s}; {site}");
    let cookie = HeaderValue::try_from(cookie).map_err(Problem::internal)?;
    response.headers_mut().append(header::SET_COOKIE, cookie);
    Ok(())
}
