//! What somebody types into a search box, and page records from anywhere.
#![no_main]

use dlcs_fuzz::search::{check_query, check_record};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    check_query(&String::from_utf8_lossy(bytes));
    check_record(bytes);
});
