//! Times of the log (microseconds) as HTTP and JSON write them.

use jiff::Timestamp;
use jiff::fmt::rfc2822;

/// Returns `2026-11-22T21:00:00.123456Z`.
pub(crate) fn iso(microseconds: i64) -> String {
    timestamp(microseconds).to_string()
}

/// Returns the form of `Last-Modified`, in whole seconds.
pub(crate) fn http_date(microseconds: i64) -> String {
    let printer = rfc2822::DateTimePrinter::new();
    printer.timestamp_to_rfc9110_string(&timestamp(microseconds)).unwrap_or_default()
}

/// Reads an HTTP date; seconds since 1970.
pub(crate) fn parse_http_date(text: &str) -> Option<i64> {
    let parser = rfc2822::DateTimeParser::new();
    parser.parse_timestamp(text).ok().map(Timestamp::as_second)
}

/// Reads `2026-11-22T21:00:00Z`; microseconds since 1970.
pub(crate) fn parse_iso(text: &str) -> Option<i64> {
    text.parse().ok().map(Timestamp::as_microsecond)
}

fn timestamp(microseconds: i64) -> Timestamp {
    Timestamp::from_microsecond(microseconds).unwrap_or(Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_http_date_is_read_back_to_the_second() {
        let text = http_date(1_700_000_000_999_999);
        assert_eq!(text, "Tue, 14 Nov 2023 22:13:20 GMT");
        assert_eq!(parse_http_date(&text), Some(1_700_000_000));
        assert_eq!(parse_http_date("yesterday"), None);
    }
}
