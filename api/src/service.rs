//! The service about itself: probes, entry point, documentation, pages for people.

pub(crate) mod entry;
pub(crate) mod errors;
pub(crate) mod health;
pub(crate) mod pages;
