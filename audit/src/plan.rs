//! Proofs and roots out of tiles: which tiles are needed, and what comes of them.
//!
//! A proof of one entry among a million needs five tiles, not a million hashes. Nothing is fetched
//! here: whoever keeps the tiles is asked for those of [`Plan::tiles`].

use crate::tiles::WIDTH;
use crate::tree::{Hash, empty_root, node_hash, root};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// Names a tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TileId {
    pub level: u8,
    pub index: u64,
}

/// The hashes of tiles. There may be more of them than the tree had when it was as large as asked
/// for: tiles only ever grow.
pub type Tiles = BTreeMap<TileId, Vec<Hash>>;

/// Spans of entries, of each of which the root is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    spans: Vec<Range<u64>>,
}

/// A perfect subtree: 2^height entries, from `index` * 2^height on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Node {
    height: u32,
    index: u64,
}

impl Plan {
    /// The root of the first `size` entries: one hash.
    pub fn root(size: u64) -> Self {
        Self { spans: std::iter::once(0..size).collect() }
    }

    /// The hashes that prove entry `index` among `size`: RFC 6962, section 2.1.1. `None`: there is
    /// no such entry.
    pub fn inclusion(index: u64, size: u64) -> Option<Self> {
        if index >= size {
            return None;
        }
        let (mut spans, mut within) = (Vec::new(), 0..size);
        while within.end - within.start > 1 {
            let middle = middle(&within);
            let beside = if index < middle {
                middle..std::mem::replace(&mut within.end, middle)
            } else {
                std::mem::replace(&mut within.start, middle)..middle
            };
            spans.push(beside);
        }
        spans.reverse();
        Some(Self { spans })
    }

    /// The hashes that prove that the tree of `old` entries is the beginning of that of `size`: RFC
    /// 6962, section 2.1.2. `None`: it has not so many.
    pub fn consistency(old: u64, size: u64) -> Option<Self> {
        if old > size {
            return None;
        }
        let (mut spans, mut within) = (Vec::new(), 0..size);
        if old == 0 || old == size {
            return Some(Self { spans });
        }
        while old != within.end {
            let middle = middle(&within);
            let beside = if old <= middle {
                middle..std::mem::replace(&mut within.end, middle)
            } else {
                std::mem::replace(&mut within.start, middle)..middle
            };
            spans.push(beside);
        }
        // What the old root is known by already is not told.
        if within.start > 0 {
            spans.push(within);
        }
        spans.reverse();
        Some(Self { spans })
    }

    /// Returns the tiles that are needed.
    pub fn tiles(&self) -> BTreeSet<TileId> {
        self.spans.iter().flat_map(perfect).map(|node| node.place().0).collect()
    }

    /// Returns the hashes that the plan is for. `None`: a tile is missing, or too short.
    pub fn hashes(&self, tiles: &Tiles) -> Option<Vec<Hash>> {
        self.spans.iter().map(|span| span_root(span, tiles)).collect()
    }
}

impl Node {
    /// Returns the tile that its entries or their roots lie in, and where.
    fn place(self) -> (TileId, Range<usize>) {
        let (level, height) = (self.height / 8, self.height % 8);
        let (first, width) = (self.index << height, WIDTH as u64);
        let at = usize::try_from(first % width).unwrap_or(0);
        let level = u8::try_from(level).unwrap_or(u8::MAX);
        (TileId { level, index: first / width }, at..at + (1 << height))
    }
}

fn span_root(span: &Range<u64>, tiles: &Tiles) -> Option<Hash> {
    let mut right: Option<Hash> = None;
    for node in perfect(span).into_iter().rev() {
        let (tile, range) = node.place();
        let left = root(tiles.get(&tile)?.get(range)?);
        right = Some(right.map_or(left, |right| node_hash(&left, &right)));
    }
    Some(right.unwrap_or_else(empty_root))
}

/// Splits a span of a tree into its perfect subtrees, the largest first.
fn perfect(span: &Range<u64>) -> Vec<Node> {
    let (mut nodes, mut start) = (Vec::new(), span.start);
    while start < span.end {
        let height = (span.end - start).ilog2();
        nodes.push(Node { height, index: start >> height });
        start += 1 << height;
    }
    nodes
}

/// Returns where RFC 6962 splits a span: behind the largest power of two that leaves something.
fn middle(span: &Range<u64>) -> u64 {
    span.start + (1 << (span.end - span.start - 1).ilog2())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tiles::{Tile, Tiler};
    use crate::tree::{consistency_proof, inclusion_proof, leaf_hash};
    use proptest::prelude::*;

    fn leaves(count: u64) -> Vec<Hash> {
        (0..count).map(|number| leaf_hash(&number.to_be_bytes())).collect()
    }

    fn tiles(leaves: &[Hash]) -> Tiles {
        let mut tiler = Tiler::default();
        let mut all: Vec<Tile> = leaves.iter().flat_map(|it| tiler.push(*it)).collect();
        all.extend(tiler.finish());
        let entry = |it: Tile| (TileId { level: it.level, index: it.index }, it.hashes);
        all.into_iter().map(entry).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        /// Also of trees that are smaller than the tiles.
        #[test]
        fn proofs_out_of_tiles_are_those_of_the_tree(
            grown in 1_u64..70_000,
            size in 0_u64..70_000,
            at in 0_u64..70_000,
        ) {
            let leaves = leaves(grown);
            let size = size % grown + 1;
            let then = &leaves[..usize::try_from(size).expect("small")];
            let tiles = tiles(&leaves);
            let of = |plan: Plan| plan.hashes(&tiles);
            prop_assert_eq!(of(Plan::root(size)), Some(vec![root(then)]));
            let index = at % size;
            let plan = Plan::inclusion(index, size).expect("it is there");
            prop_assert!(plan.tiles().len() <= 5, "{:?}", plan.tiles());
            let known = inclusion_proof(then, usize::try_from(index).expect("small"));
            prop_assert_eq!(of(plan), known);
            let old = at % (size + 1);
            let plan = Plan::consistency(old, size).expect("not larger");
            let known = consistency_proof(then, usize::try_from(old).expect("small"));
            prop_assert_eq!(of(plan), known);
        }
    }

    #[test]
    fn there_is_no_plan_for_what_is_not_there() {
        assert_eq!(Plan::inclusion(5, 5), None);
        assert_eq!(Plan::consistency(6, 5), None);
        assert_eq!(Plan::root(0).hashes(&Tiles::new()), Some(vec![empty_root()]));
        assert_eq!(Plan::root(1).hashes(&Tiles::new()), None, "its tile is missing");
        let short = tiles(&leaves(3));
        assert_eq!(Plan::root(4).hashes(&short), None, "its tile is too short");
    }
}
