//! `application/x-ndjson`: a batch of any length, in bounded memory.
//!
//! Rows are read, registered in chunks and forgotten. Their results wait in a file until the whole
//! body is read: a client that sends everything before it reads anything must not block itself.
//!
//! Under an `Idempotency-Key` each row is recognised by its number and its bytes, so that a body
//! that broke off is completed by sending it again.

use super::write::Incoming;
use super::{batches, json_ld, queue};
use crate::error::{Answer, Problem};
use crate::http::{body, time};
use crate::state::Resource;
use axum::body::{Body, BodyDataStream};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::BytesMut;
use dlcs_commands::services::{MemberOutcome, OpenBatch, Row};
use dlcs_domain::AssetId;
use dlcs_domain::batch::Queue;
use dlcs_objects::{Digest, Staged};
use futures::stream;
use serde_json::{Value, json};
use tokio::fs::File;
use tokio::io::{AsyncWriteExt, BufWriter};
use tokio_util::io::ReaderStream;

/// Rows that are registered together, unless they are long.
const CHUNK_ROWS: usize = 4_000;
/// Bytes of rows that are kept before they are registered.
const CHUNK_BYTES: usize = 4 << 20;
const NEWLINE: u8 = b'\n';

pub(crate) async fn submit(request: Incoming, body: Body, queue: Queue) -> Answer {
    let customer = request.caller.customer()?;
    let (context, in_flight) = request.by_rows().await?;
    let batch = request.state.commands.batches.open(&context, customer, queue);
    let staged = request.state.objects.stage().await?;
    let mut run = Run::begin(&request, batch, &staged).await?;
    run.is_repeatable = in_flight.is_some();
    let mut lines = Lines::new(body, request.state.limits.ndjson_line_bytes_max);
    while let Some(line) = lines.next().await? {
        run.take(line).await?;
    }
    let end = run.finish().await?;
    respond(staged, end).await
}

/// A body cut into lines.
struct Lines {
    stream: BodyDataStream,
    buffer: BytesMut,
    bytes_max: usize,
    is_at_end: bool,
    /// The rest of a line that was too long is being dropped.
    is_skipping: bool,
}

/// A line, or why there is none.
type Line = Result<BytesMut, Problem>;

impl Lines {
    fn new(body: Body, bytes_max: usize) -> Self {
        let (stream, buffer) = (body.into_data_stream(), BytesMut::new());
        Self { stream, buffer, bytes_max, is_at_end: false, is_skipping: false }
    }

    /// Returns the next line that is not empty; the body's own failures end it.
    async fn next(&mut self) -> Answer<Option<Line>> {
        loop {
            if let Some(at) = self.buffer.iter().position(|byte| *byte == NEWLINE) {
                let mut line = self.buffer.split_to(at + 1);
                line.truncate(at);
                if std::mem::take(&mut self.is_skipping) || line.trim_ascii().is_empty() {
                    continue;
                }
                return Ok(Some(self.bounded(line)));
            }
            if self.buffer.len() > self.bytes_max {
                self.buffer.clear();
                if !std::mem::replace(&mut self.is_skipping, true) {
                    return Ok(Some(Err(body::too_large(self.bytes_max as u64))));
                }
            }
            match body::next(&mut self.stream).await? {
                Some(chunk) => self.buffer.extend_from_slice(&chunk),
                None if self.is_at_end => return Ok(None),
                None => {
                    self.is_at_end = true;
                    self.buffer.extend_from_slice(&[NEWLINE]);
                }
            }
        }
    }

    fn bounded(&self, line: BytesMut) -> Line {
        if line.len() > self.bytes_max {
            Err(body::too_large(self.bytes_max as u64))
        } else {
            Ok(line)
        }
    }
}

/// Registers rows as they come and writes down what became of each.
struct Run<'a> {
    request: &'a Incoming,
    batch: OpenBatch,
    results: BufWriter<File>,
    chunk: Vec<Answer<Row>>,
    chunk_bytes: usize,
    /// Of the next row; rows count from 0.
    number: u64,
    /// Each row is sealed by its digest, so that it is recognised when it is sent again.
    is_repeatable: bool,
    /// A row could not be registered for now.
    is_cut_off: bool,
}

impl<'a> Run<'a> {
    async fn begin(request: &'a Incoming, batch: OpenBatch, staged: &Staged) -> Answer<Self> {
        let file = File::create(staged.path()).await.map_err(Problem::internal)?;
        let results = BufWriter::new(file);
        Ok(Self {
            request,
            batch,
            results,
            chunk: Vec::new(),
            chunk_bytes: 0,
            number: 0,
            is_repeatable: false,
            is_cut_off: false,
        })
    }

