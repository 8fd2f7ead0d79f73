//! Writes a PDF page by page (ISO 32000-1).
//!
//! - A page is a JPEG as it came, and behind it its words, invisible, each at its place, so that they
//!   can be found, marked and copied.
//! - Pages go out as they come. The tree of pages, their labels, the table of contents and the font of
//!   the words (which has to know every character) stand at the end, where a reader begins.
//! - A pixel of the image is 1/300 of an inch: what a scan's resolution was is not known here.

mod body;
mod direction;
mod font;
mod notice;
mod outline;
mod text;

pub use outline::OutlineItem;

use crate::jpeg::{self, Colours, JpegFacts};
use body::Body;
use dlcs_text::{PageLayout, PageSize};
use font::Font;
use pdf_writer::writers::Catalog;
use pdf_writer::{Content, Filter, Finish, Name, Rect, Ref, TextStr};

const POINTS_PER_PIXEL: f32 = 72.0 / 300.0;
/// Of the longer side. More than the upper bound is not allowed (annex C.2); less than the lower one is
/// hard to look at.
const POINTS_MIN: f32 = 144.0;
const POINTS_MAX: f32 = 14_400.0;
const SIDE_POINTS_MIN: f32 = 3.0;
/// Names in the resources of a page.
const PICTURE: Name<'static> = Name(b"P");
const WORDS: Name<'static> = Name(b"W");
const NOTICE: Name<'static> = Name(b"N");

#[derive(Debug, thiserror::Error)]
pub enum PdfError {
    #[error("the picture of a page is no JPEG that a PDF can hold")]
    Picture,
}

/// A page.
#[derive(Debug, Clone, Copy)]
pub struct Page<'a> {
    /// What a reader shows in place of its number.
    pub label: &'a str,
    /// Of the image, not of the picture that stands for it.
    pub size: PageSize,
    pub content: PageContent<'a>,
}

#[derive(Debug, Clone, Copy)]
pub enum PageContent<'a> {
    Picture {
        jpeg: &'a [u8],
        text: Option<&'a PageLayout>,
    },
    /// A sentence in place of what may not be shown. Letters beyond those of Western Europe are
    /// question marks.
    Notice(&'a str),
}

/// A PDF in the making.
#[derive(Debug)]
pub struct PdfWriter {
    body: Body,
    catalog: Ref,
    tree: Ref,
    pages: Vec<Ref>,
    labels: Vec<String>,
    words: Font,
    /// The font of notices, once there is one.
    notices: Option<Ref>,
    language: Option<String>,
}

impl Default for PdfWriter {
    fn default() -> Self {
        let mut body = Body::default();
        let (catalog, tree) = (body.reserve(), body.reserve());
        Self {
            body,
            catalog,
            tree,
            pages: Vec::new(),
            labels: Vec::new(),
            words: Font::default(),
            notices: None,
            language: None,
        }
    }
}

impl PdfWriter {
    /// Adds a page and returns the bytes that are to be sent.
    pub fn page(&mut self, page: &Page<'_>) -> Result<Vec<u8>, PdfError> {
        let frame = Frame::of(page.size);
        let mut content = Content::new();
        let picture = match page.content {
            PageContent::Picture { jpeg, text } => {
                let picture = self.picture(jpeg)?;
                content.save_state().transform([frame.width, 0.0, 0.0, frame.height, 0.0, 0.0]);
                content.x_object(PICTURE).restore_state();
                if let Some(layout) = text {
                    self.language =
                        self.language.take().or_else(|| layout.languages.first().cloned());
                    text::write(&mut content, layout, &frame, &mut self.words);
                }
                Some(picture)
            }
            PageContent::Notice(sentence) => {
                notice::write(&mut content, sentence, &frame);
                None
            }
        };
        let content = self.content(content);
        self.add(&frame, picture, content);
        self.labels.push(page.label.to_owned());
        Ok(self.body.take())
    }

    /// Returns the bytes behind the last page. Pages of the outline count from 0.
    pub fn finish(mut self, title: &str, outline: &[OutlineItem]) -> Vec<u8> {
        let (pages, tree) = (std::mem::take(&mut self.pages), self.tree);
        self.body.object(tree, |chunk| {
            chunk.pages(tree).kids(pages.iter().copied()).count(pages.len() as i32);
        });
        self.words.write(&mut self.body);
        if let Some(id) = self.notices {
            notice::write_font(&mut self.body, id);
        }
        let contents = outline::write(&mut self.body, outline, &pages);
        let information = self.body.reserve();
        self.body.object(information, |chunk| {
            let mut dictionary = chunk.indirect(information).dict();
            dictionary.pair(Name(b"Title"), TextStr(title));
            dictionary.pair(Name(b"Producer"), TextStr("DLCS"));
        });
        self.catalog(contents);
        self.body.finish(self.catalog, information)
    }

