//! Properties of reading and printing: what is printed comes back, and what anybody sends ends.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn word() -> impl Strategy<Value = String> {
    "[a-zA-Zäß&\"<# ]{1,8}"
}

fn address() -> impl Strategy<Value = String> {
    "[a-z0-9]{1,8}".prop_map(|it| format!("https://example.org/{it}"))
}

fn some_words() -> impl Strategy<Value = LanguageMap> {
    let language = prop_oneof![Just("none"), Just("en"), Just("de-Latf")];
    vec((language, word()), 1..4).prop_map(|texts| {
        let add = |map: LanguageMap, (language, text)| map.with(language, text);
        texts.into_iter().fold(LanguageMap::default(), add)
    })
}

fn words() -> impl Strategy<Value = LanguageMap> {
    prop_oneof![Just(LanguageMap::default()), some_words()]
}

fn pair() -> impl Strategy<Value = LabelledValue> {
    (some_words(), some_words()).prop_map(|(label, value)| LabelledValue { label, value })
}

fn size() -> impl Strategy<Value = Dimensions> {
    (1..100_000u32, 1..100_000u32).prop_map(|(width, height)| Dimensions { width, height })
}

fn level() -> impl Strategy<Value = ComplianceLevel> {
    prop_oneof![Just(ComplianceLevel::Zero), Just(ComplianceLevel::Two)]
}

fn service(version: ImageVersion) -> impl Strategy<Value = ImageService> {
    (address(), level(), size(), vec(size(), 0..3)).prop_map(move |(id, level, source, sizes)| {
        ImageService { id, version, level, source, sizes }
    })
}

/// Newest first, as they are printed.
fn image(version: PresentationVersion) -> impl Strategy<Value = ImageResource> {
    let newer = usize::from(version == PresentationVersion::V3);
    let services =
        (vec(service(ImageVersion::V3), 0..=newer), vec(service(ImageVersion::V2), 0..=1));
    (address(), "image/(jpeg|png)", size(), services).prop_map(|(id, format, size, services)| {
        let services = services.0.into_iter().chain(services.1).collect();
        ImageResource { id, format, size, services }
    })
}

/// Version 2.1 does not say of what kind it is: `kind` is what is taken for granted then.
fn external(
    version: PresentationVersion,
    kind: &'static str,
) -> impl Strategy<Value = ExternalResource> {
    let kinds = match version {
        PresentationVersion::V2 => Just(kind).boxed(),
        PresentationVersion::V3 => prop_oneof![Just(kind), Just("Model")].boxed(),
    };
    let format = option::of(Just("text/html".to_owned()));
    (address(), kinds, some_words(), format, option::of(word())).prop_map(
        |(id, kind, label, format, profile)| ExternalResource {
            id,
            kind: kind.to_owned(),
            label,
            format,
            profile,
        },
    )
}

fn canvas(version: PresentationVersion) -> impl Strategy<Value = Canvas> {
    let label = match version {
        // Required there.
        PresentationVersion::V2 => some_words().boxed(),
        PresentationVersion::V3 => words().boxed(),
    };
    let reference = (address(), words()).prop_map(|(id, label)| AnnotationReference { id, label });
    let images = (vec(image(version), 0..3), option::of(image(version)));
    let links = (vec(external(version, "Dataset"), 0..2), vec(external(version, "Text"), 0..2));
    let said = (address(), label, words(), vec(pair(), 0..2), size());
    (said, images, links, vec(reference, 0..2)).prop_map(
        |((id, label, summary, metadata, size), (images, thumbnail), links, annotations)| Canvas {
            id,
            label,
            summary,
            metadata,
            width: size.width,
            height: size.height,
            images,
            thumbnail,
            see_also: links.0,
            rendering: links.1,
            annotations,
        },
    )
}

fn behavior(version: PresentationVersion) -> BoxedStrategy<Vec<Behavior>> {
    use Behavior::{Continuous, Individuals, Paged, Unordered};
    match version {
        PresentationVersion::V2 => {
            vec(prop_oneof![Just(Continuous), Just(Individuals), Just(Paged)], 0..=1).boxed()
        }
        PresentationVersion::V3 => vec(prop_oneof![Just(Unordered), Just(Paged)], 0..3).boxed(),
    }
}

fn direction() -> impl Strategy<Value = ViewingDirection> {
    use ViewingDirection::{BottomToTop, LeftToRight, RightToLeft, TopToBottom};
    prop_oneof![Just(LeftToRight), Just(RightToLeft), Just(TopToBottom), Just(BottomToTop)]
}

