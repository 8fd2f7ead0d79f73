//! One typing mistake: a letter too many, too few, another one, or two neighbours that changed places.

/// Says whether two words are equal or one typing mistake apart.
///
/// ```
/// use dlcs_text::query::is_one_mistake_away;
///
/// assert!(is_one_mistake_away("haus", "huas"));
/// assert!(!is_one_mistake_away("haus", "hut"));
/// ```
pub fn is_one_mistake_away(left: &str, right: &str) -> bool {
    let same_start = left.chars().zip(right.chars()).take_while(|(a, b)| a == b);
    let start: usize = same_start.map(|(it, _)| it.len_utf8()).sum();
    let (left, right) = (&left[start..], &right[start..]);
    let same_end = left.chars().rev().zip(right.chars().rev()).take_while(|(a, b)| a == b);
    let end: usize = same_end.map(|(it, _)| it.len_utf8()).sum();
    let (left, right) = (&left[..left.len() - end], &right[..right.len() - end]);
    let (mut left, mut right) = (left.chars(), right.chars());
    match (left.next(), left.next(), right.next(), right.next()) {
        (a, None, b, None) => a.is_some() || b.is_some() || a == b,
        (Some(a), Some(b), Some(c), Some(d)) => {
            a == d && b == c && left.next().is_none() && right.next().is_none()
        }
        _ => false,
    }
}
