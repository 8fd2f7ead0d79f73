//! The directories of a pyramidal tiled TIFF, classic and BigTIFF. Little endian.

use crate::raster::Channels;

/// Which of the two file formats, by the width of its offsets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flavour {
    Classic,
    Big,
}

/// What a directory says about one level.
pub(super) struct Directory<'a> {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) tile_side: u32,
    pub(super) channels: Channels,
    /// How many pixels share one colour, each way.
    pub(super) subsampling: u16,
    pub(super) is_reduced: bool,
    pub(super) offsets: &'a [u64],
    pub(super) lengths: &'a [u32],
}

const SHORT: u16 = 3;
const LONG: u16 = 4;
const LONG8: u16 = 16;

/// One entry of a directory: tag, type, count, and the bytes of its values.
struct Entry {
    tag: u16,
    kind: u16,
    count: u64,
    values: Vec<u8>,
}

impl Flavour {
    /// Chooses by a bound that the file stays below: twice the plain pixels of all levels.
    pub(super) fn for_pixels(width: u32, height: u32, channels: Channels) -> Self {
        let plain = u64::from(width) * u64::from(height) * channels.count() as u64;
        if plain / 3 * 4 * 2 < u64::from(u32::MAX) { Self::Classic } else { Self::Big }
    }

    /// Returns the file header, pointing to the first directory.
    pub(super) fn header(self, first_directory: u64) -> Vec<u8> {
        match self {
            Self::Classic => {
                let mut header = b"II*\0".to_vec();
                header.extend((first_directory as u32).to_le_bytes());
                header
            }
            Self::Big => {
                let mut header = b"II+\0\x08\0\0\0".to_vec();
                header.extend(first_directory.to_le_bytes());
                header
            }
        }
    }

