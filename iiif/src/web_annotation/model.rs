//! The MUSTs of the Web Annotation Data Model, and what nobody may send.

use super::{AnnotationError, CONTEXT, each, region, svg};
use crate::presentation::PresentationVersion;
use serde_json::{Map, Value};

type Checked = Result<(), AnnotationError>;
type Object = Map<String, Value>;

/// More contexts than any profile has.
const CONTEXTS_MAX: usize = 8;
/// THREATS: selectors of one annotation.
const SELECTORS_MAX: usize = 10_000;

/// Schemes that run in a reader's browser.
const ACTIVE_SCHEMES: [&str; 5] = ["javascript", "vbscript", "data", "blob", "file"];
/// Properties whose text is an address, wherever they stand.
const ADDRESSES: [&str; 10] = [
    "@id",
    "id",
    "source",
    "via",
    "canonical",
    "rights",
    "homepage",
    "cached",
    "conformsTo",
    "stylesheet",
];

fn fail(at: &str, reason: impl Into<String>) -> Checked {
    Err(AnnotationError::new(at, reason))
}

fn require(holds: bool, at: &str, reason: &str) -> Checked {
    if holds { Ok(()) } else { fail(at, reason) }
}

/// Says whether this is an absolute IRI that is no danger to who follows it.
pub(super) fn is_address(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let is_scheme = scheme.starts_with(|it: char| it.is_ascii_alphabetic())
        && scheme.bytes().all(|it| it.is_ascii_alphanumeric() || b"+-.".contains(&it));
    let is_active = ACTIVE_SCHEMES.iter().any(|it| scheme.eq_ignore_ascii_case(it));
    let is_clean =
        !text.contains(|it: char| it.is_whitespace() || it.is_control() || "<>\"".contains(it));
    is_scheme && !is_active && is_clean && !rest.is_empty()
}

/// Checks an annotation.
pub(super) fn check(value: &Value) -> Checked {
    let Value::Object(annotation) = value else {
        return fail("", "an annotation is a JSON object");
    };
    check_context(annotation.get("@context"))?;
    let is_annotation = |it: &Value| it.as_str() == Some("Annotation");
    require(each(annotation.get("type")).any(is_annotation), "/type", "it has `Annotation`")?;
    require(annotation.contains_key("target"), "/target", "an annotation has a target")?;
    let has_both = annotation.contains_key("body") && annotation.contains_key("bodyValue");
    require(!has_both, "/bodyValue", "it stands beside `body`: use one of them")?;
    for key in ["id", "bodyValue", "canonical"] {
        let is_single = annotation.get(key).is_none_or(Value::is_string);
        require(is_single, &format!("/{key}"), "it is one string")?;
    }
    for key in ["canonical", "rights", "via"] {
        check_addresses(annotation.get(key), &format!("/{key}"))?;
    }
    for key in ["motivation", "stylesheet"] {
        let is_text = |it: &Value| it.is_string() || (key == "stylesheet" && it.is_object());
        let all = each(annotation.get(key)).all(is_text);
        require(all, &format!("/{key}"), "it is a string")?;
    }
    check_times(annotation, "")?;
    for key in ["creator", "generator"] {
        check_agents(annotation.get(key), &format!("/{key}"))?;
    }
    let mut walk = Walk { has_stylesheet: annotation.contains_key("stylesheet"), selectors: 0 };
    for (key, role) in [("body", Role::Body), ("target", Role::Target)] {
        if let Some(resources) = annotation.get(key) {
            walk.resources(resources, &format!("/{key}"), role)?;
        }
    }
    check_everywhere(value, "")
}

/// Model, section 3.1: the context of annotations, and no terms of one's own.
fn check_context(context: Option<&Value>) -> Checked {
    let at = "/@context";
    let contexts: Vec<_> = each(context).collect();
    require(contexts.len() <= CONTEXTS_MAX, at, "it names too many contexts")?;
    let all_text = contexts.iter().all(|it| it.is_string());
    require(all_text, at, "it defines terms of its own: name contexts by their address")?;
    let known = [CONTEXT, PresentationVersion::V3.context()];
    let is_known = |it: &&Value| it.as_str().is_some_and(|it| known.contains(&it));
    require(contexts.iter().any(is_known), at, "it has `http://www.w3.org/ns/anno.jsonld`")
}

