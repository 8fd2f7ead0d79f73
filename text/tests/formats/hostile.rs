//! Files made to harm (B47 to B52, B54) and limits: refused with a place, or read without harm.
//!
//! B53 is about METS that is read; here METS is only written.

use crate::fixtures::fixture;
use crate::round_trip::FORMATS;
use dlcs_text::markup::{ATTRIBUTES_MAX, DEPTH_MAX, NODES_MAX, WORD_BYTES_MAX, WORDS_MAX};
use dlcs_text::{Fault, PageLayout, ReadError, alto, hocr, page_xml};

/// A file of each format with a head before, and an inside within, its page.
fn files(head: &str, inside: &str) -> [(&'static str, String); 3] {
    [
        (
            "alto",
            format!(
                "{head}<alto><Layout><Page WIDTH=\"100\" HEIGHT=\"100\"><PrintSpace>{inside}\
                 </PrintSpace></Page></Layout></alto>"
            ),
        ),
        (
            "hocr",
            format!(
                "{head}<html><body><div class=\"ocr_page\" title=\"bbox 0 0 100 100\">{inside}\
                 </div></body></html>"
            ),
        ),
        (
            "page",
            format!(
                "{head}<PcGts><Page imageWidth=\"100\" imageHeight=\"100\">{inside}</Page></PcGts>"
            ),
        ),
    ]
}

fn read(format: &str, file: &str) -> Result<PageLayout, ReadError> {
    let (_, _, read) = FORMATS.into_iter().find(|it| it.0 == format).expect("known");
    read(file.as_bytes(), None)
}

fn all_refuse(head: &str, inside: &str, is_expected: impl Fn(&Fault) -> bool) {
    for (format, file) in files(head, inside) {
        let error = read(format, &file).expect_err(format);
        assert!(is_expected(&error.fault), "{format}: {error}");
    }
}

#[test]
fn b47_the_entity_bomb_of_the_fixtures_is_refused() {
    let Some(bytes) = fixture("hostile/alto_billion_laughs.xml") else { return };
    for (format, _, read) in FORMATS {
        let error = read(&bytes, None).unwrap_err();
        assert_eq!((error.fault, error.line), (Fault::DocumentType, 1), "{format}");
    }
}

#[test]
fn b47_to_b49_declarations_are_refused_whatever_they_declare() {
    for declarations in [
        "<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">",
        &format!("<!ENTITY a \"{}\">", "a".repeat(50_000)),
        "<!ENTITY x SYSTEM \"file:///etc/passwd\">",
        "<!ENTITY x SYSTEM \"http://127.0.0.1/x\">",
        "<!ENTITY % p SYSTEM \"http://127.0.0.1/x.dtd\">%p;",
        "<!ELEMENT a ANY>",
    ] {
        let head = format!("<?xml version=\"1.0\"?>\n<!DOCTYPE x [{declarations}]>");
        all_refuse(&head, "&x;&a;", |it| *it == Fault::DocumentType);
    }
}

/// HTML files begin with a document type. XML files of these formats have none to name.
#[test]
fn b49_a_document_type_without_declarations_is_for_html_only() {
    let xhtml = "<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 Transitional//EN\" \
                 \"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd\">";
    for head in ["<!DOCTYPE html>", xhtml, "<!DOCTYPE x SYSTEM \"http://127.0.0.1/x.dtd\">"] {
        for (format, file) in files(head, "") {
            match read(format, &file) {
                Ok(_) => assert_eq!(format, "hocr", "{head}"),
                Err(error) => assert_eq!(error.fault, Fault::DocumentType, "{head}"),
            }
        }
    }
}

#[test]
fn b49_an_entity_that_nobody_declared_is_an_error_in_xml_and_text_in_html() {
    let line = "<TextBlock><TextLine><String CONTENT=\"&x;\"/></TextLine></TextBlock>";
    let [(_, file), ..] = files("", line);
    assert!(matches!(alto::read(file.as_bytes(), None).unwrap_err().fault, Fault::Malformed(_)));
    let word = "<TextRegion><TextLine><TextEquiv><Unicode>&x;</Unicode></TextEquiv></TextLine></TextRegion>";
    let [.., (_, file)] = files("", word);
    assert!(matches!(
        page_xml::read(file.as_bytes(), None).unwrap_err().fault,
        Fault::Malformed(_)
    ));
    let [_, (_, file), _] = files("", "<span class=ocr_line>&x;</span>");
    let layout = hocr::read(file.as_bytes(), None).unwrap();
    assert_eq!(layout.words().next().unwrap().text, "&x;");
}

#[test]
fn b49_xinclude_includes_nothing() {
    let include = "<xi:include xmlns:xi=\"http://www.w3.org/2001/XInclude\" \
                   href=\"file:///etc/passwd\" parse=\"text\"/>";
    for (format, file) in files("", include) {
        assert_eq!(read(format, &file).unwrap().words().count(), 0, "{format}");
    }
}

#[test]
fn b50_elements_within_elements_end_at_the_limit() {
    let deep = |count: usize| format!("{}{}", "<b>".repeat(count), "</b>".repeat(count));
    // What stands around the inside: alto 4, html 3, page 2.
    for (format, around) in [("alto", 4), ("hocr", 3), ("page", 2)] {
        let file = |inside: &str| {
            let files = files("", inside);
            files.into_iter().find(|it| it.0 == format).expect("known").1
        };
        read(format, &file(&deep(DEPTH_MAX - around))).expect(format);
        for count in [DEPTH_MAX - around + 1, 100_000] {
            let fault = read(format, &file(&deep(count))).unwrap_err().fault;
            let expected =
                Fault::TooMany { what: "elements within elements", count_max: DEPTH_MAX };
            assert_eq!(fault, expected, "{format} {count}");
        }
    }
}

#[test]
fn b51_attributes_of_an_element_end_at_the_limit() {
    let element = |count: usize, name: &str| {
        let attributes: Vec<String> = (0..count).map(|n| format!("{name}{n}=\"\"")).collect();
        format!("<b {}/>", attributes.join(" "))
    };
    for (format, file) in files("", &element(ATTRIBUTES_MAX, "a")) {
        read(format, &file).expect(format);
    }
    for (count, name) in [(ATTRIBUTES_MAX + 1, "a"), (200_000, "a"), (1_000_000, "xmlns:a")] {
        all_refuse("", &element(count, name), |it| matches!(it, Fault::TooMany { .. }));
    }
}

#[test]
fn b51_nodes_end_at_the_limit() {
    let nodes = "<b/>".repeat(NODES_MAX / 2 + 1);
    let comments = "<!---->".repeat(NODES_MAX + 1);
    for many in [nodes.repeat(2), comments] {
        let is_expected = |it: &Fault| matches!(it, Fault::TooMany { what: "nodes", .. });
        all_refuse("", &many, is_expected);
    }
}

fn alto_line(strings: &str) -> String {
    let line = "<TextBlock><TextLine HPOS=\"1\" VPOS=\"2\" WIDTH=\"30\" HEIGHT=\"4\">";
    let [(_, file), ..] = files("", &format!("{line}{strings}</TextLine></TextBlock>"));
    file
}

#[test]
fn b52_places_that_are_no_numbers_are_refused_and_those_off_the_page_brought_into_it() {
    for place in ["NaN", "INF", "-inf", "1e309", "1,5", "0x10", "ten"] {
        let file = alto_line(&format!("\n<String CONTENT=\"a\" HPOS=\"{place}\"/>"));
        let error = alto::read(file.as_bytes(), None).unwrap_err();
        assert_eq!(error.fault, Fault::Number { name: "HPOS", value: place.to_owned() });
        assert_eq!(error.line, 2, "{place}");
    }
    for place in ["-5", "-1e300", "1e300", "101", "0.4", ""] {
        let strings = format!(
            "<String CONTENT=\"a\" HPOS=\"{place}\" VPOS=\"{place}\" WIDTH=\"{place}\" HEIGHT=\"{place}\"/>"
        );
        let layout = alto::read(alto_line(&strings).as_bytes(), None).unwrap();
        let bounds = layout.words().next().unwrap().bounds;
        assert!(bounds.width > 0 && bounds.x + bounds.width <= 100, "{place}: {bounds:?}");
        assert!(bounds.height > 0 && bounds.y + bounds.height <= 100, "{place}: {bounds:?}");
    }
}

#[test]
fn b52_pages_of_absurd_sizes() {
    for (width, is_read) in
        [("1000000", true), ("1000001", false), ("1e300", false), ("0", false), ("-5", false)]
    {
        let file = alto_line("<String CONTENT=\"a\"/>")
            .replace("WIDTH=\"100\"", &format!("WIDTH=\"{width}\""));
        assert_eq!(alto::read(file.as_bytes(), None).is_ok(), is_read, "{width}");
    }
}

#[test]
fn b52_words_end_at_the_limit() {
    let is_words =
        |it: &Fault| matches!(it, Fault::TooMany { what: "words", count_max: WORDS_MAX });
    let words = |count: usize| {
        let content = "a ".repeat(count);
        let line = "TextRegion><TextLine";
        [
            ("alto", alto_line(&"<String CONTENT=\"a\"/>".repeat(count))),
            ("alto", alto_line(&format!("<String CONTENT=\"{content}\"/>"))),
            ("hocr", files("", &format!("<p class=ocr_line>{content}</p>"))[1].1.clone()),
            ("hocr", files("", &"<p class=ocrx_word>a</p>".repeat(count))[1].1.clone()),
            (
                "page",
                files(
                    "",
                    &format!(
                        "<{line}><TextEquiv><Unicode>{content}</Unicode></TextEquiv>\
                         </TextLine></TextRegion>"
                    ),
                )[2]
                .1
                .clone(),
            ),
        ]
    };
    for (format, file) in words(WORDS_MAX) {
        assert_eq!(read(format, &file).expect(format).words().count(), WORDS_MAX);
    }
    for (format, file) in words(WORDS_MAX + 1) {
        let fault = read(format, &file).expect_err(format).fault;
        assert!(is_words(&fault), "{format}: {fault}");
    }
}

#[test]
fn b52_a_word_ends_at_the_limit() {
    for (length, is_read) in [(WORD_BYTES_MAX, true), (WORD_BYTES_MAX + 1, false)] {
        let word = "a".repeat(length);
        let file = alto_line(&format!("<String CONTENT=\"{word}\"/>"));
        assert_eq!(alto::read(file.as_bytes(), None).is_ok(), is_read, "{length}");
        let hyphen = format!("<String CONTENT=\"a\"/><HYP CONTENT=\"{}\"/>", &word[1..]);
        assert_eq!(alto::read(alto_line(&hyphen).as_bytes(), None).is_ok(), is_read, "{length}");
        let parts = "<b>a</b>".repeat(length);
        let file = files("", &format!("<p class=ocrx_word>{parts}</p>"))[1].1.clone();
        assert_eq!(hocr::read(file.as_bytes(), None).is_ok(), is_read, "{length}");
    }
}

#[test]
fn b52_references_in_circles_end() {
    let block = |id: &str, next: &str| {
        format!(
            "<TextBlock ID=\"{id}\" IDNEXT=\"{next}\"><TextLine><String CONTENT=\"{id}\"/>\
             </TextLine></TextBlock>"
        )
    };
    let [(_, file), ..] = files("", &[block("a", "b"), block("b", "a"), block("a", "a")].concat());
    assert_eq!(alto::read(file.as_bytes(), None).unwrap().words().count(), 3);
    let order = "<ReadingOrder><OrderedGroup><RegionRefIndexed index=\"1\" regionRef=\"a\"/>\
                 <RegionRefIndexed index=\"1\" regionRef=\"a\"/></OrderedGroup></ReadingOrder>";
    let region = "<TextRegion id=\"a\"><TextEquiv><Unicode>a b</Unicode></TextEquiv></TextRegion>";
    let [.., (_, file)] = files("", &format!("{order}{region}{region}"));
    assert_eq!(page_xml::read(file.as_bytes(), None).unwrap().words().count(), 4);
}

#[test]
fn b52_characters_in_disguise_are_refused() {
    let utf16: Vec<u8> = files("", "")[0].1.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let utf7 = "<?xml version=\"1.0\" encoding=\"UTF-7\"?>+ADw-alto+AD4-".as_bytes().to_vec();
    for bytes in [utf16, utf7, vec![0; 100], vec![0xFF; 100]] {
        for (format, _, read) in FORMATS {
            let fault = read(&bytes, None).expect_err(format).fault;
            assert!(matches!(fault, Fault::Characters(_)), "{format}: {fault}");
        }
    }
}

#[test]
fn b54_scripts_are_never_words_and_come_out_escaped() {
    let inside = "<script>var x = '<span class=ocrx_word>evil</span>';</script>\
         <style>p { }</style><!-- <span class=ocrx_word>evil</span> -->\
         <span class='ocr_line' onclick='alert(1)'>\
         <span class='ocrx_word' title='bbox 1 1 9 9'>&lt;script&gt;alert(1)&lt;/script&gt;</span>\
         <span class='ocrx_word' title='bbox 1 1 9 9'><SCRIPT>evil</SCRIPT>good</span></span>";
    let [_, (_, file), _] = files("", inside);
    let layout = hocr::read(file.as_bytes(), None).unwrap();
    let words: Vec<&str> = layout.words().map(|it| it.text.as_str()).collect();
    assert_eq!(words, ["<script>alert(1)</script>", "good"]);
    for (format, write, _) in FORMATS {
        let written = write(&layout, dlcs_text::Provenance::default());
        assert!(!written.contains("<script>"), "{format}");
        assert!(!written.contains("onclick"), "{format}");
    }
}

#[test]
fn what_is_not_closed_or_not_there_is_an_error_with_its_place() {
    let cases = [
        ("alto", "<alto>\n<Layout>", 2),
        ("alto", "<alto>\n</Layout></alto>", 2),
        ("alto", "<alto/>\n<alto/>", 2),
        ("alto", "<alto/>\ntext", 1),
        ("alto", "<alto a=\"1\" a=\"2\"/>", 1),
        ("alto", "", 1),
        ("alto", "plain text", 1),
        ("page", "<alto/>", 1),
        ("alto", "<PcGts/>", 1),
        ("alto", "<alto/>", 1),
        ("page", "<PcGts/>", 1),
        ("hocr", "<html><p>not hOCR</p></html>", 1),
        ("hocr", "<div class='ocr_page", 1),
        ("hocr", "<!-- ", 1),
        ("hocr", "", 1),
    ];
    for (format, file, line) in cases {
        let error = read(format, file).expect_err(file);
        assert_eq!(error.line, line, "{format} {file}: {error}");
    }
}
