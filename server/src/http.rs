//! Accepts connections and speaks HTTP/1.1 on them. Whoever is slow or in excess costs little.

use axum::Router;
use dlcs_api::ClientAddress;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::io::ErrorKind;
use std::pin::pin;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

/// The headers of a request arrive within this time, and the next request of a connection begins
/// within it.
pub(crate) const HEADERS_WITHIN: Duration = Duration::from_secs(10);
/// Before another try to accept when there is no room for another connection.
const ACCEPT_AGAIN_AFTER: Duration = Duration::from_millis(100);

/// Serves until it is stopped, and then until what is in flight has ended.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    headers_within: Duration,
    stop: CancellationToken,
) {
    let connections = TaskTracker::new();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(headers_within);
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, address)) => {
                let stop = stop.clone();
                let client = ClientAddress(address.ip());
                connections.spawn(converse(http.clone(), stream, client, router.clone(), stop));
            }
            // One that has gone already.
            Err(error) if is_of_the_connection(error.kind()) => {}
            Err(error) => {
                warn!(%error, "no connection can be accepted for now: {error}");
                tokio::time::sleep(ACCEPT_AGAIN_AFTER).await;
            }
        }
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

async fn converse(
    http: http1::Builder,
    stream: TcpStream,
    client: ClientAddress,
    router: Router,
    stop: CancellationToken,
) {
    // A small answer is not held back for more to come.
    let _ = stream.set_nodelay(true);
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(client);
        router.call(request)
    });
    let connection = http.serve_connection(TokioIo::new(stream), service).with_upgrades();
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        debug!(%error, "a connection has ended: {error}");
    }
}

fn is_of_the_connection(kind: ErrorKind) -> bool {
    use ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(kind, ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Extension;
    use axum::routing::get;
    use std::net::SocketAddr;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::sync::oneshot;

    /// Bounds a wait that would otherwise have no end.
    const AT_MOST: Duration = Duration::from_secs(30);

    async fn start(router: Router, headers_within: Duration) -> (SocketAddr, CancellationToken) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
        tokio::spawn(serve(listener, router, headers_within, stop.clone()));
        (address, stop)
    }

    async fn until_closed(stream: &mut TcpStream) -> String {
        let mut answer = Vec::new();
        let read = stream.read_to_end(&mut answer);
        let _ = tokio::time::timeout(AT_MOST, read).await.expect("the connection is closed");
        String::from_utf8_lossy(&answer).into_owned()
    }

    #[tokio::test]
    async fn r34_a_client_that_does_not_send_its_headers_is_left() {
        let router = Router::new().route("/", get(async || "well"));
        let (address, _stop) = start(router, Duration::from_millis(200)).await;
        let mut slow = TcpStream::connect(address).await.unwrap();
        slow.write_all(b"GET / HTTP/1.1\r\nHost: here\r\nX-Slow: ").await.unwrap();
        let answer = until_closed(&mut slow).await;
        assert!(!answer.contains("200 OK"), "{answer}");
        let mut quick = TcpStream::connect(address).await.unwrap();
        let request = b"GET / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n";
        quick.write_all(request).await.unwrap();
        assert!(until_closed(&mut quick).await.ends_with("well"));
    }

    #[tokio::test]
    async fn a_request_knows_where_it_comes_from() {
        let tell = async |Extension(client): Extension<ClientAddress>| client.0.to_string();
        let (address, _stop) = start(Router::new().route("/", get(tell)), AT_MOST).await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = b"GET / HTTP/1.1\r\nHost: here\r\nX-Forwarded-For: 192.0.2.1\r\n\
            Connection: close\r\n\r\n";
        stream.write_all(request).await.unwrap();
        assert!(until_closed(&mut stream).await.ends_with("\r\n\r\n127.0.0.1"));
    }

    #[tokio::test]
    async fn what_is_in_flight_is_finished_after_the_stop() {
        let (began, has_begun) = oneshot::channel();
        let (go_on, may_go_on) = oneshot::channel();
        let channels = std::sync::Arc::new(std::sync::Mutex::new(Some((began, may_go_on))));
        let handler = move || {
            let (began, may_go_on) = channels.lock().unwrap().take().unwrap();
            async move {
                began.send(()).unwrap();
                may_go_on.await.unwrap();
                "finished"
            }
        };
        let (address, stop) = start(Router::new().route("/", get(handler)), AT_MOST).await;
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n").await.unwrap();
        has_begun.await.unwrap();
        stop.cancel();
        go_on.send(()).unwrap();
        assert!(until_closed(&mut client).await.ends_with("finished"));
    }
}
