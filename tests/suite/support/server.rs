//! A server of the test's own: a child process on a free port and a folder that goes afterwards.

use super::stores;
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// Key and secret of every test server.
pub(crate) const KEY: &str = "test-key";
pub(crate) const SECRET: &str = "test-secret";

/// How long anything may take before the test gives up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Persona {
    Anonymous,
    Admin,
}

pub(crate) struct Server {
    child: Option<Child>,
    pub(crate) base: String,
    data: DataFolder,
    /// Names its stores, for commands beside it too.
    stores: Vec<(&'static str, String)>,
    http: Client,
    /// Another process on the same stores, where roles are apart. Ends with this one.
    beside: Option<Box<Server>>,
}

/// A folder that is removed with the server, or one that somebody else keeps.
enum DataFolder {
    Own(tempfile::TempDir),
    Kept(PathBuf),
}

impl DataFolder {
    fn path(&self) -> &Path {
        match self {
            Self::Own(folder) => folder.path(),
            Self::Kept(path) => path,
        }
    }
}

/// What a manager was answered.
pub(crate) struct Managed {
    pub(crate) status: StatusCode,
    pub(crate) etag: String,
    pub(crate) location: String,
    /// JSON, or the text where it is none.
    pub(crate) body: Value,
}

impl Server {
    /// Starts on an empty folder.
    pub(crate) fn start() -> Self {
        if !stores::are_roles_apart() {
            return Self::start_with(&[]);
        }
        let data = tempfile::tempdir().expect("a temporary folder");
        let stores = stores::environment(data.path());
        // First, since the other one is ready when its read models are.
        let beside = Self::start_over(stores.clone(), &["--roles", "project,ingest,ocr"]);
        let mut server = Self::launch(DataFolder::Own(data), stores, &["--roles", "api"]);
        server.beside = Some(Box::new(beside));
        server
    }

    /// Starts on an empty folder with further flags.
    pub(crate) fn start_with(flags: &[&str]) -> Self {
        let data = tempfile::tempdir().expect("a temporary folder");
        let stores = stores::environment(data.path());
        Self::launch(DataFolder::Own(data), stores, flags)
    }

    /// Starts on a folder that stays.
    pub(crate) fn start_on(folder: &Path, flags: &[&str]) -> Self {
        Self::launch(DataFolder::Kept(folder.to_owned()), stores::environment(folder), flags)
    }

