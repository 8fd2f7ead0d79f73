//! An access service: how readers get a role (IIIF Authentication 1.0, Authorization Flow 2.0).

use super::{Definition, DefinitionError};
use crate::names::{check_display_name, check_flat_id};
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// Seconds for which readers hold what they got, at least and at most.
const TTL_S: std::ops::RangeInclusive<u32> = 10..=30 * 24 * 3600;
/// Bytes of a text that a page shows.
const TEXT_BYTES_MAX: usize = 16 * 1024;

/// What is said of an access service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthService {
    pub profile: AuthProfile,
    /// What a viewer calls the way in, for example `Reading room`.
    pub label: String,
    /// Title of the page.
    pub page_label: String,
    /// What the page says; plain text.
    pub description: String,
    /// What stands on the button.
    pub call_to_action: String,
    /// Seconds for which a reader holds its roles.
    pub ttl_s: u32,
}

/// What a reader has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthProfile {
    /// Agree to something.
    Clickthrough,
    /// Say name and password of an account.
    Login,
}

/// A word that names no profile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no profile: there are `clickthrough` and `login`")]
pub struct UnknownProfile(pub String);

impl AuthProfile {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Clickthrough => "clickthrough",
            Self::Login => "login",
        }
    }
}

impl FromStr for AuthProfile {
    type Err = UnknownProfile;

    /// Reads the word, or the address of IIIF Authentication 1.0 that ends with it.
    fn from_str(text: &str) -> Result<Self, UnknownProfile> {
        let word = text.strip_prefix("http://iiif.io/api/auth/1/").unwrap_or(text);
        match word {
            "clickthrough" => Ok(Self::Clickthrough),
            "login" => Ok(Self::Login),
            _ => Err(UnknownProfile(text.to_owned())),
        }
    }
}

impl Definition for AuthService {
    const CATEGORY: &'static str = "auth_service";
    const NAME: &'static str = "access service";

    fn check(&self, name: &str) -> Result<(), DefinitionError> {
        check_flat_id(name)?;
        for text in [&self.label, &self.page_label, &self.call_to_action] {
            check_display_name(text)?;
        }
        if self.description.len() > TEXT_BYTES_MAX {
            let detail = format!("a description has at most {TEXT_BYTES_MAX} bytes");
            return Err(DefinitionError::Invalid(detail));
        }
        if !TTL_S.contains(&self.ttl_s) {
            let (least, most) = (TTL_S.start(), TTL_S.end());
            let detail = format!("`ttl` is {least} to {most} seconds");
            return Err(DefinitionError::Invalid(detail));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_a_word_or_its_address() {
        for profile in [AuthProfile::Clickthrough, AuthProfile::Login] {
            let word = profile.as_str();
            for text in [word.to_owned(), format!("http://iiif.io/api/auth/1/{word}")] {
                assert_eq!(text.parse(), Ok(profile));
            }
        }
        assert!("kiosk".parse::<AuthProfile>().is_err());
    }

    #[test]
    fn a_reader_holds_nothing_for_ever() {
        let service = |ttl_s| AuthService {
            profile: AuthProfile::Clickthrough,
            label: "Terms".to_owned(),
            page_label: String::new(),
            description: String::new(),
            call_to_action: String::new(),
            ttl_s,
        };
        assert!(service(600).check("terms").is_ok());
        for ttl_s in [0, 9, u32::MAX] {
            assert!(service(ttl_s).check("terms").is_err(), "{ttl_s}");
        }
        assert!(service(600).check("a/b").is_err());
    }
}
