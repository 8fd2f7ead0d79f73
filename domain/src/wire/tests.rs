//! Every form of every event, against its golden file.

use super::{
    DomainEvent, EVENT_TYPES, ForeignEvent, Stored, Upcaster, WireError, decode, decode_with,
    encode,
};
use crate::asset::{AssetEvent, IngestStarted};
use crate::name::{NameEvent, NameReserved};
use crate::space::SpaceEvent;
use serde_json::json;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn golden_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/events")
}

#[test]
fn every_type_has_a_golden_file_that_decodes_and_encodes_to_the_same_bytes() {
    for (type_name, schema_version) in EVENT_TYPES {
        let path = golden_folder().join(type_name).join(format!("v{schema_version}.json"));
        let golden = std::fs::read(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
        let golden = golden.trim_ascii_end();
        let events = decode(type_name, *schema_version, golden).expect(type_name);
        let [event] = events.as_slice() else { panic!("{type_name} gives one event") };
        let encoded = encode(event);
        assert_eq!((encoded.type_name, encoded.schema_version), (*type_name, *schema_version));
        assert_eq!(String::from_utf8_lossy(&encoded.payload), String::from_utf8_lossy(golden));
    }
}

#[test]
fn every_golden_file_of_any_version_decodes() {
    let mut seen = BTreeSet::new();
    for folder in std::fs::read_dir(golden_folder()).expect("golden files") {
        let folder = folder.expect("golden files");
        let type_name = folder.file_name().into_string().expect("type names are text");
        for file in std::fs::read_dir(folder.path()).expect("golden files") {
            let path = file.expect("golden files").path();
            let stem = path.file_stem().and_then(|it| it.to_str()).expect("a version");
            // `v1-with-languages` is another golden file of version 1.
            let (version, _) = stem.split_once('-').unwrap_or((stem, ""));
            let version = version.trim_start_matches('v').parse().expect("a version");
            let golden = std::fs::read(&path).expect("golden files");
            let events = decode(&type_name, version, &golden).expect(&type_name);
            if let [event] = events.as_slice()
                && event.event_type().1 == version
            {
                let encoded = encode(event).payload;
                assert_eq!(encoded, golden.trim_ascii_end(), "{}", path.display());
            }
        }
        seen.insert(type_name);
    }
    let known: BTreeSet<_> = EVENT_TYPES.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(seen, known);
}

#[test]
fn null_in_a_patch_clears_and_survives() {
    let payload = br#"{"string1":null,"number2":7}"#;
    let events = decode("asset.metadata_changed", 1, payload).expect("a patch");
    assert_eq!(encode(&events[0]).payload, payload);
}

#[test]
fn the_type_name_decides_between_equal_payloads() {
    let payload = br#"{"owner":"space-1/2"}"#;
    let reserved = decode("name.reserved", 1, payload).expect("known");
    let released = decode("name.released", 1, payload).expect("known");
    assert_eq!(reserved[0].type_name(), "name.reserved");
    assert_eq!(released[0].type_name(), "name.released");
}

#[test]
fn fields_that_are_not_known_are_no_harm() {
    let payload = br#"{"attempt":1,"weather":"fine"}"#;
    let expected = DomainEvent::Asset(AssetEvent::IngestStarted(IngestStarted { attempt: 1 }));
    assert_eq!(decode("asset.ingest_started", 1, payload).expect("known"), [expected]);
}

#[test]
fn what_is_not_known_is_said() {
    let newer = decode("asset.deleted", 2, b"{}").expect_err("newer than this program");
    assert!(matches!(newer, WireError::Unknown { schema_version: 2, .. }));
    let other = decode("asset.vanished", 1, b"{}").expect_err("no such type");
    assert!(matches!(other, WireError::Unknown { .. }));
    let broken = decode("asset.deleted", 1, b"{").expect_err("no JSON");
    assert!(matches!(broken, WireError::Malformed { .. }));
}

#[test]
fn an_event_knows_its_aggregate() {
    let event = NameEvent::Reserved(NameReserved { owner: "space-1/2".to_owned() });
    let any = DomainEvent::from(event.clone());
    assert_eq!(SpaceEvent::try_from(any.clone()), Err(ForeignEvent("name.reserved")));
    assert_eq!(NameEvent::try_from(any), Ok(event));
}

/// `name.held` version 0 became version 1, which was split into taking and giving back.
const HISTORY: &[Upcaster] = &[
    Upcaster {
        type_name: "name.held",
        schema_version: 0,
        upcast: |it| {
            let owner = it.payload.get("who").ok_or("nobody held it")?.clone();
            let payload = json!({ "owner": owner });
            Ok(vec![Stored { schema_version: 1, payload, ..it }])
        },
    },
    Upcaster {
        type_name: "name.held",
        schema_version: 1,
        upcast: |it| {
            let part = |name: &str| Stored { type_name: name.to_owned(), ..it.clone() };
            Ok(vec![part("name.reserved"), part("name.released")])
        },
    },
    Upcaster { type_name: "name.sneezed", schema_version: 1, upcast: |_| Ok(vec![]) },
    Upcaster { type_name: "name.circled", schema_version: 1, upcast: |it| Ok(vec![it]) },
];

#[test]
fn an_old_form_goes_through_every_step_to_several_events_or_none() {
    let events = decode_with(HISTORY, "name.held", 0, br#"{"who":"space-1/2"}"#).expect("known");
    let types: Vec<_> = events.iter().map(DomainEvent::type_name).collect();
    assert_eq!(types, ["name.reserved", "name.released"]);
    assert_eq!(decode_with(HISTORY, "name.sneezed", 1, b"{}").expect("known"), []);
}

#[test]
fn a_step_may_fail_and_a_circle_ends() {
    let failed = decode_with(HISTORY, "name.held", 0, b"{}").expect_err("nobody held it");
    assert!(matches!(failed, WireError::Upcast { reason, .. } if reason == "nobody held it"));
    let circle = decode_with(HISTORY, "name.circled", 1, b"{}").expect_err("it never ends");
    assert!(matches!(circle, WireError::Upcast { .. }));
}
