//! What is accepted, refused, read and printed.

use super::open::{self, Dialect};
use super::region::{self, Region};
use super::{Subject, Times, WebAnnotation, html, svg};
use proptest::prelude::*;
use serde_json::{Value, json};

const CONTEXT: &str = super::CONTEXT;

fn note() -> Value {
    json!({
        "@context": CONTEXT,
        "type": "Annotation",
        "motivation": "commenting",
        "body": {"type": "TextualBody", "value": "A wood", "format": "text/plain"},
        "target": "https://example.org/canvas#xywh=1,2,30,40",
    })
}

fn with(key: &str, value: Value) -> Value {
    let mut note = note();
    note[key] = value;
    note
}

fn parse(value: &Value) -> Result<WebAnnotation, String> {
    WebAnnotation::parse(&value.to_string()).map_err(|it| it.to_string())
}

fn parsed(value: &Value) -> WebAnnotation {
    parse(value).expect("a valid annotation")
}

fn times() -> Times {
    Times { created: "2026-01-01T00:00:00Z".into(), modified: None }
}

fn published(value: &Value) -> Value {
    parsed(value).published("https://x/a", &times()).into()
}

#[test]
fn a_document_is_kept_whole_but_for_its_id() {
    let sent = with("dc:subject", json!({"any": [1, 2.5, null]}));
    let shown = published(&sent);
    for (key, value) in sent.as_object().unwrap() {
        assert_eq!(shown[key], *value, "{key}");
    }
    assert_eq!(shown["id"], "https://x/a");
    assert_eq!(shown["created"], "2026-01-01T00:00:00Z");
    let stored = parsed(&sent).to_stored();
    assert_eq!(WebAnnotation::from_stored(&stored), Some(parsed(&sent)));
}

#[test]
fn an_id_of_the_client_becomes_via_and_canonical_stays() {
    let mut sent = with("id", json!("https://client.example/1"));
    sent["canonical"] = json!("urn:uuid:dbfb1861-0ecf-41ad-be94-a584e5c4f1df");
    let shown = published(&sent);
    assert_eq!(shown["via"], "https://client.example/1");
    assert_eq!(shown["canonical"], sent["canonical"]);
    sent["via"] = json!(["https://other.example/2"]);
    let both = json!(["https://other.example/2", "https://client.example/1"]);
    assert_eq!(published(&sent)["via"], both);
    assert_eq!(published(&with("id", json!("#temporary-1"))).get("via"), None);
    let mut own = parsed(&with("id", json!("https://x/a")));
    own.forget_via("https://x/a");
    assert_eq!(own, parsed(&note()));
}

#[test]
fn what_the_model_forbids_is_refused_with_its_place() {
    let specific =
        |selector: Value| json!({"source": "https://example.org/c", "selector": selector});
    for (key, value, place) in [
        ("@context", json!("http://example.org/mine.jsonld"), "/@context"),
        ("@context", json!([CONTEXT, {"body": "http://evil.example/"}]), "/@context"),
        ("@context", json!(vec![CONTEXT; 10_000]), "/@context"),
        ("type", json!("Note"), "/type"),
        ("bodyValue", json!("twice"), "/bodyValue"),
        ("target", json!([]), "/target"),
        ("target", json!("not an address"), "/target"),
        ("target", json!({"type": "TextualBody", "value": "x"}), "/target"),
        ("created", json!("yesterday"), "/created"),
        ("created", json!(["2015-01-28T12:00:00Z"]), "/created"),
        ("canonical", json!(["urn:a:b", "urn:a:c"]), "/canonical"),
        ("rights", json!("all of them"), "/rights"),
        ("body", json!({"type": "TextualBody"}), "/body/value"),
        ("body", json!({"type": "TextualBody", "value": "x", "source": "urn:a:b"}), "/body/source"),
        ("body", json!({"type": "Choice", "items": []}), "/body/items"),
        ("body", json!({"type": "Image"}), "/body/id"),
        (
            "body",
            json!({"type": "TextualBody", "value": "x", "textDirection": "up"}),
            "/body/textDirection",
        ),
        ("target", specific(json!({"type": "TextQuoteSelector"})), "/target/selector/0/exact"),
        (
            "target",
            specific(json!({"type": "TextPositionSelector", "start": 1})),
            "/target/selector/0/end",
        ),
        ("target", specific(json!({"type": "SvgSelector"})), "/target/selector/0"),
        (
            "target",
            specific(json!({"type": "RangeSelector", "startSelector": {"type": "X"}})),
            "/target/selector/0/endSelector",
        ),
        ("target", json!({"source": "urn:a:b", "styleClass": "red"}), "/target/styleClass"),
        ("target", json!({"source": "urn:a:b", "state": {"type": "TimeState"}}), "/target/state/0"),
    ] {
        let error = parse(&with(key, value.clone())).expect_err(&format!("{key}: {value}"));
        assert!(error.starts_with(&format!("`{place}`:")), "{key}: {error}");
    }
    let mut without = note();
    without.as_object_mut().unwrap().remove("target");
    assert!(parse(&without).is_err(), "no target");
}

