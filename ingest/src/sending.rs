//! Commands of background work, sent until they are decided.

use dlcs_commands::{CommandContext, DispatchError, Executor, Outcome};
use dlcs_domain::asset::{Asset, AssetError, LiveAsset};
use dlcs_domain::{Aggregate, AssetId};
use std::time::Duration;
use tracing::error;

/// How often a command is sent that could not be recorded.
const SENDS_MAX: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// Why a run has no ending.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The log could not be used for a while.
    Passing(String),
    /// The history of the asset or of its text cannot be read.
    Lasting(String),
}

/// Sends a command until it is decided. Sending it again applies it once.
pub(crate) async fn send<A: Aggregate>(
    executor: &Executor,
    context: &CommandContext,
    asset: &AssetId,
    command: A::Command,
) -> Result<Outcome<A>, Trouble> {
    let id = asset.to_string();
    let mut pause = FIRST_PAUSE;
    for _ in 1..SENDS_MAX {
        match executor.execute_one::<A>(context, &id, command.clone()).await {
            Err(DispatchError::Busy | DispatchError::Full(_) | DispatchError::Unavailable(_)) => {
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
            decided => return decided.map_err(trouble),
        }
    }
    executor.execute_one::<A>(context, &id, command).await.map_err(trouble)
}

/// Loads an asset; `None`: there is none, or none any more.
pub(crate) async fn live_asset(
    executor: &Executor,
    id: &AssetId,
) -> Result<Option<LiveAsset>, Trouble> {
    let loaded = executor.load::<Asset>(&id.to_string()).await;
    let loaded = loaded.map_err(|error| trouble::<AssetError>(error.into()))?;
    Ok(loaded.state.live().cloned())
}

fn trouble<E: std::error::Error>(error: DispatchError<E>) -> Trouble {
    match error {
        DispatchError::Busy | DispatchError::Full(_) | DispatchError::Unavailable(_) => {
            Trouble::Passing(error.to_string())
        }
        DispatchError::Rejected(_)
        | DispatchError::EditMismatch { .. }
        | DispatchError::OtherBody
        | DispatchError::Damaged(_) => {
            error!(%error, "a history cannot be used");
            Trouble::Lasting(error.to_string())
        }
    }
}
