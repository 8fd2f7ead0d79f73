//! The template language of named queries, as the original has it.
//!
//! Pairs joined by `&`: `space`, `spacename`, `s1`–`s3`, `n1`–`n3`, `batch`, `manifest` with a literal
//! or `pN`, the Nth argument of the address; `assetOrder` (or `canvas`) with fields and directions,
//! `n1;s2 desc`; `#` with a literal that follows the arguments; `objectname`, `coverpage` and
//! `redactedmessage`, which PDF and zip ask for. An argument that is not given leaves its
//! condition out.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

const TEMPLATE_BYTES_MAX: usize = 4 * 1024;
const ARGUMENTS_MAX: usize = 32;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    #[error("a template has 1 to 4096 bytes")]
    Length,
    #[error("`{0}` is no `key=value`")]
    Pair(String),
    #[error(
        "`{0}` is no key of a template: there are space, spacename, s1 to s3, n1 to n3, batch, \
         manifest, assetOrder, #, objectname, coverpage and redactedmessage"
    )]
    Key(String),
    #[error("the key `{0}` stands twice")]
    Twice(String),
    #[error("`{0}` is no argument: they are p1 to p32")]
    Argument(String),
    #[error("`{0}` is no order: for example `n1;s2 desc`")]
    Order(String),
    #[error("`{value}` is no number, which `{key}` needs")]
    Number { key: &'static str, value: String },
    #[error("`{0}` needs at least one name: for example `a,b`")]
    Nameless(&'static str),
    #[error("the query says nothing of which images it is about")]
    Empty,
}

/// What a condition is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Operand {
    Literal(String),
    /// From 0 on.
    Argument(usize),
}

/// A template that can be read. Keeps the text as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    text: String,
    conditions: Vec<(Key, Operand)>,
    order: Vec<Order>,
    /// Follow the arguments of an address.
    appended: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Space,
    SpaceName,
    String(usize),
    Number(usize),
    Batch,
    Manifest,
}

/// By what images are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    pub field: OrderField,
    pub is_descending: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderField {
    /// From 0 on.
    String(usize),
    /// From 0 on.
    Number(usize),
}

/// Which images: all that is given must match.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selection {
    pub space: Option<u32>,
    pub space_name: Option<String>,
    pub strings: [Option<String>; 3],
    pub numbers: [Option<i64>; 3],
    /// Images of any of these.
    pub batches: Vec<String>,
    /// Images of any of these stored manifests.
    pub manifests: Vec<String>,
    /// Images that are equal in all of it come in the order of their ids.
    pub order: Vec<Order>,
}

impl Template {
    /// Returns the text as it came.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Puts the arguments of an address in.
    pub fn select(&self, arguments: &[String]) -> Result<Selection, TemplateError> {
        let all: Vec<&String> = arguments.iter().chain(&self.appended).collect();
        let mut selection = Selection { order: self.order.clone(), ..Selection::default() };
        let mut is_narrowed = false;
        for (key, operand) in &self.conditions {
            let value = match operand {
                Operand::Literal(text) => text,
                Operand::Argument(number) => match all.get(*number) {
                    Some(text) => text,
                    None => continue,
                },
            };
            is_narrowed = true;
            match *key {
                Key::Space => selection.space = Some(number("space", value)?),
                Key::SpaceName => selection.space_name = Some(value.clone()),
                Key::String(index) => selection.strings[index] = Some(value.clone()),
                Key::Number(index) => {
                    let key = ["n1", "n2", "n3"][index];
                    selection.numbers[index] = Some(number(key, value)?);
                }
                Key::Batch => selection.batches = names("batch", value)?,
                Key::Manifest => selection.manifests = names("manifest", value)?,
            }
        }
        if is_narrowed { Ok(selection) } else { Err(TemplateError::Empty) }
    }
}

impl Template {
    /// Returns what a PDF or zip is to be called. `{s1}` to `{n3}` in it are what is looked for.
    pub fn object_name(&self, arguments: &[String], selection: &Selection) -> Option<String> {
        let mut name = self.said("objectname", arguments)?;
        for (at, (string, number)) in selection.strings.iter().zip(selection.numbers).enumerate() {
            let number = number.map(|it| it.to_string()).unwrap_or_default();
            name = name.replace(&format!("{{s{}}}", at + 1), string.as_deref().unwrap_or_default());
            name = name.replace(&format!("{{n{}}}", at + 1), &number);
        }
        Some(name).filter(|it| !it.trim().is_empty())
    }

