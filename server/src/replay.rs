//! `dlcs replay`: read models made anew from history, beside the live ones.

use crate::config::Settings;
use crate::stores;
use anyhow::{Context, bail};
use dlcs_eventlog::{EventLog, Position};
use dlcs_objects::Objects;
use dlcs_projections::projection::OnPoison;
use dlcs_projections::replay::{Compared, Target, compare, replay};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

#[derive(clap::Args)]
pub(crate) struct ReplayArgs {
    /// Stop at a position, or at a time such as 2026-11-22T12:00:00Z; nothing is compared then.
    #[arg(long, value_name = "POSITION|TIME")]
    as_of: Option<String>,
    /// Compare only this projection. Repeatable.
    #[arg(long = "projection", value_name = "NAME")]
    projections: Vec<String>,
    /// Keep the rebuilt read models in this folder, which is empty or missing.
    #[arg(long, value_name = "DIR")]
    into: Option<PathBuf>,
}

/// Status 0 when equal, 1 when not.
pub(crate) async fn run(args: ReplayArgs, settings: &Settings) -> anyhow::Result<ExitCode> {
    let log = stores::log_read_only(settings).await?;
    let scratch = Scratch::make(args.into.as_deref(), &settings.data)?;
    if let Some(moment) = &args.as_of {
        let objects = stores::objects(settings).await?;
        return rebuild_as_of(&log, &objects, moment, &scratch).await;
    }
    let objects = stores::objects(settings).await?;
    let live = stores::all_read_only(settings, &log).await?;
    let fresh = stores::scratch_read_models(scratch.path(), &log, &objects)?;
    let compared = compare(log.as_ref(), &live.models(), &fresh.models()).await?;
    known(&args.projections, &compared)?;
    Ok(report(&args.projections, &compared))
}

/// Where the rebuilt read models go; removed afterwards unless the caller named the folder.
enum Scratch {
    Kept(PathBuf),
    Passing(PathBuf),
}

impl Scratch {
    fn make(into: Option<&Path>, data: &Path) -> anyhow::Result<Self> {
        let Some(folder) = into else {
            let folder = data.join(format!("replay-{}", std::process::id()));
            std::fs::create_dir(&folder)
                .with_context(|| format!("`{}` cannot be made", folder.display()))?;
            return Ok(Self::Passing(folder));
        };
        std::fs::create_dir_all(folder)
            .with_context(|| format!("`{}` cannot be made", folder.display()))?;
        if std::fs::read_dir(folder)?.next().is_some() {
            bail!("`{}` is not empty", folder.display());
        }
        Ok(Self::Kept(folder.to_owned()))
    }

    fn path(&self) -> &Path {
        match self {
            Self::Kept(path) | Self::Passing(path) => path,
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Self::Passing(path) = self {
            // Leftovers are only files that nobody asked for.
            let _ = std::fs::remove_dir_all(path);
        }
    }
}

async fn rebuild_as_of(
    log: &Arc<dyn EventLog>,
    objects: &Arc<dyn Objects>,
    moment: &str,
    scratch: &Scratch,
) -> anyhow::Result<ExitCode> {
    let to = position_of(log.as_ref(), moment).await?;
    let fresh = stores::scratch_read_models(scratch.path(), log, objects)?;
    let targets: Vec<Target> =
        fresh.models().into_iter().map(|model| Target { model, to }).collect();
    replay(log.as_ref(), &targets, OnPoison::Stop).await?;
    for target in &targets {
        let dump = target.model.dump().await?;
        print_line(&format!("{} at {}: {}", target.model.name(), dump.position, dump.digest));
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads a position, or finds the last one recorded at or before a time.
async fn position_of(log: &dyn EventLog, moment: &str) -> anyhow::Result<Position> {
    let head = log.head().await?;
    if let Ok(position) = moment.parse::<u64>() {
        if position > head.0 {
            bail!("the history ends at position {head}");
        }
        return Ok(Position(position));
    }
    let time: jiff::Timestamp =
        moment.parse().with_context(|| format!("`{moment}` is neither a position nor a time"))?;
    last_until(log, time.as_microsecond(), head).await
}

/// Halves the range: times never run backwards along positions.
async fn last_until(log: &dyn EventLog, time_us: i64, head: Position) -> anyhow::Result<Position> {
    let (mut low, mut high) = (0, head.0);
    while low < high {
        let middle = low + (high - low) / 2;
        match log.read_all(Position(middle), 1).await?.first() {
            Some(event) if event.recorded_at_us <= time_us => low = event.position.0,
            _ => high = middle,
        }
    }
    Ok(Position(low))
}

fn known(wanted: &[String], compared: &[Compared]) -> anyhow::Result<()> {
    let names: Vec<&str> = compared.iter().map(|it| it.live.projection.as_str()).collect();
    for name in wanted {
        if !names.contains(&name.as_str()) {
            bail!("there is no projection `{name}`; there are {}", names.join(", "));
        }
    }
    Ok(())
}

fn report(wanted: &[String], compared: &[Compared]) -> ExitCode {
    let chosen = compared
        .iter()
        .filter(|it| wanted.is_empty() || wanted.contains(&it.live.projection.to_string()));
    let unequal: Vec<&Compared> = chosen.filter(|it| !it.is_equal()).collect();
    if unequal.is_empty() {
        print_line("equal");
        return ExitCode::SUCCESS;
    }
    for it in &unequal {
        let (name, tables) = (&it.live.projection, it.unequal_tables.join(", "));
        eprintln!("{name} differs at position {} in {tables}", it.live.position);
    }
    let names: Vec<String> = unequal.iter().map(|it| it.live.projection.to_string()).collect();
    print_line(&format!("not equal: {}", names.join(" ")));
    ExitCode::FAILURE
}

#[expect(clippy::print_stdout, reason = "the answer is what was asked for")]
fn print_line(line: &str) {
    println!("{line}");
}
