//! The space that images go into; made if missing.

use crate::client::{Client, Problem};
use anyhow::Context;
use reqwest::Method;
use serde_json::{Value, json};

/// A space by its numbers.
#[derive(Debug, Clone)]
pub(super) struct Space {
    pub(super) customer: u64,
    pub(super) number: u64,
}

impl Space {
    /// Path of an image's management resource.
    pub(super) fn image_path(&self, id: &str) -> String {
        format!("{}/images/{}", self.path(), crate::client::segment(id))
    }

    fn path(&self) -> String {
        format!("/customers/{}/spaces/{}", self.customer, self.number)
    }
}

/// Finds or makes a space, by number or by name.
pub(super) async fn ensure(client: &Client, customer: &str, space: &str) -> anyhow::Result<Space> {
    let customer = customer_number(client, customer).await?;
    if let Ok(number) = space.parse::<u64>() {
        let space = Space { customer, number };
        if exists(client, &space.path()).await? {
            return Ok(space);
        }
        let body = json!({ "name": format!("space {number}") });
        client.json(client.request(Method::PUT, &space.path()).json(&body)).await?;
        return Ok(space);
    }
    if let Some(number) = number_by_name(client, customer, space).await? {
        return Ok(Space { customer, number });
    }
    let path = format!("/customers/{customer}/spaces");
    let made =
        client.json(client.request(Method::POST, &path).json(&json!({ "name": space }))).await?;
    let number = made["id"].as_u64().context("the new space has no number")?;
    Ok(Space { customer, number })
}

async fn exists(client: &Client, path: &str) -> anyhow::Result<bool> {
    match client.send(client.request(Method::GET, path)).await {
        Ok(_) => Ok(true),
        Err(error) => match error.downcast_ref::<Problem>() {
            Some(problem) if matches!(problem.status, 404 | 410) => Ok(false),
            _ => Err(error),
        },
    }
}

/// A customer is known by its name, too; its own key may not list the others.
async fn customer_number(client: &Client, customer: &str) -> anyhow::Result<u64> {
    if let Ok(number) = customer.parse() {
        return Ok(number);
    }
    let path = format!("/customers/{}", crate::client::segment(customer));
    let found = client.json(client.request(Method::GET, &path)).await;
    // Which it is, the answer says: there is none, or the key may not see it.
    let found = found.with_context(|| format!("customer `{customer}`"))?;
    found["id"].as_u64().context("the customer has no number")
}

async fn number_by_name(client: &Client, customer: u64, name: &str) -> anyhow::Result<Option<u64>> {
    find(client, &format!("/customers/{customer}/spaces"), name).await
}

/// Looks through the pages of a collection for a member with this name.
async fn find(client: &Client, path: &str, name: &str) -> anyhow::Result<Option<u64>> {
    for page in 1.. {
        let path = format!("{path}?page={page}&pageSize=100");
        let answer = client.json(client.request(Method::GET, &path)).await?;
        let members = answer["member"].as_array().cloned().unwrap_or_default();
        let same = |member: &&Value| {
            member["name"].as_str().is_some_and(|it| it.eq_ignore_ascii_case(name))
        };
        if let Some(member) = members.iter().find(same) {
            return Ok(member["id"].as_u64());
        }
        if members.len() < 100 {
            break;
        }
    }
    Ok(None)
}
