//! What the tests share. Fixtures and `vips` are optional tools of the bench: without them a test
//! says that it was skipped.

use dlcs_imaging::raster::Raster;
use dlcs_imaging::{DecodeLimits, MediaType, decode};
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) fn fixtures() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/fixtures");
    if path.is_dir() {
        return Some(path);
    }
    eprintln!("SKIPPED: there are no fixtures at {}", path.display());
    None
}

/// Runs `vips` and returns whether it worked; a machine without it skips.
pub(crate) fn vips(arguments: &[&str]) -> bool {
    match Command::new("vips").args(arguments).status() {
        Ok(status) => {
            assert!(status.success(), "vips {arguments:?}");
            true
        }
        Err(error) => {
            eprintln!("SKIPPED: vips cannot be run: {error}");
            false
        }
    }
}

pub(crate) fn decoded(bytes: &[u8]) -> Result<(MediaType, Raster), &'static str> {
    let decoded = decode(Cursor::new(bytes), &DecodeLimits::default());
    decoded.map(|it| (it.media_type, it.raster)).map_err(|error| error.code())
}

pub(crate) fn read(path: impl AsRef<Path>) -> Vec<u8> {
    std::fs::read(path.as_ref()).unwrap_or_else(|e| panic!("{}: {e}", path.as_ref().display()))
}

/// Mean difference of two pictures, in levels of 255.
pub(crate) fn difference(a: &Raster, b: &Raster) -> f64 {
    assert_eq!((a.width, a.height, a.channels), (b.width, b.height, b.channels));
    let sum: u64 = a.pixels.iter().zip(&b.pixels).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    sum as f64 / a.pixels.len() as f64
}
