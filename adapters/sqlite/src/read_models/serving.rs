//! The folder of the files, and `serving.json`, which says which of them serve.

use super::ReadModelsError;
use super::file::{self, Definition, ModelFile};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

const POINTER: &str = "serving.json";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Read,
    Write,
}

/// The folder of the read models' files.
pub(super) struct Folder {
    dir: PathBuf,
    mode: Mode,
    pointers: Mutex<BTreeMap<String, Pointer>>,
}

/// Says which file serves a projection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Pointer {
    version: u32,
    file: String,
}

impl Folder {
    pub(super) fn open(dir: &Path, mode: Mode) -> Result<Self, ReadModelsError> {
        let failed = |source| ReadModelsError::Folder { path: dir.to_owned(), source };
        if mode == Mode::Write {
            fs::create_dir_all(dir).map_err(failed)?;
        }
        let pointers = read_pointers(&dir.join(POINTER)).map_err(failed)?;
        Ok(Self { dir: dir.to_owned(), mode, pointers: Mutex::new(pointers) })
    }

    pub(super) fn mode(&self) -> Mode {
        self.mode
    }

    /// Opens the file that serves, for reading only.
    pub(super) fn open_serving(
        &self,
        definition: &'static Definition,
    ) -> Result<ModelFile, ReadModelsError> {
        let path = self.serving(definition).filter(|it| it.exists());
        let path = path.ok_or(ReadModelsError::NotBuilt(definition.name))?;
        Ok(ModelFile::open_read_only(definition, path)?)
    }

    /// Opens the file that serves; begins anew if there is none of this version, or it is damaged.
    pub(super) fn open_or_make_serving(
        &self,
        definition: &'static Definition,
    ) -> Result<ModelFile, ReadModelsError> {
        if let Some(path) = self.serving(definition).filter(|it| it.exists()) {
            match ModelFile::open(definition, path) {
                Ok(file) => return Ok(file),
                Err(error) => tracing::error!(
                    projection = definition.name,
                    "{} cannot be used and is built anew: {error}",
                    definition.name
                ),
            }
        }
        let file = self.make(definition)?;
        self.point_to(definition, &file)?;
        Ok(file)
    }

    /// Makes an empty file under a name that is not in use.
    pub(super) fn make(
        &self,
        definition: &'static Definition,
    ) -> Result<ModelFile, ReadModelsError> {
        if self.mode == Mode::Read {
            return Err(ReadModelsError::ReadOnly);
        }
        let stem = format!("{}-v{}", definition.name, definition.version);
        let names = std::iter::once(format!("{stem}.sqlite"))
            .chain((2_u32..).map(|build| format!("{stem}-{build}.sqlite")));
        let mut paths = names.map(|name| self.dir.join(name));
        let path = paths.find(|it| !it.exists()).expect("some number is free");
        Ok(ModelFile::open(definition, path)?)
    }

    /// Lets a file serve, from now on and after every later start.
    pub(super) fn point_to(
        &self,
        definition: &Definition,
        file: &ModelFile,
    ) -> Result<(), ReadModelsError> {
        let failed = |source| ReadModelsError::Folder { path: self.dir.clone(), source };
        let name = file.path().file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut pointers = self.pointers();
        let mut next = pointers.clone();
        let pointer = Pointer { version: definition.version, file: name };
        next.insert(definition.name.to_owned(), pointer);
        write_pointers(&self.dir, &next).map_err(failed)?;
        *pointers = next;
        Ok(())
    }

    /// Removes databases that nothing points to: of other versions, and of builds that were killed.
    pub(super) fn remove_leftovers(&self) -> Result<(), ReadModelsError> {
        if self.mode == Mode::Read {
            return Ok(());
        }
        let failed = |source| ReadModelsError::Folder { path: self.dir.clone(), source };
        let pointers = self.pointers();
        for entry in fs::read_dir(&self.dir).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let is_database = name.ends_with(".sqlite");
            if is_database && !pointers.values().any(|it| it.file == name) {
                tracing::info!("removing {name}, which does not serve");
                file::remove(&path);
            }
        }
        Ok(())
    }

    fn serving(&self, definition: &Definition) -> Option<PathBuf> {
        let pointers = self.pointers();
        let pointer = pointers.get(definition.name)?;
        (pointer.version == definition.version).then(|| self.dir.join(&pointer.file))
    }

    fn pointers(&self) -> MutexGuard<'_, BTreeMap<String, Pointer>> {
        self.pointers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read_pointers(path: &Path) -> io::Result<BTreeMap<String, Pointer>> {
    match fs::read(path) {
        Ok(json) => Ok(serde_json::from_slice(&json).unwrap_or_else(|error| {
            // It can be made anew, and with it the read models.
            tracing::error!("{POINTER} cannot be read, every read model is built anew: {error}");
            BTreeMap::new()
        })),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeMap::new()),
        Err(error) => Err(error),
    }
}

fn write_pointers(dir: &Path, pointers: &BTreeMap<String, Pointer>) -> io::Result<()> {
    let json = serde_json::to_vec_pretty(pointers)?;
    let temporary = dir.join(format!("{POINTER}.new"));
    let mut file = File::create(&temporary)?;
    file.write_all(&json)?;
    file.sync_all()?;
    fail::fail_point!("read-models.before-pointer");
    fs::rename(&temporary, dir.join(POINTER))?;
    File::open(dir)?.sync_all()
}
