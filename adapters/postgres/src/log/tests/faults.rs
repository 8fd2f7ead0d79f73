//! Lost connections, restarts, locks, a full disk: what was answered is so, and nothing else.

use super::*;
use crate::testing::{Cut, Fsync, Proxy};
use std::time::{Duration, Instant};

/// `RELIABILITY.md`, R8: the answer to a commit is lost, and every append counts once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_answer_is_lost_counts_once() {
    const CUTS: usize = 50;
    let server = TestServer::shared();
    let url = new_database().await;
    let proxy = Proxy::start(server.port());
    let log = Arc::new(open_at(&proxy.url(&url, server.port())).await);
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    eprintln!("seed {seed:#x}");
    for round in 0..CUTS {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        proxy.cut(if seed & 1 == 0 { Cut::AfterCommit } else { Cut::BeforeCommit });
        let writers = (0..4 + seed % 8).map(|writer| {
            let log = Arc::clone(&log);
            let id = (round as u128) << 32 | u128::from(writer) << 4;
            let append = append(&(writer % 3).to_string(), Expected::Any, &[id, id + 1]);
            tokio::spawn(async move { (append.clone(), send(&log, append).await) })
        });
        for answer in futures::future::join_all(writers).await {
            let (append, answer) = answer.unwrap();
            let appended = answer.expect("the line is soon there again");
            let from = StreamRevision(appended.revision.0 - 1);
            let read = log.read_stream(&append.stream, from, 2).await.unwrap();
            assert_eq!(read[0].event_id, append.events[0].event_id);
            assert_eq!(read[1].event_id, append.events[1].event_id);
            assert_eq!(read[1].position, appended.position);
        }
        assert_eq!(proxy.cuts(), round + 1, "this round was cut");
    }
    check_history(&read_everything(&log).await);
}

