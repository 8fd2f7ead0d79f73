//! What an operator allows beyond the public internet: networks, hosts, folders.

use ipnet::IpNet;
use std::net::IpAddr;
use std::path::{Component, Path, PathBuf};

/// Private addresses, hosts and folders from which originals may be fetched.
#[derive(Debug, Clone, Default)]
pub struct AllowList {
    networks: Vec<IpNet>,
    /// In lower case, without a dot at the end.
    hosts: Vec<String>,
    folders: Vec<Folder>,
}

/// An allowed folder, as it was named and where it really is.
#[derive(Debug, Clone)]
struct Folder {
    named: PathBuf,
    real: PathBuf,
}

#[derive(Debug, thiserror::Error)]
pub enum AllowError {
    #[error("`{0}` is not allowed as an origin: name a network (10.0.0.0/8), a host or a folder")]
    Empty(String),
    #[error("`{0}` is a URL: name its host or folder alone")]
    Url(String),
    #[error("`{0}` names a port: on an allowed host every port is open, so name the host alone")]
    Port(String),
    #[error("`{0}` is not a network such as 10.0.0.0/8 or fd00::/8")]
    Network(String),
    #[error("`{0}` is not a host name")]
    Host(String),
    #[error("folder `{folder}` cannot be used: {source}")]
    Folder {
        folder: String,
        #[source]
        source: std::io::Error,
    },
    #[error("`{0}` is not a folder")]
    NotAFolder(String),
}

impl AllowList {
    /// Reads what an operator wrote: a CIDR, an address, a host name, or a folder that begins with
    /// `/` or `./`.
    ///
    /// ```
    /// # use dlcs_adapter_egress::AllowList;
    /// let allow = AllowList::parse(&["10.1.0.0/16".to_owned(), "images.example.org".to_owned()]);
    /// assert!(allow.is_ok());
    /// assert!(AllowList::parse(&["http://example.org/".to_owned()]).is_err());
    /// ```
    pub fn parse(entries: &[String]) -> Result<Self, AllowError> {
        let mut list = Self::default();
        for entry in entries {
            list.add(entry.trim())?;
        }
        Ok(list)
    }

    fn add(&mut self, entry: &str) -> Result<(), AllowError> {
        if entry.is_empty() {
            return Err(AllowError::Empty(entry.to_owned()));
        }
        if entry.contains("://") {
            return Err(AllowError::Url(entry.to_owned()));
        }
        if entry.starts_with('/') || entry == "." || entry.starts_with("./") {
            self.folders.push(folder(entry)?);
        } else if let Ok(address) = entry.trim_matches(['[', ']']).parse::<IpAddr>() {
            self.networks.push(IpNet::from(address.to_canonical()));
        } else if entry.contains('/') {
            let network = entry.parse().map_err(|_| AllowError::Network(entry.to_owned()))?;
            self.networks.push(network);
        } else {
            self.hosts.push(host(entry)?);
        }
        Ok(())
    }

    /// Says whether an address is within an allowed network.
    pub(crate) fn has_address(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.networks.iter().any(|network| network.contains(&address))
    }

    /// Says whether a name is an allowed host.
    pub(crate) fn has_host(&self, name: &str) -> bool {
        let name = name.strip_suffix('.').unwrap_or(name);
        self.hosts.iter().any(|host| host.eq_ignore_ascii_case(name))
    }

    /// Says whether a name could turn out to be within an allowed network.
    pub(crate) fn has_networks(&self) -> bool {
        !self.networks.is_empty()
    }

    /// Finds the allowed folder that a path names a file of: the real folder, and the rest.
    ///
    /// Goes by the names alone; links are dealt with when the file is opened.
    pub(crate) fn folder_of<'a>(&self, path: &'a Path) -> Option<(&Path, &'a Path)> {
        let is_plain =
            |part: Component<'_>| matches!(part, Component::RootDir | Component::Normal(_));
        if !path.is_absolute() || !path.components().all(is_plain) {
            return None;
        }
        self.folders.iter().find_map(|folder| {
            let rest =
                path.strip_prefix(&folder.named).or_else(|_| path.strip_prefix(&folder.real));
            rest.ok().map(|rest| (folder.real.as_path(), rest))
        })
    }
}

fn folder(entry: &str) -> Result<Folder, AllowError> {
    let unusable = |source| AllowError::Folder { folder: entry.to_owned(), source };
    let real = std::fs::canonicalize(entry).map_err(unusable)?;
    if !real.is_dir() {
        return Err(AllowError::NotAFolder(entry.to_owned()));
    }
    let named = std::path::absolute(entry).map_err(unusable)?;
    Ok(Folder { named, real })
}

/// Reads a host name as a URL would, so that both are spelt alike.
fn host(entry: &str) -> Result<String, AllowError> {
    if entry.contains(':') {
        return Err(AllowError::Port(entry.to_owned()));
    }
    match url::Host::parse(entry) {
        Ok(url::Host::Domain(name)) if !name.starts_with('*') => {
            Ok(name.trim_end_matches('.').to_owned())
        }
        _ => Err(AllowError::Host(entry.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(entries: &[&str]) -> Result<AllowList, AllowError> {
        AllowList::parse(&entries.iter().map(|&entry| entry.to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn networks_addresses_and_hosts_are_told_apart() {
        let list = parse(&["10.1.0.0/16", "192.168.7.7", "[fd00::7]", "fd01::/16", "Files.Local."])
            .unwrap();
        for (address, is_allowed) in [
            ("10.1.255.255", true),
            ("10.2.0.0", false),
            ("192.168.7.7", true),
            ("192.168.7.8", false),
            ("::ffff:10.1.0.1", true),
            ("fd00::7", true),
            ("fd00::8", false),
            ("fd01:1::", true),
        ] {
            assert_eq!(list.has_address(address.parse().unwrap()), is_allowed, "{address}");
        }
        assert!(list.has_host("files.local"));
        assert!(list.has_host("FILES.local."));
        assert!(!list.has_host("more.files.local"));
    }

    #[test]
    fn what_is_none_of_them_is_refused_by_name() {
        for (entry, message) in [
            ("", "`` is not allowed as an origin"),
            ("http://example.org", "`http://example.org` is a URL"),
            ("file:///srv", "`file:///srv` is a URL"),
            ("example.org:8080", "`example.org:8080` names a port"),
            ("10.0.0.0/33", "`10.0.0.0/33` is not a network"),
            ("a/b", "`a/b` is not a network"),
            ("*.example.org", "`*.example.org` is not a host name"),
            ("/no such folder", "folder `/no such folder` cannot be used"),
        ] {
            let error = parse(&[entry]).unwrap_err().to_string();
            assert!(error.starts_with(message), "{entry}: {error}");
        }
    }

    #[test]
    fn a_folder_has_what_is_below_it() {
        let folder = tempfile::tempdir().unwrap();
        let list = parse(&[folder.path().to_str().unwrap()]).unwrap();
        let has = |rest: &str| list.folder_of(&folder.path().join(rest)).is_some();
        assert!(has("page.jpg"));
        assert!(has("a/b/page.jpg"));
        assert!(!has("../page.jpg"));
        assert!(!has("a/../../page.jpg"));
        assert!(!has("/etc/passwd"));
        assert!(list.folder_of(Path::new("page.jpg")).is_none());
        let sibling = format!("{}-more/page.jpg", folder.path().display());
        assert!(list.folder_of(Path::new(&sibling)).is_none());
    }
}
