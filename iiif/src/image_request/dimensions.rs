//! Widths, heights, rectangles and the limits on them. All in pixels.

use serde::{Deserialize, Serialize};

/// Width and height in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Dimensions {
    pub width: u32,
    pub height: u32,
}

/// A rectangle in pixels of the full image, top left corner first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rect {
    pub x: u32,
    pub y: u32,
    pub width: u32,
    pub height: u32,
}

/// What the server is willing to make: Image API 3.0, section 5.2 (`maxWidth` and its kin).
///
/// The default has no limit; a server that faces the world sets them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Limits {
    pub width_max: Option<u32>,
    /// Where this is absent, `width_max` holds for the height too, as the specification says.
    pub height_max: Option<u32>,
    /// In pixels.
    pub area_max: Option<u64>,
    /// In pixels of the scaled region, for rotations other than by quarter turns.
    ///
    /// These cost far more than others. Not part of `info.json`, which has no word for it.
    pub arbitrary_rotation_area_max: Option<u64>,
}

impl Dimensions {
    /// Returns width times height.
    pub fn area(self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }

    /// Returns the largest dimensions of this aspect ratio within `bounds`, smaller or larger.
    ///
    /// One side is exact, the other rounded half up and at least 1. This is the rounding of
    /// every derived size; who stores thumbnails must use it, or requests will miss them.
    ///
    /// ```
    /// use dlcs_iiif::Dimensions;
    ///
    /// let page = Dimensions { width: 3000, height: 4001 };
    /// let square = Dimensions { width: 200, height: 200 };
    /// assert_eq!(page.fit_within(square), Dimensions { width: 150, height: 200 });
    /// ```
    pub fn fit_within(self, bounds: Self) -> Self {
        let by_width = u64::from(bounds.width) * u64::from(self.height);
        let by_height = u64::from(bounds.height) * u64::from(self.width);
        let fitted = if by_width <= by_height {
            self.scaled_to_width(bounds.width)
        } else {
            self.scaled_to_height(bounds.height)
        };
        // The derived side is at most that of the bounds, unless a side of `self` is zero.
        fitted.unwrap_or(bounds)
    }

    /// Returns these dimensions divided by `scale_factor`, rounded up: a level of a pyramid.
    ///
    /// A factor of zero counts as one.
    pub fn divided_by(self, scale_factor: u32) -> Self {
        let scale_factor = scale_factor.max(1);
        Self {
            width: self.width.div_ceil(scale_factor),
            height: self.height.div_ceil(scale_factor),
        }
    }

    /// Returns nothing if the height would not fit into 32 bits.
    pub(super) fn scaled_to_width(self, width: u32) -> Option<Self> {
        Some(Self { width, height: proportion(self.height, width, self.width)? })
    }

    /// Returns nothing if the width would not fit into 32 bits.
    pub(super) fn scaled_to_height(self, height: u32) -> Option<Self> {
        Some(Self { width: proportion(self.width, height, self.height)?, height })
    }

    /// Returns the largest dimensions of this aspect ratio whose area is at most `area_max`.
    ///
    /// Rounds down, so that the area is never exceeded. Image API 3.0, implementation notes 4.
    pub(super) fn fit_within_area(self, area_max: u64) -> Self {
        let (width, height) = (u128::from(self.width), u128::from(self.height));
        let area_max = u128::from(area_max.max(1));
        let fitted_width = (area_max * width / height).isqrt().clamp(1, area_max);
        let fitted_height = (fitted_width * height / width).clamp(1, area_max / fitted_width);
        Self { width: saturate(fitted_width), height: saturate(fitted_height) }
    }

    pub(super) fn fits_in(self, other: Self) -> bool {
        self.width <= other.width && self.height <= other.height
    }
}

impl Rect {
    /// Returns the width and height alone.
    pub fn dimensions(self) -> Dimensions {
        Dimensions { width: self.width, height: self.height }
    }

    /// Returns whether this is all of an image.
    pub fn is_whole(self, source: Dimensions) -> bool {
        self.x == 0 && self.y == 0 && self.dimensions() == source
    }
}

impl Limits {
    /// Returns whether an image of these dimensions may be made.
    pub fn allow(&self, size: Dimensions) -> bool {
        size.fits_in(self.bounds()) && self.area_max.is_none_or(|area_max| size.area() <= area_max)
    }

    /// Returns whether any limit on the size is set.
    pub(super) fn is_bounded(&self) -> bool {
        self.width_max.is_some() || self.height_max.is_some() || self.area_max.is_some()
    }

    /// Returns the largest width and the largest height.
    pub(super) fn bounds(&self) -> Dimensions {
        Dimensions {
            width: self.width_max.unwrap_or(u32::MAX),
            height: self.height_max.or(self.width_max).unwrap_or(u32::MAX),
        }
    }

    /// Returns the largest allowed dimensions of the aspect ratio of `shape` within `bounds`.
    pub(super) fn largest(&self, shape: Dimensions, bounds: Dimensions) -> Dimensions {
        let own = self.bounds();
        let fitted = shape.fit_within(Dimensions {
            width: bounds.width.min(own.width),
            height: bounds.height.min(own.height),
        });
        match self.area_max {
            Some(area_max) if fitted.area() > area_max => {
                // Of very long or tall shapes the rounding of one fit may outgrow the other.
                let by_area = shape.fit_within_area(area_max);
                Dimensions {
                    width: by_area.width.min(fitted.width),
                    height: by_area.height.min(fitted.height),
                }
            }
            _ => fitted,
        }
    }
}

/// `side * to / from`, rounded half up, at least 1.
fn proportion(side: u32, to: u32, from: u32) -> Option<u32> {
    let (side, to, from) = (u128::from(side), u128::from(to), u128::from(from.max(1)));
    u32::try_from(((2 * side * to + from) / (2 * from)).max(1)).ok()
}

fn saturate(value: u128) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn area_limits_are_never_exceeded_and_missed_by_little() {
        for (width, height, area_max) in [
            (6000, 4000, 100),
            (1, 4_000_000_000, 10),
            (4_000_000_000, 1, 10),
            (3, 3, 1),
            (7, 5, 34),
        ] {
            let fitted = Dimensions { width, height }.fit_within_area(area_max);
            assert!(
                fitted.area() <= area_max && fitted.width > 0 && fitted.height > 0,
                "{fitted:?}"
            );
        }
        let fitted = Dimensions { width: 6000, height: 4000 }.fit_within_area(6_000_000);
        assert_eq!(fitted, Dimensions { width: 3000, height: 2000 });
    }

    /// Image API 3.0, section 5.2: `maxHeight` follows `maxWidth`.
    #[test]
    fn a_width_limit_alone_is_a_height_limit_too() {
        let limits = Limits { width_max: Some(100), ..Limits::default() };
        assert!(limits.allow(Dimensions { width: 100, height: 100 }));
        assert!(!limits.allow(Dimensions { width: 10, height: 101 }));
    }
}
