//! Building the index anew beside the one that serves.
//!
//! - The old one serves and is fed until the new one has caught up; then it is closed for writing,
//!   the rest is applied, and the alias changes its place.
//! - A rebuild that ended half way leaves an index that nobody searches; the next one removes it. So
//!   of two rebuilds in two processes the later one wins, and the earlier one fails.

use crate::build::Build;
use crate::client::{Body, RequestError};
use crate::served::Inner;
use dlcs_eventlog::{EventLog, Position};
use dlcs_projections::projection::{OnPoison, StoreError};
use dlcs_projections::read_store::RebuildError;
use dlcs_projections::replay::{ReplayError, Target, replay};
use dlcs_projections::search::NAME;
use reqwest::Method;
use serde_json::json;
use std::sync::Arc;

pub(crate) async fn rebuild(inner: &Inner, log: &dyn EventLog) -> Result<Position, RebuildError> {
    let Ok(_rebuilding) = inner.rebuilding.try_lock() else {
        return Err(RebuildError::Running(NAME));
    };
    let old = inner.serving().await.map_err(store)?;
    // Before the leftovers go: their numbers are not given again.
    let new = inner.make(&[]).await.map_err(store)?;
    for leftover in inner.builds().await.map_err(store)? {
        if leftover != old.name() && leftover != new.name() {
            tracing::info!("removing {leftover}, which serves nobody");
            inner.delete(&leftover).await.map_err(store)?;
        }
    }
    tracing::info!(projection = NAME, "rebuilding {NAME} in {}", new.name());
    match fill(inner, &old, &new, log).await {
        Ok(position) => {
            tracing::info!(projection = NAME, "{NAME} serves anew from position {position}");
            Ok(position)
        }
        Err(error) => {
            // If this fails too, it is a leftover for the next rebuild.
            if let Err(error) = inner.delete(new.name()).await {
                tracing::warn!("the rebuild of {NAME} leaves {}: {error}", new.name());
            }
            Err(error)
        }
    }
}

async fn fill(
    inner: &Inner,
    old: &Build,
    new: &Build,
    log: &dyn EventLog,
) -> Result<Position, RebuildError> {
    catch_up(new, log, position(old).await?).await?;
    // That may have taken long.
    catch_up(new, log, position(old).await?).await?;
    // What is left is little: what serves stands still while it is applied.
    inner.block(old.name(), true).await.map_err(store)?;
    let reached = finish(inner, old, new, log).await;
    if reached.is_err()
        && let Err(error) = inner.block(old.name(), false).await
    {
        tracing::warn!("{} stays closed for a while: {error}", old.name());
    }
    let reached = reached?;
    if let Err(error) = inner.delete(old.name()).await {
        tracing::warn!("{} serves nobody and is left: {error}", old.name());
    }
    Ok(reached)
}

async fn finish(
    inner: &Inner,
    old: &Build,
    new: &Build,
    log: &dyn EventLog,
) -> Result<Position, RebuildError> {
    let reached = position(old).await?;
    catch_up(new, log, reached).await?;
    let actions = json!({ "actions": [
        { "remove": { "index": old.name(), "alias": inner.alias, "must_exist": true } },
        { "add": { "index": new.name(), "alias": inner.alias } },
    ]});
    inner.client.send(Method::POST, "_aliases", Body::Json(actions)).await.map_err(store)?;
    Ok(reached)
}

async fn catch_up(build: &Build, log: &dyn EventLog, to: Position) -> Result<(), ReplayError> {
    let target = Target { model: Arc::new(build.clone()), to };
    replay(log, &[target], OnPoison::Stop).await
}

async fn position(build: &Build) -> Result<Position, StoreError> {
    Ok(build.read_checkpoint().await?.position)
}

fn store(error: RequestError) -> StoreError {
    error.into()
}