    /// Returns what a PDF says in place of a page that may not be shown.
    pub fn redacted_message(&self, arguments: &[String]) -> Option<String> {
        self.said("redactedmessage", arguments).filter(|it| !it.trim().is_empty())
    }

    /// Returns what stands at a key that is no condition: a literal, or an argument of the address.
    fn said(&self, key: &str, arguments: &[String]) -> Option<String> {
        let mut pairs = self.text.split('&').filter_map(|pair| pair.split_once('='));
        let (_, value) = pairs.find(|(it, _)| it.trim() == key)?;
        match operand(value).ok()? {
            Operand::Literal(text) => Some(text),
            Operand::Argument(number) => {
                arguments.iter().chain(&self.appended).nth(number).cloned()
            }
        }
    }
}

fn number<T: FromStr>(key: &'static str, value: &str) -> Result<T, TemplateError> {
    let wrong = || TemplateError::Number { key, value: shown(value) };
    value.parse().map_err(|_| wrong())
}

/// Commas alone are refused: an empty list would be a condition that every image meets.
fn names(key: &'static str, value: &str) -> Result<Vec<String>, TemplateError> {
    let parts = value.split(',').map(str::trim).filter(|it| !it.is_empty());
    let names: Vec<String> = parts.map(str::to_owned).collect();
    if names.is_empty() { Err(TemplateError::Nameless(key)) } else { Ok(names) }
}

/// What is wrong may be long.
fn shown(text: &str) -> String {
    text.chars().take(64).collect()
}

impl FromStr for Template {
    type Err = TemplateError;

    fn from_str(text: &str) -> Result<Self, TemplateError> {
        if text.is_empty() || text.len() > TEMPLATE_BYTES_MAX {
            return Err(TemplateError::Length);
        }
        let (mut conditions, mut order, mut appended) = (Vec::new(), Vec::new(), Vec::new());
        let mut seen: Vec<&str> = Vec::new();
        for pair in text.split('&') {
            let (key, value) =
                pair.split_once('=').ok_or_else(|| TemplateError::Pair(shown(pair)))?;
            let key = key.trim();
            let canonical = if key == "canvas" { "assetOrder" } else { key };
            if canonical != "#" && seen.contains(&canonical) {
                return Err(TemplateError::Twice(shown(key)));
            }
            seen.push(canonical);
            match canonical {
                "assetOrder" => order = read_order(value)?,
                "#" => appended.push(value.to_owned()),
                "objectname" | "coverpage" | "redactedmessage" => {}
                _ => conditions.push((read_key(key)?, operand(value)?)),
            }
        }
        if conditions.is_empty() {
            return Err(TemplateError::Empty);
        }
        Ok(Self { text: text.to_owned(), conditions, order, appended })
    }
}

fn read_key(key: &str) -> Result<Key, TemplateError> {
    Ok(match key {
        "space" => Key::Space,
        "spacename" => Key::SpaceName,
        "batch" => Key::Batch,
        "manifest" => Key::Manifest,
        _ => match field(key) {
            Some(OrderField::String(index)) => Key::String(index),
            Some(OrderField::Number(index)) => Key::Number(index),
            None => return Err(TemplateError::Key(shown(key))),
        },
    })
}

fn field(name: &str) -> Option<OrderField> {
    Some(match name {
        "s1" => OrderField::String(0),
        "s2" => OrderField::String(1),
        "s3" => OrderField::String(2),
        "n1" => OrderField::Number(0),
        "n2" => OrderField::Number(1),
        "n3" => OrderField::Number(2),
        _ => return None,
    })
}

/// `p` and digits is an argument; whoever wants to say just that in a literal cannot.
fn operand(value: &str) -> Result<Operand, TemplateError> {
    let digits = value.strip_prefix('p').filter(|it| !it.is_empty());
    let digits = digits.filter(|it| it.bytes().all(|byte| byte.is_ascii_digit()));
    let Some(digits) = digits else { return Ok(Operand::Literal(value.to_owned())) };
    match digits.parse::<usize>() {
        Ok(number @ 1..=ARGUMENTS_MAX) => Ok(Operand::Argument(number - 1)),
        _ => Err(TemplateError::Argument(shown(value))),
    }
}

