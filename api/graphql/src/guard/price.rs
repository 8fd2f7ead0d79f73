//! What a document costs, each fragment priced once.

use super::{
    ALIASES_MAX, COST_MAX, DEPTH_MAX, DIRECTIVES_MAX, FIELDS_MAX, FRAGMENTS_MAX,
    INTROSPECTION_DEPTH_MAX, PAGE_DEFAULT, PAGE_MAX, ROOT_FIELDS_MAX, Refused,
};
use async_graphql::parser::types::{ExecutableDocument, Field, Selection, SelectionSet};
use async_graphql::{Name, Positioned, Value as ConstValue, Variables};
use async_graphql_value::Value;
use std::collections::HashMap;

/// Price of a selection set after expansion; sums saturate.
#[derive(Debug, Clone, Copy, Default)]
struct Price {
    /// Fields, each counted once.
    fields: u64,
    /// Fields, each counted as often as the lists around it may be long.
    cost: u64,
    /// Fields that stand at this very level.
    here: u64,
    /// Of those, the ones with an alias.
    aliases: u64,
    depth: usize,
    introspection_depth: usize,
}

impl Price {
    fn add(&mut self, other: Self) {
        self.fields = self.fields.saturating_add(other.fields);
        self.cost = self.cost.saturating_add(other.cost);
        self.here = self.here.saturating_add(other.here);
        self.aliases = self.aliases.saturating_add(other.aliases);
        self.depth = self.depth.max(other.depth);
        self.introspection_depth = self.introspection_depth.max(other.introspection_depth);
    }
}

struct Pricer<'a> {
    document: &'a ExecutableDocument,
    variables: &'a Variables,
    /// `None` while a fragment is being priced: meeting it again is a cycle.
    fragments: HashMap<Name, Option<Price>>,
    directives: usize,
}

/// Refuses a document that is too expensive, by the limits of the guard.
pub(super) fn check(document: &ExecutableDocument, variables: &Variables) -> Result<(), Refused> {
    if document.fragments.len() > FRAGMENTS_MAX {
        return Err(Refused::Fragments);
    }
    let mut pricer = Pricer { document, variables, fragments: HashMap::new(), directives: 0 };
    let mut names: Vec<&Name> = document.fragments.keys().collect();
    names.sort();
    for name in names {
        pricer.fragment(name)?;
    }
    for (_, operation) in document.operations.iter() {
        pricer.count_directives(operation.node.directives.len())?;
        let price = pricer.selections(&operation.node.selection_set)?;
        judge(price)?;
    }
    Ok(())
}

fn judge(price: Price) -> Result<(), Refused> {
    if price.here > ROOT_FIELDS_MAX {
        return Err(Refused::RootFields);
    }
    if price.depth > DEPTH_MAX {
        return Err(Refused::TooDeep(DEPTH_MAX));
    }
    if price.introspection_depth > INTROSPECTION_DEPTH_MAX {
        return Err(Refused::TooDeep(INTROSPECTION_DEPTH_MAX));
    }
    if price.fields > FIELDS_MAX {
        return Err(Refused::Fields(price.fields));
    }
    if price.cost > COST_MAX {
        return Err(Refused::Cost(price.cost));
    }
    Ok(())
}

impl Pricer<'_> {
    fn count_directives(&mut self, count: usize) -> Result<(), Refused> {
        self.directives += count;
        if self.directives > DIRECTIVES_MAX { Err(Refused::Directives) } else { Ok(()) }
    }

    /// Depth of the recursion is bounded by the number of fragments and the nesting scan.
    fn fragment(&mut self, name: &Name) -> Result<Price, Refused> {
        match self.fragments.get(name) {
            Some(Some(price)) => return Ok(*price),
            Some(None) => return Err(Refused::Cycle(name.to_string())),
            None => {}
        }
        // A fragment that is not there is the schema's to refuse.
        let Some(fragment) = self.document.fragments.get(name) else {
            return Ok(Price::default());
        };
        self.fragments.insert(name.clone(), None);
        self.count_directives(fragment.node.directives.len())?;
        let price = self.selections(&fragment.node.selection_set)?;
        self.fragments.insert(name.clone(), Some(price));
        Ok(price)
    }

    fn selections(&mut self, set: &Positioned<SelectionSet>) -> Result<Price, Refused> {
        let mut sum = Price::default();
        for item in &set.node.items {
            let price = match &item.node {
                Selection::Field(field) => self.field(&field.node)?,
                Selection::FragmentSpread(spread) => {
                    self.count_directives(spread.node.directives.len())?;
                    self.fragment(&spread.node.fragment_name.node)?
                }
                Selection::InlineFragment(inline) => {
                    self.count_directives(inline.node.directives.len())?;
                    self.selections(&inline.node.selection_set)?
                }
            };
            sum.add(price);
        }
        if sum.aliases > ALIASES_MAX {
            return Err(Refused::Aliases);
        }
        Ok(sum)
    }

    fn field(&mut self, field: &Field) -> Result<Price, Refused> {
        self.count_directives(field.directives.len())?;
        let below = self.selections(&field.selection_set)?;
        let name = field.name.node.as_str();
        let introspection = matches!(name, "__schema" | "__type");
        // A description of the schema has a fixed length whatever is asked.
        let times = if introspection { 1 } else { self.times(field) };
        let cost = if introspection { 1 } else { below.cost.saturating_mul(times) };
        Ok(Price {
            fields: below.fields.saturating_add(1),
            cost: cost.saturating_add(1),
            here: 1,
            aliases: u64::from(field.alias.is_some()),
            depth: if introspection { 1 } else { below.depth + 1 },
            introspection_depth: if introspection {
                below.depth + 1
            } else {
                below.introspection_depth
            },
        })
    }

    /// Returns how long the list of a field may be: what `first` or `last` say, or the default of
    /// a connection that says nothing.
    fn times(&self, field: &Field) -> u64 {
        let lengths = ["first", "last", "limit"];
        let given = lengths.iter().filter_map(|name| field.get_argument(name));
        let longest = given.map(|value| self.number(&value.node)).max();
        let is_connection = ["nodes", "edges"].iter().any(|name| has_field(field, name));
        longest.unwrap_or(if is_connection { PAGE_DEFAULT } else { 1 })
    }

    /// What is no length (negative, null, text) is the schema's to refuse and costs one row.
    fn number(&self, value: &Value) -> u64 {
        let number = match value {
            Value::Number(number) => number.as_u64(),
            Value::Variable(name) => match self.variables.get(name) {
                Some(ConstValue::Number(number)) => number.as_u64(),
                // The default of a variable is not looked up: the longest page is assumed.
                None => Some(PAGE_MAX),
                Some(_) => None,
            },
            _ => None,
        };
        number.unwrap_or(1).max(1)
    }
}

fn has_field(field: &Field, name: &str) -> bool {
    field.selection_set.node.items.iter().any(|item| match &item.node {
        Selection::Field(inner) => inner.node.name.node == name,
        Selection::FragmentSpread(_) | Selection::InlineFragment(_) => true,
    })
}
