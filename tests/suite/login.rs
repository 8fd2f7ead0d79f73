//! Accounts of readers, and what name and password open.

use crate::support::cookies::Browser;
use crate::support::fixtures::png;
use crate::support::server::{Persona, Server, image_path};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;

mod accounts;

const PAGE: &str = "/iiif-img/v3/1/1/letter.png/full/max/0/default.jpg";
const PASSWORD: &str = "correct horse battery";
const OTHER: &str = "staple correct horse";
const FORM: &str = "application/x-www-form-urlencoded";
const JANE: &str = "/customers/1/accounts/jane";

/// Within that, everybody knows who is out.
const A_SECOND: Duration = Duration::from_secs(1);

fn service(profile: &str) -> Value {
    json!({
        "profile": profile, "label": "Members", "pageLabel": "The <i>reading room</i>",
        "description": "For members.\u{2028}<script>alert(1)</script>",
        "callToAction": "Log in & read", "ttl": 600,
    })
}

fn account(password: &str, services: &[&str]) -> Value {
    json!({"password": password, "authServices": services, "label": "Jane"})
}

/// An image that members see, and Jane is one.
async fn with_letter() -> Server {
    let server = Server::start();
    for (path, body) in [
        ("/customers/1/authServices/members", service("http://iiif.io/api/auth/1/login")),
        ("/customers/1/roles/member", json!({"authService": "members"})),
        (JANE, account(PASSWORD, &["members"])),
    ] {
        let (status, made) = server.send(Method::PUT, path, &body).await;
        assert_eq!(status, StatusCode::CREATED, "{made}");
    }
    server.space(1).await;
    server.upload("letter.png", png(60, 40)).await;
    let closed = json!({"roles": ["member"]});
    let (status, _) = server.send(Method::PATCH, &image_path("letter.png"), &closed).await;
    assert_eq!(status, StatusCode::OK);
    server
}

async fn log_in(server: &Server, browser: &Browser, name: &str, password: &str) -> Response {
    let url = format!("{}/auth/v2/access/1/members", server.base);
    browser.send(typed(browser, &url, name, password)).await
}

/// A form as a browser sends it.
fn typed(browser: &Browser, url: &str, name: &str, password: &str) -> RequestBuilder {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.append_pair("name", name).append_pair("password", password);
    let request = browser.request(Method::POST, url).header("content-type", FORM);
    request.body(form.finish())
}

/// A browser in which Jane is logged in.
async fn with_jane(server: &Server) -> Browser {
    let browser = Browser::default();
    let done = log_in(server, &browser, "jane", PASSWORD).await;
    assert_eq!(done.status(), StatusCode::OK);
    assert_eq!(status(server, &browser, PAGE).await, 200);
    browser
}

async fn status(server: &Server, browser: &Browser, path: &str) -> u16 {
    browser.get(&format!("{}{path}", server.base)).await.status().as_u16()
}

async fn text(server: &Server, browser: &Browser, path: &str) -> String {
    let answer = browser.get(&format!("{}{path}", server.base)).await;
    answer.text().await.expect("a body")
}

/// Asks for a token as a program does.
async fn token(server: &Server, browser: &Browser) -> Option<String> {
    let told = text(server, browser, "/auth/v1/token/1/members").await;
    let told: Value = serde_json::from_str(&told).expect("JSON");
    told["accessToken"].as_str().map(str::to_owned)
}

async fn probe(server: &Server, token: &str) -> Value {
    let path = "/auth/v2/probe/1/1/letter.png";
    let request = server.request(Persona::Anonymous, Method::GET, path).bearer_auth(token);
    let answer: Value = request.send().await.expect("an answer").json().await.expect("JSON");
    answer["status"].clone()
}

