//! Connections and calls.

use super::eager::Eager;
use super::messages::{
    AppendAnswer, AppendOptions, AppendPart, AppendRequest, AppendResult, BatchAnswer,
    BatchRequest, BatchResult, Empty, Method, Methods, Place, Proposed, ReadAnswer, ReadRequest,
    Refused, Success, WrongExpected,
};
use super::reading::Answers;
use super::state::{Outcome, State};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tonic::codec::ProstCodec;
use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::server::{
    ClientStreamingService, Grpc, ServerStreamingService, StreamingService, UnaryService,
};
use tonic::{Code, Request, Response, Status, Streaming};

const METHODS: &str = "/event_store.client.server_features.ServerFeatures/GetSupportedMethods";
const APPEND: &str = "/event_store.client.streams.Streams/Append";
const BATCH: &str = "/event_store.client.streams.Streams/BatchAppend";
const READ: &str = "/event_store.client.streams.Streams/Read";

const TOO_LARGE: &str = "Maximum Append Size of 1048576 Exceeded.";

type Answer<T> = Pin<Box<dyn Future<Output = Result<Response<T>, Status>> + Send>>;

/// One node.
#[derive(Clone)]
pub(super) struct Service {
    state: Arc<State>,
    node: usize,
}

impl Service {
    pub(super) fn new(state: Arc<State>, node: usize) -> Self {
        Self { state, node }
    }

    pub(super) async fn serve(self, listener: TcpListener) {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(self.clone().serve_connection(stream));
        }
    }

    async fn serve_connection(self, stream: TcpStream) {
        let mut broken = self.state.broken.subscribe();
        let _ = stream.set_nodelay(true);
        let service = service_fn(move |request| {
            let service = self.clone();
            async move { Ok::<_, Infallible>(service.answer(request).await) }
        });
        let io = TokioIo::new(Eager(stream));
        let connection = http2::Builder::new(TokioExecutor::new()).serve_connection(io, service);
        tokio::select! {
            _ = connection => {}
            _ = broken.changed() => {}
        }
    }

    async fn answer(self, request: hyper::Request<Incoming>) -> hyper::Response<tonic::body::Body> {
        let slow = self.state.faults().slow;
        tokio::time::sleep(slow).await;
        match request.uri().path() {
            METHODS => Grpc::new(ProstCodec::default()).unary(self, request).await,
            APPEND => Grpc::new(ProstCodec::default()).client_streaming(self, request).await,
            BATCH => Grpc::new(ProstCodec::default()).streaming(self, request).await,
            READ => Grpc::new(ProstCodec::default()).server_streaming(self, request).await,
            other => Status::unimplemented(other).into_http(),
        }
    }

    /// Refuses strangers, and sends those who want the leader there.
    fn admit(&self, metadata: &MetadataMap) -> Result<(), Status> {
        let faults = self.state.faults();
        if let Some(password) = &faults.password {
            let sent = metadata.get("authorization").and_then(|it| it.to_str().ok());
            if sent != Some(&format!("Basic {}", STANDARD.encode(password))) {
                return Err(Status::unauthenticated("AccessDenied"));
            }
        }
        let wants_leader = metadata.get("requires-leader").is_some_and(|it| it == "true");
        if !wants_leader || faults.leader == self.node {
            return Ok(());
        }
        let leader = self.state.nodes[faults.leader];
        let mut status = Status::new(Code::NotFound, "Leader info available");
        let ascii = |text: String| MetadataValue::try_from(text).expect("it is ASCII");
        status.metadata_mut().insert("exception", MetadataValue::from_static("not-leader"));
        status.metadata_mut().insert("leader-endpoint-host", ascii(leader.ip().to_string()));
        status.metadata_mut().insert("leader-endpoint-port", ascii(leader.port().to_string()));
        Err(status)
    }

    async fn append(
        self,
        request: Request<Streaming<AppendRequest>>,
    ) -> Result<Response<AppendAnswer>, Status> {
        self.admit(request.metadata())?;
        let mut parts = request.into_inner();
        let (mut options, mut events) = (None, Vec::new());
        while let Some(request) = parts.message().await? {
            match request.part {
                Some(AppendPart::Options(it)) => options = Some(it),
                Some(AppendPart::Proposed(it)) => events.push(it),
                None => {}
            }
        }
        let result = match self.appended(options.unwrap_or_default(), events).await? {
            Outcome::Written { revision, place } => AppendResult::Success(success(revision, place)),
            Outcome::WrongExpected { revision } => {
                AppendResult::WrongExpected(wrong_expected(revision))
            }
            Outcome::TooLarge => return Err(Status::invalid_argument(TOO_LARGE)),
        };
        Ok(Response::new(AppendAnswer { result: Some(result) }))
    }

    /// Answers one request of a session after the other.
    async fn append_next(
        self,
        mut requests: Streaming<BatchRequest>,
    ) -> Option<(Result<BatchAnswer, Status>, (Self, Streaming<BatchRequest>))> {
        let request = requests.message().await.ok().flatten()?;
        self.state.faults().batched += 1;
        let options = request.options.unwrap_or_default();
        let stream = options.stream.clone();
        let refused = |code: Code, message: &str| {
            BatchResult::Refused(Refused { code: code.into(), message: message.to_owned() })
        };
        let result = match self.appended(options, request.events).await {
            Ok(Outcome::Written { revision, place }) => {
                BatchResult::Success(success(revision, place))
            }
            Ok(Outcome::WrongExpected { .. }) => refused(Code::Unknown, "WrongExpectedVersion"),
            Ok(Outcome::TooLarge) => refused(Code::InvalidArgument, TOO_LARGE),
            Err(status) => return Some((Err(status), (self, requests))),
        };
        let answer = BatchAnswer { id: request.id, result: Some(result), stream };
        Some((Ok(answer), (self, requests)))
    }

    /// Appends, unless something is to go wrong.
    async fn appended(
        &self,
        options: AppendOptions,
        events: Vec<Proposed>,
    ) -> Result<Outcome, Status> {
        let missing = || Status::invalid_argument("an append has options and events");
        let (stream, expected) = options.stream.zip(options.expected).ok_or_else(missing)?;
        if events.is_empty() {
            return Err(missing());
        }
        if take(&mut self.state.faults().lost_appends) {
            return self.lost().await;
        }
        if take(&mut self.state.faults().wrong_expected) {
            return Ok(Outcome::WrongExpected { revision: Some(u64::MAX / 2) });
        }
        let outcome = self.state.append(&stream.name, expected, events);
        if take(&mut self.state.faults().lost_answers) {
            return self.lost().await;
        }
        Ok(outcome)
    }

    /// Breaks every connection, and answers nobody.
    async fn lost<T>(&self) -> Result<T, Status> {
        self.state.hang_up();
        std::future::pending().await
    }
}

