//! What ingest counts for `/metrics`.

use dlcs_domain::asset::{Delivered, IngestErrorCode};
use metrics::{counter, gauge, histogram};
use std::time::Duration;

pub(crate) fn started() {
    counter!("dlcs_ingest_started_total").increment(1);
}

pub(crate) fn delivered(delivered: &Delivered, duration: Duration) {
    let pixels = u64::from(delivered.width_px) * u64::from(delivered.height_px);
    counter!("dlcs_ingest_delivered_total").increment(1);
    counter!("dlcs_ingest_pixels_total").increment(pixels);
    histogram!("dlcs_ingest_duration_seconds", "result" => "delivered").record(duration);
}

pub(crate) fn failed(code: IngestErrorCode, duration: Duration) {
    counter!("dlcs_ingest_failed_total", "code" => code.as_str()).increment(1);
    histogram!("dlcs_ingest_duration_seconds", "result" => "failed").record(duration);
}

pub(crate) fn fetched(length_bytes: u64) {
    counter!("dlcs_ingest_fetched_bytes_total").increment(length_bytes);
}

pub(crate) fn parked() {
    counter!("dlcs_ingest_parked_total").increment(1);
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
pub(crate) fn queue(active: usize, waiting: usize, in_flight: usize) {
    gauge!("dlcs_ingest_pending").set(active as f64);
    gauge!("dlcs_ingest_waiting").set(waiting as f64);
    gauge!("dlcs_ingest_in_flight").set(in_flight as f64);
}
