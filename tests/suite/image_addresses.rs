//! Addresses and geometry of the IIIF Image API that somebody means ill with, by the numbers of the
//! threat model (B61 to B69). Sent byte by byte: a client of HTTP would tidy them up.

use crate::support::fixtures::png;
use crate::support::server::{Persona, Server, image_path};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const IMAGE: &str = "/iiif-img/v3/1/1/a";
/// The threat model says 100 ms, of a machine that does nothing else.
const SOON: Duration = Duration::from_secs(2);

struct Got {
    status: u16,
    /// In lower case.
    head: String,
    body: Vec<u8>,
}

impl Got {
    fn header(&self, name: &str) -> &str {
        let line = self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        line.unwrap_or_default()
    }

    /// Width and height of the PNG that this has to be.
    fn size(&self) -> (u32, u32) {
        assert!(self.body.starts_with(b"\x89PNG"), "{} {}", self.status, self.head);
        let number =
            |at: usize| u32::from_be_bytes(self.body[at..at + 4].try_into().expect("four bytes"));
        (number(16), number(20))
    }
}

async fn with_image(width: u32, height: u32) -> Server {
    let server = Server::start();
    server.space(1).await;
    server.upload("a", png(width, height)).await;
    server
}

/// Sends a request as it is written here; `headers` end with a line break each.
async fn send(server: &Server, method: &str, target: &str, headers: &str) -> Got {
    let address = server.base.strip_prefix("http://").expect("an address");
    let host = if headers.contains("host: ") { "" } else { "host: localhost\r\n" };
    let request = format!("{method} {target} HTTP/1.1\r\n{host}connection: close\r\n{headers}\r\n");
    let mut connection = TcpStream::connect(address).await.expect("the server listens");
    connection.write_all(request.as_bytes()).await.expect("it reads");
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).await.expect("it answers");
    let end = answer.windows(4).position(|it| it == b"\r\n\r\n").expect("a head");
    let head = String::from_utf8_lossy(&answer[..end]).to_lowercase();
    let status = head.split(' ').nth(1).and_then(|it| it.parse().ok()).expect("a status");
    Got { status, head, body: answer.split_off(end + 4) }
}

async fn get(server: &Server, target: &str) -> Got {
    send(server, "GET", target, "").await
}

/// Asks for what has to be refused: soon, with a reason, and with nothing else in it.
async fn is_refused(server: &Server, target: &str, statuses: &[u16]) -> Got {
    let begun = Instant::now();
    let got = get(server, target).await;
    let short: String = target.chars().take(100).collect();
    assert!(statuses.contains(&got.status), "{short}: {}", got.status);
    assert!(begun.elapsed() < SOON, "{short} took {:?}", begun.elapsed());
    assert!(got.header("content-type").starts_with("application/problem+json"), "{short}");
    let problem: Value = serde_json::from_slice(&got.body).expect("problem details");
    for name in ["code", "detail"] {
        assert!(problem[name].as_str().is_some_and(|it| !it.is_empty()), "{short}: {problem}");
    }
    got
}

/// The server has not fallen over, and still answers what is right.
async fn is_well(server: &Server) {
    assert_eq!(get(server, "/health/ready").await.status, 200);
    let got = get(server, &format!("{IMAGE}/full/max/0/default.png")).await;
    assert_eq!(got.status, 200, "{}", got.head);
}

#[tokio::test]
async fn b61_no_name_leads_out_of_the_store() {
    let server = with_image(60, 40).await;
    for id in [
        "..%2f..%2fetc%2fpasswd",
        "..%2f..%2f..%2f..%2f..%2f..%2fetc%2fpasswd",
        "%2e%2e/",
        "%2e%2e",
        "../../etc/passwd",
        "%252e%252e%252f",
        "..%5c",
        "%c0%ae",
        "....//",
        "%00",
        "a%00",
        "",
    ] {
        for rest in ["info.json", "full/max/0/default.jpg"] {
            let got =
                is_refused(&server, &format!("/iiif-img/v3/1/1/{id}/{rest}"), &[400, 404]).await;
            assert!(!String::from_utf8_lossy(&got.body).contains("root:"), "{id}");
        }
    }
    is_well(&server).await;
}

#[tokio::test]
async fn b62_ids_of_any_bytes_are_names_or_nothing() {
    let server = with_image(60, 40).await;
    let info = |id: &str| format!("/iiif-img/v3/1/1/{id}/info.json");
    is_refused(&server, &info(&"a".repeat(10 * 1024)), &[414]).await;
    is_refused(&server, &info(&"a".repeat(7 * 1024)), &[400, 404]).await;
    is_refused(&server, &info("%ff"), &[400]).await;
    is_refused(&server, &info("%f0%9f%98%80"), &[404]).await;
    let got = is_refused(&server, &info("%0d%0aSet-Cookie:x"), &[400, 404]).await;
    assert_eq!(got.header("set-cookie"), "", "{}", got.head);
    // Two spellings of one letter are two names.
    server.upload("\u{e9}", png(60, 40)).await;
    assert_eq!(get(&server, &info("%c3%a9")).await.status, 200);
    is_refused(&server, &info("e%cc%81"), &[404]).await;
    is_well(&server).await;
}

