//! What files of other programs leave out or do otherwise, and what is made of it.

use dlcs_text::{Hyphen, PageLayout, PageSize, Rect, alto, hocr, page_xml};

/// Word by word: text, box, confidence, language.
fn words(layout: &PageLayout) -> Vec<String> {
    let word = |it: &dlcs_text::Word| {
        let Rect { x, y, width, height } = it.bounds;
        let confidence = it.confidence.map(|it| format!(" {it}%")).unwrap_or_default();
        let language = it.language.as_ref().map(|it| format!(" {it}")).unwrap_or_default();
        format!("{} {x},{y},{width},{height}{confidence}{language}", it.text)
    };
    layout.words().map(word).collect()
}

fn texts(layout: &PageLayout) -> Vec<Vec<String>> {
    let line = |it: &dlcs_text::Line| {
        let words: Vec<&str> = it.words.iter().map(|it| it.text.as_str()).collect();
        words.join(" ")
    };
    layout.blocks.iter().map(|block| block.lines.iter().map(line).collect()).collect()
}

fn alto_page(unit: &str, page: &str, inside: &str) -> String {
    format!(
        "<?xml version='1.0'?><alto xmlns='http://www.loc.gov/standards/alto/ns-v2#'>\
         <Description>{unit}</Description><Layout><Page {page}><PrintSpace>{inside}</PrintSpace>\
         </Page></Layout></alto>"
    )
}

fn alto(unit: &str, page: &str, inside: &str, image: Option<(u32, u32)>) -> PageLayout {
    let image = image.map(|(width_px, height_px)| PageSize { width_px, height_px });
    alto::read(alto_page(unit, page, inside).as_bytes(), image).expect("it is read")
}

const LINE: &str = "<TextBlock><TextLine HPOS='100' VPOS='200' WIDTH='300' HEIGHT='40'>\
    <String CONTENT='abc' HPOS='100' VPOS='200' WIDTH='120' HEIGHT='40' WC='0.934'/>\
    <SP/><String CONTENT='de' HPOS='250.4' VPOS='205.5' WIDTH='149.6' HEIGHT='30' WC='87'/>\
    </TextLine></TextBlock>";

#[test]
fn alto_units_become_pixels_of_the_image_or_by_the_resolution() {
    let size = "WIDTH='2540' HEIGHT='5080'";
    let pixel = alto("<MeasurementUnit>pixel</MeasurementUnit>", size, LINE, None);
    assert_eq!(words(&pixel), ["abc 100,200,120,40 93%", "de 250,206,150,30 87%"]);
    let unsaid = alto("", size, LINE, None);
    assert_eq!(unsaid, pixel);
    let mm10 = "<MeasurementUnit>mm10</MeasurementUnit>";
    let image = alto(mm10, size, LINE, Some((5_080, 5_080)));
    assert_eq!(words(&image), ["abc 200,200,240,40 93%", "de 501,206,299,30 87%"]);
    let settings = "<OCRProcessing><ocrProcessingStep><processingStepSettings>dpi:508\
                    </processingStepSettings></ocrProcessingStep></OCRProcessing>";
    let resolved = alto(&format!("{mm10}{settings}"), size, LINE, None);
    assert_eq!((resolved.width_px, resolved.height_px), (5_080, 10_160));
    assert_eq!(words(&resolved)[0], "abc 200,400,240,80 93%");
    let inch1200 = "<MeasurementUnit>inch1200</MeasurementUnit>";
    let settings = settings.replace("508", "600");
    let resolved = alto(&format!("{inch1200}{settings}"), size, LINE, None);
    assert_eq!(words(&resolved)[0], "abc 50,100,60,20 93%");
    // The page's size may be missing, if the image's is known.
    let sized = alto(&format!("{inch1200}{settings}"), "", LINE, Some((700, 900)));
    assert_eq!(words(&sized)[0], "abc 50,100,60,20 93%");
    assert_eq!((sized.width_px, sized.height_px), (700, 900));
}

#[test]
fn an_alto_unit_that_nobody_knows_is_named() {
    let file = alto_page("<MeasurementUnit>cubit</MeasurementUnit>", "", LINE);
    let error = alto::read(file.as_bytes(), None).unwrap_err().to_string();
    assert!(error.contains("`cubit`") && error.contains("`mm10`"), "{error}");
}

