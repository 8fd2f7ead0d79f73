//! Real and hostile files through the decoders.

use crate::support::{decoded, difference, fixtures, read, vips};
use dlcs_imaging::raster::{Channels, Raster};
use dlcs_imaging::{DecodeLimits, MediaType, decode, decode_uncorrected};
use std::io::Cursor;

fn mean(raster: &Raster) -> u64 {
    raster.pixels.iter().map(|level| u64::from(*level)).sum::<u64>() / raster.pixels.len() as u64
}

#[test]
fn without_its_profile_a_picture_is_as_it_was_scanned() {
    let Some(fixtures) = fixtures() else { return };
    for (name, has_profile) in [
        ("images/cantaloupe_icc.jpg", true),
        ("pages/btv1b8610802d_f31.jpg", true),
        ("pages/laube_europa0202_1837_0105.jpg", false),
    ] {
        let bytes = read(fixtures.join(name));
        let (_, corrected) = decoded(&bytes).unwrap();
        let stored = decode_uncorrected(Cursor::new(&bytes), &DecodeLimits::default()).unwrap();
        assert_eq!(difference(&corrected, &stored.raster) > 0.0, has_profile, "{name}");
    }
}

#[test]
fn every_good_fixture_decodes() {
    use Channels::{Gray, Rgb};
    use MediaType::{Jp2, Jpeg, Png, Tiff};
    let Some(fixtures) = fixtures() else { return };
    for (name, media_type, width, height, channels) in [
        ("images/67352ccc-d1b0-11e1-89ae-279075081939.png", Png, 1000, 1000, Rgb),
        ("images/67352ccc-d1b0-11e1-89ae-279075081939.jp2", Jp2, 1000, 1000, Rgb),
        ("images/kant_0020.jp2", Jp2, 1457, 2084, Rgb),
        ("images/baiona_cmyk.jpg", Jpeg, 640, 682, Rgb),
        ("images/baiona_gray.png", Png, 640, 682, Gray),
        ("images/cantaloupe_icc.jpg", Jpeg, 64, 56, Rgb),
        ("images/cantaloupe_tif_bw_9image.tif", Tiff, 1694, 2170, Gray),
        ("images/derived_rgb16_2000x1500.tif", Tiff, 2000, 1500, Rgb),
        ("images/exif_landscape_1.jpg", Jpeg, 1800, 1200, Rgb),
        ("images/nokia_photo.jpg", Jpeg, 4608, 1976, Rgb),
        ("images/seurat_pyramid.tif", Tiff, 4655, 3118, Rgb),
        ("images/walters_w102_fol_78v_detail.jpg", Jpeg, 2019, 2539, Rgb),
        ("images/walters_w102_fol_80r_detail.jpg", Jpeg, 1768, 2560, Rgb),
        ("pages/8087_054.3B.tif", Tiff, 2560, 3300, Gray),
        ("pages/bebel_frau_1879_0146.tif", Tiff, 3068, 4660, Gray),
        ("pages/boston_cooking_a.jpg", Jpeg, 2448, 3264, Rgb),
        ("pages/btv1b8610802d_f31.jpg", Jpeg, 2575, 3631, Rgb),
        ("pages/eurotext.tif", Tiff, 1024, 800, Gray),
        ("pages/kant_0020.tif", Tiff, 1457, 2084, Rgb),
        ("pages/laube_europa0202_1837_0105.jpg", Jpeg, 1280, 2091, Rgb),
        ("pages/phototest.tif", Tiff, 640, 480, Gray),
        ("hostile/exif_oserror.jpg", Jpeg, 1488, 2240, Rgb),
        ("hostile/polyglot_jpeg_zip.jpg", Jpeg, 1800, 1200, Rgb),
    ] {
        let (found, raster) = decoded(&read(fixtures.join(name))).expect(name);
        assert_eq!((found, raster.width, raster.height), (media_type, width, height), "{name}");
        assert_eq!(raster.channels, channels, "{name}");
        assert_eq!(raster.pixels.len(), (width * height) as usize * channels.count(), "{name}");
    }
}

