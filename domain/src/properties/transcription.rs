//! Commands on the text of an asset, late ones and strange ones included.

use super::numbers;
use crate::asset::IngestErrorCode;
use crate::ids::BlobRef;
use crate::languages::Languages;
use crate::transcription::{
    AskedBy, ImageRef, RecognitionSummary, TextBlobs, TextEdit, TextFormat, TranscriptionCommand,
};
use TranscriptionCommand as Do;
use proptest::prelude::*;
use std::collections::BTreeMap;

fn blob() -> impl Strategy<Value = BlobRef> {
    "[ab]".prop_map(|sha256| BlobRef { sha256, length_bytes: 7 })
}

fn text() -> impl Strategy<Value = TextBlobs> {
    blob().prop_map(|layout| TextBlobs { record: layout.clone(), layout })
}

fn image() -> impl Strategy<Value = ImageRef> {
    (0..4_u32, numbers(), blob()).prop_map(|(generation, attempt, original)| ImageRef {
        generation,
        attempt,
        original,
    })
}

fn languages() -> impl Strategy<Value = Languages> {
    prop::sample::select(&["deu", "deu+lat", ""][..]).prop_map(|it| it.parse().expect("languages"))
}

fn summary() -> impl Strategy<Value = RecognitionSummary> {
    (languages(), prop::option::of(0..=100_u8)).prop_map(|(languages, confidence)| {
        RecognitionSummary {
            engine: "tesseract".to_owned(),
            engine_version: "5".to_owned(),
            models: vec![],
            settings: BTreeMap::new(),
            languages,
            confidence,
            words: 3,
        }
    })
}

fn failed() -> impl Strategy<Value = TranscriptionCommand> {
    use IngestErrorCode as Code;
    let codes = prop::sample::select(&[Code::Internal, Code::RecognitionFailed][..]);
    (1..4_u32, 0..6_u32, codes, any::<i64>()).prop_map(|(generation, attempt, code, now_us)| {
        Do::ReportFailed { generation, attempt, code, detail: "no".to_owned(), now_us }
    })
}

fn correct() -> impl Strategy<Value = TranscriptionCommand> {
    (1..4_u32, prop::option::of(blob()), blob(), text(), prop::option::of(0..2_u32)).prop_map(
        |(generation, original, base, text, word)| {
            let edits = vec![TextEdit { line: 0, word, text: "x".to_owned() }];
            Do::Correct { generation, original, edits, base, words: 3, text }
        },
    )
}

pub(super) fn transcription() -> impl Strategy<Value = TranscriptionCommand> {
    let asked_by = prop::sample::select(&[AskedBy::Client, AskedBy::Registration][..]);
    let started = (1..4_u32, any::<i64>())
        .prop_map(|(generation, now_us)| Do::StartRecognition { generation, now_us });
    prop_oneof![
        (image(), languages(), asked_by).prop_map(|(image, languages, asked_by)| Do::Request {
            image,
            languages,
            asked_by
        }),
        started.clone(),
        started,
        (1..4_u32, 0..6_u32, summary(), text()).prop_map(
            |(generation, attempt, recognition, text)| {
                Do::ReportRecognised { generation, attempt, recognition, text }
            }
        ),
        failed(),
        (1..4_u32, blob(), text()).prop_map(|(generation, source, text)| {
            Do::Import { generation, format: TextFormat::Page, source, words: 3, text }
        }),
        correct(),
        (1..4_u32).prop_map(|generation| Do::Withdraw { generation }),
    ]
}
