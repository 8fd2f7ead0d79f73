//! `dlcs register`: files, folders, addresses and tables become assets of a running server.

mod collect;
mod embedded;
mod manifest;
mod progress;
mod send;
mod space;

use crate::client::{Client, ServerArgs};
use crate::config::Settings;
use futures::{StreamExt, stream};
use progress::Reporter;
use send::{Outcome, Sender};
use std::process::ExitCode;

/// Wrong use of the command; the program ends with status 2.
#[derive(Debug)]
pub(crate) struct UsageError(String);

impl std::fmt::Display for UsageError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UsageError {}

#[derive(clap::Args)]
pub(crate) struct RegisterArgs {
    /// Image files, folders, http(s) addresses, or tables (.csv, .ndjson) with a column `origin`.
    #[arg(required = true, value_name = "PATH|URL|FOLDER|TABLE")]
    sources: Vec<String>,
    #[command(flatten)]
    server: ServerArgs,
    /// Number or name of the customer.
    #[arg(long, default_value = "1")]
    customer: String,
    /// Number or name of the space; made if missing.
    #[arg(long, default_value = "1")]
    space: String,
    /// Id of the asset, for one image [default: its file name].
    #[arg(long)]
    id: Option<String>,
    /// Make a manifest of the images, in order, under this name.
    #[arg(long, value_name = "NAME")]
    manifest: Option<String>,
    #[arg(long)]
    string1: Option<String>,
    #[arg(long)]
    string2: Option<String>,
    #[arg(long)]
    string3: Option<String>,
    #[arg(long)]
    number1: Option<i64>,
    #[arg(long)]
    number2: Option<i64>,
    #[arg(long)]
    number3: Option<i64>,
    /// Tag; repeatable.
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    /// Role that may see the images; repeatable.
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// Longest side in which the images are given out, in pixels.
    #[arg(long, value_name = "PIXELS")]
    max_width: Option<u32>,
    /// Longest side of the whole image that is shown to those without a role, in pixels.
    #[arg(long, value_name = "PIXELS")]
    open_full_max: Option<u32>,
    /// Languages in which the text is recognised, for example deu or deu+frk.
    #[arg(long, value_name = "LANG[+LANG]")]
    ocr: Option<String>,
    /// Wait until the text is recognised, too.
    #[arg(long, conflicts_with = "no_wait")]
    wait_text: bool,
    /// Do not wait until the images are ingested.
    #[arg(long)]
    no_wait: bool,
    /// One JSON line per image.
    #[arg(long)]
    json: bool,
    /// Images that are sent at once.
    #[arg(long, default_value_t = 8, value_name = "COUNT")]
    parallel: usize,
}

/// Registers everything; status 0 all well, 1 some failed, 2 wrong usage.
pub(crate) async fn run(args: RegisterArgs, settings: Settings) -> anyhow::Result<ExitCode> {
    let items = collect::items(&args)?;
    if settings.data_by_flag && args.server.server.is_none() {
        let embedded = embedded::Server::start(settings).await?;
        let result = register(&args, items, embedded.client()?).await;
        embedded.stop().await;
        return result;
    }
    let client = Client::new(&args.server, &settings)?;
    register(&args, items, client).await
}

async fn register(
    args: &RegisterArgs,
    items: Vec<collect::Item>,
    client: Client,
) -> anyhow::Result<ExitCode> {
    let space = space::ensure(&client, &args.customer, &args.space).await?;
    let reporter = Reporter::new(args.json, items.len());
    let (wait, wait_text) = (!args.no_wait, args.wait_text);
    let sender = Sender { client: &client, space: &space, wait, wait_text };
    let mut outcomes: Vec<Outcome> = Vec::with_capacity(items.len());
    let mut running = stream::iter(items.into_iter().enumerate())
        .map(|(index, item)| sender.register(index, item, &reporter))
        .buffer_unordered(args.parallel.max(1));
    while let Some(outcome) = running.next().await {
        reporter.finished(&outcome);
        outcomes.push(outcome);
    }
    drop(running);
    outcomes.sort_by_key(|outcome| outcome.index);
    reporter.done(&outcomes);
    if let Some(name) = &args.manifest {
        let url = manifest::publish(&client, &space, name, &outcomes).await?;
        reporter.manifest(&url);
    }
    let failed = outcomes.iter().any(|outcome| outcome.error.is_some());
    Ok(ExitCode::from(u8::from(failed)))
}
