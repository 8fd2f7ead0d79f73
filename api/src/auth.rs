//! IIIF Auth: how readers get in, Authentication 1.0 and Authorization Flow 2.0 side by side.
//!
//! - [`Readers`]: who a cookie or a token stands for.
//! - `services`: what documents say of the way in.
//! - `login`: name and password of an account; `tries`: how often somebody may say wrong ones.
//! - `flow`: the pages that let in, tell a viewer so, and let out again.
//! - `probe`: what a viewer may see.

mod flow;
mod login;
mod pages;
mod probe;
mod readers;
mod services;
mod tries;

pub use readers::Readers;
pub use tries::{ClientAddress, Tries};

pub(crate) use flow::{access, enter, logout, token};
pub(crate) use probe::probe;
pub(crate) use readers::{bearer, looks_like_token};
pub(crate) use services::of as access_services;
