//! Roles.

use super::{Managed, Reading, name_in};
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
            auth_service: service.map(name_in),
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
