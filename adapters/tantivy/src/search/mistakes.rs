//! An automaton over the bytes of terms that accepts those one typing mistake away from a word.
//!
//! It walks the term dictionary and leaves a branch as soon as nothing below it can match. That it
//! accepts what `dlcs_text::query::is_one_mistake_away` accepts is property-tested.

use tantivy_fst::Automaton;

/// Longest word, in letters: a place for each in a `u128`, and one for the end.
const LETTERS_MAX: usize = 126;

pub(super) struct OneMistake {
    letters: Vec<char>,
}

/// What may have been read, as bits of how many letters of the word are behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct State {
    /// Without a mistake.
    exact: u128,
    /// With one.
    near: u128,
    /// The later of two neighbours came first; the earlier one is awaited.
    swapping: u128,
    /// A letter of several bytes, so far, and how many bytes are missing.
    letter: u32,
    missing: u8,
}

impl OneMistake {
    pub(super) fn new(word: &str) -> Self {
        Self { letters: word.chars().take(LETTERS_MAX).collect() }
    }

    /// Returns the places of the word that have this letter.
    fn places(&self, letter: char) -> u128 {
        let places = (0_u32..).zip(&self.letters).filter(|it| *it.1 == letter);
        places.fold(0, |mask, (place, _)| mask | 1 << place)
    }

    fn read(&self, state: &State, letter: char) -> State {
        let State { exact, near, swapping, .. } = *state;
        let places = self.places(letter);
        let within = (1_u128 << (self.letters.len() + 1)) - 1;
        let exact_next = (exact & places) << 1;
        let near_next = (near & places) << 1
            // A letter too many, another letter, a letter left out before this one.
            | exact
            | exact << 1
            | ((exact << 1) & places) << 1
            | (swapping & places) << 2;
        State {
            exact: exact_next & within,
            near: near_next & within,
            swapping: exact & (places >> 1),
            letter: 0,
            missing: 0,
        }
    }
}

const NOTHING: State = State { exact: 0, near: 0, swapping: 0, letter: 0, missing: 0 };

impl Automaton for OneMistake {
    type State = State;

    fn start(&self) -> State {
        State { exact: 1, ..NOTHING }
    }

    fn is_match(&self, state: &State) -> bool {
        let end = 1_u128 << self.letters.len();
        // The last letter may be left out.
        let is_there = (state.exact | state.near) & end != 0 || (state.exact << 1) & end != 0;
        state.missing == 0 && is_there
    }

    fn can_match(&self, state: &State) -> bool {
        state.exact | state.near | state.swapping != 0
    }

    fn accept(&self, state: &State, byte: u8) -> State {
        let (letter, missing) = match (state.missing, byte) {
            (0, 0..0x80) => (u32::from(byte), 0),
            (0, 0xc0..0xe0) => (u32::from(byte & 0x1f), 1),
            (0, 0xe0..0xf0) => (u32::from(byte & 0x0f), 2),
            (0, 0xf0..0xf8) => (u32::from(byte & 0x07), 3),
            (1..=3, 0x80..0xc0) => (state.letter << 6 | u32::from(byte & 0x3f), state.missing - 1),
            // Terms are UTF-8; something else matches nothing.
            _ => return NOTHING,
        };
        if missing > 0 {
            return State { letter, missing, ..*state };
        }
        char::from_u32(letter).map_or(NOTHING, |letter| self.read(state, letter))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dlcs_text::query::is_one_mistake_away;
    use proptest::prelude::*;

    fn accepts(word: &str, term: &str) -> bool {
        let automaton = OneMistake::new(word);
        let mut state = automaton.start();
        for byte in term.bytes() {
            if !automaton.can_match(&state) {
                return false;
            }
            state = automaton.accept(&state, byte);
        }
        automaton.is_match(&state)
    }

    proptest! {
        #[test]
        fn it_accepts_what_is_one_mistake_away(word in "[abä]{0,6}", term in "[abä中]{0,6}") {
            prop_assert_eq!(accepts(&word, &term), is_one_mistake_away(&word, &term));
        }
    }

    #[test]
    fn long_words_have_room() {
        let word = "x".repeat(64);
        assert!(accepts(&word, &"x".repeat(65)));
        assert!(accepts(&word, &word));
        assert!(!accepts(&word, &"x".repeat(66)));
    }
}
