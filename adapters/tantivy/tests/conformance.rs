//! The scenario file, and what an index on a disk promises beside it.

use async_trait::async_trait;
use dlcs_adapter_tantivy::TantivySearch;
use dlcs_objects::Objects;
use dlcs_projections::conformance::search::{self, Library, SearchEngine};
use dlcs_projections::memory::MemorySearch;
use dlcs_projections::projection::ReadModel;
use dlcs_projections::search::{PageRecords, SearchIndex};
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

struct Engine {
    search: TantivySearch,
    objects: Arc<dyn Objects>,
    folder: TempDir,
}

impl Engine {
    fn new(objects: Arc<dyn Objects>) -> Self {
        let folder = TempDir::new().expect("there is room");
        let search = open(folder.path(), &objects);
        Self { search, objects, folder }
    }
}

fn open(folder: &Path, objects: &Arc<dyn Objects>) -> TantivySearch {
    let records = PageRecords::new(Arc::clone(objects));
    TantivySearch::open(folder, records).expect("the index can be opened")
}

#[async_trait]
impl SearchEngine for Engine {
    fn model(&self) -> Arc<dyn ReadModel> {
        Arc::new(self.search.clone())
    }

    fn index(&self) -> Arc<dyn SearchIndex> {
        Arc::new(self.search.clone())
    }
}

#[tokio::test]
async fn tantivy_passes() {
    search::search(async |objects| Engine::new(objects)).await;
}

/// The oracle reads every page; the index must hold exactly what it sees.
#[tokio::test]
async fn the_index_holds_what_the_pages_hold() {
    let library = Library::with_all_pages(async |objects| Engine::new(objects)).await;
    let oracle = MemorySearch::new(PageRecords::new(Arc::clone(&library.objects)));
    let oracle: Arc<dyn ReadModel> = Arc::new(oracle);
    library.feed(&oracle).await;
    let dump = library.engine.search.dump().await.expect("the index can be summed up");
    let expected = oracle.dump().await.expect("the pages can be summed up");
    assert_eq!(dump, expected);
}

#[tokio::test]
async fn a_rebuild_gives_the_same_index_and_serves_it() {
    let library = Library::with_all_pages(async |objects| Engine::new(objects)).await;
    let before = library.engine.search.dump().await.expect("the index can be summed up");
    let searching = library.search();
    let reached = library.engine.search.rebuild(library.log.as_ref()).await;
    assert_eq!(reached.expect("the log can be replayed"), before.position);
    let after = library.engine.search.dump().await.expect("the index can be summed up");
    assert_eq!(after, before);
    drop(searching);
    // It goes on from there, and after a start too.
    library.open_page("1/1/new", &["Neues"]).await;
    library.catch_up().await;
    assert_eq!(library.found_by_all("Neues").await, ["new"]);
    let builds = || std::fs::read_dir(library.engine.folder.path()).expect("it is there").count();
    assert_eq!(builds(), 2, "the pointer and one build");
}

#[tokio::test]
async fn an_index_outlives_its_process() {
    let library = Library::with_all_pages(async |objects| Engine::new(objects)).await;
    let Library { log, objects, engine } = library;
    let Engine { search, folder, .. } = engine;
    let before = search.dump().await.expect("the index can be summed up");
    drop(search);
    let search = open(folder.path(), &objects);
    assert_eq!(search.dump().await.expect("the index can be summed up"), before);
    drop((search, log));
}

/// Spoils a file of the build that serves.
fn spoil(folder: &Path, extension: &str) {
    let build = folder.join("build-1");
    let files = std::fs::read_dir(&build).expect("it is there");
    let path = files.filter_map(|it| Some(it.ok()?.path()));
    let path = path.into_iter().find(|it| it.to_string_lossy().ends_with(extension));
    let path = path.expect("there is such a file");
    let mut bytes = std::fs::read(&path).expect("it can be read");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x55;
    std::fs::write(&path, bytes).expect("it can be written");
}

#[tokio::test]
async fn a_damaged_index_is_built_anew() {
    for extension in [".idx", ".term", ".store", "meta.json"] {
        let library = Library::with_all_pages(async |objects| Engine::new(objects)).await;
        let before = library.engine.search.dump().await.expect("the index can be summed up");
        let Library { log, objects, engine } = library;
        let Engine { search, folder, .. } = engine;
        drop(search);
        spoil(folder.path(), extension);
        let search = open(folder.path(), &objects);
        let library = Library {
            log,
            objects: Arc::clone(&objects),
            engine: Engine { search, objects, folder },
        };
        let checkpoint = library.engine.search.checkpoint().await.expect("it can be read");
        assert_eq!(checkpoint.0, 0, "{extension}: it begins anew");
        library.catch_up().await;
        let after = library.engine.search.dump().await.expect("the index can be summed up");
        assert_eq!(after, before, "{extension}");
    }
}

#[tokio::test]
async fn an_index_of_another_version_is_built_anew() {
    let library = Library::with_all_pages(async |objects| Engine::new(objects)).await;
    let Library { objects, engine, .. } = library;
    let Engine { search, folder, .. } = engine;
    drop(search);
    let pointer = folder.path().join("serving.json");
    let json = std::fs::read_to_string(&pointer).expect("it can be read");
    let version = format!("\"{}.", dlcs_projections::search::VERSION);
    assert!(json.contains(&version), "{json}");
    std::fs::write(&pointer, json.replace(&version, "\"0.")).expect("it can be written");
    let search = open(folder.path(), &objects);
    assert_eq!(search.checkpoint().await.expect("it can be read").0, 0);
    assert!(!folder.path().join("build-1").exists(), "the old one is removed");
}

#[tokio::test]
async fn a_command_reads_beside_the_server() {
    let library = Library::with_all_pages(async |objects| Engine::new(objects)).await;
    let Engine { search, objects, folder } = &library.engine;
    let records = PageRecords::new(Arc::clone(objects));
    let beside = TantivySearch::open_read_only(folder.path(), records);
    let beside = beside.expect("it can be opened beside");
    let dumps = (beside.dump().await, search.dump().await);
    assert_eq!(dumps.0.expect("it can be summed up"), dumps.1.expect("it can be summed up"));
}
