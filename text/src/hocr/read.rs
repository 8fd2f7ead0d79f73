//! hOCR in.

use super::properties::Properties;
use crate::draft::{Draft, DraftBlock, DraftLine, DraftWord, Half, Measure};
use crate::geometry::PageSize;
use crate::language::tag as language_tag;
use crate::layout::PageLayout;
use crate::markup::DEPTH_MAX;
use crate::markup::decode::decode;
use crate::markup::soup::{Node, Soup, Tag};
use crate::read_error::{Fault, ReadError};

/// Reads the page of an hOCR file, XHTML or less tidy HTML.
///
/// With the image's size the layout is in pixels of the image, else in those of the page's `bbox`.
///
/// - A paragraph is a block; an area without paragraphs is one; lines outside of both are one.
/// - `ocr_header`, `ocr_footer`, `ocr_caption` and `ocr_textfloat` are lines, unless lines stand
///   in them: then they are blocks.
/// - A line without words is split at spaces, its box divided by the number of characters.
/// - A soft hyphen at the end of a line divides a word.
/// - Left out: scripts, text outside of lines, text beside the words of a line, characters' boxes,
///   baselines, sizes, images.
pub fn read(bytes: &[u8], image: Option<PageSize>) -> Result<PageLayout, ReadError> {
    let text = decode(bytes)?;
    let mut soup = Soup::new(&text);
    let mut reader = Reader::default();
    while let Some(node) = soup.next()? {
        let done = match node {
            Node::Open(tag) => reader.open(&tag),
            Node::Close(name) => reader.close(name),
            Node::Text(text) => reader.text(&text),
        };
        done.map_err(|fault| soup.fail(fault))?;
    }
    reader.finish(image).map_err(Fault::anywhere)
}

/// What an element is, by its class.
#[derive(Clone, Copy, PartialEq)]
enum Role {
    Page,
    Block,
    /// A line for sure.
    Line,
    /// A line, unless lines stand in it.
    LineOrBlock,
    Word,
    Other,
}

impl Role {
    fn of(classes: &str) -> Self {
        let role = |class: &str| match class {
            "ocr_page" => Some(Self::Page),
            "ocr_carea" | "ocr_par" | "ocrx_block" | "ocr_column" | "ocr_abstract" => {
                Some(Self::Block)
            }
            "ocr_line" | "ocrx_line" => Some(Self::Line),
            "ocr_header" | "ocr_footer" | "ocr_caption" | "ocr_textfloat" | "ocr_pageno" => {
                Some(Self::LineOrBlock)
            }
            "ocrx_word" | "ocr_word" => Some(Self::Word),
            _ => None,
        };
        classes.split_whitespace().find_map(role).unwrap_or(Self::Other)
    }
}

struct Open {
    name: String,
    role: Role,
    /// Began a block, which ends with it.
    has_block: bool,
}

#[derive(Default)]
struct Reader {
    open: Vec<Open>,
    pages: usize,
    /// Of the page, if its box begins elsewhere than at 0, 0: nothing is scaled then.
    is_part: bool,
    draft: Draft,
    blocks: Vec<DraftBlock>,
    line: Option<DraftLine>,
    line_text: String,
    word: Option<DraftWord>,
    /// Stands in place of the soft hyphen at the end of the word.
    hyphen: Option<String>,
    /// Languages of the page, from the head, from the outermost element.
    head_languages: Vec<String>,
}

impl Reader {
    fn open(&mut self, tag: &Tag<'_>) -> Result<(), Fault> {
        if tag.is("meta") {
            self.meta(tag);
        }
        if tag.is("br") {
            self.text(" ")?;
        }
        // As HTML has it: these end a paragraph that is not closed.
        let ends_paragraph = tag.is("p") || tag.is("div");
        if ends_paragraph && self.open.last().is_some_and(|it| it.name.eq_ignore_ascii_case("p")) {
            self.close("p")?;
        }
        let role = Role::of(tag.get("class").unwrap_or_default());
        self.begin(role, tag)?;
        let has_block = role == Role::Block;
        if self.open.len() >= DEPTH_MAX {
            return Err(Fault::TooMany { what: "elements within elements", count_max: DEPTH_MAX });
        }
        self.open.push(Open { name: tag.name.to_owned(), role, has_block });
        if tag.is_empty { self.close(tag.name) } else { Ok(()) }
    }

    fn begin(&mut self, role: Role, tag: &Tag<'_>) -> Result<(), Fault> {
        let properties = Properties::of(tag.get("title").unwrap_or_default());
        let language = language(tag);
        match role {
            Role::Other => {
                if tag.is("html") {
                    self.head_languages.extend(language);
                }
            }
            Role::Page => {
                self.pages += 1;
                if self.pages > 1 {
                    return Err(Fault::SeveralPages);
                }
                if let Some([x0, y0, x1, y1]) = properties.corners()? {
                    self.is_part = x0 != 0.0 || y0 != 0.0;
                    (self.draft.width, self.draft.height) = (Some(x1), Some(y1));
                }
                if let Some(language) = language {
                    self.head_languages.insert(0, language);
                }
            }
            Role::Block => self.begin_block(properties, language)?,
            Role::Line | Role::LineOrBlock => {
                self.outer_becomes_block();
                self.end_line()?;
                let place = properties.place()?;
                self.line = Some(DraftLine { place, language, words: Vec::new() });
            }
            Role::Word => self.begin_word(properties, language)?,
        }
        Ok(())
    }

