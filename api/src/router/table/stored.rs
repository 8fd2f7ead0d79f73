//! Stored manifests and collections.

use super::{
    Guarded, PageOf, READ, Route, Schema, WRITE, delete, get, join, patch, post, put, versions,
};
use crate::delivery::{collections as shown, stored};
use crate::management::{
    collections as collection_management, manifest_edits as edits, manifests as stored_management,
};
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

/// Canvases and ranges of stored manifests, one by one.
pub(super) fn parts() -> Vec<Route> {
    const CANVASES: &str = "/{customer}/manifests/{manifest}/canvases";
    const CANVAS: &str = "/{customer}/manifests/{manifest}/canvases/{*canvas}";
    const RANGE: &str = "/{customer}/manifests/{manifest}/ranges/{*range}";
    let (canvas, range) = (Schema("Canvas"), Schema("Range"));
    vec![
        post(CANVASES, WRITE, "Add a canvas: ?before=", edits::add_canvas)
            .takes(canvas)
            .answers(canvas),
        get(CANVAS, READ_FLAT, "Read a canvas of a manifest", edits::read_canvas).answers(canvas),
        put(CANVAS, WRITE, "Replace or add a canvas: ?before=", edits::put_canvas)
            .takes(canvas)
            .answers(canvas),
        patch(CANVAS, WRITE, "Change or move a canvas: ?before=", edits::patch_canvas)
            .takes(canvas)
            .answers(canvas),
        delete(CANVAS, WRITE, "Remove a canvas", edits::remove_canvas),
        get(RANGE, READ_FLAT, "Read a range of a manifest", edits::read_range).answers(range),
        put(RANGE, WRITE, "Set a range", edits::put_range).takes(range).answers(range),
        delete(RANGE, WRITE, "Remove a range, with those within it", edits::remove_range),
    ]
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
