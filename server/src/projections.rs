//! `dlcs projections status | rebuild`.

use crate::client::{Client, ServerArgs};
use crate::config::Settings;
use crate::stores;
use dlcs_adapter_sqlite::read_models::{ProjectionStatus, ReadModels};
use std::process::ExitCode;
use std::sync::Arc;

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
    let log = Arc::new(stores::open_log_read_only(settings)?);
    let models = ReadModels::open_read_only(&stores::read_models_folder(settings), log)?;
    for status in models.status().await? {
        if json {
            print_line(&serde_json::to_string(&status)?);
        } else {
            print_line(&line(&status));
        }
        for parked in &status.parked {
            eprintln!("  parked: {parked:?}");
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn line(status: &ProjectionStatus) -> String {
    let lag = status.head.0.saturating_sub(status.position.0);
    let rebuilding = if status.rebuilding { "  rebuilding" } else { "" };
    format!(
        "{:<14} v{}  position {}  lag {lag}  parked {}{rebuilding}",
        status.name,
        status.version,
        status.position,
        status.parked.len()
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