#[test]
fn alto_1_without_namespace_and_a_prefixed_one_are_the_same() {
    let plain = alto_page("", "WIDTH='900' HEIGHT='900'", LINE);
    let bare = plain.replace(" xmlns='http://www.loc.gov/standards/alto/ns-v2#'", "");
    let prefixed = plain
        .replace("</", "</ns2:")
        .replace('<', "<ns2:")
        .replace("<ns2:/ns2:", "</ns2:")
        .replace("<ns2:?", "<?")
        .replace("xmlns=", "xmlns:ns2=");
    let read = |it: &str| alto::read(it.as_bytes(), None).expect(it);
    assert_eq!(read(&bare), read(&plain));
    assert_eq!(read(&prefixed), read(&plain));
}

#[test]
fn alto_boxes_that_are_missing_are_shared_out() {
    let size = "WIDTH='900' HEIGHT='900'";
    let line = "<TextBlock HPOS='0' VPOS='0' WIDTH='90' HEIGHT='40'><TextLine>\
                <String CONTENT='aaaa'/><String CONTENT='bbbb'/></TextLine>\
                <TextLine><String CONTENT='cc dd' WC='0.5'/></TextLine></TextBlock>";
    let shared = alto("", size, line, None);
    let expected = ["aaaa 0,0,40,20", "bbbb 50,0,40,20", "cc 0,20,36,20 50%", "dd 54,20,36,20 50%"];
    assert_eq!(words(&shared), expected);
    let lone = "<TextBlock><TextLine><String CONTENT='a'/></TextLine></TextBlock>";
    assert_eq!(words(&alto("", size, lone, None)), ["a 0,0,900,900"]);
}

#[test]
fn alto_hyphens_belong_to_their_words() {
    let size = "WIDTH='900' HEIGHT='900'";
    let inside = "<TextBlock><TextLine HPOS='0' VPOS='0' WIDTH='100' HEIGHT='10'>\
        <String CONTENT='Zuk' HPOS='0' VPOS='0' WIDTH='80' HEIGHT='10' SUBS_TYPE='HypPart1' \
        SUBS_CONTENT='Zucker,'/><HYP CONTENT='-' HPOS='82' VPOS='4' WIDTH='10' HEIGHT='2'/>\
        </TextLine><TextLine HPOS='0' VPOS='20' WIDTH='100' HEIGHT='10'>\
        <String CONTENT='ker,' SUBS_TYPE='HypPart2' SUBS_CONTENT='Zucker,'/>\
        <String CONTENT='verbun'/><HYP/></TextLine>\
        <TextLine HPOS='0' VPOS='40' WIDTH='100' HEIGHT='10'><String CONTENT='den-'/>\
        <HYP CONTENT='-'/></TextLine></TextBlock>";
    let layout = alto("", size, inside, None);
    assert_eq!(words(&layout)[0], "Zuk- 0,0,92,10");
    let halves: Vec<String> =
        layout.words().map(|it| format!("{} {:?}", it.text, it.hyphen)).collect();
    assert_eq!(
        halves,
        [
            "Zuk- Some(First { whole: \"Zucker,\" })",
            "ker, Some(Second { whole: \"Zucker,\" })",
            "verbun- Some(First { whole: \"verbunden-\" })",
            "den- Some(Second { whole: \"verbunden-\" })",
        ]
    );
}

#[test]
fn alto_reading_order_counts_more_than_the_order_of_the_file() {
    let block = |id: &str, more: &str| {
        format!(
            "<TextBlock ID='{id}' {more}><TextLine><String CONTENT='{id}'/></TextLine></TextBlock>"
        )
    };
    let size = "WIDTH='9' HEIGHT='9'";
    let flat = |layout: PageLayout| texts(&layout).concat().join(" ");
    let file = [block("a", ""), block("b", "IDNEXT='c'"), block("d", ""), block("c", "")].concat();
    assert_eq!(flat(alto("", size, &file, None)), "a b c d");
    let order = "</Description><ReadingOrder><OrderedGroup ID='g'><ElementRef ID='e1' REF='c'/>\
                 <ElementRef ID='e2' REF='a d'/></OrderedGroup></ReadingOrder><Description>";
    assert_eq!(flat(alto(order, size, &file, None)), "c a d b");
    let margins = format!(
        "</PrintSpace><BottomMargin>{}</BottomMargin><PrintSpace>{}",
        block("foot", ""),
        block("text", "")
    );
    assert_eq!(flat(alto("", size, &margins, None)), "text foot");
    let composed = format!("<ComposedBlock>{}{}</ComposedBlock>", block("x", ""), block("y", ""));
    assert_eq!(flat(alto("", size, &composed, None)), "x y");
}

