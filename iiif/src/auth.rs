//! How readers get in: IIIF Authentication 1.0 and Authorization Flow 2.0, as documents.

use serde_json::{Value, json};

/// The JSON-LD context of version 2.0; it stands in the document around.
pub const CONTEXT_V2: &str = "http://iiif.io/api/auth/2/context.json";
const CONTEXT_V1: &str = "http://iiif.io/api/auth/1/context.json";

/// An access service as viewers are told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessService {
    /// Where a reader goes, in each version.
    pub access: Addresses,
    pub token: Addresses,
    pub logout: Addresses,
    /// Where a viewer asks about the resource (2.0).
    pub probe: String,
    /// The last word of the profile in 1.0, for example `clickthrough`; in 2.0 all are `active`.
    pub profile: &'static str,
    /// What a viewer calls the way in.
    pub label: String,
    /// Title, text and button of what a viewer shows before it opens the page.
    pub heading: String,
    pub note: String,
    pub confirm: String,
}

/// An address in each version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addresses {
    pub v1: String,
    pub v2: String,
}

impl AccessService {
    /// Returns the probe service: Authorization Flow 2.0, section 3.
    pub fn v2(&self) -> Value {
        let text = |text: &str| json!({ "none": [text] });
        let mut access = json!({
            "id": self.access.v2,
            "type": "AuthAccessService2",
            "profile": "active",
            "label": text(&self.label),
            "service": [
                {"id": self.token.v2, "type": "AuthAccessTokenService2"},
                {"id": self.logout.v2, "type": "AuthLogoutService2", "label": text("Log out")},
            ],
        });
        let shown =
            [("heading", &self.heading), ("note", &self.note), ("confirmLabel", &self.confirm)];
        for (name, value) in shown.into_iter().filter(|(_, value)| !value.is_empty()) {
            access[name] = text(value);
        }
        json!({"id": self.probe, "type": "AuthProbeService2", "service": [access]})
    }

    /// Returns the access cookie service: Authentication 1.0, section 2.2; beside services of 2.0 with
    /// the type that Presentation 3.0, appendix A, gives it.
    pub fn v1(&self) -> Value {
        let mut service = json!({
            "@context": CONTEXT_V1,
            "@id": self.access.v1,
            "@type": "AuthCookieService1",
            "profile": format!("http://iiif.io/api/auth/1/{}", self.profile),
            "label": self.label,
            "service": [
                {
                    "@id": self.token.v1,
                    "@type": "AuthTokenService1",
                    "profile": "http://iiif.io/api/auth/1/token",
                },
                {
                    "@id": self.logout.v1,
                    "@type": "AuthLogoutService1",
                    "profile": "http://iiif.io/api/auth/1/logout",
                    "label": "Log out",
                },
            ],
        });
        let shown = [
            ("header", &self.heading),
            ("description", &self.note),
            ("confirmLabel", &self.confirm),
        ];
        for (name, value) in shown.into_iter().filter(|(_, value)| !value.is_empty()) {
            service[name] = json!(value);
        }
        service
    }
}

/// What a token service says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenMessage<'a> {
    Token {
        token: &'a str,
        expires_in_s: u64,
    },
    /// The reader has not been let in, or not any more.
    Missing,
    InvalidOrigin,
}

impl TokenMessage<'_> {
    /// Authentication 1.0, sections 2.4.2 and 2.4.3.
    pub fn v1(&self, message_id: Option<&str>) -> Value {
        let mut message = match self {
            Self::Token { token, expires_in_s } => {
                json!({"accessToken": token, "expiresIn": expires_in_s})
            }
            Self::Missing => json!({
                "error": "missingCredentials",
                "description": "Open the access page first.",
            }),
            Self::InvalidOrigin => json!({
                "error": "invalidOrigin",
                "description": "This is no origin of a viewer.",
            }),
        };
        if let Some(id) = message_id {
            message["messageId"] = json!(id);
        }
        message
    }

    /// Authorization Flow 2.0, section 5.
    pub fn v2(&self, message_id: &str) -> Value {
        let error = |profile: &str, note: &str| {
            json!({
                "@context": CONTEXT_V2,
                "type": "AuthAccessTokenError2",
                "profile": profile,
                "messageId": message_id,
                "note": {"en": [note]},
            })
        };
        match self {
            Self::Token { token, expires_in_s } => json!({
                "@context": CONTEXT_V2,
                "type": "AuthAccessToken2",
                "accessToken": token,
                "expiresIn": expires_in_s,
                "messageId": message_id,
            }),
            Self::Missing => error("missingAspect", "Open the access page first."),
            Self::InvalidOrigin => error("invalidOrigin", "This is no origin of a viewer."),
        }
    }
}

