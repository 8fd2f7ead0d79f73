//! Queues and batches.

use super::{READ, WRITE, get, post};
use crate::management::{batches, listing, queue};
use crate::router::Kind::{PageOf, Schema};
use crate::router::Route;

pub(super) fn routes() -> Vec<Route> {
    const QUEUE: &str = "/customers/{customer}/queue";
    const PRIORITY: &str = "/customers/{customer}/queue/priority";
    const BATCH: &str = "/customers/{customer}/queue/batches/{batch}";
    vec![
        get(QUEUE, READ, "How much is waiting", queue::read).answers(Schema("Queue")),
        post(QUEUE, WRITE, "Register many images: a Hydra collection, or NDJSON", queue::submit)
            .takes(PageOf("Image"))
            .answers(Schema("Batch")),
        get(PRIORITY, READ, "How much of what passes the others is waiting", queue::read_priority)
            .answers(Schema("Queue")),
        post(
            PRIORITY,
            WRITE,
            "Register many images that pass those waiting: a Hydra collection, or NDJSON",
            queue::submit_priority,
        )
        .takes(PageOf("Image"))
        .answers(Schema("Batch")),
        get("/customers/{customer}/queue/batches", READ, "List batches", batches::list)
            .answers(PageOf("Batch")),
        get("/customers/{customer}/queue/active", READ, "List batches that run", batches::active)
            .answers(PageOf("Batch")),
        get(
            "/customers/{customer}/queue/recent",
            READ,
            "List batches that are done, the latest first",
            batches::recent,
        )
        .answers(PageOf("Batch")),
        get(BATCH, READ, "Read a batch", batches::read).answers(Schema("Batch")),
        post(
            "/customers/{customer}/queue/batches/{batch}/test",
            WRITE,
            "Count a batch anew; its counts do not drift",
            batches::test,
        ),
        get(
            "/customers/{customer}/queue/batches/{batch}/images",
            READ,
            "List the images whose newest batch this is",
            listing::of_batch,
        )
        .answers(PageOf("Image")),
        get(
            "/customers/{customer}/queue/batches/{batch}/assets",
            READ,
            "The same under another name",
            listing::assets_of_batch,
        )
        .answers(PageOf("Image")),
    ]
}
