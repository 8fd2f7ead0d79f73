//! Speaks to a running server, for the commands that need one.

use crate::config::{AdminKey, Settings};
use anyhow::{Context, anyhow, bail};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::Value;

/// Members of a page of a list.
const PAGE: usize = 1000;
/// Characters of an id that a path segment keeps.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Escapes an id for a path.
pub(crate) fn segment(id: &str) -> String {
    utf8_percent_encode(id, SEGMENT).to_string()
}

/// Where the server is and how to show who asks.
#[derive(Debug, Clone, clap::Args, Default)]
pub(crate) struct ServerArgs {
    /// Address of the server [default: http:// + listen address].
    #[arg(long, env = "DLCS_SERVER", value_name = "URL")]
    pub(crate) server: Option<String>,
    /// KEY:SECRET [default: the file `admin-key` in the data folder].
    #[arg(long, env = "DLCS_KEY", value_name = "KEY:SECRET", hide_env_values = true)]
    pub(crate) key: Option<String>,
}

/// A server and the credentials for it. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
    key: AdminKey,
}

/// What a server answered to a refused request.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) detail: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({}, {})", self.detail, self.code, self.status)
    }
}

impl std::error::Error for Problem {}

impl Client {
    pub(crate) fn new(args: &ServerArgs, settings: &Settings) -> anyhow::Result<Self> {
        let base = args.server.clone().unwrap_or_else(|| format!("http://{}", settings.listen));
        let key = match &args.key {
            Some(text) => AdminKey::parse(text).context("`--key` must be KEY:SECRET")?,
            None => match &settings.admin_key {
                Some(key) => key.clone(),
                None => key_of_data_folder(settings)?,
            },
        };
        Self::with_key(base, key)
    }

    pub(crate) fn with_key(base: String, key: AdminKey) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().no_proxy().build()?;
        Ok(Self { http, base: base.trim_end_matches('/').to_owned(), key })
    }

    /// Begins a request with credentials. `path` begins with `/`.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.base);
        self.http.request(method, url).basic_auth(&self.key.key, Some(&self.key.secret))
    }

    /// Sends, and turns a refusal into a [`Problem`].
    pub(crate) async fn send(&self, request: RequestBuilder) -> anyhow::Result<Response> {
        let response = request.send().await.map_err(|error| self.unreachable(error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(problem(response).await.into())
    }

    /// Sends and reads a JSON answer.
    pub(crate) async fn json(&self, request: RequestBuilder) -> anyhow::Result<Value> {
        let response = self.send(request).await?;
        response.json().await.context("the server's answer is not JSON")
    }

    /// Reads a list, page by page.
    pub(crate) async fn list(&self, path: &str) -> anyhow::Result<Vec<Value>> {
        let mut all = Vec::new();
        for page in 1_u32.. {
            let path = format!("{path}?page={page}&pageSize={PAGE}");
            let mut answer = self.json(self.request(Method::GET, &path)).await?;
            let Value::Array(members) = answer["member"].take() else {
                bail!("the answer is no list");
            };
            let is_last = members.len() < PAGE;
            all.extend(members);
            if is_last {
                break;
            }
        }
        Ok(all)
    }

    /// Sends a GraphQL document and returns its `data`.
    pub(crate) async fn graphql(&self, query: &str, variables: Value) -> anyhow::Result<Value> {
        let body = serde_json::json!({ "query": query, "variables": variables });
        let mut answer = self.json(self.request(Method::POST, "/graphql").json(&body)).await?;
        if let Some(message) = answer["errors"][0]["message"].as_str() {
            bail!("{message}");
        }
        Ok(answer["data"].take())
    }

    fn unreachable(&self, error: reqwest::Error) -> anyhow::Error {
        if error.is_connect() {
            return anyhow!(
                "no server answers at {}: start one with `dlcs serve`, or name it with `--server`",
                self.base
            );
        }
        error.without_url().into()
    }
}

async fn problem(response: Response) -> Problem {
    let status = response.status().as_u16();
    let body: Value = response.json().await.unwrap_or_default();
    let text = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
    let detail = Some(text("detail")).filter(|detail| !detail.is_empty());
    Problem { status, code: text("code"), detail: detail.unwrap_or_else(|| text("title")) }
}

fn key_of_data_folder(settings: &Settings) -> anyhow::Result<AdminKey> {
    let path = settings.data.join("admin-key");
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("no `--key` was given and `{}` cannot be read", path.display()))?;
    AdminKey::parse(&text).with_context(|| format!("`{}` is not KEY:SECRET", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slash_in_an_id_is_escaped() {
        assert_eq!(segment("a/b c.tif"), "a%2Fb%20c.tif");
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_named() {
        let key = AdminKey::parse("k:s").unwrap();
        let client = Client::with_key("http://127.0.0.1:9".into(), key).unwrap();
        let request = client.request(Method::GET, "/");
        let message = client.send(request).await.expect_err("nobody listens").to_string();
        assert!(message.starts_with("no server answers at http://127.0.0.1:9"), "{message}");
    }
}
