//! Other programs, with the time that they take and the memory that they need at most.

use anyhow::{Context, Result, bail};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;
use tokio::time::{Instant, MissedTickBehavior, interval};

/// How often memory is looked at. The kernel keeps the peak; only the last moments can be missed.
const LOOK: Duration = Duration::from_millis(5);

/// What one run cost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) wall: Duration,
    pub(crate) peak_bytes: u64,
}

/// Runs a program to its end.
pub(crate) async fn measure(command: &mut Command) -> Result<Cost> {
    let begun = Instant::now();
    let mut child = command.kill_on_drop(true).spawn().context("it does not start")?;
    let pid = child.id().context("it has ended")?;
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut peak_bytes = 0;
    let status = loop {
        tokio::select! {
            status = child.wait() => break status?,
            _ = looks.tick() => peak_bytes = peak_bytes.max(peak_of(pid).unwrap_or_default()),
        }
    };
    let wall = begun.elapsed();
    if !status.success() {
        bail!("{} ended with {status}", name_of(command));
    }
    Ok(Cost { wall, peak_bytes })
}

/// Runs a program that has to succeed and says why it did not.
pub(crate) async fn run(program: &str, args: &[&str]) -> Result<String> {
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null()).kill_on_drop(true);
    let output = command.output().await.with_context(|| format!("{program} does not start"))?;
    if !output.status.success() {
        bail!("{program} {}: {}", args.join(" "), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Returns the largest resident size that a living process has had, in bytes.
pub(crate) fn peak_of(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib * 1024)
}

/// Returns the processor time that living processes and their children have taken, in seconds.
pub(crate) fn processor_seconds(pids: &[u32]) -> Result<f64> {
    // What Linux says to programs, whatever it counts by itself.
    const TICKS_PER_SECOND: f64 = 100.0;
    let mut waiting = pids.to_vec();
    let mut ticks = 0;
    while let Some(pid) = waiting.pop() {
        // A child may end between being named and being asked.
        let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { continue };
        ticks += ticks_of(&stat).context("/proc/PID/stat is not understood")?;
        let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
        let children = children.unwrap_or_default();
        waiting.extend(children.split_whitespace().filter_map(|it| it.parse::<u32>().ok()));
    }
    Ok(ticks as f64 / TICKS_PER_SECOND)
}

/// Returns user and system time: the 14th and 15th field. The second, a name, may hold anything.
fn ticks_of(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut number = || fields.next()?.parse::<u64>().ok();
    Some(number()? + number()?)
}

fn name_of(command: &Command) -> String {
    let program = std::path::Path::new(command.as_std().get_program());
    program.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_found_behind_any_name() {
        let stat = "7 (a b) c) S 1 7 7 0 -1 4194560 98 0 0 0 31 11 5 6 20 0 1 0 100 0 0";
        assert_eq!(ticks_of(stat), Some(42));
        assert_eq!(ticks_of("7 (a"), None);
    }
}
