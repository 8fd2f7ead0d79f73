//! What viewers see is what the source looks like: our answers beside those of libvips, by the
//! difference that an eye would see.
//!
//! 60 requests by chance in every run, 500 with `make torture`; `DLCS_SEED` chooses which.

mod ciede2000;
mod reference;
mod requests;
mod tally;

use crate::support::server::{Persona, Server};
use crate::support::{Random, fixtures, is_long, seed};
use ciede2000::Srgb;
use reference::{Original, Picture, vips};
use requests::Request;
use std::path::{Path, PathBuf};
use std::process::Command;
use tally::Tally;

/// Mean ΔE00 over the pixels of a class; a trained eye can just see 1.
const MEAN_MAX: f64 = 1.5;
/// The same where a reduced level answers. Its JPEG holds the detail of four times the area and so
/// loses more: libvips' own of quality 85, made of a half of these photographs, 1.3 to 1.8.
const MEAN_MAX_REDUCED: f64 = 3.0;
/// What 999 of 1,000 pixels of a class stay below. JPEG keeps one colour for four pixels: where two
/// colours meet, or ink and paper, a line of pixels gets some of its neighbour's, up to 23 in a
/// JPEG that libvips makes of these same pictures. Half as much again, for the answer's own JPEG.
const OF_999_MAX: f64 = 35.0;
/// No single answer is further off than this in the mean. One that is turned or cut wrongly is, but
/// for pages with little on them: these pictures differ by 6 to 46 from their mirror images.
const ANSWER_MAX: f64 = 7.0;

/// Sources of one kind.
struct Class {
    name: &'static str,
    sources: &'static [Source],
}

