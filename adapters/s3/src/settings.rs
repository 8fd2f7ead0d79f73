//! Where the bucket is, with which key, and how long anything may take.

use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey};
use object_store::{BackoffConfig, ClientOptions, RetryConfig};
use std::fmt;
use std::time::Duration;
use url::Url;

/// A text that is shown to nobody.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    Key {
        access_key: String,
        secret_key: Secret,
        /// Of credentials that end.
        session_token: Option<Secret>,
    },
    /// What a machine or a container at Amazon is given. Names and values of the variables that say
    /// where it is asked for.
    OfMachine(Vec<(String, String)>),
}

/// How long something may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patience {
    pub connect: Duration,
    /// One try of something small: up to a mebibyte.
    pub small: Duration,
    /// One try of a part of something large.
    pub large: Duration,
    /// No further try begins after this time.
    pub retry_within: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(2),
            small: Duration::from_secs(4),
            large: Duration::from_secs(60),
            // Longer than one try, so that one which stalls is followed by another.
            retry_within: Duration::from_secs(6),
        }
    }
}

/// A place for blobs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Settings {
    pub bucket: String,
    /// Before every key, without a slash at either end; may be empty.
    pub prefix: String,
    /// `None`: Amazon's.
    pub endpoint: Option<Url>,
    pub region: String,
    pub credentials: Credentials,
    /// The bucket is the first part of the path, not of the host's name.
    pub path_style: bool,
    /// Local disk that blocks of derivatives may take, in bytes.
    pub cache_bytes: u64,
    pub patience: Patience,
}

/// How much of a request is sent or received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Size {
    Small,
    Large,
}

impl S3Settings {
    /// Says where it is, for people. Holds no secret.
    pub fn place(&self) -> String {
        let endpoint = self.endpoint.as_ref().map(|it| it.as_str().trim_end_matches('/'));
        let at = endpoint.map_or_else(|| format!("Amazon, {}", self.region), str::to_owned);
        let slash = if self.prefix.is_empty() { "" } else { "/" };
        format!("s3://{}{slash}{} at {at}", self.bucket, self.prefix)
    }

    pub(crate) fn client(&self, size: Size) -> object_store::Result<AmazonS3> {
        let timeout = match size {
            Size::Small => self.patience.small,
            Size::Large => self.patience.large,
        };
        let is_plain = self.endpoint.as_ref().is_some_and(|it| it.scheme() == "http");
        let options = ClientOptions::new()
            .with_allow_http(is_plain)
            .with_connect_timeout(self.patience.connect)
            .with_timeout(timeout);
        let backoff = BackoffConfig {
            init_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(1),
            base: 2.0,
        };
        let retry =
            RetryConfig { backoff, max_retries: 10, retry_timeout: self.patience.retry_within };
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(&self.bucket)
            .with_region(&self.region)
            .with_virtual_hosted_style_request(!self.path_style)
            // One object a request needs no other right than that to delete it.
            .with_disable_bulk_delete(true)
            .with_client_options(options)
            .with_retry(retry);
        if let Some(endpoint) = self.bucket_endpoint() {
            builder = builder.with_endpoint(endpoint);
        }
        match &self.credentials {
            Credentials::Key { access_key, secret_key, session_token } => {
                builder =
                    builder.with_access_key_id(access_key).with_secret_access_key(&secret_key.0);
                if let Some(token) = session_token {
                    builder = builder.with_token(&token.0);
                }
            }
            Credentials::OfMachine(variables) => {
                for (name, value) in variables {
                    let key: AmazonS3ConfigKey = name.to_ascii_lowercase().parse()?;
                    builder = builder.with_config(key, value);
                }
            }
        }
        builder.build()
    }

    /// The client takes a host with the bucket in its name as it is.
    fn bucket_endpoint(&self) -> Option<String> {
        let mut endpoint = self.endpoint.clone()?;
        if !self.path_style
            && let Some(host) = endpoint.host_str()
        {
            let host = format!("{}.{host}", self.bucket);
            // An address in numbers has no names below it; then the client says what is wrong.
            let _ = endpoint.set_host(Some(&host));
        }
        Some(endpoint.as_str().trim_end_matches('/').to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> S3Settings {
        S3Settings {
            bucket: "scans".to_owned(),
            prefix: "dlcs/one".to_owned(),
            endpoint: Some(Url::parse("https://s3.example.org/").unwrap()),
            region: "eu-central-1".to_owned(),
            credentials: Credentials::Key {
                access_key: "key".to_owned(),
                secret_key: Secret("hunter2".to_owned()),
                session_token: Some(Secret("hunter2".to_owned())),
            },
            path_style: true,
            cache_bytes: 0,
            patience: Patience::default(),
        }
    }

    #[test]
    fn no_secret_is_shown() {
        let settings = settings();
        assert!(!format!("{settings:?} {}", settings.place()).contains("hunter2"));
        assert_eq!(settings.place(), "s3://scans/dlcs/one at https://s3.example.org");
    }

    #[test]
    fn the_bucket_is_in_the_path_or_in_the_name() {
        let in_path = settings();
        assert_eq!(in_path.bucket_endpoint().unwrap(), "https://s3.example.org");
        let in_name = S3Settings { path_style: false, ..settings() };
        assert_eq!(in_name.bucket_endpoint().unwrap(), "https://scans.s3.example.org");
        let amazon = S3Settings { endpoint: None, ..settings() };
        assert_eq!(amazon.bucket_endpoint(), None);
        assert_eq!(amazon.place(), "s3://scans/dlcs/one at Amazon, eu-central-1");
    }

    #[test]
    fn the_variables_of_a_machine_are_known() {
        let names = [
            "AWS_WEB_IDENTITY_TOKEN_FILE",
            "AWS_ROLE_ARN",
            "AWS_ROLE_SESSION_NAME",
            "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        ];
        let variables = names.map(|name| (name.to_owned(), "/x".to_owned())).to_vec();
        let credentials = Credentials::OfMachine(variables);
        S3Settings { credentials, ..settings() }.client(Size::Small).unwrap();
    }
}
