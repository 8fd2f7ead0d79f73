//! PAGE XML in.

use super::attach::attach;
use super::custom;
use super::order::ReadingOrder;
use crate::draft::{
    Area, Draft, DraftBlock, DraftLine, DraftWord, Half, Measure, Place, number, percent,
};
use crate::geometry::PageSize;
use crate::language::tag as language_tag;
use crate::layout::PageLayout;
use crate::markup::decode::decode;
use crate::markup::xml::{Node, Tag, Xml};
use crate::read_error::{Fault, ReadError, excerpt};

/// Reads a PAGE XML file.
///
/// With the image's size the layout is in pixels of the image, else in those of the file.
///
/// - Outlines become the boxes around them.
/// - Text regions at any depth are blocks, in the order of `ReadingOrder`; those that it does not
///   name come last.
/// - Words that the line's text does not part are one: `worden` `;` in a line `worden; ſo`.
/// - A line without words is split at spaces, its box divided by the number of characters; so is
///   a region without lines, at its line breaks.
/// - Of several readings of a text the one with the lowest `index` is taken.
/// - Left out: other regions, glyphs, baselines, styles, borders, layers, relations.
pub fn read(bytes: &[u8], image: Option<PageSize>) -> Result<PageLayout, ReadError> {
    let text = decode(bytes)?;
    let mut xml = Xml::new(&text);
    let mut reader = Reader::default();
    while let Some(node) = xml.next()? {
        let done = match node {
            Node::Open(tag) => reader.open(&tag),
            Node::Close(end) => reader.close(end.name()),
            Node::Text(text) => {
                reader.text.push_str(&text);
                Ok(())
            }
        };
        done.map_err(|fault| xml.fail(fault))?;
    }
    reader.finish(image).map_err(Fault::anywhere)
}

/// What outlines and texts belong to.
enum Owner {
    Region(DraftBlock),
    Line(DraftLine),
    Word(DraftWord),
    Other,
}

struct Open {
    owner: Owner,
    area: Option<Area>,
    reading: Option<Reading>,
    /// Something in it has text of its own.
    is_divided: bool,
}

/// A `TextEquiv`.
#[derive(Default)]
struct Reading {
    index: i64,
    text: String,
    confidence: Option<u8>,
}

#[derive(Default)]
struct Reader {
    has_root: bool,
    pages: usize,
    draft: Draft,
    open: Vec<Open>,
    reading: Option<Reading>,
    order: ReadingOrder,
    regions: Option<Vec<String>>,
    /// Text since the last tag.
    text: String,
}

impl Reader {
    fn open(&mut self, tag: &Tag<'_>) -> Result<(), Fault> {
        self.text.clear();
        if !self.has_root {
            return self.root(tag);
        }
        match tag.name() {
            "Page" => self.page(tag)?,
            "OrderedGroup" | "UnorderedGroup" | "OrderedGroupIndexed" | "UnorderedGroupIndexed" => {
                self.order.open(tag.get("index").as_deref());
            }
            "RegionRef" | "RegionRefIndexed" => {
                let region = tag.get("regionRef").unwrap_or_default();
                self.order.refer(region, tag.get("index").as_deref())?;
            }
            "Coords" => self.outline(&tag.get("points").unwrap_or_default())?,
            "Point" => {
                let point = number("x", tag.get("x"))?.zip(number("y", tag.get("y"))?);
                point.into_iter().for_each(|point| self.point(point));
            }
            "TextEquiv" => {
                let index = tag.get("index").and_then(|it| it.parse().ok()).unwrap_or(0);
                let confidence = number("conf", tag.get("conf"))?.map(percent);
                self.reading = Some(Reading { index, confidence, text: String::new() });
            }
            name => {
                if let Some(owner) = owner(name, tag) {
                    let (area, reading, is_divided) = (None, None, false);
                    self.open.push(Open { owner, area, reading, is_divided });
                }
            }
        }
        Ok(())
    }

    fn close(&mut self, name: &str) -> Result<(), Fault> {
        match name {
            "OrderedGroup" | "UnorderedGroup" | "OrderedGroupIndexed" | "UnorderedGroupIndexed" => {
                self.regions = self.order.close().or_else(|| self.regions.take());
            }
            "Unicode" => {
                if let Some(reading) = &mut self.reading {
                    reading.text = std::mem::take(&mut self.text);
                }
            }
            "PlainText" => {
                if let Some(reading) = self.reading.as_mut().filter(|it| it.text.is_empty()) {
                    reading.text = std::mem::take(&mut self.text);
                }
            }
            "TextEquiv" => self.end_reading(),
            name if is_owner(name) => self.end_owner()?,
            _ => {}
        }
        self.text.clear();
        Ok(())
    }

    fn root(&mut self, tag: &Tag<'_>) -> Result<(), Fault> {
        self.has_root = true;
        if tag.name() == "PcGts" {
            return Ok(());
        }
        let found = format!("its root element is `{}`", excerpt(tag.name()));
        Err(Fault::OtherFormat { expected: "PAGE XML", found })
    }

    fn page(&mut self, tag: &Tag<'_>) -> Result<(), Fault> {
        self.pages += 1;
        if self.pages > 1 {
            return Err(Fault::SeveralPages);
        }
        self.draft.width = number("imageWidth", tag.get("imageWidth"))?;
        self.draft.height = number("imageHeight", tag.get("imageHeight"))?;
        let custom = tag.get("custom").unwrap_or_default();
        self.draft.languages = match custom::get(&custom, "languages", "tags") {
            Some(tags) => tags.split_whitespace().filter_map(language_tag).collect(),
            None => {
                let names = ["primaryLanguage", "secondaryLanguage"];
                names.iter().filter_map(|it| language_tag(&tag.get(it)?)).collect()
            }
        };
        Ok(())
    }