fn check_addresses(value: Option<&Value>, at: &str) -> Checked {
    let all = each(value).all(|it| it.as_str().is_some_and(is_address));
    require(all, at, "it is an absolute IRI")
}

/// Model, section 3.3.1: one `xsd:dateTime` with a time zone each.
fn check_times(object: &Object, at: &str) -> Checked {
    for key in ["created", "modified", "generated"] {
        let is_time = object.get(key).is_none_or(|it| it.as_str().is_some_and(is_date_time));
        require(is_time, &format!("{at}/{key}"), "it is a time like `2015-01-28T12:00:00Z`")?;
    }
    Ok(())
}

/// Says whether this reads `YYYY-MM-DDThh:mm:ss`, perhaps with fractions and a time zone.
fn is_date_time(text: &str) -> bool {
    let pattern = b"dddd-dd-ddTdd:dd:dd";
    let (Some(stem), Some(rest)) = (text.get(..pattern.len()), text.get(pattern.len()..)) else {
        return false;
    };
    let fits = |(byte, rule): (u8, &u8)| match rule {
        b'd' => byte.is_ascii_digit(),
        other => byte == *other,
    };
    let number = |range: std::ops::Range<usize>| stem[range].parse::<u32>().unwrap_or(u32::MAX);
    let is_stem = stem.bytes().zip(pattern).all(fits)
        && (1..=12).contains(&number(5..7))
        && (1..=31).contains(&number(8..10))
        && number(11..13) <= 24
        && number(14..16) <= 59
        && number(17..19) <= 60;
    let zone = rest
        .strip_prefix('.')
        .map_or(rest, |it| it.trim_start_matches(|c: char| c.is_ascii_digit()));
    let is_offset = |it: &str| {
        let it = it.as_bytes();
        it.len() == 6
            && matches!(it[0], b'+' | b'-')
            && it[3] == b':'
            && [1, 2, 4, 5].iter().all(|at| it[*at].is_ascii_digit())
    };
    is_stem && (zone.is_empty() || zone == "Z" || is_offset(zone))
}

/// Model, section 3.3.2: an IRI, or what is told of a person or a program.
fn check_agents(value: Option<&Value>, at: &str) -> Checked {
    for agent in each(value) {
        match agent {
            Value::String(iri) => require(is_address(iri), at, "it is an absolute IRI")?,
            Value::Object(agent) => check_addresses(agent.get("id"), &format!("{at}/id"))?,
            _ => fail(at, "it is an absolute IRI or an object")?,
        }
    }
    Ok(())
}

/// Holds every property to what its name promises, wherever it stands.
fn check_everywhere(value: &Value, at: &str) -> Checked {
    match value {
        Value::Array(items) => items
            .iter()
            .enumerate()
            .try_for_each(|(i, it)| check_everywhere(it, &format!("{at}/{i}"))),
        Value::Object(object) => object.iter().try_for_each(|(key, value)| {
            let at = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
            if ADDRESSES.contains(&key.as_str()) {
                let is_active = |it: &Value| it.as_str().is_some_and(has_active_scheme);
                require(!each(Some(value)).any(is_active), &at, "it is an address that runs")?;
            }
            if key == "textDirection" {
                let directions = ["ltr", "rtl", "auto"];
                let is_known = value.as_str().is_some_and(|it| directions.contains(&it));
                require(is_known, &at, "it is `ltr`, `rtl` or `auto`")?;
            }
            require(!(key == "@context" && at != "/@context"), &at, "it stands at the top only")?;
            check_everywhere(value, &at)
        }),
        _ => Ok(()),
    }
}

