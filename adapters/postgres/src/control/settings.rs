//! Small named values, for example the digest of the installation's id or a signer's last word.

use super::{ControlError, PostgresControl};

impl PostgresControl {
    pub async fn setting(&self, name: &str) -> Result<Option<Vec<u8>>, ControlError> {
        const SETTING: &str = "SELECT value FROM dlcs_control.settings WHERE name = $1";
        let rows = self.query(SETTING, &[&name]).await?;
        Ok(rows.first().map(|row| row.get(0)))
    }

    /// Sets a value unless there is one, and returns the one that is there now.
    ///
    /// For what is made once and then kept, whoever comes first.
    pub async fn setting_or(&self, name: &str, value: &[u8]) -> Result<Vec<u8>, ControlError> {
        const INSERT: &str = "
            INSERT INTO dlcs_control.settings (name, value) VALUES ($1, $2)
            ON CONFLICT (name) DO NOTHING";
        loop {
            self.execute(INSERT, &[&name, &value]).await?;
            // None only if another process removed it in between.
            if let Some(value) = self.setting(name).await? {
                return Ok(value);
            }
        }
    }

    pub async fn set_setting(&self, name: &str, value: &[u8]) -> Result<(), ControlError> {
        const SET: &str = "
            INSERT INTO dlcs_control.settings (name, value) VALUES ($1, $2)
            ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        self.execute(SET, &[&name, &value]).await.map(drop)
    }

    pub async fn remove_setting(&self, name: &str) -> Result<(), ControlError> {
        const REMOVE: &str = "DELETE FROM dlcs_control.settings WHERE name = $1";
        self.execute(REMOVE, &[&name]).await.map(drop)
    }
}
