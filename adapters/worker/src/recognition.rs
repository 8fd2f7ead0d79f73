//! Recognises pages in processes that live longer than one page: `dlcs worker recognise`.
//!
//! - Models take a while to load, so a process reads many pages. It is given up after a number of
//!   them, when it has grown, when it has had nothing to do for long, and whenever it misbehaves.
//! - Its standard input is one end of a socket. A page is a framed task and, beside it, the source as
//!   a file opened for reading; the answer is a frame. No path of the outside reaches the process
//!   but that of the models.
//! - It gets no environment but the number of threads, and binds itself before it reads a task.
//! - A page has a deadline. Whatever a process does costs the page that it was reading, no other.

pub(crate) mod child;
pub(crate) mod pool;
pub(crate) mod protocol;

mod check;
mod frames;
mod process;
