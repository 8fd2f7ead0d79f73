//! Who may do what: one pure decision, used by every route, field and query.

use crate::ids::{ActorId, CustomerId};
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    Anonymous,
    /// Holds management credentials.
    Key {
        actor: ActorId,
        scope: Scope,
    },
    /// Was let in by access services, and manages nothing.
    Reader {
        /// Names of roles, each of a customer.
        roles: Vec<(CustomerId, String)>,
    },
    /// Part of this program, for example the ingest process manager.
    Process {
        actor: ActorId,
    },
}

/// How far a key reaches: over what, to do what, until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope {
    pub reach: Reach,
    pub right: Right,
    /// Microseconds since 1970; `None`: for good.
    pub until_us: Option<i64>,
}

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Every customer, and what stands above customers.
    Everything,
    Customer(CustomerId),
}

/// What a key may do there; each right holds those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Right {
    Read,
    Write,
    /// Also make and revoke keys.
    Manage,
}

/// A word that names no right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a key may `read`, `write` or `manage`, not `{0}`")]
pub struct UnknownRight(pub String);

impl Right {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Manage => "manage",
        }
    }
}

impl FromStr for Right {
    type Err = UnknownRight;

    fn from_str(text: &str) -> Result<Self, UnknownRight> {
        let all = [Self::Read, Self::Write, Self::Manage];
        let found = all.into_iter().find(|it| it.as_str() == text);
        found.ok_or_else(|| UnknownRight(text.to_owned()))
    }
}

impl Scope {
    /// Whoever runs the server.
    pub const ADMIN: Self = Self { reach: Reach::Everything, right: Right::Manage, until_us: None };

    /// Returns all that a customer may do, for good.
    pub const fn of_customer(customer: CustomerId) -> Self {
        Self { reach: Reach::Customer(customer), right: Right::Manage, until_us: None }
    }

    /// Returns whose it is; `None`: everybody's.
    pub const fn customer(&self) -> Option<CustomerId> {
        match self.reach {
            Reach::Everything => None,
            Reach::Customer(customer) => Some(customer),
        }
    }

    /// Says whether whoever has this could do all that the other one could, as long.
    pub fn covers(&self, other: &Self) -> bool {
        let reaches = self.reach == Reach::Everything || self.reach == other.reach;
        let lasts = match (self.until_us, other.until_us) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(own), Some(other)) => other <= own,
        };
        reaches && lasts && other.right <= self.right
    }

    /// Says whether a key of this scope may make one of the other.
    pub fn may_issue(&self, other: &Self) -> bool {
        self.right == Right::Manage && self.covers(other)
    }

    fn allows(&self, action: Action) -> bool {
        let needed = match action {
            Action::ReadService
            | Action::ReadContent
            | Action::ReadDescription
            | Action::ReadManagement => Right::Read,
            Action::WriteManagement => Right::Write,
            Action::ManageKeys | Action::Administer => Right::Manage,
        };
        let is_above = action == Action::Administer;
        needed <= self.right && (!is_above || self.reach == Reach::Everything)
    }
}

/// What guards a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccessRule {
    /// Anybody may read.
    Open,
    /// Only who holds one of the roles, and the customer's own management credentials. A role that
    /// nobody defined still closes.
    Roles { customer: CustomerId, roles: Vec<String> },
    /// Management of one customer's resources.
    Management { customer: CustomerId },
    /// What stands above customers.
    Administration,
}

/// What somebody wants to do. Every route is declared with one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Health, metrics, entry point, static pages, documentation.
    ReadService,
    /// Pixels, thumbnails, originals.
    ReadContent,
    /// info.json and manifests: descriptions that a viewer needs before it can log in.
    ReadDescription,
    /// Management resources, history, GraphQL.
    ReadManagement,
    WriteManagement,
    /// Keys of a customer, seen and made.
    ManageKeys,
    /// Customers themselves.
    Administer,
}

