//! What HTTP asks of every handler: paths, bodies, conditions, pages, preferences, freshness.

pub(crate) mod body;
pub(crate) mod conditional;
pub(crate) mod fields;
pub(crate) mod layers;
mod meters;
pub(crate) mod paging;
pub(crate) mod preferences;
pub(crate) mod query;
pub(crate) mod range;
pub(crate) mod raw_path;
pub(crate) mod time;
