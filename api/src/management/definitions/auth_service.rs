//! Access services.

use super::{Managed, Reading};
use crate::error::{Answer, Problem};
use crate::http::fields::Fields;
use crate::state::PublicUrl;
use dlcs_domain::DefinitionId;
use dlcs_domain::definition::AuthService;
use dlcs_projections::definitions::{Kind, Value as Defined};
use serde_json::{Value, json};

/// Seconds for which readers hold a role where nobody says how long.
const TTL_DEFAULT_S: u32 = 3600;

impl Managed for AuthService {
    const KIND: Kind = Kind::AuthService;
    const PATH: &'static str = "authServices";
    const TYPE: &'static str = "vocab:AuthService";

    fn read(fields: &Fields<'_>, _: &Reading<'_>) -> Answer<Self> {
        let profile = fields.needed_text("profile")?;
        let profile =
            profile.parse().map_err(|error| Problem::field("profile", format!("{error}")))?;
        let ttl_s = match fields.get("ttl") {
            None | Some(Value::Null) => TTL_DEFAULT_S,
            Some(number) => {
                let seconds = number.as_u64().and_then(|it| u32::try_from(it).ok());
                let wrong = || Problem::field("ttl", "`ttl` is a whole number of seconds");
                seconds.ok_or_else(wrong)?
            }
        };
        let label = fields.needed_text("label")?.to_owned();
        let page_label = fields.text("pageLabel")?.unwrap_or(&label).to_owned();
        let call = fields.text("callToAction")?.unwrap_or("Continue").to_owned();
        let description = fields.text("description")?.unwrap_or_default().to_owned();
        Ok(Self { profile, label, page_label, description, call_to_action: call, ttl_s })
    }

    fn show(&self, _: &DefinitionId, _: &PublicUrl, document: &mut Value) {
        document["profile"] = json!(self.profile.as_str());
        document["label"] = json!(self.label);
        document["pageLabel"] = json!(self.page_label);
        document["description"] = json!(self.description);
        document["callToAction"] = json!(self.call_to_action);
        document["ttl"] = json!(self.ttl_s);
    }

    fn of(value: &Defined) -> Option<&Self> {
        match value {
            Defined::AuthService(service) => Some(service),
            _ => None,
        }
    }
}
