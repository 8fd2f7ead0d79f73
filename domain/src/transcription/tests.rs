//! The life of a text: given, when, then.

use super::*;
use crate::given::given;
use {TranscriptionCommand as Do, TranscriptionEvent as Then};

mod text;

fn blob(byte: &str) -> BlobRef {
    BlobRef { sha256: byte.repeat(32), length_bytes: 7 }
}

fn image(byte: &str) -> ImageRef {
    ImageRef { generation: 1, attempt: 1, original: blob(byte) }
}

fn languages(text: &str) -> Languages {
    text.parse().expect("languages")
}

fn blobs(byte: &str) -> TextBlobs {
    TextBlobs { layout: blob(byte), record: blob("ee") }
}

fn summary() -> RecognitionSummary {
    RecognitionSummary {
        engine: "tesseract".to_owned(),
        engine_version: "5.3.0".to_owned(),
        models: vec!["deu".to_owned()],
        settings: [("psm".to_owned(), "3".to_owned())].into(),
        languages: languages("deu"),
        confidence: Some(93),
        words: 2,
    }
}

fn ask(asked_by: AskedBy, image: ImageRef, text: &str) -> Do {
    Do::Request { image, languages: languages(text), asked_by }
}

fn by_client() -> Do {
    ask(AskedBy::Client, image("aa"), "deu")
}

fn by_registration() -> Do {
    ask(AskedBy::Registration, image("aa"), "deu")
}

fn requested_by(asked_by: AskedBy, attempt: u32, image: ImageRef) -> Then {
    let languages = languages("deu");
    Then::RecognitionRequested(RecognitionRequested { attempt, image, languages, asked_by })
}

fn requested(attempt: u32) -> Then {
    requested_by(AskedBy::Client, attempt, image("aa"))
}

fn started(attempt: u32) -> Then {
    Then::RecognitionStarted(RecognitionStarted { attempt })
}

fn completed(attempt: u32) -> Then {
    Then::RecognitionCompleted(RecognitionCompleted {
        attempt,
        image: image("aa"),
        recognition: summary(),
        text: blobs("01"),
    })
}

fn failed(attempt: u32, code: IngestErrorCode, next_attempt_at_us: Option<i64>) -> Then {
    let failure = Failure { code, detail: "no".to_owned(), next_attempt_at_us };
    Then::RecognitionFailed(RecognitionFailed { attempt, failure })
}

fn imported() -> Then {
    Then::TextImported(TextImported {
        generation: 1,
        format: TextFormat::Alto,
        source: blob("cc"),
        words: 2,
        text: blobs("02"),
    })
}

fn withdrawn() -> Then {
    Then::Withdrawn(Withdrawn { generation: 1 })
}

fn start(now_us: i64) -> Do {
    Do::StartRecognition { generation: 1, now_us }
}

fn report(attempt: u32) -> Do {
    Do::ReportRecognised { generation: 1, attempt, recognition: summary(), text: blobs("01") }
}

fn report_failed(attempt: u32, code: IngestErrorCode) -> Do {
    let detail = "no".to_owned();
    Do::ReportFailed { generation: 1, attempt, code, detail, now_us: 1_000_000 }
}

/// Asked for, read, and there.
fn read() -> [Then; 3] {
    [requested(1), started(1), completed(1)]
}

fn after<const N: usize>(history: [Then; N], then: &[Then]) -> Vec<Then> {
    history.into_iter().chain(then.iter().cloned()).collect()
}

#[test]
fn a_request_opens_an_attempt() {
    given::<Transcription>([]).when(by_client()).then([requested(1)]);
    given::<Transcription>([]).when(by_registration()).then([requested_by(
        AskedBy::Registration,
        1,
        image("aa"),
    )]);
    given::<Transcription>([])
        .when(ask(AskedBy::Client, image("aa"), ""))
        .then_refused(&TranscriptionError::NoLanguage);
}

#[test]
fn the_same_request_waits_once() {
    given::<Transcription>([requested(1)]).when(by_client()).then([]);
    given::<Transcription>([requested(1)]).when(by_registration()).then([]);
}

#[test]
fn a_client_asks_again_whatever_is_there() {
    given::<Transcription>([requested(1), started(1)]).when(by_client()).then([requested(2)]);
    given::<Transcription>(read()).when(by_client()).then([requested(2)]);
    given::<Transcription>([imported()]).when(by_client()).then([requested(1)]);
    given::<Transcription>(after(read(), &[withdrawn()])).when(by_client()).then([requested(2)]);
}

#[test]
fn what_follows_from_the_registration_is_done_once() {
    given::<Transcription>([requested(1), started(1)]).when(by_registration()).then([]);
    given::<Transcription>(read()).when(by_registration()).then([]);
    let again = ImageRef { attempt: 2, ..image("aa") };
    given::<Transcription>(read()).when(ask(AskedBy::Registration, again, "deu")).then([]);
}

#[test]
fn another_original_or_other_languages_are_read_anew() {
    let other = || ask(AskedBy::Registration, image("bb"), "deu");
    let reread = requested_by(AskedBy::Registration, 2, image("bb"));
    given::<Transcription>(read()).when(other()).then([reread.clone()]);
    given::<Transcription>([requested(1), started(1)]).when(other()).then([reread]);
    let mut history = read();
    history[0] = requested_by(AskedBy::Registration, 1, image("aa"));
    let more = ask(AskedBy::Registration, image("aa"), "deu+lat");
    let events = Transcription::folded(&history).handle(more).expect("accepted");
    assert!(matches!(events.as_slice(), [Then::RecognitionRequested(it)] if it.attempt == 2));
}

