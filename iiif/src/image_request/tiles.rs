//! Requests that a stored image answers as it is: tiles, levels, thumbnails.
//!
//! The geometry is that of Image API 3.0, implementation notes 3: a tile covers `side * scale`
//! pixels of the image each way, less at the right and lower edge, and its own sides are those
//! of its region divided by the scale, rounded up.
//!
//! Only geometry is judged here. Whether stored bytes may be sent also depends on
//! [`Resolved::is_plain`] and on the format.

use super::{Dimensions, ImageRequest, Rect, Resolved, SizeForm};

/// The pyramid of an image: square tiles at one scale factor per level.
///
/// ```
/// use dlcs_iiif::image_request::*;
///
/// let grid = TileGrid { tile_side: 512, scale_factors: vec![1, 2, 4, 8] };
/// let source = Dimensions { width: 6000, height: 4000 };
/// let path = "5120,3072,880,928/440,464/0/default.jpg";
/// let request = ImageRequest::parse_path(ImageVersion::V3, path)?;
/// let resolved = resolve(&request, ImageVersion::V3, source, &Limits::default())?;
/// let tile = TileAddress { level: 1, column: 5, row: 3 };
/// assert_eq!(grid.tile_of(&request, &resolved, source), Some(tile));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TileGrid {
    /// In pixels.
    pub tile_side: u32,
    /// One per level, finest first: 1, 2, 4, …
    pub scale_factors: Vec<u32>,
}

/// The place of a tile in the pyramid, all counted from zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TileAddress {
    /// Index into [`TileGrid::scale_factors`].
    pub level: usize,
    pub column: u32,
    pub row: u32,
}

/// What among the stored parts of an image answers a request exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stored {
    /// Index into the list of stored sizes that was handed in.
    Thumbnail(usize),
    Tile(TileAddress),
    /// All of a level that has more than one tile: an index into [`TileGrid::scale_factors`].
    Level(usize),
}

/// Whether a size has to be the one that the request resolves to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Match {
    /// Both sides are equal.
    Exact,
    /// The side that the client named is equal.
    ///
    /// A viewer that asks for the tiles of the right edge by `w,` names the rounded-up width
    /// and means the tile, though the height that follows from that width by proportion is a
    /// little larger. Both are fair readings of "maintains the aspect ratio", and the tile
    /// is the one that fits to its neighbours.
    NamedSide,
}

impl TileGrid {
    /// Returns the scale factors for an image: powers of two up to where one tile holds it all.
    pub fn covering(source: Dimensions, tile_side: u32) -> Self {
        let longest = source.width.max(source.height);
        let mut scale_factors = vec![1];
        let mut scale = 1;
        while longest.div_ceil(scale) > tile_side.max(1) && scale < 1 << 31 {
            scale *= 2;
            scale_factors.push(scale);
        }
        Self { tile_side, scale_factors }
    }

    /// Returns the region of a tile in pixels of the full image, if there is such a tile.
    pub fn region_of(&self, tile: TileAddress, source: Dimensions) -> Option<Rect> {
        let span = self.span(*self.scale_factors.get(tile.level)?)?;
        let at = |index: u32| u32::try_from(span.checked_mul(index.into())?).ok();
        let x = at(tile.column).filter(|x| *x < source.width)?;
        let y = at(tile.row).filter(|y| *y < source.height)?;
        let cut = |room: u32| u32::try_from(span.min(room.into())).unwrap_or(room);
        Some(Rect { x, y, width: cut(source.width - x), height: cut(source.height - y) })
    }

    /// Returns the tile that a request asks for, in the form `w,h` or `w,` or `,h` or any other
    /// that comes to the same pixels.
    pub fn tile_of(
        &self,
        request: &ImageRequest,
        resolved: &Resolved,
        source: Dimensions,
    ) -> Option<TileAddress> {
        let matches = [Match::Exact, Match::NamedSide];
        matches.into_iter().find_map(|how| {
            (0..self.scale_factors.len()).find_map(|level| {
                let tile = self.tile_at(level, resolved.region)?;
                let is_region = self.region_of(tile, source)? == resolved.region;
                let size = self.size_of(Stored::Tile(tile), source, &[])?;
                (is_region && is_asked_for(size, how, request, resolved)).then_some(tile)
            })
        })
    }

    /// Returns the level that a request asks for as a whole.
    pub fn level_of(
        &self,
        request: &ImageRequest,
        resolved: &Resolved,
        source: Dimensions,
    ) -> Option<usize> {
        let levels = self.scale_factors.iter();
        let sizes: Vec<_> = levels.map(|scale| source.divided_by(*scale)).collect();
        whole_of(&sizes, request, resolved, source)
    }

