//! R8, R9: the line to the database breaks, and the database goes away, under load.

use crate::processes::{history, replays_equal};
use crate::support::proxy::{Flow, Proxy};
use crate::support::server::{KEY, PATIENCE, SECRET, Server, image_path};
use crate::support::{Random, is_long, seed};
use dlcs_adapter_postgres::testing::{Fsync, TestServer, database_name};
use reqwest::{Client, StatusCode};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const WRITERS: usize = 8;
/// How soon writing goes on when the line or the server is there again. Aim: 2 s.
const RECOVERED: Duration = Duration::from_secs(5);

/// What writers were told, in all.
#[derive(Default)]
struct Told {
    /// By id: where its answer said that it is recorded.
    acknowledged: Mutex<BTreeMap<String, u64>>,
    count: AtomicUsize,
    refused: AtomicUsize,
    lost_answers: AtomicUsize,
    slowest: Mutex<Duration>,
    stop: AtomicBool,
}

impl Told {
    fn took(&self, spent: Duration) {
        let mut slowest = self.slowest.lock().expect("no panic");
        *slowest = spent.max(*slowest);
    }
}

fn over(database: &str) -> Server {
    let names = ["DLCS_EVENT_STORE", "DLCS_READ_STORE"];
    let stores = names.map(|it| (it, database.to_owned()));
    Server::start_over(stores.to_vec(), &["--roles", "api,project"])
}

fn write_with(server: &Server) -> (Arc<Told>, Vec<tokio::task::JoinHandle<()>>) {
    let told = Arc::new(Told::default());
    let writers = (0..WRITERS).map(|writer| {
        let (base, told) = (server.base.clone(), Arc::clone(&told));
        tokio::spawn(async move { write(&base, writer, &told).await })
    });
    let writers = writers.collect();
    (told, writers)
}

/// Registers one after another, each with a key and until the answer is clear.
async fn write(base: &str, writer: usize, told: &Told) {
    let http = Client::new();
    for n in 0.. {
        let id = format!("w{writer}-{n}");
        while !told.stop.load(Ordering::SeqCst) {
            let request = http.put(format!("{base}{}", image_path(&id)));
            let request = request.basic_auth(KEY, Some(SECRET)).timeout(PATIENCE);
            let request = request.header("Idempotency-Key", &id).header("Prefer", "respond-async");
            let request = request.json(&json!({ "origin": "https://example.org/a" }));
            let begun = Instant::now();
            let answer = request.send().await;
            told.took(begun.elapsed());
            let Ok(answer) = answer else {
                told.lost_answers.fetch_add(1, Ordering::SeqCst);
                continue;
            };
            let status = answer.status();
            if status == StatusCode::SERVICE_UNAVAILABLE {
                assert!(answer.headers().contains_key("retry-after"), "{id}: no Retry-After");
                told.refused.fetch_add(1, Ordering::SeqCst);
                continue;
            }
            assert!(status.is_success(), "{id}: {status} {:?}", answer.text().await);
            let position = answer.headers()["dlcs-position"].to_str().expect("text");
            let position = position.parse().expect("a number");
            told.acknowledged.lock().expect("no panic").insert(id, position);
            told.count.fetch_add(1, Ordering::SeqCst);
            break;
        }
        if told.stop.load(Ordering::SeqCst) {
            return;
        }
    }
}

