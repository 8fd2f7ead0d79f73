//! Tesseract's table of results, one row for each page, block, paragraph, line and word.
//!
//! A paragraph becomes a block of the layout, for that is what belongs together. Boxes are kept
//! within the page; what has no text is left out.

use dlcs_text::{Block, Line, PageLayout, Rect, Word};

const PARAGRAPH: &str = "3";
const LINE: &str = "4";
const WORD: &str = "5";

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("row {row} of the engine's results cannot be read")]
pub(crate) struct TsvError {
    row: usize,
}

/// Reads the results of a page of this size.
pub(crate) fn layout(table: &str, width_px: u32, height_px: u32) -> Result<PageLayout, TsvError> {
    let mut page = PageLayout { width_px, height_px, ..PageLayout::default() };
    for (row, text) in table.lines().enumerate() {
        if text.is_empty() || text.starts_with("level\t") {
            continue;
        }
        take(&mut page, text).ok_or(TsvError { row })?;
    }
    for block in &mut page.blocks {
        block.lines.retain(|line| !line.words.is_empty());
    }
    page.blocks.retain(|block| !block.lines.is_empty());
    Ok(page)
}

fn take(page: &mut PageLayout, row: &str) -> Option<()> {
    let mut cells = row.splitn(12, '\t');
    let level = cells.next()?;
    let [left, top, width, height] = {
        // Numbers of page, block, paragraph, line and word: the order says the same.
        let mut numbers = cells.by_ref().skip(5).take(4).map(|cell| cell.parse::<i64>().ok());
        [numbers.next()??, numbers.next()??, numbers.next()??, numbers.next()??]
    };
    let bounds = within((left, top, width, height), page.width_px, page.height_px);
    match level {
        PARAGRAPH => page.blocks.push(Block { bounds, lines: Vec::new() }),
        LINE => page.blocks.last_mut()?.lines.push(Line { bounds, words: Vec::new() }),
        WORD => {
            let confidence = confidence(cells.next()?)?;
            let text = plain(cells.next()?);
            let line = page.blocks.last_mut()?.lines.last_mut()?;
            if !text.is_empty() {
                let word = Word { bounds, text, confidence: Some(confidence), ..Word::default() };
                line.words.push(word);
            }
        }
        _ => {}
    }
    Some(())
}

/// Brings a box into the page.
fn within(
    (left, top, width, height): (i64, i64, i64, i64),
    page_width: u32,
    page_height: u32,
) -> Rect {
    let (x, width) = span(left, width, page_width);
    let (y, height) = span(top, height, page_height);
    Rect { x, y, width, height }
}

fn span(start: i64, length: i64, page: u32) -> (u32, u32) {
    let page = i64::from(page);
    let end = start.saturating_add(length.max(0)).clamp(0, page);
    let start = start.clamp(0, end);
    // Both lie between 0 and a `u32`.
    (start as u32, (end - start) as u32)
}

fn confidence(cell: &str) -> Option<u8> {
    let value: f64 = cell.parse().ok()?;
    // A cast of a float saturates.
    value.is_finite().then(|| value.round().clamp(0.0, 100.0) as u8)
}

/// Takes out what no word holds.
fn plain(text: &str) -> String {
    text.chars().filter(|it| !it.is_whitespace() && !it.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TABLE: &str = "\
level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext
1\t1\t0\t0\t0\t0\t0\t0\t100\t80\t-1\t
2\t1\t1\t0\t0\t0\t10\t10\t80\t40\t-1\t
3\t1\t1\t1\t0\t0\t10\t10\t80\t20\t-1\t
4\t1\t1\t1\t1\t0\t10\t10\t80\t10\t-1\t
5\t1\t1\t1\t1\t1\t10\t10\t30\t10\t96.5\tWas
5\t1\t1\t1\t1\t2\t45\t10\t60\t10\t-1.2\tist
4\t1\t1\t1\t2\t0\t10\t20\t80\t10\t-1\t
5\t1\t1\t1\t2\t1\t10\t20\t30\t10\t95\t \t
3\t1\t1\t2\t0\t0\t10\t30\t80\t20\t-1\t
4\t1\t1\t2\t1\t0\t10\t30\t80\t20\t-1\t
5\t1\t1\t2\t1\t1\t-3\t30\t30\t10\t0.4\tAuf\u{ad}
2\t1\t2\t0\t0\t0\t10\t60\t80\t10\t-1\t
3\t1\t2\t1\t0\t0\t10\t60\t80\t10\t-1\t
4\t1\t2\t1\t1\t0\t10\t60\t80\t10\t-1\t
5\t1\t2\t1\t1\t1\t10\t60\t80\t10\t95\t \n";

    #[test]
    fn rows_become_blocks_lines_and_words() {
        let page = layout(TABLE, 100, 80).unwrap();
        let lines: Vec<Vec<_>> = page
            .lines()
            .map(|line| line.words.iter().map(|it| (it.text.as_str(), it.confidence)).collect())
            .collect();
        // Half a percent is rounded up; nothing is below zero.
        assert_eq!(
            lines,
            [vec![("Was", Some(97)), ("ist", Some(0))], vec![("Auf\u{ad}", Some(0))]]
        );
        assert_eq!(page.blocks.len(), 2, "pictures are no blocks of text");
        assert_eq!(page.blocks[0].bounds, Rect { x: 10, y: 10, width: 80, height: 20 });
    }

    #[test]
    fn boxes_stay_within_the_page() {
        let page = layout(TABLE, 100, 80).unwrap();
        let words: Vec<_> = page.words().map(|word| word.bounds).collect();
        assert_eq!(words[1], Rect { x: 45, y: 10, width: 55, height: 10 });
        assert_eq!(words[2], Rect { x: 0, y: 30, width: 27, height: 10 });
    }

    #[test]
    fn a_table_that_breaks_off_is_refused() {
        assert_eq!(layout("4\t1\t1\t1", 9, 9), Err(TsvError { row: 0 }));
        let orphan = "5\t1\t1\t1\t1\t1\t0\t0\t1\t1\t90\tword";
        assert_eq!(layout(orphan, 9, 9), Err(TsvError { row: 0 }));
        assert_eq!(layout("", 9, 9).unwrap().blocks.len(), 0);
    }

    proptest! {
        #[test]
        fn any_table_gives_boxes_within_the_page(
            rows in prop::collection::vec((1u8..7, any::<[i64; 4]>(), any::<f64>(), ".{0,6}"), 0..20),
            (width, height) in (1u32..5000, 1u32..5000),
        ) {
            let row = |(level, [x, y, w, h], conf, text): &(u8, [i64; 4], f64, String)| {
                format!("{level}\t1\t1\t1\t1\t1\t{x}\t{y}\t{w}\t{h}\t{conf}\t{text}")
            };
            let table: Vec<_> = rows.iter().map(row).collect();
            if let Ok(page) = layout(&table.join("\n"), width, height) {
                for word in page.words() {
                    prop_assert!(word.bounds.x + word.bounds.width <= width);
                    prop_assert!(word.bounds.y + word.bounds.height <= height);
                    prop_assert!(!word.text.is_empty());
                    prop_assert!(!word.text.contains(char::is_whitespace));
                }
            }
        }
    }
}
