//! Many files in one, sealed by their digests: what a backup is.
//!
//! A tar file whose last entry, `SHA256SUMS`, names every other one with length and digest. So a
//! file that was cut, or of which a bit was flipped, is found out; other tools can open it too.

use dlcs_objects::Digest;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Component, Path, PathBuf};
use tar::{EntryType, Header};

/// Name of the last entry.
const SUMS: &str = "SHA256SUMS";
const BUFFER_BYTES: usize = 1 << 20;

#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    #[error("`{}`: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    /// It cannot be used. Each line says what is wrong with what.
    #[error("the archive is damaged:\n  {}", .0.join("\n  "))]
    Damaged(Vec<String>),
}

fn at(path: &Path) -> impl Fn(io::Error) -> ArchiveError {
    move |source| ArchiveError::File { path: path.to_owned(), source }
}

/// Writes an archive beside its place; [`ArchiveWriter::finish`] moves it there.
pub struct ArchiveWriter {
    path: PathBuf,
    partial: PathBuf,
    tar: tar::Builder<BufWriter<File>>,
    sums: String,
    is_finished: bool,
}

impl Drop for ArchiveWriter {
    fn drop(&mut self) {
        if !self.is_finished {
            // Half an archive is of no use to anybody.
            let _ = std::fs::remove_file(&self.partial);
        }
    }
}

impl ArchiveWriter {
    /// Begins an archive that will be at `path`, in place of what may be there.
    pub fn create(path: &Path) -> Result<Self, ArchiveError> {
        let mut partial = path.as_os_str().to_owned();
        partial.push(".partial");
        let partial = PathBuf::from(partial);
        let file = File::create(&partial).map_err(at(&partial))?;
        let tar = tar::Builder::new(BufWriter::with_capacity(BUFFER_BYTES, file));
        Ok(Self { path: path.to_owned(), partial, tar, sums: String::new(), is_finished: false })
    }

    /// Adds a file under a name with `/` between its parts. Only its owner will read it.
    pub fn add_file(&mut self, name: &str, from: &Path) -> Result<(), ArchiveError> {
        let file = File::open(from).map_err(at(from))?;
        let length = file.metadata().map_err(at(from))?.len();
        self.add(name, length, BufReader::with_capacity(BUFFER_BYTES, file))
    }

    /// Adds some bytes under a name.
    pub fn add_bytes(&mut self, name: &str, bytes: &[u8]) -> Result<(), ArchiveError> {
        self.add(name, bytes.len() as u64, bytes)
    }

    fn add(&mut self, name: &str, length: u64, content: impl Read) -> Result<(), ArchiveError> {
        let mut hashed = Hashed::new(content.take(length));
        self.append(name, length, &mut hashed)?;
        if hashed.length != length {
            let error = io::Error::other(format!("{name} became shorter while it was read"));
            return Err(at(&self.partial)(error));
        }
        self.sums.push_str(&format!("{}  {length}  {name}\n", hashed.digest()));
        Ok(())
    }

    fn append(&mut self, name: &str, length: u64, content: impl Read) -> Result<(), ArchiveError> {
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::Regular);
        header.set_size(length);
        header.set_mode(0o600);
        self.tar.append_data(&mut header, name, content).map_err(at(&self.partial))
    }

    /// Seals the archive and puts it in its place, durably.
    pub fn finish(mut self) -> Result<(), ArchiveError> {
        let sums = std::mem::take(&mut self.sums);
        self.append(SUMS, sums.len() as u64, sums.as_bytes())?;
        let sealed = (|| {
            self.tar.finish()?;
            let buffered = self.tar.get_mut();
            buffered.flush()?;
            buffered.get_ref().sync_all()?;
            crate::files::rename_durably(&self.partial, &self.path)
        })();
        sealed.map_err(at(&self.path))?;
        self.is_finished = true;
        Ok(())
    }
}

