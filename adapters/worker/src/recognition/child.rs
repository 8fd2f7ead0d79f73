//! The process: page after page, within bounds that it sets for itself.

use super::frames;
use super::protocol::{
    Bounds, EngineTask, PageAnswer, PageResult, PageTask, ProcessTask, TASK_BYTES_MAX,
};
use crate::child::{OPEN_FILES_MAX, StartError, forgo_privileges, limit};
use dlcs_imaging::raster::{Channels, Raster};
use dlcs_imaging::{ImageError, decode_uncorrected, resolution_dpi};
use dlcs_text::recogniser::{Picture, RecogniseError, Recognised, Recogniser};
use rlimit::Resource;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::retry_on_intr;
use rustix::process::{Signal, getpid, kill_process};
use rustix::time::{ClockId, clock_gettime};
use std::fs::File;
use std::io::{self, BufReader, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;

/// Runs as `dlcs worker recognise TASK`; `arguments` are those behind `recognise`.
///
/// `engine` makes the engine, once. The process ends when its parent hangs up.
pub fn run_recognition_worker<E: Recogniser>(
    arguments: &[String],
    engine: impl FnOnce(EngineTask) -> E,
) -> ExitCode {
    match run(arguments, engine) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // There may be nobody left to read it.
            let _ = writeln!(io::stderr(), "the recognition worker ends: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run<E: Recogniser>(
    arguments: &[String],
    engine: impl FnOnce(EngineTask) -> E,
) -> Result<(), StartError> {
    let [task] = arguments else { return Err(StartError::Usage) };
    let task: ProcessTask = serde_json::from_str(task)?;
    bind(&task.bounds)?;
    let mut socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    leave_with_the_parent(&socket)?;
    let mut engine = engine(task.engine);
    while let Some((frame, source)) = frames::wait_with_file(&mut socket, TASK_BYTES_MAX)? {
        let page: PageTask = serde_json::from_slice(&frame)?;
        allow_another_page(&task.bounds)?;
        let result = match read(&mut engine, source, &page) {
            Ok(recognised) => PageResult::Recognised(Box::new(recognised)),
            Err(Refusal { code, detail }) => PageResult::Refused { code: code.to_owned(), detail },
        };
        let answer = PageAnswer { result, resident_bytes: resident_bytes() };
        frames::answer(&mut socket, &serde_json::to_vec(&answer)?)?;
    }
    Ok(())
}

struct Refusal {
    /// A code of CONTRACT section 4.
    code: &'static str,
    detail: String,
}

fn read(
    engine: &mut impl Recogniser,
    source: File,
    page: &PageTask,
) -> Result<Recognised, Refusal> {
    let mut source = BufReader::with_capacity(1 << 18, source);
    let resolution_dpi = resolution_dpi(&mut source);
    let Raster { width, height, channels, pixels } =
        decode_uncorrected(source, &page.limits)?.raster;
    let channels = match channels {
        Channels::Gray => 1,
        Channels::Rgb => 3,
    };
    let picture =
        Picture { width_px: width, height_px: height, channels, pixels: &pixels, resolution_dpi };
    Ok(engine.recognise(picture, &page.languages)?)
}

impl From<ImageError> for Refusal {
    fn from(error: ImageError) -> Self {
        Self { code: error.code(), detail: error.to_string() }
    }
}

impl From<RecogniseError> for Refusal {
    fn from(error: RecogniseError) -> Self {
        let code = match error {
            RecogniseError::TooLarge { .. } => "image-too-large",
            RecogniseError::LanguageMissing(_) | RecogniseError::Engine(_) => "recognition-failed",
        };
        Self { code, detail: error.to_string() }
    }
}

/// Gives up what is not needed. Nothing foreign has been read yet.
fn bind(bounds: &Bounds) -> io::Result<()> {
    let in_its_life = bounds.cpu_seconds.saturating_mul(u64::from(bounds.pages_max));
    limit(Resource::AS, bounds.memory_bytes)?;
    limit(Resource::CPU, in_its_life)?;
    limit(Resource::FSIZE, 0)?;
    limit(Resource::NOFILE, OPEN_FILES_MAX)?;
    limit(Resource::CORE, 0)?;
    if bounds.niceness > 0 {
        rustix::process::setpriority_process(None, i32::from(bounds.niceness))?;
    }
    forgo_privileges()
}

/// Moves the soft limit of processor time to one page from now.
fn allow_another_page(bounds: &Bounds) -> io::Result<()> {
    let used = clock_gettime(ClockId::ProcessCPUTime).tv_sec;
    let used = u64::try_from(used).unwrap_or_default();
    let (_, hard) = Resource::CPU.get()?;
    // The second that has begun counts as well.
    let soft = used.saturating_add(1).saturating_add(bounds.cpu_seconds);
    Resource::CPU.set(soft.min(hard), hard)
}

/// Ends the process at once when the parent is gone, whatever it is busy with.
fn leave_with_the_parent(socket: &UnixStream) -> io::Result<()> {
    let socket = socket.try_clone()?;
    let watch = move || {
        let mut watched = [PollFd::new(&socket, PollFlags::RDHUP)];
        // Wakes for a hang-up alone, or not at all.
        let _ = retry_on_intr(|| poll(&mut watched, None));
        // An orderly exit would run C++ destructors under the feet of the other thread.
        let _ = kill_process(getpid(), Signal::KILL);
    };
    std::thread::Builder::new().stack_size(64 * 1024).spawn(watch)?;
    Ok(())
}

/// Second number of `/proc/self/statm`, in pages; 0 where there is none.
fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = statm.split(' ').nth(1).and_then(|it| it.parse().ok()).unwrap_or_default();
    pages.saturating_mul(rustix::param::page_size() as u64)
}
