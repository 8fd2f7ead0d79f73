//! Annotations by what their bodies say.

use super::*;
use crate::annotations::WordsQuery;
use serde_json::Value;

fn saying(body: &Value) -> AnnotationDocument {
    let document = json!({"type": "Annotation", "body": body, "target": CANVAS});
    AnnotationDocument::new(document.to_string()).expect("JSON")
}

fn written(body: &Value) -> DomainEvent {
    let document = saying(body);
    DomainEvent::Annotation(AnnotationEvent::Created(AnnotationCreated { document }))
}

fn text(text: &str) -> Value {
    json!({"type": "TextualBody", "value": text})
}

fn q(text: &str) -> AnnotationFilter {
    let words = Some(WordsQuery::parse(text).expect("a short query"));
    AnnotationFilter { words, ..AnnotationFilter::of(ONE) }
}

async fn given_notes<S: Store>(given: &Given<S>) {
    given.happened("container-1/notes", container_created(&[])).await;
    let html = "<p>Im <b>W</b>ald</p><p>stehen B&auml;ume</p><script>Birken</script>";
    let tag = json!({"type": "TextualBody", "value": "Eiche", "purpose": "tagging"});
    for (id, body) in [
        ("plain", text("Was ist Aufklärung? L'homme est mort.")),
        ("html", json!({"type": "TextualBody", "value": html, "format": "text/html"})),
        ("two", json!([text("the dark wood"), tag])),
        ("signs", text("NOT \"a\" OR b* AND ' \\ & | ! : ( ) ^ 中国")),
    ] {
        given.happened(&format!("annotation-1/notes/{id}"), written(&body)).await;
    }
    given.happened("annotation-1/notes/bare", created(CANVAS)).await;
    given.catch_up().await;
}

pub(in crate::conformance) async fn annotations_are_found_by_what_they_say<S: Store>(
    given: &Given<S>,
) {
    given_notes(given).await;
    for (asked, ids) in [
        ("aufklarung", &["plain"][..]),
        ("AUFKLÄRUNG was", &["plain"]),
        ("\"was ist\" aufkl*", &["plain"]),
        ("\"ist was\"", &[]),
        ("homme", &["plain"]),
        ("\"l'homme est\" \"homme est\"", &["plain"]),
        ("wald baume", &["html"]),
        ("\"wald stehen\"", &["html"]),
        ("birken", &[]),
        ("script", &[]),
        ("wood", &["two", "bare"]),
        ("\"dark wood\"", &["two"]),
        ("wood eiche", &["two"]),
        ("\"wood eiche\"", &[]),
        ("wo*", &["two", "bare"]),
        ("wo", &[]),
        ("forest", &[]),
        ("\"中国\"", &["signs"]),
        ("国中", &[]),
        ("", &[]),
        ("* -- \" ¶", &[]),
    ] {
        assert_eq!(found(given, &q(asked)).await, ids, "{asked}");
    }
}

pub(in crate::conformance) async fn signs_of_a_query_are_plain_text<S: Store>(given: &Given<S>) {
    given_notes(given).await;
    for (asked, ids) in [
        ("not a or b and", &["signs"][..]),
        ("wood NOT dark", &[]),
        ("dark OR forest", &[]),
        ("dark AND", &[]),
        ("NEAR(dark wood)", &[]),
        ("words:dark", &[]),
        ("^dark", &["two"]),
        ("(dark wood)", &["two"]),
        ("dark & wood | !forest <-> x", &[]),
        ("dark:* wood:ab", &[]),
        ("dark' wood'' \\dark \\' '", &["two"]),
        ("\"dark", &["two"]),
        ("dark\"\"wood\"", &["two"]),
        ("dark + wood", &["two"]),
        ("{dark wood}", &["two"]),
        ("dark\u{0}\u{1} wood%_?", &["two"]),
        ("-dark", &["two"]),
        ("dark?::tsquery", &[]),
        ("d*rk", &[]),
    ] {
        assert_eq!(found(given, &q(asked)).await, ids, "{asked}");
    }
    assert!(WordsQuery::parse(&"x".repeat(513)).is_err());
    assert!(WordsQuery::parse(&"x ".repeat(33)).is_ok(), "a word counts once");
    let words = (0..33).map(|it| it.to_string()).collect::<Vec<_>>().join(" ");
    assert!(WordsQuery::parse(&words).is_err());
}

