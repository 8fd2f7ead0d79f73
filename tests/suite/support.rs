//! What the tests share: where things are.

pub(crate) mod clock;
pub(crate) mod cookies;
pub(crate) mod disks;
pub(crate) mod fixtures;
pub(crate) mod proxy;
pub(crate) mod server;
pub(crate) mod stores;

pub(crate) use dlcs_adapter_postgres::testing::is_long;
use std::path::{Path, PathBuf};

/// Returns the folder of the workspace.
pub(crate) fn workspace_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the crate is in the workspace")
        .to_owned()
}

/// Returns the seed of a fault test: the one that is asked for, or the usual one.
pub(crate) fn seed() -> u64 {
    let asked = std::env::var_os("DLCS_SEED").and_then(|it| it.to_str()?.parse().ok());
    asked.unwrap_or(20_261_122)
}

/// A small generator, so that a seed gives the same moments everywhere.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Returns a number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

/// Says whether any file below a folder holds a text.
pub(crate) fn is_anywhere(folder: &Path, text: &str) -> bool {
    let entries = std::fs::read_dir(folder).expect("the folder can be read");
    entries.flatten().any(|entry| {
        let path = entry.path();
        match path.is_dir() {
            true => is_anywhere(&path, text),
            false => std::fs::read(&path)
                .is_ok_and(|bytes| bytes.windows(text.len()).any(|it| it == text.as_bytes())),
        }
    })
}

/// Returns every Rust file below a folder.
pub(crate) fn rust_files(folder: &Path) -> Vec<PathBuf> {
    files(folder, &|path| path.extension().is_some_and(|it| it == "rs"))
}

/// Returns every file below a folder that is wanted, built and fetched things left out, by name.
pub(crate) fn files(folder: &Path, wanted: &dyn Fn(&Path) -> bool) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() {
                let left_out = ["target", "node_modules", "dist"].contains(&name.as_str());
                if !left_out && !name.starts_with('.') {
                    folders.push(path);
                }
            } else if wanted(&path) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