#[test]
fn the_registration_overwrites_nothing_that_a_client_wanted() {
    let in_latin = ask(AskedBy::Registration, image("aa"), "lat");
    given::<Transcription>(read()).when(in_latin).then([]);
    given::<Transcription>([imported()]).when(by_registration()).then([]);
    let other = ask(AskedBy::Registration, image("bb"), "deu");
    given::<Transcription>([imported()]).when(other).then([]);
    given::<Transcription>(after(read(), &[withdrawn()])).when(by_registration()).then([]);
}

#[test]
fn ingesting_once_more_repeats_what_failed() {
    let lasting = failed(1, IngestErrorCode::RecognitionFailed, None);
    let history = [requested(1), started(1), lasting];
    given::<Transcription>(history.clone()).when(by_registration()).then([]);
    let again = ImageRef { attempt: 2, ..image("aa") };
    given::<Transcription>(history)
        .when(ask(AskedBy::Registration, again.clone(), "deu"))
        .then([requested_by(AskedBy::Registration, 2, again.clone())]);
    let passing = failed(1, IngestErrorCode::Internal, Some(50));
    given::<Transcription>([requested(1), started(1), passing])
        .when(ask(AskedBy::Registration, again, "deu"))
        .then([]);
}

#[test]
fn a_waiting_attempt_begins_under_its_own_number() {
    given::<Transcription>([requested(1)]).when(start(0)).then([started(1)]);
    given::<Transcription>(after(read(), &[requested(2)])).when(start(0)).then([started(2)]);
    given::<Transcription>([]).when(start(0)).then([]);
}

#[test]
fn an_attempt_without_a_result_is_dead() {
    given::<Transcription>([requested(1), started(1)]).when(start(0)).then([started(2)]);
}

#[test]
fn what_is_read_or_has_failed_for_good_does_not_begin() {
    given::<Transcription>(read()).when(start(i64::MAX)).then([]);
    let lasting = failed(1, IngestErrorCode::RecognitionFailed, None);
    given::<Transcription>([requested(1), started(1), lasting]).when(start(i64::MAX)).then([]);
}

#[test]
fn a_failure_that_may_pass_is_tried_again_when_it_is_due() {
    let passing = failed(1, IngestErrorCode::Internal, Some(3_000_000));
    let history = [requested(1), started(1)];
    given::<Transcription>(history.clone())
        .when(report_failed(1, IngestErrorCode::Internal))
        .then([passing.clone()]);
    let lasting = failed(1, IngestErrorCode::RecognitionFailed, None);
    given::<Transcription>(history.clone())
        .when(report_failed(1, IngestErrorCode::RecognitionFailed))
        .then([lasting]);
    let history = after(history, &[passing]);
    given::<Transcription>(history.clone()).when(start(2_999_999)).then([]);
    given::<Transcription>(history).when(start(3_000_000)).then([started(2)]);
}

#[test]
fn a_crash_loop_ends_until_somebody_asks_again() {
    let mut history = vec![requested(1)];
    history.extend((1..=TRIES_MAX).map(started));
    let events = Transcription::folded(&history).handle(start(0)).expect("accepted");
    let [Then::RecognitionFailed(it)] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!((it.attempt, it.failure.code), (TRIES_MAX, IngestErrorCode::Internal));
    assert_eq!(it.failure.next_attempt_at_us, None);
    history.extend(events.clone());
    given::<Transcription>(history.clone()).when(start(i64::MAX)).then([]);
    history.push(requested(6));
    given::<Transcription>(history).when(start(0)).then([started(6)]);
}

#[test]
fn the_late_result_of_an_old_attempt_changes_nothing() {
    let history = [requested(1), started(1), requested(2), started(2)];
    given::<Transcription>(history.clone()).when(report(1)).then([]);
    given::<Transcription>(history.clone())
        .when(report_failed(1, IngestErrorCode::Internal))
        .then([]);
    given::<Transcription>(history).when(report(2)).then([completed(2)]);
}

#[test]
fn a_result_counts_once_and_only_for_what_has_begun() {
    given::<Transcription>(read()).when(report(1)).then([]);
    given::<Transcription>([requested(1)]).when(report(1)).then([]);
    given::<Transcription>([]).when(report(1)).then([]);
}

#[test]
fn another_life_of_the_asset_begins_afresh() {
    let newer = ImageRef { generation: 2, ..image("aa") };
    let ask_newer = ask(AskedBy::Registration, newer.clone(), "deu");
    let reread = requested_by(AskedBy::Registration, 2, newer);
    given::<Transcription>(read()).when(ask_newer).then([reread.clone()]);
    let history = [requested(1), started(1), reread];
    given::<Transcription>(history.clone()).when(report(1)).then([]);
    given::<Transcription>(history.clone()).when(start(0)).then([]);
    given::<Transcription>(history.clone()).when(by_registration()).then([]);
    given::<Transcription>(history).when(by_client()).then_refused(&TranscriptionError::Deleted);
}

#[test]
fn the_text_stays_while_the_page_is_read_again() {
    let history = after(read(), &[requested(2), started(2)]);
    let text = Transcription::folded(&history).text;
    assert_eq!(text.map(|it| it.blobs), Some(blobs("01")));
}

#[test]
fn only_clients_edit() {
    let history = [requested_by(AskedBy::Registration, 1, image("aa")), started(1), completed(1)];
    assert_eq!(Transcription::folded(&history).edit_revision(), 0);
    let history = after(read(), &[imported(), withdrawn()]);
    assert_eq!(Transcription::folded(&history).edit_revision(), 3);
}
