//! The port's suite over a real server, and a server that fails.

use super::*;
use crate::settings::{Credentials, Patience, Secret};
use crate::testing::{Fault, SECRET_KEY, TestStore};
use crate::upload::PART_BYTES;
use dlcs_objects::memory::MemoryObjects;
use dlcs_objects::{Digest, conformance};
use std::sync::atomic::AtomicUsize;
use std::time::Instant;

fn patience() -> Patience {
    let ms = Duration::from_millis;
    Patience { connect: ms(500), small: ms(500), large: ms(5_000), retry_within: ms(1_500) }
}

async fn open(settings: S3Settings) -> S3Objects {
    let staging = Arc::new(MemoryObjects::new(std::env::temp_dir()));
    let settings = S3Settings { patience: patience(), ..settings };
    S3Objects::open(&settings, staging).await.expect("the settings can be used")
}

fn key(name: &str) -> ObjectKey {
    ObjectKey::original(&Digest::of(name.as_bytes()))
}

fn some_bytes(length: u64) -> Bytes {
    (0..length).map(|n| (n.wrapping_mul(n) >> 7) as u8).collect::<Vec<u8>>().into()
}

async fn staged(store: &S3Objects, bytes: &[u8]) -> Staged {
    let staged = store.stage().await.unwrap();
    std::fs::write(staged.path(), bytes).unwrap();
    staged
}

