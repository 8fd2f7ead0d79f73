//! What programs of others read out of what was written: poppler, qpdf, unzip.

use dlcs_export::pdf::{OutlineItem, Page, PageContent, PdfWriter};
use dlcs_export::zip::ZipWriter;
use dlcs_text::{Block, Line, PageLayout, PageSize, Rect, Word};
use proptest::prelude::*;
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;
use turbojpeg::{Compressor, Image, PixelFormat, Subsamp};

const SIZE: PageSize = PageSize { width_px: 1200, height_px: 1600 };

/// Returns whether a program is there; in CI it has to be.
fn has(program: &str) -> bool {
    let found = Command::new(program).arg("--version").output().is_ok();
    assert!(found || std::env::var_os("CI").is_none(), "{program} is missing");
    if !found {
        eprintln!("SKIPPED: {program} is missing");
    }
    found
}

fn run(program: &str, args: &[&str], file: &Path) -> Output {
    let output = Command::new(program).args(args).arg(file).output().expect("it runs");
    assert!(output.status.success(), "{program} {args:?}: {output:?}");
    output
}

fn read(program: &str, args: &[&str], file: &Path) -> String {
    let output = Command::new(program).args(args).arg(file).arg("-").output().expect("it runs");
    assert!(output.status.success(), "{program} {args:?}: {output:?}");
    let complaint = String::from_utf8_lossy(&output.stderr);
    // Of a page without words it says so.
    assert!(complaint.lines().all(|it| it == "no word list"), "{program} {args:?}: {complaint}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// A gray slope.
fn jpeg(width: usize, height: usize, format: PixelFormat) -> Vec<u8> {
    let pitch = width * format.size();
    let pixels: Vec<u8> = (0..pitch * height).map(|at| (at % pitch * 255 / pitch) as u8).collect();
    let image = Image { pixels: pixels.as_slice(), width, pitch, height, format };
    let mut compressor = Compressor::new().expect("a compressor");
    let gray = format == PixelFormat::GRAY;
    compressor.set_subsamp(if gray { Subsamp::Gray } else { Subsamp::Sub2x2 }).expect("possible");
    compressor.compress_to_vec(image).expect("it is compressed")
}

/// A page of lines, each word 100 pixels wide with 20 between two.
fn layout(lines: &[Vec<String>]) -> PageLayout {
    let line = |(row, words): (usize, &Vec<String>)| {
        let word = |(column, text): (usize, &String)| {
            let (x, y) = (50 + 120 * column as u32, 80 + 60 * row as u32);
            let bounds = Rect { x, y, width: 100, height: 40 };
            Word { bounds, text: text.clone(), ..Word::default() }
        };
        Line { words: words.iter().enumerate().map(word).collect(), ..Line::default() }
    };
    let lines = lines.iter().enumerate().map(line).collect();
    PageLayout {
        width_px: SIZE.width_px,
        height_px: SIZE.height_px,
        blocks: vec![Block { lines, ..Block::default() }],
        ..PageLayout::default()
    }
}

fn words(text: &[&str]) -> Vec<Vec<String>> {
    text.iter().map(|line| line.split(' ').map(str::to_owned).collect()).collect()
}

/// Two pages, one of them closed, with a title and a table of contents.
fn book() -> Vec<u8> {
    let (first, second) = (jpeg(300, 400, PixelFormat::RGB), jpeg(300, 400, PixelFormat::GRAY));
    let layout = layout(&words(&["Habe Muth dich deines eigenen", "Verstandes zu bedienen!"]));
    let mut writer = PdfWriter::default();
    let mut page =
        |label, content| writer.page(&Page { label, size: SIZE, content }).expect("it is written");
    let mut bytes = page("ii", PageContent::Picture { jpeg: &first, text: Some(&layout) });
    bytes.extend(page("Tafel 1 – α", PageContent::Notice("This page is closed: „Sperrfrist“.")));
    bytes.extend(page("3", PageContent::Picture { jpeg: &second, text: None }));
    let item = |title: &str, page, items| OutlineItem { title: title.to_owned(), page, items };
    let below = vec![item("Zweites (Ende)", 2, vec![]), item("Nirgends", 99, vec![])];
    bytes.extend(
        writer.finish("Was ist Aufklärung?", &[item("Erstes", 0, below), item("λ", 1, vec![])]),
    );
    bytes
}

fn kept(bytes: &[u8], name: &str) -> (TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).expect("it is written");
    (folder, path)
}

#[test]
fn the_same_book_is_the_same_bytes_and_sound() {
    let bytes = book();
    assert_eq!(bytes, book());
    if !has("qpdf") {
        return;
    }
    let (_folder, path) = kept(&bytes, "book.pdf");
    let output = run("qpdf", &["--check"], &path);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("No syntax or stream encoding errors found"), "{said}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let json = run("qpdf", &["--json=2", "--json-key=pagelabels", "--json-key=outlines"], &path);
    let json = String::from_utf8(json.stdout).expect("UTF-8");
    for expected in ["u:Tafel 1 – α", "\"Zweites (Ende)\"", "\"Erstes\"", "\"λ\""] {
        assert!(json.contains(expected), "{expected}: {json}");
    }
    assert_eq!(json.matches("\"destpageposfrom1\": 3").count(), 2, "{json}");
}

#[test]
fn words_come_back_from_their_places() {
    if !has("pdftotext") {
        return;
    }
    let (folder, path) = kept(&book(), "book.pdf");
    let text = read("pdftotext", &[], &path);
    let pages: Vec<&str> = text.split('\u{c}').collect();
    let words = |page: usize| pages[page].split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(words(0), "Habe Muth dich deines eigenen Verstandes zu bedienen!");
    assert_eq!(words(1), "This page is closed: „Sperrfrist“.");
    assert_eq!(words(2), "");
    let boxes = read("pdftotext", &["-bbox"], &path);
    // The fourth word begins at pixel 410, and a pixel is 0.24 points.
    let word = boxes.lines().find(|it| it.contains(">deines</word>")).expect("it is there");
    let sides = word.split('"').skip(1).step_by(2).filter_map(|it| it.parse::<f64>().ok());
    let expected = [98.4, 19.2, 122.4, 28.8];
    assert!(sides.zip(expected).all(|(side, it)| (side - it).abs() < 0.01), "{word}");
    assert_eq!(word.matches('"').count(), 8, "{word}");
    let facts = run("pdfinfo", &[], &path);
    let facts = String::from_utf8(facts.stdout).expect("UTF-8");
    for expected in
        ["Was ist Aufklärung?", "Pages:           3", "288 x 384 pts", "Producer:        DLCS"]
    {
        assert!(facts.contains(expected), "{expected}: {facts}");
    }
    let picture = folder.path().join("page");
    let picture = picture.to_str().expect("UTF-8");
    let drawn =
        Command::new("pdftoppm").args(["-r", "72", "-gray"]).arg(&path).arg(picture).output();
    let drawn = drawn.expect("it runs");
    assert!(drawn.status.success() && drawn.stderr.is_empty(), "{drawn:?}");
    let first = std::fs::read(format!("{picture}-1.pgm")).expect("a picture");
    let row = &first[first.len() - 288..];
    // The slope is there and no word is to be seen on it.
    assert!(row[0] < 10 && row[287] > 245, "{row:?}");
    assert!(
        first[first.len() - 288 * 384..]
            .chunks(288)
            .all(|it| it.is_sorted_by(|a, b| a <= &b.saturating_add(6)))
    );
}

#[test]
fn a_zip_is_unpacked_as_it_was_packed() {
    if !has("unzip") {
        return;
    }
    let packed = || {
        let mut writer = ZipWriter::default();
        let mut bytes = writer.entry("kant.tif", b"first").expect("it is written");
        bytes.extend(writer.entry("../kant.tif", b"second").expect("it is written"));
        bytes.extend(writer.entry("Köln", b"").expect("it is written"));
        bytes.extend(writer.finish().expect("it is written"));
        bytes
    };
    assert_eq!(packed(), packed());
    let (folder, path) = kept(&packed(), "book.zip");
    run("unzip", &["-t"], &path);
    let target = folder.path().join("out");
    let target = target.to_str().expect("UTF-8");
    let output = Command::new("unzip").arg(&path).args(["-d", target]).output().expect("it runs");
    assert!(output.status.success(), "{output:?}");
    let content = |name: &str| std::fs::read(format!("{target}/{name}")).expect(name);
    assert_eq!(content("0001_kant.jpg"), b"first");
    assert_eq!(content("0002_kant.jpg"), b"second");
    assert_eq!(content("0003_Köln.jpg"), b"");
}

#[test]
fn an_empty_zip_and_an_empty_pdf_are_still_files() {
    let empty = ZipWriter::default().finish().expect("it is written");
    assert!(empty.starts_with(b"PK\x05\x06"));
    let empty = PdfWriter::default().finish("", &[]);
    assert!(empty.starts_with(b"%PDF-1.7"));
}

/// First and last of letters that are used in one direction, with the scripts they belong to.
fn left_to_right() -> impl Strategy<Value = char> {
    prop_oneof![
        prop::char::range('a', 'z'),
        prop::char::range('À', 'ſ'),
        prop::char::range('Α', 'Ω'),
        prop::char::range('а', 'я'),
        prop::char::range('\u{0905}', '\u{0939}'), // Devanagari.
        prop::char::range('\u{0e01}', '\u{0e30}'), // Thai.
        prop::char::range('\u{1200}', '\u{1246}'), // Ethiopic.
        prop::char::range('\u{3041}', '\u{3096}'), // Hiragana.
        prop::char::range('\u{4e00}', '\u{9fff}'),
        prop::char::range('\u{ac00}', '\u{d7a3}'),
        prop::char::range('\u{12000}', '\u{12399}'), // Cuneiform.
        prop::char::range('\u{20000}', '\u{2a6df}'), // Rare Chinese.
    ]
}

fn right_to_left() -> impl Strategy<Value = char> {
    prop_oneof![
        prop::char::range('\u{05d0}', '\u{05ea}'),
        prop::char::range('\u{0621}', '\u{063a}')
    ]
}

fn lines(letters: impl Strategy<Value = char>) -> impl Strategy<Value = Vec<Vec<String>>> {
    let word = prop::collection::vec(letters, 1..9).prop_map(|it| it.into_iter().collect());
    prop::collection::vec(prop::collection::vec(word, 1..6), 1..8)
}

fn come_back(lines: &[Vec<String>]) -> Result<(), TestCaseError> {
    let mut writer = PdfWriter::default();
    let (jpeg, layout) = (jpeg(8, 8, PixelFormat::GRAY), layout(lines));
    let content = PageContent::Picture { jpeg: &jpeg, text: Some(&layout) };
    let mut bytes = writer.page(&Page { label: "1", size: SIZE, content }).expect("it is written");
    bytes.extend(writer.finish("A page", &[]));
    let (_folder, path) = kept(&bytes, "page.pdf");
    // In the order of the file: what a reader takes for columns is not asked here.
    let text = read("pdftotext", &["-raw"], &path);
    let marks = ['\u{200e}', '\u{200f}', '\u{202a}', '\u{202b}', '\u{202c}'];
    let text = text.replace(marks, "");
    let read: Vec<&str> = text.split_whitespace().collect();
    let written: Vec<&str> = lines.iter().flatten().map(String::as_str).collect();
    prop_assert_eq!(read, written);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_word_of_any_script_comes_back(lines in lines(left_to_right())) {
        if has("pdftotext") {
            come_back(&lines)?;
        }
    }

    #[test]
    fn words_from_right_to_left_come_back(lines in lines(right_to_left())) {
        if has("pdftotext") {
            come_back(&lines)?;
        }
    }
}
