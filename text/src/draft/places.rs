//! Places that are missing, worked out from what stands around them.

use super::{DraftLine, DraftWord};

/// Of a block, a line or a word, in the file's unit.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Place {
    pub(crate) x: Option<f64>,
    pub(crate) y: Option<f64>,
    pub(crate) width: Option<f64>,
    pub(crate) height: Option<f64>,
}

impl Place {
    pub(crate) fn of(area: Area) -> Self {
        Self {
            x: Some(area.x0),
            y: Some(area.y0),
            width: Some(area.x1 - area.x0),
            height: Some(area.y1 - area.y0),
        }
    }

    /// Returns the area, if all is known.
    pub(crate) fn area(self) -> Option<Area> {
        let (x0, x1) = self.across()?;
        let (y0, y1) = self.down()?;
        Some(Area { x0, y0, x1, y1 })
    }

    fn across(self) -> Option<(f64, f64)> {
        let (x, width) = self.x.zip(self.width)?;
        Some((x, x + width))
    }

    fn down(self) -> Option<(f64, f64)> {
        let (y, height) = self.y.zip(self.height)?;
        Some((y, y + height))
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Area {
    pub(crate) x0: f64,
    pub(crate) y0: f64,
    pub(crate) x1: f64,
    pub(crate) y1: f64,
}

impl Area {
    pub(crate) fn union(self, other: Self) -> Self {
        Self {
            x0: self.x0.min(other.x0),
            y0: self.y0.min(other.y0),
            x1: self.x1.max(other.x1),
            y1: self.y1.max(other.y1),
        }
    }

    /// Returns the `n`th of so many rows.
    pub(crate) fn row(self, n: usize, rows: usize) -> Self {
        let height = (self.y1 - self.y0) / rows.max(1) as f64;
        let y0 = self.y0 + height * n as f64;
        Self { y0, y1: y0 + height, ..self }
    }
}

/// Returns the line's own area, else the one around its words.
pub(crate) fn line_area(line: &DraftLine) -> Option<Area> {
    let words = line.words.iter().filter_map(|word| word.place.area());
    line.place.area().or_else(|| words.reduce(Area::union))
}

/// Returns the area of every word of a line.
///
/// A word without height has the line's. Words without width share what is free between their
/// neighbours, by their number of characters.
pub(crate) fn word_areas(line: Area, words: &[DraftWord]) -> Vec<Area> {
    let mut areas = Vec::with_capacity(words.len());
    let mut at = 0;
    let mut free_from = line.x0;
    while let Some(word) = words.get(at) {
        if let Some(across) = word.place.across() {
            areas.push(area(line, word, across));
            free_from = across.1;
            at += 1;
            continue;
        }
        let run = words[at..].iter().take_while(|it| it.place.across().is_none()).count();
        let next = words.get(at + run).and_then(|it| it.place.across());
        // A start is known where only the width is missing.
        let from = word.place.x.unwrap_or(free_from);
        let to = next.map_or(line.x1, |(x, _)| x).max(from);
        let texts: Vec<&str> = words[at..at + run].iter().map(|it| it.text.as_str()).collect();
        let shares = shares(from, to, &texts);
        areas.extend(
            words[at..at + run].iter().zip(shares).map(|(it, share)| area(line, it, share)),
        );
        free_from = to;
        at += run;
    }
    areas
}

fn area(line: Area, word: &DraftWord, (x0, x1): (f64, f64)) -> Area {
    let (y0, y1) = word.place.down().unwrap_or((line.y0, line.y1));
    Area { x0, y0, x1, y1 }
}

/// Divides a stretch among words by their characters, one more for the space between two.
///
/// Words of scripts that run from right to left begin at the right.
pub(crate) fn shares(from: f64, to: f64, words: &[&str]) -> Vec<(f64, f64)> {
    let lengths: Vec<usize> = words.iter().map(|it| it.chars().count()).collect();
    let total = lengths.iter().sum::<usize>() + words.len().saturating_sub(1);
    let unit = (to - from) / total.max(1) as f64;
    let leftward = words.iter().any(|it| it.chars().any(is_leftward));
    let mut before = 0;
    let mut shares = Vec::with_capacity(words.len());
    for length in lengths {
        let start = unit * before as f64;
        let end = unit * (before + length) as f64;
        shares.push(if leftward { (to - end, to - start) } else { (from + start, from + end) });
        before += length + 1;
    }
    shares
}

/// Hebrew, Arabic and their neighbours.
fn is_leftward(character: char) -> bool {
    matches!(character, '\u{590}'..='\u{8FF}' | '\u{FB1D}'..='\u{FDFF}' | '\u{FE70}'..='\u{FEFC}')
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: Area = Area { x0: 100.0, y0: 10.0, x1: 200.0, y1: 30.0 };

    fn word(text: &str, x: Option<f64>, width: Option<f64>) -> DraftWord {
        let place = Place { x, width, ..Place::default() };
        DraftWord { text: text.to_owned(), place, ..DraftWord::default() }
    }

    fn stretches(words: &[DraftWord]) -> Vec<(f64, f64)> {
        word_areas(LINE, words).iter().map(|it| (it.x0, it.x1)).collect()
    }

    #[test]
    fn words_without_a_place_share_what_is_free() {
        let all = [word("aaaa", None, None), word("bbbbb", None, None)];
        assert_eq!(stretches(&all), [(100.0, 140.0), (150.0, 200.0)]);
        let around = [
            word("a", Some(100.0), Some(20.0)),
            word("bb", None, None),
            word("cc", None, None),
            word("d", Some(170.0), Some(30.0)),
        ];
        assert_eq!(
            stretches(&around),
            [(100.0, 120.0), (120.0, 140.0), (150.0, 170.0), (170.0, 200.0)]
        );
        let start_known = [word("a", Some(110.0), None), word("b", Some(150.0), Some(10.0))];
        assert_eq!(stretches(&start_known), [(110.0, 150.0), (150.0, 160.0)]);
    }

    #[test]
    fn words_that_overlap_leave_nothing_and_get_no_negative_width() {
        let words = [
            word("a", Some(100.0), Some(90.0)),
            word("b", None, None),
            word("c", Some(150.0), Some(9.0)),
        ];
        assert_eq!(stretches(&words)[1], (190.0, 190.0));
    }

    #[test]
    fn hebrew_begins_at_the_right() {
        let shares = shares(0.0, 70.0, &["שלום", "לך"]);
        assert_eq!(shares, [(30.0, 70.0), (0.0, 20.0)]);
    }
}