/// A file, and whether it is one that no JPEG of quality 85 holds within the bounds: colours change
/// from pixel to pixel. Then libvips answers from such a JPEG too, as everybody who serves the
/// usual pyramid does; and nothing is asked of a reduced level, which has a JPEG of its own.
struct Source(&'static str, bool);

const CLASSES: [Class; 7] = [
    Class {
        name: "colour",
        sources: &[
            Source("images/nokia_photo.jpg", false),
            Source("images/walters_w102_fol_78v_detail.jpg", false),
        ],
    },
    Class { name: "inks", sources: &[Source("images/baiona_cmyk.jpg", true)] },
    Class { name: "16 bits", sources: &[Source("images/derived_rgb16_2000x1500.tif", true)] },
    Class {
        name: "colour profile",
        sources: &[
            Source("pages/btv1b8610802d_f31.jpg", false),
            Source("pages/kant_0020.tif", true),
        ],
    },
    Class {
        name: "turned by Exif",
        sources: &[
            Source("images/exif_landscape_3.jpg", false),
            Source("images/exif_landscape_6.jpg", false),
            Source("images/exif_landscape_8.jpg", false),
        ],
    },
    Class { name: "palette", sources: &[Source(SQUARES, false), Source(LEAF, true)] },
    Class {
        name: "bitonal",
        sources: &[
            Source("images/cantaloupe_tif_bw_9image.tif", false),
            Source("pages/8087_054.3B.tif", false),
            Source("pages/eurotext.tif", false),
        ],
    },
];

/// Made of fixtures, since there is none with a palette.
const SQUARES: &str = "made/squares.png";
const LEAF: &str = "made/leaf.gif";

/// A source that the server has and libvips too.
struct Shown {
    id: String,
    original: Original,
    is_coarse: bool,
}

#[tokio::test]
async fn answers_look_like_their_sources() {
    let Some(images) = fixtures::folder("images") else { return };
    if Command::new("vips").arg("--version").output().is_err() {
        assert!(std::env::var_os("CI").is_none(), "vips is missing");
        eprintln!("SKIPPED: vips is missing: run `make setup`");
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    make(&images, folder);
    let server = Server::start();
    server.space(1).await;
    let mut classes = Vec::new();
    for class in &CLASSES {
        classes.push(shown(&server, class, folder).await);
    }

    let (seed, count) = (seed(), if is_long() { 500 } else { 60 });
    eprintln!("fidelity: seed {seed}, {count} requests");
    let mut random = Random(seed);
    let srgb = Srgb::new();
    let mut tallies = vec![[Tally::new(), Tally::new()]; classes.len()];
    for number in 0..count {
        let class = number % classes.len();
        let at = random.below(classes[class].len() as u64) as usize;
        let source = &classes[class][at];
        let Original { width, height, .. } = source.original;
        let request = requests::by_chance(&mut random, width, height, source.is_coarse);
        let tally = compare(&server, source, &request, &srgb, folder).await;
        let (mean, what) = (tally.mean(), format!("{} {}", source.id, request.path));
        assert!(mean <= ANSWER_MAX, "{what}: {mean:.2} (seed {seed})");
        tallies[class][usize::from(request.needs_full_size())].add(&tally);
    }
    for (class, tallies) in CLASSES.iter().zip(&tallies) {
        judge(class, tallies, seed);
    }
}

fn judge(class: &Class, tallies: &[Tally; 2], seed: u64) {
    let bounds = [("reduced levels", MEAN_MAX_REDUCED), ("full size", MEAN_MAX)];
    for (tally, (level, mean_max)) in tallies.iter().zip(bounds) {
        if tally.pixels() == 0 {
            continue;
        }
        let (mean, of_999) = (tally.mean(), tally.of_999());
        let found = format!("{}, {level}: mean {mean:.2}, 999 of 1,000 {of_999:.2}", class.name);
        eprintln!("fidelity: {found}");
        assert!(mean <= mean_max && of_999 <= OF_999_MAX, "{found} (seed {seed})");
    }
}

/// Makes what there is no fixture of.
fn make(images: &Path, folder: &Path) {
    let path = |path: PathBuf| path.display().to_string();
    std::fs::create_dir(folder.join("made")).expect("a folder");
    let squares = path(images.join("67352ccc-d1b0-11e1-89ae-279075081939.png"));
    let palette = ["--palette", "--dither", "0"];
    vips(&[&["pngsave", &squares, &path(folder.join(SQUARES))], &palette[..]].concat());
    let leaf = path(images.join("walters_w102_fol_80r_detail.jpg"));
    vips(&["gifsave", &leaf, &path(folder.join(LEAF)), "--dither", "0"]);
}

/// Uploads the sources of a class, and opens them by libvips.
async fn shown(server: &Server, class: &Class, folder: &Path) -> Vec<Shown> {
    let mut all = Vec::new();
    for &Source(path, is_coarse) in class.sources {
        let file = match path.strip_prefix("made/") {
            Some(_) => folder.join(path),
            None => match path.split_once('/').and_then(|(it, _)| fixtures::folder(it)) {
                Some(kind) => kind.parent().expect("a folder of fixtures").join(path),
                None => continue,
            },
        };
        let id = fixtures::name(&file);
        let image = server.upload(&id, std::fs::read(&file).expect("readable")).await;
        assert!(image["error"].is_null(), "{id}: {image}");
        let original = Original::open(folder, &id, &file, is_coarse);
        all.push(Shown { id, original, is_coarse });
    }
    all
}

/// Lets both sides answer.
async fn compare(
    server: &Server,
    source: &Shown,
    request: &Request,
    srgb: &Srgb,
    folder: &Path,
) -> Tally {
    let path = format!("/iiif-img/v3/1/1/{}/{}", source.id, request.path);
    let answer = server.get(Persona::Anonymous, &path).await;
    assert!(answer.status().is_success(), "{path}: {}", answer.status());
    let file = folder.join("answer");
    std::fs::write(&file, answer.bytes().await.expect("a body")).expect("it is written");
    let ours = Picture::read(&file, folder);
    let theirs = source.original.answer(request, folder);
    let theirs = if request.is_gray { theirs.into_gray() } else { theirs };
    let sides = |it: &Picture| (it.width, it.height);
    assert_eq!(sides(&ours), sides(&theirs), "{path}: width and height");
    Tally::of(srgb, &ours, &theirs)
}
