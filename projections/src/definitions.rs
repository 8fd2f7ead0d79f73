//! Which roles, access services, custom headers, origin strategies, accounts and webhooks has a
//! customer?

use crate::paging::{Page, PageRequest, QueryError};
use crate::projection::{FoldError, Poison, Row, Stamp, Table};
use crate::streams;
use async_trait::async_trait;
use dlcs_domain::access::Principal;
use dlcs_domain::definition::{
    Account, AuthService, CustomHeader, DefinitionEvent, OriginStrategy, Role, Webhook,
};
use dlcs_domain::{CustomerId, DefinitionId, DomainEvent};
use dlcs_eventlog::RecordedEvent;
use serde::{Deserialize, Serialize};

/// Name of the projection.
pub const NAME: &str = "definitions";
/// Version of its rows.
pub const VERSION: u32 = 1;

/// What somebody may define.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Account,
    AuthService,
    CustomHeader,
    OriginStrategy,
    Role,
    Webhook,
}

impl Kind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::AuthService => "auth_service",
            Self::CustomHeader => "custom_header",
            Self::OriginStrategy => "origin_strategy",
            Self::Role => "role",
            Self::Webhook => "webhook",
        }
    }
}

/// What was defined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    Account(Account),
    AuthService(AuthService),
    CustomHeader(CustomHeader),
    OriginStrategy(OriginStrategy),
    Role(Role),
    Webhook(Webhook),
}

impl Value {
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Account(_) => Kind::Account,
            Self::AuthService(_) => Kind::AuthService,
            Self::CustomHeader(_) => Kind::CustomHeader,
            Self::OriginStrategy(_) => Kind::OriginStrategy,
            Self::Role(_) => Kind::Role,
            Self::Webhook(_) => Kind::Webhook,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefinitionRow {
    pub id: DefinitionId,
    /// Also after it was removed.
    pub value: Value,
    pub removed: bool,
    pub created_at_us: i64,
    pub modified_at_us: i64,
    pub edit_revision: u64,
    pub position: u64,
}

impl DefinitionRow {
    /// Returns what it says of a role that is there.
    pub fn role(&self) -> Option<&Role> {
        match &self.value {
            Value::Role(role) if !self.removed => Some(role),
            _ => None,
        }
    }

    /// Returns what it says of an access service that is there.
    pub fn auth_service(&self) -> Option<&AuthService> {
        match &self.value {
            Value::AuthService(service) if !self.removed => Some(service),
            _ => None,
        }
    }

    /// Returns what it says of an account that is there.
    pub fn account(&self) -> Option<&Account> {
        match &self.value {
            Value::Account(account) if !self.removed => Some(account),
            _ => None,
        }
    }

    /// Returns what it says of an origin strategy that is there.
    pub fn origin_strategy(&self) -> Option<&OriginStrategy> {
        match &self.value {
            Value::OriginStrategy(strategy) if !self.removed => Some(strategy),
            _ => None,
        }
    }

    /// Returns what it says of a webhook that is there.
    pub fn webhook(&self) -> Option<&Webhook> {
        match &self.value {
            Value::Webhook(webhook) if !self.removed => Some(webhook),
            _ => None,
        }
    }

    /// Returns what it says of a custom header that is there.
    pub fn custom_header(&self) -> Option<&CustomHeader> {
        match &self.value {
            Value::CustomHeader(header) if !self.removed => Some(header),
            _ => None,
        }
    }
}

/// A definition of a kind.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DefinitionKey {
    pub customer: CustomerId,
    pub kind: Kind,
    pub name: String,
}

impl DefinitionKey {
    pub fn new(id: &DefinitionId, kind: Kind) -> Self {
        Self { customer: id.customer, kind, name: id.name.clone() }
    }
}

impl Row for DefinitionRow {
    type Key = DefinitionKey;

    fn key(&self) -> DefinitionKey {
        DefinitionKey::new(&self.id, self.value.kind())
    }
}

#[async_trait]
pub trait Definitions: Send + Sync {
    /// Returns a definition, removed ones too. Open to everybody: viewers are told of it.
    async fn definition(
        &self,
        id: &DefinitionId,
        kind: Kind,
    ) -> Result<Option<DefinitionRow>, QueryError>;

    /// Lists what is defined of a kind, by name.
    async fn list(
        &self,
        principal: &Principal,
        customer: CustomerId,
        kind: Kind,
        page: &PageRequest,
    ) -> Result<Page<DefinitionRow>, QueryError>;
}

/// What one event changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefinitionChange {
    pub key: DefinitionKey,
    /// `None`: it is removed.
    pub value: Option<Value>,
    pub stamp: Stamp,
}

/// Turns an event into changes.
pub fn project(
    event: &RecordedEvent,
    decoded: &[DomainEvent],
) -> Result<Vec<DefinitionChange>, Poison> {
    let mut changes = Vec::new();
    for it in decoded {
        let (kind, value) = match it {
            DomainEvent::Role(it) => (Kind::Role, said(it).map(Value::Role)),
            DomainEvent::Account(it) => (Kind::Account, said(it).map(Value::Account)),
            DomainEvent::AuthService(it) => (Kind::AuthService, said(it).map(Value::AuthService)),
            DomainEvent::OriginStrategy(it) => {
                (Kind::OriginStrategy, said(it).map(Value::OriginStrategy))
            }
            DomainEvent::CustomHeader(it) => {
                (Kind::CustomHeader, said(it).map(Value::CustomHeader))
            }
            DomainEvent::Webhook(it) => (Kind::Webhook, said(it).map(Value::Webhook)),
            _ => continue,
        };
        let key = DefinitionKey::new(&streams::definition(&event.stream)?, kind);
        changes.push(DefinitionChange { key, value, stamp: event.into() });
    }
    Ok(changes)
}

fn said<D: Clone>(event: &DefinitionEvent<D>) -> Option<D> {
    match event {
        DefinitionEvent::Defined(value) | DefinitionEvent::Changed(value) => Some(value.clone()),
        DefinitionEvent::Removed(_) => None,
    }
}

/// Folds a change into the row of its definition.
pub fn fold(
    change: DefinitionChange,
    definitions: &mut impl Table<DefinitionRow>,
) -> Result<(), FoldError> {
    let DefinitionChange { key, value, stamp } = change;
    let Stamp { position, recorded_at_us } = stamp;
    let row = match (definitions.get(&key)?, value) {
        (Some(row), value) => DefinitionRow {
            removed: value.is_none(),
            value: value.unwrap_or(row.value),
            modified_at_us: recorded_at_us,
            edit_revision: row.edit_revision + 1,
            position,
            ..row
        },
        (None, Some(value)) => DefinitionRow {
            id: DefinitionId { customer: key.customer, name: key.name },
            value,
            removed: false,
            created_at_us: recorded_at_us,
            modified_at_us: recorded_at_us,
            edit_revision: 1,
            position,
        },
        (None, None) => {
            let what = format!("{} {} is not defined", key.kind.as_str(), key.name);
            return Err(Poison(what).into());
        }
    };
    definitions.put(row);
    Ok(())
}
