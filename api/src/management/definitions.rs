//! `/customers/{c}/roles`, `/authServices`, `/customHeaders`, `/originStrategies`, `/accounts`,
//! `/webhooks`: what customers define under names.

pub(crate) mod accounts;
mod auth_service;
mod custom_header;
mod origin_strategy;
mod role;
pub(crate) mod webhooks;

use super::json_ld::{self, context as json_ld_context};
use super::write::{Done, Incoming, read_moving, read_steady};
use crate::error::{Answer, Problem};
use crate::http::body;
use crate::http::conditional::IfMatch;
use crate::http::fields::Fields;
use crate::http::paging::PageNumber;
use crate::http::time::iso;
use crate::state::{ApiState, PublicUrl, Resource};
use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use dlcs_commands::Decided;
use dlcs_commands::services::Recorded;
use dlcs_commands::vault::Vault;
use dlcs_domain::{CustomerId, DefinitionId};
use dlcs_iiif::link::encode_segment;
use dlcs_projections::definitions::{DefinitionRow, Kind, Value as Defined};
use dlcs_projections::paging::Direction;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

/// Member that says what is kept beside the history: it changes without the ETag.
const STANDING: &str = "delivery";

/// A kind of definition as clients write and see it.
pub(crate) trait Managed: Recorded {
    const KIND: Kind;
    /// Last part of the address of their list.
    const PATH: &'static str;
    /// What JSON-LD calls one.
    const TYPE: &'static str;
    /// The client says the name in a body; otherwise it is an id that is made up here.
    const IS_NAMED: bool = true;
    /// Bodies hold what nobody may find out by trying.
    const IS_SECRET: bool = false;

    /// Reads a body.
    fn read(fields: &Fields<'_>, reading: &Reading<'_>) -> Answer<Self>;

    /// Returns the id that follows from what is said, if one does.
    fn id(&self) -> Option<String> {
        None
    }

    /// Adds its members to a document.
    fn show(&self, id: &DefinitionId, base: &PublicUrl, document: &mut Value);

    /// Returns what a row says, if it is of this kind.
    fn of(value: &Defined) -> Option<&Self>;

    /// Adds what is kept beside the history; `None`: there is no such thing.
    fn standing(
        &self,
        _: &ApiState,
        _: &DefinitionId,
    ) -> impl Future<Output = Answer<Option<Value>>> + Send {
        async { Ok(None) }
    }
}

/// What a body is read with.
pub(crate) struct Reading<'a> {
    pub customer: CustomerId,
    pub vault: &'a dyn Vault,
}

impl<'a> Reading<'a> {
    fn of(request: &'a Incoming, customer: CustomerId) -> Self {
        Self { customer, vault: &*request.state.vault }
    }

    /// Returns what a repetition is recognised by: what is recorded of a body is a digest.
    fn body<D: Managed>(&self, bytes: Bytes) -> Answer<Bytes> {
        if !D::IS_SECRET {
            return Ok(bytes);
        }
        let digest = self.vault.digest(&bytes).map_err(Problem::internal)?;
        Ok(Bytes::copy_from_slice(&digest))
    }
}

pub(crate) async fn list<D: Managed>(request: Incoming) -> Answer {
    let customer = request.caller.customer()?;
    super::customers::check_exists(&request, customer).await?;
    let page = PageNumber::read(&request.query)?;
    let (state, principal) = (&request.state, &request.caller.principal);
    let wanted = page.request(Direction::Ascending);
    let rows = state.queries.definitions.list(principal, customer, D::KIND, &wanted).await?;
    let mut members = Vec::with_capacity(rows.items.len());
    for row in &rows.items {
        members.push(shown::<D>(state, row).await?);
    }
    let address = state.public_url.at(format_args!("/customers/{customer}/{}", D::PATH));
    let list = page.collection(&address, &request.query, members, rows.has_more, rows.total);
    Ok(json_ld::json_ld(StatusCode::OK, &list))
}

pub(crate) async fn create<D: Managed>(request: Incoming, body: Body) -> Answer {
    let customer = request.caller.customer()?;
    let json = body::json(&request.headers, body, request.state.limits.json_bytes_max).await?;
    let fields = Fields::of(&json.value)?;
    let name = D::IS_NAMED.then(|| fields.needed_text("name")).transpose()?;
    let reading = Reading::of(&request, customer);
    let value = D::read(&fields, &reading)?;
    let body = reading.body::<D>(json.bytes.clone())?;
    let request = &request;
    request
        .once(&body, |context| async move {
            let definitions = &request.state.commands.definitions;
            let name = name.map(str::to_owned).or_else(|| value.id());
            let name = name.unwrap_or_else(|| definitions.new_name::<D>(&context));
            let id = DefinitionId { customer, name };
            let decided = definitions.define(&context, &id, value).await?;
            answer::<D>(request, id, decided, StatusCode::CREATED).await
        })
        .await
}

