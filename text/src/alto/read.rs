//! ALTO in: with or without a namespace, any measurement unit, whatever may be missing.

use super::order::BlockOrder;
use crate::draft::{
    Draft, DraftBlock, DraftLine, DraftWord, Half, Measure, Place, number, percent,
};
use crate::geometry::PageSize;
use crate::language::tag;
use crate::layout::PageLayout;
use crate::markup::decode::decode;
use crate::markup::xml::{Node, Tag, Xml};
use crate::read_error::{Fault, ReadError, excerpt};

/// Reads the page of an ALTO file.
///
/// With the image's size the layout is in pixels of the image, whatever the file's unit and page
/// size. Without it `pixel` is taken as it is; `mm10` and `inch1200` need a resolution in the
/// processing's settings (`dpi:300`).
///
/// - The print space and the top margin come before the other margins; `ReadingOrder` and
///   `IDNEXT` count more.
/// - A string with spaces is split, its box is divided by the number of characters.
/// - What has no box gets a share of what is around it; boxes are brought into the page.
/// - The half of a divided word has its hyphen, from `HYP`.
/// - Left out: styles, tags, glyphs, alternatives, illustrations, rotation, outlines.
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

#[derive(Clone, Copy, Default, PartialEq)]
enum Space {
    #[default]
    Print,
    Margin,
}

#[derive(Default)]
struct Reader {
    has_root: bool,
    unit: String,
    dpi: Option<f64>,
    pages: usize,
    space: Space,
    /// Blocks of the margins, read after the print space.
    margins: Vec<DraftBlock>,
    draft: Draft,
    block: Option<DraftBlock>,
    line: Option<DraftLine>,
    order: BlockOrder,
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
            "Page" => return self.page(tag),
            "TopMargin" | "PrintSpace" => self.space = Space::Print,
            "LeftMargin" | "RightMargin" | "BottomMargin" => self.space = Space::Margin,
            "ElementRef" => return self.order.refer(&tag.get("REF").unwrap_or_default()),
            "TextBlock" => {
                self.end_block();
                let id = tag.get("ID");
                if let Some(id) = &id {
                    self.order.block(id, tag.get("IDNEXT"))?;
                }
                let (place, language) = (place(tag)?, language(tag));
                self.block = Some(DraftBlock { id, place, language, lines: Vec::new() });
            }
            "TextLine" => {
                self.end_line();
                let (place, language) = (place(tag)?, language(tag));
                self.line = Some(DraftLine { place, language, words: Vec::new() });
            }
            "String" => return self.string(tag),
            "HYP" => return self.hyphen(tag),
            _ => {}
        }
        Ok(())
    }

    fn close(&mut self, name: &str) -> Result<(), Fault> {
        match name {
            "MeasurementUnit" => self.unit = self.text.trim().to_ascii_lowercase(),
            "processingStepSettings" | "processingStepDescription" => {
                self.dpi = self.dpi.or_else(|| resolution(&self.text));
            }
            "TextLine" => self.end_line(),
            "TextBlock" | "Page" => self.end_block(),
            _ => {}
        }
        self.text.clear();
        Ok(())
    }

    fn root(&mut self, tag: &Tag<'_>) -> Result<(), Fault> {
        self.has_root = true;
        if tag.name() == "alto" {
            return Ok(());
        }
        let found = format!("its root element is `{}`", excerpt(tag.name()));
        Err(Fault::OtherFormat { expected: "ALTO", found })
    }

    fn page(&mut self, tag: &Tag<'_>) -> Result<(), Fault> {
        self.pages += 1;
        if self.pages > 1 {
            return Err(Fault::SeveralPages);
        }
        self.draft.width = number("WIDTH", tag.get("WIDTH"))?;
        self.draft.height = number("HEIGHT", tag.get("HEIGHT"))?;
        let others = tag.get("OTHERLANGS").unwrap_or_default();
        let languages = language(tag).into_iter();
        let others = others.split_whitespace().filter_map(crate::language::tag);
        self.draft.languages = languages.chain(others).collect();
        Ok(())
    }

    fn string(&mut self, tag: &Tag<'_>) -> Result<(), Fault> {
        let Some(line) = &mut self.line else { return Ok(()) };
        let Some(text) = tag.get("CONTENT") else { return Ok(()) };
        self.draft.admit(&text)?;
        let whole = tag.get("SUBS_CONTENT");
        let half = match tag.get("SUBS_TYPE").as_deref() {
            Some("HypPart1") => Some(Half::First(whole)),
            Some("HypPart2") => Some(Half::Second(whole)),
            _ => None,
        };
        let confidence = number("WC", tag.get("WC"))?.map(percent);
        let (place, language) = (place(tag)?, language(tag));
        line.words.push(DraftWord { place, text, confidence, language, half });
        Ok(())
    }

    /// Puts a hyphen at the word before it.
    fn hyphen(&mut self, tag: &Tag<'_>) -> Result<(), Fault> {
        let place = place(tag)?;
        let hyphen = tag.get("CONTENT").unwrap_or_else(|| "-".to_owned());
        let Some(word) = self.line.as_mut().and_then(|line| line.words.last_mut()) else {
            return Ok(());
        };
        self.draft.admit_more(&word.text, &hyphen)?;
        if !word.text.ends_with(&hyphen) {
            word.text.push_str(&hyphen);
        }
        if let Some((word_area, hyphen_area)) = word.place.area().zip(place.area()) {
            word.place = Place::of(word_area.union(hyphen_area));
        }
        if word.half.is_none() {
            word.half = Some(Half::First(None));
        }
        Ok(())
    }

    fn end_line(&mut self) {
        if let (Some(line), Some(block)) = (self.line.take(), &mut self.block)
            && !line.words.is_empty()
        {
            block.lines.push(line);
        }
    }

    fn end_block(&mut self) {
        self.end_line();
        if let Some(block) = self.block.take() {
            match self.space {
                Space::Print => self.draft.push(block),
                Space::Margin if block.lines.is_empty() => {}
                Space::Margin => self.margins.push(block),
            }
        }
    }

    fn finish(mut self, image: Option<PageSize>) -> Result<PageLayout, Fault> {
        if self.pages == 0 {
            let found = "it has no element `Page`".to_owned();
            return Err(Fault::OtherFormat { expected: "ALTO", found });
        }
        for block in std::mem::take(&mut self.margins) {
            self.draft.push(block);
        }
        if let Some(ids) = self.order.ids() {
            self.draft.order(&ids);
        }
        let dpi = self.dpi;
        let measure = match self.unit.as_str() {
            "" | "pixel" => Measure::Pixels,
            "mm10" => Measure::Inches { units: 254.0, dpi },
            "inch1200" => Measure::Inches { units: 1_200.0, dpi },
            other => return Err(Fault::Unit(excerpt(other))),
        };
        self.draft.finish(measure, image)
    }
}

