//! The SQL that makes each store, by technology. Forward only.
//!
//! Not here: read models' upgrades. A read model of a new shape is a new version and a rebuild.

pub mod read_models;

/// One step of a store's schema.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// Counts from 1 without holes; stored in the database when the step is done.
    pub version: u32,
    pub name: &'static str,
    pub sql: &'static str,
}

/// The event log on SQLite (`events.sqlite`).
pub const SQLITE_LOG: &[Migration] = &[
    Migration { version: 1, name: "0001_log", sql: include_str!("../sqlite/log/0001_log.sql") },
    Migration {
        version: 2,
        name: "0002_one_table",
        sql: include_str!("../sqlite/log/0002_one_table.sql"),
    },
];

/// The control store on SQLite (`control.sqlite`).
pub const SQLITE_CONTROL: &[Migration] = &[
    Migration {
        version: 1,
        name: "0001_control",
        sql: include_str!("../sqlite/control/0001_control.sql"),
    },
    Migration {
        version: 2,
        name: "0002_sessions",
        sql: include_str!("../sqlite/control/0002_sessions.sql"),
    },
    Migration {
        version: 3,
        name: "0003_passwords",
        sql: include_str!("../sqlite/control/0003_passwords.sql"),
    },
    Migration {
        version: 4,
        name: "0004_webhooks",
        sql: include_str!("../sqlite/control/0004_webhooks.sql"),
    },
];

/// The event log on PostgreSQL. `{schema}` stands for the schema that it is made in.
pub const POSTGRES_LOG: &[Migration] = &[
    Migration { version: 1, name: "0001_log", sql: include_str!("../postgres/log/0001_log.sql") },
    Migration {
        version: 2,
        name: "0002_one_table",
        sql: include_str!("../postgres/log/0002_one_table.sql"),
    },
];

/// The control store on PostgreSQL. `{schema}` stands for the schema that it is made in.
pub const POSTGRES_CONTROL: &[Migration] = &[
    Migration {
        version: 1,
        name: "0001_control",
        sql: include_str!("../postgres/control/0001_control.sql"),
    },
    Migration {
        version: 2,
        name: "0002_sessions",
        sql: include_str!("../postgres/control/0002_sessions.sql"),
    },
    Migration {
        version: 3,
        name: "0003_passwords",
        sql: include_str!("../postgres/control/0003_passwords.sql"),
    },
    Migration {
        version: 4,
        name: "0004_webhooks",
        sql: include_str!("../postgres/control/0004_webhooks.sql"),
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_count_from_one_without_holes() {
        for migrations in [SQLITE_LOG, SQLITE_CONTROL, POSTGRES_LOG, POSTGRES_CONTROL] {
            for (migration, version) in migrations.iter().zip(1..) {
                assert_eq!(migration.version, version, "{}", migration.name);
            }
        }
    }
}
