//! `/text/lines|words/[{v}/]{c}/{s}/{a}`: the text of an image as annotations on its canvas.

use super::found::find_text;
use crate::access::Caller;
use crate::delivery::address;
use crate::delivery::caching::{Caching, Document};
use crate::delivery::manifests::negotiated;
use crate::error::Answer;
use crate::http::raw_path::PathParams;
use crate::state::Shared;
use axum::extract::State;
use axum::http::HeaderMap;
use dlcs_iiif::transcription::{Piece, Transcription};
use dlcs_text::{Line, PageLayout, Rect};

pub(crate) async fn lines(
    state: State<Shared>,
    caller: Caller,
    params: PathParams,
    headers: HeaderMap,
) -> Answer {
    annotations(state, caller, params, headers, Unit::Lines).await
}

pub(crate) async fn words(
    state: State<Shared>,
    caller: Caller,
    params: PathParams,
    headers: HeaderMap,
) -> Answer {
    annotations(state, caller, params, headers, Unit::Words).await
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Lines,
    Words,
}

async fn annotations(
    State(state): State<Shared>,
    caller: Caller,
    params: PathParams,
    headers: HeaderMap,
    unit: Unit,
) -> Answer {
    let found = find_text(&state, &caller, &params).await?;
    let negotiated = negotiated(&caller, &headers);
    let fixed = caller.version.map(|version| version.presentation());
    let name = match unit {
        Unit::Lines => "lines",
        Unit::Words => "words",
    };
    let transcription = Transcription {
        id: address::text(&state.public_url, name, fixed, &found.asset.tail),
        label: format!("Text of {} ({name})", found.asset.id.name()),
        canvas: address::canvas(&state.public_url, &found.asset.id),
        pieces: pieces(&found.layout, unit),
    };
    let document = Document {
        body: transcription.to_json(negotiated.version),
        content_type: negotiated.content_type,
        modified_at_us: Some(found.row.modified_at_us),
        caching: Caching::of(found.asset.is_open, false),
        link: None,
    };
    Ok(document.respond(&headers))
}

fn pieces(layout: &PageLayout, unit: Unit) -> Vec<Piece> {
    let language = layout.languages.first();
    let lines = layout.lines().enumerate().filter(|(_, line)| !line.words.is_empty());
    match unit {
        Unit::Lines => lines.map(|(ordinal, line)| of_line(ordinal, line, language)).collect(),
        Unit::Words => {
            lines.flat_map(|(ordinal, line)| of_words(ordinal, line, language)).collect()
        }
    }
}

fn of_line(ordinal: usize, line: &Line, language: Option<&String>) -> Piece {
    let words: Vec<&str> = line.words.iter().map(|word| word.text.as_str()).collect();
    Piece {
        name: format!("line/{ordinal}"),
        text: words.join(" "),
        xywh: xywh(line.bounds),
        language: language.cloned(),
    }
}

fn of_words(ordinal: usize, line: &Line, language: Option<&String>) -> Vec<Piece> {
    let words = line.words.iter().enumerate();
    let piece = |(place, word): (usize, &dlcs_text::Word)| Piece {
        name: format!("line/{ordinal}/word/{place}"),
        text: word.text.clone(),
        xywh: xywh(word.bounds),
        language: word.language.as_ref().or(language).cloned(),
    };
    words.map(piece).collect()
}

fn xywh(bounds: Rect) -> [u32; 4] {
    [bounds.x, bounds.y, bounds.width, bounds.height]
}
