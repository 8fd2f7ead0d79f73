//! What is particular to this store: files, rebuilds, and what happens when they are cut short.

use super::*;
use dlcs_domain::ActorId;
use dlcs_domain::AssetId;
use dlcs_domain::CustomerId;
use dlcs_domain::access::Principal;
use dlcs_domain::asset::{AccessChanged, AssetEvent};
use dlcs_eventlog::memory::MemoryLog;
use dlcs_projections::PageRequest;
use dlcs_projections::annotations::{AnnotationFilter, WordsQuery};
use dlcs_projections::assets::{AssetFilter, AssetOrder, VERSION};
use dlcs_projections::conformance::given::{registered, sample_history};
use dlcs_projections::conformance::{self, Given, Store};
use dlcs_projections::paging::Direction;
use dlcs_projections::projection::OnPoison;
use dlcs_projections::replay::{self, Compared, Target, replay};
use dlcs_projections::runner::{Duty, Runner, RunnerSettings};
use dlcs_projections::search::Readable;
use dlcs_projections::tile_metadata::TileMetadataRow;
use rusqlite::Connection;
use std::time::Duration;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// Replays the log into an empty folder and compares every read model with it.
async fn compare(log: &Arc<dyn EventLog>, live: &ReadModels, scratch: &Path) -> Vec<Compared> {
    let fresh = ReadModels::open(scratch, Arc::clone(log)).unwrap();
    replay::compare(log.as_ref(), &live.models(), &fresh.models()).await.unwrap()
}

/// Read models in a folder that goes with them.
struct Temporary {
    read_models: ReadModels,
    folder: TempDir,
}

impl Temporary {
    fn new(log: Arc<dyn EventLog>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { read_models: ReadModels::open(folder.path(), log).unwrap(), folder }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.path()).unwrap();
        let names = entries.map(|it| it.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.filter(|it| it.ends_with(".sqlite")).collect();
        names.sort();
        names
    }
}

impl Store for Temporary {
    fn queries(&self) -> Queries {
        self.read_models.queries()
    }

    fn models(&self) -> Vec<Arc<dyn ReadModel>> {
        self.read_models.models()
    }
}

async fn given() -> Given<Temporary> {
    Given::new(async |log| Temporary::new(log)).await
}

async fn given_sample() -> Given<Temporary> {
    let given = given().await;
    sample_history(given.log.as_ref(), 60).await;
    given.catch_up().await;
    given
}

async fn unequal(given: &Given<Temporary>) -> Vec<(String, Vec<String>)> {
    let scratch = tempfile::tempdir().unwrap();
    let compared = compare(&given.log, &given.store.read_models, scratch.path()).await;
    assert_eq!(compared.len(), DEFINITIONS.len());
    let unequal = compared.into_iter().filter(|it| !it.is_equal());
    unequal.map(|it| (it.live.projection, it.unequal_tables)).collect()
}

fn by_hand(given: &Given<Temporary>, file: &str, sql: &str) {
    let connection = Connection::open(given.store.path().join(file)).unwrap();
    assert_eq!(connection.execute(sql, []).unwrap(), 1, "one row is changed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_read_models_conform() {
    conformance::read_models(async |log| Temporary::new(log)).await;
}

#[test]
fn tables_and_projectors_are_of_one_version() {
    for definition in DEFINITIONS {
        assert_eq!(definition.migrations[0].version, definition.version, "{}", definition.name);
    }
}

#[tokio::test]
async fn a_replay_is_equal_until_a_row_is_changed_by_hand() {
    let given = given_sample().await;
    assert_eq!(unequal(&given).await, []);
    let change = "UPDATE assets SET number1 = number1 + 1 WHERE name = 'page-3'";
    by_hand(&given, "assets-v4.sqlite", change);
    assert_eq!(unequal(&given).await, [("assets".into(), vec!["assets".into()])]);
    let delete = "DELETE FROM asset_tags WHERE asset = (SELECT min(asset) FROM asset_tags)";
    by_hand(&given, "assets-v4.sqlite", delete);
    by_hand(
        &given,
        "audit-trail-v1.sqlite",
        "UPDATE audit_trail SET actor = '' WHERE position = 9",
    );
    by_hand(&given, "batches-v3.sqlite", "UPDATE batches SET errors = errors + 1");
    by_hand(&given, "tile-metadata-v2.sqlite", "DELETE FROM images WHERE name = 'page-4'");
    by_hand(
        &given,
        "page-text-v1.sqlite",
        "UPDATE page_texts SET edit_revision = 7 WHERE name = 'page-3'",
    );
    let names: Vec<_> = unequal(&given).await.into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["assets", "batches", "tile-metadata", "page-text", "audit-trail"]);
}

