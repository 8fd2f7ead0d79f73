//! Originals in allowed folders. No link, no `..` and no race leads out of one.

use crate::sink::Sink;
use dlcs_ingest::{Fetched, OriginError};
use rustix::fs::{CWD, FileType, Mode, OFlags, fstat, openat};
use rustix::io::Errno;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::Path;

/// Copies the file `rest` below `folder`. Blocking.
pub(crate) fn copy(folder: &Path, rest: &Path, sink: Sink) -> Result<Fetched, OriginError> {
    let mut sink = sink;
    let file = open_below(folder, rest).map_err(of_opening)?;
    let kind = fstat(&file).map(|stat| FileType::from_raw_mode(stat.st_mode));
    if kind != Ok(FileType::RegularFile) {
        return Err(OriginError::Forbidden("an origin is a regular file"));
    }
    sink.write_all_of(&mut File::from(file))?;
    Ok(sink.finish(None))
}

// A named pipe must not make us wait for its writer.
const READ: OFlags = OFlags::RDONLY.union(OFlags::CLOEXEC).union(OFlags::NONBLOCK);

#[cfg(target_os = "linux")]
fn open_below(folder: &Path, rest: &Path) -> Result<OwnedFd, Errno> {
    use rustix::fs::{ResolveFlags, openat2};

    let root = open_folder(CWD, folder)?;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    match openat2(&root, rest, READ, Mode::empty(), resolve) {
        // An old kernel, or a container that hides the call.
        Err(Errno::NOSYS | Errno::PERM) => open_step_by_step(root, rest),
        opened => opened,
    }
}

#[cfg(not(target_os = "linux"))]
fn open_below(folder: &Path, rest: &Path) -> Result<OwnedFd, Errno> {
    open_step_by_step(open_folder(CWD, folder)?, rest)
}

/// Follows no link at all.
fn open_step_by_step(root: OwnedFd, rest: &Path) -> Result<OwnedFd, Errno> {
    let mut folder = root;
    if let Some(parents) = rest.parent() {
        for part in parents {
            folder = open_folder(&folder, Path::new(part))?;
        }
    }
    let name = rest.file_name().ok_or(Errno::ISDIR)?;
    openat(&folder, name, READ | OFlags::NOFOLLOW, Mode::empty())
}

fn open_folder(at: impl std::os::fd::AsFd, path: &Path) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    openat(at, path, flags, Mode::empty())
}

fn of_opening(error: Errno) -> OriginError {
    match error {
        Errno::NOENT | Errno::NOTDIR => OriginError::NotFound("there is no such file"),
        Errno::XDEV | Errno::LOOP => OriginError::Forbidden("the file lies outside its folder"),
        Errno::ACCESS | Errno::PERM => OriginError::Forbidden("the file may not be read"),
        Errno::NXIO | Errno::ISDIR => OriginError::Forbidden("an origin is a regular file"),
        _ => OriginError::Unreachable("the file cannot be read"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dlcs_objects::Digest;
    use std::fs;
    use std::os::unix::fs::symlink;
    use tempfile::TempDir;

    /// Makes `in/page.jpg`, and `secret` beside the folder.
    fn folders() -> TempDir {
        let place = tempfile::tempdir().unwrap();
        fs::create_dir_all(place.path().join("in/sub")).unwrap();
        fs::write(place.path().join("in/page.jpg"), b"page").unwrap();
        fs::write(place.path().join("secret"), b"secret").unwrap();
        place
    }

    fn copied(place: &TempDir, rest: &str) -> Result<Fetched, OriginError> {
        let into = tempfile::NamedTempFile::new().unwrap();
        let sink = Sink::open(into.path(), 1000).unwrap();
        copy(&place.path().join("in"), Path::new(rest), sink)
    }

    fn code(place: &TempDir, rest: &str) -> &'static str {
        match copied(place, rest).unwrap_err() {
            OriginError::Forbidden(_) => "forbidden",
            OriginError::NotFound(_) => "not found",
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_file_of_the_folder_is_copied_and_digested() {
        let fetched = copied(&folders(), "page.jpg").unwrap();
        assert_eq!(fetched.sha256, Digest::of(b"page"));
        assert_eq!(fetched.length_bytes, 4);
    }

    #[test]
    fn links_within_the_folder_are_followed_and_those_out_of_it_are_not() {
        let place = folders();
        symlink("../page.jpg", place.path().join("in/sub/within")).unwrap();
        symlink("../secret", place.path().join("in/out")).unwrap();
        symlink(place.path(), place.path().join("in/up")).unwrap();
        symlink("/proc/self/root/etc/passwd", place.path().join("in/magic")).unwrap();
        assert!(copied(&place, "sub/within").is_ok());
        for rest in ["out", "up/secret", "magic", "../secret"] {
            assert_eq!(code(&place, rest), "forbidden", "{rest}");
        }
        assert_eq!(code(&place, "no such page.jpg"), "not found");
    }

    #[test]
    fn step_by_step_no_link_is_followed() {
        let place = folders();
        symlink("../secret", place.path().join("in/out")).unwrap();
        symlink("sub", place.path().join("in/link")).unwrap();
        fs::write(place.path().join("in/sub/page.jpg"), b"page").unwrap();
        let open = |rest: &str| {
            let root = open_folder(CWD, &place.path().join("in")).unwrap();
            open_step_by_step(root, Path::new(rest))
        };
        assert!(open("page.jpg").is_ok());
        assert!(open("sub/page.jpg").is_ok());
        assert!(open("out").is_err());
        assert!(open("link/page.jpg").is_err());
    }

    #[test]
    fn folders_and_pipes_are_no_images() {
        let place = folders();
        let pipe = place.path().join("in/pipe");
        rustix::fs::mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR, 0).unwrap();
        assert_eq!(code(&place, "sub"), "forbidden");
        assert_eq!(code(&place, "pipe"), "forbidden");
        assert_eq!(code(&place, ""), "not found");
    }

    #[test]
    fn a_file_beyond_the_limit_is_too_large() {
        let place = folders();
        fs::write(place.path().join("in/long"), vec![0; 1001]).unwrap();
        assert_eq!(copied(&place, "long"), Err(crate::sink::TOO_LARGE));
    }
}
