//! Reads pages whose text is known with `dlcs ocr` and with the `tesseract` program, by the same
//! model, and prints how far each is from the truth. Status 1: ours is worse somewhere.
//!
//! `ocr_quality PROGRAM FOLDER`, as `make ocr-quality` calls it.

#![expect(clippy::print_stdout, reason = "the table is what was asked for")]

#[path = "ocr_quality/score.rs"]
mod score;

use score::Score;
use std::error::Error;
use std::path::Path;
use std::process::{Command, ExitCode};

/// Image, text, languages.
const PAGES: &[(&str, &str, &str)] = &[
    ("phototest.tif", "phototest.gold.txt", "eng"),
    ("eurotext.tif", "eurotext.txt", "eng+deu+fra"),
    ("8087_054.3B.tif", "8087_054.3B.txt", "eng"),
    ("laube_europa0202_1837_0105.jpg", "laube_europa0202_1837_0105.gt.txt", "frk"),
    ("kant_0020.tif", "kant_0020.gt.txt", "frk"),
    ("bebel_frau_1879_0146.tif", "bebel_frau_1879_0146.gt.txt", "frk"),
    ("btv1b8610802d_f31.jpg", "btv1b8610802d_f31.gt.txt", "fra"),
];

/// What rounding of pixels may cost, in errors per character.
const TOLERANCE: f64 = 0.001;

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("ocr_quality: {error}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<bool, Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [program, folder] = &arguments[..] else {
        return Err("usage: ocr_quality PROGRAM FOLDER".into());
    };
    let folder = Path::new(folder);
    println!(
        "| page | models | | CER strict | CER loose | word recall |\n|:--|:--|:--|--:|--:|--:|"
    );
    let (mut is_as_good, mut pages) = (true, 0);
    for (image, truth, languages) in PAGES {
        let (image_path, truth) = (folder.join(image), folder.join(truth));
        if !image_path.is_file() || !truth.is_file() {
            eprintln!("SKIPPED: there is no {}", image_path.display());
            continue;
        }
        pages += 1;
        let truth = std::fs::read_to_string(truth)?;
        let ours = Command::new(program)
            .args(["ocr", "--to", "text", "--lang", languages])
            .arg(&image_path)
            .output()?;
        let theirs = Command::new("tesseract")
            .arg(&image_path)
            .args(["-", "-l", languages])
            .env("OMP_THREAD_LIMIT", "1")
            .output()?;
        let (ours, theirs) = (score_of(&truth, &ours)?, score_of(&truth, &theirs)?);
        row(image, languages, "dlcs", ours);
        row("", "", "tesseract", theirs);
        is_as_good &= ours.cer_strict <= theirs.cer_strict + TOLERANCE;
        is_as_good &= ours.cer_loose <= theirs.cer_loose + TOLERANCE;
    }
    eprintln!("{pages} pages, ours is {}", if is_as_good { "nowhere worse" } else { "worse" });
    Ok(is_as_good)
}

fn score_of(truth: &str, output: &std::process::Output) -> Result<Score, Box<dyn Error>> {
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    Ok(Score::of(truth, &String::from_utf8_lossy(&output.stdout)))
}

fn row(image: &str, languages: &str, program: &str, score: Score) {
    let Score { cer_strict, cer_loose, word_recall } = score;
    println!(
        "| {image} | {languages} | {program} | {cer_strict:.4} | {cer_loose:.4} | {word_recall:.3} |"
    );
}
