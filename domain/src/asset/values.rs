//! What an asset is described with: source, free fields, delivery policy, results.

use crate::batch::Queue;
use crate::ids::{BatchId, BlobRef};
use crate::languages::Languages;
use crate::patch::Patch;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Where the bytes come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Source {
    /// Fetched through the egress door: http, https, or file of an allowed folder.
    Origin { url: String },
    /// Uploaded by the client; the blob is the original.
    Upload { blob: BlobRef },
}

/// Free fields of DLCS. Empty strings, zeros and empty lists are 'not set'.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AssetMetadata {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub string1: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub string2: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub string3: String,
    #[serde(skip_serializing_if = "is_zero")]
    pub number1: i64,
    #[serde(skip_serializing_if = "is_zero")]
    pub number2: i64,
    #[serde(skip_serializing_if = "is_zero")]
    pub number3: i64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(number: &i64) -> bool {
    *number == 0
}

/// What shall change of the free fields.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct MetadataPatch {
    #[serde(skip_serializing_if = "Patch::is_keep")]
    pub string1: Patch<String>,
    #[serde(skip_serializing_if = "Patch::is_keep")]
    pub string2: Patch<String>,
    #[serde(skip_serializing_if = "Patch::is_keep")]
    pub string3: Patch<String>,
    #[serde(skip_serializing_if = "Patch::is_keep")]
    pub number1: Patch<i64>,
    #[serde(skip_serializing_if = "Patch::is_keep")]
    pub number2: Patch<i64>,
    #[serde(skip_serializing_if = "Patch::is_keep")]
    pub number3: Patch<i64>,
    #[serde(skip_serializing_if = "Patch::is_keep")]
    pub tags: Patch<Vec<String>>,
}

impl MetadataPatch {
    /// Returns what `metadata` becomes.
    #[must_use]
    pub fn applied_to(&self, mut metadata: AssetMetadata) -> AssetMetadata {
        self.string1.apply_to(&mut metadata.string1);
        self.string2.apply_to(&mut metadata.string2);
        self.string3.apply_to(&mut metadata.string3);
        self.number1.apply_to(&mut metadata.number1);
        self.number2.apply_to(&mut metadata.number2);
        self.number3.apply_to(&mut metadata.number3);
        self.tags.apply_to(&mut metadata.tags);
        metadata
    }

    /// Drops what would change nothing.
    #[must_use]
    pub fn against(self, metadata: &AssetMetadata) -> Self {
        Self {
            string1: self.string1.against(&metadata.string1),
            string2: self.string2.against(&metadata.string2),
            string3: self.string3.against(&metadata.string3),
            number1: self.number1.against(&metadata.number1),
            number2: self.number2.against(&metadata.number2),
            number3: self.number3.against(&metadata.number3),
            tags: self.tags.against(&metadata.tags),
        }
    }

    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The resolved policy by which an asset is delivered, so that history explains itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Channels of DLCS: `iiif-img`, `thumbs`, `file`.
    pub channels: Vec<String>,
    /// Sides of the bounding boxes of the ready-made sizes, in pixels, largest first.
    pub thumbnail_sides_px: Vec<u32>,
    pub tile_side_px: u32,
    /// 1 to 100.
    pub jpeg_quality: u8,
}

impl Delivery {
    /// Longest side of a ready-made size, in pixels.
    const THUMBNAIL_SIDE_MAX_PX: u32 = 4096;

    /// Returns the policy of an asset about which nobody said anything.
    pub fn standard() -> Self {
        Self {
            channels: vec!["iiif-img".to_owned(), "thumbs".to_owned()],
            thumbnail_sides_px: vec![1024, 400, 200, 100],
            tile_side_px: 512,
            jpeg_quality: 85,
        }
    }

    /// Says what is wrong with the policy, or nothing.
    pub fn check(&self) -> Result<(), &'static str> {
        let known = |it: &String| matches!(it.as_str(), "iiif-img" | "thumbs" | "file" | "none");
        let alone = self.channels.len() == 1;
        if self.channels.is_empty() || !self.channels.iter().all(known) {
            return Err(
                "the delivery channels are some of `iiif-img`, `thumbs`, `file`, or `none`",
            );
        }
        if self.channels.iter().any(|it| it == "none") && !alone {
            return Err("the delivery channel `none` stands alone");
        }
        if !self.thumbnail_sides_px.is_sorted_by(|a, b| a > b)
            || self
                .thumbnail_sides_px
                .iter()
                .any(|it| !(1..=Self::THUMBNAIL_SIDE_MAX_PX).contains(it))
        {
            return Err("ready-made sizes have 1 to 4096 pixels, the largest first");
        }
        if !self.tile_side_px.is_power_of_two() || !(64..=4096).contains(&self.tile_side_px) {
            return Err("the side of a tile is a power of two from 64 to 4096 pixels");
        }
        if !(1..=100).contains(&self.jpeg_quality) {
            return Err("a JPEG quality is 1 to 100");
        }
        Ok(())
    }
}

/// How large the pixels of an image are given out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SizeLimits {
    /// Longest side of every answer, in pixels; 0: what the server allows.
    #[serde(skip_serializing_if = "is_unset", default)]
    pub max_width_px: u32,
    /// Longest side of the whole image that is shown to those who hold none of its roles, in pixels;
    /// 0: they see nothing. An image without roles is open anyhow.
    #[serde(skip_serializing_if = "is_unset", default)]
    pub open_full_max_px: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_unset(pixels: &u32) -> bool {
    *pixels == 0
}

