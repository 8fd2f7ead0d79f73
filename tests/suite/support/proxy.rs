//! A line to the database that breaks in every way that lines break.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What becomes of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    Both,
    /// Black hole: nothing arrives anywhere, and nobody is told.
    Nothing,
    /// Half open: the server hears, and its answers are lost.
    ToServerOnly,
}

/// A proxy on loopback. Ends with the runtime of its test.
pub(crate) struct Proxy {
    port: u16,
    line: Arc<Line>,
}

struct Line {
    flow: watch::Sender<Flow>,
    /// Counts the resets: whoever sees it grow is reset.
    resets: watch::Sender<u32>,
    /// Connections are closed as soon as they are made.
    is_refusing: AtomicBool,
    /// The next COMMIT is passed on, and its answer is not.
    cut_after_commit: AtomicBool,
    cuts: AtomicUsize,
}

/// `COMMIT` as a simple query.
const COMMIT: &[u8] = b"Q\x00\x00\x00\x0bCOMMIT\x00";

impl Proxy {
    pub(crate) async fn start(server_port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("there is a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let line = Arc::new(Line {
            flow: watch::Sender::new(Flow::Both),
            resets: watch::Sender::new(0),
            is_refusing: AtomicBool::new(false),
            cut_after_commit: AtomicBool::new(false),
            cuts: AtomicUsize::new(0),
        });
        let shared = Arc::clone(&line);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if !shared.is_refusing.load(Ordering::SeqCst) {
                    tokio::spawn(pass(client, server_port, Arc::clone(&shared)));
                }
            }
        });
        Self { port, line }
    }

    /// Returns the url of a database, by way of here.
    pub(crate) fn url(&self, url: &str, server_port: u16) -> String {
        url.replace(&format!(":{server_port}/"), &format!(":{}/", self.port))
    }

    pub(crate) fn set_flow(&self, flow: Flow) {
        self.line.flow.send_replace(flow);
    }

    /// Resets every connection (RST, not an orderly end).
    pub(crate) fn reset(&self) {
        self.line.resets.send_modify(|count| *count += 1);
    }

    pub(crate) fn refuse(&self, is_refusing: bool) {
        self.line.is_refusing.store(is_refusing, Ordering::SeqCst);
    }

    /// Orders that the answer to the next commit is lost.
    pub(crate) fn cut_after_commit(&self) {
        self.line.cut_after_commit.store(true, Ordering::SeqCst);
    }

    /// Returns how many answers to commits were lost.
    pub(crate) fn cuts(&self) -> usize {
        self.line.cuts.load(Ordering::SeqCst)
    }
}

/// One connection, until it ends, is cut, or is reset.
async fn pass(client: TcpStream, server_port: u16, line: Arc<Line>) {
    // A server that is stopped: the client finds its connection closed.
    let Ok(server) = TcpStream::connect(("127.0.0.1", server_port)).await else { return };
    // Delays would be our fault, not a network's. And what is dropped is reset, for the client.
    let _ = (client.set_nodelay(true), server.set_nodelay(true), client.set_zero_linger());
    let mut resets = line.resets.subscribe();
    let ((from_client, to_client), (from_server, to_server)) =
        (client.into_split(), server.into_split());
    tokio::select! {
        () = up(from_client, to_server, &line) => {}
        () = down(from_server, to_client, &line) => {}
        _ = resets.changed() => {}
    }
}

async fn up(mut client: OwnedReadHalf, mut server: OwnedWriteHalf, line: &Line) {
    let mut buffer = vec![0; 1 << 16];
    let mut flow = line.flow.subscribe();
    while let Ok(length) = client.read(&mut buffer).await
        && length > 0
    {
        let bytes = &buffer[..length];
        if flow.wait_for(|it| *it != Flow::Nothing).await.is_err() {
            return;
        }
        // Written at once, and so small that it comes in one piece.
        let commit = bytes.windows(COMMIT.len()).position(|it| it == COMMIT);
        let end = commit
            .filter(|_| line.cut_after_commit.swap(false, Ordering::SeqCst))
            .map(|at| at + COMMIT.len());
        if server.write_all(&bytes[..end.unwrap_or(length)]).await.is_err() {
            return;
        }
        if end.is_some() {
            line.cuts.fetch_add(1, Ordering::SeqCst);
            // The server reads all of it before it finds the end.
            let _ = server.shutdown().await;
            return;
        }
    }
}

async fn down(mut server: OwnedReadHalf, mut client: OwnedWriteHalf, line: &Line) {
    let mut buffer = vec![0; 1 << 16];
    let mut flow = line.flow.subscribe();
    while let Ok(length) = server.read(&mut buffer).await
        && length > 0
    {
        let now = *flow.borrow_and_update();
        match now {
            Flow::Both => {}
            Flow::ToServerOnly => continue,
            Flow::Nothing => {
                if flow.wait_for(|it| *it != Flow::Nothing).await.is_err() {
                    return;
                }
            }
        }
        if client.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}