    /// Returns the stored part that answers a request, thumbnails first as they need least.
    pub fn stored(
        &self,
        request: &ImageRequest,
        resolved: &Resolved,
        source: Dimensions,
        thumbnails: &[Dimensions],
    ) -> Option<Stored> {
        let thumbnail = whole_of(thumbnails, request, resolved, source).map(Stored::Thumbnail);
        thumbnail
            .or_else(|| self.tile_of(request, resolved, source).map(Stored::Tile))
            .or_else(|| self.level_of(request, resolved, source).map(Stored::Level))
    }

    /// Returns the dimensions of a stored part.
    ///
    /// They differ from [`Resolved::size`] where only the side that the client named had to
    /// match. Put them there before printing the canonical form, which must lead to the bytes
    /// that were sent.
    pub fn size_of(
        &self,
        stored: Stored,
        source: Dimensions,
        thumbnails: &[Dimensions],
    ) -> Option<Dimensions> {
        match stored {
            Stored::Thumbnail(index) => thumbnails.get(index).copied(),
            Stored::Level(level) => Some(source.divided_by(*self.scale_factors.get(level)?)),
            Stored::Tile(tile) => {
                let region = self.region_of(tile, source)?;
                Some(region.dimensions().divided_by(*self.scale_factors.get(tile.level)?))
            }
        }
    }

    /// Returns the tile whose top left corner is that of the region.
    fn tile_at(&self, level: usize, region: Rect) -> Option<TileAddress> {
        let span = self.span(self.scale_factors[level])?;
        let (x, y) = (u64::from(region.x), u64::from(region.y));
        let is_aligned = x % span == 0 && y % span == 0;
        let column = u32::try_from(x / span).ok()?;
        let row = u32::try_from(y / span).ok()?;
        is_aligned.then_some(TileAddress { level, column, row })
    }

    /// Returns how many pixels of the image a tile covers each way.
    fn span(&self, scale: u32) -> Option<u64> {
        Some(u64::from(self.tile_side) * u64::from(scale)).filter(|span| *span > 0)
    }
}

/// Returns the index of that size of the whole image that a request asks for.
///
/// Use it alone where there are thumbnails and no pyramid, as in a level 0 service.
pub fn whole_of(
    sizes: &[Dimensions],
    request: &ImageRequest,
    resolved: &Resolved,
    source: Dimensions,
) -> Option<usize> {
    if !resolved.region.is_whole(source) {
        return None;
    }
    let matches = [Match::Exact, Match::NamedSide];
    matches
        .into_iter()
        .find_map(|how| sizes.iter().position(|size| is_asked_for(*size, how, request, resolved)))
}

