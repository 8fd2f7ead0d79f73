//! What an error of the store means, and what to do about it.

use dlcs_objects::ObjectError;
use object_store::Error;

/// Says what is wrong, in words that name the setting. `place` names bucket and endpoint, `key`
/// the blob.
pub(crate) fn explain(place: &str, key: &str, error: Error) -> ObjectError {
    let text = error.to_string();
    let code = code(&text);
    let unavailable = |what: &str| ObjectError::Unavailable(format!("{place}: {what}"));
    match code {
        Some("NoSuchBucket") => {
            unavailable("there is no such bucket: make it, or name another one with `--objects`")
        }
        Some("InvalidAccessKeyId" | "NotSignedUp") => unavailable(
            "the access key is not known there: see `--objects-access-key`, AWS_ACCESS_KEY_ID",
        ),
        Some("SignatureDoesNotMatch") => unavailable(
            "the secret key is not that of the access key: see `--objects-secret-key`, \
             AWS_SECRET_ACCESS_KEY",
        ),
        Some("ExpiredToken" | "InvalidToken") => {
            unavailable("the credentials have ended: give new ones, and start again")
        }
        Some("RequestTimeTooSkewed") => {
            unavailable("the clock of this machine differs from the store's: set it (NTP)")
        }
        Some(
            "AuthorizationHeaderMalformed"
            | "PermanentRedirect"
            | "IllegalLocationConstraintException",
        ) => unavailable("the bucket is in another region: name it with `--objects-region`"),
        Some("XMinioStorageFull" | "QuotaExceeded" | "InsufficientStorage") => {
            ObjectError::Full(format!("{place}: {}", code.unwrap_or_default()))
        }
        _ => match error {
            Error::NotFound { .. } => ObjectError::NotFound(key.to_owned()),
            Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => unavailable(
                "access is denied: the key needs s3:ListBucket on the bucket, and s3:GetObject, \
                 s3:PutObject, s3:DeleteObject and s3:AbortMultipartUpload on what is in it",
            ),
            _ if text.contains("without LOCATION") => {
                unavailable("the bucket is in another region: name it with `--objects-region`")
            }
            _ => ObjectError::Unavailable(format!("{place}: {key}: {}", short(&text))),
        },
    }
}

/// Says whether a range lay behind the end.
pub(crate) fn is_behind_the_end(error: &Error) -> bool {
    let text = error.to_string();
    code(&text) == Some("InvalidRange") || text.contains("416 Range Not Satisfiable")
}

/// Returns the code of the XML in an answer: the client keeps it as text only.
fn code(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("<Code>")?;
    Some(rest.split_once("</Code>")?.0)
}

/// A whole page of a proxy is of no use in a line of the log.
fn short(text: &str) -> String {
    const CHARS_MAX: usize = 300;
    let line: Vec<&str> = text.split_whitespace().collect();
    let line = line.join(" ");
    match line.char_indices().nth(CHARS_MAX) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generic(text: &str) -> Error {
        Error::Generic { store: "S3", source: text.to_owned().into() }
    }

    #[test]
    fn each_code_says_what_to_do() {
        for (code, expected) in [
            ("NoSuchBucket", "`--objects`"),
            ("InvalidAccessKeyId", "`--objects-access-key`"),
            ("SignatureDoesNotMatch", "`--objects-secret-key`"),
            ("RequestTimeTooSkewed", "clock"),
            ("AuthorizationHeaderMalformed", "`--objects-region`"),
        ] {
            let error = generic(&format!("403: <Error><Code>{code}</Code></Error>"));
            let explained = explain("s3://b at x", "k", error);
            assert!(matches!(explained, ObjectError::Unavailable(_)), "{explained:?}");
            assert!(explained.to_string().contains(expected), "{explained}");
        }
    }

    #[test]
    fn what_is_full_is_told_apart() {
        let error = generic("507: <Code>XMinioStorageFull</Code>");
        assert!(matches!(explain("b", "k", error), ObjectError::Full(_)));
    }

    #[test]
    fn a_long_page_is_cut() {
        let error = generic(&"ö page\n".repeat(1_000));
        assert!(explain("b", "k", error).to_string().chars().count() < 420);
    }
}
