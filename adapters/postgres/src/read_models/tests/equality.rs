//! Rows are equal to those of every other store, whatever clients write into them.

use super::histories::{Happening, happened, histories, log_of};
use super::*;
use dlcs_domain::asset::AssetEvent;
use dlcs_projections::assets::{AssetFilter, AssetOrder};
use dlcs_projections::conformance::given::{id, registration};
use dlcs_projections::feed;
use dlcs_projections::projection::OnPoison;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};

/// Applies a history in pieces of the given sizes, and compares every table with the reference.
async fn check(given: &Given<Temporary>, history: &[Happening], sizes: &[usize]) {
    for happening in history {
        happened(given.log.as_ref(), happening).await;
    }
    for model in given.store.models() {
        let mut from = model.checkpoint().await.unwrap();
        for size in sizes.iter().copied().cycle() {
            let piece = feed::read(given.log.as_ref(), from, size).await.unwrap();
            let Some(piece) = piece else { break };
            model.apply(from, piece.to, piece.events, OnPoison::Park).await.unwrap();
            from = piece.to;
        }
    }
    assert_eq!(unequal(given.log.as_ref(), &given.store.read_models).await, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_histories_give_equal_dumps() {
    let seed: [u8; 32] = rand::random();
    eprintln!("seed: {seed:?}");
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    let mut runner = TestRunner::new_with_rng(proptest::test_runner::Config::default(), rng);
    let given = given().await;
    for sizes in [&[1, 2, 3][..], &[7, 1, 40], &[200]] {
        let history = histories(150).new_tree(&mut runner).unwrap().current();
        check(&given, &history, sizes).await;
    }
    // Whatever became of the others, there is one row to compare.
    given.asset(&id("9/9/certain"), AssetEvent::Registered(registration(1))).await;
    check(&given, &[], &[1]).await;
    let dump = given.model("assets").dump().await.unwrap();
    assert!(dump.tables.iter().any(|it| it.table == "assets" && it.rows > 0), "{dump:?}");
}

#[tokio::test]
async fn a_row_that_was_changed_by_hand_is_found() {
    let given = given_sample().await;
    let (log, read_models) = (given.log.as_ref(), &given.store.read_models);
    assert_eq!(unequal(log, read_models).await, []);
    let change = "UPDATE {assets}.assets SET number1 = number1 + 1 WHERE name = 'page-3'";
    given.store.by_hand(change).await;
    assert_eq!(unequal(log, read_models).await, [("assets".into(), vec!["assets".into()])]);
    for sql in [
        "DELETE FROM {assets}.asset_tags
         WHERE asset = (SELECT min(asset) FROM {assets}.asset_tags)",
        "UPDATE {audit-trail}.audit_trail SET actor = '' WHERE position = 9",
        "UPDATE {batches}.batches SET errors = errors + 1",
        "DELETE FROM {tile-metadata}.images WHERE name = 'page-4'",
    ] {
        given.store.by_hand(sql).await;
    }
    let unequal = unequal(log, read_models).await;
    let names: Vec<_> = unequal.into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["assets", "batches", "tile-metadata", "audit-trail"]);
}

/// PostgreSQL's text holds no U+0000, and its indexes hold no long keys.
#[tokio::test]
async fn text_with_zeros_and_long_text_is_found_again() {
    let given = given().await;
    let long = "x".repeat(100_000);
    let texts = ["\0", "\u{1}", "\u{1}\u{1}", "a\0b", &long, &format!("{long}!")];
    for (number, text) in (0..).zip(texts) {
        let mut it = registration(1);
        (it.metadata.string1, it.metadata.string2) = (text.into(), "same".into());
        (it.metadata.tags, it.roles) = (vec![text.into()], vec![text.into()]);
        it.media_type = Some(text.into());
        given.asset(&id(&format!("1/1/{number}")), AssetEvent::Registered(it)).await;
    }
    given.catch_up().await;
    assert_eq!(unequal(given.log.as_ref(), &given.store.read_models).await, []);
    let assets = given.queries().assets;
    let customer = Some(dlcs_domain::CustomerId(1));
    for text in texts {
        let of =
            |string1, tag, role| AssetFilter { customer, string1, tag, role, ..Default::default() };
        let text = || Some(text.to_owned());
        for filter in [of(text(), None, None), of(None, text(), None), of(None, None, text())] {
            let order = AssetOrder::Created;
            let page = assets.list(&admin(), &filter, order, &first(10), true).await.unwrap();
            assert_eq!((page.items.len(), page.total), (1, Some(1)), "{filter:?}");
            assert_eq!(Some(&page.items[0].metadata.string1), text().as_ref());
            assert_eq!(page.items[0].media_type, text());
        }
    }
}

#[tokio::test]
async fn many_rows_are_dumped_piece_by_piece() {
    let history: Vec<Happening> = (0..4_500)
        .map(|number| {
            let it = AssetEvent::Registered(registration(1));
            (format!("asset-1/1/{number}"), Some(dlcs_domain::DomainEvent::Asset(it)))
        })
        .collect();
    let log = log_of(&history).await;
    let store = Temporary::new(Arc::clone(&log)).await;
    let given = Given { log, store };
    given.catch_up().await;
    assert_eq!(unequal(given.log.as_ref(), &given.store.read_models).await, []);
}
