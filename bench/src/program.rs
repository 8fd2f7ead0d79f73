//! The program under test, as a child process: the server, and commands on its stores.

use crate::client::Connection;
use crate::process::peak_of;
use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};
use tokio::time::{Instant, sleep, timeout};

const ADMIN_KEY: &str = "bench:bench-secret";
/// `ADMIN_KEY` as HTTP Basic wants it.
pub(crate) const AUTHORIZATION: &str = "Basic YmVuY2g6YmVuY2gtc2VjcmV0";
/// How long anything may take before the scenario gives up.
const PATIENCE: Duration = Duration::from_secs(120);

/// Where the program is.
#[derive(Debug, Clone)]
pub(crate) struct Program(pub(crate) PathBuf);

impl Program {
    /// Begins a command without any setting of this environment.
    pub(crate) fn command(&self, data: &Path) -> Command {
        let mut command = Command::new(&self.0);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("DLCS_") {
                command.env_remove(name);
            }
        }
        command.current_dir(data).arg("--data").arg(data).kill_on_drop(true);
        command
    }

    /// Starts a server on `data` and waits until it is ready.
    pub(crate) async fn serve(&self, data: &Path, flags: &[&str]) -> Result<Server> {
        let mut child = self
            .command(data)
            .args(["serve", "--listen", "127.0.0.1:0", "--admin-key", ADMIN_KEY])
            .args(["--log", "error"])
            .args(flags)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .context("the server does not start")?;
        let mut lines = BufReader::new(child.stderr.take().context("a pipe")?).lines();
        let base = await_line(&mut lines, "listening on ").await?;
        await_line(&mut lines, "ready").await?;
        let address = base.trim().trim_start_matches("http://").trim_end_matches('/').to_owned();
        // Reads on, so that the server never blocks on a full pipe.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok(Server { child, address })
    }
}

async fn await_line(lines: &mut Lines<BufReader<ChildStderr>>, prefix: &str) -> Result<String> {
    let mut seen = Vec::new();
    loop {
        match timeout(PATIENCE, lines.next_line()).await {
            Err(_) => bail!("no line `{prefix}` in time: {seen:?}"),
            Ok(line) => match line? {
                None => bail!("the server ended: {seen:?}"),
                Some(line) => match line.strip_prefix(prefix) {
                    Some(rest) => return Ok(rest.to_owned()),
                    None => seen.push(line),
                },
            },
        }
    }
}

/// A running server. Dropping it ends it without warning.
pub(crate) struct Server {
    child: Child,
    /// Host and port.
    pub(crate) address: String,
}

impl Server {
    /// Makes space 1 of customer 1.
    pub(crate) async fn make_space(&self) -> Result<()> {
        let mut connection = Connection::open(&self.address).await?;
        let body = json!({ "name": "bench" }).to_string();
        let answer = connection.put_json("/customers/1/spaces/1", body).await?;
        ensure!(answer.status.is_success(), "no space: {}", answer.text());
        Ok(())
    }

    /// Opens a connection to it.
    pub(crate) async fn connect(&self) -> Result<Connection> {
        Connection::open(&self.address).await
    }

    /// Uploads an image as `1/1/{id}`; it is ingested afterwards.
    pub(crate) async fn upload(&self, id: &str, image: Vec<u8>) -> Result<()> {
        let mut connection = Connection::open(&self.address).await?;
        let path = format!("{}/content", image_path(id));
        let answer =
            connection.send("PUT", &path, &[("content-type", "image/jpeg")], image).await?;
        ensure!(answer.status.is_success(), "upload of {id}: {}", answer.text());
        Ok(())
    }

    /// Waits until `1/1/{id}` is delivered.
    pub(crate) async fn delivered(&self, id: &str) -> Result<()> {
        let mut connection = Connection::open(&self.address).await?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = connection.get(&image_path(id)).await?;
            ensure!(answer.status.is_success(), "{id}: {}", answer.text());
            let image: Value = serde_json::from_slice(&answer.body)?;
            ensure!(!image["error"].is_object(), "{id} failed: {}", image["error"]);
            if image["ingesting"] != Value::Bool(true) {
                return Ok(());
            }
            ensure!(Instant::now() < deadline, "{id} is not delivered in time");
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// Returns its process.
    pub(crate) fn pid(&self) -> Result<u32> {
        self.child.id().context("the server has ended")
    }

    /// Returns the most memory that the server's own process has had, without its workers.
    pub(crate) fn peak_bytes(&self) -> Result<u64> {
        self.child.id().and_then(peak_of).context("the server has ended")
    }

    /// Asks the server to stop and waits until it has.
    pub(crate) async fn stop(mut self) -> Result<()> {
        let pid = self.child.id().context("the server has ended")?;
        let kill = Command::new("kill").args(["-TERM", &pid.to_string()]).status().await?;
        ensure!(kill.success(), "the server cannot be stopped");
        let status = timeout(PATIENCE, self.child.wait()).await.context("it does not stop")??;
        ensure!(status.success(), "the server ended with {status}");
        Ok(())
    }
}

/// Path of the management resource of `1/1/{id}`.
pub(crate) fn image_path(id: &str) -> String {
    format!("/customers/1/spaces/1/images/{id}")
}
