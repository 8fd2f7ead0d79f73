//! Files of page text: whatever the bytes, an error or a sound layout that comes back as it went.

use dlcs_text::{PageLayout, PageSize, Provenance, ReadError, Rect};

type Write = fn(&PageLayout, Provenance<'_>) -> String;
type Read = fn(&[u8], Option<PageSize>) -> Result<PageLayout, ReadError>;

/// Reads bytes, with and without the size of an image.
///
/// # Panics
///
/// What is read is not sound, or is another layout after it was written and read again.
pub fn check(read: Read, write: Write, bytes: &[u8]) {
    let image = PageSize { width_px: 640, height_px: 480 };
    for size in [None, Some(image)] {
        let layout = match read(bytes, size) {
            Ok(layout) => layout,
            Err(error) => {
                assert!(error.line >= 1 && !error.to_string().is_empty());
                continue;
            }
        };
        assert!(size.is_none_or(|size| layout.size() == size));
        check_sound(&layout);
        let written = write(&layout, Provenance::default());
        let again = read(written.as_bytes(), None).expect("what we write, we read");
        assert_eq!(again, layout, "{written}");
    }
}

fn check_sound(layout: &PageLayout) {
    let is_inside = |it: Rect| {
        it.width > 0
            && it.height > 0
            && it.x + it.width <= layout.width_px
            && it.y + it.height <= layout.height_px
    };
    for block in &layout.blocks {
        assert!(is_inside(block.bounds) && !block.lines.is_empty());
    }
    for line in layout.lines() {
        assert!(is_inside(line.bounds) && !line.words.is_empty());
    }
    for word in layout.words() {
        assert!(is_inside(word.bounds), "{word:?}");
        assert!(!word.text.is_empty(), "{word:?}");
        assert!(!word.text.contains(|it: char| it.is_whitespace() || it.is_control()), "{word:?}");
        assert!(word.confidence.is_none_or(|it| it <= 100), "{word:?}");
        assert!(word.language.as_ref() != layout.languages.first() || word.language.is_none());
    }
}