    /// Turns a line into a block that has no words yet and in which another line begins.
    fn outer_becomes_block(&mut self) {
        let is_open = self.line.as_ref().is_some_and(|it| it.words.is_empty());
        let outer = self.open.iter_mut().rfind(|it| it.role != Role::Other);
        let Some(outer) = outer.filter(|it| is_open && it.role == Role::LineOrBlock) else {
            return;
        };
        outer.has_block = true;
        self.line_text.clear();
        let DraftLine { place, language, .. } = self.line.take().unwrap_or_default();
        self.end_block_lines();
        self.blocks.push(DraftBlock { place, language, ..DraftBlock::default() });
    }

    fn begin_block(&mut self, at: Properties<'_>, language: Option<String>) -> Result<(), Fault> {
        self.end_line()?;
        self.end_block_lines();
        let outer = self.blocks.last().and_then(|it| it.language.clone());
        let language = language.or(outer);
        self.blocks.push(DraftBlock { place: at.place()?, language, ..DraftBlock::default() });
        Ok(())
    }

    fn begin_word(&mut self, at: Properties<'_>, language: Option<String>) -> Result<(), Fault> {
        self.end_word()?;
        let whole = at.quoted("x_whole");
        let half = match at.quoted("x_half").as_deref() {
            Some("first") => Some(Half::First(whole)),
            Some("second") => Some(Half::Second(whole)),
            _ => None,
        };
        self.hyphen = at.quoted("x_hyphen");
        self.word = Some(DraftWord {
            place: at.place()?,
            text: String::new(),
            confidence: at.confidence()?,
            language,
            half,
        });
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), Fault> {
        if let Some(word) = &mut self.word {
            self.draft.admit_more(&word.text, text.trim())?;
            word.text.push_str(text);
        } else if self.line.as_ref().is_some_and(|it| it.words.is_empty()) {
            self.line_text.push_str(text);
        }
        Ok(())
    }

    /// Closes the innermost element of this name and all that was left open in it.
    fn close(&mut self, name: &str) -> Result<(), Fault> {
        let found = self.open.iter().rposition(|it| it.name.eq_ignore_ascii_case(name));
        let Some(at) = found else { return Ok(()) };
        while self.open.len() > at {
            let Some(open) = self.open.pop() else { break };
            match open.role {
                Role::Other => {}
                Role::Word => self.end_word()?,
                Role::Page | Role::Block | Role::Line | Role::LineOrBlock => self.end_line()?,
            }
            if open.has_block {
                self.end_block_lines();
                self.blocks.pop();
            }
        }
        Ok(())
    }

    fn end_word(&mut self) -> Result<(), Fault> {
        let Some(mut word) = self.word.take() else { return Ok(()) };
        if let Some(hyphen) = self.hyphen.take()
            && word.text.ends_with('\u{AD}')
        {
            word.text.pop();
            word.text.push_str(&hyphen);
        }
        self.draft.admit(&word.text)?;
        if word.text.trim().is_empty() {
            return Ok(());
        }
        // A word outside of every line is one of its own.
        let line = self.line.get_or_insert_default();
        line.words.push(word);
        Ok(())
    }

    fn end_line(&mut self) -> Result<(), Fault> {
        self.end_word()?;
        let text = std::mem::take(&mut self.line_text);
        let Some(mut line) = self.line.take() else { return Ok(()) };
        if line.words.is_empty() && !text.trim().is_empty() {
            self.draft.admit(&text)?;
            let place = line.place;
            line.words.push(DraftWord { place, text, ..DraftWord::default() });
        }
        if line.words.is_empty() {
            return Ok(());
        }
        match self.blocks.last_mut() {
            Some(block) => block.lines.push(line),
            None => self.blocks.push(DraftBlock { lines: vec![line], ..DraftBlock::default() }),
        }
        Ok(())
    }

    /// Moves the lines of the innermost block into the page.
    fn end_block_lines(&mut self) {
        let Some(block) = self.blocks.last_mut() else { return };
        let lines = std::mem::take(&mut block.lines);
        let (place, language) = (block.place, block.language.clone());
        self.draft.push(DraftBlock { id: None, place, language, lines });
    }

    fn finish(mut self, image: Option<PageSize>) -> Result<PageLayout, Fault> {
        self.end_line()?;
        while !self.blocks.is_empty() {
            self.end_block_lines();
            self.blocks.pop();
        }
        if self.pages == 0 {
            let found = "no element has the class `ocr_page`".to_owned();
            return Err(Fault::OtherFormat { expected: "hOCR", found });
        }
        if self.is_part && image.is_some() {
            (self.draft.width, self.draft.height) = (None, None);
        }
        self.draft.languages = self.head_languages;
        self.draft.finish(Measure::Pixels, image)
    }

    /// `ocr-langs` names the languages of the document.
    fn meta(&mut self, tag: &Tag<'_>) {
        let name = tag.get("name").unwrap_or_default();
        if ["ocr-langs", "ocr-languages"].iter().any(|it| name.eq_ignore_ascii_case(it)) {
            let names = tag.get("content").unwrap_or_default();
            self.head_languages =
                names.split_whitespace().take(100).filter_map(language_tag).collect();
        }
    }
}

fn language(tag: &Tag<'_>) -> Option<String> {
    language_tag(tag.get("lang").or_else(|| tag.get("xml:lang"))?)
}
