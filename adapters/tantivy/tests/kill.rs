//! The process is killed while it indexes, again and again: no page is lost, none is there twice,
//! and in the end the index is what a fresh look at the pages gives.

use dlcs_adapter_tantivy::TantivySearch;
use dlcs_objects::Objects;
use dlcs_projections::conformance::search::{Library, PAGES, PageText, SearchEngine};
use dlcs_projections::feed;
use dlcs_projections::memory::MemorySearch;
use dlcs_projections::projection::{OnPoison, ReadModel};
use dlcs_projections::search::{PageRecords, SearchIndex};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

/// Names the folder for the process that is killed.
const FOLDER: &str = "DLCS_TEST_KILLED_INDEX";
const KILLS: u64 = 20;
/// Events of one commit: few, so that there are many.
const EVENTS: usize = 7;

struct Nothing(Arc<MemorySearch>);

#[async_trait::async_trait]
impl SearchEngine for Nothing {
    fn model(&self) -> Arc<dyn ReadModel> {
        Arc::clone(&self.0) as Arc<dyn ReadModel>
    }

    fn index(&self) -> Arc<dyn SearchIndex> {
        Arc::clone(&self.0) as Arc<dyn SearchIndex>
    }
}

/// Makes the same history and the same blobs in every process.
async fn library() -> Library<Nothing> {
    let memory = async |objects: Arc<dyn Objects>| {
        Nothing(Arc::new(MemorySearch::new(PageRecords::new(objects))))
    };
    let library = Library::new(memory).await;
    for number in 0..200 {
        let page = &PAGES[number % PAGES.len()];
        let id = format!("1/{}/page-{number}", 1 + number % 3);
        library.page(&PageText { id: &id, ..*page }).await;
        if number % 5 == 4 {
            let earlier = format!("1/{}/page-{}", 1 + (number - 3) % 3, number - 3);
            let earlier = earlier.parse().expect("it is an id");
            library.corrected(&earlier, &["Ein anderer Text", &id]).await;
        }
    }
    library
}

async fn step(search: &TantivySearch, library: &Library<Nothing>) -> Option<u64> {
    let from = search.checkpoint().await.expect("it can be read");
    let piece = feed::read(library.log.as_ref(), from, EVENTS).await.expect("memory")?;
    let applied = search.apply(piece.from, piece.to, piece.events, OnPoison::Stop).await;
    applied.expect("the events can be applied");
    Some(piece.to.0)
}

fn open(folder: &Path, library: &Library<Nothing>) -> TantivySearch {
    let records = PageRecords::new(Arc::clone(&library.objects));
    TantivySearch::open(folder, records).expect("the index can be opened")
}

/// What the process does that is killed; nothing when it is run by itself.
#[tokio::test]
async fn the_process_that_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let library = library().await;
    let search = open(Path::new(&folder), &library);
    while let Some(position) = step(&search, &library).await {
        eprintln!("reached {position}");
    }
}

#[tokio::test]
async fn a_kill_loses_nothing_and_doubles_nothing() {
    let library = library().await;
    let folder = tempfile::TempDir::new().expect("there is room");
    for seed in 0..KILLS {
        let mut child = Command::new(std::env::current_exe().expect("it runs"))
            .args(["--exact", "the_process_that_is_killed", "--nocapture"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it can be started");
        let lines = BufReader::new(child.stderr.take().expect("it is piped")).lines();
        let reached = lines
            .map_while(Result::ok)
            .filter_map(|it| it.strip_prefix("reached ").and_then(|it| it.parse::<u64>().ok()));
        // The kill comes while the commit after the last one of these is on its way.
        let last = reached.take(1 + (seed * 7 % 5) as usize).last();
        child.kill().expect("it can be killed");
        child.wait().expect("it is dead");
        let search = open(folder.path(), &library);
        let checkpoint = search.checkpoint().await.expect("it can be read").0;
        assert!(checkpoint >= last.unwrap_or(0), "seed {seed}: {checkpoint} after {last:?}");
    }
    let search = open(folder.path(), &library);
    while step(&search, &library).await.is_some() {}
    library.catch_up().await;
    let expected = library.engine.0.dump().await.expect("the pages can be summed up");
    assert_eq!(search.dump().await.expect("the index can be summed up"), expected);
}
