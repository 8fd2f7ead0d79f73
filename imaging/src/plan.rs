//! Decides how a request is answered, before any pixel is touched. Pure.
//!
//! Stored bytes go first: a thumbnail, then a tile. Everything else is rendered from the tiles of
//! one level: the coarsest that is still at least as fine as the answer in both directions, so that
//! scaling never enlarges what a finer level holds.

use crate::derivative::index::{DerivativeIndex, Extent, Level};
use dlcs_iiif::image_request::{
    Dimensions, Format, ImageRequest, Quality, Rect, Resolved, Stored, TileGrid,
};
use std::ops::Range;

/// How a request is answered.
#[derive(Debug, Clone, PartialEq)]
pub enum RenderPlan {
    /// The bytes of a tile as they are stored, a JPEG.
    StoredTile(Extent),
    /// The bytes of a thumbnail as they are stored, a JPEG.
    StoredThumbnail(Extent),
    Render(Render),
}

/// What to decode, and what to make of it, in this order.
#[derive(Debug, Clone, PartialEq)]
pub struct Render {
    /// Place in [`DerivativeIndex::levels`].
    pub level: usize,
    /// Tiles to decode.
    pub columns: Range<u32>,
    pub rows: Range<u32>,
    /// The part of the decoded tiles that is wanted.
    pub crop: Crop,
    /// Width and height that the part is scaled to, in pixels.
    pub width: u32,
    pub height: u32,
    pub mirrored: bool,
    pub rotation: Turn,
    pub quality: Quality,
    pub format: Format,
}

/// In pixels of the level, from the corner of the first tile; fractions are meant exactly.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Crop {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
}

/// A clockwise rotation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Turn {
    /// 0 to 3.
    Quarters(u8),
    Degrees(f64),
}

/// What a server is willing to decode for one answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RenderLimits {
    /// Pixels of the tiles that have to be decoded.
    pub decoded_pixels_max: u64,
}

impl Default for RenderLimits {
    fn default() -> Self {
        Self { decoded_pixels_max: 256_000_000 }
    }
}

/// A request that is well formed and asks for too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    #[error("the answer would need {pixels} pixels to be decoded, more than {max}")]
    TooLarge { pixels: u64, max: u64 },
}

/// Plans the answer to `request`, which was resolved against the size of this derivative.
pub fn plan(
    request: &ImageRequest,
    resolved: &Resolved,
    index: &DerivativeIndex,
    limits: &RenderLimits,
) -> Result<RenderPlan, PlanError> {
    let source = Dimensions { width: index.width, height: index.height };
    let sizes = index.thumbnails.iter();
    let sizes: Vec<_> = sizes.map(|it| Dimensions { width: it.width, height: it.height }).collect();
    let stored = index.grid().stored(request, resolved, source, &sizes);
    if is_as_stored(resolved, index) {
        match stored {
            Some(Stored::Thumbnail(at)) => {
                return Ok(RenderPlan::StoredThumbnail(index.thumbnails[at].extent));
            }
            Some(Stored::Tile(tile)) => {
                let extent = index.levels[tile.level].tile(tile.column, tile.row);
                return Ok(RenderPlan::StoredTile(extent.expect("a tile of the grid is stored")));
            }
            Some(Stored::Level(_)) | None => {}
        }
    }
    let render = plan_render(resolved, index);
    let pixels = render.decoded_pixels(index);
    let max = limits.decoded_pixels_max;
    if pixels > max {
        return Err(PlanError::TooLarge { pixels, max });
    }
    Ok(RenderPlan::Render(render))
}

impl DerivativeIndex {
    /// Returns the geometry of the stored tiles.
    pub fn grid(&self) -> TileGrid {
        let scale_factors = (0..self.levels.len()).map(|level| 1 << level).collect();
        TileGrid { tile_side: self.tile_side, scale_factors }
    }
}

impl Render {
    /// Returns where the tiles to decode are, row by row.
    pub fn tiles(&self, index: &DerivativeIndex) -> Vec<Extent> {
        let level = &index.levels[self.level];
        let places = self.rows.clone().flat_map(|row| self.columns.clone().map(move |c| (c, row)));
        places.filter_map(|(column, row)| level.tile(column, row)).collect()
    }

    /// Returns the size of the picture that the decoded tiles make, in pixels.
    pub fn decoded_size(&self, index: &DerivativeIndex) -> (u32, u32) {
        let level = &index.levels[self.level];
        let side = index.tile_side;
        let reach = |range: &Range<u32>, end: u32| (range.end * side).min(end) - range.start * side;
        (reach(&self.columns, level.width), reach(&self.rows, level.height))
    }

    fn decoded_pixels(&self, index: &DerivativeIndex) -> u64 {
        let (width, height) = self.decoded_size(index);
        u64::from(width) * u64::from(height)
    }

