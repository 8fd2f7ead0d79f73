//! Which image an annotation is about: what is said of a closed image is closed as it is.

use dlcs_domain::AssetId;
use dlcs_iiif::base::BASE_PLACEHOLDER;
use percent_encoding::percent_decode_str;

/// Returns the image that an address of ours stands for; `source` is relative to the placeholder.
///
/// Images, thumbnails, originals and texts have addresses that name them; canvases of an image's own
/// manifest too, and those that this service named in stored manifests. A canvas with an id of the
/// client's own names none, nor does an address with the names of a customer or space for numbers.
pub(super) fn asset_of(source: &str) -> Option<AssetId> {
    let path = source.strip_prefix(BASE_PLACEHOLDER)?.strip_prefix('/')?;
    let path = path.split('?').next().unwrap_or_default();
    let segments: Vec<&str> = path.split('/').collect();
    match segments.as_slice() {
        [customer, "manifests", _, "canvases", painted, ..] => {
            format!("{customer}/{}", decoded(painted)?).parse().ok()
        }
        ["customers", customer, "spaces", space, "images", name, ..] => {
            asset(&[customer, space, name])
        }
        ["iiif-img" | "iiif-manifest" | "thumbs", asset_path @ ..]
        | ["text", _, asset_path @ ..]
        | ["file", asset_path @ ..] => asset(unversioned(asset_path)),
        _ => None,
    }
}

fn unversioned<'p, 's>(path: &'p [&'s str]) -> &'p [&'s str] {
    match path {
        ["v2" | "v3", rest @ ..] => rest,
        path => path,
    }
}

fn asset(path: &[&str]) -> Option<AssetId> {
    let [customer, space, name, ..] = path else { return None };
    format!("{customer}/{space}/{}", decoded(name)?).parse().ok()
}

fn decoded(segment: &str) -> Option<String> {
    Some(percent_decode_str(segment).decode_utf8().ok()?.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_name_an_image_are_about_it() {
        for path in [
            "1/manifests/book/canvases/2%2Fpage%201",
            "1/manifests/book/canvases/2%2Fpage%201/2",
            "iiif-manifest/1/2/page%201",
            "iiif-manifest/v2/1/2/page%201/canvas",
            "iiif-img/v3/1/2/page%201/full/max/0/default.jpg?v=1",
            "iiif-img/1/2/page%201",
            "thumbs/v3/1/2/page%201/info.json",
            "file/1/2/page%201",
            "text/plain/1/2/page%201",
            "text/lines/v3/1/2/page%201",
            "customers/1/spaces/2/images/page%201",
        ] {
            let about = asset_of(&format!("{BASE_PLACEHOLDER}/{path}"));
            assert_eq!(about.map(|it| it.to_string()).as_deref(), Some("1/2/page 1"), "{path}");
        }
        let deep = asset_of(&format!("{BASE_PLACEHOLDER}/iiif-img/v3/1/2/a%2Fb"));
        assert_eq!(deep.map(|it| it.name().to_owned()).as_deref(), Some("a/b"));
    }

    #[test]
    fn others_are_about_none() {
        for source in [
            format!("{BASE_PLACEHOLDER}/1/manifests/book"),
            format!("{BASE_PLACEHOLDER}/1/manifests/book/canvases/one"),
            format!("{BASE_PLACEHOLDER}/1/collections/root"),
            format!("{BASE_PLACEHOLDER}/iiif-img/v3/1/2"),
            format!("{BASE_PLACEHOLDER}/iiif-img/v3/one/two/page"),
            format!("{BASE_PLACEHOLDER}/file/1/2/%ff"),
            BASE_PLACEHOLDER.to_owned(),
            "https://elsewhere.example/iiif-img/v3/1/2/page".to_owned(),
            String::new(),
        ] {
            assert_eq!(asset_of(&source), None, "{source}");
        }
    }
}
