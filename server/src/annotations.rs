//! `dlcs annotation`: annotations of a running server, found and read from a shell.

use crate::client::{Client, ServerArgs};
use crate::config::Settings;
use crate::search::print_line;
use anyhow::{Context, bail};
use clap::Subcommand;
use serde_json::{Value, json};
use std::process::ExitCode;

#[derive(clap::Args)]
pub(crate) struct AnnotationArgs {
    #[command(flatten)]
    server: ServerArgs,
    /// Number of the customer.
    #[arg(long, default_value_t = 1, global = true)]
    customer: u32,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Print container, id, target and words of those that match everything that is given.
    Search(Box<Wanted>),
    /// Print one as a Web Annotation.
    Get { container: String, id: String },
    /// Print the versions of one, each with its time and who wrote it.
    History { container: String, id: String },
}

#[derive(clap::Args)]
struct Wanted {
    /// Words of its bodies: all of them, "several words" together, word* begins so.
    #[arg(value_name = "QUERY")]
    query: Vec<String>,
    #[arg(long, value_name = "ID")]
    container: Option<String>,
    /// Address without fragment, for example that of a canvas.
    #[arg(long, value_name = "URL")]
    target: Option<String>,
    /// Boxes on the target that overlap with this one: x,y,width,height.
    #[arg(long, value_name = "X,Y,W,H", requires = "target", value_delimiter = ',')]
    region: Option<Vec<u32>>,
    #[arg(long)]
    motivation: Option<String>,
    /// Address or name of who made it.
    #[arg(long)]
    creator: Option<String>,
    /// Annotations that are printed at most.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// Each as a line of JSON.
    #[arg(long)]
    json: bool,
}

const SEARCH: &str = "
    query($customer: Int!, $filter: AnnotationFilterInput!, $first: Int!) {
      annotations(customer: $customer, filter: $filter, first: $first) {
        edges { node { containerId annotationId targets { source } document } }
      }
    }";
const GET: &str = "
    query($customer: Int!, $container: String!, $id: String!) {
      annotation(customer: $customer, container: $container, id: $id) { document }
    }";
const HISTORY: &str = "
    query($customer: Int!, $container: String!, $id: String!) {
      annotation(customer: $customer, container: $container, id: $id) {
        history(first: 500) { edges { node { time type actor } } }
      }
    }";

pub(crate) async fn run(args: AnnotationArgs, settings: &Settings) -> anyhow::Result<ExitCode> {
    let client = Client::new(&args.server, settings)?;
    let customer = args.customer;
    match args.verb {
        Verb::Search(wanted) => search(&client, customer, &wanted).await?,
        Verb::Get { container, id } => {
            let one = one(&client, GET, customer, &container, &id).await?;
            print_line(&serde_json::to_string_pretty(&one["document"])?);
        }
        Verb::History { container, id } => {
            let one = one(&client, HISTORY, customer, &container, &id).await?;
            for edge in one["history"]["edges"].as_array().into_iter().flatten() {
                let text = |name: &str| edge["node"][name].as_str().unwrap_or_default();
                print_line(&format!("{}\t{}\t{}", text("time"), text("type"), text("actor")));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn search(client: &Client, customer: u32, wanted: &Wanted) -> anyhow::Result<()> {
    if wanted.region.as_ref().is_some_and(|it| it.len() != 4) {
        bail!("`--region` has four numbers: x,y,width,height");
    }
    let words = wanted.query.join(" ");
    let filter = json!({
        "q": Some(words).filter(|it| !it.is_empty()), "container": wanted.container,
        "target": wanted.target, "region": wanted.region, "motivation": wanted.motivation,
        "creator": wanted.creator,
    });
    let variables = json!({"customer": customer, "filter": filter, "first": wanted.limit});
    let answer = client.graphql(SEARCH, variables).await?;
    for edge in answer["annotations"]["edges"].as_array().context("the answer is no list")? {
        let node = &edge["node"];
        print_line(&if wanted.json { node["document"].to_string() } else { line(node) });
    }
    Ok(())
}

async fn one(
    client: &Client,
    document: &str,
    customer: u32,
    container: &str,
    id: &str,
) -> anyhow::Result<Value> {
    let variables = json!({"customer": customer, "container": container, "id": id});
    let mut answer = client.graphql(document, variables).await?;
    let found = answer["annotation"].take();
    if found.is_null() {
        bail!("there is no annotation `{id}` in `{container}`");
    }
    Ok(found)
}

/// Container, id, first target, and what its first text says.
fn line(node: &Value) -> String {
    let text = |name: &str| node[name].as_str().unwrap_or_default();
    let target = node["targets"][0]["source"].as_str().unwrap_or_default();
    let body = &node["document"]["body"];
    let body = if body.is_array() { &body[0] } else { body };
    let words = body["value"].as_str().or(node["document"]["bodyValue"].as_str());
    let words = words.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
    format!("{}\t{}\t{target}\t{words}", text("containerId"), text("annotationId"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_annotation_is_one_line() {
        let node = json!({
            "containerId": "notes", "annotationId": "7",
            "targets": [{"source": "https://example.org/canvas/1"}],
            "document": {"body": [{"value": "A note\nin two lines"}, {"value": "tag"}]},
        });
        assert_eq!(line(&node), "notes\t7\thttps://example.org/canvas/1\tA note in two lines");
        let plain =
            json!({"containerId": "n", "annotationId": "8", "document": {"bodyValue": "x"}});
        assert_eq!(line(&plain), "n\t8\t\tx");
    }
}
