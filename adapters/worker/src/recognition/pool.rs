//! The server's side: keeps processes, hands them pages, and gives up those that misbehave.

use super::check::check;
use super::process::Process;
use super::protocol::{EngineTask, PageAnswer, PageResult, PageTask};
use crate::parent::{died, refused};
use async_trait::async_trait;
use dlcs_imaging::DecodeLimits;
use dlcs_ingest::{RecognitionWorker, WorkerError};
use dlcs_text::recogniser::Recognised;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout};

/// How processes are started and bounded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecognitionPoolSettings {
    /// The program that understands `worker recognise`: this one.
    pub program: PathBuf,
    /// Processes at the same time.
    pub processes_max: usize,
    pub engine: EngineTask,
    /// How long one page may take, by the clock and of processor time.
    pub deadline: Duration,
    /// Address space of one process, in bytes. One that keeps more than half of it is given up.
    pub memory_bytes: u64,
    /// Pages that one process reads in its life.
    pub pages_max: u32,
    /// How long a process is kept that has nothing to do.
    pub idle_max: Duration,
    /// 0 to 19: how much the processes stand back for others.
    pub niceness: u8,
}

impl RecognitionPoolSettings {
    /// Returns settings by which this very program is the worker, one for each core.
    pub fn of_this_program(models: PathBuf) -> io::Result<Self> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self {
            program: std::env::current_exe()?,
            processes_max: cores,
            engine: EngineTask { models, pixels_max: 100_000_000 },
            deadline: Duration::from_secs(300),
            memory_bytes: 3 * 512 * 1024 * 1024,
            pages_max: 1000,
            idle_max: Duration::from_secs(60),
            niceness: 0,
        })
    }
}

/// Recognises pages in a bounded number of processes.
pub struct RecognitionPool(Arc<Inner>);

struct Inner {
    settings: RecognitionPoolSettings,
    places: Semaphore,
    /// The one used last stands last.
    idle: Mutex<Vec<Process>>,
}

impl RecognitionPool {
    pub fn new(settings: RecognitionPoolSettings) -> Self {
        let places = Semaphore::new(settings.processes_max.max(1));
        Self(Arc::new(Inner { settings, places, idle: Mutex::default() }))
    }
}

#[async_trait]
impl RecognitionWorker for RecognitionPool {
    async fn recognise(
        &self,
        source: &Path,
        languages: &[String],
        limits: &DecodeLimits,
    ) -> Result<Recognised, WorkerError> {
        let _place = self.0.places.acquire().await.expect("this semaphore is never closed");
        let source = File::open(source).map_err(|error| died("the source", &error))?;
        let mut process = match self.0.idle(languages) {
            Some(process) => process,
            None => Process::start(&self.0.settings).map_err(|error| died("starting", &error))?,
        };
        let page = PageTask { languages: languages.to_vec(), limits: limits.clone() };
        let answer = match timeout(self.0.settings.deadline, process.read(&page, &source)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return Err(process.post_mortem(&error).await),
            Err(_) => {
                process.kill().await;
                return Err(WorkerError::TimedOut);
            }
        };
        let result = judged(answer, &page);
        match &result {
            // It says what cannot be, so nothing that it says is believed again.
            Err(WorkerError::Died { .. }) => process.kill().await,
            _ => self.0.keep(process),
        }
        result
    }
}

fn judged(answer: PageAnswer, page: &PageTask) -> Result<Recognised, WorkerError> {
    match answer.result {
        PageResult::Recognised(recognised) => match check(&recognised, page) {
            Ok(()) => Ok(*recognised),
            Err(detail) => Err(died("its answer", &detail)),
        },
        PageResult::Refused { code, detail } => Err(refused(&code, detail)),
    }
}

impl Inner {
    /// Takes a process that has nothing to do, best of all one whose models are the right ones.
    fn idle(&self, languages: &[String]) -> Option<Process> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(last) = idle.len().checked_sub(1) {
            let fitting = idle.iter().rposition(|process| process.languages == languages);
            let mut process = idle.remove(fitting.unwrap_or(last));
            // One that has died meanwhile costs no page.
            if process.is_alive() {
                return Some(process);
            }
        }
        None
    }

    /// Keeps a process for the next page, unless it is old or has grown.
    fn keep(self: &Arc<Self>, process: Process) {
        let settings = &self.settings;
        let is_old = process.pages >= settings.pages_max;
        if is_old || process.resident_bytes > settings.memory_bytes / 2 {
            // Dropped, it is killed.
            return;
        }
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(process);
        tokio::spawn(give_up_later(Arc::downgrade(self), settings.idle_max));
    }

    fn give_up_idle(&self) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        idle.retain(|process| now - process.idle_since < self.settings.idle_max);
    }
}

async fn give_up_later(pool: Weak<Inner>, idle_max: Duration) {
    // The process has been idle since before this began.
    sleep(idle_max).await;
    if let Some(pool) = pool.upgrade() {
        pool.give_up_idle();
    }
}
