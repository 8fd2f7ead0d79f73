//! `dlcs backup` and `dlcs restore`: the embedded stores in one file.
//!
//! - Beside a running server: the control store is copied first and the log after it, so that no
//!   checkpoint lies behind the end of the log; then every blob that the copied history names.
//! - A backup is read back and checked before it is called one, a restored folder before it is put
//!   in its place.
//! - Read models are not in it: the first start builds them.

use crate::config::{BlobStore, Settings, Store};
use crate::{data_folder, stores};
use anyhow::{Context, bail};
use dlcs_adapter_objects::FolderObjects;
use dlcs_adapter_objects::archive::{self, ArchiveWriter, Entries};
use dlcs_adapter_s3::{S3Objects, S3Settings};
use dlcs_adapter_sqlite::backup;
use dlcs_adapter_sqlite::log::SqliteLog;
use dlcs_eventlog::Position;
use dlcs_objects::{ObjectError, Objects, Staged};
use dlcs_projections::feed;
use dlcs_projections::named_blobs::{NamedBlob, NamedBlobs};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

const ABOUT: &str = "dlcs-backup.json";
const LOG: &str = "events.sqlite";
const CONTROL: &str = "control.sqlite";
const ADMIN_KEY: &str = "admin-key";
/// Counts up when a backup is laid out in another way.
const FORMAT: u32 = 1;
/// Events read at once.
const PAGE: usize = 4_096;

#[derive(clap::Args)]
pub(crate) struct BackupArgs {
    /// The backup. It holds the administrator's key: keep it as secret as that.
    file: PathBuf,
}

/// What a backup says of itself.
#[derive(Serialize, Deserialize)]
struct About {
    format: u32,
    program: String,
    /// The last event that it holds.
    position: Position,
}

/// Writes a backup, beside a running server or without one.
pub(crate) async fn backup(args: BackupArgs, settings: &Settings) -> anyhow::Result<ExitCode> {
    embedded_only(settings)?;
    let log = data_folder::log_path(settings);
    if !log.exists() {
        bail!("there is no event store at `{}`: name the data folder with `--data`", log.display());
    }
    let target = std::path::absolute(&args.file)?;
    let scratch = Scratch::beside(&target)?;
    let (control_copy, log_copy) = (scratch.path().join(CONTROL), scratch.path().join(LOG));
    backup::copy_control(&data_folder::control_path(settings), &control_copy)?;
    let position = backup::copy_log(&log, &log_copy)?;
    eprintln!("copied the event log up to position {position}");

    let mut writer = ArchiveWriter::create(&target)?;
    let about = About { format: FORMAT, program: program(), position };
    writer.add_bytes(ABOUT, &serde_json::to_vec_pretty(&about)?)?;
    writer.add_file(LOG, &log_copy)?;
    writer.add_file(CONTROL, &control_copy)?;
    let key = settings.data.join(ADMIN_KEY);
    if key.exists() {
        writer.add_file(ADMIN_KEY, &key)?;
    }
    let blobs = named_blobs(&log_copy).await?;
    let skipped = add_blobs(&mut writer, settings, &log, position, &blobs).await?;
    writer.finish()?;
    drop(scratch);
    fail::fail_point!("backup.before-check");

    let scratch = Scratch::beside(&target)?;
    check(&target, scratch.path()).await.with_context(|| {
        format!("`{}` was written, but is no backup: do not rely on it", target.display())
    })?;
    let count = blobs.len() - skipped;
    print_line(&format!("{}: position {position}, {count} blobs, checked", target.display()));
    Ok(ExitCode::SUCCESS)
}

/// Puts a backup into an empty or missing data folder.
pub(crate) async fn restore(args: BackupArgs, settings: &Settings) -> anyhow::Result<ExitCode> {
    embedded_only(settings)?;
    let data = std::path::absolute(&settings.data)?;
    if settings.objects.folder().is_some_and(|it| *it != settings.data.join("objects")) {
        bail!("blobs are restored into the data folder: leave `--objects` out, then move them");
    }
    if data.exists() && std::fs::read_dir(&data)?.next().is_some() {
        bail!("`{}` is not empty: name another data folder with `--data`", data.display());
    }
    let scratch = Scratch::beside(&data)?;
    let about = check(&args.file, scratch.path())
        .await
        .with_context(|| format!("`{}` cannot be restored", args.file.display()))?;
    std::fs::remove_file(scratch.path().join(ABOUT))?;
    if let BlobStore::S3(s3) = &settings.objects {
        fill_bucket(s3, scratch.path()).await?;
    }
    fail::fail_point!("restore.before-place");
    if data.exists() {
        std::fs::remove_dir(&data)?;
    }
    std::fs::rename(scratch.path(), &data)?;
    std::fs::File::open(data.parent().unwrap_or(Path::new("/")))?.sync_all()?;
    print_line(&format!(
        "{}: restored up to position {}; start it with `dlcs serve --data {}`",
        data.display(),
        about.position,
        data.display()
    ));
    Ok(ExitCode::SUCCESS)
}

