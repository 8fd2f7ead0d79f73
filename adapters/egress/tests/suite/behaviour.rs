//! Origins that misbehave: each fetch ends, with a code and a text that leaks nothing (B25 to B32).

use crate::support::{Origin, all_names_are_local, egress, fetch, reply, short_limits};
use dlcs_ingest::OriginError;
use std::io;
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n";

async fn answer(path: String, mut connection: TcpStream) -> io::Result<()> {
    let to = &mut connection;
    match path.as_str() {
        "/image" => reply(to, "200 OK", "Content-Type: image/jpeg\r\n", b"image").await,
        "/disposition" => {
            let name = "Content-Disposition: attachment; filename=\"../../etc/cron.d/x\"\r\n";
            reply(to, "200 OK", name, b"image").await
        }
        "/html" => reply(to, "200 OK", "Content-Type: image/jpeg\r\n", b"<html>").await,
        "/partial" => {
            reply(to, "206 Partial Content", "Content-Range: bytes 0-4/9\r\n", b"image").await
        }
        "/gzip" => reply(to, "200 OK", "Content-Encoding: gzip, gzip, gzip\r\n", b"image").await,
        "/identity" => reply(to, "200 OK", "Content-Encoding: identity\r\n", b"image").await,
        "/too-short" => raw(to, b"Content-Length: 100\r\n\r\nimage").await,
        "/broken-chunk" => {
            raw(to, b"Transfer-Encoding: chunked\r\n\r\n5\r\nimage\r\n5\r\nim").await
        }
        "/wrong-chunk" => raw(to, b"Transfer-Encoding: chunked\r\n\r\nzz\r\nimage\r\n").await,
        "/too-long" => {
            raw(to, b"Content-Length: 10\r\n\r\n").await?;
            endlessly(to, &[b'x'; 4096], Duration::ZERO).await
        }
        "/long-said" => raw(to, b"Content-Length: 10737418240\r\n\r\n").await,
        "/endless" => {
            raw(to, b"\r\n").await?;
            endlessly(to, &[b'x'; 4096], Duration::ZERO).await
        }
        "/drip" => {
            raw(to, b"Content-Length: 90000\r\n\r\n").await?;
            endlessly(to, b"x", Duration::from_millis(20)).await
        }
        "/just-fast-enough" => {
            raw(to, b"Content-Length: 90000\r\n\r\n").await?;
            endlessly(to, &[b'x'; 400], Duration::from_millis(20)).await
        }
        "/stall" => {
            raw(to, b"Content-Length: 90000\r\n\r\nimage").await?;
            std::future::pending().await
        }
        "/silence" => std::future::pending().await,
        "/endless-headers" => {
            to.write_all(HEAD).await?;
            endlessly(to, b"X-A: b\r\n", Duration::from_millis(5)).await
        }
        "/many-headers" => {
            to.write_all(HEAD).await?;
            endlessly(to, "X-A: b\r\n".repeat(1000).as_bytes(), Duration::ZERO).await
        }
        "/hang-up" => Ok(()),
        "/other-protocol" => to.write_all(b"SSH-2.0-SecretBanner_9.9 10.1.2.3\r\n").await,
        status => {
            let status = status.trim_start_matches("/status/");
            reply(to, &format!("{status} SecretBanner"), "", b"SecretBanner 10.1.2.3").await
        }
    }
}

async fn raw(to: &mut TcpStream, rest: &[u8]) -> io::Result<()> {
    to.write_all(HEAD).await?;
    to.write_all(rest).await
}

async fn endlessly(to: &mut TcpStream, bytes: &[u8], pause: Duration) -> io::Result<()> {
    loop {
        to.write_all(bytes).await?;
        tokio::time::sleep(pause).await;
    }
}

