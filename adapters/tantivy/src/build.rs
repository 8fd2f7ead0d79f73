//! One index in one folder: its reader, its writer, and how far it is.

use crate::TantivyError;
use crate::folder;
use crate::schema::{self, Fields};
use dlcs_domain::AssetId;
use dlcs_eventlog::Position;
use dlcs_projections::projection::{ParkedEvent, StoreError};
use dlcs_projections::search::SearchRecord;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;
use tantivy::collector::TopDocs;
use tantivy::indexer::LogMergePolicy;
use tantivy::query::TermQuery;
use tantivy::schema::{IndexRecordOption, Value};
use tantivy::{
    DocAddress, Index, IndexReader, IndexWriter, ReloadPolicy, Searcher, TantivyDocument, Term,
};

/// Memory of the writer for documents that are not yet written. Merging takes its own.
const WRITER_BYTES: usize = 64 << 20;
/// Up to here the files of an index are checked whenever it is opened.
const CHECKED_BYTES_MAX: u64 = 1 << 30;
/// Share of documents of a segment that may be dead before it is written anew.
const DEAD_SHARE_MAX: f32 = 0.3;
/// Blocks of stored records that are kept unpacked.
const STORE_BLOCKS: usize = 64;

/// How far an index is: what a commit carries with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Progress {
    version: String,
    pub(crate) checkpoint: Position,
    pub(crate) parked: Vec<ParkedEvent>,
}

pub(crate) struct Build {
    path: PathBuf,
    pub(crate) fields: Fields,
    reader: IndexReader,
    /// `None`: for reading only.
    writer: Option<Mutex<IndexWriter>>,
    progress: RwLock<Arc<Progress>>,
    /// Removed when nobody uses it any more.
    is_temporary: AtomicBool,
}

impl Build {
    /// Makes an empty index in a folder that is not there yet.
    pub(crate) fn make(path: &Path) -> Result<Self, TantivyError> {
        let failed = |source| TantivyError::Folder { path: path.to_owned(), source };
        std::fs::create_dir_all(path).map_err(failed)?;
        let (schema, fields) = schema::schema();
        let made = || {
            let index = Index::create_in_dir(path, schema)?;
            let mut writer = writer(&index)?;
            let progress = Progress::start();
            commit(&mut writer, &progress)?;
            Ok((index, writer, progress))
        };
        let made: Result<_, Failure> = made();
        let (index, writer, progress) = made.map_err(|it| unusable(path, &it))?;
        Self::with(path, fields, &index, Some(writer), progress).map_err(|it| unusable(path, &it))
    }

    /// Opens an index; refuses one of another version, and one whose files are damaged.
    pub(crate) fn open(path: &Path) -> Result<Self, TantivyError> {
        let opened = || {
            let (index, fields, progress) = checked(path)?;
            let writer = writer(&index)?;
            go_on(&writer)?;
            Self::with(path, fields, &index, Some(writer), progress)
        };
        opened().map_err(|it| unusable(path, &it))
    }

    /// Opens an index for reading, also while a server beside us commits to it: what fails because
    /// a file was merged away in the middle of the reading is tried again.
    #[expect(clippy::disallowed_methods, reason = "the other process sends no signal")]
    pub(crate) fn open_read_only(path: &Path) -> Result<Self, TantivyError> {
        let mut failures = 0;
        loop {
            match Self::read_between_commits(path) {
                Ok(build) => return Ok(build),
                Err(failure @ Failure::Version(_)) => return Err(unusable(path, &failure)),
                Err(failure) => {
                    failures += 1;
                    if failures == FAILURES_MAX {
                        return Err(unusable(path, &failure));
                    }
                    std::thread::sleep(FAILURE_PAUSE);
                }
            }
        }
    }

