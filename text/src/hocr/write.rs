//! hOCR out.

use super::properties::quote;
use crate::hyphens::{joined, stem};
use crate::language::is_tag;
use crate::layout::{Hyphen, Line, PageLayout, Rect, Word};
use crate::markup::write::Document;
use crate::provenance::Provenance;

const CAPABILITIES: &str = "ocr_page ocr_carea ocr_par ocr_line ocrx_word ocrp_wconf ocrp_lang";

/// Returns the page as hOCR 1.2 in well-formed XHTML.
///
/// The half of a divided word ends in a soft hyphen, as hOCR has it; which hyphen is printed, and
/// the whole word where it is not just the halves together, stand in properties of our own
/// (`x_hyphen`, `x_whole`), which others skip.
pub fn write(layout: &PageLayout, provenance: Provenance<'_>) -> String {
    let mut document = Document::new();
    document.raw("<!DOCTYPE html>");
    let language = layout.languages.first().filter(|it| is_tag(it));
    let root = document.element("html").attribute("xmlns", "http://www.w3.org/1999/xhtml");
    root.attribute_if("xml:lang", language).attribute_if("lang", language).open();
    write_head(&mut document, layout, provenance);
    document.element("body").open();
    let whole = Rect { x: 0, y: 0, width: layout.width_px, height: layout.height_px };
    let image = provenance.address().map(|it| format!("image {}; ", quote(it)));
    let title = format!("{}{}; ppageno 0", image.unwrap_or_default(), bbox(whole));
    let page = document.element("div").attribute("class", "ocr_page").attribute("id", "page_1");
    page.attribute("title", title).open();
    write_blocks(&mut document, layout);
    document.finish()
}

fn write_head(document: &mut Document, layout: &PageLayout, provenance: Provenance<'_>) {
    document.element("head").open();
    document.element("meta").attribute("charset", "utf-8").empty();
    document.text("title", provenance.address().unwrap_or("hOCR"));
    let system = provenance.engine.map(|it| format!("{} {}", it.name, it.version));
    let languages: Vec<&str> =
        layout.languages.iter().map(String::as_str).filter(|it| is_tag(it)).collect();
    let languages = (!languages.is_empty()).then(|| languages.join(" "));
    let metas = [
        ("ocr-system", system),
        ("ocr-capabilities", Some(CAPABILITIES.to_owned())),
        ("ocr-number-of-pages", Some("1".to_owned())),
        ("ocr-langs", languages),
        ("date", provenance.made_at.map(str::to_owned)),
    ];
    for (name, content) in metas {
        if let Some(content) = content {
            document.element("meta").attribute("name", name).attribute("content", content).empty();
        }
    }
    document.close();
}

fn write_blocks(document: &mut Document, layout: &PageLayout) {
    let mut numbers = Numbers::default();
    let mut lines = layout.lines().filter(|line| !line.words.is_empty()).skip(1);
    for block in &layout.blocks {
        if block.lines.iter().all(|line| line.words.is_empty()) {
            continue;
        }
        numbers.blocks += 1;
        for (element, class, id) in [("div", "ocr_carea", "block"), ("p", "ocr_par", "par")] {
            let element = document.element(element).attribute("class", class);
            let element = element.attribute("id", format_args!("{id}_{}", numbers.blocks));
            element.attribute("title", bbox(block.bounds)).open();
        }
        for line in block.lines.iter().filter(|line| !line.words.is_empty()) {
            let next = lines.next().and_then(|it| it.words.first());
            write_line(document, line, next, &mut numbers);
        }
        document.close();
        document.close();
    }
}

#[derive(Default)]
struct Numbers {
    blocks: usize,
    lines: usize,
    words: usize,
}

fn write_line(document: &mut Document, line: &Line, next: Option<&Word>, numbers: &mut Numbers) {
    numbers.lines += 1;
    let element = document.element("span").attribute("class", "ocr_line");
    let element = element.attribute("id", format_args!("line_{}", numbers.lines));
    element.attribute("title", bbox(line.bounds)).open();
    for (n, word) in line.words.iter().enumerate() {
        numbers.words += 1;
        let next = next.filter(|_| n + 1 == line.words.len());
        let (title, text) = word_parts(word, next);
        let element = document.element("span").attribute("class", "ocrx_word");
        let element = element.attribute("id", format_args!("word_{}", numbers.words));
        let language = word.language.as_deref().filter(|it| is_tag(it));
        let element = element.attribute("title", title);
        element.attribute_if("xml:lang", language).attribute_if("lang", language).text(text);
    }
    document.close();
}

/// Returns the title and the text of a word; `next` is the first word of the next line.
fn word_parts(word: &Word, next: Option<&Word>) -> (String, String) {
    let mut title = bbox(word.bounds);
    if let Some(confidence) = word.confidence {
        title.push_str(&format!("; x_wconf {}", confidence.min(100)));
    }
    let mut text = word.text.clone();
    match &word.hyphen {
        None => {}
        Some(Hyphen::Second { whole }) => {
            title.push_str(&format!("; x_half \"second\"; x_whole {}", quote(whole)));
        }
        Some(Hyphen::First { whole }) => {
            let stem = stem(&word.text);
            let hyphen = &word.text[stem.len()..];
            if !stem.is_empty() {
                title.push_str(&format!("; x_hyphen {}", quote(hyphen)));
                text = format!("{stem}\u{AD}");
            }
            title.push_str("; x_half \"first\"");
            if next.is_none_or(|next| *whole != joined(&word.text, &next.text)) {
                title.push_str(&format!("; x_whole {}", quote(whole)));
            }
        }
    }
    (title, text)
}

fn bbox(bounds: Rect) -> String {
    format!("bbox {} {} {} {}", bounds.x, bounds.y, bounds.right(), bounds.bottom())
}
