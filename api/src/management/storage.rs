//! `/storage` of a customer, a space and an image: how much is kept.

use super::json_ld;
use super::write::{Incoming, read_moving};
use super::{customers, images, spaces};
use crate::delivery::address;
use crate::error::Answer;
use crate::http::time::iso;
use dlcs_domain::SpaceNumber;
use serde_json::{Value, json};

pub(crate) async fn of_customer(request: Incoming) -> Answer {
    let customer = request.caller.customer()?;
    customers::check_exists(&request, customer).await?;
    let mut document = sums(&request, None).await?;
    document["@type"] = json!("vocab:CustomerStorage");
    let path = format_args!("/customers/{customer}/storage");
    document["@id"] = json!(request.state.public_url.at(path));
    Ok(read_moving(&document, 0))
}

pub(crate) async fn of_space(request: Incoming) -> Answer {
    let id = spaces::id(&request).await?;
    spaces::living(&request, id).await?;
    let mut document = sums(&request, Some(id.space)).await?;
    document["@type"] = json!("vocab:SpaceStorage");
    let path = format_args!("/customers/{}/spaces/{}/storage", id.customer, id.space);
    document["@id"] = json!(request.state.public_url.at(path));
    document["space"] = json!(id.space);
    Ok(read_moving(&document, 0))
}

/// The sums move with every delivery and deletion: nothing has to be calculated again.
async fn sums(request: &Incoming, space: Option<SpaceNumber>) -> Answer<Value> {
    let customer = request.caller.customer()?;
    let spaces = &request.state.queries.spaces;
    let stored = spaces.stored(&request.caller.principal, customer, space).await?;
    Ok(json!({
        "@context": json_ld::context(),
        "customer": customer,
        "numberOfStoredImages": stored.images,
        "totalSizeOfStoredImages": stored.original_bytes,
        "totalSizeOfThumbnails": stored.derivative_bytes,
        "lastCalculated": stored.changed_at_us.map(iso),
    }))
}

pub(crate) async fn of_image(request: Incoming) -> Answer {
    let row = images::living(&request).await?;
    let delivered = row.delivered.as_ref();
    let at = address::managed_asset(&request.state.public_url, &row.id);
    let document = json!({
        "@context": json_ld::context(),
        "@id": format!("{at}/storage"),
        "@type": "vocab:ImageStorage",
        "id": row.id.name(),
        "customer": row.id.customer(),
        "space": row.id.space().space,
        "size": delivered.map_or(0, |it| it.original.length_bytes),
        "thumbnailSize": delivered.map_or(0, |it| it.derivative_bytes),
        "lastChecked": iso(row.finished_at_us.unwrap_or(row.modified_at_us)),
        "checkingInProgress": false,
    });
    Ok(read_moving(&document, row.edit_revision))
}
