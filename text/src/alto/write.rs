//! ALTO 4.4 out.

use crate::hyphens::stem;
use crate::language::is_tag;
use crate::layout::{Block, Hyphen, Line, PageLayout, Rect, Word};
use crate::markup::write::{Document, Element};
use crate::provenance::Provenance;

const NAMESPACE: &str = "http://www.loc.gov/standards/alto/ns-v4#";
const SCHEMA: &str = "http://www.loc.gov/standards/alto/v4/alto-4-4.xsd";

/// Returns the page as ALTO 4.4, lengths in pixels, valid against the schema.
///
/// The half of a divided word stands without its hyphen, which follows as `HYP`; together they
/// have the word's box. Lines without words and blocks without lines are left out.
pub fn write(layout: &PageLayout, provenance: Provenance<'_>) -> String {
    let mut document = Document::new();
    let root = document.element("alto").attribute("xmlns", NAMESPACE);
    let root = root.attribute("xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance");
    let root = root.attribute("xsi:schemaLocation", format_args!("{NAMESPACE} {SCHEMA}"));
    root.attribute("SCHEMAVERSION", "4.4").open();
    write_description(&mut document, provenance);
    document.element("Layout").open();
    let processing = provenance.engine.map(|_| "processing_1");
    write_page(&mut document, layout, processing);
    document.finish()
}

fn write_description(document: &mut Document, provenance: Provenance<'_>) {
    document.element("Description").open();
    document.text("MeasurementUnit", "pixel");
    if let Some(address) = provenance.address() {
        document.element("sourceImageInformation").open();
        document.text("fileName", address);
        document.text("fileIdentifier", address);
        document.close();
    }
    if let Some(engine) = provenance.engine {
        document.element("Processing").attribute("ID", "processing_1").open();
        document.text("processingCategory", "contentGeneration");
        if let Some(time) = provenance.made_at.filter(|_| !provenance.is_corrected) {
            document.text("processingDateTime", time);
        }
        document.text("processingStepDescription", "text recognition");
        if let Some(settings) = provenance.settings() {
            document.text("processingStepSettings", settings);
        }
        document.element("processingSoftware").open();
        document.text("softwareName", &engine.name);
        document.text("softwareVersion", &engine.version);
        document.close();
        document.close();
    }
    if provenance.is_corrected {
        document.element("Processing").attribute("ID", "processing_2").open();
        document.text("processingCategory", "contentModification");
        if let Some(time) = provenance.made_at {
            document.text("processingDateTime", time);
        }
        document.text("processingStepDescription", "correction by hand");
        document.close();
    }
    document.close();
}

fn write_page(document: &mut Document, layout: &PageLayout, processing: Option<&str>) {
    let mut languages = layout.languages.iter().map(String::as_str).filter(|it| is_tag(it));
    let first = languages.next();
    let others: Vec<&str> = languages.collect();
    let page = document.element("Page").attribute("ID", "page_1").attribute("PHYSICAL_IMG_NR", 1);
    let page = page.attribute("WIDTH", layout.width_px).attribute("HEIGHT", layout.height_px);
    let page = page.attribute_if("PROCESSINGREFS", processing).attribute_if("LANG", first);
    page.attribute_if("OTHERLANGS", (!others.is_empty()).then(|| others.join(" "))).open();
    let whole = Rect { x: 0, y: 0, width: layout.width_px, height: layout.height_px };
    placed(document.element("PrintSpace"), whole).open();
    let mut numbers = Numbers::default();
    for block in &layout.blocks {
        write_block(document, block, &mut numbers);
    }
    document.close();
    document.close();
}

#[derive(Default)]
struct Numbers {
    blocks: usize,
    lines: usize,
    words: usize,
}

fn write_block(document: &mut Document, block: &Block, numbers: &mut Numbers) {
    let lines = || block.lines.iter().filter(|line| !line.words.is_empty());
    if lines().next().is_none() {
        return;
    }
    numbers.blocks += 1;
    let id = format_args!("block_{}", numbers.blocks);
    placed(document.element("TextBlock").attribute("ID", id), block.bounds).open();
    for line in lines() {
        numbers.lines += 1;
        let id = format_args!("line_{}", numbers.lines);
        placed(document.element("TextLine").attribute("ID", id), line.bounds).open();
        write_words(document, line, numbers);
        document.close();
    }
    document.close();
}

fn write_words(document: &mut Document, line: &Line, numbers: &mut Numbers) {
    let mut before: Option<Rect> = None;
    let last = line.words.len() - 1;
    for (n, word) in line.words.iter().enumerate() {
        if let Some(before) = before {
            write_space(document, before, word.bounds);
        }
        before = Some(word.bounds);
        numbers.words += 1;
        let hyphen = hyphen(word).filter(|_| n == last);
        let (text, bounds) = match &hyphen {
            Some(hyphen) => (stem(&word.text), hyphen.before),
            None => (word.text.as_str(), word.bounds),
        };
        write_string(document, word, (text, bounds), numbers.words);
        if let Some(hyphen) = hyphen {
            let element = document.element("HYP").attribute("CONTENT", hyphen.text);
            placed(element, hyphen.bounds).empty();
        }
    }
}

fn write_space(document: &mut Document, before: Rect, after: Rect) {
    let space = document.element("SP");
    match after.x.checked_sub(before.right()) {
        Some(width) => {
            let bounds = Rect { x: before.right(), width, ..before };
            placed(space, bounds).empty();
        }
        None => space.empty(),
    }
}

fn write_string(document: &mut Document, word: &Word, (text, bounds): (&str, Rect), number: usize) {
    let string = document.element("String").attribute("ID", format_args!("word_{number}"));
    let string = placed(string, bounds).attribute("CONTENT", text);
    let confidence = word.confidence.map(|it| f64::from(it.min(100)) / 100.0);
    let string = string.attribute_if("WC", confidence);
    let string = string.attribute_if("LANG", word.language.as_deref().filter(|it| is_tag(it)));
    let half = word.hyphen.as_ref().map(|it| match it {
        Hyphen::First { whole } => ("HypPart1", whole),
        Hyphen::Second { whole } => ("HypPart2", whole),
    });
    let string = string.attribute_if("SUBS_TYPE", half.map(|(kind, _)| kind));
    string.attribute_if("SUBS_CONTENT", half.map(|(_, whole)| whole)).empty();
}

/// The hyphen of a first half, and what is left of the word's box before it.
struct HyphenPlace<'a> {
    text: &'a str,
    before: Rect,
    bounds: Rect,
}

fn hyphen(word: &Word) -> Option<HyphenPlace<'_>> {
    let Some(Hyphen::First { .. }) = &word.hyphen else { return None };
    let stem = stem(&word.text);
    let text = &word.text[stem.len()..];
    // Nothing but a hyphen is a word of its own.
    if text.is_empty() || stem.is_empty() {
        return None;
    }
    let bounds = word.bounds;
    let count = |text: &str| u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
    let width = bounds.width / count(&word.text) * count(text);
    let before = Rect { width: bounds.width - width, ..bounds };
    Some(HyphenPlace { text, before, bounds: Rect { x: before.right(), width, ..bounds } })
}

fn placed<'d>(element: Element<'d>, bounds: Rect) -> Element<'d> {
    let element = element.attribute("HPOS", bounds.x).attribute("VPOS", bounds.y);
    element.attribute("WIDTH", bounds.width).attribute("HEIGHT", bounds.height)
}
