//! The folder of the builds, and `serving.json`, which says which of them serves.

use crate::TantivyError;
use crate::build::Build;
use crate::schema;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

const POINTER: &str = "serving.json";
const BUILD: &str = "build-";

pub(crate) struct Folder {
    dir: PathBuf,
    is_read_only: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct Pointer {
    version: String,
    build: String,
}

impl Folder {
    pub(crate) fn open(dir: &Path) -> Result<Self, TantivyError> {
        let failed = |source| TantivyError::Folder { path: dir.to_owned(), source };
        fs::create_dir_all(dir).map_err(failed)?;
        Ok(Self { dir: dir.to_owned(), is_read_only: false })
    }

    pub(crate) fn open_read_only(dir: &Path) -> Result<Self, TantivyError> {
        Ok(Self { dir: dir.to_owned(), is_read_only: true })
    }

    pub(crate) fn open_serving_read_only(&self) -> Result<Build, TantivyError> {
        let path = self.serving()?.ok_or(TantivyError::NotBuilt)?;
        Build::open_read_only(&path)
    }

    /// Opens the build that serves; begins anew if there is none of this version, or it is damaged.
    pub(crate) fn open_or_make_serving(&self) -> Result<Build, TantivyError> {
        if let Some(path) = self.serving()? {
            match Build::open(&path) {
                Ok(build) => return Ok(build),
                Err(error) => {
                    tracing::error!("the search index is built anew from the log: {error}");
                }
            }
        }
        let build = self.make()?;
        self.point_to(&build)?;
        Ok(build)
    }

    /// Makes an empty build under a name that is not in use.
    pub(crate) fn make(&self) -> Result<Build, TantivyError> {
        if self.is_read_only {
            return Err(TantivyError::ReadOnly);
        }
        let mut paths = (1_u32..).map(|number| self.dir.join(format!("{BUILD}{number}")));
        let path = paths.find(|it| !it.exists()).expect("some number is free");
        Build::make(&path)
    }

    /// Lets a build serve, from now on and after every later start.
    pub(crate) fn point_to(&self, build: &Build) -> Result<(), TantivyError> {
        let name = build.path().file_name().unwrap_or_default().to_string_lossy().into_owned();
        let pointer = Pointer { version: schema::version(), build: name };
        let written = write_pointer(&self.dir, &pointer);
        written.map_err(|source| TantivyError::Folder { path: self.dir.clone(), source })
    }

    /// Removes builds that nothing points to: of other versions, and of rebuilds that were killed.
    pub(crate) fn remove_leftovers(&self) {
        let serving = self.serving().ok().flatten();
        let Ok(entries) = fs::read_dir(&self.dir) else { return };
        for path in entries.filter_map(|it| Some(it.ok()?.path())) {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if name.starts_with(BUILD) && serving.as_ref() != Some(&path) {
                tracing::info!("removing {name} of the search index, which does not serve");
                remove(&path);
            }
        }
    }

    fn serving(&self) -> Result<Option<PathBuf>, TantivyError> {
        let path = self.dir.join(POINTER);
        let json = match fs::read(&path) {
            Ok(json) => json,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(TantivyError::Folder { path, source }),
        };
        match serde_json::from_slice::<Pointer>(&json) {
            Ok(pointer) if pointer.version == schema::version() => {
                // A name, not a path elsewhere.
                let is_name = pointer.build.starts_with(BUILD) && !pointer.build.contains('/');
                let path = self.dir.join(&pointer.build);
                Ok((is_name && path.exists()).then_some(path))
            }
            Ok(pointer) => {
                tracing::warn!(
                    "the search index is of version {}, this program's is {}: it is built anew",
                    pointer.version,
                    schema::version()
                );
                Ok(None)
            }
            Err(error) => {
                tracing::error!(
                    "{POINTER} cannot be read, the search index is built anew: {error}"
                );
                Ok(None)
            }
        }
    }
}

/// Removes a build; what remains is tried again at the next start.
pub(crate) fn remove(path: &Path) {
    if let Err(error) = fs::remove_dir_all(path) {
        tracing::warn!("{} cannot be removed: {error}", path.display());
    }
}

/// Size of what is in a folder; a file that is removed meanwhile counts nothing.
pub(crate) fn size_bytes(path: &Path) -> io::Result<u64> {
    let mut size = 0;
    for entry in fs::read_dir(path)? {
        match entry?.metadata() {
            Ok(metadata) => size += metadata.len(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(size)
}

fn write_pointer(dir: &Path, pointer: &Pointer) -> io::Result<()> {
    let json = serde_json::to_vec_pretty(pointer)?;
    let temporary = dir.join(format!("{POINTER}.new"));
    let mut file = File::create(&temporary)?;
    file.write_all(&json)?;
    file.sync_all()?;
    fail::fail_point!("search.before-pointer");
    fs::rename(&temporary, dir.join(POINTER))?;
    File::open(dir)?.sync_all()
}
