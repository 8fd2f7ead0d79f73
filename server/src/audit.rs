//! `dlcs audit`: the tamper-evident log, made from the event history, and verified without it.
//!
//! These commands believe nothing but the history: the tree is made anew from it each time, and
//! compared with what a running server has seen. [`signer`] signs for the server.

mod folder;
mod replay;
mod seen;
mod signer;

pub(crate) use folder::AuditFolder;
pub(crate) use replay::events_of;
pub(crate) use signer::Signer;

use crate::config::Settings;
use crate::search::print_line;
use crate::stores;
use anyhow::{Context, bail};
use clap::Subcommand;
use dlcs_audit::export::{Dump, Exporter, Finding, Verified, Verifier};
use dlcs_audit::tree::{Tree, inclusion_proof};
use dlcs_audit::{Checkpoint, Hash, Leaf, VerifierKey};
use dlcs_eventlog::{EventLog, LogError, Position, RecordedEvent};
use dlcs_projections::audit_tree::leaf;
use dlcs_projections::named_blobs::NamedBlobs;
use dlcs_projections::projection::DecodedEvent;
use folder::Turn;
use replay::Replayed;
use seen::Seen;
use serde_json::json;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

/// Events that are read at once.
const PAGE: usize = 1_000;

#[derive(Subcommand)]
pub(crate) enum AuditCommand {
    /// Sign the history as it is now, and print the checkpoint.
    Checkpoint,
    /// Print the verifier key, which auditors keep. It is made when it is needed first.
    Key,
    /// Prove that an event is in the history: prints record, proof and checkpoint as JSON.
    Prove {
        /// Number of the event, from 0.
        index: u64,
    },
    /// Write all that an auditor needs into one file.
    Export {
        file: PathBuf,
        /// Also texts and documents, so that every read model can be made anew out of the file.
        #[arg(long)]
        with_blobs: bool,
    },
    /// Verify such a file, without a server and its stores. Status 1, and what is wrong, unless it is
    /// as it was written.
    Verify {
        file: PathBuf,
        /// An older checkpoint: the history must have grown from it.
        #[arg(long, value_name = "FILE")]
        checkpoint: Option<PathBuf>,
        /// The verifier key as the auditor knows it, or a file of it. Without it the key in the file is
        /// believed.
        #[arg(long, value_name = "KEY")]
        public_key: Option<String>,
        /// Make the read models anew, too, and compare them with the digests in the file. Status 3
        /// where one cannot be made.
        #[arg(long)]
        replay: bool,
    },
}

