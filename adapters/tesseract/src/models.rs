//! The folder of models: which languages there are.

use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// Where packages put their models, the most likely first.
const USUAL_FOLDERS: &[&str] = &[
    "/usr/share/tesseract-ocr/5/tessdata",
    "/usr/share/tesseract/tessdata",
    "/usr/share/tessdata",
    "/usr/local/share/tessdata",
    "/opt/homebrew/share/tessdata",
    "/usr/share/tesseract-ocr/4.00/tessdata",
];

const ENDING: &str = ".traineddata";
/// Bytes of one part of a name.
const PART_BYTES_MAX: usize = 32;
/// Finds the orientation of a page; not a language.
const ORIENTATION: &str = "osd";

#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    #[error("`{0}` is not the name of a language")]
    Name(String),
    #[error("there is no model for the language `{0}`")]
    Missing(String),
    #[error("the model of `{name}` cannot be read: {source}")]
    Unreadable { name: String, source: io::Error },
}

/// Name of a model: letters, digits and `_`, at most one folder deep, as in `script/Fraktur`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LanguageName(String);

impl LanguageName {
    pub fn parse(text: &str) -> Result<Self, ModelError> {
        let is_part = |part: &str| {
            (1..=PART_BYTES_MAX).contains(&part.len())
                && part.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_')
        };
        let mut parts = text.split('/');
        let is_name = parts.by_ref().take(2).all(is_part) && parts.next().is_none();
        match is_name {
            true => Ok(Self(text.to_owned())),
            false => Err(ModelError::Name(text.to_owned())),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LanguageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A folder of models, as Tesseract's packages install it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelFolder(PathBuf);

impl ModelFolder {
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Returns the first of the usual folders that holds a language.
    pub fn usual() -> Option<Self> {
        let mut folders = USUAL_FOLDERS.iter().map(Self::new);
        folders.find(|folder| !folder.languages().is_empty())
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Returns every language that has a model here, in order.
    pub fn languages(&self) -> BTreeSet<LanguageName> {
        let mut found = names_in(&self.0, "");
        for folder in subfolders(&self.0) {
            found.extend(names_in(&self.0.join(&folder), &format!("{folder}/")));
        }
        found
    }

    /// Returns the file of a language's model.
    pub fn model(&self, name: &LanguageName) -> Result<PathBuf, ModelError> {
        let path = self.0.join(format!("{name}{ENDING}"));
        match path.is_file() {
            true => Ok(path),
            false => Err(ModelError::Missing(name.to_string())),
        }
    }

    /// Returns what says exactly which model this is: `deu@sha256:…`.
    pub fn fingerprint(&self, name: &LanguageName) -> Result<String, ModelError> {
        let path = self.model(name)?;
        let digest = sha256(&path)
            .map_err(|source| ModelError::Unreadable { name: name.to_string(), source })?;
        Ok(format!("{name}@sha256:{digest}"))
    }
}

fn names_in(folder: &Path, prefix: &str) -> BTreeSet<LanguageName> {
    let names = entries(folder).into_iter().filter_map(|name| {
        let stem = name.strip_suffix(ENDING)?;
        (stem != ORIENTATION).then(|| LanguageName::parse(&format!("{prefix}{stem}")).ok())?
    });
    names.collect()
}

fn subfolders(folder: &Path) -> Vec<String> {
    let names = entries(folder).into_iter();
    names.filter(|name| folder.join(name).is_dir()).collect()
}

/// A folder that cannot be read has nothing to offer.
fn entries(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

fn sha256(path: &Path) -> io::Result<String> {
    let mut hasher = Hasher(Sha256::new());
    io::copy(&mut File::open(path)?, &mut hasher)?;
    Ok(hex::encode(hasher.0.finalize()))
}

struct Hasher(Sha256);

impl io::Write for Hasher {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_of_models_are_names() {
        for name in
            ["deu", "frk", "deu_latf", "script/Fraktur", "Fraktur", "chi_sim_vert", "a", "9"]
        {
            assert_eq!(LanguageName::parse(name).unwrap().as_str(), name);
        }
    }

    /// Hostile input B45.
    #[test]
    fn what_is_no_name_is_refused() {
        let too_long = "a".repeat(33);
        for name in [
            "",
            "/",
            "a/",
            "/a",
            "a/b/c",
            ".",
            "..",
            "../../etc/passwd",
            "a/../b",
            "eng+$(id)",
            "eng+deu",
            "a.b",
            "a b",
            "a\0",
            "a\n",
            "~eng",
            "dëu",
            "C:",
            "a\\b",
            "-c",
            &too_long,
        ] {
            assert!(LanguageName::parse(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn a_folder_lists_its_languages_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["deu.traineddata", "osd.traineddata", "x y.traineddata", "pdf.ttf", "eng.txt"]
        {
            std::fs::write(folder.path().join(name), b"model").unwrap();
        }
        std::fs::create_dir(folder.path().join("script")).unwrap();
        std::fs::write(folder.path().join("script/Latin.traineddata"), b"model").unwrap();
        let models = ModelFolder::new(folder.path());
        let names: Vec<_> = models.languages().iter().map(|it| it.to_string()).collect();
        assert_eq!(names, ["deu", "script/Latin"]);
        let deu = LanguageName::parse("deu").unwrap();
        let digest = "9372c470eeadd5ecd9c3c74c2b3cb633f8e2f2fad799250a0f70d652b6b825e4";
        assert_eq!(models.fingerprint(&deu).unwrap(), format!("deu@sha256:{digest}"));
        let eng = LanguageName::parse("eng").unwrap();
        assert!(matches!(models.model(&eng), Err(ModelError::Missing(name)) if name == "eng"));
    }

    #[test]
    fn a_folder_that_is_not_there_has_no_languages() {
        assert!(ModelFolder::new("/nonexistent").languages().is_empty());
    }

    proptest! {
        /// Whatever is asked for, a model lies in the folder.
        #[test]
        fn no_name_leads_out_of_the_folder(text in ".{0,40}") {
            if let Ok(name) = LanguageName::parse(&text) {
                let path = Path::new("/models").join(format!("{name}{ENDING}"));
                let plain = path.components().all(|it| !matches!(it, std::path::Component::ParentDir));
                prop_assert!(plain && path.starts_with("/models"));
                prop_assert!(!name.as_str().contains(['+', '~', '\0']));
            }
        }
    }
}
