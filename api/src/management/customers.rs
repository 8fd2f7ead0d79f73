//! `/customers` and `/customers/{c}`.

use super::json_ld;
use super::write::{Done, Incoming, read_steady};
use crate::error::{Answer, Problem};
use crate::http::body;
use crate::http::fields::Fields;
use crate::http::paging::PageNumber;
use crate::state::Resource;
use axum::body::Body;
use axum::http::StatusCode;
use dlcs_commands::Decided;
use dlcs_domain::CustomerId;
use dlcs_projections::customers::CustomerRow;
use dlcs_projections::paging::Direction;

pub(crate) async fn list(request: Incoming) -> Answer {
    let page = PageNumber::read(&request.query)?;
    let (state, principal) = (&request.state, &request.caller.principal);
    let rows = state.queries.customers.list(principal, &page.request(Direction::Ascending)).await?;
    let members = rows.items.iter().map(|row| json_ld::customer(&state.public_url, row)).collect();
    let address = state.public_url.at("/customers");
    let list = page.collection(&address, &request.query, members, rows.has_more, rows.total);
    Ok(json_ld::json_ld(StatusCode::OK, &list))
}

pub(crate) async fn create(request: Incoming, body: Body) -> Answer {
    let json = body::json(&request.headers, body, request.state.limits.json_bytes_max).await?;
    let fields = Fields::of(&json.value)?;
    let name = fields.needed_text("name")?;
    let display_name = fields.text("displayName")?.unwrap_or(name);
    let request = &request;
    request
        .once(&json.bytes, |context| async move {
            let customers = &request.state.commands.customers;
            let (id, decided) = customers.create(&context, name, display_name).await?;
            answer(request, id, decided, StatusCode::CREATED).await
        })
        .await
}

pub(crate) async fn read(request: Incoming) -> Answer {
    let id = request.caller.customer()?;
    request.state.settle(&Resource::Customer(id)).await;
    let row = find(&request, id).await?.ok_or_else(Problem::not_found)?;
    if row.deleted {
        return Err(Problem::gone());
    }
    let document = json_ld::customer(&request.state.public_url, &row);
    Ok(read_steady(&request.headers, &document, row.edit_revision))
}

pub(crate) async fn change(request: Incoming, body: Body) -> Answer {
    let id = request.caller.customer()?;
    let json = body::json(&request.headers, body, request.state.limits.json_bytes_max).await?;
    let fields = Fields::of(&json.value)?;
    let display_name = fields.needed_text("displayName")?;
    let request = &request;
    request
        .once(&json.bytes, |context| async move {
            let customers = &request.state.commands.customers;
            let decided = customers.change(&context, id, display_name).await?;
            answer(request, id, decided, StatusCode::OK).await
        })
        .await
}

pub(crate) async fn delete(request: Incoming) -> Answer {
    let id = request.caller.customer()?;
    let request = &request;
    request
        .once(&[], |context| async move {
            let decided = request.state.commands.customers.delete(&context, id).await?;
            answer(request, id, decided, StatusCode::NO_CONTENT).await
        })
        .await
}

async fn answer(
    request: &Incoming,
    id: CustomerId,
    decided: Decided,
    status: StatusCode,
) -> Answer {
    let path = format!("/customers/{id}");
    let done = Done { status, resource: Resource::Customer(id), decided, path };
    let row = if request.settled(&done).await { find(request, id).await? } else { None };
    let document = row.map(|row| json_ld::customer(&request.state.public_url, &row));
    request.answer(&done, document.as_ref())
}

async fn find(request: &Incoming, id: CustomerId) -> Answer<Option<CustomerRow>> {
    Ok(request.state.queries.customers.customer(&request.caller.principal, id).await?)
}

/// Lists of a customer that does not exist are not empty, they are not there.
pub(crate) async fn check_exists(request: &Incoming, id: CustomerId) -> Answer<()> {
    request.state.settle(&Resource::Customer(id)).await;
    match find(request, id).await? {
        None => Err(Problem::not_found()),
        Some(row) if row.deleted => Err(Problem::gone()),
        Some(_) => Ok(()),
    }
}
