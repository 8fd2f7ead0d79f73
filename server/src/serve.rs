//! `dlcs serve`: the parts that this process runs, from the first line to the last.

use crate::config::{AdminKey, Settings};
use crate::wiring::{self, Wired};
use crate::{data_folder, http, telemetry};
use anyhow::Context;
use axum::Router;
use dlcs_adapter_objects::{DataLock, DiskWatch};
use dlcs_projections::freshness::Freshness;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

/// How long requests and work in flight may take to end.
const DRAIN: Duration = Duration::from_secs(9);

/// Serves until SIGTERM or Ctrl-C; a second signal ends at once.
pub(crate) async fn run(settings: Settings) -> anyhow::Result<ExitCode> {
    telemetry::init_logs(&settings)?;
    allow_many_open_files();
    let running = Running::start(settings).await?;
    eprintln!("listening on http://{}", running.address);
    // A signal is heeded before the read models have caught up, too.
    tokio::select! {
        () = async {
            running.until_ready().await;
            eprintln!("ready");
            std::future::pending::<()>().await;
        } => {}
        stopped = stop_signal() => stopped?,
    }
    info!("stopping: no new connections, finishing what is in flight");
    tokio::select! {
        () = running.stop() => Ok(ExitCode::SUCCESS),
        _ = stop_signal() => Ok(ExitCode::FAILURE),
    }
}

/// A connection, an open blob and a store are files: as many as the system gives.
fn allow_many_open_files() {
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        warn!(%error, "the number of open files stays as it is: {error}");
    }
}

async fn stop_signal() -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => {}
        result = tokio::signal::ctrl_c() => result?,
    }
    Ok(())
}

/// A server at work.
pub(crate) struct Running {
    address: SocketAddr,
    admin_key: AdminKey,
    freshness: Freshness,
    /// Projections that must know it.
    awaited: Vec<&'static str>,
    head: dlcs_eventlog::Position,
    /// Ends the acceptance of connections and of new work.
    stop_serving: CancellationToken,
    /// Ends the projectors, last of all: requests in flight wait for them.
    stop_projecting: CancellationToken,
    serving: TaskTracker,
    projecting: TaskTracker,
    _lock: DataLock,
}

impl Running {
    /// Takes the data folder's lock, opens the stores, and starts what the roles say.
    pub(crate) async fn start(settings: Settings) -> anyhow::Result<Self> {
        let lock = data_folder::lock(&settings)?;
        fail::fail_point!("server.before-open");
        let roles = settings.roles;
        let listener = listen(&settings).await?;
        let address = listener.local_addr()?;
        let public_url = settings.public_url.clone().unwrap_or_else(|| format!("http://{address}"));
        let mut disk = DiskWatch::new(&settings.data, &Vec::from_iter(settings.objects.folder()));
        disk.make_room_for_start().context("the room kept in reserve cannot be given up")?;
        let wired = wiring::wire(settings).await?;
        fail::fail_point!("server.after-open");
        wired.first_customer().await?;
        let room = wired.room();
        room.set_short(disk.look(false));
        fail::fail_point!("server.before-serve");
        let running = Self {
            address,
            admin_key: wired.admin_key.clone(),
            freshness: wired.read_models.models.freshness(),
            awaited: wired.awaited(),
            head: wired.log.head().await?,
            stop_serving: CancellationToken::new(),
            stop_projecting: CancellationToken::new(),
            serving: TaskTracker::new(),
            projecting: TaskTracker::new(),
            _lock: lock,
        };
        let stop = running.stop_projecting.clone();
        let tell = move |is_short| room.set_short(is_short);
        running.projecting.spawn(disk.run(tell, wired.needs_room(), stop));
        running.serving.spawn(wired.watch_blobs(running.stop_serving.clone()));
        running.serving.spawn(wired.forget_old_answers(running.stop_serving.clone()));
        for runner in wired.runners(roles) {
            running.projecting.spawn(runner.run(running.stop_projecting.clone()));
        }
        if roles.ingest {
            running.ingest(&wired);
            running.tell_webhooks(&wired, &public_url);
        }
        if roles.ocr {
            running.recognise(&wired)?;
        }
        if roles.api {
            running.serve(listener, wired.router(&public_url, telemetry::init_metrics()));
        }
        Ok(running)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn admin_key(&self) -> AdminKey {
        self.admin_key.clone()
    }

    /// Waits until the read models know what was recorded before the start.
    pub(crate) async fn until_ready(&self) {
        let a_while = Duration::from_secs(60);
        while !self.freshness.wait_each(&self.awaited, self.head, a_while).await {
            warn!("the read models are still catching up with position {}", self.head);
        }
    }

    fn ingest(&self, wired: &Wired) {
        let (manager, sweeper) = wired.ingest();
        let stop = self.stop_serving.clone();
        self.serving.spawn(async move { manager.run(stop).await });
        let stop = self.stop_serving.clone();
        self.serving.spawn(async move { sweeper.run(stop).await });
    }

    fn tell_webhooks(&self, wired: &Wired, public_url: &str) {
        let sender = wired.webhooks(public_url);
        let stop = self.stop_serving.clone();
        self.serving.spawn(async move { sender.run(stop).await });
    }

    fn recognise(&self, wired: &Wired) -> anyhow::Result<()> {
        let Some(manager) = wired.recognition()? else {
            warn!("this program was built without recognition: pages wait for another process");
            return Ok(());
        };
        let stop = self.stop_serving.clone();
        self.serving.spawn(async move { manager.run(stop).await });
        Ok(())
    }

    fn serve(&self, listener: TcpListener, router: Router) {
        let stop = self.stop_serving.clone();
        self.serving.spawn(http::serve(listener, router, http::HEADERS_WITHIN, stop));
    }

    /// Stops accepting, finishes what is in flight, at most for ten seconds.
    pub(crate) async fn stop(self) {
        fail::fail_point!("server.before-drain");
        self.stop_serving.cancel();
        self.serving.close();
        if tokio::time::timeout(DRAIN, self.serving.wait()).await.is_err() {
            warn!("some requests did not end in time");
        }
        fail::fail_point!("server.after-drain");
        self.stop_projecting.cancel();
        self.projecting.close();
        if tokio::time::timeout(Duration::from_millis(500), self.projecting.wait()).await.is_err() {
            warn!("a projection did not end in time; it goes on from its checkpoint");
        }
    }
}

async fn listen(settings: &Settings) -> anyhow::Result<TcpListener> {
    TcpListener::bind(settings.listen).await.with_context(|| {
        format!("cannot listen on {}: choose another address with `--listen`", settings.listen)
    })
}