#[test]
fn what_is_no_decent_json_is_refused() {
    let deep = format!("{}1{}", r#"{"a":"#.repeat(100_000), "}".repeat(100_000));
    let quite_deep = format!("{}1{}", r#"{"a":"#.repeat(60), "}".repeat(60));
    let twice = r#"{"type":"Annotation","type":"Annotation"}"#;
    for text in [&deep, &quite_deep, twice, r#"{"n":1e999}"#, r#"{"a":"\ud800"}"#, "[]", "7", ""] {
        assert!(WebAnnotation::parse(text).is_err(), "{}", &text[..text.len().min(40)]);
    }
    let mut polluted = note();
    polluted["__proto__"] = json!({"admin": true});
    polluted["label"] = json!({"\"><script>": ["x"]});
    assert!(parse(&polluted).is_ok(), "names without a meaning are kept as they are");
}

#[test]
fn addresses_that_run_are_refused_wherever_they_stand() {
    let scheme = "javascript:alert(1)";
    for value in [
        with("id", json!(scheme)),
        with("target", json!(scheme)),
        with("via", json!([scheme])),
        with("creator", json!({"name": "M", "homepage": "java\tscript:alert(1)"})),
        with("body", json!({"id": "data:text/html,<script>", "type": "Text"})),
        with("dc:relation", json!([{"deep": {"id": " JavaScript:alert(1)"}}])),
    ] {
        assert!(parse(&value).is_err(), "{value}");
    }
}

#[test]
fn the_words_of_html_are_those_that_a_browser_shows() {
    let texts = |body: Value| parsed(&with("body", body)).texts();
    let html = |html: &str| texts(json!({"type": "TextualBody", "value": html})).join("|");
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    for (markup, read) in [
        ("<p>A <b>wo</b>od</p><p>and</p>a&nbsp;tree<br>H<sub>2</sub>O", "A wood and a tree H2O"),
        ("<ul><li>one<li>two</ul><div title=hidden>three</div>four", "one two three four"),
        ("<script>run()</script>x &lt;b&gt; &amp;amp; &auml;<!-- no -->", "x <b> &amp; ä"),
        ("<p>unclosed <i", "unclosed"),
    ] {
        assert_eq!(words(&html(markup)), read);
    }
    let plain = json!({"type": "TextualBody", "value": "a<b>c &amp;", "format": "text/plain"});
    let tag = json!({"type": "TextualBody", "value": "oak", "purpose": "tagging"});
    let choice = json!({"type": "Choice", "items": [tag, "https://example.org/picture"]});
    assert_eq!(texts(json!([plain, choice])), ["a<b>c &amp;", "oak"]);
    let mut bare = with("bodyValue", json!("a wood"));
    bare.as_object_mut().unwrap().remove("body");
    assert_eq!(parsed(&bare).texts(), ["a wood"]);
}

#[test]
fn html_is_cleaned_for_readers_and_kept_as_it_came() {
    for (hostile, clean) in [
        ("<img src=x onerror=alert(1)>a", "<img src=\"x\">a"),
        ("<svg><animate onbegin=alert(1)></svg>b", "b"),
        ("<math><annotation-xml encoding=text/html><script>1</script></math>c", "c"),
        ("<a href=\"jav&#x09;ascript:alert(1)\">d</a>", "<a rel=\"noopener noreferrer\">d</a>"),
        ("<style>*{display:none}</style>e", "e"),
        ("<iframe srcdoc='<script>1</script>'></iframe>f", "f"),
        ("<p>g <b>h</b></p>", "<p>g <b>h</b></p>"),
    ] {
        assert_eq!(html::cleaned(hostile), clean);
        let body = json!({"type": "TextualBody", "value": hostile, "format": "text/html"});
        let sent = with("body", body);
        assert_eq!(published(&sent)["body"]["value"], clean);
        assert!(parsed(&sent).to_stored().contains(&json!(hostile).to_string()));
    }
    let body = |text: &str| with("body", json!({"type": "TextualBody", "value": text}));
    assert_eq!(published(&body("1 < 2 & 3"))["body"]["value"], "1 < 2 & 3", "words stay words");
    assert_eq!(published(&body("<script>1</script>x"))["body"]["value"], "x");
    let nested = json!({"type": "Choice", "items": [
        {"type": "TextualBody", "value": "<script>1</script>y", "format": "text/html"}]});
    assert_eq!(published(&with("body", nested))["body"]["items"][0]["value"], "y");
}

#[test]
fn a_drawing_has_shapes_only() {
    let svg = |inner: &str| format!("<svg xmlns='http://www.w3.org/2000/svg'>{inner}</svg>");
    for hostile in [
        "<script>alert(1)</script>",
        "<foreignObject><p>x</p></foreignObject>",
        "<a xlink:href='javascript:alert(1)'><path d='M0 0'/></a>",
        "<image href='http://tracker.example/x.png'/>",
        "<path d='M0 0' onclick='alert(1)'/>",
        "<path d='M0 0' fill='url(http://tracker.example/)'/>",
        "<path d='M0 0' xlink:href='x'/>",
        "<use href='#a'/>",
    ] {
        assert!(svg::cleaned(&svg(hostile)).is_err(), "{hostile}");
    }
    let bomb = "<!DOCTYPE svg [<!ENTITY a 'aa'>]><svg><path d='&a;'/></svg>";
    assert!(svg::cleaned(bomb).is_err());
    assert!(svg::cleaned(&svg(&"<g/>".repeat(5_000))).is_err());
    assert!(svg::cleaned("<svg><path d='M0 0'>").is_err(), "it ends early");
    let drawn =
        svg("<title>x</title><path d='M1,2L3,4z' style='color:red' data-a='{&quot;b&quot;:1}'/>");
    let clean = svg::cleaned(&drawn).unwrap();
    assert!(clean.contains("M1,2L3,4z") && clean.contains("data-a"), "{clean}");
    assert!(!clean.contains("style") && !clean.contains("title"), "{clean}");
    assert_eq!(svg::cleaned(&clean), Ok(clean.clone()), "clean stays as it is");
    let selector = json!({"type": "SvgSelector", "value": drawn});
    let target = json!({"source": "https://example.org/c", "selector": selector.clone()});
    assert_eq!(published(&with("target", target))["target"]["selector"]["value"], clean);
    let fragment =
        json!({"type": "FragmentSelector", "value": "xywh=1,2,3,4", "refinedBy": selector});
    let target = json!({"source": "https://example.org/c", "selector": [fragment]});
    let shown = published(&with("target", target));
    assert_eq!(shown["target"]["selector"][0]["refinedBy"]["value"], clean, "wherever it stands");
}

fn around(x: u32, y: u32, width: u32, height: u32) -> Option<Region> {
    Some(Region { x, y, width, height })
}

#[test]
fn the_box_of_a_drawing_is_around_its_shapes() {
    let of = |inner: &str| svg::region(&format!("<svg>{inner}</svg>"));
    assert_eq!(of("<rect x='1' y='2' width='30' height='40'/>"), around(1, 2, 30, 40));
    assert_eq!(of("<circle cx='10' cy='10' r='5.5'/>"), around(4, 4, 12, 12));
    assert_eq!(of("<polygon points='1,2 31,2 31,42'/>"), around(1, 2, 30, 40));
    assert_eq!(of("<path d='M10-5h20v20H10z m5 5l1 1'/>"), around(10, 0, 20, 15));
    assert_eq!(of("<path d='m1 1 2 2 3 3'/>"), around(1, 1, 5, 5));
    assert_eq!(of("<path d='M0 0c.5.5 1e1-1 20 30'/>"), around(0, 0, 20, 30));
    assert_eq!(of("<path d='M0 0 L'/>"), None);
    assert_eq!(of("<g transform='rotate(9)'><path d='M0 0'/></g>"), None, "it is not known");
    let many = format!("<polygon points='{}'/>", "1,2 ".repeat(1_000_000));
    assert_eq!(of(&many), None);
}

#[test]
fn fragments_that_are_no_boxes_are_refused() {
    for fragment in [
        "xywh=pixel:NaN,1,2,3",
        "xywh=-1,0,5,5",
        "xywh=1e400,0,1,1",
        "xywh=percent:0,0,120,10",
        "xywh=1,2,3",
        "xywh=",
        "xywh=inch:1,2,3,4",
        "xywh=1,2,3,4,5",
        "xywh=1,2,3,99999999999",
    ] {
        let target = format!("https://example.org/c#{fragment}");
        assert!(parse(&with("target", json!(target))).is_err(), "{fragment}");
        let selector = json!({"type": "FragmentSelector", "value": fragment});
        let target = json!({"source": "https://example.org/c", "selector": selector});
        assert!(parse(&with("target", target)).is_err(), "{fragment}");
        assert_eq!(region::of_fragment(fragment), None, "{fragment}");
    }
    assert_eq!(region::of_fragment("xywh=pixel:1,2,30,40"), around(1, 2, 30, 40));
    assert_eq!(region::of_fragment("t=1,2&xywh=1.5,2.5,3,4"), around(1, 2, 4, 5));
    assert_eq!(region::of_fragment("t=10"), None);
    assert!(parse(&with("target", json!("https://example.org/c#t=10,20"))).is_ok());
}

#[test]
fn an_annotation_says_what_it_is_about_and_who_made_it() {
    let mut sent = with(
        "target",
        json!([
            "https://example.org/c1#xywh=1,2,30,40",
            {"type": "SpecificResource", "source": {"id": "https://example.org/c2", "type": "Canvas"},
             "selector": [{"type": "PointSelector", "x": 5, "y": 6}]},
            "https://example.org/c3",
            {"type": "Choice", "items": ["https://example.org/c3"]},
        ]),
    );
    sent["creator"] = json!([{"id": "https://example.org/me", "name": "Me"}, "mailto:you@x.org"]);
    sent["motivation"] = json!(["commenting", "tagging"]);
    sent["body"] = json!([{"type": "TextualBody", "value": "x", "purpose": "tagging"}]);
    let about = |source: &str, region| Subject { source: source.into(), region };
    let subjects = [
        about("https://example.org/c1", around(1, 2, 30, 40)),
        about("https://example.org/c2", around(5, 6, 1, 1)),
        about("https://example.org/c3", None),
    ];
    let annotation = parsed(&sent);
    assert_eq!(annotation.subjects(), subjects);
    assert_eq!(annotation.motivations(), ["commenting", "tagging"]);
    assert_eq!(annotation.creators(), ["https://example.org/me", "Me", "mailto:you@x.org"]);
}

#[test]
fn open_annotation_of_both_dialects_is_read() {
    let mirador = json!({
        "@context": "http://iiif.io/api/presentation/2/context.json",
        "@type": "oa:Annotation",
        "motivation": ["oa:commenting", "oa:tagging"],
        "resource": [
            {"@type": "dctypes:Text", "format": "text/html", "chars": "<p>A wood</p>"},
            {"@type": "oa:Tag", "chars": "forest"},
        ],
        "on": [{
            "@type": "oa:SpecificResource",
            "full": "https://example.org/c",
            "selector": {"@type": "oa:Choice",
                "default": {"@type": "oa:FragmentSelector", "value": "xywh=1,2,30,40"},
                "item": {"@type": "oa:SvgSelector", "value": "<svg><path d='M1 2'/></svg>"}},
        }],
    });
    let read = open::parse(&mirador.to_string()).expect("what Mirador 2 sends");
    let shown: Value = read.published("https://x/a", &times()).into();
    assert_eq!(
        shown["body"][1],
        json!({"type": "TextualBody", "value": "forest", "purpose": "tagging"})
    );
    assert_eq!(shown["target"][0]["source"], "https://example.org/c");
    assert_eq!(shown["motivation"], json!(["commenting", "tagging"]));
    assert_eq!(read.subjects()[0].region, around(1, 2, 30, 40));
    let older = json!({
        "@context": "http://www.w3.org/ns/oa.jsonld",
        "@type": "oa:Annotation",
        "motivatedBy": "oa:commenting",
        "annotatedBy": {"@id": "https://example.org/me", "@type": "foaf:Person", "name": "Me"},
        "annotatedAt": "2012-11-10T09:08:07Z",
        "hasBody": {"@type": ["cnt:ContentAsText", "dctypes:Text"], "chars": "x"},
        "hasTarget": {"@type": "oa:SpecificResource", "hasSource": "https://example.org/c",
            "hasSelector": {"@type": "oa:FragmentSelector", "value": "xywh=1,2,30,40"}},
    });
    let read = open::parse(&older.to_string()).expect("Open Annotation");
    assert_eq!(read.subjects()[0].region, around(1, 2, 30, 40));
    assert_eq!(read.creators(), ["https://example.org/me", "Me"]);
    assert!(open::parse(r#"{"@type":"Annotation"}"#).is_err());
}

#[test]
fn open_annotation_is_printed_in_its_own_words() {
    let document = parsed(&note()).published("https://x/a", &times());
    let open = open::from_web(&document, Dialect::OpenAnnotation);
    assert_eq!(open["@id"], "https://x/a");
    assert_eq!(open["hasBody"]["chars"], "A wood");
    assert_eq!(open["motivatedBy"], "oa:commenting");
    assert_eq!(open["annotatedAt"], "2026-01-01T00:00:00Z");
    let presentation = open::from_web(&document, Dialect::Presentation2);
    assert_eq!(presentation["on"], "https://example.org/canvas#xywh=1,2,30,40");
    assert_eq!(presentation["resource"]["@type"], "cnt:ContentAsText");
}

fn bodies() -> impl Strategy<Value = Value> {
    let text = ("[a-zé<&]{0,8}", prop::option::of(Just("tagging"))).prop_map(|(text, purpose)| {
        let mut body = json!({"type": "TextualBody", "value": text, "language": "de"});
        if let Some(purpose) = purpose {
            body["purpose"] = json!(purpose);
        }
        body
    });
    let image = Just(json!({"id": "https://example.org/i.jpg", "type": "Image"}));
    let one = prop_oneof![text, image, Just(json!("https://example.org/b"))];
    let choice = prop::collection::vec(one.clone(), 2..4)
        .prop_map(|items| json!({"type": "Choice", "items": items}));
    prop_oneof![one.clone(), choice, prop::collection::vec(one, 1..3).prop_map(Value::from)]
}

fn targets() -> impl Strategy<Value = Value> {
    let numbers = [0..5000_u32, 0..5000_u32, 0..5000_u32, 0..5000_u32];
    numbers.prop_flat_map(|[x, y, w, h]| {
        let value = format!("xywh={x},{y},{w},{h}");
        let svg =
            format!("<svg><rect x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\"></rect></svg>");
        let source = "https://example.org/c";
        prop::sample::select(vec![
            json!(format!("{source}#{value}")),
            json!({"type": "SpecificResource", "source": source,
                   "selector": {"type": "FragmentSelector", "value": value}}),
            json!({"type": "SpecificResource", "source": source,
                   "selector": {"type": "SvgSelector", "value": svg}}),
        ])
    })
}

proptest! {
    #[test]
    fn what_is_printed_as_open_annotation_is_read_as_it_was(
        body in bodies(), target in targets(), old in any::<bool>(),
    ) {
        let mut sent = with("body", body);
        sent["target"] = target;
        let annotation = parsed(&sent);
        let dialect = if old { Dialect::OpenAnnotation } else { Dialect::Presentation2 };
        let printed = open::from_web(&annotation.document, dialect);
        let read = open::parse(&Value::from(printed).to_string()).expect("printed by us");
        prop_assert_eq!(read, annotation);
    }

    #[test]
    fn nothing_that_is_drawn_or_written_makes_it_panic(text in ".{0,60}", data in "[MmLlHVCcSAaZz0-9., eE+-]{0,40}") {
        let _ = WebAnnotation::parse(&text);
        let _ = region::of_fragment(&text);
        let _ = svg::region(&text);
        let _ = svg::region(&format!("<svg><path d='{data}'/></svg>"));
        let _ = html::cleaned(&text);
        let said = parsed(&with("body", json!({"type": "TextualBody", "value": text}))).texts();
        prop_assert_eq!(said.len(), 1);
    }

    #[test]
    fn a_box_holds_what_was_selected(x in 0.0..9e5_f64, y in 0.0..9e5_f64, w in 0.0..9e5_f64, h in 0.0..9e5_f64) {
        let region = Region::around(x, y, x + w, y + h).expect("it lies in an image");
        let [left, top] = [region.x, region.y].map(f64::from);
        let [right, bottom] = [region.x + region.width, region.y + region.height].map(f64::from);
        prop_assert!(left <= x && top <= y && right >= x + w && bottom >= y + h);
        prop_assert!(left > x - 1.0 && right < x + w + 1.0);
    }
}
