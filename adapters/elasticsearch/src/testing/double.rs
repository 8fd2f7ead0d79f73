//! A node between the tests and the real one, which can be told to fail.

use reqwest::{Client, Method};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// How the double treats requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Hands everything on.
    None,
    /// Hangs up, as a node that is stopped.
    Stopped,
    /// Answers 429 to whoever writes documents.
    Busy,
    /// Takes every second document of a request, has no room for the others.
    Half,
    /// Writes documents and hangs up before it says so.
    Mute,
    /// Refuses one document for what is in it.
    Refusing(String),
    /// Answers so many searches as a node does whose shards are being started.
    Starting(usize),
}

/// Listens on loopback until it is dropped.
pub struct Double {
    /// `http://host:port`.
    pub url: String,
    state: Arc<State>,
    task: tokio::task::JoinHandle<()>,
}

struct State {
    node: String,
    http: Client,
    fault: Mutex<Fault>,
    /// Requests that wrote documents.
    bulks: Mutex<usize>,
}

struct Request {
    method: Method,
    path: String,
    kind: String,
    body: Vec<u8>,
}

impl Double {
    /// Stands before the node at `node`, without a fault.
    pub async fn before(node: &str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("loopback has a free port");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let http = Client::builder().no_proxy().build().expect("a client can be made");
        let state = State {
            node: node.to_owned(),
            http,
            fault: Mutex::new(Fault::None),
            bulks: Mutex::default(),
        };
        let state = Arc::new(state);
        let served = Arc::clone(&state);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let state = Arc::clone(&served);
                tokio::spawn(async move { state.serve(stream).await });
            }
        });
        Self { url, state, task }
    }

    pub fn set(&self, fault: Fault) {
        *self.state.fault.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }

    /// Returns how often documents were offered.
    pub fn bulks(&self) -> usize {
        *self.state.bulks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Double {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl State {
    async fn serve(&self, stream: TcpStream) {
        let mut stream = BufReader::new(stream);
        while let Some(request) = read(&mut stream).await {
            let Some((status, answer)) = self.answer(request).await else { return };
            let head = format!(
                "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
                answer.len()
            );
            let whole = [head.as_bytes(), &answer].concat();
            if stream.write_all(&whole).await.is_err() {
                return;
            }
        }
    }

    /// `None`: hangs up.
    async fn answer(&self, request: Request) -> Option<(u16, Vec<u8>)> {
        let fault = self.fault.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let is_bulk = request.path.contains("/_bulk");
        if is_bulk {
            *self.bulks.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        }
        match fault {
            Fault::Stopped => None,
            Fault::Starting(left @ 1..) if request.path.contains("/_search") => {
                *self.fault.lock().unwrap_or_else(PoisonError::into_inner) =
                    Fault::Starting(left - 1);
                let kind = "search_phase_execution_exception";
                let error = json!({ "type": kind, "reason": "all shards failed" });
                Some((503, json!({ "error": error, "status": 503 }).to_string().into_bytes()))
            }
            Fault::Busy if is_bulk => {
                let error = json!({ "type": "es_rejected_execution_exception", "reason": "full" });
                Some((429, json!({ "error": error, "status": 429 }).to_string().into_bytes()))
            }
            Fault::Mute if is_bulk => {
                self.hand_on(request).await;
                None
            }
            Fault::Half if is_bulk => {
                let error = json!({ "type": "es_rejected_execution_exception", "reason": "full" });
                self.some(request, |number, _| (number % 2 == 1).then(|| (429, error.clone())))
                    .await
            }
            Fault::Refusing(id) if is_bulk => {
                let error =
                    json!({ "type": "document_parsing_exception", "reason": "no such form" });
                let is_it = |action: &str| action.contains(&format!("\"_id\":\"{id}\""));
                self.some(request, |_, action| is_it(action).then(|| (400, error.clone()))).await
            }
            _ => self.hand_on(request).await,
        }
    }

    async fn hand_on(&self, request: Request) -> Option<(u16, Vec<u8>)> {
        let Request { method, path, kind, body } = request;
        let request = self.http.request(method, format!("{}{path}", self.node));
        let response = request.header("content-type", kind).body(body).send().await.ok()?;
        let status = response.status().as_u16();
        Some((status, response.bytes().await.ok()?.to_vec()))
    }

    /// Hands on those documents that `refuse` does not refuse with a status and an error.
    async fn some(
        &self,
        request: Request,
        refuse: impl Fn(usize, &str) -> Option<(u16, Value)>,
    ) -> Option<(u16, Vec<u8>)> {
        let text = String::from_utf8(request.body).ok()?;
        let lines: Vec<&str> = text.lines().collect();
        let (mut refused, mut body) = (Vec::new(), String::new());
        for (number, pair) in lines.chunks(2).enumerate() {
            let error = refuse(number, pair[0]);
            if error.is_none() {
                body += &format!("{}\n{}\n", pair[0], pair[1]);
            }
            refused.push(error);
        }
        let mut written = Vec::new().into_iter();
        if !body.is_empty() {
            let (_, answer) = self.hand_on(Request { body: body.into(), ..request }).await?;
            let answer: Value = serde_json::from_slice(&answer).ok()?;
            written = answer["items"].as_array()?.clone().into_iter();
        }
        let errors = refused.iter().any(Option::is_some);
        let items = refused.into_iter().map(|error| match error {
            Some((status, error)) => json!({ "index": { "status": status, "error": error } }),
            None => written.next().unwrap_or_default(),
        });
        let items: Vec<Value> = items.collect();
        Some((200, json!({ "errors": errors, "items": items }).to_string().into_bytes()))
    }
}

/// Reads a request; `None`: there is none any more.
async fn read(stream: &mut BufReader<TcpStream>) -> Option<Request> {
    let first = line(stream).await?;
    let mut words = first.split(' ');
    let method = words.next()?.parse().ok()?;
    let path = words.next()?.to_owned();
    let (mut length, mut kind) = (0, "application/json".to_owned());
    loop {
        let header = line(stream).await?.to_ascii_lowercase();
        match header.split_once(": ") {
            Some(("content-length", value)) => length = value.parse().ok()?,
            Some(("content-type", value)) => value.clone_into(&mut kind),
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some(Request { method, path, kind, body })
}

async fn line(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = String::new();
    let length = stream.read_line(&mut line).await.ok()?;
    (length > 0).then(|| line.trim_end().to_owned())
}
