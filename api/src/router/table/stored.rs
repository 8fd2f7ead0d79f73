//! Stored manifests and collections.

use super::{
    Guarded, PageOf, READ, Route, Schema, WRITE, delete, get, join, patch, post, put, versions,
};
use crate::delivery::{collections as shown, stored};
use crate::management::{collections as collection_management, manifests as stored_management};
use dlcs_domain::access::Action;

const READ_FLAT: (Action, Guarded) = (Action::ReadDescription, Guarded::Open);

pub(super) fn manifests() -> Vec<Route> {
    let mut routes = vec![
        get("/{customer}/manifests", READ, "List stored manifests", stored_management::list)
            .answers(PageOf("Manifest")),
        post("/{customer}/manifests", WRITE, "Store a manifest", stored_management::create)
            .takes(Schema("Manifest"))
            .answers(Schema("Manifest")),
        get("/{customer}/manifests/{manifest}", READ_FLAT, "Read a stored manifest", stored::flat)
            .answers(Schema("Manifest")),
        put(
            "/{customer}/manifests/{manifest}",
            WRITE,
            "Store or replace a manifest",
            stored_management::put,
        )
        .takes(Schema("Manifest"))
        .answers(Schema("Manifest")),
        patch(
            "/{customer}/manifests/{manifest}",
            WRITE,
            "Change or move a manifest: JSON merge patch",
            stored_management::change,
        )
        .takes(Schema("Manifest"))
        .answers(Schema("Manifest")),
        delete(
            "/{customer}/manifests/{manifest}",
            WRITE,
            "Delete a manifest",
            stored_management::delete,
        ),
    ];
    for (version, prefix) in versions("/iiif") {
        routes.push(
            get(
                join(&prefix, "/{customer}/{*slug}"),
                READ_FLAT,
                "A manifest or collection, by the slugs that lead there",
                stored::public,
            )
            .answers(Schema("Manifest"))
            .of(version),
        );
    }
    routes
}

pub(super) fn collections() -> Vec<Route> {
    const LIST: &str = "/{customer}/collections";
    const ONE: &str = "/{customer}/collections/{collection}";
    let collection = Schema("IiifCollection");
    let mut routes = vec![
        get(LIST, READ, "List collections", collection_management::list)
            .answers(PageOf("IiifCollection")),
        post(LIST, WRITE, "Store a collection", collection_management::create)
            .takes(collection)
            .answers(collection),
        get(ONE, READ_FLAT, "Read a collection; `root` is the one above all", shown::flat)
            .answers(collection),
        put(ONE, WRITE, "Store or change a collection", collection_management::put)
            .takes(collection)
            .answers(collection),
        patch(
            ONE,
            WRITE,
            "Change or move a collection: JSON merge patch",
            collection_management::change,
        )
        .takes(collection)
        .answers(collection),
        delete(ONE, WRITE, "Delete an empty collection", collection_management::delete),
    ];
    for (version, prefix) in versions("/iiif") {
        let summary = "The root collection of a customer";
        routes.push(
            get(join(&prefix, "/{customer}"), READ_FLAT, summary, shown::root)
                .answers(collection)
                .of(version),
        );
    }
    routes
}
