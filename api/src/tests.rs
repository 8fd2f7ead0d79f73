//! The router over read models that are written down here: access, shape of errors, negotiation,
//! conditions, limits. What goes through the stores is tested from outside, in `tests/suite`.

mod fakes;

use crate::router::{reserved_segments, routes};
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use fakes::{BASE, KEY, ORIGINAL, router};
use serde_json::Value;
use tower::ServiceExt;

/// An answer, its body read.
struct Got {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Got {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }
}

async fn ask(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Got {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::from(body.to_owned())).unwrap();
    let response = router().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, 1 << 22).await.unwrap().to_vec();
    Got { status: parts.status, headers: parts.headers, body }
}

async fn get(path: &str) -> Got {
    ask("GET", path, &[], "").await
}

async fn get_with(path: &str, name: &str, value: &str) -> Got {
    ask("GET", path, &[(name, value)], "").await
}

#[tokio::test]
async fn problems_have_one_shape() {
    for (method, path, status) in [
        ("GET", "/nowhere/at/all/of/us", 404),
        ("GET", "/iiif-img/v3/1/1/unknown/info.json", 404),
        ("GET", "/iiif-img/v3/1/1/deleted/info.json", 410),
        ("DELETE", "/health/live", 405),
        ("GET", "/customers", 401),
        ("PUT", "/customers/1/spaces/1/images/a", 401),
        ("GET", "/iiif-img/v3/1/1/open/full/0,/0/default.jpg", 400),
    ] {
        let got = ask(method, path, &[], "").await;
        assert_eq!(got.status, status, "{method} {path}");
        assert_eq!(got.header("content-type"), "application/problem+json; charset=utf-8");
        let problem = got.json();
        assert_eq!((&problem["@type"], &problem["status"]), (&"Error".into(), &status.into()));
        assert_eq!(problem["instance"], path);
        let code = problem["code"].as_str().unwrap();
        assert_eq!(problem["type"], format!("/docs/errors#{code}"));
    }
}

#[tokio::test]
async fn wrong_credentials_are_refused_on_open_addresses_too() {
    let path = "/iiif-img/v3/1/1/open/info.json";
    assert_eq!(get_with(path, "authorization", "Bearer nonsense").await.status, 401);
    assert_eq!(get_with(path, "authorization", KEY).await.status, 200);
}

#[tokio::test]
async fn unknown_customers_are_secret_to_strangers() {
    assert_eq!(get("/customers/nobody/spaces").await.status, 401);
    assert_eq!(get_with("/customers/nobody/spaces", "authorization", KEY).await.status, 404);
}

#[tokio::test]
async fn a_closed_image_is_described_and_not_shown() {
    let pixels = "/iiif-img/v3/1/1/closed/full/max/0/default.jpg";
    let closed = [pixels, "/thumbs/v3/1/1/closed/full/100,75/0/default.jpg", "/file/1/1/closed"];
    for path in closed {
        assert_eq!(get(path).await.status, 401, "{path}");
        let known = get_with(path, "if-none-match", "*").await;
        assert_eq!(known.status, 401, "a 304 would tell: {path}");
    }
    let info = get("/iiif-img/v3/1/1/closed/info.json").await;
    assert_eq!(info.status, 200);
    assert_eq!(info.header("cache-control"), "private, no-store");
    let file = get_with("/file/1/1/closed", "authorization", KEY).await;
    assert_eq!((file.status, file.body.as_slice()), (StatusCode::OK, ORIGINAL));
    assert_eq!(file.header("cache-control"), "private, no-store");
}

#[tokio::test]
async fn info_json_follows_the_address_and_then_the_accept_header() {
    const V2: &str = "application/ld+json;profile=\"http://iiif.io/api/image/2/context.json\"";
    let plain = "/iiif-img/1/1/open/info.json";
    assert_eq!(get(plain).await.json()["id"], format!("{BASE}/iiif-img/1/1/open"));
    let by_accept = get_with(plain, "accept", V2).await;
    assert_eq!(by_accept.json()["@id"], format!("{BASE}/iiif-img/1/1/open"));
    assert_eq!(by_accept.header("content-type"), V2);
    let fixed = get_with("/iiif-img/v3/1/1/open/info.json", "accept", V2).await.json();
    assert_eq!(fixed["id"], format!("{BASE}/iiif-img/v3/1/1/open"));
    let named = get("/iiif-img/v2/default/1/open/info.json").await.json();
    assert_eq!(named["@id"], format!("{BASE}/iiif-img/v2/default/1/open"));
}