pub(in crate::conformance) async fn what_annotations_say_changes_with_them<S: Store>(
    given: &Given<S>,
) {
    given_notes(given).await;
    let happened = async |id: &str, event| {
        given.happened(&format!("annotation-1/notes/{id}"), DomainEvent::Annotation(event)).await;
    };
    let document = saying(&text("a dark sea"));
    happened("two", AnnotationEvent::Replaced(AnnotationReplaced { document })).await;
    given.catch_up().await;
    assert_eq!(found(given, &q("dark sea")).await, ["two"]);
    assert_eq!(found(given, &q("wood")).await, ["bare"]);
    happened("two", AnnotationEvent::Deleted(AnnotationDeleted {})).await;
    given.catch_up().await;
    assert_eq!(found(given, &q("dark")).await, [""; 0]);
    let document = saying(&text("a dark wood"));
    happened("two", AnnotationEvent::Restored(AnnotationRestored { revision: 0, document })).await;
    let document = saying(&json!([]));
    happened("bare", AnnotationEvent::Replaced(AnnotationReplaced { document })).await;
    given.catch_up().await;
    assert_eq!(found(given, &q("dark wood")).await, ["two"]);
    assert_eq!(found(given, &q("wood")).await, ["two"]);
}

pub(in crate::conformance) async fn words_go_with_every_other_question<S: Store>(given: &Given<S>) {
    given.happened("container-1/notes", container_created(&[])).await;
    given.happened("container-1/closed", container_created(&["staff"])).await;
    let about = |number: u32| created(&format!("{CANVAS}#xywh={number},0,10,10"));
    for number in 0..9 {
        given.happened(&format!("annotation-1/notes/{number}"), about(number)).await;
        given.happened(&format!("annotation-1/notes/x{number}"), written(&text("a sea"))).await;
    }
    given.happened("annotation-1/closed/secret", about(0)).await;
    given.catch_up().await;
    let wood = || q("wood");
    let source = || Some(CANVAS.to_owned());
    let region = Some(Region { x: 0, y: 0, width: 2, height: 5 });
    let within = AnnotationFilter { source: source(), region, ..wood() };
    assert_eq!(found(given, &within).await, ["0", "1"]);
    assert_eq!(found_by(given, &admin(), &within).await, ["0", "1", "secret"]);
    let by = AnnotationFilter { creator: Some("Me".into()), ..wood() };
    assert_eq!(found(given, &by).await.len(), 9);
    let by_you = AnnotationFilter { creator: Some("You".into()), ..wood() };
    assert_eq!(found(given, &by_you).await, [""; 0]);
    let motivation = Some("commenting".to_owned());
    let container = Some(container("closed"));
    let closed = AnnotationFilter { motivation, container, ..wood() };
    assert_eq!(found(given, &closed).await, [""; 0]);
    assert_eq!(found_by(given, &admin(), &closed).await, ["secret"]);
    let elsewhere = AnnotationFilter { customer: CustomerId(2), ..wood() };
    assert_eq!(found_by(given, &admin(), &elsewhere).await, [""; 0]);
    let from_us = Some(row(given, "7").await.created_at_us);
    let late = AnnotationFilter { from_us, ..wood() };
    assert_eq!(found(given, &late).await, ["7", "8"]);

    for filter in [wood(), AnnotationFilter { source: source(), ..wood() }] {
        for direction in [Direction::Ascending, Direction::Descending] {
            let ids = in_pages(given, &filter, direction).await;
            assert_eq!(ids.join(""), "012345678", "{filter:?}");
        }
        let second = PageRequest { offset: 4, ..page(4) };
        let annotations = given.queries().annotations;
        let page = annotations.find(&Principal::Anonymous, &filter, &second, true).await;
        let page = page.expect("the query works");
        let first = page.items[0].id.id.as_str();
        assert_eq!((page.items.len(), first, page.has_more, page.total), (4, "4", true, Some(9)));
    }
}
