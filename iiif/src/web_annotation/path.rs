//! Path data of SVG, walked for the box around it. SVG 2, section 9.3.

use super::region::Region;

/// More coordinates than anybody draws.
const NUMBERS_MAX: usize = 100_000;

/// The box around the points so far.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Bounds {
    /// Left, top, right, bottom.
    edges: Option<[f64; 4]>,
}

impl Bounds {
    pub(super) fn add(&mut self, x: f64, y: f64) {
        let [left, top, right, bottom] = self.edges.unwrap_or([x, y, x, y]);
        self.edges = Some([left.min(x), top.min(y), right.max(x), bottom.max(y)]);
    }

    pub(super) fn region(&self) -> Option<Region> {
        let [left, top, right, bottom] = self.edges?;
        Region::around(left, top, right, bottom)
    }
}

enum Token {
    Command(char),
    Number(f64),
}

/// Returns the numbers of a list such as that of a polygon; `None`: it is none.
pub(super) fn numbers(text: &str) -> Option<Vec<f64>> {
    let number = |token| match token {
        Token::Number(number) => Some(number),
        Token::Command(_) => None,
    };
    tokens(text)?.into_iter().map(number).collect()
}

/// Widens the bounds by a path; `None`: it cannot be read.
pub(super) fn walk(data: &str, bounds: &mut Bounds) -> Option<()> {
    let mut walk = Walk { at: (0.0, 0.0), begun: (0.0, 0.0) };
    let mut tokens = tokens(data)?.into_iter().peekable();
    let mut command = None;
    while let Some(token) = tokens.peek() {
        if let Token::Command(letter) = *token {
            tokens.next();
            command = Some(letter);
            if letter.eq_ignore_ascii_case(&'z') {
                walk.at = walk.begun;
                continue;
            }
        }
        let letter = command?;
        let mut arguments = Vec::with_capacity(7);
        for _ in 0..arity(letter)? {
            match tokens.next()? {
                Token::Number(number) => arguments.push(number),
                Token::Command(_) => return None,
            }
        }
        walk.step(letter, &arguments, bounds)?;
        // Further pairs after a move are lines.
        command = Some(match letter {
            'm' => 'l',
            'M' => 'L',
            other => other,
        });
    }
    Some(())
}

struct Walk {
    at: (f64, f64),
    begun: (f64, f64),
}

impl Walk {
    fn step(&mut self, letter: char, numbers: &[f64], bounds: &mut Bounds) -> Option<()> {
        let (from_x, from_y) = if letter.is_ascii_lowercase() { self.at } else { (0.0, 0.0) };
        match (letter.to_ascii_uppercase(), numbers) {
            ('H', [x]) => self.at.0 = from_x + x,
            ('V', [y]) => self.at.1 = from_y + y,
            ('A', [rx, ry, _, _, _, x, y]) => {
                // The whole ellipse lies within twice its radius around either end.
                let reach = 2.0 * rx.abs().max(ry.abs());
                let (old_x, old_y) = self.at;
                self.at = (from_x + x, from_y + y);
                let (low_x, high_x) = (old_x.min(self.at.0), old_x.max(self.at.0));
                let (low_y, high_y) = (old_y.min(self.at.1), old_y.max(self.at.1));
                bounds.add((high_x - reach).min(low_x), (high_y - reach).min(low_y));
                bounds.add((low_x + reach).max(high_x), (low_y + reach).max(high_y));
            }
            ('M' | 'L' | 'C' | 'S' | 'Q' | 'T', points) => {
                for point in points.chunks_exact(2) {
                    self.at = (from_x + point[0], from_y + point[1]);
                    bounds.add(self.at.0, self.at.1);
                }
                if letter.eq_ignore_ascii_case(&'m') {
                    self.begun = self.at;
                }
            }
            _ => return None,
        }
        bounds.add(self.at.0, self.at.1);
        Some(())
    }
}

fn arity(letter: char) -> Option<usize> {
    Some(match letter.to_ascii_uppercase() {
        'H' | 'V' => 1,
        'M' | 'L' | 'T' => 2,
        'S' | 'Q' => 4,
        'C' => 6,
        'A' => 7,
        _ => return None,
    })
}

fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start_matches(is_separator);
    while let Some(first) = rest.chars().next() {
        if tokens.len() >= NUMBERS_MAX {
            return None;
        }
        let length = if first.is_ascii_alphabetic() {
            tokens.push(Token::Command(first));
            1
        } else {
            let length = number_length(rest);
            tokens.push(Token::Number(rest[..length].parse().ok()?));
            length
        };
        rest = rest[length..].trim_start_matches(is_separator);
    }
    Some(tokens)
}

fn is_separator(character: char) -> bool {
    character.is_ascii_whitespace() || character == ','
}

/// Numbers may follow each other without anything between: `1-2` and `.5.5`.
fn number_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut has_point = false;
    let mut has_exponent = false;
    for (at, byte) in bytes.iter().enumerate() {
        let follows_exponent = at > 0 && matches!(bytes[at - 1], b'e' | b'E');
        match byte {
            b'0'..=b'9' => {}
            b'+' | b'-' if at == 0 || follows_exponent => {}
            b'.' if !has_point && !has_exponent => has_point = true,
            b'e' | b'E' if at > 0 && !has_exponent => has_exponent = true,
            _ => return at,
        }
    }
    text.len()
}
