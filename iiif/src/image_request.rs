//! One neutral image request for both versions of the Image API.
//!
//! Text becomes an [`ImageRequest`] by [`ImageRequest::parse`]; an image's dimensions and the
//! server's limits turn that into exact pixels by [`resolve`]; [`Resolved::canonical_path`]
//! prints the one address under which the answer should be cached.
//!
//! ```
//! use dlcs_iiif::image_request::{Dimensions, ImageRequest, ImageVersion, Limits, resolve};
//!
//! let version = ImageVersion::V3;
//! let request = ImageRequest::parse_path(version, "pct:0,0,50,50/!300,300/90/default.jpg")?;
//! let source = Dimensions { width: 6000, height: 4000 };
//! let resolved = resolve(&request, version, source, &Limits::default())?;
//! assert_eq!((resolved.region.width, resolved.region.height), (3000, 2000));
//! assert_eq!((resolved.size.width, resolved.size.height), (300, 200));
//! assert_eq!(
//!     resolved.canonical_path(version, source, &Limits::default()),
//!     "0,0,3000,2000/300,200/90/default.jpg"
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod decimal;
mod dimensions;
mod parse;
mod print;
mod resolve;
mod tiles;

#[cfg(test)]
mod model;

pub use decimal::Decimal;
pub use dimensions::{Dimensions, Limits, Rect};
pub use parse::{ParseError, Part, Reason};
pub use resolve::{ResolveError, Resolved, resolve};
pub use tiles::{Stored, TileAddress, TileGrid, whole_of};

/// Major version of the Image API: 3.0 or 2.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ImageVersion {
    /// Image API 2.1.
    V2,
    /// Image API 3.0.
    V3,
}

/// What a client asks for, free of the version it was spelt in and of the image it is about.
///
/// Two spellings of one wish (`full` and `max` in 2.1, `90` and `90.0`) are equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ImageRequest {
    pub region: Region,
    pub size: Size,
    pub rotation: Rotation,
    pub quality: Quality,
    pub format: Format,
}

/// Which part of the image: Image API 3.0 and 2.1, section 4.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Region {
    Full,
    /// The largest centred square.
    Square,
    /// In pixels of the full image; width and height are not zero.
    Pixels {
        x: u64,
        y: u64,
        width: u64,
        height: u64,
    },
    /// In percent of the full image; width and height are not zero.
    Percent {
        x: Decimal,
        y: Decimal,
        width: Decimal,
        height: Decimal,
    },
}

/// To which size the region is scaled: Image API 3.0 and 2.1, section 4.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Size {
    pub form: SizeForm,
    /// Whether the client wrote `^` (3.0 only) and so allows a result larger than the region.
    pub upscale: bool,
}

/// The forms of the size parameter. No number here is zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SizeForm {
    /// `max`, and `full` in 2.1.
    Max,
    /// `w,`
    Width(u32),
    /// `,h`
    Height(u32),
    /// `pct:n`
    Percent(Decimal),
    /// `w,h`, distorting the image if need be.
    Exact(Dimensions),
    /// `!w,h`: the largest size within the box that keeps the aspect ratio.
    Confined(Dimensions),
}

/// Mirroring, then clockwise rotation: Image API 3.0 and 2.1, section 4.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rotation {
    pub mirrored: bool,
    /// From 0 to 360, both included.
    pub degrees: Decimal,
}

/// Image API 3.0 and 2.1, section 4.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Quality {
    Default,
    Color,
    Gray,
    Bitonal,
}

/// The formats that we make: Image API 3.0 and 2.1, section 4.5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Format {
    Jpg,
    Png,
    Webp,
    Tif,
    Gif,
}

impl ImageVersion {
    /// Returns the path segment of our addresses: `v2` or `v3`.
    pub fn segment(self) -> &'static str {
        match self {
            Self::V2 => "v2",
            Self::V3 => "v3",
        }
    }
}

impl Quality {
    pub const ALL: [Self; 4] = [Self::Default, Self::Color, Self::Gray, Self::Bitonal];

    /// Returns the word in an address.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Color => "color",
            Self::Gray => "gray",
            Self::Bitonal => "bitonal",
        }
    }
}

impl Format {
    pub const ALL: [Self; 5] = [Self::Jpg, Self::Png, Self::Webp, Self::Tif, Self::Gif];

    /// Returns the extension in an address.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Jpg => "jpg",
            Self::Png => "png",
            Self::Webp => "webp",
            Self::Tif => "tif",
            Self::Gif => "gif",
        }
    }

    /// Returns the media type of an answer.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Jpg => "image/jpeg",
            Self::Png => "image/png",
            Self::Webp => "image/webp",
            Self::Tif => "image/tiff",
            Self::Gif => "image/gif",
        }
    }
}
