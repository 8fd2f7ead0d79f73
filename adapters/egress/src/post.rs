//! One message over HTTP: sent, and the head of its answer.

use crate::check::Reach;
use crate::web::{Web, of_asking, text_of};
use bytes::Bytes;
use dlcs_ingest::OriginError;
use dlcs_ingest::webhooks::Answered;
use reqwest::Response;
use reqwest::header::RETRY_AFTER;
use tokio::time::{Instant, timeout_at};
use url::Url;

/// Of an answer's body: enough that a polite receiver keeps its connection.
const ANSWER_BYTES_MAX: usize = 4 * 1024;

impl Web {
    /// Sends a message to a checked address. Where it redirects to, nobody goes.
    pub(crate) async fn post(
        &self,
        url: Url,
        reach: Reach,
        headers: &[(&'static str, String)],
        body: Bytes,
    ) -> Result<Answered, OriginError> {
        let mut request = self.client(reach).post(url).body(body);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let deadline = Instant::now() + self.limits.message;
        let response = match timeout_at(deadline, request.send()).await {
            Ok(answered) => answered.map_err(of_asking)?,
            Err(_) => return Err(OriginError::Timeout("the receiver did not answer in time")),
        };
        let answered = Answered {
            status: response.status().as_u16(),
            retry_after: text_of(response.headers(), &RETRY_AFTER).map(str::to_owned),
        };
        // The message has arrived, whatever is said of it and for how long.
        let _ = timeout_at(deadline, drop_body(response)).await;
        Ok(answered)
    }
}

async fn drop_body(mut response: Response) {
    let mut dropped = 0;
    while let Ok(Some(bytes)) = response.chunk().await {
        dropped += bytes.len();
        if dropped > ANSWER_BYTES_MAX {
            return;
        }
    }
}
