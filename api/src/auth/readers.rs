//! Readers: who a cookie or a token stands for.

use crate::error::{Answer, Problem};
use axum::http::{HeaderMap, header};
use dlcs_commands::Clock;
use dlcs_commands::sessions::{Session, SessionAccount, SessionError, SessionStore};
use dlcs_domain::access::Principal;
use dlcs_domain::definition::AuthProfile;
use dlcs_domain::{ActorId, CustomerId, DefinitionId};
use dlcs_objects::Digest;
use dlcs_projections::PageRequest;
use dlcs_projections::definitions::{Definitions, Kind};
use dlcs_projections::paging::Direction;
use moka::sync::Cache;
use std::sync::Arc;
use std::time::Duration;

/// How long it is believed what a secret stands for: whoever is let out, or a role that is removed,
/// is known everywhere by then.
const KNOWN_FOR: Duration = Duration::from_millis(500);
const KNOWN_MAX: u64 = 100_000;
/// Cookies of ours that are looked at in one request.
const COOKIES_MAX: usize = 16;
/// Roles of a customer, at most.
const ROLES_MAX: usize = 1_000;
/// Seconds for which a viewer may use a token without asking for another one.
const TOKEN_TTL_S: i64 = 300;
/// Hexadecimal digits of a secret.
const SECRET_LENGTH: usize = 64;
const SECOND_US: i64 = 1_000_000;

type Roles = Arc<Vec<(CustomerId, String)>>;

/// Knows the readers who were let in. Cheap to clone; clones share what they know.
#[derive(Clone)]
pub struct Readers {
    sessions: Arc<dyn SessionStore>,
    definitions: Arc<dyn Definitions>,
    clock: Arc<dyn Clock>,
    known: Cache<String, Roles>,
}

impl Readers {
    pub fn new(
        sessions: Arc<dyn SessionStore>,
        definitions: Arc<dyn Definitions>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let known = Cache::builder().max_capacity(KNOWN_MAX).time_to_live(KNOWN_FOR).build();
        Self { sessions, definitions, clock, known }
    }

    /// Returns who asks by cookies: those that stand for nothing count for nothing.
    pub(crate) async fn identify(&self, headers: &HeaderMap) -> Answer<Principal> {
        let mut roles = Vec::new();
        for secret in cookies(headers) {
            roles.extend(self.roles(&secret, Kept::Cookie).await?.iter().cloned());
        }
        roles.sort_unstable();
        roles.dedup();
        Ok(if roles.is_empty() { Principal::Anonymous } else { Principal::Reader { roles } })
    }

    /// Returns whom an access token speaks for. It opens what a viewer asks about, and nothing else.
    pub(crate) async fn of_token(&self, token: &str) -> Answer<Principal> {
        let roles = self.roles(token, Kept::Token).await?.to_vec();
        Ok(if roles.is_empty() { Principal::Anonymous } else { Principal::Reader { roles } })
    }

    /// Lets a reader in and returns the secret of the cookie. `account`: the one that was logged into.
    pub(crate) async fn let_in(
        &self,
        service: &DefinitionId,
        ttl_s: u32,
        account: Option<SessionAccount>,
    ) -> Answer<String> {
        let secret = new_secret();
        let session = Session {
            id: digest(&secret),
            parent: None,
            customer: service.customer,
            services: vec![service.name.clone()],
            account,
            expires_at_us: self.clock.now_us() + i64::from(ttl_s) * SECOND_US,
        };
        self.sessions.keep(session).await?;
        Ok(secret)
    }

    /// Makes a token for whoever has the cookie of a service; returns it with its seconds. `None`: the
    /// reader has not been let in, or not any more.
    pub(crate) async fn issue_token(
        &self,
        headers: &HeaderMap,
        service: &DefinitionId,
    ) -> Answer<Option<(String, u64)>> {
        let Some(session) = self.session_of(headers, service).await? else { return Ok(None) };
        if !self.is_in(&session, &service.name).await? {
            return Ok(None);
        }
        let now_us = self.clock.now_us();
        let left_us = session.expires_at_us - now_us;
        let expires_at_us = now_us + left_us.min(TOKEN_TTL_S * SECOND_US);
        let token = new_secret();
        let parent = Some(session.id);
        let id = digest(&token);
        self.sessions.keep(Session { id, parent, expires_at_us, ..session }).await?;
        let seconds = u64::try_from((expires_at_us - now_us) / SECOND_US).unwrap_or_default();
        Ok(Some((token, seconds)))
    }

    /// Lets a reader out of a service.
    pub(crate) async fn let_out(&self, headers: &HeaderMap, service: &DefinitionId) -> Answer<()> {
        if let Some(session) = self.session_of(headers, service).await? {
            self.sessions.end(&session.id).await?;
            self.known.invalidate(&known_as(Kept::Cookie, &session.id));
        }
        Ok(())
    }