#[tokio::test]
async fn a_reader_logs_in_sees_and_leaves() {
    let server = with_letter().await;
    let info = server.json(Persona::Anonymous, "/iiif-img/v3/1/1/letter.png/info.json").await;
    let access = &info["service"][0]["service"][0];
    assert_eq!(
        (&access["type"], &access["profile"]),
        (&json!("AuthAccessService2"), &json!("active"))
    );
    assert_eq!(access["confirmLabel"]["none"][0], "Log in & read", "{info}");
    assert_eq!(info["service"][1]["profile"], "http://iiif.io/api/auth/1/login", "{info}");
    let old = server.get(Persona::Anonymous, "/iiif-img/v2/1/1/letter.png/info.json").await;
    assert_eq!(old.status(), StatusCode::UNAUTHORIZED);
    let old: Value = old.json().await.expect("the whole document");
    assert_eq!(old["service"][0]["profile"], "http://iiif.io/api/auth/1/login", "{old}");

    let browser = Browser::default();
    let page =
        text(&server, &browser, "/auth/v2/access/1/members?origin=https://viewer.example").await;
    for part in ["name=\"name\"", "type=\"password\"", "<form method=\"post\">"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert_eq!(status(&server, &browser, PAGE).await, 401);
    assert_eq!(token(&server, &browser).await, None);
    let done = log_in(&server, &browser, "jane", PASSWORD).await;
    assert_eq!(done.status(), StatusCode::OK);
    let cookie = done.headers()["set-cookie"].to_str().expect("ASCII").to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("Max-Age=600"), "{cookie}");
    assert_eq!(done.headers()["cache-control"], "private, no-store");
    // THREATS B79: nothing leads on from there.
    assert!(done.headers().get("location").is_none());
    assert!(done.text().await.expect("a body").contains("window.close()"));

    assert_eq!(status(&server, &browser, PAGE).await, 200);
    let token = token(&server, &browser).await.expect("a token");
    assert_eq!(probe(&server, &token).await, 200);
    let info = "/iiif-img/v2/1/1/letter.png/info.json";
    let request = server.request(Persona::Anonymous, Method::GET, info).bearer_auth(&token);
    assert_eq!(request.send().await.expect("an answer").status(), StatusCode::OK);
    let bye = text(&server, &browser, "/auth/v2/logout/1/members").await;
    assert!(bye.contains("logged out"), "{bye}");
    tokio::time::sleep(A_SECOND).await;
    assert_eq!(status(&server, &browser, PAGE).await, 401);
    assert_eq!(probe(&server, &token).await, 401);

    // The same page, of Authentication 1.0. THREATS B78: no address of a request is led to.
    let query = "continue=//evil.example&redirect=javascript:evil";
    let url = format!("{}/auth/v1/access/1/members?{query}", server.base);
    let done = browser.send(typed(&browser, &url, "jane", PASSWORD)).await;
    assert_eq!(done.status(), StatusCode::OK);
    assert!(done.headers().get("location").is_none());
    assert!(!done.text().await.expect("a body").contains("evil"));
    assert_eq!(status(&server, &browser, PAGE).await, 200);
}

#[tokio::test]
async fn what_is_wrong_is_not_told() {
    let server = with_letter().await;
    let members = account(OTHER, &["elsewhere"]);
    server.send(Method::PUT, "/customers/1/accounts/john", &members).await;
    let (_, other) = server.send(Method::POST, "/customers", &json!({"name": "other"})).await;
    assert_eq!(other["id"], 2, "{other}");
    server.send(Method::PUT, "/customers/2/accounts/kim", &account(PASSWORD, &["members"])).await;
    let browser = Browser::default();
    let mut pages = Vec::new();
    for (name, password) in [
        ("jane", OTHER),
        ("jane", "correct horse batterY"),
        ("Jane", PASSWORD),
        ("nobody", PASSWORD),
        // It opens another service.
        ("john", OTHER),
        // It is another customer's.
        ("kim", PASSWORD),
    ] {
        let refused = log_in(&server, &browser, name, password).await;
        assert_eq!(refused.status(), StatusCode::UNAUTHORIZED, "{name}");
        assert!(refused.headers().get("set-cookie").is_none(), "{name}");
        assert_eq!(refused.headers()["cache-control"], "private, no-store");
        pages.push(refused.text().await.expect("a body"));
    }
    assert!(pages[0].contains("role=\"alert\""), "{}", pages[0]);
    assert!(pages.iter().all(|page| *page == pages[0]), "{pages:#?}");
    assert_eq!(status(&server, &browser, PAGE).await, 401);
    // A page of another site logs nobody in.
    let url = format!("{}/auth/v2/access/1/members", server.base);
    for (header, value) in [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")] {
        let request = typed(&browser, &url, "jane", PASSWORD).header(header, value);
        assert_eq!(browser.send(request).await.status(), StatusCode::FORBIDDEN, "{header}");
    }
    assert_eq!(status(&server, &browser, PAGE).await, 401);
    let metrics = server.get(Persona::Admin, "/metrics").await.text().await.expect("a body");
    assert!(metrics.contains("dlcs_logins_total{result=\"wrong\"} 6"), "{metrics}");
}

