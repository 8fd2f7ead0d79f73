//! Roles, access services and custom headers, defined and removed.

use super::{FRESHNESS_WAIT, command_error, context_for};
use crate::context::{customer_id, query_error, refused, state};
use crate::types::definition::{AuthService, CustomHeader, Role};
use async_graphql::{Context, InputObject, Object, Result, SimpleObject};
use dlcs_commands::Decided;
use dlcs_domain::{DefinitionId, SpaceNumber, definition};
use dlcs_projections::definitions::{DefinitionRow, Kind};

/// What became of a change of a role.
#[derive(SimpleObject)]
pub(crate) struct ChangedRole {
    /// Place in the history; give it as `atLeast` to read what is at least as new.
    position: u64,
    /// `null` where it is removed, or the read model has not got there within two seconds.
    role: Option<Role>,
}

/// What became of a change of an access service.
#[derive(SimpleObject)]
pub(crate) struct ChangedAuthService {
    /// Place in the history; give it as `atLeast` to read what is at least as new.
    position: u64,
    /// `null` where it is removed, or the read model has not got there within two seconds.
    auth_service: Option<AuthService>,
}

/// What became of a change of a custom header.
#[derive(SimpleObject)]
pub(crate) struct ChangedCustomHeader {
    /// Place in the history; give it as `atLeast` to read what is at least as new.
    position: u64,
    /// `null` where it is removed, or the read model has not got there within two seconds.
    custom_header: Option<CustomHeader>,
}

/// What is sent beside pixels and originals.
#[derive(InputObject)]
pub(crate) struct CustomHeaderInput {
    /// Name of the header.
    key: String,
    value: String,
    /// Number of a space; left out: images of every space.
    space: Option<u32>,
    /// Left out: whatever roles they have.
    role: Option<String>,
}

/// How readers get a role.
#[derive(InputObject)]
pub(crate) struct AuthServiceInput {
    /// `clickthrough` or `login`.
    profile: String,
    /// What a viewer calls the way in.
    label: String,
    /// Title of the page; left out: the label.
    page_label: Option<String>,
    /// What the page says; plain text.
    #[graphql(default)]
    description: String,
    /// What stands on the button.
    #[graphql(default_with = "String::from(\"Continue\")")]
    call_to_action: String,
    /// Seconds for which a reader holds its roles.
    #[graphql(default = 3600)]
    ttl: u32,
}

#[derive(Default)]
pub(super) struct DefinitionMutation;

