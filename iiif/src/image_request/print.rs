//! Printing of image requests: as asked, and in the canonical form.

use std::fmt;

use super::{
    Decimal, Dimensions, Format, ImageRequest, ImageVersion, Limits, Quality, Region, Resolved,
    Rotation, SizeForm, resolve,
};

impl ImageRequest {
    /// Returns `{region}/{size}/{rotation}/{quality}.{format}`, not percent-encoded.
    ///
    /// Parsing it in the same version gives this request again, unless it upscales, which
    /// version 2.1 has no word for.
    pub fn to_path(&self, version: ImageVersion) -> String {
        let caret = match version {
            ImageVersion::V3 if self.size.upscale => "^",
            _ => "",
        };
        let size = match self.size.form {
            SizeForm::Max if version == ImageVersion::V2 => "full".to_owned(),
            SizeForm::Max => "max".to_owned(),
            SizeForm::Width(width) => format!("{width},"),
            SizeForm::Height(height) => format!(",{height}"),
            SizeForm::Percent(percent) => format!("pct:{percent}"),
            SizeForm::Exact(size) => format!("{},{}", size.width, size.height),
            SizeForm::Confined(bounds) => format!("!{},{}", bounds.width, bounds.height),
        };
        let Self { region, rotation, quality, format, .. } = self;
        format!("{region}/{caret}{size}/{rotation}/{quality}.{format}")
    }
}

impl Resolved {
    /// Returns the canonical spelling: Image API 3.0, section 4.8; Image API 2.1, section 4.7.
    ///
    /// Every request for the same pixels has the same one, and resolves to them again.
    pub fn canonical_path(
        &self,
        version: ImageVersion,
        source: Dimensions,
        limits: &Limits,
    ) -> String {
        let region = if self.region.is_whole(source) {
            Region::Full
        } else {
            Region::Pixels {
                x: self.region.x.into(),
                y: self.region.y.into(),
                width: self.region.width.into(),
                height: self.region.height.into(),
            }
        };
        let size = match version {
            ImageVersion::V2 => self.canonical_size_v2(),
            ImageVersion::V3 => self.canonical_size_v3(limits),
        };
        let rotation = Rotation { mirrored: self.mirrored, degrees: self.rotation_degrees };
        let quality = match self.quality {
            // Our default quality is colour; an image without it has only gray to give for both.
            Quality::Color => Quality::Default,
            quality => quality,
        };
        format!("{region}/{size}/{rotation}/{quality}.{}", self.format)
    }

    fn canonical_size_v2(&self) -> String {
        let Dimensions { width, height } = self.size;
        if self.size == self.region.dimensions() {
            "full".to_owned()
        } else if self.region.dimensions().scaled_to_width(width) == Some(self.size) {
            format!("{width},")
        } else {
            format!("{width},{height}")
        }
    }

    fn canonical_size_v3(&self, limits: &Limits) -> String {
        let region = self.region.dimensions();
        let Dimensions { width, height } = self.size;
        if self.size == resolve::maximum(region, limits) {
            return "max".to_owned();
        }
        let caret = if self.size.fits_in(region) { "" } else { "^" };
        if !caret.is_empty() && self.size == resolve::maximum_upscaled(region, limits) {
            return "^max".to_owned();
        }
        format!("{caret}{width},{height}")
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("full"),
            Self::Square => f.write_str("square"),
            Self::Pixels { x, y, width, height } => write!(f, "{x},{y},{width},{height}"),
            Self::Percent { x, y, width, height } => write!(f, "pct:{x},{y},{width},{height}"),
        }
    }
}

impl fmt::Display for Rotation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = if self.mirrored { "!" } else { "" };
        write!(f, "{mark}{}", self.degrees)
    }
}

impl fmt::Display for Quality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Rotation {
    /// No mirroring, no rotation.
    pub const NONE: Self = Self { mirrored: false, degrees: Decimal::ZERO };
}

#[cfg(test)]
mod tests {
    use super::ImageVersion::{V2, V3};
    use super::*;

    fn check(version: ImageVersion, limits: Limits, rows: &[(&str, &str)]) {
        let source = Dimensions { width: 300, height: 200 };
        for (asked, canonical) in rows {
            let request = ImageRequest::parse_path(version, asked).unwrap();
            let resolved = resolve(&request, version, source, &limits).unwrap();
            assert_eq!(&resolved.canonical_path(version, source, &limits), canonical, "{asked}");
        }
    }

    /// Image API 3.0, section 4.8.
    #[test]
    fn canonical_form_of_3_0() {
        check(
            V3,
            Limits { width_max: Some(600), ..Limits::default() },
            &[
                ("full/max/0/default.jpg", "full/max/0/default.jpg"),
                ("0,0,300,200/300,/0/color.jpg", "full/max/0/default.jpg"),
                ("0,0,999,999/pct:100/360/default.jpg", "full/max/0/default.jpg"),
                ("square/max/0/default.jpg", "50,0,200,200/max/0/default.jpg"),
                ("pct:10,10,50,50/50,/!90.0/gray.png", "30,20,150,100/50,33/!90/gray.png"),
                ("full/!150,150/022.50/bitonal.jpg", "full/150,100/22.5/bitonal.jpg"),
                ("full/^450,/0/default.jpg", "full/^450,300/0/default.jpg"),
                ("full/^150,/0/default.jpg", "full/150,100/0/default.jpg"),
                ("full/^600,/0/default.jpg", "full/^max/0/default.jpg"),
                ("full/^max/0/default.jpg", "full/^max/0/default.jpg"),
            ],
        );
        let small = Limits { width_max: Some(150), ..Limits::default() };
        check(V3, small, &[("full/^max/0/default.jpg", "full/max/0/default.jpg")]);
    }

    /// Image API 2.1, section 4.7.
    #[test]
    fn canonical_form_of_2_1() {
        check(
            V2,
            Limits::default(),
            &[
                ("full/max/0/default.jpg", "full/full/0/default.jpg"),
                ("0,0,300,200/300,200/0/color.jpg", "full/full/0/default.jpg"),
                ("square/full/0/default.jpg", "50,0,200,200/full/0/default.jpg"),
                ("full/150,100/0/default.jpg", "full/150,/0/default.jpg"),
                ("full/,100/0/default.jpg", "full/150,/0/default.jpg"),
                ("full/150,150/0/default.jpg", "full/150,150/0/default.jpg"),
                ("full/pct:50/.5/default.jpg", "full/150,/0.5/default.jpg"),
            ],
        );
        let small = Limits { width_max: Some(150), ..Limits::default() };
        check(V2, small, &[("full/full/0/default.jpg", "full/150,/0/default.jpg")]);
    }
}
