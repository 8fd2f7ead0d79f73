//! How much is kept.

use super::{READ, get};
use crate::management::storage;
use crate::router::Kind::Schema;
use crate::router::Route;

pub(super) fn routes() -> Vec<Route> {
    const IMAGE: &str = "/customers/{customer}/spaces/{space}/images/{asset}/storage";
    let sums = Schema("Storage");
    vec![
        get("/customers/{customer}/storage", READ, "What a customer keeps", storage::of_customer)
            .answers(sums),
        get(
            "/customers/{customer}/spaces/{space}/storage",
            READ,
            "What is kept in a space",
            storage::of_space,
        )
        .answers(sums),
        get(IMAGE, READ, "What is kept of an image", storage::of_image)
            .answers(Schema("ImageStorage")),
    ]
}
