//! PAGE XML of PRImA: 2009 to 2019 in, 2019 out.

mod attach;
mod custom;
mod order;
mod read;
mod write;

pub use read::read;
pub use write::write;

#[cfg(test)]
mod tests;
