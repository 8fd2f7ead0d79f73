//! A custom header: what a customer wants to be sent beside pixels and originals.

use super::{Definition, DefinitionError};
use crate::access::role_name;
use crate::ids::SpaceNumber;
use crate::names::check_flat_id;
use serde::{Deserialize, Serialize};

const KEY_BYTES_MAX: usize = 64;
const VALUE_BYTES_MAX: usize = 1024;
const ROLE_BYTES_MAX: usize = 1024;

/// What is sent, and beside which images. One that says more passes before one that says less.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomHeader {
    pub key: String,
    pub value: String,
    /// `None`: images of every space.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub space: Option<SpaceNumber>,
    /// `None`: whatever roles they have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
}

impl CustomHeader {
    /// The code of whatever a customer may not have sent.
    pub const FORBIDDEN: &'static str = "header-forbidden";

    /// Says whether it is meant for an image of a space, with these roles.
    pub fn is_for(&self, space: SpaceNumber, roles: &[String]) -> bool {
        let is_of_role = |role: &String| {
            let wanted = role_name(role);
            roles.iter().any(|it| role_name(it) == wanted)
        };
        self.space.is_none_or(|it| it == space) && self.role.as_ref().is_none_or(is_of_role)
    }

    /// Orders those of one key: nothing, a space, a role, both.
    pub fn rank(&self) -> u8 {
        u8::from(self.space.is_some()) + 2 * u8::from(self.role.is_some())
    }

    /// Says whether it is about who may keep an answer: never sent beside a closed one.
    pub fn is_about_caching(&self) -> bool {
        self.key.eq_ignore_ascii_case(CACHE_CONTROL)
    }
}

impl Definition for CustomHeader {
    const CATEGORY: &'static str = "custom_header";
    const NAME: &'static str = "custom header";

    fn check(&self, name: &str) -> Result<(), DefinitionError> {
        check_flat_id(name)?;
        check_key(&self.key)?;
        check_value(&self.value)?;
        if self.role.as_ref().is_some_and(|it| it.is_empty() || it.len() > ROLE_BYTES_MAX) {
            let detail = format!("`role` has 1 to {ROLE_BYTES_MAX} bytes; leave it out for all");
            return Err(DefinitionError::Invalid(detail));
        }
        if self.is_about_caching() && self.role.is_some() {
            return forbidden(
                "what a role closes is kept by nobody: leave `role` out, and `Cache-Control` goes \
                 out with images that are open",
            );
        }
        Ok(())
    }
}

/// Names that begin so mean something to browsers, to proxies, or to this service.
const FORBIDDEN_PREFIXES: &[&str] = &[
    "accept-",
    "access-control-",
    "ad-auction-",
    "alt-",
    "attribution-reporting-",
    "authentication-",
    "available-dictionary",
    "clear-site-data",
    "content-",
    "critical-ch",
    "cross-origin-",
    "dlcs-",
    "document-",
    "early-data",
    "feature-policy",
    "http2-settings",
    "if-",
    "integrity-policy",
    "memento-",
    "no-vary-search",
    "observe-browsing-topics",
    "origin-",
    "permissions-policy",
    "proxy-",
    "public-key-pins",
    "referrer-policy",
    "report-",
    "reporting-",
    "repr-digest",
    "sec-",
    "service-worker",
    "set-",
    "shared-storage-",
    "sourcemap",
    "speculation-rules",
    "strict-transport-security",
    "supports-loading-mode",
    "timing-allow-origin",
    "transfer-",
    "upgrade-",
    "use-as-dictionary",
    "want-",
    "www-",
    "x-accel-",
    "x-content-",
    "x-dns-",
    "x-download-options",
    "x-forwarded",
    "x-frame-options",
    "x-http-method",
    "x-iiif-",
    "x-lighttpd-",
    "x-litespeed-",
    "x-original-",
    "x-permitted-",
    "x-real-ip",
    "x-reproxy-",
    "x-request-id",
    "x-rewrite-",
    "x-sendfile",
    "x-sourcemap",
    "x-ua-compatible",
    "x-webkit-",
    "x-xss-",
];

/// Names that mean something as they are.
const FORBIDDEN_NAMES: &[&str] = &[
    "accept",
    "activate-storage-access",
    "allow",
    "authorization",
    "connection",
    "cookie",
    "cookie2",
    "date",
    "dav",
    "digest",
    "etag",
    "expect",
    "expect-ct",
    "forwarded",
    "from",
    "host",
    "keep-alive",
    "last-modified",
    "link",
    "location",
    "nel",
    "origin",
    "priority",
    "range",
    "referer",
    "refresh",
    "retry-after",
    "server",
    "signature",
    "signature-input",
    "status",
    "te",
    "traceparent",
    "tracestate",
    "trailer",
    "upgrade",
    "user-agent",
    "via",
];

/// What else says who may keep an answer: `Cache-Control` is enough, and is left out where it must be.
const ABOUT_CACHING: &[&str] =
    &["age", "expires", "pragma", "surrogate-control", "vary", "warning"];

const CACHE_CONTROL: &str = "cache-control";

