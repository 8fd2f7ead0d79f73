//! SVG selectors: shapes and nothing else, printed anew; and the box around them.
//!
//! Model, section 4.2.7. What could run, load or style anything is refused.

use super::region::Region;
use crate::web_annotation::path;
use quick_xml::Reader;
use quick_xml::escape::{escape, resolve_xml_entity, unescape_with};
use quick_xml::events::{BytesStart, Event};
use std::fmt::Write as _;

const ELEMENTS_MAX: usize = 1_000;
const DEPTH_MAX: usize = 32;

const SHAPES: [&str; 9] =
    ["svg", "g", "path", "polygon", "polyline", "rect", "circle", "ellipse", "line"];
/// Words about the drawing: harmless, and not part of a selection.
const WORDS: [&str; 3] = ["title", "desc", "metadata"];
const ATTRIBUTES: [&str; 22] = [
    "class",
    "cx",
    "cy",
    "d",
    "height",
    "id",
    "points",
    "preserveAspectRatio",
    "r",
    "rx",
    "ry",
    "transform",
    "version",
    "viewBox",
    "width",
    "x",
    "x1",
    "x2",
    "xmlns",
    "y",
    "y1",
    "y2",
];

/// An element of a drawing, or its end.
enum Part {
    Open(Shape),
    Close(String),
}

struct Shape {
    name: String,
    attributes: Vec<(String, String)>,
}

impl Shape {
    fn get(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(it, _)| it == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Reads a length in pixels; what is left out is 0.
    fn number(&self, name: &str) -> Option<f64> {
        match self.get(name) {
            None => Some(0.0),
            Some(text) => text.trim().trim_end_matches("px").parse().ok(),
        }
    }

    /// Widens the box by this shape; `None`: where it lies cannot be told.
    fn widen(&self, bounds: &mut path::Bounds) -> Option<()> {
        if self.get("transform").is_some_and(|it| !it.trim().is_empty()) {
            return None;
        }
        match self.name.as_str() {
            "path" => path::walk(self.get("d").unwrap_or_default(), bounds)?,
            "polygon" | "polyline" => {
                let numbers = path::numbers(self.get("points").unwrap_or_default())?;
                numbers.chunks_exact(2).for_each(|it| bounds.add(it[0], it[1]));
            }
            "rect" => {
                let [x, y] = [self.number("x")?, self.number("y")?];
                bounds.add(x, y);
                bounds.add(x + self.number("width")?, y + self.number("height")?);
            }
            "circle" => self.around(self.number("r")?, self.number("r")?, bounds)?,
            "ellipse" => self.around(self.number("rx")?, self.number("ry")?, bounds)?,
            "line" => {
                bounds.add(self.number("x1")?, self.number("y1")?);
                bounds.add(self.number("x2")?, self.number("y2")?);
            }
            _ => {}
        }
        Some(())
    }

    fn around(&self, rx: f64, ry: f64, bounds: &mut path::Bounds) -> Option<()> {
        let (cx, cy) = (self.number("cx")?, self.number("cy")?);
        bounds.add(cx - rx, cy - ry);
        bounds.add(cx + rx, cy + ry);
        Some(())
    }
}

/// Returns the drawing with shapes and their geometry only, or why it is refused.
pub(super) fn cleaned(text: &str) -> Result<String, &'static str> {
    let mut clean = String::with_capacity(text.len());
    for part in parts(text)? {
        match part {
            Part::Close(name) => drop(write!(clean, "</{name}>")),
            Part::Open(Shape { name, attributes }) => {
                let _ = write!(clean, "<{name}");
                for (name, value) in attributes {
                    let _ = write!(clean, " {name}=\"{}\"", escape(value.as_str()));
                }
                clean.push('>');
            }
        }
    }
    Ok(clean)
}

/// Returns the box around all shapes; curves count with their control points.
pub(super) fn region(text: &str) -> Option<Region> {
    let mut bounds = path::Bounds::default();
    for part in parts(text).ok()? {
        if let Part::Open(shape) = part {
            shape.widen(&mut bounds)?;
        }
    }
    bounds.region()
}

fn parts(text: &str) -> Result<Vec<Part>, &'static str> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let mut parts = Vec::new();
    let mut depth = 0_usize;
    // Within words, whatever stands there is left out.
    let mut words: Option<usize> = None;
    loop {
        match reader.read_event().map_err(|_| "it is not well-formed XML")? {
            Event::Start(start) => {
                depth += 1;
                if depth > DEPTH_MAX || parts.len() > 2 * ELEMENTS_MAX {
                    return Err("it has too many elements");
                }
                let name = start.local_name().into_inner();
                if words.is_some() || WORDS.contains(&name) {
                    words = words.or(Some(depth));
                } else {
                    parts.push(Part::Open(shape(&start)?));
                }
            }
            Event::End(end) => {
                if words.is_none() {
                    parts.push(Part::Close(end.local_name().into_inner().to_owned()));
                }
                words = words.filter(|it| *it != depth);
                depth = depth.saturating_sub(1);
            }
            Event::DocType(_) => return Err("it has a document type"),
            Event::PI(_) => return Err("it has a processing instruction"),
            Event::Eof => break,
            _ => {}
        }
    }
    match parts.first() {
        Some(Part::Open(root)) if root.name == "svg" && depth == 0 => Ok(parts),
        _ => Err("its root is no `svg`"),
    }
}

fn shape(start: &BytesStart<'_>) -> Result<Shape, &'static str> {
    let name = start.local_name().into_inner();
    if !SHAPES.contains(&name) {
        return Err("it has other elements than shapes");
    }
    let mut attributes = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|_| "it is not well-formed XML")?;
        let name = attribute.key.local_name().into_inner();
        let value = unescape_with(&attribute.value, resolve_xml_entity);
        let value = value.map_err(|_| "it has entities of its own")?.into_owned();
        if is_active(name, &value) {
            return Err("it has attributes that run or load something");
        }
        let is_plain = attribute.key.prefix().is_none();
        if is_plain && is_known(name) {
            attributes.push((name.to_owned(), value));
        }
    }
    Ok(Shape { name: name.to_owned(), attributes })
}

fn is_known(name: &str) -> bool {
    let families = ["fill", "stroke", "font-", "data-", "opacity", "text-anchor"];
    ATTRIBUTES.contains(&name) || families.iter().any(|it| name.starts_with(it))
}

fn is_active(name: &str, value: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let value: String =
        value.chars().filter(|it| !it.is_whitespace() && !it.is_control()).collect();
    let value = value.to_ascii_lowercase();
    let loads = ["javascript:", "vbscript:", "data:", "url(", "@import", "expression("];
    name.starts_with("on")
        || matches!(name.as_str(), "href" | "src" | "base" | "formaction")
        || (!name.starts_with("data-") && loads.iter().any(|it| value.contains(it)))
}