fn place(tag: &Tag<'_>) -> Result<Place, Fault> {
    Ok(Place {
        x: number("HPOS", tag.get("HPOS"))?,
        y: number("VPOS", tag.get("VPOS"))?,
        width: number("WIDTH", tag.get("WIDTH"))?,
        height: number("HEIGHT", tag.get("HEIGHT"))?,
    })
}

fn language(element: &Tag<'_>) -> Option<String> {
    let name = element.get("LANG").or_else(|| element.get("language"))?;
    tag(&name)
}

/// Finds `dpi:300`, `xdpi=300`, `300 dpi` in the settings of a step.
fn resolution(settings: &str) -> Option<f64> {
    let settings = settings.to_ascii_lowercase();
    let (before, after) = settings.split_once("dpi")?;
    let is_digit = |it: char| it.is_ascii_digit();
    let after = after.trim_start_matches([' ', ':', '=', '"']);
    let digits = match after.find(|it| !is_digit(it)) {
        Some(0) => {
            let before = before.trim_end();
            &before[before.trim_end_matches(is_digit).len()..]
        }
        Some(end) => &after[..end],
        None if after.is_empty() => {
            let before = before.trim_end();
            &before[before.trim_end_matches(is_digit).len()..]
        }
        None => after,
    };
    digits.parse().ok().filter(|dpi| (1.0..=100_000.0).contains(dpi))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resolution_is_found_in_settings() {
        let cases = [
            ("width:3170; xdpi:300; ydpi:300", Some(300.0)),
            ("resolution=400dpi", Some(400.0)),
            ("scanned at 600 DPI, gray", Some(600.0)),
            ("dpi: 0", None),
            ("no dpi", None),
            ("nothing", None),
        ];
        for (settings, expected) in cases {
            assert_eq!(resolution(settings), expected, "{settings}");
        }
    }
}
