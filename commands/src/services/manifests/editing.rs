//! Edits of one canvas or range: looked at with the document as it is, written as small events.

use super::{ManifestCommands, flat};
use crate::context::CommandContext;
use crate::cqrs::Decided;
use crate::error::CommandError;
use crate::services::hierarchy::{MOVE_TRIES_MAX, NewDocument};
use dlcs_domain::manifest::document::{CanvasNaming, apply};
use dlcs_domain::manifest::{EditError, LiveManifest, Manifest, ManifestCommand, ManifestEdit};
use dlcs_domain::{Aggregate, BlobRef, Label, ManifestId};
use serde_json::Value;

/// Edits may not make a document longer than this.
const DOCUMENT_BYTES_MAX: usize = 50 * 1024 * 1024;
/// What a client wrote that looks like the placeholder of our address is kept like that, and must
/// not become one.
const ESCAPED_PLACEHOLDER: &str = "\\u007b{dlcs-base}}";
/// Stands for it while a document is edited.
const HELD_PLACEHOLDER: &str = "\u{f8ff}{dlcs-base}}";

impl ManifestCommands {
    /// Edits canvases and ranges, all or none. What is as it was changes nothing.
    pub async fn edit(
        &self,
        context: &CommandContext,
        id: &ManifestId,
        edits: &[ManifestEdit],
        names: &dyn CanvasNaming,
    ) -> Result<Decided, CommandError> {
        if let Some(decided) = self.hierarchy.repeated::<Manifest>(context, &flat(id)).await? {
            return Ok(decided);
        }
        let _queued = self.editing.lock(&flat(id).to_string()).await;
        for _tried in 0..MOVE_TRIES_MAX {
            match self.edit_once(context, id, edits, names).await {
                // Another canvas, most likely: looked at again, unless the client wants to know.
                Err(CommandError::EditMismatch { .. }) if context.expected_edit.is_none() => {}
                done => return done,
            }
        }
        Err(CommandError::Busy)
    }

    /// Edits the manifest as it is now, if it stays like that until then.
    async fn edit_once(
        &self,
        context: &CommandContext,
        id: &ManifestId,
        edits: &[ManifestEdit],
        names: &dyn CanvasNaming,
    ) -> Result<Decided, CommandError> {
        let manifest = self.load(id).await?;
        let Some(live) = manifest.live() else {
            let refused = ManifestCommand::Edit { edits: edits.to_vec(), consolidated: None };
            return self.hierarchy.execute::<Manifest>(context, &flat(id), refused).await;
        };
        let actual = manifest.edit_revision();
        if context.expected_edit.is_some_and(|expected| expected != actual) {
            return Err(CommandError::EditMismatch { actual });
        }
        let mut document = self.document(live, names).await?;
        let mut changing = Vec::with_capacity(edits.len());
        for edit in edits {
            if apply(&mut document, edit, names).map_err(refusal)? {
                changing.push(edit.clone());
            }
        }
        let consolidated = match live.is_due(&changing) && !changing.is_empty() {
            true => Some(self.consolidate(&document).await?),
            false => None,
        };
        let command = ManifestCommand::Edit { edits: changing, consolidated };
        let as_seen = CommandContext { expected_edit: Some(actual), ..context.clone() };
        self.hierarchy.execute::<Manifest>(&as_seen, &flat(id), command).await
    }

    /// Returns the document with all edits until now.
    async fn document(
        &self,
        live: &LiveManifest,
        names: &dyn CanvasNaming,
    ) -> Result<Value, CommandError> {
        let text = self.hierarchy.kept(&live.document).await?;
        let damaged = |error: String| CommandError::Damaged(error);
        let text = text.replace(ESCAPED_PLACEHOLDER, HELD_PLACEHOLDER);
        let mut document = serde_json::from_str(&text).map_err(|it| damaged(it.to_string()))?;
        for edit in &live.pending {
            apply(&mut document, edit, names).map_err(|it| damaged(it.to_string()))?;
        }
        Ok(document)
    }

    async fn consolidate(&self, document: &Value) -> Result<BlobRef, CommandError> {
        let text = document.to_string().replace(HELD_PLACEHOLDER, ESCAPED_PLACEHOLDER);
        if text.len() > DOCUMENT_BYTES_MAX {
            let text = format!("a manifest has at most {DOCUMENT_BYTES_MAX} bytes");
            return Err(CommandError::Invalid(text));
        }
        let document = NewDocument { bytes: text.into(), label: Label::default() };
        Ok(self.hierarchy.keep(document).await?.blob)
    }
}

fn refusal(error: EditError) -> CommandError {
    let text = error.to_string();
    match error {
        EditError::NoCanvas(_) | EditError::NoRange(_) => CommandError::NotFound(text),
        EditError::CanvasExists(_) => CommandError::Conflict(text),
        EditError::Unlisted(_)
        | EditError::RangeTwice(_)
        | EditError::Full
        | EditError::Id
        | EditError::Painted
        | EditError::Own => CommandError::Invalid(text),
    }
}
