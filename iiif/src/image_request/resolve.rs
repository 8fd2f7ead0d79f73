//! From an image request to exact pixels: Image API 3.0 and 2.1, sections 4.1 to 4.3.
//!
//! Whole-number arithmetic throughout. Derived sides round half up and are at least one pixel.

use super::{
    Decimal, Dimensions, Format, ImageRequest, ImageVersion, Limits, Quality, Rect, Region,
    Rotation, Size, SizeForm,
};

/// What to make: cut `region` out of the image, scale it to `size`, mirror, rotate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Resolved {
    /// Within the image, not empty.
    pub region: Rect,
    /// Of the region once scaled, before rotation; within the limits.
    pub size: Dimensions,
    /// Clockwise, from 0 up to but not including 360. Comes after mirroring.
    pub rotation_degrees: Decimal,
    /// By reflection on the vertical axis.
    pub mirrored: bool,
    pub quality: Quality,
    pub format: Format,
}

/// Why a well-formed request cannot be answered for this image. All are 400.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    #[error("an image of {}x{} pixels has no regions", .0.width, .0.height)]
    EmptyImage(Dimensions),
    #[error("region lies outside the image of {}x{} pixels", .0.width, .0.height)]
    RegionOutside(Dimensions),
    #[error("region is less than one pixel wide or high")]
    RegionBelowOnePixel,
    #[error("size is less than one pixel wide or high")]
    SizeBelowOnePixel,
    #[error(
        "size {}x{} is larger than the region of {}x{} pixels",
        .size.width, .size.height, .region.width, .region.height
    )]
    Upscaling { size: Dimensions, region: Dimensions },
    #[error("size is above what this server makes, see maxWidth, maxHeight, maxArea in info.json")]
    AboveLimit,
    #[error("rotation other than by quarter turns is offered for smaller sizes only")]
    RotationAboveLimit,
}

/// Resolves a request against an image.
///
/// Version 2.1 is offered without `sizeAboveFull`: there, and in 3.0 without `^`, what would
/// be larger than the region is refused.
pub fn resolve(
    request: &ImageRequest,
    version: ImageVersion,
    source: Dimensions,
    limits: &Limits,
) -> Result<Resolved, ResolveError> {
    if source.width == 0 || source.height == 0 {
        return Err(ResolveError::EmptyImage(source));
    }
    let region = resolve_region(request.region, source)?;
    let size = resolve_size(request.size, version, region.dimensions(), limits)?;
    if !limits.allow(size) {
        return Err(ResolveError::AboveLimit);
    }
    let rotation_degrees = request.rotation.within_one_turn();
    let resolved = Resolved {
        region,
        size,
        rotation_degrees,
        mirrored: request.rotation.mirrored,
        quality: request.quality,
        format: request.format,
    };
    let is_costly = limits.arbitrary_rotation_area_max.is_some_and(|max| size.area() > max);
    if is_costly && resolved.quarter_turns().is_none() {
        return Err(ResolveError::RotationAboveLimit);
    }
    Ok(resolved)
}

impl Resolved {
    /// Returns the number of clockwise quarter turns, 0 to 3, if the rotation is one of them.
    pub fn quarter_turns(&self) -> Option<u8> {
        match self.rotation_degrees.as_integer()? {
            0 => Some(0),
            90 => Some(1),
            180 => Some(2),
            270 => Some(3),
            _ => None,
        }
    }

    /// Returns whether the scaled region is the answer: nothing to turn, no colour to take away.
    pub fn is_plain(&self) -> bool {
        let is_upright = !self.mirrored && self.rotation_degrees.is_zero();
        is_upright && matches!(self.quality, Quality::Default | Quality::Color)
    }
}

impl Rotation {
    fn within_one_turn(self) -> Decimal {
        if self.degrees == Decimal::from_integer(360) { Decimal::ZERO } else { self.degrees }
    }
}

/// `max`: the region, made smaller if the limits ask for it.
pub(super) fn maximum(region: Dimensions, limits: &Limits) -> Dimensions {
    if limits.allow(region) { region } else { limits.largest(region, region) }
}

/// `^max`: as large as the limits allow. Without limits there is nothing to grow to.
pub(super) fn maximum_upscaled(region: Dimensions, limits: &Limits) -> Dimensions {
    let unbounded = Dimensions { width: u32::MAX, height: u32::MAX };
    if limits.is_bounded() { limits.largest(region, unbounded) } else { region }
}

