//! R27, R28: read models built anew, while clients write and read and while the process dies; and
//! the same history gives the same rows, however it is cut into pieces.

use crate::processes::{register_rows, replays_equal};
use crate::support::server::{KEY, SECRET, Server, image_path};
use crate::support::stores::{self, new_database};
use crate::support::{Random, is_long, seed};
use dlcs_adapter_postgres::connection::Database;
use dlcs_adapter_postgres::read_models::PostgresReadModels;
use dlcs_adapter_sqlite::log::SqliteLog;
use dlcs_adapter_sqlite::read_models::ReadModels;
use dlcs_commands::clock::SystemClock;
use dlcs_commands::{CommandContext, Executor};
use dlcs_domain::asset::{
    Asset, AssetChange, AssetCommand, Delivered, Delivery, IngestErrorCode, MetadataPatch,
    Registration, Source,
};
use dlcs_domain::{ActorId, BlobRef, Patch};
use dlcs_eventlog::{EventLog, Position};
use dlcs_projections::projection::OnPoison;
use dlcs_projections::read_store::ReadStore;
use dlcs_projections::replay::{Target, replay};
use reqwest::Method;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// R27.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_rebuild_under_load_serves_the_old_rows_until_the_new_ones_are_whole() {
    let rounds = if is_long() { 20 } else { 3 };
    let seed = seed();
    let (mut random, folder) = (Random(seed), tempfile::tempdir().expect("a temporary folder"));
    let (begun, rows) = (Instant::now(), Arc::new(AtomicU64::new(0)));
    let mut rebuilt = 0;
    for round in 0..rounds {
        let mut server = Server::start_on(folder.path(), ROLES);
        if round == 0 {
            server.space(1).await;
            server.send(Method::PUT, &image_path("first"), &origin()).await;
        }
        let stop = Arc::new(AtomicBool::new(false));
        let writing = tokio::spawn(write(server.base.clone(), round, Arc::clone(&stop)));
        let reading = tokio::spawn(read(server.base.clone(), Arc::clone(&rows), Arc::clone(&stop)));
        let mut rebuild = server.prepare(&["projections", "rebuild", "assets", "batches"]);
        let rebuild = rebuild.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let mut rebuild = rebuild.expect("the program runs");
        // The last round is let through.
        if round + 1 < rounds {
            tokio::time::sleep(Duration::from_millis(20 + random.below(600))).await;
            server.kill();
            rebuild.wait().expect("it ends");
        } else {
            let waited = tokio::task::spawn_blocking(move || rebuild.wait());
            assert!(waited.await.expect("no panic").expect("it ends").success());
            rebuilt += 1;
        }
        stop.store(true, Ordering::SeqCst);
        writing.await.expect("it ends with the server");
        reading.await.expect("no row was missing, at no moment");
        if round + 1 == rounds {
            assert_eq!(rebuilt, 1);
            replays_equal(&server);
        }
    }
    let server = Server::start_on(folder.path(), ROLES);
    no_build_is_left(&server);
    replays_equal(&server);
    eprintln!(
        "rebuilds: seed {seed}, {rounds} while clients wrote and read, {} killed, {} rows, none \
         missing at any moment, replay equal, {:.1?}",
        rounds - rebuilt,
        rows.load(Ordering::SeqCst),
        begun.elapsed()
    );
}

const ROLES: &[&str] = &["--roles", "api,project"];

fn origin() -> Value {
    json!({ "origin": "https://example.org/a" })
}

async fn write(base: String, round: usize, stop: Arc<AtomicBool>) {
    for n in 0.. {
        let request = reqwest::Client::new().post(format!("{base}/customers/1/queue"));
        let request = request.basic_auth(KEY, Some(SECRET));
        let registered = register_rows(request, &format!("r{round}-{n}-"), 300).await;
        if registered.is_empty() || stop.load(Ordering::SeqCst) {
            return;
        }
    }
}

/// Reads how many there are: at no moment fewer than before.
async fn read(base: String, rows: Arc<AtomicU64>, stop: Arc<AtomicBool>) {
    let http = reqwest::Client::new();
    while !stop.load(Ordering::SeqCst) {
        let request = http.get(format!("{base}/customers/1/spaces/1/images?pageSize=1"));
        let request = request.basic_auth(KEY, Some(SECRET));
        let Ok(answer) = request.send().await else { return };
        let status = answer.status();
        let Ok(text) = answer.text().await else { return };
        assert!(status.is_success(), "{status} {text}");
        let page: Value = serde_json::from_str(&text).expect("JSON");
        let total = page["totalItems"].as_u64().expect("a number");
        let before = rows.fetch_max(total, Ordering::SeqCst);
        assert!(total >= before, "{before} rows were there, now {total}");
    }
}

/// What a killed rebuild left behind is gone after the next start.
fn no_build_is_left(server: &Server) {
    if let Some(url) = server.store("DLCS_READ_STORE") {
        let sql = "DO $$ BEGIN
                IF EXISTS (SELECT FROM dlcs_read.models WHERE state = 'building') THEN
                    RAISE EXCEPTION 'a build is left'; END IF;
            END $$";
        return stores::execute(url, sql);
    }
    let files = crate::support::fixtures::files(&server.data().join("read"));
    let names = files.iter().map(|it| crate::support::fixtures::name(it));
    let databases = names.filter(|it| it.ends_with(".sqlite")).count();
    assert_eq!(databases, 12, "one file for each projection: {files:?}");
}

