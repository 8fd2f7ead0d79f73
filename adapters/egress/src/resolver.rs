//! Names become addresses here, and only checked addresses leave.
//!
//! A connection is made to what this returns and to nothing else, so a name that changes its
//! answers after the check gains nothing.

use crate::address::is_global;
use crate::allow::AllowList;
use crate::check::Reach;
use futures::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// Asks a name server.
pub type Lookup = Arc<dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> + Send + Sync>;

/// Returns the look-up of the operating system.
pub fn system_lookup() -> Lookup {
    Arc::new(|name| {
        Box::pin(async move {
            let addresses = tokio::net::lookup_host((name.as_str(), 0)).await?;
            Ok(addresses.map(|address| address.ip()).collect())
        })
    })
}

/// A name has an address that may not be connected to.
#[derive(Debug, thiserror::Error)]
#[error("the name has a forbidden address")]
pub(crate) struct ForbiddenAnswer;

/// Resolves names for one kind of reach.
pub(crate) struct CheckedResolver {
    pub(crate) lookup: Lookup,
    pub(crate) allow: Arc<AllowList>,
    pub(crate) reach: Reach,
}

impl CheckedResolver {
    /// One forbidden answer among good ones spoils them all: no public server has such a name.
    fn check(
        name: &str,
        answers: &[IpAddr],
        reach: Reach,
        allow: &AllowList,
    ) -> Result<(), ForbiddenAnswer> {
        let may_be_reached = |address: &IpAddr| {
            allow.has_address(*address) || (reach == Reach::Ordinary && is_global(*address))
        };
        let is_fine = allow.has_host(name) || answers.iter().all(may_be_reached);
        if is_fine { Ok(()) } else { Err(ForbiddenAnswer) }
    }
}

impl Resolve for CheckedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let name = name.as_str().to_owned();
        let asked = (self.lookup)(name.clone());
        let (allow, reach) = (Arc::clone(&self.allow), self.reach);
        Box::pin(async move {
            let answers = asked.await?;
            Self::check(&name, &answers, reach, &allow)?;
            // Port 0 is replaced by the port of the URL.
            let addresses: Addrs =
                Box::new(answers.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok(addresses)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_fine(name: &str, answers: &[&str], reach: Reach) -> bool {
        let allow =
            AllowList::parse(&["10.0.0.0/8".to_owned(), "inside.example.org".to_owned()]).unwrap();
        let answers: Vec<IpAddr> = answers.iter().map(|it| it.parse().unwrap()).collect();
        CheckedResolver::check(name, &answers, reach, &allow).is_ok()
    }

    /// THREATS B20.
    #[test]
    fn one_forbidden_answer_spoils_all() {
        let ordinary = Reach::Ordinary;
        assert!(is_fine("a.org", &["93.184.215.14", "2606:4700::1111"], ordinary));
        assert!(!is_fine("a.org", &["93.184.215.14", "127.0.0.1"], ordinary));
        assert!(!is_fine("a.org", &["::ffff:127.0.0.1"], ordinary));
        assert!(is_fine("a.org", &["93.184.215.14", "10.1.1.1"], ordinary));
        assert!(is_fine("Inside.example.org.", &["127.0.0.1"], ordinary));
    }

    #[test]
    fn odd_ports_are_for_allowed_addresses_alone() {
        assert!(!is_fine("a.org", &["93.184.215.14"], Reach::AllowedOnly));
        assert!(is_fine("a.org", &["10.1.1.1"], Reach::AllowedOnly));
        assert!(!is_fine("a.org", &["10.1.1.1", "93.184.215.14"], Reach::AllowedOnly));
        assert!(is_fine("inside.example.org", &["93.184.215.14"], Reach::AllowedOnly));
    }
}