/// What a session opens follows from what is said of the account now, within a second.
#[tokio::test]
async fn a_session_ends_with_what_its_account_was() {
    let server = with_letter().await;
    let members = |password: &str| account(password, &["members"]);
    let mut first = members(PASSWORD);
    first.as_object_mut().expect("an object").remove("password");
    first["label"] = json!("Jane of the reading room");
    let browser = with_jane(&server).await;
    let before = token(&server, &browser).await.expect("a token");
    // Another label is no other account.
    assert_eq!(server.send(Method::PUT, JANE, &first).await.0, StatusCode::OK);
    tokio::time::sleep(A_SECOND).await;
    assert_eq!(status(&server, &browser, PAGE).await, 200);

    for (method, body, again) in [
        (Method::PUT, members(OTHER), OTHER),
        (Method::PUT, json!({"authServices": ["elsewhere"]}), PASSWORD),
        (Method::DELETE, Value::Null, PASSWORD),
    ] {
        server.send(Method::PUT, JANE, &members(PASSWORD)).await;
        let browser = with_jane(&server).await;
        let token_before = token(&server, &browser).await.expect("a token");
        assert_eq!(probe(&server, &token_before).await, 200);
        let (status_now, said) = server.send(method.clone(), JANE, &body).await;
        assert!(status_now.is_success(), "{said}");
        tokio::time::sleep(A_SECOND).await;
        assert_eq!(status(&server, &browser, PAGE).await, 401, "{method} {body}");
        assert_eq!(probe(&server, &token_before).await, 401, "{method} {body}");
        assert_eq!(token(&server, &browser).await, None, "{method} {body}");
        let again = log_in(&server, &browser, "jane", again).await.status();
        let expected = if body["password"] == OTHER { 200 } else { 401 };
        assert_eq!(again, expected, "{method} {body}");
    }
    assert_eq!(probe(&server, &before).await, 401);
    // An account that is made anew under the name opens nothing to those who knew the old one.
    server.send(Method::PUT, JANE, &members(PASSWORD)).await;
    tokio::time::sleep(A_SECOND).await;
    assert_eq!(status(&server, &browser, PAGE).await, 401);
}

