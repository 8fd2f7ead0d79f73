//! The address of a database, as libpq writes it.

use super::{OpenError, with_defaults};
use std::path::PathBuf;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

/// How much of the other side's certificate is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trust {
    /// None of it: the line is encrypted, and whoever is at its other end is believed.
    Anybody,
    /// Who signed it, and for which host.
    Verified,
}

pub(super) struct Address {
    pub config: Config,
    pub trust: Trust,
    /// PEM file of `sslrootcert`; `None`: what the system trusts.
    pub root_certificates: Option<PathBuf>,
    /// `host:port/name`.
    pub name: String,
}

impl Address {
    pub(super) fn parse(url: &str) -> Result<Self, OpenError> {
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        if !base.starts_with("postgres://") && !base.starts_with("postgresql://") {
            return Err(OpenError::Address("it begins with postgres://".into()));
        }
        let (mut mode, mut trust, mut root_certificates) = (SslMode::Prefer, Trust::Anybody, None);
        let mut rest = Vec::new();
        // These two are ours to read: the driver knows neither verification nor its roots.
        for parameter in query.split('&').filter(|it| !it.is_empty()) {
            match parameter.split_once('=') {
                Some(("sslmode", value)) => (mode, trust) = ssl_mode(value)?,
                Some(("sslrootcert", path)) => root_certificates = Some(PathBuf::from(path)),
                _ => rest.push(parameter),
            }
        }
        let url =
            if rest.is_empty() { base.to_owned() } else { format!("{base}?{}", rest.join("&")) };
        // The driver's message may quote its input, which holds the password.
        let parsed = url.parse::<Config>();
        let mut config = parsed.map_err(|error| OpenError::Address(reason(&error)))?;
        if config.get_hosts().is_empty() {
            return Err(OpenError::Address("it names no host".into()));
        }
        let is_local = config.get_hosts().iter().all(|host| matches!(host, Host::Unix(_)));
        config.ssl_mode(if is_local { SslMode::Disable } else { mode });
        with_defaults(&mut config);
        let name = name(&config);
        Ok(Self { config, trust, root_certificates, name })
    }

    pub(super) fn user(&self) -> &str {
        self.config.get_user().unwrap_or("(none)")
    }

    pub(super) fn database(&self) -> &str {
        self.config.get_dbname().unwrap_or_else(|| self.user())
    }
}

fn ssl_mode(value: &str) -> Result<(SslMode, Trust), OpenError> {
    Ok(match value {
        "disable" => (SslMode::Disable, Trust::Anybody),
        "allow" | "prefer" => (SslMode::Prefer, Trust::Anybody),
        "require" => (SslMode::Require, Trust::Anybody),
        "verify-ca" | "verify-full" => (SslMode::Require, Trust::Verified),
        other => return Err(OpenError::Address(format!("there is no sslmode `{other}`"))),
    })
}

fn reason(error: &tokio_postgres::Error) -> String {
    use std::error::Error;
    let source = error.source().map(ToString::to_string).unwrap_or_default();
    // Of the messages there, those about one parameter name it and not its value.
    match source.split_once('`').and_then(|(_, rest)| rest.split_once('`')) {
        Some((parameter, _))
            if parameter.chars().all(|it| it.is_ascii_lowercase() || it == '_') =>
        {
            format!("`{parameter}` is not understood")
        }
        _ => {
            "its form is not understood; special characters of a password are written as %40".into()
        }
    }
}

fn name(config: &Config) -> String {
    let ports = config.get_ports();
    let hosts = config.get_hosts().iter().enumerate().map(|(index, host)| {
        let port = ports.get(index).or(ports.first()).copied().unwrap_or(5_432);
        match host {
            Host::Tcp(host) => format!("{host}:{port}"),
            Host::Unix(path) => format!("{}:{port}", path.display()),
        }
    });
    let hosts: Vec<_> = hosts.collect();
    let database = config.get_dbname().or(config.get_user()).unwrap_or_default();
    format!("{}/{database}", hosts.join(","))
}
