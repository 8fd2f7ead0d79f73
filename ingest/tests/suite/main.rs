//! Ingest over the in-memory log and stores, with a fake origin and a fake worker.

mod crashes;
mod outcomes;
mod priority;
mod recognition;
mod sweeping;
mod webhooks;
mod world;