/// Waits until writing goes on; returns after how long.
async fn recovered(told: &Told, what: &str) -> Duration {
    let (begun, before) = (Instant::now(), told.count.load(Ordering::SeqCst));
    // One of each writer: no connection is left behind.
    while told.count.load(Ordering::SeqCst) < before + WRITERS {
        assert!(begun.elapsed() < RECOVERED, "after {what} nothing is written");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    begun.elapsed()
}

/// Everything acknowledged is there once, where its answer said, and nothing else twice.
async fn judge(server: &Server, told: &Told, writers: Vec<tokio::task::JoinHandle<()>>) -> usize {
    told.stop.store(true, Ordering::SeqCst);
    for writer in writers {
        writer.await.expect("a writer is told nothing wrong");
    }
    let acknowledged = told.acknowledged.lock().expect("no panic").clone();
    for (stream, types) in history(server) {
        if stream.starts_with("asset-") {
            assert_eq!(types, ["asset.registered"], "{stream} is registered once");
        }
    }
    let found = positions(server);
    for (id, position) in &acknowledged {
        assert_eq!(found.get(id), Some(position), "{id} is not where its answer said");
    }
    let deadline = Instant::now() + PATIENCE;
    let head = found.values().max().copied().unwrap_or_default().to_string();
    loop {
        let list = server.request(
            crate::support::server::Persona::Admin,
            reqwest::Method::GET,
            "/customers/1/spaces/1/images?pageSize=1",
        );
        let answer = list.header("Dlcs-Min-Position", &head).send().await.expect("it answers");
        if answer.status() == StatusCode::OK {
            break;
        }
        assert!(Instant::now() < deadline, "the read models do not catch up");
    }
    replays_equal(server);
    acknowledged.len()
}

/// Positions of the registrations, by id.
fn positions(server: &Server) -> BTreeMap<String, u64> {
    let output = server.command(&["events", "--json", "--type", "asset.registered"]);
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let event = |line: &str| {
        let event: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let id = event["stream"].as_str().expect("text").trim_start_matches("asset-1/1/");
        (id.to_owned(), event["position"].as_u64().expect("a number"))
    };
    text.lines().map(event).collect()
}

/// One fault; returns what it was when it is over.
async fn break_once(proxy: &Proxy, random: &mut Random) -> &'static str {
    let spell = Duration::from_millis(100 + random.below(1_400));
    match random.below(6) {
        0 => {
            proxy.reset();
            "a reset"
        }
        1 => {
            proxy.cut_after_commit();
            let (cuts, deadline) = (proxy.cuts(), Instant::now() + Duration::from_secs(2));
            while proxy.cuts() == cuts && Instant::now() < deadline {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            "a lost answer to COMMIT"
        }
        2 => {
            proxy.set_flow(Flow::Nothing);
            tokio::time::sleep(spell).await;
            proxy.set_flow(Flow::Both);
            "a pause of the line"
        }
        3 => {
            proxy.set_flow(Flow::Nothing);
            tokio::time::sleep(spell).await;
            proxy.reset();
            proxy.set_flow(Flow::Both);
            "a black hole that ends in a reset"
        }
        4 => {
            proxy.set_flow(Flow::ToServerOnly);
            tokio::time::sleep(spell).await;
            proxy.reset();
            proxy.set_flow(Flow::Both);
            "lost answers that end in a reset"
        }
        _ => {
            proxy.refuse(true);
            proxy.reset();
            tokio::time::sleep(spell).await;
            proxy.refuse(false);
            "a time without connections"
        }
    }
}

/// R8.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_line_that_breaks_loses_and_doubles_nothing() {
    let faults = if is_long() { 200 } else { 8 };
    let seed = seed();
    let (mut random, postgres) = (Random(seed), TestServer::shared());
    let proxy = Proxy::start(postgres.port()).await;
    let url = postgres.new_database().await;
    let server = over(&proxy.url(&url, postgres.port()));
    server.space(1).await;
    let (told, writers) = write_with(&server);
    let (begun, mut slowest, mut kinds) = (Instant::now(), Duration::ZERO, BTreeMap::new());
    for _ in 0..faults {
        tokio::time::sleep(Duration::from_millis(random.below(200))).await;
        let what = break_once(&proxy, &mut random).await;
        slowest = recovered(&told, what).await.max(slowest);
        *kinds.entry(what).or_insert(0) += 1;
    }
    let acknowledged = judge(&server, &told, writers).await;
    eprintln!(
        "broken lines: seed {seed}, {faults} faults {kinds:?}, {acknowledged} acknowledged, {} \
         answered 503, 0 lost, 0 doubled, replay equal, slowest recovery {slowest:.2?}, slowest \
         answer {:.2?}, {:.1?} in all",
        told.refused.load(Ordering::SeqCst),
        told.slowest.lock().expect("no panic"),
        begun.elapsed()
    );
}

/// R9: an immediate stop is what a crash of the server looks like.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_database_that_restarts_under_load_loses_and_doubles_nothing() {
    let restarts = if is_long() { 20 } else { 2 };
    let postgres = Arc::new(TestServer::start_own(Fsync::On));
    let url = postgres.new_database().await;
    let server = over(&url);
    server.space(1).await;
    let (told, writers) = write_with(&server);
    let (begun, mut slowest) = (Instant::now(), Duration::ZERO);
    recovered(&told, "the start").await;
    for _ in 0..restarts {
        let again = Arc::clone(&postgres);
        let restarted = tokio::task::spawn_blocking(move || again.restart());
        restarted.await.expect("it restarts");
        slowest = recovered(&told, "a restart").await.max(slowest);
    }
    let acknowledged = judge(&server, &told, writers).await;
    eprintln!(
        "restarts: {restarts}, {acknowledged} acknowledged, {} answered 503, 0 lost, 0 doubled, \
         replay equal, slowest recovery {slowest:.2?}, slowest answer {:.2?}, {:.1?} in all",
        told.refused.load(Ordering::SeqCst),
        told.slowest.lock().expect("no panic"),
        begun.elapsed()
    );
}