#[tokio::test]
async fn b63_regions_are_within_the_picture_or_refused() {
    let server = with_image(1, 300).await;
    for region in [
        "-1,0,10,10",
        "0,0,0,0",
        "4294967296,0,1,1",
        "0,0,99999999999999999999,1",
        "0,0,1e9,1",
        "1,0,10,10",
        "0.5,0,1,1",
        "0,0,10",
        "0,0,10,10,10",
        "%2b0,0,1,1",
        "pct:NaN,0,1,1",
        "pct:inf,0,1,1",
        "pct:-1,0,5,5",
        "pct:1e-320,0,1,1",
        "pct:0,0,100,0.00001",
        "pct:100,0,10,10",
    ] {
        is_refused(&server, &format!("{IMAGE}/{region}/max/0/default.jpg"), &[400]).await;
    }
    for (region, size) in [
        ("square", (1, 1)),
        ("0,0,4294967295,4294967295", (1, 300)),
        ("pct:0,0,100.0000001,100", (1, 300)),
    ] {
        let got = get(&server, &format!("{IMAGE}/{region}/max/0/default.png")).await;
        assert_eq!(got.size(), size, "{region}");
    }
    is_well(&server).await;
}

#[tokio::test]
async fn b64_sizes_are_within_the_limits_or_refused() {
    let server = with_image(300, 200).await;
    for size in [
        "^100000,100000",
        "^4294967296,",
        "^99999,",
        "0,",
        ",0",
        "0,0",
        "!0,0",
        "-5,",
        "pct:0",
        "pct:101",
        "pct:1e308",
        "pct:NaN",
        "99999999999999999999,",
        "301,",
        ",201",
        "!1e2,5",
        "full",
        "",
        ",",
        "^",
    ] {
        is_refused(&server, &format!("{IMAGE}/full/{size}/0/default.jpg"), &[400]).await;
    }
    let of = async |size: &str| get(&server, &format!("{IMAGE}/full/{size}/0/default.png")).await;
    assert_eq!(of("max").await.size(), (300, 200));
    // As large as info.json says that this server makes, and no larger.
    let info = server.json(Persona::Anonymous, &format!("{IMAGE}/info.json")).await;
    let (width, height) = of("^max").await.size();
    let area_max = info["maxArea"].as_u64().expect("a limit");
    assert!(u64::from(width) * u64::from(height) <= area_max, "{width} × {height}");
    assert!(width > 300 && width <= info["maxWidth"].as_u64().expect("a limit") as u32);
    is_well(&server).await;
}

#[tokio::test]
async fn b65_rotations_are_angles_or_refused() {
    // By more than a quarter turn only smaller pictures are turned.
    let server = with_image(2_100, 2_000).await;
    for rotation in
        ["!360.0001", "-1", "NaN", "inf", "1e3", "0x10", "+5", "!", "!!0", "", "359.9", "!0.1"]
    {
        let path = format!("{IMAGE}/full/max/{rotation}/default.jpg");
        is_refused(&server, &path, &[400]).await;
    }
    for (rotation, size) in [("90", (100, 105)), ("360", (105, 100)), ("359.9", (106, 101))] {
        let got = get(&server, &format!("{IMAGE}/full/105,100/{rotation}/default.png")).await;
        assert_eq!(got.size(), size, "{rotation}");
    }
    is_well(&server).await;
}

#[tokio::test]
async fn b66_qualities_and_formats_are_those_of_the_list() {
    let server = with_image(300, 200).await;
    for last in [
        "default.php",
        "default.jpg%00.png",
        "default.jpg/x",
        "DEFAULT.JPG",
        "default.JPG",
        "default.jpg.png",
        "default.",
        "default",
        ".jpg",
        "default.pdf",
        "native.jpg",
    ] {
        is_refused(&server, &format!("{IMAGE}/full/max/0/{last}"), &[400, 404]).await;
    }
    // A gigapixel without compression.
    is_refused(&server, &format!("{IMAGE}/full/^32000,32000/0/default.tif"), &[400]).await;
    is_well(&server).await;
}

#[tokio::test]
async fn b67_segments_queries_and_ranges_are_counted() {
    let server = with_image(300, 200).await;
    let tile = format!("{IMAGE}/full/max/0/default.jpg");
    for target in [
        format!("{IMAGE}/full/max/0"),
        format!("{IMAGE}/full/max"),
        format!("{tile}/"),
        format!("{tile}/x"),
        format!("{tile};jsessionid=1"),
        format!("{IMAGE}//full/max/0/default.jpg"),
        format!("{IMAGE}/full//max/0/default.jpg"),
        format!("{IMAGE}//info.json"),
        format!("{IMAGE}/info.json/"),
        format!("{IMAGE}/info.json;jsessionid=1"),
    ] {
        is_refused(&server, &target, &[400, 404]).await;
    }
    is_refused(&server, &format!("{tile}?{}", "x".repeat(8 * 1024)), &[414]).await;
    let whole = get(&server, &tile).await;
    let ranges: Vec<String> = (0..1_000).map(|at| format!("{at}-{at}")).collect();
    for range in [ranges.join(","), "-0".into(), "5-2".into(), "0-0,-1".into()] {
        let got = send(&server, "GET", &tile, &format!("range: bytes={range}\r\n")).await;
        // One body once: no answer is put together of many parts.
        assert!(matches!(got.status, 200 | 416), "{range}: {}", got.status);
        assert!(got.status != 200 || got.body == whole.body, "{range}");
    }
    let tags = |count: usize| {
        let tags: Vec<String> = (0..count).map(|at| format!("\"{at}\"")).collect();
        format!("if-none-match: {},{}\r\n", tags.join(","), whole.header("etag"))
    };
    assert_eq!(send(&server, "GET", &tile, &tags(1_000)).await.status, 304);
    assert_eq!(send(&server, "GET", &tile, &tags(10_000)).await.status, 431);
    is_well(&server).await;
}

