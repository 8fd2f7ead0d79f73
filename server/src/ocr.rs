//! `dlcs ocr`: pages of local files, without a server. What was asked for is all that is printed.

use crate::config::{ConfigError, Settings};
use crate::recognition;
use anyhow::Context;
use clap::{Args, ValueEnum};
use dlcs_domain::Languages;
use dlcs_imaging::DecodeLimits;
use dlcs_ingest::{RecognitionWorker, WorkerError};
use dlcs_text::plain::Hyphens;
use dlcs_text::recogniser::Recognised;
use dlcs_text::{Provenance, alto, hocr, page_xml, plain};
use futures::StreamExt;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Args)]
pub(crate) struct OcrArgs {
    /// Files of one page each: JPEG, PNG, TIFF or WebP.
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<PathBuf>,
    /// Languages as the models are called, for example `deu` or `deu+frk`; `dlcs doctor` lists them.
    #[arg(long, value_name = "LANG[+LANG]", default_value = "eng")]
    lang: Languages,
    /// What is written.
    #[arg(long, value_enum, default_value = "text")]
    to: Form,
    /// Folder for one file a page, named after the image; else everything goes to standard output.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// Plain text, pages apart by a form feed.
    Text,
    /// ALTO 4.4.
    Alto,
    /// hOCR.
    Hocr,
    /// PAGE XML.
    Page,
    /// Layout and engine, one line a page.
    Json,
}

impl Form {
    fn ending(self) -> &'static str {
        match self {
            Self::Text => "txt",
            Self::Alto => "alto.xml",
            Self::Hocr => "hocr",
            Self::Page => "page.xml",
            Self::Json => "json",
        }
    }

    /// Several can stand one after the other.
    fn is_stream(self) -> bool {
        matches!(self, Self::Text | Self::Json)
    }

    fn write(self, page: &Recognised) -> anyhow::Result<String> {
        let provenance = Provenance { engine: Some(&page.engine), ..Provenance::default() };
        Ok(match self {
            Self::Text => plain::write(&page.layout, Hyphens::Keep),
            Self::Alto => alto::write(&page.layout, provenance),
            Self::Hocr => hocr::write(&page.layout, provenance),
            Self::Page => page_xml::write(&page.layout, provenance),
            Self::Json => serde_json::to_string(page)? + "\n",
        })
    }
}

/// Status 0 when every page was read, 1 when some were not, 2 for wrong usage.
pub(crate) async fn run(args: OcrArgs, settings: &Settings) -> anyhow::Result<ExitCode> {
    check(&args, settings)?;
    let outputs = outputs(&args)?;
    if let Some(folder) = &args.out {
        let context = || format!("the folder `{}` cannot be made", folder.display());
        std::fs::create_dir_all(folder).with_context(context)?;
    }
    let pool = recognition::pool_of_command(settings)?;
    let limits = DecodeLimits { pixels_max: settings.source_pixels_max, ..DecodeLimits::default() };
    let languages = args.lang.as_slice();
    // Twice as many as there are workers, so that one which is slow holds up nobody for long.
    let at_once = settings.ocr_workers * 2;
    let (pool, limits) = (&pool, &limits);
    let pages = args.images.iter().zip(outputs).map(|(image, output)| async move {
        (image, output, pool.recognise(image, languages, limits).await)
    });
    let mut pages = futures::stream::iter(pages).buffered(at_once);
    let (mut failures, mut printed) = (0u64, Printed::default());
    while let Some((image, output, page)) = pages.next().await {
        match finished(page) {
            Ok(page) => {
                let text = args.to.write(&page)?;
                match output {
                    Some(path) => keep(&path, &text)?,
                    None if printed.page(&text, args.to)? => {}
                    // Nobody reads any more.
                    None => break,
                }
            }
            Err(reason) => {
                failures += 1;
                eprintln!("dlcs: {}: {reason}", image.display());
            }
        }
    }
    Ok(ExitCode::from(u8::from(failures > 0)))
}

