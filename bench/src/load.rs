//! Load on a server by `wrk`: one thread, some connections, a list of paths walked at random.

use crate::process::run;
use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A list of paths in a file, and the script that walks it.
pub(crate) struct Load {
    script: PathBuf,
    paths: PathBuf,
}

/// What one round of load found.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Round {
    pub(crate) requests_per_s: f64,
    pub(crate) p99_ms: f64,
}

/// The line that the script prints.
#[derive(Deserialize)]
struct Line {
    requests: f64,
    duration_us: f64,
    failed: u64,
    p99_us: f64,
}

impl Load {
    /// Writes the list below `work` under a name of its own.
    pub(crate) fn prepare(work: &Path, name: &str, paths: &[String]) -> Result<Self> {
        let script = work.join("wrk.lua");
        std::fs::write(&script, include_str!("wrk.lua"))?;
        let file = work.join(format!("{name}.paths"));
        std::fs::write(&file, paths.join("\n") + "\n")?;
        Ok(Self { script, paths: file })
    }

    /// Asks for as much as `connections` can for some time. Any failed request is an error.
    pub(crate) async fn run(
        &self,
        address: &str,
        connections: u32,
        time: Duration,
        seed: usize,
    ) -> Result<Round> {
        let connections = format!("-c{connections}");
        let time = format!("-d{}s", time.as_secs().max(1));
        let script = self.script.display().to_string();
        let paths = self.paths.display().to_string();
        let address = format!("http://{address}");
        let seed = seed.to_string();
        let args = ["-t1", &connections, &time, "-s", &script, &address, "--", &paths, &seed];
        let text = run("wrk", &args).await?;
        let line = text.lines().find_map(|line| line.strip_prefix("RESULT "));
        let line: Line = serde_json::from_str(line.context("wrk says nothing")?)?;
        ensure!(line.failed == 0, "{} of {} requests failed", line.failed, line.requests);
        let seconds = line.duration_us / 1e6;
        Ok(Round { requests_per_s: line.requests / seconds, p99_ms: line.p99_us / 1e3 })
    }
}
