//! `dlcs projections status | rebuild`.

use crate::client::{Client, ServerArgs};
use crate::config::Settings;
use crate::stores;
use dlcs_projections::read_store::ProjectionStatus;
use dlcs_projections::runner::lease_name;
use serde::Serialize;
use std::process::ExitCode;

#[derive(clap::Subcommand)]
pub(crate) enum ProjectionsCommand {
    /// Print position and lag of each projection.
    Status {
        /// One JSON line per projection.
        #[arg(long)]
        json: bool,
    },
    /// Build projections anew while the old ones serve. Asks a running server.
    Rebuild {
        #[arg(required = true)]
        names: Vec<String>,
        #[command(flatten)]
        server: ServerArgs,
    },
}

pub(crate) async fn run(
    command: ProjectionsCommand,
    settings: &Settings,
) -> anyhow::Result<ExitCode> {
    match command {
        ProjectionsCommand::Status { json } => status(json, settings).await,
        ProjectionsCommand::Rebuild { names, server } => rebuild(&names, &server, settings).await,
    }
}

async fn status(json: bool, settings: &Settings) -> anyhow::Result<ExitCode> {
    let log = stores::log_read_only(settings).await?;
    let models = stores::all_read_only(settings, &log).await?;
    let consumers = stores::consumers(settings).await?;
    for status in models.status().await? {
        let lease = lease_name(status.name, status.version);
        let held = consumers.iter().find(|(name, ..)| *name == lease);
        let owner = held.and_then(|(_, _, owner)| owner.as_ref()).map(|it| it.0.as_str());
        if json {
            print_line(&serde_json::to_string(&Line { status: &status, owner })?);
        } else {
            print_line(&line(&status, owner));
        }
        for parked in &status.parked {
            eprintln!("  parked: {parked:?}");
        }
    }
    for (name, position, owner) in consumers {
        if name.0.starts_with("projection/") {
            continue;
        }
        let owner = owner.map(|it| it.0);
        if json {
            let line =
                serde_json::json!({ "consumer": name.0, "position": position, "owner": owner });
            print_line(&line.to_string());
        } else {
            print_line(&format!(
                "{:<14}     position {position}{}",
                name.0,
                held_by(owner.as_deref())
            ));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A projection, as a line of JSON.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    status: &'a ProjectionStatus,
    /// The process that advances it, where several share the read models.
    owner: Option<&'a str>,
}

fn held_by(owner: Option<&str>) -> String {
    owner.map_or_else(String::new, |owner| format!("  held by {owner}"))
}

fn line(status: &ProjectionStatus, owner: Option<&str>) -> String {
    let lag = status.head.0.saturating_sub(status.position.0);
    let rebuilding = if status.rebuilding { "  rebuilding" } else { "" };
    format!(
        "{:<14} v{}  position {}  lag {lag}  parked {}{rebuilding}{}",
        status.name,
        status.version,
        status.position,
        status.parked.len(),
        held_by(owner)
    )
}

async fn rebuild(
    names: &[String],
    server: &ServerArgs,
    settings: &Settings,
) -> anyhow::Result<ExitCode> {
    let client = Client::new(server, settings)?;
    for name in names {
        eprintln!("rebuilding {name} …");
        let mutation = "mutation($name: String!) { rebuildProjection(name: $name) }";
        client.graphql(mutation, serde_json::json!({ "name": name })).await?;
        print_line(&format!("{name} is rebuilt"));
    }
    Ok(ExitCode::SUCCESS)
}

#[expect(clippy::print_stdout, reason = "the answer is what was asked for")]
fn print_line(line: &str) {
    println!("{line}");
}
