//! Listening to what other processes append. A hint only: it may be missing or late.

use super::rows;
use crate::connection::{Database, DatabaseError};
use dlcs_eventlog::Position;
use futures::StreamExt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio_postgres::AsyncMessage;

const PAUSE_FIRST: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// Listens for ever, and connects again whenever the connection is lost.
pub(super) async fn follow(database: Database, head: Arc<watch::Sender<Position>>) {
    let mut pause = PAUSE_FIRST;
    loop {
        match listen(&database, &head).await {
            Ok(()) => pause = PAUSE_FIRST,
            Err(error) => tracing::debug!(%error, "cannot listen to the event log: {error}"),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

/// Raises the head; it never goes back, whoever is late.
pub(super) fn raise(head: &watch::Sender<Position>, to: Position) {
    head.send_if_modified(|head| {
        let is_news = to > *head;
        *head = to.max(*head);
        is_news
    });
}

/// Returns when a connection that did listen has ended.
async fn listen(database: &Database, head: &watch::Sender<Position>) -> Result<(), DatabaseError> {
    let (client, mut connection) = database.connect_alone().await?;
    let (sender, mut payloads) = mpsc::unbounded_channel();
    let messages = async move {
        let mut messages = futures::stream::poll_fn(|context| connection.poll_message(context));
        while let Some(Ok(message)) = messages.next().await {
            if let AsyncMessage::Notification(notification) = message {
                // The other end is in this function as well.
                let _ = sender.send(notification.payload().to_owned());
            }
        }
    };
    let heed = async {
        client.batch_execute("LISTEN dlcs_events").await?;
        let row = client.query_one("SELECT position FROM dlcs_log.head", &[]).await?;
        raise(head, Position(rows::unsigned(&row, 0)?));
        while let Some(payload) = payloads.recv().await {
            // Whoever else writes to the channel is not heard.
            if let Ok(position) = payload.parse() {
                raise(head, Position(position));
            }
        }
        Ok(())
    };
    let ((), heeded) = futures::join!(messages, heed);
    heeded
}
