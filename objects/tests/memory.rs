//! The in-memory reference passes the suite that it is the reference of.

use dlcs_objects::conformance;
use dlcs_objects::memory::MemoryObjects;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_object_store_conforms() {
    let folder = env!("CARGO_TARGET_TMPDIR");
    conformance::objects(async || MemoryObjects::new(folder)).await;
}
