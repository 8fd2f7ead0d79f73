//! One client at a time, and what is done when it or the server goes away.

use crate::address::Address;
use crate::errors::{Failure, OpenError};
use eventstore::{Client, Error};
use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// How long one step of an answer may take.
const ANSWERED_WITHIN: Duration = Duration::from_secs(10);
/// How long a server may be away before callers are told.
const PATIENCE: Duration = Duration::from_secs(8);
const PAUSE_MAX: Duration = Duration::from_secs(1);

pub(crate) struct Connection {
    pub(crate) address: Address,
    current: Mutex<Current>,
}

/// A client gives up for ever after some failures: then another one takes its place.
#[derive(Default)]
struct Current {
    client: Option<Client>,
    generation: u64,
}

impl Connection {
    pub(crate) fn new(address: Address) -> Self {
        // Several providers are compiled in, and the client takes what the process has. Whoever was
        // first may stay.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        Self { address, current: Mutex::default() }
    }

    /// Returns the client, and which one it is.
    pub(crate) fn client(&self) -> Result<(Client, u64), Failure> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.client.is_none() {
            let made = Client::new(self.address.settings.clone());
            current.client = Some(made.map_err(|error| Failure::Refused(error.to_string()))?);
        }
        Ok((current.client.clone().expect("it was made"), current.generation))
    }

    /// Replaces a client that has given up.
    pub(crate) fn note(&self, generation: u64, error: &Error) {
        if !matches!(error, Error::ConnectionClosed | Error::GrpcConnectionError(_)) {
            return;
        }
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.generation == generation {
            *current = Current { client: None, generation: generation + 1 };
        }
    }

    /// As [`note`](Self::note), where it is not known which one it was.
    pub(crate) fn note_latest(&self, error: &Error) {
        let generation = self.current.lock().unwrap_or_else(PoisonError::into_inner).generation;
        self.note(generation, error);
    }

    /// Asks once.
    pub(crate) async fn once<T, F>(&self, ask: impl Fn(Client) -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let made = self.client();
        let (client, generation) =
            made.map_err(|error| Error::InitializationError(format!("{error:?}")))?;
        let answer = ask(client).await;
        if let Err(error) = &answer {
            self.note(generation, error);
        }
        answer
    }

    /// Asks until there is an answer, as long as what is in the way may pass.
    pub(crate) async fn asked<T, F>(&self, ask: impl Fn(Client) -> F) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let mut patience = Patience::new();
        loop {
            let failure = match self.once(&ask).await {
                Ok(answer) => return Ok(answer),
                Err(error) => Failure::from(error),
            };
            if !failure.passes() || !patience.again().await {
                return Err(failure);
            }
        }
    }

    /// Looks who is there, and that it is one that can be worked with.
    pub(crate) async fn check(&self) -> Result<(), OpenError> {
        let server = self.address.server.clone();
        let info = self.asked(|client| async move { answered(client.server_info()).await }).await;
        match info {
            Ok(info) if info.version() < (22, 6) => {
                Err(OpenError::ServerTooOld { server, found: info.version().to_string() })
            }
            Ok(_) => Ok(()),
            Err(failure) => Err(self.open_error(failure)),
        }
    }

    pub(crate) fn open_error(&self, failure: Failure) -> OpenError {
        let server = self.address.server.clone();
        match failure {
            Failure::Denied => OpenError::AccessRefused { server, user: self.address.user.clone() },
            Failure::Away(reason) => OpenError::Unreachable { server, reason },
            other => OpenError::Other { server, reason: format!("{other:?}") },
        }
    }
}

/// Waits for one step of an answer: the client itself waits for ever.
pub(crate) async fn answered<T>(step: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    timeout(ANSWERED_WITHIN, step).await.unwrap_or(Err(Error::DeadlineExceeded))
}

/// Growing pauses until time is up.
pub(crate) struct Patience {
    until: Instant,
    pause: Duration,
}

impl Patience {
    pub(crate) fn new() -> Self {
        Self { until: Instant::now() + PATIENCE, pause: Duration::from_millis(20) }
    }

    /// Waits a little; `false`: time is up.
    pub(crate) async fn again(&mut self) -> bool {
        if Instant::now() >= self.until {
            return false;
        }
        // Those who were sent away together do not come back together.
        tokio::time::sleep(self.pause.mul_f64(rand::random_range(0.5..1.0))).await;
        self.pause = (self.pause * 2).min(PAUSE_MAX);
        true
    }
}