    async fn take(&mut self, line: Line) -> Answer<()> {
        self.chunk_bytes += line.as_ref().map_or(0, |it| it.len());
        let row = self.read(line).await;
        self.chunk.push(row);
        self.number += 1;
        let is_full = self.chunk.len() >= CHUNK_ROWS || self.chunk_bytes >= CHUNK_BYTES;
        if is_full { self.register().await } else { Ok(()) }
    }

    async fn read(&self, line: Line) -> Answer<Row> {
        let line = line?;
        body::check_depth(&line)?;
        let member: Value = serde_json::from_slice(&line)
            .map_err(|error| Problem::bad_request("malformed-json", error.to_string()))?;
        let customer = self.request.caller.customer()?;
        let (id, registration) = queue::row(self.request, customer, &member).await?;
        let body_sha256 = self.is_repeatable.then(|| Digest::of(&line).to_string());
        Ok(Row { number: self.number, body_sha256, id, registration })
    }

    /// Registers what makes sense of the chunk; answers every row in its place.
    async fn register(&mut self) -> Answer<()> {
        let chunk = std::mem::take(&mut self.chunk);
        self.chunk_bytes = 0;
        let good = chunk.iter().flatten().cloned().collect();
        let mut outcomes = self.batch.register(good).await.into_iter();
        let first = self.number - chunk.len() as u64;
        for (number, row) in (first..).zip(&chunk) {
            let line = match row {
                Ok(row) => {
                    let outcome = outcomes.next();
                    self.is_cut_off |= matches!(&outcome, Some(Err(error)) if error.may_pass());
                    self.outcome(row, outcome)
                }
                Err(problem) => {
                    self.is_cut_off |= problem.status.is_server_error();
                    refused(number, None, problem)
                }
            };
            self.write(&line).await?;
        }
        Ok(())
    }

    fn outcome(&self, row: &Row, outcome: Option<MemberOutcome>) -> Value {
        let (row, id) = (row.number, &row.id);
        match outcome {
            Some(Ok(decided)) => {
                let written = &self.request.state.written;
                written.record(Resource::Asset(id.clone()), decided.position);
                let status = if decided.created { 201 } else { 200 };
                json!({"row": row, "id": id.name(), "status": status})
            }
            Some(Err(error)) => refused(row, Some(id), &Problem::from(error)),
            None => refused(row, Some(id), &Problem::internal("a row of a batch has no answer")),
        }
    }

    async fn write(&mut self, line: &Value) -> Answer<()> {
        let line = format!("{line}\n");
        self.results.write_all(line.as_bytes()).await.map_err(Problem::internal)
    }

    /// Registers the rest and submits the batch; one without members is none, and one that will be
    /// sent again stays open until its last member is there.
    async fn finish(mut self) -> Answer<Option<HeaderValue>> {
        self.register().await?;
        let Self { request, batch, mut results, is_repeatable, is_cut_off, .. } = self;
        let mut position = None;
        if batch.count() > 0 && !(is_repeatable && is_cut_off) {
            let count = batch.count();
            let (id, decided) = batch.submit().await?;
            request.state.written.record(Resource::Batch(id), decided.position);
            let row = batches::by_id(request, id).await?;
            let document = match row {
                Some(row) => json_ld::batch(&request.state.public_url, &row),
                None => unseen(request, &id.to_string(), count)?,
            };
            let line = format!("{document}\n");
            results.write_all(line.as_bytes()).await.map_err(Problem::internal)?;
            position = Some(HeaderValue::from(decided.position.0));
        }
        results.flush().await.map_err(Problem::internal)?;
        Ok(position)
    }
}

fn refused(row: u64, id: Option<&AssetId>, problem: &Problem) -> Value {
    json!({
        "row": row,
        "id": id.map(AssetId::name),
        "status": problem.status.as_u16(),
        "error": {"code": problem.code, "detail": problem.detail},
    })
}

/// Describes a batch that the read model does not know yet.
fn unseen(request: &Incoming, id: &str, count: u64) -> Answer<Value> {
    let customer = request.caller.customer()?;
    let path = format!("/customers/{customer}/queue/batches/{id}");
    Ok(json!({
        "@context": json_ld::context(),
        "@id": request.state.public_url.at(path),
        "@type": "vocab:Batch",
        "id": id,
        "submitted": time::iso(request.state.clock.now_us()),
        "count": count,
        "completed": 0,
        "errors": 0,
        "finished": null,
    }))
}

/// Sends the file of results, which goes when it has been sent.
async fn respond(staged: Staged, position: Option<HeaderValue>) -> Answer {
    let file = File::open(staged.path()).await.map_err(Problem::internal)?;
    let pieces = stream::unfold((ReaderStream::new(file), staged), |(mut reader, staged)| async {
        let piece = futures::StreamExt::next(&mut reader).await?;
        Some((piece, (reader, staged)))
    });
    let mut response: Response = Body::from_stream(pieces).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    if let Some(position) = position {
        headers.insert(HeaderName::from_static("dlcs-position"), position);
    }
    Ok(response)
}
