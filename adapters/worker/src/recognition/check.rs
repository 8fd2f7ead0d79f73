//! Looks at what a process says: one that was taken over can say anything.

use super::protocol::PageTask;
use dlcs_text::recogniser::{Engine, Recognised};
use dlcs_text::{Hyphen, PageLayout, Rect, Word};

const BLOCKS_MAX: usize = 100_000;
const LINES_MAX: usize = 200_000;
const WORDS_MAX: usize = 500_000;
const WORD_BYTES_MAX: usize = 1024;
const LANGUAGE_BYTES_MAX: usize = 64;
const ENGINE_BYTES_MAX: usize = 256;
const SETTINGS_MAX: usize = 32;
const CONFIDENCE_MAX: u8 = 100;

/// Returns what is impossible about an answer, if there is anything.
pub(super) fn check(recognised: &Recognised, page: &PageTask) -> Result<(), String> {
    let Recognised { layout, engine, confidence } = recognised;
    check_size(layout, page)?;
    check_engine(engine, page.languages.len())?;
    check_confidence(*confidence)?;
    for language in &layout.languages {
        check_name(language, LANGUAGE_BYTES_MAX)?;
    }
    for block in &layout.blocks {
        check_box(block.bounds, layout)?;
        for line in &block.lines {
            check_box(line.bounds, layout)?;
            line.words.iter().try_for_each(|word| check_word(word, layout))?;
        }
    }
    Ok(())
}

fn check_size(layout: &PageLayout, page: &PageTask) -> Result<(), String> {
    let (width, height) = (layout.width_px, layout.height_px);
    let sides = 1..=page.limits.side_px_max;
    let pixels = u64::from(width) * u64::from(height);
    let is_possible = sides.contains(&width) && sides.contains(&height);
    if !is_possible || pixels > page.limits.tiled_pixels_max.max(page.limits.pixels_max) {
        return Err(format!("a page of {width} × {height} pixels"));
    }
    let counts = [
        (layout.blocks.len(), BLOCKS_MAX, "blocks"),
        (layout.lines().count(), LINES_MAX, "lines"),
        (layout.words().count(), WORDS_MAX, "words"),
        (layout.languages.len(), page.languages.len(), "languages"),
    ];
    match counts.into_iter().find(|(count, max, _)| count > max) {
        Some((count, _, what)) => Err(format!("{count} {what}")),
        None => Ok(()),
    }
}

fn check_engine(engine: &Engine, languages: usize) -> Result<(), String> {
    let Engine { name, version, models, settings } = engine;
    if models.len() != languages || settings.len() > SETTINGS_MAX {
        return Err(format!("{} models, {} settings", models.len(), settings.len()));
    }
    let pairs = settings.iter().flat_map(|(name, value)| [name, value]);
    let mut texts = [name, version].into_iter().chain(models).chain(pairs);
    texts.try_for_each(|text| check_name(text, ENGINE_BYTES_MAX))
}

fn check_word(word: &Word, layout: &PageLayout) -> Result<(), String> {
    check_box(word.bounds, layout)?;
    check_confidence(word.confidence)?;
    check_name(&word.text, WORD_BYTES_MAX)?;
    if word.text.contains(char::is_whitespace) {
        return Err("a word with a space".to_owned());
    }
    word.language.iter().try_for_each(|language| check_name(language, LANGUAGE_BYTES_MAX))?;
    match &word.hyphen {
        // The two halves together.
        Some(Hyphen::First { whole } | Hyphen::Second { whole }) => {
            check_name(whole, 2 * WORD_BYTES_MAX)
        }
        None => Ok(()),
    }
}

fn check_box(bounds: Rect, layout: &PageLayout) -> Result<(), String> {
    let right = u64::from(bounds.x) + u64::from(bounds.width);
    let bottom = u64::from(bounds.y) + u64::from(bounds.height);
    match right <= u64::from(layout.width_px) && bottom <= u64::from(layout.height_px) {
        true => Ok(()),
        false => Err(format!("a box beyond the page: {bounds:?}")),
    }
}

fn check_confidence(confidence: Option<u8>) -> Result<(), String> {
    match confidence {
        Some(percent) if percent > CONFIDENCE_MAX => Err(format!("a confidence of {percent}")),
        _ => Ok(()),
    }
}

/// A text that is there, is short, and has no control characters.
fn check_name(text: &str, bytes_max: usize) -> Result<(), String> {
    match !text.is_empty() && text.len() <= bytes_max && !text.contains(char::is_control) {
        true => Ok(()),
        false => Err(format!("a text of {} bytes that is none", text.len())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dlcs_imaging::DecodeLimits;
    use dlcs_text::{Block, Line};

    fn page() -> PageTask {
        PageTask { languages: vec!["deu".to_owned()], limits: DecodeLimits::default() }
    }

    fn recognised() -> Recognised {
        let bounds = Rect { x: 10, y: 10, width: 90, height: 40 };
        let word = Word { bounds, text: "Wort".to_owned(), ..Word::default() };
        let blocks = vec![Block { bounds, lines: vec![Line { bounds, words: vec![word] }] }];
        let layout = PageLayout { width_px: 100, height_px: 50, languages: Vec::new(), blocks };
        let engine = Engine {
            name: "tesseract".to_owned(),
            version: "5.3.0".to_owned(),
            models: vec!["deu@sha256:00".to_owned()],
            settings: [("page_segmentation".to_owned(), "auto".to_owned())].into(),
        };
        Recognised { layout, engine, confidence: Some(90) }
    }

    fn refusal(change: impl FnOnce(&mut Recognised)) -> String {
        let mut recognised = recognised();
        change(&mut recognised);
        check(&recognised, &page()).expect_err("it is impossible")
    }

    fn word(recognised: &mut Recognised) -> &mut Word {
        &mut recognised.layout.blocks[0].lines[0].words[0]
    }

    #[test]
    fn what_is_possible_is_believed() {
        assert_eq!(check(&recognised(), &page()), Ok(()));
    }

    #[test]
    fn what_is_impossible_is_not() {
        let beyond = |it: &mut Rect| it.width = 91;
        let overflowing = Rect { x: u32::MAX, y: 0, width: u32::MAX, height: 1 };
        assert!(refusal(|it| beyond(&mut it.layout.blocks[0].bounds)).contains("beyond"));
        assert!(refusal(|it| beyond(&mut it.layout.blocks[0].lines[0].bounds)).contains("beyond"));
        assert!(refusal(|it| word(it).bounds = overflowing).contains("beyond"));
        assert!(refusal(|it| word(it).text = "two words".into()).contains("space"));
        assert!(refusal(|it| word(it).text = String::new()).contains("text of 0"));
        assert!(refusal(|it| word(it).text = "x".repeat(1025)).contains("text of 1025"));
        assert!(refusal(|it| word(it).text = "\u{1b}[31m".into()).contains("text of 5"));
        assert!(refusal(|it| word(it).confidence = Some(101)).contains("101"));
        let whole = "x".repeat(3000);
        assert!(refusal(|it| word(it).hyphen = Some(Hyphen::First { whole })).contains("3000"));
        assert!(refusal(|it| it.confidence = Some(255)).contains("255"));
        assert!(refusal(|it| it.layout.width_px = 0).contains("0 × 50"));
        assert!(refusal(|it| it.layout.width_px = u32::MAX).contains("× 50"));
        assert!(refusal(|it| it.layout.languages = vec!["de".into(); 2]).contains("2 languages"));
        assert!(refusal(|it| it.engine.models.clear()).contains("0 models"));
        assert!(refusal(|it| it.engine.version = "x".repeat(300)).contains("300"));
    }
}
