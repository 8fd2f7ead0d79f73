//! Tests of both printed forms on one manifest.

use serde_json::{Value, json};

use super::*;

const SIZE: Dimensions = Dimensions { width: 3000, height: 4000 };

fn services(path: &str, level: ComplianceLevel, sizes: Vec<Dimensions>) -> Vec<ImageService> {
    let service = |version: ImageVersion| ImageService {
        id: format!("https://example.org/{path}/{}/1/2/page-1", version.segment()),
        version,
        level,
        source: SIZE,
        sizes: sizes.clone(),
    };
    vec![service(ImageVersion::V2), service(ImageVersion::V3)]
}

fn canvas() -> Canvas {
    let small = Dimensions { width: 150, height: 200 };
    let body = "https://example.org/iiif-img/v3/1/2/page-1/full/max/0/default.jpg";
    let thumbnail = "https://example.org/thumbs/v3/1/2/page-1/full/150,200/0/default.jpg";
    Canvas {
        thumbnail: Some(ImageResource {
            services: services("thumbs", ComplianceLevel::Zero, vec![small]),
            ..ImageResource::jpeg(thumbnail, small)
        }),
        rendering: vec![ExternalResource {
            id: "https://example.org/file/1/2/page-1".into(),
            kind: "Image".into(),
            label: LanguageMap::new("en", "Original"),
            format: Some("image/tiff".into()),
            profile: None,
        }],
        ..Canvas::of_image(
            "https://example.org/iiif-manifest/1/2/page-1/canvas",
            SIZE,
            ImageResource {
                services: services("iiif-img", ComplianceLevel::Two, vec![]),
                ..ImageResource::jpeg(body, SIZE)
            },
        )
    }
}

fn manifest() -> Manifest {
    let pair = |label: &str, value: &str| LabelledValue {
        label: LanguageMap::new("en", label),
        value: LanguageMap::none(value),
    };
    Manifest {
        label: LanguageMap::new("en", "Page").with("de", "Seite"),
        summary: LanguageMap::none("One page"),
        metadata: vec![pair("Shelfmark", "MS 1")],
        rights: Some("http://creativecommons.org/publicdomain/mark/1.0/".into()),
        required_statement: Some(pair("Attribution", "A library")),
        viewing_direction: Some(ViewingDirection::RightToLeft),
        behavior: vec![Behavior::Unordered, Behavior::Paged],
        canvases: vec![canvas()],
        ..Manifest::new("https://example.org/iiif-manifest/v3/1/2/page-1")
    }
}

fn parsed(manifest: &Manifest, version: PresentationVersion) -> Value {
    serde_json::from_str(&manifest.to_json(version)).unwrap()
}

/// Presentation API 3.0, sections 3, 4 and 5.
#[test]
fn version_3_0() {
    let manifest = parsed(&manifest(), PresentationVersion::V3);
    let canvas = "https://example.org/iiif-manifest/1/2/page-1/canvas";
    assert_eq!(manifest["@context"], "http://iiif.io/api/presentation/3/context.json");
    assert_eq!(manifest["type"], "Manifest");
    assert_eq!(manifest["label"], json!({"de": ["Seite"], "en": ["Page"]}));
    assert_eq!(manifest["behavior"], json!(["unordered", "paged"]));
    assert_eq!(manifest["viewingDirection"], "right-to-left");
    assert_eq!(
        manifest["requiredStatement"],
        json!({"label": {"en": ["Attribution"]}, "value": {"none": ["A library"]}})
    );
    let page = &manifest["items"][0]["items"][0];
    assert_eq!(page["id"], format!("{canvas}/painting"));
    assert_eq!(
        page["items"][0],
        json!({
            "id": format!("{canvas}/painting/0"),
            "type": "Annotation",
            "motivation": "painting",
            "body": {
                "id": "https://example.org/iiif-img/v3/1/2/page-1/full/max/0/default.jpg",
                "type": "Image",
                "format": "image/jpeg",
                "width": 3000,
                "height": 4000,
                "service": [
                    {
                        "id": "https://example.org/iiif-img/v3/1/2/page-1",
                        "type": "ImageService3",
                        "profile": "level2",
                        "width": 3000,
                        "height": 4000,
                    },
                    {
                        "@id": "https://example.org/iiif-img/v2/1/2/page-1",
                        "@type": "ImageService2",
                        "profile": "http://iiif.io/api/image/2/level2.json",
                        "width": 3000,
                        "height": 4000,
                    },
                ],
            },
            "target": canvas,
        })
    );
    let thumbnail = &manifest["items"][0]["thumbnail"][0];
    assert_eq!(thumbnail["service"][0]["sizes"], json!([{"width": 150, "height": 200}]));
}

