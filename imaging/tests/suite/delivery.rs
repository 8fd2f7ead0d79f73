//! From a picture through its derivative to answers: bytes, geometry and colours.

use crate::support::{difference, vips};
use bytes::Bytes;
use dlcs_iiif::image_request::{Dimensions, ImageRequest, ImageVersion, Limits, resolve};
use dlcs_imaging::decode::Decoded;
use dlcs_imaging::derivative::ThumbnailSize;
use dlcs_imaging::raster::{Channels, Raster};
use dlcs_imaging::{
    DecodeLimits, DerivativeFacts, DerivativePolicy, MediaType, RenderLimits, RenderPlan,
    TileError, Tiles, TilesSettings, decode, derive, plan,
};
use dlcs_objects::{ObjectKey, Objects, memory::MemoryObjects};
use std::io::Cursor;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

/// A picture whose colours say where they are: red grows to the right, green downwards.
fn picture(width: u32, height: u32, channels: Channels) -> Raster {
    let mut raster = Raster::black(width, height, channels).unwrap();
    let count = channels.count();
    for (at, pixel) in raster.pixels.chunks_exact_mut(count).enumerate() {
        let (x, y) = (at as u32 % width, at as u32 / width);
        let color = [(x * 255 / width) as u8, (y * 255 / height) as u8, 90];
        pixel.copy_from_slice(&color[..count]);
    }
    raster
}

fn derivative(raster: Raster, threads: usize) -> (Vec<u8>, DerivativeFacts) {
    let mut file = Cursor::new(Vec::new());
    let decoded = Decoded { media_type: MediaType::Png, raster };
    let facts = derive(decoded, &DerivativePolicy::default(), threads, &mut file).unwrap();
    (file.into_inner(), facts)
}

struct Bench {
    tiles: Tiles,
    key: ObjectKey,
}

impl Bench {
    async fn with(derivative: Vec<u8>, settings: TilesSettings) -> Self {
        let objects = MemoryObjects::new(std::env::temp_dir());
        let key = ObjectKey::derivative("1/2/page-7", 1, 1);
        objects.put(&key, derivative.into()).await.unwrap();
        Self { tiles: Tiles::new(Arc::new(objects), settings), key }
    }

    async fn planned(&self, path: &str) -> (RenderPlan, Result<Bytes, TileError>) {
        let index = self.tiles.index(&self.key).await.unwrap();
        let request = ImageRequest::parse_path(ImageVersion::V3, path).unwrap();
        let source = Dimensions { width: index.width, height: index.height };
        let limits = Limits::default();
        let resolved = resolve(&request, ImageVersion::V3, source, &limits).unwrap();
        let plan = plan(&request, &resolved, &index, &RenderLimits::default()).unwrap();
        let answer = self.tiles.answer(&self.key, &index, &plan).await;
        (plan, answer)
    }

    async fn ask(&self, path: &str) -> Raster {
        opened(&self.planned(path).await.1.unwrap())
    }
}

fn opened(bytes: &[u8]) -> Raster {
    decode(Cursor::new(bytes), &DecodeLimits::default()).unwrap().raster
}

fn color_at(raster: &Raster, x: u32, y: u32) -> [u8; 3] {
    let at = (y * raster.width + x) as usize * raster.channels.count();
    match raster.channels {
        Channels::Rgb => [raster.pixels[at], raster.pixels[at + 1], raster.pixels[at + 2]],
        Channels::Gray => [raster.pixels[at]; 3],
    }
}

fn assert_near(found: [u8; 3], expected: [u8; 3], what: &str) {
    let is_near = found.iter().zip(expected).all(|(a, b)| a.abs_diff(b) <= 6);
    assert!(is_near, "{what}: {found:?} is not near {expected:?}");
}

