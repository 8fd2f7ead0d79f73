//! Real recognition processes: this program starts itself as `worker recognise`, with an engine that
//! does what the language is called.
//!
//! No harness: a process that is started must be nothing but a worker.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends here")]
#![expect(clippy::print_stdout, reason = "this is the test's own report")]

use dlcs_adapter_worker::{
    EngineTask, RecognitionPool, RecognitionPoolSettings, run_recognition_worker,
};
use dlcs_imaging::DecodeLimits;
use dlcs_ingest::{RecognitionWorker, WorkerError};
use dlcs_text::recogniser::{Engine, Picture, RecogniseError, Recognised, Recogniser};
use dlcs_text::{Block, Line, PageLayout, Rect, Word};
use std::io::{Write, stdin};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|it| it == "worker") {
        return worker(&arguments);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        a_page_is_read_upright_and_in_full_size().await;
        a_process_reads_many_pages_and_not_too_many().await;
        models_that_are_loaded_are_used_again().await;
        what_cannot_be_read_has_its_code_and_harms_nothing().await;
        hostile_files_have_their_code().await;
        a_process_that_dies_costs_one_page().await;
        a_process_that_hangs_is_ended().await;
        a_process_that_burns_time_is_ended().await;
        a_process_that_wants_too_much_memory_is_ended().await;
        a_process_that_lies_is_not_believed().await;
        garbage_is_no_answer().await;
        a_program_that_is_no_worker_dies().await;
        a_process_has_next_to_no_environment().await;
        a_process_with_nothing_to_do_is_given_up().await;
        dropping_the_call_ends_the_process().await;
        many_pages_share_the_places().await;
    });
    println!("all recognition processes behaved");
    ExitCode::SUCCESS
}

/// Garbage is written by a program that is no worker of ours.
fn worker(arguments: &[String]) -> ExitCode {
    let garbage: Option<&[u8]> = match arguments[2].as_str() {
        task if task.contains("/not-json") => Some(b"\0\0\0\x04oops"),
        task if task.contains("/endless") => Some(b"\xff\xff\xff\xff"),
        task if task.contains("/short") => Some(b"\0\0\0\x09{}"),
        _ => None,
    };
    if let Some(garbage) = garbage {
        let mut socket = UnixStream::from(stdin().as_fd().try_clone_to_owned().unwrap());
        socket.write_all(garbage).unwrap();
        return ExitCode::SUCCESS;
    }
    run_recognition_worker(&arguments[2..], |_: EngineTask| Evil { pages: 0 })
}

/// An engine that does what the first language says.
struct Evil {
    pages: u32,
}

impl Recogniser for Evil {
    fn recognise(
        &mut self,
        picture: Picture<'_>,
        languages: &[String],
    ) -> Result<Recognised, RecogniseError> {
        self.pages += 1;
        let mut width = 1;
        match languages[0].as_str() {
            "die" => std::process::abort(),
            "panic" => panic!("as the test wants"),
            "exit" => std::process::exit(0),
            "hang" => loop {
                std::thread::park();
            },
            "burn" => loop {
                std::hint::spin_loop();
            },
            "swell" => drop(vec![1u8; 1 << 32]),
            "lie" => width = picture.width_px + 1,
            "missing" => return Err(RecogniseError::LanguageMissing("missing".to_owned())),
            "large" => return Err(RecogniseError::TooLarge { pixels: 2, pixels_max: 1 }),
            _ => {}
        }
        let mut environment: Vec<_> = std::env::vars().map(|(name, it)| name + "=" + &it).collect();
        environment.push(std::process::id().to_string());
        Ok(recognised(&picture, width, self.pages, languages, environment.join(",")))
    }
}

/// Tells what the test wants to know in the words of a page.
fn recognised(
    picture: &Picture<'_>,
    width: u32,
    pages: u32,
    languages: &[String],
    about: String,
) -> Recognised {
    let bounds = Rect { x: 0, y: 0, width, height: 1 };
    let word = |text: String| Word { bounds, text, ..Word::default() };
    let words = vec![word(pages.to_string()), word(about)];
    let layout = PageLayout {
        width_px: picture.width_px,
        height_px: picture.height_px,
        languages: Vec::new(),
        blocks: vec![Block { bounds, lines: vec![Line { bounds, words }] }],
    };
    let engine = Engine {
        name: "evil".to_owned(),
        version: "1".to_owned(),
        models: languages.to_vec(),
        settings: Default::default(),
    };
    Recognised { layout, engine, confidence: None }
}

