//! Folding: spellings of one word that a reader takes for the same become the same.
//!
//! Case, compatibility forms (ſ, ligatures, full width), accents and the small letters that old
//! prints set above vowels go; `æ`, `œ`, `ß` and their kind are written out. Signs of scripts in
//! which they are letters (Devanagari, kana) stay.

use unicode_normalization::{UnicodeNormalization, is_nfc};

/// Stands for every apostrophe and hyphen within a word.
pub(super) const JOINER: char = '-';

/// Folds text; apostrophes and hyphens come out as `-`.
pub fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    fold_into(text, &mut out);
    out
}

/// Appends folded text.
pub(super) fn fold_into(text: &str, out: &mut String) {
    let start = out.len();
    for character in text.chars() {
        match simple(character) {
            Some(Simple::Character(it)) => out.push(it),
            Some(Simple::Letters(it)) => out.push_str(it),
            None => {
                out.truncate(start);
                return fold_any(text, out);
            }
        }
    }
}

/// What a character becomes, whatever stands beside it.
enum Simple {
    Character(char),
    Letters(&'static str),
}

/// Folds what nearly all words are made of. The rules are those of [`fold_any`], which is slower:
/// that they are is property-tested.
fn simple(character: char) -> Option<Simple> {
    Some(Simple::Character(match character {
        '\'' | '`' | '=' => JOINER,
        ascii if ascii.is_ascii() => ascii.to_ascii_lowercase(),
        'à'..='å' | 'À'..='Å' => 'a',
        'ç' | 'Ç' => 'c',
        'è'..='ë' | 'È'..='Ë' => 'e',
        'ì'..='ï' | 'Ì'..='Ï' => 'i',
        'ñ' | 'Ñ' => 'n',
        'ò'..='ö' | 'Ò'..='Ö' | 'ø' | 'Ø' => 'o',
        'ù'..='ü' | 'Ù'..='Ü' => 'u',
        'ſ' => 's',
        '’' | '‘' | '‐' | '‑' | '⸗' | '¬' => JOINER,
        '„' | '“' | '”' | '«' | '»' | '—' | '–' => character,
        'ß' => return Some(Simple::Letters("ss")),
        'æ' | 'Æ' => return Some(Simple::Letters("ae")),
        'œ' | 'Œ' => return Some(Simple::Letters("oe")),
        _ => return None,
    }))
}

fn fold_any(text: &str, out: &mut String) {
    let start = out.len();
    let unified = text.chars().filter_map(unified);
    // Once more behind the decomposition: `⁗` is four primes.
    let decomposed = unified.nfkd().filter_map(self::unified);
    for decomposed in decomposed.filter(|it| !is_accent(*it)) {
        for lower in decomposed.to_lowercase().filter(|it| !is_accent(*it)) {
            match written_out(lower) {
                Some(letters) => out.push_str(letters),
                None => out.push(lower),
            }
        }
    }
    if !is_nfc(&out[start..]) {
        let composed: String = out[start..].nfc().collect();
        out.truncate(start);
        out.push_str(&composed);
    }
}

/// Turns a character into what it means for words; `None`: nothing.
fn unified(character: char) -> Option<char> {
    match character {
        // Marks where a word may be divided, and how letters are drawn.
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{feff}' => None,
        '\'' | '`' | '´' | '‘' | '’' | '‛' | 'ʼ' | 'ʻ' | '′' | '＇' => Some(JOINER),
        '=' | '‐' | '‑' | '⸗' | '¬' | '－' => Some(JOINER),
        // The number of a note is not part of the word before it.
        '¹' | '²' | '³' | '⁰' | '⁴'..='⁹' | '₀'..='₉' => Some(' '),
        character => Some(character),
    }
}

fn is_accent(character: char) -> bool {
    matches!(character,
        '\u{300}'..='\u{36f}' // Latin, Greek; the letters above vowels too.
        | '\u{483}'..='\u{489}' // Cyrillic.
        | '\u{591}'..='\u{5bd}' | '\u{5bf}' | '\u{5c1}'..='\u{5c2}' | '\u{5c4}'..='\u{5c5}' // Hebrew.
        | '\u{610}'..='\u{61a}' | '\u{64b}'..='\u{65f}' | '\u{670}' | '\u{640}' // Arabic.
        | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}'
        | '\u{20d0}'..='\u{20ff}' | '\u{fe00}'..='\u{fe0f}' | '\u{fe20}'..='\u{fe2f}')
}

/// Letters that have no decomposition, in letters that everybody can type.
fn written_out(lower: char) -> Option<&'static str> {
    Some(match lower {
        'æ' => "ae",
        'œ' => "oe",
        'ß' => "ss",
        'ø' => "o",
        'đ' | 'ð' => "d",
        'ł' => "l",
        'þ' => "th",
        'ħ' => "h",
        'ı' => "i",
        'ŧ' => "t",
        'ꝛ' => "r",
        'ꝰ' => "us",
        'ς' => "σ",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn simple_words_fold_as_any_do(text in "[ -~À-žſ’‘‐‑⸗¬„“”«»—–]{0,20}") {
            let mut slowly = String::new();
            fold_any(&text, &mut slowly);
            prop_assert_eq!(fold(&text), slowly);
        }
    }
}
