//! The `custom` attribute, as Transkribus writes it: `readingOrder {index:0;} name {key:value;}`.

use std::fmt::Write;

/// Returns a value; `None`: it is not there.
pub(super) fn get(custom: &str, name: &str, key: &str) -> Option<String> {
    let mut rest = custom;
    while let Some((head, tail)) = rest.split_once('{') {
        let (body, after) = tail.split_once('}')?;
        if head.trim() == name {
            let pair = body.split(';').filter_map(|it| it.split_once(':'));
            let found = pair.into_iter().find(|(it, _)| it.trim() == key);
            return found.map(|(_, value)| unescape(value));
        }
        rest = after;
    }
    None
}

/// Returns `name {key:value; …}`.
pub(super) fn entry(name: &str, pairs: &[(&str, &str)]) -> String {
    let mut out = format!("{name} {{");
    for (key, value) in pairs {
        out.push_str(key);
        out.push(':');
        for character in value.chars() {
            if matches!(character, '{' | '}' | ';' | ':' | '\\') || character.is_whitespace() {
                // Writing to a string does not fail.
                let _ = write!(out, "\\u{:04x}", u32::from(character));
            } else {
                out.push(character);
            }
        }
        out.push_str("; ");
    }
    format!("{}}}", out.trim_end())
}

fn unescape(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut rest = value.trim();
    while let Some((before, after)) = rest.split_once("\\u") {
        out.push_str(before);
        let code = after.get(..4).and_then(|hex| u32::from_str_radix(hex, 16).ok());
        match code.and_then(char::from_u32) {
            Some(character) => {
                out.push(character);
                rest = &after[4..];
            }
            None => {
                out.push_str("\\u");
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_and_others_are_passed_over() {
        let whole = "a;b:c{d}\\u12 e";
        let custom =
            format!("readingOrder {{index:0;}} {}", entry("x", &[("k", "v"), ("w", whole)]));
        assert_eq!(get(&custom, "x", "w").as_deref(), Some(whole));
        assert_eq!(get(&custom, "x", "k").as_deref(), Some("v"));
        assert_eq!(get(&custom, "readingOrder", "index").as_deref(), Some("0"));
        for broken in ["", "x", "x {", "x {w}", "} {", "x {w\\u;}"] {
            assert_eq!(get(broken, "x", "w"), None, "{broken}");
        }
        assert_eq!(get("x {w:\\u12;}", "x", "w").as_deref(), Some("\\u12"));
        assert_eq!(get("x {w:\\uüüx;}", "x", "w").as_deref(), Some("\\uüüx"));
    }
}
