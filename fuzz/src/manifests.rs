//! Manifests: whatever is sent goes from one version to the other, and can be printed and read.

use dlcs_iiif::presentation::{
    Manifest, PresentationVersion, check, downgrade, is_version_2, upgrade,
};
use serde_json::Value;

/// Reads JSON text as a manifest of either version.
///
/// # Panics
///
/// What was converted cannot be printed and read, or has lost its kind.
pub fn check_manifest(text: &str) {
    let Ok(document) = serde_json::from_str::<Value>(text) else { return };
    let is_harmless = check(&document).is_ok();
    let (old, new) = (downgrade(&document), upgrade(&document));
    assert_eq!(old["@context"], PresentationVersion::V2.context());
    assert!(old["@type"] == "sc:Manifest" || old["@type"] == "sc:Collection");
    assert!(new["type"] == "Manifest" || new["type"] == "Collection");
    if is_harmless {
        // What is nested too deep is refused before; the rest can be kept and read again.
        for converted in [&old, &new] {
            let again: Value = serde_json::from_str(&converted.to_string()).expect("JSON");
            assert_eq!(
                again.as_object().map(|it| it.len()),
                converted.as_object().map(|it| it.len())
            );
        }
    }
    assert_eq!(is_version_2(&downgrade(&new)), new["type"] == "Manifest");
    if let Ok(manifest) = Manifest::from_json(&document) {
        check_model(&manifest);
    }
}

/// What the model holds is printed and read in version 3.0 without loss.
fn check_model(manifest: &Manifest) {
    let printed = |it: &Manifest| it.to_json(PresentationVersion::V3);
    let read = |text: &str| {
        let document: Value = serde_json::from_str(text).expect("JSON");
        Manifest::from_json(&document).expect("what is printed can be read")
    };
    // An empty label is printed as `Untitled`; services stand in order.
    let once = read(&printed(manifest));
    assert_eq!(read(&printed(&once)), once);
    let old: Value =
        serde_json::from_str(&manifest.to_json(PresentationVersion::V2)).expect("JSON");
    let old = Manifest::from_json(&old).expect("what is printed can be read");
    assert_eq!(old.id, manifest.id);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn the_corpus_passes() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/manifest");
        let files = std::fs::read_dir(corpus).expect("a corpus");
        let texts = files.map(|it| std::fs::read_to_string(it.expect("a file").path()));
        let count = texts.map(|it| check_manifest(&it.expect("text"))).count();
        assert!(count >= 4, "{count} files");
    }
}