    /// Returns roughly how much memory rendering takes, in bytes.
    pub fn memory_bytes(&self, index: &DerivativeIndex) -> u64 {
        let channels = if index.gray { 1 } else { 3 };
        let answer = u64::from(self.width) * u64::from(self.height);
        let copies = if matches!(self.rotation, Turn::Quarters(0)) { 2 } else { 4 };
        // A palette is looked for in a copy of four bytes a pixel.
        let palette = if self.format == Format::Gif { 5 * answer } else { 0 };
        channels * (self.decoded_pixels(index) + copies * answer) + palette
    }
}

/// Whether stored bytes have the format and the colours that are asked for, and are upright.
fn is_as_stored(resolved: &Resolved, index: &DerivativeIndex) -> bool {
    let is_upright = !resolved.mirrored && resolved.rotation_degrees.is_zero();
    let is_gray = index.gray && resolved.quality == Quality::Gray;
    resolved.format == Format::Jpg && (resolved.is_plain() || is_upright && is_gray)
}

fn plan_render(resolved: &Resolved, index: &DerivativeIndex) -> Render {
    let (level, found) = coarsest_level(resolved, index);
    let scale = 1u32 << level;
    let region = resolved.region;
    let (x, across) = span(region.x, region.width, index.width, scale, found.width);
    let (y, down) = span(region.y, region.height, index.height, scale, found.height);
    let side = index.tile_side;
    let columns = tiles_of(x, across, side, found.across);
    let rows = tiles_of(y, down, side, found.down);
    Render {
        level,
        crop: Crop {
            x: x - f64::from(columns.start * side),
            y: y - f64::from(rows.start * side),
            width: across,
            height: down,
        },
        columns,
        rows,
        width: resolved.size.width,
        height: resolved.size.height,
        mirrored: resolved.mirrored,
        rotation: match resolved.quarter_turns() {
            Some(turns) => Turn::Quarters(turns),
            None => Turn::Degrees(resolved.rotation_degrees.to_f64()),
        },
        quality: resolved.quality,
        format: resolved.format,
    }
}

fn coarsest_level<'a>(resolved: &Resolved, index: &'a DerivativeIndex) -> (usize, &'a Level) {
    let Rect { width, height, .. } = resolved.region;
    let is_fine_enough = |level: &usize| {
        let scale = 1u32 << level;
        width.div_ceil(scale) >= resolved.size.width
            && height.div_ceil(scale) >= resolved.size.height
    };
    let level = (0..index.levels.len()).rev().find(is_fine_enough).unwrap_or(0);
    (level, &index.levels[level])
}

/// Returns the start and the length of a side of the region, in pixels of a level.
///
/// A level's last pixel may stand for less than `scale` pixels of the image; a region that ends
/// with the image ends with that pixel.
fn span(start: u32, length: u32, image: u32, scale: u32, level: u32) -> (f64, f64) {
    let at = |position: u32| f64::from(position) / f64::from(scale);
    let end = start + length;
    let end = if end >= image { f64::from(level) } else { at(end) };
    (at(start), end - at(start))
}