    fn catalog(&mut self, contents: Option<Ref>) {
        let Self { body, catalog, tree, labels, language, .. } = self;
        body.object(*catalog, |chunk| {
            let mut catalog = chunk.indirect(*catalog).start::<Catalog<'_>>();
            catalog.pages(*tree);
            catalog.viewer_preferences().display_doc_title(true);
            if let Some(language) = language {
                catalog.pair(Name(b"Lang"), TextStr(language));
            }
            if let Some(contents) = contents {
                catalog.outlines(contents);
            }
            let mut numbers = catalog.insert(Name(b"PageLabels")).dict();
            let mut numbers = numbers.insert(Name(b"Nums")).array();
            for (number, label) in labels.iter().enumerate() {
                numbers.item(number as i32);
                numbers.push().dict().pair(Name(b"P"), TextStr(label));
            }
        });
    }

    fn picture(&mut self, bytes: &[u8]) -> Result<Ref, PdfError> {
        let facts = jpeg::facts(bytes).ok_or(PdfError::Picture)?;
        let JpegFacts { width_px, height_px, colours } = facts;
        let id = self.body.reserve();
        self.body.object(id, |chunk| {
            let mut image = chunk.image_xobject(id, bytes);
            image.filter(Filter::DctDecode);
            image.width(width_px.into()).height(height_px.into()).bits_per_component(8);
            image.color_space_name(match colours {
                Colours::Gray => Name(b"DeviceGray"),
                Colours::Rgb => Name(b"DeviceRGB"),
            });
        });
        Ok(id)
    }

    fn content(&mut self, content: Content) -> Ref {
        let id = self.body.reserve();
        self.body.compressed(id, &content.finish(), |_| {});
        id
    }

    fn add(&mut self, frame: &Frame, picture: Option<Ref>, content: Ref) {
        let words = self.words.reserved(&mut self.body);
        let notices = match picture {
            Some(_) => None,
            None => Some(*self.notices.get_or_insert_with(|| self.body.reserve())),
        };
        let (id, tree) = (self.body.reserve(), self.tree);
        self.body.object(id, |chunk| {
            let mut page = chunk.page(id);
            page.parent(tree).contents(content);
            page.media_box(Rect::new(0.0, 0.0, frame.width, frame.height));
            let mut resources = page.resources();
            if let Some(picture) = picture {
                resources.x_objects().pair(PICTURE, picture);
            }
            let mut fonts = resources.fonts();
            if let Some(words) = words.filter(|_| picture.is_some()) {
                fonts.pair(WORDS, words);
            }
            if let Some(notices) = notices {
                fonts.pair(NOTICE, notices);
            }
            fonts.finish();
        });
        self.pages.push(id);
    }
}

/// A page in points, its origin at the bottom left.
#[derive(Debug, Clone, Copy)]
struct Frame {
    width: f32,
    height: f32,
}

impl Frame {
    fn of(size: PageSize) -> Self {
        let (width, height) = (size.width_px.max(1) as f32, size.height_px.max(1) as f32);
        let longer = width.max(height);
        let scale = (longer * POINTS_PER_PIXEL).clamp(POINTS_MIN, POINTS_MAX) / longer;
        let side = |pixels: f32| (pixels * scale).max(SIDE_POINTS_MIN);
        Self { width: side(width), height: side(height) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_the_size_of_a_scan_with_300_pixels_an_inch_within_bounds() {
        let frame = |width_px, height_px| {
            let frame = Frame::of(PageSize { width_px, height_px });
            (frame.width.round() as u32, frame.height.round() as u32)
        };
        assert_eq!(frame(2480, 3508), (595, 842), "A4");
        assert_eq!(frame(64, 48), (144, 108), "what is tiny is shown larger");
        assert_eq!(frame(90_000, 45_000), (14_400, 7_200), "no larger than a page may be");
        assert_eq!(frame(0, 100_000), (3, 14_400));
    }

    #[test]
    fn what_is_no_jpeg_is_refused() {
        let size = PageSize { width_px: 10, height_px: 10 };
        let content = PageContent::Picture { jpeg: b"GIF89a", text: None };
        let page = PdfWriter::default().page(&Page { label: "1", size, content });
        assert!(matches!(page, Err(PdfError::Picture)));
    }
}
