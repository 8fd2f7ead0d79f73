//! Roles and access services, and what they close and open.

use crate::support::cookies::Browser;
use crate::support::fixtures::png;
use crate::support::server::{Persona, Server, image_path};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;

/// An access service `terms` and the role `clickthrough` that it gives.
async fn define(server: &Server) {
    let service = json!({
        "name": "terms", "profile": "http://iiif.io/api/auth/1/clickthrough",
        "label": "Terms of use", "pageLabel": "Before you read",
        "description": "These letters were <b>written</b> in confidence.",
        "callToAction": "I agree", "ttl": 600,
    });
    let (status, made) = server.send(Method::POST, "/customers/1/authServices", &service).await;
    assert_eq!((status, &made["ttl"]), (StatusCode::CREATED, &json!(600)), "{made}");
    let role = json!({"name": "clickthrough", "label": "Anybody who agrees",
        "authService": made["@id"]});
    let (status, made) = server.send(Method::POST, "/customers/1/roles", &role).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
}

#[tokio::test]
async fn roles_and_access_services_are_kept() {
    let server = Server::start();
    define(&server).await;
    let base = &server.base;
    let role = server.json(Persona::Admin, "/customers/1/roles/clickthrough").await;
    assert_eq!(role["authService"], format!("{base}/customers/1/authServices/terms"), "{role}");
    let service = server.json(Persona::Admin, "/customers/1/authServices/terms").await;
    assert_eq!(service["profile"], "clickthrough", "{service}");
    assert_eq!(service["callToAction"], "I agree", "{service}");
    // What was read can be written back, and changes nothing.
    let before = server.command(&["events", "--json"]).stdout;
    let path = "/customers/1/authServices/terms";
    assert_eq!(server.send(Method::PUT, path, &service).await.0, StatusCode::OK);
    let path = "/customers/1/roles/clickthrough";
    assert_eq!(server.send(Method::PUT, path, &role).await.0, StatusCode::OK);
    assert_eq!(server.command(&["events", "--json"]).stdout, before);

    let twice = json!({"name": "clickthrough"});
    let (status, answer) = server.send(Method::POST, "/customers/1/roles", &twice).await;
    assert_eq!((status, &answer["code"]), (StatusCode::CONFLICT, &json!("conflict")), "{answer}");
    for wrong in [
        json!({"name": "a", "profile": "magic", "label": "A"}),
        json!({"name": "a", "profile": "clickthrough"}),
        json!({"name": "a", "profile": "clickthrough", "label": "A", "ttl": 1}),
        json!({"name": "a", "profile": "clickthrough", "label": "A", "ttl": "long"}),
        json!({"name": "a/b", "profile": "clickthrough", "label": "A"}),
    ] {
        let (status, answer) = server.send(Method::POST, "/customers/1/authServices", &wrong).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{wrong}: {answer}");
    }
    let (status, _) = server.send(Method::DELETE, path, &Value::Null).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    assert_eq!(server.get(Persona::Admin, path).await.status(), StatusCode::NOT_FOUND);
    let listed = server.json(Persona::Admin, "/customers/1/roles").await;
    assert_eq!(listed["totalItems"], 0, "{listed}");
}

#[tokio::test]
async fn graphql_defines_lists_and_removes() {
    let server = Server::start();
    let graphql = async |document: &str| {
        let body = json!({ "query": document });
        let answer = server.send(Method::POST, "/graphql", &body).await.1;
        assert_eq!(answer["errors"], Value::Null, "{answer}");
        answer["data"].clone()
    };
    let document = "mutation { putAuthService(name: \"terms\",
        service: {profile: \"clickthrough\", label: \"Terms\"}) {
            authService { pageLabel callToAction ttl } } }";
    let expected = json!({"pageLabel": "Terms", "callToAction": "Continue", "ttl": 3600});
    assert_eq!(graphql(document).await["putAuthService"]["authService"], expected);
    let document =
        "mutation { putRole(name: \"staff\", authService: \"terms\") { role { name } } }";
    assert_eq!(graphql(document).await["putRole"]["role"]["name"], "staff");
    let listed =
        graphql("{ roles { name authService history { edges { node { type } } } } }").await;
    assert_eq!(listed["roles"][0]["authService"], "terms");
    assert_eq!(listed["roles"][0]["history"]["edges"][0]["node"]["type"], "role.defined");
    graphql("mutation { removeRole(name: \"staff\") { position } }").await;
    assert_eq!(
        graphql("{ roles { name } authServices { name } }").await,
        json!({"roles": [], "authServices": [{"name": "terms"}]})
    );
}

