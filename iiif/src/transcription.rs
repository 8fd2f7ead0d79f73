//! The text of a canvas as annotations: one for each line or word.
//!
//! Presentation API 3.0, section 5.5 (`supplementing`, section 3.3.2 of `motivation`); 2.1,
//! section 5.5 (annotation lists).

use crate::presentation::PresentationVersion;
use serde_json::{Map, Value, json};

/// Every line, or every word, of one canvas.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Transcription {
    /// Address of the document in the version that is printed.
    pub id: String,
    pub label: String,
    /// Without a fragment.
    pub canvas: String,
    pub pieces: Vec<Piece>,
}

/// A line or a word.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Piece {
    /// Distinguishes it within the canvas, for example `line/3`.
    pub name: String,
    pub text: String,
    /// x, y, width, height in units of the canvas.
    pub xywh: [u32; 4],
    /// BCP 47 tag.
    pub language: Option<String>,
}

impl Transcription {
    /// Returns an annotation page (3.0) or an annotation list (2.1).
    pub fn to_json(&self, version: PresentationVersion) -> String {
        let pieces = self.pieces.iter();
        let document = match version {
            PresentationVersion::V3 => json!({
                "@context": version.context(),
                "id": self.id,
                "type": "AnnotationPage",
                "label": {"en": [self.label]},
                "items": pieces.map(|piece| self.v3(piece)).collect::<Vec<_>>(),
            }),
            PresentationVersion::V2 => json!({
                "@context": version.context(),
                "@id": self.id,
                "@type": "sc:AnnotationList",
                "label": self.label,
                "resources": pieces.map(|piece| self.v2(piece)).collect::<Vec<_>>(),
            }),
        };
        document.to_string()
    }

    fn v3(&self, piece: &Piece) -> Value {
        let mut body = text(piece, "value");
        body.insert("type".into(), json!("TextualBody"));
        json!({
            "id": self.id_of(piece),
            "type": "Annotation",
            "motivation": "supplementing",
            "body": body,
            "target": self.target(piece),
        })
    }

    fn v2(&self, piece: &Piece) -> Value {
        let mut resource = text(piece, "chars");
        resource.insert("@type".into(), json!("cnt:ContentAsText"));
        json!({
            "@id": self.id_of(piece),
            "@type": "oa:Annotation",
            "motivation": "sc:painting",
            "resource": resource,
            "on": self.target(piece),
        })
    }

    fn id_of(&self, piece: &Piece) -> String {
        format!("{}#{}", self.id, piece.name)
    }

    fn target(&self, piece: &Piece) -> String {
        let [x, y, width, height] = piece.xywh;
        format!("{}#xywh={x},{y},{width},{height}", self.canvas)
    }
}

fn text(piece: &Piece, name: &str) -> Map<String, Value> {
    let mut body = Map::new();
    body.insert(name.into(), json!(piece.text));
    body.insert("format".into(), json!("text/plain"));
    if let Some(language) = &piece.language {
        body.insert("language".into(), json!(language));
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(version: PresentationVersion) -> Value {
        let piece = Piece {
            name: "line/3".into(),
            text: "Was ist Aufklärung?".into(),
            xywh: [1, 2, 30, 4],
            language: Some("de".into()),
        };
        let transcription = Transcription {
            id: "https://example.org/text/lines/v3/1/2/p".into(),
            label: "Text".into(),
            canvas: "https://example.org/canvas".into(),
            pieces: vec![piece],
        };
        serde_json::from_str(&transcription.to_json(version)).unwrap()
    }

    #[test]
    fn version_3_supplements_the_canvas() {
        let page = printed(PresentationVersion::V3);
        let annotation = json!({
            "id": "https://example.org/text/lines/v3/1/2/p#line/3",
            "type": "Annotation",
            "motivation": "supplementing",
            "body": {
                "type": "TextualBody", "value": "Was ist Aufklärung?", "format": "text/plain",
                "language": "de",
            },
            "target": "https://example.org/canvas#xywh=1,2,30,4",
        });
        assert_eq!(page["items"], json!([annotation]));
    }

    #[test]
    fn version_2_is_a_list_of_text() {
        let list = printed(PresentationVersion::V2);
        assert_eq!(list["@type"], "sc:AnnotationList");
        assert_eq!(list["resources"][0]["resource"]["chars"], "Was ist Aufklärung?");
        assert_eq!(list["resources"][0]["on"], "https://example.org/canvas#xywh=1,2,30,4");
    }
}