#[tokio::test]
async fn a_replay_stops_where_each_read_model_is() {
    let given = given_sample().await;
    // Events that only one projection has seen.
    sample_more(&given, 5).await;
    let head = given.log.head().await.unwrap();
    let target = Target { model: given.model("tile-metadata"), to: head };
    replay(given.log.as_ref(), &[target], OnPoison::Park).await.unwrap();
    assert_eq!(unequal(&given).await, []);
}

/// Looks at an image twice: the second time is from memory.
async fn seen(given: &Given<Temporary>, id: &AssetId) -> Option<TileMetadataRow> {
    let tiles = given.store.queries().tile_metadata;
    let first = tiles.tile_metadata(id).await.unwrap();
    assert_eq!(tiles.tile_metadata(id).await.unwrap(), first);
    first
}

#[tokio::test]
async fn what_is_remembered_of_an_image_goes_with_the_next_event() {
    let given = given().await;
    let id: AssetId = "1/1/page".parse().unwrap();
    given.asset(&id, registered(1)).await;
    given.catch_up().await;
    let open = seen(&given, &id).await;
    assert_eq!(open, Some(TileMetadataRow::Pending { roles: vec![] }));
    let closed = AssetEvent::AccessChanged(AccessChanged { roles: vec!["staff".into()] });
    given.asset(&id, closed).await;
    assert_eq!(seen(&given, &id).await, open, "nothing is applied yet");
    given.catch_up().await;
    let roles = vec!["staff".to_owned()];
    assert_eq!(seen(&given, &id).await, Some(TileMetadataRow::Pending { roles }));
}

#[tokio::test]
async fn what_is_remembered_of_an_image_goes_with_a_rebuild_and_with_the_writer() {
    let given = given().await;
    let id: AssetId = "1/1/page".parse().unwrap();
    given.asset(&id, registered(1)).await;
    given.catch_up().await;
    let right = seen(&given, &id).await;
    by_hand(&given, "tile-metadata-v2.sqlite", "UPDATE images SET roles_json = '[\"x\"]'");
    assert_eq!(seen(&given, &id).await, right, "it is from memory");
    let beside = ReadModels::open_read_only(given.store.path(), Arc::clone(&given.log)).unwrap();
    let beside = beside.queries().tile_metadata;
    let wrong = beside.tile_metadata(&id).await.unwrap();
    assert_ne!(wrong, right, "who does not write remembers nothing");
    by_hand(&given, "tile-metadata-v2.sqlite", "UPDATE images SET roles_json = '[\"y\"]'");
    assert_ne!(beside.tile_metadata(&id).await.unwrap(), wrong);
    given.store.read_models.rebuild("tile-metadata").await.unwrap();
    assert_eq!(seen(&given, &id).await, right);
}

async fn sample_more(given: &Given<Temporary>, count: u32) {
    for number in 0..count {
        let id = format!("1/1/more-{number}").parse().unwrap();
        given.asset(&id, registered(1)).await;
    }
}

