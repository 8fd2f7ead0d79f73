//! Verifies an export, line by line: memory does not grow with it.

use super::{Dump, Event, Line, VERSION, sealed};
use crate::leaf::Leaf;
use crate::note::{Checkpoint, NoteError, VerifierKey};
use crate::tiles::{Tile, Tiler, WIDTH};
use crate::tree::{Hash, Tree};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use std::collections::VecDeque;
use std::fmt;

/// What is wrong, and with which event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Number of the first wrong event; `None`: it cannot be told, or it is no event.
    pub event: Option<u64>,
    /// A sentence for people.
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.event {
            Some(event) => write!(f, "event {event}: {}", self.what),
            None => f.write_str(&self.what),
        }
    }
}

/// What was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    pub checkpoint: Checkpoint,
    /// Who signed it.
    pub key: VerifierKey,
    /// Position of the last event.
    pub position: u64,
    /// Digests of read models, to be compared with those that the events lead to.
    pub dumps: Vec<Dump>,
    /// Blobs that are in the file.
    pub blobs: u64,
}

/// Takes the lines of an export.
#[derive(Debug)]
pub struct Verifier {
    /// Whom the auditor trusts; `None`: the key in the file.
    trusted: Option<VerifierKey>,
    /// What the auditor has known before.
    old: Option<Checkpoint>,
    /// Root of the events that the old checkpoint is of.
    old_root: Option<Hash>,
    tree: Tree,
    tiler: Tiler,
    /// Tiles that must come next.
    due: VecDeque<Tile>,
    stage: Stage,
    last: Option<Last>,
    key: Option<VerifierKey>,
    checkpoint: Option<Checkpoint>,
    dumps: Vec<Dump>,
    blobs: u64,
    last_blob: String,
    /// Over the lines so far.
    lines: Sha256,
}

/// How far the file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Begun,
    Events,
    PartialTiles,
    Blobs,
    Dumps,
    Key,
    Checkpoint,
    Done,
}

#[derive(Debug, Clone, Copy)]
struct Last {
    position: u64,
    recorded_at_us: i64,
}

type Checked<T> = Result<T, Finding>;

fn wrong<T>(what: impl Into<String>) -> Checked<T> {
    Err(Finding { event: None, what: what.into() })
}

impl Verifier {
    /// `trusted` is the key that the auditor has from elsewhere, `old` a checkpoint that it has kept.
    pub fn new(trusted: Option<VerifierKey>, old: Option<Checkpoint>) -> Self {
        let tree = Tree::default();
        let old_root = old.as_ref().filter(|it| it.size == 0).map(|_| tree.root());
        Self {
            trusted,
            old,
            old_root,
            tree,
            tiler: Tiler::default(),
            due: VecDeque::new(),
            stage: Stage::Begun,
            last: None,
            key: None,
            checkpoint: None,
            dumps: Vec::new(),
            blobs: 0,
            last_blob: String::new(),
            lines: Sha256::new(),
        }
    }

    /// Takes the next line, without its line feed.
    pub fn line(&mut self, text: &str) -> Checked<()> {
        let next = self.tree.size();
        let unreadable = |what: &str| {
            let is_event = self.stage <= Stage::Events && self.due.is_empty();
            let event = (is_event && self.stage == Stage::Events).then_some(next);
            Finding { event, what: what.to_owned() }
        };
        let line: Line<'_> =
            serde_json::from_str(text).map_err(|_| unreadable("the line cannot be read"))?;
        let spelled = serde_json::to_string(&line).expect("what was read can be written");
        if spelled != text {
            return Err(unreadable("the line is not as it was written"));
        }
        let before = self.lines.clone();
        self.lines.update(text);
        self.lines.update("\n");
        match line {
            Line::Header { version, .. } => self.header(version),
            Line::Event(event) => self.event(&event),
            Line::Tile { path, hashes } => self.tile(&path, &hashes),
            Line::Blob { key, bytes } => self.blob(&key, &bytes),
            Line::Dump { projection, version, position, digest } => {
                self.enter(Stage::Dumps)?;
                let (projection, digest) = (projection.into_owned(), digest.into_owned());
                self.dumps.push(Dump { projection, version, position, digest });
                Ok(())
            }
            Line::Key { key } => self.key(&key),
            Line::Checkpoint { note } => self.checkpoint(&note),
            Line::Seal { note } => self.seal(&note, before),
        }
    }

