//! Load on a server by `wrk`: one thread, some connections, a list of paths walked at random.

use crate::figures::Rounds;
use crate::process::run;
use anyhow::{Context, Result, ensure};
use dlcs_bench_sample::Done;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A list of paths in a file, and the script that walks it.
pub(crate) struct Load {
    script: PathBuf,
    paths: PathBuf,
    /// What the client has already.
    etag: Option<String>,
}

/// What one round of load found.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Round {
    pub(crate) requests: f64,
    pub(crate) requests_per_s: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
}

impl From<Done> for Round {
    fn from(done: Done) -> Self {
        let requests = done.events as f64;
        Self {
            requests,
            requests_per_s: done.per_second(),
            p50_ms: done.p50_ms,
            p99_ms: done.p99_ms,
        }
    }
}

/// Rates and times of one kind of request on one server, one value per round.
#[derive(Default)]
pub(crate) struct Series {
    pub(crate) rates: Rounds,
    pub(crate) p50_ms: Rounds,
    pub(crate) p99_ms: Rounds,
}

impl Series {
    pub(crate) fn push(&mut self, round: Round) {
        self.rates.push(round.requests_per_s);
        self.p50_ms.push(round.p50_ms);
        self.p99_ms.push(round.p99_ms);
    }
}

/// The line that the script prints.
#[derive(Deserialize)]
struct Line {
    requests: f64,
    duration_us: f64,
    failed: u64,
    p50_us: f64,
    p99_us: f64,
}

impl Load {
    /// Writes the list below `work` under a name of its own.
    pub(crate) fn prepare(work: &Path, name: &str, paths: &[String]) -> Result<Self> {
        let script = work.join("wrk.lua");
        std::fs::write(&script, include_str!("wrk.lua"))?;
        let file = work.join(format!("{name}.paths"));
        std::fs::write(&file, paths.join("\n") + "\n")?;
        Ok(Self { script, paths: file, etag: None })
    }

    /// The same by clients that have something already: the answer is 304 where it is current.
    pub(crate) fn knowing(&self, etag: String) -> Self {
        Self { script: self.script.clone(), paths: self.paths.clone(), etag: Some(etag) }
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
        let mut args = vec![
            "-t1",
            &connections,
            &time,
            "--timeout",
            "20s",
            "-s",
            &script,
            &address,
            "--",
            &paths,
            &seed,
        ];
        args.extend(self.etag.as_deref());
        let text = run("wrk", &args).await?;
        let line = text.lines().find_map(|line| line.strip_prefix("RESULT "));
        let line: Line = serde_json::from_str(line.context("wrk says nothing")?)?;
        ensure!(line.failed == 0, "{} of {} requests failed", line.failed, line.requests);
        let seconds = line.duration_us / 1e6;
        Ok(Round {
            requests: line.requests,
            requests_per_s: line.requests / seconds,
            p50_ms: line.p50_us / 1e3,
            p99_ms: line.p99_us / 1e3,
        })
    }
}
