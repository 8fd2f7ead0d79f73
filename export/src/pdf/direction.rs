//! In which order the letters of a word stand on the page.
//!
//! Text of a PDF is drawn from left to right; readers turn letters of scripts that are written from
//! right to left back. A word is one direction with, at most, numbers or foreign letters within.

/// Returns the characters from left to right.
pub(super) fn from_left_to_right(word: &str) -> Vec<char> {
    let mut characters: Vec<char> = word.chars().collect();
    if !characters.iter().any(|it| is_right_to_left(*it)) {
        return characters;
    }
    characters.reverse();
    // Runs that are written from left to right keep their order.
    let mut start = 0;
    while start < characters.len() {
        let is_run = |it: &&char| runs_left_to_right(**it);
        let length = characters[start..].iter().take_while(is_run).count();
        characters[start..start + length].reverse();
        start += length.max(1);
    }
    characters
}

/// Hebrew, Arabic, Syriac, Thaana, N'Ko …, with their presentation forms; numbers are not.
fn is_right_to_left(character: char) -> bool {
    let is_in_block = matches!(
        u32::from(character),
        0x0590..=0x08FF | 0xFB1D..=0xFDFF | 0xFE70..=0xFEFF | 0x10800..=0x10FFF | 0x1E800..=0x1EFFF
    );
    is_in_block && !character.is_numeric()
}

fn runs_left_to_right(character: char) -> bool {
    character.is_alphanumeric() && !is_right_to_left(character)
}

#[cfg(test)]
mod tests {
    use super::from_left_to_right;

    #[test]
    fn letters_of_the_other_direction_are_turned_and_numbers_are_not() {
        let shown = |word| from_left_to_right(word).into_iter().collect::<String>();
        assert_eq!(shown("Wort1784"), "Wort1784");
        assert_eq!(shown("שלום"), "םולש");
        assert_eq!(shown("ב1948,"), ",1948ב");
        assert_eq!(shown("سنة٢٠٢٦"), "٢٠٢٦ةنس");
        assert_eq!(shown(""), "");
    }
}
