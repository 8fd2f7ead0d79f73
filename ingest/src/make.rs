//! The work of an attempt: the original is brought, the derivative made, both are kept.
//!
//! Nothing is kept before the derivative is there, and everything is kept before it is reported: an
//! event never names a blob that could be lost.

use crate::measures;
use crate::origin::{Fetched, OriginError, Origins, Strategies};
use crate::worker::{ImageWorker, WorkerError};
use dlcs_domain::asset::{Delivered, Delivery, IngestErrorCode, LiveAsset, Source};
use dlcs_domain::{AssetId, BlobRef};
use dlcs_imaging::{DecodeLimits, DerivativeFacts, DerivativePolicy};
use dlcs_objects::{Digest, LocalFile, ObjectError, ObjectKey, Objects, Staged};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tracing::error;

/// Why an attempt made nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: IngestErrorCode,
    /// A sentence for people.
    pub(crate) detail: String,
    /// The object store does not answer: nobody is guilty, and it passes.
    pub(crate) is_store_away: bool,
}

/// What an attempt made.
pub(crate) struct Made {
    pub(crate) delivered: Delivered,
}

/// Where attempts are made.
pub(crate) struct Workshop {
    pub(crate) objects: Arc<dyn Objects>,
    pub(crate) origins: Arc<dyn Origins>,
    pub(crate) strategies: Arc<dyn Strategies>,
    pub(crate) worker: Arc<dyn ImageWorker>,
    pub(crate) limits: DecodeLimits,
}

/// An original as a local file.
enum Original {
    Fetched { staged: Staged, fetched: Fetched },
    Uploaded { file: LocalFile, blob: BlobRef },
}

/// How long an attempt waits for a store that does not answer, and how often it looks.
const STORE_AWAY_MAX: Duration = Duration::from_secs(15 * 60);
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// Does the work of an attempt again while the object store is away: that uses up no tries.
pub(crate) async fn while_store_is_away<T, F>(work: impl Fn() -> F) -> Result<T, Refusal>
where
    F: Future<Output = Result<T, Refusal>>,
{
    let begun = Instant::now();
    let mut pause = FIRST_PAUSE;
    loop {
        match work().await {
            Err(refusal) if refusal.is_store_away && begun.elapsed() < STORE_AWAY_MAX => {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(PAUSE_MAX);
            }
            done => return done,
        }
    }
}

impl Workshop {
    /// Makes what an asset needs at its attempt.
    pub(crate) async fn make(&self, id: &AssetId, asset: &LiveAsset) -> Result<Made, Refusal> {
        let original = self.bring(id, &asset.source).await?;
        let output = self.objects.stage().await?;
        let policy = policy(&asset.delivery);
        let derived = self.worker.derive(original.path(), output.path(), &policy, &self.limits);
        let facts = derived.await?;
        check_length(output.path(), facts.derivative_bytes)?;
        fail::fail_point!("ingest.before-keep");
        let original = self.keep(original).await?;
        fail::fail_point!("ingest.between-keeps");
        let key = ObjectKey::derivative(&id.to_string(), asset.generation, asset.attempt);
        self.objects.keep(output, &key).await?;
        Ok(Made { delivered: delivered(facts, original) })
    }

    async fn bring(&self, id: &AssetId, source: &Source) -> Result<Original, Refusal> {
        match source {
            Source::Origin { url } => {
                let staged = self.objects.stage().await?;
                let credentials = self.strategies.credentials(id.customer(), url).await?;
                let fetched = self.origins.fetch(url, credentials.as_ref(), staged.path()).await?;
                fail::fail_point!("ingest.after-fetch");
                measures::fetched(fetched.length_bytes);
                Ok(Original::Fetched { staged, fetched })
            }
            Source::Upload { blob } => {
                let missing = || Refusal::internal("the uploaded image is not there");
                let digest = Digest::parse(&blob.sha256).ok_or_else(missing)?;
                let file = self.objects.local_file(&ObjectKey::original(&digest)).await?;
                Ok(Original::Uploaded { file, blob: blob.clone() })
            }
        }
    }

    async fn keep(&self, original: Original) -> Result<BlobRef, Refusal> {
        match original {
            Original::Uploaded { blob, .. } => Ok(blob),
            Original::Fetched { staged, fetched } => {
                self.objects.keep(staged, &ObjectKey::original(&fetched.sha256)).await?;
                let sha256 = fetched.sha256.to_string();
                Ok(BlobRef { sha256, length_bytes: fetched.length_bytes })
            }
        }
    }
}

impl Original {
    fn path(&self) -> &Path {
        match self {
            Self::Fetched { staged, .. } => staged.path(),
            Self::Uploaded { file, .. } => file.path(),
        }
    }
}

fn policy(delivery: &Delivery) -> DerivativePolicy {
    DerivativePolicy {
        tile_side_px: delivery.tile_side_px,
        quality: delivery.jpeg_quality,
        thumbnails: delivery.thumbnail_sides_px.clone(),
        ..DerivativePolicy::default()
    }
}

