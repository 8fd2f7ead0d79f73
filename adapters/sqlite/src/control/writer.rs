//! The one thread that writes: pieces of work are done in turn and committed together.

use super::ControlError;
use crate::connection::abort_on_io_error;
use crate::wal::{self, CHECKPOINT_PAGES};
use rusqlite::Connection;
use std::thread::JoinHandle;
use tokio::sync::{mpsc, oneshot};

/// Callers beyond this number wait for a place in the queue.
const JOBS_MAX: usize = 1_024;
/// A transaction takes no further piece of work once it has this many.
const JOBS_PER_TRANSACTION: usize = 256;

/// Handle of the writer thread.
pub(super) struct Writer {
    /// `None` only while it is dropped.
    jobs: Option<mpsc::Sender<Box<dyn Job>>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(connection: Connection) -> Self {
        let (jobs, waiting) = mpsc::channel(JOBS_MAX);
        let thread = std::thread::Builder::new()
            .name("control-writer".into())
            .spawn(move || run(&connection, waiting))
            .expect("a thread can be started while the server starts");
        Self { jobs: Some(jobs), thread: Some(thread) }
    }

    /// Does `work` and returns its result once it is durable. Work that fails leaves nothing.
    pub(super) async fn run<T, F>(&self, work: F) -> Result<T, ControlError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job = Task { work: Some(work), result: None, answer };
        let jobs = self.jobs.as_ref().expect("is there until it is dropped");
        let ended = || ControlError("its writer has ended".into());
        jobs.send(Box::new(job)).await.map_err(|_| ended())?;
        answered.await.map_err(|_| ended())?
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // It ends by itself when the queue is empty; a panic there has been reported.
            let _ = thread.join();
        }
    }
}

trait Job: Send {
    /// Does the work inside the transaction.
    fn work(&mut self, connection: &Connection);
    /// Answers, after the transaction.
    fn answer(self: Box<Self>, committed: Result<(), &rusqlite::Error>);
}

struct Task<T, F> {
    work: Option<F>,
    result: Option<rusqlite::Result<T>>,
    answer: oneshot::Sender<Result<T, ControlError>>,
}

impl<T, F> Job for Task<T, F>
where
    T: Send,
    F: FnOnce(&Connection) -> rusqlite::Result<T> + Send,
{
    fn work(&mut self, connection: &Connection) {
        self.result = self.work.take().map(|work| in_savepoint(connection, work));
    }

    fn answer(self: Box<Self>, committed: Result<(), &rusqlite::Error>) {
        let failed = |error: &rusqlite::Error| ControlError(error.to_string());
        let answer = match (committed, self.result) {
            (Err(error), _) => Err(failed(error)),
            (Ok(()), Some(result)) => result.map_err(|error| failed(&error)),
            (Ok(()), None) => Err(ControlError("its transaction never began".into())),
        };
        // A caller that went away does not want to know.
        let _ = self.answer.send(answer);
    }
}

fn in_savepoint<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    connection.prepare_cached("SAVEPOINT job")?.execute([])?;
    let result = work(connection);
    if result.is_err() {
        connection.prepare_cached("ROLLBACK TO job")?.execute([])?;
    }
    connection.prepare_cached("RELEASE job")?.execute([])?;
    result
}

fn run(connection: &Connection, mut waiting: mpsc::Receiver<Box<dyn Job>>) {
    while let Some(first) = waiting.blocking_recv() {
        let mut jobs = vec![first];
        while jobs.len() < JOBS_PER_TRANSACTION
            && let Ok(job) = waiting.try_recv()
        {
            jobs.push(job);
        }
        let committed = commit_together(connection, &mut jobs);
        if let Err(error) = &committed {
            tracing::error!(%error, "cannot write to the control store: {error}");
        }
        for job in jobs {
            match &committed {
                Ok(()) => job.answer(Ok(())),
                Err(error) => job.answer(Err(error)),
            }
        }
        wal::checkpoint(connection, CHECKPOINT_PAGES, "control store");
    }
}

fn commit_together(connection: &Connection, jobs: &mut [Box<dyn Job>]) -> rusqlite::Result<()> {
    connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
    for job in jobs {
        job.work(connection);
    }
    fail::fail_point!("control.before-commit");
    let committed = connection.prepare_cached("COMMIT")?.execute([]);
    fail::fail_point!("control.after-commit");
    if let Err(error) = committed {
        abort_on_io_error("commit of the control store", &error);
        // After some errors SQLite has rolled back already.
        if !connection.is_autocommit() {
            connection.execute_batch("ROLLBACK")?;
        }
        return Err(error);
    }
    Ok(())
}