#[tokio::test]
async fn b68_headers_of_strangers_name_nothing_of_ours() {
    let server = with_image(300, 200).await;
    for headers in [
        "host: evil.example\r\n",
        "x-forwarded-host: evil.example\r\n",
        "x-forwarded-proto: evil\r\n",
        "x-forwarded-prefix: /evil\r\n",
        "x-forwarded-path: /evil\r\n",
        "x-forwarded-id: evil\r\n",
        "forwarded: host=evil.example;proto=evil\r\n",
        "accept: application/ld+json;q=NaN\r\n",
        "accept: image/*;q=1e999\r\n",
    ] {
        for rest in ["info.json", "full/max/0/default.jpg"] {
            let got = send(&server, "GET", &format!("{IMAGE}/{rest}"), headers).await;
            assert_eq!(got.status, 200, "{headers}");
            let told = format!("{}{}", got.head, String::from_utf8_lossy(&got.body));
            assert!(!told.contains("evil"), "{headers}: {told}");
        }
    }
    let accept = format!("accept: {}\r\n", "a/b,".repeat(10 * 1024 / 4));
    assert_eq!(send(&server, "GET", &format!("{IMAGE}/info.json"), &accept).await.status, 200);
    is_well(&server).await;
}

/// Whoever asks for a closed picture without being let in: nothing of it in any form.
#[tokio::test]
async fn b69_a_closed_picture_shows_no_pixel_by_any_way() {
    let server = with_image(1_300, 900).await;
    let open = get(&server, &format!("{IMAGE}/full/max/0/default.jpg")).await;
    let known = format!("if-none-match: {}\r\n", open.header("etag"));
    let (status, made) = server.send(Method::POST, "/customers", &json!({"name": "other"})).await;
    assert_eq!(status, 201, "{made}");
    let (status, key) = server.send(Method::POST, "/customers/2/keys", &json!({})).await;
    assert_eq!(status, 201, "{key}");
    server.send(Method::PATCH, &image_path("a"), &json!({ "roles": ["staff"] })).await;

    let cookie = format!("cookie: dlcs-auth-1={}; dlcs-auth-2=x\r\n", "0".repeat(64));
    let bearer = "authorization: Bearer 0123456789abcdef\r\n".to_owned();
    for request in [
        "/iiif-img/v3/1/1/a/full/max/0/default.jpg",
        "/iiif-img/v3/1/1/a/full/1,/0/bitonal.png",
        "/iiif-img/v3/1/1/a/0,0,512,512/512,512/0/default.jpg",
        "/iiif-img/v2/1/1/a/full/full/0/default.jpg",
        "/iiif-img/v2/1/1/a/square/100,/90/gray.jpg",
        "/iiif-img/1/1/a/pct:0,0,10,10/max/0/default.webp",
        "/thumbs/v3/1/1/a/full/400,277/0/default.jpg",
        "/thumbs/1/1/a/full/100,/0/default.jpg",
        "/file/1/1/a",
    ] {
        for headers in
            ["", &known, "if-none-match: *\r\n", &cookie, &bearer, "range: bytes=0-9\r\n"]
        {
            for method in ["GET", "HEAD"] {
                let got = send(&server, method, request, headers).await;
                assert_eq!(got.status, 401, "{method} {request} {headers}");
                let (tag, caching) = (got.header("etag"), got.header("cache-control"));
                assert!(tag.is_empty() && caching.contains("no-store"), "{request}: {}", got.head);
            }
        }
        let got = send(&server, "OPTIONS", request, "").await;
        assert_eq!((got.status, got.body.len()), (204, 0), "{request}");
        assert_eq!(got.header("etag"), "", "{request}");
        let foreign = server.request(Persona::Anonymous, Method::GET, request);
        let (id, secret) = (key["key"].as_str(), key["secret"].as_str());
        let foreign = foreign.basic_auth(id.expect("a key"), secret).send().await;
        let status = foreign.expect("an answer").status().as_u16();
        assert!(matches!(status, 401 | 403 | 404), "{request}: {status}");
    }
    // What describes it may be read, so that a viewer learns where to ask; nobody keeps it.
    let info = get(&server, "/iiif-img/v3/1/1/a/info.json").await;
    assert!(info.header("cache-control").contains("no-store"), "{}", info.head);
}
