//! A server for tests: an in-process double that speaks the server's protocol, version 1, over
//! HTTP/2 without TLS. It keeps everything in memory, and fails on demand.
//!
//! It is strict where the real one is: positions are sparse, reading from between two records is
//! refused, a repetition is answered as if it had just been written, and an append whose expectation
//! holds is not searched for old ids.

mod eager;
mod messages;
#[expect(clippy::result_large_err, reason = "a status is what the framework wants back")]
mod reading;
#[expect(clippy::result_large_err, reason = "a status is what the framework wants back")]
mod service;
mod state;

pub use state::{Fault, System};

use service::Service;
use state::State;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Ports that the system gives to nobody by itself.
const PORTS: std::ops::Range<u16> = 20_000..32_000;
const NODES: usize = 2;

/// Two nodes of one store; the first one leads until it is told otherwise.
pub struct Double {
    state: Arc<State>,
    nodes: [Node; NODES],
}

struct Node {
    address: SocketAddr,
    /// `None`: it is stopped.
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Double {
    /// Starts an empty store that stamps events by `clock`.
    pub async fn start(clock: dlcs_eventlog::log::Clock) -> Self {
        let (first, second) = (listen().await, listen().await);
        let addresses = [&first, &second].map(|it| it.local_addr().expect("it is bound"));
        let state = Arc::new(State::new(clock, addresses));
        let nodes = addresses.map(|address| Node { address, task: Mutex::default() });
        let double = Self { state, nodes };
        for (index, listener) in [first, second].into_iter().enumerate() {
            double.run(index, listener);
        }
        double
    }

    /// The address of the first node.
    pub fn url(&self) -> String {
        self.url_with("")
    }

    /// As [`url`](Self::url), with user and password, `user:password@`.
    pub fn url_with(&self, user: &str) -> String {
        format!("kurrentdb://{user}{}?tls=false", self.nodes[0].address)
    }

    /// What the store does wrong from now on.
    pub fn set(&self, fault: Fault) {
        self.state.set(fault);
    }

    /// What surrounds the events of tests.
    pub fn system(&self) -> System<'_> {
        System(&self.state)
    }

    /// Breaks every connection; new ones are taken.
    pub fn hang_up(&self) {
        self.state.hang_up();
    }

    /// Breaks every connection and takes no new one.
    pub fn stop(&self) {
        for node in &self.nodes {
            if let Some(task) = node.task.lock().unwrap_or_else(PoisonError::into_inner).take() {
                task.abort();
            }
        }
        self.state.hang_up();
    }

    /// Takes connections again, under the same addresses.
    pub async fn start_again(&self) {
        for index in 0..NODES {
            let listener = bind(self.nodes[index].address).await;
            self.run(index, listener);
        }
    }

    fn run(&self, index: usize, listener: TcpListener) {
        let service = Service::new(Arc::clone(&self.state), index);
        let task = tokio::spawn(service.serve(listener));
        *self.nodes[index].task.lock().unwrap_or_else(PoisonError::into_inner) = Some(task);
    }
}

impl Drop for Double {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn listen() -> TcpListener {
    loop {
        let port = rand::random_range(PORTS);
        if let Ok(listener) = TcpListener::bind(("127.0.0.1", port)).await {
            return listener;
        }
    }
}

/// Connections that were broken may hold the port for a moment.
async fn bind(address: SocketAddr) -> TcpListener {
    for _ in 0..100 {
        match TcpListener::bind(address).await {
            Ok(listener) => return listener,
            Err(_) => tokio::time::sleep(std::time::Duration::from_millis(20)).await,
        }
    }
    panic!("{address} stays taken");
}
