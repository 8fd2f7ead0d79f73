//! R7: the clock jumps back and forward. History is ordered by position; times never run backwards.

use crate::processes::{Shared, replays_equal};
use crate::support::clock::{HOUR, WorldClock};
use crate::support::fixtures::png;
use crate::support::server::{PATIENCE, Persona, Server, dlcs, image_path};
use crate::support::stores;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::time::{Duration, Instant};

const TEN_YEARS: i64 = 10 * 365 * 24 * HOUR;

#[tokio::test]
async fn a_clock_that_jumps_changes_no_order_and_stops_no_work() {
    let (clock, folder) = (WorldClock::build(), tempfile::tempdir().expect("a temporary folder"));
    let environment = clock.environment();
    let environment = environment.each_ref().map(|(name, value)| (*name, value.as_str()));
    let start = || {
        let stores = stores::environment(folder.path());
        let started = Server::try_start(folder.path(), stores, &[], &environment);
        started.unwrap_or_else(|seen| panic!("it starts: {seen:#?}"))
    };
    let mut server = start();
    server.space(1).await;
    let jumps = [0, -HOUR, HOUR, -HOUR, TEN_YEARS, 0];
    for (n, seconds) in jumps.into_iter().enumerate() {
        clock.set(seconds);
        if n == 3 {
            // A start in the past, with what was recorded in the future.
            server.kill();
            server = start();
        }
        let image = server.upload(&format!("i{n}"), png(60, 40)).await;
        assert_eq!(image["width"], 60, "at {seconds}: {image}");
        let change = json!({ "number1": n });
        let (status, answer) =
            server.send(Method::PATCH, &image_path(&format!("i{n}")), &change).await;
        assert_eq!(status, StatusCode::OK, "at {seconds}: {answer}");
    }
    let mut last = (0, jiff::Timestamp::MIN);
    let mut streams = HashSet::new();
    for event in events(&server) {
        let position = event["position"].as_u64().expect("a number");
        let recorded = event["recorded_at"].as_str().expect("text");
        let recorded: jiff::Timestamp = recorded.parse().expect("a time");
        assert!(position > last.0 && recorded >= last.1, "{event} comes after {last:?}");
        let place = format!("{} {}", event["stream"], event["revision"]);
        assert!(streams.insert(place), "{event} is there twice");
        last = (position, recorded);
    }
    let delivered =
        events(&server).iter().filter(|it| it["type"] == "asset.ingest_delivered").count();
    assert_eq!(delivered, jumps.len(), "each was made once");
    replays_equal(&server);
}

fn events(server: &Server) -> Vec<Value> {
    let output = server.command(&["events", "--json"]);
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// The next step is said by `doctor`: set the clock.
#[tokio::test]
async fn a_clock_that_is_an_hour_back_is_named() {
    if !stores::are_embedded() {
        return;
    }
    let clock = WorldClock::build();
    let server = Server::start();
    server.space(1).await;
    clock.set(-HOUR);
    let doctor = |environment: &[(&'static str, String)]| {
        let mut command = dlcs();
        command.arg("doctor").arg("--data").arg(server.data());
        let output = command.envs(environment.iter().cloned()).output().expect("it runs");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let text = doctor(&clock.environment());
    assert!(text.contains("FAIL  clock"), "{text}");
    assert!(text.contains("set the clock"), "{text}");
    assert!(doctor(&[]).contains("ok    clock"), "{}", doctor(&[]));
}

/// Found by reading: leases compared the clocks of machines, so this one held its for an hour.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_process_whose_clock_was_ahead_is_taken_over_in_time() {
    let (clock, shared) = (WorldClock::build(), Shared::new());
    clock.set(HOUR);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let environment = clock.environment();
    let environment = environment.each_ref().map(|(name, value)| (*name, value.as_str()));
    let ahead = Server::try_start(folder.path(), shared.stores(), &[], &environment);
    let mut ahead = ahead.unwrap_or_else(|seen| panic!("it starts: {seen:#?}"));
    ahead.space(1).await;
    let other = shared.join("api,project,ingest");
    ahead.upload("before", png(60, 40)).await;
    ahead.kill();
    let killed = Instant::now();
    let path = format!("{}/content", image_path("after"));
    let request = other.request(Persona::Admin, Method::PUT, &path).body(png(60, 40));
    let answer = request.header("Prefer", "respond-async").send().await.expect("it answers");
    assert!(answer.status().is_success(), "{}", answer.status());
    while other.get(Persona::Admin, &image_path("after")).await.status() != StatusCode::OK {
        assert!(killed.elapsed() < Duration::from_secs(10), "nobody took over");
    }
    assert!(killed.elapsed() < PATIENCE);
    assert_eq!(other.settled("after").await["width"], 60);
    let spent = killed.elapsed();
    assert!(spent < Duration::from_secs(10), "{spent:?}");
    eprintln!(
        "a process whose clock was an hour ahead was taken over and its work done in {spent:.2?}"
    );
}