    /// Takes `points="10,20 30,20"`.
    fn outline(&mut self, points: &str) -> Result<(), Fault> {
        for point in points.split_whitespace() {
            let (x, y) = point.split_once(',').unwrap_or((point, ""));
            let coordinate = |value: &str| number("points", Some(value.to_owned()));
            let point = coordinate(x)?.zip(coordinate(y)?);
            point.into_iter().for_each(|point| self.point(point));
        }
        Ok(())
    }

    fn point(&mut self, (x, y): (f64, f64)) {
        if let Some(open) = self.open.last_mut() {
            let point = Area { x0: x, y0: y, x1: x, y1: y };
            open.area = Some(open.area.map_or(point, |area| area.union(point)));
        }
    }

    fn end_reading(&mut self) {
        let (Some(reading), Some(open)) = (self.reading.take(), self.open.last_mut()) else {
            return;
        };
        let is_better = open.reading.as_ref().is_none_or(|it| reading.index < it.index);
        if is_better && !reading.text.trim().is_empty() {
            open.reading = Some(reading);
        }
    }

    fn end_owner(&mut self) -> Result<(), Fault> {
        let Some(Open { owner, area, reading, is_divided }) = self.open.pop() else {
            return Ok(());
        };
        let place = area.map(Place::of).unwrap_or_default();
        let has_text = is_divided || reading.is_some();
        match owner {
            Owner::Other => {}
            Owner::Word(word) => self.end_word(DraftWord { place, ..word }, reading)?,
            Owner::Line(line) => self.end_line(DraftLine { place, ..line }, reading)?,
            Owner::Region(region) => {
                let reading = reading.filter(|_| !is_divided);
                self.end_region(DraftBlock { place, ..region }, reading)?;
            }
        }
        if let Some(outer) = self.open.last_mut() {
            outer.is_divided |= has_text;
        }
        Ok(())
    }

    fn end_word(&mut self, word: DraftWord, reading: Option<Reading>) -> Result<(), Fault> {
        let Some(Reading { text, confidence, .. }) = reading else { return Ok(()) };
        self.draft.admit(&text)?;
        if let Some(Open { owner: Owner::Line(line), .. }) = self.open.last_mut() {
            line.words.push(DraftWord { text, confidence, ..word });
        }
        Ok(())
    }

    fn end_line(&mut self, mut line: DraftLine, reading: Option<Reading>) -> Result<(), Fault> {
        if let Some(Reading { text, confidence, .. }) = reading {
            if line.words.is_empty() {
                self.draft.admit(&text)?;
                let place = line.place;
                line.words.push(DraftWord { place, text, confidence, ..DraftWord::default() });
            } else {
                line.words = attach(line.words, &text);
            }
        }
        if let Some(Open { owner: Owner::Region(region), .. }) = self.open.last_mut()
            && !line.words.is_empty()
        {
            region.lines.push(line);
        }
        Ok(())
    }

    fn end_region(
        &mut self,
        mut region: DraftBlock,
        reading: Option<Reading>,
    ) -> Result<(), Fault> {
        if let Some(Reading { text, confidence, .. }) = reading {
            self.draft.admit(&text)?;
            let lines = text.lines().filter(|it| !it.trim().is_empty());
            region.lines.extend(lines.map(|text| {
                let text = text.to_owned();
                let word = DraftWord { text, confidence, ..DraftWord::default() };
                DraftLine { words: vec![word], ..DraftLine::default() }
            }));
        }
        self.draft.push(region);
        Ok(())
    }

    fn finish(mut self, image: Option<PageSize>) -> Result<PageLayout, Fault> {
        if self.pages == 0 {
            let found = "it has no element `Page`".to_owned();
            return Err(Fault::OtherFormat { expected: "PAGE XML", found });
        }
        if let Some(regions) = self.regions {
            self.draft.order(&regions);
        }
        self.draft.finish(Measure::Pixels, image)
    }
}

fn owner(name: &str, tag: &Tag<'_>) -> Option<Owner> {
    let custom = tag.get("custom").unwrap_or_default();
    let language = |attribute: &str| {
        let tagged = custom::get(&custom, "language", "tag").and_then(|it| language_tag(&it));
        tagged.or_else(|| language_tag(&tag.get(attribute)?))
    };
    Some(match name {
        "TextRegion" => Owner::Region(DraftBlock {
            id: tag.get("id"),
            language: language("primaryLanguage"),
            ..DraftBlock::default()
        }),
        "TextLine" => {
            Owner::Line(DraftLine { language: language("primaryLanguage"), ..DraftLine::default() })
        }
        "Word" => {
            let whole = custom::get(&custom, "hyphenation", "whole");
            let half = match custom::get(&custom, "hyphenation", "half").as_deref() {
                Some("first") => Some(Half::First(whole)),
                Some("second") => Some(Half::Second(whole)),
                _ => None,
            };
            Owner::Word(DraftWord { language: language("language"), half, ..DraftWord::default() })
        }
        name if is_owner(name) => Owner::Other,
        _ => return None,
    })
}

fn is_owner(name: &str) -> bool {
    name.ends_with("Region")
        || matches!(name, "TextLine" | "Word" | "Glyph" | "Border" | "PrintSpace")
}
