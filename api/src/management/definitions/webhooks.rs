//! Webhooks. Secrets are made here, and told once.

use super::{Managed, Reading, answer, find, id, named, path, reached, shown};
use crate::error::{Answer, Problem};
use crate::http::body;
use crate::http::conditional::IfMatch;
use crate::http::fields::Fields;
use crate::http::time::iso;
use crate::management::json_ld::json_ld;
use crate::management::keys::read_body;
use crate::management::write::{Done, Incoming, insert_edit_tag, insert_position};
use crate::state::{ApiState, PublicUrl, Resource};
use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use dlcs_commands::services::{Told, WebhookStatus};
use dlcs_domain::definition::{SecretChange, Webhook};
use dlcs_domain::{DefinitionId, Patch};
use dlcs_projections::Position;
use dlcs_projections::definitions::{Kind, Value as Defined};
use serde_json::{Value, json};

/// Code of an address that nothing may be sent to.
const URL_FORBIDDEN: &str = "webhook-url-forbidden";

impl Managed for Webhook {
    const KIND: Kind = Kind::Webhook;
    const PATH: &'static str = "webhooks";
    const TYPE: &'static str = "vocab:Webhook";
    const IS_NAMED: bool = false;

    fn read(fields: &Fields<'_>, _: &Reading<'_>) -> Answer<Self> {
        let active = match fields.get("isActive") {
            None | Some(Value::Null) => true,
            Some(Value::Bool(active)) => *active,
            Some(_) => return Err(Problem::field("isActive", "`isActive` is true or false")),
        };
        Ok(Self {
            url: fields.needed_text("url")?.to_owned(),
            description: fields.text("description")?.unwrap_or_default().to_owned(),
            events: fields.texts("events")?.unwrap_or_default(),
            active,
            secret_id: None,
            former_secret: None,
            secret_change: SecretChange::Given,
        })
    }

    fn show(&self, _: &DefinitionId, _: &PublicUrl, document: &mut Value) {
        document["url"] = json!(self.url);
        document["description"] = json!(self.description);
        document["events"] = json!(self.events);
        document["isActive"] = json!(self.active);
        document["formerSecretUntil"] = json!(self.former_secret.map(|it| iso(it.until_us)));
    }

    fn of(value: &Defined) -> Option<&Self> {
        match value {
            Defined::Webhook(webhook) => Some(webhook),
            _ => None,
        }
    }

    async fn standing(&self, state: &ApiState, id: &DefinitionId) -> Answer<Option<Value>> {
        let Some(status) = state.webhooks.status(id, self).await? else { return Ok(None) };
        let WebhookStatus { state, position, behind, delivery } = status;
        Ok(Some(json!({
            "state": state,
            "position": position,
            "behind": behind,
            "tries": delivery.tries,
            "nextTry": delivery.next_try_at_us.map(iso),
            "lastTry": delivery.last_try_at_us.map(iso),
            "lastStatus": delivery.last_status,
            "lastError": delivery.last_error,
            "lastDelivered": delivery.delivered_at_us.map(iso),
        })))
    }
}

/// What a body says of a webhook.
struct Said {
    webhook: Webhook,
    after: Option<Position>,
    bytes: Bytes,
}

impl Said {
    async fn read(request: &Incoming, body: Body) -> Answer<Self> {
        let json = body::json(&request.headers, body, request.state.limits.json_bytes_max).await?;
        let fields = Fields::of(&json.value)?;
        let reading = Reading::of(request, request.caller.customer()?);
        let webhook = Webhook::read(&fields, &reading)?;
        let refused = |reason| {
            let detail = format!("nothing may be sent to `url`: {reason}");
            Problem::bad_request(URL_FORBIDDEN, detail)
        };
        request.state.origins.check(&webhook.url).map_err(refused)?;
        Ok(Self { webhook, after: after(&fields)?, bytes: json.bytes.clone() })
    }
}

