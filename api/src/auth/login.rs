//! Name and password of a reader's account.

use super::pages;
use super::tries::ClientAddress;
use crate::error::{Answer, Problem};
use crate::http::body;
use crate::state::Shared;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use dlcs_commands::CommandError;
use dlcs_commands::sessions::SessionAccount;
use dlcs_domain::DefinitionId;
use dlcs_domain::definition::AuthService;
use dlcs_domain::names::check_flat_id;
use dlcs_projections::definitions::Kind;
use url::form_urlencoded;

/// The longest name and password that an account may have, all of it escaped, and some more.
const FORM_BYTES_MAX: usize = 8 * 1024;
const FORM: &str = "application/x-www-form-urlencoded";
/// The same, whatever it is that is wrong.
const WRONG: &str =
    "Name or password is not right, or this account does not open what you asked for.";

/// What became of a try.
pub(super) enum Entry {
    Granted(SessionAccount),
    /// The page that says so.
    Refused(Response),
}

/// What a reader typed. It is never shown again.
struct Said {
    name: String,
    password: String,
}

/// Reads what a reader typed, and says whether that opens a service.
pub(super) async fn enter(
    state: &Shared,
    (id, service): (&DefinitionId, &AuthService),
    client: Option<ClientAddress>,
    headers: &HeaderMap,
    body: Body,
) -> Answer<Entry> {
    let Said { name, password } = said(headers, body).await?;
    let account = DefinitionId { customer: id.customer, name };
    let begun = match state.tries.begin(&account, client, state.clock.now_us()) {
        Ok(begun) => begun,
        Err(after_s) => return Ok(Entry::Refused(too_many(service, after_s))),
    };
    match check(state, &account, &id.name, &password).await {
        Ok(Some(granted)) => {
            begun.take_back();
            count("granted");
            Ok(Entry::Granted(granted))
        }
        Ok(None) => {
            count("wrong");
            Ok(Entry::Refused(wrong(service)))
        }
        Err(problem) => {
            begun.take_back();
            Err(problem)
        }
    }
}

/// Takes as long for an account that is not there, or does not open the service, as for one that does.
async fn check(
    state: &Shared,
    id: &DefinitionId,
    service: &str,
    password: &str,
) -> Answer<Option<SessionAccount>> {
    // No store is asked for a name that no account can have.
    let row = match check_flat_id(&id.name) {
        Ok(()) => state.queries.definitions.definition(id, Kind::Account).await?,
        Err(_) => None,
    };
    let account = row.as_ref().and_then(|row| row.account());
    let password_id = account.and_then(|account| account.password_id);
    let fits = state.accounts.passwords().fits(password_id, password).await;
    let fits = fits.map_err(CommandError::from)?;
    let opens = account.is_some_and(|account| account.opens(service));
    Ok(match password_id {
        Some(password_id) if fits && opens => {
            Some(SessionAccount { name: id.name.clone(), password_id })
        }
        _ => None,
    })
}

async fn said(headers: &HeaderMap, body: Body) -> Answer<Said> {
    if body::media_type(headers).as_deref() != Some(FORM) {
        let detail = format!("name and password are sent as {FORM}");
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        return Err(Problem::new(status, "unsupported-media-type", detail));
    }
    let bytes = body::collect(headers, body, FORM_BYTES_MAX).await?;
    let mut said = Said { name: String::new(), password: String::new() };
    for (field, value) in form_urlencoded::parse(&bytes) {
        match &*field {
            "name" => said.name = value.into_owned(),
            "password" => said.password = value.into_owned(),
            _ => {}
        }
    }
    Ok(said)
}

fn wrong(service: &AuthService) -> Response {
    let mut response = pages::login(service, Some(WRONG));
    *response.status_mut() = StatusCode::UNAUTHORIZED;
    // A browser that is offered Basic would open a dialog of its own.
    response.headers_mut().insert(header::WWW_AUTHENTICATE, crate::error::BEARER);
    response
}

fn too_many(service: &AuthService, after_s: i64) -> Response {
    count("too-many");
    let text = format!("There were too many tries. Try again in {after_s} seconds.");
    let mut response = pages::login(service, Some(&text));
    *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(after_s));
    response
}

fn count(result: &'static str) {
    metrics::counter!("dlcs_logins_total", "result" => result).increment(1);
}
