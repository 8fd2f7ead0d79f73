//! The table itself.

mod access;
mod annotations;
mod audit;
mod exports;
mod history;
mod queues;
mod storage;
mod stored;

use super::{AddressVersion, Guarded, Kind, Route};
use crate::delivery::{activity, files, images, info, manifests, named, thumbs};
use crate::management::{
    bulk, content, customers, images as assets, listing, named_queries, spaces,
};
use crate::search::{results, terms};
use crate::service::{entry, errors, health, pages};
use crate::state::Shared;
use crate::text::{
    annotations as transcribed, documents, manifests as text_manifests, recognition as ocr, writing,
};
use axum::handler::Handler;
use axum::routing::MethodFilter;
use dlcs_domain::access::Action;
use std::borrow::Cow;

use Kind::{Media, PageOf, Schema};

const SERVICE: (Action, Guarded) = (Action::ReadService, Guarded::Open);
const CONTENT: (Action, Guarded) = (Action::ReadContent, Guarded::ByResource);
const DESCRIPTION: (Action, Guarded) = (Action::ReadDescription, Guarded::ByResource);
const DESCRIPTION_OPEN: (Action, Guarded) = (Action::ReadDescription, Guarded::Open);
const SEARCH: (Action, Guarded) = (Action::ReadContent, Guarded::Open);
const READ: (Action, Guarded) = (Action::ReadManagement, Guarded::ByCustomer);
const WRITE: (Action, Guarded) = (Action::WriteManagement, Guarded::ByCustomer);
const KEYS: (Action, Guarded) = (Action::ManageKeys, Guarded::ByCustomer);
const ADMINISTER: (Action, Guarded) = (Action::Administer, Guarded::ByAdministration);

