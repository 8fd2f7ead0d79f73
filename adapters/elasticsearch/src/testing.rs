//! A real Elasticsearch node for tests: a private folder, loopback, an ordinary user.
//!
//! It ends with the process that made it, however that ends, and its folder goes with it.

mod double;
mod highlighter;
mod process;

pub use double::{Double, Fault};
pub use highlighter::{Highlighted, Highlighter, Plain};
pub use process::{Compiler, VERSION};

use crate::{Address, ElasticsearchIndex};
use async_trait::async_trait;
use dlcs_objects::Objects;
use dlcs_projections::conformance::search::SearchEngine;
use dlcs_projections::projection::ReadModel;
use dlcs_projections::search::SearchIndex;
use process::Process;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Names the address of a node that tests use in place of their own.
const OTHER_NODE: &str = "ELASTICSEARCH_URL";

/// A node. Panics, and never skips, when Elasticsearch or Java is missing.
pub struct TestNode {
    /// `None`: a node that was there before us.
    process: Option<Process>,
    /// `http://host:port`, with nothing after it.
    url: String,
}

impl TestNode {
    /// Starts a node of the caller's own.
    pub fn start_own(compiler: Compiler) -> Self {
        let process = Process::start(compiler);
        let url = format!("http://{}", process.address());
        Self { process: Some(process), url }
    }

    /// Returns the one that the tests of this process share; the first to ask starts it.
    ///
    /// Blocks while it starts: from asynchronous code, call it where blocking is allowed.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<TestNode> = OnceLock::new();
        SHARED.get_or_init(|| match std::env::var_os(OTHER_NODE) {
            Some(url) => {
                let url = url.into_string().expect("the address is text");
                Self { process: None, url: url.trim_end_matches('/').to_owned() }
            }
            None => Self::start_own(Compiler::Quick),
        })
    }

    /// Returns the address, `http://host:port`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the processor time that the node has taken, if it is ours.
    pub fn processor_time(&self) -> Option<Duration> {
        self.process.as_ref().map(Process::processor_time)
    }

    /// Says whether the node was started by these tests.
    pub fn is_own(&self) -> bool {
        self.process.is_some()
    }

    /// Returns the setting that names this node, with a prefix that no other test uses.
    pub fn new_setting(&self) -> String {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::SeqCst);
        format!("elasticsearch+{}/test-{}-{count}", self.url, std::process::id())
    }
}

/// An empty index on the shared node.
pub struct TestIndex {
    pub index: ElasticsearchIndex,
    /// What names it.
    pub setting: String,
}

impl TestIndex {
    pub async fn new(objects: Arc<dyn Objects>) -> Self {
        let node = tokio::task::spawn_blocking(TestNode::shared).await;
        Self::on(node.expect("the node starts"), objects)
    }

    /// Makes one on a node of the caller's own.
    pub fn on(node: &TestNode, objects: Arc<dyn Objects>) -> Self {
        let setting = node.new_setting();
        let address = Address::parse(&setting).expect("the setting is right");
        Self { index: ElasticsearchIndex::new(address, objects), setting }
    }

    /// Returns how many bytes the index takes.
    pub async fn size_bytes(&self) -> u64 {
        let inner = &self.index.inner;
        highlighter::size_bytes(&inner.client, &inner.alias).await
    }
}

#[async_trait]
impl SearchEngine for TestIndex {
    fn model(&self) -> Arc<dyn ReadModel> {
        Arc::new(self.index.clone())
    }

    fn index(&self) -> Arc<dyn SearchIndex> {
        Arc::new(self.index.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[tokio::test]
    async fn the_node_tells_its_version() {
        let node = tokio::task::spawn_blocking(TestNode::shared).await.expect("it starts");
        let answer = reqwest::get(format!("{}/_nodes/_local", node.url())).await;
        let text = answer.expect("the node answers").text().await.expect("text");
        let nodes: Value = serde_json::from_str(&text).expect("JSON");
        let nodes = nodes["nodes"].as_object().expect("nodes");
        let version = nodes.values().next().expect("one node")["version"].as_str();
        let version = version.expect("a version");
        if node.is_own() {
            assert_eq!(version, VERSION);
        } else {
            eprintln!("{OTHER_NODE} names a node of version {version}");
        }
    }

    #[test]
    fn the_version_is_the_one_that_is_installed() {
        let setup = include_str!("../../../scripts/setup.sh");
        assert!(setup.contains(&format!("\nelasticsearch_version={VERSION}\n")));
    }
}
