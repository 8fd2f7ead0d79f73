//! Names of languages: what files and engines write, as BCP 47 tags.

/// ISO 639-2 codes (bibliographic, terminological), two letters, name in English.
const LANGUAGES: [(&str, &str, &str, &str); 48] = [
    ("afr", "afr", "af", "Afrikaans"),
    ("ara", "ara", "ar", "Arabic"),
    ("bel", "bel", "be", "Belarusian"),
    ("bul", "bul", "bg", "Bulgarian"),
    ("cat", "cat", "ca", "Catalan"),
    ("chi", "zho", "zh", "Chinese"),
    ("cze", "ces", "cs", "Czech"),
    ("dan", "dan", "da", "Danish"),
    ("dut", "nld", "nl", "Dutch"),
    ("eng", "eng", "en", "English"),
    ("epo", "epo", "eo", "Esperanto"),
    ("est", "est", "et", "Estonian"),
    ("fin", "fin", "fi", "Finnish"),
    ("fre", "fra", "fr", "French"),
    ("ger", "deu", "de", "German"),
    ("gle", "gle", "ga", "Irish"),
    ("glg", "glg", "gl", "Galician"),
    ("gre", "ell", "el", "Greek"),
    ("heb", "heb", "he", "Hebrew"),
    ("hin", "hin", "hi", "Hindi"),
    ("hrv", "hrv", "hr", "Croatian"),
    ("hun", "hun", "hu", "Hungarian"),
    ("ice", "isl", "is", "Icelandic"),
    ("ita", "ita", "it", "Italian"),
    ("jpn", "jpn", "ja", "Japanese"),
    ("kor", "kor", "ko", "Korean"),
    ("lat", "lat", "la", "Latin"),
    ("lav", "lav", "lv", "Latvian"),
    ("lit", "lit", "lt", "Lithuanian"),
    ("ltz", "ltz", "lb", "Luxembourgish"),
    ("may", "msa", "ms", "Malay"),
    ("nor", "nor", "no", "Norwegian"),
    ("oci", "oci", "oc", "Occitan"),
    ("per", "fas", "fa", "Persian"),
    ("pol", "pol", "pl", "Polish"),
    ("por", "por", "pt", "Portuguese"),
    ("rum", "ron", "ro", "Romanian"),
    ("rus", "rus", "ru", "Russian"),
    ("slo", "slk", "sk", "Slovak"),
    ("slv", "slv", "sl", "Slovene"),
    ("spa", "spa", "es", "Spanish"),
    ("srp", "srp", "sr", "Serbian"),
    ("swe", "swe", "sv", "Swedish"),
    ("tur", "tur", "tr", "Turkish"),
    ("ukr", "ukr", "uk", "Ukrainian"),
    ("wel", "cym", "cy", "Welsh"),
    ("yid", "yid", "yi", "Yiddish"),
    ("zul", "zul", "zu", "Zulu"),
];

/// Names of Tesseract's models that are no codes of languages.
const MODELS: [(&str, &str); 10] = [
    ("frk", "de-Latf"),
    ("fraktur", "und-Latf"),
    ("frm", "frm"),
    ("ita_old", "it"),
    ("spa_old", "es"),
    ("chi_sim", "zh-Hans"),
    ("chi_tra", "zh-Hant"),
    ("srp_latn", "sr-Latn"),
    ("latin", "la"),
    ("osd", "und"),
];

/// Returns the tag of a language that is given as a tag, an ISO 639 code, an English name or a
/// Tesseract model; `None`: it says no language.
///
/// ```
/// use dlcs_text::language::tag;
/// assert_eq!(tag("deu").as_deref(), Some("de"));
/// assert_eq!(tag("frk").as_deref(), Some("de-Latf"));
/// assert_eq!(tag("French").as_deref(), Some("fr"));
/// assert_eq!(tag("de-AT").as_deref(), Some("de-AT"));
/// assert_eq!(tag("script/Fraktur").as_deref(), Some("und-Latf"));
/// assert_eq!(tag("unknown"), None);
/// ```
pub fn tag(name: &str) -> Option<String> {
    let name = name.trim();
    let model = name.rsplit('/').next().unwrap_or(name);
    let lower = model.to_ascii_lowercase();
    if let Some((_, tag)) = MODELS.iter().find(|(it, _)| *it == lower) {
        return Some((*tag).to_owned());
    }
    let known = LANGUAGES.iter().find(|(first, second, _, english)| {
        lower == *first || lower == *second || english.eq_ignore_ascii_case(model)
    });
    if let Some((_, _, two, _)) = known {
        return Some((*two).to_owned());
    }
    // `deu_latf`: the language, then the script; others are variants of a model: `eng_vert`.
    if let Some((language, rest)) = model.split_once('_') {
        let script = rest.eq_ignore_ascii_case("latf").then_some("-Latf");
        return tag(language).map(|it| it + script.unwrap_or_default());
    }
    is_tag(model).then(|| model.to_owned())
}

/// Returns the English name of a language, if the tag says no more than the language.
pub(crate) fn english(tag: &str) -> Option<&'static str> {
    LANGUAGES.iter().find(|(_, _, two, _)| *two == tag).map(|(_, _, _, english)| *english)
}

/// Longer ones say nothing more; a word may have its own.
const TAG_BYTES_MAX: usize = 64;

/// Says whether a text has the form of a tag, which is also `xsd:language`.
pub(crate) fn is_tag(text: &str) -> bool {
    if text.len() > TAG_BYTES_MAX {
        return false;
    }
    let mut parts = text.split('-');
    let primary = parts.next().unwrap_or_default();
    let is_primary =
        matches!(primary.len(), 2 | 3) && primary.bytes().all(|it| it.is_ascii_alphabetic());
    is_primary
        && parts
            .all(|it| matches!(it.len(), 1..=8) && it.bytes().all(|it| it.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_known_by_every_usual_name() {
        let cases = [
            ("ger", Some("de")),
            ("deu_latf", Some("de-Latf")),
            ("German", Some("de")),
            ("grc", Some("grc")),
            ("chi_sim", Some("zh-Hans")),
            ("jpn_vert", Some("ja")),
            ("script/Latin", Some("la")),
            ("de-DE-1901", Some("de-DE-1901")),
            ("", None),
            ("Old French", None),
            ("x", None),
            ("de--DE", None),
            (&"de-a".repeat(99), None),
            ("de\"><script>", None),
        ];
        for (name, expected) in cases {
            assert_eq!(tag(name).as_deref(), expected, "{name}");
        }
        for (_, _, two, english_name) in LANGUAGES {
            assert_eq!(tag(two).as_deref(), Some(two));
            assert_eq!(english(two), Some(english_name));
            assert_eq!(tag(english_name).as_deref(), Some(two));
        }
    }
}
