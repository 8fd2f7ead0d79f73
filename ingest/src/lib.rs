//! Background work: originals are fetched, images derived, pages recognised, and the results
//! reported as commands; webhooks are told.
//!
//! Not here: decoding (the worker port), outbound requests (the origin port), HTTP handlers, SQL.

pub mod origin;
pub mod process_manager;
pub mod recognition;
pub mod settings;
pub mod sweep;
pub mod webhooks;
pub mod worker;

mod attempt;
mod make;
mod measures;
mod pending;
mod sending;
mod shift;
mod work;

pub use origin::{Fetched, OriginCredentials, OriginError, Origins, Strategies};
pub use process_manager::{IngestPorts, IngestProcessManager};
pub use recognition::{RecognitionPorts, RecognitionProcessManager};
pub use settings::IngestSettings;
pub use sweep::Sweeper;
pub use webhooks::{Receivers, WebhookPorts, WebhookSender, WebhookSettings};
pub use worker::{ImageWorker, RecognitionWorker, WorkerError};
