//! Importing, correcting, withdrawing.

use super::*;

fn edits() -> Vec<TextEdit> {
    vec![TextEdit { line: 0, word: Some(1), text: "aude".to_owned() }]
}

fn import() -> Do {
    Do::Import {
        generation: 1,
        format: TextFormat::Alto,
        source: blob("cc"),
        words: 2,
        text: blobs("02"),
    }
}

fn correct(base: &str, edits: Vec<TextEdit>) -> Do {
    Do::Correct {
        generation: 1,
        original: Some(blob("aa")),
        edits,
        base: blob(base),
        words: 2,
        text: blobs("03"),
    }
}

fn corrected(base: &str) -> Then {
    let (edits, base, text) = (edits(), blob(base), blobs("03"));
    Then::Corrected(Corrected { generation: 1, edits, base, words: 2, text })
}

#[test]
fn an_import_takes_the_place_of_any_text_once() {
    given::<Transcription>([]).when(import()).then([imported()]);
    given::<Transcription>(read()).when(import()).then([imported()]);
    given::<Transcription>([imported()]).when(import()).then([]);
    given::<Transcription>([imported(), corrected("02")]).when(import()).then([imported()]);
}

#[test]
fn what_a_client_writes_ends_an_open_attempt() {
    let history = [requested(1), started(1), imported()];
    given::<Transcription>(history.clone()).when(report(1)).then([]);
    given::<Transcription>(history).when(start(0)).then([]);
    let history = after(read(), &[requested(2), corrected("01")]);
    given::<Transcription>(history).when(start(0)).then([]);
    let history = [requested(1), started(1), withdrawn()];
    given::<Transcription>(history).when(report(1)).then([]);
    given::<Transcription>([imported(), requested(1)]).when(import()).then([imported()]);
}

#[test]
fn a_correction_is_of_the_text_that_is_there() {
    given::<Transcription>(read()).when(correct("01", edits())).then([corrected("01")]);
    given::<Transcription>(read())
        .when(correct("02", edits()))
        .then_refused(&TranscriptionError::BaseChanged);
    given::<Transcription>([])
        .when(correct("01", edits()))
        .then_refused(&TranscriptionError::NoText);
    let history = after(read(), &[corrected("01")]);
    given::<Transcription>(history.clone()).when(correct("03", edits())).then([]);
    let text = Transcription::folded(&history).text.expect("a text");
    assert!(text.source.is_corrected);
    assert_eq!(text.source.origin, TextOrigin::Recognised { image: image("aa") });
}

#[test]
fn recognised_text_holds_for_its_original_alone() {
    let of_another = |base| match correct(base, edits()) {
        Do::Correct { generation, edits, base, words, text, .. } => {
            Do::Correct { generation, original: Some(blob("bb")), edits, base, words, text }
        }
        other => other,
    };
    given::<Transcription>(read()).when(of_another("01")).then_refused(&TranscriptionError::NoText);
    given::<Transcription>([imported()]).when(of_another("02")).then([corrected("02")]);
}

#[test]
fn what_cannot_be_an_edit_is_refused() {
    let edit = |line, word, text: &str| TextEdit { line, word, text: text.to_owned() };
    let wrong = [
        vec![],
        vec![edit(0, None, "a"); TextEdit::COUNT_MAX + 1],
        vec![edit(0, None, &"a".repeat(TextEdit::BYTES_MAX + 1))],
        vec![edit(0, None, "a\nb")],
        vec![edit(3, Some(1), "a"), edit(3, Some(1), "b")],
        vec![edit(3, Some(9), "a"), edit(2, None, "b"), edit(3, None, "c")],
    ];
    for edits in wrong {
        let reason = TextEdit::check(&edits).expect_err("refused");
        given::<Transcription>(read())
            .when(correct("01", edits))
            .then_refused(&TranscriptionError::InvalidEdits(reason));
    }
    assert_eq!(TextEdit::check(&[edit(3, Some(1), "a"), edit(3, Some(2), "")]), Ok(()));
}

#[test]
fn a_text_is_withdrawn_once_and_so_is_an_open_attempt() {
    let withdraw = || Do::Withdraw { generation: 1 };
    given::<Transcription>(read()).when(withdraw()).then([withdrawn()]);
    given::<Transcription>([requested(1)]).when(withdraw()).then([withdrawn()]);
    given::<Transcription>([requested(1), withdrawn()])
        .when(withdraw())
        .then_refused(&TranscriptionError::NoText);
}

#[test]
fn a_correction_stays_when_the_same_image_is_ingested_again_and_goes_with_another() {
    let history = after(read(), &[corrected("01")]);
    let again = ImageRef { attempt: 2, ..image("aa") };
    given::<Transcription>(history.clone()).when(ask(AskedBy::Registration, again, "deu")).then([]);
    given::<Transcription>(history)
        .when(ask(AskedBy::Registration, image("bb"), "deu"))
        .then([requested_by(AskedBy::Registration, 2, image("bb"))]);
}
