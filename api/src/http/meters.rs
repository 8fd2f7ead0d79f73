//! How many requests there were and how long they took.
//!
//! Each thread keeps the meters that it has used: looking them up by their labels costs more than
//! counting.

use metrics::{Counter, Histogram, counter, histogram};
use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

/// By method and status.
type OfRoute = HashMap<(&'static str, u16), (Counter, Histogram)>;

thread_local! {
    static METERS: RefCell<HashMap<String, OfRoute>> = RefCell::default();
}

/// Counts a request that was answered. Routes are those of the table, so that labels stay few.
pub(super) fn record(method: &'static str, route: &str, status: u16, duration: Duration) {
    METERS.with_borrow_mut(|meters| {
        if !meters.contains_key(route) {
            meters.insert(route.to_owned(), OfRoute::new());
        }
        let of_route = meters.get_mut(route).expect("it was inserted");
        let (requests, durations) =
            of_route.entry((method, status)).or_insert_with(|| registered(method, route, status));
        requests.increment(1);
        durations.record(duration.as_secs_f64());
    });
}

fn registered(method: &'static str, route: &str, status: u16) -> (Counter, Histogram) {
    let labels = [
        ("method", method.to_owned()),
        ("route", route.to_owned()),
        ("status", status.to_string()),
    ];
    (
        counter!("dlcs_http_requests_total", &labels),
        histogram!("dlcs_http_request_duration_seconds", &labels[..2]),
    )
}
