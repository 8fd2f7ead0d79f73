//! Signs what the projection `audit-tree` has seen: the audit log of a running server.
//!
//! No request reads the history again: whether the tree has grown from the last checkpoint is read
//! out of a few tiles, and whether it is that of the log by its last event.

use super::folder::{AuditFolder, Signed, Turn};
use crate::wiring::Wired;
use dlcs_api::{AuditRefused, AuditSigner};
use dlcs_audit::{Checkpoint, Plan};
use dlcs_eventlog::{EventLog, Position};
use dlcs_graphql::{AuditProof, AuditProofs};
use dlcs_projections::Queries;
use dlcs_projections::audit_tree::{self, AuditTree, TreeRow, leaf};
use dlcs_projections::freshness::Freshness;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// How long a checkpoint is new enough for whoever wants no certain event in it.
const NEW_FOR: Duration = Duration::from_secs(1);
/// How long the projection is waited for.
const CATCH_UP: Duration = Duration::from_secs(1);

/// Signs for one process.
pub(crate) struct Signer {
    folder: AuditFolder,
    tree: Arc<dyn AuditTree>,
    log: Arc<dyn EventLog>,
    freshness: Freshness,
    /// What was signed here last. Held while signing.
    newest: Mutex<Option<(Instant, Signed)>>,
}

impl Signer {
    pub(crate) fn new(wired: &Wired, folder: AuditFolder) -> Self {
        let Queries { audit_tree, freshness, .. } = wired.read_models.models.queries();
        let log = Arc::clone(&wired.log);
        Self { folder, tree: audit_tree, log, freshness, newest: Mutex::new(None) }
    }

    /// Returns a checkpoint of at least `size` events, if there are so many.
    async fn signed(&self, size: u64) -> Result<Signed, AuditRefused> {
        let mut newest = self.newest.lock().await;
        if let Some((at, signed)) = &*newest
            && at.elapsed() < NEW_FOR
            && signed.checkpoint.size >= size
        {
            return Ok(signed.clone());
        }
        let signed = self.sign(size).await;
        let outcome = if signed.is_ok() { "signed" } else { "refused" };
        metrics::counter!("dlcs_audit_checkpoints_total", "outcome" => outcome).increment(1);
        let signed = signed?;
        metrics::gauge!("dlcs_audit_checkpoint_events").set(signed.checkpoint.size as f64);
        *newest = Some((Instant::now(), signed.clone()));
        Ok(signed)
    }

    async fn sign(&self, size: u64) -> Result<Signed, AuditRefused> {
        let Some(turn) = self.with_folder(AuditFolder::try_turn).await? else {
            // A command signs, and reads the whole history for that.
            let last = self.with_folder(AuditFolder::last).await?;
            let last = last.filter(|it| it.checkpoint.size >= size.max(1));
            return last.ok_or_else(|| AuditRefused::Busy("the history is being signed".into()));
        };
        // What was acknowledged before somebody asked is in it, unless the projection is far behind.
        let head = self.log.head().await.map_err(unreadable)?;
        self.freshness.wait(audit_tree::NAME, head, CATCH_UP).await;
        let tree = self.tree.tree().await?;
        self.grown_from(turn.last().map(|it| &it.checkpoint), tree, head).await?;
        if let Some(last) = turn.last().filter(|it| it.checkpoint.size == tree.size) {
            return Ok(last.clone());
        }
        let root = audit_tree::root(&*self.tree, tree.size).await?;
        let root = root.ok_or_else(|| AuditRefused::Broken("tiles are missing".into()))?;
        blocking(move || Turn::sign(&turn, tree.size, root)).await
    }

    /// Refuses a tree that has not grown from a checkpoint, or that is not that of the log.
    async fn grown_from(
        &self,
        last: Option<&Checkpoint>,
        tree: TreeRow,
        head: Position,
    ) -> Result<(), AuditRefused> {
        self.is_of_the_log(tree).await?;
        let Some(last) = last else { return Ok(()) };
        let (size, before) = (tree.size, last.size);
        if size < before {
            if tree.position < head.0 {
                let text = format!("{size} of {before} events that were signed are read so far");
                return Err(AuditRefused::Busy(text));
            }
            return forked(format!("the history has {size} events, and {before} were signed"));
        }
        if audit_tree::root(&*self.tree, before).await? != Some(last.root) {
            return forked(format!("the first {before} events are not those that were signed"));
        }
        Ok(())
    }

    /// The last event of the tree is that of the log at its position.
    async fn is_of_the_log(&self, tree: TreeRow) -> Result<(), AuditRefused> {
        let Some(index) = tree.size.checked_sub(1) else { return Ok(()) };
        let before = Position(tree.position.saturating_sub(1));
        let events = self.log.read_all(before, 1).await.map_err(unreadable)?;
        let entries = self.tree.entries(index, tree.size).await?;
        let record = events.first().filter(|it| it.position.0 == tree.position).map(|event| {
            let id = event.event_id.0.to_string();
            leaf(event, index, &id).record()
        });
        match (record, entries.first()) {
            (Some(record), Some(entry)) if record == entry.record => Ok(()),
            _ => forked(format!("event {index} is not the one that was recorded")),
        }
    }

    async fn with_folder<T: Send + 'static>(
        &self,
        work: fn(&AuditFolder) -> anyhow::Result<T>,
    ) -> Result<T, AuditRefused> {
        let folder = self.folder.clone();
        blocking(move || work(&folder)).await
    }
}

fn forked<T>(what: String) -> Result<T, AuditRefused> {
    tracing::error!("the audit log is not signed: {what}");
    Err(AuditRefused::Forked(format!("{what}: nothing is signed")))
}

fn unreadable(error: impl std::fmt::Display) -> AuditRefused {
    AuditRefused::Broken(error.to_string())
}

/// Files are read and written where waiting for a disk holds nobody up.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> anyhow::Result<T> + Send + 'static,
) -> Result<T, AuditRefused> {
    let done = tokio::task::spawn_blocking(work).await.map_err(unreadable)?;
    done.map_err(|error| AuditRefused::Broken(format!("{error:#}")))
}

#[async_trait::async_trait]
impl AuditSigner for Signer {
    async fn key(&self) -> Result<String, AuditRefused> {
        Ok(self.with_folder(AuditFolder::key).await?.verifier().to_string())
    }

    async fn checkpoint(&self) -> Result<String, AuditRefused> {
        Ok(self.signed(0).await?.note)
    }
}

#[async_trait::async_trait]
impl AuditProofs for Signer {
    async fn proof(&self, index: u64) -> Result<Option<AuditProof>, String> {
        let proof = proof(self, index).await;
        proof.map_err(|refused| match refused {
            AuditRefused::Broken(reason) => {
                tracing::error!("the audit log cannot be used: {reason}");
                "the audit log cannot be used".to_owned()
            }
            refused => refused.to_string(),
        })
    }
}

async fn proof(signer: &Signer, index: u64) -> Result<Option<AuditProof>, AuditRefused> {
    let Signed { note, checkpoint } = signer.signed(index.saturating_add(1)).await?;
    let Some(plan) = Plan::inclusion(index, checkpoint.size) else { return Ok(None) };
    let hashes = audit_tree::hashes(&*signer.tree, &plan).await?;
    let entries = signer.tree.entries(index, index + 1).await?;
    let (Some(hashes), Some(entry)) = (hashes, entries.into_iter().next()) else {
        return Err(AuditRefused::Broken(format!("the tiles of event {index} are missing")));
    };
    let proof = hashes.iter().map(hex::encode).collect();
    Ok(Some(AuditProof { index, record: entry.record, proof, checkpoint: note }))
}