    /// Says what was verified, once all lines were taken.
    pub fn finish(self) -> Checked<Verified> {
        let is_whole = self.stage == Stage::Done;
        let (true, Some(checkpoint), Some(key)) = (is_whole, self.checkpoint, self.key) else {
            return Err(Finding {
                event: Some(self.tree.size()),
                what: "the file ends before its seal".to_owned(),
            });
        };
        let position = self.last.map_or(0, |it| it.position);
        Ok(Verified { checkpoint, key, position, dumps: self.dumps, blobs: self.blobs })
    }

    fn header(&mut self, version: u32) -> Checked<()> {
        if self.stage != Stage::Begun {
            return wrong("there is a second header");
        }
        if version != VERSION {
            return wrong(format!("the file has form {version}; this program knows {VERSION}"));
        }
        self.stage = Stage::Events;
        Ok(())
    }

    fn event(&mut self, event: &Event<'_>) -> Checked<()> {
        let index = self.tree.size();
        let wrong = |what: &str| Err(Finding { event: Some(index), what: what.to_owned() });
        if self.stage != Stage::Events || !self.due.is_empty() {
            return wrong("it stands where no event belongs");
        }
        if event.index != index {
            return wrong(&format!("it is missing: event {} follows", event.index));
        }
        if let Some(last) = self.last {
            if event.position <= last.position {
                return wrong("its position is not behind that of the event before it");
            }
            if event.recorded_at_us < last.recorded_at_us {
                return wrong("it was recorded before the event before it");
            }
        }
        self.last = Some(Last { position: event.position, recorded_at_us: event.recorded_at_us });
        let hash = Leaf::from(event).hash();
        self.tree.push(hash);
        self.due.extend(self.tiler.push(hash));
        if self.old.as_ref().is_some_and(|it| it.size == self.tree.size()) {
            self.old_root = Some(self.tree.root());
        }
        Ok(())
    }

    fn tile(&mut self, path: &str, hashes: &str) -> Checked<()> {
        if self.due.is_empty() && self.stage == Stage::Events {
            self.stage = Stage::PartialTiles;
            self.due.extend(std::mem::take(&mut self.tiler).finish());
        }
        let Some(expected) = self.due.pop_front() else {
            return wrong(format!("no tile belongs where `{path}` stands"));
        };
        if path != expected.path() {
            return wrong(format!("`{}` is missing: `{path}` follows", expected.path()));
        }
        let found = STANDARD.decode(hashes).unwrap_or_default();
        if found == expected.bytes() {
            return Ok(());
        }
        let (found, _) = found.as_chunks::<32>();
        let pairs = expected.hashes.iter().zip(found);
        let at = pairs.take_while(|(expected, found)| expected == found).count() as u64;
        let first = expected.index * WIDTH as u64 + at;
        if expected.level == 0 {
            let what = "it is not what the tile of its hashes says".to_owned();
            return Err(Finding { event: Some(first), what });
        }
        let each = (WIDTH as u64).pow(u32::from(expected.level));
        let (from, to) = (first * each, (first + 1) * each - 1);
        wrong(format!("events {from} to {to} are not what `{path}` says"))
    }

    /// Goes on to what stands behind the tiles.
    fn enter(&mut self, stage: Stage) -> Checked<()> {
        if self.stage == Stage::Events && self.due.is_empty() {
            self.due.extend(std::mem::take(&mut self.tiler).finish());
        }
        if let Some(tile) = self.due.front() {
            return wrong(format!("`{}` is missing", tile.path()));
        }
        if self.stage == Stage::Begun || stage < self.stage {
            return wrong("the lines are not in their order");
        }
        self.stage = stage;
        Ok(())
    }

