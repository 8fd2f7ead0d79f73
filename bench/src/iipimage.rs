//! A peer of delivery: Debian's IIPImage behind nginx, the way it is deployed.
//!
//! It is one thread a process and speaks FastCGI only, so there are as many processes as cores,
//! and nginx asks one after the other. A connection to it is not kept: it stalls when it is.

use crate::nginx::{Nginx, free_address};
use anyhow::{Context, Result, ensure};
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

/// Where Debian puts it: off the path.
const PROGRAM: &str = "/usr/lib/iipimage-server/iipsrv.fcgi";
const PATIENCE: Duration = Duration::from_secs(10);
/// Of the answers that it computes: the same as ours.
const JPEG_QUALITY: &str = "85";

/// Running processes. Dropping this ends them.
pub(crate) struct IipImage {
    processes: Vec<Child>,
    nginx: Nginx,
}

/// Whether it is installed.
pub(crate) fn is_there() -> bool {
    Path::new(PROGRAM).is_file()
}

impl IipImage {
    /// Serves the file `image` in `folder`, whose name has no extension, in place of `path`, which
    /// is the address of an image without what is asked of it.
    pub(crate) async fn serve(
        folder: &Path,
        image: &str,
        path: &str,
        processes: usize,
        work: &Path,
    ) -> Result<Self> {
        let addresses: Result<Vec<SocketAddr>> = (0..processes).map(|_| free_address()).collect();
        let addresses = addresses?;
        let start = |address: &SocketAddr| start(folder, &address.to_string());
        let processes: Result<Vec<Child>> = addresses.iter().map(start).collect();
        let processes = processes?;
        for address in &addresses {
            is_up(address).await?;
        }
        // One that is late once is not left out for ten seconds, as nginx would do by itself.
        let backend = |it: &SocketAddr| format!("server {it} max_fails=0; ");
        let backends: String = addresses.iter().map(backend).collect();
        let http = format!("upstream iipsrv {{ {backends} }}");
        let nginx = Nginx::start(&http, &site(image, path), work).await?;
        Ok(Self { processes, nginx })
    }

    /// Host and port.
    pub(crate) fn address(&self) -> &str {
        &self.nginx.address
    }

    /// Returns its processes and nginx'.
    pub(crate) fn pids(&self) -> Result<Vec<u32>> {
        let own = self.processes.iter().map(|it| it.id().context("iipsrv has ended"));
        own.chain([self.nginx.pid()]).collect()
    }

    /// Ends everything.
    pub(crate) async fn stop(mut self) -> Result<()> {
        for process in &mut self.processes {
            process.kill().await?;
        }
        self.nginx.stop().await
    }
}

/// Its cache of encoded tiles keeps the size that it comes with, 10 MB.
fn start(folder: &Path, address: &str) -> Result<Child> {
    Command::new(PROGRAM)
        .args(["--bind", address, "--backlog", "1024"])
        .env("FILESYSTEM_PREFIX", format!("{}/", folder.display()))
        .env("JPEG_QUALITY", JPEG_QUALITY)
        .env("MAX_CVT", "20000")
        .env("OMP_NUM_THREADS", "1")
        .env("VERBOSITY", "0")
        .env("LOGFILE", "/dev/null")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .context("iipsrv does not start")
}

/// Waits until somebody listens there.
async fn is_up(address: &SocketAddr) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while TcpStream::connect(address).await.is_err() {
        ensure!(Instant::now() < deadline, "iipsrv does not answer");
        sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

fn site(image: &str, path: &str) -> String {
    let pattern = path.replace('.', "\\.");
    format!(
        r#"
    rewrite "^{pattern}/(.*)$" "/?IIIF={image}/$1";
    location / {{
        fastcgi_pass iipsrv;
        fastcgi_param QUERY_STRING $query_string;
        fastcgi_param REQUEST_METHOD $request_method;
        fastcgi_param REQUEST_URI $request_uri;
        fastcgi_param SERVER_PROTOCOL $server_protocol;
        fastcgi_param SERVER_NAME $server_name;
        fastcgi_param SERVER_PORT $server_port;
        fastcgi_param REMOTE_ADDR $remote_addr;
        fastcgi_param HTTP_HOST $http_host;
    }}
"#
    )
}
