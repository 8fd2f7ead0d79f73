//! `Range` (RFC 9110, section 14) for originals: one range of bytes, or the whole.

use axum::http::{HeaderMap, header};
use std::ops::Range;

/// Which bytes are to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wanted {
    Whole,
    Part(Range<u64>),
    /// 416.
    Unsatisfiable,
}

/// Reads the header. What is malformed, or asks for several parts, gets the whole: both allowed.
pub(crate) fn wanted(headers: &HeaderMap, length: u64, etag: &str) -> Wanted {
    let Some(text) = headers.get(header::RANGE).and_then(|value| value.to_str().ok()) else {
        return Wanted::Whole;
    };
    let condition = headers.get(header::IF_RANGE).map(|value| value.to_str().unwrap_or_default());
    let is_stale = condition.is_some_and(|tag| tag.trim_matches('"') != etag);
    let Some(range) = text.strip_prefix("bytes=").filter(|_| !is_stale) else {
        return Wanted::Whole;
    };
    match range.split_once('-') {
        Some(("", last)) => match last.parse::<u64>() {
            Ok(0) => Wanted::Unsatisfiable,
            Ok(count) if length > 0 => Wanted::Part(length.saturating_sub(count)..length),
            Ok(_) => Wanted::Unsatisfiable,
            Err(_) => Wanted::Whole,
        },
        Some((first, last)) => from_to(first, last, length),
        None => Wanted::Whole,
    }
}

fn from_to(first: &str, last: &str, length: u64) -> Wanted {
    let Ok(first) = first.parse::<u64>() else { return Wanted::Whole };
    let last = if last.is_empty() { Some(u64::MAX) } else { last.parse::<u64>().ok() };
    let Some(last) = last.filter(|last| *last >= first) else { return Wanted::Whole };
    if first >= length {
        return Wanted::Unsatisfiable;
    }
    Wanted::Part(first..last.saturating_add(1).min(length))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn of_ten(range: &str) -> Wanted {
        let value = HeaderValue::try_from(range).unwrap();
        wanted(&HeaderMap::from_iter([(header::RANGE, value)]), 10, "tag")
    }

    #[test]
    fn one_range_is_cut_at_the_end() {
        assert_eq!(of_ten("bytes=0-3"), Wanted::Part(0..4));
        assert_eq!(of_ten("bytes=4-"), Wanted::Part(4..10));
        assert_eq!(of_ten("bytes=4-999"), Wanted::Part(4..10));
        assert_eq!(of_ten("bytes=-3"), Wanted::Part(7..10));
        assert_eq!(of_ten("bytes=-30"), Wanted::Part(0..10));
    }

    #[test]
    fn what_lies_outside_is_refused_and_nonsense_is_ignored() {
        assert_eq!(of_ten("bytes=10-"), Wanted::Unsatisfiable);
        assert_eq!(of_ten("bytes=-0"), Wanted::Unsatisfiable);
        for range in ["bytes=0-1,4-5", "bytes=5-1", "pages=1-2", "bytes=a-b", "bytes=1"] {
            assert_eq!(of_ten(range), Wanted::Whole, "{range}");
        }
    }
}