    fn blob(&mut self, key: &str, bytes: &str) -> Checked<()> {
        self.enter(Stage::Blobs)?;
        let digest = STANDARD.decode(bytes).map(|it| hex::encode(Sha256::digest(it)));
        let name = key.rsplit_once('/').map(|(_, name)| name);
        if digest.ok().as_deref() != name || key <= &*self.last_blob {
            return wrong(format!("the blob `{key}` is not the one of that name"));
        }
        key.clone_into(&mut self.last_blob);
        self.blobs += 1;
        Ok(())
    }

    fn key(&mut self, text: &str) -> Checked<()> {
        self.enter(Stage::Key)?;
        let Ok(key) = text.parse::<VerifierKey>() else {
            return wrong("the key cannot be read");
        };
        if self.trusted.as_ref().is_some_and(|trusted| *trusted != key) {
            return wrong("the file was signed by another key than the one that is trusted");
        }
        self.key = Some(key);
        Ok(())
    }

    fn checkpoint(&mut self, note: &str) -> Checked<()> {
        self.enter(Stage::Checkpoint)?;
        let Some(key) = &self.key else { return wrong("the key is missing") };
        if self.checkpoint.is_some() {
            return wrong("there is a second checkpoint");
        }
        let checkpoint = key.verify(note).map_err(|error| Finding {
            event: None,
            what: match error {
                NoteError::Unsigned => "the checkpoint is not signed by this key".to_owned(),
                other => other.to_string(),
            },
        })?;
        let size = self.tree.size();
        if checkpoint.size > size {
            let what = format!("it is missing: the checkpoint is of {} events", checkpoint.size);
            return Err(Finding { event: Some(size), what });
        }
        if checkpoint.size < size {
            let event = Some(checkpoint.size);
            return Err(Finding { event, what: "it is not in the checkpoint".to_owned() });
        }
        if checkpoint.root != self.tree.root() {
            return wrong("the checkpoint is of another history");
        }
        self.consistent(&checkpoint)?;
        self.checkpoint = Some(checkpoint);
        Ok(())
    }

    fn seal(&mut self, note: &str, before: Sha256) -> Checked<()> {
        if self.stage == Stage::Done || self.checkpoint.is_none() {
            return wrong("the lines are not in their order");
        }
        self.enter(Stage::Done)?;
        let Some(key) = &self.key else { return wrong("the key is missing") };
        match key.verify_text(note) {
            Ok(text) if text == sealed(before) => Ok(()),
            Ok(_) => wrong("a line that is no event was changed"),
            Err(_) => wrong("the seal is not signed by this key"),
        }
    }

    /// The old checkpoint is of the beginning of this history.
    fn consistent(&self, new: &Checkpoint) -> Checked<()> {
        let Some(old) = &self.old else { return Ok(()) };
        if old.origin != new.origin {
            return wrong(format!("the other checkpoint is of `{}`", old.origin));
        }
        if old.size > new.size {
            return wrong(format!("the other checkpoint is newer: it is of {} events", old.size));
        }
        if self.old_root != Some(old.root) {
            let what =
                format!("the first {} events are not those of the other checkpoint", old.size);
            return wrong(what);
        }
        Ok(())
    }
}

impl<'a> From<&'a Event<'_>> for Leaf<'a> {
    fn from(event: &'a Event<'_>) -> Self {
        Self {
            index: event.index,
            position: event.position,
            event_id: &event.event_id,
            stream: &event.stream,
            revision: event.revision,
            type_name: &event.type_name,
            schema_version: event.schema_version,
            recorded_at_us: event.recorded_at_us,
            payload: event.payload.as_bytes(),
            metadata: event.metadata.as_bytes(),
        }
    }
}
