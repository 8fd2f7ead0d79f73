//! The past: resources by time (Memento), and who did what.

use super::{Media, READ, Route, get};
use crate::management::audit_trail;
use crate::memento;

const GATE: &str = "TimeGate: leads to what it was at `Accept-Datetime`. RFC 7089";
const MAP: &str = "TimeMap: all that it ever was. RFC 7089";
const MEMENTO: &str = "What it was from a position of the history on. RFC 7089";

pub(super) fn routes() -> Vec<Route> {
    let gates = [
        "/history/{customer}/manifests/{manifest}",
        "/history/{customer}/spaces/{space}/images/{asset}",
        "/history/{customer}/spaces/{space}/texts/{page}",
        "/history/{customer}/annotations/{container}/{annotation}",
    ];
    let routes = gates.into_iter().flat_map(|gate| {
        let map = get(format!("{gate}/timemap"), READ, MAP, memento::time_map);
        let memento = get(format!("{gate}/{{position}}"), READ, MEMENTO, memento::memento);
        [
            get(gate, READ, GATE, memento::time_gate),
            map.answers(Media("application/link-format")),
            memento.answers(Media("*/*")),
        ]
    });
    let trail = get(
        "/customers/{customer}/audit",
        READ,
        "Who did what, oldest first, as NDJSON or CSV",
        audit_trail::export,
    );
    routes.chain([trail.answers(Media("application/x-ndjson"))]).collect()
}
