//! When a failed attempt is repeated by itself.

use super::values::{Failure, IngestErrorCode};
use std::time::Duration;

/// Starts after a client's last request, at most; then somebody has to ask again.
pub const TRIES_MAX: u32 = 5;

/// Returns how long to wait before the next try, or `None`: never by itself.
///
/// `tries` counts the starts since a client last asked, this one included. What the origin or the
/// image itself is guilty of does not pass by waiting.
pub fn retry_policy(code: IngestErrorCode, tries: u32) -> Option<Duration> {
    use IngestErrorCode as Code;
    let (tries_max, first_delay_s) = match code {
        Code::OriginUnreachable | Code::OriginTimeout => (TRIES_MAX, 5),
        Code::StorageFull => (TRIES_MAX, 30),
        Code::Internal => (3, 2),
        Code::OriginForbidden
        | Code::OriginNotFound
        | Code::OriginTooLarge
        | Code::MediaTypeUnsupported
        | Code::ImageCorrupt
        | Code::ImageTooLarge
        | Code::RecognitionFailed => return None,
    };
    let waited = tries.saturating_sub(1);
    (tries < tries_max).then(|| Duration::from_secs(first_delay_s << (2 * waited.min(TRIES_MAX))))
}

impl Failure {
    /// Returns the failure of one try, with the time of the next by the [`retry_policy`].
    pub fn of_try(code: IngestErrorCode, detail: String, tries: u32, now_us: i64) -> Self {
        let next_attempt_at_us = retry_policy(code, tries).map(|delay| {
            now_us.saturating_add(i64::try_from(delay.as_micros()).unwrap_or(i64::MAX))
        });
        Self { code, detail, next_attempt_at_us }
    }

    /// Returns what ends a crash loop: nobody hears of `tries` tries.
    pub fn given_up(work: &str, tries: u32) -> Self {
        let detail = format!("{work} ended {tries} times without a result");
        Self { code: IngestErrorCode::Internal, detail, next_attempt_at_us: None }
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, IngestErrorCode as Code, retry_policy};

    #[test]
    fn delays_grow_and_end() {
        let delays: Vec<_> = (1..=5)
            .map(|tries| retry_policy(Code::OriginUnreachable, tries).map(|it| it.as_secs()))
            .collect();
        assert_eq!(delays, [Some(5), Some(20), Some(80), Some(320), None]);
        assert_eq!(retry_policy(Code::Internal, 3), None);
    }

    #[test]
    fn what_does_not_pass_is_not_repeated() {
        let lasting = [
            Code::OriginForbidden,
            Code::OriginNotFound,
            Code::OriginTooLarge,
            Code::MediaTypeUnsupported,
            Code::ImageCorrupt,
            Code::ImageTooLarge,
        ];
        assert!(lasting.iter().all(|it| retry_policy(*it, 1).is_none()));
    }

    #[test]
    fn any_number_of_tries_is_answered() {
        assert_eq!(retry_policy(Code::StorageFull, 0), Some(Duration::from_secs(30)));
        assert_eq!(retry_policy(Code::StorageFull, u32::MAX), None);
    }
}