const PAGE: &str = "/iiif-img/v3/1/1/letter.png/full/max/0/default.jpg";

/// A closed image, and a browser.
async fn with_letter() -> (Server, Browser) {
    let server = Server::start();
    define(&server).await;
    server.space(1).await;
    server.upload("letter.png", png(60, 40)).await;
    let closed = json!({"roles": ["clickthrough"]});
    let (status, _) = server.send(Method::PATCH, &image_path("letter.png"), &closed).await;
    assert_eq!(status, StatusCode::OK);
    (server, Browser::default())
}

async fn status(server: &Server, browser: &Browser, path: &str) -> u16 {
    browser.get(&format!("{}{path}", server.base)).await.status().as_u16()
}

async fn text(server: &Server, browser: &Browser, path: &str) -> String {
    let answer = browser.get(&format!("{}{path}", server.base)).await;
    answer.text().await.expect("a body")
}

fn with(url: &str, query: &[(&str, &str)]) -> String {
    url::Url::parse_with_params(url, query).expect("an address").to_string()
}

/// Presses the button of the access page.
async fn agree(server: &Server, browser: &Browser) {
    let page = text(server, browser, "/auth/v2/access/1/terms?origin=https://viewer.example").await;
    assert!(page.contains("<button autofocus>I agree</button>"), "{page}");
    assert!(page.contains("were &lt;b&gt;written&lt;/b&gt; in confidence"), "{page}");
    let url = format!("{}/auth/v2/access/1/terms", server.base);
    let done = browser.send(browser.request(Method::POST, &url)).await;
    assert_eq!(done.status(), StatusCode::OK);
    let cookie = done.headers()["set-cookie"].to_str().expect("ASCII");
    assert!(cookie.contains("HttpOnly") && cookie.contains("Max-Age=600"), "{cookie}");
}

/// Takes the token out of the page that tells a viewer.
async fn token(server: &Server, browser: &Browser) -> Value {
    let path = "/auth/v2/token/1/terms?messageId=7&origin=https://viewer.example";
    let page = text(server, browser, path).await;
    let (_, rest) = page.split_once("postMessage(").expect("a message");
    let (message, _) =
        rest.split_once(",\"https://viewer.example\")").expect("to that origin only");
    serde_json::from_str(message).expect("JSON")
}

async fn probe(server: &Server, token: &str) -> Value {
    let request = server.request(Persona::Anonymous, Method::GET, "/auth/v2/probe/1/1/letter.png");
    let answer = request.bearer_auth(token).send().await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::OK, "a probe always answers");
    answer.json().await.expect("JSON")
}

/// Authorization Flow 2.0 from the first look to the last.
#[tokio::test]
async fn a_reader_agrees_sees_and_leaves() {
    let (server, browser) = with_letter().await;
    let info = server.json(Persona::Anonymous, "/iiif-img/v3/1/1/letter.png/info.json").await;
    let contexts =
        ["http://iiif.io/api/auth/2/context.json", "http://iiif.io/api/image/3/context.json"];
    assert_eq!(info["@context"], json!(contexts), "{info}");
    let (probing, cookie) = (&info["service"][0], &info["service"][1]);
    let base = &server.base;
    assert_eq!(probing["id"], format!("{base}/auth/v2/probe/1/1/letter.png"), "{info}");
    let access = &probing["service"][0];
    assert_eq!(access["id"], format!("{base}/auth/v2/access/1/terms"), "{info}");
    assert_eq!(access["service"][0]["id"], format!("{base}/auth/v2/token/1/terms"), "{info}");
    assert_eq!(cookie["@id"], format!("{base}/auth/v1/access/1/terms"), "{info}");
    assert_eq!(status(&server, &browser, PAGE).await, 401);
    assert_eq!(token(&server, &browser).await["profile"], "missingAspect");

    agree(&server, &browser).await;
    assert_eq!(status(&server, &browser, PAGE).await, 200);
    let told = token(&server, &browser).await;
    assert_eq!((&told["type"], &told["messageId"]), (&json!("AuthAccessToken2"), &json!("7")));
    let token = told["accessToken"].as_str().expect("a token").to_owned();
    assert_eq!(probe(&server, &token).await["status"], 200);
    assert_eq!(probe(&server, &"a".repeat(64)).await["status"], 401);
    // THREATS B75 and B76: a token opens the probe only, a cookie no probe and no management.
    let image = server.request(Persona::Anonymous, Method::GET, PAGE).bearer_auth(&token);
    assert_eq!(image.send().await.expect("an answer").status(), StatusCode::UNAUTHORIZED);
    let url = format!("{base}/auth/v2/probe/1/1/letter.png");
    let by_cookie: Value = browser.get(&url).await.json().await.expect("JSON");
    assert_eq!(by_cookie["status"], 401, "{by_cookie}");
    for path in ["/customers/1", "/customers/1/keys", "/file/1/1/other.png"] {
        assert_ne!(status(&server, &browser, path).await, 200, "{path}");
    }
    let body = json!({"query": "mutation { deleteAssets(ids: [\"1/1/letter.png\"]) { done } }"});
    let url = format!("{base}/graphql");
    let answer = browser.send(browser.request(Method::POST, &url).json(&body)).await;
    let answer: Value = answer.json().await.expect("JSON");
    assert_eq!(answer["errors"][0]["extensions"]["code"], "not-allowed", "{answer}");

    let bye = text(&server, &browser, "/auth/v2/logout/1/terms").await;
    assert!(bye.contains("logged out"), "{bye}");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(status(&server, &browser, PAGE).await, 401);
    assert_eq!(probe(&server, &token).await["status"], 401, "B73: the token has ended too");
}

