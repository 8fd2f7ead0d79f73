//! Documents that do not know their own address.
//!
//! What is stored or projected names addresses of ours relative to [`BASE_PLACEHOLDER`]. The
//! public base is filled in when a document is sent, so that a server may move and one history
//! may be served under two names. Both directions work on the text of a JSON document and leave
//! every other byte alone.

/// Stands for the public base address, scheme and host and no slash at the end.
pub const BASE_PLACEHOLDER: &str = "{{dlcs-base}}";

/// The same characters to a JSON parser, and invisible to [`fill_base`].
const ESCAPED_PLACEHOLDER: &str = "\\u007b{dlcs-base}}";

/// Returns the document with the public base filled in.
///
/// ```
/// use dlcs_iiif::base::{fill_base, strip_base};
///
/// let stored = r#"{"id":"{{dlcs-base}}/iiif-manifest/v3/1/2/page-7"}"#;
/// let sent = fill_base(stored, "https://iiif.example.org/");
/// assert_eq!(sent, r#"{"id":"https://iiif.example.org/iiif-manifest/v3/1/2/page-7"}"#);
/// assert_eq!(strip_base(&sent, "https://iiif.example.org"), stored);
/// ```
pub fn fill_base(json_text: &str, public_base: &str) -> String {
    json_text.replace(BASE_PLACEHOLDER, &in_json(public_base))
}

/// Returns the document with the public base replaced by the placeholder.
///
/// Only where it begins an address (after a quote, a space or a bracket, as in a JSON string or
/// in HTML) and ends as a whole (`http://host` is not in `http://hostile`). A client's text that
/// happens to contain the placeholder is escaped, so that it comes back as it was.
pub fn strip_base(json_text: &str, public_base: &str) -> String {
    let guarded = json_text.replace(BASE_PLACEHOLDER, ESCAPED_PLACEHOLDER);
    let base = in_json(public_base);
    if base.is_empty() {
        return guarded;
    }
    let stripped = strip_spelling(&guarded, &base);
    // Some writers of JSON escape slashes.
    strip_spelling(&stripped, &base.replace('/', "\\/"))
}

fn strip_spelling(text: &str, base: &str) -> String {
    let mut stripped = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(base) {
        let (before, found) = rest.split_at(at);
        let after = &found[base.len()..];
        let previous = before.chars().next_back().or_else(|| stripped.chars().next_back());
        let begins = previous.is_none_or(|it| it.is_whitespace() || "\"'>(<[".contains(it));
        let ends = after.chars().next().is_none_or(|it| "/\\\"'?#<) ".contains(it));
        stripped.push_str(before);
        stripped.push_str(if begins && ends { BASE_PLACEHOLDER } else { base });
        rest = after;
    }
    stripped.push_str(rest);
    stripped
}

/// The base as it stands inside a JSON string.
fn in_json(public_base: &str) -> String {
    let quoted = serde_json::Value::from(public_base.trim_end_matches('/')).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "http://127.0.0.1:8080";

    #[test]
    fn only_whole_addresses_of_ours_are_stripped() {
        for (sent, stored) in [
            (r#""http://127.0.0.1:8080/a""#, r#""{{dlcs-base}}/a""#),
            (r#""http://127.0.0.1:8080""#, r#""{{dlcs-base}}""#),
            (r#""http:\/\/127.0.0.1:8080\/a""#, r#""{{dlcs-base}}\/a""#),
            (r#""<a href=\"http://127.0.0.1:8080/a\">""#, r#""<a href=\"{{dlcs-base}}/a\">""#),
            (r#""see http://127.0.0.1:8080/a and""#, r#""see {{dlcs-base}}/a and""#),
            (r#""http://127.0.0.1:80801/a""#, r#""http://127.0.0.1:80801/a""#),
            (r#""http://127.0.0.1:8080.evil/a""#, r#""http://127.0.0.1:8080.evil/a""#),
            (
                r#""http://x/?u=http://127.0.0.1:8080/a""#,
                r#""http://x/?u=http://127.0.0.1:8080/a""#,
            ),
            (r#""https://127.0.0.1:8080/a""#, r#""https://127.0.0.1:8080/a""#),
        ] {
            assert_eq!(strip_base(sent, BASE), stored);
            let sent: serde_json::Value = serde_json::from_str(sent).unwrap();
            let filled: serde_json::Value = serde_json::from_str(&fill_base(stored, BASE)).unwrap();
            assert_eq!(filled, sent);
        }
    }

    #[test]
    fn a_text_about_the_placeholder_stays_that_text() {
        let sent = serde_json::json!({ "label": ["{{dlcs-base}}", "\\{{dlcs-base}}"] });
        let stored = strip_base(&sent.to_string(), BASE);
        let filled: serde_json::Value = serde_json::from_str(&fill_base(&stored, BASE)).unwrap();
        assert_eq!(filled, sent);
    }

    #[test]
    fn a_base_cannot_break_out_of_its_string() {
        let filled = fill_base(r#"{"id":"{{dlcs-base}}/a"}"#, "http://x\",\"y\":\"");
        let filled: serde_json::Value = serde_json::from_str(&filled).unwrap();
        assert_eq!(filled.as_object().unwrap().len(), 1);
    }
}
