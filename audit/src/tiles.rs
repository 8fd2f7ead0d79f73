//! Tiles: the tree in files of at most 256 hashes, named as C2SP tlog-tiles names them, and the
//! bundles of their entries.

use crate::plan::TileId;
use crate::tree::{Hash, root};

/// Hashes of a whole tile.
pub const WIDTH: usize = 256;
/// Levels of tiles: more than 2^64 entries there are not.
const LEVELS_MAX: usize = 8;

/// One tile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tile {
    /// 0: hashes of entries; above, each hash is the root of a tile below.
    pub level: u8,
    pub index: u64,
    /// 1 to 256; fewer than 256 only of the last tile of its level.
    pub hashes: Vec<Hash>,
}

impl Tile {
    /// Returns the path, for example `tile/0/x001/x234/067.p/8`.
    pub fn path(&self) -> String {
        format!("tile/{}/{}", self.level, name(self.index, self.hashes.len()))
    }

    /// Returns the content: its hashes, one behind the other.
    pub fn bytes(&self) -> Vec<u8> {
        self.hashes.concat()
    }
}

/// A file that C2SP tlog-tiles names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TilePath {
    /// Hashes, and how many of them: 1 to 256.
    Hashes(TileId, usize),
    /// The entries below the tile of level 0 with this index, and how many.
    Entries(u64, usize),
}

impl TilePath {
    /// Reads what stands behind `tile/`, in its one spelling: `0/x001/234.p/8`, `entries/000`.
    pub fn parse(path: &str) -> Option<Self> {
        let (kind, name) = path.split_once('/')?;
        let (index, width) = parse_name(name)?;
        if kind == "entries" {
            return Some(Self::Entries(index, width));
        }
        let level: u8 = kind.parse().ok()?;
        let is_spelled = level.to_string() == kind && usize::from(level) < LEVELS_MAX;
        is_spelled.then_some(Self::Hashes(TileId { level, index }, width))
    }

    /// Returns how many hashes or entries are in it; fewer than 256: it may be more later.
    pub fn width(self) -> usize {
        match self {
            Self::Hashes(_, width) | Self::Entries(_, width) => width,
        }
    }
}

/// Returns the bundle of entries: each behind its length in two bytes, the higher one first. `None`:
/// one has more than 65,535 bytes.
pub fn bundle<'e>(entries: impl IntoIterator<Item = &'e [u8]>) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for entry in entries {
        bytes.extend(u16::try_from(entry.len()).ok()?.to_be_bytes());
        bytes.extend(entry);
    }
    Some(bytes)
}

/// Returns the path of the entries of a tile.
pub fn entries_path(index: u64, width: usize) -> String {
    format!("tile/entries/{}", name(index, width))
}

/// Three digits at a time, all but the last behind an `x`.
fn name(index: u64, width: usize) -> String {
    let mut name = format!("{:03}", index % 1_000);
    let mut rest = index / 1_000;
    while rest > 0 {
        name = format!("x{:03}/{name}", rest % 1_000);
        rest /= 1_000;
    }
    if width < WIDTH { format!("{name}.p/{width}") } else { name }
}

fn parse_name(text: &str) -> Option<(u64, usize)> {
    let (index, width) = match text.split_once(".p/") {
        Some((index, width)) => (index, width.parse().ok()?),
        None => (text, WIDTH),
    };
    let mut number = 0_u64;
    for group in index.split('/') {
        let group = group.strip_prefix('x').unwrap_or(group);
        number = number.checked_mul(1_000)?.checked_add(group.parse().ok()?)?;
    }
    // One spelling only: all that is wrong with this one is wrong with it as it would be written.
    let is_spelled = (1..=WIDTH).contains(&width) && name(number, width) == text;
    is_spelled.then_some((number, width))
}

/// Makes tiles while entries come in; remembers at most 255 hashes of each level.
#[derive(Debug, Clone, Default)]
pub struct Tiler {
    levels: Vec<(u64, Vec<Hash>)>,
}

