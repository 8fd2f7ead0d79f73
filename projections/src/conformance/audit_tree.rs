//! The Merkle tree over the history.

use super::Store;
use super::given::{Given, customer_created};
use crate::audit_tree::{self, Hash, Plan, TileId, TreeRow};
use dlcs_audit::tree::{Tree, leaf_hash, verify_consistency, verify_inclusion};
use dlcs_eventlog::Position;

/// Events: one whole tile of hashes, and the beginning of another.
const EVENTS: u32 = 300;

pub(super) async fn the_tree_is_that_of_the_log<S: Store>(given: &Given<S>) {
    let tree = given.queries().audit_tree;
    assert_eq!(tree.tree().await.expect("the query works"), TreeRow::default());
    let empty = audit_tree::root(&*tree, 0).await.expect("the query works");
    assert_eq!(empty, Some(dlcs_audit::tree::empty_root()));
    assert!(tree.entries(0, 10).await.expect("the query works").is_empty());
    let (mut grown, mut roots, mut records): (_, Vec<(u64, Hash)>, Vec<String>) =
        (Tree::default(), Vec::new(), Vec::new());
    let mut position = Position::START;
    for number in 1..=EVENTS {
        let created = customer_created(&format!("customer {number}"));
        given.happened(&format!("customer-{number}"), created).await;
        // Pieces of all sizes, one of them over the end of a tile.
        if [1, 2, 7, 100, 250, 299].contains(&number) {
            given.catch_up().await;
        }
    }
    let end = given.catch_up().await;
    for event in given.log.read_all(position, 1_000).await.expect("the log can be read") {
        let id = event.event_id.0.to_string();
        let record = audit_tree::leaf(&event, grown.size(), &id).record();
        grown.push(leaf_hash(record.as_bytes()));
        roots.push((grown.size(), grown.root()));
        records.push(record);
        position = event.position;
    }
    let row = tree.tree().await.expect("the query works");
    assert_eq!(row, TreeRow { size: EVENTS.into(), position: end.0 });
    assert_eq!(position, end);
    for (size, expected) in &roots {
        let root = audit_tree::root(&*tree, *size).await.expect("the query works");
        assert_eq!(root, Some(*expected), "of {size}");
    }
    let beyond = audit_tree::root(&*tree, row.size + 1).await.expect("the query works");
    assert_eq!(beyond, None);
    let entries = tree.entries(0, 1_000).await.expect("the query works");
    assert!(entries.iter().map(|it| it.index).eq(0..row.size));
    assert!(entries.iter().map(|it| &it.record).eq(&records));
    let some = tree.entries(255, 257).await.expect("the query works");
    assert_eq!(some, entries[255..257]);
    prove(&*tree, &records, &roots).await;
}

async fn prove(tree: &dyn audit_tree::AuditTree, records: &[String], roots: &[(u64, Hash)]) {
    let (size, root) = roots.last().expect("events");
    let width = async |level, index| {
        let tile = tree.tile(TileId { level, index }).await.expect("the query works");
        tile.map(|it| it.hashes.len())
    };
    assert_eq!(width(0, 0).await, Some(256));
    assert_eq!(width(0, 1).await, Some(44));
    assert_eq!(width(1, 0).await, Some(1));
    assert_eq!((width(0, 2).await, width(1, 1).await, width(2, 0).await), (None, None, None));
    for (index, record) in (0..).zip(records) {
        let plan = Plan::inclusion(index, *size).expect("it is there");
        let proof = audit_tree::hashes(tree, &plan).await.expect("the query works").expect("tiles");
        assert!(verify_inclusion(&leaf_hash(record.as_bytes()), index, *size, &proof, root));
    }
    for (old, then) in roots {
        let plan = Plan::consistency(*old, *size).expect("not larger");
        let proof = audit_tree::hashes(tree, &plan).await.expect("the query works").expect("tiles");
        assert!(verify_consistency((*old, then), (*size, root), &proof), "{old}");
    }
}