impl SizeLimits {
    /// Less is too little for a viewer's tiles.
    pub const MAX_WIDTH_LEAST_PX: u32 = 256;
    const SIDE_MAX_PX: u32 = 1 << 20;

    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Says what is wrong with the limits, or nothing.
    pub fn check(&self) -> Result<(), &'static str> {
        let widths = Self::MAX_WIDTH_LEAST_PX..=Self::SIDE_MAX_PX;
        if self.max_width_px != 0 && !widths.contains(&self.max_width_px) {
            return Err("`maxWidth` is at least 256 pixels and at most 1048576, or 0 for none");
        }
        if self.open_full_max_px > Self::SIDE_MAX_PX {
            return Err("`openFullMax` is at most 1048576 pixels, or 0 for none");
        }
        Ok(())
    }
}

/// A change of [`SizeLimits`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SizeLimitsPatch {
    pub max_width_px: Patch<u32>,
    pub open_full_max_px: Patch<u32>,
}

impl SizeLimitsPatch {
    /// Returns what `limits` become.
    #[must_use]
    pub fn applied_to(&self, mut limits: SizeLimits) -> SizeLimits {
        self.max_width_px.apply_to(&mut limits.max_width_px);
        self.open_full_max_px.apply_to(&mut limits.open_full_max_px);
        limits
    }
}

/// What an asset takes from its space and its program when the client says nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssetDefaults {
    pub tags: Vec<String>,
    pub roles: Vec<String>,
    pub delivery: Delivery,
    pub recognise: Languages,
}

impl Default for AssetDefaults {
    fn default() -> Self {
        Self {
            tags: Vec::new(),
            roles: Vec::new(),
            delivery: Delivery::standard(),
            recognise: Languages::default(),
        }
    }
}

/// What registering asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    pub source: Source,
    /// As the client said; the bytes decide.
    pub media_type: Option<String>,
    pub metadata: MetadataPatch,
    pub roles: Patch<Vec<String>>,
    /// Policy for a new asset. `None` keeps what is there, or takes the default.
    pub delivery: Option<Delivery>,
    /// Languages in which its pages shall be recognised by themselves.
    pub recognise: Patch<Languages>,
    pub limits: SizeLimitsPatch,
    pub batch: Option<BatchId>,
    /// Where the work waits, if there is any to do.
    pub queue: Queue,
}

impl Registration {
    /// Asks for what `source` has, and for nothing else.
    pub fn of(source: Source) -> Self {
        Self {
            source,
            media_type: None,
            metadata: MetadataPatch::default(),
            roles: Patch::Keep,
            delivery: None,
            recognise: Patch::Keep,
            limits: SizeLimitsPatch::default(),
            batch: None,
            queue: Queue::Default,
        }
    }
}

/// What a client changes of a living asset; what is left out stays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AssetChange {
    pub metadata: MetadataPatch,
    pub roles: Patch<Vec<String>>,
    pub source: Option<Source>,
    pub delivery: Option<Delivery>,
    pub recognise: Patch<Languages>,
    pub limits: SizeLimitsPatch,
}

/// Lists of texts that an asset has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AssetList {
    Tags,
    Roles,
}

/// What is done to a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListOperation {
    /// Behind what is there; what is in it already stays where it is.
    Add(Vec<String>),
    Remove(Vec<String>),
    Replace(Vec<String>),
}

impl ListOperation {
    /// Returns what becomes of a list.
    pub fn applied_to(self, known: &[String]) -> Vec<String> {
        match self {
            Self::Replace(values) => values,
            Self::Remove(values) => {
                known.iter().filter(|it| !values.contains(it)).cloned().collect()
            }
            Self::Add(values) => {
                let mut list = known.to_vec();
                for value in values {
                    if !list.contains(&value) {
                        list.push(value);
                    }
                }
                list
            }
        }
    }
}

/// What ingest measured and made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivered {
    pub width_px: u32,
    pub height_px: u32,
    /// Found by content.
    pub media_type: String,
    /// The bytes as they came.
    pub original: BlobRef,
    /// The pyramid; its key follows from asset, generation and attempt.
    pub derivative_bytes: u64,
    /// Width and height of each ready-made size, largest first.
    pub thumbnails: Vec<(u32, u32)>,
    pub tile_side_px: u32,
    /// Number of levels of the pyramid, full size counted.
    pub levels: u32,
    pub gray: bool,
}

/// Why an asset could not be ingested: the codes of CONTRACT section 4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IngestErrorCode {
    OriginUnreachable,
    OriginForbidden,
    OriginNotFound,
    OriginTooLarge,
    OriginTimeout,
    MediaTypeUnsupported,
    ImageCorrupt,
    ImageTooLarge,
    StorageFull,
    RecognitionFailed,
    Internal,
}

impl IngestErrorCode {
    /// Returns the code as it is written, for example `origin-unreachable`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OriginUnreachable => "origin-unreachable",
            Self::OriginForbidden => "origin-forbidden",
            Self::OriginNotFound => "origin-not-found",
            Self::OriginTooLarge => "origin-too-large",
            Self::OriginTimeout => "origin-timeout",
            Self::MediaTypeUnsupported => "media-type-unsupported",
            Self::ImageCorrupt => "image-corrupt",
            Self::ImageTooLarge => "image-too-large",
            Self::StorageFull => "storage-full",
            Self::RecognitionFailed => "recognition-failed",
            Self::Internal => "internal",
        }
    }
}

impl fmt::Display for IngestErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One failed attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    pub code: IngestErrorCode,
    /// A sentence for people, without addresses or secrets.
    pub detail: String,
    /// When the next attempt begins by itself, in microseconds since 1970; `None`: never.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next_attempt_at_us: Option<i64>,
}

impl Failure {
    /// Says whether the next attempt shall begin.
    pub fn is_due(&self, now_us: i64) -> bool {
        self.next_attempt_at_us.is_some_and(|at_us| at_us <= now_us)
    }
}
