//! A file that claims to be an image.
#![no_main]

use dlcs_fuzz::images::check_decode;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| check_decode(bytes));