pub(crate) async fn run(command: AuditCommand, settings: &Settings) -> anyhow::Result<ExitCode> {
    match command {
        AuditCommand::Checkpoint => {
            let mut reading = Reading::begin(settings).await?;
            let tree = reading.history(u64::MAX, |_, _| Ok(())).await?;
            print_line(reading.turn.sign(tree.size(), tree.root())?.note.trim_end());
        }
        AuditCommand::Key => print_line(&AuditFolder::of(settings).key()?.verifier().to_string()),
        AuditCommand::Prove { index } => prove(index, settings).await?,
        AuditCommand::Export { file, with_blobs } => {
            let beside = if with_blobs { Beside::DigestsAndBlobs } else { Beside::Digests };
            export(&file, beside, settings).await?;
        }
        AuditCommand::Verify { file, checkpoint, public_key, replay } => {
            let verified = verify(&file, checkpoint.as_deref(), public_key.as_deref())?;
            let Some(verified) = verified else { return Ok(ExitCode::FAILURE) };
            if replay {
                return Ok(report(replay::replay(&file, &verified).await?));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads the whole history, while nobody else signs.
struct Reading {
    turn: Turn,
    log: Arc<dyn EventLog>,
    seen: Seen,
}

impl Reading {
    async fn begin(settings: &Settings) -> anyhow::Result<Self> {
        let turn = AuditFolder::of(settings).turn()?;
        let log = stores::log_read_only(settings).await?;
        let seen = Seen::of(settings, &log).await?;
        Ok(Self { turn, log, seen })
    }

    /// Hands on each event up to a position. Refuses a history that has not grown from the last
    /// checkpoint, and one in which an event is not what the server has seen.
    async fn history(
        &mut self,
        to: u64,
        mut each: impl FnMut(&Leaf<'_>, &RecordedEvent) -> anyhow::Result<()>,
    ) -> anyhow::Result<Tree> {
        let mut grown = Grown::new(self.turn.last().map(|it| it.checkpoint.clone()));
        let mut after = Position::START;
        loop {
            let events = self.page(after, grown.tree.size()).await?;
            for event in events.iter().filter(|event| event.position.0 <= to) {
                let id = event.event_id.0.to_string();
                let leaf = leaf(event, grown.tree.size(), &id);
                let hash = leaf.hash();
                if self.seen.differs(leaf.index, &hash).await? {
                    let index = leaf.index;
                    bail!("event {index} is not the one that was recorded: nothing is signed");
                }
                each(&leaf, event)?;
                grown.push(hash);
            }
            match events.last() {
                Some(last) if last.position.0 < to => after = last.position,
                _ => break,
            }
        }
        let (size, seen) = (grown.tree.size(), self.seen.size());
        if size < seen {
            bail!("event {size} is missing: {seen} were recorded: nothing is signed");
        }
        grown.check()?;
        Ok(grown.tree)
    }

    /// Reads events after a position; `index` is the number of the first.
    async fn page(&self, after: Position, index: u64) -> anyhow::Result<Vec<RecordedEvent>> {
        let page = self.log.read_all(after, PAGE).await;
        let Err(LogError::Damaged(_)) = page else { return Ok(page?) };
        // Which one is it? Those before it are read one by one.
        let one = self.log.read_all(after, 1).await;
        one.with_context(|| format!("event {index} cannot be read: nothing is signed"))
    }
}

/// A tree, and what it was when it had as many entries as the last checkpoint that was signed.
struct Grown {
    tree: Tree,
    last: Option<Checkpoint>,
    /// Root of its beginning.
    then: Option<Hash>,
}

impl Grown {
    fn new(last: Option<Checkpoint>) -> Self {
        let mut grown = Self { tree: Tree::default(), last, then: None };
        grown.look();
        grown
    }

    fn push(&mut self, hash: Hash) {
        self.tree.push(hash);
        self.look();
    }

    fn look(&mut self) {
        if self.last.as_ref().is_some_and(|last| last.size == self.tree.size()) {
            self.then = Some(self.tree.root());
        }
    }

    fn check(&self) -> anyhow::Result<()> {
        let Some(last) = &self.last else { return Ok(()) };
        if self.tree.size() < last.size {
            let (size, before) = (self.tree.size(), last.size);
            bail!(
                "event {size} is missing: the history has {size} events, and {before} were signed: \
                 nothing is signed"
            );
        }
        if self.then != Some(last.root) {
            let size = last.size;
            bail!("the first {size} events are not those that were signed: nothing is signed");
        }
        Ok(())
    }
}

async fn prove(index: u64, settings: &Settings) -> anyhow::Result<()> {
    let (mut hashes, mut record) = (Vec::new(), None);
    let mut reading = Reading::begin(settings).await?;
    let tree = reading
        .history(u64::MAX, |leaf, _| {
            if leaf.index == index {
                record = Some(leaf.record());
            }
            hashes.push(leaf.hash());
            Ok(())
        })
        .await?;
    let proof = usize::try_from(index).ok().and_then(|it| inclusion_proof(&hashes, it));
    let (Some(proof), Some(record)) = (proof, record) else {
        bail!("there is no event {index}: the history has {} events", hashes.len());
    };
    let proof: Vec<String> = proof.iter().map(hex::encode).collect();
    let document = json!({
        "index": index,
        "record": record,
        "proof": proof,
        "checkpoint": reading.turn.sign(tree.size(), tree.root())?.note,
    });
    print_line(&serde_json::to_string_pretty(&document)?);
    Ok(())
}

/// What an export holds beside the events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Beside {
    Nothing,
    /// Of read models.
    Digests,
    /// And texts and documents.
    DigestsAndBlobs,
}

pub(crate) async fn export(
    file: &Path,
    beside_events: Beside,
    settings: &Settings,
) -> anyhow::Result<()> {
    let mut reading = Reading::begin(settings).await?;
    let with_blobs = beside_events == Beside::DigestsAndBlobs;
    // Before the head is asked for: no digest is of a position behind the last event.
    let dumps = match beside_events {
        Beside::Nothing => Vec::new(),
        Beside::Digests | Beside::DigestsAndBlobs => dumps(settings, &reading.log).await?,
    };
    let head = reading.log.head().await?;
    let folder = file.parent().filter(|it| !it.as_os_str().is_empty());
    let beside = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))
        .with_context(|| format!("`{}` cannot be written", file.display()))?;
    let program = concat!("dlcs ", env!("CARGO_PKG_VERSION"));
    let mut exporter = Exporter::new(BufWriter::new(beside), program)?;
    let mut named = NamedBlobs::default();
    let tree = reading
        .history(head.0, |leaf, event| {
            if with_blobs {
                named.apply(&DecodedEvent::new(event.clone()))?;
            }
            Ok(exporter.event(leaf)?)
        })
        .await?;
    let objects = stores::objects(settings).await?;
    for blob in replay::exported(named) {
        let bytes = replay::bytes(objects.as_ref(), &blob).await?;
        exporter.blob(blob.key.as_str(), &bytes)?;
    }
    reading.turn.sign(tree.size(), tree.root())?;
    let beside = exporter.finish(&dumps, reading.turn.key())?.into_inner()?;
    beside.as_file().sync_all()?;
    beside.persist(file)?;
    eprintln!("{} events, signed, in `{}`", tree.size(), file.display());
    Ok(())
}

/// Sums up the read models that serve, each at its own position.
async fn dumps(settings: &Settings, log: &Arc<dyn EventLog>) -> anyhow::Result<Vec<Dump>> {
    let mut dumps = Vec::new();
    for model in stores::all_read_only(settings, log).await?.models() {
        let dump = model.dump().await?;
        dumps.push(Dump {
            projection: dump.projection,
            version: dump.version,
            position: dump.position.0,
            digest: dump.digest,
        });
    }
    Ok(dumps)
}

/// `None`: it is not valid, which has been said.
pub(crate) fn verify(
    file: &Path,
    checkpoint: Option<&Path>,
    public_key: Option<&str>,
) -> anyhow::Result<Option<Verified>> {
    let trusted = public_key.map(verifier_key).transpose()?;
    let old = checkpoint.map(|it| old_checkpoint(it, trusted.as_ref())).transpose()?;
    let source =
        File::open(file).with_context(|| format!("`{}` cannot be read", file.display()))?;
    let is_trusted = trusted.is_some();
    match verified(BufReader::new(source), Verifier::new(trusted, old))? {
        Ok(verified) => {
            let Verified { checkpoint, key, position, .. } = &verified;
            let (size, root) = (checkpoint.size, hex::encode(checkpoint.root));
            print_line(&format!("valid: {size} events up to position {position}, root {root}"));
            if !is_trusted {
                eprintln!("signed by {key}, which was not asked for: name it with --public-key");
            }
            Ok(Some(verified))
        }
        Err(finding) => {
            print_line(&format!("not valid: {finding}"));
            Ok(None)
        }
    }
}

/// Status 0: all are equal; 1: one is not; 3: one could not be made.
fn report(replayed: Replayed) -> ExitCode {
    let Replayed { equal, unequal, lacking } = replayed;
    print_line(&format!("replayed: {} read models are equal", equal.len()));
    for (name, why) in &lacking {
        print_line(&format!("not replayed: {name}: {why}"));
    }
    if !unequal.is_empty() {
        print_line(&format!("not equal: {}", unequal.join(" ")));
        return ExitCode::FAILURE;
    }
    if lacking.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(3) }
}

/// `Err`: the file cannot be read at all.
fn verified(
    mut source: impl BufRead,
    mut verifier: Verifier,
) -> anyhow::Result<Result<Verified, Finding>> {
    let mut line = Vec::new();
    loop {
        line.clear();
        source.read_until(b'\n', &mut line)?;
        let Some(text) = line.strip_suffix(b"\n") else {
            if line.is_empty() {
                return Ok(verifier.finish());
            }
            let what = "the file ends in the middle of a line".to_owned();
            return Ok(Err(Finding { event: None, what }));
        };
        let Ok(text) = std::str::from_utf8(text) else {
            // No line that was written: it says which event that would have been.
            return Ok(verifier.line("").and_then(|()| verifier.finish()));
        };
        if let Err(finding) = verifier.line(text) {
            return Ok(Err(finding));
        }
    }
}

fn verifier_key(text: &str) -> anyhow::Result<VerifierKey> {
    let kept = std::fs::read_to_string(text);
    let text = kept.as_deref().unwrap_or(text);
    text.parse().context("`--public-key` is neither a verifier key nor a file of one")
}

/// Reads a checkpoint that was kept; signed by the key that is trusted, if there is one.
fn old_checkpoint(file: &Path, trusted: Option<&VerifierKey>) -> anyhow::Result<Checkpoint> {
    let note = std::fs::read_to_string(file)
        .with_context(|| format!("`{}` cannot be read", file.display()))?;
    // Printed, its last line feed may have gone.
    let note = format!("{}\n", note.trim_end());
    match trusted {
        Some(key) => key.verify(&note).map_err(anyhow::Error::from),
        None => note.parse().map_err(anyhow::Error::from),
    }
    .with_context(|| format!("`{}` is no checkpoint that can be believed", file.display()))
}