fn resolve_region(region: Region, source: Dimensions) -> Result<Rect, ResolveError> {
    let Dimensions { width, height } = source;
    match region {
        Region::Full => Ok(Rect { x: 0, y: 0, width, height }),
        Region::Square => {
            let side = width.min(height);
            Ok(Rect { x: (width - side) / 2, y: (height - side) / 2, width: side, height: side })
        }
        Region::Pixels { x, y, width, height } => {
            crop(source, x.into(), y.into(), width.into(), height.into())
        }
        Region::Percent { x, y, width, height } => {
            let (across, down) = (source.width, source.height);
            if !x.is_percent_within(across) || !y.is_percent_within(down) {
                return Err(ResolveError::RegionOutside(source));
            }
            // A corner within the last half pixel must not round out of the image.
            let x = x.percent_of(across).min(u128::from(across) - 1);
            let y = y.percent_of(down).min(u128::from(down) - 1);
            crop(source, x, y, width.percent_of(across), height.percent_of(down))
        }
    }
}

/// Sections 4.1: what reaches beyond the edge is cut off; what lies beyond it is an error.
fn crop(
    source: Dimensions,
    x: u128,
    y: u128,
    width: u128,
    height: u128,
) -> Result<Rect, ResolveError> {
    let outside = || ResolveError::RegionOutside(source);
    let inside = |corner: u128, side: u32| u32::try_from(corner).ok().filter(|it| *it < side);
    let x = inside(x, source.width).ok_or_else(outside)?;
    let y = inside(y, source.height).ok_or_else(outside)?;
    let cut = |length: u128, room: u32| u32::try_from(length).map_or(room, |it| it.min(room));
    let (width, height) = (cut(width, source.width - x), cut(height, source.height - y));
    if width == 0 || height == 0 {
        return Err(ResolveError::RegionBelowOnePixel);
    }
    Ok(Rect { x, y, width, height })
}

fn resolve_size(
    size: Size,
    version: ImageVersion,
    region: Dimensions,
    limits: &Limits,
) -> Result<Dimensions, ResolveError> {
    let wanted = match size.form {
        SizeForm::Max if size.upscale => return Ok(maximum_upscaled(region, limits)),
        SizeForm::Max => return Ok(maximum(region, limits)),
        SizeForm::Width(width) => region.scaled_to_width(width).ok_or(ResolveError::AboveLimit)?,
        SizeForm::Height(height) => {
            region.scaled_to_height(height).ok_or(ResolveError::AboveLimit)?
        }
        SizeForm::Percent(percent) => percent_size(percent, region)?,
        SizeForm::Exact(exact) => exact,
        SizeForm::Confined(bounds) => {
            return confined_size(bounds, size.upscale, version, region, limits);
        }
    };
    if size.upscale || wanted.fits_in(region) {
        Ok(wanted)
    } else {
        Err(ResolveError::Upscaling { size: wanted, region })
    }
}

fn percent_size(percent: Decimal, region: Dimensions) -> Result<Dimensions, ResolveError> {
    let side = |length| match u32::try_from(percent.percent_of(length)) {
        Ok(0) => Err(ResolveError::SizeBelowOnePixel),
        Ok(side) => Ok(side),
        Err(_) => Err(ResolveError::AboveLimit),
    };
    Ok(Dimensions { width: side(region.width)?, height: side(region.height)? })
}

/// `!w,h` and `^!w,h`: as large as box and limits allow.
///
/// A box larger than the region on both sides reads differently in the two versions. Version
/// 2.1 leaves the exact scale to the server, which answers the region unscaled. Version 3.0
/// says in one sentence that the region bounds the result and in the next that asking for more
/// without `^` is an error; the validator of the IIIF community expects the error.
fn confined_size(
    bounds: Dimensions,
    upscale: bool,
    version: ImageVersion,
    region: Dimensions,
    limits: &Limits,
) -> Result<Dimensions, ResolveError> {
    if upscale {
        return Ok(limits.largest(region, bounds));
    }
    let exceeds_region = bounds.width > region.width && bounds.height > region.height;
    if exceeds_region && version == ImageVersion::V3 {
        return Err(ResolveError::Upscaling { size: region.fit_within(bounds), region });
    }
    let bounds = Dimensions {
        width: bounds.width.min(region.width),
        height: bounds.height.min(region.height),
    };
    Ok(limits.largest(region, bounds))
}

