//! Whatever is done to an export is found.

use super::{Content, Dump, Exporter, Finding, Verified, Verifier};
use crate::leaf::Leaf;
use crate::note::{Checkpoint, SigningKey, VerifierKey};
use proptest::prelude::*;

fn key() -> SigningKey {
    SigningKey::new("dlcs.example/audit", [7; 32]).expect("a name")
}

/// A history of so many events; `salt` makes another one.
fn exported(events: u64, salt: &str) -> String {
    let mut exporter = Exporter::new(Vec::new(), "test").expect("memory");
    for index in 0..events {
        let payload = format!("{{\"n\":{index},\"salt\":\"{salt}\"}}");
        let leaf = Leaf {
            index,
            position: index * 2 + 1,
            event_id: "0198f2a6-c0de-7000-a000-000000000001",
            stream: "asset-1/2/a „b“",
            revision: index,
            type_name: "asset.registered",
            schema_version: 1,
            recorded_at_us: 1_000 + i64::try_from(index / 3).expect("small"),
            payload: payload.as_bytes(),
            metadata: b"{\"actor\":\"key-1\"}",
        };
        exporter.event(&leaf).expect("memory");
    }
    for (key, bytes) in blobs() {
        exporter.blob(&key, bytes).expect("memory");
    }
    let dump = Dump {
        projection: "assets".to_owned(),
        version: 2,
        position: events * 2,
        digest: "ab".repeat(32),
    };
    let out = exporter.finish(&[dump], &key()).expect("memory");
    String::from_utf8(out).expect("JSON")
}

/// Two blobs, by key.
fn blobs() -> [(String, &'static [u8]); 2] {
    let keyed = |kind: &str, bytes: &'static [u8]| {
        (format!("{kind}/{}", hex::encode(<sha2::Sha256 as sha2::Digest>::digest(bytes))), bytes)
    };
    [keyed("documents", b"{}"), keyed("texts", b"\xff\x00")]
}

fn verified(file: &str, old: Option<Checkpoint>) -> Result<Verified, Finding> {
    let mut verifier = Verifier::new(Some(key().verifier()), old);
    for line in file.lines() {
        verifier.line(line)?;
    }
    verifier.finish()
}

/// The checkpoint of the first events of a history.
fn checkpoint(events: u64, salt: &str) -> Checkpoint {
    let file = exported(events, salt);
    verified(&file, None).expect("it is as it was written").checkpoint
}

#[test]
fn what_a_file_says_is_read() {
    let file = exported(3, "");
    let contents: Vec<Content> = file.lines().filter_map(Content::read).collect();
    let Content::Event(last) = &contents[2] else { panic!("{contents:?}") };
    assert_eq!((last.position, &*last.stream, last.revision), (5, "asset-1/2/a „b“", 2));
    assert_eq!(last.payload, "{\"n\":2,\"salt\":\"\"}");
    let expected = blobs().map(|(key, bytes)| Content::Blob { key, bytes: bytes.to_vec() });
    assert_eq!(contents[3..], expected);
    let verified = verified(&file, None).expect("as it was written");
    assert_eq!((verified.blobs, verified.dumps.len()), (2, 1));
    assert_eq!((&*verified.dumps[0].projection, verified.dumps[0].position), ("assets", 6));
}

/// Also where the seal would say so too: it names the blob.
#[test]
fn a_blob_that_is_another_one_is_named() {
    let file = exported(1, "");
    let [(document, _), _] = blobs();
    let changed = file.replacen("\"bytes\":\"e30=\"", "\"bytes\":\"e31=\"", 1);
    let finding = verified(&changed, None).expect_err("it was changed");
    assert!(finding.what.contains(&document), "{finding}");
    let twice: Vec<&str> = file
        .lines()
        .flat_map(|it| {
            let count = if it.contains(&document) { 2 } else { 1 };
            std::iter::repeat_n(it, count)
        })
        .collect();
    let finding = verified(&twice.join("\n"), None).expect_err("it is there twice");
    assert!(finding.what.contains(&document), "{finding}");
}

