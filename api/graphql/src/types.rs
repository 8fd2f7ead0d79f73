//! Resources as GraphQL shows them. Rows of read models, nothing more.

pub(crate) mod account;
pub(crate) mod annotation;
pub(crate) mod asset;
pub(crate) mod batch;
pub(crate) mod canvas;
pub(crate) mod change;
pub(crate) mod collection;
pub(crate) mod customer;
pub(crate) mod definition;
pub(crate) mod event;
pub(crate) mod hit;
pub(crate) mod key;
pub(crate) mod manifest;
pub(crate) mod named_query;
pub(crate) mod origin_strategy;
pub(crate) mod space;
pub(crate) mod storage;
pub(crate) mod text;
pub(crate) mod webhook;