impl Tiler {
    /// Adds the hash of an entry, and returns the tiles that are whole now, lower ones first.
    pub fn push(&mut self, leaf: Hash) -> Vec<Tile> {
        let mut whole = Vec::new();
        let mut hash = leaf;
        for level in 0..LEVELS_MAX {
            if self.levels.len() == level {
                self.levels.push((0, Vec::with_capacity(WIDTH)));
            }
            let (index, hashes) = &mut self.levels[level];
            hashes.push(hash);
            if hashes.len() < WIDTH {
                break;
            }
            hash = root(hashes);
            let hashes = std::mem::replace(hashes, Vec::with_capacity(WIDTH));
            let level = u8::try_from(level).unwrap_or(u8::MAX);
            whole.push(Tile { level, index: *index, hashes });
            *index += 1;
        }
        whole
    }

    /// Returns the tiles that are not whole.
    pub fn finish(self) -> Vec<Tile> {
        let partial = (0_u8..).zip(self.levels).filter(|(_, (_, hashes))| !hashes.is_empty());
        partial.map(|(level, (index, hashes))| Tile { level, index, hashes }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::{Tree, leaf_hash};

    #[test]
    fn paths_are_those_of_c2sp() {
        let tile = |index, width| Tile { level: 0, index, hashes: vec![[0; 32]; width] }.path();
        assert_eq!(tile(5, 256), "tile/0/005");
        assert_eq!(tile(1_234_067, 256), "tile/0/x001/x234/067");
        assert_eq!(tile(1_234_067, 8), "tile/0/x001/x234/067.p/8");
        assert_eq!(entries_path(0, 256), "tile/entries/000");
    }

    #[test]
    fn paths_are_read_in_their_one_spelling() {
        let id = |level, index| TileId { level, index };
        let read = TilePath::parse;
        assert_eq!(read("0/005"), Some(TilePath::Hashes(id(0, 5), 256)));
        assert_eq!(read("1/x001/x234/067.p/8"), Some(TilePath::Hashes(id(1, 1_234_067), 8)));
        assert_eq!(read("entries/000"), Some(TilePath::Entries(0, 256)));
        assert_eq!(read("entries/x001/000.p/255"), Some(TilePath::Entries(1_000, 255)));
        for wrong in [
            "",
            "0",
            "0/",
            "0/5",
            "0/0005",
            "00/005",
            "8/005",
            "-1/005",
            "+1/005",
            "0/x000/005",
            "0/001/005",
            "0/005.p/0",
            "0/005.p/256",
            "0/005.p/08",
            "0/005.p/",
            "0/005.p",
            "0/+05",
            "0/x018446744/x073709/x551/616",
            "0/x018/x446/x744/x073/x709/x551/616",
            "entries",
            "entries/0",
            "data/000",
            "0/005/",
            "0//005",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_bundle_is_entries_behind_their_lengths() {
        let long = vec![b'x'; 300];
        let bytes = bundle([&b"ab"[..], &[], &long]).expect("short entries");
        assert_eq!(bytes[..7], [0, 2, b'a', b'b', 0, 0, 1]);
        assert_eq!((bytes[7], bytes.len()), (44, 308));
        assert_eq!(bundle([&vec![0; 65_536][..]]), None);
    }

    #[test]
    fn the_tiles_of_a_tree_lead_to_its_root() {
        let (mut tiler, mut tree, mut tiles) = (Tiler::default(), Tree::default(), Vec::new());
        for number in 0..70_000_u32 {
            let leaf = leaf_hash(&number.to_be_bytes());
            tree.push(leaf);
            tiles.extend(tiler.push(leaf));
        }
        tiles.extend(tiler.finish());
        let of = |level: u8| tiles.iter().filter(|it| it.level == level).collect::<Vec<_>>();
        assert_eq!([0, 1, 2].map(|level| of(level).len()), [274, 2, 1]);
        let leaves: Vec<Hash> = of(0).iter().flat_map(|it| it.hashes.clone()).collect();
        assert_eq!(root(&leaves), tree.root());
        for tile in of(0).iter().filter(|it| it.hashes.len() == WIDTH) {
            let above = &of(1)[usize::try_from(tile.index / 256).expect("small")];
            let at = usize::try_from(tile.index % 256).expect("small");
            assert_eq!(above.hashes[at], root(&tile.hashes));
        }
    }
}
