//! Real scans are delivered, hostile files get their code, and nothing falls over.

use crate::support::fixtures::{self, files, name};
use crate::support::server::{Persona, Server};
use std::path::{Path, PathBuf};

/// What is no image: ground truth beside the scans.
const BESIDE: &[&str] = &["xml", "txt"];

fn extension(path: &Path) -> String {
    path.extension().unwrap_or_default().to_string_lossy().to_lowercase()
}

fn images(folder: &Path) -> Vec<PathBuf> {
    let beside = |path: &PathBuf| BESIDE.contains(&extension(path).as_str());
    files(folder).into_iter().filter(|path| !beside(path)).collect()
}

async fn error_code(server: &Server, file: &Path) -> Option<String> {
    let bytes = std::fs::read(file).expect("readable");
    let image = server.upload(&name(file), bytes).await;
    image["error"]["code"].as_str().map(str::to_owned)
}

#[tokio::test]
async fn every_good_file_is_delivered() {
    let server = Server::start();
    server.space(1).await;
    for folder in ["images", "pages"] {
        let Some(folder) = fixtures::folder(folder) else { return };
        for file in images(&folder) {
            assert_eq!(error_code(&server, &file).await, None, "{}", file.display());
        }
    }
}

#[tokio::test]
async fn every_hostile_file_gets_its_code() {
    let Some(folder) = fixtures::folder("hostile") else { return };
    let server = Server::start();
    server.space(1).await;
    for (file, code) in [
        ("alto_billion_laughs.xml", Some("media-type-unsupported")),
        ("bomb_30000x30000_1bit.png", Some("image-too-large")),
        // Broken EXIF alone is no reason to refuse.
        ("exif_oserror.jpg", None),
        ("html_named.jpg", Some("media-type-unsupported")),
        ("png_huge_header.png", Some("image-too-large")),
        // The JPEG that it is; its tail is dropped.
        ("polyglot_jpeg_zip.jpg", None),
        ("svg_xss.svg", Some("media-type-unsupported")),
        ("tiff_ifd_loop.tif", Some("image-corrupt")),
        ("truncated_half.jpg", Some("image-corrupt")),
        ("zero.jpg", Some("image-corrupt")),
    ] {
        let got = error_code(&server, &folder.join(file)).await;
        assert_eq!(got.as_deref(), code, "{file}");
    }
    let resident_kib = resident_kib(server.pid());
    assert!(resident_kib < 512 * 1024, "the server holds {resident_kib} KiB");
    assert_eq!(server.get(Persona::Anonymous, "/health/ready").await.status(), 200);
}

/// B33: a file that ends early is refused at every length, and never repaired.
#[tokio::test]
async fn truncated_files_are_corrupt_wherever_they_end() {
    let Some(folder) = fixtures::folder("images") else { return };
    let server = Server::start();
    server.space(1).await;
    let whole = std::fs::read(folder.join("walters_w102_fol_78v_detail.jpg")).expect("readable");
    for (n, tenths) in [1, 3, 5, 7, 9].into_iter().enumerate() {
        let cut = whole[..whole.len() * tenths / 10].to_vec();
        let image = server.upload(&format!("cut-{n}.jpg"), cut).await;
        assert_eq!(image["error"]["code"], "image-corrupt", "{tenths} tenths: {image}");
    }
}

#[tokio::test]
async fn a_tail_behind_the_picture_is_not_served() {
    let Some(folder) = fixtures::folder("hostile") else { return };
    let server = Server::start();
    server.space(1).await;
    let bytes = std::fs::read(folder.join("polyglot_jpeg_zip.jpg")).expect("readable");
    server.upload("polyglot", bytes).await;
    let path = "/iiif-img/v3/1/1/polyglot/full/max/0/default.jpg";
    let picture = server.get(Persona::Anonymous, path).await.bytes().await.expect("a body");
    let zip = picture.windows(4).any(|four| four == b"PK\x03\x04");
    assert!(!zip, "the archive came through");
}

/// Returns the most memory that a process had, in KiB.
pub(crate) fn resident_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("Linux");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("peak memory");
    line.split_whitespace().nth(1).and_then(|it| it.parse().ok()).expect("a number")
}