fn tiles_of(start: f64, length: f64, side: u32, count: u32) -> Range<u32> {
    let side = f64::from(side);
    let first = (start / side).floor() as u32;
    let end = ((start + length) / side).ceil() as u32;
    first..end.min(count).max(first + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::derivative::index::{StoredThumbnail, level_sizes};
    use dlcs_iiif::image_request::{ImageVersion, Limits, resolve};
    use proptest::prelude::*;

    /// 1100 × 601: levels of 3 × 2, 2 × 1 and 1 tiles, numbered by their offsets; thumbnail 99.
    fn index(gray: bool) -> DerivativeIndex {
        index_of(1100, 601, gray)
    }

    fn index_of(width: u32, height: u32, gray: bool) -> DerivativeIndex {
        let mut offset = 0;
        let mut levels = Vec::new();
        for (width, height) in level_sizes(width, height, 512) {
            let mut level = Level::empty(width, height, 512);
            for _ in 0..level.across * level.down {
                level.tiles.push(Extent { offset, length: 1 });
                offset += 1;
            }
            levels.push(level);
        }
        let extent = Extent { offset: 99, length: 1 };
        let thumbnails = vec![StoredThumbnail { width: 200, height: 109, extent }];
        DerivativeIndex { width, height, tile_side: 512, gray, levels, thumbnails }
    }

    fn planned(path: &str, index: &DerivativeIndex) -> RenderPlan {
        let request = ImageRequest::parse_path(ImageVersion::V3, path).unwrap();
        let source = Dimensions { width: index.width, height: index.height };
        let limits = Limits::default();
        let resolved = resolve(&request, ImageVersion::V3, source, &limits).unwrap();
        plan(&request, &resolved, index, &RenderLimits::default()).unwrap()
    }

    fn rendered(path: &str) -> Render {
        match planned(path, &index(false)) {
            RenderPlan::Render(render) => render,
            other => panic!("{path}: {other:?}"),
        }
    }

    #[test]
    fn stored_bytes_answer_what_they_are() {
        let tile = |offset| RenderPlan::StoredTile(Extent { offset, length: 1 });
        let thumbnail = RenderPlan::StoredThumbnail(Extent { offset: 99, length: 1 });
        for (path, expected) in [
            ("0,0,512,512/512,512/0/default.jpg", tile(0)),
            ("0,0,512,512/max/0/color.jpg", tile(0)),
            ("1024,512,76,89/76,89/0/default.jpg", tile(5)),
            ("1024,0,76,601/38,301/0/default.jpg", tile(7)),
            ("full/275,/0/default.jpg", tile(8)),
            ("full/!200,200/0/default.jpg", thumbnail.clone()),
        ] {
            assert_eq!(planned(path, &index(false)), expected, "{path}");
        }
        assert_eq!(planned("full/200,/0/gray.jpg", &index(true)), thumbnail);
    }

    #[test]
    fn anything_else_about_a_tile_is_rendered() {
        for tail in
            ["0/default.png", "!0/default.jpg", "90/default.jpg", "0/gray.jpg", "0/bitonal.jpg"]
        {
            let render = rendered(&format!("512,0,512,512/512,512/{tail}"));
            assert_eq!((render.level, render.columns, render.rows), (0, 1..2, 0..1), "{tail}");
        }
        let bitonal = planned("full/200,/0/bitonal.jpg", &index(true));
        assert!(matches!(bitonal, RenderPlan::Render(_)));
    }

    #[test]
    fn the_level_just_finer_than_the_answer_is_used() {
        for (size, level) in [
            ("max", 0),
            ("551,", 0),
            ("550,301", 1),
            ("550,", 1),
            ("276,", 1),
            ("274,", 2),
            ("1,", 2),
            ("100,400", 0),
            ("400,100", 1),
            ("^2000,", 0),
        ] {
            assert_eq!(rendered(&format!("full/{size}/0/default.png")).level, level, "{size}");
        }
    }

    #[test]
    fn crops_are_exact_and_relative_to_the_first_tile() {
        let render = rendered("515,511,101,3/100,3/0/default.jpg");
        assert_eq!((render.level, render.columns.clone(), render.rows.clone()), (0, 1..2, 0..2));
        assert_eq!(render.crop, Crop { x: 3.0, y: 511.0, width: 101.0, height: 3.0 });

        let render = rendered("301,201,799,400/399,/0/default.jpg");
        assert_eq!((render.level, render.columns.clone(), render.rows.clone()), (1, 0..2, 0..1));
        // Both ends of the region are those of the image, so the last pixel counts as whole.
        assert_eq!(render.crop, Crop { x: 150.5, y: 100.5, width: 399.5, height: 200.5 });
        assert_eq!(render.decoded_size(&index(false)), (550, 301));
    }

    #[test]
    fn a_whole_level_needs_no_scaling() {
        let render = rendered("full/550,301/0/default.jpg");
        assert_eq!(render.crop, Crop { x: 0.0, y: 0.0, width: 550.0, height: 301.0 });
        assert_eq!(render.tiles(&index(false)).len(), 2);
    }

    #[test]
    fn what_needs_too_many_pixels_is_refused() {
        let request =
            ImageRequest::parse_path(ImageVersion::V3, "full/1,601/0/default.jpg").unwrap();
        let source = Dimensions { width: 1100, height: 601 };
        let resolved = resolve(&request, ImageVersion::V3, source, &Limits::default()).unwrap();
        let limits = RenderLimits { decoded_pixels_max: 1100 * 601 };
        assert!(plan(&request, &resolved, &index(false), &limits).is_ok());
        let limits = RenderLimits { decoded_pixels_max: 1100 * 601 - 1 };
        assert_eq!(
            plan(&request, &resolved, &index(false), &limits),
            Err(PlanError::TooLarge { pixels: 661_100, max: 661_099 })
        );
    }

    proptest! {
        #[test]
        fn every_crop_lies_within_its_tiles(
            (width, height) in (1u32..5000, 1u32..5000),
            (x, y, w, h) in (0f64..1.0, 0f64..1.0, 0f64..1.0, 0f64..1.0),
            scale in 0.001f64..1.0,
        ) {
            let index = index_of(width, height, false);
            let (x, y) = ((x * f64::from(width)) as u32, (y * f64::from(height)) as u32);
            let w = ((w * f64::from(width)) as u32).clamp(1, width - x);
            let h = ((h * f64::from(height)) as u32).clamp(1, height - y);
            let size = |side: u32| ((f64::from(side) * scale) as u32).max(1);
            let path = format!("{x},{y},{w},{h}/{},{}/0/default.png", size(w), size(h));
            let RenderPlan::Render(render) = planned(&path, &index) else { panic!("{path}") };
            let (decoded_width, decoded_height) = render.decoded_size(&index);
            let Crop { x, y, width, height } = render.crop;
            prop_assert!(x >= 0.0 && y >= 0.0 && width > 0.0 && height > 0.0, "{path} {render:?}");
            prop_assert!(x + width <= f64::from(decoded_width), "{path} {render:?}");
            prop_assert!(y + height <= f64::from(decoded_height), "{path} {render:?}");
            prop_assert!(x < 512.0 && y < 512.0, "no tile is decoded in vain: {path} {render:?}");
            let needed = render.columns.len() * render.rows.len();
            prop_assert_eq!(render.tiles(&index).len(), needed);
        }
    }
}
