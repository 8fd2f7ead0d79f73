//! A manifest as somebody sends it.
#![no_main]

use dlcs_fuzz::manifests::check_manifest;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| check_manifest(text));
