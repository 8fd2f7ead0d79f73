//! XML out: indented, escaped, never a character that XML cannot hold.

use std::fmt::{Display, Write};

/// A document that grows.
pub(crate) struct Document {
    text: String,
    open: Vec<&'static str>,
}

impl Document {
    pub(crate) fn new() -> Self {
        Self { text: "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned(), open: Vec::new() }
    }

    /// Writes a line of markup as it is.
    pub(crate) fn raw(&mut self, markup: &str) {
        self.text.push_str(markup);
        self.text.push('\n');
    }

    pub(crate) fn element(&mut self, name: &'static str) -> Element<'_> {
        self.indent();
        self.text.push('<');
        self.text.push_str(name);
        Element { document: self, name }
    }

    /// Writes an element that holds nothing but text.
    pub(crate) fn text(&mut self, name: &'static str, text: impl Display) {
        self.element(name).text(text);
    }

    /// Closes the element that was opened last.
    pub(crate) fn close(&mut self) {
        if let Some(name) = self.open.pop() {
            self.indent();
            self.end(name);
        }
    }

    pub(crate) fn finish(mut self) -> String {
        while !self.open.is_empty() {
            self.close();
        }
        self.text
    }

    fn indent(&mut self) {
        self.text.extend(std::iter::repeat_n("  ", self.open.len()));
    }

    fn end(&mut self, name: &str) {
        self.text.push_str("</");
        self.text.push_str(name);
        self.text.push_str(">\n");
    }
}

/// An element whose attributes are being written.
pub(crate) struct Element<'d> {
    document: &'d mut Document,
    name: &'static str,
}

impl Element<'_> {
    pub(crate) fn attribute(self, name: &str, value: impl Display) -> Self {
        let text = &mut self.document.text;
        text.push(' ');
        text.push_str(name);
        text.push_str("=\"");
        write_escaped(text, value);
        text.push('"');
        self
    }

    pub(crate) fn attribute_if(self, name: &str, value: Option<impl Display>) -> Self {
        match value {
            Some(value) => self.attribute(name, value),
            None => self,
        }
    }

    /// Ends the tag; what is written next stands inside, until `close`.
    pub(crate) fn open(self) {
        self.document.text.push_str(">\n");
        self.document.open.push(self.name);
    }

    pub(crate) fn empty(self) {
        self.document.text.push_str("/>\n");
    }

    pub(crate) fn text(self, text: impl Display) {
        self.document.text.push('>');
        write_escaped(&mut self.document.text, text);
        self.document.end(self.name);
    }
}

fn write_escaped(out: &mut String, value: impl Display) {
    // Writing to a string does not fail.
    let _ = write!(Escaped(out), "{value}");
}

struct Escaped<'s>(&'s mut String);

impl Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        for character in text.chars() {
            match character {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\t' => self.0.push_str("&#9;"),
                '\n' => self.0.push_str("&#10;"),
                it if is_writable(it) => self.0.push(it),
                _ => {}
            }
        }
        Ok(())
    }
}

/// Says whether XML 1.0 holds a character, controls of ISO 6429 left out.
pub(crate) fn is_writable(character: char) -> bool {
    !character.is_control() && !matches!(character, '\u{FFFE}' | '\u{FFFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_escaped_and_nothing_unwritable_comes_out() {
        let mut document = Document::new();
        document.element("a").attribute("b", "\"<&>'\u{0}\u{FFFF}\n").open();
        document.text("c", "</c>]]>\u{1B}");
        assert_eq!(
            document.finish(),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <a b=\"&quot;&lt;&amp;&gt;'&#10;\">\n  <c>&lt;/c&gt;]]&gt;</c>\n</a>\n"
        );
    }
}
