//! Files of every format in and out: what is kept, what is lost, what is refused.

mod corpora;
mod fixtures;
mod generate;
mod hostile;
mod leniency;
mod losses;
mod round_trip;
mod schema;
