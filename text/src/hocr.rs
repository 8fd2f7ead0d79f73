//! hOCR: HTML of recognition engines in, XHTML out.

mod properties;
mod read;
mod write;

pub use read::read;
pub use write::write;

#[cfg(test)]
mod tests;