    /// Starts on an empty folder, over the stores that some variables name.
    pub(crate) fn start_over(stores: Vec<(&'static str, String)>, flags: &[&str]) -> Self {
        let data = tempfile::tempdir().expect("a temporary folder");
        Self::launch(DataFolder::Own(data), stores, flags)
    }

    /// Starts on a folder that stays, over the stores that some variables name, with more of its
    /// environment set. `Err`: what it said before it died without being ready.
    pub(crate) fn try_start(
        folder: &Path,
        stores: Vec<(&'static str, String)>,
        flags: &[&str],
        environment: &[(&str, &str)],
    ) -> Result<Self, Vec<String>> {
        let mut command = dlcs();
        command.envs(environment.iter().copied());
        Self::try_launch(command, DataFolder::Kept(folder.to_owned()), stores, flags)
    }

    fn launch(data: DataFolder, stores: Vec<(&'static str, String)>, flags: &[&str]) -> Self {
        let launched = Self::try_launch(dlcs(), data, stores, flags);
        launched.unwrap_or_else(|seen| panic!("the server ended: {seen:#?}"))
    }

    /// Starts and waits until it is ready; otherwise returns what it said before it ended.
    fn try_launch(
        mut command: Command,
        data: DataFolder,
        stores: Vec<(&'static str, String)>,
        flags: &[&str],
    ) -> Result<Self, Vec<String>> {
        let mut child = command
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(data.path())
            .args(["--admin-key", &format!("{KEY}:{SECRET}")])
            .args(flags)
            .envs(stores.iter().cloned())
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("the program starts");
        let lines = lines_of(child.stderr.take().expect("piped"));
        let (child, base) = (Some(child), String::new());
        let mut server = Self { child, base, data, stores, http: Client::new(), beside: None };
        server.base = await_line(&lines, "listening on ")?;
        await_line(&lines, "ready")?;
        Ok(server)
    }

    pub(crate) fn data(&self) -> &Path {
        self.data.path()
    }

    /// Returns what names one of its stores, if that is not in its folder.
    pub(crate) fn store(&self, variable: &str) -> Option<&str> {
        let store = self.stores.iter().find(|(name, _)| *name == variable);
        store.map(|(_, url)| url.as_str())
    }

    /// Returns the variables that name its stores.
    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        self.stores.clone()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.as_ref().expect("running").id()
    }

    /// Begins a request; `path` begins with `/`, or is a whole address of this server.
    pub(crate) fn request(&self, who: Persona, method: Method, path: &str) -> RequestBuilder {
        let url = if path.starts_with('/') { format!("{}{path}", self.base) } else { path.into() };
        let request = self.http.request(method, url);
        match who {
            Persona::Anonymous => request,
            Persona::Admin => request.basic_auth(KEY, Some(SECRET)),
        }
    }

    pub(crate) async fn get(&self, who: Persona, path: &str) -> Response {
        self.request(who, Method::GET, path).send().await.expect("the server answers")
    }

    /// Gets a JSON document that must be there.
    pub(crate) async fn json(&self, who: Persona, path: &str) -> Value {
        let response = self.get(who, path).await;
        let status = response.status();
        let text = response.text().await.expect("a body");
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}: {text}"))
    }

    /// Sends JSON as the administrator.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        body: &Value,
    ) -> (StatusCode, Value) {
        let request = self.request(Persona::Admin, method, path).json(body);
        let response = request.send().await.expect("the server answers");
        let status = response.status();
        let text = response.text().await.expect("a body");
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// Manages something stored, with extras, as its manager.
    pub(crate) async fn manage(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        if_match: Option<&str>,
    ) -> Managed {
        let request = self.request(Persona::Admin, method, path);
        let mut request = request.header("X-IIIF-CS-Show-Extras", "All");
        if let Some(body) = body {
            request = request.json(body);
        }
        if let Some(tag) = if_match {
            request = request.header("if-match", tag);
        }
        let response = request.send().await.expect("the server answers");
        let (status, headers) = (response.status(), response.headers().clone());
        let header = |name: &str| {
            headers.get(name).and_then(|it| it.to_str().ok()).unwrap_or_default().to_owned()
        };
        let (etag, location) = (header("etag"), header("location"));
        let text = response.text().await.expect("a body");
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Managed { status, etag, location, body }
    }

    /// Makes a space of this number.
    pub(crate) async fn space(&self, number: u32) {
        let path = format!("/customers/1/spaces/{number}");
        let body = serde_json::json!({ "name": format!("space-{number}") });
        let (status, answer) = self.send(Method::PUT, &path, &body).await;
        assert!(status.is_success(), "{status} {answer}");
    }

    /// Uploads a file as `1/1/{id}` and waits until it is delivered or has failed.
    pub(crate) async fn upload(&self, id: &str, bytes: Vec<u8>) -> Value {
        let path = image_path(id);
        let request = self.request(Persona::Admin, Method::PUT, &format!("{path}/content"));
        let response = request.body(bytes).send().await.expect("the server answers");
        let status = response.status();
        let text = response.text().await.expect("a body");
        assert!(status.is_success(), "{id}: {status} {text}");
        self.settled(id).await
    }

    /// Waits until `1/1/{id}` is no longer worked on.
    pub(crate) async fn settled(&self, id: &str) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let image = self.json(Persona::Admin, &image_path(id)).await;
            let again = image["error"]["nextAttempt"].is_string();
            if image["ingesting"] != Value::Bool(true) && !again {
                return image;
            }
            assert!(Instant::now() < deadline, "{id} is still worked on: {image}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until every projection has seen all that has happened: a search index on a node may be
    /// a moment behind, and is made when it is needed first.
    pub(crate) async fn projected(&self) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let status = self.command(&["projections", "status"]);
            let text = String::from_utf8_lossy(&status.stdout).into_owned();
            let mut lags = text.lines().filter(|line| line.contains("  lag "));
            if text.contains("search") && lags.all(|line| line.contains("  lag 0 ")) {
                return;
            }
            assert!(Instant::now() < deadline, "projections are behind: {text}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Runs another `dlcs` command for this server's folder and address.
    pub(crate) fn command(&self, args: &[&str]) -> Output {
        self.prepare(args).output().expect("the program runs")
    }

    /// Prepares another `dlcs` command for this server's folder and address.
    pub(crate) fn prepare(&self, args: &[&str]) -> Command {
        let mut command = dlcs();
        command
            .args(args)
            .env("DLCS_DATA", self.data())
            .envs(self.stores.iter().cloned())
            .env("DLCS_SERVER", &self.base)
            .env("DLCS_KEY", format!("{KEY}:{SECRET}"));
        command
    }

    /// Ends the process without warning.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Says whether the process has ended by itself.
    pub(crate) fn has_died(&mut self) -> bool {
        let child = self.child.as_mut().expect("not ended by us");
        child.try_wait().expect("a child can be waited for").is_some()
    }

    /// Waits until the process has ended by itself. `None`: it has not, in that time.
    pub(crate) async fn ended(&mut self, within: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + within;
        let child = self.child.as_mut().expect("not ended by us");
        while Instant::now() < deadline {
            if let Some(status) = child.try_wait().expect("a child can be waited for") {
                return Some(status);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        None
    }

    /// Sends SIGTERM and returns exit status and time.
    pub(crate) fn terminate(&mut self) -> (Option<i32>, Duration) {
        let mut child = self.child.take().expect("running");
        let begun = Instant::now();
        let pid = child.id().to_string();
        Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs");
        let status = child.wait().expect("the child ends");
        (status.code(), begun.elapsed())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The program under test, with nothing of this environment's settings.
pub(crate) fn dlcs() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dlcs"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("DLCS_") {
            command.env_remove(name);
        }
    }
    command.current_dir(std::env::temp_dir());
    command
}

/// Path of the management resource of `1/1/{id}`.
pub(crate) fn image_path(id: &str) -> String {
    format!("/customers/1/spaces/1/images/{}", segment(id))
}

/// Percent-encodes an id as one path segment.
pub(crate) fn segment(id: &str) -> String {
    percent_encoding::utf8_percent_encode(id, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// Reads on in a thread, so that the child never blocks on a full pipe.
fn lines_of(stderr: std::process::ChildStderr) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            if std::env::var_os("DLCS_TEST_LOG").is_some() {
                eprintln!("{line}");
            }
            // After start-up nobody listens any more.
            let _ = sender.send(line);
        }
    });
    receiver
}

/// Waits for a line; returns what was said instead when the program ends.
fn await_line(lines: &Receiver<String>, prefix: &str) -> Result<String, Vec<String>> {
    let mut seen = Vec::new();
    let deadline = Instant::now() + PATIENCE;
    loop {
        match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) => match line.strip_prefix(prefix) {
                Some(rest) => return Ok(rest.to_owned()),
                None => seen.push(line),
            },
            Err(RecvTimeoutError::Timeout) => panic!("no line `{prefix}` in time: {seen:#?}"),
            Err(RecvTimeoutError::Disconnected) => return Err(seen),
        }
    }
}