/// Whoever is let in finds what is closed to others, and nobody keeps the answer for those.
#[tokio::test]
async fn a_reader_finds_what_a_role_opens() {
    let (server, browser) = with_letter().await;
    let word = "<String CONTENT=\"confidence\" HPOS=\"4\" VPOS=\"4\" WIDTH=\"40\" HEIGHT=\"9\"/>";
    let alto = format!(
        "<alto xmlns=\"http://www.loc.gov/standards/alto/ns-v4#\"><Layout><Page WIDTH=\"60\" \
         HEIGHT=\"40\"><PrintSpace><TextBlock><TextLine>{word}</TextLine></TextBlock></PrintSpace>\
         </Page></Layout></alto>"
    );
    let request = server.request(Persona::Admin, Method::PUT, "/text/alto/1/1/letter.png");
    let imported = request.body(alto).send().await.expect("an answer");
    assert_eq!(imported.status(), StatusCode::CREATED);
    server.projected().await;
    let path = "/search/v2/1?q=confidence";
    let count = async || {
        let answer = browser.get(&format!("{}{path}", server.base)).await;
        let caching = answer.headers()["cache-control"].to_str().expect("ASCII").to_owned();
        let found: Value = answer.json().await.expect("JSON");
        (found["items"].as_array().map_or(0, Vec::len), caching)
    };
    let (hits, caching) = count().await;
    assert_eq!(hits, 0, "to nobody");
    assert!(!caching.contains("private"), "{caching}");
    let terms = server.json(Persona::Anonymous, "/autocomplete/v2/1?q=conf").await;
    assert_eq!(terms["items"].as_array().map_or(0, Vec::len), 0, "{terms}");
    agree(&server, &browser).await;
    let (hits, caching) = count().await;
    assert_eq!(hits, 1);
    assert!(caching.contains("private"), "{caching}");
    text(&server, &browser, "/auth/v2/logout/1/terms").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(count().await.0, 0);
}

