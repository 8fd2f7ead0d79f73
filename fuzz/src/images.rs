//! Images: whatever is asked for, an answer of the size that was promised or a reason; whatever is
//! sent, a picture within the limits or a reason.

use dlcs_iiif::image_request::{Dimensions, ImageRequest, ImageVersion, Limits, Resolved, resolve};
use dlcs_imaging::decode::decode;
use dlcs_imaging::derivative::index::{DerivativeIndex, FOOTER_BYTES, Footer};
use dlcs_imaging::limits::DecodeLimits;
use dlcs_imaging::plan::{RenderLimits, RenderPlan, plan};
use std::io::Cursor;

const SOURCES: [Dimensions; 4] = [
    Dimensions { width: 1, height: 1 },
    Dimensions { width: 513, height: 1_024 },
    Dimensions { width: 7_000, height: 3 },
    Dimensions { width: 60_000, height: 59_999 },
];

/// Reads the path of a request and resolves it against images of several sizes.
///
/// # Panics
///
/// The canonical form is refused, is not canonical, or asks for something else; or a region or a
/// size is outside of what it is of.
pub fn check_request(path: &str) {
    for version in [ImageVersion::V2, ImageVersion::V3] {
        let Ok(request) = ImageRequest::parse_path(version, path) else { continue };
        for source in SOURCES {
            let limits = Limits::default();
            let Ok(resolved) = resolve(&request, version, source, &limits) else { continue };
            let region = resolved.region;
            assert!(region.width > 0 && region.height > 0, "{path:?} of {source:?}");
            assert!(u64::from(region.x) + u64::from(region.width) <= u64::from(source.width));
            assert!(u64::from(region.y) + u64::from(region.height) <= u64::from(source.height));
            assert!(resolved.size.width > 0 && resolved.size.height > 0, "{path:?}");
            let canonical = resolved.canonical_path(version, source, &limits);
            let again = ImageRequest::parse_path(version, &canonical);
            let again = again.unwrap_or_else(|error| panic!("{canonical}: {error}"));
            let same = resolve(&again, version, source, &limits);
            let same = same.unwrap_or_else(|error| panic!("{canonical}: {error}"));
            // `color` is what an image has by default.
            let same = Resolved { quality: resolved.quality, ..same };
            assert_eq!(same, resolved, "{path:?} and {canonical}");
            assert_eq!(same.canonical_path(version, source, &limits), canonical);
        }
    }
}

/// Decodes a file that claims to be an image.
///
/// # Panics
///
/// The picture has not as many bytes as its size says, or is larger than the limits.
pub fn check_decode(bytes: &[u8]) {
    let limits = DecodeLimits {
        source_bytes_max: 1 << 20,
        resident_bytes_max: 1 << 20,
        pixels_max: 1 << 20,
        tiled_pixels_max: 1 << 20,
        side_px_max: 4_096,
        jpeg_2000_bytes_max: 64 << 20,
        ..DecodeLimits::default()
    };
    let Ok(decoded) = decode(Cursor::new(bytes), &limits) else { return };
    let raster = decoded.raster;
    assert!(u64::from(raster.width) * u64::from(raster.height) <= limits.pixels_max);
    assert_eq!(raster.pixels.len(), raster.stride() * raster.height as usize);
}

/// Reads the end of a derivative and plans an answer with what it says.
///
/// # Panics
///
/// A piece lies outside of the file, or the index comes back otherwise than it went.
pub fn check_index(bytes: &[u8]) {
    let length = bytes.len() as u64;
    let Some(at) = bytes.len().checked_sub(FOOTER_BYTES) else { return };
    let Ok(footer) = Footer::from_bytes(&bytes[at..], length) else { return };
    let index = &bytes[footer.index.offset as usize..at];
    let Ok(index) = DerivativeIndex::from_bytes(index, &footer) else { return };
    let source = Dimensions { width: index.width, height: index.height };
    for path in
        ["full/max/0/default.jpg", "0,0,1,1/max/0/default.jpg", "pct:40,40,9,9/9,/45/gray.png"]
    {
        let request = ImageRequest::parse_path(ImageVersion::V3, path).expect("it is well formed");
        let resolved = resolve(&request, ImageVersion::V3, source, &Limits::default());
        let Ok(resolved) = resolved else { continue };
        match plan(&request, &resolved, &index, &RenderLimits::default()) {
            Ok(RenderPlan::StoredTile(extent) | RenderPlan::StoredThumbnail(extent)) => {
                assert!(extent.range().end <= length, "{extent:?}");
            }
            Ok(RenderPlan::Render(render)) => {
                let tiles = render.tiles(&index);
                assert!(tiles.iter().all(|it| it.range().end <= length), "{path}");
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn corpus(name: &str) -> Vec<Vec<u8>> {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
        let files = std::fs::read_dir(folder).expect("a corpus");
        files.map(|it| std::fs::read(it.expect("a file").path()).expect("it can be read")).collect()
    }

    #[test]
    fn the_corpus_holds() {
        for bytes in corpus("image_request") {
            check_request(&String::from_utf8_lossy(&bytes));
        }
        corpus("image_decode").iter().for_each(|it| check_decode(it));
        corpus("derivative_index").iter().for_each(|it| check_index(it));
    }
}
