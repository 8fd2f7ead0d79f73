//! `dlcs customer` and `dlcs key`: who there is, and who may do what, on a running server.

use crate::client::{Client, ServerArgs, segment};
use crate::config::Settings;
use crate::search::print_line;
use anyhow::Context;
use clap::{Subcommand, ValueEnum};
use reqwest::Method;
use serde_json::{Map, Value, json};
use std::process::ExitCode;

#[derive(clap::Args)]
pub(crate) struct CustomerArgs {
    #[command(flatten)]
    server: ServerArgs,
    #[command(subcommand)]
    verb: CustomerVerb,
}

#[derive(Subcommand)]
enum CustomerVerb {
    /// Make a customer and print its number.
    Create {
        /// Usable in public addresses in place of the number.
        name: String,
        /// For people.
        #[arg(long)]
        display_name: Option<String>,
    },
    /// Print number, name and display name of each; whole, as lines of JSON, with --json.
    List {
        #[arg(long)]
        json: bool,
    },
}

#[derive(clap::Args)]
pub(crate) struct KeyArgs {
    #[command(flatten)]
    server: ServerArgs,
    /// Number or name of the customer.
    #[arg(long, default_value = "1", global = true)]
    customer: String,
    #[command(subcommand)]
    verb: KeyVerb,
}

#[derive(Subcommand)]
enum KeyVerb {
    /// Make a key and print KEY:SECRET: the secret is told this once.
    Create {
        /// For people.
        #[arg(long)]
        label: Option<String>,
        #[arg(long, value_enum, default_value_t = Access::Manage)]
        access: Access,
        /// When it ends, for example 2027-01-31T00:00:00Z.
        #[arg(long, value_name = "TIME")]
        expires: Option<String>,
        /// The whole answer as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Print each key with what it may do, its end and its label; whole, as lines of JSON, with --json.
    List {
        #[arg(long)]
        json: bool,
    },
    /// End a key.
    Revoke { key: String },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Access {
    Read,
    Write,
    /// Also make and revoke keys.
    Manage,
}

pub(crate) async fn customer(args: CustomerArgs, settings: &Settings) -> anyhow::Result<ExitCode> {
    let client = Client::new(&args.server, settings)?;
    match args.verb {
        CustomerVerb::Create { name, display_name } => {
            let mut body = json!({ "name": name });
            if let Some(display_name) = display_name {
                body["displayName"] = json!(display_name);
            }
            let request = client.request(Method::POST, "/customers").json(&body);
            let made = client.json(request).await?;
            // Where the read model is late there is the address alone.
            let address = made["@id"].as_str().context("the customer has no address")?;
            print_line(address.rsplit('/').next().unwrap_or(address));
        }
        CustomerVerb::List { json } => {
            for member in client.list("/customers").await? {
                print_line(&shown(&member, json, &["id", "name", "displayName"]));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn key(args: KeyArgs, settings: &Settings) -> anyhow::Result<ExitCode> {
    let client = Client::new(&args.server, settings)?;
    let keys = format!("/customers/{}/keys", segment(&args.customer));
    match args.verb {
        KeyVerb::Create { label, access, expires, json } => {
            let access = access.to_possible_value().map(|it| it.get_name().to_owned());
            let members = [("label", label), ("access", access), ("expires", expires)];
            let members = members.into_iter().filter_map(|(name, value)| Some((name, value?)));
            let body: Map<_, _> =
                members.map(|(name, value)| (name.to_owned(), Value::from(value))).collect();
            let made = client.json(client.request(Method::POST, &keys).json(&body)).await?;
            let text = |name: &str| made[name].as_str().context("the answer is no key");
            let pair = format!("{}:{}", text("key")?, text("secret")?);
            print_line(&if json { made.to_string() } else { pair });
        }
        KeyVerb::List { json } => {
            for member in client.list(&keys).await? {
                print_line(&shown(&member, json, &["key", "access", "expires", "label"]));
            }
        }
        KeyVerb::Revoke { key } => {
            let path = format!("{keys}/{}", segment(&key));
            client.send(client.request(Method::DELETE, &path)).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A member of a list as a line: some of its members, or all of it.
fn shown(member: &Value, json: bool, names: &[&str]) -> String {
    if json {
        return member.to_string();
    }
    let text = |name: &&str| match &member[*name] {
        Value::String(text) => text.clone(),
        Value::Null => "-".to_owned(),
        other => other.to_string(),
    };
    names.iter().map(text).collect::<Vec<_>>().join("\t")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_key_is_is_one_line() {
        let key = json!({"key": "ab", "access": "read", "expires": null, "label": "the web site"});
        let names = ["key", "access", "expires", "label"];
        assert_eq!(shown(&key, false, &names), "ab\tread\t-\tthe web site");
        assert_eq!(shown(&json!({"id": 2}), true, &["id"]), "{\"id\":2}");
    }
}