#[test]
fn what_is_as_it_was_written_is_verified() {
    for events in [0, 1, 2, 255, 256, 257, 700] {
        let verified = verified(&exported(events, ""), None).expect("as it was written");
        assert_eq!(verified.checkpoint.size, events);
        assert_eq!(verified.position, (events * 2).saturating_sub(1));
    }
}

#[test]
fn an_older_checkpoint_must_be_of_the_beginning() {
    let file = exported(300, "");
    for events in [0, 1, 256, 299, 300] {
        assert!(verified(&file, Some(checkpoint(events, ""))).is_ok(), "{events}");
    }
    let other = verified(&file, Some(checkpoint(200, "forked"))).expect_err("another history");
    assert!(other.what.contains("first 200 events"), "{other}");
    let newer = verified(&file, Some(checkpoint(301, ""))).expect_err("a newer one");
    assert!(newer.what.contains("newer"), "{newer}");
}

#[test]
fn another_key_is_not_trusted() {
    let other = SigningKey::new("dlcs.example/audit", [8; 32]).expect("a name");
    let mut verifier = Verifier::new(Some(other.verifier()), None);
    let found = exported(3, "").lines().try_for_each(|line| verifier.line(line));
    assert!(found.expect_err("another key").what.contains("another key"));
    // Without a key of its own the auditor believes the one in the file.
    let mut verifier = Verifier::new(None::<VerifierKey>, None);
    exported(3, "").lines().try_for_each(|line| verifier.line(line)).expect("as it was written");
    assert_eq!(verifier.finish().expect("whole").key, key().verifier());
}

#[test]
fn the_first_wrong_event_is_named() {
    let file = exported(600, "");
    let changed = file.replace("{\\\"n\\\":300,", "{\\\"n\\\":999,");
    assert_ne!(changed, file);
    assert_eq!(verified(&changed, None).expect_err("changed").event, Some(300));
    let lines: Vec<&str> = file.lines().collect();
    let at = lines.iter().position(|line| line.contains("\"index\":41,")).expect("it is there");
    let mut dropped = lines.clone();
    dropped.remove(at);
    assert_eq!(verified(&dropped.join("\n"), None).expect_err("dropped").event, Some(41));
    let mut swapped = lines.clone();
    swapped.swap(at, at + 1);
    assert_eq!(verified(&swapped.join("\n"), None).expect_err("swapped").event, Some(41));
    let mut doubled = lines.clone();
    doubled.insert(at, lines[at]);
    assert_eq!(verified(&doubled.join("\n"), None).expect_err("doubled").event, Some(42));
    let cut = lines[..at].join("\n");
    assert_eq!(verified(&cut, None).expect_err("cut off").event, Some(41));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Each bit of a file counts, wherever it is.
    #[test]
    fn a_bit_that_is_flipped_is_found(at in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let file = exported(270, "");
        let mut bytes = file.clone().into_bytes();
        let at = at.index(bytes.len() - 1);
        bytes[at] ^= 1 << bit;
        if let Ok(changed) = String::from_utf8(bytes) {
            // Another line feed is another line.
            let is_same = changed.lines().eq(file.lines());
            prop_assert!(is_same || verified(&changed, None).is_err(), "bit {bit} of byte {at}");
        }
    }

    #[test]
    fn a_line_that_is_dropped_or_moved_is_found(
        at in any::<prop::sample::Index>(),
        to in any::<prop::sample::Index>(),
    ) {
        let file = exported(270, "");
        let lines: Vec<&str> = file.lines().collect();
        let mut changed = lines.clone();
        let line = changed.remove(at.index(lines.len()));
        prop_assert!(verified(&changed.join("\n"), None).is_err());
        changed.insert(to.index(changed.len() + 1), line);
        prop_assert!(verified(&changed.join("\n"), None).is_err() || changed == lines);
    }
}
