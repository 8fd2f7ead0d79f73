//! Building a read model anew beside the one that serves.

use super::ReadModelsError;
use super::build::Build;
use super::builder::Builder;
use super::directory::Mode;
use super::errors::SqlError;
use super::served::Served;
use dlcs_eventlog::{EventLog, Position};
use dlcs_projections::projection::{OnPoison, StoreError};
use dlcs_projections::read_store::RebuildError;
use dlcs_projections::replay::{ReplayError, Target, replay};
use std::sync::Arc;

pub(super) async fn rebuild(served: &Served, log: &dyn EventLog) -> Result<Position, RebuildError> {
    let name = served.definition.name;
    if served.directory.mode() == Mode::Read {
        return Err(StoreError::Unavailable(ReadModelsError::ReadOnly.to_string()).into());
    }
    let begun = Builder::begin(&served.directory, served.definition).await.map_err(store)?;
    let mut builder = begun.ok_or(RebuildError::Running(name))?;
    tracing::info!(projection = name, "rebuilding {name} in {}", builder.build.schema());
    match fill(served, &mut builder, log).await {
        Ok(reached) => {
            tracing::info!(projection = name, "{name} serves anew from position {reached}");
            Ok(reached)
        }
        Err(error) => {
            // If this fails too, it is a leftover for the next start.
            if let Err(error) = builder.give_up().await {
                tracing::warn!(projection = name, "the rebuild of {name} leaves rows: {error}");
            }
            Err(error)
        }
    }
}

async fn fill(
    served: &Served,
    builder: &mut Builder,
    log: &dyn EventLog,
) -> Result<Position, RebuildError> {
    let build = builder.build.clone();
    catch_up(&build, log, served.refreshed().await.map_err(store)?.1).await?;
    builder.finish().await.map_err(store)?;
    // That may have taken long.
    catch_up(&build, log, served.refreshed().await.map_err(store)?.1).await?;
    // What is left is little: what serves stands still while it is applied.
    let held = builder.hold().await.map_err(store)?;
    let reached = held.position;
    catch_up(&build, log, reached).await?;
    held.replace_by(&build).await.map_err(store)?;
    served.point_to(build);
    Ok(reached)
}

async fn catch_up(build: &Build, log: &dyn EventLog, to: Position) -> Result<(), ReplayError> {
    let target = Target { model: Arc::new(build.clone()), to };
    replay(log, &[target], OnPoison::Stop).await
}

fn store(error: SqlError) -> StoreError {
    error.into()
}
