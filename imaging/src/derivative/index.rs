//! The index of a derivative: where each tile and thumbnail is. Little endian throughout.
//!
//! ```text
//! index   "DLCI" u16 version  u16 flags (1: gray)  u32 width  u32 height  u32 tile side
//!         u16 levels  u16 thumbnails
//!         each tile, level by level, row by row:  u64 offset  u32 length
//!         each thumbnail:                         u32 width  u32 height  u64 offset  u32 length
//! footer  u64 offset of the index  u32 its length  u32 its CRC-32  u64 length of the file
//!         "DLCSPYR1"
//! ```
//!
//! Sizes and grids of the levels follow from width, height and tile side, so they cannot contradict
//! them. 12 bytes a tile: 25 KB for 100 megapixels.

use std::ops::Range;

/// Length of the footer, in bytes.
pub const FOOTER_BYTES: usize = 32;

const FOOTER_MAGIC: &[u8; 8] = b"DLCSPYR1";
const INDEX_MAGIC: &[u8; 4] = b"DLCI";
const VERSION: u16 = 1;
const GRAY: u16 = 1;

/// A piece of the derivative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Extent {
    pub offset: u64,
    /// In bytes.
    pub length: u32,
}

impl Extent {
    pub fn range(self) -> Range<u64> {
        self.offset..self.offset + u64::from(self.length)
    }
}

/// One size of the image: scale factor 1, 2, 4 … by its place in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Level {
    pub width: u32,
    pub height: u32,
    /// Tiles in a row.
    pub across: u32,
    /// Tiles in a column.
    pub down: u32,
    /// Row by row. Tiles at the right and lower edge have their exact size.
    pub tiles: Vec<Extent>,
}

/// A ready-made small version of the whole image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredThumbnail {
    pub width: u32,
    pub height: u32,
    pub extent: Extent,
}

/// What is in a derivative, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DerivativeIndex {
    pub width: u32,
    pub height: u32,
    pub tile_side: u32,
    /// Whether the image has no colour.
    pub gray: bool,
    /// Finest first.
    pub levels: Vec<Level>,
    /// Largest first.
    pub thumbnails: Vec<StoredThumbnail>,
}

/// Where the index is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Footer {
    pub index: Extent,
    crc: u32,
}

