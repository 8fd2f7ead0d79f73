//! Webhooks: told in order, signed, to those they are for, until they take it.

use crate::support::server::{PATIENCE, Persona, Server};
use crate::support::{is_anywhere, workspace_root};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::collections::{HashMap, VecDeque};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const ALL: &str = "/customers/1/webhooks";
const ALLOW: [&str; 2] = ["--origin-allow", "127.0.0.1/32"];

/// What came to a receiver.
#[derive(Debug, Clone)]
struct Post {
    headers: HashMap<String, String>,
    body: String,
}

impl Post {
    fn id(&self) -> &str {
        &self.headers["webhook-id"]
    }

    fn event(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }

    /// Returns what it is about.
    fn about(&self) -> String {
        let event = self.event();
        let text = |name: &str| event[name].as_str().expect("a text").to_owned();
        format!("{} {}", text("type"), text("subject"))
    }
}

#[derive(Default)]
struct Seen {
    posts: Vec<Post>,
    /// Said before everything is taken: the rest of an answer behind `HTTP/1.1 `.
    answers: VecDeque<String>,
}

/// A receiver on loopback.
#[derive(Clone)]
struct Receiver {
    port: u16,
    seen: Arc<Mutex<Seen>>,
}

impl Receiver {
    fn start(answers: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback can be bound");
        let port = listener.local_addr().expect("it is bound").port();
        let answers = answers.iter().map(|&it| it.to_owned()).collect();
        let seen = Arc::new(Mutex::new(Seen { answers, posts: Vec::new() }));
        let receiver = Self { port, seen };
        let shared = receiver.clone();
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let shared = shared.clone();
                std::thread::spawn(move || shared.take(connection));
            }
        });
        receiver
    }

    fn take(&self, mut connection: TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(connection.try_clone()?);
        let mut headers = HashMap::new();
        for line in reader.by_ref().lines().map_while(Result::ok).take_while(|it| !it.is_empty()) {
            if let Some((name, value)) = line.split_once(": ") {
                headers.insert(name.to_ascii_lowercase(), value.to_owned());
            }
        }
        let length = headers.get("content-length").and_then(|it| it.parse().ok()).unwrap_or(0);
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let body = String::from_utf8(body).expect("UTF-8");
        let answer = {
            let mut seen = self.seen.lock().expect("no panics");
            seen.posts.push(Post { headers, body });
            seen.answers.pop_front().unwrap_or_else(|| "204 None".to_owned())
        };
        if answer == "endless" {
            connection.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n")?;
            loop {
                connection.write_all(&[b'x'; 64 * 1024])?;
            }
        }
        write!(connection, "HTTP/1.1 {answer}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
    }

    fn posts(&self) -> Vec<Post> {
        self.seen.lock().expect("no panics").posts.clone()
    }

    fn about(&self) -> Vec<String> {
        self.posts().iter().map(Post::about).collect()
    }

    async fn until(&self, count: usize) -> Vec<Post> {
        let deadline = Instant::now() + PATIENCE;
        while self.posts().len() < count {
            assert!(Instant::now() < deadline, "{:?}", self.about());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.posts()
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hook", self.port)
    }
}

/// Defines a webhook and returns its address and its secret.
async fn define(server: &Server, receiver: &Receiver, events: &[&str]) -> (String, String) {
    let body = json!({"url": receiver.url(), "events": events});
    let (status, made) = server.send(Method::POST, ALL, &body).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let secret = made["secret"].as_str().expect("it is told").to_owned();
    assert!(secret.starts_with("whsec_"), "{secret}");
    (format!("{ALL}/{}", made["id"].as_str().expect("an id")), secret)
}

async fn until_state(server: &Server, path: &str, state: &str) -> Value {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let webhook = server.json(Persona::Admin, path).await;
        if webhook["delivery"]["state"] == state {
            return webhook;
        }
        assert!(Instant::now() < deadline, "{webhook}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Verifies posts with what others wrote: each is well signed, and another body is not.
fn verify(secret: &str, posts: &[Post]) {
    const PROGRAM: &str = "
import json, sys
from standardwebhooks.webhooks import Webhook, WebhookVerificationError
secret, posts = json.load(sys.stdin)
webhook = Webhook(secret)
for headers, body in posts:
    assert webhook.verify(body, headers)['specversion'] == '1.0'
    try:
        webhook.verify(body + ' ', headers)
    except WebhookVerificationError:
        continue
    raise SystemExit('another body was taken')
print(len(posts))
";
    let python = workspace_root().join(".cache/python/bin/python");
    if !python.exists() {
        eprintln!("SKIPPED: standardwebhooks is not there; run `make setup`");
        assert!(std::env::var_os("CI").is_none(), "CI has it");
        return;
    }
    let posts: Vec<_> = posts.iter().map(|it| (&it.headers, &it.body)).collect();
    let mut reader = Command::new(python);
    reader.args(["-c", PROGRAM]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut reader = reader.spawn().expect("python starts");
    let input = json!([secret, posts]).to_string();
    reader.stdin.take().expect("piped").write_all(input.as_bytes()).expect("it reads");
    let output = reader.wait_with_output().expect("python ends");
    assert!(output.status.success(), "they are not well signed");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), posts.len().to_string());
}

#[tokio::test]
async fn events_are_told_in_order_and_signed_to_whom_they_are_for() {
    let server = Server::start_with(&ALLOW);
    let (_, other) = server.send(Method::POST, "/customers", &json!({"name": "other"})).await;
    assert_eq!(other["id"], 2, "{other}");
    let [receiver, others] = [Receiver::start(&[]), Receiver::start(&[])];
    let (path, secret) = define(&server, &receiver, &["space.*"]).await;
    let body = json!({"url": others.url()});
    let (status, made) = server.send(Method::POST, "/customers/2/webhooks", &body).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    for number in [3, 1, 2] {
        server.space(number).await;
    }
    let letters = json!({"name": "letters"});
    server.send(Method::PUT, "/customers/2/spaces/7", &letters).await;
    others.until(1).await;
    let posts = receiver.until(3).await;
    let expected = ["1/3", "1/1", "1/2"].map(|id| format!("io.dlcs.space.created space-{id}"));
    assert_eq!(receiver.about(), expected);
    verify(&secret, &posts);
    for post in &posts {
        let event = post.event();
        assert_eq!(
            (post.id(), &event["source"]),
            (event["id"].as_str().unwrap(), &json!(server.base))
        );
        assert_eq!(post.headers["content-type"], "application/cloudevents+json");
    }
    let to_others = others.about();
    assert!(to_others.iter().all(|it| it.contains("-2/7") || it.ends_with("-2")), "{to_others:?}");

    let read = server.json(Persona::Admin, &path).await;
    let asked = json!({"query": "{ webhooks { url events isActive
        delivery { state position lastStatus } history { edges { node { type payload } } } } }"});
    let (_, asked) = server.send(Method::POST, "/graphql", &asked).await;
    let webhook = &asked["data"]["webhooks"][0];
    assert_eq!((&webhook["url"], &webhook["isActive"]), (&json!(receiver.url()), &json!(true)));
    assert_eq!(webhook["delivery"]["state"], "delivering", "{asked}");
    let history = String::from_utf8(server.command(&["events", "--json"]).stdout).expect("UTF-8");
    assert!(history.contains("webhook.defined"), "{history}");
    for seen in [read.to_string(), asked.to_string(), history] {
        assert!(!seen.contains(&secret[6..]), "{seen}");
    }
    assert!(!is_anywhere(server.data(), &secret[6..]), "it lies in the data folder in clear");
    let status = server.command(&["projections", "status"]).stdout;
    let status = String::from_utf8(status).expect("UTF-8");
    assert!(status.contains("webhook/1/"), "{status}");
    let metrics = server.get(Persona::Admin, "/metrics").await.text().await.expect("a body");
    assert!(metrics.contains("dlcs_webhooks_delivered_total"), "{metrics}");
    assert_eq!(server.command(&["replay"]).status.code(), Some(0));
}

#[tokio::test]
async fn a_secret_is_told_once_and_two_sign_after_a_rotation() {
    let server = Server::start_with(&ALLOW);
    let receiver = Receiver::start(&[]);
    let define = async || {
        let request = server.request(Persona::Admin, Method::POST, ALL);
        let body = json!({"url": receiver.url(), "events": ["space.created"]});
        let request = request.header("idempotency-key", "k").json(&body);
        request.send().await.expect("an answer").json::<Value>().await.expect("JSON")
    };
    let (made, again) = (define().await, define().await);
    assert_eq!((&made["id"], &again["secret"]), (&again["id"], &Value::Null), "{again}");
    let path = format!("{ALL}/{}", made["id"].as_str().expect("an id"));
    let read = server.json(Persona::Admin, &path).await;
    assert_eq!((&read["secret"], &read["formerSecretUntil"]), (&Value::Null, &Value::Null));
    // What was read can be written back, and changes nothing.
    let (status, put) = server.send(Method::PUT, &path, &read).await;
    assert_eq!((status, &put["secret"]), (StatusCode::OK, &Value::Null), "{put}");

    let (status, rotated) =
        server.send(Method::POST, &format!("{path}/rotate"), &Value::Null).await;
    assert_eq!(status, StatusCode::OK, "{rotated}");
    assert!(rotated["formerSecretUntil"].is_string(), "{rotated}");
    assert_ne!(rotated["secret"], made["secret"]);
    server.space(1).await;
    let posts = receiver.until(1).await;
    assert_eq!(posts[0].headers["webhook-signature"].split(' ').count(), 2);
    for secret in [&made["secret"], &rotated["secret"]] {
        verify(secret.as_str().expect("it is told"), &posts[..1]);
    }

    assert_eq!(server.send(Method::DELETE, &path, &Value::Null).await.0, StatusCode::NO_CONTENT);
    let before = receiver.posts().len();
    let other = Receiver::start(&[]);
    let (_, other_secret) = self::define(&server, &other, &["space.created"]).await;
    server.space(2).await;
    verify(&other_secret, &other.until(1).await);
    assert_eq!(receiver.posts().len(), before, "what is removed is told nothing");
    let status = server.command(&["projections", "status"]).stdout;
    let id = made["id"].as_str().expect("an id");
    assert!(!String::from_utf8(status).expect("UTF-8").contains(id), "its place is forgotten");
}

#[tokio::test]
async fn nothing_is_lost_between_a_failure_and_the_next_start() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut server = Server::start_on(folder.path(), &ALLOW);
    let receiver = Receiver::start(&["500 Broken"]);
    let (path, secret) = define(&server, &receiver, &["space.created"]).await;
    server.space(1).await;
    receiver.until(1).await;
    let webhook = until_state(&server, &path, "retrying").await;
    let delivery = &webhook["delivery"];
    assert_eq!((&delivery["lastStatus"], &delivery["tries"]), (&json!(500), &json!(1)));
    assert_eq!(delivery["lastError"], "receiver-refused", "{webhook}");
    assert!(delivery["nextTry"].is_string() && delivery["behind"].as_u64() > Some(0), "{webhook}");
    server.space(2).await;
    assert_eq!(server.terminate().0, Some(0));
    let server = Server::start_on(folder.path(), &ALLOW);
    server.space(3).await;
    let posts = receiver.until(4).await;
    let expected = ["1", "1", "2", "3"].map(|id| format!("io.dlcs.space.created space-1/{id}"));
    assert_eq!(receiver.about(), expected);
    assert_eq!(posts[0].id(), posts[1].id(), "by which a receiver knows it again");
    verify(&secret, &posts);
    until_state(&server, &path, "delivering").await;
}

#[tokio::test]
async fn a_webhook_that_nobody_takes_is_paused_and_goes_on_from_anywhere() {
    let server = Server::start_with(&[&ALLOW[..], &["--webhook-tries", "2"]].concat());
    let receiver = Receiver::start(&["500 Broken", "503 Busy", "410 Gone"]);
    let (path, _) = define(&server, &receiver, &["space.created"]).await;
    server.space(1).await;
    server.space(2).await;
    let webhook = until_state(&server, &path, "paused").await;
    let delivery = &webhook["delivery"];
    assert_eq!((&delivery["lastStatus"], &delivery["nextTry"]), (&json!(503), &Value::Null));
    assert_eq!(receiver.posts().len(), 2);
    let resume = format!("{path}/resume");
    let (status, resumed) = server.send(Method::POST, &resume, &json!({})).await;
    assert_eq!((status, &resumed["id"]), (StatusCode::OK, &webhook["id"]), "{resumed}");
    until_state(&server, &path, "gone").await;
    assert_eq!(receiver.posts().len(), 3);
    let mutation =
        format!("mutation {{ resumeWebhook(id: {}) {{ delivery {{ state }} }} }}", webhook["id"]);
    let (_, answer) = server.send(Method::POST, "/graphql", &json!({"query": mutation})).await;
    assert_eq!(answer["data"]["resumeWebhook"]["delivery"]["state"], "delivering", "{answer}");
    receiver.until(5).await;
    until_state(&server, &path, "delivering").await;
    let (status, replayed) = server.send(Method::POST, &resume, &json!({"after": 0})).await;
    assert_eq!(status, StatusCode::OK, "{replayed}");
    let posts = receiver.until(7).await;
    let ids: Vec<&str> = posts.iter().map(Post::id).collect();
    assert_eq!(ids[3..5], ids[5..7], "what comes again has the same ids");
    let (status, beyond) = server.send(Method::POST, &resume, &json!({"after": 99_999})).await;
    let told = (status, &beyond["code"]);
    assert_eq!(told, (StatusCode::BAD_REQUEST, &json!("position-unknown")), "{beyond}");
}

/// THREATS B107, and B1 to B26 where a webhook is defined.
#[tokio::test]
async fn a_hostile_receiver_reaches_nothing_and_holds_up_nobody() {
    let canary = Receiver::start(&[]);
    let location = format!("301 Moved\r\nLocation: {}", canary.url());
    let server = Server::start_with(&ALLOW);
    let hostile = Receiver::start(&["endless", &location]);
    let (path, secret) = define(&server, &hostile, &["space.created"]).await;
    let good = Receiver::start(&[]);
    define(&server, &good, &["space.created"]).await;
    server.space(1).await;
    server.space(2).await;
    good.until(2).await;
    let webhook = until_state(&server, &path, "retrying").await;
    assert_eq!(webhook["delivery"]["lastError"], "receiver-redirects", "{webhook}");
    verify(&secret, &hostile.until(2).await);
    assert_eq!(canary.posts().len(), 0, "nobody went on");

    let closed = Server::start_with(&[]);
    for (url, code) in [
        (canary.url().as_str(), "webhook-url-forbidden"),
        ("http://localhost/", "webhook-url-forbidden"),
        ("http://0/", "webhook-url-forbidden"),
        ("http://[::ffff:7f00:1]/", "webhook-url-forbidden"),
        ("http://169.254.169.254/latest/meta-data/", "webhook-url-forbidden"),
        ("http://user:pass@example.org/", "webhook-url-forbidden"),
        ("http://example.org:22/", "webhook-url-forbidden"),
        ("file:///etc/passwd", "webhook-url-forbidden"),
        ("gopher://127.0.0.1/", "webhook-url-forbidden"),
        ("https://example.org/a b", "webhook-url-invalid"),
        (&format!("https://example.org/{}", "a".repeat(2048)), "webhook-url-invalid"),
        ("", "invalid-field"),
    ] {
        let (status, answer) = closed.send(Method::POST, ALL, &json!({"url": url})).await;
        let told = (status, answer["code"].as_str().unwrap_or_default());
        assert_eq!(told, (StatusCode::BAD_REQUEST, code), "{url}: {answer}");
    }
    let url = "https://example.org/hook";
    for (body, code) in [
        (json!({"url": url, "events": ["asset"]}), "event-type-unknown"),
        (json!({"url": url, "events": ["key.issued"]}), "event-type-unknown"),
        (json!({"url": url, "events": "asset.*"}), "invalid-field"),
        (json!({"url": url, "isActive": "yes"}), "invalid-field"),
        (json!({"url": url, "after": -1}), "invalid-field"),
        (json!({"url": url, "after": 99_999}), "position-unknown"),
        (json!({}), "invalid-field"),
    ] {
        let (status, answer) = closed.send(Method::POST, ALL, &body).await;
        let told = (status, answer["code"].as_str().unwrap_or_default());
        assert_eq!(told, (StatusCode::BAD_REQUEST, code), "{body}: {answer}");
    }
    let listed = closed.json(Persona::Admin, ALL).await;
    assert_eq!(listed["totalItems"], 0, "{listed}");
    assert_eq!(canary.posts().len(), 0);
}
