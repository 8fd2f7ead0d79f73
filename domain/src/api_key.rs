//! A key of the API: whose it is, what it may do, until when. Its secret is known by its digest only.

use crate::access::{Reach, Right, Scope};
use crate::aggregate::Aggregate;
use crate::ids::CustomerId;
use crate::names::{NameError, check_display_name};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApiKeyError {
    #[error("there is no such key")]
    NotFound,
    #[error("the key has been revoked")]
    Revoked,
    #[error("the key exists already")]
    AlreadyExists,
    #[error("a key makes no key that may do more than itself, or lasts longer")]
    TooStrong,
    #[error("the key would have expired before it is made")]
    Expired,
    #[error(transparent)]
    Label(#[from] NameError),
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApiKey {
    #[default]
    Absent,
    Live(ApiKeyIssued),
    /// For ever.
    Revoked,
}

#[derive(Debug, Clone)]
pub enum ApiKeyCommand {
    Issue {
        /// How far whoever makes it reaches.
        issuer: Scope,
        customer: CustomerId,
        right: Right,
        until_us: Option<i64>,
        label: String,
        /// SHA-256 of the secret, in hexadecimal.
        secret_sha256: String,
        now_us: i64,
    },
    Revoke,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum ApiKeyEvent {
    Issued(ApiKeyIssued),
    Revoked(ApiKeyRevoked),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKeyIssued {
    pub right: Right,
    /// Microseconds since 1970; `None`: until it is revoked.
    pub until_us: Option<i64>,
    /// For people.
    pub label: String,
    /// SHA-256 of the secret, in hexadecimal. The secret is 256 random bits, so that this leads
    /// nobody to it.
    pub secret_sha256: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKeyRevoked {}

impl Aggregate for ApiKey {
    const CATEGORY: &'static str = "key";
    type Command = ApiKeyCommand;
    type Event = ApiKeyEvent;
    type Error = ApiKeyError;

    fn handle(&self, command: ApiKeyCommand) -> Result<Vec<ApiKeyEvent>, ApiKeyError> {
        Ok(match (self, command) {
            (
                Self::Absent,
                ApiKeyCommand::Issue {
                    issuer,
                    customer,
                    right,
                    until_us,
                    label,
                    secret_sha256,
                    now_us,
                },
            ) => {
                check_display_name(&label)?;
                if until_us.is_some_and(|until| until <= now_us) {
                    return Err(ApiKeyError::Expired);
                }
                if !issuer.may_issue(&Scope { reach: Reach::Customer(customer), right, until_us }) {
                    return Err(ApiKeyError::TooStrong);
                }
                let issued = ApiKeyIssued { right, until_us, label, secret_sha256 };
                vec![ApiKeyEvent::Issued(issued)]
            }
            (_, ApiKeyCommand::Issue { .. }) => return Err(ApiKeyError::AlreadyExists),
            (Self::Live(_), ApiKeyCommand::Revoke) => {
                vec![ApiKeyEvent::Revoked(ApiKeyRevoked {})]
            }
            (Self::Absent, ApiKeyCommand::Revoke) => return Err(ApiKeyError::NotFound),
            (Self::Revoked, ApiKeyCommand::Revoke) => return Err(ApiKeyError::Revoked),
        })
    }

    fn apply(&mut self, event: &ApiKeyEvent) {
        *self = match event {
            ApiKeyEvent::Issued(it) => Self::Live(it.clone()),
            ApiKeyEvent::Revoked(_) => Self::Revoked,
        };
    }

    /// A key that has come into wrong hands has to go, also where there is no room left.
    fn makes_room(command: &ApiKeyCommand) -> bool {
        matches!(command, ApiKeyCommand::Revoke)
    }

    fn edit_revision(&self) -> u64 {
        match self {
            Self::Absent => 0,
            Self::Live(_) => 1,
            Self::Revoked => 2,
        }
    }

    fn exists(&self) -> bool {
        matches!(self, Self::Live(_))
    }
}

#[cfg(test)]
mod tests {
    use super::{ApiKey, ApiKeyCommand, ApiKeyError, ApiKeyEvent, ApiKeyIssued, ApiKeyRevoked};
    use crate::access::{Right, Scope};
    use crate::given::given;
    use crate::ids::CustomerId;

    fn issue(issuer: Scope, right: Right, until_us: Option<i64>) -> ApiKeyCommand {
        let (label, secret_sha256) = ("scanner".to_owned(), "ab".to_owned());
        let customer = CustomerId(1);
        ApiKeyCommand::Issue { issuer, customer, right, until_us, label, secret_sha256, now_us: 5 }
    }

    fn issued(right: Right, until_us: Option<i64>) -> ApiKeyEvent {
        let (label, secret_sha256) = ("scanner".to_owned(), "ab".to_owned());
        ApiKeyEvent::Issued(ApiKeyIssued { right, until_us, label, secret_sha256 })
    }

    #[test]
    fn a_key_is_issued_once_and_revoked_for_good() {
        let command = || issue(Scope::ADMIN, Right::Write, Some(9));
        let revoked = ApiKeyEvent::Revoked(ApiKeyRevoked {});
        given::<ApiKey>([]).when(command()).then([issued(Right::Write, Some(9))]);
        let history = [issued(Right::Write, Some(9))];
        given::<ApiKey>(history.clone()).when(ApiKeyCommand::Revoke).then([revoked.clone()]);
        let twice = ApiKeyError::AlreadyExists;
        given::<ApiKey>(history.clone()).when(command()).then_refused(&twice);
        let [first] = history;
        given::<ApiKey>([first.clone(), revoked.clone()]).when(command()).then_refused(&twice);
        let gone = ApiKeyError::Revoked;
        given::<ApiKey>([first, revoked]).when(ApiKeyCommand::Revoke).then_refused(&gone);
        given::<ApiKey>([]).when(ApiKeyCommand::Revoke).then_refused(&ApiKeyError::NotFound);
    }

    #[test]
    fn what_reaches_further_than_its_maker_is_refused() {
        let own = Scope { until_us: Some(9), ..Scope::of_customer(CustomerId(1)) };
        let refused = ApiKeyError::TooStrong;
        given::<ApiKey>([]).when(issue(own, Right::Read, None)).then_refused(&refused);
        given::<ApiKey>([]).when(issue(own, Right::Read, Some(10))).then_refused(&refused);
        given::<ApiKey>([])
            .when(issue(own, Right::Manage, Some(9)))
            .then([issued(Right::Manage, Some(9))]);
        let other = Scope::of_customer(CustomerId(2));
        given::<ApiKey>([]).when(issue(other, Right::Read, None)).then_refused(&refused);
        let writes = Scope { right: Right::Write, ..Scope::of_customer(CustomerId(1)) };
        given::<ApiKey>([]).when(issue(writes, Right::Read, None)).then_refused(&refused);
    }

    #[test]
    fn a_key_that_has_expired_is_not_made() {
        let refused = ApiKeyError::Expired;
        given::<ApiKey>([]).when(issue(Scope::ADMIN, Right::Read, Some(5))).then_refused(&refused);
    }
}
