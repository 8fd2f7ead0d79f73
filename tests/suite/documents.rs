//! Generated documents are committed, so that a change of the contract shows in the difference.
//!
//! `make bless` writes them anew.

use crate::support::server::{Persona, Server};
use crate::support::workspace_root;

fn compare(name: &str, current: &str) {
    let path = workspace_root().join("docs").join(name);
    if std::env::var_os("DLCS_BLESS").is_some() {
        std::fs::write(&path, current).expect("docs can be written");
        return;
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == current, "docs/{name} is out of date: run `make bless` and look at it");
}

#[test]
fn the_graphql_schema_is_as_committed() {
    compare("schema.graphql", &dlcs_graphql::sdl());
}

#[tokio::test]
async fn the_openapi_document_is_as_committed() {
    let server = Server::start();
    let document = server.json(Persona::Anonymous, "/openapi.json").await;
    let text = serde_json::to_string_pretty(&document).expect("JSON");
    compare("openapi.json", &(text.replace(&server.base, "https://example.org") + "\n"));
}