/// R28.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn history_gives_the_same_rows_in_however_many_pieces() {
    if !stores::are_embedded() {
        return;
    }
    let events: u64 = if is_long() { 1_000_000 } else { 5_000 };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let begun = Instant::now();
    let log = history_of(events, &folder.path().join("events.sqlite")).await;
    let head = log.head().await.expect("it can be read");
    eprintln!("pieces: {head} events written in {:.1?}", begun.elapsed());
    let mut digests = Vec::new();
    for (n, pieces) in [1, 1, 2, 8].into_iter().enumerate() {
        let begun = Instant::now();
        let models = ReadModels::open(&folder.path().join(n.to_string()), Arc::clone(&log));
        let models = models.expect("an empty folder");
        in_pieces(&log, &models, head, pieces).await;
        digests.push(digests_of(&models, &format!("SQLite in {pieces} pieces"), begun).await);
    }
    for pieces in [1, 8] {
        let begun = Instant::now();
        let database = Database::connect(&new_database()).await.expect("it is there");
        let models = PostgresReadModels::open(database, Arc::clone(&log)).await;
        let models = models.expect("an empty database");
        in_pieces(&log, &models, head, pieces).await;
        digests.push(digests_of(&models, &format!("PostgreSQL in {pieces} pieces"), begun).await);
    }
    let first = &digests[0];
    assert!(digests.iter().all(|it| it == first), "{digests:#?}");
}

async fn in_pieces(log: &Arc<dyn EventLog>, models: &dyn ReadStore, head: Position, pieces: u64) {
    for piece in 1..=pieces {
        let to = Position(head.0 * piece / pieces);
        let targets: Vec<_> =
            models.models().into_iter().map(|model| Target { model, to }).collect();
        replay(log.as_ref(), &targets, OnPoison::Stop).await.expect("everything can be read");
    }
}

async fn digests_of(models: &dyn ReadStore, what: &str, begun: Instant) -> Vec<(String, String)> {
    let filled = begun.elapsed();
    let mut digests = Vec::new();
    for model in models.models() {
        let dump = model.dump().await.expect("it can be read");
        digests.push((dump.projection, dump.digest));
    }
    eprintln!("pieces: {what}: filled in {filled:.1?}, dumped after {:.1?}", begun.elapsed());
    digests
}

/// Assets in every state, in batches, as clients and workers make them.
async fn history_of(events: u64, path: &Path) -> Arc<dyn EventLog> {
    let clock = AtomicU64::new(1_700_000_000_000_000);
    let now = move || clock.fetch_add(1_000, Ordering::SeqCst).cast_signed();
    let log: Arc<dyn EventLog> =
        Arc::new(SqliteLog::open(path, Arc::new(now)).expect("a new file"));
    let executor = Executor::new(Arc::clone(&log), Arc::new(SystemClock), "test");
    let context = CommandContext::new(ActorId("key-1".into()), None, Uuid::nil());
    let mut random = Random(seed());
    let mut begun = 0;
    while log.head().await.expect("it can be read").0 < events {
        let ids = begun..begun + 1_000;
        begun += 1_000;
        for commands in lives(ids, &mut random) {
            let commands = commands.into_iter();
            let commands = commands.map(|(id, it)| (context.clone(), id, it)).collect();
            for done in executor.execute_many::<Asset>(commands).await {
                done.expect("it may happen");
            }
        }
    }
    log
}

type Step = Vec<(String, AssetCommand)>;

/// What happens to some assets, step by step.
fn lives(ids: std::ops::Range<u64>, random: &mut Random) -> [Step; 4] {
    let id = |n: u64| format!("1/{}/page-{n}", 1 + n % 3);
    let register = ids.clone().map(|n| (id(n), register(n)));
    let start = AssetCommand::StartIngest { generation: 1, now_us: 1 };
    let start = ids.clone().map(|n| (id(n), start.clone()));
    let end = ids.clone().map(|n| (id(n), end(random.below(10), n)));
    let end: Step = end.collect();
    let others = ids.filter(|n| n % 4 == 0);
    let change =
        others.map(|n| (id(n), if n % 16 == 0 { AssetCommand::Delete } else { change(n) }));
    [register.collect(), start.collect(), end, change.collect()]
}

fn register(n: u64) -> AssetCommand {
    let source = Source::Origin { url: format!("https://example.org/{n}.tif") };
    let metadata = MetadataPatch {
        string1: Patch::Set(format!("book {}", n / 100)),
        number1: Patch::Set(n.cast_signed()),
        ..MetadataPatch::default()
    };
    let registration = Registration { metadata, ..Registration::of(source) };
    AssetCommand::Register { registration, defaults: Arc::default() }
}

fn end(chance: u64, n: u64) -> AssetCommand {
    if chance == 0 {
        let (code, detail) = (IngestErrorCode::ImageCorrupt, "cut off".to_owned());
        return AssetCommand::ReportFailed { generation: 1, attempt: 1, code, detail, now_us: 2 };
    }
    let delivered = Delivered {
        width_px: 1_000 + u32::try_from(n % 1_000).expect("small"),
        height_px: 1_500,
        media_type: "image/tiff".into(),
        original: BlobRef { sha256: format!("{n:064x}"), length_bytes: n },
        derivative_bytes: 4_096,
        thumbnails: vec![(100, 150)],
        tile_side_px: Delivery::standard().tile_side_px,
        levels: 3,
        gray: false,
    };
    AssetCommand::ReportDelivered { generation: 1, attempt: 1, delivered }
}

fn change(n: u64) -> AssetCommand {
    let metadata =
        MetadataPatch { string2: Patch::Set(format!("{n}")), ..MetadataPatch::default() };
    AssetCommand::Change(AssetChange { metadata, ..AssetChange::default() })
}
