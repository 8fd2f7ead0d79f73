//! Connections and requests of the test server, and what is done to them.

use super::{ACCESS_KEY, Fault, SECRET_KEY};
use bytes::Bytes;
use hyper::body::{Body as _, Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use s3s::Body;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use std::collections::{HashMap, VecDeque};
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

type Error = Box<dyn std::error::Error + Send + Sync>;

/// What was ordered, and what has come.
#[derive(Default)]
pub(super) struct Faults {
    state: Mutex<State>,
    is_away: watch::Sender<bool>,
}

#[derive(Default)]
struct State {
    ordered: HashMap<String, VecDeque<Fault>>,
    requests: HashMap<String, usize>,
}

impl Faults {
    pub(super) fn order(&self, method: &str, faults: &[Fault]) {
        self.state().ordered.entry(method.to_owned()).or_default().extend(faults);
    }

    pub(super) fn set_away(&self, is_away: bool) {
        self.is_away.send_replace(is_away);
    }

    pub(super) fn requests(&self, method: &str) -> usize {
        self.state().requests.get(method).copied().unwrap_or_default()
    }

    fn take(&self, method: &str) -> Option<Fault> {
        let mut state = self.state();
        *state.requests.entry(method.to_owned()).or_default() += 1;
        state.ordered.get_mut(method)?.pop_front()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) async fn serve(listener: TcpListener, root: &Path, faults: Arc<Faults>) {
    let files = s3s_fs::FileSystem::new(root).expect("the folder is there");
    let mut builder = S3ServiceBuilder::new(files);
    builder.set_auth(SimpleAuth::from_single(ACCESS_KEY, SECRET_KEY));
    let service = builder.build();
    while let Ok((connection, _)) = listener.accept().await {
        tokio::spawn(connected(connection, service.clone(), Arc::clone(&faults)));
    }
}

/// One connection, until it ends or the server goes away.
async fn connected(connection: TcpStream, service: S3Service, faults: Arc<Faults>) {
    // What is dropped is reset, as of a machine that has gone.
    let _ = connection.set_zero_linger();
    let mut is_away = faults.is_away.subscribe();
    let answer = service_fn(|request| answer(request, service.clone(), Arc::clone(&faults)));
    let served = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(connection), answer);
    tokio::select! {
        biased;
        _ = is_away.wait_for(|it| *it) => {}
        _ = served => {}
    }
}

async fn answer(
    request: Request<Incoming>,
    service: S3Service,
    faults: Arc<Faults>,
) -> Result<Response<Body>, Error> {
    match faults.take(request.method().as_str()) {
        None => carry_out(request, &service).await,
        Some(Fault::Refused) => Ok(Response::builder().status(500).body(Body::empty())?),
        Some(Fault::Slow(time)) => {
            tokio::time::sleep(time).await;
            carry_out(request, &service).await
        }
        Some(Fault::AnswerCut(left)) => {
            let answer = carry_out(request, &service).await?;
            Ok(answer.map(|body| Body::http_body_unsync(Cut { body, left })))
        }
        Some(Fault::AnswerLost) => {
            carry_out(request, &service).await?;
            Err("the answer is lost".into())
        }
        Some(Fault::RequestCut) => {
            let mut body = std::pin::pin!(request.into_body());
            std::future::poll_fn(|context| body.as_mut().poll_frame(context)).await;
            Err("the connection is cut".into())
        }
    }
}

async fn carry_out(
    request: Request<Incoming>,
    service: &S3Service,
) -> Result<Response<Body>, Error> {
    Ok(service.call(request.map(Body::from)).await?)
}

/// A body that breaks off.
struct Cut {
    body: Body,
    left: usize,
}

impl hyper::body::Body for Cut {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if self.left == 0 {
            return Poll::Ready(Some(Err(io::Error::from(io::ErrorKind::BrokenPipe).into())));
        }
        match Pin::new(&mut self.body).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => {
                let Ok(mut bytes) = frame.into_data() else { return Poll::Ready(None) };
                bytes.truncate(self.left);
                self.left -= bytes.len();
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            other => other,
        }
    }
}
