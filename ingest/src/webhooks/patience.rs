//! How long a message waits for its next try.

use jiff::fmt::rfc2822;
use std::time::Duration;

/// Pauses behind the first tries, in seconds; then the last one again and again.
const PAUSES_S: [u64; 9] = [5, 30, 120, 600, 3_600, 7_200, 18_000, 36_000, 50_400];
/// A receiver may ask for no more.
const PAUSE_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// Tries of one message: as many as there are pauses between, a day and a third in all.
pub const TRIES_DEFAULT: u32 = 10;

/// Returns the pause behind a number of tries, of which there was one at least: up to a fifth longer as
/// the dice fall, so that a receiver that comes back is not met by all at once.
pub(super) fn pause(tries: u32, dice: u64, retry_after: Option<Duration>) -> Duration {
    let index = usize::try_from(tries.saturating_sub(1)).unwrap_or(usize::MAX);
    let pause = Duration::from_secs(PAUSES_S[index.min(PAUSES_S.len() - 1)]);
    let share = u32::try_from(dice % 1_000).unwrap_or_default();
    let pause = pause + pause / 5 * share / 1_000;
    pause.max(retry_after.unwrap_or_default().min(PAUSE_MAX))
}

/// Reads `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date.
pub(super) fn retry_after(text: &str, now_us: i64) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    let wait_us = date.as_microsecond().saturating_sub(now_us);
    Some(Duration::from_micros(u64::try_from(wait_us).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const S: fn(u64) -> Duration = Duration::from_secs;

    #[test]
    fn pauses_grow_and_end_within_a_day_and_a_half() {
        for (tries, seconds) in [(1, 5), (2, 30), (3, 120), (4, 600), (5, 3_600), (9, 50_400)] {
            assert_eq!(pause(tries, 0, None), S(seconds), "{tries}");
        }
        assert_eq!(pause(u32::MAX, 0, None), S(50_400));
        let longest: Duration = (1..TRIES_DEFAULT).map(|tries| pause(tries, 999, None)).sum();
        assert!(longest < S(40 * 3_600), "{longest:?}");
    }

    #[test]
    fn a_receiver_is_not_asked_before_it_wants_to_be_and_not_never() {
        assert_eq!(pause(1, 0, Some(S(60))), S(60));
        assert_eq!(pause(2, 0, Some(S(1))), S(30), "no sooner than usual");
        assert_eq!(pause(1, 0, Some(S(u64::MAX))), S(86_400));
    }

    #[test]
    fn a_time_to_come_again_is_seconds_or_a_date() {
        let now_us = 1_700_000_000_000_000;
        for (text, expected) in [
            ("120", Some(S(120))),
            (" 0 ", Some(S(0))),
            ("Tue, 14 Nov 2023 22:14:20 GMT", Some(S(60))),
            ("Tue, 14 Nov 2000 22:14:20 GMT", Some(S(0))),
            ("-1", None),
            ("soon", None),
            ("", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(retry_after(text, now_us), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn dice_make_a_pause_up_to_a_fifth_longer(tries in 1_u32..40, dice: u64) {
            let (least, is) = (pause(tries, 0, None), pause(tries, dice, None));
            prop_assert!(least <= is && is <= least + least / 5);
        }
    }
}
