//! Elasticsearch: the search index of several processes.

#[cfg(feature = "conformance")]
pub mod testing;