/// What an archive held, by name: length in bytes and digest.
pub type Entries = BTreeMap<String, (u64, Digest)>;

/// Reads a whole archive, checks every byte of it, and writes its files below `into`, synced.
pub fn unpack(archive: &Path, into: &Path) -> Result<Entries, ArchiveError> {
    let file = File::open(archive).map_err(at(archive))?;
    let mut tar = tar::Archive::new(BufReader::with_capacity(BUFFER_BYTES, file));
    let mut found = Entries::new();
    let mut sums = None;
    let damaged =
        |error: io::Error| ArchiveError::Damaged(vec![format!("it cannot be read: {error}")]);
    for entry in tar.entries().map_err(damaged)? {
        let mut entry = entry.map_err(damaged)?;
        let name = plain_name(&entry).map_err(|text| ArchiveError::Damaged(vec![text]))?;
        if name == SUMS {
            let mut text = String::new();
            entry.read_to_string(&mut text).map_err(damaged)?;
            sums = Some(text);
            continue;
        }
        let path = into.join(&name);
        let written = (|| {
            std::fs::create_dir_all(path.parent().expect("it is below a folder"))?;
            let mut out = File::create_new(&path)?;
            let mut hashed = Hashed::new(&mut entry);
            io::copy(&mut hashed, &mut out)?;
            out.sync_all()?;
            Ok((hashed.length, hashed.digest()))
        })();
        found.insert(name, written.map_err(at(&path))?);
    }
    let wrong = compare(&found, sums.as_deref());
    if wrong.is_empty() { Ok(found) } else { Err(ArchiveError::Damaged(wrong)) }
}

/// Returns the name of an entry, which is a file below the folder and nothing else.
fn plain_name(entry: &tar::Entry<'_, impl Read>) -> Result<String, String> {
    let path = entry.path().map_err(|error| format!("an entry has no name: {error}"))?;
    let is_below = path.components().all(|it| matches!(it, Component::Normal(_)));
    match path.to_str() {
        Some(name) if is_below && entry.header().entry_type().is_file() => Ok(name.to_owned()),
        _ => Err(format!("`{}` is no file of a backup", path.display())),
    }
}

/// Returns what differs between the files and what the archive says of itself.
fn compare(found: &Entries, sums: Option<&str>) -> Vec<String> {
    let Some(sums) = sums else {
        return vec![format!("its end is missing: there is no {SUMS}")];
    };
    let mut wrong = Vec::new();
    let mut expected = Entries::new();
    for line in sums.lines() {
        let parts: Vec<&str> = line.splitn(3, "  ").collect();
        let parsed = match parts[..] {
            [digest, length, name] => Digest::parse(digest)
                .zip(length.parse().ok())
                .map(|(digest, length)| (name.to_owned(), (length, digest))),
            _ => None,
        };
        match parsed {
            Some((name, entry)) => drop(expected.insert(name, entry)),
            None => wrong.push(format!("{SUMS}: `{line}` is not digest, length, name")),
        }
    }
    for (name, entry) in &expected {
        match found.get(name) {
            None => wrong.push(format!("{name}: missing")),
            Some(it) if it != entry => {
                wrong.push(format!("{name}: its bytes are not those it had"));
            }
            Some(_) => {}
        }
    }
    let unknown = found.keys().filter(|name| !expected.contains_key(*name));
    wrong.extend(unknown.map(|name| format!("{name}: not named in {SUMS}")));
    wrong
}

/// Counts and digests what is read through it.
struct Hashed<R> {
    inner: R,
    sha256: Sha256,
    length: u64,
}

impl<R: Read> Hashed<R> {
    fn new(inner: R) -> Self {
        Self { inner, sha256: Sha256::new(), length: 0 }
    }

    fn digest(&self) -> Digest {
        Digest(self.sha256.clone().finalize().into())
    }
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.sha256.update(&buffer[..count]);
        self.length += count as u64;
        Ok(count)
    }
}

#[cfg(test)]
mod tests;
