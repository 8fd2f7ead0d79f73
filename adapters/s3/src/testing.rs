//! A real S3 server for tests (`s3s-fs`), in this process and on loopback, which fails to order.

mod service;

use crate::settings::{Credentials, Patience, S3Settings, Secret};
use service::Faults;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

pub const ACCESS_KEY: &str = "test-access-key";
pub const SECRET_KEY: &str = "test-secret-key";
pub const BUCKET: &str = "scans";

/// What becomes of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is answered 500 and not carried out.
    Refused,
    /// Its answer breaks off after so many bytes of the body.
    AnswerCut(usize),
    /// The connection is closed while its body is on the way.
    RequestCut,
    /// It is carried out, and the connection closed instead of an answer.
    AnswerLost,
    /// It waits so long.
    Slow(Duration),
}

/// The server, until it is dropped.
pub struct TestStore {
    address: SocketAddr,
    folder: tempfile::TempDir,
    faults: Arc<Faults>,
    /// Ends the thread, with its runtime.
    _stop: tokio::sync::oneshot::Sender<()>,
}

impl TestStore {
    /// Starts a server with one empty bucket.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join(BUCKET)).expect("a bucket is a folder");
        let faults = Arc::new(Faults::default());
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let (tell, told) = std::sync::mpsc::channel();
        let (root, shared) = (folder.path().to_owned(), Arc::clone(&faults));
        // A runtime of its own: tests have several, and some end before the store does.
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
            let runtime = runtime.expect("a runtime starts");
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await;
                let listener = listener.expect("there is a free port");
                tell.send(listener.local_addr().expect("it is bound")).expect("somebody waits");
                tokio::select! {
                    () = service::serve(listener, &root, shared) => {}
                    _ = stopped => {}
                }
            });
            runtime.shutdown_background();
        });
        let address = told.recv().expect("the server starts");
        Self { address, folder, faults, _stop: stop }
    }

    /// Returns the settings of a place of its own in the bucket.
    pub fn settings(&self, prefix: &str) -> S3Settings {
        S3Settings {
            bucket: BUCKET.to_owned(),
            prefix: prefix.to_owned(),
            endpoint: Some(self.endpoint()),
            region: "us-east-1".to_owned(),
            credentials: Credentials::Key {
                access_key: ACCESS_KEY.to_owned(),
                secret_key: Secret(SECRET_KEY.to_owned()),
                session_token: None,
            },
            path_style: true,
            cache_bytes: 0,
            patience: Patience::default(),
        }
    }

    pub fn endpoint(&self) -> Url {
        format!("http://{}/", self.address).parse().expect("an address")
    }

    /// Returns the file of an object.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(BUCKET).join(name)
    }

    /// Returns the folder in which the server keeps everything.
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Orders what becomes of the next requests of a method, one after the other.
    pub fn fail_next(&self, method: &str, faults: &[Fault]) {
        self.faults.order(method, faults);
    }

    /// From now on every connection is closed, or none any more.
    pub fn set_away(&self, is_away: bool) {
        self.faults.set_away(is_away);
    }

    /// Returns how many requests of a method have come.
    pub fn requests(&self, method: &str) -> usize {
        self.faults.requests(method)
    }
}
