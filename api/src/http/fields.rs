//! Fields of a JSON body: wrong types are named, unknown fields are tolerated.

use crate::error::{Answer, Problem};
use dlcs_domain::{Languages, Patch};
use serde_json::{Map, Value};

/// The members of a JSON object.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields<'a>(&'a Map<String, Value>);

impl<'a> Fields<'a> {
    pub(crate) fn of(value: &'a Value) -> Answer<Self> {
        match value {
            Value::Object(members) => Ok(Self(members)),
            _ => Err(Problem::bad_request("malformed-body", "the body has to be a JSON object")),
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&'a Value> {
        self.0.get(name)
    }

    /// Returns a text; absent and `null` are `None`.
    pub(crate) fn text(&self, name: &str) -> Answer<Option<&'a str>> {
        match self.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Problem::field(name, format!("`{name}` has to be a text"))),
        }
    }

    pub(crate) fn needed_text(&self, name: &str) -> Answer<&'a str> {
        let missing = || Problem::field(name, format!("`{name}` is missing"));
        self.text(name)?.filter(|text| !text.is_empty()).ok_or_else(missing)
    }

    /// Returns a list of texts; absent and `null` are `None`.
    pub(crate) fn texts(&self, name: &str) -> Answer<Option<Vec<String>>> {
        match self.patch_texts(name)? {
            Patch::Set(texts) => Ok(Some(texts)),
            Patch::Keep | Patch::Clear => Ok(None),
        }
    }

    pub(crate) fn patch_text(&self, name: &str) -> Answer<Patch<String>> {
        self.patch(name, "a text", |value| value.as_str().map(str::to_owned))
    }

    pub(crate) fn patch_integer(&self, name: &str) -> Answer<Patch<i64>> {
        self.patch(name, "a whole number", Value::as_i64)
    }

    pub(crate) fn patch_texts(&self, name: &str) -> Answer<Patch<Vec<String>>> {
        self.patch(name, "a list of texts", |value| {
            let members = value.as_array()?.iter();
            members.map(|member| member.as_str().map(str::to_owned)).collect()
        })
    }

    /// Returns languages of recognition: a list, or one text in which `+` joins them.
    pub(crate) fn patch_languages(&self, name: &str) -> Answer<Patch<Languages>> {
        let texts = match self.get(name) {
            Some(Value::String(text)) if text.is_empty() => Patch::Clear,
            Some(Value::String(text)) => Patch::Set(vec![text.clone()]),
            _ => self.patch_texts(name)?,
        };
        Ok(match texts {
            Patch::Keep => Patch::Keep,
            Patch::Clear => Patch::Clear,
            Patch::Set(texts) => {
                let languages = Languages::new(texts);
                Patch::Set(languages.map_err(|error| Problem::field(name, error.to_string()))?)
            }
        })
    }

    /// The same; absent and `null` are `None`.
    pub(crate) fn languages(&self, name: &str) -> Answer<Option<Languages>> {
        match self.patch_languages(name)? {
            Patch::Set(languages) => Ok(Some(languages)),
            Patch::Keep | Patch::Clear => Ok(None),
        }
    }

    fn patch<T>(
        &self,
        name: &str,
        expected: &str,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Answer<Patch<T>> {
        match self.get(name) {
            None => Ok(Patch::Keep),
            Some(Value::Null) => Ok(Patch::Clear),
            Some(value) => read(value)
                .map(Patch::Set)
                .ok_or_else(|| Problem::field(name, format!("`{name}` has to be {expected}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn absent_null_and_value_are_three_things() {
        let body = json!({"string1": null, "string2": "x", "number1": 3, "tags": ["a", "b"]});
        let fields = Fields::of(&body).unwrap();
        assert_eq!(fields.patch_text("string1").unwrap(), Patch::Clear);
        assert_eq!(fields.patch_text("string2").unwrap(), Patch::Set("x".to_owned()));
        assert_eq!(fields.patch_text("string3").unwrap(), Patch::Keep);
        assert_eq!(fields.patch_integer("number1").unwrap(), Patch::Set(3));
        assert_eq!(fields.texts("tags").unwrap(), Some(vec!["a".to_owned(), "b".to_owned()]));
    }

    #[test]
    fn languages_are_a_list_or_joined() {
        let body = json!({"a": "deu+frk", "b": ["deu", "frk"], "c": null, "d": "", "e": "../x"});
        let fields = Fields::of(&body).unwrap();
        let both = Languages::new(["deu", "frk"]).unwrap();
        assert_eq!(fields.patch_languages("a").unwrap(), Patch::Set(both.clone()));
        assert_eq!(fields.patch_languages("b").unwrap(), Patch::Set(both));
        assert_eq!(fields.patch_languages("c").unwrap(), Patch::Clear);
        assert_eq!(fields.patch_languages("d").unwrap(), Patch::Clear);
        assert_eq!(fields.patch_languages("f").unwrap(), Patch::Keep);
        assert!(fields.patch_languages("e").unwrap_err().detail.contains("../x"));
    }

    #[test]
    fn a_wrong_type_names_its_field() {
        let body = json!({"number1": "3", "tags": [1], "origin": {}});
        let fields = Fields::of(&body).unwrap();
        assert!(fields.patch_integer("number1").unwrap_err().detail.contains("number1"));
        assert!(fields.patch_texts("tags").unwrap_err().detail.contains("tags"));
        assert!(fields.needed_text("origin").unwrap_err().detail.contains("origin"));
        assert!(Fields::of(&json!([])).is_err());
    }
}
