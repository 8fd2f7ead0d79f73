//! Credentials go to the origin that they are for, and nowhere else.

use crate::support::{Origin, all_names_are_local, egress, fetch, fetch_as, reply};
use dlcs_ingest::{OriginCredentials, OriginError};
use std::io;
use tokio::net::TcpStream;

/// `reader:sesame` in base64, in lower case as heads are told.
const TOLD: &str = "authorization: basic cmvhzgvyonnlc2ftzq==";

/// `/to/{url}` redirects there; everything else is an image.
async fn answer(path: String, mut connection: TcpStream) -> io::Result<()> {
    let connection = &mut connection;
    match path.strip_prefix("/to/") {
        Some(location) => {
            let headers = format!("Location: {location}\r\n");
            reply(connection, "302 Found", &headers, b"").await
        }
        None => reply(connection, "200 OK", "Content-Type: image/png\r\n", b"image").await,
    }
}

fn credentials() -> OriginCredentials {
    OriginCredentials::new("reader", "sesame").expect("they can be sent")
}

/// Says of each request whether it told them.
fn told(origin: &Origin) -> Vec<bool> {
    origin.heads().iter().map(|head| head.contains(TOLD)).collect()
}

#[tokio::test]
async fn the_origin_is_told_and_nobody_without_credentials_is() {
    let origin = Origin::start(answer).await;
    let egress = egress(&["origin.test"], &all_names_are_local());
    let url = format!("http://origin.test:{}/image", origin.port);
    fetch_as(&egress, &url, Some(&credentials())).await.expect("it is fetched");
    fetch(&egress, &url).await.expect("it is fetched");
    assert_eq!(told(&origin), [true, false]);
}

#[tokio::test]
async fn a_redirect_within_the_origin_keeps_them() {
    let origin = Origin::start(answer).await;
    let egress = egress(&["origin.test"], &all_names_are_local());
    let url = format!("http://origin.test:{}/to//image", origin.port);
    fetch_as(&egress, &url, Some(&credentials())).await.expect("it is fetched");
    assert_eq!(told(&origin), [true, true]);
}

#[tokio::test]
async fn a_redirect_elsewhere_loses_them_for_good() {
    let (origin, other) = (Origin::start(answer).await, Origin::start(answer).await);
    let egress = egress(&["origin.test", "other.test"], &all_names_are_local());
    let fetched = async |location: String| {
        let url = format!("http://origin.test:{}/to/{location}", origin.port);
        fetch_as(&egress, &url, Some(&credentials())).await.map(drop)
    };
    // Another host on the same port, the same host on another port.
    fetched(format!("http://other.test:{}/image", origin.port)).await.expect("it is fetched");
    assert_eq!(told(&origin), [true, false]);
    fetched(format!("http://origin.test:{}/image", other.port)).await.expect("it is fetched");
    assert_eq!(told(&other), [false]);
    // There, and back again.
    let back = format!("http://origin.test:{}/image", origin.port);
    fetched(format!("http://other.test:{}/to/{back}", other.port)).await.expect("it is fetched");
    assert_eq!(told(&other), [false, false]);
    assert_eq!(told(&origin), [true, false, true, true, false]);
}

#[tokio::test]
async fn an_address_with_a_password_stays_refused() {
    let egress = egress(&["origin.test"], &all_names_are_local());
    let url = "http://reader:sesame@origin.test/image";
    let refused = fetch_as(&egress, url, Some(&credentials())).await;
    assert!(matches!(refused, Err(OriginError::Forbidden(_))), "{refused:?}");
}
