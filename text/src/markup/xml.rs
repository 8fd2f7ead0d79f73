//! Strict XML, one node after the other, without namespaces: names are local names.
//!
//! - A document type is refused, so only the five entities of XML and characters by number exist.
//! - There is one root element, and every element is closed.

use super::{ATTRIBUTES_MAX, DEPTH_MAX, NODES_MAX};
use crate::read_error::{Fault, ReadError, excerpt};
use quick_xml::Reader;
use quick_xml::escape::{resolve_xml_entity, unescape_with};
use quick_xml::events::{BytesEnd, BytesRef, BytesStart, Event};
use std::borrow::Cow;

pub(crate) enum Node<'t> {
    Open(Tag<'t>),
    Close(End<'t>),
    Text(Cow<'t, str>),
}

pub(crate) struct End<'t>(BytesEnd<'t>);

impl End<'_> {
    /// Returns the name without its prefix.
    pub(crate) fn name(&self) -> &str {
        self.0.local_name().into_inner()
    }
}

pub(crate) struct Tag<'t>(BytesStart<'t>);

impl Tag<'_> {
    /// Returns the name without its prefix.
    pub(crate) fn name(&self) -> &str {
        self.0.local_name().into_inner()
    }

    /// Returns an attribute by its local name; an empty one counts as absent.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        let mut attributes = self.0.attributes();
        let attribute = attributes
            .with_checks(false)
            .flatten()
            .find(|it| it.key.local_name().into_inner() == name && it.key.prefix().is_none())?;
        let value = unescape_with(&attribute.value, resolve_xml_entity).ok()?;
        (!value.trim().is_empty()).then(|| value.trim().to_owned())
    }
}

pub(crate) struct Xml<'t> {
    text: &'t str,
    reader: Reader<&'t [u8]>,
    depth: usize,
    nodes: usize,
    has_root: bool,
    /// Byte where the node begins that was read last.
    at: usize,
}

impl<'t> Xml<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        let mut reader = Reader::from_str(text);
        reader.config_mut().expand_empty_elements = true;
        Self { text, reader, depth: 0, nodes: 0, has_root: false, at: 0 }
    }

    /// Puts a fault at the node that was read last.
    pub(crate) fn fail(&self, fault: Fault) -> ReadError {
        fault.at(self.text, self.at)
    }

    /// Returns the next tag or text; `None`: the end of a whole document.
    pub(crate) fn next(&mut self) -> Result<Option<Node<'t>>, ReadError> {
        loop {
            self.at = usize::try_from(self.reader.buffer_position()).unwrap_or(usize::MAX);
            let event = self.reader.read_event().map_err(|it| {
                let at = usize::try_from(self.reader.error_position()).unwrap_or(self.at);
                Fault::Malformed(it.to_string()).at(self.text, at)
            })?;
            if matches!(event, Event::Eof) {
                return self.end();
            }
            if let Some(node) = self.node(event).map_err(|it| self.fail(it))? {
                return Ok(Some(node));
            }
        }
    }

    fn end(&self) -> Result<Option<Node<'t>>, ReadError> {
        if self.depth > 0 || !self.has_root {
            return Err(self.fail(Fault::Malformed("the file ends too early".into())));
        }
        Ok(None)
    }

    fn node(&mut self, event: Event<'t>) -> Result<Option<Node<'t>>, Fault> {
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            return Err(Fault::TooMany { what: "nodes", count_max: NODES_MAX });
        }
        Ok(match event {
            Event::Start(start) | Event::Empty(start) => Some(self.open(start)?),
            Event::End(end) => {
                self.depth = self.depth.saturating_sub(1);
                Some(Node::Close(End(end)))
            }
            Event::Text(text) => self.text(text.xml10_content())?,
            Event::CData(data) => self.text(data.into_inner())?,
            Event::GeneralRef(reference) => self.text(resolve(&reference)?)?,
            Event::DocType(_) => return Err(Fault::DocumentType),
            Event::Comment(_) | Event::PI(_) | Event::Decl(_) | Event::Eof => None,
        })
    }

    fn open(&mut self, start: BytesStart<'t>) -> Result<Node<'t>, Fault> {
        if self.depth == 0 && self.has_root {
            return Err(Fault::Malformed("there is a second root element".into()));
        }
        self.has_root = true;
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(Fault::TooMany { what: "elements within elements", count_max: DEPTH_MAX });
        }
        for (n, attribute) in start.attributes().enumerate() {
            if n >= ATTRIBUTES_MAX {
                let count_max = ATTRIBUTES_MAX;
                return Err(Fault::TooMany { what: "attributes of an element", count_max });
            }
            let attribute = attribute.map_err(|it| Fault::Malformed(it.to_string()))?;
            unescape_with(&attribute.value, resolve_xml_entity)
                .map_err(|it| Fault::Malformed(it.to_string()))?;
        }
        Ok(Node::Open(Tag(start)))
    }

    fn text(&self, text: Cow<'t, str>) -> Result<Option<Node<'t>>, Fault> {
        if self.depth > 0 {
            return Ok(Some(Node::Text(text)));
        }
        if text.trim().is_empty() {
            return Ok(None);
        }
        Err(Fault::Malformed(format!("`{}` stands outside the root element", excerpt(&text))))
    }
}

fn resolve<'t>(reference: &BytesRef<'t>) -> Result<Cow<'t, str>, Fault> {
    let character = reference.resolve_char_ref().map_err(|it| Fault::Malformed(it.to_string()))?;
    if let Some(character) = character {
        return Ok(Cow::Owned(character.to_string()));
    }
    let resolved = resolve_xml_entity(reference).map(Cow::Borrowed);
    resolved.ok_or_else(|| Fault::Malformed(format!("`&{};` is not declared", excerpt(reference))))
}
