//! What documents say of the way in.

use crate::error::Answer;
use crate::state::{PublicUrl, Shared};
use dlcs_domain::access::role_name;
use dlcs_domain::definition::AuthService;
use dlcs_domain::{CustomerId, DefinitionId};
use dlcs_iiif::auth::{AccessService, Addresses};
use dlcs_iiif::link::encode_segment;
use dlcs_projections::definitions::Kind;

/// Services that are told of at one resource, at most.
const SERVICES_MAX: usize = 8;

/// Returns the access services that give one of the roles of a resource. `tail` ends the address of
/// its probe.
pub(crate) async fn of(
    state: &Shared,
    customer: CustomerId,
    roles: &[String],
    tail: &str,
) -> Answer<Vec<AccessService>> {
    let mut names: Vec<String> = Vec::new();
    let mut services = Vec::new();
    for role in roles {
        let role = DefinitionId { customer, name: role_name(role).to_owned() };
        let row = state.queries.definitions.definition(&role, Kind::Role).await?;
        let name = row.and_then(|row| row.role()?.auth_service.clone());
        let Some(name) = name.filter(|it| !names.contains(it)) else { continue };
        names.push(name.clone());
        let id = DefinitionId { customer, name };
        let row = state.queries.definitions.definition(&id, Kind::AuthService).await?;
        if let Some(service) = row.as_ref().and_then(|row| row.auth_service()) {
            services.push(told(&state.public_url, &id, service, tail));
        }
        if services.len() == SERVICES_MAX {
            break;
        }
    }
    Ok(services)
}

fn told(base: &PublicUrl, id: &DefinitionId, service: &AuthService, tail: &str) -> AccessService {
    let name = encode_segment(&id.name);
    let at = |what: &str| Addresses {
        v1: base.at(format_args!("/auth/v1/{what}/{}/{name}", id.customer)),
        v2: base.at(format_args!("/auth/v2/{what}/{}/{name}", id.customer)),
    };
    AccessService {
        access: at("access"),
        token: at("token"),
        logout: at("logout"),
        probe: base.at(format_args!("/auth/v2/probe/{tail}")),
        profile: service.profile.as_str(),
        label: service.label.clone(),
        heading: service.page_label.clone(),
        note: service.description.clone(),
        confirm: service.call_to_action.clone(),
    }
}
