//! The peer of delivery: nginx with a folder of files or before others, set up as one would in earnest.

use crate::process::run;
use anyhow::{Context, Result, bail};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

const PATIENCE: Duration = Duration::from_secs(10);

/// A running nginx. Dropping it ends it.
pub(crate) struct Nginx {
    master: Child,
    /// Host and port.
    pub(crate) address: String,
}

impl Nginx {
    /// Serves `files` on a free port; `work` takes its configuration and its temporary files.
    pub(crate) async fn serve(files: &Path, work: &Path) -> Result<Self> {
        Self::start("", &format!("root \"{}\";", files.display()), work).await
    }

    /// Starts on a free port with more to say to its `http` and to its `server`.
    pub(crate) async fn start(http: &str, server: &str, work: &Path) -> Result<Self> {
        let address = free_address()?.to_string();
        let file = work.join("nginx.conf");
        std::fs::write(&file, configuration(&address, http, server, work).await?)?;
        let master = Command::new("nginx")
            .arg("-e")
            .arg(work.join("nginx-error.log"))
            .arg("-c")
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("nginx does not start")?;
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(&address).await.is_err() {
            if Instant::now() > deadline {
                let log = std::fs::read_to_string(work.join("nginx-error.log"));
                bail!("nginx does not answer: {}", log.unwrap_or_default());
            }
            sleep(Duration::from_millis(20)).await;
        }
        Ok(Self { master, address })
    }

    /// Returns the process whose children do the work.
    pub(crate) fn pid(&self) -> Result<u32> {
        self.master.id().context("nginx has ended")
    }

    /// Ends master and workers, and waits until they have gone.
    pub(crate) async fn stop(mut self) -> Result<()> {
        let pid = self.master.id().context("nginx has ended")?.to_string();
        run("kill", &["-TERM", &pid]).await?;
        self.master.wait().await?;
        Ok(())
    }
}

/// Returns a port that is free at the moment.
pub(crate) fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

async fn configuration(address: &str, http: &str, server: &str, work: &Path) -> Result<String> {
    // Without this, workers of a master that is root become somebody who may not read the files.
    let user = run("id", &["-un"]).await?;
    let group = run("id", &["-gn"]).await?;
    let (user, group) = (user.trim(), group.trim());
    let work = work.display();
    Ok(format!(
        r#"daemon off;
user {user} {group};
worker_processes 2;
pid "{work}/nginx.pid";
error_log "{work}/nginx-error.log" warn;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    tcp_nodelay on;
    keepalive_timeout 60s;
    keepalive_requests 100000000;
    open_file_cache max=10000 inactive=600s;
    open_file_cache_valid 600s;
    client_body_temp_path "{work}/body";
    proxy_temp_path "{work}/proxy";
    fastcgi_temp_path "{work}/fastcgi";
    uwsgi_temp_path "{work}/uwsgi";
    scgi_temp_path "{work}/scgi";
    types {{ image/jpeg jpg; }}
    {http}
    server {{ listen {address}; {server} }}
}}
"#
    ))
}
