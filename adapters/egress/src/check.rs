//! What an address shows by itself, before any name server is asked.

use crate::address::is_global;
use crate::allow::AllowList;
use dlcs_ingest::OriginError;
use std::net::IpAddr;
use std::path::PathBuf;
use url::{Host, Url};

/// Length of an address, in bytes.
const URL_BYTES_MAX: usize = 8 * 1024;

/// Where an accepted address leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    Web { url: Url, reach: Reach },
    File { folder: PathBuf, rest: PathBuf },
}

/// To which addresses a connection may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Public ones and those of the allow-list.
    Ordinary,
    /// Those of the allow-list alone, since the port is not one of the web.
    AllowedOnly,
}

const FORBIDDEN_ADDRESS: OriginError =
    OriginError::Forbidden("the origin has an address that may not be fetched from");
const FORBIDDEN_PORT: OriginError =
    OriginError::Forbidden("only the ports 80 and 443 may be fetched from");

/// Checks an address that a client named.
pub(crate) fn check(text: &str, allow: &AllowList) -> Result<Target, OriginError> {
    let url = parse(text)?;
    match url.scheme() {
        "http" | "https" => check_web(url, allow),
        "file" => check_file(&url, allow),
        _ => Err(OriginError::Forbidden("an origin begins with http:// or https://")),
    }
}

/// Checks where an origin sends us on. What is said to be elsewhere is never a file of ours.
pub(crate) fn check_redirect(
    from: &Url,
    location: &str,
    allow: &AllowList,
) -> Result<Target, OriginError> {
    let refused = OriginError::Forbidden("the origin redirects to where may not be fetched from");
    if has_ambiguous_characters(location) || location.len() > URL_BYTES_MAX {
        return Err(refused);
    }
    let url = from.join(location).map_err(|_| refused)?;
    let is_web = matches!(url.scheme(), "http" | "https");
    let is_downgrade = from.scheme() == "https" && url.scheme() == "http";
    if !is_web || is_downgrade {
        return Err(refused);
    }
    check_web(url, allow)
}

fn parse(text: &str) -> Result<Url, OriginError> {
    if text.len() > URL_BYTES_MAX {
        return Err(OriginError::Forbidden("the origin's address is too long"));
    }
    let malformed = OriginError::Forbidden("the origin is not a well-formed URL");
    if has_ambiguous_characters(text) {
        return Err(malformed);
    }
    Url::parse(text).map_err(|_| malformed)
}

/// A URL parser drops or turns these characters, and not every parser alike.
fn has_ambiguous_characters(text: &str) -> bool {
    text.chars().any(|c| c.is_control() || c == '\\')
}

fn check_web(url: Url, allow: &AllowList) -> Result<Target, OriginError> {
    if !url.username().is_empty() || url.password().is_some() {
        return Err(OriginError::Forbidden("an origin has no user name or password in its URL"));
    }
    let is_web_port = matches!(url.port_or_known_default(), Some(80 | 443));
    let reach = if is_web_port { Reach::Ordinary } else { Reach::AllowedOnly };
    if url.port() == Some(0) {
        return Err(FORBIDDEN_PORT);
    }
    match url.host() {
        Some(Host::Ipv4(address)) => check_literal(IpAddr::V4(address), reach, allow)?,
        Some(Host::Ipv6(address)) => check_literal(IpAddr::V6(address), reach, allow)?,
        Some(Host::Domain(name)) => check_name(name, reach, allow)?,
        None => return Err(OriginError::Forbidden("the origin names no host")),
    }
    Ok(Target::Web { url, reach })
}

fn check_literal(address: IpAddr, reach: Reach, allow: &AllowList) -> Result<(), OriginError> {
    if allow.has_address(address) {
        return Ok(());
    }
    match reach {
        _ if !is_global(address) => Err(FORBIDDEN_ADDRESS),
        Reach::AllowedOnly => Err(FORBIDDEN_PORT),
        Reach::Ordinary => Ok(()),
    }
}

