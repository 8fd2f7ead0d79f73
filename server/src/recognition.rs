//! The recognition engine, where it is built in: its models, its workers.

use crate::config::Settings;
use dlcs_adapter_worker::{RecognitionPool, RecognitionPoolSettings};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;

/// How much recognition stands back for those who wait for a tile.
const NICENESS: u8 = 5;

/// What there is to recognise with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Models {
    /// `None`: no folder of models was found.
    pub(crate) folder: Option<PathBuf>,
    pub(crate) languages: BTreeSet<String>,
}

impl Models {
    /// Names the first language that is not there.
    pub(crate) fn missing<'a>(&self, languages: &'a [String]) -> Option<&'a str> {
        languages.iter().find(|it| !self.languages.contains(*it)).map(String::as_str)
    }
}

/// Says how to install the model of a language.
pub(crate) fn how_to_install(language: &str) -> String {
    let package = match language {
        "Fraktur" | "script/Fraktur" => "script-frak".to_owned(),
        other => other.to_lowercase().replace(['_', '/'], "-"),
    };
    format!(
        "install the package `tesseract-ocr-{package}` (Debian, Ubuntu), or name another folder of \
         models with `--tessdata`"
    )
}

/// Makes the workers of a server, which stand back for it.
pub(crate) fn pool(settings: &Settings) -> anyhow::Result<RecognitionPool> {
    let pool = pool_settings(settings)?;
    Ok(RecognitionPool::new(RecognitionPoolSettings { niceness: NICENESS, ..pool }))
}

/// Makes the workers of a command that does nothing else.
pub(crate) fn pool_of_command(settings: &Settings) -> anyhow::Result<RecognitionPool> {
    Ok(RecognitionPool::new(pool_settings(settings)?))
}

fn pool_settings(settings: &Settings) -> anyhow::Result<RecognitionPoolSettings> {
    // Without models every page fails, and says which model is missing.
    let folder = models(settings).folder.unwrap_or_default();
    let defaults = RecognitionPoolSettings::of_this_program(folder)?;
    Ok(RecognitionPoolSettings {
        processes_max: settings.ocr_workers,
        deadline: settings.ocr_deadline,
        memory_bytes: settings.ocr_memory_bytes,
        ..defaults
    })
}

#[cfg(feature = "tesseract")]
mod engine {
    use super::{ExitCode, Models, Settings};
    use dlcs_adapter_tesseract::{ModelFolder, Tesseract, TesseractSettings, library_version};

    pub(crate) fn models(settings: &Settings) -> Models {
        let folder = match &settings.tessdata {
            Some(path) => Some(ModelFolder::new(path)),
            None => ModelFolder::usual(),
        };
        let languages = folder.iter().flat_map(ModelFolder::languages);
        Models {
            languages: languages.map(|it| it.to_string()).collect(),
            folder: folder.map(|it| it.path().to_owned()),
        }
    }

    /// Returns name and version; `None`: the program was built without one.
    pub(crate) fn engine() -> Option<String> {
        Some(format!("tesseract {}", library_version()))
    }

    /// Runs as `dlcs worker recognise`.
    pub(crate) fn run_worker(arguments: &[String]) -> ExitCode {
        dlcs_adapter_worker::run_recognition_worker(arguments, |task| {
            let settings = TesseractSettings::of(ModelFolder::new(task.models));
            Tesseract::new(TesseractSettings { pixels_max: task.pixels_max, ..settings })
        })
    }
}

#[cfg(not(feature = "tesseract"))]
mod engine {
    use super::{BTreeSet, ExitCode, Models, Settings};

    pub(crate) fn models(_: &Settings) -> Models {
        Models { folder: None, languages: BTreeSet::new() }
    }

    pub(crate) fn engine() -> Option<String> {
        None
    }

    pub(crate) fn run_worker(_: &[String]) -> ExitCode {
        eprintln!("dlcs: this program was built without the feature `tesseract`");
        ExitCode::FAILURE
    }
}

pub(crate) use engine::{engine, models, run_worker};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_missing_language_is_named() {
        let languages = ["deu", "frk"].map(str::to_owned);
        let models = Models { folder: None, languages: ["deu".to_owned()].into() };
        assert_eq!(models.missing(&languages), Some("frk"));
        assert_eq!(models.missing(&languages[..1]), None);
    }

    #[test]
    fn packages_are_named_as_debian_names_them() {
        assert!(how_to_install("chi_sim").contains("`tesseract-ocr-chi-sim`"));
        assert!(how_to_install("Fraktur").contains("`tesseract-ocr-script-frak`"));
    }
}