fn finished(page: Result<Recognised, WorkerError>) -> Result<Recognised, String> {
    page.map_err(|error| match error {
        WorkerError::Refused { code, detail } => format!("{code}: {detail}"),
        other => format!("internal: {other}"),
    })
}

fn check(args: &OcrArgs, settings: &Settings) -> anyhow::Result<()> {
    let refuse = |message: String| Err(ConfigError::new(message).into());
    if recognition::engine().is_none() {
        return refuse("this program was built without the feature `tesseract`".to_owned());
    }
    if args.lang.is_empty() {
        return refuse("`--lang` names no language".to_owned());
    }
    let models = recognition::models(settings);
    if let Some(missing) = models.missing(args.lang.as_slice()) {
        let there = Vec::from_iter(models.languages.iter().map(String::as_str)).join(", ");
        let there = if there.is_empty() { "none".to_owned() } else { there };
        let how = recognition::how_to_install(missing);
        return refuse(format!("there is no model for `{missing}`; there are: {there}; {how}"));
    }
    if args.out.is_none() && args.images.len() > 1 && !args.to.is_stream() {
        return refuse(
            "several pages of this form are several files: name a folder with `--out`".to_owned(),
        );
    }
    Ok(())
}

/// Returns where each page goes; `None`: to standard output.
fn outputs(args: &OcrArgs) -> Result<Vec<Option<PathBuf>>, ConfigError> {
    let Some(folder) = &args.out else { return Ok(vec![None; args.images.len()]) };
    let mut known: BTreeMap<PathBuf, &Path> = BTreeMap::new();
    let mut outputs = Vec::with_capacity(args.images.len());
    for image in &args.images {
        let stem = image
            .file_stem()
            .ok_or_else(|| ConfigError::new(format!("`{}` is no file", image.display())))?;
        let mut name = stem.to_owned();
        name.push(".");
        name.push(args.to.ending());
        let path = folder.join(name);
        if let Some(other) = known.insert(path.clone(), image) {
            return Err(ConfigError::new(format!(
                "`{}` and `{}` would both become `{}`",
                other.display(),
                image.display(),
                path.display()
            )));
        }
        outputs.push(Some(path));
    }
    Ok(outputs)
}

/// Writes a file so that it is there whole or not at all.
fn keep(path: &Path, text: &str) -> anyhow::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".part");
    std::fs::write(&beside, text)
        .and_then(|()| std::fs::rename(&beside, path))
        .with_context(|| format!("`{}` cannot be written", path.display()))
}

/// What went to standard output.
#[derive(Default)]
struct Printed {
    pages: u64,
}

impl Printed {
    /// Says whether somebody reads on.
    fn page(&mut self, text: &str, form: Form) -> io::Result<bool> {
        let mut out = io::stdout().lock();
        let is_apart = form == Form::Text && self.pages > 0;
        self.pages += 1;
        let written = match is_apart {
            true => out.write_all(b"\x0c").and_then(|()| out.write_all(text.as_bytes())),
            false => out.write_all(text.as_bytes()),
        };
        match written.and_then(|()| out.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
            Err(error) => Err(error),
            Ok(()) => Ok(true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(images: &[&str], to: Form, out: Option<&str>) -> OcrArgs {
        let images = images.iter().map(PathBuf::from).collect();
        OcrArgs { images, lang: "deu".parse().unwrap(), to, out: out.map(PathBuf::from) }
    }

    #[test]
    fn each_page_has_a_file_of_its_own() {
        let args = args(&["a/1.tif", "b/2.old.jpg"], Form::Alto, Some("out"));
        let outputs: Vec<_> = outputs(&args).unwrap().into_iter().flatten().collect();
        assert_eq!(outputs, [Path::new("out/1.alto.xml"), Path::new("out/2.old.alto.xml")]);
    }

    #[test]
    fn two_pages_never_become_one_file() {
        let args = args(&["a/1.tif", "b/1.jpg"], Form::Text, Some("out"));
        let refused = outputs(&args).unwrap_err().to_string();
        assert_eq!(refused, "`a/1.tif` and `b/1.jpg` would both become `out/1.txt`");
    }
}
