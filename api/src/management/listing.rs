//! Lists of images: of a space, a batch, a customer; filtered, ordered, paged.

use super::write::Incoming;
use super::{batches, customers, json_ld, spaces};
use crate::delivery::asset::space_of;
use crate::error::{Answer, Problem};
use crate::http::paging::PageNumber;
use crate::http::query::QueryParams;
use axum::http::StatusCode;
use dlcs_projections::assets::{AssetFilter, AssetOrder, AssetState};
use dlcs_projections::paging::Direction;
use serde_json::Value;

pub(crate) async fn of_space(request: Incoming) -> Answer {
    let customer = request.caller.customer()?;
    let space = space_of(&request.state, customer, request.params.get("space")).await?;
    spaces::living(&request, space).await?;
    let filter =
        AssetFilter { customer: Some(customer), space: Some(space), ..AssetFilter::default() };
    let path = format!("/customers/{customer}/spaces/{}/images", space.space);
    list(&request, filter, &path).await
}

pub(crate) async fn all(request: Incoming) -> Answer {
    let customer = request.caller.customer()?;
    customers::check_exists(&request, customer).await?;
    let filter = AssetFilter { customer: Some(customer), ..AssetFilter::default() };
    list(&request, filter, &format!("/customers/{customer}/allImages")).await
}

/// Lists the images whose newest batch this is.
pub(crate) async fn of_batch(request: Incoming) -> Answer {
    members_of_batch(request, "images").await
}

/// The same under the other name that the original has for it.
pub(crate) async fn assets_of_batch(request: Incoming) -> Answer {
    members_of_batch(request, "assets").await
}

async fn members_of_batch(request: Incoming, path: &str) -> Answer {
    let row = batches::find(&request).await?;
    let (customer, batch) = (row.customer, row.id);
    let filter =
        AssetFilter { customer: Some(customer), batch: Some(batch), ..AssetFilter::default() };
    list(&request, filter, &format!("/customers/{customer}/queue/batches/{batch}/{path}")).await
}

async fn list(request: &Incoming, filter: AssetFilter, path: &str) -> Answer {
    let filter = narrowed(filter, &request.query)?;
    let (order, direction) = order(&request.query)?;
    let page = PageNumber::read(&request.query)?;
    let (state, principal) = (&request.state, &request.caller.principal);
    let wanted = page.request(direction);
    let rows = state.queries.assets.list(principal, &filter, order, &wanted, true).await?;
    let members = rows.items.iter().map(|row| json_ld::image(&state.public_url, row)).collect();
    let address = state.public_url.at(path);
    let list = page.collection(&address, &request.query, members, rows.has_more, rows.total);
    Ok(json_ld::json_ld(StatusCode::OK, &list))
}

fn order(query: &QueryParams) -> Answer<(AssetOrder, Direction)> {
    let (name, field, direction) = match (query.get("orderBy"), query.get("orderByDescending")) {
        (None, None) => return Ok((AssetOrder::Created, Direction::Ascending)),
        (Some(field), _) => ("orderBy", field, Direction::Ascending),
        (None, Some(field)) => ("orderByDescending", field, Direction::Descending),
    };
    match field {
        "created" => Ok((AssetOrder::Created, direction)),
        "id" => Ok((AssetOrder::Id, direction)),
        "number1" => Ok((AssetOrder::Number1, direction)),
        _ => Err(Problem::field(name, "lists are ordered by created, id or number1")),
    }
}

/// Adds what the query asks for: `?string1=…` and `?q={"string1":"…"}`. All must match.
fn narrowed(mut filter: AssetFilter, query: &QueryParams) -> Answer<AssetFilter> {
    const FIELDS: [&str; 9] = [
        "string1", "string2", "string3", "number1", "number2", "number3", "tags", "roles", "state",
    ];
    for name in FIELDS {
        if let Some(value) = query.get(name) {
            narrow(&mut filter, name, &Value::from(value))?;
        }
    }
    let Some(text) = query.get("q") else { return Ok(filter) };
    let wanted: Value = serde_json::from_str(text)
        .map_err(|error| Problem::field("q", format!("`q` has to be a JSON object: {error}")))?;
    let members = wanted.as_object();
    let members = members.ok_or_else(|| Problem::field("q", "`q` has to be a JSON object"))?;
    for (name, value) in members {
        narrow(&mut filter, name, value)?;
    }
    Ok(filter)
}

fn narrow(filter: &mut AssetFilter, name: &str, value: &Value) -> Answer<()> {
    let wrong = |expected: &str| Problem::field(name, format!("`{name}` has to be {expected}"));
    // In the query string everything is text, in `q` numbers are numbers.
    let number = || {
        let parsed = value.as_i64().or_else(|| value.as_str()?.parse().ok());
        parsed.map(Some).ok_or_else(|| wrong("a whole number"))
    };
    let text = || {
        let single = value.as_array().filter(|it| it.len() == 1).map_or(value, |it| &it[0]);
        single.as_str().map(|it| Some(it.to_owned())).ok_or_else(|| wrong("a text"))
    };
    match name {
        "string1" => filter.string1 = text()?,
        "string2" => filter.string2 = text()?,
        "string3" => filter.string3 = text()?,
        "number1" => filter.number1 = number()?,
        "number2" => filter.number2 = number()?,
        "number3" => filter.number3 = number()?,
        "tags" => filter.tag = text()?,
        "roles" => filter.role = text()?,
        "state" => filter.state = Some(state(value).ok_or_else(|| wrong("a state"))?),
        _ => return Err(Problem::field("q", format!("lists are not filtered by `{name}`"))),
    }
    Ok(())
}

fn state(value: &Value) -> Option<AssetState> {
    match value.as_str()? {
        "ingesting" => Some(AssetState::Ingesting),
        "delivered" => Some(AssetState::Delivered),
        "failed" => Some(AssetState::Failed),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Answer<AssetFilter> {
        narrowed(AssetFilter::default(), &QueryParams::parse(query))
    }

    #[test]
    fn filters_come_as_parameters_and_as_json() {
        let filter = read("string1=a%20b&number2=-3&q={\"number1\":7,\"string3\":\"x\"}").unwrap();
        assert_eq!(filter.string1.as_deref(), Some("a b"));
        assert_eq!((filter.number1, filter.number2), (Some(7), Some(-3)));
        assert_eq!(filter.string3.as_deref(), Some("x"));
    }

    #[test]
    fn what_cannot_be_filtered_is_named() {
        for query in ["number1=x", "q=[]", "q={", "q={\"origin\":\"x\"}", "state=lost"] {
            assert!(read(query).is_err(), "{query}");
        }
        assert!(order(&QueryParams::parse("orderBy=height")).is_err());
    }
}
