//! Annotations on the canvases of books: notes of a reader, each about a box.
//!
//! They come canvas after canvas, round after round, so that those of one canvas do not lie side by
//! side in any store.

use serde_json::{Value, json};

/// Canvases of one book, which has a container of its own.
const BOOK_CANVASES: u64 = 500;
/// Size of every canvas, in pixels.
const CANVAS: (u64, u64) = (4_000, 6_000);
/// Side of the box that is asked for.
const ASKED_PX: u64 = 800;
const WORDS: [&str; 12] = [
    "margin",
    "initial",
    "gold leaf",
    "second hand",
    "erasure",
    "quire",
    "catchword",
    "provenance",
    "water stain",
    "rubric",
    "neume",
    "colophon",
];

/// Some canvases, and what is said of them.
#[derive(Debug, Clone, Copy)]
pub struct Shelf {
    pub canvases: u64,
}

/// A part of a canvas: left, top, right, bottom.
pub type Edges = [u64; 4];

impl Shelf {
    /// Returns the names of the containers.
    pub fn containers(self) -> impl Iterator<Item = String> {
        (0..self.canvases.div_ceil(BOOK_CANVASES)).map(|book| format!("book-{book}"))
    }

    /// Returns the container of an annotation.
    pub fn container(self, number: u64) -> String {
        format!("book-{}", self.canvas_number(number) / BOOK_CANVASES)
    }

    /// Returns the address of the canvas of an annotation.
    pub fn canvas(self, number: u64) -> String {
        let canvas = self.canvas_number(number);
        let (book, page) = (canvas / BOOK_CANVASES, canvas % BOOK_CANVASES);
        format!("https://library.example/iiif/book-{book}/canvas/p{page}")
    }

    fn canvas_number(self, number: u64) -> u64 {
        number % self.canvases
    }

    /// Returns the part that an annotation is about.
    pub fn edges(number: u64) -> Edges {
        let (width, height) = (60 + random(number, 1) % 900, 40 + random(number, 2) % 600);
        let left = random(number, 3) % (CANVAS.0 - width);
        let top = random(number, 4) % (CANVAS.1 - height);
        [left, top, left + width, top + height]
    }

    /// Returns a part to ask for.
    pub fn asked(number: u64) -> Edges {
        let left = random(number, 5) % (CANVAS.0 - ASKED_PX);
        let top = random(number, 6) % (CANVAS.1 - ASKED_PX);
        [left, top, left + ASKED_PX, top + ASKED_PX]
    }

    /// Returns a Web Annotation.
    pub fn annotation(self, number: u64) -> Value {
        let word = |salt| WORDS[usize::try_from(random(number, salt) % 12).unwrap_or_default()];
        let person = random(number, 7) % 200;
        let text = format!(
            "<p>Note {number}: <em>{}</em> beside the {}, as in the {} of the other copy; compare the \
             {} two leaves on.</p>",
            word(8),
            word(9),
            word(10),
            word(11)
        );
        json!({
            "@context": "http://www.w3.org/ns/anno.jsonld",
            "type": "Annotation",
            "motivation": if number.is_multiple_of(4) { "describing" } else { "commenting" },
            "creator": {
                "id": format!("https://people.example/{person}"),
                "type": "Person",
                "name": format!("Reader {person}"),
            },
            "body": [
                {"type": "TextualBody", "value": text, "format": "text/html", "language": "en"},
                {"type": "TextualBody", "value": word(12), "purpose": "tagging"},
            ],
            "target": {
                "type": "SpecificResource",
                "source": self.canvas(number),
                "selector": {
                    "type": "FragmentSelector",
                    "conformsTo": "http://www.w3.org/TR/media-frags/",
                    "value": format!("xywh={}", xywh(Self::edges(number))),
                },
            },
        })
    }
}

/// Writes a part as a fragment does.
pub fn xywh([left, top, right, bottom]: Edges) -> String {
    format!("{left},{top},{},{}", right - left, bottom - top)
}

/// Returns the same number each time, spread evenly (SplitMix64).
pub fn random(number: u64, salt: u64) -> u64 {
    let mut bits = number.wrapping_mul(31).wrapping_add(salt).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_box_lies_on_its_canvas() {
        for number in 0..10_000 {
            for [left, top, right, bottom] in [Shelf::edges(number), Shelf::asked(number)] {
                assert!(left < right && right <= CANVAS.0, "{number}");
                assert!(top < bottom && bottom <= CANVAS.1, "{number}");
            }
        }
    }

    #[test]
    fn every_canvas_gets_as_many() {
        let shelf = Shelf { canvases: 1_000 };
        assert_eq!(shelf.canvas(3), shelf.canvas(1_003));
        assert_ne!(shelf.canvas(3), shelf.canvas(4));
        assert_eq!(shelf.containers().count(), 2);
        assert_eq!(
            (shelf.container(499), shelf.container(500)),
            ("book-0".into(), "book-1".into())
        );
    }
}
