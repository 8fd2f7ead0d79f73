//! Accounts of readers. Passwords come in, and never go out again.

use super::{Managed, Reading, answer, find, id, name_in};
use crate::error::{Answer, Problem};
use crate::http::body;
use crate::http::conditional::IfMatch;
use crate::http::fields::Fields;
use crate::management::write::Incoming;
use crate::state::PublicUrl;
use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use dlcs_domain::DefinitionId;
use dlcs_domain::definition::{Account, Password};
use dlcs_projections::definitions::{Kind, Value as Defined};
use serde_json::{Value, json};

impl Managed for Account {
    const KIND: Kind = Kind::Account;
    const PATH: &'static str = "accounts";
    const TYPE: &'static str = "vocab:Account";
    const IS_SECRET: bool = true;

    fn read(fields: &Fields<'_>, _: &Reading<'_>) -> Answer<Self> {
        let services = fields.texts("authServices")?.unwrap_or_default();
        Ok(Self {
            label: fields.text("label")?.unwrap_or_default().to_owned(),
            auth_services: services.iter().map(|it| name_in(it)).collect(),
            password_id: None,
            keeps_password: true,
        })
    }

    fn show(&self, _: &DefinitionId, _: &PublicUrl, document: &mut Value) {
        document["label"] = json!(self.label);
        document["authServices"] = json!(self.auth_services);
    }

    fn of(value: &Defined) -> Option<&Self> {
        match value {
            Defined::Account(account) => Some(account),
            _ => None,
        }
    }
}

/// What a body says of an account.
struct Said {
    name: Option<String>,
    account: Account,
    password: Option<Password>,
    /// What a repetition is recognised by.
    body: Bytes,
}

impl Said {
    async fn read(request: &Incoming, body: Body) -> Answer<Self> {
        let json = body::json(&request.headers, body, request.state.limits.json_bytes_max).await?;
        let fields = Fields::of(&json.value)?;
        let reading = Reading::of(request, request.caller.customer()?);
        let password = fields.text("password")?.map(|it| Password::new(it.to_owned())).transpose();
        Ok(Self {
            name: fields.text("name")?.map(str::to_owned),
            account: Account::read(&fields, &reading)?,
            password: password.map_err(|detail| Problem::field("password", detail))?,
            body: reading.body::<Account>(json.bytes.clone())?,
        })
    }
}

pub(crate) async fn create(request: Incoming, body: Body) -> Answer {
    let Said { name, account, password, body } = Said::read(&request, body).await?;
    let name = name.filter(|it| !it.is_empty());
    let name = name.ok_or_else(|| Problem::field("name", "`name` is missing"))?;
    let id = DefinitionId { customer: request.caller.customer()?, name };
    let request = &request;
    request
        .once(&body, |context| async move {
            let accounts = &request.state.accounts;
            let decided = accounts.define(&context, &id, account, password).await?;
            answer::<Account>(request, id, decided, StatusCode::CREATED).await
        })
        .await
}

/// Makes it under the name of the address (201), or says it anew (200).
pub(crate) async fn put(request: Incoming, body: Body) -> Answer {
    let id = id(&request)?;
    let Said { name, account, password, body } = Said::read(&request, body).await?;
    if name.is_some_and(|name| name != id.name) {
        return Err(Problem::field("name", "it keeps its name: make another one"));
    }
    let has_condition = IfMatch::read(&request.headers)? == IfMatch::Any;
    if has_condition && find::<Account>(&request, &id).await?.is_none() {
        return Err(Problem::precondition_failed());
    }
    let request = &request;
    request
        .once(&body, |context| async move {
            let accounts = &request.state.accounts;
            let decided = accounts.put(&context, &id, account, password).await?;
            let status = if decided.created { StatusCode::CREATED } else { StatusCode::OK };
            answer::<Account>(request, id, decided, status).await
        })
        .await
}

pub(crate) async fn delete(request: Incoming) -> Answer {
    let id = id(&request)?;
    let request = &request;
    request
        .once(&[], |context| async move {
            let decided = request.state.accounts.remove(&context, &id).await?;
            answer::<Account>(request, id, decided, StatusCode::NO_CONTENT).await
        })
        .await
}
