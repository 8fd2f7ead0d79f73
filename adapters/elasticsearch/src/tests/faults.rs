//! A node that is stopped, has too much to do, takes half, keeps silent, refuses: the index catches
//! up afterwards, and has every page once.

use super::*;
use crate::bulk::REFUSED_TRIES;
use crate::testing::{Double, Fault};
use dlcs_projections::projection::{ApplyError, StoreError};
use dlcs_projections::search::SearchIndex;
use dlcs_text::Query;
use std::time::Instant;

struct Failing {
    library: Library<TestIndex>,
    double: Double,
    /// The same index, asked through the double.
    index: ElasticsearchIndex,
}

async fn failing(pages: usize) -> Failing {
    let library = library(pages).await;
    let node = shared_node().await.url();
    let double = Double::before(node).await;
    let setting = library.engine.setting.replace(node, &double.url);
    let address = Address::parse(&setting).unwrap();
    let index = ElasticsearchIndex::new(address, Arc::clone(&library.objects));
    Failing { library, double, index }
}

impl Failing {
    async fn catch_up(&self) -> Result<(), ReplayError> {
        catch_up(&self.library, Arc::new(self.index.clone())).await
    }

    /// Nothing is lost, nothing is there twice.
    async fn check(&self) {
        let dump = self.index.dump().await.unwrap();
        assert_eq!(dump, expected(&self.library).await);
        self.library.engine.index.remove().await.unwrap();
    }
}

#[track_caller]
fn assert_unavailable(result: Result<(), ReplayError>) {
    let is_unavailable = matches!(
        &result,
        Err(ReplayError::Store(StoreError::Unavailable(_))
            | ReplayError::Apply(ApplyError::Store(StoreError::Unavailable(_))))
    );
    assert!(is_unavailable, "{result:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_was_stopped_catches_up() {
    let it = failing(20).await;
    it.double.set(Fault::Stopped);
    assert_unavailable(it.catch_up().await);
    let scope = Scope { customer: CustomerId(1), within: Within::Customer };
    let query = Query::parse("Ausgang").unwrap();
    let found = it.index.search(&Principal::Anonymous, &scope, &query, 0, 10).await;
    assert!(matches!(found, Err(dlcs_projections::QueryError::Store(_))), "{found:?}");
    it.double.set(Fault::None);
    it.catch_up().await.unwrap();
    assert_eq!(pages_with(&it.library, "\"der Ausgang des\"").await, 20);
    it.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shards_that_are_being_started_are_waited_for_a_moment() {
    let it = failing(3).await;
    it.catch_up().await.unwrap();
    let scope = Scope { customer: CustomerId(1), within: Within::Customer };
    let query = Query::parse("Ausgang").unwrap();
    let search = || it.index.search(&Principal::Anonymous, &scope, &query, 0, 10);
    it.double.set(Fault::Starting(3));
    assert_eq!(search().await.unwrap().total_pages, 3);
    it.double.set(Fault::Starting(1_000));
    let found = search().await;
    assert!(matches!(found, Err(dlcs_projections::QueryError::Store(_))), "{found:?}");
    it.double.set(Fault::None);
    it.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_events_are_caught_up_with() {
    let it = failing(600).await;
    it.double.set(Fault::Stopped);
    assert_unavailable(it.catch_up().await);
    it.double.set(Fault::None);
    let begun = Instant::now();
    it.catch_up().await.unwrap();
    let events = head(&it.library).await.0;
    let rate = events as f64 / begun.elapsed().as_secs_f64();
    eprintln!("{events} events caught up with, {rate:.0} a second");
    it.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_has_too_much_to_do_is_asked_again() {
    let it = failing(20).await;
    it.double.set(Fault::Busy);
    assert_unavailable(it.catch_up().await);
    assert!(it.double.bulks() > 1, "it was asked more than once");
    it.double.set(Fault::None);
    it.catch_up().await.unwrap();
    it.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_taken_is_offered_again() {
    let it = failing(20).await;
    it.double.set(Fault::Half);
    it.catch_up().await.unwrap();
    assert!(it.double.bulks() > 4, "20, 10, 5, 2 and 1 pages: {}", it.double.bulks());
    it.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_without_an_answer_is_there_once() {
    let it = failing(20).await;
    it.double.set(Fault::Mute);
    assert_unavailable(it.catch_up().await);
    // The documents are ahead of the checkpoint, and history goes on.
    assert_eq!(it.index.checkpoint().await.unwrap(), Position::START);
    it.library.corrected(&"1/1/page-7".parse().unwrap(), &["Der Eingang"]).await;
    it.double.set(Fault::None);
    it.catch_up().await.unwrap();
    assert_eq!(pages_with(&it.library, "Ausgang").await, 19);
    assert_eq!(pages_with(&it.library, "Eingang").await, 1);
    it.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_refused_is_parked_and_hides_no_other() {
    let it = failing(3).await;
    it.double.set(Fault::Refusing("1/1/page-1".into()));
    it.catch_up().await.unwrap();
    assert_eq!(it.double.bulks(), REFUSED_TRIES as usize);
    assert_eq!(pages_with(&it.library, "Ausgang").await, 2);
    assert_eq!(it.index.checkpoint().await.unwrap(), head(&it.library).await);
    let parked = it.index.parked().await.unwrap();
    let streams: Vec<_> = parked.iter().map(|it| it.stream.as_str()).collect();
    assert!(streams.contains(&"transcription-1/1/page-1"), "{streams:?}");
    assert!(streams.iter().all(|it| it.ends_with("page-1")), "{streams:?}");
    assert!(parked[0].error.contains("document_parsing_exception no such form"), "{parked:?}");
    // Later events of its streams wait with it.
    it.double.set(Fault::None);
    it.library.corrected(&"1/1/page-1".parse().unwrap(), &["Der Eingang"]).await;
    it.catch_up().await.unwrap();
    assert_eq!(pages_with(&it.library, "Eingang").await, 0);
    assert_eq!(it.index.parked().await.unwrap().len(), parked.len() + 1);
    // A rebuild takes them in.
    it.index.rebuild(it.library.log.as_ref()).await.unwrap();
    assert_eq!(pages_with(&it.library, "Eingang").await, 1);
    assert_eq!(it.index.parked().await.unwrap(), []);
    it.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_stops_at_a_page_that_is_refused() {
    let it = failing(3).await;
    it.catch_up().await.unwrap();
    it.double.set(Fault::Refusing("1/1/page-1".into()));
    let rebuilt = it.index.rebuild(it.library.log.as_ref()).await;
    assert!(rebuilt.unwrap_err().to_string().contains("no such form"));
    it.double.set(Fault::None);
    assert_eq!(pages_with(&it.library, "Ausgang").await, 3);
    it.check().await;
}
