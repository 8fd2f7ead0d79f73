//! The end of a derivative.
#![no_main]

use dlcs_fuzz::images::check_index;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| check_index(bytes));