/// A PNG of one pixel.
const PIXEL: &[u8] = &[
    0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, b'I', b'H', b'D', b'R', 0, 0, 0,
    1, 0, 0, 0, 1, 8, 0, 0, 0, 0, 0x3a, 0x7e, 0x9b, 0x55, 0, 0, 0, 10, b'I', b'D', b'A', b'T',
    0x78, 0x9c, 0x63, 0x60, 0, 0, 0, 2, 0, 1, 0x48, 0xaf, 0xa4, 0x71, 0, 0, 0, 0, b'I', b'E', b'N',
    b'D', 0xae, 0x42, 0x60, 0x82,
];

fn settings() -> RecognitionPoolSettings {
    RecognitionPoolSettings {
        processes_max: 1,
        deadline: Duration::from_secs(60),
        ..RecognitionPoolSettings::of_this_program("/models".into()).unwrap()
    }
}

fn pool(settings: RecognitionPoolSettings) -> RecognitionPool {
    RecognitionPool::new(settings)
}

async fn read(pool: &RecognitionPool, language: &str) -> Result<Recognised, WorkerError> {
    let source = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(source.path(), PIXEL).unwrap();
    read_file(pool, source.path(), language).await
}

async fn read_file(
    pool: &RecognitionPool,
    source: &Path,
    language: &str,
) -> Result<Recognised, WorkerError> {
    pool.recognise(source, &[language.to_owned()], &DecodeLimits::default()).await
}

/// The number of the page in its process, and what the process says of itself.
fn told(result: Result<Recognised, WorkerError>) -> (u32, String) {
    let layout = result.unwrap().layout;
    let words: Vec<_> = layout.words().map(|word| word.text.clone()).collect();
    (words[0].parse().unwrap(), words[1].clone())
}

fn failure(result: Result<Recognised, WorkerError>) -> String {
    match result.expect_err("there is no text") {
        WorkerError::Refused { code, .. } => code.to_string(),
        WorkerError::Died { detail } => format!("died: {detail}"),
        WorkerError::TimedOut => "timed out".to_owned(),
    }
}

async fn a_page_is_read_upright_and_in_full_size() {
    let fixture = "../../../shared/fixtures/images/exif_landscape_6.jpg";
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(fixture);
    if !source.is_file() {
        eprintln!("SKIPPED: there is no {}", source.display());
        return;
    }
    let layout = read_file(&pool(settings()), &source, "good").await.unwrap().layout;
    assert_eq!((layout.width_px, layout.height_px), (1800, 1200));
}

async fn a_process_reads_many_pages_and_not_too_many() {
    let pool = pool(RecognitionPoolSettings { pages_max: 3, ..settings() });
    for expected in [1, 2, 3, 1, 2] {
        assert_eq!(told(read(&pool, "good").await).0, expected);
    }
}

async fn models_that_are_loaded_are_used_again() {
    let pool = Arc::new(pool(RecognitionPoolSettings { processes_max: 2, ..settings() }));
    let both = |one, two| {
        let (first, second) = (pool.clone(), pool.clone());
        async move { tokio::join!(read(&first, one), read(&second, two)) }
    };
    let (one, two) = both("one", "two").await;
    let (one, two) = (told(one).1, told(two).1);
    assert_ne!(one, two);
    for _ in 0..3 {
        assert_eq!(told(read(&pool, "one").await).1, one);
        assert_eq!(told(read(&pool, "two").await).1, two);
    }
}

async fn what_cannot_be_read_has_its_code_and_harms_nothing() {
    let pool = pool(settings());
    assert_eq!(failure(read(&pool, "missing").await), "recognition-failed");
    assert_eq!(failure(read(&pool, "large").await), "image-too-large");
    assert_eq!(told(read(&pool, "good").await).0, 3, "it is the same process");
}

async fn hostile_files_have_their_code() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures/hostile");
    if !folder.is_dir() {
        eprintln!("SKIPPED: there is no {}", folder.display());
        return;
    }
    let pool = pool(settings());
    for (name, expected) in [
        ("bomb_30000x30000_1bit.png", "image-too-large"),
        ("png_huge_header.png", "image-too-large"),
        ("tiff_ifd_loop.tif", "image-corrupt"),
        ("truncated_half.jpg", "image-corrupt"),
        ("zero.jpg", "image-corrupt"),
        ("html_named.jpg", "media-type-unsupported"),
        ("svg_xss.svg", "media-type-unsupported"),
    ] {
        assert_eq!(failure(read_file(&pool, &folder.join(name), "x").await), expected, "{name}");
    }
    // None of them got as far as the engine, nor did one end the process.
    assert_eq!(told(read(&pool, "good").await).0, 1);
}