/// Returns what a probe says: Authorization Flow 2.0, section 6. `status` is that of the resource.
pub fn probe_result(status: u16, heading: &str, note: &str) -> Value {
    let mut result = json!({"@context": CONTEXT_V2, "type": "AuthProbeResult2", "status": status});
    let shown = [("heading", heading), ("note", note)];
    for (name, value) in shown.into_iter().filter(|(_, value)| !value.is_empty()) {
        result[name] = json!({ "none": [value] });
    }
    result
}

/// Returns an origin of a web page as it is compared: scheme, host and port, and nothing else.
///
/// Only what a browser itself would write is one: `None` for `null`, for `*`, for an address with a
/// path, a user or a fragment, and for schemes that no page has.
pub fn web_origin(text: &str) -> Option<&str> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !rest.ends_with(']') => (host, Some(port)),
        _ => (rest, None),
    };
    let is_number = |port: &str| port.parse::<u16>().is_ok() && !port.starts_with(['0', '+']);
    let is_name = |host: &str| {
        let is_plain =
            |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || b"-._".contains(&it);
        !host.is_empty() && host.len() <= 253 && host.bytes().all(is_plain)
    };
    let is_v6 = |host: &str| {
        let inner = host.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
        inner.is_some_and(|it| it.parse::<std::net::Ipv6Addr>().is_ok())
    };
    (port.is_none_or(is_number) && (is_name(host) || is_v6(host))).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service() -> AccessService {
        let at = |what: &str| Addresses {
            v1: format!("https://dlcs.example/auth/v1/{what}"),
            v2: format!("https://dlcs.example/auth/v2/{what}"),
        };
        AccessService {
            access: at("access/1/terms"),
            token: at("token/1/terms"),
            logout: at("logout/1/terms"),
            probe: "https://dlcs.example/auth/v2/probe/1/1/a".to_owned(),
            profile: "clickthrough",
            label: "Terms of use".to_owned(),
            heading: "Before you read".to_owned(),
            note: String::new(),
            confirm: "I agree".to_owned(),
        }
    }

    /// Authorization Flow 2.0, sections 3 to 5.
    #[test]
    fn a_probe_leads_to_access_token_and_logout() {
        let none = |text: &str| json!({ "none": [text] });
        let expected = json!({
            "id": "https://dlcs.example/auth/v2/probe/1/1/a",
            "type": "AuthProbeService2",
            "service": [{
                "id": "https://dlcs.example/auth/v2/access/1/terms",
                "type": "AuthAccessService2",
                "profile": "active",
                "label": none("Terms of use"),
                "heading": none("Before you read"),
                "confirmLabel": none("I agree"),
                "service": [
                    {
                        "id": "https://dlcs.example/auth/v2/token/1/terms",
                        "type": "AuthAccessTokenService2",
                    },
                    {
                        "id": "https://dlcs.example/auth/v2/logout/1/terms",
                        "type": "AuthLogoutService2",
                        "label": none("Log out"),
                    },
                ],
            }],
        });
        assert_eq!(service().v2(), expected);
    }

    /// Authentication 1.0, sections 2.2 to 2.5.
    #[test]
    fn a_cookie_service_has_token_and_logout() {
        let v1 = service().v1();
        assert_eq!(v1["profile"], "http://iiif.io/api/auth/1/clickthrough");
        assert_eq!(v1["service"][0]["profile"], "http://iiif.io/api/auth/1/token");
        assert_eq!(v1["service"][1]["profile"], "http://iiif.io/api/auth/1/logout");
        assert_eq!((&v1["header"], &v1["description"]), (&json!("Before you read"), &Value::Null));
    }

    #[test]
    fn messages_are_those_of_their_version() {
        let token = TokenMessage::Token { token: "t", expires_in_s: 300 };
        let v1 = json!({"accessToken": "t", "expiresIn": 300, "messageId": "7"});
        assert_eq!(token.v1(Some("7")), v1);
        assert_eq!(token.v2("7")["type"], "AuthAccessToken2");
        assert_eq!(TokenMessage::Missing.v2("7")["profile"], "missingAspect");
        assert_eq!(TokenMessage::Missing.v1(None)["error"], "missingCredentials");
    }

    /// THREATS B70.
    #[test]
    fn b70_only_what_a_browser_calls_an_origin_is_one() {
        for good in [
            "https://viewer.example",
            "http://127.0.0.1:8080",
            "http://localhost:3000",
            "https://[::1]:8443",
            "http://[::1]",
        ] {
            assert_eq!(web_origin(good), Some(good));
        }
        for bad in [
            "",
            "null",
            "*",
            "https://",
            "javascript:alert(1)",
            "data:text/html,x",
            "ftp://a.example",
            "https://good.example@evil.example",
            "https://good.example\nX:1",
            "https://a.example/",
            "https://a.example?x",
            "https://a.example#x",
            "https://a.example:0",
            "https://a.example:99999",
            "https://a.example:",
            "https://a.example';alert(1)//",
            "https://A.example",
            "https://a b.example",
            "//a.example",
            "https://[::1",
            "https://a\\b",
        ] {
            assert_eq!(web_origin(bad), None, "{bad}");
        }
    }
}