/// Puts the restored blobs into a bucket, and takes them out of the folder.
async fn fill_bucket(s3: &S3Settings, folder: &Path) -> anyhow::Result<()> {
    let blobs = folder.join("objects");
    let staging = Arc::new(FolderObjects::open(&blobs)?);
    let bucket = S3Objects::open(s3, staging).await?;
    bucket.check().await?;
    for blob in named_blobs(&folder.join(LOG)).await? {
        let file = blobs.join(blob.key.as_str());
        // One that was superseded while the backup was being made is in no backup.
        if file.exists() {
            bucket.keep(Staged::new(file), &blob.key).await?;
        }
    }
    drop(bucket);
    Ok(std::fs::remove_dir_all(&blobs)?)
}

fn embedded_only(settings: &Settings) -> anyhow::Result<()> {
    if settings.event_store == Store::Sqlite {
        return Ok(());
    }
    bail!(
        "`backup` and `restore` are for the embedded stores; for PostgreSQL and KurrentDB use their \
         own tools, as docs/backup.md describes"
    );
}

fn program() -> String {
    concat!("dlcs ", env!("CARGO_PKG_VERSION")).to_owned()
}

/// Folds the whole copied history into the blobs that it names.
async fn named_blobs(log: &Path) -> anyhow::Result<Vec<NamedBlob>> {
    let log = SqliteLog::open_read_only(log)?;
    let mut named = NamedBlobs::default();
    let mut position = Position::START;
    while let Some(piece) = feed::read(&log, position, PAGE).await? {
        for event in piece.events.iter() {
            let place = event.recorded.position;
            named.apply(event).with_context(|| format!("the event at {place} cannot be read"))?;
        }
        position = piece.to;
    }
    Ok(named.into_blobs().collect())
}

/// Adds blobs; returns how many were superseded and removed while the backup was being made.
async fn add_blobs(
    writer: &mut ArchiveWriter,
    settings: &Settings,
    log: &Path,
    position: Position,
    blobs: &[NamedBlob],
) -> anyhow::Result<usize> {
    let objects = stores::objects(settings).await?;
    let mut missing = Vec::new();
    for blob in blobs {
        match objects.local_file(&blob.key).await {
            Ok(file) => writer.add_file(&object_name(blob), file.path())?,
            Err(ObjectError::NotFound(_)) => missing.push(blob),
            Err(error) => return Err(error.into()),
        }
    }
    if missing.is_empty() {
        return Ok(0);
    }
    let now: HashSet<NamedBlob> = named_blobs(log).await?.into_iter().collect();
    let lost = missing.iter().filter(|it| now.contains(**it)).map(|it| it.key.to_string());
    let lost: Vec<String> = lost.collect();
    if lost.is_empty() {
        return Ok(missing.len());
    }
    let lost = lost.join("\n  ");
    bail!("blobs that the history names up to position {position} are missing:\n  {lost}");
}

fn object_name(blob: &NamedBlob) -> String {
    format!("objects/{}", blob.key)
}

/// Unpacks a backup and checks all of it: digests, databases, and the blobs that are named.
async fn check(file: &Path, into: &Path) -> anyhow::Result<About> {
    let (archive, folder) = (file.to_owned(), into.to_owned());
    let unpacked = tokio::task::spawn_blocking(move || archive::unpack(&archive, &folder));
    let entries = unpacked.await??;
    let about = std::fs::read(into.join(ABOUT)).context("it does not say what it is")?;
    let about: About = serde_json::from_slice(&about).context("it does not say what it is")?;
    if about.format > FORMAT {
        bail!("{} wrote it in a newer form: use that release, or a later one", about.program);
    }
    let head = backup::check_log(&into.join(LOG))?;
    backup::check_control(&into.join(CONTROL))?;
    if head != about.position {
        bail!("its log ends at position {head}, not at {}", about.position);
    }
    let wrong = wrong_blobs(&named_blobs(&into.join(LOG)).await?, &entries);
    if !wrong.is_empty() {
        bail!("its blobs are not those that its history names:\n  {}", wrong.join("\n  "));
    }
    Ok(about)
}

/// Says which sealed blobs are missing or have other bytes. A derivative may be missing, if it was
/// superseded while the backup was being made.
fn wrong_blobs(named: &[NamedBlob], entries: &Entries) -> Vec<String> {
    let wrong = |blob: &NamedBlob| match (entries.get(&object_name(blob)), blob.digest) {
        (None, None) => false,
        (Some((length, _)), None) => *length != blob.length_bytes,
        (found, Some(digest)) => found != Some(&(blob.length_bytes, digest)),
    };
    named.iter().filter(|it| wrong(it)).map(|it| it.key.to_string()).collect()
}

/// A folder that goes when this is dropped, unless it was renamed.
struct Scratch(PathBuf);

impl Scratch {
    /// On the same volume as `path`.
    fn beside(path: &Path) -> anyhow::Result<Self> {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".tmp-{}", std::process::id()));
        let folder = PathBuf::from(name);
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("`{}` cannot be made", folder.display()))?;
        Ok(Self(folder))
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[expect(clippy::print_stdout, reason = "the answer is what was asked for")]
fn print_line(line: &str) {
    println!("{line}");
}
