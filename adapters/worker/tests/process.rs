//! Real worker processes: this program starts itself as `worker image`.
//!
//! No harness: a worker's standard output is the derivative, so nothing else may be written there.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends here")]
#![expect(clippy::print_stdout, reason = "this is the test's own report")]

use dlcs_adapter_worker::{ProcessWorker, ProcessWorkerSettings, run_image_worker};
use dlcs_imaging::{DecodeLimits, DerivativeFacts, DerivativePolicy};
use dlcs_ingest::{ImageWorker, WorkerError};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|it| it == "worker") {
        return run_image_worker(&arguments[1..]);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        a_good_image_is_derived().await;
        hostile_files_have_their_code().await;
        a_worker_without_memory_says_too_large().await;
        a_worker_without_time_is_ended().await;
        a_program_that_is_no_worker_dies().await;
        many_images_share_the_places().await;
    });
    println!("all worker processes behaved");
    ExitCode::SUCCESS
}

fn fixture(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures").join(name);
    if path.is_file() {
        return Some(path);
    }
    eprintln!("SKIPPED: there is no {}", path.display());
    None
}

fn settings() -> ProcessWorkerSettings {
    ProcessWorkerSettings::of_this_program().unwrap()
}

async fn derive(
    settings: ProcessWorkerSettings,
    source: &Path,
) -> Result<DerivativeFacts, WorkerError> {
    let output = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(output.path(), b"left over from an earlier attempt").unwrap();
    let worker = ProcessWorker::new(settings);
    let policy = DerivativePolicy::default();
    let facts = worker.derive(source, output.path(), &policy, &DecodeLimits::default()).await?;
    assert_eq!(facts.derivative_bytes, output.path().metadata().unwrap().len());
    Ok(facts)
}

fn code(result: Result<DerivativeFacts, WorkerError>) -> String {
    match result {
        Err(WorkerError::Refused { code, .. }) => code.to_string(),
        other => format!("{other:?}"),
    }
}

async fn a_good_image_is_derived() {
    let Some(source) = fixture("images/exif_landscape_6.jpg") else { return };
    let facts = derive(settings(), &source).await.unwrap();
    assert_eq!((facts.width, facts.height, facts.levels), (1800, 1200, 3));
}

async fn hostile_files_have_their_code() {
    for (name, expected) in [
        ("bomb_30000x30000_1bit.png", "image-too-large"),
        ("png_huge_header.png", "image-too-large"),
        ("tiff_ifd_loop.tif", "image-corrupt"),
        ("truncated_half.jpg", "image-corrupt"),
        ("zero.jpg", "image-corrupt"),
        ("html_named.jpg", "media-type-unsupported"),
        ("svg_xss.svg", "media-type-unsupported"),
    ] {
        let Some(source) = fixture(&format!("hostile/{name}")) else { return };
        let before = Instant::now();
        // A tenth of the usual memory is more than a refusal needs.
        let settings = ProcessWorkerSettings { memory_bytes: 150 << 20, ..settings() };
        assert_eq!(code(derive(settings, &source).await), expected, "{name}");
        assert!(before.elapsed() < Duration::from_secs(5), "{name} took {:?}", before.elapsed());
    }
    for name in ["exif_oserror.jpg", "polyglot_jpeg_zip.jpg"] {
        let Some(source) = fixture(&format!("hostile/{name}")) else { return };
        derive(settings(), &source).await.unwrap();
    }
}

async fn a_worker_without_memory_says_too_large() {
    let Some(source) = fixture("images/seurat_pyramid.tif") else { return };
    for mebibytes in [48, 24] {
        let settings =
            ProcessWorkerSettings { memory_bytes: mebibytes << 20, threads: 1, ..settings() };
        assert_eq!(code(derive(settings, &source).await), "image-too-large", "{mebibytes} MiB");
    }
}

async fn a_worker_without_time_is_ended() {
    let Some(source) = fixture("images/seurat_pyramid.tif") else { return };
    let late = ProcessWorkerSettings { deadline: Duration::from_millis(1), ..settings() };
    assert_eq!(derive(late, &source).await, Err(WorkerError::TimedOut));
}

async fn a_program_that_is_no_worker_dies() {
    let Some(source) = fixture("images/exif_landscape_1.jpg") else { return };
    for program in ["/bin/true", "/bin/false", "/nonexistent"] {
        let settings = ProcessWorkerSettings { program: program.into(), ..settings() };
        let result = derive(settings, &source).await;
        assert!(matches!(result, Err(WorkerError::Died { .. })), "{program}: {result:?}");
    }
}

async fn many_images_share_the_places() {
    let Some(source) = fixture("images/baiona_cmyk.jpg") else { return };
    let worker = ProcessWorker::new(ProcessWorkerSettings { processes_max: 2, ..settings() });
    let worker = std::sync::Arc::new(worker);
    let tasks = (0..8).map(|_| {
        let (worker, source) = (worker.clone(), source.clone());
        tokio::spawn(async move {
            let output = tempfile::NamedTempFile::new().unwrap();
            let policy = DerivativePolicy::default();
            worker.derive(&source, output.path(), &policy, &DecodeLimits::default()).await
        })
    });
    let tasks: Vec<_> = tasks.collect();
    for task in tasks {
        assert_eq!(task.await.unwrap().unwrap().width, 640);
    }
}
