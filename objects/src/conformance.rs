//! What every adapter must pass. Each case panics with what was wrong.
//!
//! ```
//! # use dlcs_objects::{conformance, memory::MemoryObjects};
//! # let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
//! # runtime.block_on(async {
//! conformance::objects(async || MemoryObjects::new(std::env::temp_dir())).await;
//! # });
//! ```

use crate::digest::Digest;
use crate::key::ObjectKey;
use crate::store::{ObjectError, Objects, Staged};
use bytes::Bytes;
use futures::future::join_all;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Runs every case. `make` gives an empty store.
pub async fn objects<O: Objects>(make: impl AsyncFn() -> O) {
    a_blob_is_read_as_it_was_written(&make().await).await;
    ranges_are_cut_at_the_end(&make().await).await;
    a_missing_blob_is_said_to_be_missing(&make().await).await;
    a_staged_file_becomes_the_blob(&make().await).await;
    a_staged_file_that_is_not_kept_goes(&make().await).await;
    a_blob_can_be_replaced(&make().await).await;
    a_blob_can_be_removed_more_than_once(&make().await).await;
    a_local_file_has_the_bytes(&make().await).await;
    kinds_of_keys_do_not_meet(&make().await).await;
    a_blob_is_there_whole_or_not_at_all(make().await).await;
}

fn key(name: &str) -> ObjectKey {
    ObjectKey::original(&Digest::of(name.as_bytes()))
}

async fn put(store: &impl Objects, key: &ObjectKey, bytes: &[u8]) {
    store.put(key, Bytes::copy_from_slice(bytes)).await.expect("a blob can be written");
}

async fn get(store: &impl Objects, key: &ObjectKey) -> Bytes {
    store.get(key).await.expect("the blob is there")
}

async fn staged(store: &impl Objects, bytes: &[u8]) -> Staged {
    let staged = store.stage().await.expect("a file can be staged");
    let length = std::fs::metadata(staged.path()).expect("the file exists").len();
    assert_eq!(length, 0, "a staged file is empty");
    std::fs::write(staged.path(), bytes).expect("the file can be written");
    staged
}

async fn a_blob_is_read_as_it_was_written(store: &impl Objects) {
    let big: Vec<u8> = (0..3_000_000_u32).map(|n| (n.wrapping_mul(n) >> 7) as u8).collect();
    for (name, bytes) in [("empty", &b""[..]), ("one", b"\0"), ("text", b"text\r\n"), ("big", &big)]
    {
        put(store, &key(name), bytes).await;
        assert_eq!(get(store, &key(name)).await, bytes, "{name}");
        let length = store.length(&key(name)).await.expect("the length can be asked for");
        assert_eq!(length, Some(bytes.len() as u64), "{name}");
    }
}

async fn ranges_are_cut_at_the_end(store: &impl Objects) {
    put(store, &key("a"), b"0123456789").await;
    for (range, expected) in [
        (0..10, "0123456789"),
        (0..0, ""),
        (3..5, "34"),
        (9..10, "9"),
        (8..100, "89"),
        (0..u64::MAX, "0123456789"),
        (10..20, ""),
        (11..20, ""),
        (u64::MAX - 1..u64::MAX, ""),
    ] {
        let read = store.get_range(&key("a"), range.clone()).await;
        assert_eq!(read.expect("a range can be read"), expected, "{range:?}");
    }
}

async fn a_missing_blob_is_said_to_be_missing(store: &impl Objects) {
    put(store, &key("another"), b"x").await;
    let missing = key("missing");
    let name = missing.to_string();
    let is_missing =
        |error: &ObjectError| matches!(error, ObjectError::NotFound(it) if *it == name);
    let error = store.get(&missing).await.expect_err("is missing");
    assert!(is_missing(&error), "{error:?}");
    let error = store.get_range(&missing, 0..1).await.expect_err("is missing");
    assert!(is_missing(&error), "{error:?}");
    let error = store.local_file(&missing).await.expect_err("is missing");
    assert!(is_missing(&error), "{error:?}");
    assert_eq!(store.length(&missing).await.expect("is no error"), None);
}

async fn a_staged_file_becomes_the_blob(store: &impl Objects) {
    let first = staged(store, b"first").await;
    let second = staged(store, b"second").await;
    assert_ne!(first.path(), second.path(), "each has its own name");
    let path = first.path().to_owned();
    assert_eq!(store.length(&key("a")).await.expect("is no error"), None, "not yet");
    store.keep(first, &key("a")).await.expect("a staged file can be kept");
    assert!(!path.exists(), "nothing is left where it was staged");
    assert_eq!(get(store, &key("a")).await, &b"first"[..]);
    // The blob stays when the store is asked for more.
    store.keep(second, &key("b")).await.expect("a staged file can be kept");
    assert_eq!(get(store, &key("a")).await, &b"first"[..]);
    assert_eq!(get(store, &key("b")).await, &b"second"[..]);
    let derivative = ObjectKey::derivative("1/2/../page 7", 3, 1);
    store.keep(staged(store, b"tiles").await, &derivative).await.expect("any kind of key");
    assert_eq!(get(store, &derivative).await, &b"tiles"[..]);
}