#[tokio::test]
async fn a_rebuild_gives_equal_rows_and_leaves_one_file() {
    let given = given_sample().await;
    let read_models = &given.store.read_models;
    let before = given.model("assets").dump().await.unwrap();
    by_hand(&given, "assets-v4.sqlite", "DELETE FROM assets WHERE name = 'page-3'");
    assert_ne!(given.model("assets").dump().await.unwrap().digest, before.digest);
    let position = read_models.rebuild("assets").await.unwrap();
    assert_eq!(position, given.log.head().await.unwrap());
    assert_eq!(given.model("assets").dump().await.unwrap(), before);
    assert!(given.store.files().contains(&"assets-v4-2.sqlite".to_owned()));
    assert!(!given.store.files().contains(&"assets-v4.sqlite".to_owned()), "the old one is gone");
    // What happens next goes into the new one.
    sample_more(&given, 3).await;
    given.catch_up().await;
    assert_eq!(unequal(&given).await, []);
    let unknown = read_models.rebuild("nonsense").await;
    assert!(matches!(unknown, Err(RebuildError::Unknown(_))), "{unknown:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rebuild_goes_on_beside_the_runner_and_queries() {
    let given = given_sample().await;
    let read_models = given.store.read_models.clone();
    let stop = CancellationToken::new();
    let running = tokio::spawn(runner(&read_models, &given.log).run(stop.clone()));
    let writing = sample_more(&given, 200);
    let rebuilding = async {
        for _ in 0..3 {
            read_models.rebuild("assets").await.unwrap();
            let filter = AssetFilter { customer: Some(CustomerId(1)), ..AssetFilter::default() };
            let page = read_models.queries().assets;
            let page = page.list(&admin(), &filter, AssetOrder::Created, &first(10), true).await;
            assert_eq!(page.unwrap().items.len(), 10, "something serves at every moment");
        }
    };
    futures::future::join(writing, rebuilding).await;
    let head = given.log.head().await.unwrap();
    assert!(read_models.freshness().wait_all(head, Duration::from_secs(20)).await);
    stop.cancel();
    running.await.unwrap();
    assert_eq!(unequal(&given).await, []);
    assert_eq!(given.store.files().len(), DEFINITIONS.len());
}

#[tokio::test]
async fn a_rebuild_that_is_cut_short_leaves_nothing_and_harms_nothing() {
    let given = given_sample().await;
    let read_models = &given.store.read_models;
    let before = given.model("assets").dump().await.unwrap();
    // Given up: the future is dropped in the middle.
    let cut = tokio::time::timeout(Duration::from_micros(1), read_models.rebuild("assets")).await;
    assert!(cut.is_err(), "it is cut short");
    // Its file goes with the last step that was under way in another thread.
    let tidied = async {
        while given.store.files().len() != DEFINITIONS.len() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), tidied).await.unwrap();
    // Killed: a half-filled file is left behind.
    let folder = &read_models.served[0].folder;
    let killed = folder.make(&assets::DEFINITION).unwrap();
    let target = Target { model: Arc::new(killed.clone()), to: Position(20) };
    replay(given.log.as_ref(), &[target], OnPoison::Stop).await.unwrap();
    drop(killed);
    assert!(given.store.files().contains(&"assets-v4-2.sqlite".to_owned()));

    let again = ReadModels::open(given.store.path(), Arc::clone(&given.log)).unwrap();
    assert_eq!(again.models()[0].dump().await.unwrap(), before, "the old one serves on");
    assert_eq!(given.store.files().len(), DEFINITIONS.len(), "{:?}", given.store.files());
}

#[tokio::test]
async fn a_file_of_another_version_or_a_broken_one_is_built_anew() {
    let given = given_sample().await;
    let before = given.model("assets").dump().await.unwrap();
    let Given { log, store } = given;
    let Temporary { read_models, folder } = store;
    drop(read_models);
    let pointer = folder.path().join("serving.json");
    let json = std::fs::read_to_string(&pointer).unwrap();
    let of_assets = |version: u32| format!("\"assets\": {{\n    \"version\": {version}");
    let older = json.replace(&of_assets(VERSION), &of_assets(VERSION - 1));
    assert_ne!(json, older);
    std::fs::write(&pointer, older).unwrap();
    std::fs::write(folder.path().join("batches-v3.sqlite"), b"this is no database, not at all")
        .unwrap();
    let read_models = ReadModels::open(folder.path(), Arc::clone(&log)).unwrap();
    let store = Temporary { read_models, folder };
    let given = Given { log, store };
    assert_eq!(given.model("assets").checkpoint().await.unwrap(), Position::START);
    given.catch_up().await;
    assert_eq!(given.model("assets").dump().await.unwrap(), before);
    assert_eq!(unequal(&given).await, []);
    assert_eq!(given.store.files().len(), DEFINITIONS.len(), "{:?}", given.store.files());
}