async fn a_process_that_dies_costs_one_page() {
    let pool = pool(settings());
    for evil in ["die", "panic", "exit"] {
        assert_eq!(told(read(&pool, "good").await).0, 1, "before {evil}");
        assert!(failure(read(&pool, evil).await).starts_with("died: "), "{evil}");
    }
    assert!(failure(read(&pool, "panic").await).contains("as the test wants"));
    assert_eq!(told(read(&pool, "good").await).0, 1);
}

async fn a_process_that_hangs_is_ended() {
    let pool = pool(RecognitionPoolSettings { deadline: Duration::from_millis(800), ..settings() });
    let before = Instant::now();
    assert_eq!(failure(read(&pool, "hang").await), "timed out");
    assert!(before.elapsed() < Duration::from_secs(20), "{:?}", before.elapsed());
    // With a slow machine even an innocent page may miss so short a deadline.
    let (first, second) = (read(&pool, "good").await, read(&pool, "good").await);
    assert!(first.is_ok() || second.is_ok(), "{first:?}, {second:?}");
}

/// Processor time is bounded by the kernel too, in case that the parent has died.
async fn a_process_that_burns_time_is_ended() {
    let pool = pool(RecognitionPoolSettings { deadline: Duration::from_secs(1), ..settings() });
    assert_eq!(failure(read(&pool, "burn").await), "timed out");
}

async fn a_process_that_wants_too_much_memory_is_ended() {
    let pool = pool(RecognitionPoolSettings { memory_bytes: 512 << 20, ..settings() });
    assert_eq!(failure(read(&pool, "swell").await), "image-too-large");
    assert_eq!(told(read(&pool, "good").await).0, 1);
}

async fn a_process_that_lies_is_not_believed() {
    let pool = pool(settings());
    assert!(failure(read(&pool, "lie").await).contains("a box beyond the page"));
    assert_eq!(told(read(&pool, "good").await).0, 1, "it is another process");
}

async fn garbage_is_no_answer() {
    for evil in ["/not-json", "/endless", "/short"] {
        let engine = EngineTask { models: evil.into(), pixels_max: 1 };
        let pool = pool(RecognitionPoolSettings { engine, ..settings() });
        let failure = failure(read(&pool, "good").await);
        assert!(failure.starts_with("died: "), "{evil}: {failure}");
    }
}

async fn a_program_that_is_no_worker_dies() {
    for program in ["/bin/true", "/bin/false", "/nonexistent"] {
        let pool = pool(RecognitionPoolSettings { program: program.into(), ..settings() });
        let failure = failure(read(&pool, "good").await);
        assert!(failure.starts_with("died: "), "{program}: {failure}");
    }
}

async fn a_process_has_next_to_no_environment() {
    let (_, said) = told(read(&pool(settings()), "good").await);
    let (environment, _) = said.rsplit_once(',').unwrap();
    assert_eq!(environment, "OMP_THREAD_LIMIT=1");
}

async fn a_process_with_nothing_to_do_is_given_up() {
    let idle_max = Duration::from_millis(50);
    let pool = pool(RecognitionPoolSettings { idle_max, ..settings() });
    let (_, said) = told(read(&pool, "good").await);
    let process = said.rsplit(',').next().unwrap().to_owned();
    let gone = until_gone(&process);
    tokio::time::timeout(Duration::from_secs(20), gone).await.expect("it is given up");
    assert_eq!(told(read(&pool, "good").await).0, 1);
}

async fn dropping_the_call_ends_the_process() {
    let pool = pool(settings());
    let (_, said) = told(read(&pool, "good").await);
    let process = said.rsplit(',').next().unwrap().to_owned();
    let hanging = tokio::time::timeout(Duration::from_millis(100), read(&pool, "hang"));
    assert!(hanging.await.is_err(), "it hangs");
    let gone = until_gone(&process);
    tokio::time::timeout(Duration::from_secs(20), gone).await.expect("it is ended");
    assert_eq!(told(read(&pool, "good").await).0, 1);
}

/// A zombie is gone as well: nobody runs there any more.
async fn until_gone(process: &str) {
    let status = format!("/proc/{process}/status");
    let runs = || std::fs::read_to_string(&status).is_ok_and(|it| !it.contains("State:\tZ"));
    while runs() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn many_pages_share_the_places() {
    let pool = Arc::new(pool(RecognitionPoolSettings { processes_max: 2, ..settings() }));
    let tasks = (0..16).map(|_| {
        let pool = pool.clone();
        tokio::spawn(async move { told(read(&pool, "good").await).1 })
    });
    let tasks: Vec<_> = tasks.collect();
    let mut processes = std::collections::BTreeSet::new();
    for task in tasks {
        processes.insert(task.await.unwrap());
    }
    assert!(processes.len() <= 2, "{processes:?}");
}
