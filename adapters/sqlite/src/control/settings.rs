//! Small named values, for example the digest of the installation's id or a signer's last word.

use super::{ControlError, SqliteControl};
use rusqlite::{OptionalExtension, params};

impl SqliteControl {
    pub async fn setting(&self, name: &str) -> Result<Option<Vec<u8>>, ControlError> {
        const SETTING: &str = "SELECT value FROM settings WHERE name = ?1";
        let name = name.to_owned();
        let read = self.readers.run(move |connection| {
            connection.prepare_cached(SETTING)?.query_row([name], |row| row.get(0)).optional()
        });
        read.await.map_err(|error| ControlError(error.to_string()))
    }

    /// Sets a value unless there is one, and returns the one that is there now.
    ///
    /// For what is made once and then kept, whoever comes first.
    pub async fn setting_or(&self, name: &str, value: &[u8]) -> Result<Vec<u8>, ControlError> {
        const INSERT: &str = "INSERT OR IGNORE INTO settings (name, value) VALUES (?1, ?2)";
        const SETTING: &str = "SELECT value FROM settings WHERE name = ?1";
        let (name, value) = (name.to_owned(), value.to_owned());
        let work = self.writer.run(move |connection| {
            connection.prepare_cached(INSERT)?.execute(params![name, value])?;
            connection.prepare_cached(SETTING)?.query_row([name], |row| row.get(0))
        });
        work.await
    }

    pub async fn set_setting(&self, name: &str, value: &[u8]) -> Result<(), ControlError> {
        const SET: &str = "INSERT OR REPLACE INTO settings (name, value) VALUES (?1, ?2)";
        let (name, value) = (name.to_owned(), value.to_owned());
        let work = self.writer.run(move |connection| {
            connection.prepare_cached(SET)?.execute(params![name, value]).map(drop)
        });
        work.await
    }

    pub async fn remove_setting(&self, name: &str) -> Result<(), ControlError> {
        let name = name.to_owned();
        let work = self.writer.run(move |connection| {
            connection
                .prepare_cached("DELETE FROM settings WHERE name = ?1")?
                .execute([name])
                .map(drop)
        });
        work.await
    }
}
