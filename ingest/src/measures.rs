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

pub(crate) fn recognition_started() {
    counter!("dlcs_recognition_started_total").increment(1);
}

pub(crate) fn recognised(words: u32, duration: Duration) {
    counter!("dlcs_recognition_completed_total").increment(1);
    counter!("dlcs_recognition_words_total").increment(u64::from(words));
    histogram!("dlcs_recognition_duration_seconds", "result" => "completed").record(duration);
}

pub(crate) fn not_recognised(code: IngestErrorCode, duration: Duration) {
    counter!("dlcs_recognition_failed_total", "code" => code.as_str()).increment(1);
    histogram!("dlcs_recognition_duration_seconds", "result" => "failed").record(duration);
}

/// `work` is the name of the consumer.
pub(crate) fn parked(work: &str) {
    counter!(format!("dlcs_{work}_parked_total")).increment(1);
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
pub(crate) fn queue(work: &str, active: usize, waiting: usize, in_flight: usize) {
    gauge!(format!("dlcs_{work}_pending")).set(active as f64);
    gauge!(format!("dlcs_{work}_waiting")).set(waiting as f64);
    gauge!(format!("dlcs_{work}_in_flight")).set(in_flight as f64);
}

pub(crate) fn webhook_delivered() {
    counter!("dlcs_webhooks_delivered_total").increment(1);
}

/// A try that came to nothing, whether there is another one or not.
pub(crate) fn webhook_failed(code: &'static str) {
    counter!("dlcs_webhooks_failed_total", "code" => code).increment(1);
}

pub(crate) fn webhook_retried() {
    counter!("dlcs_webhooks_retries_total").increment(1);
}

/// `behind`: events of the log behind the last of them, by position.
#[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
pub(crate) fn webhooks(open: usize, stopped: usize, behind: u64) {
    gauge!("dlcs_webhooks_open").set(open as f64);
    gauge!("dlcs_webhooks_stopped").set(stopped as f64);
    gauge!("dlcs_webhooks_behind").set(behind as f64);
}
