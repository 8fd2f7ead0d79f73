//! Who asks, and may they? Every request gets a principal, every route one decision.

use crate::auth::looks_like_token;
use crate::error::{Answer, Problem};
use crate::router::AddressVersion;
use crate::state::Shared;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dlcs_commands::Clock;
use dlcs_domain::access::{AccessRule, Action, Decision, Principal, Scope, decide};
use dlcs_domain::{ActorId, CustomerId};
use dlcs_objects::Digest;
use dlcs_projections::api_keys::ApiKeys;
use std::sync::Arc;
use subtle::ConstantTimeEq;
use uuid::Uuid;

/// Finds out who asks. Cheap to clone.
#[derive(Clone)]
pub struct Credentials {
    pub admin_key: AdminKey,
    /// Keys that were issued.
    pub keys: Arc<dyn ApiKeys>,
    pub clock: Arc<dyn Clock>,
}

impl Credentials {
    /// Returns who asks; credentials that are not known are refused, never taken for none.
    pub async fn identify(&self, headers: &HeaderMap) -> Answer<Principal> {
        let Some(value) = headers.get(header::AUTHORIZATION) else {
            return Ok(Principal::Anonymous);
        };
        let given = value.to_str().ok().and_then(Given::read);
        let given = given.ok_or_else(Problem::credentials_wrong)?;
        match self.admin_key.principal(&given) {
            Some(administrator) => Ok(administrator),
            // A reader's token: it counts where viewers ask about an image, and nowhere else.
            None if given.id.is_none() && looks_like_token(&given.secret) => {
                Ok(Principal::Anonymous)
            }
            None => self.issued(&given).await,
        }
    }

    async fn issued(&self, given: &Given) -> Answer<Principal> {
        // What is no id of a key is not looked for.
        let id = given.id.as_deref().filter(|it| it.len() == KEY_ID_LENGTH);
        let id = id.ok_or_else(Problem::credentials_wrong)?;
        let row = self.keys.credentials(id).await?.filter(|row| !row.revoked);
        let row = row.ok_or_else(Problem::credentials_wrong)?;
        let expected = Digest::parse(&row.secret_sha256)
            .ok_or_else(|| Problem::internal("the digest of a secret is malformed"))?;
        let secret = Digest::of(given.secret.as_bytes());
        if !bool::from(secret.0.ct_eq(&expected.0)) {
            return Err(Problem::credentials_wrong());
        }
        if row.until_us.is_some_and(|until| until <= self.clock.now_us()) {
            return Err(Problem::credentials_expired());
        }
        Ok(Principal::Key { actor: ActorId(format!("key-{id}")), scope: row.scope() })
    }
}

/// Hexadecimal digits of the id of an issued key.
const KEY_ID_LENGTH: usize = 32;

/// The key above all customers. Holds digests only.
#[derive(Debug, Clone)]
pub struct AdminKey {
    id: Digest,
    secret: Digest,
}

impl AdminKey {
    pub fn new(id: &str, secret: &str) -> Self {
        Self { id: Digest::of(id.as_bytes()), secret: Digest::of(secret.as_bytes()) }
    }

    /// Returns the opaque name under which this key acts.
    pub fn actor(&self) -> ActorId {
        ActorId(format!("key-{}", &self.id.to_string()[..16]))
    }

    /// Compares in constant time, whatever is wrong.
    fn principal(&self, given: &Given) -> Option<Principal> {
        let id = match &given.id {
            Some(id) => Digest::of(id.as_bytes()),
            None => self.id,
        };
        let secret = Digest::of(given.secret.as_bytes());
        let is_right = id.0.ct_eq(&self.id.0) & secret.0.ct_eq(&self.secret.0);
        bool::from(is_right).then(|| Principal::Key { actor: self.actor(), scope: Scope::ADMIN })
    }
}

/// What a client sent to say who it is.
struct Given {
    /// `None`: a Bearer token that is a secret alone.
    id: Option<String>,
    secret: String,
}

