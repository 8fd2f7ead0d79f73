//! Parsing of image requests: Image API 3.0 and 2.1, sections 2.1 and 4.
//!
//! Strict: what the specification does not name is an error that says which part is wrong and
//! why. Every error here is a 400.

#[cfg(test)]
mod tests;

use std::fmt;

use percent_encoding::percent_decode_str;

use super::decimal::DecimalError;
use super::{
    Decimal, Dimensions, Format, ImageRequest, ImageVersion, Quality, Region, Rotation, Size,
    SizeForm,
};

/// How much of a client's text an error repeats, in characters.
const EXCERPT_CHARS_MAX: usize = 60;

/// Why an address is not an image request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{part} `{excerpt}`: {reason}")]
pub struct ParseError {
    pub part: Part,
    /// The client's text, control characters escaped, cut to a length fit for a message.
    pub excerpt: String,
    pub reason: Reason,
}

/// The part of an image request that is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Path,
    Region,
    Size,
    Rotation,
    Quality,
    Format,
}

/// What is wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    #[error("expected region/size/rotation/quality.format after the identifier")]
    SegmentCount,
    #[error("not valid UTF-8 once percent-decoded")]
    Encoding,
    #[error("not a form of the specification")]
    UnknownForm,
    #[error("not a whole number of decimal digits")]
    NotInteger,
    #[error("a number is too large")]
    NumberTooLarge,
    #[error(transparent)]
    NotDecimal(#[from] DecimalError),
    #[error("width and height must be more than zero")]
    Zero,
    #[error("the upscaling prefix `^` exists in version 3.0 only")]
    UpscalingPrefix,
    #[error("`full` is the spelling of version 2.1, use `max`")]
    FullSize,
    #[error("more than 100 percent needs the prefix `^`")]
    PercentAbove100,
    #[error("degrees go from 0 to 360")]
    RotationRange,
    #[error("expected default, color, gray or bitonal")]
    UnknownQuality,
    #[error("expected jpg, png, webp, tif or gif")]
    UnsupportedFormat,
}

impl ImageRequest {
    /// Parses the four segments, each already percent-decoded once.
    pub fn parse(
        version: ImageVersion,
        region: &str,
        size: &str,
        rotation: &str,
        quality_and_format: &str,
    ) -> Result<Self, ParseError> {
        let (quality, format) = quality_and_format.split_once('.').ok_or_else(|| {
            ParseError::new(Part::Format, quality_and_format, Reason::UnknownForm)
        })?;
        Ok(Self {
            region: parse_region(region).map_err(in_part(Part::Region, region))?,
            size: parse_size(version, size).map_err(in_part(Part::Size, size))?,
            rotation: parse_rotation(rotation).map_err(in_part(Part::Rotation, rotation))?,
            quality: parse_quality(quality).map_err(in_part(Part::Quality, quality))?,
            format: parse_format(format).map_err(in_part(Part::Format, format))?,
        })
    }

    /// Parses `{region}/{size}/{rotation}/{quality}.{format}` as it stands in an address, still
    /// percent-encoded, without query. Decodes exactly once: `%252F` does not become a slash.
    pub fn parse_path(version: ImageVersion, path: &str) -> Result<Self, ParseError> {
        let segments: Vec<&str> = path.splitn(5, '/').collect();
        let [region, size, rotation, last] = segments[..] else {
            return Err(ParseError::new(Part::Path, path, Reason::SegmentCount));
        };
        let decode = |segment| {
            percent_decode_str(segment)
                .decode_utf8()
                .map_err(|_| ParseError::new(Part::Path, segment, Reason::Encoding))
        };
        Self::parse(version, &decode(region)?, &decode(size)?, &decode(rotation)?, &decode(last)?)
    }
}

impl ParseError {
    fn new(part: Part, text: &str, reason: Reason) -> Self {
        let excerpt = text.chars().take(EXCERPT_CHARS_MAX).flat_map(char::escape_debug).collect();
        Self { part, excerpt, reason }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Path => "path",
            Self::Region => "region",
            Self::Size => "size",
            Self::Rotation => "rotation",
            Self::Quality => "quality",
            Self::Format => "format",
        })
    }
}

fn in_part(part: Part, text: &str) -> impl FnOnce(Reason) -> ParseError {
    move |reason| ParseError::new(part, text, reason)
}