/// The answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    Granted,
    /// Nobody has said who they are: 401.
    CredentialsNeeded,
    /// It is theirs, and their key may not do this: 403.
    RightNeeded,
    /// Who they are is known and does not suffice: 403, or 404 where existence is a secret.
    Refused,
}

impl AccessRule {
    /// Returns what guards the content of an asset.
    pub fn of_asset(customer: CustomerId, roles: &[String]) -> Self {
        if roles.is_empty() {
            return Self::Open;
        }
        Self::Roles { customer, roles: roles.to_vec() }
    }

    /// Returns whose resource it is, if it is one customer's.
    fn customer(&self) -> Option<CustomerId> {
        match self {
            Self::Roles { customer, .. } | Self::Management { customer } => Some(*customer),
            Self::Open | Self::Administration => None,
        }
    }
}

impl Principal {
    /// Returns who acts, for the history.
    pub fn actor(&self) -> Option<&ActorId> {
        match self {
            Self::Anonymous | Self::Reader { .. } => None,
            Self::Key { actor, .. } | Self::Process { actor } => Some(actor),
        }
    }

    pub fn is_admin(&self) -> bool {
        matches!(self, Self::Key { scope, .. } if scope.reach == Reach::Everything)
    }
}

/// Decides whether somebody may do something to a resource.
///
/// What is open to anybody is open to everybody; what is not needs an administrator, or a key of
/// the customer whose it is. Who has not said who they are is asked to, everybody else refused.
pub fn decide(principal: &Principal, rule: &AccessRule, action: Action) -> Decision {
    if is_public(rule, action) || reaches(principal, rule, action) {
        return Decision::Granted;
    }
    match principal {
        // Another service may let a reader in, or a key.
        Principal::Anonymous | Principal::Reader { .. } => Decision::CredentialsNeeded,
        Principal::Key { scope, .. } if covers(scope, rule) && action != Action::Administer => {
            Decision::RightNeeded
        }
        Principal::Key { .. } | Principal::Process { .. } => Decision::Refused,
    }
}

fn is_public(rule: &AccessRule, action: Action) -> bool {
    match (action, rule) {
        (Action::ReadService, _) | (Action::ReadContent, AccessRule::Open) => true,
        // A viewer reads the description of a closed image to learn how to log in.
        (Action::ReadDescription, AccessRule::Open | AccessRule::Roles { .. }) => true,
        (Action::ReadContent | Action::ReadDescription, _) => false,
        (
            Action::ReadManagement
            | Action::WriteManagement
            | Action::ManageKeys
            | Action::Administer,
            _,
        ) => false,
    }
}

fn reaches(principal: &Principal, rule: &AccessRule, action: Action) -> bool {
    match principal {
        Principal::Anonymous => false,
        Principal::Reader { roles } => {
            matches!(action, Action::ReadContent | Action::ReadDescription) && holds(roles, rule)
        }
        Principal::Key { scope, .. } => covers(scope, rule) && scope.allows(action),
        // It works for every customer, and makes or removes none, nor keys.
        Principal::Process { .. } => !matches!(action, Action::Administer | Action::ManageKeys),
    }
}

/// Says whether one of the roles opens a resource. One is enough.
fn holds(held: &[(CustomerId, String)], rule: &AccessRule) -> bool {
    let AccessRule::Roles { customer, roles } = rule else { return false };
    let is_held = |role: &String| {
        held.iter().any(|(whose, name)| whose == customer && name == role_name(role))
    };
    roles.iter().any(is_held)
}

/// Returns the name of a role by what stands in an image's `roles`: the name, or an address that ends
/// with it.
pub fn role_name(role: &str) -> &str {
    role.rsplit('/').next().unwrap_or(role)
}

/// Says whether what a rule guards lies within reach. An open resource is nobody's own.
fn covers(scope: &Scope, rule: &AccessRule) -> bool {
    match scope.reach {
        Reach::Everything => true,
        Reach::Customer(own) => rule.customer() == Some(own),
    }
}

#[cfg(test)]
mod tests;
