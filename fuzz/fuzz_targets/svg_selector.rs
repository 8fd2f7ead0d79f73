//! A drawing that selects.
#![no_main]

use dlcs_fuzz::annotations::check_drawing;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| check_drawing(text));