#[cfg(test)]
mod tests {
    use super::ImageVersion::{V2, V3};
    use super::*;

    const LIMITS: Limits = Limits {
        width_max: Some(2000),
        height_max: Some(1000),
        area_max: Some(1_500_000),
        arbitrary_rotation_area_max: Some(10_000),
    };

    fn ask(version: ImageVersion, path: &str, limits: &Limits) -> Result<Resolved, ResolveError> {
        let request = ImageRequest::parse_path(version, path).unwrap();
        resolve(&request, version, Dimensions { width: 300, height: 200 }, limits)
    }

    fn check_region(region: &str, expected: Result<(u32, u32, u32, u32), ResolveError>) {
        for version in [V2, V3] {
            let path = format!("{region}/max/0/default.jpg");
            let got = ask(version, &path, &LIMITS).map(|it| it.region);
            let got = got.map(|it| (it.x, it.y, it.width, it.height));
            assert_eq!(got, expected, "{version:?} {region}");
        }
    }

    fn check_size(version: ImageVersion, size: &str, expected: Result<(u32, u32), ResolveError>) {
        let path = format!("full/{size}/0/default.jpg");
        let got = ask(version, &path, &LIMITS).map(|it| (it.size.width, it.size.height));
        assert_eq!(got, expected, "{version:?} {size}");
    }

    /// Image API 3.0 and 2.1, section 4.1, with the examples of the specification.
    #[test]
    fn regions_are_cut_at_the_edge() {
        let outside = || Err(ResolveError::RegionOutside(Dimensions { width: 300, height: 200 }));
        check_region("full", Ok((0, 0, 300, 200)));
        check_region("square", Ok((50, 0, 200, 200)));
        check_region("125,15,120,140", Ok((125, 15, 120, 140)));
        check_region("125,15,200,200", Ok((125, 15, 175, 185)));
        check_region("pct:41.6,7.5,40,70", Ok((125, 15, 120, 140)));
        check_region("pct:41.6,7.5,66.6,100", Ok((125, 15, 175, 185)));
        check_region("pct:0,0,100.0000001,100", Ok((0, 0, 300, 200)));
        check_region("pct:99.99,99.99,50,50", Ok((299, 199, 1, 1)));
        check_region("299,199,4294967296,18446744073709551615", Ok((299, 199, 1, 1)));
        check_region("300,0,10,10", outside());
        check_region("0,200,10,10", outside());
        check_region("4294967296,0,10,10", outside());
        check_region("pct:100,0,10,10", outside());
        check_region("pct:0,999999999999,10,10", outside());
        check_region("pct:0,0,0.1,50", Err(ResolveError::RegionBelowOnePixel));
    }

    /// Image API 3.0, section 4.2, with the examples of the specification.
    #[test]
    fn sizes_of_3_0() {
        let upscaling = |width, height| {
            let region = Dimensions { width: 300, height: 200 };
            Err(ResolveError::Upscaling { size: Dimensions { width, height }, region })
        };
        check_size(V3, "max", Ok((300, 200)));
        check_size(V3, "150,", Ok((150, 100)));
        check_size(V3, ",150", Ok((225, 150)));
        check_size(V3, "pct:50", Ok((150, 100)));
        check_size(V3, "225,100", Ok((225, 100)));
        check_size(V3, "!225,100", Ok((150, 100)));
        check_size(V3, "!300,999", Ok((300, 200)));
        check_size(V3, "1,", Ok((1, 1)));
        check_size(V3, "pct:0.1", Err(ResolveError::SizeBelowOnePixel));
        check_size(V3, "301,", upscaling(301, 201));
        check_size(V3, ",201", upscaling(302, 201));
        check_size(V3, "100,201", upscaling(100, 201));
        check_size(V3, "!600,600", upscaling(600, 400));
        check_size(V3, "^max", Ok((1500, 1000)));
        check_size(V3, "^360,", Ok((360, 240)));
        check_size(V3, "^,240", Ok((360, 240)));
        check_size(V3, "^pct:120", Ok((360, 240)));
        check_size(V3, "^360,360", Ok((360, 360)));
        check_size(V3, "^!360,360", Ok((360, 240)));
        check_size(V3, "^!9999,9999", Ok((1500, 1000)));
        check_size(V3, "^100000,100000", Err(ResolveError::AboveLimit));
        check_size(V3, "^pct:999999999999999999", Err(ResolveError::AboveLimit));
        check_size(V3, "^2000,1000", Err(ResolveError::AboveLimit));
        check_size(V3, "^4294967295,", Err(ResolveError::AboveLimit));
    }