    fn read_between_commits(path: &Path) -> Result<Self, Failure> {
        let mut tries = 0;
        loop {
            let (index, fields, progress) = checked(path)?;
            let build = Self::with(path, fields, &index, None, progress)?;
            // A server beside us may have committed between the two readings: then the progress
            // is not that of the documents.
            let now = progress_of(&index)?;
            tries += 1;
            if now.checkpoint == build.progress().checkpoint || tries == READ_TRIES_MAX {
                return Ok(build);
            }
        }
    }

    fn with(
        path: &Path,
        fields: Fields,
        index: &Index,
        writer: Option<IndexWriter>,
        progress: Progress,
    ) -> Result<Self, Failure> {
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual);
        let reader: IndexReader = reader.doc_store_cache_num_blocks(STORE_BLOCKS).try_into()?;
        Ok(Self {
            path: path.to_owned(),
            fields,
            reader,
            writer: writer.map(Mutex::new),
            progress: RwLock::new(Arc::new(progress)),
            is_temporary: AtomicBool::new(false),
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn searcher(&self) -> Searcher {
        self.reader.searcher()
    }

    pub(crate) fn progress(&self) -> Arc<Progress> {
        Arc::clone(&self.progress.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn set_temporary(&self, is_temporary: bool) {
        self.is_temporary.store(is_temporary, Ordering::SeqCst);
    }

    /// Returns what is kept of an asset.
    pub(crate) fn record(
        &self,
        searcher: &Searcher,
        id: &AssetId,
    ) -> Result<Option<SearchRecord>, Failure> {
        let term = Term::from_field_text(self.fields.key, &schema::key(id));
        let query = TermQuery::new(term, IndexRecordOption::Basic);
        let found = searcher.search(&query, &TopDocs::with_limit(1).order_by_score())?;
        let Some((_, address)) = found.first() else { return Ok(None) };
        self.stored(searcher, *address).map(Some)
    }

    /// Returns what a document keeps of its asset.
    pub(crate) fn stored(
        &self,
        searcher: &Searcher,
        address: DocAddress,
    ) -> Result<SearchRecord, Failure> {
        let document: TantivyDocument = searcher.doc(address)?;
        let json = document.get_first(self.fields.record).and_then(|it| it.as_str());
        let json = json.ok_or(Failure::Damaged("a document has no record"))?;
        Ok(serde_json::from_str(json)?)
    }

    /// Changes documents: nothing of it holds before [`Build::commit`].
    pub(crate) fn change(
        &self,
        change: impl FnOnce(&IndexWriter) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let writer = self.writer.as_ref().ok_or(Failure::ReadOnly)?;
        change(&writer.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Makes every change since the last commit hold, and the progress with them.
    pub(crate) fn commit(&self, progress: Progress) -> Result<(), Failure> {
        let writer = self.writer.as_ref().ok_or(Failure::ReadOnly)?;
        let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
        fail::fail_point!("search.before-commit");
        commit(&mut writer, &progress)?;
        fail::fail_point!("search.after-commit");
        self.reader.reload()?;
        *self.progress.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(progress);
        Ok(())
    }

    /// Takes back every change since the last commit.
    pub(crate) fn roll_back(&self) -> Result<(), Failure> {
        let writer = self.writer.as_ref().ok_or(Failure::ReadOnly)?;
        let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
        writer.rollback()?;
        // Rolling back forgets it.
        set_merge_policy(&writer);
        go_on(&writer)
    }
}

impl Drop for Build {
    fn drop(&mut self) {
        if self.is_temporary.load(Ordering::SeqCst) {
            // The writer goes first: its threads write into the folder.
            drop(self.writer.take());
            folder::remove(&self.path);
        }
    }
}

impl Progress {
    fn start() -> Self {
        Self { version: schema::version(), checkpoint: Position::START, parked: Vec::new() }
    }

    pub(crate) fn moved(&self, checkpoint: Position, parked: &[ParkedEvent]) -> Self {
        let mut moved = Self { checkpoint, ..self.clone() };
        moved.parked.extend_from_slice(parked);
        moved.parked.sort_by_key(|it| it.position);
        moved
    }
}

/// How often a reader looks for a moment between two commits.
const READ_TRIES_MAX: u32 = 100;
/// How often in a row an index must fail to be read before it counts as damaged.
const FAILURES_MAX: u32 = 10;
/// Longer than a commit takes to remove the files of what it merged.
const FAILURE_PAUSE: Duration = Duration::from_millis(20);

/// What goes wrong within an index.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Tantivy(#[from] tantivy::TantivyError),
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error("a record cannot be read: {0}")]
    Json(#[from] serde_json::Error),
    #[error("{0}")]
    Damaged(&'static str),
    #[error("it is of version {0}")]
    Version(String),
    #[error("{0} of its files are damaged")]
    Files(usize),
    #[error("it is opened for reading only")]
    ReadOnly,
}

/// Says what a failure means to who feeds the index.
pub(crate) fn damaged(failure: Failure) -> StoreError {
    match failure {
        Failure::Tantivy(tantivy::TantivyError::IoError(error)) => {
            StoreError::Unavailable(error.to_string())
        }
        Failure::Io(error) => StoreError::Unavailable(error.to_string()),
        failure => StoreError::Damaged(failure.to_string()),
    }
}

/// Runs what reads files or computes for long where it blocks nobody.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(Failure::Damaged("the program is stopping")),
        },
    }
}

fn writer(index: &Index) -> Result<IndexWriter, Failure> {
    let writer = index.writer_with_num_threads(1, WRITER_BYTES)?;
    set_merge_policy(&writer);
    Ok(writer)
}

fn set_merge_policy(writer: &IndexWriter) {
    let mut policy = LogMergePolicy::default();
    // An asset changes several times on its way in: what is dead must not stay for long.
    policy.set_del_docs_ratio_before_merge(DEAD_SHARE_MAX);
    writer.set_merge_policy(Box::new(policy));
}

/// Makes a writer that goes on where the last commit ended safe to use.
fn go_on(writer: &IndexWriter) -> Result<(), Failure> {
    // The first operation would get the number of that commit. A merge then takes a segment with
    // deletions of that number for one that has seen the operation, and loses a deletion; or it
    // makes a deletion hold that is not committed. An empty batch uses the number up.
    writer.run(std::iter::empty())?;
    // What a commit that came to nothing has left behind: the next one may give its files the same
    // names, and would fail at them for ever.
    writer.garbage_collect_files().wait()?;
    Ok(())
}

fn commit(writer: &mut IndexWriter, progress: &Progress) -> Result<(), Failure> {
    let payload = serde_json::to_string(progress)?;
    let mut prepared = writer.prepare_commit()?;
    prepared.set_payload(&payload);
    prepared.commit()?;
    Ok(())
}

/// Opens an index that is of this version and whole.
fn checked(path: &Path) -> Result<(Index, Fields, Progress), Failure> {
    let index = Index::open_in_dir(path)?;
    let progress = progress_of(&index)?;
    let (schema, fields) = schema::schema();
    if progress.version != schema::version() || index.schema() != schema {
        return Err(Failure::Version(progress.version));
    }
    if folder::size_bytes(path)? <= CHECKED_BYTES_MAX {
        let damaged = index.validate_checksum()?.len();
        if damaged > 0 {
            return Err(Failure::Files(damaged));
        }
    }
    Ok((index, fields, progress))
}

fn progress_of(index: &Index) -> Result<Progress, Failure> {
    Ok(serde_json::from_str(&index.load_metas()?.payload.unwrap_or_default())?)
}

fn unusable(path: &Path, failure: &Failure) -> TantivyError {
    TantivyError::Index { path: path.to_owned(), detail: failure.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tantivy::merge_policy::NoMergePolicy;

    /// Enough for several merges, which remove files.
    const COMMITS: u64 = 100;

    fn write(build: &Build, id: &str) {
        let key = Term::from_field_text(build.fields.key, id);
        let mut document = TantivyDocument::new();
        document.add_text(build.fields.key, id);
        let changed = build.change(|writer| {
            writer.delete_term(key);
            writer.add_document(document)?;
            Ok(())
        });
        changed.expect("it can be changed");
    }

    fn commit_at(build: &Build, position: u64) {
        let moved = build.progress().moved(Position(position), &[]);
        build.commit(moved).expect("it can be committed");
    }

    fn write_and_commit(build: &Build, position: u64) {
        write(build, "1/1/one");
        commit_at(build, position);
    }

    #[test]
    fn an_index_opens_for_reading_while_it_is_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("build-1");
        let build = Build::make(&path).expect("an index");
        std::thread::scope(|scope| {
            let writing = scope.spawn(|| (1..=COMMITS).for_each(|it| write_and_commit(&build, it)));
            while !writing.is_finished() {
                Build::open_read_only(&path).expect("it opens between two commits");
            }
        });
        assert_eq!(build.progress().checkpoint, Position(COMMITS));
    }
    /// The files of a commit are written before the one that names them.
    #[test]
    fn a_death_within_a_commit_does_not_stand_in_the_way_of_the_next_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("build-1");
        let build = Build::make(&path).expect("an index");
        write(&build, "1/1/one");
        write(&build, "1/1/two");
        commit_at(&build, 1);
        let before = std::fs::read(path.join("meta.json")).expect("it names the files");
        write(&build, "1/1/two");
        commit_at(&build, 2);
        drop(build);
        std::fs::write(path.join("meta.json"), before).expect("it can be written");
        let build = Build::open(&path).expect("it opens as it was");
        assert_eq!(build.progress().checkpoint, Position(1));
        // A writer that was opened numbers its operations from a lower one: two more of them give
        // this commit the number, and its files the names, of the one that came to nothing.
        let none = Term::from_field_text(build.fields.key, "1/1/none");
        let changed = build.change(|writer| {
            writer.delete_term(none.clone());
            writer.delete_term(none);
            Ok(())
        });
        changed.expect("it can be changed");
        write(&build, "1/1/two");
        commit_at(&build, 2);
        assert_eq!(build.searcher().num_docs(), 2);
    }

    /// Makes an index of two segments that are about to be merged; the last commit has deleted
    /// `1/1/dead` from the smaller one.
    fn make_unmerged(path: &Path) {
        let (schema, fields) = schema::schema();
        std::fs::create_dir_all(path).expect("a folder");
        let index = Index::create_in_dir(path, schema).expect("an index");
        let mut writer: IndexWriter = writer(&index).expect("a writer");
        writer.set_merge_policy(Box::new(NoMergePolicy));
        for ids in [&["a", "b", "c", "d"][..], &["e", "f", "dead"][..]] {
            for id in ids {
                let mut document = TantivyDocument::new();
                document.add_text(fields.key, format!("1/1/{id}"));
                writer.add_document(document).expect("it is added");
            }
            commit(&mut writer, &Progress::start()).expect("it can be committed");
        }
        writer.delete_term(Term::from_field_text(fields.key, "1/1/dead"));
        commit(&mut writer, &Progress::start()).expect("it can be committed");
    }

    #[test]
    fn the_first_change_after_opening_replaces_its_document_also_while_segments_merge() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("build-1");
        make_unmerged(&path);
        let mut build = Build::open(&path).expect("it opens");
        write(&build, "1/1/e");
        commit_at(&build, 1);
        let writer = build.writer.take().and_then(|it| it.into_inner().ok()).expect("a writer");
        drop(build);
        writer.wait_merging_threads().expect("the merges end");
        let build = Build::open(&path).expect("it opens");
        assert_eq!(build.searcher().num_docs(), 6);
    }
}
