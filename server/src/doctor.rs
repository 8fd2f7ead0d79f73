//! `dlcs doctor`: what is well, what is missing, and how to mend it.

use crate::config::{BlobStore, Settings, Store};
use crate::{data_folder, recognition, stores};
use dlcs_adapter_objects::{DataLock, LockError};
use dlcs_adapter_sqlite::backup;
use dlcs_commands::Clock;
use dlcs_commands::clock::SystemClock;
use dlcs_eventlog::Position;
use std::path::Path;
use std::process::ExitCode;

/// Machines whose clocks agree differ by less.
const CLOCK_BEHIND_US_MAX: i64 = 5_000_000;

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
        clock(settings).await,
        projections(settings).await,
        objects(settings).await,
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
    if is_new(settings) {
        return Finding::well("event store", "none yet; the first start makes it");
    }
    match head(settings).await {
        Ok(head) => Finding::well("event store", format!("head at position {head}")),
        Err(error) => Finding::missing("event store", format!("{error:#}")),
    }
}

fn is_new(settings: &Settings) -> bool {
    settings.event_store == Store::Sqlite && !data_folder::log_path(settings).exists()
}

/// Of an embedded log every page is read, since nobody else would notice a damaged one.
async fn head(settings: &Settings) -> anyhow::Result<Position> {
    if settings.event_store == Store::Sqlite {
        let path = data_folder::log_path(settings);
        return Ok(tokio::task::spawn_blocking(move || backup::check_log(&path)).await??);
    }
    Ok(stores::log_read_only(settings).await?.head().await?)
}

/// Events are recorded in order, so time stands still for them while the clock is behind.
async fn clock(settings: &Settings) -> Finding {
    match behind_us(settings).await {
        Ok(behind_us) if behind_us > CLOCK_BEHIND_US_MAX => Finding::missing(
            "clock",
            format!(
                "it is {} s behind the last event, whose time all further ones will have until \
                 then: set the clock of this machine (NTP)",
                behind_us / 1_000_000
            ),
        ),
        // A log that cannot be read has said so itself.
        Ok(_) | Err(_) => Finding::well("clock", "not behind the last event"),
    }
}

/// Returns how much later than now the last event was recorded.
async fn behind_us(settings: &Settings) -> anyhow::Result<i64> {
    if is_new(settings) {
        return Ok(0);
    }
    let log = stores::log_read_only(settings).await?;
    let before = Position(log.head().await?.0.saturating_sub(1));
    let last = log.read_all(before, 1).await?.pop();
    Ok(last.map_or(0, |it| it.recorded_at_us.saturating_sub(SystemClock.now_us())))
}

/// What could not be applied waits, with all that came later in its stream, for a rebuild.
async fn projections(settings: &Settings) -> Finding {
    if is_new(settings) {
        return Finding::well("projections", "none yet; the first start makes them");
    }
    let status = async {
        let log = stores::log_read_only(settings).await?;
        let models = stores::all_read_only(settings, &log).await?;
        Ok::<_, anyhow::Error>(models.status().await?)
    };
    match status.await {
        Ok(all) => {
            let parked = all.iter().filter(|it| !it.parked.is_empty());
            let names: Vec<_> = parked.map(|it| it.name).collect();
            if names.is_empty() {
                return Finding::well("projections", format!("{}, nothing is parked", all.len()));
            }
            let names = names.join(" ");
            let text = format!(
                "events are parked in {names}: `dlcs projections status` says why; once this \
                 program can apply them, run `dlcs projections rebuild {names}`"
            );
            Finding::missing("projections", text)
        }
        Err(error) => {
            Finding::missing("projections", format!("{error:#}; start the server, it builds them"))
        }
    }
}

async fn objects(settings: &Settings) -> Finding {
    match &settings.objects {
        BlobStore::Folder(folder) => blob_folder(folder),
        BlobStore::S3(s3) => match bucket(settings).await {
            Ok(()) => Finding::well("objects", format!("{}, written and read", s3.place())),
            Err(error) => Finding::missing("objects", format!("{error:#}")),
        },
    }
}

/// Writes, reads and removes something, so that a right that is missing is found here.
async fn bucket(settings: &Settings) -> anyhow::Result<()> {
    match stores::blobs(settings).await?.s3 {
        Some(s3) => Ok(s3.probe().await?),
        None => Ok(()),
    }
}

fn blob_folder(folder: &Path) -> Finding {
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
        Ok(()) => Finding::well("image worker", "decodes jpeg, png, tiff, webp, gif and jpeg 2000"),
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
