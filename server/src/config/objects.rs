//! Where blobs are kept, as settings name it.

use super::{SettingsArgs, refuse};
use dlcs_adapter_s3::{Credentials, Patience, S3Settings, Secret};
use std::path::{Path, PathBuf};
use url::{Host, Url};

const MIB: u64 = 1024 * 1024;
const CACHE_MIB: u64 = 1024;

/// Variables that tell a program on a machine of Amazon's where its credentials are.
const OF_MACHINE: &[&str] = &[
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
];

/// Where blobs are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum BlobStore {
    Folder(PathBuf),
    S3(Box<S3Settings>),
}

impl BlobStore {
    /// `environment` returns the value of a variable.
    pub(super) fn parse(
        args: &SettingsArgs,
        data: &Path,
        environment: impl Fn(&str) -> Option<String>,
    ) -> anyhow::Result<Self> {
        match args.objects.as_deref() {
            None | Some("file") => Ok(Self::Folder(data.join("objects"))),
            Some(other) => match other.split_once("://") {
                Some(("file", path)) if path.starts_with('/') => Ok(Self::Folder(path.into())),
                Some(("s3", place)) => {
                    let environment = |name: &str| environment(name).filter(|it| !it.is_empty());
                    s3(args, place, environment).map(|it| Self::S3(Box::new(it)))
                }
                _ => {
                    let kind = other.split(':').next().unwrap_or_default();
                    refuse(format!(
                        "`objects`: this program knows `file`, `file:///path` and \
                         `s3://bucket/prefix`, not `{kind}`"
                    ))
                }
            },
        }
    }

    /// Returns the folder of the blobs, if they are in one.
    pub(crate) fn folder(&self) -> Option<&Path> {
        match self {
            Self::Folder(path) => Some(path),
            Self::S3(_) => None,
        }
    }
}

fn s3(
    args: &SettingsArgs,
    place: &str,
    environment: impl Fn(&str) -> Option<String>,
) -> anyhow::Result<S3Settings> {
    let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
    let prefix = prefix.trim_end_matches('/');
    let is_plain = |it: char| it.is_ascii_alphanumeric() || matches!(it, '.' | '-' | '_');
    let is_name = |name: &str| !name.is_empty() && name != ".." && name.chars().all(is_plain);
    if !is_name(bucket) || !(prefix.is_empty() || prefix.split('/').all(is_name)) {
        // What was given may hold a secret.
        return refuse(
            "`objects`: after `s3://` comes the name of a bucket, and perhaps a slash and a \
             prefix, of letters, digits, `.`, `-`, `_` and `/`; the key has settings of its own"
                .to_owned(),
        );
    }
    let first = |names: &[&str]| names.iter().find_map(|name| environment(name));
    let endpoint = args.objects_endpoint.clone();
    let endpoint = endpoint.or_else(|| first(&["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"]));
    let may_be_plain = args.objects_allow_http.unwrap_or(false);
    let endpoint = endpoint.map(|it| endpoint_of(&it, may_be_plain)).transpose()?;
    let region = args.objects_region.clone();
    let region = region.or_else(|| first(&["AWS_REGION", "AWS_DEFAULT_REGION"]));
    let credentials = credentials(args, endpoint.is_some(), &environment)?;
    Ok(S3Settings {
        bucket: bucket.to_owned(),
        prefix: prefix.to_owned(),
        path_style: args.objects_path_style.unwrap_or(endpoint.is_some()),
        endpoint,
        region: region.unwrap_or_else(|| "us-east-1".to_owned()),
        credentials,
        cache_bytes: args.objects_cache_mib.unwrap_or(CACHE_MIB).saturating_mul(MIB),
        patience: Patience::default(),
    })
}

fn endpoint_of(text: &str, may_be_plain: bool) -> anyhow::Result<Url> {
    let parsed = Url::parse(text).ok().filter(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
    });
    let Some(url) = parsed else {
        return refuse(
            "`objects-endpoint` is not an address such as https://s3.example.org, without a key"
                .to_owned(),
        );
    };
    if url.scheme() == "http" && !may_be_plain && !is_loopback(&url) {
        return refuse(
            "`objects-endpoint`: over http everybody on the way reads the blobs: use https, or \
             say `--objects-allow-http true`"
                .to_owned(),
        );
    }
    Ok(url)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

