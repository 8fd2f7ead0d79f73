//! The address of a server, as its clients write it, and the prefix of our streams.

use crate::errors::OpenError;
use eventstore::ClientSettings;

/// The parameter that is ours: whose streams these are, where a server is shared.
const PREFIX: &str = "streamPrefix";
const SCHEMES: [&str; 4] = ["kurrentdb", "esdb", "kurrentdb+discover", "esdb+discover"];

#[derive(Debug)]
pub(crate) struct Address {
    pub(crate) settings: ClientSettings,
    /// What the names of our streams begin with; ends with a full stop.
    pub(crate) prefix: String,
    /// Hosts and ports: no password.
    pub(crate) server: String,
    pub(crate) user: String,
}

impl Address {
    pub(crate) fn parse(url: &str) -> Result<Self, OpenError> {
        let wrong = |text: &str| OpenError::Address(text.to_owned());
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        let (scheme, rest) = base.split_once("://").unwrap_or((base, ""));
        if !SCHEMES.contains(&scheme) {
            return Err(wrong("it begins with kurrentdb:// or esdb://"));
        }
        let (mut prefix, mut others) = ("dlcs", Vec::new());
        for parameter in query.split('&').filter(|it| !it.is_empty()) {
            match parameter.split_once('=') {
                Some((PREFIX, value)) => prefix = value,
                _ => others.push(parameter),
            }
        }
        let is_plain = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '_';
        if prefix.is_empty() || !prefix.chars().all(is_plain) {
            return Err(wrong("`streamPrefix` takes small letters, digits and `_`"));
        }
        let url = match others.is_empty() {
            true => base.to_owned(),
            false => format!("{base}?{}", others.join("&")),
        };
        // The client's message may quote its input, which holds the password.
        let settings: ClientSettings = url.parse().map_err(|_| {
            wrong("it is not an address, or a parameter has a value that it cannot")
        })?;
        if settings.hosts().is_empty() {
            return Err(wrong("it names no host"));
        }
        let (user, server) = match rest.rsplit_once('@') {
            Some((user, hosts)) => (user.split(':').next().unwrap_or_default(), hosts),
            None => ("(none)", rest),
        };
        Ok(Self {
            settings,
            prefix: format!("{prefix}."),
            server: server.trim_end_matches('/').to_owned(),
            user: user.to_owned(),
        })
    }
}
