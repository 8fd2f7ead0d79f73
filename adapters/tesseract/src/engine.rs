//! The engine: one instance of the library for each set of languages.

use crate::models::{LanguageName, ModelError, ModelFolder};
use crate::tsv;
use dlcs_text::language::tag;
use dlcs_text::recogniser::{Engine, Picture, RecogniseError, Recognised, Recogniser};
use dlcs_text::{PageLayout, resolve_hyphens};
use std::collections::BTreeMap;
use std::ffi::CStr;
use tesseract::{OcrEngineMode, PageSegMode};

/// The library keeps coordinates in 16 bits.
const SIDE_PX_MAX: u32 = 32_767;
/// Languages of one page.
const LANGUAGES_MAX: usize = 8;
/// What the library believes of a source; else it estimates.
const CREDIBLE_DPI: std::ops::RangeInclusive<u32> = 70..=2400;

/// How much an engine takes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TesseractSettings {
    pub models: ModelFolder,
    /// Pixels of a page.
    pub pixels_max: u64,
    /// Sets of languages whose models stay loaded.
    pub engines_max: usize,
}

impl TesseractSettings {
    pub fn of(models: ModelFolder) -> Self {
        Self { models, pixels_max: 100_000_000, engines_max: 2 }
    }
}

/// Reads pages with Tesseract.
pub struct Tesseract {
    settings: TesseractSettings,
    /// The one used last stands last.
    loaded: Vec<Loaded>,
}

/// Models in memory.
struct Loaded {
    languages: Vec<LanguageName>,
    fingerprints: Vec<String>,
    library: tesseract::Tesseract,
}

impl Tesseract {
    pub fn new(settings: TesseractSettings) -> Self {
        Self { settings, loaded: Vec::new() }
    }

    /// Takes the engine of these languages out, loading their models if need be.
    fn take(&mut self, languages: &[LanguageName]) -> Result<Loaded, RecogniseError> {
        let known = self.loaded.iter().position(|it| it.languages == languages);
        if let Some(index) = known {
            return Ok(self.loaded.remove(index));
        }
        // Room is made first: two sets of models in memory are enough.
        let surplus = (self.loaded.len() + 1).saturating_sub(self.settings.engines_max.max(1));
        self.loaded.drain(..surplus);
        self.load(languages)
    }

    fn load(&self, languages: &[LanguageName]) -> Result<Loaded, RecogniseError> {
        let models = &self.settings.models;
        let fingerprints = languages.iter().map(|it| models.fingerprint(it).map_err(refused));
        let fingerprints = fingerprints.collect::<Result<_, _>>()?;
        let folder = models.path().to_str();
        let folder = folder.ok_or_else(|| failed("the folder of models has an unusual name"))?;
        let names: Vec<_> = languages.iter().map(LanguageName::as_str).collect();
        let mode = OcrEngineMode::Default;
        let library =
            tesseract::Tesseract::new_with_oem(Some(folder), Some(&names.join("+")), mode)
                .map_err(|error| failed(&error))?;
        Ok(Loaded { languages: languages.to_vec(), fingerprints, library })
    }

    fn check(&self, picture: &Picture<'_>) -> Result<(), RecogniseError> {
        let pixels = u64::from(picture.width_px) * u64::from(picture.height_px);
        let is_long = picture.width_px.max(picture.height_px) > SIDE_PX_MAX;
        let pixels_max = self.settings.pixels_max;
        if is_long || pixels > pixels_max {
            return Err(RecogniseError::TooLarge { pixels, pixels_max });
        }
        let bytes = pixels * u64::from(picture.channels);
        let is_whole = pixels > 0 && matches!(picture.channels, 1 | 3);
        // The binding calculates in 32 bits.
        let is_whole = is_whole && bytes == picture.pixels.len() as u64;
        match is_whole && i32::try_from(bytes).is_ok() {
            true => Ok(()),
            false => Err(failed("the picture has not the bytes that its size needs")),
        }
    }
}

impl Recogniser for Tesseract {
    fn recognise(
        &mut self,
        picture: Picture<'_>,
        languages: &[String],
    ) -> Result<Recognised, RecogniseError> {
        let languages = names(languages)?;
        self.check(&picture)?;
        let Loaded { languages, fingerprints, library } = self.take(&languages)?;
        // An engine that fails is not used again.
        let (library, mut layout) = read(library, &picture)?;
        layout.languages = languages.iter().filter_map(|it| tag(it.as_str())).collect();
        layout.languages.dedup();
        resolve_hyphens(&mut layout);
        let engine = Engine {
            name: "tesseract".to_owned(),
            version: library_version(),
            models: fingerprints.clone(),
            settings: settings(&picture),
        };
        self.loaded.push(Loaded { languages, fingerprints, library });
        Ok(Recognised { confidence: mean_confidence(&layout), layout, engine })
    }
}

fn names(languages: &[String]) -> Result<Vec<LanguageName>, RecogniseError> {
    if languages.is_empty() || languages.len() > LANGUAGES_MAX {
        return Err(failed(&format!("a page has 1 to {LANGUAGES_MAX} languages")));
    }
    languages.iter().map(|it| LanguageName::parse(it).map_err(refused)).collect()
}