/// A derivative that is not one, or not whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the derivative is damaged: {0}")]
pub struct DamagedDerivative(pub &'static str);

/// Returns the sizes of all levels: halves, rounded up, until the longer side fits into a tile.
pub(crate) fn level_sizes(width: u32, height: u32, tile_side: u32) -> Vec<(u32, u32)> {
    let mut sizes = vec![(width, height)];
    let (mut width, mut height) = (width, height);
    while width.max(height) > tile_side {
        (width, height) = (width.div_ceil(2), height.div_ceil(2));
        sizes.push((width, height));
    }
    sizes
}

impl Level {
    /// Makes a level without tiles.
    pub(crate) fn empty(width: u32, height: u32, tile_side: u32) -> Self {
        let (across, down) = (width.div_ceil(tile_side), height.div_ceil(tile_side));
        Self { width, height, across, down, tiles: Vec::new() }
    }

    /// Returns where a tile is.
    pub fn tile(&self, column: u32, row: u32) -> Option<Extent> {
        if column >= self.across || row >= self.down {
            return None;
        }
        self.tiles.get(row as usize * self.across as usize + column as usize).copied()
    }
}

impl DerivativeIndex {
    /// Returns the stored form.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = INDEX_MAGIC.to_vec();
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend((if self.gray { GRAY } else { 0 }).to_le_bytes());
        for value in [self.width, self.height, self.tile_side] {
            bytes.extend(value.to_le_bytes());
        }
        bytes.extend((self.levels.len() as u16).to_le_bytes());
        bytes.extend((self.thumbnails.len() as u16).to_le_bytes());
        for tile in self.levels.iter().flat_map(|level| &level.tiles) {
            put_extent(&mut bytes, *tile);
        }
        for thumbnail in &self.thumbnails {
            bytes.extend(thumbnail.width.to_le_bytes());
            bytes.extend(thumbnail.height.to_le_bytes());
            put_extent(&mut bytes, thumbnail.extent);
        }
        bytes
    }

    /// Reads the stored form, which `footer` has found.
    pub fn from_bytes(bytes: &[u8], footer: &Footer) -> Result<Self, DamagedDerivative> {
        let is_whole = bytes.len() == footer.index.length as usize;
        if !is_whole || crc32fast::hash(bytes) != footer.crc {
            return Err(DamagedDerivative("its index does not match its checksum"));
        }
        let mut fields = Fields { bytes, end: footer.index.offset };
        if fields.take::<4>()? != *INDEX_MAGIC || fields.u16()? != VERSION {
            return Err(DamagedDerivative("its index has another version"));
        }
        let gray = fields.u16()? & GRAY != 0;
        let (width, height, tile_side) = (fields.u32()?, fields.u32()?, fields.u32()?);
        let (level_count, thumbnail_count) = (fields.u16()?, fields.u16()?);
        if width == 0 || height == 0 || tile_side == 0 {
            return Err(DamagedDerivative("its index says that it is empty"));
        }
        let sizes = level_sizes(width, height, tile_side);
        if sizes.len() != usize::from(level_count) {
            return Err(DamagedDerivative("its index has another number of levels"));
        }
        let mut levels = Vec::with_capacity(sizes.len());
        for (width, height) in sizes {
            levels.push(fields.level(Level::empty(width, height, tile_side))?);
        }
        let mut thumbnails = Vec::with_capacity(usize::from(thumbnail_count));
        for _ in 0..thumbnail_count {
            let (width, height, extent) = (fields.u32()?, fields.u32()?, fields.extent()?);
            thumbnails.push(StoredThumbnail { width, height, extent });
        }
        Ok(Self { width, height, tile_side, gray, levels, thumbnails })
    }

    /// Returns roughly how much memory this takes, in bytes.
    pub fn weight(&self) -> u32 {
        let tiles: usize = self.levels.iter().map(|level| level.tiles.len()).sum();
        let bytes = tiles * size_of::<Extent>() + self.thumbnails.len() * 32 + 512;
        u32::try_from(bytes).unwrap_or(u32::MAX)
    }
}

/// Returns the footer of a file whose last part so far is the index.
pub(crate) fn footer(index: Extent, bytes: &[u8]) -> [u8; FOOTER_BYTES] {
    let mut footer = [0; FOOTER_BYTES];
    let length = index.range().end + FOOTER_BYTES as u64;
    footer[..8].copy_from_slice(&index.offset.to_le_bytes());
    footer[8..12].copy_from_slice(&index.length.to_le_bytes());
    footer[12..16].copy_from_slice(&crc32fast::hash(bytes).to_le_bytes());
    footer[16..24].copy_from_slice(&length.to_le_bytes());
    footer[24..].copy_from_slice(FOOTER_MAGIC);
    footer
}

impl Footer {
    /// Reads the last [`FOOTER_BYTES`] of a file of `file_length` bytes.
    pub fn from_bytes(bytes: &[u8], file_length: u64) -> Result<Self, DamagedDerivative> {
        let mut fields = Fields { bytes, end: u64::MAX };
        let (offset, length) = (fields.u64()?, fields.u32()?);
        let crc = fields.u32()?;
        let expected_length = fields.u64()?;
        if fields.take::<8>()? != *FOOTER_MAGIC {
            return Err(DamagedDerivative("it has no footer"));
        }
        let behind_index = u64::from(length) + FOOTER_BYTES as u64;
        let is_index_last = offset.checked_add(behind_index) == Some(file_length);
        if expected_length != file_length || !is_index_last {
            return Err(DamagedDerivative("its length is not the one in its footer"));
        }
        Ok(Self { index: Extent { offset, length }, crc })
    }
}

fn put_extent(bytes: &mut Vec<u8>, extent: Extent) {
    bytes.extend(extent.offset.to_le_bytes());
    bytes.extend(extent.length.to_le_bytes());
}

