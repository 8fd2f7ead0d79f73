//! The audit log.

use crate::context::{AuditProof, refused, state};
use async_graphql::{Context, Object, Result};

#[derive(Default)]
pub(super) struct AuditQuery;

#[Object]
impl AuditQuery {
    /// Proves that an event is in the history. `index` counts events from 0; null: there is no such
    /// event yet. Open to everybody, as `/audit/tile/…` is.
    async fn audit_proof(&self, ctx: &Context<'_>, index: u64) -> Result<Option<AuditProof>> {
        let proof = state(ctx).audit.proof(index).await;
        proof.map_err(|error| refused("unavailable", error))
    }
}