/// Browsers skip blanks and control characters in a scheme.
pub(super) fn has_active_scheme(text: &str) -> bool {
    let mut plain = text.chars().filter(|it| !it.is_whitespace() && !it.is_control());
    let scheme: String = plain.by_ref().take_while(|it| *it != ':').take(16).collect();
    ACTIVE_SCHEMES.iter().any(|it| scheme.eq_ignore_ascii_case(it))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Body,
    Target,
}

/// What a resource is: Model, section 3.2. By its type, else by what it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Set,
    Specific,
    Text,
    External,
}

fn kind(resource: &Object) -> Kind {
    let is = |names: &[&str]| {
        each(resource.get("type")).filter_map(Value::as_str).any(|it| names.contains(&it))
    };
    if is(&["Choice", "Composite", "List", "Independents"]) {
        Kind::Set
    } else if is(&["SpecificResource"]) {
        Kind::Specific
    } else if is(&["TextualBody"]) {
        Kind::Text
    } else if resource.contains_key("source") {
        Kind::Specific
    } else if resource.contains_key("value") && !resource.contains_key("id") {
        Kind::Text
    } else {
        Kind::External
    }
}

struct Walk {
    has_stylesheet: bool,
    selectors: usize,
}

impl Walk {
    /// One resource, or a list of them that is not empty.
    fn resources(&mut self, value: &Value, at: &str, role: Role) -> Checked {
        match value {
            Value::Array(items) => {
                require(!items.is_empty(), at, "it is empty: leave it out, or name something")?;
                let mut numbered = items.iter().enumerate();
                numbered.try_for_each(|(i, it)| self.resource(it, &format!("{at}/{i}"), role))
            }
            one => self.resource(one, at, role),
        }
    }

    fn resource(&mut self, value: &Value, at: &str, role: Role) -> Checked {
        let resource = match value {
            Value::String(iri) => {
                require(is_address(iri), at, "it is an absolute IRI")?;
                return check_fragment(iri, at);
            }
            Value::Object(resource) => resource,
            _ => return fail(at, "it is an absolute IRI or an object"),
        };
        let lacks = |keys: &[&str], what: &str| {
            keys.iter().try_for_each(|it| {
                let reason = format!("{what} has no `{it}`");
                require(!resource.contains_key(*it), &format!("{at}/{it}"), &reason)
            })
        };
        check_times(resource, at)?;
        match kind(resource) {
            Kind::Set => {
                lacks(&["value", "source", "purpose"], "a set of resources")?;
                let items = resource.get("items").filter(|it| it.is_array());
                let items =
                    items.ok_or_else(|| AnnotationError::new(at, "it has a list of `items`"))?;
                self.resources(items, &format!("{at}/items"), role)
            }
            Kind::Text => {
                require(role == Role::Body, at, "a text of its own is a body, no target")?;
                lacks(&["items", "source"], "a text")?;
                let has_text = resource.get("value").is_some_and(Value::is_string);
                require(has_text, &format!("{at}/value"), "a text has one string as its value")
            }
            Kind::Specific => {
                lacks(&["value", "items"], "a specific resource")?;
                self.specific(resource, at)
            }
            Kind::External => {
                lacks(&["items", "purpose"], "a resource at an address")?;
                let id = resource.get("id").and_then(Value::as_str);
                let is_named = id.is_some_and(is_address);
                require(is_named, &format!("{at}/id"), "it is an absolute IRI")?;
                check_fragment(id.unwrap_or_default(), at)
            }
        }
    }

    /// Model, section 4: a source, and what is meant of it.
    fn specific(&mut self, resource: &Object, at: &str) -> Checked {
        let source = resource.get("source");
        let iri = source.map(|it| it.get("id").unwrap_or(it)).and_then(Value::as_str);
        let is_named = iri.is_some_and(is_address);
        require(is_named, &format!("{at}/source"), "it has one source with an absolute IRI")?;
        for (i, selector) in each(resource.get("selector")).enumerate() {
            self.selector(selector, &format!("{at}/selector/{i}"))?;
        }
        for (i, state) in each(resource.get("state")).enumerate() {
            self.state(state, &format!("{at}/state/{i}"))?;
        }
        let is_styled = !resource.contains_key("styleClass") || self.has_stylesheet;
        require(is_styled, &format!("{at}/styleClass"), "the annotation has no `stylesheet`")
    }

