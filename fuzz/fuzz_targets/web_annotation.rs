//! An annotation as somebody sends it.
#![no_main]

use dlcs_fuzz::annotations::check_annotation;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| check_annotation(text));