fn credentials(
    args: &SettingsArgs,
    has_endpoint: bool,
    environment: &impl Fn(&str) -> Option<String>,
) -> anyhow::Result<Credentials> {
    // A pair comes from one place, or a key would meet the secret of another.
    let ours = (args.objects_access_key.clone(), args.objects_secret_key.clone(), None);
    let usual = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];
    let [access, secret, token] = usual.map(environment);
    let chosen = if ours.0.is_some() || ours.1.is_some() { ours } else { (access, secret, token) };
    match chosen {
        (Some(access_key), Some(secret), token) => Ok(Credentials::Key {
            access_key,
            secret_key: Secret(secret),
            session_token: token.map(Secret),
        }),
        (None, None, _) if !has_endpoint => {
            let variable = |name: &&str| environment(name).map(|it| ((*name).to_owned(), it));
            Ok(Credentials::OfMachine(OF_MACHINE.iter().filter_map(variable).collect()))
        }
        _ => refuse(
            "`objects`: a bucket needs both `objects-access-key` and `objects-secret-key`, or \
             AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
                .to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(objects: &str) -> SettingsArgs {
        SettingsArgs { objects: Some(objects.to_owned()), ..SettingsArgs::default() }
    }

    fn parse(args: &SettingsArgs, variables: &[(&str, &str)]) -> anyhow::Result<BlobStore> {
        let value = |name: &str| {
            let found = variables.iter().find(|(it, _)| *it == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        BlobStore::parse(args, Path::new("/data"), value)
    }

    fn s3_of(args: &SettingsArgs, variables: &[(&str, &str)]) -> S3Settings {
        match parse(args, variables).unwrap() {
            BlobStore::S3(settings) => *settings,
            folder @ BlobStore::Folder(_) => panic!("{folder:?}"),
        }
    }

    const KEY: [(&str, &str); 2] =
        [("AWS_ACCESS_KEY_ID", "key"), ("AWS_SECRET_ACCESS_KEY", "hunter2")];

    #[test]
    fn a_folder_or_a_bucket() {
        let folder = |path: &str| BlobStore::Folder(PathBuf::from(path));
        assert_eq!(parse(&SettingsArgs::default(), &[]).unwrap(), folder("/data/objects"));
        assert_eq!(parse(&args("file:///blobs"), &[]).unwrap(), folder("/blobs"));
        let s3 = s3_of(&args("s3://scans/a/b/"), &KEY);
        assert_eq!((s3.bucket.as_str(), s3.prefix.as_str()), ("scans", "a/b"));
        assert_eq!((s3.region.as_str(), s3.endpoint, s3.path_style), ("us-east-1", None, false));
        assert_eq!(s3_of(&args("s3://scans"), &KEY).prefix, "");
    }

    #[test]
    fn settings_win_over_the_usual_variables() {
        let variables = [
            KEY[0],
            KEY[1],
            ("AWS_SESSION_TOKEN", "token"),
            ("AWS_REGION", "eu-central-1"),
            ("AWS_ENDPOINT_URL", "https://usual.example.org"),
        ];
        let usual = s3_of(&args("s3://scans"), &variables);
        assert_eq!(usual.region, "eu-central-1");
        assert_eq!(usual.endpoint.unwrap().host_str(), Some("usual.example.org"));
        assert!(usual.path_style, "servers of one's own have one name");
        let ours = SettingsArgs {
            objects_endpoint: Some("https://ours.example.org".to_owned()),
            objects_region: Some("north".to_owned()),
            objects_access_key: Some("ours".to_owned()),
            objects_secret_key: Some("secret".to_owned()),
            objects_path_style: Some(false),
            ..args("s3://scans")
        };
        let settings = s3_of(&ours, &variables);
        assert_eq!(settings.endpoint.unwrap().host_str(), Some("ours.example.org"));
        assert_eq!((settings.region.as_str(), settings.path_style), ("north", false));
        let expected = Credentials::Key {
            access_key: "ours".to_owned(),
            secret_key: Secret("secret".to_owned()),
            session_token: None,
        };
        assert_eq!(settings.credentials, expected);
    }

    #[test]
    fn half_a_key_is_refused() {
        let half = SettingsArgs { objects_access_key: Some("k".into()), ..args("s3://scans") };
        assert!(parse(&half, &KEY).unwrap_err().to_string().contains("objects-secret-key"));
        let endpoint = SettingsArgs {
            objects_endpoint: Some("https://s3.example.org".into()),
            ..args("s3://scans")
        };
        assert!(parse(&endpoint, &[]).unwrap_err().to_string().contains("objects-access-key"));
        assert!(matches!(s3_of(&args("s3://scans"), &[]).credentials, Credentials::OfMachine(_)));
    }

    #[test]
    fn plain_http_is_for_loopback_or_who_says_so() {
        let with = |endpoint: &str, allow: Option<bool>| SettingsArgs {
            objects_endpoint: Some(endpoint.to_owned()),
            objects_allow_http: allow,
            ..args("s3://scans")
        };
        for endpoint in ["http://127.0.0.1:9000", "http://localhost:9000/", "http://[::1]:9000"] {
            s3_of(&with(endpoint, None), &KEY);
        }
        let refused = parse(&with("http://10.0.0.7:9000", None), &KEY).unwrap_err().to_string();
        assert!(refused.contains("--objects-allow-http"), "{refused}");
        s3_of(&with("http://10.0.0.7:9000", Some(true)), &KEY);
    }

    #[test]
    fn no_secret_is_in_a_message() {
        for wrong in ["s3://key:hunter2@scans/a", "s3://", "s3://scans/../x", "s3://scans/ü"] {
            let message = parse(&args(wrong), &KEY).unwrap_err().to_string();
            assert!(message.contains("`objects`") && !message.contains("hunter2"), "{message}");
        }
        let endpoint = SettingsArgs {
            objects_endpoint: Some("https://key:hunter2@example.org".into()),
            ..args("s3://scans")
        };
        let message = parse(&endpoint, &KEY).unwrap_err().to_string();
        assert!(!message.contains("hunter2"), "{message}");
        assert!(!format!("{:?}", s3_of(&args("s3://scans"), &KEY)).contains("hunter2"));
    }
}