fn check_key(key: &str) -> Result<(), DefinitionError> {
    let is_token =
        key.bytes().all(|it| it.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&it));
    if key.is_empty() || key.len() > KEY_BYTES_MAX || !is_token {
        let rule =
            format!("`key` is the name of a header: 1 to {KEY_BYTES_MAX} letters, digits, `-`");
        return forbidden(&rule);
    }
    let name = key.to_ascii_lowercase();
    if ABOUT_CACHING.contains(&name.as_str())
        || (name.ends_with("-cache-control") && name != CACHE_CONTROL)
    {
        return forbidden(&format!("`{key}` cannot be sent: say it with `Cache-Control`"));
    }
    let means_something = FORBIDDEN_NAMES.contains(&name.as_str())
        || FORBIDDEN_PREFIXES.iter().any(|it| name.starts_with(it));
    if means_something {
        return forbidden(&format!(
            "`{key}` means something to browsers, to proxies or to this service, and cannot be sent: \
             choose a name of your own, for example one that begins with `X-`"
        ));
    }
    Ok(())
}

fn check_value(value: &str) -> Result<(), DefinitionError> {
    let is_visible = value.bytes().all(|it| matches!(it, b' '..=b'~'));
    if value.is_empty() || value.len() > VALUE_BYTES_MAX || !is_visible || value.trim() != value {
        return forbidden(&format!(
            "`value` is one line of 1 to {VALUE_BYTES_MAX} visible ASCII characters, without blanks at \
             its ends"
        ));
    }
    Ok(())
}

fn forbidden(detail: &str) -> Result<(), DefinitionError> {
    Err(DefinitionError::Refused { code: CustomHeader::FORBIDDEN, detail: detail.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(key: &str, value: &str) -> CustomHeader {
        CustomHeader { key: key.to_owned(), value: value.to_owned(), space: None, role: None }
    }

    fn code(header: &CustomHeader) -> &'static str {
        match header.check("a") {
            Ok(()) => "ok",
            Err(DefinitionError::Refused { code, .. }) => code,
            Err(_) => "other",
        }
    }

    #[test]
    fn a_customer_has_names_of_its_own() {
        for key in ["X-Licence", "x-robots-tag", "Surrogate-Key", "Original-Title", "Cache-Control"]
        {
            assert_eq!(code(&header(key, "CC BY 4.0")), "ok", "{key}");
        }
    }

    #[test]
    fn what_means_something_is_refused_whatever_its_case() {
        for key in [
            "Connection",
            "TRANSFER-ENCODING",
            "Proxy-Authenticate",
            "Set-Cookie",
            "www-authenticate",
            "Content-Type",
            "content-security-policy",
            "Content-Disposition",
            "X-Content-Type-Options",
            "X-Frame-Options",
            "Strict-Transport-Security",
            "Access-Control-Allow-Origin",
            "Timing-Allow-Origin",
            "Cross-Origin-Resource-Policy",
            "Location",
            "Refresh",
            "Link",
            "ETag",
            "Vary",
            "Expires",
            "CDN-Cache-Control",
            "X-Accel-Redirect",
            "X-Sendfile",
            "Alt-Svc",
            "Clear-Site-Data",
            "Service-Worker-Allowed",
            "Sec-Fetch-Mode",
            "Dlcs-Position",
            "X-Request-Id",
        ] {
            assert_eq!(code(&header(key, "a")), CustomHeader::FORBIDDEN, "{key}");
        }
    }

    #[test]
    fn no_header_hides_another_one() {
        for key in ["", "X A", "X:A", "X-A\r\nSet-Cookie", "X-Ä", &"x".repeat(65)] {
            assert_eq!(code(&header(key, "a")), CustomHeader::FORBIDDEN, "{key:?}");
        }
        for value in
            ["", "a\r\nSet-Cookie: b=c", "a\nb", "a\0", "a\tb", " a", "ä", &"x".repeat(1025)]
        {
            assert_eq!(code(&header("X-A", value)), CustomHeader::FORBIDDEN, "{value:?}");
        }
    }

    #[test]
    fn what_is_closed_is_kept_by_nobody() {
        let closed =
            CustomHeader { role: Some("staff".to_owned()), ..header("Cache-Control", "public") };
        assert_eq!(code(&closed), CustomHeader::FORBIDDEN);
    }

    #[test]
    fn it_is_for_the_images_that_it_names() {
        let (one, two) = (SpaceNumber(1), SpaceNumber(2));
        let all = header("X-A", "a");
        let of_space = CustomHeader { space: Some(one), ..all.clone() };
        let role = Some("https://example.org/roles/staff".to_owned());
        let of_role = CustomHeader { role, ..all.clone() };
        let of_both = CustomHeader { space: Some(one), ..of_role.clone() };
        let staff = ["other".to_owned(), "staff".to_owned()];
        let is_for = |space, roles: &[String]| {
            [&all, &of_space, &of_role, &of_both].map(|it| it.is_for(space, roles))
        };
        assert_eq!(is_for(one, &staff), [true; 4]);
        assert_eq!(is_for(one, &[]), [true, true, false, false]);
        assert_eq!(is_for(two, &staff), [true, false, true, false]);
        assert_eq!([&all, &of_space, &of_role, &of_both].map(CustomHeader::rank), [0, 1, 2, 3]);
    }
}
