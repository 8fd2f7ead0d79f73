//! A fragment that selects.
#![no_main]

use dlcs_fuzz::annotations::check_fragment;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| check_fragment(text));
