//! Who asks, and may they? Every request gets a principal, every route one decision.

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
use dlcs_domain::access::{AccessRule, Action, Decision, Principal, Scope, decide};
use dlcs_domain::{ActorId, CustomerId};
use dlcs_objects::Digest;
use subtle::ConstantTimeEq;
use uuid::Uuid;

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

    /// Returns who asks; credentials that are not known are refused, never taken for none.
    pub fn identify(&self, headers: &HeaderMap) -> Answer<Principal> {
        let Some(value) = headers.get(header::AUTHORIZATION) else {
            return Ok(Principal::Anonymous);
        };
        let given = value.to_str().ok().and_then(Given::read);
        given.and_then(|given| self.principal(&given)).ok_or_else(Problem::credentials_wrong)
    }

    /// Compares in constant time, whatever is wrong.
    fn principal(&self, given: &Given) -> Option<Principal> {
        let id = match &given.id {
            Some(id) => Digest::of(id.as_bytes()),
            None => self.id,
        };
        let secret = Digest::of(given.secret.as_bytes());
        let is_right = id.0.ct_eq(&self.id.0) & secret.0.ct_eq(&self.secret.0);
        bool::from(is_right).then(|| Principal::Key { actor: self.actor(), scope: Scope::Admin })
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
    match state.admin_key.identify(request.headers()) {
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
    use axum::http::HeaderValue;

    fn ask(authorization: &str) -> Answer<Principal> {
        let value = HeaderValue::try_from(authorization).unwrap();
        let headers = HeaderMap::from_iter([(header::AUTHORIZATION, value)]);
        AdminKey::new("key", "secret:with:colons").identify(&headers)
    }

    fn basic(text: &str) -> String {
        format!("Basic {}", STANDARD.encode(text))
    }

    #[test]
    fn the_right_key_is_the_administrator_under_an_opaque_name() {
        let by_basic = ask(&basic("key:secret:with:colons")).unwrap();
        let Principal::Key { actor, scope: Scope::Admin } = &by_basic else { panic!() };
        assert!(actor.0.starts_with("key-") && actor.0.len() == 20 && !actor.0.contains("key-key"));
        assert_eq!(ask("Bearer key:secret:with:colons").unwrap(), by_basic);
    }

    #[test]
    fn whatever_is_wrong_is_401_and_never_anonymous() {
        let wrong = [
            basic("key:secret"),
            basic("other:secret:with:colons"),
            basic("key"),
            basic(""),
            "Basic %%%".to_owned(),
            "Digest x".to_owned(),
            "Bearer ".to_owned(),
            "x".to_owned(),
        ];
        for authorization in wrong {
            let problem = ask(&authorization).unwrap_err();
            assert_eq!(problem.status, axum::http::StatusCode::UNAUTHORIZED, "{authorization}");
        }
        let key = AdminKey::new("key", "secret");
        assert_eq!(key.identify(&HeaderMap::new()).unwrap(), Principal::Anonymous);
    }
}