/// Counts a fault down.
fn take(count: &mut usize) -> bool {
    let is_due = *count > 0;
    *count = count.saturating_sub(1);
    is_due
}

fn success(revision: u64, place: u64) -> Success {
    let place = Some(Place { commit: place, prepare: place });
    Success { revision: Some(revision), place, no_place: None }
}

fn wrong_expected(revision: Option<u64>) -> WrongExpected {
    let no_stream = revision.is_none().then_some(Empty {});
    WrongExpected { revision, no_stream, expected_any: Some(Empty {}) }
}

impl UnaryService<Empty> for Service {
    type Response = Methods;
    type Future = Answer<Methods>;

    fn call(&mut self, _: Request<Empty>) -> Self::Future {
        let version = self.state.faults().version.clone();
        Box::pin(async move {
            let method = Method {
                name: "batchappend".to_owned(),
                service: "event_store.client.streams.streams".to_owned(),
            };
            Ok(Response::new(Methods { methods: vec![method], version }))
        })
    }
}

impl ClientStreamingService<AppendRequest> for Service {
    type Response = AppendAnswer;
    type Future = Answer<AppendAnswer>;

    fn call(&mut self, request: Request<Streaming<AppendRequest>>) -> Self::Future {
        Box::pin(self.clone().append(request))
    }
}

impl StreamingService<BatchRequest> for Service {
    type Response = BatchAnswer;
    type ResponseStream = BoxStream<'static, Result<BatchAnswer, Status>>;
    type Future = Answer<Self::ResponseStream>;

    fn call(&mut self, request: Request<Streaming<BatchRequest>>) -> Self::Future {
        let service = self.clone();
        Box::pin(async move {
            service.admit(request.metadata())?;
            let session = (service, request.into_inner());
            let next = |(service, requests): (Self, _)| service.append_next(requests);
            Ok(Response::new(stream::unfold(session, next).boxed()))
        })
    }
}

impl ServerStreamingService<ReadRequest> for Service {
    type Response = ReadAnswer;
    type ResponseStream = Answers;
    type Future = Answer<Answers>;

    fn call(&mut self, request: Request<ReadRequest>) -> Self::Future {
        let service = self.clone();
        Box::pin(async move {
            service.admit(request.metadata())?;
            let options = request.into_inner().options;
            let options = options.ok_or_else(|| Status::invalid_argument("no options"))?;
            Ok(Response::new(service.state.read(options)?))
        })
    }
}