/// Returns every route of this crate.
pub(crate) fn routes() -> Vec<Route> {
    [
        service(),
        customers(),
        access::keys(),
        access::roles(),
        access::services(),
        access::headers(),
        access::strategies(),
        access::accounts(),
        access::webhooks(),
        access::readers(),
        spaces(),
        images(),
        queues::routes(),
        storage::routes(),
        delivered(),
        stored::manifests(),
        stored::parts(),
        stored::collections(),
        changes(),
        texts(),
        transcriptions(),
        recognition(),
        searches(),
        annotations::routes(),
        queries_by_name(),
        exports::routes(),
        audit::routes(),
        history::routes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn service() -> Vec<Route> {
    vec![
        get("/", SERVICE, "Entry point", entry::entry_point).answers(Schema("EntryPoint")),
        get("/health/live", SERVICE, "Whether the process answers", health::live),
        get("/health/ready", SERVICE, "Whether everything is ready", health::ready),
        get("/metrics", SERVICE, "Prometheus text", health::metrics).answers(Media("text/plain")),
        get("/openapi.json", SERVICE, "This description", entry::openapi),
        get("/docs", SERVICE, "Page of this description", pages::docs).answers(Media("text/html")),
        get("/docs/errors", SERVICE, "What error codes mean", errors::page)
            .answers(Media("text/html")),
        get("/view", SERVICE, "Viewer page: ?manifest=", pages::view).answers(Media("text/html")),
        get("/static/{*path}", SERVICE, "Files of the pages", pages::asset).answers(Media("*/*")),
    ]
}

fn customers() -> Vec<Route> {
    vec![
        get("/customers", ADMINISTER, "List customers", customers::list)
            .answers(PageOf("Customer")),
        post("/customers", ADMINISTER, "Create a customer", customers::create)
            .takes(Schema("Customer"))
            .answers(Schema("Customer")),
        get("/customers/{customer}", READ, "Read a customer", customers::read)
            .answers(Schema("Customer")),
        patch("/customers/{customer}", WRITE, "Change the display name", customers::change)
            .takes(Schema("Customer"))
            .answers(Schema("Customer")),
        delete("/customers/{customer}", ADMINISTER, "Delete an empty customer", customers::delete),
    ]
}

fn spaces() -> Vec<Route> {
    const SPACE: &str = "/customers/{customer}/spaces/{space}";
    vec![
        get("/customers/{customer}/spaces", READ, "List spaces", spaces::list)
            .answers(PageOf("Space")),
        post("/customers/{customer}/spaces", WRITE, "Create a space", spaces::create)
            .takes(Schema("Space"))
            .answers(Schema("Space")),
        get(SPACE, READ, "Read a space", spaces::read).answers(Schema("Space")),
        put(SPACE, WRITE, "Create or change a space", spaces::put)
            .takes(Schema("Space"))
            .answers(Schema("Space")),
        patch(SPACE, WRITE, "Change a space", spaces::change)
            .takes(Schema("Space"))
            .answers(Schema("Space")),
        delete(SPACE, WRITE, "Delete an empty space", spaces::delete),
    ]
}

fn images() -> Vec<Route> {
    const ALL: &str = "/customers/{customer}/allImages";
    const IMAGES: &str = "/customers/{customer}/spaces/{space}/images";
    const IMAGE: &str = "/customers/{customer}/spaces/{space}/images/{asset}";
    vec![
        get(IMAGES, READ, "List and filter the images of a space", listing::of_space)
            .answers(PageOf("Image")),
        get(ALL, READ, "List and filter all images", listing::all).answers(PageOf("Image")),
        patch(IMAGES, WRITE, "Change many images of a space", bulk::change_of_space)
            .takes(PageOf("Image"))
            .answers(PageOf("Image")),
        post(ALL, READ, "Read many images by id", bulk::read)
            .takes(PageOf("Image"))
            .answers(PageOf("Image")),
        patch(ALL, WRITE, "Change many images", bulk::change_of_customer)
            .takes(PageOf("Image"))
            .answers(PageOf("Image")),
        post("/customers/{customer}/deleteImages", WRITE, "Delete many images", bulk::delete)
            .takes(PageOf("Image"))
            .answers(Schema("DeletedImages")),
        get(IMAGE, READ, "Read an image", assets::read).answers(Schema("Image")),
        put(IMAGE, WRITE, "Register (201) or change (200) an image", assets::put)
            .takes(Schema("Image"))
            .answers(Schema("Image")),
        patch(IMAGE, WRITE, "Change an image", assets::change)
            .takes(Schema("Image"))
            .answers(Schema("Image")),
        delete(IMAGE, WRITE, "Delete an image", assets::delete),
        post(
            "/customers/{customer}/spaces/{space}/images/{asset}/reingest",
            WRITE,
            "Fetch and make it again",
            assets::reingest,
        )
        .answers(Schema("Image")),
        put(
            "/customers/{customer}/spaces/{space}/images/{asset}/content",
            WRITE,
            "Upload the bytes of an image",
            content::upload,
        )
        .takes(Media("application/octet-stream"))
        .answers(Schema("Image")),
    ]
}

fn delivered() -> Vec<Route> {
    const IMAGE: &str = "/{customer}/{space}/{asset}/{region}/{size}/{rotation}/{quality}";
    const INFO: &str = "/{customer}/{space}/{asset}/info.json";
    const ASSET: &str = "/{customer}/{space}/{asset}";
    let jpeg = Media("image/jpeg");
    let mut routes = Vec::new();
    for (version, prefix) in versions("/iiif-img") {
        routes.push(
            get(join(&prefix, ASSET), DESCRIPTION, "Redirects to info.json", info::redirect_image)
                .of(version),
        );
        routes.push(
            get(join(&prefix, INFO), DESCRIPTION, "Describe an image", info::image_info)
                .answers(Schema("ImageInfo"))
                .of(version),
        );
        routes.push(
            get(join(&prefix, IMAGE), CONTENT, "IIIF image request", images::image)
                .answers(jpeg)
                .of(version),
        );
    }
    for (version, prefix) in versions("/thumbs") {
        let redirect = info::redirect_thumbnails;
        routes.push(
            get(join(&prefix, ASSET), DESCRIPTION, "Redirects to info.json", redirect).of(version),
        );
        routes.push(
            get(
                join(&prefix, INFO),
                DESCRIPTION,
                "Describe ready-made sizes",
                info::thumbnail_info,
            )
            .answers(Schema("ImageInfo"))
            .of(version),
        );
        routes.push(
            get(join(&prefix, IMAGE), CONTENT, "A ready-made size", thumbs::thumbnail)
                .answers(jpeg)
                .of(version),
        );
    }
    for (version, prefix) in versions("/iiif-manifest") {
        routes.push(
            get(
                join(&prefix, ASSET),
                DESCRIPTION,
                "Manifest of an image",
                manifests::asset_manifest,
            )
            .answers(Schema("Manifest"))
            .of(version),
        );
    }
    routes.push(
        get("/file/{customer}/{space}/{asset}", CONTENT, "The original", files::original)
            .answers(Media("*/*")),
    );
    routes
}

fn changes() -> Vec<Route> {
    vec![
        get(
            "/activity/{customer}/all-changes",
            DESCRIPTION_OPEN,
            "What changed among public documents: Change Discovery 1.0",
            activity::all_changes,
        )
        .answers(Schema("ChangeCollection")),
        get(
            "/activity/{customer}/page/{page}",
            DESCRIPTION_OPEN,
            "A page of what changed, oldest first",
            activity::page,
        )
        .answers(Schema("ChangePage")),
    ]
}

fn texts() -> Vec<Route> {
    const TEXT: &str = "/text/{format}/{customer}/{space}/{asset}";
    let xml = Media("application/xml");
    vec![
        get(TEXT, CONTENT, "Text of an image: plain, alto, hocr, page", documents::text)
            .answers(xml),
        put(TEXT, WRITE, "Import text: alto, hocr, page", writing::import)
            .takes(xml)
            .answers(Schema("Text")),
        patch(TEXT, WRITE, "Correct words and lines (page)", writing::correct)
            .takes(Schema("Correction"))
            .answers(Schema("Text")),
        delete(TEXT, WRITE, "Withdraw the text (page)", writing::withdraw),
        get(
            "/text/{format}/{customer}/manifests/{manifest}",
            DESCRIPTION_OPEN,
            "Text of a manifest: plain, mets",
            text_manifests::text,
        )
        .answers(xml),
    ]
}

fn transcriptions() -> Vec<Route> {
    const ASSET: &str = "/{customer}/{space}/{asset}";
    let mut routes = Vec::new();
    for (version, prefix) in versions("/text/lines") {
        let lines = transcribed::lines;
        routes.push(
            get(join(&prefix, ASSET), CONTENT, "Lines of an image as annotations", lines)
                .answers(Schema("AnnotationPage"))
                .of(version),
        );
    }
    for (version, prefix) in versions("/text/words") {
        let words = transcribed::words;
        routes.push(
            get(join(&prefix, ASSET), CONTENT, "Words of an image as annotations", words)
                .answers(Schema("AnnotationPage"))
                .of(version),
        );
    }
    routes
}

fn recognition() -> Vec<Route> {
    const IMAGE: &str = "/customers/{customer}/spaces/{space}/images/{asset}";
    let ask = Schema("RecognitionRequest");
    vec![
        get(join(IMAGE, "/text"), READ, "Where the text of an image stands", writing::read)
            .answers(Schema("Text")),
        post(
            "/customers/{customer}/spaces/{space}/images/{asset}/recognition",
            WRITE,
            "Recognise the text of an image",
            ocr::of_asset,
        )
        .takes(ask)
        .answers(Schema("Text")),
        post(
            "/customers/{customer}/spaces/{space}/recognition",
            WRITE,
            "Recognise the text of every image of a space",
            ocr::of_space,
        )
        .takes(ask)
        .answers(Schema("RecognitionTally")),
        post(
            "/customers/{customer}/queue/batches/{batch}/recognition",
            WRITE,
            "Recognise the text of every image of a batch",
            ocr::of_batch,
        )
        .takes(ask)
        .answers(Schema("RecognitionTally")),
        post(
            "/{customer}/manifests/{manifest}/recognition",
            WRITE,
            "Recognise the text of every image of a manifest",
            ocr::of_manifest,
        )
        .takes(ask)
        .answers(Schema("RecognitionTally")),
    ]
}

/// What a search finds is decided by the index, page by page.
fn searches() -> Vec<Route> {
    const SCOPES: [&str; 5] = [
        "/{customer}",
        "/{customer}/manifests/{manifest}",
        "/{customer}/collections/{collection}",
        "/{customer}/spaces/{space}",
        "/{customer}/assets/{space}/{asset}",
    ];
    let mut routes = Vec::new();
    for scope in SCOPES {
        let path = join("/search/{version}", scope);
        routes.push(
            get(path, SEARCH, "Content Search, version v1 or v2: ?q=", results::search)
                .answers(Schema("AnnotationPage")),
        );
        let path = join("/autocomplete/{version}", scope);
        routes.push(
            get(path, SEARCH, "Words that begin like ?q=", terms::autocomplete)
                .answers(Schema("TermPage")),
        );
    }
    routes
}

fn queries_by_name() -> Vec<Route> {
    const QUERIES: &str = "/customers/{customer}/namedQueries";
    const QUERY: &str = "/customers/{customer}/namedQueries/{query}";
    let query = Schema("NamedQuery");
    let mut routes = vec![
        get(QUERIES, READ, "List named queries", named_queries::list).answers(PageOf("NamedQuery")),
        post(QUERIES, WRITE, "Define a named query", named_queries::create)
            .takes(query)
            .answers(query),
        get(QUERY, READ, "Read a named query", named_queries::read).answers(query),
        put(QUERY, WRITE, "Define or change a named query", named_queries::put)
            .takes(query)
            .answers(query),
        delete(QUERY, WRITE, "Remove a named query", named_queries::delete),
    ];
    for arguments in ["", "/{*arguments}"] {
        let path = format!("/raw-resource/{{customer}}/{{query}}{arguments}");
        let ids = "Ids of the images that a named query chooses";
        routes
            .push(get(path, DESCRIPTION_OPEN, ids, named::ids).answers(Media("application/json")));
        for (version, prefix) in versions("/iiif-resource") {
            let path = format!("{prefix}/{{customer}}/{{query}}{arguments}");
            let summary = "Manifest of the images that a named query chooses";
            routes.push(
                get(path, DESCRIPTION_OPEN, summary, named::manifest)
                    .answers(Schema("Manifest"))
                    .of(version),
            );
        }
    }
    routes
}

/// Returns an address without a version, and in each.
fn versions(prefix: &'static str) -> [(Option<AddressVersion>, String); 3] {
    [
        (None, prefix.to_owned()),
        (Some(AddressVersion::V2), format!("{prefix}/v2")),
        (Some(AddressVersion::V3), format!("{prefix}/v3")),
    ]
}

fn join(prefix: &str, rest: &str) -> String {
    format!("{prefix}{rest}")
}

type Allowed = (Action, Guarded);

fn get<H: Handler<T, Shared>, T: 'static>(
    path: impl Into<Cow<'static, str>>,
    allowed: Allowed,
    summary: &'static str,
    handler: H,
) -> Route {
    Route::new((MethodFilter::GET, "GET"), path.into(), allowed, summary, handler)
}

fn post<H: Handler<T, Shared>, T: 'static>(
    path: &'static str,
    allowed: Allowed,
    summary: &'static str,
    handler: H,
) -> Route {
    Route::new((MethodFilter::POST, "POST"), path.into(), allowed, summary, handler)
}

fn put<H: Handler<T, Shared>, T: 'static>(
    path: &'static str,
    allowed: Allowed,
    summary: &'static str,
    handler: H,
) -> Route {
    Route::new((MethodFilter::PUT, "PUT"), path.into(), allowed, summary, handler)
}

fn patch<H: Handler<T, Shared>, T: 'static>(
    path: &'static str,
    allowed: Allowed,
    summary: &'static str,
    handler: H,
) -> Route {
    Route::new((MethodFilter::PATCH, "PATCH"), path.into(), allowed, summary, handler)
}

fn delete<H: Handler<T, Shared>, T: 'static>(
    path: &'static str,
    allowed: Allowed,
    summary: &'static str,
    handler: H,
) -> Route {
    Route::new((MethodFilter::DELETE, "DELETE"), path.into(), allowed, summary, handler)
}
