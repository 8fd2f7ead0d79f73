//! `dlcs search`: what a running server finds, hit by hit.

use crate::client::{Client, ServerArgs};
use crate::config::Settings;
use serde_json::{Value, json};
use std::io::Write;
use std::process::ExitCode;

#[derive(clap::Args)]
pub(crate) struct SearchArgs {
    /// Words that must all be on a page; "several words" stand together, word* begins so, word~ may
    /// have one mistake.
    #[arg(required = true, value_name = "QUERY")]
    query: Vec<String>,
    #[command(flatten)]
    server: ServerArgs,
    /// Number of the customer.
    #[arg(long, default_value_t = 1)]
    customer: u32,
    /// Only within this manifest.
    #[arg(long, value_name = "ID", group = "within")]
    manifest: Option<String>,
    /// Only within this space.
    #[arg(long, value_name = "NUMBER", group = "within")]
    space: Option<u32>,
    /// Only within this image.
    #[arg(long, value_name = "CUSTOMER/SPACE/ID", group = "within")]
    asset: Option<String>,
    /// Hits that are printed at most.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// One JSON line per hit, and last the total.
    #[arg(long)]
    json: bool,
}

const DOCUMENT: &str = "
    query($q: String!, $customer: Int!, $manifest: String, $space: Int, $asset: String,
          $first: Int!) {
      search(q: $q, customer: $customer, manifest: $manifest, space: $space, asset: $asset,
             first: $first) {
        totalCount
        edges { node {
          assetId before matched after pageWidth pageHeight boxes { x y width height }
        } }
      }
    }";

/// Status 0, also where nothing is found.
pub(crate) async fn run(args: SearchArgs, settings: &Settings) -> anyhow::Result<ExitCode> {
    let client = Client::new(&args.server, settings)?;
    let variables = json!({
        "q": args.query.join(" "), "customer": args.customer, "manifest": args.manifest,
        "space": args.space, "asset": args.asset, "first": args.limit,
    });
    let mut answer = client.graphql(DOCUMENT, variables).await?;
    let found = answer["search"].take();
    let edges = found["edges"].as_array().cloned().unwrap_or_default();
    for edge in &edges {
        let hit = &edge["node"];
        print_line(&if args.json { hit.to_string() } else { line(hit) });
    }
    let total = &found["totalCount"];
    if args.json {
        print_line(&json!({ "total": total }).to_string());
    } else {
        let total = total.as_u64().map_or_else(|| "many".to_owned(), |it| it.to_string());
        eprintln!("{} of {total} hits", edges.len());
    }
    Ok(ExitCode::SUCCESS)
}

/// One hit: the page, its first box, and the words around.
fn line(hit: &Value) -> String {
    let text = |name: &str| hit[name].as_str().unwrap_or_default();
    let number = |name: &str| hit["boxes"][0][name].as_u64().unwrap_or_default();
    let place = ["x", "y", "width", "height"].map(|name| number(name).to_string()).join(",");
    let (before, matched, after) = (text("before"), text("matched"), text("after"));
    format!("{} xywh={place}  {before} [{matched}] {after}", text("assetId"))
}

/// Prints a line; a closed pipe ends the reader's interest, not the program.
pub(crate) fn print_line(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hit_is_one_line() {
        let hit = json!({
            "assetId": "1/2/p.tif", "before": "Was ist", "matched": "Aufklärung", "after": "?",
            "boxes": [{"x": 1, "y": 2, "width": 3, "height": 4}],
        });
        assert_eq!(line(&hit), "1/2/p.tif xywh=1,2,3,4  Was ist [Aufklärung] ?");
    }
}