#[test]
fn several_pages_are_refused() {
    let page = "<Page WIDTH='9' HEIGHT='9'/>";
    let file = format!("<alto><Layout>{page}\n{page}</Layout></alto>");
    let error = alto::read(file.as_bytes(), None).unwrap_err();
    assert_eq!(error.line, 2);
    assert!(error.to_string().contains("several pages"), "{error}");
    let page = "<div class='ocr_page' title='bbox 0 0 9 9'></div>";
    assert!(hocr::read(format!("{page}{page}").as_bytes(), None).is_err());
    let page = "<Page imageWidth='9' imageHeight='9'/>";
    assert!(page_xml::read(format!("<PcGts>{page}{page}</PcGts>").as_bytes(), None).is_err());
}

#[test]
fn languages_come_from_wherever_they_stand() {
    let size = "WIDTH='9' HEIGHT='9' LANG='de' OTHERLANGS='la fra'";
    let inside = "<TextBlock LANG='la'><TextLine><String CONTENT='a'/><String CONTENT='b' LANG='deu'/>\
                  </TextLine></TextBlock><TextBlock language='fre'><TextLine><String CONTENT='c'/>\
                  </TextLine></TextBlock>";
    let layout = alto("", size, inside, None);
    assert_eq!(layout.languages, ["de", "la", "fr"]);
    let of = |layout: &PageLayout| -> Vec<Option<String>> {
        layout.words().map(|it| it.language.clone()).collect()
    };
    assert_eq!(of(&layout), [Some("la".into()), None, Some("fr".into())]);
    let unsaid = alto("", "WIDTH='9' HEIGHT='9'", &inside.replace(" LANG='deu'", ""), None);
    assert_eq!(unsaid.languages, ["la", "fr"]);
    assert_eq!(of(&unsaid), [None, None, Some("fr".into())]);
}

/// As Tesseract 5 writes it.
#[test]
fn hocr_of_tesseract() {
    let file = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
        <!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 Transitional//EN\" \"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd\">\n\
        <html xmlns=\"http://www.w3.org/1999/xhtml\" xml:lang=\"en\" lang=\"en\">\n\
        <head><title></title><meta http-equiv=\"Content-Type\" content=\"text/html;charset=utf-8\"/>\n\
        <meta name='ocr-system' content='tesseract 5.3.0' /></head>\n\
        <body><div class='ocr_page' id='page_1' title='image \"/tmp/x; bbox.png\"; bbox 0 0 640 480; ppageno 0; scan_res 70 70'>\n\
        <div class='ocr_carea' id='block_1_1' title=\"bbox 36 92 618 361\">\n\
        <p class='ocr_par' id='par_1_1' lang='frk' title=\"bbox 36 92 618 184\">\n\
        <span class='ocr_header' id='line_1_1' title=\"bbox 36 92 580 122; baseline 0 -6; x_size 30\">\n\
        <span class='ocrx_word' id='word_1_1' title='bbox 36 92 96 116; x_wconf 93'>Kopf</span>\n\
        <span class='ocrx_word' id='word_1_2' title='bbox 109 92 173 116; x_wconf 92' lang='lat'><strong>zei&shy;le</strong></span>\n\
        </span></p>\n\
        <p class='ocr_par' id='par_1_2' lang='frk' title=\"bbox 36 200 618 300\">\n\
        <span class='ocr_line' id='line_1_2' title=\"bbox 36 200 580 222\">\n\
        <span class='ocrx_word' id='word_1_3' title='bbox 36 200 96 216; x_wconf 9'> Text </span>\n\
        </span></p></div>\n\
        <div class='ocr_photo' id='block_1_2' title=\"bbox 0 0 9 9\"></div>\n\
        </div></body></html>";
    let layout = hocr::read(file.as_bytes(), None).unwrap();
    assert_eq!(texts(&layout), [["Kopf zei\u{AD}le"], ["Text"]]);
    let expected = [
        "Kopf 36,92,60,24 93% de-Latf",
        "zei\u{AD}le 109,92,64,24 92% la",
        "Text 36,200,60,16 9% de-Latf",
    ];
    assert_eq!(words(&layout), expected);
    assert_eq!(layout.languages, ["en"]);
    let half = PageSize { width_px: 320, height_px: 240 };
    assert_eq!(
        words(&hocr::read(file.as_bytes(), Some(half)).unwrap())[0],
        "Kopf 18,46,30,12 93% de-Latf"
    );
}

