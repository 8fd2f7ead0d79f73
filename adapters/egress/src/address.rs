//! Which addresses belong to the public internet.
//!
//! Everything that the registries of IANA do not call globally reachable is not, and neither is an
//! address that carries such an IPv4 address inside (IPv4-mapped and -compatible, 6to4, NAT64,
//! Teredo, ISATAP). In doubt an address is not global: an origin is a plain public web server.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// IANA IPv4 Special-Purpose Address Registry, multicast and the reserved top.
const NOT_GLOBAL_V4: [(Ipv4Addr, u32); 16] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(168, 63, 129, 16), 32), // The host's own services, as a cloud calls them.
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// What of the global unicast range 2000::/3 is not for ordinary hosts.
const NOT_GLOBAL_V6: [(Ipv6Addr, u32); 5] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23), // Teredo and other protocols.
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16), // 6to4.
    (Ipv6Addr::new(0x3ffe, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

const GLOBAL_UNICAST: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// The well-known prefix, by which hosts without IPv4 reach all of it (RFC 6052, section 2.1).
const NAT64: (Ipv6Addr, u32) = (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96);

/// Says whether an address belongs to the public internet.
pub(crate) fn is_global(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_global_v4(address),
        IpAddr::V6(address) => is_global_v6(address),
    }
}

fn is_global_v4(address: Ipv4Addr) -> bool {
    let is_within = |(network, length): &(Ipv4Addr, u32)| {
        (address.to_bits() ^ network.to_bits()) >> (32 - length) == 0
    };
    !NOT_GLOBAL_V4.iter().any(is_within)
}

fn is_global_v6(address: Ipv6Addr) -> bool {
    let is_within = |(network, length): &(Ipv6Addr, u32)| {
        (address.to_bits() ^ network.to_bits()) >> (128 - length) == 0
    };
    if is_within(&NAT64) {
        return is_global_v4(last_32_bits(address));
    }
    is_within(&GLOBAL_UNICAST)
        && !NOT_GLOBAL_V6.iter().any(is_within)
        && isatap(address).is_none_or(is_global_v4)
}

/// Returns the IPv4 address of an ISATAP interface identifier (RFC 5214, section 6.1).
fn isatap(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let segments = address.segments();
    let is_isatap = segments[4] & !0x0200 == 0 && segments[5] == 0x5efe;
    is_isatap.then(|| last_32_bits(address))
}

fn last_32_bits(address: Ipv6Addr) -> Ipv4Addr {
    let octets = address.octets();
    Ipv4Addr::new(octets[12], octets[13], octets[14], octets[15])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn public_addresses_are_global() {
        for text in
            ["1.1.1.1", "8.8.8.8", "93.184.215.14", "172.32.0.1", "100.128.0.1", "223.255.255.255"]
        {
            assert!(is_global(text.parse().unwrap()), "{text}");
        }
        for text in ["2606:4700:4700::1111", "2a00:1450:4001::1", "64:ff9b::808:808", "2001:200::1"]
        {
            assert!(is_global(text.parse().unwrap()), "{text}");
        }
    }

    /// THREATS B1 to B19.
    #[test]
    fn addresses_of_the_inside_are_not_global() {
        for text in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.100.100.200",
            "127.0.0.1",
            "127.255.255.255",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "168.63.129.16",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::7f00:1",
            "::808:808",
            "::ffff:127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::7f00:1",
            "64:ff9b:1::808:808",
            "2002:7f00:1::",
            "2002:808:808::1",
            "2001::1",
            "2001:0:808:808::1",
            "2001:db8::1",
            "fe80::5efe:7f00:1",
            "2a00:1450:4001::5efe:7f00:1",
            "2a00:1450:4001:0:200:5efe:a00:1",
            "fe80::1",
            "fec0::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "100::1",
            "3fff::1",
            "5f00::1",
        ] {
            assert!(!is_global(text.parse().unwrap()), "{text}");
        }
    }

    fn embeddings(address: Ipv4Addr) -> Vec<Ipv6Addr> {
        let bits = u128::from(address.to_bits());
        let with = |prefix: &str, shift: u32| {
            Ipv6Addr::from_bits(prefix.parse::<Ipv6Addr>().unwrap().to_bits() | (bits << shift))
        };
        vec![
            address.to_ipv6_mapped(),
            with("::", 0),
            with("64:ff9b::", 0),
            with("64:ff9b:1::", 0),
            with("2002::", 80),
            with("2001::", 64),
            // Teredo writes the client's address inverted (RFC 4380, section 4).
            with("2001::", 0),
            Ipv6Addr::from_bits((0x2001_u128 << 112) | u128::from(!address.to_bits())),
            with("fe80::5efe:0:0", 0),
            with("2a00:1450:4001:0:0:5efe::", 0),
            with("2a00:1450:4001:0:200:5efe::", 0),
        ]
    }

    proptest! {
        #[test]
        fn no_embedding_makes_an_inner_address_global(bits: u32, network in 0..NOT_GLOBAL_V4.len()) {
            let (network, length) = NOT_GLOBAL_V4[network];
            let within = network.to_bits() | bits.checked_shr(length).unwrap_or(0);
            for address in [Ipv4Addr::from_bits(within), Ipv4Addr::from_bits(bits)] {
                if is_global(IpAddr::V4(address)) {
                    continue;
                }
                for embedding in embeddings(address) {
                    prop_assert!(!is_global(IpAddr::V6(embedding)), "{address} in {embedding}");
                }
            }
        }

        #[test]
        fn what_the_standard_library_calls_private_is_never_global(bits: u32) {
            let address = Ipv4Addr::from_bits(bits);
            let is_inside = address.is_private()
                || address.is_loopback()
                || address.is_link_local()
                || address.is_multicast()
                || address.is_broadcast()
                || address.is_documentation()
                || address.is_unspecified();
            prop_assert!(!(is_inside && is_global(IpAddr::V4(address))));
        }
    }
}