pub(crate) async fn read<D: Managed>(request: Incoming) -> Answer {
    let id = id(&request)?;
    request.state.settle(&Resource::Definition(id.clone())).await;
    let row = find::<D>(&request, &id).await?.ok_or_else(Problem::not_found)?;
    let document = shown::<D>(&request.state, &row).await?;
    match document.get(STANDING) {
        Some(_) => Ok(read_moving(&document, row.edit_revision)),
        None => Ok(read_steady(&request.headers, &document, row.edit_revision)),
    }
}

/// Defines it under the name of the address (201), or says it anew (200).
pub(crate) async fn put<D: Managed>(request: Incoming, body: Body) -> Answer {
    let id = id(&request)?;
    let json = body::json(&request.headers, body, request.state.limits.json_bytes_max).await?;
    let fields = Fields::of(&json.value)?;
    if D::IS_NAMED && fields.text("name")?.is_some_and(|name| name != id.name) {
        return Err(Problem::field("name", "it keeps its name: define another one"));
    }
    let reading = Reading::of(&request, id.customer);
    let value = D::read(&fields, &reading)?;
    let body = reading.body::<D>(json.bytes.clone())?;
    let has_condition = IfMatch::read(&request.headers)? == IfMatch::Any;
    if has_condition && find::<D>(&request, &id).await?.is_none() {
        return Err(Problem::precondition_failed());
    }
    let request = &request;
    request
        .once(&body, |context| async move {
            let decided = request.state.commands.definitions.put(&context, &id, value).await?;
            let status = if decided.created { StatusCode::CREATED } else { StatusCode::OK };
            answer::<D>(request, id, decided, status).await
        })
        .await
}

pub(crate) async fn delete<D: Managed>(request: Incoming) -> Answer {
    let id = id(&request)?;
    let request = &request;
    request
        .once(&[], |context| async move {
            let decided = request.state.commands.definitions.remove::<D>(&context, &id).await?;
            answer::<D>(request, id, decided, StatusCode::NO_CONTENT).await
        })
        .await
}

fn id(request: &Incoming) -> Answer<DefinitionId> {
    let name = request.params.get("name").to_owned();
    Ok(DefinitionId { customer: request.caller.customer()?, name })
}

async fn find<D: Managed>(request: &Incoming, id: &DefinitionId) -> Answer<Option<DefinitionRow>> {
    let row = request.state.queries.definitions.definition(id, D::KIND).await?;
    Ok(row.filter(|row| !row.removed))
}

async fn answer<D: Managed>(
    request: &Incoming,
    id: DefinitionId,
    decided: Decided,
    status: StatusCode,
) -> Answer {
    let path = path::<D>(&id);
    let done = Done { status, resource: Resource::Definition(id.clone()), decided, path };
    let document = reached::<D>(request, &id, &done).await?;
    request.answer(&done, document.as_ref())
}

/// Waits for what was done; `None`: the read model has not got there, or it is removed.
async fn reached<D: Managed>(
    request: &Incoming,
    id: &DefinitionId,
    done: &Done,
) -> Answer<Option<Value>> {
    let row = if request.settled(done).await { find::<D>(request, id).await? } else { None };
    match row {
        Some(row) => Ok(Some(shown::<D>(&request.state, &row).await?)),
        None => Ok(None),
    }
}

/// A resource is named by its address, or by its name.
fn name_in(text: &str) -> String {
    match text.rsplit_once('/') {
        Some((_, last)) => percent_decode_str(last).decode_utf8_lossy().into_owned(),
        None => text.to_owned(),
    }
}

fn path<D: Managed>(id: &DefinitionId) -> String {
    format!("/customers/{}/{}/{}", id.customer, D::PATH, encode_segment(&id.name))
}

fn named<D: Managed>(base: &PublicUrl, id: &DefinitionId) -> Value {
    json!({
        "@context": json_ld_context(),
        "@id": base.at(path::<D>(id)),
        "@type": D::TYPE,
        "id": id.name,
        "customer": id.customer,
    })
}

async fn shown<D: Managed>(state: &ApiState, row: &DefinitionRow) -> Answer<Value> {
    let base = &state.public_url;
    let mut document = named::<D>(base, &row.id);
    document["created"] = json!(iso(row.created_at_us));
    document["modified"] = json!(iso(row.modified_at_us));
    if D::IS_NAMED {
        document["name"] = json!(row.id.name);
    }
    if let Some(value) = D::of(&row.value) {
        value.show(&row.id, base, &mut document);
        if let Some(standing) = value.standing(state, &row.id).await? {
            document[STANDING] = standing;
        }
    }
    Ok(document)
}
