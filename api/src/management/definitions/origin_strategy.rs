//! Origin strategies. Credentials come in, and never go out again.

use super::{Managed, Reading};
use crate::error::{Answer, Problem};
use crate::http::fields::Fields;
use crate::state::PublicUrl;
use dlcs_commands::vault::OriginCredentials;
use dlcs_domain::definition::{OriginStrategy, Sealed, Strategy, UnknownStrategy};
use dlcs_domain::{DefinitionId, Patch};
use dlcs_projections::definitions::{Kind, Value as Defined};
use serde_json::{Value, json};

/// What stands for credentials that are there. Sent back, it leaves them.
const HIDDEN: &str = "xxx";

impl Managed for OriginStrategy {
    const KIND: Kind = Kind::OriginStrategy;
    const PATH: &'static str = "originStrategies";
    const TYPE: &'static str = "vocab:CustomerOriginStrategy";
    const IS_NAMED: bool = false;
    const IS_SECRET: bool = true;

    fn read(fields: &Fields<'_>, reading: &Reading<'_>) -> Answer<Self> {
        let regex = fields.needed_text("regex")?.to_owned();
        let strategy = fields.needed_text("strategy")?.parse::<Strategy>().map_err(unsupported)?;
        match fields.get("optimised") {
            None | Some(Value::Null | Value::Bool(false)) => {}
            Some(Value::Bool(true)) => {
                let detail = "`optimised` is for `s3-ambient`, which is not offered: leave it out";
                return Err(Problem::bad_request(Self::UNSUPPORTED, detail));
            }
            Some(_) => return Err(Problem::field("optimised", "`optimised` is true or false")),
        }
        let order = match fields.patch_integer("order")? {
            Patch::Keep | Patch::Clear => 0,
            Patch::Set(order) => u32::try_from(order)
                .map_err(|_| Problem::field("order", "`order` is a whole number from 0 on"))?,
        };
        let credentials = fields.get("credentials");
        let keeps_credentials = credentials.is_none_or(|it| it.as_str() == Some(HIDDEN));
        let credentials = match credentials.filter(|it| !keeps_credentials && !it.is_null()) {
            None => None,
            Some(said) => {
                let id = DefinitionId { customer: reading.customer, name: Self::id_of(&regex) };
                Some(sealed(said, &id, reading)?)
            }
        };
        Ok(Self { regex, strategy, order, credentials, keeps_credentials })
    }

    fn id(&self) -> Option<String> {
        Some(Self::id_of(&self.regex))
    }

    fn show(&self, _: &DefinitionId, _: &PublicUrl, document: &mut Value) {
        document["regex"] = json!(self.regex);
        document["strategy"] = json!(self.strategy.as_str());
        document["order"] = json!(self.order);
        document["optimised"] = json!(false);
        document["credentials"] = json!(self.credentials.as_ref().map(|_| HIDDEN));
    }

    fn of(value: &Defined) -> Option<&Self> {
        match value {
            Defined::OriginStrategy(strategy) => Some(strategy),
            _ => None,
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` hands over")]
fn unsupported(error: UnknownStrategy) -> Problem {
    Problem::bad_request(OriginStrategy::UNSUPPORTED, error.to_string())
}

/// Reads an object, or a text that holds one as the original wants it.
fn sealed(said: &Value, id: &DefinitionId, reading: &Reading<'_>) -> Answer<Sealed> {
    let wrong = |detail: &str| Problem::field("credentials", detail);
    let malformed = || wrong("`credentials` are `{\"user\": …, \"password\": …}`");
    let within: Option<Value> = said.as_str().and_then(|text| serde_json::from_str(text).ok());
    let said = within.as_ref().unwrap_or(said);
    let text = |name: &str| said.get(name).and_then(Value::as_str).ok_or_else(malformed);
    let credentials = OriginCredentials::new(text("user")?, text("password")?).map_err(wrong)?;
    credentials.sealed(reading.vault, id).map_err(Problem::internal)
}
