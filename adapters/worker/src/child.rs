//! The worker process: one image, within bounds that it sets for itself.

use crate::protocol::{Answer, Bounds, ImageTask};
use dlcs_imaging::{DerivativeFacts, ImageError, decode, derive};
use rlimit::Resource;
use rustix::process::DumpableBehavior;
use std::fs::File;
use std::io::{self, BufReader, Write};
use std::os::fd::AsFd;
use std::process::ExitCode;

/// Standard streams and a few that libraries may open for a moment.
pub(crate) const OPEN_FILES_MAX: u64 = 16;
/// Between the signal that says that the time is up and the one that cannot be ignored.
const CPU_GRACE_SECONDS: u64 = 5;

/// Runs as `dlcs worker image TASK`; `arguments` are those behind `worker`.
///
/// Exit status 0 means that the answer is on standard error, whatever it is.
pub fn run_image_worker(arguments: &[String]) -> ExitCode {
    match run(arguments) {
        Ok(answer) => {
            let line = serde_json::to_string(&answer).expect("an answer is plain data");
            match writeln!(io::stderr(), "{line}") {
                Ok(()) => ExitCode::SUCCESS,
                Err(_) => ExitCode::FAILURE,
            }
        }
        Err(error) => {
            // There may be nobody left to read it.
            let _ = writeln!(io::stderr(), "the worker cannot start: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Why a worker does not even look at its source.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error("it is started by the server as `worker image TASK` or `worker recognise TASK`")]
    Usage,
    #[error("its task cannot be read: {0}")]
    Task(#[from] serde_json::Error),
    #[error("it cannot bind itself: {0}")]
    Bounds(#[from] io::Error),
}

fn run(arguments: &[String]) -> Result<Answer, StartError> {
    let [kind, task] = arguments else { return Err(StartError::Usage) };
    if kind != "image" {
        return Err(StartError::Usage);
    }
    let task: ImageTask = serde_json::from_str(task)?;
    bind(&task.bounds)?;
    let source = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let output = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    Ok(match work(source, output, &task) {
        Ok(facts) => Answer::Derived(facts),
        Err(error) => Answer::Refused { code: error.code().to_owned(), detail: error.to_string() },
    })
}

fn work(source: File, output: File, task: &ImageTask) -> Result<DerivativeFacts, ImageError> {
    let decoded = decode(BufReader::with_capacity(1 << 18, source), &task.limits)?;
    derive(decoded, &task.policy, task.threads, output)
}

/// Gives up what is not needed. Nothing foreign has been read yet.
fn bind(bounds: &Bounds) -> io::Result<()> {
    limit(Resource::AS, bounds.memory_bytes)?;
    limit(Resource::CPU, bounds.cpu_seconds)?;
    limit(Resource::FSIZE, bounds.output_bytes)?;
    limit(Resource::NOFILE, OPEN_FILES_MAX)?;
    limit(Resource::CORE, 0)?;
    forgo_privileges()
}

pub(crate) fn limit(resource: Resource, value: u64) -> io::Result<()> {
    // What the process already may not exceed cannot be raised, and need not be.
    let (_, hard) = resource.get()?;
    let value = value.min(hard);
    // At the soft bound of time comes SIGXCPU, which says why; at the hard one SIGKILL.
    let grace = if resource == Resource::CPU { CPU_GRACE_SECONDS } else { 0 };
    resource.set(value, value.saturating_add(grace).min(hard))
}

pub(crate) fn forgo_privileges() -> io::Result<()> {
    rustix::thread::set_no_new_privs(true)?;
    // Nobody of the same user may look into its memory.
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    Ok(())
}
