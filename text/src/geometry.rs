//! Boxes: around others, within a page, on a page of another size.

use crate::layout::{PageLayout, Rect};

/// Pixels of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PageSize {
    pub width_px: u32,
    pub height_px: u32,
}

impl Rect {
    /// Returns the smallest box around all; `None`: there are none.
    pub fn around(boxes: impl IntoIterator<Item = Self>) -> Option<Self> {
        boxes.into_iter().reduce(Self::union)
    }

    /// Returns the box between two corners, rounded to whole pixels and brought into the page.
    ///
    /// It has at least one pixel, so that it can be asked for as a region of the image. The
    /// corners are finite; a page without pixels gives an empty box.
    pub fn within(page: PageSize, (x0, y0): (f64, f64), (x1, y1): (f64, f64)) -> Self {
        let (x, width) = span(page.width_px, x0, x1);
        let (y, height) = span(page.height_px, y0, y1);
        Self { x, y, width, height }
    }

    /// First column to the right of the box.
    pub fn right(self) -> u32 {
        self.x.saturating_add(self.width)
    }

    /// First row below the box.
    pub fn bottom(self) -> u32 {
        self.y.saturating_add(self.height)
    }

    fn corners(self) -> ((f64, f64), (f64, f64)) {
        let start = (f64::from(self.x), f64::from(self.y));
        (start, (f64::from(self.right()), f64::from(self.bottom())))
    }
}

/// Start and length of a stretch of `0..side`.
fn span(side: u32, from: f64, to: f64) -> (u32, u32) {
    if side == 0 {
        return (0, 0);
    }
    let last = f64::from(side);
    let start = from.min(to).round().clamp(0.0, last - 1.0);
    let end = from.max(to).round().clamp(start + 1.0, last);
    // Whole numbers between 0 and `side`.
    (start as u32, (end - start) as u32)
}

impl PageLayout {
    pub fn size(&self) -> PageSize {
        PageSize { width_px: self.width_px, height_px: self.height_px }
    }

    /// Returns the layout on a page of another size; boxes that touch still do.
    pub fn scaled_to(mut self, page: PageSize) -> Self {
        if page == self.size() {
            return self;
        }
        let across = f64::from(page.width_px) / f64::from(self.width_px.max(1));
        let down = f64::from(page.height_px) / f64::from(self.height_px.max(1));
        self.each_box(|bounds| {
            let ((x0, y0), (x1, y1)) = bounds.corners();
            Rect::within(page, (x0 * across, y0 * down), (x1 * across, y1 * down))
        });
        self.width_px = page.width_px;
        self.height_px = page.height_px;
        self
    }

    /// Returns the layout with every box brought into the page.
    pub fn fitted(mut self) -> Self {
        let page = self.size();
        self.each_box(|bounds| {
            let (start, end) = bounds.corners();
            Rect::within(page, start, end)
        });
        self
    }

    fn each_box(&mut self, change: impl Fn(Rect) -> Rect) {
        for block in &mut self.blocks {
            block.bounds = change(block.bounds);
            for line in &mut block.lines {
                line.bounds = change(line.bounds);
                for word in &mut line.words {
                    word.bounds = change(word.bounds);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::{Block, Line};
    use proptest::prelude::*;

    const PAGE: PageSize = PageSize { width_px: 100, height_px: 50 };

    fn rect(x: u32, y: u32, width: u32, height: u32) -> Rect {
        Rect { x, y, width, height }
    }

    #[test]
    fn a_box_outside_the_page_becomes_a_pixel_at_its_edge() {
        let cases = [
            ((10.4, 5.5), (20.4, 7.4), rect(10, 6, 10, 1)),
            ((-10.0, -5.0), (20.0, 7.0), rect(0, 0, 20, 7)),
            ((90.0, 40.0), (1e300, 60.0), rect(90, 40, 10, 10)),
            ((200.0, 200.0), (300.0, 300.0), rect(99, 49, 1, 1)),
            ((-9.0, -9.0), (-1.0, -1.0), rect(0, 0, 1, 1)),
            ((30.0, 30.0), (20.0, 20.0), rect(20, 20, 10, 10)),
        ];
        for (start, end, expected) in cases {
            assert_eq!(Rect::within(PAGE, start, end), expected, "{start:?} {end:?}");
        }
        let nothing = PageSize { width_px: 0, height_px: 0 };
        assert_eq!(Rect::within(nothing, (0.0, 0.0), (5.0, 5.0)), rect(0, 0, 0, 0));
    }

    #[test]
    fn a_box_around_others_holds_them_all() {
        let boxes = [rect(10, 10, 5, 5), rect(3, 20, 2, 2), rect(12, 1, 9, 3)];
        assert_eq!(Rect::around(boxes), Some(rect(3, 1, 18, 21)));
        assert_eq!(Rect::around([]), None);
    }

    proptest! {
        #[test]
        fn scaling_keeps_boxes_on_the_page_and_neighbours_together(
            width in 1_u32..5_000, height in 1_u32..5_000, x in 0_u32..99, split in 1_u32..99,
        ) {
            let split = x.max(split).min(99);
            let boxes = [rect(x, 3, (split - x).max(1), 4), rect(split, 3, 100 - split, 4)];
            let lines = boxes.map(|bounds| Line { bounds, words: vec![] }).to_vec();
            let layout = PageLayout {
                width_px: PAGE.width_px,
                height_px: PAGE.height_px,
                languages: vec![],
                blocks: vec![Block { bounds: rect(0, 0, 100, 50), lines }],
            };
            let page = PageSize { width_px: width, height_px: height };
            let scaled = layout.scaled_to(page);
            prop_assert_eq!(scaled.size(), page);
            prop_assert_eq!(scaled.blocks[0].bounds, rect(0, 0, width, height));
            for line in scaled.lines() {
                prop_assert!(line.bounds.width > 0 && line.bounds.right() <= width);
                prop_assert!(line.bounds.height > 0 && line.bounds.bottom() <= height);
            }
            let [first, second] = [0, 1].map(|n| scaled.blocks[0].lines[n].bounds);
            if boxes[0].right() == boxes[1].x && width >= 100 {
                prop_assert_eq!(first.right(), second.x);
            }
        }
    }
}
