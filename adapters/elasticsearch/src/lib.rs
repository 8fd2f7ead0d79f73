//! Elasticsearch: the search index of several processes.
//!
//! Analysis, queries and boxes are of `dlcs-text`; the node stores tokens and finds pages. See
//! docs/elasticsearch.md.

mod address;
mod build;
mod bulk;
mod client;
mod document;
mod dsl;
mod dump;
mod fold;
mod index;
mod rebuild;
mod search;
mod served;
mod store;
#[cfg(test)]
mod tests;

#[cfg(feature = "conformance")]
pub mod testing;

pub use address::{Address, AddressError};
pub use served::{ElasticsearchIndex, Scratch};
