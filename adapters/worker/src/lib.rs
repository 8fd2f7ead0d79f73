//! Decodes foreign bytes in processes of their own: `dlcs worker image`, `dlcs worker recognise`.
//!
//! Images:
//! - One process per image. Its standard input is the source, opened for reading; its standard
//!   output is the file of the derivative; the last line of its standard error is the answer.
//! - It gets no environment, no other open file, and binds itself before it reads the first byte:
//!   memory, processor time, output size, open files, no core dump, no new privileges.
//! - The parent bounds how many there are and how long they take, believes nothing that it can
//!   check, and survives whatever they do.
//!
//! Pages, in processes that read one after the other: see [`RecognitionPool`] and ADR 8.
//!
//! Not yet here: landlock and seccomp, which would take the file system and the network away too.

pub mod child;
pub mod parent;

mod protocol;
mod recognition;

pub use child::run_image_worker;
pub use parent::{ProcessWorker, ProcessWorkerSettings};
pub use recognition::child::run_recognition_worker;
pub use recognition::pool::{RecognitionPool, RecognitionPoolSettings};
pub use recognition::protocol::EngineTask;