#[test]
fn facts_say_what_was_written() {
    let (bytes, facts) = derivative(picture(1100, 601, Channels::Rgb), 2);
    assert_eq!((facts.width, facts.height, facts.levels, facts.gray), (1100, 601, 3, false));
    assert_eq!((facts.tile_side_px, facts.derivative_bytes), (512, bytes.len() as u64));
    let thumbnails = [(1024, 559), (400, 219), (200, 109), (100, 55)];
    let thumbnails = thumbnails.map(|(width, height)| ThumbnailSize { width, height });
    assert_eq!(facts.thumbnails, thumbnails);
    let json = serde_json::to_string(&facts).unwrap();
    assert!(json.contains(r#""source_media_type":"image/png""#), "{json}");
    assert_eq!(serde_json::from_str::<DerivativeFacts>(&json).unwrap(), facts);
}

#[test]
fn the_number_of_threads_does_not_change_a_byte() {
    let (one, _) = derivative(picture(1700, 1300, Channels::Rgb), 1);
    let (three, _) = derivative(picture(1700, 1300, Channels::Rgb), 3);
    assert!(one == three);
}

#[tokio::test]
async fn every_tile_is_stored_in_its_exact_size_and_place() {
    let (width, height) = (1100, 601);
    let (bytes, _) = derivative(picture(width, height, Channels::Rgb), 2);
    let bench = Bench::with(bytes, TilesSettings::default()).await;
    for scale in [1u32, 2, 4] {
        let span = 512 * scale;
        for (x, y) in (0..width)
            .step_by(span as usize)
            .flat_map(|x| (0..height).step_by(span as usize).map(move |y| (x, y)))
        {
            let (w, h) = (span.min(width - x), span.min(height - y));
            let (tw, th) = (w.div_ceil(scale), h.div_ceil(scale));
            let path = format!("{x},{y},{w},{h}/{tw},{th}/0/default.jpg");
            let (plan, answer) = bench.planned(&path).await;
            assert!(matches!(plan, RenderPlan::StoredTile(_)), "{path}: {plan:?}");
            let tile = opened(&answer.unwrap());
            assert_eq!((tile.width, tile.height), (tw, th), "{path}");
            let (mx, my) = (x + w / 2, y + h / 2);
            let expected = [(mx * 255 / width) as u8, (my * 255 / height) as u8, 90];
            assert_near(color_at(&tile, tw / 2, th / 2), expected, &path);
        }
    }
}

#[tokio::test]
async fn thumbnails_are_stored_in_the_sizes_that_iiif_asks_for() {
    let (bytes, facts) = derivative(picture(1101, 734, Channels::Rgb), 2);
    let bench = Bench::with(bytes, TilesSettings::default()).await;
    for side in [1024, 400, 200, 100] {
        let (plan, answer) = bench.planned(&format!("full/!{side},{side}/0/default.jpg")).await;
        assert!(matches!(plan, RenderPlan::StoredThumbnail(_)), "{side}: {plan:?}");
        let thumbnail = opened(&answer.unwrap());
        let size = ThumbnailSize { width: thumbnail.width, height: thumbnail.height };
        assert!(facts.thumbnails.contains(&size), "{size:?}");
        let middle = color_at(&thumbnail, thumbnail.width / 2, thumbnail.height / 2);
        assert_near(middle, [127, 127, 90], "the middle");
    }
}

/// Image API 3.0, sections 4.1 to 4.5.
#[tokio::test]
async fn regions_are_rendered_where_and_as_large_as_asked() {
    let (bytes, _) = derivative(picture(1100, 600, Channels::Rgb), 2);
    let bench = Bench::with(bytes, TilesSettings::default()).await;
    let middle = [127, 127, 90];
    for (path, size, at, expected) in [
        ("full/max/0/default.png", (1100, 600), (550, 300), middle),
        ("full/max/0/default.tif", (1100, 600), (550, 300), middle),
        ("full/110,/0/default.gif", (110, 60), (55, 30), middle),
        ("full/max/0/default.jpg", (1100, 600), (1090, 10), [252, 4, 90]),
        ("500,250,101,99/max/0/default.png", (101, 99), (50, 50), middle),
        ("500,250,100,100/50,50/0/default.webp", (50, 50), (25, 25), middle),
        ("100,100,900,400/450,/0/default.jpg", (450, 200), (225, 100), middle),
        ("full/300,300/0/default.png", (300, 300), (150, 150), middle),
        ("full/^2200,/0/default.png", (2200, 1200), (1100, 600), middle),
        ("full/220,/90/default.png", (120, 220), (5, 5), [4, 244, 90]),
        ("full/220,/180/default.png", (220, 120), (5, 5), [249, 244, 90]),
        ("full/220,/270/default.png", (120, 220), (5, 5), [249, 10, 90]),
        ("full/220,/!0/default.png", (220, 120), (5, 5), [249, 11, 90]),
        ("full/220,/!90/default.png", (120, 220), (5, 5), [249, 244, 90]),
        ("1099,599,1,1/max/0/default.png", (1, 1), (0, 0), [254, 254, 90]),
    ] {
        let raster = bench.ask(path).await;
        assert_eq!((raster.width, raster.height), size, "{path}");
        assert_near(color_at(&raster, at.0, at.1), expected, path);
    }
}

/// Image API 3.0, section 4.4.
#[tokio::test]
async fn qualities_take_colour_away() {
    let (bytes, _) = derivative(picture(600, 300, Channels::Rgb), 1);
    let bench = Bench::with(bytes, TilesSettings::default()).await;
    for format in ["jpg", "png", "webp", "tif", "gif"] {
        let gray = bench.ask(&format!("full/200,/0/gray.{format}")).await;
        let [r, g, b] = color_at(&gray, 190, 90);
        assert!(r.abs_diff(g) < 3 && g.abs_diff(b) < 3, "{format}: {r} {g} {b}");
        let bitonal = bench.ask(&format!("full/200,/0/bitonal.{format}")).await;
        assert_near(color_at(&bitonal, 5, 5), [0; 3], format);
        assert_near(color_at(&bitonal, 195, 95), [255; 3], format);
    }
}

#[tokio::test]
async fn any_angle_shows_paper_in_the_corners() {
    let (bytes, _) = derivative(picture(600, 300, Channels::Rgb), 1);
    let bench = Bench::with(bytes, TilesSettings::default()).await;
    for format in ["jpg", "png", "webp", "tif", "gif"] {
        let turned = bench.ask(&format!("full/200,/45/default.{format}")).await;
        assert_eq!((turned.width, turned.height), (213, 213), "{format}");
        assert_near(color_at(&turned, 0, 0), [255; 3], format);
        // A palette of 256 colours is further off than the noise of JPEG.
        if format != "gif" {
            assert_near(color_at(&turned, 106, 106), [127, 127, 90], format);
        }
    }
    let (_, answer) = bench.planned("full/200,/45/default.png").await;
    // Colour type 6: the corners are transparent rather than white.
    assert_eq!(answer.unwrap()[25], 6);
}

/// Other libraries open what we answer, and find in it what is in the PNG.
#[tokio::test]
async fn answers_of_every_format_are_read_by_others() {
    let (bytes, _) = derivative(picture(600, 301, Channels::Rgb), 1);
    let bench = Bench::with(bytes, TilesSettings::default()).await;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    for quality in ["default", "gray", "bitonal"] {
        let expected = bench.ask(&format!("full/301,/0/{quality}.png")).await;
        for (format, tolerance) in [
            ("jpg", 3.0),
            ("webp", 0.0),
            ("tif", 0.0),
            ("gif", if quality == "default" { 6.0 } else { 0.0 }),
        ] {
            let what = format!("{quality}.{format}");
            let answer = bench.planned(&format!("full/301,/0/{what}")).await.1.unwrap();
            std::fs::write(path(&what), &answer).unwrap();
            if !vips(&["copy", &path(&what), &path("copy.png")]) {
                return;
            }
            let mut found = opened(&std::fs::read(path("copy.png")).unwrap());
            if expected.channels == Channels::Gray && found.channels == Channels::Rgb {
                found.pixels = found.pixels.chunks_exact(3).map(|pixel| pixel[0]).collect();
                found.channels = Channels::Gray;
            }
            let difference = difference(&expected, &found);
            assert!(difference <= tolerance, "{what} differs by {difference}");
        }
    }
}

#[tokio::test]
async fn gray_images_stay_gray() {
    let (bytes, facts) = derivative(picture(700, 500, Channels::Gray), 2);
    assert!(facts.gray);
    let bench = Bench::with(bytes, TilesSettings::default()).await;
    for path in ["0,0,512,500/512,500/0/default.jpg", "full/300,/0/default.png"] {
        assert_eq!(bench.ask(path).await.channels, Channels::Gray, "{path}");
    }
}

#[tokio::test]
async fn who_would_wait_too_long_is_told_so() {
    let (bytes, _) = derivative(picture(600, 300, Channels::Rgb), 1);
    let settings = TilesSettings { wait_max: Duration::ZERO, ..TilesSettings::default() };
    let bench = Bench::with(bytes, settings).await;
    let asked = (0..40).map(|n| {
        let path = format!("{n},0,400,300/300,/0/default.png");
        let bench = &bench;
        async move { bench.planned(&path).await.1 }
    });
    let asked: Vec<_> = asked.collect();
    let answers = futures_of(asked).await;
    assert!(answers.iter().any(|it| it.is_ok()), "some are answered");
    assert!(answers.iter().any(|it| matches!(it, Err(TileError::Busy))), "some are not");
}

/// Polls all at once, as a server would.
async fn futures_of<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let mut pending: Vec<_> = futures.into_iter().map(|it| (Box::pin(it), None)).collect();
    std::future::poll_fn(|context| {
        let mut is_done = true;
        for (future, output) in &mut pending {
            if output.is_none() {
                match future.as_mut().poll(context) {
                    std::task::Poll::Ready(value) => *output = Some(value),
                    std::task::Poll::Pending => is_done = false,
                }
            }
        }
        if is_done { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    pending.into_iter().map(|(_, output)| output.expect("all are done")).collect()
}

#[tokio::test]
async fn a_derivative_that_was_cut_is_noticed() {
    let (mut bytes, _) = derivative(picture(600, 300, Channels::Rgb), 1);
    bytes.truncate(bytes.len() - 1);
    let bench = Bench::with(bytes, TilesSettings::default()).await;
    let index = bench.tiles.index(&bench.key).await;
    assert!(matches!(index, Err(TileError::Damaged { .. })), "{index:?}");
    let other = ObjectKey::derivative("1/2/absent", 1, 1);
    assert!(matches!(bench.tiles.index(&other).await, Err(TileError::NotFound(_))));
}

/// Another library reads the derivative as the pyramidal TIFF that it is.
#[test]
fn the_derivative_is_a_tiff_to_others() {
    for channels in [Channels::Rgb, Channels::Gray] {
        let raster = picture(1100, 601, channels);
        let (bytes, _) = derivative(raster.clone(), 2);
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
        std::fs::write(path("x.tif"), bytes).unwrap();
        for (page, width, height) in [(0, 1100, 601), (1, 550, 301), (2, 275, 151)] {
            let (from, to) = (format!("{}[page={page}]", path("x.tif")), path("page.png"));
            let Ok(output) = Command::new("vips").args(["copy", &from, &to]).output() else {
                eprintln!("SKIPPED: vips cannot be run");
                return;
            };
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success() && !said.contains("arning"), "{said}");
            let found = opened(&std::fs::read(&to).unwrap());
            assert_eq!((found.width, found.height, found.channels), (width, height, channels));
            for (x, y) in [(0, 0), (width / 2, height / 2), (width - 1, height - 1)] {
                let expected = color_at(&raster, (x << page).min(1099), (y << page).min(600));
                assert_near(color_at(&found, x, y), expected, &format!("page {page} {x},{y}"));
            }
        }
    }
}
