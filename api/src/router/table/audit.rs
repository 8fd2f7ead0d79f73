//! The audit log.

use super::{Media, Route, SERVICE, get};
use crate::audit;

pub(super) fn routes() -> Vec<Route> {
    let (text, bytes) = (Media("text/plain"), Media("application/octet-stream"));
    vec![
        get(
            "/audit/checkpoint",
            SERVICE,
            "Size and root of the audit log, signed: C2SP tlog-checkpoint",
            audit::checkpoint,
        )
        .answers(text),
        get("/audit/key", SERVICE, "Verifier key of the audit log: C2SP vkey", audit::key)
            .answers(text),
        get(
            "/audit/tile/{*path}",
            SERVICE,
            "Hashes and entries of the audit log: C2SP tlog-tiles",
            audit::tile,
        )
        .answers(bytes),
    ]
}
