//! A text as it is kept: the bytes of its layout and of its record, both under their digests.
//!
//! The same layout always gives the same bytes.

use crate::edit::{Edit, EditError, edited};
use crate::layout::PageLayout;
use crate::record::{PageRecord, RecordError};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredText {
    /// Canonical JSON of the layout.
    pub layout: Vec<u8>,
    /// [`PageRecord::encode`].
    pub record: Vec<u8>,
    pub words: u32,
}

impl StoredText {
    pub fn of(layout: &PageLayout) -> Result<Self, RecordError> {
        let record = PageRecord::of(layout)?;
        let words = record.word_count();
        let layout = serde_json::to_vec(layout).expect("a layout is plain data");
        Ok(Self { layout, record: record.encode()?, words })
    }
}

/// Reads the layout of a kept text.
pub fn read_layout(bytes: &[u8]) -> serde_json::Result<PageLayout> {
    serde_json::from_slice(bytes)
}

/// Why a kept text cannot be corrected.
#[derive(Debug, thiserror::Error)]
pub enum CorrectError {
    /// What was kept cannot be read.
    #[error("the layout is damaged: {0}")]
    Damaged(#[from] serde_json::Error),
    #[error(transparent)]
    Edit(#[from] EditError),
    #[error(transparent)]
    Record(#[from] RecordError),
}

/// Makes the corrected text of a kept layout.
pub fn corrected(layout: &[u8], edits: &[Edit<'_>]) -> Result<StoredText, CorrectError> {
    let layout = edited(read_layout(layout)?, edits)?;
    Ok(StoredText::of(&layout)?)
}
