//! The `title` of an hOCR element: `bbox 10 20 110 60; x_wconf 93; image "page 1.tif"`.

use crate::draft::{Place, number, percent};
use crate::read_error::Fault;

pub(super) struct Properties<'t>(&'t str);

impl<'t> Properties<'t> {
    pub(super) fn of(title: &'t str) -> Self {
        Self(title)
    }

    /// Returns what stands behind a property's name.
    fn get(&self, name: &str) -> Option<&'t str> {
        let mut rest = self.0;
        while !rest.is_empty() {
            let end = end_of_property(rest);
            let property = rest[..end].trim();
            let (key, value) = property.split_once(char::is_whitespace).unwrap_or((property, ""));
            if key == name {
                return Some(value.trim());
            }
            rest = rest.get(end + 1..).unwrap_or_default();
        }
        None
    }

    /// Returns left, top, right and bottom.
    pub(super) fn corners(&self) -> Result<Option<[f64; 4]>, Fault> {
        let Some(value) = self.get("bbox") else { return Ok(None) };
        let mut numbers = value.split_whitespace();
        let mut corners = [0.0; 4];
        for corner in &mut corners {
            let value = numbers.next().unwrap_or_default().trim_end_matches(',');
            let found = number("bbox", Some(value.to_owned()))?;
            *corner = found.unwrap_or_default();
        }
        Ok(Some(corners))
    }

    pub(super) fn place(&self) -> Result<Place, Fault> {
        let place = |[x0, y0, x1, y1]: [f64; 4]| Place {
            x: Some(x0),
            y: Some(y0),
            width: Some(x1 - x0),
            height: Some(y1 - y0),
        };
        Ok(self.corners()?.map(place).unwrap_or_default())
    }

    /// `x_wconf`: percents of a word.
    pub(super) fn confidence(&self) -> Result<Option<u8>, Fault> {
        let Some(value) = self.get("x_wconf") else { return Ok(None) };
        // One percent is not certainty, so percents are never taken for a share of one.
        let percents = number("x_wconf", Some(value.to_owned()))?;
        Ok(percents.map(|it| percent(it.clamp(0.0, 100.0) / 100.0)))
    }

    /// A text in quotes, as `x_whole "verbunden"`.
    pub(super) fn quoted(&self, name: &str) -> Option<String> {
        let value = self.get(name)?.strip_prefix('"')?.strip_suffix('"')?;
        let mut out = String::with_capacity(value.len());
        let mut characters = value.chars();
        while let Some(character) = characters.next() {
            out.extend(if character == '\\' { characters.next() } else { Some(character) });
        }
        Some(out)
    }
}

/// Byte of the semicolon that ends the first property; semicolons in quotes end nothing.
fn end_of_property(text: &str) -> usize {
    let mut is_quoted = false;
    let mut is_escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_quoted => is_escaped = true,
            b'"' => is_quoted = !is_quoted,
            b';' if !is_quoted => return at,
            _ => {}
        }
    }
    text.len()
}

/// Puts a text in quotes.
pub(super) fn quote(text: &str) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        if matches!(character, '"' | '\\') {
            out.push('\\');
        }
        out.push(character);
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_are_found_whatever_stands_around_them() {
        let title = r#"image "C:\\a; bbox 9 9 9 9"; bbox 10 20 110 60;baseline 0 -5 ; x_wconf 93"#;
        let properties = Properties::of(title);
        assert_eq!(properties.corners().unwrap(), Some([10.0, 20.0, 110.0, 60.0]));
        assert_eq!(properties.confidence().unwrap(), Some(93));
        assert_eq!(properties.quoted("image").unwrap(), "C:\\a; bbox 9 9 9 9");
        assert_eq!(Properties::of("").corners().unwrap(), None);
        assert_eq!(Properties::of("x_wconf 1").confidence().unwrap(), Some(1));
        assert_eq!(Properties::of("x_wconf 96.7;").confidence().unwrap(), Some(97));
        assert!(Properties::of("bbox 1 2 3").corners().is_err());
        assert!(Properties::of("bbox 1 2 3 NaN").corners().is_err());
    }

    #[test]
    fn what_is_quoted_comes_back() {
        for text in ["verbunden;", "\"x\\", "", "a;b\"c"] {
            let title = format!("bbox 1 2 3 4; x_whole {}; x_wconf 5", quote(text));
            let properties = Properties::of(&title);
            assert_eq!(properties.quoted("x_whole").as_deref(), Some(text));
            assert_eq!(properties.confidence().unwrap(), Some(5));
        }
    }
}
