//! Where an origin sends us: checked like the first address (B21).

use crate::support::{Canary, Origin, all_names_are_local, egress, fetch, reply};
use dlcs_ingest::OriginError;
use std::io;
use tokio::net::TcpStream;

/// `/to/{url}` redirects there, `/hops/{n}` n times; `/image` is an image.
async fn answer(path: String, mut connection: TcpStream) -> io::Result<()> {
    let connection = &mut connection;
    if let Some(rest) = path.strip_prefix("/to/") {
        let (status, location) = rest.split_once('/').unwrap_or(("302", rest));
        let location = location.replace("%09", "\t");
        let headers = format!("Location: {location}\r\n");
        return reply(connection, &format!("{status} Moved"), &headers, b"a body").await;
    }
    match path.strip_prefix("/hops/").and_then(|hops| hops.parse::<u32>().ok()) {
        Some(0) | None if path != "/image" => {
            reply(connection, "302 Found", "Location: /image\r\n", b"").await
        }
        Some(hops) => {
            let headers = format!("Location: /hops/{}\r\n", hops - 1);
            reply(connection, "302 Found", &headers, b"").await
        }
        None => reply(connection, "200 OK", "Content-Type: image/png\r\n", b"image").await,
    }
}

#[tokio::test]
async fn redirects_to_the_inside_are_refused() {
    let canary = Canary::start().await;
    let origin = Origin::start(answer).await;
    let egress = egress(&["origin.test"], &all_names_are_local());
    for location in [
        "http://127.0.0.1/",
        "http://127.0.0.1:PORT/",
        "http://[::ffff:127.0.0.1]:PORT/",
        "http://2130706433:PORT/",
        "http://evil.test/",
        "http://evil.test:PORT/",
        "//127.0.0.1:PORT/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:PORT/",
        "http://user@origin.test/",
        "http://127.0.0%09.1/",
        "javascript:alert(1)",
        "data:image/png,x",
    ] {
        let location = location.replace("PORT", &canary.port.to_string());
        let url = format!("http://origin.test:{}/to/302/{location}", origin.port);
        let fetched = fetch(&egress, &url).await;
        assert!(matches!(fetched, Err(OriginError::Forbidden(_))), "{location}: {fetched:?}");
    }
    assert_eq!(canary.accepted().await, 0);
}

#[tokio::test]
async fn three_redirects_are_followed_and_no_more() {
    let origin = Origin::start(answer).await;
    let egress = egress(&["origin.test"], &all_names_are_local());
    let url = |hops: u32| format!("http://origin.test:{}/hops/{hops}", origin.port);
    let (fetched, bytes) = fetch(&egress, &url(2)).await.expect("three are followed");
    assert_eq!(
        (bytes.as_slice(), fetched.media_type_hint.as_deref()),
        (&b"image"[..], Some("image/png"))
    );
    let before = origin.heads().len();
    let too_many = fetch(&egress, &url(11)).await;
    assert!(matches!(too_many, Err(OriginError::Unreachable(_))), "{too_many:?}");
    assert_eq!(origin.heads().len() - before, 4);
}

#[tokio::test]
async fn every_kind_of_redirect_is_followed_without_saying_whence() {
    let origin = Origin::start(answer).await;
    let egress = egress(&["origin.test"], &all_names_are_local());
    for status in ["301", "302", "303", "307", "308"] {
        let url = format!("http://origin.test:{}/to/{status}//image", origin.port);
        assert!(fetch(&egress, &url).await.is_ok(), "{status}");
    }
    for head in origin.heads() {
        assert!(head.starts_with("get "), "{head}");
        assert!(head.contains("accept-encoding: identity\r\n"), "{head}");
        for absent in ["referer", "cookie", "authorization", "content-length"] {
            assert!(!head.contains(absent), "{head}");
        }
    }
}

#[tokio::test]
async fn a_redirect_without_a_place_is_an_error_of_the_origin() {
    let origin = Origin::start(|_, mut connection: TcpStream| async move {
        reply(&mut connection, "302 Found", "", b"").await
    })
    .await;
    let egress = egress(&["origin.test"], &all_names_are_local());
    let fetched = fetch(&egress, &format!("http://origin.test:{}/", origin.port)).await;
    assert!(matches!(fetched, Err(OriginError::Unreachable(_))), "{fetched:?}");
}