#[tokio::test]
async fn a_hostile_host_changes_no_address() {
    let got = get_with("/iiif-img/v3/1/1/open/info.json", "x-forwarded-host", "evil").await;
    assert!(!String::from_utf8(got.body).unwrap().contains("evil"));
}

#[tokio::test]
async fn documents_are_not_sent_twice() {
    for path in ["/iiif-img/v3/1/1/open/info.json", "/iiif-manifest/v3/1/1/open", "/file/1/1/open"]
    {
        let first = get(path).await;
        assert_eq!(first.header("access-control-allow-origin"), "*", "{path}");
        let again = get_with(path, "if-none-match", first.header("etag")).await;
        assert_eq!(again.status, 304, "{path}");
        assert!(again.body.is_empty());
        assert_eq!(again.header("etag"), first.header("etag"));
        let since = get_with(path, "if-modified-since", first.header("last-modified")).await;
        assert_eq!(since.status, 304, "{path}");
    }
}

#[tokio::test]
async fn a_slash_in_an_id_is_decoded_once() {
    let got = get("/iiif-img/v3/1/1/a%2Fb/info.json").await;
    assert_eq!(got.json()["id"], format!("{BASE}/iiif-img/v3/1/1/a%2Fb"));
    assert_eq!(get("/iiif-img/v3/1/1/a%252Fb/info.json").await.status, 404);
    assert_eq!(get("/iiif-img/v3/1/1/a/b/info.json").await.status, 404);
    for path in ["/iiif-img/v3/1/1/%ff/info.json", "/iiif-img/v3/1/1/a%00/info.json"] {
        assert_eq!(get(path).await.status, 400, "{path}");
    }
}

#[tokio::test]
async fn the_base_address_leads_to_info_json() {
    let got = get("/iiif-img/v2/1/1/open").await;
    assert_eq!(got.status, 303);
    assert_eq!(got.header("location"), format!("{BASE}/iiif-img/v2/1/1/open/info.json"));
}

#[tokio::test]
async fn thumbnails_come_ready_made_or_not_at_all() {
    for path in ["full/101,/0/default.jpg", "0,0,9,9/max/0/default.jpg", "full/max/90/default.jpg"]
    {
        assert_eq!(get(&format!("/thumbs/v3/1/1/open/{path}")).await.status, 404, "{path}");
    }
    let info = get("/thumbs/v3/1/1/open/info.json").await.json();
    assert_eq!(info["profile"], "level0");
}

#[tokio::test]
async fn what_is_not_ingested_yet_says_so() {
    let got = get("/iiif-img/v3/1/1/pending/info.json").await;
    assert_eq!(
        (got.status, got.json()["code"].as_str()),
        (StatusCode::NOT_FOUND, Some("not-ready"))
    );
    assert_eq!(got.header("retry-after"), "2");
    let failed = get("/iiif-manifest/v3/1/1/failed").await;
    assert_eq!(failed.json()["code"], "ingest-failed");
}

#[tokio::test]
async fn an_original_comes_in_parts_and_never_as_a_page() {
    let part = get_with("/file/1/1/open", "range", "bytes=4-7").await;
    assert_eq!((part.status, part.body.as_slice()), (StatusCode::PARTIAL_CONTENT, &ORIGINAL[4..8]));
    assert_eq!(part.header("content-range"), format!("bytes 4-7/{}", ORIGINAL.len()));
    assert!(part.header("content-disposition").starts_with("attachment"));
    assert!(part.header("content-security-policy").contains("sandbox"));
    assert_eq!(part.header("x-content-type-options"), "nosniff");
    assert_eq!(get_with("/file/1/1/open", "range", "bytes=999-").await.status, 416);
}

