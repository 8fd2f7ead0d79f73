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

pub const SQLITE_ASSETS: &[Migration] = sqlite!(1, "assets");
pub const SQLITE_BATCHES: &[Migration] = sqlite!(1, "batches");
pub const SQLITE_TILE_METADATA: &[Migration] = sqlite!(1, "tile_metadata");
pub const SQLITE_MANIFESTS: &[Migration] = sqlite!(1, "manifests");
pub const SQLITE_AUDIT_TRAIL: &[Migration] = sqlite!(1, "audit_trail");
