//! Custom headers. They have ids of ours, for several may have the same key.

use super::{Managed, Reading};
use crate::error::{Answer, Problem};
use crate::http::fields::Fields;
use crate::state::PublicUrl;
use dlcs_domain::definition::CustomHeader;
use dlcs_domain::{DefinitionId, Patch, SpaceNumber};
use dlcs_projections::definitions::{Kind, Value as Defined};
use serde_json::{Value, json};

impl Managed for CustomHeader {
    const KIND: Kind = Kind::CustomHeader;
    const PATH: &'static str = "customHeaders";
    const TYPE: &'static str = "vocab:CustomHeader";
    const IS_NAMED: bool = false;

    fn read(fields: &Fields<'_>, _: &Reading<'_>) -> Answer<Self> {
        let space = match fields.patch_integer("space")? {
            Patch::Keep | Patch::Clear => None,
            Patch::Set(number) => Some(space(number)?),
        };
        Ok(Self {
            key: fields.needed_text("key")?.to_owned(),
            value: fields.needed_text("value")?.to_owned(),
            space,
            role: fields.text("role")?.filter(|it| !it.is_empty()).map(str::to_owned),
        })
    }

    fn show(&self, _: &DefinitionId, _: &PublicUrl, document: &mut Value) {
        document["key"] = json!(self.key);
        document["value"] = json!(self.value);
        document["space"] = json!(self.space);
        document["role"] = json!(self.role);
    }

    fn of(value: &Defined) -> Option<&Self> {
        match value {
            Defined::CustomHeader(header) => Some(header),
            _ => None,
        }
    }
}

fn space(number: i64) -> Answer<SpaceNumber> {
    let number = u32::try_from(number).ok().filter(|it| *it > 0);
    let wrong = || Problem::field("space", "`space` is the number of a space, from 1 on");
    Ok(SpaceNumber(number.ok_or_else(wrong)?))
}