#[tokio::test]
async fn an_original_that_has_gone_is_an_error_not_an_answer_that_breaks_off() {
    for range in ["", "bytes=4-7"] {
        let got = get_with("/file/1/1/lost", "range", range).await;
        assert_eq!(got.status, StatusCode::INTERNAL_SERVER_ERROR, "{range}");
        assert_eq!(got.header("content-type"), "application/problem+json; charset=utf-8");
    }
}

#[tokio::test]
async fn long_addresses_and_headers_are_refused() {
    assert_eq!(get(&format!("/view?manifest={}", "a".repeat(9000))).await.status, 414);
    assert_eq!(get_with("/health/live", "x-filler", &"a".repeat(40_000)).await.status, 431);
}

#[tokio::test]
async fn preflight_opens_public_reads_only() {
    let public = ask("OPTIONS", "/iiif-img/v3/1/1/closed/info.json", &[], "").await;
    assert_eq!(
        (public.status, public.header("access-control-allow-origin")),
        (StatusCode::NO_CONTENT, "*")
    );
    let managed = ask("OPTIONS", "/customers/1", &[], "").await;
    assert!(!managed.headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN));
    assert_eq!(managed.header("allow"), "GET, HEAD, PATCH, DELETE, OPTIONS");
}

#[tokio::test]
async fn bodies_that_make_no_sense_are_refused_by_name() {
    let path = "/customers/1/spaces/1/images/a";
    for (body, field) in [
        (r#"{"origin":"http://origin/a.jpg","number1":"7"}"#, "number1"),
        (r#"{"origin":"http://origin/a.jpg","id":"b"}"#, "id"),
        (r#"{"origin":"http://origin/a.jpg","space":2}"#, "space"),
        (r#"{"origin":"http://origin/a.jpg","deliveryChannels":[]}"#, "deliveryChannels"),
        (r#"{"origin":"http://forbidden/a.jpg"}"#, "origin"),
        ("{}", "origin"),
    ] {
        let headers = [("authorization", KEY), ("content-type", "application/json")];
        let got = ask("PUT", path, &headers, body).await;
        assert_eq!(
            (got.status, got.json()["field"].as_str()),
            (StatusCode::BAD_REQUEST, Some(field)),
            "{body}"
        );
    }
}

#[tokio::test]
async fn a_read_that_has_to_be_newer_than_the_read_models_is_put_off() {
    let headers = [("authorization", KEY), ("dlcs-min-position", "5")];
    let got = ask("GET", "/customers", &headers, "").await;
    assert_eq!((got.status, got.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, "1"));
    let malformed = [("authorization", KEY), ("dlcs-min-position", "x")];
    assert_eq!(ask("GET", "/customers", &malformed, "").await.status, 400);
}

#[tokio::test]
async fn manifests_are_written_with_extras_only() {
    let headers = [("authorization", KEY), ("content-type", "application/json")];
    let got = ask("POST", "/1/manifests", &headers, "{}").await;
    assert_eq!(
        (got.status, got.json()["code"].as_str()),
        (StatusCode::FORBIDDEN, Some("extras-needed"))
    );
}

#[tokio::test]
async fn programs_and_probes_are_answered() {
    assert_eq!(get("/").await.json()["@type"], "vocab:EntryPoint");
    assert_eq!(get("/health/live").await.status, 200);
    let ready = get("/health/ready").await;
    assert_eq!(
        (ready.status, ready.json()["notReady"][0].as_str()),
        (StatusCode::SERVICE_UNAVAILABLE, Some("assets"))
    );
    assert_eq!(get("/metrics").await.body, b"metrics");
    assert_eq!(get("/openapi.json").await.json()["openapi"], "3.1.0");
}

#[test]
fn nobody_is_called_like_a_route() {
    for segment in reserved_segments() {
        assert!(dlcs_domain::names::check_customer_name(&segment).is_err(), "{segment}");
    }
}

#[test]
fn routes_are_declared_once() {
    let mut routes: Vec<_> = routes().into_iter().map(|it| (it.path, it.method)).collect();
    let count = routes.len();
    routes.sort_unstable();
    routes.dedup();
    assert_eq!(routes.len(), count);
}