#[Object]
impl DefinitionMutation {
    /// Defines a role, or says it anew.
    async fn put_role(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 1)] customer: u32,
        name: String,
        #[graphql(default)] label: String,
        auth_service: Option<String>,
    ) -> Result<ChangedRole> {
        let id = DefinitionId { customer: customer_id(customer)?, name };
        let context = context_for(ctx, id.customer)?;
        let role = definition::Role { label, auth_service };
        let put = state(ctx).commands.definitions.put(&context, &id, role).await;
        changed_role(ctx, &id, put.map_err(command_error)?).await
    }

    /// Removes a role: what it closes stays closed, and nobody can get it any more.
    async fn remove_role(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 1)] customer: u32,
        name: String,
    ) -> Result<ChangedRole> {
        let id = DefinitionId { customer: customer_id(customer)?, name };
        let context = context_for(ctx, id.customer)?;
        let definitions = &state(ctx).commands.definitions;
        let removed = definitions.remove::<definition::Role>(&context, &id).await;
        changed_role(ctx, &id, removed.map_err(command_error)?).await
    }

    /// Defines an access service, or says it anew.
    async fn put_auth_service(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 1)] customer: u32,
        name: String,
        service: AuthServiceInput,
    ) -> Result<ChangedAuthService> {
        let id = DefinitionId { customer: customer_id(customer)?, name };
        let context = context_for(ctx, id.customer)?;
        let profile = service.profile.parse().map_err(|error| refused("bad-request", error));
        let service = definition::AuthService {
            profile: profile?,
            page_label: service.page_label.unwrap_or_else(|| service.label.clone()),
            label: service.label,
            description: service.description,
            call_to_action: service.call_to_action,
            ttl_s: service.ttl,
        };
        let put = state(ctx).commands.definitions.put(&context, &id, service).await;
        changed_service(ctx, &id, put.map_err(command_error)?).await
    }

    /// Removes an access service: nobody gets its roles any more.
    async fn remove_auth_service(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 1)] customer: u32,
        name: String,
    ) -> Result<ChangedAuthService> {
        let id = DefinitionId { customer: customer_id(customer)?, name };
        let context = context_for(ctx, id.customer)?;
        let definitions = &state(ctx).commands.definitions;
        let removed = definitions.remove::<definition::AuthService>(&context, &id).await;
        changed_service(ctx, &id, removed.map_err(command_error)?).await
    }

    /// Says what is sent beside pixels and originals: a new one where no id is given.
    async fn put_custom_header(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 1)] customer: u32,
        id: Option<String>,
        header: CustomHeaderInput,
    ) -> Result<ChangedCustomHeader> {
        let customer = customer_id(customer)?;
        let context = context_for(ctx, customer)?;
        let definitions = &state(ctx).commands.definitions;
        let new = || definitions.new_name::<definition::CustomHeader>(&context);
        let id = DefinitionId { customer, name: id.unwrap_or_else(new) };
        let CustomHeaderInput { key, value, space, role } = header;
        if space == Some(0) {
            return Err(refused("bad-request", "spaces have numbers from 1 on"));
        }
        let space = space.map(SpaceNumber);
        let header = definition::CustomHeader { key, value, space, role };
        let put = definitions.put(&context, &id, header).await;
        changed_header(ctx, &id, put.map_err(command_error)?).await
    }

    /// Removes a custom header.
    async fn remove_custom_header(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 1)] customer: u32,
        id: String,
    ) -> Result<ChangedCustomHeader> {
        let id = DefinitionId { customer: customer_id(customer)?, name: id };
        let context = context_for(ctx, id.customer)?;
        let definitions = &state(ctx).commands.definitions;
        let removed = definitions.remove::<definition::CustomHeader>(&context, &id).await;
        changed_header(ctx, &id, removed.map_err(command_error)?).await
    }
}

async fn changed_header(
    ctx: &Context<'_>,
    id: &DefinitionId,
    decided: Decided,
) -> Result<ChangedCustomHeader> {
    let row = reached(ctx, id, Kind::CustomHeader, decided).await?;
    let custom_header = row.and_then(CustomHeader::of);
    Ok(ChangedCustomHeader { position: decided.position.0, custom_header })
}

async fn changed_role(
    ctx: &Context<'_>,
    id: &DefinitionId,
    decided: Decided,
) -> Result<ChangedRole> {
    let row = reached(ctx, id, Kind::Role, decided).await?;
    Ok(ChangedRole { position: decided.position.0, role: row.and_then(Role::of) })
}

async fn changed_service(
    ctx: &Context<'_>,
    id: &DefinitionId,
    decided: Decided,
) -> Result<ChangedAuthService> {
    let row = reached(ctx, id, Kind::AuthService, decided).await?;
    let auth_service = row.and_then(AuthService::of);
    Ok(ChangedAuthService { position: decided.position.0, auth_service })
}

pub(super) async fn reached(
    ctx: &Context<'_>,
    id: &DefinitionId,
    kind: Kind,
    decided: Decided,
) -> Result<Option<DefinitionRow>> {
    let queries = &state(ctx).queries;
    let name = dlcs_projections::definitions::NAME;
    match queries.freshness.wait(name, decided.position, FRESHNESS_WAIT).await {
        true => queries.definitions.definition(id, kind).await.map_err(query_error),
        false => Ok(None),
    }
}