fn delivered(facts: DerivativeFacts, original: BlobRef) -> Delivered {
    let thumbnails = facts.thumbnails.iter().map(|it| (it.width, it.height)).collect();
    Delivered {
        width_px: facts.width,
        height_px: facts.height,
        media_type: facts.source_media_type.as_str().to_owned(),
        original,
        derivative_bytes: facts.derivative_bytes,
        thumbnails,
        tile_side_px: facts.tile_side_px,
        levels: facts.levels,
        gray: facts.gray,
    }
}

/// A worker that says one thing and writes another is not believed.
fn check_length(output: &Path, expected: u64) -> Result<(), Refusal> {
    // Of a file that was just written: that is quicker than waking another thread.
    let actual = std::fs::metadata(output).map(|it| it.len());
    match actual {
        Ok(length) if length == expected => Ok(()),
        actual => {
            error!(?actual, expected, "a derivative has not the length that its worker said");
            Err(Refusal::internal("the derivative is incomplete"))
        }
    }
}

impl Refusal {
    pub(crate) fn new(code: IngestErrorCode, detail: String) -> Self {
        Self { code, detail, is_store_away: false }
    }

    pub(crate) fn internal(detail: &str) -> Self {
        Self::new(IngestErrorCode::Internal, detail.to_owned())
    }
}

impl From<OriginError> for Refusal {
    fn from(error: OriginError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

impl From<WorkerError> for Refusal {
    fn from(error: WorkerError) -> Self {
        match error {
            WorkerError::Refused { code, detail } => Self::new(code, detail),
            WorkerError::TimedOut => Self::internal("the image took too long to decode"),
            WorkerError::Died { detail } => {
                error!(detail, "a worker died");
                Self::internal("the work on the image ended without a result")
            }
        }
    }
}

impl From<ObjectError> for Refusal {
    fn from(error: ObjectError) -> Self {
        error!(%error, "a blob cannot be read or kept");
        match error {
            ObjectError::Full(_) => Self::new(
                IngestErrorCode::StorageFull,
                "there is no room left to store the image".to_owned(),
            ),
            ObjectError::Unavailable(_) => {
                let refusal = Self::internal("the object store did not answer for a long time");
                Self { is_store_away: true, ..refusal }
            }
            ObjectError::NotFound(_) => Self::internal("the uploaded image is not there"),
            ObjectError::Store(_) | ObjectError::Damaged { .. } => {
                Self::internal("the image could not be stored or read")
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    pub(crate) fn delivered() -> Delivered {
        Delivered {
            width_px: 1,
            height_px: 1,
            media_type: "image/png".to_owned(),
            original: BlobRef { sha256: Digest::of(b"").to_string(), length_bytes: 0 },
            derivative_bytes: 1,
            thumbnails: vec![],
            tile_side_px: 512,
            levels: 1,
            gray: false,
        }
    }

    #[test]
    fn errors_of_the_inside_are_told_in_general() {
        let refusal = Refusal::from(ObjectError::Store("disk sdb1 at /srv".to_owned()));
        assert_eq!(refusal.code, IngestErrorCode::Internal);
        assert!(!refusal.detail.contains("sdb1"));
        let refusal = Refusal::from(WorkerError::Died { detail: "signal 11".to_owned() });
        assert!(!refusal.detail.contains("signal"));
        let refusal = Refusal::from(ObjectError::Full("sdb1".to_owned()));
        assert_eq!(refusal.code, IngestErrorCode::StorageFull);
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_is_away_is_waited_for() {
        let tries = AtomicUsize::new(0);
        let work = || async {
            match tries.fetch_add(1, Ordering::SeqCst) {
                0..4 => Err(Refusal::from(ObjectError::Unavailable("s3".to_owned()))),
                _ => Ok(()),
            }
        };
        let begun = Instant::now();
        assert_eq!(while_store_is_away(work).await, Ok(()));
        assert_eq!(begun.elapsed(), Duration::from_secs(1 + 2 + 4 + 8));
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_ever_or_for_another_reason() {
        let begun = Instant::now();
        let away = || async { Err::<(), _>(ObjectError::Unavailable("s3".to_owned()).into()) };
        let refusal = while_store_is_away(away).await.unwrap_err();
        assert_eq!(refusal.code, IngestErrorCode::Internal);
        assert!(begun.elapsed() >= STORE_AWAY_MAX);
        let begun = Instant::now();
        let broken = || async { Err::<(), _>(Refusal::internal("broken")) };
        assert!(while_store_is_away(broken).await.is_err());
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }

    #[test]
    fn the_delivery_of_an_asset_decides_how_its_derivative_is_made() {
        let delivery = Delivery { tile_side_px: 256, jpeg_quality: 70, ..Delivery::standard() };
        let policy = policy(&delivery);
        assert_eq!((policy.tile_side_px, policy.quality), (256, 70));
        assert_eq!(policy.thumbnails, delivery.thumbnail_sides_px);
    }
}
