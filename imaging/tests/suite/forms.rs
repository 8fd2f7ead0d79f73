//! Every form of a source that digitisation produces, against one known picture.

use crate::support::{decoded, difference, fixtures, read, vips};
use dlcs_imaging::raster::{Channels, Raster};
use dlcs_imaging::{DecodeLimits, MediaType, decode};
use std::io::Cursor;
use tempfile::TempDir;
use tiff::encoder::{TiffEncoder, colortype};
use tiff::tags::Tag;

/// A folder for the files that `vips` writes.
struct Forms {
    folder: TempDir,
}

impl Forms {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_string_lossy().into_owned()
    }

    /// Cuts a part out of a fixture into `rgb.png` and `gray.png`.
    fn pictures(&self) -> Option<[String; 2]> {
        let source = fixtures()?.join("images/walters_w102_fol_78v_detail.jpg");
        let [rgb, gray] = ["rgb.png", "gray.png"].map(|name| self.path(name));
        let is_there = vips(&["crop", &source.to_string_lossy(), &rgb, "300", "400", "601", "447"]);
        is_there.then(|| vips(&["colourspace", &rgb, &gray, "b-w"]))?;
        Some([rgb, gray])
    }

    /// Writes `from` as `name` and opens it.
    fn written(&self, command: &str, from: &str, name: &str, options: &str) -> Raster {
        let to = self.path(name);
        let options: Vec<_> = options.split_whitespace().collect();
        vips(&[&[command, from, &to], &options[..]].concat());
        decoded(&read(&to)).unwrap_or_else(|code| panic!("{name} {options:?}: {code}")).1
    }
}

fn opened(path: &str) -> Raster {
    decoded(&read(path)).expect("a plain picture").1
}

#[test]
fn a_gif_is_its_first_picture() {
    let forms = Forms::new();
    let Some([rgb, gray]) = forms.pictures() else { return };
    for (name, from, options) in [
        ("a.gif", &rgb, ""),
        ("b.gif", &rgb, "--interlace"),
        ("c.gif", &gray, "--dither 0"),
        ("d.gif", &gray, "--dither 0 --interlace"),
    ] {
        let raster = forms.written("gifsave", from, name, options);
        let expected = opened(from);
        // 256 colours are all that it has.
        let tolerance = if raster.channels == Channels::Gray { 1.0 } else { 12.0 };
        let difference = difference(&expected, &raster);
        assert!(difference < tolerance, "{name} {options} differs by {difference}");
    }
}

/// A canvas of 4 × 3 with a picture of 2 × 2 at (3, 1), which hangs over the right edge, in the
/// colours red and (transparent) green; then a second one.
fn animation() -> Vec<u8> {
    let mut bytes = Vec::new();
    let palette = [255, 0, 0, 0, 255, 0];
    let mut encoder = gif::Encoder::new(&mut bytes, 4, 3, &palette).unwrap();
    for pixels in [[0, 0, 0, 0], [1, 0, 1, 0]] {
        let frame = gif::Frame {
            left: 3,
            top: 1,
            width: 2,
            height: 2,
            transparent: Some(1),
            buffer: pixels.to_vec().into(),
            ..gif::Frame::default()
        };
        encoder.write_frame(&frame).unwrap();
    }
    drop(encoder);
    bytes
}

#[test]
fn a_gif_frame_lies_on_white_paper_and_is_cut_at_the_edge() {
    let (media_type, raster) = decoded(&animation()).unwrap();
    assert_eq!((media_type, raster.width, raster.height), (MediaType::Gif, 4, 3));
    let pixels: Vec<_> = raster.pixels.chunks_exact(3).map(|it| [it[0], it[1], it[2]]).collect();
    for (at, pixel) in pixels.into_iter().enumerate() {
        let expected = if matches!(at, 7 | 11) { [255, 0, 0] } else { [255; 3] };
        assert_eq!(pixel, expected, "pixel {at}");
    }
}

#[test]
fn a_gif_that_ends_in_any_picture_is_damaged() {
    let whole = animation();
    for length in 1..whole.len() {
        assert!(decoded(&whole[..length]).is_err(), "cut to {length} of {} bytes", whole.len());
    }
}

#[test]
fn zstandard_in_tiff() {
    let forms = Forms::new();
    let Some([rgb, gray]) = forms.pictures() else { return };
    for (name, from, options) in [
        ("a.tif", &rgb, "--compression zstd"),
        ("b.tif", &rgb, "--compression zstd --predictor none --tile --tile-width 128"),
        ("c.tif", &gray, "--compression zstd --level 22 --bigtiff --tile --pyramid"),
    ] {
        let raster = forms.written("tiffsave", from, name, options);
        assert_eq!(opened(from), raster, "{name} {options}");
    }
}

#[test]
fn inks_in_tiff_look_like_inks_in_jpeg() {
    let Some(fixtures) = fixtures() else { return };
    let source = fixtures.join("images/baiona_cmyk.jpg").to_string_lossy().into_owned();
    let forms = Forms::new();
    if !vips(&["copy", &source, &forms.path("copy.tif")]) {
        return;
    }
    let expected = opened(&source);
    for (name, options, tolerance) in [
        ("a.tif", "--compression lzw", 0.0),
        ("b.tif", "--compression deflate --tile --bigtiff", 0.0),
        ("c.tif", "--compression jpeg --Q 95", 3.0),
    ] {
        let raster = forms.written("tiffsave", &source, name, options);
        let difference = difference(&expected, &raster);
        assert!(difference <= tolerance, "{name} {options} differs by {difference}");
    }
}