#[test]
fn hocr_that_is_hardly_html() {
    let file = "<HTML><BODY>\n<DIV CLASS=ocr_page TITLE='bbox 0 0 100 100'>\n\
        <P CLASS=ocr_par TITLE='bbox 0 0 100 20'>\n\
        <SPAN CLASS='x ocr_line y' TITLE='bbox 0 0 100 10'>one<BR>two &amp; thr&eacute;e</SPAN>\n\
        <P CLASS=ocr_par>\n\
        <SPAN CLASS=ocr_caption TITLE='bbox 0 20 100 40'>\n\
        <SPAN CLASS=ocr_line TITLE='bbox 0 20 100 30'>under</SPAN>\n\
        <SPAN CLASS=ocr_line TITLE='bbox 0 30 100 40'>neath</SPAN></SPAN>\n\
        <SPAN CLASS=ocr_line TITLE='bbox 0 50 100 60'>after</SPAN>\n\
        <SPAN CLASS=ocrx_word TITLE='bbox 1 70 9 80'>lone</SPAN>";
    let layout = hocr::read(file.as_bytes(), None).unwrap();
    let expected: [Vec<&str>; 3] =
        [vec!["one two & thrée"], vec!["under", "neath"], vec!["after", "lone"]];
    assert_eq!(texts(&layout), expected);
    assert_eq!(words(&layout)[0], "one 0,0,20,10");
}

#[test]
fn page_xml_of_2010_has_points_and_takes_the_best_reading() {
    let file = "<PcGts xmlns='http://schema.primaresearch.org/PAGE/gts/pagecontent/2010-03-19'>\
        <Page imageWidth='100' imageHeight='100' primaryLanguage='Latin'>\
        <ImageRegion id='i'><Coords><Point x='0' y='0'/><Point x='9' y='9'/></Coords></ImageRegion>\
        <TableRegion id='t'><Coords points='0,0 100,100'/>\
        <TextRegion id='r'><Coords><Point x='10' y='10'/><Point x='60' y='10'/><Point x='60' y='40'/></Coords>\
        <TextLine><Coords points='10,10 60,20'/><Word language='German'><Coords points='10,10 30,20'/>\
        <Glyph><Coords points='0,0 1,1'/><TextEquiv><Unicode>w</Unicode></TextEquiv></Glyph>\
        <TextEquiv index='1' conf='0.2'><Unicode>worse</Unicode></TextEquiv>\
        <TextEquiv index='0' conf='0.8'><Unicode>best</Unicode></TextEquiv></Word>\
        <TextEquiv><Unicode>line</Unicode></TextEquiv></TextLine>\
        <TextEquiv><Unicode>region</Unicode></TextEquiv></TextRegion></TableRegion>\
        <TextRegion id='s'><Coords points='0,50 40,90'/><TextEquiv><PlainText>two\nlines here</PlainText>\
        </TextEquiv></TextRegion></Page></PcGts>";
    let layout = page_xml::read(file.as_bytes(), None).unwrap();
    let expected =
        ["best 10,10,20,10 80% de", "two 0,50,40,20", "lines 0,70,20,20", "here 24,70,16,20"];
    assert_eq!(words(&layout), expected);
    assert_eq!(layout.languages, ["la"]);
    assert_eq!(layout.blocks[0].bounds, Rect { x: 10, y: 10, width: 50, height: 30 });
}

#[test]
fn a_soft_hyphen_at_the_end_of_a_line_divides_in_every_format() {
    let hyphen = |it: &PageLayout| it.words().next().and_then(|it| it.hyphen.clone());
    let expected = Some(Hyphen::First { whole: "verbunden".into() });
    let line = |text| format!("<TextLine><String CONTENT='{text}'/></TextLine>");
    let lines = format!("<TextBlock>{}{}</TextBlock>", line("verbun\u{AD}"), line("den"));
    assert_eq!(hyphen(&alto("", "WIDTH='9' HEIGHT='9'", &lines, None)), expected);
    let line =
        |text| format!("<TextLine><TextEquiv><Unicode>{text}</Unicode></TextEquiv></TextLine>");
    let file = format!(
        "<PcGts><Page imageWidth='9' imageHeight='9'><TextRegion>{}{}</TextRegion></Page></PcGts>",
        line("verbun\u{AD}"),
        line("den")
    );
    assert_eq!(hyphen(&page_xml::read(file.as_bytes(), None).unwrap()), expected);
}
