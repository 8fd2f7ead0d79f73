//! Image delivery: sources decoded within limits, the derivative format, and its delivery by plan.
//!
//! Two halves that meet in the derivative:
//! - **making** it, in a worker process: [`sniff`] → [`decode()`] → [`derive()`];
//! - **serving** it, in the server: [`plan()`] → one bounded read, or [`render`].
//!
//! The server never decodes foreign bytes: [`render`] and [`tiles`] only read derivatives that
//! [`derive()`] wrote. Codecs live in this crate alone. There is no HTTP and no event log here.

pub mod decode;
pub mod derivative;
pub mod error;
pub mod limits;
pub mod plan;
pub mod raster;
pub mod render;
pub mod resolution;
pub mod sniff;
pub mod tiles;

mod color;
mod jpeg;
mod orientation;
mod parallel;

pub use decode::{decode, decode_uncorrected};
pub use derivative::index::DerivativeIndex;
pub use derivative::{DerivativeFacts, DerivativePolicy, derive};
pub use error::ImageError;
pub use limits::DecodeLimits;
pub use plan::{PlanError, RenderLimits, RenderPlan, plan};
pub use resolution::resolution_dpi;
pub use sniff::MediaType;
pub use tiles::{TileError, Tiles, TilesSettings};
