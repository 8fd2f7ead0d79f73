//! The egress door against hostile addresses and hostile servers (THREATS 4.6, B1 to B32).

mod addresses;
mod behaviour;
mod credentials;
mod messages;
mod redirects;
mod support;
