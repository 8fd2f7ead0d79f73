//! An image as clients write it: fields of the body into a registration or a change.

use crate::error::{Answer, Problem};
use crate::http::fields::Fields;
use crate::state::Shared;
use dlcs_domain::asset::{
    AssetChange, Delivery, MetadataPatch, Registration, SizeLimits, SizeLimitsPatch, Source,
};
use dlcs_domain::{AssetId, Patch};
use serde_json::Value;

/// Reads a registration. `known` is the source of an asset that is there already.
pub(crate) fn registration(
    state: &Shared,
    fields: &Fields<'_>,
    known: Option<Source>,
) -> Answer<Registration> {
    let Some(source) = source(state, fields)?.or(known) else {
        return Err(Problem::field("origin", "`origin` is missing"));
    };
    Ok(Registration {
        media_type: fields.text("mediaType")?.map(str::to_owned),
        metadata: metadata(fields)?,
        roles: fields.patch_texts("roles")?,
        delivery: delivery(fields)?,
        recognise: fields.patch_languages("ocr")?,
        limits: limits(fields)?,
        ..Registration::of(source)
    })
}

/// Reads a change: absent fields are left alone.
pub(crate) fn change(state: &Shared, fields: &Fields<'_>) -> Answer<AssetChange> {
    Ok(AssetChange {
        metadata: metadata(fields)?,
        roles: fields.patch_texts("roles")?,
        source: source(state, fields)?,
        delivery: delivery(fields)?,
        recognise: fields.patch_languages("ocr")?,
        limits: limits(fields)?,
    })
}

/// Reads `maxWidth` and `openFullMax`, and the older name of both.
fn limits(fields: &Fields<'_>) -> Answer<SizeLimitsPatch> {
    const OLD: &str = "maxUnauthorised";
    let max_width_px = pixels(fields, "maxWidth")?;
    let mut open_full_max_px = pixels(fields, "openFullMax")?;
    let old = fields.patch_integer(OLD)?;
    let is_said_anew = !max_width_px.is_keep() || !open_full_max_px.is_keep();
    if !old.is_keep() && is_said_anew {
        let detail = "`maxUnauthorised` is not given together with `maxWidth` or `openFullMax`";
        return Err(Problem::field(OLD, detail));
    }
    match old {
        Patch::Keep => {}
        // -1: there is no such limit. Roles decide, as they do for 0.
        Patch::Clear | Patch::Set(-1 | 0) => open_full_max_px = Patch::Clear,
        Patch::Set(_) => open_full_max_px = pixels(fields, OLD)?,
    }
    let limits = SizeLimitsPatch { max_width_px, open_full_max_px };
    limits.applied_to(SizeLimits::default()).check().map_err(|reason| {
        let is_width = !limits.max_width_px.is_keep() && reason.contains("maxWidth");
        Problem::field(if is_width { "maxWidth" } else { "openFullMax" }, reason)
    })?;
    Ok(limits)
}

fn pixels(fields: &Fields<'_>, name: &str) -> Answer<Patch<u32>> {
    Ok(match fields.patch_integer(name)? {
        Patch::Keep => Patch::Keep,
        Patch::Clear => Patch::Clear,
        Patch::Set(number) => Patch::Set(u32::try_from(number).map_err(|_| {
            Problem::field(name, format!("`{name}` is a number of pixels, 0 or more"))
        })?),
    })
}

/// Refuses a body that says it is another asset than the address.
pub(crate) fn check_identity(fields: &Fields<'_>, id: &AssetId) -> Answer<()> {
    let conflict =
        |name: &str| Err(Problem::field(name, format!("`{name}` conflicts with the address")));
    if let Some(text) = fields.text("id")?
        && text != id.name()
        && text != id.to_string()
    {
        return conflict("id");
    }
    let numbers = [("space", id.space().space.0), ("customer", id.customer().0)];
    for (name, expected) in numbers {
        match fields.get(name) {
            None | Some(Value::Null) => {}
            Some(Value::Number(number)) if number.as_u64() == Some(expected.into()) => {}
            // A name, or an address: the path says which one it is.
            Some(Value::String(_)) => {}
            Some(_) => return conflict(name),
        }
    }
    Ok(())
}

/// Reads the origin and judges it at once.
fn source(state: &Shared, fields: &Fields<'_>) -> Answer<Option<Source>> {
    let Some(url) = fields.text("origin")? else { return Ok(None) };
    state.origins.check(url).map_err(|refused| {
        Problem::bad_request("origin-forbidden", refused.to_string())
            .with("field", Value::from("origin"))
    })?;
    Ok(Some(Source::Origin { url: url.to_owned() }))
}

fn metadata(fields: &Fields<'_>) -> Answer<MetadataPatch> {
    Ok(MetadataPatch {
        string1: fields.patch_text("string1")?,
        string2: fields.patch_text("string2")?,
        string3: fields.patch_text("string3")?,
        number1: fields.patch_integer("number1")?,
        number2: fields.patch_integer("number2")?,
        number3: fields.patch_integer("number3")?,
        tags: fields.patch_texts("tags")?,
    })
}

/// Reads the delivery channels: names, or objects of channel and policy.
fn delivery(fields: &Fields<'_>) -> Answer<Option<Delivery>> {
    const FIELD: &str = "deliveryChannels";
    let members = match fields.get(FIELD) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Array(members)) => members,
        Some(_) => return Err(Problem::field(FIELD, "`deliveryChannels` has to be a list")),
    };
    let channels = members.iter().map(channel).collect::<Answer<Vec<String>>>()?;
    if channels == ["default"] {
        return Ok(Some(Delivery::standard()));
    }
    let delivery = Delivery { channels, ..Delivery::standard() };
    delivery.check().map_err(|reason| Problem::field(FIELD, reason))?;
    Ok(Some(delivery))
}

fn channel(member: &Value) -> Answer<String> {
    const FIELD: &str = "deliveryChannels";
    let name = match member {
        Value::String(name) => name,
        Value::Object(_) => {
            let fields = Fields::of(member)?;
            let policy = fields.text("policy")?.unwrap_or("default");
            let policy = policy.rsplit('/').next().unwrap_or_default();
            if !matches!(policy, "default" | "none") {
                return Err(Problem::field(FIELD, format!("there is no policy `{policy}`")));
            }
            return Ok(fields.needed_text("channel")?.to_owned());
        }
        _ => return Err(Problem::field(FIELD, "a delivery channel is a text or an object")),
    };
    Ok(name.clone())
}