/// R9: no connection is to be had, then there is again.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn too_many_connections_are_answered_503_and_pass() {
    let postgres = TestServer::shared();
    let url = postgres.new_database().await;
    let name = database_name(&url);
    // The tests' own user is a superuser, whom no limit holds.
    let user = format!("user_of_{name}");
    let sql =
        format!("CREATE ROLE {user} LOGIN PASSWORD 'word'; GRANT ALL ON DATABASE {name} TO {user}");
    postgres.execute(name, &sql).await;
    let server = over(&format!("postgres://{user}:word@127.0.0.1:{}/{name}", postgres.port()));
    server.space(1).await;
    let (told, writers) = write_with(&server);
    recovered(&told, "the start").await;
    let limit = async |limit: i32| {
        postgres.execute("postgres", &format!("ALTER ROLE {user} CONNECTION LIMIT {limit}")).await;
    };
    limit(0).await;
    let end =
        format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{user}'");
    postgres.execute("postgres", &end).await;
    let deadline = Instant::now() + PATIENCE;
    while told.refused.load(Ordering::SeqCst) < WRITERS {
        assert!(Instant::now() < deadline, "nobody is told");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    limit(-1).await;
    let slowest = recovered(&told, "a lack of connections").await;
    let longest = *told.slowest.lock().expect("no panic");
    assert!(longest < Duration::from_secs(10), "somebody waited {longest:?}");
    let acknowledged = judge(&server, &told, writers).await;
    eprintln!(
        "too many connections: {acknowledged} acknowledged, {} answered 503 within {longest:.2?}, \
         0 lost, 0 doubled, recovery {slowest:.2?}",
        told.refused.load(Ordering::SeqCst)
    );
}

/// R9: 40001 and 40P01, of the log and of the read models, twice in three tries and then always.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn serialisation_failures_and_deadlocks_are_tried_again_and_then_told() {
    let postgres = TestServer::shared();
    let url = postgres.new_database().await;
    let server = over(&url);
    server.space(1).await;
    let (told, writers) = write_with(&server);
    let fail = async |code: &str, condition: &str| {
        let sql = format!(
            "CREATE SEQUENCE IF NOT EXISTS public.tries_head;
             CREATE SEQUENCE IF NOT EXISTS public.tries_models;
             CREATE OR REPLACE FUNCTION public.fail() RETURNS trigger LANGUAGE plpgsql AS $$
             BEGIN IF {condition} THEN RAISE EXCEPTION 'as ordered' USING ERRCODE = '{code}';
             END IF; RETURN NEW; END $$;
             CREATE OR REPLACE TRIGGER fail BEFORE UPDATE ON dlcs_log.head
             FOR EACH ROW EXECUTE FUNCTION public.fail();
             CREATE OR REPLACE TRIGGER fail BEFORE UPDATE ON dlcs_read.models
             FOR EACH ROW EXECUTE FUNCTION public.fail()"
        );
        postgres.execute(database_name(&url), &sql).await;
    };
    for code in ["40001", "40P01"] {
        // Refusals that are on their way are counted first.
        tokio::time::sleep(Duration::from_millis(200)).await;
        let refused = told.refused.load(Ordering::SeqCst);
        // A sequence counts what is rolled back as well. Each table has its own: with one for both,
        // projections could take every number at which an append would pass.
        fail(code, "nextval(('public.tries_' || TG_TABLE_NAME)::regclass) % 3 <> 0").await;
        recovered(&told, "a first failure").await;
        assert_eq!(told.refused.load(Ordering::SeqCst), refused, "{code}: it was tried again");
        fail(code, "true").await;
        let deadline = Instant::now() + PATIENCE;
        while told.refused.load(Ordering::SeqCst) < refused + WRITERS {
            assert!(Instant::now() < deadline, "{code}: nobody is told");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        fail(code, "false").await;
        recovered(&told, code).await;
    }
    let longest = *told.slowest.lock().expect("no panic");
    assert!(longest < Duration::from_secs(8), "somebody waited {longest:?}");
    let acknowledged = judge(&server, &told, writers).await;
    eprintln!("40001, 40P01: {acknowledged} acknowledged, 503 within {longest:.2?}, 0 doubled");
}