fn read(
    library: tesseract::Tesseract,
    picture: &Picture<'_>,
) -> Result<(tesseract::Tesseract, PageLayout), RecogniseError> {
    let channels = i32::from(picture.channels);
    // `check` has seen to it that neither exceeds 16 bits.
    let (width, height) = (picture.width_px as i32, picture.height_px as i32);
    let mut library = library
        .set_frame(picture.pixels, width, height, channels, width * channels)
        .map_err(|error| failed(&error))?;
    library.set_page_seg_mode(PageSegMode::PsmAuto);
    if let Some(resolution) = credible(picture) {
        library = library.set_source_resolution(resolution as i32);
    }
    let mut library = library.recognize().map_err(|error| failed(&error))?;
    let table = library.get_tsv_text(0).map_err(|error| failed(&error))?;
    let layout = tsv::layout(&table, picture.width_px, picture.height_px);
    Ok((library, layout.map_err(|error| failed(&error))?))
}

fn credible(picture: &Picture<'_>) -> Option<u32> {
    picture.resolution_dpi.filter(|it| CREDIBLE_DPI.contains(it))
}

fn settings(picture: &Picture<'_>) -> BTreeMap<String, String> {
    let resolution = credible(picture).map_or("estimated".to_owned(), |dpi| dpi.to_string());
    let settings = [("page_segmentation", "auto".to_owned()), ("resolution_dpi", resolution)];
    settings.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn mean_confidence(layout: &PageLayout) -> Option<u8> {
    let all = layout.words().filter_map(|word| word.confidence);
    let (count, sum) = all.fold((0u64, 0u64), |(n, sum), it| (n + 1, sum + u64::from(it)));
    // A mean of numbers up to 100.
    (sum + count / 2).checked_div(count).map(|mean| mean as u8)
}

fn refused(error: ModelError) -> RecogniseError {
    match error {
        ModelError::Name(name) | ModelError::Missing(name) => RecogniseError::LanguageMissing(name),
        ModelError::Unreadable { .. } => failed(&error),
    }
}

fn failed(error: &(impl ToString + ?Sized)) -> RecogniseError {
    RecogniseError::Engine(error.to_string())
}

/// Returns the version of the library, for example `5.3.0`.
pub fn library_version() -> String {
    #[expect(unsafe_code, reason = "the binding has no safe function for it")]
    // SAFETY: the library returns a pointer to a constant text that ends with a zero byte.
    let version = unsafe { CStr::from_ptr(tesseract_sys::TessVersion()) };
    version.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(pixels: &[u8], width_px: u32, height_px: u32, channels: u8) -> Picture<'_> {
        Picture { width_px, height_px, channels, pixels, resolution_dpi: None }
    }

    fn tesseract() -> Tesseract {
        let models = ModelFolder::new("/nonexistent");
        Tesseract::new(TesseractSettings { pixels_max: 100, ..TesseractSettings::of(models) })
    }

    fn refusal(picture: Picture<'_>, languages: &[&str]) -> String {
        let languages: Vec<_> = languages.iter().map(|it| (*it).to_owned()).collect();
        tesseract().recognise(picture, &languages).expect_err("it is refused").to_string()
    }

    /// Hostile input B45.
    #[test]
    fn languages_are_names_of_models_that_are_there() {
        let pixels = [255; 4];
        let page = picture(&pixels, 2, 2, 1);
        let missing = |name: &str| format!("there is no model for the language `{name}`");
        for name in ["deu", "../../etc/passwd", "eng+$(id)", "deu+eng", ""] {
            assert_eq!(refusal(page, &[name]), missing(name));
        }
        let many = ["deu"; 200];
        assert!(refusal(page, &many).contains("1 to 8 languages"));
        assert!(refusal(page, &[]).contains("1 to 8 languages"));
    }

    #[test]
    fn a_picture_that_is_too_large_or_not_whole_is_refused() {
        let pixels = [255; 303];
        assert!(refusal(picture(&pixels[..101], 101, 1, 1), &["deu"]).contains("101 pixels"));
        for (length, width, height, channels) in
            [(99, 10, 10, 1), (101, 10, 10, 1), (0, 0, 10, 1), (200, 10, 10, 2), (300, 10, 10, 1)]
        {
            let page = picture(&pixels[..length], width, height, channels);
            assert!(refusal(page, &["deu"]).contains("has not the bytes"), "{length}");
        }
        let long = vec![255; 32_768];
        let models = ModelFolder::new("/nonexistent");
        let mut large = Tesseract::new(TesseractSettings::of(models));
        let refused = large.recognise(picture(&long, 32_768, 1, 1), &["deu".to_owned()]);
        assert!(matches!(refused, Err(RecogniseError::TooLarge { .. })));
    }

    #[test]
    fn the_mean_is_rounded_and_there_is_none_without_words() {
        let mut layout = tsv::layout("", 9, 9).unwrap();
        assert_eq!(mean_confidence(&layout), None);
        let rows = "3\t1\t1\t1\t0\t0\t0\t0\t9\t9\t-1\t\n4\t1\t1\t1\t1\t0\t0\t0\t9\t9\t-1\t\n\
                    5\t1\t1\t1\t1\t1\t0\t0\t1\t1\t90\ta\n5\t1\t1\t1\t1\t2\t0\t0\t1\t1\t91\tb";
        layout = tsv::layout(rows, 9, 9).unwrap();
        assert_eq!(mean_confidence(&layout), Some(91));
    }

    #[test]
    fn the_library_has_a_version() {
        assert!(library_version().starts_with(|it: char| it.is_ascii_digit()));
    }
}