#[tokio::test(flavor = "multi_thread")]
async fn passes_the_suite_of_the_port() {
    let server = TestStore::start();
    let made = AtomicUsize::new(0);
    for cache_bytes in [0, 8 << 20] {
        conformance::objects(async || {
            let prefix = format!("part/{}", made.fetch_add(1, Ordering::SeqCst));
            open(S3Settings { cache_bytes, ..server.settings(&prefix) }).await
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_lie_below_the_prefix_or_at_the_top() {
    let server = TestStore::start();
    for (prefix, name) in [("a/b", format!("a/b/{}", key("x"))), ("", key("x").to_string())] {
        let store = open(server.settings(prefix)).await;
        store.put(&key("x"), Bytes::from_static(b"x")).await.unwrap();
        assert_eq!(std::fs::read(server.file(&name)).unwrap(), b"x");
        store.check().await.unwrap();
        store.probe().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_file_goes_up_in_parts_and_comes_down_in_pieces() {
    let server = TestStore::start();
    let store = open(server.settings("p")).await;
    let bytes = some_bytes(2 * PART_BYTES + 12_345);
    store.keep(staged(&store, &bytes).await, &key("big")).await.unwrap();
    assert_eq!(server.requests("POST"), 2, "an upload is begun and completed");
    assert_eq!(server.requests("PUT"), 3, "three parts");
    assert_eq!(store.length(&key("big")).await.unwrap(), Some(bytes.len() as u64));
    let range = PART_BYTES - 7..PART_BYTES + 9;
    let read = store.get_range(&key("big"), range.clone()).await.unwrap();
    assert_eq!(read, bytes[range.start as usize..range.end as usize]);
    assert!(store.get(&key("big")).await.unwrap() == bytes);
    let file = store.local_file(&key("big")).await.unwrap();
    assert!(std::fs::read(file.path()).unwrap() == bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_was_cut_is_sent_again() {
    let server = TestStore::start();
    let store = open(server.settings("p")).await;
    let bytes = some_bytes(PART_BYTES + 1);
    server.fail_next("PUT", &[Fault::RequestCut, Fault::Refused, Fault::AnswerLost]);
    store.keep(staged(&store, &bytes).await, &key("big")).await.unwrap();
    assert!(store.get(&key("big")).await.unwrap() == bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_of_which_the_end_is_not_known_is_made_again() {
    let server = TestStore::start();
    let store = open(server.settings("p")).await;
    let bytes = some_bytes(PART_BYTES + 1);
    let as_usual = Fault::Slow(Duration::ZERO);
    server.fail_next("POST", &[as_usual, Fault::AnswerLost]);
    store.keep(staged(&store, &bytes).await, &key("big")).await.unwrap();
    assert!(store.get(&key("big")).await.unwrap() == bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_fails_leaves_nothing_behind() {
    let server = TestStore::start();
    let store = open(server.settings("p")).await;
    let staged = staged(&store, &some_bytes(PART_BYTES + 1)).await;
    let path = staged.path().to_owned();
    server.fail_next("PUT", &[Fault::Refused; 50]);
    let error = store.keep(staged, &key("big")).await.unwrap_err();
    assert!(matches!(error, ObjectError::Unavailable(_)), "{error}");
    assert!(!path.exists(), "the local file has gone");
    assert_eq!(server.requests("DELETE"), 1, "the upload is given up");
    assert_eq!(store.length(&key("big")).await.unwrap(), None, "nobody sees half of it");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_passes_is_tried_again() {
    let server = TestStore::start();
    let store = open(server.settings("p")).await;
    let bytes = some_bytes(700_000);
    let slow = Fault::Slow(Duration::from_secs(20));
    for fault in [Fault::RequestCut, Fault::Refused, Fault::AnswerLost, slow] {
        server.fail_next("PUT", &[fault]);
        store.put(&key("a"), bytes.clone()).await.unwrap_or_else(|it| panic!("{fault:?}: {it}"));
    }
    for fault in [Fault::AnswerCut(100_000), Fault::Refused, Fault::AnswerLost, slow] {
        server.fail_next("GET", &[fault]);
        let read = store.get(&key("a")).await.unwrap_or_else(|it| panic!("{fault:?}: {it}"));
        assert!(read == bytes, "{fault:?}");
        server.fail_next("GET", &[fault]);
        let read = store.get_range(&key("a"), 5..600_000).await;
        let read = read.unwrap_or_else(|it| panic!("{fault:?}: {it}"));
        assert!(read == bytes[5..600_000], "{fault:?}");
        server.fail_next("GET", &[fault]);
        let file = store.local_file(&key("a")).await;
        let file = file.unwrap_or_else(|it| panic!("{fault:?}: {it}"));
        assert!(std::fs::read(file.path()).unwrap() == bytes, "{fault:?}");
    }
    server.fail_next("DELETE", &[Fault::Refused, Fault::AnswerLost]);
    store.remove(&key("a")).await.unwrap();
    assert_eq!(store.length(&key("a")).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_away_is_told_in_time_and_used_again() {
    let server = TestStore::start();
    let store = open(server.settings("p")).await;
    store.put(&key("a"), Bytes::from_static(b"a")).await.unwrap();
    server.set_away(true);
    let begun = Instant::now();
    let read = store.get(&key("a")).await;
    assert!(matches!(read, Err(ObjectError::Unavailable(_))), "{read:?}");
    let kept = store.put(&key("b"), Bytes::from_static(b"b")).await;
    assert!(matches!(kept, Err(ObjectError::Unavailable(_))), "{kept:?}");
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    server.set_away(false);
    assert_eq!(store.get(&key("a")).await.unwrap(), &b"a"[..]);
    assert_eq!(store.length(&key("b")).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn whether_it_is_away_is_seen() {
    let server = TestStore::start();
    let store = open(server.settings("p")).await;
    server.set_away(true);
    let watching = store.clone();
    let watch = tokio::spawn(async move { watching.watch().await });
    let until = async |is_away| {
        let begun = Instant::now();
        while store.is_away() != is_away {
            assert!(begun.elapsed() < Duration::from_secs(10), "is_away is not {is_away}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    until(true).await;
    server.set_away(false);
    until(false).await;
    watch.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_said_with_what_to_do() {
    let server = TestStore::start();
    let right = server.settings("p");
    let with_key = |access_key: &str, secret: &str| Credentials::Key {
        access_key: access_key.to_owned(),
        secret_key: Secret(secret.to_owned()),
        session_token: None,
    };
    let nowhere = "http://127.0.0.1:1/".parse().unwrap();
    for (settings, expected) in [
        (S3Settings { bucket: "none".to_owned(), ..right.clone() }, "no such bucket"),
        (
            S3Settings {
                credentials: with_key("test-access-key", "wrong-secret"),
                ..right.clone()
            },
            "`--objects-secret-key`",
        ),
        (
            S3Settings { credentials: with_key("nobody", SECRET_KEY), ..right.clone() },
            "`--objects-access-key`",
        ),
        (S3Settings { endpoint: Some(nowhere), ..right.clone() }, "127.0.0.1:1"),
    ] {
        let store = open(settings).await;
        let mut all = vec![store.check().await, store.probe().await];
        // Where the bucket is missing, this server makes it for whatever is put, and says of any
        // object that it is missing.
        if expected != "no such bucket" {
            all.push(store.put(&key("a"), Bytes::from_static(b"a")).await);
            all.push(store.get(&key("a")).await.map(drop));
        }
        for tried in all {
            let error = tried.expect_err(expected);
            assert!(matches!(error, ObjectError::Unavailable(_)), "{error:?}");
            let text = error.to_string();
            assert!(text.contains(expected), "{expected}: {text}");
            assert!(!text.contains("wrong-secret") && !text.contains(SECRET_KEY), "{text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tiles_near_each_other_are_one_request() {
    let server = TestStore::start();
    let store = open(S3Settings { cache_bytes: 8 << 20, ..server.settings("p") }).await;
    let key = ObjectKey::derivative("1/1/a", 1, 1);
    let bytes = some_bytes(900_000);
    store.keep(staged(&store, &bytes).await, &key).await.unwrap();
    for start in (0..800_000).step_by(40_000) {
        let read = store.get_range(&key, start..start + 30_000).await.unwrap();
        assert!(read == bytes[start as usize..start as usize + 30_000]);
    }
    assert_eq!(server.requests("GET"), 2, "there are two blocks");
    server.set_away(true);
    assert!(store.get_range(&key, 0..1_000).await.unwrap() == bytes[..1_000], "it is kept here");
    server.set_away(false);
    store.put(&key, Bytes::from_static(b"other")).await.unwrap();
    assert_eq!(store.get_range(&key, 0..1_000).await.unwrap(), &b"other"[..]);
    store.remove(&key).await.unwrap();
    assert!(matches!(store.get_range(&key, 0..9).await, Err(ObjectError::NotFound(_))));
}
