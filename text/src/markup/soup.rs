//! HTML as recognition engines write it: XHTML, or tags that are not closed, not quoted, not lower case.
//!
//! Scripts and styles are skipped, their text is never seen. A document type names a file at most,
//! which is not fetched; one with declarations is refused.

use super::{ATTRIBUTES_MAX, NODES_MAX};
use crate::read_error::{Fault, ReadError};
use std::borrow::Cow;

mod references;

pub(crate) use references::unescape;

pub(crate) enum Node<'t> {
    Open(Tag<'t>),
    Close(&'t str),
    Text(Cow<'t, str>),
}

pub(crate) struct Tag<'t> {
    pub(crate) name: &'t str,
    attributes: Vec<(&'t str, Cow<'t, str>)>,
    /// Ends with `/>`, or is of a kind that holds nothing.
    pub(crate) is_empty: bool,
}

impl Tag<'_> {
    pub(crate) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// Returns an attribute; the first counts where it is given twice.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_ref())
    }
}

/// Elements that hold nothing.
const VOID: [&str; 14] = [
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source",
    "track", "wbr",
];

pub(crate) struct Soup<'t> {
    text: &'t str,
    /// Byte that is read next.
    next: usize,
    /// Byte where the node begins that was read last.
    at: usize,
    nodes: usize,
}

