//! IIIF documents and requests as pure types: parse, print, negotiate.
//!
//! Nothing here reads a file, opens a socket or asks the clock; nothing here is `async`.
//! Section numbers cite the Image API 3.0 and 2.1.1 and the Presentation API 3.0 and 2.1.1.
//!
//! - [`image_request`]: `{region}/{size}/{rotation}/{quality}.{format}` to pixels.
//! - [`image_info`]: `info.json` in both versions.
//! - [`presentation`]: manifests in both versions, and documents of others from one to the other.
//! - [`content_search`]: answers of Content Search 2.0 and 1.0.
//! - [`discovery`]: what changed, as Change Discovery 1.0.
//! - [`transcription`]: the text of a canvas as annotations.
//! - [`web_annotation`]: Web Annotations, checked, cleaned, and as Open Annotation.
//! - [`negotiation`]: which version and media type an `Accept` header asks for.
//! - [`link`]: `Link` header values and the encoding of identifiers in addresses.
//! - [`base`]: documents that do not know at which address they will be served.

pub mod auth;
pub mod base;
pub mod content_search;
pub mod discovery;
pub mod image_info;
pub mod image_request;
pub mod link;
pub mod negotiation;
pub mod presentation;
pub mod transcription;
pub mod web_annotation;

pub use image_info::ImageDescription;
pub use image_request::{Dimensions, ImageRequest, ImageVersion, Limits, Resolved};
pub use presentation::{Canvas, LanguageMap, Manifest, PresentationVersion};
