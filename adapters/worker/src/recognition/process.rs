//! One process, as its parent sees it.

use super::frames;
use super::pool::RecognitionPoolSettings;
use super::protocol::{ANSWER_BYTES_MAX, Bounds, PageAnswer, PageTask, ProcessTask};
use crate::parent::{SIGABRT, SIGXCPU, died, refused, shortened};
use dlcs_ingest::WorkerError;
use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as Blocking;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::UnixStream;
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// What is kept of a process's standard error, in bytes: the end.
const SAID_BYTES_MAX: usize = 4096;

pub(super) struct Process {
    child: Child,
    socket: UnixStream,
    /// Yields the end of its standard error once it is over.
    said: JoinHandle<String>,
    /// Of the last page: their models are loaded.
    pub(super) languages: Vec<String>,
    pub(super) pages: u32,
    pub(super) resident_bytes: u64,
    pub(super) idle_since: Instant,
}

impl Process {
    /// Starts a process. It inherits its end of a socket and nothing else.
    pub(super) fn start(settings: &RecognitionPoolSettings) -> io::Result<Self> {
        let bounds = Bounds {
            memory_bytes: settings.memory_bytes,
            cpu_seconds: settings.deadline.as_secs().max(1),
            pages_max: settings.pages_max,
            niceness: settings.niceness,
        };
        let task = ProcessTask { engine: settings.engine.clone(), bounds };
        let task = serde_json::to_string(&task)?;
        let (ours, theirs) = Blocking::pair()?;
        ours.set_nonblocking(true)?;
        let mut child = Command::new(&settings.program)
            .args(["worker", "recognise", &task])
            .env_clear()
            // Read when the library is loaded, so nobody else can set it. Threads of one page would
            // only spin for each other.
            .env("OMP_THREAD_LIMIT", "1")
            .current_dir("/")
            .stdin(OwnedFd::from(theirs))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let stderr = child.stderr.take().ok_or(io::ErrorKind::BrokenPipe)?;
        Ok(Self {
            child,
            socket: UnixStream::from_std(ours)?,
            said: tokio::spawn(end_of(stderr)),
            languages: Vec::new(),
            pages: 0,
            resident_bytes: 0,
            idle_since: Instant::now(),
        })
    }

    /// Says whether it still runs.
    pub(super) fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Lets it read a page.
    pub(super) async fn read(&mut self, page: &PageTask, source: &File) -> io::Result<PageAnswer> {
        self.pages += 1;
        self.languages.clone_from(&page.languages);
        let task = serde_json::to_vec(page)?;
        frames::send_with_file(&mut self.socket, &task, source).await?;
        let answer = frames::receive(&mut self.socket, ANSWER_BYTES_MAX).await?;
        let answer: PageAnswer = serde_json::from_slice(&answer)?;
        self.resident_bytes = answer.resident_bytes;
        self.idle_since = Instant::now();
        Ok(answer)
    }

    /// Ends it, whatever it does.
    pub(super) async fn kill(mut self) {
        // Dropping would kill it too; waiting leaves no zombie behind.
        let _ = self.child.kill().await;
    }

    /// Says why it did not answer.
    pub(super) async fn post_mortem(mut self, error: &io::Error) -> WorkerError {
        let is_gone = matches!(
            error.kind(),
            io::ErrorKind::UnexpectedEof
                | io::ErrorKind::BrokenPipe
                | io::ErrorKind::ConnectionReset
        );
        if !is_gone {
            self.kill().await;
            return died("its answer", error);
        }
        drop(self.socket);
        let status = match self.child.wait().await {
            Ok(status) => status,
            Err(error) => return died("waiting", &error),
        };
        judged(status, &self.said.await.unwrap_or_default())
    }
}

/// Turns the end of a process that owed an answer into a result.
fn judged(status: ExitStatus, said: &str) -> WorkerError {
    let is_out_of_memory = said.contains("memory allocation of") || said.contains("bad_alloc");
    match status.signal() {
        Some(SIGABRT) if is_out_of_memory => {
            refused("image-too-large", "the page needs more memory than is allowed".to_owned())
        }
        Some(SIGXCPU) => WorkerError::TimedOut,
        _ => WorkerError::Died { detail: format!("{status}: {}", shortened(said)) },
    }
}

/// Reads to the end and keeps the last part. A library that complains a lot never has to wait.
async fn end_of(mut stream: impl AsyncRead + Unpin) -> String {
    let mut kept = VecDeque::with_capacity(SAID_BYTES_MAX);
    let mut read = [0; 1024];
    while let Ok(count @ 1..) = stream.read(&mut read).await {
        let surplus = (kept.len() + count).saturating_sub(SAID_BYTES_MAX);
        kept.drain(..surplus);
        kept.extend(&read[..count]);
    }
    String::from_utf8_lossy(kept.make_contiguous()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(status: i32, said: &str) -> String {
        match judged(ExitStatus::from_raw(status), said) {
            WorkerError::Refused { code, detail } => format!("{code}: {detail}"),
            other => other.to_string(),
        }
    }

    /// Wait statuses: the low byte is the signal, the next one the exit code.
    #[test]
    fn every_end_has_its_meaning() {
        let thrown = "terminate called after throwing an instance of 'std::bad_alloc'\n";
        assert!(judge(6, thrown).starts_with("image-too-large"));
        assert!(judge(6, "memory allocation of 99 bytes failed").starts_with("image-too-large"));
        assert!(judge(6, "assertion").starts_with("the worker died: signal: 6"));
        assert_eq!(judge(24, ""), "the worker took too long");
        assert!(judge(11, "x\ny").ends_with(": x y"));
        assert!(judge(0, "").starts_with("the worker died: exit status: 0"));
    }

    #[tokio::test]
    async fn of_a_long_complaint_the_end_is_kept() {
        let said = "x".repeat(10_000) + "the end";
        let kept = end_of(said.as_bytes()).await;
        assert_eq!(kept.len(), SAID_BYTES_MAX);
        assert!(kept.ends_with("xthe end"));
    }
}