/// What is said of a closed image is closed with it, wherever it is asked for.
#[tokio::test]
async fn annotations_about_a_closed_image_are_closed_with_it() {
    let (server, browser) = with_letter().await;
    let container = json!({"type": ["BasicContainer", "AnnotationCollection"], "label": "Notes"});
    let notes = "/annotations/w3c/1/notes/";
    server.send(Method::PUT, notes, &container).await;
    let canvas = format!("{}/iiif-manifest/1/1/letter.png/canvas", server.base);
    for (name, target) in [("secret", canvas.as_str()), ("free", "https://example.org/c")] {
        let note = json!({"@context": "http://www.w3.org/ns/anno.jsonld", "type": "Annotation",
            "bodyValue": format!("a {name} note"), "target": target});
        let (status, said) = server.send(Method::PUT, &format!("{notes}{name}"), &note).await;
        assert_eq!(status, StatusCode::CREATED, "{said}");
    }
    server.projected().await;
    let places = [
        notes.to_owned(),
        format!("{notes}?page=0"),
        with("http://x/annotations/w3c/1/", &[("target", &canvas)]).replace("http://x", ""),
        "/annotations/oa/1/?q=secret".to_owned(),
        "/annotations/w3c/1/?container=notes".to_owned(),
    ];
    let seen = async |browser: &Browser| {
        let mut seen = Vec::new();
        for place in &places {
            seen.push(text(&server, browser, place).await.contains("a secret note"));
        }
        let shown: Value =
            serde_json::from_str(&text(&server, browser, notes).await).expect("JSON");
        seen.push(shown["total"] == 2);
        seen.push(status(&server, browser, &format!("{notes}secret")).await == 200);
        seen
    };
    let query = json!({"query": "{ annotation(container: \"notes\", id: \"secret\") { annotationId }
        annotationContainer(id: \"notes\") { total annotations { totalCount } } }"});
    let graphql = async |who: Persona| {
        let request = server.request(who, Method::POST, "/graphql").json(&query);
        let answer: Value = request.send().await.expect("an answer").json().await.expect("JSON");
        let (data, container) = (&answer["data"], &answer["data"]["annotationContainer"]);
        (
            !data["annotation"].is_null(),
            container["total"].clone(),
            container["annotations"]["totalCount"].clone(),
        )
    };
    let tag = async || {
        let answer = browser.get(&format!("{}{notes}", server.base)).await;
        answer.headers()["etag"].to_str().expect("ASCII").to_owned()
    };
    assert_eq!(seen(&browser).await, [false; 7]);
    assert_eq!(graphql(Persona::Anonymous).await, (false, json!(1), json!(1)));
    assert_eq!(graphql(Persona::Admin).await, (true, json!(2), json!(2)));
    assert_eq!(status(&server, &browser, &format!("{notes}secret")).await, 401);
    assert_eq!(status(&server, &browser, &format!("{notes}free")).await, 200);
    let manifest = text(&server, &browser, "/iiif-manifest/1/1/letter.png").await;
    assert!(!manifest.contains("/annotations/"), "{manifest}");
    let closed = tag().await;
    agree(&server, &browser).await;
    assert_eq!(seen(&browser).await, [true; 7]);
    assert_ne!(tag().await, closed, "a copy of before is no answer");
    let anybody = Browser::default();
    assert_eq!(seen(&anybody).await, [false; 7]);

    let open = json!({"roles": null});
    server.send(Method::PATCH, &image_path("letter.png"), &open).await;
    server.projected().await;
    assert_eq!(seen(&anybody).await, [true; 7]);
    assert_eq!(graphql(Persona::Anonymous).await, (true, json!(2), json!(2)));
    let manifest = text(&server, &browser, "/iiif-manifest/1/1/letter.png").await;
    assert!(manifest.contains("/annotations/w3c/1/?target="), "{manifest}");
}

/// Authentication 1.0: info.json is what a viewer asks.
#[tokio::test]
async fn viewers_of_version_1_ask_info_json() {
    let (server, browser) = with_letter().await;
    let info = "/iiif-img/v2/1/1/letter.png/info.json";
    let answer = server.get(Persona::Anonymous, info).await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    let etag = answer.headers()["etag"].clone();
    let document: Value = answer.json().await.expect("the whole document");
    let again = server.request(Persona::Anonymous, Method::GET, info).header("if-none-match", etag);
    let again = again.send().await.expect("an answer");
    assert_eq!(again.status(), StatusCode::UNAUTHORIZED, "no 304 for whoever may not see it");
    assert_eq!(again.json::<Value>().await.expect("the whole document again"), document);
    let service = &document["service"][0];
    assert_eq!(service["profile"], "http://iiif.io/api/auth/1/clickthrough", "{document}");
    assert_eq!(document["width"], 60, "{document}");
    agree(&server, &browser).await;
    let told = text(&server, &browser, "/auth/v1/token/1/terms").await;
    let told: Value = serde_json::from_str(&told).expect("JSON without a message id");
    let token = told["accessToken"].as_str().expect("a token");
    let request = server.request(Persona::Anonymous, Method::GET, info).bearer_auth(token);
    assert_eq!(request.send().await.expect("an answer").status(), StatusCode::OK);
    assert_eq!(server.get(Persona::Admin, info).await.status(), StatusCode::OK);
}

/// What a session opens follows from what is defined now, within a second.
#[tokio::test]
async fn a_role_that_is_removed_closes_what_it_opened() {
    let (server, browser) = with_letter().await;
    agree(&server, &browser).await;
    assert_eq!(status(&server, &browser, PAGE).await, 200);
    let text = "/text/plain/1/1/letter.png";
    assert_eq!(status(&server, &browser, text).await, 404, "let in, and there is no text");
    let path = "/customers/1/roles/clickthrough";
    assert_eq!(server.send(Method::DELETE, path, &Value::Null).await.0, StatusCode::NO_CONTENT);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(status(&server, &browser, PAGE).await, 401);
    assert_eq!(status(&server, &browser, text).await, 401);
}

/// THREATS B70, B71, B77 and B80.
#[tokio::test]
async fn pages_of_other_sites_cannot_use_the_flow() {
    let (server, browser) = with_letter().await;
    let base = &server.base;
    for origin in ["null", "*", "javascript:alert(1)", "https://good@evil.example", "https://a/b"] {
        for path in ["access", "token"] {
            let url = format!("{base}/auth/v2/{path}/1/terms");
            let query = [("messageId", "7"), ("origin", origin)];
            let answer = browser.get(&with(&url, &query)).await;
            assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{path} {origin}");
        }
    }
    let url = format!("{base}/auth/v2/access/1/terms");
    let page = browser.get(&url).await;
    let policy = page.headers()["content-security-policy"].to_str().expect("ASCII").to_owned();
    assert!(policy.ends_with("frame-ancestors 'none'"), "{policy}");
    assert_eq!(page.headers()["x-frame-options"], "DENY");
    for (name, value) in [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")] {
        let forged = browser.send(browser.request(Method::POST, &url).header(name, value)).await;
        assert_eq!(forged.status(), StatusCode::FORBIDDEN, "{name}");
    }
    assert_eq!(status(&server, &browser, PAGE).await, 401);

    agree(&server, &browser).await;
    let url = format!("{base}/auth/v2/token/1/terms");
    let hostile = "</script><script>alert(1)</script>\u{2028}";
    let query = [("messageId", hostile), ("origin", "https://viewer.example")];
    let page = browser.get(&with(&url, &query)).await;
    let policy = page.headers()["content-security-policy"].to_str().expect("ASCII").to_owned();
    assert!(policy.ends_with("frame-ancestors https://viewer.example"), "{policy}");
    assert!(page.headers().get("x-frame-options").is_none());
    let page = page.text().await.expect("a body");
    assert_eq!(page.matches("<script").count(), 1, "{page}");
    let long = "x".repeat(1025);
    let query = [("messageId", long.as_str()), ("origin", "https://viewer.example")];
    let answer = browser.get(&with(&url, &query)).await;
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    let url = format!("{base}/auth/v2/logout/1/terms");
    let forged = browser.request(Method::GET, &url).header("sec-fetch-dest", "image");
    assert_eq!(browser.send(forged).await.status(), StatusCode::FORBIDDEN);
    assert_eq!(status(&server, &browser, PAGE).await, 200, "still let in");
}

/// THREATS B74: a cookie opens what is its customer's.
#[tokio::test]
async fn a_cookie_opens_nothing_of_another_customer() {
    let (server, browser) = with_letter().await;
    agree(&server, &browser).await;
    let (_, other) = server.send(Method::POST, "/customers", &json!({"name": "other"})).await;
    assert_eq!(other["id"], 2, "{other}");
    let space = json!({"name": "letters"});
    server.send(Method::PUT, "/customers/2/spaces/1", &space).await;
    let role = json!({"name": "clickthrough", "authService": "terms"});
    server.send(Method::POST, "/customers/2/roles", &role).await;
    let path = "/customers/2/spaces/1/images/letter.png";
    let request = server.request(Persona::Admin, Method::PUT, &format!("{path}/content"));
    request.body(png(60, 40)).send().await.expect("an answer");
    let closed = json!({"roles": ["clickthrough"]});
    assert_eq!(server.send(Method::PATCH, path, &closed).await.0, StatusCode::OK);
    let image = PAGE.replace("/1/1/", "/2/1/");
    assert_eq!(status(&server, &browser, &image).await, 401);
    assert_eq!(status(&server, &browser, PAGE).await, 200);
}
