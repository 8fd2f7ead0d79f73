//! `register --data FOLDER`: a server inside this process, for as long as it takes.

use crate::client::Client;
use crate::config::{Roles, Settings};
use crate::serve::Running;
use std::net::SocketAddr;

pub(super) struct Server {
    running: Running,
}

impl Server {
    /// Starts on loopback and a port of its own; holds the data folder's lock.
    pub(super) async fn start(mut settings: Settings) -> anyhow::Result<Self> {
        let public = settings.public_url.take();
        settings.public_url = Some(public.unwrap_or_else(|| format!("http://{}", settings.listen)));
        settings.roles = Roles::ALL;
        settings.listen = SocketAddr::from(([127, 0, 0, 1], 0));
        Ok(Self { running: Running::start(settings).await? })
    }

    pub(super) fn client(&self) -> anyhow::Result<Client> {
        Client::with_key(format!("http://{}", self.running.address()), self.running.admin_key())
    }

    pub(super) async fn stop(self) {
        self.running.stop().await;
    }
}
