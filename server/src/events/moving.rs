//! `dlcs events export | import`: the history into a file, and out of one into the store of the
//! settings, whatever keeps it.
//!
//! The file is the one of `dlcs audit export`: nothing of it can change unseen, and it is verified
//! before anything is written. Blobs are not in it: they are copied as files, or stay where they are.

use crate::audit::{self, Beside, events_of};
use crate::config::Settings;
use crate::search::print_line;
use crate::{data_folder, stores};
use anyhow::{Context, bail, ensure};
use dlcs_audit::tree::Tree;
use dlcs_eventlog::{EventLog, Position, RecordedEvent};
use dlcs_projections::audit_tree::leaf;
use indicatif::{ProgressBar, ProgressStyle};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Events of one transaction.
const EVENTS_TOGETHER: usize = 5_000;

#[derive(clap::Subcommand)]
pub(crate) enum MovingCommand {
    /// Write the history into one file, signed, also beside a running server.
    Export { file: PathBuf },
    /// Take over the history of such a file into the event store of the settings, which must be empty,
    /// or hold the beginning of the same history: then it goes on where it stopped.
    Import {
        file: PathBuf,
        /// The verifier key of whoever wrote the file, or a file of it. Without it the key in the file
        /// is believed.
        #[arg(long, value_name = "KEY")]
        public_key: Option<String>,
    },
}

pub(super) async fn run(command: MovingCommand, settings: &Settings) -> anyhow::Result<ExitCode> {
    match command {
        MovingCommand::Export { file } => {
            audit::export(&file, Beside::Nothing, settings).await?;
            Ok(ExitCode::SUCCESS)
        }
        MovingCommand::Import { file, public_key } => {
            import(&file, public_key.as_deref(), settings).await
        }
    }
}

async fn import(
    file: &Path,
    public_key: Option<&str>,
    settings: &Settings,
) -> anyhow::Result<ExitCode> {
    // No server of this folder is running, and none starts meanwhile.
    let _lock = data_folder::lock(settings)?;
    let Some(verified) = audit::verify(file, None, public_key)? else {
        return Ok(ExitCode::FAILURE);
    };
    let store = stores::log_import(settings).await?;
    let log = stores::log_read_only(settings).await?;
    let mut events = events_of(file)?;
    let known = known(log.as_ref(), &mut events).await?;
    let bar = progress(verified.checkpoint.size, known);
    loop {
        let next: Vec<_> = events.by_ref().take(EVENTS_TOGETHER).collect::<anyhow::Result<_>>()?;
        if next.is_empty() {
            break;
        }
        let count = next.len() as u64;
        store.import(&next).await.context("the import has stopped: say it again to go on")?;
        bar.inc(count);
    }
    bar.finish_and_clear();
    let tree = tree_of(log.as_ref()).await?;
    let expected = &verified.checkpoint;
    ensure!(
        (tree.size(), tree.root()) == (expected.size, expected.root),
        "what is in the store is not what is in the file: empty the store and import anew"
    );
    let (size, root) = (tree.size(), hex::encode(tree.root()));
    let new = size - known;
    print_line(&format!("imported: {new} events of {size}, root {root}"));
    eprintln!(
        "blobs stay where they are: name them with `--objects`, or copy them; the signing key of the \
         history is the file `audit-key`"
    );
    Ok(ExitCode::SUCCESS)
}

/// Steps over the events that the store has already, and returns how many there are. Each must be
/// the one of the file.
async fn known(
    log: &dyn EventLog,
    events: &mut impl Iterator<Item = anyhow::Result<RecordedEvent>>,
) -> anyhow::Result<u64> {
    let mut after = Position::START;
    let mut known = 0;
    loop {
        let page = log.read_all(after, EVENTS_TOGETHER).await?;
        for event in &page {
            let expected = events.next().transpose()?;
            if expected.as_ref() != Some(event) {
                bail!(
                    "the event store has a history of its own: event {} is not the one of the file. \
                     Name an empty store",
                    event.position
                );
            }
            known += 1;
        }
        match page.last() {
            Some(last) => after = last.position,
            None => return Ok(known),
        }
    }
}

async fn tree_of(log: &dyn EventLog) -> anyhow::Result<Tree> {
    let (mut tree, mut after) = (Tree::default(), Position::START);
    loop {
        let page = log.read_all(after, EVENTS_TOGETHER).await?;
        for event in &page {
            tree.push(leaf(event, tree.size(), &event.event_id.0.to_string()).hash());
        }
        match page.last() {
            Some(last) => after = last.position,
            None => return Ok(tree),
        }
    }
}

/// Hidden where standard error is no terminal.
fn progress(events: u64, known: u64) -> ProgressBar {
    let bar = ProgressBar::new(events);
    let style = "{bar:30} {pos}/{len} events, {elapsed}, {eta} left";
    bar.set_style(ProgressStyle::with_template(style).expect("the template is well formed"));
    bar.set_position(known);
    bar
}
