//! The setting that names a node: `elasticsearch+http://user:password@host:9200/prefix`.

use percent_encoding::percent_decode_str;
use std::fmt;
use url::Url;

/// What names of indexes begin with where the setting does not say.
const PREFIX: &str = "dlcs";
const PREFIX_BYTES_MAX: usize = 64;
const SHARDS_MAX: u32 = 64;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the address of the search index is wrong: {0}. It looks like \
     elasticsearch+http://host:9200 or elasticsearch+https://user:password@host:9200/prefix"
)]
pub struct AddressError(String);

/// A node, who asks it, and how indexes are made there.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    /// Scheme, host and port.
    pub(crate) base: Url,
    pub(crate) credentials: Option<(String, String)>,
    pub(crate) prefix: String,
    pub(crate) shards: u32,
    /// `None`: one copy where there is a second node, none where there is not.
    pub(crate) replicas: Option<u32>,
}

impl Address {
    /// Reads the setting. `?shards=N` and `?replicas=N` say how indexes are made from now on.
    pub fn parse(setting: &str) -> Result<Self, AddressError> {
        let wrong = |reason: &str| AddressError(reason.to_owned());
        let rest = setting.strip_prefix("elasticsearch+");
        let url = rest.ok_or_else(|| wrong("it begins with elasticsearch+"))?;
        // The parser's message does not quote its input, which may hold a password.
        let url = Url::parse(url).map_err(|error| wrong(&error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(wrong("after the + stands http or https"));
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(wrong("it names no host"));
        }
        let mut base = url.clone();
        base.set_path("/");
        base.set_query(None);
        base.set_fragment(None);
        let is_stripped = base.set_username("").is_ok() && base.set_password(None).is_ok();
        debug_assert!(is_stripped, "there is a host");
        let (shards, replicas) = options(&url)?;
        let prefix = prefix(&url)?;
        Ok(Self { base, credentials: credentials(&url)?, prefix, shards, replicas })
    }

    /// Returns host, port and prefix: fit for messages, without user and password.
    pub fn name(&self) -> String {
        let host = self.base.host_str().unwrap_or_default();
        let port = self.base.port_or_known_default().unwrap_or_default();
        format!("{host}:{port}/{}", self.prefix)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Address").field(&self.name()).finish()
    }
}

fn credentials(url: &Url) -> Result<Option<(String, String)>, AddressError> {
    let decode = |text: &str| {
        let decoded = percent_decode_str(text).decode_utf8();
        decoded.map(Into::into).map_err(|_| AddressError("user or password is no text".into()))
    };
    match (url.username(), url.password()) {
        ("", None) => Ok(None),
        (user, password) => Ok(Some((decode(user)?, decode(password.unwrap_or_default())?))),
    }
}

fn prefix(url: &Url) -> Result<String, AddressError> {
    let path = url.path().trim_matches('/');
    if path.is_empty() {
        return Ok(PREFIX.to_owned());
    }
    let is_fit = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || b"-_".contains(&it);
    let begins_fit = path.bytes().next().is_some_and(|it| it.is_ascii_alphanumeric());
    if path.len() > PREFIX_BYTES_MAX || !begins_fit || !path.bytes().all(is_fit) {
        let reason = format!(
            "a prefix has up to {PREFIX_BYTES_MAX} small letters, digits, `-` and `_`, and begins \
             with a letter or digit"
        );
        return Err(AddressError(reason));
    }
    Ok(path.to_owned())
}

fn options(url: &Url) -> Result<(u32, Option<u32>), AddressError> {
    let (mut shards, mut replicas) = (1, None);
    for (name, value) in url.query_pairs() {
        let number: Option<u32> = value.parse().ok();
        match (&*name, number) {
            ("shards", Some(number @ 1..=SHARDS_MAX)) => shards = number,
            ("replicas", Some(number @ 0..=16)) => replicas = Some(number),
            ("shards" | "replicas", _) => {
                return Err(AddressError(format!("`{value}` is no number of {name}")));
            }
            _ => return Err(AddressError(format!("there is no option `{name}`"))),
        }
    }
    Ok((shards, replicas))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(setting: &str) -> Address {
        Address::parse(setting).unwrap()
    }

    #[track_caller]
    fn refuse(setting: &str, reason: &str) {
        let error = Address::parse(setting).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }

    #[test]
    fn a_node_has_a_host_and_the_rest_has_defaults() {
        let address = parse("elasticsearch+http://search.example:9200");
        assert_eq!(address.base.as_str(), "http://search.example:9200/");
        assert_eq!(address.credentials, None);
        assert_eq!((address.shards, address.replicas), (1, None));
        assert_eq!(address.name(), "search.example:9200/dlcs");
        assert_eq!(parse("elasticsearch+https://[::1]/").name(), "[::1]:443/dlcs");
    }

    #[test]
    fn user_password_prefix_and_options_are_read() {
        let address =
            parse("elasticsearch+https://me:p%40ss%2F@h/our-books_2/?shards=3&replicas=0");
        assert_eq!(address.base.as_str(), "https://h/");
        assert_eq!(address.credentials, Some(("me".into(), "p@ss/".into())));
        assert_eq!(address.prefix, "our-books_2");
        assert_eq!((address.shards, address.replicas), (3, Some(0)));
    }

    #[test]
    fn a_password_is_in_no_message() {
        assert_eq!(
            format!("{:?}", parse("elasticsearch+http://me:secret@h/x")),
            "Address(\"h:80/x\")"
        );
        for setting in ["me:secret@h", "elasticsearch+http://me:secret@h:port", "tantivy:secret"] {
            let error = Address::parse(setting).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
        }
    }

    #[test]
    fn what_is_wrong_is_told() {
        refuse("http://h", "it begins with elasticsearch+");
        refuse("elasticsearch+ftp://h", "http or https");
        refuse("elasticsearch+http://", "host");
        refuse("elasticsearch+http://h/Books", "a prefix has");
        refuse("elasticsearch+http://h/_all", "a prefix has");
        refuse("elasticsearch+http://h/a/b", "a prefix has");
        refuse("elasticsearch+http://h?shards=0", "`0` is no number of shards");
        refuse("elasticsearch+http://h?colour=1", "there is no option `colour`");
    }
}
