//! A canary that counts who connects, and an origin server that misbehaves on demand.

use dlcs_adapter_egress::{AllowList, Egress, FetchLimits, Lookup};
use dlcs_ingest::{Fetched, OriginCredentials, OriginError, Origins};
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// A listener on loopback that counts connections and answers nothing.
pub(crate) struct Canary {
    pub(crate) port: u16,
    accepted: Arc<AtomicUsize>,
}

impl Canary {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback can be bound");
        let port = listener.local_addr().expect("it is bound").port();
        let accepted = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&accepted);
        tokio::spawn(async move {
            while listener.accept().await.is_ok() {
                counter.fetch_add(1, Ordering::SeqCst);
            }
        });
        Self { port, accepted }
    }

    /// Returns how many connections were made. One of our own flushes the queue first.
    pub(crate) async fn accepted(&self) -> usize {
        let before = self.accepted.load(Ordering::SeqCst);
        TcpStream::connect(("127.0.0.1", self.port)).await.expect("the canary lives");
        while self.accepted.load(Ordering::SeqCst) == before {
            tokio::task::yield_now().await;
        }
        self.accepted.fetch_sub(1, Ordering::SeqCst) - 1
    }
}

/// A server on loopback whose answers `answer` writes; it gets the path and the connection.
pub(crate) struct Origin {
    pub(crate) port: u16,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Origin {
    pub(crate) async fn start<F>(answer: fn(String, TcpStream) -> F) -> Self
    where
        F: Future<Output = std::io::Result<()>> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback can be bound");
        let port = listener.local_addr().expect("it is bound").port();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&heads);
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                let log = Arc::clone(&log);
                tokio::spawn(async move {
                    let (head, connection) = read_head(connection).await?;
                    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
                    log.lock().expect("no test panics with it").push(head);
                    answer(path, connection).await
                });
            }
        });
        Self { port, heads }
    }

    /// Returns the requests so far, what they bring along included, in lower case.
    pub(crate) fn heads(&self) -> Vec<String> {
        let heads = self.heads.lock().expect("no test panics with it");
        heads.iter().map(|head| head.to_lowercase()).collect()
    }
}

async fn read_head(connection: TcpStream) -> std::io::Result<(String, TcpStream)> {
    let mut reader = BufReader::new(connection);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).await? == 0 {
            break;
        }
    }
    let length = head.to_lowercase().lines().find_map(|line| {
        line.strip_prefix("content-length: ").and_then(|length| length.parse().ok())
    });
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).await?;
    head.push_str(&String::from_utf8_lossy(&body));
    Ok((head, reader.into_inner()))
}

/// Writes one answer with a length.
pub(crate) async fn reply(
    connection: &mut TcpStream,
    status: &str,
    headers: &str,
    body: &[u8],
) -> std::io::Result<()> {
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\n\r\n");
    connection.write_all(head.as_bytes()).await?;
    connection.write_all(body).await
}

/// Resolves every name to 127.0.0.1.
pub(crate) fn all_names_are_local() -> Lookup {
    Arc::new(|_| Box::pin(async { Ok(vec![IpAddr::from([127, 0, 0, 1])]) }))
}

pub(crate) fn short_limits() -> FetchLimits {
    FetchLimits {
        body_bytes_max: 100_000,
        connect: Duration::from_millis(500),
        first_byte: Duration::from_millis(400),
        window_bytes_min: 1_000,
        rate_window: Duration::from_millis(300),
        total: Duration::from_millis(1_500),
        redirects_max: 3,
        message: Duration::from_millis(600),
    }
}

pub(crate) fn egress(allow: &[&str], lookup: &Lookup) -> Egress {
    let allow: Vec<_> = allow.iter().map(|&entry| entry.to_owned()).collect();
    let allow = AllowList::parse(&allow).expect("the entries are well-formed");
    Egress::with_lookup(allow, short_limits(), lookup).expect("a client can be made")
}

/// Fetches into a file of its own and returns what was fetched and the bytes.
pub(crate) async fn fetch(egress: &Egress, url: &str) -> Result<(Fetched, Vec<u8>), OriginError> {
    fetch_as(egress, url, None).await
}

/// The same, with what the origin wants to be told.
pub(crate) async fn fetch_as(
    egress: &Egress,
    url: &str,
    credentials: Option<&OriginCredentials>,
) -> Result<(Fetched, Vec<u8>), OriginError> {
    let into = tempfile::NamedTempFile::new().expect("there is room for a file");
    let fetched = egress.fetch(url, credentials, into.path()).await?;
    let bytes = std::fs::read(into.path()).expect("it was just written");
    Ok((fetched, bytes))
}
