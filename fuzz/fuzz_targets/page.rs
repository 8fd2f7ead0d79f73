//! PAGE XML from anywhere.
#![no_main]

use dlcs_fuzz::text_formats::check;
use dlcs_text::page_xml::{read, write};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| check(read, write, bytes));
