//! Roles, access services, custom headers.

use super::event::{self, Event};
use crate::connection::List;
use crate::scalar::Time;
use async_graphql::{ComplexObject, Context, Result, SimpleObject};
use dlcs_domain::DefinitionId;
use dlcs_projections::definitions::DefinitionRow;

/// Who holds it may see what it closes.
#[derive(SimpleObject)]
#[graphql(complex)]
pub(crate) struct Role {
    customer: u32,
    name: String,
    label: String,
    /// Name of the access service that gives it; `null`: nobody can get it.
    auth_service: Option<String>,
    created: Time,
    modified: Time,
    /// Counts changes; the ETag.
    edit_revision: u64,
    position: u64,
    #[graphql(skip)]
    key: DefinitionId,
}

/// How readers get a role.
#[derive(SimpleObject)]
#[graphql(complex)]
pub(crate) struct AuthService {
    customer: u32,
    name: String,
    /// `clickthrough` or `login`.
    profile: String,
    label: String,
    page_label: String,
    description: String,
    call_to_action: String,
    /// Seconds for which a reader holds its roles.
    ttl: u32,
    created: Time,
    modified: Time,
    /// Counts changes; the ETag.
    edit_revision: u64,
    position: u64,
    #[graphql(skip)]
    key: DefinitionId,
}

/// What is sent beside pixels and originals.
#[derive(SimpleObject)]
#[graphql(complex)]
pub(crate) struct CustomHeader {
    customer: u32,
    id: String,
    /// Name of the header.
    key: String,
    value: String,
    /// `null`: images of every space.
    space: Option<u32>,
    /// `null`: whatever roles they have.
    role: Option<String>,
    created: Time,
    modified: Time,
    /// Counts changes; the ETag.
    edit_revision: u64,
    position: u64,
    #[graphql(skip)]
    row: DefinitionId,
}

impl Role {
    /// `None`: it is removed, or no role.
    pub(crate) fn of(row: DefinitionRow) -> Option<Self> {
        let role = row.role()?.clone();
        Some(Self {
            customer: row.id.customer.0,
            name: row.id.name.clone(),
            label: role.label,
            auth_service: role.auth_service,
            created: Time(row.created_at_us),
            modified: Time(row.modified_at_us),
            edit_revision: row.edit_revision,
            position: row.position,
            key: row.id,
        })
    }
}

impl AuthService {
    /// `None`: it is removed, or no access service.
    pub(crate) fn of(row: DefinitionRow) -> Option<Self> {
        let service = row.auth_service()?.clone();
        Some(Self {
            customer: row.id.customer.0,
            name: row.id.name.clone(),
            profile: service.profile.as_str().to_owned(),
            label: service.label,
            page_label: service.page_label,
            description: service.description,
            call_to_action: service.call_to_action,
            ttl: service.ttl_s,
            created: Time(row.created_at_us),
            modified: Time(row.modified_at_us),
            edit_revision: row.edit_revision,
            position: row.position,
            key: row.id,
        })
    }
}

impl CustomHeader {
    /// `None`: it is removed, or no custom header.
    pub(crate) fn of(row: DefinitionRow) -> Option<Self> {
        let header = row.custom_header()?.clone();
        Some(Self {
            customer: row.id.customer.0,
            id: row.id.name.clone(),
            key: header.key,
            value: header.value,
            space: header.space.map(|it| it.0),
            role: header.role,
            created: Time(row.created_at_us),
            modified: Time(row.modified_at_us),
            edit_revision: row.edit_revision,
            position: row.position,
            row: row.id,
        })
    }
}

#[ComplexObject]
impl CustomHeader {
    /// Everything that happened to this custom header, in order.
    async fn history(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<List<Event>> {
        event::of_stream(ctx, format!("custom_header-{}", self.row), first, after).await
    }
}

#[ComplexObject]
impl Role {
    /// Everything that happened to this role, in order.
    async fn history(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<List<Event>> {
        event::of_stream(ctx, format!("role-{}", self.key), first, after).await
    }
}

#[ComplexObject]
impl AuthService {
    /// Everything that happened to this access service, in order.
    async fn history(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<List<Event>> {
        event::of_stream(ctx, format!("auth_service-{}", self.key), first, after).await
    }
}
