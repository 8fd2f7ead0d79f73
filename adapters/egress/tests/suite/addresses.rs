//! Addresses of the inside: refused before anything is connected to.

use crate::support::{Canary, Origin, all_names_are_local, egress, fetch, reply};
use dlcs_adapter_egress::{Egress, Lookup};
use dlcs_ingest::{OriginError, Origins};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// B1 to B19, B22 to B24. `PORT` stands for the canary's port.
const REFUSED_AT_SIGHT: &[&str] = &[
    "http://127.0.0.1:5432/",
    "http://127.0.0.1/",
    "http://127.0.0.1:PORT/",
    "http://localhost/",
    "http://localhost.",
    "http://LOCALHOST:PORT/",
    "http://a.localhost/",
    "http://0.0.0.0/",
    "http://0.0.0.0:PORT/",
    "http://0/",
    "http://2130706433/",
    "http://0x7f.1/",
    "http://017700000001/",
    "http://127.1/",
    "http://127.1:PORT/",
    "http://[::1]/",
    "http://[::]/",
    "http://[::]:PORT/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:127.0.0.1]:PORT/",
    "http://[::ffff:7f00:1]/",
    "http://[::127.0.0.1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[64:ff9b:1::7f00:1]/",
    "http://[2002:7f00:1::]/",
    "http://[2001:0:7f00:1::1]/",
    "http://[fe80::5efe:7f00:1]/",
    "http://169.254.169.254/latest/meta-data/",
    "http://[fd00:ec2::254]/",
    "http://metadata.google.internal/",
    "http://100.64.0.1/",
    "http://100.100.100.200/",
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://192.168.0.1/",
    "http://198.18.0.1/",
    "http://192.0.0.1/",
    "http://240.0.0.1/",
    "http://255.255.255.255/",
    "http://224.0.0.1/",
    "http://[fe80::1%25eth0]/",
    "http://[fe80::1]/",
    "http://[fc00::1]/",
    "http://[ff02::1]/",
    "http://user:pass@127.0.0.1@example.org/",
    "http://user@example.org/",
    "http://:pass@example.org/",
    "http://127.0.0.1\\@example.org/",
    "http://example.org\\@127.0.0.1/",
    "http://①②⑦.⓪.⓪.①/",
    "http://example.org%00.local/",
    "http://127.0.\t0.1/",
    "http://exa\nmple.org/",
    "file:///etc/passwd",
    "FILE:/etc/passwd",
    "file://example.org/etc/passwd",
    "ftp://example.org/",
    "data:image/png;base64,AAAA",
    "jar:http://example.org/a.jar!/b",
    "unix:/var/run/docker.sock",
    "//127.0.0.1/x",
    "s3://other-tenant/x",
    "s3://bucket/../x",
    "gopher://127.0.0.1:PORT/",
    "http://example.org:22/",
    "http://example.org:6379/",
    "http://example.org:9200/",
    "http://example.org:2113/",
    "http://example.org:0/",
    "http://example.org:65536/",
    "http://",
    "",
];

fn is_forbidden<T>(result: &Result<T, OriginError>) -> bool {
    matches!(result, Err(OriginError::Forbidden(_)))
}

fn answers(addresses: &'static [&'static str]) -> Lookup {
    Arc::new(move |_| {
        let parse = |it: &&str| it.parse().expect("an address");
        Box::pin(async move { Ok(addresses.iter().map(parse).collect()) })
    })
}

#[tokio::test]
async fn addresses_of_the_inside_are_refused_at_sight() {
    let canary = Canary::start().await;
    let egress = egress(&[], &all_names_are_local());
    let long = format!("http://example.org/{}", "a".repeat(8 * 1024));
    for url in REFUSED_AT_SIGHT.iter().copied().chain([long.as_str()]) {
        let url = url.replace("PORT", &canary.port.to_string());
        assert!(is_forbidden(&egress.check(&url)), "check {url}: {:?}", egress.check(&url));
        assert!(is_forbidden(&fetch(&egress, &url).await), "fetch {url}");
    }
    assert_eq!(canary.accepted().await, 0);
}

/// B20: answers of name servers.
#[tokio::test]
async fn names_with_an_address_of_the_inside_are_refused() {
    for inside in [
        answers(&["127.0.0.1"]),
        answers(&["93.184.215.14", "127.0.0.1"]),
        answers(&["127.0.0.1", "93.184.215.14"]),
        answers(&["::ffff:127.0.0.1"]),
        answers(&["::1"]),
        answers(&["169.254.169.254"]),
    ] {
        let egress = egress(&[], &inside);
        assert!(egress.check("http://example.org/").is_ok());
        assert!(is_forbidden(&fetch(&egress, "http://example.org/").await));
        assert!(is_forbidden(&fetch(&egress, "https://example.org/").await));
    }
}

