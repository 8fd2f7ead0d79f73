//! Roles.

use super::{Managed, Reading};
use crate::error::Answer;
use crate::http::fields::Fields;
use crate::state::PublicUrl;
use dlcs_domain::DefinitionId;
use dlcs_domain::definition::Role;
use dlcs_iiif::link::encode_segment;
use dlcs_projections::definitions::{Kind, Value as Defined};
use serde_json::{Value, json};

impl Managed for Role {
    const KIND: Kind = Kind::Role;
    const PATH: &'static str = "roles";
    const TYPE: &'static str = "vocab:Role";

    fn read(fields: &Fields<'_>, _: &Reading<'_>) -> Answer<Self> {
        let service = fields.text("authService")?.filter(|it| !it.is_empty());
        Ok(Self {
            label: fields.text("label")?.unwrap_or_default().to_owned(),
            auth_service: service.map(|it| last_part(it).to_owned()),
        })
    }

    fn show(&self, id: &DefinitionId, base: &PublicUrl, document: &mut Value) {
        document["label"] = json!(self.label);
        document["authService"] = json!(self.auth_service.as_ref().map(|name| {
            let name = encode_segment(name);
            base.at(format_args!("/customers/{}/authServices/{name}", id.customer))
        }));
    }

    fn of(value: &Defined) -> Option<&Self> {
        match value {
            Defined::Role(role) => Some(role),
            _ => None,
        }
    }
}

/// A resource is named by its address, or by the last part of it.
fn last_part(text: &str) -> &str {
    text.rsplit('/').next().unwrap_or(text)
}
