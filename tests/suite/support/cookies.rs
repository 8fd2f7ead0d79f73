//! A client that keeps cookies.

use reqwest::Method;
use std::collections::BTreeMap;
use std::sync::Mutex;

/// Keeps cookies, as a browser does.
#[derive(Default)]
pub(crate) struct Browser {
    http: reqwest::Client,
    cookies: Mutex<BTreeMap<String, String>>,
}

impl Browser {
    pub(crate) fn request(&self, method: Method, url: &str) -> reqwest::RequestBuilder {
        let cookies = self.cookies.lock().expect("nobody panicked");
        let cookies: Vec<_> =
            cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = self.http.request(method, url);
        if cookies.is_empty() { request } else { request.header("cookie", cookies.join("; ")) }
    }

    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> reqwest::Response {
        let answer = request.send().await.expect("an answer");
        for cookie in answer.headers().get_all("set-cookie") {
            let pair = cookie.to_str().expect("ASCII").split(';').next().expect("a pair");
            let (name, value) = pair.split_once('=').expect("a name and a value");
            let mut cookies = self.cookies.lock().expect("nobody panicked");
            cookies.insert(name.to_owned(), value.to_owned());
        }
        answer
    }

    pub(crate) async fn get(&self, url: &str) -> reqwest::Response {
        self.send(self.request(Method::GET, url)).await
    }
}
