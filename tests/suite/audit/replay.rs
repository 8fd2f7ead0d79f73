//! `verify --replay`: read models made anew out of nothing but the file.

use super::{Kept, said, verify};
use crate::support::fixtures::png;
use crate::support::server::{Persona, Server};
use reqwest::{Method, StatusCode};
use serde_json::json;

/// One line of text on a picture of 60 by 40.
const ALTO: &str = r#"<alto xmlns="http://www.loc.gov/standards/alto/ns-v4#">
<Description><MeasurementUnit>pixel</MeasurementUnit></Description><Layout>
<Page ID="p" PHYSICAL_IMG_NR="1" WIDTH="60" HEIGHT="40"><PrintSpace>
<TextBlock ID="b" HPOS="0" VPOS="0" WIDTH="60" HEIGHT="40">
<TextLine HPOS="1" VPOS="1" WIDTH="50" HEIGHT="10">
<String CONTENT="Wahrheit" HPOS="1" VPOS="1" WIDTH="20" HEIGHT="10"/></TextLine>
</TextBlock></PrintSpace></Page></Layout></alto>"#;

/// An image with a text, in a manifest.
async fn book(server: &Server) {
    server.space(1).await;
    server.upload("i1", png(60, 40)).await;
    let request = server.request(Persona::Admin, Method::PUT, "/text/alto/1/1/i1").body(ALTO);
    let status = request.send().await.expect("the server answers").status();
    assert_eq!(status, StatusCode::CREATED);
    let manifest = json!({"type": "Manifest", "label": {"en": ["A book"]}, "items": []});
    let managed = server.manage(Method::POST, "/1/manifests", Some(&manifest), None).await;
    assert_eq!(managed.status, StatusCode::CREATED, "{}", managed.body);
    server.projected().await;
}

#[tokio::test]
async fn read_models_are_made_out_of_an_export_and_compared() {
    let server = Server::start();
    book(&server).await;
    let kept = Kept::of(&server);
    let plain = kept.export(&server, "plain.ndjson");
    let whole = kept.folder.path().join("whole.ndjson");
    let to = whole.to_str().expect("UTF-8");
    said(&server.command(&["audit", "export", to, "--with-blobs"]));
    let replay = ["--public-key", &*kept.key, "--replay"];
    let (status, text) = verify(&plain, &replay);
    assert_eq!(status, Some(3), "{text}");
    assert!(text.contains("not replayed: search: it is made out of texts"), "{text}");
    assert!(text.contains("replayed: 12 read models are equal"), "{text}");
    let (status, text) = verify(&whole, &replay);
    assert_eq!(status, Some(0), "{text}");
    assert!(text.contains("replayed: 13 read models are equal"), "{text}");
    let file = std::fs::read_to_string(&whole).expect("an export");
    for kind in ["documents/", "imports/", "records/", "texts/"] {
        assert!(file.contains(&format!("\"key\":\"{kind}")), "{kind}");
    }
    assert!(!file.contains("\"key\":\"originals/") && !file.contains("\"key\":\"derivatives/"));
    crate::replay::tamper(&server);
    let changed = kept.export(&server, "changed.ndjson");
    let (status, text) = verify(&changed, &replay);
    assert_eq!(status, Some(1), "{text}");
    assert!(text.ends_with("not equal: assets"), "{text}");
}