/// A TIFF whose samples lie in planes, which no tool at hand writes.
fn planar(picture: &Raster, compress: impl Fn(&[u8]) -> Vec<u8>, compression: u16) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut file).unwrap();
    let mut directory = encoder.image_directory().unwrap();
    let plane = |c: usize| picture.pixels.chunks_exact(3).map(|it| it[c]).collect::<Vec<u8>>();
    let planes = [0, 1, 2].map(|c| compress(&plane(c)));
    let offsets = planes.each_ref().map(|it| directory.write_data(&it[..]).unwrap() as u32);
    let lengths = planes.each_ref().map(|it| it.len() as u32);
    directory.write_tag(Tag::ImageWidth, picture.width).unwrap();
    directory.write_tag(Tag::ImageLength, picture.height).unwrap();
    directory.write_tag(Tag::BitsPerSample, &[8u16, 8, 8][..]).unwrap();
    directory.write_tag(Tag::Compression, compression).unwrap();
    directory.write_tag(Tag::PhotometricInterpretation, 2u16).unwrap();
    directory.write_tag(Tag::SamplesPerPixel, 3u16).unwrap();
    directory.write_tag(Tag::RowsPerStrip, picture.height).unwrap();
    directory.write_tag(Tag::PlanarConfiguration, 2u16).unwrap();
    directory.write_tag(Tag::StripOffsets, &offsets[..]).unwrap();
    directory.write_tag(Tag::StripByteCounts, &lengths[..]).unwrap();
    directory.finish().unwrap();
    file.into_inner()
}

fn gradient() -> Raster {
    let mut picture = Raster::black(64, 48, Channels::Rgb).unwrap();
    for (at, pixel) in picture.pixels.chunks_exact_mut(3).enumerate() {
        let (x, y) = (at % 64, at / 64);
        pixel.copy_from_slice(&[(x * 4) as u8, (y * 5) as u8, 200 - (x + y) as u8]);
    }
    picture
}

#[test]
fn planes_of_a_tiff_come_together() {
    let picture = gradient();
    let plain = planar(&picture, <[u8]>::to_vec, 1);
    assert_eq!(decoded(&plain).unwrap().1, picture);
    let jpeg = |plane: &[u8]| {
        let image = turbojpeg::Image {
            pixels: plane,
            width: 64,
            pitch: 64,
            height: 48,
            format: turbojpeg::PixelFormat::GRAY,
        };
        turbojpeg::compress(image, 95, turbojpeg::Subsamp::Gray).unwrap().to_vec()
    };
    let found = decoded(&planar(&picture, jpeg, 7)).unwrap().1;
    let difference = difference(&picture, &found);
    assert!(difference < 2.0, "JPEG in planes differs by {difference}");
}

/// Either order of bytes, at 8 and 16 bits.
#[test]
fn sixteen_bits_keep_the_upper_eight() {
    let picture = gradient();
    let deep: Vec<u16> = picture.pixels.iter().map(|level| u16::from(*level) * 257).collect();
    let mut file = Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut file).unwrap();
    encoder.write_image::<colortype::RGB16>(64, 48, &deep).unwrap();
    let decoded = decode(Cursor::new(file.into_inner()), &DecodeLimits::default()).unwrap();
    assert_eq!(decoded.raster, picture);
}

/// JPEG 2000 by another library's encoder, against the picture it was made from.
#[test]
fn jpeg_2000_with_and_without_loss() {
    let forms = Forms::new();
    let Some([rgb, gray]) = forms.pictures() else { return };
    for (name, from, options, tolerance) in [
        ("a.jp2", &rgb, "--lossless", 0.0),
        ("b.jp2", &rgb, "--lossless --tile-width 4096 --tile-height 4096", 0.0),
        ("c.jp2", &gray, "--lossless --tile-width 64 --tile-height 32", 0.0),
        ("d.jp2", &rgb, "--Q 50", 2.0),
        ("e.j2k", &gray, "--lossless", 0.0),
    ] {
        let raster = forms.written("jp2ksave", from, name, options);
        let difference = difference(&opened(from), &raster);
        assert!(difference <= tolerance, "{name} {options} differs by {difference}");
    }
}

/// What another library makes of files that neither of us wrote.
#[test]
fn jpeg_2000_of_others_looks_alike() {
    let Some(fixtures) = fixtures() else { return };
    let forms = Forms::new();
    for name in ["67352ccc-d1b0-11e1-89ae-279075081939.jp2", "kant_0020.jp2"] {
        let source = fixtures.join("images").join(name).to_string_lossy().into_owned();
        let to = forms.path("copy.png");
        if !vips(&["copy", &source, &to]) {
            return;
        }
        let difference = difference(&opened(&to), &opened(&source));
        assert!(difference < 0.5, "{name} differs by {difference}");
    }
}

#[test]
fn sixteen_bits_of_jpeg_2000_keep_the_upper_eight() {
    let Some(fixtures) = fixtures() else { return };
    let deep = fixtures.join("images/derived_rgb16_2000x1500.tif").to_string_lossy().into_owned();
    let forms = Forms::new();
    let from = forms.path("deep.tif");
    // Its encoder drops colour profiles.
    let part = format!("{from}[strip]");
    if !vips(&["crop", &deep, &part, "200", "300", "500", "400"]) {
        return;
    }
    let raster = forms.written("jp2ksave", &from, "deep.jp2", "--lossless");
    let difference = difference(&opened(&from), &raster);
    assert!(difference < 1.0, "16 bits differ by {difference}");
}
