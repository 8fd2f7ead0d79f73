//! ALTO: versions 1 to 4 in, version 4.4 in pixels out.

mod order;
mod read;
mod write;

pub use read::read;
pub use write::write;

#[cfg(test)]
mod tests;
