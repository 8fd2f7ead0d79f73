//! R21: SIGTERM under load. What was accepted is answered, work is handed on, a second one is final.

use crate::processes::replays_equal;
use crate::support::fixtures::png;
use crate::support::server::{KEY, PATIENCE, SECRET, Server, image_path};
use crate::support::{Random, is_long, seed, stores};
use bytes::Bytes;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const WRITERS: usize = 8;
/// A request that began so long before the signal has surely been accepted.
const ACCEPTED_BY: Duration = Duration::from_millis(200);

/// One upload of a writer.
struct Sent {
    id: String,
    begun: Instant,
    /// Its status, or what went wrong.
    ended: Result<u16, String>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sigterm_under_load_answers_what_was_accepted_and_loses_nothing() {
    let stops = if is_long() { 20 } else { 2 };
    let seed = seed();
    let (mut random, folder) = (Random(seed), tempfile::tempdir().expect("a temporary folder"));
    let (mut acknowledged, mut failed) = (BTreeSet::new(), 0);
    let mut slowest = Duration::ZERO;
    for round in 0..stops {
        let moment = Duration::from_millis(300 + random.below(700));
        let (sent, signalled, spent) = stop_once(folder.path(), round, moment).await;
        slowest = slowest.max(spent);
        for Sent { id, begun, ended } in sent {
            match ended {
                Ok(status) if status < 300 => {
                    acknowledged.insert(id);
                }
                Ok(status) => panic!("{id}: {status}"),
                Err(error) if begun + ACCEPTED_BY < signalled => {
                    panic!("{id} was under way for {:?}: {error}", signalled - begun)
                }
                Err(_) => failed += 1,
            }
        }
    }
    let server = Server::start_on(folder.path(), &[]);
    for id in &acknowledged {
        let image = server.settled(id).await;
        assert!(image["error"].is_null(), "{id}: {image}");
    }
    replays_equal(&server);
    eprintln!(
        "sigterm: seed {seed}, {stops} stops, {} acknowledged and delivered, {failed} not accepted \
         any more, 0 lost, slowest stop {slowest:.2?}",
        acknowledged.len()
    );
}

/// Starts, lets writers upload, and stops in the middle.
async fn stop_once(
    folder: &Path,
    round: usize,
    moment: Duration,
) -> (Vec<Sent>, Instant, Duration) {
    let mut server = Server::start_on(folder, &[]);
    if round == 0 {
        server.space(1).await;
    }
    let sent = Arc::new(Mutex::new(Vec::new()));
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (base, sent) = (server.base.clone(), Arc::clone(&sent));
            tokio::spawn(async move { write(&base, &format!("r{round}-w{writer}"), &sent).await })
        })
        .collect();
    tokio::time::sleep(moment).await;
    let signalled = Instant::now();
    let stopped = tokio::task::spawn_blocking(move || server.terminate());
    let (status, spent) = stopped.await.expect("it ends");
    assert_eq!(status, Some(0));
    assert!(spent < Duration::from_secs(10), "{spent:?}");
    for writer in writers {
        writer.await.expect("a writer ends with the server");
    }
    let sent = std::mem::take(&mut *sent.lock().expect("no panic"));
    (sent, signalled, spent)
}

/// Uploads slowly, each over a connection of its own, until the server is gone.
async fn write(base: &str, prefix: &str, sent: &Mutex<Vec<Sent>>) {
    for n in 0.. {
        let id = format!("{prefix}-{n}");
        let http = reqwest::Client::builder().pool_max_idle_per_host(0).build();
        let request = http.expect("a client").put(format!("{base}{}/content", image_path(&id)));
        let request = request.basic_auth(KEY, Some(SECRET)).timeout(PATIENCE);
        let body = reqwest::Body::wrap_stream(in_pieces(png(120, 80)));
        let begun = Instant::now();
        let ended = match request.body(body).send().await {
            Ok(answer) => Ok(answer.status().as_u16()),
            Err(error) => Err(format!("{error:?}")),
        };
        let is_gone = ended.is_err();
        sent.lock().expect("no panic").push(Sent { id, begun, ended });
        if is_gone {
            return;
        }
    }
}

/// A body that takes its time.
fn in_pieces(bytes: Vec<u8>) -> impl futures::Stream<Item = std::io::Result<Bytes>> {
    let length = bytes.len().div_ceil(5);
    let pieces: Vec<Bytes> = bytes.chunks(length).map(Bytes::copy_from_slice).collect();
    futures::stream::unfold(pieces.into_iter(), |mut pieces| async move {
        let piece = pieces.next()?;
        tokio::time::sleep(Duration::from_millis(40)).await;
        Some((Ok(piece), pieces))
    })
}

/// An upload that never ends.
fn hang(server: &Server) -> tokio::task::JoinHandle<()> {
    let request = reqwest::Client::new().put(format!("{}{}/content", server.base, image_path("x")));
    let endless = futures::stream::unfold((), |()| async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        Some((Ok::<_, std::io::Error>(Bytes::from_static(b"x")), ()))
    });
    let request = request.basic_auth(KEY, Some(SECRET)).body(reqwest::Body::wrap_stream(endless));
    tokio::spawn(async move { drop(request.send().await) })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_never_ends_keeps_no_server_beyond_10_seconds_and_a_second_signal_is_final()
{
    if !stores::are_embedded() {
        return;
    }
    let (mut patient, mut hurried) = (Server::start(), Server::start());
    for server in [&patient, &hurried] {
        server.space(1).await;
    }
    let hanging = [hang(&patient), hang(&hurried)];
    tokio::time::sleep(Duration::from_millis(300)).await;
    let first = tokio::task::spawn_blocking(move || patient.terminate());
    let pid = hurried.pid().to_string();
    let signalled = std::process::Command::new("kill").args(["-TERM", &pid]).status();
    assert!(signalled.expect("kill runs").success());
    tokio::time::sleep(Duration::from_millis(300)).await;
    let second = tokio::task::spawn_blocking(move || hurried.terminate());
    let (status, spent) = second.await.expect("it ends");
    assert_eq!(status, Some(1), "the second signal ends it");
    // Far from the 10 seconds that the other one has, also where the machine stands still for a moment.
    assert!(spent < Duration::from_secs(4), "{spent:?}");
    let (status, spent) = first.await.expect("it ends");
    assert_eq!(status, Some(0));
    assert!(spent < Duration::from_secs(10), "{spent:?}");
    hanging.into_iter().for_each(|it| it.abort());
}
