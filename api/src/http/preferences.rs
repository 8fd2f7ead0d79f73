//! `Prefer` (RFC 7240): how long a write waits for its read model.

use axum::http::HeaderMap;
use std::time::Duration;

/// How long a write or a fresh read waits when the client says nothing.
pub(crate) const WAIT_DEFAULT: Duration = Duration::from_secs(2);
/// Longest wait that a client may ask for.
const WAIT_MAX_S: u64 = 30;

/// What the client would like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waiting {
    /// `respond-async`.
    No,
    /// The default: for the read model of the resource itself.
    Own(Duration),
    /// `wait=SECONDS`: for lists too.
    All(Duration),
}

impl Waiting {
    pub(crate) fn read(headers: &HeaderMap) -> Self {
        let values = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
        for preference in values.flat_map(|value| value.split(',')).map(str::trim) {
            if preference.eq_ignore_ascii_case("respond-async") {
                return Self::No;
            }
            let seconds = preference.strip_prefix("wait=").and_then(|text| text.parse().ok());
            if let Some(seconds) = seconds {
                return Self::All(Duration::from_secs(WAIT_MAX_S.min(seconds)));
            }
        }
        Self::Own(WAIT_DEFAULT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn read(value: &'static str) -> Waiting {
        let headers = [(axum::http::HeaderName::from_static("prefer"), value)];
        let headers = headers.map(|(name, value)| (name, HeaderValue::from_static(value)));
        Waiting::read(&HeaderMap::from_iter(headers))
    }

    #[test]
    fn preferences_are_read_and_bounded() {
        assert_eq!(Waiting::read(&HeaderMap::new()), Waiting::Own(WAIT_DEFAULT));
        assert_eq!(read("respond-async"), Waiting::No);
        assert_eq!(read("return=representation, wait=5"), Waiting::All(Duration::from_secs(5)));
        assert_eq!(read("wait=86400"), Waiting::All(Duration::from_secs(30)));
        assert_eq!(read("wait=soon"), Waiting::Own(WAIT_DEFAULT));
    }
}
