//! Tests of `archive`.

use super::*;
use std::fs;

/// An archive of two files, as bytes.
fn archive(folder: &Path) -> Vec<u8> {
    let path = folder.join("a.tar");
    let mut writer = ArchiveWriter::create(&path).unwrap();
    fs::write(folder.join("x"), vec![7; 3_000]).unwrap();
    writer.add_file("objects/originals/x", &folder.join("x")).unwrap();
    writer.add_bytes("about.json", b"{}").unwrap();
    writer.finish().unwrap();
    fs::read(&path).unwrap()
}

fn unpacked(bytes: &[u8]) -> Result<Entries, ArchiveError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tar");
    fs::write(&path, bytes).unwrap();
    unpack(&path, &folder.path().join("into"))
}

#[test]
fn what_was_packed_comes_out_again() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = archive(folder.path());
    let into = folder.path().join("into");
    let entries = unpack(&folder.path().join("a.tar"), &into).unwrap();
    assert_eq!(entries.keys().collect::<Vec<_>>(), ["about.json", "objects/originals/x"]);
    assert_eq!(fs::read(into.join("objects/originals/x")).unwrap(), vec![7; 3_000]);
    assert_eq!(entries["about.json"], (2, Digest::of(b"{}")));
    assert!(unpacked(&bytes).is_ok());
}

#[test]
fn an_archive_that_is_not_finished_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let writer = ArchiveWriter::create(&folder.path().join("a.tar")).unwrap();
    drop(writer);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_cut_archive_is_refused_wherever_it_was_cut() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = archive(folder.path());
    // The two empty blocks at the end of a tar file hold nothing.
    for length in (0..bytes.len() - 1_024).step_by(97) {
        assert!(unpacked(&bytes[..length]).is_err(), "cut at {length}");
    }
}

#[test]
fn a_flipped_bit_is_found_in_every_byte_of_every_file() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = archive(folder.path());
    let first = 512..512 + 3_000;
    let second = 512 + 3_072 + 512..512 + 3_072 + 512 + 2;
    for place in first.step_by(13).chain(second) {
        let mut flipped = bytes.clone();
        flipped[place] ^= 1 << (place % 8);
        let error = unpacked(&flipped).unwrap_err().to_string();
        assert!(error.contains("its bytes are not those it had"), "{place}: {error}");
    }
}

#[test]
fn a_name_that_leads_out_of_the_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("evil.tar");
    let mut tar = tar::Builder::new(File::create(&path).unwrap());
    let mut header = Header::new_gnu();
    header.as_gnu_mut().unwrap().name[..4].copy_from_slice(b"../x");
    header.set_size(1);
    header.set_entry_type(EntryType::Regular);
    header.set_cksum();
    tar.append(&header, &b"x"[..]).unwrap();
    tar.finish().unwrap();
    drop(tar);
    let error = unpack(&path, &folder.path().join("into")).unwrap_err().to_string();
    assert!(error.contains("is no file of a backup"), "{error}");
    assert!(!folder.path().join("x").exists());
}