#[test]
fn text_pages_are_black_on_white() {
    let Some(fixtures) = fixtures() else { return };
    for name in ["8087_054.3B.tif", "bebel_frau_1879_0146.tif", "eurotext.tif", "phototest.tif"] {
        let (_, raster) = decoded(&read(fixtures.join("pages").join(name))).expect(name);
        assert!(mean(&raster) > 150, "{name}: mean {}", mean(&raster));
    }
}

#[test]
fn orientations_look_alike() {
    let Some(fixtures) = fixtures() else { return };
    let open = |n| decoded(&read(fixtures.join(format!("images/exif_landscape_{n}.jpg"))));
    let (_, upright) = open(1).expect("upright");
    for n in [3, 6, 8] {
        let (_, turned) = open(n).expect("turned");
        // The number in the middle differs, and all were compressed anew.
        let difference = difference(&upright, &turned);
        assert!(difference < 8.0, "orientation {n} differs by {difference}");
    }
}

#[test]
fn cmyk_comes_out_in_natural_colours() {
    let Some(fixtures) = fixtures() else { return };
    let (_, raster) = decoded(&read(fixtures.join("images/baiona_cmyk.jpg"))).expect("CMYK");
    // A map on white paper, with a river in blue.
    let corner = &raster.pixels[..3];
    assert!(corner.iter().all(|level| *level > 245), "{corner:?}");
    let is_blue = |pixel: &&[u8]| pixel[2] > 120 && pixel[0] < 60 && pixel[1] < 150;
    let blue = raster.pixels.chunks_exact(3).filter(is_blue).count();
    assert!(blue > 5_000, "{blue} blue pixels");
}

#[test]
fn hostile_files_have_their_code() {
    let Some(fixtures) = fixtures() else { return };
    for (name, code) in [
        ("bomb_30000x30000_1bit.png", "image-too-large"),
        ("png_huge_header.png", "image-too-large"),
        ("tiff_ifd_loop.tif", "image-corrupt"),
        ("truncated_half.jpg", "image-corrupt"),
        ("zero.jpg", "image-corrupt"),
        ("html_named.jpg", "media-type-unsupported"),
        ("svg_xss.svg", "media-type-unsupported"),
        ("alto_billion_laughs.xml", "media-type-unsupported"),
    ] {
        let before = std::time::Instant::now();
        let found = decoded(&read(fixtures.join("hostile").join(name))).map(|_| ());
        assert_eq!(found, Err(code), "{name}");
        assert!(before.elapsed().as_millis() < 100, "{name} took {:?}", before.elapsed());
    }
}

/// A header is enough to refuse: no memory is taken for pixels that will not be decoded.
#[test]
fn a_bomb_costs_no_memory() {
    let Some(fixtures) = fixtures() else { return };
    let resident_kib = || {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).map(str::to_owned);
        line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok()).unwrap_or(0)
    };
    let bomb = read(fixtures.join("hostile/bomb_30000x30000_1bit.png"));
    let before = resident_kib();
    for _ in 0..100 {
        assert_eq!(decoded(&bomb).map(|_| ()), Err("image-too-large"));
    }
    let grown = resident_kib().saturating_sub(before);
    // Other tests of this process may run beside it; 900 megapixels would be a million.
    assert!(grown < 400_000, "{grown} KiB");
}

