//! ALTO from anywhere.
#![no_main]

use dlcs_fuzz::text_formats::check;
use dlcs_text::alto::{read, write};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| check(read, write, bytes));
