//! The path of an image request.
#![no_main]

use dlcs_fuzz::images::check_request;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| check_request(&String::from_utf8_lossy(bytes)));
