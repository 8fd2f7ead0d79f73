//! The port's suite, on the double and on a real server where there is one.

mod address;
mod faults;
mod layout;
mod real;

use crate::testing::Double;
use crate::{KurrentLog, Waits};
use dlcs_eventlog::conformance;
use dlcs_eventlog::log::Clock;
use std::sync::Mutex;

/// Servers of the logs of one test.
#[derive(Default)]
struct Doubles(Mutex<Vec<Double>>);

impl Doubles {
    /// Opens a log on a server of its own.
    async fn log(&self, clock: Clock) -> KurrentLog {
        let server = Double::start(clock).await;
        let url = server.url();
        self.0.lock().expect("no test panics with it").push(server);
        KurrentLog::open(&url, Waits::default()).await.expect("it opens")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn appends_are_as_the_port_promises() {
    let doubles = Doubles::default();
    conformance::appends(&async |clock| doubles.log(clock).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_are_as_the_port_promises() {
    let doubles = Doubles::default();
    conformance::reads(&async |clock| doubles.log(clock).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn races_are_as_the_port_promises() {
    let doubles = Doubles::default();
    conformance::races(&async |clock| doubles.log(clock).await).await;
}
