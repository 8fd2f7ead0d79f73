//! Files of libraries and engines, as they are. Skipped, and said so, where they are missing.

use dlcs_text::{Hyphen, PageLayout, PageSize, Rect, Word, alto, hocr, page_xml, resolve_hyphens};
use std::path::PathBuf;

pub(crate) fn shared() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared")
}

pub(crate) fn fixture(path: &str) -> Option<Vec<u8>> {
    let path = shared().join("fixtures").join(path);
    let bytes = std::fs::read(&path).ok();
    if bytes.is_none() {
        assert!(option_env!("CI").is_none(), "{} is missing", path.display());
        eprintln!("SKIPPED: {} is missing", path.display());
    }
    bytes
}

/// Pins what is read: counts, then the first and the last word with their boxes.
fn summary(layout: &PageLayout) -> String {
    let place = |word: Option<&Word>| {
        let word = word.expect("there are words");
        let Rect { x, y, width, height } = word.bounds;
        format!("{} at {x},{y},{width},{height}", word.text)
    };
    let is_first_half = |it: &&Word| matches!(it.hyphen, Some(Hyphen::First { .. }));
    format!(
        "{}x{} {:?}: {} blocks, {} lines, {} words, {} divided, {} confident; {} … {}",
        layout.width_px,
        layout.height_px,
        layout.languages,
        layout.blocks.len(),
        layout.lines().count(),
        layout.words().count(),
        layout.words().filter(is_first_half).count(),
        layout.words().filter(|it| it.confidence.is_some()).count(),
        place(layout.words().next()),
        place(layout.words().last()),
    )
}

type Read = fn(&[u8], Option<PageSize>) -> Result<PageLayout, dlcs_text::ReadError>;

fn check(read: Read, path: &str, image: Option<(u32, u32)>, expected: &str) -> Option<PageLayout> {
    let image = image.map(|(width_px, height_px)| PageSize { width_px, height_px });
    let layout = read(&fixture(path)?, image).expect("it is read");
    assert_eq!(summary(&layout), expected, "{path}");
    Some(layout)
}

fn wholes(layout: &PageLayout) -> Vec<&str> {
    let whole = |word| match word {
        &Word { hyphen: Some(Hyphen::First { ref whole }), .. } => Some(whole.as_str()),
        _ => None,
    };
    layout.words().filter_map(whole).collect()
}

/// Newspapers in tenths of a millimetre, scanned with 300 dots an inch.
#[test]
fn docworks_alto_3_is_scaled_to_its_image() {
    let path = "alto/1860-11-30_01-00001.xml";
    let Some(layout) = check(
        alto::read,
        path,
        Some((3_744, 5_775)),
        "3744x5775 []: 31 blocks, 360 lines, 2270 words, 64 divided, 2270 confident; \
         M at 123,273,77,52 … conçus: at 2680,5410,127,32",
    ) else {
        return;
    };
    assert_eq!(&wholes(&layout)[..2], ["excepté", "correspondances,"]);
    check(
        alto::read,
        "alto/bnl_lunion_1865-04-15.xml",
        Some((3_744, 5_563)),
        "3744x5563 []: 27 blocks, 408 lines, 2816 words, 97 divided, 2816 confident; \
         quelle at 124,3822,103,37 … soupçon at 3352,3718,139,30",
    );
    let without = alto::read(&fixture(path).expect("as above"), None).unwrap_err();
    assert!(without.to_string().contains("give the image's"), "{without}");
}

#[test]
fn ocr_d_alto_4_without_spaces_and_tesseract_alto_3() {
    check(
        alto::read,
        "alto/alto_nospace.xml",
        None,
        "1269x1947 []: 3 blocks, 20 lines, 117 words, 0 divided, 0 confident; \
         Vorerinnerung. at 323,594,486,56 … Dämon at 836,1676,146,40",
    );
    check(
        alto::read,
        "alto/sbb_alto.xml",
        None,
        "537x922 []: 12 blocks, 17 lines, 62 words, 0 divided, 62 confident; \
         2 at 41,97,5,5 … 2.80. at 308,743,34,13",
    );
}

