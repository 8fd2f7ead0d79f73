//! The read models' tables: the shape of one version each, made at once and never upgraded.

use crate::Migration;

macro_rules! sqlite {
    ($version:literal, $name:literal) => {
        &[Migration {
            version: $version,
            name: $name,
            sql: concat!(
                include_str!("../sqlite/read_models/common.sql"),
                include_str!(concat!("../sqlite/read_models/", $name, ".sql"))
            ),
        }]
    };
}

pub const SQLITE_ASSETS: &[Migration] = sqlite!(4, "assets");
pub const SQLITE_BATCHES: &[Migration] = sqlite!(3, "batches");
pub const SQLITE_TILE_METADATA: &[Migration] = sqlite!(2, "tile_metadata");
pub const SQLITE_MANIFESTS: &[Migration] = sqlite!(4, "manifests");
pub const SQLITE_PAGE_TEXT: &[Migration] = sqlite!(1, "page_text");
pub const SQLITE_NAMED_QUERIES: &[Migration] = sqlite!(1, "named_queries");
pub const SQLITE_API_KEYS: &[Migration] = sqlite!(1, "keys");
pub const SQLITE_DEFINITIONS: &[Migration] = sqlite!(1, "definitions");
pub const SQLITE_ANNOTATIONS: &[Migration] = sqlite!(3, "annotations");
pub const SQLITE_ACTIVITIES: &[Migration] = sqlite!(2, "activities");
pub const SQLITE_AUDIT_TRAIL: &[Migration] = sqlite!(1, "audit_trail");
pub const SQLITE_AUDIT_TREE: &[Migration] = sqlite!(1, "audit_tree");

/// The directory of the read models on PostgreSQL: which there are and which of them serve.
pub const POSTGRES_READ_MODELS: &[Migration] = &[Migration {
    version: 1,
    name: "0001_directory",
    sql: include_str!("../postgres/read_models/0001_directory.sql"),
}];

/// One read model on PostgreSQL. `{schema}` stands for the schema that it is made in.
#[derive(Debug, Clone, Copy)]
pub struct PostgresReadModel {
    pub version: u32,
    /// Makes the schema and the tables, with the keys that folding needs.
    pub tables: &'static str,
    /// The other indexes, which cost less when the tables are full already.
    pub indexes: &'static str,
}

macro_rules! postgres {
    ($version:literal, $name:literal, $indexes:expr) => {
        PostgresReadModel {
            version: $version,
            tables: concat!(
                include_str!("../postgres/read_models/common.sql"),
                include_str!(concat!("../postgres/read_models/", $name, ".sql"))
            ),
            indexes: $indexes,
        }
    };
    ($version:literal, $name:literal) => {
        postgres!(
            $version,
            $name,
            include_str!(concat!("../postgres/read_models/", $name, "_indexes.sql"))
        )
    };
}

pub const POSTGRES_ASSETS: PostgresReadModel = postgres!(4, "assets");
pub const POSTGRES_BATCHES: PostgresReadModel = postgres!(3, "batches");
pub const POSTGRES_TILE_METADATA: PostgresReadModel = postgres!(2, "tile_metadata", "");
pub const POSTGRES_MANIFESTS: PostgresReadModel = postgres!(4, "manifests");
pub const POSTGRES_PAGE_TEXT: PostgresReadModel = postgres!(1, "page_text", "");
pub const POSTGRES_NAMED_QUERIES: PostgresReadModel = postgres!(1, "named_queries", "");
pub const POSTGRES_API_KEYS: PostgresReadModel = postgres!(1, "keys", "");
pub const POSTGRES_DEFINITIONS: PostgresReadModel = postgres!(1, "definitions", "");
pub const POSTGRES_ANNOTATIONS: PostgresReadModel = postgres!(3, "annotations");
pub const POSTGRES_ACTIVITIES: PostgresReadModel = postgres!(2, "activities", "");
pub const POSTGRES_AUDIT_TRAIL: PostgresReadModel = postgres!(1, "audit_trail");
pub const POSTGRES_AUDIT_TREE: PostgresReadModel = postgres!(1, "audit_tree", "");
