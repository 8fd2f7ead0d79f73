//! The server's side: starts workers, waits for them, and judges how they ended.

use crate::protocol::{Answer, Bounds, ImageTask};
use async_trait::async_trait;
use dlcs_imaging::derivative::index::{DerivativeIndex, FOOTER_BYTES, Footer};
use dlcs_imaging::{DecodeLimits, DerivativeFacts, DerivativePolicy};
use dlcs_ingest::{ImageWorker, WorkerError};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};
use tokio::sync::Semaphore;

/// What is read of a worker's standard error, in bytes. Its answer takes a few hundred.
const STDERR_BYTES_MAX: u64 = 64 * 1024;

pub(crate) const SIGABRT: i32 = 6;
pub(crate) const SIGXCPU: i32 = 24;
const SIGXFSZ: i32 = 25;

/// How workers are started and bounded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessWorkerSettings {
    /// The program that understands `worker image`: this one.
    pub program: PathBuf,
    /// Workers at the same time.
    pub processes_max: usize,
    /// Threads of one worker.
    pub threads: usize,
    /// How long one image may take by the clock.
    pub deadline: Duration,
    /// Processor time of one worker, in seconds.
    pub cpu_seconds: u64,
    /// Address space of one worker, in bytes.
    pub memory_bytes: u64,
    /// Length of a derivative, in bytes.
    pub output_bytes: u64,
}

impl ProcessWorkerSettings {
    /// Returns settings by which this very program is the worker, one for each core.
    pub fn of_this_program() -> io::Result<Self> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self {
            program: std::env::current_exe()?,
            processes_max: cores,
            threads: cores.min(4),
            deadline: Duration::from_secs(300),
            cpu_seconds: 120,
            memory_bytes: 3 * 512 * 1024 * 1024,
            output_bytes: 8 * 1024 * 1024 * 1024,
        })
    }
}

/// Decodes each image in a process of its own.
pub struct ProcessWorker {
    settings: ProcessWorkerSettings,
    places: Semaphore,
}

impl ProcessWorker {
    pub fn new(settings: ProcessWorkerSettings) -> Self {
        let places = Semaphore::new(settings.processes_max.max(1));
        Self { settings, places }
    }

    fn task(&self, policy: &DerivativePolicy, limits: &DecodeLimits) -> String {
        let settings = &self.settings;
        let task = ImageTask {
            policy: policy.clone(),
            limits: limits.clone(),
            bounds: Bounds {
                memory_bytes: settings.memory_bytes,
                cpu_seconds: settings.cpu_seconds,
                output_bytes: settings.output_bytes,
            },
            threads: settings.threads,
        };
        serde_json::to_string(&task).expect("a task is plain data")
    }

    /// The worker inherits three files and nothing else: no environment, and with it no secrets.
    fn start(&self, source: File, output: File, task: &str) -> io::Result<Child> {
        Command::new(&self.settings.program)
            .args(["worker", "image", task])
            .env_clear()
            .current_dir("/")
            .stdin(source)
            .stdout(output)
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
    }
}

#[async_trait]
impl ImageWorker for ProcessWorker {
    async fn derive(
        &self,
        source: &Path,
        output: &Path,
        policy: &DerivativePolicy,
        limits: &DecodeLimits,
    ) -> Result<DerivativeFacts, WorkerError> {
        let _place = self.places.acquire().await.expect("this semaphore is never closed");
        let source = File::open(source).map_err(|error| died("the source", &error))?;
        let output = File::options().read(true).write(true).open(output);
        let output = output.map_err(|error| died("the output", &error))?;
        output.set_len(0).map_err(|error| died("the output", &error))?;
        let written = output.try_clone().map_err(|error| died("the output", &error))?;

        let task = self.task(policy, limits);
        let mut child =
            self.start(source, output, &task).map_err(|error| died("starting", &error))?;
        let Ok(ended) = tokio::time::timeout(self.settings.deadline, end_of(&mut child)).await
        else {
            // Dropping would kill it too; waiting leaves no zombie behind.
            let _ = child.kill().await;
            return Err(WorkerError::TimedOut);
        };
        let (status, said) = ended.map_err(|error| died("waiting", &error))?;
        let facts = judged(status, &said)?;
        check(written, &facts).map_err(|error| died("the derivative", &error))?;
        fail::fail_point!("worker.after-derive");
        Ok(facts)
    }
}

/// Returns how the worker ended, and what it said.
async fn end_of(child: &mut Child) -> io::Result<(ExitStatus, String)> {
    let mut said = Vec::new();
    if let Some(stderr) = child.stderr.take() {
        stderr.take(STDERR_BYTES_MAX).read_to_end(&mut said).await?;
    }
    let status = child.wait().await?;
    Ok((status, String::from_utf8_lossy(&said).into_owned()))
}

