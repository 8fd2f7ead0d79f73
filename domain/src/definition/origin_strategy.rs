//! An origin strategy: how originals are fetched from the addresses that a pattern matches.

use super::{Definition, DefinitionError};
use crate::names::check_flat_id;
use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};
use std::str::FromStr;
use uuid::Uuid;

const REGEX_BYTES_MAX: usize = 1024;
/// Of a compiled pattern.
const COMPILED_BYTES_MAX: usize = 1 << 20;
/// Ids follow from patterns.
const NAMESPACE: Uuid = Uuid::from_u128(0x0f1e_7a52_3c9d_5b40_8a66_d10c_5ae4_2b71);

/// What is said of a strategy. It is known by its pattern, which two of one customer never share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OriginStrategy {
    /// Of addresses of origins.
    pub regex: String,
    pub strategy: Strategy,
    /// Those with a smaller number are looked at first.
    pub order: u32,
    /// Only ever sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<Sealed>,
    /// Nothing was said of credentials: those that are there stay.
    #[serde(skip)]
    pub keeps_credentials: bool,
}

/// How an origin is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// As anybody would.
    Default,
    /// With user and password (RFC 7617).
    BasicHttpAuthentication,
}

/// A text that only whoever has the key can read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// Names the key.
    pub key: String,
    /// Base64.
    pub text: String,
}

/// A word that names no strategy that is offered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not offered: there are `default` and `basic-http-authentication`")]
pub struct UnknownStrategy(pub String);

impl Strategy {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::BasicHttpAuthentication => "basic-http-authentication",
        }
    }
}

impl FromStr for Strategy {
    type Err = UnknownStrategy;

    /// Reads the word, or an address that ends with it.
    fn from_str(text: &str) -> Result<Self, UnknownStrategy> {
        match text.rsplit('/').next().unwrap_or(text) {
            "default" => Ok(Self::Default),
            "basic-http-authentication" => Ok(Self::BasicHttpAuthentication),
            _ => Err(UnknownStrategy(text.chars().take(64).collect())),
        }
    }
}

impl OriginStrategy {
    /// Codes of what is refused.
    pub const UNSUPPORTED: &'static str = "strategy-unsupported";
    pub const REGEX_INVALID: &'static str = "regex-invalid";
    pub const CREDENTIALS_MISSING: &'static str = "credentials-missing";

    /// Returns the id under which a pattern is known.
    pub fn id_of(regex: &str) -> String {
        Uuid::new_v5(&NAMESPACE, regex.as_bytes()).to_string()
    }

    /// Says whether an origin is fetched by this strategy. One that has credentials is for addresses
    /// that match from their beginning on.
    pub fn is_for(&self, origin: &str) -> bool {
        let Some(found) = compiled(&self.regex).ok().and_then(|it| it.find(origin)) else {
            return false;
        };
        found.start() == 0 || self.strategy == Strategy::Default
    }

    fn check_regex(&self) -> Result<(), DefinitionError> {
        if self.regex.is_empty() || self.regex.len() > REGEX_BYTES_MAX {
            return refused(
                Self::REGEX_INVALID,
                format!("`regex` has 1 to {REGEX_BYTES_MAX} bytes"),
            );
        }
        if let Err(error) = compiled(&self.regex) {
            let reason = error.to_string();
            let reason = reason.lines().last().unwrap_or_default().trim_start_matches("error: ");
            let detail = format!("`regex` cannot be used (look-around is not offered): {reason}");
            return refused(Self::REGEX_INVALID, detail);
        }
        let is_anchored = self.regex.starts_with("^http");
        if self.strategy == Strategy::BasicHttpAuthentication && !is_anchored {
            let detail = "with credentials `regex` begins with `^http`, and should go on to the slash \
                          behind the host, for example `^https://images\\.example\\.org/`: else they \
                          could go to others";
            return refused(Self::REGEX_INVALID, detail.to_owned());
        }
        Ok(())
    }
}

impl Definition for OriginStrategy {
    const CATEGORY: &'static str = "origin_strategy";
    const NAME: &'static str = "origin strategy";

    fn check(&self, name: &str) -> Result<(), DefinitionError> {
        check_flat_id(name)?;
        self.check_regex()?;
        if name != Self::id_of(&self.regex) {
            let detail = "a strategy keeps its `regex`: define another one, and remove this one";
            return refused(Self::REGEX_INVALID, detail.to_owned());
        }
        match (self.strategy, &self.credentials) {
            (Strategy::Default, None) | (Strategy::BasicHttpAuthentication, Some(_)) => Ok(()),
            (Strategy::Default, Some(_)) => {
                let detail = "the strategy `default` has no credentials".to_owned();
                Err(DefinitionError::Invalid(detail))
            }
            (Strategy::BasicHttpAuthentication, None) => {
                let detail = "`credentials` are missing: say `{\"user\": …, \"password\": …}`";
                refused(Self::CREDENTIALS_MISSING, detail.to_owned())
            }
        }
    }

    fn merged(mut self, known: &Self) -> Self {
        if self.keeps_credentials && self.strategy == known.strategy {
            self.credentials.clone_from(&known.credentials);
        }
        self.keeps_credentials = false;
        self
    }
}

