//! The pages of IIIF Auth. They load nothing, and stand in a frame of nobody but the viewer that asked.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use dlcs_domain::definition::AuthService;
use serde_json::Value;

const STYLE: &str = "body{font:1rem/1.5 system-ui,sans-serif;max-width:36rem;margin:3rem auto;\
     padding:0 1rem}button{font:inherit;padding:.5rem 1rem}p{white-space:pre-line}\
     label{display:block;margin:1rem 0}input{display:block;font:inherit;padding:.4rem;width:100%;\
     box-sizing:border-box}[role=alert]{border-left:.3rem solid #b00020;padding-left:.7rem}";
/// Of a page with a form: what is sent goes to us.
const FORM_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; \
     base-uri 'none'; frame-ancestors 'none'";
const FIELDS: &str = "<label>Name<input name=\"name\" autocomplete=\"username\" \
     autocapitalize=\"none\" spellcheck=\"false\" required autofocus></label>\
     <label>Password<input name=\"password\" type=\"password\" \
     autocomplete=\"current-password\" required></label>";

/// The page on which a reader agrees.
pub(super) fn agreement(service: &AuthService) -> Response {
    let body = format!(
        "<h1>{}</h1><p>{}</p><form method=\"post\"><button autofocus>{}</button></form>",
        escaped(&service.page_label),
        escaped(&service.description),
        escaped(&service.call_to_action)
    );
    page(&service.page_label, &body, FORM_POLICY)
}

/// The page on which a reader says name and password. `message` says why it is there again.
pub(super) fn login(service: &AuthService, message: Option<&str>) -> Response {
    let message = message.map(|text| format!("<p role=\"alert\">{}</p>", escaped(text)));
    let body = format!(
        "<h1>{}</h1><p>{}</p>{}<form method=\"post\">{FIELDS}<button>{}</button></form>",
        escaped(&service.page_label),
        escaped(&service.description),
        message.unwrap_or_default(),
        escaped(&service.call_to_action)
    );
    page(&service.page_label, &body, FORM_POLICY)
}

/// The page that closes itself.
pub(super) fn done(text: &str) -> Response {
    let nonce = hex::encode(rand::random::<[u8; 16]>());
    let body = format!("<p>{}</p><script nonce=\"{nonce}\">window.close()</script>", escaped(text));
    let policy = format!(
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'nonce-{nonce}'; \
         base-uri 'none'; frame-ancestors 'none'"
    );
    page(text, &body, &policy)
}

/// The page in a frame of a viewer, which tells it something: only pages of `origin` hear it.
pub(super) fn message(message: &Value, origin: &str) -> Response {
    let nonce = hex::encode(rand::random::<[u8; 16]>());
    let (message, target) = (in_script(message), in_script(&Value::from(origin)));
    let body = format!(
        "<script nonce=\"{nonce}\">\
         (window.opener||window.parent).postMessage({message},{target})</script>"
    );
    let policy = format!(
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'nonce-{nonce}'; \
         base-uri 'none'; frame-ancestors {origin}"
    );
    let mut response = page("", &body, &policy);
    // Older browsers know this alone, and it knows no origins.
    response.headers_mut().remove(header::X_FRAME_OPTIONS);
    response
}

fn page(title: &str, body: &str, policy: &str) -> Response {
    let document = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{}</title>\
         <style>{STYLE}</style>{body}</html>",
        escaped(title)
    );
    let mut response = document.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    // Without it, a browser that says no `Sec-Fetch-Site` would send our own form as of nowhere.
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    // An origin that was checked is in it, and else nothing of a client's.
    let policy =
        HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"));
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    response
}

/// Escapes a text for HTML.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// Writes JSON so that it cannot end the script that it stands in.
fn in_script(value: &Value) -> String {
    let text = value.to_string();
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' | '>' | '&' | '\'' | '\u{2028}' | '\u{2029}' => {
                safe.push_str(&format!("\\u{:04x}", u32::from(character)));
            }
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// THREATS B71.
    #[test]
    fn b71_a_message_id_cannot_leave_its_string() {
        for hostile in
            ["</script><script>alert(1)</script>", "\"}-alert(1)-{\"", "a\u{2028}b", "';//"]
        {
            let text = in_script(&json!({ "messageId": hostile }));
            assert!(!text.contains(['<', '>', '\'', '\u{2028}']), "{text}");
            let read: Value = serde_json::from_str(&text).expect("it is JSON still");
            assert_eq!(read["messageId"], hostile);
        }
    }

    #[test]
    fn what_a_customer_writes_is_text() {
        assert_eq!(escaped("<b onclick='x'>&\""), "&lt;b onclick=&#39;x&#39;&gt;&amp;&quot;");
    }
}