struct Fields<'a> {
    bytes: &'a [u8],
    /// What the index refers to lies before it.
    end: u64,
}

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], DamagedDerivative> {
        let (first, rest) =
            self.bytes.split_first_chunk::<N>().ok_or(DamagedDerivative("it ends too early"))?;
        self.bytes = rest;
        Ok(*first)
    }

    fn u16(&mut self) -> Result<u16, DamagedDerivative> {
        self.take().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Result<u32, DamagedDerivative> {
        self.take().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, DamagedDerivative> {
        self.take().map(u64::from_le_bytes)
    }

    fn extent(&mut self) -> Result<Extent, DamagedDerivative> {
        let extent = Extent { offset: self.u64()?, length: self.u32()? };
        let end = extent.offset.checked_add(u64::from(extent.length));
        if end.is_none_or(|end| end > self.end) {
            return Err(DamagedDerivative("its index points outside of it"));
        }
        Ok(extent)
    }

    fn level(&mut self, mut level: Level) -> Result<Level, DamagedDerivative> {
        let count = u64::from(level.across) * u64::from(level.down);
        // Each tile needs its bytes here: a false size cannot make us allocate.
        if count > self.bytes.len() as u64 / 12 {
            return Err(DamagedDerivative("its index is too short"));
        }
        level.tiles.reserve_exact(count as usize);
        for _ in 0..count {
            level.tiles.push(self.extent()?);
        }
        Ok(level)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sample(width: u32, height: u32, gray: bool) -> DerivativeIndex {
        let mut offset = 8;
        let mut next = || {
            offset += 100;
            Extent { offset: offset - 100, length: 100 }
        };
        let sizes = level_sizes(width, height, 512).into_iter();
        let levels = sizes.map(|(width, height)| {
            let mut level = Level::empty(width, height, 512);
            level.tiles = (0..level.across * level.down).map(|_| next()).collect();
            level
        });
        let levels = levels.collect();
        let thumbnails = vec![StoredThumbnail { width: 100, height: 50, extent: next() }];
        DerivativeIndex { width, height, tile_side: 512, gray, levels, thumbnails }
    }

    fn stored(index: &DerivativeIndex) -> (Vec<u8>, [u8; FOOTER_BYTES], u64) {
        let bytes = index.to_bytes();
        let extent = Extent { offset: 1_000_000, length: bytes.len() as u32 };
        let footer = footer(extent, &bytes);
        let length = 1_000_000 + bytes.len() as u64 + 32;
        (bytes, footer, length)
    }

    #[test]
    fn level_sizes_are_halves_rounded_up_until_one_tile() {
        assert_eq!(level_sizes(1100, 601, 512), [(1100, 601), (550, 301), (275, 151)]);
        assert_eq!(level_sizes(512, 512, 512), [(512, 512)]);
        assert_eq!(level_sizes(513, 1, 512), [(513, 1), (257, 1)]);
    }

    #[test]
    fn a_file_that_was_cut_is_noticed() {
        let (_, footer, length) = stored(&sample(1000, 700, false));
        assert!(Footer::from_bytes(&footer, length).is_ok());
        assert!(Footer::from_bytes(&footer, length - 1).is_err());
        assert!(Footer::from_bytes(&footer[1..], length).is_err());
        assert!(Footer::from_bytes(&[0; 32], length).is_err());
    }

    proptest! {
        #[test]
        fn an_index_reads_back(width in 1u32..9000, height in 1u32..9000, gray: bool) {
            let index = sample(width, height, gray);
            let (bytes, footer, length) = stored(&index);
            let footer = Footer::from_bytes(&footer, length).unwrap();
            prop_assert_eq!(DerivativeIndex::from_bytes(&bytes, &footer).unwrap(), index);
        }

        #[test]
        fn a_changed_byte_is_noticed(at in 0usize..10_000, flip in 1u8..) {
            let (mut bytes, footer, length) = stored(&sample(3000, 2000, false));
            let footer = Footer::from_bytes(&footer, length).unwrap();
            let at = at % bytes.len();
            bytes[at] ^= flip;
            prop_assert!(DerivativeIndex::from_bytes(&bytes, &footer).is_err());
        }

        /// Beyond the checksum: no bytes make the reader panic or allocate without end.
        #[test]
        fn arbitrary_bytes_do_no_harm(mut bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let head = sample(1, 1, true).to_bytes();
            let kept = bytes.len().min(8);
            bytes[..kept].copy_from_slice(&head[..kept]);
            let index = Extent { offset: 1000, length: bytes.len() as u32 };
            let footer = Footer { index, crc: crc32fast::hash(&bytes) };
            let _ = DerivativeIndex::from_bytes(&bytes, &footer);
        }
    }
}
