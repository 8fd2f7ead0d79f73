//! The canonical dump of one build: one snapshot, read in pieces.

use super::{Build, PARKED, position, read_parked};
use crate::read_models::errors::SqlError;
use crate::read_models::table::{SqlRow, select_all};
use dlcs_projections::dump::{Dump, DumpWriter};
use tokio_postgres::{IsolationLevel, Row};

/// Rows that are held in memory at once.
const ROWS_MAX: i32 = 2_000;

/// How a table is dumped.
pub(in crate::read_models) struct DumpTable {
    pub(in crate::read_models) name: &'static str,
    /// Reads every row in the order of the keys.
    sql: fn() -> String,
    write: fn(&Row, &mut DumpWriter) -> Result<(), SqlError>,
}

impl DumpTable {
    pub(in crate::read_models) const fn of<R: SqlRow>() -> Self {
        Self::new(R::TABLE, select_all::<R>, R::dump)
    }

    pub(in crate::read_models) const fn new(
        name: &'static str,
        sql: fn() -> String,
        write: fn(&Row, &mut DumpWriter) -> Result<(), SqlError>,
    ) -> Self {
        Self { name, sql, write }
    }
}

const PARKED_TABLE: DumpTable = DumpTable::new(
    "parked",
    || PARKED.to_owned(),
    |row, writer| {
        writer.row(&read_parked(row)?);
        Ok(())
    },
);

impl Build {
    /// Sums up every row and the checkpoint, read in one snapshot.
    pub(in crate::read_models) async fn sum_up(&self) -> Result<Dump, SqlError> {
        let mut client = self.client().await?;
        let snapshot = client
            .build_transaction()
            .isolation_level(IsolationLevel::RepeatableRead)
            .read_only(true)
            .start()
            .await?;
        let gone = || SqlError::Gone(format!("{} is not listed", self.schema));
        let position = position(&snapshot, &self.schema).await?.ok_or_else(gone)?;
        let mut writer = DumpWriter::default();
        for table in self.definition.dump.iter().chain([&PARKED_TABLE]) {
            let all = snapshot.prepare(&self.sql(&(table.sql)())).await?;
            let portal = snapshot.bind(&all, &[]).await?;
            loop {
                let rows = snapshot.query_portal(&portal, ROWS_MAX).await?;
                if rows.is_empty() {
                    break;
                }
                writer = written(table.write, rows, writer).await?;
            }
            writer.end_table(table.name);
        }
        Ok(writer.finish(self.definition.name, self.definition.version, position))
    }
}

async fn written(
    write: fn(&Row, &mut DumpWriter) -> Result<(), SqlError>,
    rows: Vec<Row>,
    mut writer: DumpWriter,
) -> Result<DumpWriter, SqlError> {
    // Thousands of rows take longer than an async thread may be held.
    let work = move || {
        for row in &rows {
            write(row, &mut writer)?;
        }
        Ok(writer)
    };
    tokio::task::spawn_blocking(work).await.map_err(SqlError::unreadable)?
}
