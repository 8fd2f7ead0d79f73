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
