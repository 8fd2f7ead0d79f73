//! The index on a real node.

mod faults;
mod rebuilding;

use crate::testing::{TestIndex, TestNode};
use crate::{Address, ElasticsearchIndex};
use dlcs_domain::CustomerId;
use dlcs_domain::access::Principal;
use dlcs_eventlog::Position;
use dlcs_projections::conformance::search::{self, Library, SearchEngine};
use dlcs_projections::dump::Dump;
use dlcs_projections::memory::MemorySearch;
use dlcs_projections::projection::{OnPoison, ReadModel};
use dlcs_projections::replay::{ReplayError, Target, replay};
use dlcs_projections::search::{PageRecords, Scope, Within};
use std::sync::Arc;

#[tokio::test(flavor = "multi_thread")]
async fn every_search_has_the_answers_of_the_reference() {
    search::search(async |objects| TestIndex::new(objects).await).await;
}

/// A node that is not there.
#[tokio::test]
async fn a_node_that_is_down_is_told_by_name_and_without_its_password() {
    let address = Address::parse("elasticsearch+http://me:secret@127.0.0.1:1/books").unwrap();
    let objects = Arc::new(dlcs_objects::memory::MemoryObjects::new(std::env::temp_dir()));
    let index = ElasticsearchIndex::new(address, objects);
    let error = index.checkpoint().await.unwrap_err().to_string();
    assert!(error.contains("127.0.0.1:1/books does not answer"), "{error}");
    assert!(!error.contains("secret"), "{error}");
}

async fn shared_node() -> &'static TestNode {
    tokio::task::spawn_blocking(TestNode::shared).await.expect("the node starts")
}

/// A library of `pages` pages that no index has seen.
async fn library(pages: usize) -> Library<TestIndex> {
    let library = Library::new(async |objects| TestIndex::new(objects).await).await;
    for number in 0..pages {
        let (id, word) = (format!("1/1/page-{number}"), format!("wort{number}"));
        library.open_page(&id, &["Der Ausgang des", &word, "well-known Unmuͤn⸗", "digkeit"]).await;
    }
    library
}

async fn head(library: &Library<TestIndex>) -> Position {
    library.log.head().await.unwrap()
}

/// Lets a model see everything, or tells what went wrong.
async fn catch_up(
    library: &Library<TestIndex>,
    model: Arc<dyn ReadModel>,
) -> Result<(), ReplayError> {
    let target = Target { model, to: head(library).await };
    replay(library.log.as_ref(), &[target], OnPoison::Park).await
}

/// What an index holds that has seen everything without a fault, whatever the engine.
async fn expected(library: &Library<TestIndex>) -> Dump {
    let records = PageRecords::new(Arc::clone(&library.objects));
    let reference = Arc::new(MemorySearch::new(records));
    catch_up(library, Arc::clone(&reference) as Arc<dyn ReadModel>).await.unwrap();
    reference.dump().await.unwrap()
}

async fn pages_with(library: &Library<TestIndex>, text: &str) -> u64 {
    let scope = Scope { customer: CustomerId(1), within: Within::Customer };
    library.find(&Principal::Anonymous, &scope, text).await.total_pages
}
