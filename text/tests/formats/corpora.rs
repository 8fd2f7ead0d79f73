//! The corpora of the fuzz targets, replayed: what they assert holds for every file in git.

#[path = "../../../fuzz/src/text_formats.rs"]
#[expect(unreachable_pub, reason = "a public module of the fuzz targets' crate")]
mod text_formats;

use crate::round_trip::FORMATS;
use std::path::Path;

#[test]
fn what_the_fuzz_targets_assert_holds_for_their_corpora() {
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
    for (format, write, read) in FORMATS {
        let files = std::fs::read_dir(corpora.join(format)).expect("there is a corpus");
        let files: Vec<_> = files.map(|it| it.expect("readable").path()).collect();
        assert!(!files.is_empty(), "{format}");
        for file in files {
            eprintln!("{}", file.display());
            text_formats::check(read, write, &std::fs::read(&file).expect("readable"));
        }
    }
}

#[path = "../../../fuzz/src/search.rs"]
#[expect(unreachable_pub, reason = "a public module of the fuzz targets' crate")]
mod search;

#[test]
fn what_the_fuzz_target_of_search_asserts_holds_for_its_corpus() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/search_query");
    for file in std::fs::read_dir(corpus).expect("there is a corpus") {
        let bytes = std::fs::read(file.expect("readable").path()).expect("readable");
        search::check_query(&String::from_utf8_lossy(&bytes));
        search::check_record(&bytes);
    }
}
