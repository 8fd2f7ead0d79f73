//! The order that a file gives its blocks.

use crate::markup::WORDS_MAX;
use crate::read_error::Fault;
use std::collections::{HashMap, HashSet};

/// Collects `ReadingOrder` and `IDNEXT`.
#[derive(Default)]
pub(super) struct BlockOrder {
    /// Of `ReadingOrder`, in document order.
    references: Vec<String>,
    /// Every block with the one that comes next.
    next: Vec<(String, Option<String>)>,
}

impl BlockOrder {
    /// Takes the `REF` of an `ElementRef`: one or more identifiers.
    pub(super) fn refer(&mut self, references: &str) -> Result<(), Fault> {
        for reference in references.split_whitespace() {
            limit(self.references.len())?;
            self.references.push(reference.to_owned());
        }
        Ok(())
    }

    pub(super) fn block(&mut self, id: &str, next: Option<String>) -> Result<(), Fault> {
        limit(self.next.len())?;
        self.next.push((id.to_owned(), next));
        Ok(())
    }

    /// Returns identifiers in reading order; `None`: the file gives no other than its own.
    pub(super) fn ids(self) -> Option<Vec<String>> {
        if !self.references.is_empty() {
            return Some(self.references);
        }
        self.next.iter().any(|(_, next)| next.is_some()).then(|| self.chains())
    }

    /// Follows each chain from a block that no other points to. What is left are cycles: they are
    /// entered where the document has them first.
    fn chains(&self) -> Vec<String> {
        let mut next: HashMap<&str, Option<&str>> = HashMap::new();
        for (id, follower) in &self.next {
            next.entry(id).or_insert(follower.as_deref());
        }
        let pointed_at: HashSet<&str> = next.values().copied().flatten().collect();
        let ids = || self.next.iter().map(|(id, _)| id.as_str());
        let mut seen = HashSet::new();
        let mut out = Vec::new();
        for start in ids().filter(|id| !pointed_at.contains(id)).chain(ids()) {
            let mut at = Some(start);
            while let Some(id) = at.filter(|id| next.contains_key(id) && seen.insert(*id)) {
                out.push(id.to_owned());
                at = next.get(id).copied().flatten();
            }
        }
        out
    }
}

/// There are no more blocks than words.
fn limit(count: usize) -> Result<(), Fault> {
    if count >= WORDS_MAX {
        return Err(Fault::TooMany { what: "blocks", count_max: WORDS_MAX });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(blocks: &[(&str, Option<&str>)]) -> Option<Vec<String>> {
        let mut order = BlockOrder::default();
        for (id, next) in blocks {
            order.block(id, next.map(str::to_owned)).unwrap();
        }
        order.ids()
    }

    #[test]
    fn chains_are_followed_and_cycles_end() {
        assert_eq!(ids(&[("a", None), ("b", None)]), None);
        let chain = [("a", Some("c")), ("b", None), ("c", Some("b"))];
        assert_eq!(ids(&chain).unwrap(), ["a", "c", "b"]);
        let cycle = [("a", Some("b")), ("b", Some("a")), ("c", Some("c")), ("d", Some("gone"))];
        assert_eq!(ids(&cycle).unwrap(), ["d", "a", "b", "c"]);
    }
}
