//! Hostile images, each by its number in the list of bad inputs: refused with a code or delivered,
//! soon, and without a panic.

use crate::support::{decoded, fixtures, read, vips};
use dlcs_imaging::raster::{Channels, Raster};
use dlcs_imaging::{DecodeLimits, decode};
use flate2::Compression;
use flate2::write::ZlibEncoder;
use std::io::{Cursor, Write};
use std::time::{Duration, Instant};

const CORRUPT: Result<(), &str> = Err("image-corrupt");
const TOO_LARGE: Result<(), &str> = Err("image-too-large");
const UNSUPPORTED: Result<(), &str> = Err("media-type-unsupported");
const DELIVERED: Result<(), &str> = Ok(());

/// Generous, for a machine that builds beside: what is refused takes a few milliseconds.
const TIME_MAX: Duration = Duration::from_secs(2);

fn check(what: &str, bytes: &[u8], expected: Result<(), &'static str>) {
    let begun = Instant::now();
    let found = decode(Cursor::new(bytes), &DecodeLimits::default());
    let detail = found.as_ref().err().map(ToString::to_string).unwrap_or_default();
    assert_eq!(found.map(|_| ()).map_err(|error| error.code()), expected, "{what}: {detail}");
    assert!(begun.elapsed() < TIME_MAX, "{what} took {:?}", begun.elapsed());
}

fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A PNG of the given header and chunks, gray, 8 bits a pixel unless said.
fn png(width: u32, height: u32, depth: u8, chunks: &[(&[u8; 4], Vec<u8>)]) -> Vec<u8> {
    let mut header = [width.to_be_bytes(), height.to_be_bytes()].concat();
    header.extend([depth, 0, 0, 0, 0]);
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let all = [(b"IHDR", header)].into_iter().chain(chunks.iter().cloned());
    for (name, content) in all.chain([(b"IEND", Vec::new())]) {
        file.extend((content.len() as u32).to_be_bytes());
        let start = file.len();
        file.extend(name);
        file.extend(content);
        let crc = crc32fast::hash(&file[start..]);
        file.extend(crc.to_be_bytes());
    }
    file
}

/// A small gray picture in one chunk.
fn picture_data(width: usize, height: usize) -> (&'static [u8; 4], Vec<u8>) {
    (b"IDAT", deflated(&vec![0; (width + 1) * height]))
}

fn jpeg(channels: Channels) -> Vec<u8> {
    let raster = Raster::black(64, 48, channels).unwrap();
    let (format, sampling) = match channels {
        Channels::Gray => (turbojpeg::PixelFormat::GRAY, turbojpeg::Subsamp::Gray),
        Channels::Rgb => (turbojpeg::PixelFormat::RGB, turbojpeg::Subsamp::Sub2x2),
    };
    let image = turbojpeg::Image {
        pixels: &raster.pixels[..],
        width: 64,
        pitch: raster.stride(),
        height: 48,
        format,
    };
    turbojpeg::compress(image, 80, sampling).unwrap().to_vec()
}

/// Returns where the frame header (SOF0) of a JPEG begins.
fn frame_of(jpeg: &[u8]) -> usize {
    jpeg.windows(2).position(|it| it == [0xff, 0xc0]).expect("a baseline JPEG")
}

/// A JPEG with a segment behind its first marker.
fn with_segment(marker: u8, content: &[u8]) -> Vec<u8> {
    let jpeg = jpeg(Channels::Rgb);
    let mut bytes = jpeg[..2].to_vec();
    bytes.extend([0xff, marker]);
    bytes.extend((content.len() as u16 + 2).to_be_bytes());
    bytes.extend(content);
    bytes.extend(&jpeg[2..]);
    bytes
}

type TiffTag<'a> = (u16, &'a [u32]);

