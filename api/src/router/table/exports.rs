//! PDF and zip.

use super::{CONTENT, Media, Route, get};
use crate::export;

pub(super) fn routes() -> Vec<Route> {
    let (pdf, zip) = (Media("application/pdf"), Media("application/zip"));
    let mut routes = vec![
        get(
            "/pdf/{customer}/manifests/{manifest}",
            CONTENT,
            "PDF of a stored manifest, with its text behind the pages",
            export::pdf_of_manifest,
        )
        .answers(pdf),
        get(
            "/zip/{customer}/manifests/{manifest}",
            CONTENT,
            "Zip of the pictures of a stored manifest",
            export::zip_of_manifest,
        )
        .answers(zip),
    ];
    for arguments in ["", "/{*arguments}"] {
        let path = format!("/pdf/{{customer}}/{{query}}{arguments}");
        let summary = "PDF of the images that a named query chooses, with their text";
        routes.push(get(path, CONTENT, summary, export::pdf_of_query).answers(pdf));
        let path = format!("/zip/{{customer}}/{{query}}{arguments}");
        let summary = "Zip of the images that a named query chooses";
        routes.push(get(path, CONTENT, summary, export::zip_of_query).answers(zip));
    }
    routes
}