fn kind(error: OriginError) -> &'static str {
    match error {
        OriginError::Forbidden(_) => "forbidden",
        OriginError::NotFound(_) => "not found",
        OriginError::Unreachable(_) => "unreachable",
        OriginError::TooLarge(_) => "too large",
        OriginError::Timeout(_) => "timeout",
        OriginError::StorageFull | OriginError::Internal | OriginError::Credentials => "ours",
    }
}

async fn outcome(origin: &Origin, path: &str) -> Result<Vec<u8>, OriginError> {
    let egress = egress(&["origin.test"], &all_names_are_local());
    let url = format!("http://origin.test:{}{path}", origin.port);
    fetch(&egress, &url).await.map(|(_, bytes)| bytes)
}

#[tokio::test]
async fn what_is_an_answer_is_taken_as_it_is() {
    let origin = Origin::start(answer).await;
    for (path, body) in [
        ("/image", &b"image"[..]),
        ("/disposition", b"image"),
        ("/html", b"<html>"),
        ("/identity", b"image"),
        // Only what was announced is read; the content decides about the rest.
        ("/too-long", b"xxxxxxxxxx"),
        ("/status/203", b"SecretBanner 10.1.2.3"),
    ] {
        assert_eq!(outcome(&origin, path).await.as_deref(), Ok(body), "{path}");
    }
}

#[tokio::test]
async fn each_misbehaviour_ends_with_its_code_in_time() {
    let origin = Origin::start(answer).await;
    let slowest = short_limits().total + Duration::from_secs(1);
    for (path, expected) in [
        ("/partial", "unreachable"),
        ("/gzip", "unreachable"),
        ("/too-short", "unreachable"),
        ("/broken-chunk", "unreachable"),
        ("/wrong-chunk", "unreachable"),
        ("/long-said", "too large"),
        ("/endless", "too large"),
        ("/drip", "timeout"),
        ("/just-fast-enough", "timeout"),
        ("/stall", "timeout"),
        ("/silence", "timeout"),
        ("/endless-headers", "timeout"),
        ("/many-headers", "unreachable"),
        ("/hang-up", "unreachable"),
        ("/other-protocol", "unreachable"),
        ("/status/404", "not found"),
        ("/status/410", "not found"),
        ("/status/401", "forbidden"),
        ("/status/403", "forbidden"),
        ("/status/400", "unreachable"),
        ("/status/429", "unreachable"),
        ("/status/304", "unreachable"),
        ("/status/500", "unreachable"),
        ("/status/503", "unreachable"),
    ] {
        let begun = Instant::now();
        let error = outcome(&origin, path).await.expect_err(path);
        assert_eq!(kind(error), expected, "{path}: {error}");
        assert!(begun.elapsed() < slowest, "{path} took {:?}", begun.elapsed());
        let text = error.to_string();
        for secret in ["SecretBanner", "10.1.2.3", "127.0.0.1", "origin.test"] {
            assert!(!text.contains(secret), "{path}: {text}");
        }
    }
}

/// RELIABILITY R16: slow origins do not hold up a good one.
#[tokio::test]
async fn fifty_slow_origins_at_once_do_not_hold_up_a_good_one() {
    let origin = Origin::start(answer).await;
    let egress = std::sync::Arc::new(egress(&["origin.test"], &all_names_are_local()));
    let mut slow = tokio::task::JoinSet::new();
    for path in ["/drip", "/stall", "/silence", "/endless-headers", "/just-fast-enough"].repeat(10)
    {
        let (egress, url) = (egress.clone(), format!("http://origin.test:{}{path}", origin.port));
        slow.spawn(async move { fetch(&egress, &url).await.is_err() });
    }
    let begun = Instant::now();
    let url = format!("http://origin.test:{}/image", origin.port);
    assert!(fetch(&egress, &url).await.is_ok());
    assert!(begun.elapsed() < Duration::from_secs(1));
    let all_ended = tokio::time::timeout(Duration::from_secs(5), slow.join_all()).await;
    assert_eq!(all_ended.expect("every fetch ends"), vec![true; 50]);
}