/// A little-endian TIFF of one directory; `data` lies at offset 8.
fn tiff(tags: &[TiffTag<'_>], data: &[u8]) -> Vec<u8> {
    let mut file = b"II*\0\0\0\0\0".to_vec();
    file.extend(data);
    let mut entries = Vec::new();
    for (tag, values) in tags {
        let bytes: Vec<u8> = values.iter().flat_map(|it| it.to_le_bytes()).collect();
        let value = if values.len() == 1 {
            bytes
        } else {
            let at = file.len() as u32;
            file.extend(bytes);
            at.to_le_bytes().to_vec()
        };
        entries.extend(tag.to_le_bytes());
        entries.extend(4u16.to_le_bytes());
        entries.extend((values.len() as u32).to_le_bytes());
        entries.extend(value);
    }
    let directory = file.len() as u32;
    file[4..8].copy_from_slice(&directory.to_le_bytes());
    file.extend((tags.len() as u16).to_le_bytes());
    file.extend(entries);
    file.extend([0; 4]);
    file
}

/// The tags of a gray picture of 4 × 4 pixels in one strip at offset 8, some of them replaced.
fn tiff_with(changes: &[TiffTag<'_>], data: &[u8]) -> Vec<u8> {
    let length = [data.len() as u32];
    let mut tags: Vec<TiffTag<'_>> = vec![
        (256, &[4]),
        (257, &[4]),
        (258, &[8]),
        (259, &[1]),
        (262, &[1]),
        (273, &[8]),
        (277, &[1]),
        (278, &[4]),
        (279, &length),
    ];
    for change in changes {
        match tags.iter_mut().find(|tag| tag.0 == change.0) {
            Some(tag) => *tag = *change,
            None => tags.push(*change),
        }
    }
    tags.sort_by_key(|tag| tag.0);
    tiff(&tags, data)
}

/// The same in tiles.
fn tiled_with(changes: &[TiffTag<'_>], data: &[u8]) -> Vec<u8> {
    let length = [data.len() as u32];
    let mut tags: Vec<TiffTag<'_>> = vec![
        (256, &[4]),
        (257, &[4]),
        (258, &[8]),
        (259, &[1]),
        (262, &[1]),
        (277, &[1]),
        (322, &[16]),
        (323, &[16]),
        (324, &[8]),
        (325, &length),
    ];
    for change in changes {
        let tag = tags.iter_mut().find(|tag| tag.0 == change.0).expect("one of them");
        *tag = *change;
    }
    tiff(&tags, data)
}

#[test]
fn b33_what_ends_early_is_refused_at_every_kibibyte() {
    check("nothing", b"", CORRUPT);
    check("one byte", b"\xff", UNSUPPORTED);
    let Some(fixtures) = fixtures() else { return };
    for name in [
        "images/baiona_gray.png",
        "images/cantaloupe_icc.jpg",
        "images/cantaloupe_tif_bw_9image.tif",
        "images/67352ccc-d1b0-11e1-89ae-279075081939.jp2",
    ] {
        let whole = read(fixtures.join(name));
        // A TIFF may hold the first of its pictures in front, and all others behind.
        let is_refused = !name.ends_with("9image.tif");
        for length in (1024..whole.len()).step_by(1024) {
            let found = decoded(&whole[..length]).map(|_| ());
            assert!(found.is_err() || !is_refused, "{name} cut to {length}");
        }
    }
}

#[test]
fn b34_and_b35_bombs_of_png() {
    let black = deflated(&vec![0; 65_535_usize.div_ceil(8) * 6_000]);
    check("65535² of one bit", &png(65_535, 65_535, 1, &[(b"IDAT", black)]), TOO_LARGE);
    let zeros = deflated(&vec![0; 64 << 20]);
    let profile = [&b"bomb\0\0"[..], &zeros].concat();
    let found = decoded(&png(8, 8, 8, &[(b"iCCP", profile), picture_data(8, 8)])).map(|_| ());
    assert!(matches!(found, TOO_LARGE | DELIVERED), "a profile of 64 MiB: {found:?}");
    let text = [&b"bomb\0\0"[..], &zeros].concat();
    check("text of 64 MiB", &png(8, 8, 8, &[(b"zTXt", text), picture_data(8, 8)]), DELIVERED);
}

#[test]
fn b36_animations_without_end() {
    let mut chunks = vec![
        (b"acTL", [100_000u32.to_be_bytes(), [0; 4]].concat()),
        (b"fcTL", frame_control(0)),
        picture_data(8, 8),
    ];
    for number in 0..100_000u32 {
        let data = deflated(&[0; 2]);
        chunks.push((b"fcTL", frame_control(2 * number + 1)));
        chunks.push((b"fdAT", [&(2 * number + 2).to_be_bytes()[..], &data].concat()));
    }
    check("APNG of 100,000 frames", &png(8, 8, 8, &chunks), DELIVERED);

    let mut bytes = Vec::new();
    let mut encoder = gif::Encoder::new(&mut bytes, 1, 1, &[0, 0, 0, 255, 255, 255]).unwrap();
    let frame = gif::Frame { width: 1, height: 1, buffer: vec![0].into(), ..gif::Frame::default() };
    for _ in 0..100_000 {
        encoder.write_frame(&frame).unwrap();
    }
    drop(encoder);
    check("GIF of 100,000 frames", &bytes, DELIVERED);
    bytes[6..10].fill(0xff);
    check("a canvas of 65535² for one pixel", &bytes, TOO_LARGE);
}

/// A frame of one pixel, or the whole picture for number 0.
fn frame_control(number: u32) -> Vec<u8> {
    let side: u32 = if number == 0 { 8 } else { 1 };
    let numbers = [number, side, side, 0, 0].map(u32::to_be_bytes).concat();
    [&numbers[..], &[0, 1, 0, 1, 0, 0]].concat()
}

#[test]
fn b37_scans_without_end() {
    let mut bytes = vec![0xff, 0xd8, 0xff, 0xc2, 0, 11, 8, 0, 10, 0, 20, 1, 1, 0x11, 0];
    for _ in 0..80_000 {
        bytes.extend([0xff, 0xda, 0, 3, 0, 0x12, 0xff, 0x00, 0x34]);
    }
    bytes.extend([0xff, 0xd9]);
    check("80,000 scans", &bytes, TOO_LARGE);
}

#[test]
fn b38_sizes_and_kinds_of_jpeg() {
    let plain = jpeg(Channels::Rgb);
    let frame = frame_of(&plain);
    let with = |at: usize, bytes: &[u8]| {
        let mut changed = plain.clone();
        changed[frame + at..frame + at + bytes.len()].copy_from_slice(bytes);
        changed
    };
    check("plain", &plain, DELIVERED);
    check("65500²", &with(5, &[0xff, 0xdc, 0xff, 0xdc]), TOO_LARGE);
    check("0 × 0", &with(5, &[0; 4]), CORRUPT);
    let mut later = with(5, &[0, 0]);
    later.splice(later.len() - 2.., [0xff, 0xdc, 0, 4, 0, 48, 0xff, 0xd9]);
    check("lines told later (DNL)", &later, CORRUPT);
    check("12 bits", &with(4, &[12]), UNSUPPORTED);
    check("lossless", &with(1, &[0xc3]), UNSUPPORTED);
    check("no length of a marker", &with(2, &[0, 0]), CORRUPT);
    check("a marker as long as the file", &with(2, &[0xff, 0xff]), CORRUPT);
    check("two components", &with(9, &[2]), UNSUPPORTED);
}

/// Four components: with the marker of Adobe, inks are stored inverted, and may be YCCK.
#[test]
fn b38_inks_of_jpeg() {
    let inks = [0u8, 255, 255, 0].repeat(64 * 48);
    let image = turbojpeg::Image {
        pixels: &inks.iter().map(|ink| 255 - ink).collect::<Vec<u8>>()[..],
        width: 64,
        pitch: 64 * 4,
        height: 48,
        format: turbojpeg::PixelFormat::CMYK,
    };
    let ycck = turbojpeg::compress(image, 95, turbojpeg::Subsamp::None).unwrap();
    let adobe = ycck.windows(5).position(|it| it == b"Adobe").expect("the marker");
    assert_eq!(ycck[adobe + 11], 2, "YCCK");
    let red = decoded(&ycck).unwrap().1;
    let pixel = &red.pixels[64 * 24 * 3..][..3];
    assert!(pixel[0] > 200 && pixel[1] < 60 && pixel[2] < 60, "{pixel:?} should be red");
}

#[test]
fn b39_directories_and_pieces_of_tiff() {
    let gray = [7; 16];
    check("plain", &tiff_with(&[], &gray), DELIVERED);
    check("tiled", &tiled_with(&[], &[7; 256]), DELIVERED);
    check("a strip behind the end", &tiff_with(&[(273, &[1 << 30])], &gray), CORRUPT);
    check("a strip longer than the file", &tiff_with(&[(279, &[u32::MAX])], &gray), CORRUPT);
    check("a strip too short", &tiff_with(&[(279, &[15])], &gray), CORRUPT);
    check("no width", &tiff_with(&[(256, &[0])], &gray), CORRUPT);
    check("a width of 2³²", &tiff_with(&[(256, &[u32::MAX])], &gray), TOO_LARGE);
    check("tiles without width", &tiled_with(&[(322, &[0])], &gray), CORRUPT);
    check("tiles of 2³¹", &tiled_with(&[(322, &[1 << 31])], &gray), TOO_LARGE);
    let million =
        tiled_with(&[(256, &[1 << 14]), (257, &[1 << 14]), (322, &[1]), (323, &[1])], &gray);
    check("268 million tiles of a pixel", &million, CORRUPT);
    check("65535 samples", &tiff_with(&[(277, &[65_535])], &gray), UNSUPPORTED);
    let mismatch = decoded(&tiff_with(&[(258, &[8, 16, 8])], &gray)).map(|_| ());
    assert!(mismatch.is_err(), "other samples than bits: {mismatch:?}");
    check("a loop of sub-directories", &tiff_with(&[(330, &[8, 24])], &gray), DELIVERED);
    let big = [b"II+\0\x08\0\0\0", &(1u64 << 63).to_le_bytes()[..]].concat();
    check("a directory at 2⁶³", &big, CORRUPT);
}

#[test]
fn b39_bombs_in_tiff() {
    // Far more than the rows of the picture: what is behind them is not even unpacked.
    let zeros = vec![0; 32 << 20];
    let lzw = weezl::encode::Encoder::with_tiff_size_switch(weezl::BitOrder::Msb, 8);
    let lzw = { lzw }.encode(&zeros).unwrap();
    let zstd = zstd::bulk::compress(&zeros, 19).unwrap();
    for (compression, data) in [(5, lzw), (8, deflated(&zeros)), (50_000, zstd)] {
        let file = tiff_with(&[(259, &[compression])], &data);
        check(&format!("a bomb with compression {compression}"), &file, DELIVERED);
    }
    let gray = jpeg(Channels::Gray);
    let jpeg_of = |changes: &[TiffTag<'_>]| {
        let size: [TiffTag<'_>; 4] = [(256, &[64]), (257, &[48]), (278, &[48]), (259, &[7])];
        tiff_with(&[&size[..], changes].concat(), &gray)
    };
    check("JPEG in TIFF", &jpeg_of(&[]), DELIVERED);
    let components = jpeg_of(&[(277, &[3]), (258, &[8, 8, 8]), (262, &[2])]);
    check("one component in place of three", &components, CORRUPT);
    check("of another size", &jpeg_of(&[(256, &[65])]), CORRUPT);
}

/// Random changes where they hurt. What comes out does not matter: that it ends, does.
#[test]
fn b40_and_b41_changed_headers_do_no_harm() {
    let Some(fixtures) = fixtures() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let source = fixtures.join("images/cantaloupe_icc.jpg").to_string_lossy().into_owned();
    let forms = [
        ("webpsave", "a.webp", &["--lossless"][..]),
        ("webpsave", "b.webp", &["--Q", "80"]),
        ("jp2ksave", "c.jp2", &["--lossless", "--tile-width", "32", "--tile-height", "32"]),
        ("gifsave", "d.gif", &[]),
        ("tiffsave", "e.tif", &["--compression", "zstd"]),
    ];
    let mut seed = 7u64;
    for (command, name, options) in forms {
        if !vips(&[&[command, &source, &path(name)], options].concat()) {
            return;
        }
        let whole = read(path(name));
        for _ in 0..150 {
            let mut broken = whole.clone();
            for _ in 0..3 {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let reach = if seed & 1 == 0 { 200.min(whole.len()) } else { whole.len() };
                broken[(seed >> 33) as usize % reach] = (seed >> 20) as u8;
            }
            let begun = Instant::now();
            let _ = decoded(&broken);
            assert!(begun.elapsed() < TIME_MAX, "{name} took {:?}", begun.elapsed());
        }
    }
    check("AVIF", b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf", UNSUPPORTED);
    check("HEIF", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", UNSUPPORTED);
    check("JPEG XL", b"\0\0\0\x0cJXL \r\n\x87\n", UNSUPPORTED);
    check("JPEG XL, bare", b"\xff\x0a\xfa\x1f", UNSUPPORTED);
}

#[test]
fn b42_and_b44_what_is_no_image_is_told_by_its_content() {
    for (what, bytes) in [
        ("SVG", &b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>"[..]),
        ("PDF", b"%PDF-1.7\n1 0 obj << /Type /Catalog >> endobj"),
        ("EPS", b"%!PS-Adobe-3.0 EPSF-3.0"),
        ("MSL", b"<?xml version='1.0'?><image><read filename='/etc/passwd'/></image>"),
        ("MVG", b"push graphic-context\nviewbox 0 0 640 480"),
        ("MATLAB", b"MATLAB 5.0 MAT-file, Platform: GLNXA64"),
        ("FITS", b"SIMPLE  =                    T"),
        ("a picture of libvips", b"\xb6\xa6\xf2\x08\x00\x01\x00\x00"),
    ] {
        check(what, bytes, UNSUPPORTED);
    }
    let polyglot =
        [&jpeg(Channels::Rgb)[..], b"PK\x03\x04<html><script>alert(1)</script>"].concat();
    check("JPEG with a page behind it", &polyglot, DELIVERED);
}

/// Exif with one entry, the orientation.
fn exif(orientation: u16, next_directory: u32) -> Vec<u8> {
    let mut bytes = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    bytes.extend(u32::from(orientation).to_le_bytes());
    bytes.extend(next_directory.to_le_bytes());
    bytes
}

#[test]
fn b43_metadata_never_stand_in_the_way() {
    let size = |bytes: &[u8]| decoded(bytes).map(|(_, it)| (it.width, it.height));
    for orientation in [0, 9, 99] {
        assert_eq!(size(&with_segment(0xe1, &exif(orientation, 0))), Ok((64, 48)), "{orientation}");
    }
    assert_eq!(size(&with_segment(0xe1, &exif(6, 0))), Ok((48, 64)));
    check("a loop in Exif", &with_segment(0xe1, &exif(1, 8)), DELIVERED);
    let xmp = b"http://ns.adobe.com/xap/1.0/\0<!DOCTYPE x [<!ENTITY a 'ha'><!ENTITY b '&a;&a;'>]><x>&b;</x>";
    check("entities in XMP", &with_segment(0xe1, xmp), DELIVERED);
    let mut profile = b"ICC_PROFILE\0\x01\x01".to_vec();
    profile.extend(moxcms::ColorProfile::new_srgb().encode().unwrap());
    check("a profile", &with_segment(0xe2, &profile), DELIVERED);
    profile[14 + 128..14 + 132].fill(0xff);
    check("a profile of 2³² tags", &with_segment(0xe2, &profile), DELIVERED);
    profile[14 + 16..14 + 20].copy_from_slice(b"CMYK");
    check("a profile for inks", &with_segment(0xe2, &profile), DELIVERED);
}