async fn a_staged_file_that_is_not_kept_goes(store: &impl Objects) {
    let staged = staged(store, b"half").await;
    let path = staged.path().to_owned();
    assert!(path.exists());
    drop(staged);
    assert!(!path.exists(), "nothing is left behind");
}

async fn a_blob_can_be_replaced(store: &impl Objects) {
    put(store, &key("a"), b"a long first one").await;
    assert_eq!(get(store, &key("a")).await, &b"a long first one"[..]);
    put(store, &key("a"), b"second").await;
    assert_eq!(get(store, &key("a")).await, &b"second"[..]);
    let tail = store.get_range(&key("a"), 3..100).await;
    assert_eq!(tail.expect("a range can be read"), &b"ond"[..]);
    store.keep(staged(store, b"third").await, &key("a")).await.expect("keeping replaces");
    assert_eq!(get(store, &key("a")).await, &b"third"[..]);
    let length = store.length(&key("a")).await.expect("the length can be asked for");
    assert_eq!(length, Some(5));
}

async fn a_blob_can_be_removed_more_than_once(store: &impl Objects) {
    put(store, &key("a"), b"x").await;
    put(store, &key("b"), b"y").await;
    assert_eq!(get(store, &key("a")).await, &b"x"[..]);
    for _ in 0..2 {
        store.remove(&key("a")).await.expect("removing is no error");
        let read = store.get_range(&key("a"), 0..1).await;
        assert!(matches!(read, Err(ObjectError::NotFound(_))), "{read:?}");
    }
    assert_eq!(get(store, &key("b")).await, &b"y"[..], "another one stays");
    put(store, &key("a"), b"again").await;
    assert_eq!(get(store, &key("a")).await, &b"again"[..]);
}

async fn a_local_file_has_the_bytes(store: &impl Objects) {
    put(store, &key("a"), b"pixels").await;
    let file = store.local_file(&key("a")).await.expect("the blob is there");
    assert_eq!(std::fs::read(file.path()).expect("the file can be read"), b"pixels");
    drop(file);
    assert_eq!(get(store, &key("a")).await, &b"pixels"[..], "the blob outlives it");
}

async fn kinds_of_keys_do_not_meet(store: &impl Objects) {
    let digest = Digest::of(b"x");
    let keys = [
        ObjectKey::original(&digest),
        ObjectKey::document(&digest),
        ObjectKey::derivative("1/2/x", 1, 1),
        ObjectKey::derivative("1/2/x", 1, 2),
        ObjectKey::derivative("1/2/x", 2, 1),
        ObjectKey::derivative("1/2/X", 1, 1),
    ];
    for key in &keys {
        put(store, key, key.as_str().as_bytes()).await;
    }
    for key in &keys {
        assert_eq!(get(store, key).await, key.as_str().as_bytes());
    }
}

/// Many write one key at once while others read it: each read sees one whole version.
async fn a_blob_is_there_whole_or_not_at_all(store: impl Objects) {
    const WRITERS: u8 = 8;
    const LENGTH: usize = 200_000;
    let store = Arc::new(store);
    let is_done = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..4)
        .map(|_| {
            let (store, is_done) = (Arc::clone(&store), Arc::clone(&is_done));
            tokio::spawn(async move {
                while !is_done.load(Ordering::Relaxed) {
                    match store.get(&key("a")).await {
                        Ok(bytes) => assert_whole(&bytes, LENGTH),
                        Err(ObjectError::NotFound(_)) => {}
                        Err(error) => panic!("{error}"),
                    }
                    // A store may answer without ever waiting.
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    let writers = (0..WRITERS).map(|writer| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            for round in 0..4 {
                let bytes = vec![writer; LENGTH];
                if round % 2 == 0 {
                    put(&*store, &key("a"), &bytes).await;
                } else {
                    let staged = staged(&*store, &bytes).await;
                    store.keep(staged, &key("a")).await.expect("a staged file can be kept");
                }
            }
        })
    });
    for writer in join_all(writers).await {
        writer.expect("a writer ends well");
    }
    is_done.store(true, Ordering::Relaxed);
    for reader in readers {
        reader.await.expect("a reader sees whole blobs");
    }
    assert_whole(&get(&*store, &key("a")).await, LENGTH);
}

fn assert_whole(bytes: &[u8], length: usize) {
    assert_eq!(bytes.len(), length);
    assert!(bytes.iter().all(|byte| *byte == bytes[0]), "a mix of two versions");
}