/// B20: the name is public when first asked about and private afterwards.
#[tokio::test]
async fn a_name_that_changes_its_mind_gains_nothing() {
    let canary = Canary::start().await;
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let rebinding: Lookup = Arc::new(move |_| {
        // TEST-NET-1 stands for a public address: allowed here, and nobody answers there.
        let first = counter.fetch_add(1, Ordering::SeqCst) == 0;
        let address = if first { [192, 0, 2, 1] } else { [127, 0, 0, 1] };
        Box::pin(async move { Ok(vec![IpAddr::from(address)]) })
    });
    let egress = egress(&["192.0.2.0/24"], &rebinding);
    let url = format!("http://example.org:{}/", canary.port);
    assert!(!is_forbidden(&fetch(&egress, &url).await), "the first address is allowed");
    assert_eq!(asked.load(Ordering::SeqCst), 1, "one look-up serves check and connection");
    assert!(is_forbidden(&fetch(&egress, &url).await), "the second is not");
    assert_eq!(canary.accepted().await, 0);
}

/// B22: what looks like the inside and is not.
#[tokio::test]
async fn a_fragment_is_no_host() {
    let canary = Canary::start().await;
    let nowhere: Lookup =
        Arc::new(|_| Box::pin(async { Err(std::io::ErrorKind::NotFound.into()) }));
    let egress = egress(&[], &nowhere);
    let fetched = fetch(&egress, "http://example.org#@127.0.0.1/").await;
    assert!(matches!(fetched, Err(OriginError::Unreachable(_))), "{fetched:?}");
    assert_eq!(canary.accepted().await, 0);
}

#[tokio::test]
async fn the_allow_list_opens_exactly_what_it_names() {
    let origin = Origin::start(|_, mut connection| async move {
        reply(&mut connection, "200 OK", "", b"image").await
    })
    .await;
    let port = origin.port;
    let lookup = all_names_are_local();
    let reaches = async |egress: &Egress, host: &str| {
        fetch(egress, &format!("http://{host}:{port}/")).await.is_ok()
    };
    let by_host = egress(&["origin.test"], &lookup);
    assert!(reaches(&by_host, "origin.test").await);
    assert!(!reaches(&by_host, "other.test").await);
    assert!(!reaches(&by_host, "127.0.0.1").await);
    let by_network = egress(&["127.0.0.0/8"], &lookup);
    assert!(reaches(&by_network, "127.0.0.1").await);
    assert!(reaches(&by_network, "origin.test").await);
    assert!(reaches(&by_network, "[::ffff:127.0.0.1]").await || cfg!(not(target_os = "linux")));
    assert!(!reaches(&by_network, "[::1]").await);
}

#[tokio::test]
async fn files_are_taken_from_allowed_folders_alone() {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    std::fs::write(folder.path().join("page 1.jpg"), b"page").expect("it can be written");
    let egress = egress(&[folder.path().to_str().expect("UTF-8")], &all_names_are_local());
    let below = |rest: &str| format!("file://{}/{rest}", folder.path().display());
    let (fetched, bytes) = fetch(&egress, &below("page%201.jpg")).await.expect("it is allowed");
    assert_eq!((bytes.as_slice(), fetched.length_bytes), (&b"page"[..], 4));
    assert_eq!(fetched.sha256, dlcs_objects::Digest::of(b"page"));
    for rest in ["../etc/passwd", "..%2F..%2F..%2Fetc%2Fpasswd", "%2e%2e/%2e%2e/etc/passwd"] {
        assert!(is_forbidden(&egress.check(&below(rest))), "{rest}");
    }
    assert!(is_forbidden(&fetch(&egress, "file:///etc/passwd").await));
    let missing = fetch(&egress, &below("no.jpg")).await;
    assert!(matches!(missing, Err(OriginError::NotFound(_))));
}

/// B26, seen from a process whose environment names a proxy.
#[tokio::test]
async fn no_proxy_of_the_environment_is_used() {
    let proxy = Canary::start().await;
    let address = format!("http://127.0.0.1:{}", proxy.port);
    let program = std::env::current_exe().expect("the test program has a path");
    let mut child = tokio::process::Command::new(program);
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
        child.env(name, &address);
    }
    child.args(["--exact", "addresses::the_allow_list_opens_exactly_what_it_names"]);
    let output = child.output().await.expect("the test program starts again");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
    assert_eq!(proxy.accepted().await, 0);
}
