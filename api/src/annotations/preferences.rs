//! `Prefer` as the Web Annotation Protocol has it: section 4.2.

use crate::http::query::QueryParams;
use axum::http::HeaderMap;

/// How much of a container is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shown {
    /// The container without its first page.
    pub(super) is_minimal: bool,
    /// Annotations by address only.
    pub(super) by_iri: bool,
}

impl Shown {
    /// Reads what a client prefers; it is no reason to refuse anything.
    pub(super) fn preferred(headers: &HeaderMap) -> Self {
        let values = headers.get_all("prefer").iter().filter_map(|it| it.to_str().ok());
        let mut shown = Self { is_minimal: false, by_iri: false };
        for wish in values.flat_map(includes) {
            match wish {
                "http://www.w3.org/ns/ldp#PreferMinimalContainer" => shown.is_minimal = true,
                "http://www.w3.org/ns/oa#PreferContainedIRIs" => shown.by_iri = true,
                "http://www.w3.org/ns/oa#PreferContainedDescriptions" => shown.by_iri = false,
                _ => {}
            }
        }
        shown
    }

    /// Reads what the address of a page says.
    pub(super) fn of_page(query: &QueryParams) -> Self {
        Self { is_minimal: false, by_iri: query.get("iris") == Some("1") }
    }
}

/// Returns the addresses behind `include=`.
fn includes(value: &str) -> impl Iterator<Item = &str> {
    let include = value.split(';').flat_map(|it| it.split(',')).find_map(|it| {
        let (name, value) = it.split_once('=')?;
        name.trim().eq_ignore_ascii_case("include").then_some(value)
    });
    include.unwrap_or_default().trim().trim_matches('"').split_ascii_whitespace()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderName, HeaderValue};

    #[test]
    fn wishes_are_read_and_combined() {
        let read = |value: &'static str| {
            let header = (HeaderName::from_static("prefer"), HeaderValue::from_static(value));
            let Shown { is_minimal, by_iri } = Shown::preferred(&HeaderMap::from_iter([header]));
            (is_minimal, by_iri)
        };
        let minimal =
            "return=representation;include=\"http://www.w3.org/ns/ldp#PreferMinimalContainer\"";
        assert_eq!(read(minimal), (true, false));
        let iris = "return=representation; include=\"http://www.w3.org/ns/oa#PreferContainedIRIs\"";
        assert_eq!(read(iris), (false, true));
        let both = "return=representation;include=\"http://www.w3.org/ns/ldp#PreferMinimalContainer \
                    http://www.w3.org/ns/oa#PreferContainedIRIs\"";
        assert_eq!(read(both), (true, true));
        assert_eq!(read("respond-async, wait=5"), (false, false));
        assert_eq!(read("return=representation;include=nonsense"), (false, false));
    }
}
