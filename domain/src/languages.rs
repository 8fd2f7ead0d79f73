//! Languages of recognition: names of models, in the order in which an engine uses them.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LanguagesError {
    #[error("`{0}` is not a language of recognition, such as `deu` or `script/Fraktur`")]
    NotALanguage(String),
    #[error("at most {max} languages, not {0}", max = Languages::MAX)]
    TooMany(usize),
}

/// Which languages a page is recognised in; none: it is not recognised by itself.
///
/// Each is a name of letters, digits and `_`, or two of them with a `/` between, and stands once.
/// As text they are joined by `+`: `deu+frk`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>")]
pub struct Languages(Vec<String>);

impl Languages {
    pub const MAX: usize = 8;
    const NAME_BYTES_MAX: usize = 32;

    /// Takes names of languages, each possibly several joined by `+`; a repeated one counts once.
    pub fn new<T: AsRef<str>>(names: impl IntoIterator<Item = T>) -> Result<Self, LanguagesError> {
        let mut languages = Vec::new();
        for joined in names {
            for name in joined.as_ref().split('+') {
                if !is_language(name) {
                    return Err(LanguagesError::NotALanguage(shortened(name)));
                }
                if !languages.iter().any(|it| it == name) {
                    languages.push(name.to_owned());
                }
                if languages.len() > Self::MAX {
                    return Err(LanguagesError::TooMany(languages.len()));
                }
            }
        }
        Ok(Self(languages))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn as_slice(&self) -> &[String] {
        &self.0
    }
}

fn is_language(name: &str) -> bool {
    let is_name = |it: &str| {
        (1..=Languages::NAME_BYTES_MAX).contains(&it.len())
            && it.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    name.split_once('/')
        .map_or_else(|| is_name(name), |(folder, it)| is_name(folder) && is_name(it))
}

/// Keeps a message short, whatever somebody sent.
fn shortened(name: &str) -> String {
    name.chars().filter(|it| !it.is_control()).take(2 * Languages::NAME_BYTES_MAX).collect()
}

impl TryFrom<Vec<String>> for Languages {
    type Error = LanguagesError;

    fn try_from(names: Vec<String>) -> Result<Self, LanguagesError> {
        Self::new(names)
    }
}

impl FromStr for Languages {
    type Err = LanguagesError;

    /// Reads `deu+frk`; nothing is none.
    fn from_str(text: &str) -> Result<Self, LanguagesError> {
        Self::new(Some(text).filter(|it| !it.is_empty()))
    }
}

impl fmt::Display for Languages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("+"))
    }
}

#[cfg(test)]
mod tests {
    use super::{Languages, LanguagesError};
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Languages, LanguagesError> {
        text.parse()
    }

    #[test]
    fn languages_are_read_one_by_one_or_joined() {
        let expected = ["deu", "script/Fraktur", "chi_sim"];
        assert_eq!(read("deu+script/Fraktur+chi_sim").expect("languages").as_slice(), expected);
        assert_eq!(Languages::new(expected).expect("languages").as_slice(), expected);
        assert_eq!(read("deu+deu").expect("languages").to_string(), "deu");
        assert!(read("").expect("none").is_empty());
    }

    #[test]
    fn what_names_no_model_is_refused() {
        let long = "a".repeat(33);
        for text in ["+", "deu+", " deu", "../deu", "a/b/c", "/deu", "deu/", "de-DE", &long, "dé"]
        {
            assert!(read(text).is_err(), "`{text}` is accepted");
        }
        let nine = Languages::new(["a", "b", "c", "d", "e", "f", "g", "h", "i"]);
        assert_eq!(nine, Err(LanguagesError::TooMany(9)));
    }

    proptest! {
        #[test]
        fn what_is_accepted_survives(text in "[a-c/+_.]{0,12}") {
            if let Ok(languages) = read(&text) {
                prop_assert_eq!(read(&languages.to_string()), Ok(languages.clone()));
                let json = serde_json::to_string(&languages).expect("a list");
                let again: Languages = serde_json::from_str(&json).expect("written above");
                prop_assert_eq!(again, languages);
            }
        }
    }
}