pub(crate) async fn create(request: Incoming, body: Body) -> Answer {
    let Said { webhook, after, bytes } = Said::read(&request, body).await?;
    let customer = request.caller.customer()?;
    let request = &request;
    let created = |context| async move {
        let webhooks = &request.state.webhooks;
        let id = DefinitionId { customer, name: webhooks.new_name(&context) };
        let made = webhooks.define(&context, &id, webhook, after).await?;
        told(request, id, made, StatusCode::CREATED).await
    };
    request.once_without(&["secret"], &bytes, created).await
}

/// Defines it under the id of the address (201), or says it anew (200): then it keeps its secret and its
/// place.
pub(crate) async fn put(request: Incoming, body: Body) -> Answer {
    let id = id(&request)?;
    let Said { webhook, after, bytes } = Said::read(&request, body).await?;
    let has_condition = IfMatch::read(&request.headers)? == IfMatch::Any;
    if has_condition && find::<Webhook>(&request, &id).await?.is_none() {
        return Err(Problem::precondition_failed());
    }
    let request = &request;
    let put = |context| async move {
        let made = request.state.webhooks.put(&context, &id, webhook, after).await?;
        let created = made.decided.created;
        told(request, id, made, if created { StatusCode::CREATED } else { StatusCode::OK }).await
    };
    request.once_without(&["secret"], &bytes, put).await
}

/// Makes another secret; the one that is there signs beside it for a day.
pub(crate) async fn rotate(request: Incoming) -> Answer {
    let id = id(&request)?;
    let request = &request;
    let rotated = |context| async move {
        let made = request.state.webhooks.rotate(&context, &id).await?;
        told(request, id, made, StatusCode::OK).await
    };
    request.once_without(&["secret"], &[], rotated).await
}

/// Has it go on. No body is needed: without one it goes on where it is.
pub(crate) async fn resume(request: Incoming, body: Body) -> Answer {
    let id = id(&request)?;
    let bytes_max = request.state.limits.json_bytes_max;
    let (said, bytes) = read_body(&request.headers, body, bytes_max).await?;
    let after = after(&Fields::of(&said)?)?;
    let request = &request;
    let resumed = |_| async move {
        request.state.webhooks.resume(&id, after).await?;
        let row = find::<Webhook>(request, &id).await?.ok_or_else(Problem::not_found)?;
        let mut response = json_ld(StatusCode::OK, &shown::<Webhook>(&request.state, &row).await?);
        insert_edit_tag(response.headers_mut(), row.edit_revision);
        insert_position(response.headers_mut(), Position(row.position));
        Ok(response)
    };
    request.once(&bytes, resumed).await
}

pub(crate) async fn delete(request: Incoming) -> Answer {
    let id = id(&request)?;
    let request = &request;
    request
        .once(&[], |context| async move {
            let decided = request.state.webhooks.remove(&context, &id).await?;
            answer::<Webhook>(request, id, decided, StatusCode::NO_CONTENT).await
        })
        .await
}

fn after(fields: &Fields<'_>) -> Answer<Option<Position>> {
    let Patch::Set(after) = fields.patch_integer("after")? else { return Ok(None) };
    let after = u64::try_from(after);
    Ok(Some(Position(after.map_err(|_| Problem::field("after", "`after` is a position"))?)))
}

async fn told(request: &Incoming, id: DefinitionId, told: Told, status: StatusCode) -> Answer {
    let Told { decided, secret } = told;
    let path = path::<Webhook>(&id);
    let done = Done { status, resource: Resource::Definition(id.clone()), decided, path };
    let mut document = reached::<Webhook>(request, &id, &done).await?;
    if let Some(secret) = secret {
        // It cannot be asked for later, whether the webhook is shown yet or not.
        let base = &request.state.public_url;
        let document = document.get_or_insert_with(|| named::<Webhook>(base, &id));
        document["secret"] = json!(secret.to_text());
    }
    request.answer(&done, document.as_ref())
}