    /// Model, section 4.2.
    fn selector(&mut self, value: &Value, at: &str) -> Checked {
        self.selectors += 1;
        require(self.selectors <= SELECTORS_MAX, at, "there are too many selectors")?;
        let selector = match value {
            Value::String(iri) => return require(is_address(iri), at, "it is an absolute IRI"),
            Value::Object(selector) => selector,
            _ => return fail(at, "a selector is an object"),
        };
        let is = |name: &str| each(selector.get("type")).any(|it| it.as_str() == Some(name));
        let text = |key: &str| selector.get(key).and_then(Value::as_str);
        let count = |key: &str| selector.get(key).is_some_and(Value::is_u64);
        let lacks = |key: &str, reason: &str| fail(&format!("{at}/{key}"), reason);
        if is("FragmentSelector") || is("CssSelector") || is("XPathSelector") {
            let Some(value) = text("value") else { return lacks("value", "it is one string") };
            if is("FragmentSelector") {
                check_fragment(&format!("#{value}"), &format!("{at}/value"))?;
            }
        }
        if is("TextQuoteSelector") && text("exact").is_none() {
            return lacks("exact", "it is one string");
        }
        if is("TextPositionSelector") || is("DataPositionSelector") {
            for key in ["start", "end"] {
                require(count(key), &format!("{at}/{key}"), "it is a number from 0 on")?;
            }
        }
        if is("SvgSelector") {
            require(text("value").or(text("id")).is_some(), at, "it has a `value` or an `id`")?;
            if let Some(Err(reason)) = text("value").map(svg::cleaned) {
                return lacks("value", reason);
            }
        }
        if is("RangeSelector") {
            for key in ["startSelector", "endSelector"] {
                let at = format!("{at}/{key}");
                match selector.get(key) {
                    Some(it) => self.selector(it, &at)?,
                    None => return fail(&at, "a range has two selectors"),
                }
            }
        }
        self.refinements(selector, at)
    }

    fn refinements(&mut self, object: &Object, at: &str) -> Checked {
        for (i, refined) in each(object.get("refinedBy")).enumerate() {
            let at = format!("{at}/refinedBy/{i}");
            let is_state =
                each(refined.get("type")).filter_map(Value::as_str).any(|it| it.ends_with("State"));
            if is_state { self.state(refined, &at)? } else { self.selector(refined, &at)? }
        }
        Ok(())
    }

    /// Model, section 4.3.
    fn state(&mut self, value: &Value, at: &str) -> Checked {
        let state = match value {
            Value::String(iri) => return require(is_address(iri), at, "it is an absolute IRI"),
            Value::Object(state) => state,
            _ => return fail(at, "a state is an object"),
        };
        let is = |name: &str| each(state.get("type")).any(|it| it.as_str() == Some(name));
        if is("TimeState") {
            let has = |key: &str| state.contains_key(key);
            let is_range = has("sourceDateStart") && has("sourceDateEnd");
            let is_half = has("sourceDateStart") != has("sourceDateEnd");
            let is_time = (has("sourceDate") != is_range) && !is_half;
            require(is_time, at, "it has `sourceDate`, or both a start and an end of it")?;
        }
        if is("HttpRequestState") {
            let has_value = state.get("value").is_some_and(Value::is_string);
            require(has_value, &format!("{at}/value"), "it is one string")?;
        }
        self.refinements(state, at)
    }
}

/// A box that cannot be read is nobody's intention.
fn check_fragment(iri: &str, at: &str) -> Checked {
    let Some((_, fragment)) = iri.split_once('#') else { return Ok(()) };
    let Some(xywh) = fragment.split('&').find_map(|it| it.strip_prefix("xywh=")) else {
        return Ok(());
    };
    region::parse(xywh).map(drop).map_err(|reason| AnnotationError::new(at, reason))
}