    /// Returns the bytes of all directories, as they stand at `position` of the file, and the
    /// position of the first one. `position` must be even.
    pub(super) fn directories(self, position: u64, levels: &[Directory<'_>]) -> (Vec<u8>, u64) {
        let mut bytes = Vec::new();
        let mut first = 0;
        let mut link = None;
        for level in levels {
            let entries = self.with_values_out_of_line(entries(self, level), position, &mut bytes);
            let start = position + bytes.len() as u64;
            match link {
                None => first = start,
                Some(at) => self.put_offset_at(&mut bytes, at, start),
            }
            self.put_count(&mut bytes, entries.len());
            for entry in entries {
                bytes.extend(entry.tag.to_le_bytes());
                bytes.extend(entry.kind.to_le_bytes());
                self.put_number(&mut bytes, entry.count);
                bytes.extend(entry.values);
            }
            link = Some(bytes.len());
            self.put_number(&mut bytes, 0);
            pad(&mut bytes);
        }
        (bytes, first)
    }

    /// Writes what does not fit into an entry before the directory, and its place into the entry.
    fn with_values_out_of_line(
        self,
        mut entries: Vec<Entry>,
        position: u64,
        bytes: &mut Vec<u8>,
    ) -> Vec<Entry> {
        let room = self.offset_bytes();
        for entry in &mut entries {
            if entry.values.len() > room {
                let at = position + bytes.len() as u64;
                bytes.append(&mut entry.values);
                pad(bytes);
                self.put_number(&mut entry.values, at);
            }
            entry.values.resize(room, 0);
        }
        entries
    }

    fn offset_bytes(self) -> usize {
        match self {
            Self::Classic => 4,
            Self::Big => 8,
        }
    }

    fn put_count(self, bytes: &mut Vec<u8>, count: usize) {
        match self {
            Self::Classic => bytes.extend((count as u16).to_le_bytes()),
            Self::Big => bytes.extend((count as u64).to_le_bytes()),
        }
    }

    fn put_number(self, bytes: &mut Vec<u8>, value: u64) {
        bytes.extend(&value.to_le_bytes()[..self.offset_bytes()]);
    }

    fn put_offset_at(self, bytes: &mut [u8], at: usize, value: u64) {
        let room = self.offset_bytes();
        bytes[at..at + room].copy_from_slice(&value.to_le_bytes()[..room]);
    }
}

/// Values and directories begin at even positions.
fn pad(bytes: &mut Vec<u8>) {
    if bytes.len() % 2 == 1 {
        bytes.push(0);
    }
}

/// In ascending order of their tags, as the specification wants.
fn entries(flavour: Flavour, level: &Directory<'_>) -> Vec<Entry> {
    let samples = level.channels.count() as u16;
    let photometric = if level.channels == Channels::Gray { 1 } else { 6 };
    let mut entries = vec![
        long(254, u32::from(level.is_reduced)), // NewSubfileType
        long(256, level.width),
        long(257, level.height),
        shorts(258, &vec![8; usize::from(samples)]), // BitsPerSample
        shorts(259, &[7]),                           // Compression: JPEG
        shorts(262, &[photometric]),
        shorts(277, &[samples]), // SamplesPerPixel
        shorts(284, &[1]),       // PlanarConfiguration: chunky
        long(322, level.tile_side),
        long(323, level.tile_side),
        offsets(flavour, level.offsets),
        longs(325, level.lengths),
    ];
    if level.channels == Channels::Rgb {
        entries.push(shorts(530, &[level.subsampling; 2]));
    }
    entries
}

fn shorts(tag: u16, values: &[u16]) -> Entry {
    let count = values.len() as u64;
    Entry { tag, kind: SHORT, count, values: values.iter().flat_map(|v| v.to_le_bytes()).collect() }
}

fn long(tag: u16, value: u32) -> Entry {
    longs(tag, &[value])
}

fn longs(tag: u16, values: &[u32]) -> Entry {
    let count = values.len() as u64;
    Entry { tag, kind: LONG, count, values: values.iter().flat_map(|v| v.to_le_bytes()).collect() }
}

fn offsets(flavour: Flavour, offsets: &[u64]) -> Entry {
    const TILE_OFFSETS: u16 = 324;
    match flavour {
        Flavour::Classic => {
            let offsets: Vec<u32> = offsets.iter().map(|offset| *offset as u32).collect();
            longs(TILE_OFFSETS, &offsets)
        }
        Flavour::Big => {
            let values = offsets.iter().flat_map(|v| v.to_le_bytes()).collect();
            Entry { tag: TILE_OFFSETS, kind: LONG8, count: offsets.len() as u64, values }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;
    use tiff::decoder::Decoder;

    /// Writes a file without tiles and reads its directories back with another implementation.
    fn check(flavour: Flavour, channels: Channels) {
        let far = if flavour == Flavour::Big { 1 << 40 } else { 1 << 30 };
        let offsets: Vec<Vec<u64>> = [6, 2].map(|n| (0..n).map(|i| far + i).collect()).into();
        let lengths: Vec<Vec<u32>> = [6, 2].map(|n| (0..n).map(|i| 100 + i).collect()).into();
        let levels = [(1100, 601), (550, 301)].into_iter().enumerate().map(|(i, size)| {
            let (offsets, lengths) = (&offsets[i][..], &lengths[i][..]);
            let (width, height) = size;
            let is_reduced = i > 0;
            Directory {
                width,
                height,
                tile_side: 512,
                channels,
                subsampling: 2,
                is_reduced,
                offsets,
                lengths,
            }
        });
        let levels: Vec<_> = levels.collect();
        let (directories, first) = flavour.directories(16, &levels);
        let mut file = flavour.header(first);
        file.resize(16, 0);
        file.extend(directories);

        let mut decoder = Decoder::new(Cursor::new(file)).unwrap();
        for (number, level) in levels.iter().enumerate() {
            assert_eq!(decoder.dimensions().unwrap(), (level.width, level.height));
            assert_eq!(decoder.chunk_dimensions(), (512, 512));
            let found = decoder.get_tag_u64_vec(tiff::tags::Tag::TileOffsets).unwrap();
            assert_eq!(found, level.offsets);
            let found = decoder.get_tag_u32_vec(tiff::tags::Tag::TileByteCounts).unwrap();
            assert_eq!(found, level.lengths);
            let reduced = decoder.get_tag_u32(tiff::tags::Tag::NewSubfileType).unwrap();
            assert_eq!(reduced == 1, number > 0);
            assert_eq!(decoder.more_images(), number == 0);
            if decoder.more_images() {
                decoder.next_image().unwrap();
            }
        }
    }

    #[test]
    fn both_flavours_read_back() {
        for channels in [Channels::Gray, Channels::Rgb] {
            check(Flavour::Classic, channels);
            check(Flavour::Big, channels);
        }
    }

    #[test]
    fn files_that_could_reach_4_gb_are_big() {
        let flavour = |width, height| Flavour::for_pixels(width, height, Channels::Rgb);
        assert_eq!(flavour(20_000, 20_000), Flavour::Classic);
        assert_eq!(flavour(40_000, 20_000), Flavour::Big);
    }
}