fn compiled(regex: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(regex).size_limit(COMPILED_BYTES_MAX).build()
}

fn refused(code: &'static str, detail: String) -> Result<(), DefinitionError> {
    Err(DefinitionError::Refused { code, detail })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition::{Defined, DefinitionCommand as Do, DefinitionEvent as Then};
    use crate::given::given;

    const REGEX: &str = r"^https://images\.example\.org/";

    fn sealed(text: &str) -> Option<Sealed> {
        Some(Sealed { key: "k".to_owned(), text: text.to_owned() })
    }

    fn basic(regex: &str) -> OriginStrategy {
        OriginStrategy {
            regex: regex.to_owned(),
            strategy: Strategy::BasicHttpAuthentication,
            order: 1,
            credentials: sealed("a"),
            keeps_credentials: false,
        }
    }

    fn open(regex: &str) -> OriginStrategy {
        OriginStrategy { strategy: Strategy::Default, credentials: None, ..basic(regex) }
    }

    fn code(strategy: &OriginStrategy) -> &'static str {
        match strategy.check(&OriginStrategy::id_of(&strategy.regex)) {
            Ok(()) => "ok",
            Err(DefinitionError::Refused { code, .. }) => code,
            Err(_) => "other",
        }
    }

    #[test]
    fn a_pattern_is_one_that_ends_and_says_where_credentials_go() {
        assert_eq!(code(&basic(REGEX)), "ok");
        assert_eq!(code(&basic(r"^https?:\/\/images\.example\.org\/.*$")), "ok");
        assert_eq!(code(&open(r"\.example\.org/")), "ok");
        for regex in ["", "(", "^https://(?=a)", r"example\.org", "https://a/", &"a".repeat(1025)] {
            assert_eq!(code(&basic(regex)), OriginStrategy::REGEX_INVALID, "{regex}");
        }
        let huge = r"^http(\w{500}){500}";
        assert_eq!(code(&basic(huge)), OriginStrategy::REGEX_INVALID, "too large when compiled");
        assert!(basic(REGEX).check("another-id").is_err(), "its id follows from it");
    }

    #[test]
    fn credentials_go_with_their_strategy() {
        let without = OriginStrategy { credentials: None, ..basic(REGEX) };
        assert_eq!(code(&without), OriginStrategy::CREDENTIALS_MISSING);
        let useless = OriginStrategy { credentials: sealed("a"), ..open(REGEX) };
        assert_eq!(code(&useless), "other");
        for word in ["s3-ambient", "sftp", "", "Basic"] {
            assert!(word.parse::<Strategy>().is_err(), "{word}");
        }
        let address = "https://api.example.org/originStrategies/basic-http-authentication";
        assert_eq!(address.parse(), Ok(Strategy::BasicHttpAuthentication));
    }

    #[test]
    fn credentials_are_for_what_begins_like_the_pattern() {
        let strategy = basic(r"^https://a\.org/|^https://b\.org/|https://c\.org/");
        assert!(strategy.is_for("https://a.org/1.jpg") && strategy.is_for("https://b.org/1.jpg"));
        assert!(!strategy.is_for("https://evil.org/?https://c.org/"));
        assert!(!strategy.is_for("https://axorg/1.jpg"));
        assert!(open("c").is_for("https://evil.org/?https://c.org/"));
    }

    #[test]
    fn what_is_not_said_of_credentials_leaves_them() {
        let name = OriginStrategy::id_of(REGEX);
        let change = |value| Do::Change { name: name.clone(), value };
        let history = || [Then::Defined(basic(REGEX))];
        let unsaid = OriginStrategy { credentials: None, keeps_credentials: true, ..basic(REGEX) };
        given::<Defined<OriginStrategy>>(history()).when(change(unsaid.clone())).then([]);
        let later = OriginStrategy { order: 7, ..unsaid.clone() };
        let expected = OriginStrategy { order: 7, ..basic(REGEX) };
        given::<Defined<OriginStrategy>>(history())
            .when(change(later))
            .then([Then::Changed(expected)]);
        let other = OriginStrategy { credentials: sealed("b"), ..basic(REGEX) };
        given::<Defined<OriginStrategy>>(history())
            .when(change(other.clone()))
            .then([Then::Changed(other)]);
        let none = OriginStrategy { keeps_credentials: true, ..open(REGEX) };
        given::<Defined<OriginStrategy>>(history())
            .when(change(none))
            .then([Then::Changed(open(REGEX))]);
        let cleared = OriginStrategy { credentials: None, ..basic(REGEX) };
        let refused = cleared.check(&name).unwrap_err();
        given::<Defined<OriginStrategy>>(history()).when(change(cleared)).then_refused(&refused);
        let refused = OriginStrategy { keeps_credentials: false, ..unsaid.clone() };
        let refused = refused.check(&name).unwrap_err();
        let define = Do::Define { name: name.clone(), value: unsaid };
        given::<Defined<OriginStrategy>>([]).when(define).then_refused(&refused);
    }
}