/// libjpeg would fill the missing part with gray and only warn.
#[test]
fn a_truncated_image_is_never_repaired() {
    let Some(fixtures) = fixtures() else { return };
    for name in [
        "images/walters_w102_fol_78v_detail.jpg",
        "images/baiona_gray.png",
        "pages/phototest.tif",
        "images/67352ccc-d1b0-11e1-89ae-279075081939.jp2",
    ] {
        let whole = read(fixtures.join(name));
        for length in (1..whole.len()).step_by(whole.len() / 37 + 1) {
            let found = decoded(&whole[..length]).map(|_| ());
            assert!(found.is_err(), "{name} cut to {length} of {} bytes", whole.len());
        }
    }
    let mut cut = read(fixtures.join("hostile/truncated_half.jpg"));
    cut.extend_from_slice(b"\xff\xd9");
    assert_eq!(decoded(&cut).map(|_| ()), Err("image-corrupt"), "an end marker does not heal");
}

#[test]
fn changed_bytes_never_panic() {
    let Some(fixtures) = fixtures() else { return };
    for name in [
        "images/baiona_gray.png",
        "images/baiona_cmyk.jpg",
        "pages/phototest.tif",
        "images/67352ccc-d1b0-11e1-89ae-279075081939.jp2",
    ] {
        let whole = read(fixtures.join(name));
        let mut seed = 1u64;
        for _ in 0..60 {
            let mut broken = whole.clone();
            for _ in 0..4 {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                // Headers and directories are where the surprises are.
                let reach = if seed & 1 == 0 { 600.min(whole.len()) } else { whole.len() };
                let at = (seed >> 33) as usize % reach;
                let at = if seed & 2 == 0 { at } else { whole.len() - 1 - at };
                broken[at] = (seed >> 20) as u8;
            }
            let _ = decoded(&broken);
        }
    }
}

/// The forms of TIFF, PNG and WebP, written by another library, against one known picture.
#[test]
fn every_form_of_a_file_gives_the_same_picture() {
    let Some(fixtures) = fixtures() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let source = fixtures.join("images/walters_w102_fol_78v_detail.jpg");
    let (rgb, gray) = (path("rgb.png"), path("gray.png"));
    if !vips(&["crop", &source.to_string_lossy(), &rgb, "300", "400", "601", "447"]) {
        return;
    }
    vips(&["colourspace", &rgb, &gray, "b-w"]);
    let plain = |path: &str| decoded(&read(path)).expect("plain").1;
    let forms = [
        ("tiffsave", "a.tif", &rgb, "--compression none", 0.0),
        ("tiffsave", "b.tif", &rgb, "--compression lzw --predictor horizontal", 0.0),
        ("tiffsave", "c.tif", &rgb, "--compression deflate --predictor none", 0.0),
        ("tiffsave", "d.tif", &rgb, "--compression packbits", 0.0),
        (
            "tiffsave",
            "e.tif",
            &rgb,
            "--compression lzw --tile --tile-width 128 --tile-height 64",
            0.0,
        ),
        ("tiffsave", "f.tif", &rgb, "--compression jpeg --Q 85", 4.0),
        ("tiffsave", "g.tif", &rgb, "--compression jpeg --Q 95 --tile", 2.0),
        ("tiffsave", "h.tif", &rgb, "--compression deflate --bigtiff --tile --pyramid", 0.0),
        ("tiffsave", "i.tif", &gray, "--compression jpeg --Q 90", 2.0),
        ("tiffsave", "j.tif", &gray, "--compression lzw --miniswhite", 0.0),
        ("tiffsave", "k.tif", &gray, "--compression none --tile", 0.0),
        ("pngsave", "l.png", &rgb, "--interlace", 0.0),
        ("pngsave", "m.png", &gray, "--interlace", 0.0),
        ("pngsave", "n.png", &rgb, "--palette --Q 100 --dither 0", 12.0),
        ("webpsave", "o.webp", &rgb, "--lossless", 0.0),
        ("webpsave", "p.webp", &rgb, "--Q 90", 5.0),
    ];
    for (command, name, from, options, tolerance) in forms {
        let to = path(name);
        let options: Vec<_> = options.split(' ').collect();
        vips(&[&[command, from, &to], &options[..]].concat());
        let (_, raster) = decoded(&read(&to)).unwrap_or_else(|code| panic!("{name}: {code}"));
        let expected = plain(from);
        let is_gray_as_rgb = expected.channels != raster.channels;
        assert!(!is_gray_as_rgb, "{name}: {:?}", raster.channels);
        let difference = difference(&expected, &raster);
        assert!(difference <= tolerance, "{name} {options:?} differs by {difference}");
    }
}

