//! Only where a server is named: a KurrentDB that may be filled, each log under a prefix of its own. It
//! has its own clock, so that cases with a clock set by hand are left out.

use crate::{KurrentLog, Waits};
use dlcs_eventlog::conformance;
use dlcs_eventlog::log::Clock;

#[tokio::test(flavor = "multi_thread")]
async fn a_real_server_is_as_the_port_promises() {
    let Some(url) = std::env::var_os("KURRENTDB_URL") else {
        eprintln!("not run: KURRENTDB_URL names no server");
        return;
    };
    let url = url.into_string().expect("the url is text");
    let make = async |_: Clock| {
        let joint = if url.contains('?') { '&' } else { '?' };
        let url = format!("{url}{joint}streamPrefix=t{}", uuid::Uuid::now_v7().simple());
        KurrentLog::open(&url, Waits::default()).await.expect("it opens")
    };
    conformance::reads(&make).await;
    conformance::races(&make).await;
}