    /// Image API 2.1, section 4.2, without `sizeAboveFull`.
    #[test]
    fn sizes_of_2_1() {
        let upscaling = |width, height| {
            let region = Dimensions { width: 300, height: 200 };
            Err(ResolveError::Upscaling { size: Dimensions { width, height }, region })
        };
        check_size(V2, "full", Ok((300, 200)));
        check_size(V2, "max", Ok((300, 200)));
        check_size(V2, "150,", Ok((150, 100)));
        check_size(V2, "225,100", Ok((225, 100)));
        check_size(V2, "!225,100", Ok((150, 100)));
        check_size(V2, "!600,600", Ok((300, 200)));
        check_size(V2, "600,", upscaling(600, 400));
        check_size(V2, "300,201", upscaling(300, 201));
    }

    /// Image API 3.0, section 5.2 and implementation notes 4.
    #[test]
    fn max_gives_way_to_limits_and_exact_sizes_do_not() {
        let limits = Limits { width_max: Some(150), ..Limits::default() };
        let size = |version, path: &str| {
            ask(version, path, &limits).map(|it| (it.size.width, it.size.height))
        };
        assert_eq!(size(V3, "full/max/0/default.jpg"), Ok((150, 100)));
        assert_eq!(size(V3, "full/^max/0/default.jpg"), Ok((150, 100)));
        assert_eq!(size(V3, "full/!200,200/0/default.jpg"), Ok((150, 100)));
        assert_eq!(size(V2, "full/full/0/default.jpg"), Ok((150, 100)));
        assert_eq!(size(V3, "full/151,/0/default.jpg"), Err(ResolveError::AboveLimit));
        assert_eq!(size(V2, "full/300,200/0/default.jpg"), Err(ResolveError::AboveLimit));
        let none = Limits::default();
        assert_eq!(ask(V3, "full/^max/0/default.jpg", &none).unwrap().size.width, 300);
    }

    /// Image API 3.0, section 4.3.
    #[test]
    fn rotations() {
        for (rotation, degrees, turns) in [
            ("0", "0", Some(0)),
            ("360", "0", Some(0)),
            ("!90.0", "90", Some(1)),
            ("270", "270", Some(3)),
        ] {
            let resolved = ask(V3, &format!("full/max/{rotation}/default.jpg"), &LIMITS).unwrap();
            assert_eq!(resolved.rotation_degrees.to_string(), degrees);
            assert_eq!(resolved.quarter_turns(), turns);
            assert_eq!(resolved.mirrored, rotation.starts_with('!'));
        }
        let tilted = ask(V3, "full/100,/22.5/default.png", &LIMITS).unwrap();
        assert_eq!((tilted.quarter_turns(), tilted.rotation_degrees.to_f64()), (None, 22.5));
        let large = ask(V3, "full/200,/359.9/default.png", &LIMITS);
        assert_eq!(large, Err(ResolveError::RotationAboveLimit));
    }

    #[test]
    fn a_side_beyond_32_bits_is_refused_even_without_limits() {
        let none = Limits::default();
        for size in ["^,4294967295", "^pct:99999999999"] {
            let got = ask(V3, &format!("full/{size}/0/default.jpg"), &none);
            assert_eq!(got, Err(ResolveError::AboveLimit), "{size}");
        }
    }

    #[test]
    fn an_empty_image_has_no_regions() {
        let request = ImageRequest::parse_path(V3, "square/max/0/default.jpg").unwrap();
        let empty = Dimensions { width: 0, height: 5 };
        let got = resolve(&request, V3, empty, &LIMITS);
        assert_eq!(got, Err(ResolveError::EmptyImage(empty)));
    }
}
