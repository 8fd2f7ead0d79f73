//! `dlcs doctor`: what is well, what is missing, and how to mend it.

use crate::config::Settings;
use crate::{data_folder, recognition, stores};
use dlcs_adapter_objects::{DataLock, LockError};
use std::path::Path;
use std::process::ExitCode;

/// One line of the report.
struct Finding {
    what: &'static str,
    well: bool,
    /// What is there, or what to do.
    text: String,
}

impl Finding {
    fn well(what: &'static str, text: impl Into<String>) -> Self {
        Self { what, well: true, text: text.into() }
    }

    fn missing(what: &'static str, text: impl Into<String>) -> Self {
        Self { what, well: false, text: text.into() }
    }
}

/// Status 0 when all is well, else 1.
pub(crate) async fn run(settings: &Settings) -> anyhow::Result<ExitCode> {
    let findings = [
        settings_are_read(settings),
        data_folder(&settings.data),
        log(settings).await,
        objects(&settings.objects),
        origins(settings),
        worker().await,
        recognition(settings),
        pages(),
    ];
    for finding in &findings {
        let mark = if finding.well { "ok  " } else { "FAIL" };
        report(&format!("{mark}  {:<14} {}", finding.what, finding.text));
    }
    let all_well = findings.iter().all(|finding| finding.well);
    Ok(ExitCode::from(u8::from(!all_well)))
}

#[expect(clippy::print_stdout, reason = "the report is what was asked for")]
fn report(line: &str) {
    println!("{line}");
}

fn settings_are_read(settings: &Settings) -> Finding {
    let public =
        settings.public_url.clone().unwrap_or_else(|| format!("http://{}", settings.listen));
    Finding::well("settings", format!("listens on {}, known as {public}", settings.listen))
}

fn data_folder(folder: &Path) -> Finding {
    if !folder.exists() {
        return Finding::well("data folder", format!("{} will be made", folder.display()));
    }
    let probe = folder.join(format!(".doctor-{}", std::process::id()));
    if let Err(error) = std::fs::write(&probe, b"x") {
        let text = format!("{} cannot be written: {error}; change its owner", folder.display());
        return Finding::missing("data folder", text);
    }
    let _ = std::fs::remove_file(&probe);
    match DataLock::acquire(folder) {
        Ok(_) => Finding::well("data folder", format!("{}, free", folder.display())),
        Err(LockError::Held { .. }) => {
            Finding::well("data folder", format!("{}, a server is running", folder.display()))
        }
        Err(error) => Finding::missing("data folder", error.to_string()),
    }
}

async fn log(settings: &Settings) -> Finding {
    if !data_folder::log_path(settings).exists() {
        return Finding::well("event store", "none yet; the first start makes it");
    }
    let head = match stores::log_read_only(settings).await {
        Ok(log) => log.head().await.map_err(anyhow::Error::from),
        Err(error) => Err(error),
    };
    match head {
        Ok(head) => Finding::well("event store", format!("sqlite, head at position {head}")),
        Err(error) => Finding::missing("event store", format!("{error:#}; restore a backup")),
    }
}

fn objects(folder: &Path) -> Finding {
    let existing = folder.ancestors().find(|path| path.exists()).unwrap_or(Path::new("."));
    match rustix::fs::statvfs(existing) {
        Ok(volume) => {
            let free_gib = volume.f_bavail * volume.f_frsize / (1 << 30);
            let text = format!("{}, {free_gib} GiB free", folder.display());
            if free_gib < 1 {
                return Finding::missing("objects", format!("{text}; make room"));
            }
            Finding::well("objects", text)
        }
        Err(error) => Finding::missing("objects", format!("{}: {error}", folder.display())),
    }
}

fn origins(settings: &Settings) -> Finding {
    match dlcs_adapter_egress::AllowList::parse(&settings.origin_allow) {
        Ok(_) if settings.origin_allow.is_empty() => {
            Finding::well("origins", "public addresses only")
        }
        Ok(_) => Finding::well(
            "origins",
            format!("public addresses, and {}", settings.origin_allow.join(", ")),
        ),
        Err(error) => Finding::missing("origins", format!("`origin-allow`: {error}")),
    }
}

/// Starts a worker as the server would, on a picture of one pixel.
async fn worker() -> Finding {
    match crate::wiring::probe_worker().await {
        Ok(()) => Finding::well("image worker", "decodes jpeg, png, tiff and webp"),
        Err(error) => Finding::missing("image worker", format!("cannot decode: {error:#}")),
    }
}

/// Names the languages that pages can be recognised in.
fn recognition(settings: &Settings) -> Finding {
    const WHAT: &str = "recognition";
    let Some(engine) = recognition::engine() else {
        let how = "build with the feature `tesseract`, which is on by default";
        return Finding::missing(WHAT, format!("not built in: {how}"));
    };
    let models = recognition::models(settings);
    let folder = models.folder.map_or("no folder".to_owned(), |it| it.display().to_string());
    if models.languages.is_empty() {
        let how = recognition::how_to_install("eng");
        return Finding::missing(WHAT, format!("{engine}, no models in {folder}; {how}"));
    }
    let languages = Vec::from_iter(models.languages).join(", ");
    let how = "for others install `tesseract-ocr-LANGUAGE` (Debian, Ubuntu)";
    Finding::well(WHAT, format!("{engine} reads {languages} ({folder}); {how}"))
}

fn pages() -> Finding {
    if dlcs_api::pages_are_built_in() {
        Finding::well("pages", "viewer, GraphiQL and API pages are built in")
    } else {
        Finding::missing("pages", "not built in: run `make assets`, then build again")
    }
}