/// Turns the end of a worker into a result.
fn judged(status: ExitStatus, said: &str) -> Result<DerivativeFacts, WorkerError> {
    let last = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
    if status.success() {
        return match serde_json::from_str(last) {
            Ok(Answer::Derived(facts)) => Ok(facts),
            Ok(Answer::Refused { code, detail }) => Err(refused(&code, detail)),
            Err(error) => Err(died("its answer", &error)),
        };
    }
    let is_out_of_memory = said.contains("memory allocation of");
    Err(match status.signal() {
        Some(SIGABRT) if is_out_of_memory => {
            refused("image-too-large", "the image needs more memory than is allowed".to_owned())
        }
        Some(SIGXFSZ) => {
            refused("image-too-large", "the derivative would be larger than is allowed".to_owned())
        }
        Some(SIGXCPU) => WorkerError::TimedOut,
        _ => WorkerError::Died { detail: format!("{status}: {}", shortened(said)) },
    })
}

pub(crate) fn refused(code: &str, detail: String) -> WorkerError {
    match serde_json::from_value(code.into()) {
        Ok(code) => WorkerError::Refused { code, detail },
        Err(_) => WorkerError::Died { detail: format!("its code `{code}` is unknown: {detail}") },
    }
}

pub(crate) fn died(what: &str, error: &dyn std::fmt::Display) -> WorkerError {
    WorkerError::Died { detail: format!("{what}: {error}") }
}

/// Returns the first part of what a worker said, on one line and without control characters.
pub(crate) fn shortened(said: &str) -> String {
    const CHARACTERS_MAX: usize = 500;
    let plain = said.chars().map(|it| if it.is_control() { ' ' } else { it });
    plain.take(CHARACTERS_MAX).collect()
}

/// Looks at the derivative itself: a worker that was taken over can say anything.
fn check(mut file: File, facts: &DerivativeFacts) -> io::Result<()> {
    let wrong = |detail: String| io::Error::new(io::ErrorKind::InvalidData, detail);
    let length = file.seek(SeekFrom::End(0))?;
    if length != facts.derivative_bytes || length < FOOTER_BYTES as u64 {
        return Err(wrong(format!("it has {length} bytes instead of {}", facts.derivative_bytes)));
    }
    let mut footer = [0; FOOTER_BYTES];
    file.seek(SeekFrom::Start(length - FOOTER_BYTES as u64))?;
    file.read_exact(&mut footer)?;
    let footer = Footer::from_bytes(&footer, length).map_err(|error| wrong(error.to_string()))?;
    let mut bytes = vec![0; footer.index.length as usize];
    file.seek(SeekFrom::Start(footer.index.offset))?;
    file.read_exact(&mut bytes)?;
    let index = DerivativeIndex::from_bytes(&bytes, &footer);
    let index = index.map_err(|error| wrong(error.to_string()))?;
    let is_same = (index.width, index.height, index.gray)
        == (facts.width, facts.height, facts.gray)
        && index.tile_side == facts.tile_side_px
        && index.levels.len() == facts.levels as usize
        && index.thumbnails.len() == facts.thumbnails.len();
    if is_same { Ok(()) } else { Err(wrong("it is not what the worker says".to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(status: i32, said: &str) -> String {
        match judged(ExitStatus::from_raw(status), said) {
            Ok(facts) => format!("{}×{}", facts.width, facts.height),
            Err(WorkerError::Refused { code, detail }) => format!("{code}: {detail}"),
            Err(other) => other.to_string(),
        }
    }

    /// Wait statuses: the low byte is the signal, the next one the exit code.
    #[test]
    fn every_end_has_its_meaning() {
        let facts = r#"noise
{"derived":{"width":3,"height":2,"source_media_type":"image/png","derivative_bytes":9,"tile_side_px":512,"levels":1,"thumbnails":[],"gray":false}}
"#;
        assert_eq!(judge(0, facts), "3×2");
        let refused = r#"{"refused":{"code":"image-corrupt","detail":"it is broken"}}"#;
        assert_eq!(judge(0, refused), "image-corrupt: it is broken");
        let unknown = r#"{"refused":{"code":"whatever","detail":"x"}}"#;
        assert_eq!(judge(0, unknown), "the worker died: its code `whatever` is unknown: x");
        assert!(judge(0, "").starts_with("the worker died: its answer"));
        assert!(judge(0x100, facts).starts_with("the worker died: exit status: 1"));
        assert!(judge(9, facts).starts_with("the worker died: signal: 9"));
        assert!(judge(11, "").starts_with("the worker died: signal: 11"));
        assert_eq!(judge(24, ""), "the worker took too long");
        assert!(judge(6, "memory allocation of 99 bytes failed\n").starts_with("image-too-large"));
        assert!(judge(6, "assertion").starts_with("the worker died"));
        assert!(judge(25, "").starts_with("image-too-large"));
    }

    #[test]
    fn what_a_worker_says_cannot_fake_log_lines() {
        assert_eq!(shortened("a\n\u{1b}[31mb"), "a  [31mb");
        assert_eq!(shortened(&"x".repeat(1000)).len(), 500);
    }
}
