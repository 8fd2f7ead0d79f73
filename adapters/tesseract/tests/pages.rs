//! Real pages with real models, beside what the `tesseract` program makes of them.

use dlcs_adapter_tesseract::{ModelFolder, Tesseract, TesseractSettings};
use dlcs_imaging::raster::Channels;
use dlcs_imaging::{DecodeLimits, decode_uncorrected, resolution_dpi};
use dlcs_text::recogniser::{Picture, Recognised, Recogniser};
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::Command;

fn page(name: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures/pages");
    let path = folder.join(name);
    if path.is_file() {
        return Some(path);
    }
    eprintln!("SKIPPED: there is no {}", path.display());
    None
}

fn engine() -> Option<Tesseract> {
    let models = ModelFolder::usual();
    if models.is_none() {
        eprintln!("SKIPPED: there is no folder of models");
    }
    models.map(|models| Tesseract::new(TesseractSettings::of(models)))
}

fn recognise(engine: &mut Tesseract, path: &Path, languages: &[&str]) -> Recognised {
    let mut source = BufReader::new(File::open(path).expect("the page is there"));
    let resolution_dpi = resolution_dpi(&mut source);
    let raster = decode_uncorrected(source, &DecodeLimits::default()).expect("a picture").raster;
    let picture = Picture {
        width_px: raster.width,
        height_px: raster.height,
        channels: if raster.channels == Channels::Gray { 1 } else { 3 },
        pixels: &raster.pixels,
        resolution_dpi,
    };
    let languages: Vec<_> = languages.iter().map(|it| (*it).to_owned()).collect();
    engine.recognise(picture, &languages).expect("the page is read")
}

fn words(recognised: &Recognised) -> Vec<String> {
    recognised.layout.words().map(|word| word.text.clone()).collect()
}

/// Words in the order in which the program prints them.
fn words_of_the_program(path: &Path, languages: &str) -> Vec<String> {
    let output = Command::new("tesseract")
        .arg(path)
        .args(["-", "-l", languages])
        .env("OMP_THREAD_LIMIT", "1")
        .output()
        .expect("the program is installed with the models");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    text.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn a_page_is_read_as_the_program_reads_it() {
    let Some(mut engine) = engine() else { return };
    for (name, languages) in [("phototest.tif", &["eng"][..]), ("eurotext.tif", &["eng", "deu"])] {
        let Some(path) = page(name) else { return };
        let ours = recognise(&mut engine, &path, languages);
        assert_eq!(words(&ours), words_of_the_program(&path, &languages.join("+")), "{name}");
        assert_eq!(ours.engine.name, "tesseract");
        assert_eq!(ours.engine.models.len(), languages.len());
        assert!(ours.confidence.is_some_and(|it| it > 60), "{:?}", ours.confidence);
    }
}

#[test]
fn boxes_lie_within_their_lines_and_lines_within_the_page() {
    let (Some(mut engine), Some(path)) = (engine(), page("phototest.tif")) else { return };
    let layout = recognise(&mut engine, &path, &["eng"]).layout;
    assert_eq!((layout.width_px, layout.height_px), (640, 480));
    assert_eq!(layout.languages, ["en"]);
    assert!(layout.lines().count() >= 8, "{}", layout.lines().count());
    for line in layout.lines() {
        for word in &line.words {
            assert!(word.bounds.x >= line.bounds.x && word.bounds.y >= line.bounds.y);
            let right = |it: dlcs_text::Rect| (it.x + it.width, it.y + it.height);
            assert!(right(word.bounds) <= (layout.width_px, layout.height_px));
            assert!(word.bounds.width > 0 && word.bounds.height > 0);
        }
    }
}

#[test]
fn an_engine_that_is_used_again_reads_the_same() {
    let (Some(mut engine), Some(path)) = (engine(), page("phototest.tif")) else { return };
    let first = recognise(&mut engine, &path, &["eng"]);
    recognise(&mut engine, &path, &["deu"]);
    assert_eq!(recognise(&mut engine, &path, &["eng"]), first);
}

#[test]
fn nothing_is_read_on_white_and_tiny_pages() {
    let Some(mut engine) = engine() else { return };
    for (width_px, height_px, channels) in [(1, 1, 1), (3, 2, 3), (1, 400, 1), (400, 300, 3)] {
        let pixels = vec![255; (width_px * height_px * u32::from(channels)) as usize];
        let picture =
            Picture { width_px, height_px, channels, pixels: &pixels, resolution_dpi: Some(300) };
        let recognised = engine.recognise(picture, &["eng".to_owned()]).unwrap();
        assert_eq!(recognised.layout.words().count(), 0, "{width_px} × {height_px}");
        assert_eq!(recognised.confidence, None);
    }
}
