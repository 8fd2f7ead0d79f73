//! Who may do what: one pure decision, used by every route, field and query.

use crate::ids::{ActorId, CustomerId};

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    Anonymous,
    /// Holds management credentials.
    Key {
        actor: ActorId,
        scope: Scope,
    },
    /// Part of this program, for example the ingest process manager.
    Process {
        actor: ActorId,
    },
}

/// How far a key reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Every customer, and what stands above customers.
    Admin,
    Customer(CustomerId),
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
    /// Customers themselves.
    Administer,
}

/// The answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    Granted,
    /// Nobody has said who they are: 401.
    CredentialsNeeded,
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
            Self::Anonymous => None,
            Self::Key { actor, .. } | Self::Process { actor } => Some(actor),
        }
    }

    pub fn is_admin(&self) -> bool {
        matches!(self, Self::Key { scope: Scope::Admin, .. })
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
        Principal::Anonymous => Decision::CredentialsNeeded,
        Principal::Key { .. } | Principal::Process { .. } => Decision::Refused,
    }
}

fn is_public(rule: &AccessRule, action: Action) -> bool {
    match (action, rule) {
        (Action::ReadService, _) | (Action::ReadContent, AccessRule::Open) => true,
        // A viewer reads the description of a closed image to learn how to log in.
        (Action::ReadDescription, AccessRule::Open | AccessRule::Roles { .. }) => true,
        (Action::ReadContent | Action::ReadDescription, _) => false,
        (Action::ReadManagement | Action::WriteManagement | Action::Administer, _) => false,
    }
}

fn reaches(principal: &Principal, rule: &AccessRule, action: Action) -> bool {
    match principal {
        Principal::Anonymous => false,
        Principal::Key { scope: Scope::Admin, .. } => true,
        Principal::Key { scope: Scope::Customer(own), .. } => {
            action != Action::Administer && rule.customer() == Some(*own)
        }
        // It works for every customer, and makes or removes none.
        Principal::Process { .. } => action != Action::Administer,
    }
}

#[cfg(test)]
mod tests;