    async fn session_of(
        &self,
        headers: &HeaderMap,
        service: &DefinitionId,
    ) -> Answer<Option<Session>> {
        for secret in cookies(headers) {
            let session = self.living(&digest(&secret), Kept::Cookie).await?;
            let session = session.filter(|it| it.customer == service.customer);
            if let Some(session) = session.filter(|it| it.services.contains(&service.name)) {
                return Ok(Some(session));
            }
        }
        Ok(None)
    }

    async fn living(&self, id: &str, kept: Kept) -> Answer<Option<Session>> {
        let session = self.sessions.session(id).await?;
        let now_us = self.clock.now_us();
        let is_kept_so = |it: &Session| it.parent.is_some() == (kept == Kept::Token);
        Ok(session.filter(|it| it.expires_at_us > now_us && is_kept_so(it)))
    }

    async fn roles(&self, secret: &str, kept: Kept) -> Answer<Roles> {
        if secret.len() != SECRET_LENGTH {
            return Ok(Roles::default());
        }
        // What is a cookie is no token, and the other way round.
        let id = digest(secret);
        let name = known_as(kept, &id);
        if let Some(roles) = self.known.get(&name) {
            return Ok(roles);
        }
        let roles = match self.living(&id, kept).await? {
            Some(session) => Arc::new(self.roles_of(&session).await?),
            None => Roles::default(),
        };
        self.known.insert(name, Arc::clone(&roles));
        Ok(roles)
    }

    /// Returns the roles that its services give now.
    async fn roles_of(&self, session: &Session) -> Answer<Vec<(CustomerId, String)>> {
        let everything = Principal::Process { actor: ActorId("process-api".to_owned()) };
        let page = PageRequest {
            limit: ROLES_MAX,
            after: None,
            offset: 0,
            direction: Direction::Ascending,
        };
        let customer = session.customer;
        let rows = self.definitions.list(&everything, customer, Kind::Role, &page).await?;
        let mut roles = Vec::new();
        for row in rows.items {
            let service = row.role().and_then(|role| role.auth_service.clone());
            let Some(name) = service.filter(|it| session.services.contains(it)) else { continue };
            if self.is_in(session, &name).await? {
                roles.push((customer, row.id.name));
            }
        }
        Ok(roles)
    }

    /// Says whether a service still lets in whom it has let in: it is there, and so is the account,
    /// which opens it, with the same password.
    async fn is_in(&self, session: &Session, service: &str) -> Answer<bool> {
        let of = |name: &str| DefinitionId { customer: session.customer, name: name.to_owned() };
        let row = self.definitions.definition(&of(service), Kind::AuthService).await?;
        let profile = row.as_ref().and_then(|row| row.auth_service()).map(|it| it.profile);
        Ok(match (profile, &session.account) {
            (None, _) | (Some(AuthProfile::Login), None) => false,
            (Some(AuthProfile::Clickthrough), None) => true,
            (Some(_), Some(SessionAccount { name, password_id })) => {
                let row = self.definitions.definition(&of(name), Kind::Account).await?;
                let account = row.as_ref().and_then(|row| row.account());
                account.is_some_and(|it| it.still_opens(service, *password_id))
            }
        })
    }
}

/// What a secret is kept as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kept {
    Cookie,
    Token,
}

fn known_as(kept: Kept, id: &str) -> String {
    format!("{kept:?} {id}")
}

impl From<SessionError> for Problem {
    fn from(error: SessionError) -> Self {
        tracing::warn!(%error, "sessions cannot be read or kept: {error}");
        Self::unavailable("busy", "the store does not answer at the moment")
    }
}

/// Returns the name of the cookie of an access service.
pub(super) fn cookie_name(service: &DefinitionId) -> String {
    format!("{COOKIE}{}-{}", service.customer, &digest(&service.name)[..8])
}

const COOKIE: &str = "dlcs-access-";

fn cookies(headers: &HeaderMap) -> Vec<String> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|it| it.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|it| it.trim().split_once('='));
    let ours = pairs.filter(|(name, secret)| name.starts_with(COOKIE) && looks_like_token(secret));
    ours.take(COOKIES_MAX).map(|(_, secret)| secret.to_owned()).collect()
}

/// Returns the token of `Authorization: Bearer`.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Says whether a text has the form of a reader's token. It is no key, and opens nothing but what
/// viewers ask about.
pub(crate) fn looks_like_token(text: &str) -> bool {
    text.len() == SECRET_LENGTH && text.bytes().all(|it| it.is_ascii_hexdigit())
}

fn digest(secret: &str) -> String {
    Digest::of(secret.as_bytes()).to_string()
}

fn new_secret() -> String {
    hex::encode(rand::random::<[u8; 32]>())
}