/// ALTO 4.2 of eScriptorium: one string for a whole line.
#[test]
fn a_line_in_one_string_becomes_words() {
    let layout = check(
        alto::read,
        "pages/btv1b8610802d_f31.xml",
        None,
        "2575x3631 []: 4 blocks, 21 lines, 103 words, 0 divided, 0 confident; \
         TRAGEDIE. at 683,239,960,145 … B at 1585,2998,82,148",
    );
    let Some(layout) = layout else { return };
    let texts: Vec<&str> = layout.words().skip(2).take(2).map(|it| it.text.as_str()).collect();
    assert_eq!(texts, ["SCENE", "III."]);
}

#[test]
fn the_same_page_in_alto_2_and_in_page_xml() {
    let alto = check(
        alto::read,
        "pages/kant_0020.alto.xml",
        None,
        "1457x2084 []: 4 blocks, 31 lines, 258 words, 0 divided, 0 confident; \
         ( at 847,295,15,40 … - at 1323,1771,11,34",
    );
    // Here the lines say which marks stand at which words.
    let page = check(
        page_xml::read,
        "pages/kant_0020.xml",
        None,
        "1457x2084 [\"de\"]: 4 blocks, 31 lines, 208 words, 0 divided, 0 confident; \
         ( at 847,295,15,40 … Stan- at 1234,1771,100,34",
    );
    let Some((alto, mut page)) = alto.zip(page) else { return };
    let letters = |it: &PageLayout| it.words().map(|it| it.text.as_str()).collect::<String>();
    assert_eq!(letters(&alto), letters(&page));
    resolve_hyphens(&mut page);
    let expected = "Despotism Bedru\u{364}kkung, Denkungsart Vorurtheile allen Offizier gehorcht!) \
                    Freiheit. Aufkla\u{364}rung";
    assert_eq!(wholes(&page).join(" "), expected);
}

/// Lines without words, as transcribers leave them.
#[test]
fn page_xml_without_words_in_reading_order() {
    let laube = check(
        page_xml::read,
        "pages/laube_europa0202_1837_0105.xml",
        None,
        "1280x2091 []: 5 blocks, 26 lines, 153 words, 0 divided, 0 confident; \
         97 at 588,185,48,30 … 5 at 814,1767,22,31",
    );
    if let Some(laube) = laube {
        let truth = fixture("pages/laube_europa0202_1837_0105.gt.txt").expect("beside the page");
        let truth = String::from_utf8(truth).expect("UTF-8");
        let words: Vec<&str> = laube.words().map(|it| it.text.as_str()).collect();
        assert_eq!(words, truth.split_whitespace().collect::<Vec<_>>());
    }
    let bebel = check(
        page_xml::read,
        "pages/bebel_frau_1879_0146.xml",
        None,
        "3068x4660 []: 5 blocks, 50 lines, 408 words, 0 divided, 0 confident; \
         — at 1274,119,69,54 … Zukunft at 2561,4388,233,69",
    );
    let Some(mut bebel) = bebel else { return };
    resolve_hyphens(&mut bebel);
    // `tausenderschwunden` and `Selbstbestimseitigt` are the file's: its transcribers put the last
    // line of a paragraph where it does not belong.
    let expected = "entfalten. Gärtnerarbeit. Hülfswerkzeuge tausenderschwunden, prachtvollen \
                    zusammenfassen Selbstbestimseitigt*). Gleichordnung Thätigkeit";
    assert_eq!(wholes(&bebel).join(" "), expected);
}

#[test]
fn soft_hyphens_of_hocr_divide_words() {
    let layout = check(
        hocr::read,
        "alto/hocr_hyphen.html",
        None,
        "1662x2618 []: 9 blocks, 43 lines, 432 words, 8 divided, 0 confident; \
         162 at 120,78,58,31 … 687. at 478,2353,61,27",
    );
    let Some(layout) = layout else { return };
    assert_eq!(&wholes(&layout)[..2], ["verbunden", "Schweizerdeutsch:"]);
}