/// Presentation API 2.1, sections 3, 4 and 5.
#[test]
fn version_2_1() {
    let manifest = parsed(&manifest(), PresentationVersion::V2);
    let canvas = "https://example.org/iiif-manifest/1/2/page-1/canvas";
    assert_eq!(manifest["@context"], "http://iiif.io/api/presentation/2/context.json");
    assert_eq!(manifest["@type"], "sc:Manifest");
    assert_eq!(
        manifest["label"],
        json!([
            {"@value": "Seite", "@language": "de"},
            {"@value": "Page", "@language": "en"},
        ])
    );
    assert_eq!(manifest["description"], "One page");
    assert_eq!(manifest["attribution"], "A library");
    assert_eq!(manifest["license"], "http://creativecommons.org/publicdomain/mark/1.0/");
    assert_eq!(manifest["viewingHint"], "paged");
    assert_eq!(manifest["metadata"][0]["value"], "MS 1");
    let sequence = &manifest["sequences"][0];
    assert_eq!(sequence["@type"], "sc:Sequence");
    assert_eq!(sequence["canvases"][0]["label"], "1");
    assert_eq!(sequence["canvases"][0]["rendering"][0]["format"], "image/tiff");
    assert_eq!(
        sequence["canvases"][0]["images"][0],
        json!({
            "@id": format!("{canvas}/painting/0"),
            "@type": "oa:Annotation",
            "motivation": "sc:painting",
            "resource": {
                "@id": "https://example.org/iiif-img/v3/1/2/page-1/full/max/0/default.jpg",
                "@type": "dctypes:Image",
                "format": "image/jpeg",
                "width": 3000,
                "height": 4000,
                "service": {
                    "@context": "http://iiif.io/api/image/2/context.json",
                    "@id": "https://example.org/iiif-img/v2/1/2/page-1",
                    "profile": "http://iiif.io/api/image/2/level2.json",
                    "width": 3000,
                    "height": 4000,
                },
            },
            "on": canvas,
        })
    );
}

/// Presentation API 3.0, section 3.1; 2.1, section 3.1: a manifest must have a label.
#[test]
fn an_unlabelled_manifest_is_called_untitled() {
    let nameless = Manifest::new("https://example.org/m");
    let v3 = parsed(&nameless, PresentationVersion::V3);
    assert_eq!(v3["label"], json!({"none": ["Untitled"]}));
    assert_eq!(v3["items"], json!([]));
    assert_eq!(parsed(&nameless, PresentationVersion::V2)["label"], "Untitled");
}

#[test]
fn printing_twice_gives_the_same_bytes_and_no_empty_properties() {
    for version in [PresentationVersion::V2, PresentationVersion::V3] {
        let text = manifest().to_json(version);
        assert_eq!(text, manifest().to_json(version));
        assert!(text.starts_with("{\"@context\":"));
        assert!(!text.contains("null") && !text.contains("[]") && !text.contains("{}"), "{text}");
    }
}

/// Content Search API 1.0 and 2.0, section 3.1: both are offered, version 1.0 first.
#[test]
fn a_manifest_with_text_offers_search_and_its_lines() {
    let service = |name: &str| format!("https://example.org/{name}/1/manifests/m");
    let search = crate::content_search::SearchService {
        search_v1: service("search/v1"),
        autocomplete_v1: service("autocomplete/v1"),
        search_v2: service("search/v2"),
        autocomplete_v2: service("autocomplete/v2"),
    };
    let lines = AnnotationReference {
        id: "https://example.org/text/lines/v3/1/2/page-1".into(),
        label: LanguageMap::new("en", "Text"),
    };
    let mut manifest = Manifest { search: Some(search), ..manifest() };
    manifest.canvases[0].annotations = vec![lines];
    let read = |version| serde_json::from_str::<Value>(&manifest.to_json(version)).unwrap();

    let v3 = read(PresentationVersion::V3);
    let contexts = json!([
        "http://iiif.io/api/search/2/context.json",
        "http://iiif.io/api/presentation/3/context.json"
    ]);
    assert_eq!(v3["@context"], contexts);
    assert_eq!(v3["service"][1]["@id"], service("search/v1"));
    assert_eq!(v3["service"][1]["@type"], "SearchService1");
    let v2_offer = json!({
        "id": service("search/v2"), "type": "SearchService2",
        "service": [{"id": service("autocomplete/v2"), "type": "AutoCompleteService2"}],
    });
    assert_eq!(v3["service"][0], v2_offer);
    assert_eq!(v3["items"][0]["annotations"][0]["type"], "AnnotationPage");

    let v2 = read(PresentationVersion::V2);
    assert_eq!(v2["service"]["profile"], "http://iiif.io/api/search/1/search");
    let list = &v2["sequences"][0]["canvases"][0]["otherContent"][0];
    assert_eq!(list["@type"], "sc:AnnotationList");
}