/// Refuses what a name server need not be asked about. The rest is decided by its answers.
fn check_name(name: &str, reach: Reach, allow: &AllowList) -> Result<(), OriginError> {
    if allow.has_host(name) || allow.has_networks() {
        return Ok(());
    }
    match reach {
        _ if is_name_of_the_inside(name) => Err(FORBIDDEN_ADDRESS),
        Reach::AllowedOnly => Err(FORBIDDEN_PORT),
        Reach::Ordinary => Ok(()),
    }
}

/// Names that never belong to a public server: RFC 6761, 6762, 8375, and names without a dot.
fn is_name_of_the_inside(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let is_below = |zone: &str| name.strip_suffix(zone).is_some_and(|rest| rest.ends_with('.'));
    !name.contains('.') || ["localhost", "local", "internal", "home.arpa"].into_iter().any(is_below)
}

fn check_file(url: &Url, allow: &AllowList) -> Result<Target, OriginError> {
    let refused =
        OriginError::Forbidden("the file is not in a folder that origins may be taken from");
    let path = url.to_file_path().map_err(|()| refused)?;
    let (folder, rest) = allow.folder_of(&path).ok_or(refused)?;
    Ok(Target::File { folder: folder.to_owned(), rest: rest.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allow(entries: &[&str]) -> AllowList {
        let entries: Vec<_> = entries.iter().map(|&entry| entry.to_owned()).collect();
        AllowList::parse(&entries).unwrap()
    }

    fn is_refused(url: &str, allow: &AllowList) -> bool {
        match check(url, allow) {
            Ok(_) => false,
            Err(OriginError::Forbidden(_)) => true,
            Err(error) => panic!("{url}: {error:?}"),
        }
    }

    #[test]
    fn public_web_servers_pass() {
        let nothing = AllowList::default();
        for url in [
            "http://example.org/page.jpg",
            "https://example.org:443/",
            "https://example.org:80/",
            "HTTPS://EXAMPLE.ORG/ä b.jpg",
            "http://93.184.215.14/",
            "http://example.org#@127.0.0.1/",
            "https://[2606:4700::1111]/",
        ] {
            assert!(!is_refused(url, &nothing), "{url}");
        }
    }

    #[test]
    fn an_allowed_host_or_network_opens_every_port_but_zero() {
        let list = allow(&["127.0.0.1", "files.local"]);
        for url in ["http://127.0.0.1:9/", "http://files.local:8080/", "http://0x7f.1:2113/"] {
            assert!(!is_refused(url, &list), "{url}");
        }
        for url in ["http://127.0.0.1:0/", "http://127.0.0.2/", "http://files.local:65536/"] {
            assert!(is_refused(url, &list), "{url}");
        }
        let host_alone = allow(&["files.local"]);
        for url in ["http://127.0.0.1/", "http://other.local/", "http://example.org:8080/"] {
            assert!(is_refused(url, &host_alone), "{url}");
        }
    }

    #[test]
    fn with_an_allowed_network_the_name_server_decides_about_odd_ports() {
        let target = check("http://example.org:8080/", &allow(&["10.0.0.0/8"])).unwrap();
        assert!(matches!(target, Target::Web { reach: Reach::AllowedOnly, .. }));
    }

    #[test]
    fn redirects_are_held_to_the_same_rules_and_never_lead_to_files_or_out_of_tls() {
        let folder = tempfile::tempdir().unwrap();
        let list = allow(&[folder.path().to_str().unwrap()]);
        let file = format!("file://{}/page.jpg", folder.path().display());
        let from = Url::parse("https://example.org/a/b").unwrap();
        assert!(!is_refused(&file, &list));
        for location in [
            &file,
            "http://example.org/",
            "gopher://example.org/",
            "//127.0.0.1/",
            "https://a\tb/",
            "//u@c.org/",
        ] {
            assert!(check_redirect(&from, location, &list).is_err(), "{location}");
        }
        for location in ["c", "/c", "//example.com/c", "https://example.com/"] {
            assert!(check_redirect(&from, location, &list).is_ok(), "{location}");
        }
    }
}
