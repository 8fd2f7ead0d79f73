//! Questions as the node understands them.

use crate::index::{LAYERS, layer};
use dlcs_domain::access::Principal;
use dlcs_projections::search::{ASSETS_MAX, Readable, Scope, Within};
use dlcs_text::Query;
use dlcs_text::query::Clause;
use serde_json::{Value, json};

/// Returns what pages must have, those left out that `principal` may not read.
pub(crate) fn pages(principal: &Principal, scope: &Scope, query: &Query) -> Value {
    let must: Vec<Value> = query.clauses().iter().map(clause).collect();
    json!({ "bool": { "must": must, "filter": filter(principal, scope) } })
}

/// Returns the pages with words that begin with `prefix`.
pub(crate) fn pages_with(principal: &Principal, scope: &Scope, prefix: &str) -> Value {
    let mut filter = filter(principal, scope);
    filter.push(begins_with(prefix));
    json!({ "bool": { "filter": filter } })
}

/// Returns an expression for words that begin with `prefix`.
pub(crate) fn expression(prefix: &str) -> String {
    let mut expression = String::with_capacity(prefix.len() + 8);
    for character in prefix.chars() {
        if character.is_ascii() && !character.is_ascii_alphanumeric() {
            expression.push('\\');
        }
        expression.push(character);
    }
    expression + ".*"
}

fn filter(principal: &Principal, scope: &Scope) -> Vec<Value> {
    let mut filter = vec![json!({ "term": { "customer": scope.customer.to_string() } })];
    match &scope.within {
        Within::Customer => {}
        Within::Space(space) => {
            filter.push(json!({ "term": { "space": format!("{}/{space}", scope.customer) } }));
        }
        Within::Assets(assets) => {
            let own = assets.iter().filter(|it| it.customer() == scope.customer);
            let ids: Vec<String> = own.take(ASSETS_MAX).map(ToString::to_string).collect();
            filter.push(json!({ "terms": { "id": ids } }));
        }
    }
    if let Readable::Open { roles } = Readable::by(principal, scope.customer) {
        let open = json!({ "term": { "closed": false } });
        filter.push(match roles.is_empty() {
            true => open,
            false => json!({ "bool": { "should": [open, { "terms": { "roles": roles } }] } }),
        });
    }
    filter
}

fn clause(clause: &Clause) -> Value {
    match clause {
        Clause::Words(words) if words.len() == 1 => json!({ "term": { "terms": words[0] } }),
        Clause::Words(words) => phrase(words),
        Clause::Prefix(prefix) => begins_with(prefix),
        // Every such word, not only some of the nearest.
        Clause::Fuzzy(word) => json!({ "fuzzy": { "terms": {
            "value": word, "fuzziness": 1, "transpositions": true, "rewrite": "constant_score",
        }}}),
    }
}

fn begins_with(prefix: &str) -> Value {
    json!({ "prefix": { "terms": { "value": prefix } } })
}

/// Words at positions that follow each other, each under any of its forms.
fn phrase(words: &[String]) -> Value {
    let clauses: Vec<Value> = words.iter().map(|it| at_one_position(it)).collect();
    json!({ "span_near": { "clauses": clauses, "slop": 0, "in_order": true } })
}

fn at_one_position(word: &str) -> Value {
    let clauses = (0..LAYERS).map(|number| {
        let field = layer(number);
        let term = json!({ "span_term": { field: word } });
        match number {
            0 => term,
            // Taken for one of the first layer: positions are counted alike.
            _ => json!({ "span_field_masking": { "field": layer(0), "query": term } }),
        }
    });
    json!({ "span_or": { "clauses": clauses.collect::<Vec<_>>() } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_means_its_letters() {
        assert_eq!(expression("aufkl"), "aufkl.*");
        assert_eq!(expression("a.b*[c]\"~"), "a\\.b\\*\\[c\\]\\\"\\~.*");
        assert_eq!(expression("中é"), "中é.*");
    }

    #[test]
    fn a_phrase_asks_every_layer() {
        let text = phrase(&["a".into(), "b".into()]).to_string();
        assert_eq!(text.matches("span_term").count(), 2 * LAYERS);
        assert_eq!(text.matches("span_field_masking").count(), 2 * (LAYERS - 1));
    }
}
