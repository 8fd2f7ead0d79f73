//! Building a read model anew beside the one that serves.

use super::served::Served;
use dlcs_eventlog::{EventLog, Position};
use dlcs_projections::projection::{OnPoison, ReadModel};
use dlcs_projections::read_store::RebuildError;
use dlcs_projections::replay::{ReplayError, Target, replay};
use std::sync::Arc;

/// Times that the new file follows the serving one before that has to stand still.
const ROUNDS: u32 = 2;

pub(super) async fn rebuild(served: &Served, log: &dyn EventLog) -> Result<Position, RebuildError> {
    let name = served.definition.name;
    let _rebuilding = served.begin_rebuild().ok_or(RebuildError::Running(name))?;
    tracing::info!(projection = name, "rebuilding {name}");
    let file = served.folder.make(served.definition)?;
    file.set_temporary(true);
    let to = |to| [Target { model: Arc::new(file.clone()), to }];
    for _ in 0..ROUNDS {
        let reached = served.checkpoint().await.map_err(ReplayError::from)?;
        replay(log, &to(reached), OnPoison::Stop).await?;
    }
    // What is left is little: the serving file stands still while it is applied.
    let _held = served.hold().await;
    let reached = served.checkpoint().await.map_err(ReplayError::from)?;
    replay(log, &to(reached), OnPoison::Stop).await?;
    fail::fail_point!("read-models.before-switch");
    served.folder.point_to(served.definition, &file)?;
    fail::fail_point!("read-models.after-switch");
    file.set_temporary(false);
    served.replace(file.clone()).set_temporary(true);
    tracing::info!(projection = name, "{name} is rebuilt and serves from position {reached}");
    Ok(reached)
}
