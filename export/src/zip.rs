//! Writes a zip of pictures, entry by entry.
//!
//! Entries are stored: a JPEG does not get smaller. Size and checksum stand before the bytes, for an
//! entry is whole when it comes: readers that cannot go back read it, too. All of them are dated as
//! the format's first day, 1 January 1980.

use async_zip::base::write::ZipFileWriter;
use async_zip::error::ZipError as Source;
use async_zip::{Compression, ZipDateTimeBuilder, ZipEntryBuilder};
use futures::FutureExt;

/// Longest name that is taken over, in bytes.
const NAME_BYTES_MAX: usize = 120;
/// What anybody may do with a file that was unpacked: `rw-r--r--`, a regular file.
const MODE: u16 = 0o100_644;
/// What names of images end in, which becomes the ending of what is written.
const ENDINGS: [&str; 8] = [".tif", ".tiff", ".jpg", ".jpeg", ".png", ".webp", ".jp2", ".gif"];

#[derive(Debug, thiserror::Error)]
#[error("the zip cannot be written: {0}")]
pub struct ZipError(#[from] Source);

/// A zip in the making.
pub struct ZipWriter {
    inner: ZipFileWriter<Vec<u8>>,
    entries: usize,
}

impl Default for ZipWriter {
    fn default() -> Self {
        Self { inner: ZipFileWriter::new(Vec::new()), entries: 0 }
    }
}

impl ZipWriter {
    /// Adds a JPEG and returns the bytes that are to be sent. `name` is that of the page: what is
    /// written begins with its number, so that names sort as the pages do and none comes twice.
    pub fn entry(&mut self, name: &str, jpeg: &[u8]) -> Result<Vec<u8>, ZipError> {
        self.entries += 1;
        let name = entry_name(self.entries, name);
        let entry = ZipEntryBuilder::new(name.into(), Compression::Stored)
            .last_modification_date(ZipDateTimeBuilder::new().year(1980).month(1).day(1).build())
            .unix_permissions(MODE);
        let written = self.inner.write_entry_whole(entry, jpeg);
        written.now_or_never().expect("a vector takes all at once")?;
        Ok(std::mem::take(self.inner.inner_mut()))
    }

    /// Returns the bytes behind the last entry: the directory.
    pub fn finish(self) -> Result<Vec<u8>, ZipError> {
        Ok(self.inner.close().now_or_never().expect("a vector takes all at once")?)
    }
}

/// Returns `0007_kant.jpg`: letters, digits, `-`, `_` and `.`; no folder, whatever the page is called.
fn entry_name(number: usize, name: &str) -> String {
    let lower = name.to_lowercase();
    let ending = ENDINGS.iter().find(|ending| lower.ends_with(*ending));
    // In lower case it may be longer than it is.
    let stem = ending.and_then(|it| name.get(..name.len().checked_sub(it.len())?)).unwrap_or(name);
    let mut kept = String::new();
    for character in stem.chars() {
        let is_kept = character.is_alphanumeric() || matches!(character, '-' | '_' | '.');
        let character = if is_kept { character } else { '_' };
        if kept.len() + character.len_utf8() > NAME_BYTES_MAX {
            break;
        }
        kept.push(character);
    }
    let kept = kept.trim_matches(['.', '_']);
    if kept.is_empty() { format!("{number:04}.jpg") } else { format!("{number:04}_{kept}.jpg") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_sort_as_the_pages_do_and_lead_out_of_no_folder() {
        for (name, expected) in [
            ("kant_0020.tif", "0001_kant_0020.jpg"),
            ("Ansicht Köln.JPEG", "0001_Ansicht_Köln.jpg"),
            ("../../etc/passwd", "0001_etc_passwd.jpg"),
            ("C:\\x\0y", "0001_C__x_y.jpg"),
            ("/abs.png", "0001_abs.jpg"),
            ("..", "0001.jpg"),
            (".tif", "0001.jpg"),
            ("頁一", "0001_頁一.jpg"),
        ] {
            assert_eq!(entry_name(1, name), expected, "{name}");
        }
        assert_eq!(entry_name(12_345, "a"), "12345_a.jpg");
    }

    proptest! {
        #[test]
        fn any_name_is_one_short_segment(name in "\\PC{0,300}") {
            let written = entry_name(7, &name);
            prop_assert!(written.starts_with("0007") && written.ends_with(".jpg"), "{}", written);
            prop_assert!(written.len() <= NAME_BYTES_MAX + 9, "{}", written);
            let is_safe = |it: char| it.is_alphanumeric() || "-_.".contains(it);
            prop_assert!(written.chars().all(is_safe), "{}", written);
            prop_assert!(!written.contains("/") && !written.contains('\\'));
        }
    }
}