#[tokio::test]
async fn another_process_reads_beside_the_server() {
    let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new(Arc::new(|| 1)));
    let empty = tempfile::tempdir().unwrap();
    let missing = ReadModels::open_read_only(empty.path(), Arc::clone(&log)).map(drop);
    assert!(matches!(missing, Err(ReadModelsError::NotBuilt("assets"))), "{missing:?}");

    let given = given_sample().await;
    let path = given.store.path();
    let reader = ReadModels::open_read_only(path, Arc::clone(&given.log)).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let compared = compare(&given.log, &reader, scratch.path()).await;
    assert!(compared.iter().all(Compared::is_equal), "{compared:?}");
    let status = reader.status().await.unwrap();
    assert!(status.iter().all(|it| it.position == it.head && it.parked.is_empty()), "{status:?}");
    let refused = reader.rebuild("assets").await;
    let error = refused.unwrap_err().to_string();
    assert!(error.contains("for reading only"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_broken_projection_does_not_hold_up_the_others() {
    let given = given().await;
    let read_models = given.store.read_models.clone();
    by_hand(&given, "batches-v3.sqlite", "INSERT INTO parked VALUES (1, '', x'', '')");
    let broken = Connection::open(given.store.path().join("batches-v3.sqlite")).unwrap();
    broken.execute_batch("DROP TABLE members").unwrap();
    let stop = CancellationToken::new();
    let running = tokio::spawn(runner(&read_models, &given.log).run(stop.clone()));
    sample_history(given.log.as_ref(), 20).await;
    let head = given.log.head().await.unwrap();
    let freshness = read_models.freshness();
    for name in ["assets", "tile-metadata", "manifests", "audit-trail", "audit-tree"] {
        assert!(freshness.wait(name, head, Duration::from_secs(20)).await, "{name}");
    }
    assert!(freshness.position("batches").unwrap() < head);
    stop.cancel();
    running.await.unwrap();
}

fn runner(read_models: &ReadModels, log: &Arc<dyn EventLog>) -> Runner {
    Runner {
        log: Arc::clone(log),
        models: read_models.models(),
        freshness: read_models.freshness(),
        clock: Arc::new(|| 0),
        duty: Duty::Alone,
        settings: RunnerSettings { events_max: 64, ..RunnerSettings::default() },
    }
}

fn admin() -> Principal {
    Principal::Process { actor: ActorId("process-test".into()) }
}

fn first(limit: usize) -> PageRequest {
    PageRequest { limit, after: None, offset: 0, direction: Direction::Ascending }
}

#[tokio::test]
async fn every_list_is_answered_by_an_index() {
    let given = given_sample().await;
    let text = |text: &str| Some(text.to_owned());
    let customer = Some(CustomerId(1));
    let space = "1/2".parse().ok();
    let of_customer = || AssetFilter { customer, ..AssetFilter::default() };
    let filters = [
        AssetFilter::default(),
        of_customer(),
        AssetFilter { space, ..of_customer() },
        AssetFilter { state: Some(dlcs_projections::assets::AssetState::Failed), ..of_customer() },
        AssetFilter { string1: text("a"), ..of_customer() },
        AssetFilter { string2: text("a"), ..of_customer() },
        AssetFilter { string3: text("a"), ..of_customer() },
        AssetFilter { number1: Some(1), ..of_customer() },
        AssetFilter { number2: Some(1), ..of_customer() },
        AssetFilter { number3: Some(1), ..of_customer() },
        AssetFilter { tag: text("a"), ..of_customer() },
        AssetFilter { role: text("a"), ..of_customer() },
        AssetFilter { batch: Some(dlcs_domain::BatchId(uuid::Uuid::nil())), ..of_customer() },
    ];
    let connection = Connection::open(given.store.path().join("assets-v4.sqlite")).unwrap();
    for filter in filters {
        let sql = assets::listing(&filter, AssetOrder::Created).sql(Direction::Ascending);
        let plan = plan(&connection, &sql);
        let is_narrowed = filter != AssetFilter::default();
        assert_eq!(plan.contains("SEARCH"), is_narrowed, "{filter:?}\n{plan}");
        assert!(!plan.contains("TEMP B-TREE"), "{filter:?}\n{plan}");
    }
}

/// Returns how a query is going to be answered.
fn plan(connection: &Connection, sql: &str) -> String {
    let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    for index in 1..=statement.parameter_count() {
        statement.raw_bind_parameter(index, 1).unwrap();
    }
    let mut rows = statement.raw_query();
    let mut plan = String::new();
    while let Some(row) = rows.next().unwrap() {
        plan.push_str(&row.get::<_, String>("detail").unwrap());
        plan.push('\n');
    }
    plan
}

#[tokio::test]
async fn every_question_about_annotations_is_answered_by_an_index() {
    let given = given_sample().await;
    let text = || Some("a".to_owned());
    let words = || WordsQuery::parse("a").ok();
    let all = || AnnotationFilter::of(CustomerId(1));
    let container = "1/notes".parse().ok();
    let region = dlcs_projections::annotations::Region { x: 1, y: 2, width: 3, height: 4 };
    let filters = [
        all(),
        AnnotationFilter { container, ..all() },
        AnnotationFilter { source: text(), ..all() },
        AnnotationFilter { source: text(), region: Some(region), ..all() },
        AnnotationFilter { motivation: text(), ..all() },
        AnnotationFilter { creator: text(), motivation: text(), ..all() },
        AnnotationFilter { words: words(), ..all() },
        AnnotationFilter { words: words(), creator: text(), ..all() },
        AnnotationFilter { words: words(), source: text(), ..all() },
    ];
    let connection = Connection::open(given.store.path().join("annotations-v3.sqlite")).unwrap();
    for filter in filters {
        for readable in [Readable::All, Readable::Open { roles: vec!["staff".to_owned()] }] {
            let sql = annotations::listing(&filter, &readable).sql(Direction::Ascending);
            let plan = plan(&connection, &sql);
            // A full-text index is scanned for what matches, in the order of the rows.
            let scans: Vec<_> = plan.lines().filter(|it| it.contains("SCAN")).collect();
            assert!(scans.iter().all(|it| it.contains("VIRTUAL TABLE INDEX")), "{plan}");
            assert!(!plan.contains("TEMP B-TREE"), "{filter:?}\n{plan}");
        }
    }
}

#[tokio::test]
async fn no_address_of_ours_is_in_a_read_model() {
    let given = given_sample().await;
    let mut found = 0;
    for file in given.store.files() {
        for text in texts(&given.store.path().join(&file)) {
            for (at, _) in text.match_indices("://") {
                if text[at..].starts_with("://www.w3.org/ns/") {
                    continue; // The context of an annotation.
                }
                assert!(text[at..].starts_with("://origin.example/"), "{file}: {text}");
                found += 1;
            }
            for route in ["/iiif-img/", "/iiif-manifest/", "/customers/", "localhost"] {
                assert!(!text.contains(route), "{file}: {text}");
            }
        }
    }
    assert!(found > 0, "the origins, which are not ours, are found");
}

/// Returns every text in every table of a file.
fn texts(file: &Path) -> Vec<String> {
    let connection = Connection::open(file).unwrap();
    let mut tables =
        connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").unwrap();
    let tables = tables.query_map([], |row| row.get::<_, String>(0)).unwrap();
    let mut texts = Vec::new();
    for table in tables {
        let mut statement =
            connection.prepare(&format!("SELECT * FROM {}", table.unwrap())).unwrap();
        let columns = statement.column_count();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let values = (0..columns).map(|it| row.get_ref(it).unwrap());
            texts.extend(values.filter_map(|it| it.as_str().ok().map(str::to_owned)));
        }
    }
    texts
}
