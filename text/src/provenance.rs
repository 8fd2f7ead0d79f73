//! What a written file says of itself: the image it belongs to, who read it, when.

use crate::recogniser::Engine;

#[derive(Debug, Clone, Copy, Default)]
pub struct Provenance<'a> {
    /// Address of the image. Anything but `http:` and `https:` is left out: a path says nothing to
    /// others and tells them too much.
    pub image: Option<&'a str>,
    pub engine: Option<&'a Engine>,
    /// When the text came to be, as RFC 3339 writes it: `2026-11-25T23:00:00Z`.
    pub made_at: Option<&'a str>,
    pub is_corrected: bool,
}

impl<'a> Provenance<'a> {
    pub(crate) fn address(&self) -> Option<&'a str> {
        let is_address = |it: &&str| it.starts_with("https://") || it.starts_with("http://");
        self.image.filter(is_address)
    }

    /// Returns the settings of the engine in one line; paths are left out.
    pub(crate) fn settings(&self) -> Option<String> {
        let engine = self.engine?;
        let models =
            (!engine.models.is_empty()).then(|| format!("models={}", engine.models.join("+")));
        let settings = engine.settings.iter().filter(|(_, value)| !value.contains(['/', '\\']));
        let settings = settings.map(|(name, value)| format!("{name}={value}"));
        let all: Vec<String> = models.into_iter().chain(settings).collect();
        (!all.is_empty()).then(|| all.join("; "))
    }
}