impl Given {
    /// Reads HTTP Basic with `KEY:SECRET`, or Bearer with `KEY:SECRET` or the secret.
    fn read(authorization: &str) -> Option<Self> {
        let (scheme, value) = authorization.split_once(' ')?;
        let value = value.trim();
        if scheme.eq_ignore_ascii_case("basic") {
            let text = String::from_utf8(STANDARD.decode(value).ok()?).ok()?;
            let (id, secret) = text.split_once(':')?;
            return Some(Self { id: Some(id.to_owned()), secret: secret.to_owned() });
        }
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let (id, secret) = match value.split_once(':') {
            Some((id, secret)) => (Some(id.to_owned()), secret),
            None => (None, value),
        };
        Some(Self { id, secret: secret.to_owned() })
    }
}

/// Layer around everything: puts the [`Principal`] into the request.
pub(crate) async fn authenticate(
    State(state): State<Shared>,
    mut request: Request,
    next: Next,
) -> Response {
    let identified = match state.credentials.identify(request.headers()).await {
        // Cookies count where nothing else was said.
        Ok(Principal::Anonymous) if request.headers().contains_key(header::COOKIE) => {
            state.readers.identify(request.headers()).await
        }
        identified => identified,
    };
    match identified {
        Ok(principal) => {
            request.extensions_mut().insert(principal);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

/// Who asks for what: handed to every handler by its route.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub principal: Principal,
    pub action: Action,
    /// Of the path, once resolved.
    pub customer: Option<CustomerId>,
    /// Of the path, where it names one.
    pub version: Option<AddressVersion>,
    pub request_id: Uuid,
    pub traceparent: Option<String>,
}

impl Caller {
    /// Decides by the rule of a resource that was just read.
    ///
    /// Who is known and refused gets the same 404 as for what does not exist.
    pub(crate) fn check(&self, rule: &AccessRule) -> Result<(), Problem> {
        check(&self.principal, rule, self.action)
    }

    /// Returns the customer of the path, which the route's rule has already admitted.
    pub(crate) fn customer(&self) -> Answer<CustomerId> {
        self.customer.ok_or_else(Problem::not_found)
    }

    /// Whether the caller manages a customer: then more may be shown.
    pub(crate) fn manages(&self, customer: CustomerId) -> bool {
        let rule = AccessRule::Management { customer };
        decide(&self.principal, &rule, Action::ReadManagement) == Decision::Granted
    }
}

pub(crate) fn check(
    principal: &Principal,
    rule: &AccessRule,
    action: Action,
) -> Result<(), Problem> {
    match decide(principal, rule, action) {
        Decision::Granted => Ok(()),
        Decision::CredentialsNeeded if action == Action::ReadContent => {
            Err(Problem::content_credentials_needed())
        }
        Decision::CredentialsNeeded => Err(Problem::credentials_needed()),
        Decision::RightNeeded => Err(Problem::right_needed()),
        Decision::Refused => Err(Problem::not_found()),
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let caller = parts.extensions.get::<Self>().cloned();
        caller.ok_or_else(|| Problem::internal("a route without a guard was called"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_trait::async_trait;
    use axum::http::{HeaderValue, StatusCode};
    use dlcs_domain::ApiKeyId;
    use dlcs_domain::access::{Reach, Right};
    use dlcs_projections::api_keys::ApiKeyRow;
    use dlcs_projections::{Page, PageRequest, QueryError};

    const ID: &str = "0198f2a6c0de7000a000000000000001";
    const NOW_US: i64 = 100;

    /// One key of customer 7.
    struct One(ApiKeyRow);

    #[async_trait]
    impl ApiKeys for One {
        async fn credentials(&self, id: &str) -> Result<Option<ApiKeyRow>, QueryError> {
            Ok((id == self.0.id.id).then(|| self.0.clone()))
        }

        async fn list(
            &self,
            _: &Principal,
            _: CustomerId,
            _: &PageRequest,
        ) -> Result<Page<ApiKeyRow>, QueryError> {
            Err(QueryError::NotAllowed)
        }
    }

    struct At;

    impl Clock for At {
        fn now_us(&self) -> i64 {
            NOW_US
        }
    }

    fn row() -> ApiKeyRow {
        ApiKeyRow {
            id: ApiKeyId { customer: CustomerId(7), id: ID.to_owned() },
            right: Right::Write,
            until_us: Some(NOW_US + 1),
            label: String::new(),
            secret_sha256: Digest::of(b"secret").to_string(),
            revoked: false,
            created_at_us: 0,
            position: 1,
        }
    }

    fn ask_of(row: ApiKeyRow, authorization: &str) -> Answer<Principal> {
        let value = HeaderValue::try_from(authorization).unwrap();
        let headers = HeaderMap::from_iter([(header::AUTHORIZATION, value)]);
        let admin_key = AdminKey::new("key", "secret:with:colons");
        let credentials = Credentials { admin_key, keys: Arc::new(One(row)), clock: Arc::new(At) };
        futures::executor::block_on(credentials.identify(&headers))
    }

    fn ask(authorization: &str) -> Answer<Principal> {
        ask_of(row(), authorization)
    }

    fn basic(text: &str) -> String {
        format!("Basic {}", STANDARD.encode(text))
    }

    #[test]
    fn the_right_key_is_the_administrator_under_an_opaque_name() {
        let by_basic = ask(&basic("key:secret:with:colons")).unwrap();
        let Principal::Key { actor, scope: Scope::ADMIN } = &by_basic else { panic!() };
        assert!(actor.0.starts_with("key-") && actor.0.len() == 20 && !actor.0.contains("key-key"));
        assert_eq!(ask("Bearer key:secret:with:colons").unwrap(), by_basic);
    }

    #[test]
    fn an_issued_key_reaches_as_far_as_it_says() {
        let reach = Reach::Customer(CustomerId(7));
        let scope = Scope { reach, right: Right::Write, until_us: Some(NOW_US + 1) };
        let expected = Principal::Key { actor: ActorId(format!("key-{ID}")), scope };
        assert_eq!(ask(&basic(&format!("{ID}:secret"))).unwrap(), expected);
        assert_eq!(ask(&format!("Bearer {ID}:secret")).unwrap(), expected);
    }

    #[test]
    fn a_key_that_has_ended_opens_nothing() {
        let told = |row| ask_of(row, &basic(&format!("{ID}:secret"))).unwrap_err().code;
        assert_eq!(told(ApiKeyRow { until_us: Some(NOW_US), ..row() }), "credentials-expired");
        assert_eq!(told(ApiKeyRow { revoked: true, ..row() }), "credentials-wrong");
    }

    #[test]
    fn a_readers_token_is_no_key() {
        let token = format!("Bearer {}", "a".repeat(64));
        assert_eq!(ask(&token).unwrap(), Principal::Anonymous);
    }

    #[test]
    fn whatever_is_wrong_is_401_and_never_anonymous() {
        let wrong = [
            basic("key:secret"),
            basic("other:secret:with:colons"),
            basic(&format!("{ID}:other")),
            basic(&format!("{ID}:")),
            basic("key"),
            basic(""),
            "Basic %%%".to_owned(),
            "Digest x".to_owned(),
            "Bearer ".to_owned(),
            "Bearer secret".to_owned(),
            format!("Basic {}", "a".repeat(64)),
            "x".to_owned(),
        ];
        for authorization in wrong {
            let problem = ask(&authorization).unwrap_err();
            assert_eq!(problem.status, StatusCode::UNAUTHORIZED, "{authorization}");
        }
        let admin_key = AdminKey::new("key", "secret");
        let credentials =
            Credentials { admin_key, keys: Arc::new(One(row())), clock: Arc::new(At) };
        let nobody = futures::executor::block_on(credentials.identify(&HeaderMap::new()));
        assert_eq!(nobody.unwrap(), Principal::Anonymous);
    }
}
