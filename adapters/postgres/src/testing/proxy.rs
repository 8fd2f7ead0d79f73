//! A line between a client and the server that is cut at the worst moment.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Where a connection is cut, seen from the client's next `COMMIT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// The server never sees it, and gives everything up.
    BeforeCommit,
    /// The server does it, and its answer never arrives.
    AfterCommit,
}

/// Passes connections through, until it is told to cut.
pub struct Proxy {
    port: u16,
    orders: Arc<Orders>,
}

#[derive(Default)]
struct Orders {
    next: Mutex<Option<Cut>>,
    done: AtomicUsize,
}

/// `COMMIT` as a simple query.
const COMMIT: &[u8] = b"Q\x00\x00\x00\x0bCOMMIT\x00";

impl Proxy {
    /// Listens on loopback, as long as the process lives, for a server there.
    pub fn start(server_port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("loopback has a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let orders = Arc::new(Orders::default());
        let shared = Arc::clone(&orders);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // A server that is stopped: the client finds its connection closed.
                let Ok(server) = TcpStream::connect(("127.0.0.1", server_port)) else { continue };
                pass(&client, &server, &shared);
            }
        });
        Self { port, orders }
    }

    /// Returns the url of a database, by way of here.
    pub fn url(&self, url: &str, server_port: u16) -> String {
        url.replace(&format!(":{server_port}/"), &format!(":{}/", self.port))
    }

    /// Orders the next cut, of whichever connection comes to it first.
    pub fn cut(&self, cut: Cut) {
        *self.orders.next.lock().unwrap_or_else(PoisonError::into_inner) = Some(cut);
    }

    /// Returns how many cuts were made.
    pub fn cuts(&self) -> usize {
        self.orders.done.load(Ordering::SeqCst)
    }
}

/// Both directions, a thread each.
fn pass(client: &TcpStream, server: &TcpStream, orders: &Arc<Orders>) {
    let clone = |stream: &TcpStream| stream.try_clone().expect("a handle can be copied");
    for stream in [client, server] {
        // A delay would be no fault of a network, but of ours.
        let _ = stream.set_nodelay(true);
    }
    let (from, to, orders) = (clone(client), clone(server), Arc::clone(orders));
    std::thread::spawn(move || to_server(from, to, &orders));
    let (from, to) = (clone(server), clone(client));
    std::thread::spawn(move || to_client(from, to));
}

fn to_server(mut client: TcpStream, mut server: TcpStream, orders: &Orders) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(length) = client.read(&mut buffer)
        && length > 0
    {
        let bytes = &buffer[..length];
        // Written at once, and so small that it comes in one piece.
        let at = bytes.windows(COMMIT.len()).position(|it| it == COMMIT);
        let order = at.and_then(|at| orders.take().map(|cut| (at, cut)));
        let Some((at, cut)) = order else {
            if server.write_all(bytes).is_err() {
                break;
            }
            continue;
        };
        let end = if cut == Cut::BeforeCommit { at } else { at + COMMIT.len() };
        // What fails here is cut all the same.
        let _ = server.write_all(&bytes[..end]);
        break;
    }
    let _ = client.shutdown(Shutdown::Both);
    // Only this direction: the server shall read everything before it finds the end.
    let _ = server.shutdown(Shutdown::Write);
}

fn to_client(mut server: TcpStream, mut client: TcpStream) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(length) = server.read(&mut buffer)
        && length > 0
    {
        // After a cut nobody listens; the server is heard out.
        let _ = client.write_all(&buffer[..length]);
    }
    let _ = client.shutdown(Shutdown::Both);
}

impl Orders {
    fn take(&self) -> Option<Cut> {
        let cut = self.next.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.done.fetch_add(usize::from(cut.is_some()), Ordering::SeqCst);
        cut
    }
}
