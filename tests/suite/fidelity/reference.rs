//! The same answers by libvips' command line, from the same files. Also reads pixels for us.

use super::requests::Request;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A source as libvips sees it: upright, 8 bits, sRGB or gray.
pub(super) struct Original {
    file: PathBuf,
    pub(super) width: u64,
    pub(super) height: u64,
}

/// Pixels; gray ones have three equal levels.
#[derive(PartialEq, Eq)]
pub(super) struct Picture {
    pub(super) width: u64,
    pub(super) height: u64,
    pub(super) pixels: Vec<[u8; 3]>,
}

/// Runs `vips`, which has to succeed.
pub(super) fn vips(args: &[&str]) {
    let output = Command::new("vips").args(args).output().expect("vips starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "vips {}: {said}", args.join(" "));
}

impl Original {
    /// Makes a source upright and sRGB, in a file within `folder` that is called `name`;
    /// `through_jpeg`: and a JPEG such as tiles are, of quality 85 with one colour for four pixels.
    pub(super) fn open(folder: &Path, name: &str, source: &Path, through_jpeg: bool) -> Self {
        let source = source.display().to_string();
        let [upright, file] = ["upright", "srgb"].map(|it| folder.join(format!("{name}.{it}.v")));
        let [upright, srgb] = [&upright, &file].map(|it| it.display().to_string());
        vips(&["autorot", &source, &upright]);
        let to_srgb = ["icc_transform", &upright, &srgb, "srgb", "--intent", "relative"];
        if field(&upright, "icc-profile-data").is_some() {
            vips(&[&to_srgb[..], &["--embedded"]].concat());
        } else if field(&upright, "bands").as_deref() == Some("4") {
            // A file of inks that does not say how they look: libvips' own profile of a press. We
            // have colours of our own for the case, fitted to a profile that is free to use.
            vips(&[&to_srgb[..], &["--input-profile", "cmyk"]].concat());
        } else {
            vips(&["cast", &upright, &srgb, "uchar"]);
        }
        let side = |name| field(&srgb, name).and_then(|it| it.parse().ok()).expect("a side");
        let (width, height) = (side("width"), side("height"));
        if !through_jpeg {
            return Self { file, width, height };
        }
        let file = folder.join(format!("{name}.jpg"));
        let jpeg = file.display().to_string();
        vips(&["jpegsave", &srgb, &jpeg, "--Q", "85", "--subsample-mode", "on", "--strip"]);
        Self { file, width, height }
    }

    /// Answers a request, but for gray.
    pub(super) fn answer(&self, request: &Request, folder: &Path) -> Picture {
        let at = |step: &str| folder.join(format!("{step}.v")).display().to_string();
        let (area, (width, height)) = (request.area, request.size);
        let mut file = at("area");
        let place = [area.left, area.top, area.width, area.height].map(|it| it.to_string());
        let place = place.each_ref().map(String::as_str);
        let from = self.file.display().to_string();
        vips(&[&["extract_area", &from, &file], &place[..]].concat());
        if (width, height) != (area.width, area.height) {
            let scale = |to: u64, from: u64| (to as f64 / from as f64).to_string();
            let (across, down) = (scale(width, area.width), scale(height, area.height));
            let scaled = at("scaled");
            // We scale by Catmull-Rom, which is what libvips calls cubic; its own habit is Lanczos.
            let kernel = ["--kernel", "cubic"];
            vips(&[&["resize", &file, &scaled, &across, "--vscale", &down], &kernel[..]].concat());
            file = scaled;
        }
        if request.is_mirrored {
            let mirrored = at("mirrored");
            vips(&["flip", &file, &mirrored, "horizontal"]);
            file = mirrored;
        }
        if request.quarter_turns > 0 {
            let (turned, angle) = (at("turned"), format!("d{}", 90 * request.quarter_turns));
            vips(&["rot", &file, &turned, &angle]);
            file = turned;
        }
        Picture::read(Path::new(&file), folder)
    }
}

impl Picture {
    /// Reads a file of any kind.
    pub(super) fn read(file: &Path, folder: &Path) -> Self {
        let plain = folder.join("plain.pnm");
        vips(&["copy", &file.display().to_string(), &plain.display().to_string()]);
        Self::parse(&std::fs::read(&plain).expect("libvips wrote it"))
    }

    /// Netpbm: a magic number, width, height and the largest level, then levels.
    fn parse(bytes: &[u8]) -> Self {
        let mut at = 0;
        let mut word = || {
            loop {
                let rest = &bytes[at..];
                let space = |it: &u8| it.is_ascii_whitespace();
                let end = if rest[0] == b'#' {
                    rest.iter().position(|it| *it == b'\n')
                } else {
                    rest.iter().position(space)
                };
                let end = end.expect("a header ends");
                at += end + 1;
                if end > 0 && rest[0] != b'#' {
                    return String::from_utf8_lossy(&rest[..end]).into_owned();
                }
            }
        };
        let magic = word();
        let [width, height, most] = [word(), word(), word()].map(|it| it.parse().expect("digits"));
        assert_eq!(most, 255_u64, "8 bits a level");
        let levels = &bytes[at..];
        let pixels: Vec<[u8; 3]> = match magic.as_str() {
            "P5" => levels.iter().map(|level| [*level; 3]).collect(),
            "P6" => levels.chunks_exact(3).map(|it| [it[0], it[1], it[2]]).collect(),
            _ => panic!("{magic} was not expected"),
        };
        assert_eq!(pixels.len() as u64, width * height);
        Self { width, height, pixels }
    }

    /// Makes it gray by the luma of JPEG (BT.601), of which gray tiles consist.
    ///
    /// libvips weighs light instead: saturated red is darker to us than to it. Both are called gray;
    /// ours is what decoders of JPEG answer when they are asked for gray, and most of the field.
    pub(super) fn into_gray(mut self) -> Self {
        for pixel in &mut self.pixels {
            let [r, g, b] = pixel.map(u32::from);
            let luma = (299 * r + 587 * g + 114 * b + 500) / 1_000;
            *pixel = [luma as u8; 3];
        }
        self
    }
}

/// Returns a field of a picture's header, if it has it.
fn field(file: &str, name: &str) -> Option<String> {
    let output = Command::new("vipsheader").args(["-f", name, file]).output();
    let output = output.expect("vipsheader starts");
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    (output.status.success() && !text.is_empty()).then_some(text)
}
