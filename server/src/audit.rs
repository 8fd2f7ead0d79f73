//! `dlcs audit`: the tamper-evident log, made from the event history, and verified without it.
//!
//! The tree is made anew from the history each time. What is kept lies apart from the database: the
//! key, and the last checkpoint that was signed, of which the next one must have grown.

use crate::config::Settings;
use crate::data_folder::write_secret;
use crate::search::print_line;
use crate::stores;
use anyhow::{Context, bail};
use clap::Subcommand;
use dlcs_audit::export::{Dump, Exporter, Finding, Verified, Verifier};
use dlcs_audit::tree::{Tree, inclusion_proof};
use dlcs_audit::{Checkpoint, Leaf, SigningKey, VerifierKey};
use dlcs_eventlog::{EventLog, Position, RecordedEvent};
use dlcs_projections::audit_tree::leaf;
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
    Export { file: PathBuf },
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
    },
}

pub(crate) async fn run(command: AuditCommand, settings: &Settings) -> anyhow::Result<ExitCode> {
    match command {
        AuditCommand::Checkpoint => {
            let tree = history(settings, u64::MAX, |_, _| Ok(())).await?;
            print_line(sign(settings, &tree)?.trim_end());
        }
        AuditCommand::Key => print_line(&key(settings)?.verifier().to_string()),
        AuditCommand::Prove { index } => prove(index, settings).await?,
        AuditCommand::Export { file } => export(&file, settings).await?,
        AuditCommand::Verify { file, checkpoint, public_key } => {
            return verify(&file, checkpoint.as_deref(), public_key.as_deref());
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A tree, and what it was when it had as many entries as the last checkpoint that was signed.
struct Grown {
    tree: Tree,
    last: Option<Checkpoint>,
    /// Root of its beginning.
    then: Option<dlcs_audit::Hash>,
}

impl Grown {
    fn begin(settings: &Settings) -> anyhow::Result<Self> {
        let path = settings.data.join("audit-checkpoint");
        let last = match std::fs::read_to_string(&path) {
            Ok(note) => {
                let known = key(settings)?.verifier().verify(&note);
                Some(known.with_context(|| format!("`{}` cannot be believed", path.display()))?)
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => {
                return Err(error).with_context(|| format!("`{}` cannot be read", path.display()));
            }
        };
        let mut grown = Self { tree: Tree::default(), last, then: None };
        grown.look();
        Ok(grown)
    }

    fn push(&mut self, hash: dlcs_audit::Hash) {
        self.tree.push(hash);
        self.look();
    }

    fn look(&mut self) {
        if self.last.as_ref().is_some_and(|last| last.size == self.tree.size()) {
            self.then = Some(self.tree.root());
        }
    }

    /// Refuses what has not grown from the last checkpoint.
    fn check(&self) -> anyhow::Result<()> {
        let Some(last) = &self.last else { return Ok(()) };
        if self.tree.size() < last.size {
            let (size, before) = (self.tree.size(), last.size);
            bail!("the history has {size} events, and {before} were signed: nothing is signed");
        }
        if self.then != Some(last.root) {
            let size = last.size;
            bail!("the first {size} events are not those that were signed: nothing is signed");
        }
        Ok(())
    }
}

/// Reads the history up to a position, and hands on each event with its number.
async fn history(
    settings: &Settings,
    to: u64,
    each: impl FnMut(&Leaf<'_>, &RecordedEvent) -> anyhow::Result<()>,
) -> anyhow::Result<Grown> {
    let log = stores::log_read_only(settings).await?;
    history_of(settings, &log, to, each).await
}

async fn history_of(
    settings: &Settings,
    log: &Arc<dyn EventLog>,
    to: u64,
    mut each: impl FnMut(&Leaf<'_>, &RecordedEvent) -> anyhow::Result<()>,
) -> anyhow::Result<Grown> {
    let mut grown = Grown::begin(settings)?;
    let mut after = Position::START;
    loop {
        let events = log.read_all(after, PAGE).await?;
        for event in events.iter().filter(|event| event.position.0 <= to) {
            let id = event.event_id.0.to_string();
            let leaf = leaf(event, grown.tree.size(), &id);
            each(&leaf, event)?;
            grown.push(leaf.hash());
        }
        match events.last() {
            Some(last) if last.position.0 < to => after = last.position,
            _ => return Ok(grown),
        }
    }
}

/// Signs what has grown from the last checkpoint, and remembers it.
fn sign(settings: &Settings, grown: &Grown) -> anyhow::Result<String> {
    grown.check()?;
    let note = key(settings)?.sign(grown.tree.size(), grown.tree.root());
    write_secret(&settings.data.join("audit-checkpoint"), &note)?;
    Ok(note)
}

/// Returns the key of the data folder; makes one where there is none.
fn key(settings: &Settings) -> anyhow::Result<SigningKey> {
    let path = settings.data.join("audit-key");
    match std::fs::read_to_string(&path) {
        Ok(text) => SigningKey::from_secret(&text)
            .with_context(|| format!("`{}` is no key", path.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            if !settings.data.is_dir() {
                bail!("there is no data folder `{}`", settings.data.display());
            }
            let name = format!("dlcs.io/audit/{}", hex::encode(rand::random::<[u8; 8]>()));
            let key = SigningKey::new(&name, rand::random())?;
            write_secret(&path, &format!("{}\n", key.to_secret()))?;
            eprintln!("made the key of the audit log, see {}", path.display());
            Ok(key)
        }
        Err(error) => Err(error).with_context(|| format!("`{}` cannot be read", path.display())),
    }
}

async fn prove(index: u64, settings: &Settings) -> anyhow::Result<()> {
    let (mut hashes, mut record) = (Vec::new(), None);
    let grown = history(settings, u64::MAX, |leaf, _| {
        if leaf.index == index {
            record = Some(leaf.record());
        }
        hashes.push(leaf.hash());
        Ok(())
    })
    .await?;
    let proof = usize::try_from(index).ok().and_then(|it| inclusion_proof(&hashes, it));
    let (Some(record), Some(proof)) = (record, proof) else {
        bail!("there is no event {index}: the history has {}", hashes.len());
    };
    let proof: Vec<String> = proof.iter().map(hex::encode).collect();
    let document = json!({
        "index": index,
        "record": record,
        "proof": proof,
        "checkpoint": sign(settings, &grown)?,
    });
    print_line(&serde_json::to_string_pretty(&document)?);
    Ok(())
}

async fn export(file: &Path, settings: &Settings) -> anyhow::Result<()> {
    let log = stores::log_read_only(settings).await?;
    let head = log.head().await?;
    let folder = file.parent().filter(|it| !it.as_os_str().is_empty());
    let beside = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))
        .with_context(|| format!("`{}` cannot be written", file.display()))?;
    let program = concat!("dlcs ", env!("CARGO_PKG_VERSION"));
    let mut exporter = Exporter::new(BufWriter::new(beside), program)?;
    let grown = history_of(settings, &log, head.0, |leaf, _| Ok(exporter.event(leaf)?)).await?;
    sign(settings, &grown)?;
    let dumps = dumps(settings, &log).await?;
    let beside = exporter.finish(&dumps, &key(settings)?)?.into_inner()?;
    beside.as_file().sync_all()?;
    beside.persist(file)?;
    eprintln!("{} events, signed, in `{}`", grown.tree.size(), file.display());
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

fn verify(
    file: &Path,
    checkpoint: Option<&Path>,
    public_key: Option<&str>,
) -> anyhow::Result<ExitCode> {
    let trusted = public_key.map(verifier_key).transpose()?;
    let old = checkpoint.map(|it| old_checkpoint(it, trusted.as_ref())).transpose()?;
    let source =
        File::open(file).with_context(|| format!("`{}` cannot be read", file.display()))?;
    let is_trusted = trusted.is_some();
    match verified(BufReader::new(source), Verifier::new(trusted, old))? {
        Ok(Verified { checkpoint, key, position }) => {
            let (size, root) = (checkpoint.size, hex::encode(checkpoint.root));
            print_line(&format!("valid: {size} events up to position {position}, root {root}"));
            if !is_trusted {
                eprintln!("signed by {key}, which was not asked for: name it with --public-key");
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(finding) => {
            print_line(&format!("not valid: {finding}"));
            Ok(ExitCode::FAILURE)
        }
    }
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
