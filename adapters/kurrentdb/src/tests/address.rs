//! Addresses as people write them.

use crate::address::Address;

#[test]
fn an_address_names_nodes_a_prefix_and_a_user() {
    for (url, server, user, prefix, hosts) in [
        ("kurrentdb://events.example", "events.example", "(none)", "dlcs.", 1),
        ("esdb://dlcs:p%40ss@h:2114/?tls=false", "h:2114", "dlcs", "dlcs.", 1),
        (
            "kurrentdb://a:1,b:2,c:3?streamPrefix=library&tls=false",
            "a:1,b:2,c:3",
            "(none)",
            "library.",
            3,
        ),
        (
            "kurrentdb+discover://cluster.example?streamPrefix=x_1",
            "cluster.example",
            "(none)",
            "x_1.",
            1,
        ),
    ] {
        let address = Address::parse(url).unwrap_or_else(|error| panic!("{url}: {error}"));
        assert_eq!((address.server.as_str(), address.user.as_str()), (server, user), "{url}");
        assert_eq!(address.prefix, prefix, "{url}");
        assert_eq!(address.settings.hosts().len(), hosts, "{url}");
    }
}

/// Other prefixes could be the beginning of each other, or hide the category of a stream.
#[test]
fn a_wrong_address_is_refused_without_its_password() {
    for url in [
        "http://h",
        "kurrentdb://",
        "kurrentdb://user:hunter2@h:port",
        "kurrentdb://user:hunter2@h?streamPrefix=",
        "kurrentdb://user:hunter2@h?streamPrefix=a-b",
        "kurrentdb://user:hunter2@h?streamPrefix=a.b",
        "kurrentdb://user:hunter2@h?streamPrefix=$a",
        "kurrentdb://user:hunter2@h?tls=perhaps",
        "kurrentdb://user:hunter2@h?nodePreference=nearest",
    ] {
        let error = Address::parse(url).expect_err(url).to_string();
        assert!(!error.contains("hunter2"), "{error}");
        assert!(error.contains("kurrentdb://user:password@host:2113"), "{error}");
    }
}
