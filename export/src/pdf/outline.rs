//! The table of contents.

use super::body::Body;
use pdf_writer::{Ref, TextStr};

/// An entry, and what stands below it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OutlineItem {
    pub title: String,
    /// From 0. What leads to no page of the document goes to the last one.
    pub page: usize,
    pub items: Vec<OutlineItem>,
}

/// Writes the entries; `None`: there are none.
pub(super) fn write(body: &mut Body, items: &[OutlineItem], pages: &[Ref]) -> Option<Ref> {
    if items.is_empty() || pages.is_empty() {
        return None;
    }
    let root = body.reserve();
    let ids = write_items(body, items, root, pages);
    body.object(root, |chunk| {
        let mut outline = chunk.outline(root);
        outline.first(ids[0]).last(ids[ids.len() - 1]).count(ids.len() as i32);
    });
    Some(root)
}

/// Writes siblings and what is below them, which a reader shows closed.
fn write_items(body: &mut Body, items: &[OutlineItem], parent: Ref, pages: &[Ref]) -> Vec<Ref> {
    let ids: Vec<Ref> = items.iter().map(|_| body.reserve()).collect();
    for (at, item) in items.iter().enumerate() {
        let below = write_items(body, &item.items, ids[at], pages);
        body.object(ids[at], |chunk| {
            let mut entry = chunk.outline_item(ids[at]);
            entry.title(TextStr(&item.title)).parent(parent);
            if let Some(before) = at.checked_sub(1) {
                entry.prev(ids[before]);
            }
            if let Some(next) = ids.get(at + 1) {
                entry.next(*next);
            }
            if let (Some(first), Some(last)) = (below.first(), below.last()) {
                entry.first(*first).last(*last).count(-(below.len() as i32));
            }
            entry.dest().page(pages[item.page.min(pages.len() - 1)]).fit();
        });
    }
    ids
}