fn parse_region(text: &str) -> Result<Region, Reason> {
    match text {
        "full" => return Ok(Region::Full),
        "square" => return Ok(Region::Square),
        _ => {}
    }
    if let Some(percentages) = text.strip_prefix("pct:") {
        let [x, y, width, height] = four(percentages)?.map(|it| it.parse::<Decimal>());
        let (x, y, width, height) = (x?, y?, width?, height?);
        if width.is_zero() || height.is_zero() {
            return Err(Reason::Zero);
        }
        return Ok(Region::Percent { x, y, width, height });
    }
    let [x, y, width, height] = four(text)?.map(parse_integer);
    let (x, y, width, height) = (x?, y?, width?, height?);
    if width == 0 || height == 0 {
        return Err(Reason::Zero);
    }
    Ok(Region::Pixels { x, y, width, height })
}

fn four(text: &str) -> Result<[&str; 4], Reason> {
    let numbers: Vec<&str> = text.splitn(5, ',').collect();
    numbers.try_into().map_err(|_| Reason::UnknownForm)
}

fn parse_size(version: ImageVersion, text: &str) -> Result<Size, Reason> {
    let (upscale, form) = match (version, text.strip_prefix('^')) {
        (ImageVersion::V3, Some(form)) => (true, form),
        (ImageVersion::V2, Some(_)) => return Err(Reason::UpscalingPrefix),
        (_, None) => (false, text),
    };
    let form = match (version, form) {
        (_, "max") | (ImageVersion::V2, "full") => SizeForm::Max,
        (ImageVersion::V3, "full") => return Err(Reason::FullSize),
        _ => parse_size_numbers(form)?,
    };
    match form {
        SizeForm::Percent(percent) if !upscale && percent.exceeds(100) => {
            Err(Reason::PercentAbove100)
        }
        form => Ok(Size { form, upscale }),
    }
}

fn parse_size_numbers(text: &str) -> Result<SizeForm, Reason> {
    if let Some(percent) = text.strip_prefix("pct:") {
        let percent: Decimal = percent.parse()?;
        return if percent.is_zero() { Err(Reason::Zero) } else { Ok(SizeForm::Percent(percent)) };
    }
    if let Some(confined) = text.strip_prefix('!') {
        let (width, height) = confined.split_once(',').ok_or(Reason::UnknownForm)?;
        let (width, height) = (parse_side(width)?, parse_side(height)?);
        return Ok(SizeForm::Confined(Dimensions { width, height }));
    }
    match text.split_once(',') {
        None | Some(("", "")) => Err(Reason::UnknownForm),
        Some((width, "")) => Ok(SizeForm::Width(parse_side(width)?)),
        Some(("", height)) => Ok(SizeForm::Height(parse_side(height)?)),
        Some((width, height)) => {
            let (width, height) = (parse_side(width)?, parse_side(height)?);
            Ok(SizeForm::Exact(Dimensions { width, height }))
        }
    }
}

fn parse_rotation(text: &str) -> Result<Rotation, Reason> {
    let (mirrored, degrees) = match text.strip_prefix('!') {
        Some(degrees) => (true, degrees),
        None => (false, text),
    };
    let degrees: Decimal = degrees.parse()?;
    if degrees.exceeds(360) {
        return Err(Reason::RotationRange);
    }
    Ok(Rotation { mirrored, degrees })
}

fn parse_quality(text: &str) -> Result<Quality, Reason> {
    let known = Quality::ALL.into_iter().find(|quality| quality.as_str() == text);
    known.ok_or(Reason::UnknownQuality)
}

fn parse_format(text: &str) -> Result<Format, Reason> {
    let known = Format::ALL.into_iter().find(|format| format.as_str() == text);
    known.ok_or(Reason::UnsupportedFormat)
}

fn parse_side(text: &str) -> Result<u32, Reason> {
    let side = u32::try_from(parse_integer(text)?).map_err(|_| Reason::NumberTooLarge)?;
    if side == 0 { Err(Reason::Zero) } else { Ok(side) }
}

/// `str::parse` alone would take a leading `+`.
fn parse_integer(text: &str) -> Result<u64, Reason> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Reason::NotInteger);
    }
    text.parse().map_err(|_| Reason::NumberTooLarge)
}