fn read_order(value: &str) -> Result<Vec<Order>, TemplateError> {
    let parts = value.split(';').map(str::trim).filter(|it| !it.is_empty());
    let order = parts.map(|part| {
        let wrong = || TemplateError::Order(shown(part));
        let mut words = part.split_whitespace();
        let field = words.next().and_then(field).ok_or_else(wrong)?;
        let is_descending = match words.next() {
            None => false,
            Some(word) if word.eq_ignore_ascii_case("asc") => false,
            Some(word) if word.eq_ignore_ascii_case("desc") => true,
            Some(_) => return Err(wrong()),
        };
        if words.next().is_some() {
            return Err(wrong());
        }
        Ok(Order { field, is_descending })
    });
    order.collect()
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for Template {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn select(template: &str, arguments: &[&str]) -> Result<Selection, TemplateError> {
        let template: Template = template.parse().expect("a template");
        let arguments: Vec<String> = arguments.iter().map(|it| (*it).to_owned()).collect();
        template.select(&arguments)
    }

    #[test]
    fn arguments_are_put_in_and_missing_ones_left_out() {
        let text = "canvas=n1;s2 DESC&s1=p1&n2=p2&space=p3&spacename=maps&batch=a, b&manifest=p4";
        let selection = select(text, &["a/b", "7", "2"]).expect("it can be put in");
        assert_eq!(selection.strings, [Some("a/b".to_owned()), None, None]);
        assert_eq!((selection.numbers, selection.space), ([None, Some(7), None], Some(2)));
        assert_eq!(selection.space_name.as_deref(), Some("maps"));
        assert_eq!((selection.batches.len(), selection.manifests.len()), (2, 0));
        let order = [
            Order { field: OrderField::Number(0), is_descending: false },
            Order { field: OrderField::String(1), is_descending: true },
        ];
        assert_eq!(selection.order, order);
        let appended = select("s1=p1&s2=p2&#=last", &["first"]).expect("it can be put in");
        assert_eq!(appended.strings[1].as_deref(), Some("last"));
        assert_eq!(select("s1=p1&s2=p2", &[]), Err(TemplateError::Empty), "not everything");
        let number = TemplateError::Number { key: "n1", value: "x".to_owned() };
        assert_eq!(select("n1=p1", &["x"]), Err(number));
        let nameless = select("batch=p1", &[" , "]);
        assert_eq!(nameless, Err(TemplateError::Nameless("batch")), "not every image");
        let nameless = select("space=1&manifest=p1", &[","]);
        assert_eq!(nameless, Err(TemplateError::Nameless("manifest")), "not all of the space");
    }

    #[test]
    fn a_file_is_called_after_what_was_looked_for() {
        let text = "n1=p1&s2=p2&objectname={n1}, {s2}{s3}.pdf&redactedmessage=p3&#=closed";
        let template: Template = text.parse().expect("a template");
        let named = |arguments: &[&str]| {
            let arguments: Vec<String> = arguments.iter().map(|it| (*it).to_owned()).collect();
            let selection = template.select(&arguments).expect("it can be put in");
            (template.object_name(&arguments, &selection), template.redacted_message(&arguments))
        };
        let (name, message) = named(&["7", "kant"]);
        assert_eq!(name.as_deref(), Some("7, kant.pdf"));
        assert_eq!(message.as_deref(), Some("closed"));
        assert_eq!(named(&["7"]).1, None, "`closed` is the second one now");
        let bare: Template = "s1=p1&objectname= ".parse().expect("a template");
        let selection = bare.select(&["x".to_owned()]).expect("it can be put in");
        assert_eq!((bare.object_name(&[], &selection), bare.redacted_message(&[])), (None, None));
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        let long = format!("s1={}", "x".repeat(5_000));
        for wrong in [
            "",
            "s1",
            "s4=p1",
            "colour=red",
            "s1=p0",
            "s1=p33",
            "s1=p1&s1=p2",
            "assetOrder=n1",
            "s1=p1&assetOrder=n9",
            "s1=p1&assetOrder=n1 down",
            "s1=p1&canvas=n1&assetOrder=n2",
            &long,
        ] {
            let refused = wrong.parse::<Template>();
            assert!(refused.is_err(), "{wrong}");
        }
        assert!("s1=pages&s2=p".parse::<Template>().is_ok(), "words that begin with p");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[sn123p#=&;, a-z]{0,40}", argument in ".{0,8}") {
            if let Ok(template) = text.parse::<Template>() {
                prop_assert_eq!(template.as_str(), &text);
                let json = serde_json::to_string(&template).expect("text");
                prop_assert_eq!(serde_json::from_str::<Template>(&json).expect("as it was"), template.clone());
                let _ = template.select(&[argument]);
            }
        }
    }
}
