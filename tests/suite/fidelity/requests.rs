//! Requests of the IIIF Image API by chance, with what they mean in pixels, worked out here.

use crate::support::Random;

/// A side is at most this long where the request says how long.
const SIDE_MAX: u64 = 1_200;
/// Pixels that are asked for without scaling.
const UNSCALED_MAX: u64 = 3_000_000;

/// A part of a picture, in its pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Area {
    pub(super) left: u64,
    pub(super) top: u64,
    pub(super) width: u64,
    pub(super) height: u64,
}

/// What is asked for: cut out, scaled, mirrored, turned, made gray.
pub(super) struct Request {
    /// What stands behind the image's address.
    pub(super) path: String,
    pub(super) area: Area,
    /// Width and height before it is turned.
    pub(super) size: (u64, u64),
    pub(super) is_mirrored: bool,
    /// Clockwise, by 90 degrees each.
    pub(super) quarter_turns: u64,
    pub(super) is_gray: bool,
}

/// Asks something of a picture of this size; `is_large`: for more than half of each side.
pub(super) fn by_chance(random: &mut Random, width: u64, height: u64, is_large: bool) -> Request {
    let (region, area) = region(random, width, height);
    let (wanted, size) = size(random, area, is_large);
    let is_mirrored = random.below(4) == 0;
    let quarter_turns = random.below(4);
    let is_gray = random.below(4) == 0;
    // Mostly PNG, where only the derivative's own JPEG lies between source and answer.
    let format = if random.below(4) == 0 { "jpg" } else { "png" };
    let rotation = format!("{}{}", if is_mirrored { "!" } else { "" }, 90 * quarter_turns);
    let quality = if is_gray { "gray" } else { "default" };
    let path = format!("{region}/{wanted}/{rotation}/{quality}.{format}");
    Request { path, area, size, is_mirrored, quarter_turns, is_gray }
}

impl Request {
    /// Whether a pyramid's first reduced level, of half the size, is too small to answer from.
    pub(super) fn needs_full_size(&self) -> bool {
        let (width, height) = self.size;
        width > self.area.width.div_ceil(2) || height > self.area.height.div_ceil(2)
    }
}

/// Image API 3.0, section 4.1.
fn region(random: &mut Random, width: u64, height: u64) -> (String, Area) {
    match random.below(5) {
        0 => ("full".into(), Area { left: 0, top: 0, width, height }),
        1 => {
            let side = width.min(height);
            let (left, top) = ((width - side) / 2, (height - side) / 2);
            ("square".into(), Area { left, top, width: side, height: side })
        }
        2 | 3 => {
            let (w, h) = (between(random, 48, width), between(random, 48, height));
            // Some reach beyond the edge, where they are cut off.
            let (left, top) = (random.below(width - w / 2), random.below(height - h / 2));
            (format!("{left},{top},{w},{h}"), cut([left, top, w, h], width, height))
        }
        _ => {
            let tenths = [random.below(600), random.below(600)];
            let tenths = [tenths[0], tenths[1], 50 + random.below(951), 50 + random.below(951)];
            let [x, y, w, h] = tenths.map(|it| format!("{}.{}", it / 10, it % 10));
            let sides = [width, height, width, height];
            let pixels = std::array::from_fn(|at| per_mille(tenths[at], sides[at]));
            (format!("pct:{x},{y},{w},{h}"), cut(pixels, width, height))
        }
    }
}

fn cut([left, top, w, h]: [u64; 4], width: u64, height: u64) -> Area {
    Area { left, top, width: w.min(width - left), height: h.min(height - top) }
}

/// Image API 3.0, section 4.2, without what would enlarge. Sides round half up.
fn size(random: &mut Random, area: Area, is_large: bool) -> (String, (u64, u64)) {
    let Area { width, height, .. } = area;
    let to_width = |w: u64| (w, rounded(height * w, width));
    let to_height = |h: u64| (rounded(width * h, height), h);
    let least = |side: u64| if is_large { side / 2 + 1 } else { 24 };
    let most = |side: u64| side.min(SIDE_MAX).max(least(side));
    let w = between(random, least(width), most(width).min(width));
    let h = between(random, least(height), most(height).min(height));
    match random.below(6) {
        0 if width * height <= UNSCALED_MAX => ("max".into(), (width, height)),
        0 | 1 => (format!("{w},"), to_width(w)),
        2 => (format!(",{h}"), to_height(h)),
        3 => (format!("{w},{h}"), (w, h)),
        4 => {
            let size = if w * height <= h * width { to_width(w) } else { to_height(h) };
            (format!("!{w},{h}"), size)
        }
        _ => {
            let least = if is_large { 520 } else { 50 };
            let most = 1_000 * SIDE_MAX / width.max(height).max(SIDE_MAX);
            let tenths = between(random, least, most.max(least));
            let size = (per_mille(tenths, width).max(1), per_mille(tenths, height).max(1));
            (format!("pct:{}.{}", tenths / 10, tenths % 10), size)
        }
    }
}

/// Returns a number from `least` to `most`, both among them; `most` where it is below `least`.
fn between(random: &mut Random, least: u64, most: u64) -> u64 {
    let least = least.min(most);
    least + random.below(most - least + 1)
}

fn per_mille(tenths: u64, whole: u64) -> u64 {
    (2 * tenths * whole + 1_000) / 2_000
}

fn rounded(numerator: u64, denominator: u64) -> u64 {
    ((2 * numerator + denominator) / (2 * denominator)).max(1)
}
