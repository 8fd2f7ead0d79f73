//! Annotations.

use super::{CONTENT, DESCRIPTION, Route, Schema, WRITE, delete, get, post, put};
use crate::annotations::{containers, questions, single};

/// The Web Annotation Protocol. Containers decide who may read what is in them.
pub(super) fn routes() -> Vec<Route> {
    const CUSTOMER: &str = "/annotations/{vocabulary}/{customer}/";
    const CONTAINER: &str = "/annotations/{vocabulary}/{customer}/{container}/";
    const ANNOTATION: &str = "/annotations/{vocabulary}/{customer}/{container}/{annotation}";
    let (page, collection) = (Schema("AnnotationPage"), Schema("AnnotationCollection"));
    let annotation = Schema("Annotation");
    let routes = vec![
        get(
            "/annotations/{vocabulary}/{customer}",
            DESCRIPTION,
            "Redirects to the address with a slash",
            containers::redirect,
        ),
        get(
            "/annotations/{vocabulary}/{customer}/{container}",
            DESCRIPTION,
            "Redirects to the address with a slash",
            containers::redirect,
        ),
        get(
            CUSTOMER,
            CONTENT,
            "Annotations by ?q=, target, xywh, motivation, creator, container, from, until; or the \
             containers",
            questions::read,
        )
        .answers(page),
        post(CUSTOMER, WRITE, "Create an annotation container", containers::create)
            .takes(collection)
            .answers(collection),
        get(CONTAINER, CONTENT, "An annotation container, or ?page= of it", containers::read)
            .answers(collection),
        post(CONTAINER, WRITE, "Create an annotation", containers::annotate)
            .takes(annotation)
            .answers(annotation),
        put(CONTAINER, WRITE, "Create or change an annotation container", containers::put)
            .takes(collection)
            .answers(collection),
        delete(CONTAINER, WRITE, "Delete a container: ?recursive=true", containers::delete),
        get(ANNOTATION, CONTENT, "An annotation", single::read).answers(annotation),
        put(ANNOTATION, WRITE, "Create or replace an annotation", single::put)
            .takes(annotation)
            .answers(annotation),
        delete(ANNOTATION, WRITE, "Delete an annotation", single::delete),
    ];
    routes.into_iter().map(Route::for_scripts).collect()
}
