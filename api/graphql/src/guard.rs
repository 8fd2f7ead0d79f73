//! Judges a document before the engine sees it, in time linear in its length (THREATS 4.5).
//!
//! The engine walks fragments once per spread, so that a few hundred bytes can keep it busy for
//! seconds. Here every fragment is priced once and remembered.

mod price;
mod scan;

use async_graphql::parser::parse_query;
use async_graphql::{Request, Variables};

/// Bytes of a document.
pub const DOCUMENT_BYTES_MAX: usize = 16 * 1024;
/// Levels of fields.
pub const DEPTH_MAX: usize = 12;
/// Levels of fields below `__schema` and `__type`, as GraphiQL asks for them.
pub const INTROSPECTION_DEPTH_MAX: usize = 20;
pub const FRAGMENTS_MAX: usize = 20;
pub const DIRECTIVES_MAX: usize = 20;
pub const ALIASES_MAX: u64 = 50;
pub const ROOT_FIELDS_MAX: u64 = 50;
/// Fields after expansion, each counted as often as its list may be long.
pub const COST_MAX: u64 = 5_000;
/// Fields after expansion of fragments, each counted once.
pub const FIELDS_MAX: u64 = 2_000;
/// Documents in one request.
pub const BATCH_MAX: usize = 5;
/// Rows of a list that names no length.
pub const PAGE_DEFAULT: u64 = 25;
/// Rows of the longest list.
pub const PAGE_MAX: u64 = 1_000;

/// Why a document is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("the document has {0} bytes, at most {DOCUMENT_BYTES_MAX} are read")]
    TooLong(usize),
    #[error("the document is nested deeper than {0} levels")]
    TooDeep(usize),
    #[error("the document cannot be read: {0}")]
    Syntax(String),
    #[error("the document has more than {FRAGMENTS_MAX} fragments")]
    Fragments,
    #[error("fragment `{0}` contains itself")]
    Cycle(String),
    #[error("the document has more than {DIRECTIVES_MAX} directives")]
    Directives,
    #[error("more than {ALIASES_MAX} aliases stand side by side")]
    Aliases,
    #[error("the document asks for more than {ROOT_FIELDS_MAX} fields at its root")]
    RootFields,
    #[error("the document has {0} fields once its fragments are expanded, at most {FIELDS_MAX}")]
    Fields(u64),
    #[error("the document costs {0} points, at most {COST_MAX}: ask for shorter lists")]
    Cost(u64),
}

/// Lets a request pass or says why not.
pub fn check(request: &Request) -> Result<(), Refused> {
    check_document(&request.query, &request.variables)
}

fn check_document(text: &str, variables: &Variables) -> Result<(), Refused> {
    if text.len() > DOCUMENT_BYTES_MAX {
        return Err(Refused::TooLong(text.len()));
    }
    // Before parsing: the parser recurses.
    let depth = scan::nesting(text);
    if depth > scan::NESTING_MAX {
        return Err(Refused::TooDeep(scan::NESTING_MAX));
    }
    let document = parse_query(text).map_err(|error| Refused::Syntax(error.to_string()))?;
    price::check(&document, variables)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<(), Refused> {
        check_document(text, &Variables::default())
    }

    fn fan_out(levels: usize, spreads: usize) -> String {
        let mut text = "query { ...F0 }".to_owned();
        for level in 0..levels {
            let next = format!(" ...F{}", level + 1).repeat(spreads);
            text.push_str(&format!(" fragment F{level} on Query {{{next} }}"));
        }
        text.push_str(&format!(" fragment F{levels} on Query {{ a }}"));
        text
    }

    #[test]
    fn ordinary_documents_pass() {
        assert_eq!(
            check("{ asset(id: \"1/1/a\") { id width history(first: 10) { nodes { type } } } }"),
            Ok(())
        );
        assert_eq!(check("mutation { registerAsset(input: {id: \"1/1/a\"}) { id } }"), Ok(()));
    }

    #[test]
    fn b81_depth_is_found_before_parsing() {
        let text = "{a".repeat(5_000) + &"}".repeat(5_000);
        assert_eq!(check(&text), Err(Refused::TooDeep(scan::NESTING_MAX)));
        assert_eq!(check(&"{a".repeat(5_000)), Err(Refused::TooDeep(scan::NESTING_MAX)));
    }

    #[test]
    fn b82_fragment_fan_out_is_priced_in_linear_time() {
        // 2^18 and 100^9 fields: whoever expands them does not come back.
        assert_eq!(check(&fan_out(18, 2)), Err(Refused::RootFields));
        assert_eq!(check(&fan_out(9, 100)), Err(Refused::RootFields));
        // The same one level down: 8^6 fields below one.
        let below = fan_out(6, 8).replace("query { ...F0 }", "query { a { ...F0 } }");
        assert!(matches!(check(&below), Err(Refused::Fields(262_145))), "{:?}", check(&below));
    }

    #[test]
    fn b83_cycles_are_named() {
        assert_eq!(
            check("{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }"),
            Err(Refused::Cycle("A".into()))
        );
        assert_eq!(check("{ ...A } fragment A on Query { ...A }"), Err(Refused::Cycle("A".into())));
        // A cycle that nothing spreads is refused as well.
        assert_eq!(check("{ a } fragment A on Query { ...A }"), Err(Refused::Cycle("A".into())));
    }

    #[test]
    fn b84_aliases_are_counted_after_expansion() {
        let aliases: String = (0..51).map(|n| format!("x{n}: node(id: \"a\") {{ id }} ")).collect();
        assert_eq!(check(&format!("{{ {aliases} }}")), Err(Refused::Aliases));
        let hidden = format!("{{ ...A }} fragment A on Query {{ {aliases} }}");
        assert_eq!(check(&hidden), Err(Refused::Aliases));
    }

    #[test]
    fn b85_b87_counts_of_fragments_and_directives() {
        let fragments: String =
            (0..21).map(|n| format!("fragment F{n} on Query {{ a }} ")).collect();
        assert_eq!(check(&format!("{{ a }} {fragments}")), Err(Refused::Fragments));
        let directives = "@include(if: true) ".repeat(21);
        assert_eq!(check(&format!("{{ a {directives} }}")), Err(Refused::Directives));
    }

    #[test]
    fn b89_lists_in_lists_are_priced() {
        let nested = "{ spaces(first: 1000) { nodes { assets(first: 1000) { nodes { id } } } } }";
        assert!(matches!(check(nested), Err(Refused::Cost(_))));
        let text = "query($n: Int) { assets(first: $n) { nodes { id } } }";
        let many = Variables::from_json(serde_json::json!({ "n": 2_147_483_647_u32 }));
        assert!(matches!(check_document(text, &many), Err(Refused::Cost(_))));
        let few = Variables::from_json(serde_json::json!({ "n": 10 }));
        assert_eq!(check_document(text, &few), Ok(()));
        // What is not a length is the schema's to refuse, not ours to price as nothing.
        let negative = Variables::from_json(serde_json::json!({ "n": -1 }));
        assert_eq!(check_document(text, &negative), Ok(()));
    }

    #[test]
    fn long_documents_are_not_parsed() {
        let text = format!("{{ a }} #{}", "x".repeat(DOCUMENT_BYTES_MAX));
        assert!(matches!(check(&text), Err(Refused::TooLong(_))));
    }

    #[test]
    fn braces_in_strings_and_comments_are_no_nesting() {
        let text = format!("{{ node(id: \"{}\") {{ id }} }} # {}", "{".repeat(99), "{".repeat(99));
        assert_eq!(check(&text), Ok(()));
    }
}