/// Appends one after another until `end`; returns the ids that were said to be recorded.
async fn append_until(log: Arc<PostgresLog>, writer: u128, end: Instant) -> Vec<EventId> {
    let (mut recorded, mut number) = (Vec::new(), 0);
    while Instant::now() < end {
        let append = append(&(writer % 5).to_string(), Expected::Any, &[writer << 64 | number]);
        let id = append.events[0].event_id;
        // As clients do: the same append again, until the answer is clear.
        loop {
            match send(&log, append.clone()).await {
                Ok(_) | Err(AppendError::Duplicate { .. }) => break recorded.push(id),
                Err(AppendError::Log(LogError::Unavailable(_))) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
        number += 1;
    }
    recorded
}

async fn check_recorded(log: &PostgresLog, recorded: Vec<Vec<EventId>>) {
    let history = read_everything(log).await;
    check_history(&history);
    let mut recorded: Vec<_> = recorded.into_iter().flatten().collect();
    let mut found: Vec<_> = history.iter().map(|it| it.event_id).collect();
    recorded.sort();
    found.sort();
    assert!(recorded == found, "{} were answered, {} are there", recorded.len(), found.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_restarts_loses_and_doubles_nothing() {
    let server = TestServer::start_own(Fsync::On);
    let log = Arc::new(open_at(&server.new_database().await).await);
    let end = Instant::now() + Duration::from_secs(5);
    let writers: Vec<_> =
        (0..8).map(|it| tokio::spawn(append_until(Arc::clone(&log), it, end))).collect();
    let server = tokio::task::spawn_blocking(move || {
        for _ in 0..3 {
            server.restart();
        }
        server
    });
    let server = server.await.unwrap();
    let mut recorded = Vec::new();
    for writer in writers {
        recorded.push(writer.await.unwrap());
    }
    assert!(recorded.iter().all(|it| !it.is_empty()), "every writer got on");
    check_recorded(&log, recorded).await;
    drop(log);
    drop(server);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_the_server_ends_lose_and_double_nothing() {
    let url = new_database().await;
    let log = Arc::new(open_at(&url).await);
    let end = Instant::now() + Duration::from_secs(3);
    let writers: Vec<_> =
        (0..8).map(|it| tokio::spawn(append_until(Arc::clone(&log), it, end))).collect();
    let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid()";
    while Instant::now() < end {
        TestServer::shared().execute(database_name(&url), kill).await;
        tokio::time::sleep(Duration::from_millis(37)).await;
    }
    let mut recorded = Vec::new();
    for writer in writers {
        recorded.push(writer.await.unwrap());
    }
    check_recorded(&log, recorded).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_gone_is_said_in_time_and_found_again() {
    let server = TestServer::start_own(Fsync::On);
    let log = open_at(&server.new_database().await).await;
    send(&log, append("a", Expected::NoStream, &[1])).await.unwrap();
    server.stop();
    let started = Instant::now();
    let refused = send(&log, append("b", Expected::NoStream, &[2])).await;
    assert!(matches!(refused, Err(AppendError::Log(LogError::Unavailable(_)))), "{refused:?}");
    let read = log.read_all(Position::START, 10).await;
    assert!(matches!(read, Err(LogError::Unavailable(_))), "{read:?}");
    assert!(started.elapsed() < Duration::from_secs(6), "{:?}", started.elapsed());
    server.start();
    let appended = send(&log, append("b", Expected::NoStream, &[2])).await.unwrap();
    assert_eq!(appended.position, Position(2));
    assert_eq!(read_everything(&log).await.len(), 2);
}

/// A constraint that only these tests have stands for the server's errors.
async fn refuse_with(url: &str, code: &str, condition: &str) {
    let sql = format!(
        "CREATE OR REPLACE FUNCTION public.fail() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN IF {condition} THEN RAISE EXCEPTION 'as ordered' USING ERRCODE = '{code}'; END IF;
         RETURN NEW; END $$;
         CREATE OR REPLACE TRIGGER fail BEFORE INSERT ON dlcs_log.events
         FOR EACH ROW EXECUTE FUNCTION public.fail()"
    );
    TestServer::shared().execute(database_name(url), &sql).await;
}

#[tokio::test]
async fn a_full_disk_is_said_and_writing_goes_on_when_there_is_room() {
    let url = new_database().await;
    let log = open_at(&url).await;
    refuse_with(&url, "53100", "true").await;
    let batch = vec![append("a", Expected::NoStream, &[1]), append("b", Expected::NoStream, &[2])];
    for answer in log.append(batch.clone()).await {
        assert!(matches!(answer, Err(AppendError::Log(LogError::Full(_)))), "{answer:?}");
    }
    assert_eq!(*log.head_hints().borrow(), Position::START);
    refuse_with(&url, "53100", "false").await;
    for (answer, position) in log.append(batch).await.into_iter().zip(1..) {
        assert_eq!(answer.unwrap().position, Position(position), "nothing of it was left");
    }
}

#[tokio::test]
async fn what_may_pass_is_tried_again() {
    let url = new_database().await;
    let log = open_at(&url).await;
    let sequence = "CREATE SEQUENCE public.tries";
    TestServer::shared().execute(database_name(&url), sequence).await;
    for (code, id) in ["40001", "40P01", "53300", "57P03"].into_iter().zip(0..) {
        // A sequence counts what is rolled back as well.
        refuse_with(&url, code, &format!("nextval('public.tries') % 3 <> {}", 0)).await;
        let appended = send(&log, append("a", Expected::Any, &[id])).await.unwrap();
        assert_eq!(appended.revision, StreamRevision(id as u64), "after {code}");
    }
}

#[tokio::test]
async fn damage_is_called_by_its_name() {
    let url = new_database().await;
    let log = open_at(&url).await;
    refuse_with(&url, "XX001", "true").await;
    let refused = send(&log, append("a", Expected::NoStream, &[1])).await;
    assert!(matches!(refused, Err(AppendError::Log(LogError::Damaged(_)))), "{refused:?}");
}

/// A request that the server refuses for a reason of its own fails alone.
#[tokio::test]
async fn one_that_cannot_be_stored_takes_nobody_along() {
    let url = new_database().await;
    let log = Arc::new(open_at(&url).await);
    refuse_with(&url, "22000", "NEW.type = 'bad'").await;
    let mut bad = append("bad", Expected::NoStream, &[100]);
    bad.events[0].type_name = "bad".into();
    let mut tasks = Vec::new();
    for id in 0..20 {
        let (log, bad) = (Arc::clone(&log), bad.clone());
        let append =
            if id == 10 { bad } else { append(&id.to_string(), Expected::NoStream, &[id]) };
        tasks.push(tokio::spawn(async move { send(&log, append).await }));
    }
    for (task, id) in tasks.into_iter().zip(0..) {
        assert_eq!(task.await.unwrap().is_ok(), id != 10, "append {id}");
    }
    assert_eq!(read_everything(&log).await.len(), 19);
}

/// A process that stops within a transaction holds the lock only for a while.
#[tokio::test]
async fn a_lock_that_is_held_is_waited_for() {
    let url = new_database().await;
    let log = open_at(&url).await;
    let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    client.batch_execute("BEGIN; SELECT FROM dlcs_log.head FOR UPDATE").await.unwrap();
    let appending = send(&log, append("a", Expected::NoStream, &[1]));
    let mut appending = std::pin::pin!(appending);
    let early = tokio::time::timeout(Duration::from_millis(200), &mut appending).await;
    assert!(early.is_err(), "the lock is held");
    drop(client);
    connection.await.unwrap().unwrap();
    assert_eq!(appending.await.unwrap().position, Position(1));
}
