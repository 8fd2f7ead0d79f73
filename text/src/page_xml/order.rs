//! `ReadingOrder`: groups within groups, each with its own numbers.

use crate::markup::WORDS_MAX;
use crate::read_error::Fault;

#[derive(Default)]
pub(super) struct ReadingOrder {
    /// Groups that are open, the outermost first.
    groups: Vec<Group>,
    references: usize,
}

#[derive(Default)]
struct Group {
    /// In the group around this one.
    index: i64,
    items: Vec<(i64, Vec<String>)>,
}

impl ReadingOrder {
    pub(super) fn open(&mut self, index: Option<&str>) {
        self.groups.push(Group { index: parse(index), items: Vec::new() });
    }

    pub(super) fn refer(&mut self, region: String, index: Option<&str>) -> Result<(), Fault> {
        self.references += 1;
        if self.references > WORDS_MAX {
            return Err(Fault::TooMany { what: "references to regions", count_max: WORDS_MAX });
        }
        if let Some(group) = self.groups.last_mut() {
            group.items.push((parse(index), vec![region]));
        }
        Ok(())
    }

    /// Ends a group; returns the regions of the outermost in their order.
    pub(super) fn close(&mut self) -> Option<Vec<String>> {
        let Group { index, mut items } = self.groups.pop()?;
        // Stable: an unordered group keeps the order of the document.
        items.sort_by_key(|(index, _)| *index);
        let regions = items.into_iter().flat_map(|(_, regions)| regions).collect();
        match self.groups.last_mut() {
            Some(outer) => {
                outer.items.push((index, regions));
                None
            }
            None => Some(regions),
        }
    }
}

fn parse(index: Option<&str>) -> i64 {
    index.and_then(|it| it.trim().parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_sorted_within_their_own_numbers() {
        let mut order = ReadingOrder::default();
        order.open(None);
        order.refer("c".into(), Some("2")).unwrap();
        order.open(Some("1"));
        order.refer("b".into(), Some("9")).unwrap();
        order.refer("a".into(), Some("3")).unwrap();
        assert_eq!(order.close(), None);
        order.refer("first".into(), Some("0")).unwrap();
        assert_eq!(order.close().unwrap(), ["first", "a", "b", "c"]);
        assert_eq!(order.close(), None);
    }
}