#[test]
fn bilevel_and_deep_files_keep_their_levels() {
    let Some(fixtures) = fixtures() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let page = fixtures.join("pages/phototest.tif").to_string_lossy().into_owned();
    let expected = decoded(&read(&page)).expect("the page").1;
    for (name, options) in [
        ("a.tif", "--bitdepth 1 --compression ccittfax4"),
        ("b.tif", "--bitdepth 1 --compression ccittfax4 --miniswhite"),
        ("c.tif", "--bitdepth 1 --compression packbits"),
        ("d.tif", "--bitdepth 1 --compression lzw --predictor none --tile"),
        ("e.tif", "--bitdepth 2 --compression deflate --predictor none"),
        ("f.tif", "--bitdepth 4 --compression none"),
    ] {
        let to = path(name);
        let options: Vec<_> = options.split(' ').collect();
        if !vips(&[&["tiffsave", &page, &to], &options[..]].concat()) {
            return;
        }
        let (_, raster) = decoded(&read(&to)).unwrap_or_else(|code| panic!("{name}: {code}"));
        let difference = difference(&expected, &raster);
        assert!(difference < 1.0, "{name} {options:?} differs by {difference}");
    }
    let deep = fixtures.join("images/derived_rgb16_2000x1500.tif");
    let expected = decoded(&read(&deep)).expect("16 bits").1;
    let to = path("deep.png");
    vips(&["pngsave", &deep.to_string_lossy(), &to, "--bitdepth", "16"]);
    let difference = difference(&expected, &decoded(&read(&to)).expect("16-bit PNG").1);
    assert!(difference < 1.0, "16 bits differ by {difference}");
}

/// Colour profiles, against the conversion of another library.
#[test]
fn profiles_are_baked_in() {
    let Some(fixtures) = fixtures() else { return };
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("srgb.png").to_string_lossy().into_owned();
    for name in ["images/cantaloupe_icc.jpg", "images/walters_w102_fol_80r_detail.jpg"] {
        let source = fixtures.join(name);
        let from = source.to_string_lossy();
        if !vips(&["icc_transform", &from, &to, "srgb", "--embedded", "--intent", "relative"]) {
            return;
        }
        // What vips writes carries the sRGB profile, which changes nothing.
        let expected = decoded(&read(&to)).expect("converted").1;
        let difference = difference(&expected, &decoded(&read(&source)).expect(name).1);
        assert!(difference < 2.5, "{name} differs by {difference}");
    }
}

#[test]
fn limits_hold_for_real_files() {
    let Some(fixtures) = fixtures() else { return };
    let page = read(fixtures.join("images/seurat_pyramid.tif"));
    let code = |limits: DecodeLimits| {
        decode(Cursor::new(&page), &limits).map(|_| ()).map_err(|error| error.code())
    };
    let pixels = 4655 * 3118;
    let defaults = DecodeLimits::default;
    assert_eq!(code(DecodeLimits { tiled_pixels_max: pixels, ..defaults() }), Ok(()));
    let refused = Err("image-too-large");
    assert_eq!(code(DecodeLimits { tiled_pixels_max: pixels - 1, ..defaults() }), refused);
    assert_eq!(code(DecodeLimits { side_px_max: 4654, ..defaults() }), refused);
    assert_eq!(
        code(DecodeLimits { source_bytes_max: page.len() as u64 - 1, ..defaults() }),
        refused
    );
    assert_eq!(code(DecodeLimits { chunks_max: 3, ..defaults() }), refused);
    assert_eq!(code(DecodeLimits { resident_bytes_max: 100, ..defaults() }), refused);
}
