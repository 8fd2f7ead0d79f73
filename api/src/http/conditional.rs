//! Conditional requests (RFC 9110, section 13): validators in, 304 or 412 out.

use super::time;
use crate::error::Problem;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};

/// Longest list of entity tags that is looked at, in bytes. A longer one matches nothing.
const TAGS_BYTES_MAX: usize = 8 * 1024;

/// What identifies one state of a representation.
#[derive(Debug, Clone)]
pub(crate) struct Validators {
    /// Without quotes.
    pub etag: String,
    /// Microseconds since 1970.
    pub modified_at_us: Option<i64>,
}

impl Validators {
    /// Returns whether the client already holds this state: the answer is 304.
    ///
    /// To be asked only after access was granted: a 304 tells that the tag is right.
    pub(crate) fn not_modified(&self, headers: &HeaderMap) -> bool {
        if headers.contains_key(header::IF_NONE_MATCH) {
            return list_contains(headers, header::IF_NONE_MATCH, &self.etag);
        }
        let since = headers.get(header::IF_MODIFIED_SINCE).and_then(|value| value.to_str().ok());
        let (Some(since), Some(modified)) =
            (since.and_then(time::parse_http_date), self.modified_at_us)
        else {
            return false;
        };
        modified.div_euclid(1_000_000) <= since
    }

    /// Writes `ETag` and `Last-Modified`.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        if let Ok(tag) = HeaderValue::try_from(format!("\"{}\"", self.etag)) {
            headers.insert(header::ETAG, tag);
        }
        let modified = self.modified_at_us.map(time::http_date);
        if let Some(Ok(modified)) = modified.map(HeaderValue::try_from) {
            headers.insert(header::LAST_MODIFIED, modified);
        }
    }
}

/// Makes an empty 304 out of an answer, whose headers stay.
pub(crate) fn into_not_modified<B: Default>(response: Response<B>) -> Response<B> {
    let (mut parts, _) = response.into_parts();
    parts.status = StatusCode::NOT_MODIFIED;
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.remove(header::CONTENT_TYPE);
    Response::from_parts(parts, B::default())
}

/// What a write may assume of the resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IfMatch {
    /// Nothing was said.
    Absent,
    /// It has to exist: `*`.
    Any,
    /// It has to be at this edit revision.
    Edit(u64),
}

impl IfMatch {
    /// Reads the header. A tag that cannot be ours fails at once: 412.
    pub(crate) fn read(headers: &HeaderMap) -> Result<Self, Problem> {
        let Some(value) = headers.get(header::IF_MATCH) else { return Ok(Self::Absent) };
        let text = value.to_str().unwrap_or_default().trim();
        if text == "*" {
            return Ok(Self::Any);
        }
        let number = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
        match number.and_then(|number| number.parse().ok()) {
            Some(revision) => Ok(Self::Edit(revision)),
            None => Err(Problem::precondition_failed()),
        }
    }

    pub(crate) fn expected_edit(self) -> Option<u64> {
        match self {
            Self::Edit(revision) => Some(revision),
            Self::Absent | Self::Any => None,
        }
    }
}

/// Compares weakly: `W/` in front of a tag does not matter here (RFC 9110, section 13.1.2).
fn list_contains(headers: &HeaderMap, name: header::HeaderName, etag: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    let mut left = TAGS_BYTES_MAX;
    for value in values {
        let Some(rest) = left.checked_sub(value.len()) else { return false };
        left = rest;
        let has = value.split(',').map(str::trim).any(|tag| {
            let tag = tag.strip_prefix("W/").unwrap_or(tag);
            tag == "*" || tag.trim_matches('"') == etag
        });
        if has {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: header::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::try_from(value).unwrap())])
    }

    fn validators() -> Validators {
        Validators { etag: "abc".to_owned(), modified_at_us: Some(1_700_000_000_500_000) }
    }

    #[test]
    fn a_known_tag_is_not_sent_again() {
        for value in ["\"abc\"", "W/\"abc\"", "\"x\", \"abc\"", "*"] {
            assert!(validators().not_modified(&headers(header::IF_NONE_MATCH, value)), "{value}");
        }
        assert!(!validators().not_modified(&headers(header::IF_NONE_MATCH, "\"abcd\"")));
        assert!(!validators().not_modified(&HeaderMap::new()));
    }

    #[test]
    fn a_tag_wins_over_a_date() {
        let mut both = headers(header::IF_NONE_MATCH, "\"old\"");
        both.insert(
            header::IF_MODIFIED_SINCE,
            HeaderValue::from_static("Tue, 14 Nov 2023 22:13:20 GMT"),
        );
        assert!(!validators().not_modified(&both));
        both.remove(header::IF_NONE_MATCH);
        assert!(validators().not_modified(&both));
    }

    #[test]
    fn an_endless_list_of_tags_matches_nothing() {
        let list = format!("{}\"abc\"", "\"x\",".repeat(3000));
        assert!(!validators().not_modified(&headers(header::IF_NONE_MATCH, &list)));
    }

    #[test]
    fn if_match_takes_edit_revisions_only() {
        let read = |value| IfMatch::read(&headers(header::IF_MATCH, value));
        assert_eq!(read("\"3\"").unwrap(), IfMatch::Edit(3));
        assert_eq!(read("*").unwrap(), IfMatch::Any);
        assert_eq!(read("\"x\"").unwrap_err().status, StatusCode::PRECONDITION_FAILED);
        assert_eq!(IfMatch::read(&HeaderMap::new()).unwrap(), IfMatch::Absent);
    }
}