impl<'t> Soup<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self { text, next: 0, at: 0, nodes: 0 }
    }

    /// Puts a fault at the node that was read last.
    pub(crate) fn fail(&self, fault: Fault) -> ReadError {
        fault.at(self.text, self.at)
    }

    /// Returns the next tag or text; `None`: the end.
    pub(crate) fn next(&mut self) -> Result<Option<Node<'t>>, ReadError> {
        while self.next < self.text.len() {
            self.at = self.next;
            self.nodes += 1;
            if self.nodes > NODES_MAX {
                return Err(self.fail(Fault::TooMany { what: "nodes", count_max: NODES_MAX }));
            }
            if let Some(node) = self.node().map_err(|it| self.fail(it))? {
                return Ok(Some(node));
            }
        }
        Ok(None)
    }

    fn node(&mut self) -> Result<Option<Node<'t>>, Fault> {
        let rest = &self.text[self.next..];
        if rest.starts_with("<!--") {
            self.skip_past(rest, "-->")?;
            return Ok(None);
        }
        if rest.starts_with("<![CDATA[") {
            let text = self.skip_past(rest, "]]>")?;
            return Ok(Some(Node::Text(Cow::Borrowed(&text["<![CDATA[".len()..text.len() - 3]))));
        }
        if rest.starts_with("<!") {
            let declaration = self.skip_past(rest, ">")?;
            return if declaration.contains('[') { Err(Fault::DocumentType) } else { Ok(None) };
        }
        if rest.starts_with("<?") {
            self.skip_past(rest, ">")?;
            return Ok(None);
        }
        let letter_at = |n: usize| rest.as_bytes().get(n).is_some_and(u8::is_ascii_alphabetic);
        if rest.starts_with("</") && letter_at(2) {
            let tag = self.skip_past(rest, ">")?;
            let name = &tag[2..tag.len() - 1];
            let end = name.find(|it: char| it.is_whitespace() || it == '/');
            return Ok(Some(Node::Close(&name[..end.unwrap_or(name.len())])));
        }
        if rest.starts_with('<') && letter_at(1) {
            return self.tag(rest).map(|it| Some(Node::Open(it)));
        }
        Ok(Some(self.plain(rest)))
    }

    /// Moves behind the first `end`; returns all up to there.
    fn skip_past(&mut self, rest: &'t str, end: &str) -> Result<&'t str, Fault> {
        let Some(found) = rest.find(end) else {
            return Err(Fault::Malformed(format!("`{end}` is missing")));
        };
        let length = found + end.len();
        self.next += length;
        Ok(&rest[..length])
    }

    /// Text up to the next `<` that begins something.
    fn plain(&mut self, rest: &'t str) -> Node<'t> {
        let bytes = rest.as_bytes();
        let begins = |at: usize| {
            bytes[at] == b'<'
                && bytes
                    .get(at + 1)
                    .is_some_and(|it| it.is_ascii_alphabetic() || b"!?/".contains(it))
        };
        let end = (1..bytes.len()).find(|at| begins(*at)).unwrap_or(bytes.len());
        self.next += end;
        Node::Text(unescape(&rest[..end]))
    }

    fn tag(&mut self, rest: &'t str) -> Result<Tag<'t>, Fault> {
        let name_end = rest[1..].find(|it: char| it.is_whitespace() || it == '/' || it == '>');
        let name = &rest[1..1 + name_end.unwrap_or(rest.len() - 1)];
        let mut scan = Scan { rest: &rest[1 + name.len()..] };
        let mut attributes = Vec::new();
        while let Some(attribute) = scan.attribute()? {
            if attributes.len() == ATTRIBUTES_MAX {
                let count_max = ATTRIBUTES_MAX;
                return Err(Fault::TooMany { what: "attributes of an element", count_max });
            }
            attributes.push(attribute);
        }
        let is_closed = scan.rest.starts_with("/>");
        self.next = self.text.len() - scan.rest.len() + if is_closed { 2 } else { 1 };
        let is = |it: &&str| name.eq_ignore_ascii_case(it);
        let is_empty = is_closed || VOID.iter().any(is);
        if !is_closed && ["script", "style"].iter().any(is) {
            self.skip_raw(name);
        }
        Ok(Tag { name, attributes, is_empty })
    }

    /// Moves to the end tag of a script, or to the end of the text.
    fn skip_raw(&mut self, name: &str) {
        let bytes = self.text.as_bytes();
        let ends = |at: &usize| {
            let tail = &bytes[*at..];
            tail.starts_with(b"</")
                && tail
                    .get(2..2 + name.len())
                    .is_some_and(|it| it.eq_ignore_ascii_case(name.as_bytes()))
        };
        self.next = (self.next..bytes.len()).find(ends).unwrap_or(bytes.len());
    }
}

/// What is left of a tag.
struct Scan<'t> {
    rest: &'t str,
}

impl<'t> Scan<'t> {
    /// Returns the next attribute; `None`: `>` or `/>` comes next.
    fn attribute(&mut self) -> Result<Option<(&'t str, Cow<'t, str>)>, Fault> {
        loop {
            self.rest = self.rest.trim_start();
            if self.rest.is_empty() {
                return Err(Fault::Malformed("a tag has no `>`".into()));
            }
            if self.rest.starts_with('>') || self.rest.starts_with("/>") {
                return Ok(None);
            }
            // A slash or an equals sign by itself means nothing.
            let Some(rest) = self.rest.strip_prefix(['/', '=']) else { break };
            self.rest = rest;
        }
        let key = self.until(|it| it.is_whitespace() || "=>/".contains(it));
        let Some(value) = self.rest.trim_start().strip_prefix('=') else {
            return Ok(Some((key, Cow::Borrowed(""))));
        };
        self.rest = value.trim_start();
        let value = match self.rest.chars().next() {
            Some(quote @ ('"' | '\'')) => self.quoted(quote)?,
            _ => self.until(|it| it.is_whitespace() || it == '>'),
        };
        Ok(Some((key, unescape(value))))
    }

    fn until(&mut self, is_end: impl Fn(char) -> bool) -> &'t str {
        let end = self.rest.find(is_end).unwrap_or(self.rest.len());
        let (value, rest) = self.rest.split_at(end);
        self.rest = rest;
        value
    }

    fn quoted(&mut self, quote: char) -> Result<&'t str, Fault> {
        let (value, rest) = self.rest[1..].split_once(quote).ok_or_else(|| {
            Fault::Malformed(format!("the value of an attribute has no closing {quote}"))
        })?;
        self.rest = rest;
        Ok(value)
    }
}