/// Who has agreed to something has not logged in.
#[tokio::test]
async fn a_service_that_wants_a_login_now_lets_nobody_in_without() {
    let server = with_letter().await;
    let members = "/customers/1/authServices/members";
    server.send(Method::PUT, members, &service("clickthrough")).await;
    let browser = Browser::default();
    let url = format!("{}/auth/v2/access/1/members", server.base);
    assert_eq!(browser.send(browser.request(Method::POST, &url)).await.status(), StatusCode::OK);
    assert_eq!(status(&server, &browser, PAGE).await, 200);
    server.send(Method::PUT, members, &service("login")).await;
    tokio::time::sleep(A_SECOND).await;
    assert_eq!(status(&server, &browser, PAGE).await, 401);
    assert_eq!(token(&server, &browser).await, None);
    let refused = browser.send(browser.request(Method::POST, &url)).await;
    assert_eq!(refused.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn ten_wrong_tries_of_an_account_are_enough_for_a_minute() {
    let server = with_letter().await;
    server.send(Method::PUT, "/customers/1/accounts/john", &account(OTHER, &["members"])).await;
    let browser = Browser::default();
    for name in ["jane", "nobody"] {
        for n in 0..10 {
            let wrong = log_in(&server, &browser, name, "wrong horse battery").await;
            assert_eq!(wrong.status(), StatusCode::UNAUTHORIZED, "{name} {n}");
        }
        // The right one is not looked at any more, and whether there is such an account is not told.
        let refused = log_in(&server, &browser, name, PASSWORD).await;
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS, "{name}");
        let after = refused.headers()["retry-after"].to_str().expect("ASCII").parse::<u64>();
        assert!((1..=60).contains(&after.expect("seconds")), "{name}");
        let page = refused.text().await.expect("a body");
        assert!(page.contains("too many tries"), "{page}");
    }
    assert_eq!(status(&server, &browser, PAGE).await, 401);
    // Right ones are no tries.
    for n in 0..12 {
        let done = log_in(&server, &Browser::default(), "john", OTHER).await;
        assert_eq!(done.status(), StatusCode::OK, "{n}");
    }
    // 39 more of this client, whatever names it says.
    for n in 0..40 {
        let wrong = log_in(&server, &browser, &format!("name-{n}"), PASSWORD).await;
        assert_eq!(wrong.status(), StatusCode::UNAUTHORIZED, "{n}");
    }
    let refused = log_in(&server, &browser, "john", OTHER).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn hostile_names_and_passwords_open_and_break_nothing() {
    let server = with_letter().await;
    let browser = Browser::default();
    let hostile = "\"><script>alert(1)</script>\u{2028}' OR 1=1 --";
    let long = "x".repeat(2_000);
    for (name, password) in [
        ("", ""),
        ("jane", ""),
        ("", PASSWORD),
        ("jane\0", PASSWORD),
        ("a/b", PASSWORD),
        (hostile, hostile),
        (&long, &long),
        ("jane", "correct horse battery\0"),
    ] {
        let refused = log_in(&server, &browser, name, password).await;
        assert_eq!(refused.status(), StatusCode::UNAUTHORIZED, "{name:?} {password:?}");
        let policy = refused.headers()["content-security-policy"].to_str().expect("ASCII");
        assert!(policy.starts_with("default-src 'none'"), "{policy}");
        assert!(policy.ends_with("frame-ancestors 'none'"), "{policy}");
        let page = refused.text().await.expect("a body");
        assert!(!page.contains("<script") && !page.contains("OR 1=1"), "{page}");
        assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "{page}");
        assert!(page.contains("The &lt;i&gt;reading room&lt;/i&gt;"), "{page}");
        assert!(page.contains("<button>Log in &amp; read</button>"), "{page}");
    }
    let refused = log_in(&server, &browser, "jane", &"x".repeat(1 << 20)).await;
    assert_eq!(refused.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let url = format!("{}/auth/v2/access/1/members", server.base);
    for (media_type, body, expected) in [
        (FORM, "", 401),
        (FORM, "name=jane&password=%ff%00%zz&&=&=%", 401),
        (FORM, "name=jane&name=x&password=correct+horse+battery", 401),
        ("application/json", r#"{"name": "jane", "password": "correct horse battery"}"#, 415),
        ("multipart/form-data; boundary=x", "--x--", 415),
    ] {
        let request = browser.request(Method::POST, &url).header("content-type", media_type);
        let answer = browser.send(request.body(body)).await;
        assert_eq!(answer.status(), expected, "{media_type} {body}");
    }
    assert_eq!(status(&server, &browser, PAGE).await, 401);
    // What may be a password is one, whatever is in it.
    let strange = "ünï\u{2028}<b>&+%00;\"' \u{1f600}";
    server.send(Method::PUT, JANE, &account(strange, &["members"])).await;
    assert_eq!(log_in(&server, &browser, "jane", strange).await.status(), StatusCode::OK);
    assert_eq!(status(&server, &browser, PAGE).await, 200);
}
