//! Messages to receivers (THREATS B1 to B26 and B107).

use crate::support::{Canary, Origin, all_names_are_local, egress, reply};
use bytes::Bytes;
use dlcs_adapter_egress::Egress;
use dlcs_ingest::OriginError;
use dlcs_ingest::webhooks::{Answered, Receivers};
use std::io;
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

const BODY: &str = r#"{"specversion":"1.0"}"#;

async fn post(egress: &Egress, url: &str) -> Result<Answered, OriginError> {
    let headers = [("webhook-id", "1".to_owned()), ("content-type", "text/plain".to_owned())];
    egress.post(url, &headers, Bytes::from_static(BODY.as_bytes())).await
}

/// `/busy` wants a pause, `/to/{url}` redirects there, `/silent` says nothing, `/endless` never ends,
/// `/slow` drips.
async fn answer(path: String, mut connection: TcpStream) -> io::Result<()> {
    let connection = &mut connection;
    if let Some(location) = path.strip_prefix("/to/") {
        let headers = format!("Location: {location}\r\n");
        return reply(connection, "301 Moved", &headers, b"").await;
    }
    match path.as_str() {
        "/busy" => reply(connection, "503 Busy", "Retry-After: 120\r\n", b"later").await,
        "/silent" => std::future::pending().await,
        "/endless" => {
            let head = "HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n";
            connection.write_all(head.as_bytes()).await?;
            loop {
                connection.write_all(&[b'x'; 64 * 1024]).await?;
            }
        }
        "/slow" => {
            connection.write_all(b"HTTP/1.1 202 OK\r\nContent-Length: 100\r\n\r\n").await?;
            loop {
                connection.write_all(b"x").await?;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        _ => reply(connection, "204 None", "", b"").await,
    }
}

#[tokio::test]
async fn a_message_arrives_as_it_is() {
    let receiver = Origin::start(answer).await;
    let egress = egress(&["receiver.test"], &all_names_are_local());
    let url = |path: &str| format!("http://receiver.test:{}{path}", receiver.port);
    let answered = post(&egress, &url("/hook?a=b")).await;
    assert_eq!(answered, Ok(Answered { status: 204, retry_after: None }));
    let busy = Answered { status: 503, retry_after: Some("120".to_owned()) };
    assert_eq!(post(&egress, &url("/busy")).await, Ok(busy));
    let [first, _] = &receiver.heads()[..] else { panic!("two requests") };
    assert!(first.starts_with("post /hook?a=b http/1.1\r\n"), "{first}");
    for present in ["webhook-id: 1\r\n", "content-type: text/plain\r\n", "content-length: 21\r\n"] {
        assert!(first.contains(present), "{first}");
    }
    assert!(first.ends_with(&format!("\r\n\r\n{BODY}")), "{first}");
    for absent in ["referer", "cookie", "authorization"] {
        assert!(!first.contains(absent), "{first}");
    }
}

#[tokio::test]
async fn no_message_goes_to_the_inside() {
    let canary = Canary::start().await;
    let egress = egress(&[], &all_names_are_local());
    for url in [
        "http://127.0.0.1:PORT/",
        "http://127.0.0.1/",
        "http://localhost/",
        "http://0.0.0.0:PORT/",
        "http://2130706433:PORT/",
        "http://[::1]:PORT/",
        "http://[::ffff:127.0.0.1]:PORT/",
        "http://[64:ff9b::7f00:1]/",
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/",
        "http://receiver.test/",
        "http://receiver.test:PORT/",
        "http://user:pass@receiver.test/",
        "http://receiver.test:22/",
        "file:///etc/passwd",
        "ftp://receiver.test/",
        "gopher://127.0.0.1:PORT/",
        "//127.0.0.1:PORT/",
        "",
    ] {
        let url = url.replace("PORT", &canary.port.to_string());
        let answered = post(&egress, &url).await;
        assert!(matches!(answered, Err(OriginError::Forbidden(_))), "{url}: {answered:?}");
    }
    assert_eq!(canary.accepted().await, 0);
}

#[tokio::test]
async fn an_allowed_folder_is_no_receiver() {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let path = folder.path().to_str().expect("it is text");
    let answered =
        post(&egress(&[path], &all_names_are_local()), &format!("file://{path}/a")).await;
    assert!(matches!(answered, Err(OriginError::Forbidden(_))), "{answered:?}");
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_leads_nowhere() {
    let canary = Canary::start().await;
    let receiver = Origin::start(answer).await;
    let egress = egress(&["receiver.test"], &all_names_are_local());
    for location in [format!("http://127.0.0.1:{}/", canary.port), "/hook".to_owned()] {
        let url = format!("http://receiver.test:{}/to/{location}", receiver.port);
        let answered = post(&egress, &url).await;
        assert_eq!(answered, Ok(Answered { status: 301, retry_after: None }), "{location}");
    }
    assert_eq!(canary.accepted().await, 0);
    assert_eq!(receiver.heads().len(), 2, "nobody went on");
}

#[tokio::test]
async fn a_receiver_that_never_ends_costs_little() {
    let receiver = Origin::start(answer).await;
    let egress = egress(&["receiver.test"], &all_names_are_local());
    let url = |path: &str| format!("http://receiver.test:{}{path}", receiver.port);
    let started = Instant::now();
    let answered = post(&egress, &url("/endless")).await;
    assert_eq!(answered, Ok(Answered { status: 200, retry_after: None }));
    assert!(started.elapsed() < Duration::from_millis(500), "{:?}", started.elapsed());
    let answered = post(&egress, &url("/slow")).await;
    assert_eq!(answered, Ok(Answered { status: 202, retry_after: None }));
    let answered = post(&egress, &url("/silent")).await;
    assert!(matches!(answered, Err(OriginError::Timeout(_))), "{answered:?}");
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}