/// Version 2.1 has no label for the statement, and offers old search only.
fn of_its_own(
    version: PresentationVersion,
) -> BoxedStrategy<(Option<LabelledValue>, Option<SearchService>)> {
    let search = [(); 4].map(|()| address()).prop_map(|[a, b, c, d]| SearchService {
        search_v1: a,
        autocomplete_v1: b,
        search_v2: c,
        autocomplete_v2: d,
    });
    match version {
        PresentationVersion::V2 => {
            let label = LanguageMap::new("en", "Attribution");
            let statement =
                some_words().prop_map(move |value| LabelledValue { label: label.clone(), value });
            (option::of(statement), Just(None)).boxed()
        }
        PresentationVersion::V3 => (option::of(pair()), option::of(search)).boxed(),
    }
}

/// A manifest that the version can say all of.
fn manifest(version: PresentationVersion) -> impl Strategy<Value = Manifest> {
    let rights = Just("http://creativecommons.org/licenses/by/4.0/".to_owned());
    let said = (address(), some_words(), words(), vec(pair(), 0..3), option::of(rights));
    let looks = (option::of(direction()), behavior(version), option::of(image(version)));
    let text = || vec(external(version, "Text"), 0..2);
    let links = (text(), vec(external(version, "Dataset"), 0..2), text());
    (said, looks, links, of_its_own(version), vec(canvas(version), 0..3)).prop_map(
        |(said, looks, links, (required_statement, search), canvases)| Manifest {
            id: said.0,
            label: said.1,
            summary: said.2,
            metadata: said.3,
            rights: said.4,
            required_statement,
            viewing_direction: looks.0,
            behavior: looks.1,
            thumbnail: looks.2,
            homepage: links.0,
            see_also: links.1,
            rendering: links.2,
            search,
            canvases,
        },
    )
}

fn printed(manifest: &Manifest, version: PresentationVersion) -> Value {
    serde_json::from_str(&manifest.to_json(version)).unwrap()
}

/// JSON of any shape with the names that mean something.
fn json_of_any_shape() -> impl Strategy<Value = Value> {
    const NAMES: &str = "(@id|id|@type|type|items|sequences|canvases|images|resource|body|on|\
        target|label|structures|ranges|members|service|profile|metadata|otherContent|annotations)";
    const TEXTS: &str = "(Manifest|sc:Manifest|Collection|Canvas|Range|sc:Range|Choice|oa:Choice|\
        SpecificResource|Image|painting|https://example.org/[ab]|#xywh=1,2|)";
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3..1000i64).prop_map(Value::from),
        TEXTS.prop_map(Value::from),
    ];
    leaf.prop_recursive(8, 200, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            vec((NAMES, inner), 0..6).prop_map(|it| it.into_iter().collect()),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_version_3_0_prints_is_read_back(manifest in manifest(PresentationVersion::V3)) {
        let document = printed(&manifest, PresentationVersion::V3);
        prop_assert_eq!(manifest.to_json_value(PresentationVersion::V3), document.clone());
        prop_assert_eq!(Manifest::from_json(&document), Ok(manifest));
    }

    #[test]
    fn what_version_2_1_prints_is_read_back(manifest in manifest(PresentationVersion::V2)) {
        let document = printed(&manifest, PresentationVersion::V2);
        prop_assert_eq!(manifest.to_json_value(PresentationVersion::V2), document.clone());
        prop_assert_eq!(Manifest::from_json(&document), Ok(manifest));
    }

    /// Both ways to version 2.1 say the same: from the model, and from what it prints as 3.0.
    #[test]
    fn the_way_over_version_3_0_loses_nothing(manifest in manifest(PresentationVersion::V2)) {
        let over = downgrade(&printed(&manifest, PresentationVersion::V3));
        prop_assert_eq!(Manifest::from_json(&over), Ok(manifest));
    }

    #[test]
    fn whatever_comes_in_is_converted(document in json_of_any_shape()) {
        let old = downgrade(&document);
        let new = upgrade(&document);
        prop_assert!(old["@type"].is_string() && new["type"].is_string());
        let _ = Manifest::from_json(&document);
        // What was converted once is a document that the other way understands.
        prop_assert_eq!(&upgrade(&old)["@context"], &json!(PresentationVersion::V3.context()));
        prop_assert!(!downgrade(&new)["@type"].is_null());
    }
}

#[test]
fn what_is_no_manifest_is_not_read() {
    let no_address = json!({"type": "Manifest", "items": []});
    assert_eq!(Manifest::from_json(&no_address), Err(ReadError::NoAddress));
    for other in [json!(3), json!({"id": "x", "type": "Canvas"}), json!({"@type": "sc:Canvas"})] {
        assert_eq!(Manifest::from_json(&other), Err(ReadError::NotAManifest));
    }
}
