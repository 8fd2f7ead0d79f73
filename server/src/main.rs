//! The `dlcs` binary: one program, every role.
//!
//! Not here: logic. Configuration, wiring and subcommands only.

mod accounts;
mod annotations;
mod audit;
mod backup;
mod client;
mod completions;
mod config;
mod data_folder;
mod doctor;
mod documents;
mod events;
mod http;
mod images;
mod ocr;
mod projections;
mod recognition;
mod register;
mod replay;
mod search;
mod serve;
mod stores;
mod strategies;
mod telemetry;
mod vault;
mod wiring;

use clap::{Parser, Subcommand};
use dlcs_adapter_objects::LockError;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Digital Library Cloud Services: register images, get IIIF.
#[derive(Parser)]
#[command(name = "dlcs", version, about, propagate_version = true)]
struct Cli {
    #[command(flatten)]
    settings: config::SettingsArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start the server: API, projectors, ingest, recognition.
    Serve,
    /// Register images with a running server.
    Register(Box<register::RegisterArgs>),
    /// Recognise pages of local files, without a server.
    Ocr(ocr::OcrArgs),
    /// Search the whole collection, or within a manifest, a space, an image.
    Search(search::SearchArgs),
    /// Write an image as files that any web server shows.
    Image(images::ImageArgs),
    /// List, read, write, move and delete stored manifests; PDF and zip of them.
    Manifest(documents::ManifestArgs),
    /// List, read, write, move and delete collections.
    Collection(documents::CollectionArgs),
    /// Find and read annotations, and how they became what they are.
    Annotation(annotations::AnnotationArgs),
    /// Make and list customers.
    Customer(accounts::CustomerArgs),
    /// Make, list and revoke keys of a customer.
    Key(accounts::KeyArgs),
    /// Print the event history in order.
    Events(events::EventsArgs),
    /// Rebuild read models from history in a fresh place and compare them with the live ones.
    Replay(replay::ReplayArgs),
    /// Sign the history, prove, export and verify it.
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Show or rebuild projections.
    #[command(subcommand)]
    Projections(projections::ProjectionsCommand),
    /// Write the embedded stores into one file, also beside a running server, and check it.
    Backup(backup::BackupArgs),
    /// Put a backup into an empty data folder.
    Restore(backup::BackupArgs),
    /// Check configuration, stores, codecs, languages and pages, and say what is missing.
    Doctor,
    /// Print a completion script for a shell.
    Completions(completions::CompletionsArgs),
    /// Decode foreign bytes in a process of its own. Started by the server.
    #[command(hide = true)]
    Worker(WorkerArgs),
}

#[derive(clap::Args)]
struct WorkerArgs {
    /// What kind of work, and its parameters.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<String>,
}

fn main() -> ExitCode {
    #[cfg(feature = "failpoints")]
    let _failing = die_where_told();
    let cli = Cli::parse();
    if let Command::Worker(worker) = cli.command {
        // Before anything else is opened: a worker has no settings and no stores.
        return match worker.args.split_first() {
            Some((kind, task)) if kind == "recognise" => recognition::run_worker(task),
            _ => dlcs_adapter_worker::run_image_worker(&worker.args),
        };
    }
    match run(cli) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("dlcs: {error:#}");
            ExitCode::from(exit_status(&error))
        }
    }
}

/// Sets the fail points that the environment names. A panic there ends the process on the spot,
/// without unwinding, as a kill would.
#[cfg(feature = "failpoints")]
fn die_where_told<'a>() -> fail::FailScenario<'a> {
    let scenario = fail::FailScenario::setup();
    if !fail::list().is_empty() {
        std::panic::set_hook(Box::new(|panic| {
            eprintln!("{panic}");
            std::process::abort()
        }));
    }
    scenario
}

fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    if let Command::Completions(args) = cli.command {
        return Ok(completions::run(&args));
    }
    let settings = config::Settings::load(&cli.settings)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(dispatch(cli.command, settings))
}

async fn dispatch(command: Command, settings: config::Settings) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve => serve::run(settings).await,
        Command::Register(args) => register::run(*args, settings).await,
        Command::Ocr(args) => ocr::run(args, &settings).await,
        Command::Search(args) => search::run(args, &settings).await,
        Command::Image(args) => images::run(args, &settings).await,
        Command::Manifest(args) => documents::manifest(args, &settings).await,
        Command::Collection(args) => documents::collection(args, &settings).await,
        Command::Annotation(args) => annotations::run(args, &settings).await,
        Command::Customer(args) => accounts::customer(args, &settings).await,
        Command::Key(args) => accounts::key(args, &settings).await,
        Command::Events(args) => events::run(args, &settings).await,
        Command::Replay(args) => replay::run(args, &settings).await,
        Command::Audit(command) => audit::run(command, &settings).await,
        Command::Projections(command) => projections::run(command, &settings).await,
        Command::Backup(args) => backup::backup(args, &settings).await,
        Command::Restore(args) => backup::restore(args, &settings).await,
        Command::Doctor => doctor::run(&settings).await,
        Command::Completions(_) | Command::Worker(_) => Ok(ExitCode::SUCCESS),
    }
}

/// Wrong usage is 2, a data folder in use is 15, all else 1.
fn exit_status(error: &anyhow::Error) -> u8 {
    if let Some(LockError::Held { .. }) = error.downcast_ref() {
        return 15;
    }
    if error.is::<config::ConfigError>() || error.is::<register::UsageError>() {
        return 2;
    }
    1
}