fn is_asked_for(size: Dimensions, how: Match, request: &ImageRequest, resolved: &Resolved) -> bool {
    match (how, request.size.form) {
        (Match::Exact, _) => size == resolved.size,
        (Match::NamedSide, SizeForm::Width(width)) => width == size.width,
        (Match::NamedSide, SizeForm::Height(height)) => height == size.height,
        (Match::NamedSide, _) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ImageVersion, Limits, resolve};
    use super::*;

    const SOURCE: Dimensions = Dimensions { width: 1100, height: 601 };

    fn stored(path: &str) -> Option<Stored> {
        let grid = TileGrid { tile_side: 512, scale_factors: vec![1, 2, 4] };
        let thumbnails = [Dimensions { width: 200, height: 109 }];
        let request = ImageRequest::parse_path(ImageVersion::V3, path).unwrap();
        let resolved = resolve(&request, ImageVersion::V3, SOURCE, &Limits::default()).unwrap();
        grid.stored(&request, &resolved, SOURCE, &thumbnails)
    }

    fn tile(level: usize, column: u32, row: u32) -> Option<Stored> {
        Some(Stored::Tile(TileAddress { level, column, row }))
    }

    /// Image API 3.0, implementation notes 3 and section 5.4.
    #[test]
    fn requests_find_their_stored_part() {
        for (path, expected) in [
            ("0,0,512,512/512,512/0/default.jpg", tile(0, 0, 0)),
            ("0,0,512,512/max/0/default.jpg", tile(0, 0, 0)),
            ("512,0,512,512/512,/0/default.jpg", tile(0, 1, 0)),
            ("1024,512,76,89/76,89/0/default.jpg", tile(0, 2, 1)),
            ("1024,512,512,512/76,89/0/default.jpg", tile(0, 2, 1)),
            ("0,0,1024,601/512,301/0/default.jpg", tile(1, 0, 0)),
            ("0,0,1024,601/512,/0/default.jpg", tile(1, 0, 0)),
            ("1024,0,76,601/38,301/0/default.jpg", tile(1, 1, 0)),
            ("1024,0,76,601/38,/0/default.jpg", tile(1, 1, 0)),
            ("0,0,1100,601/275,151/0/default.jpg", tile(2, 0, 0)),
            ("full/275,/0/default.jpg", tile(2, 0, 0)),
            ("full/,151/0/default.jpg", tile(2, 0, 0)),
            ("full/200,109/0/default.jpg", Some(Stored::Thumbnail(0))),
            ("full/200,/0/default.jpg", Some(Stored::Thumbnail(0))),
            ("full/!200,200/0/default.jpg", Some(Stored::Thumbnail(0))),
            ("full/550,301/0/default.jpg", Some(Stored::Level(1))),
            ("full/max/0/default.jpg", Some(Stored::Level(0))),
            ("0,0,512,512/511,512/0/default.jpg", None),
            ("1,0,512,512/512,512/0/default.jpg", None),
            ("0,0,513,512/512,/0/default.jpg", None),
            ("0,0,512,512/256,256/0/default.jpg", None),
            ("512,0,1024,601/294,301/0/default.jpg", None),
        ] {
            assert_eq!(stored(path), expected, "{path}");
        }
    }

    /// The right edge of 1025 x 300: one region is a tile of two levels. The size decides.
    #[test]
    fn an_exact_size_goes_before_a_named_side() {
        let source = Dimensions { width: 1025, height: 300 };
        let grid = TileGrid::covering(source, 512);
        assert_eq!(grid.scale_factors, [1, 2, 4]);
        for (path, level, column) in [
            ("1024,0,1,300/1,/0/default.jpg", 0, 2),
            ("1024,0,1,300/1,300/0/default.jpg", 0, 2),
            ("1024,0,1,300/1,150/0/default.jpg", 1, 1),
        ] {
            let request = ImageRequest::parse_path(ImageVersion::V3, path).unwrap();
            let resolved = resolve(&request, ImageVersion::V3, source, &Limits::default()).unwrap();
            let expected = TileAddress { level, column, row: 0 };
            assert_eq!(grid.tile_of(&request, &resolved, source), Some(expected), "{path}");
        }
    }

    /// Image API 3.0, section 4.8: the canonical form leads to the bytes that were sent.
    #[test]
    fn a_tile_found_by_its_width_has_the_canonical_form_of_the_tile() {
        let grid = TileGrid { tile_side: 512, scale_factors: vec![1, 2, 4] };
        let limits = Limits::default();
        let source = Dimensions { width: 1101, height: 601 };
        for version in [ImageVersion::V2, ImageVersion::V3] {
            let path = "1024,0,77,601/39,/0/default.jpg";
            let request = ImageRequest::parse_path(version, path).unwrap();
            let mut resolved = resolve(&request, version, source, &limits).unwrap();
            assert_eq!(resolved.size.height, 304);
            let stored = grid.stored(&request, &resolved, source, &[]).unwrap();
            resolved.size = grid.size_of(stored, source, &[]).unwrap();
            let canonical = resolved.canonical_path(version, source, &limits);
            assert_eq!(canonical, "1024,0,77,601/39,301/0/default.jpg");
            let again = ImageRequest::parse_path(version, &canonical).unwrap();
            let again = resolve(&again, version, source, &limits).unwrap();
            assert_eq!(again, resolved);
        }
    }

    #[test]
    fn every_tile_of_a_grid_is_found_again() {
        let grid = TileGrid::covering(SOURCE, 256);
        for (level, scale) in grid.scale_factors.iter().enumerate() {
            for (column, row) in (0..5).flat_map(|column| (0..3).map(move |row| (column, row))) {
                let tile = TileAddress { level, column, row };
                let Some(Rect { x, y, width, height }) = grid.region_of(tile, SOURCE) else {
                    continue;
                };
                let (tile_width, tile_height) = (width.div_ceil(*scale), height.div_ceil(*scale));
                let path =
                    format!("{x},{y},{width},{height}/{tile_width},{tile_height}/0/default.jpg");
                let request = ImageRequest::parse_path(ImageVersion::V2, &path).unwrap();
                let resolved =
                    resolve(&request, ImageVersion::V2, SOURCE, &Limits::default()).unwrap();
                assert_eq!(grid.tile_of(&request, &resolved, SOURCE), Some(tile), "{path}");
            }
        }
    }

    #[test]
    fn absurd_grids_do_not_panic() {
        let source = Dimensions { width: u32::MAX, height: u32::MAX };
        assert_eq!(TileGrid::covering(source, 1).scale_factors.len(), 32);
        let grid = TileGrid { tile_side: u32::MAX, scale_factors: vec![u32::MAX] };
        let far = TileAddress { level: 0, column: u32::MAX, row: u32::MAX };
        assert_eq!(grid.region_of(far, source), None);
        let grid = TileGrid { tile_side: 0, scale_factors: vec![0, u32::MAX] };
        let request = ImageRequest::parse_path(ImageVersion::V3, "full/max/0/default.jpg").unwrap();
        let resolved = resolve(&request, ImageVersion::V3, source, &Limits::default()).unwrap();
        assert_eq!(grid.stored(&request, &resolved, source, &[]), Some(Stored::Level(0)));
    }
}
