//! PAGE XML 2019 out.

use super::custom;
use crate::language::english;
use crate::layout::{Block, Hyphen, Line, PageLayout, Rect, Word};
use crate::markup::write::Document;
use crate::provenance::Provenance;

const NAMESPACE: &str = "http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15";

/// Stands where the schema wants a time and none is known.
const TIME_UNKNOWN: &str = "1970-01-01T00:00:00Z";

/// Returns the page as PAGE XML 2019-07-15, in pixels.
///
/// Halves of divided words, and tags of languages that the schema has no name for, stand in
/// `custom`. Lines without words and blocks without lines are left out.
pub fn write(layout: &PageLayout, provenance: Provenance<'_>) -> String {
    let mut document = Document::new();
    let root = document.element("PcGts").attribute("xmlns", NAMESPACE);
    let root = root.attribute("xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance");
    let schema = format_args!("{NAMESPACE} {NAMESPACE}/pagecontent.xsd");
    root.attribute("xsi:schemaLocation", schema).open();
    write_metadata(&mut document, provenance);
    write_page(&mut document, layout, provenance);
    document.finish()
}

fn write_metadata(document: &mut Document, provenance: Provenance<'_>) {
    let time = provenance.made_at.unwrap_or(TIME_UNKNOWN);
    document.element("Metadata").open();
    document.text("Creator", "DLCS");
    document.text("Created", time);
    document.text("LastChange", time);
    if let Some(engine) = provenance.engine {
        let item = document.element("MetadataItem").attribute("type", "processingStep");
        let item = item.attribute("name", "recognition/text-recognition");
        let item = item.attribute("value", format_args!("{} {}", engine.name, engine.version));
        match provenance.settings() {
            Some(settings) => {
                item.open();
                document.element("Labels").open();
                let label = document.element("Label").attribute("type", "settings");
                label.attribute("value", settings).empty();
                document.close();
                document.close();
            }
            None => item.empty(),
        }
    }
    document.close();
}

fn write_page(document: &mut Document, layout: &PageLayout, provenance: Provenance<'_>) {
    let names: Option<Vec<&str>> = layout.languages.iter().map(|it| english(it)).collect();
    // The schema has room for two names.
    let names = names.filter(|it| it.len() <= 2);
    let name = |n: usize| names.as_ref().and_then(|it| it.get(n).copied());
    let tags = names.is_none().then(|| layout.languages.join(" "));
    let tags = tags.map(|it| custom::entry("languages", &[("tags", &it)]));
    let page = document.element("Page");
    let page = page.attribute("imageFilename", provenance.address().unwrap_or_default());
    let page = page.attribute("imageWidth", layout.width_px);
    let page = page.attribute("imageHeight", layout.height_px).attribute_if("custom", tags);
    let page = page.attribute_if("primaryLanguage", name(0));
    page.attribute_if("secondaryLanguage", name(1)).open();
    let blocks: Vec<&Block> = layout.blocks.iter().filter(|it| words_of(it) > 0).collect();
    if !blocks.is_empty() {
        document.element("ReadingOrder").open();
        document.element("OrderedGroup").attribute("id", "reading_order").open();
        for n in 1..=blocks.len() {
            let reference = document.element("RegionRefIndexed").attribute("index", n - 1);
            reference.attribute("regionRef", format_args!("region_{n}")).empty();
        }
        document.close();
        document.close();
    }
    let mut numbers = Numbers::default();
    for block in blocks {
        write_region(document, block, &mut numbers);
    }
    document.close();
}

fn words_of(block: &Block) -> usize {
    block.lines.iter().map(|line| line.words.len()).sum()
}

#[derive(Default)]
struct Numbers {
    regions: usize,
    lines: usize,
    words: usize,
}

fn write_region(document: &mut Document, block: &Block, numbers: &mut Numbers) {
    numbers.regions += 1;
    let region = document.element("TextRegion");
    region.attribute("id", format_args!("region_{}", numbers.regions)).open();
    write_outline(document, block.bounds);
    let mut texts = Vec::new();
    for line in block.lines.iter().filter(|line| !line.words.is_empty()) {
        numbers.lines += 1;
        let element = document.element("TextLine");
        element.attribute("id", format_args!("line_{}", numbers.lines)).open();
        write_outline(document, line.bounds);
        for word in &line.words {
            numbers.words += 1;
            write_word(document, word, numbers.words);
        }
        let text = text_of(line);
        write_text(document, &text, None);
        document.close();
        texts.push(text);
    }
    write_text(document, &texts.join("\n"), None);
    document.close();
}

fn text_of(line: &Line) -> String {
    let words: Vec<&str> = line.words.iter().map(|word| word.text.as_str()).collect();
    words.join(" ")
}

fn write_word(document: &mut Document, word: &Word, number: usize) {
    let half = word.hyphen.as_ref().map(|it| {
        let (half, whole) = match it {
            Hyphen::First { whole } => ("first", whole),
            Hyphen::Second { whole } => ("second", whole),
        };
        custom::entry("hyphenation", &[("half", half), ("whole", whole)])
    });
    let language = word.language.as_deref();
    let name = language.and_then(english);
    let tag = language.filter(|_| name.is_none());
    let tag = tag.map(|it| custom::entry("language", &[("tag", it)]));
    let entries: Vec<String> = half.into_iter().chain(tag).collect();
    let element = document.element("Word").attribute("id", format_args!("word_{number}"));
    let element = element.attribute_if("language", name);
    element.attribute_if("custom", (!entries.is_empty()).then(|| entries.join(" "))).open();
    write_outline(document, word.bounds);
    write_text(document, &word.text, word.confidence);
    document.close();
}

fn write_outline(document: &mut Document, bounds: Rect) {
    let Rect { x, y, .. } = bounds;
    let (right, bottom) = (bounds.right(), bounds.bottom());
    let points = format_args!("{x},{y} {right},{y} {right},{bottom} {x},{bottom}");
    document.element("Coords").attribute("points", points).empty();
}

fn write_text(document: &mut Document, text: &str, confidence: Option<u8>) {
    let confidence = confidence.map(|it| f64::from(it.min(100)) / 100.0);
    document.element("TextEquiv").attribute_if("conf", confidence).open();
    document.text("Unicode", text);
    document.close();
}
