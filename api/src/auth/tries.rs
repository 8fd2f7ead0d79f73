//! How often somebody may try a password.
//!
//! Wrong tries count, for the account that they name, whether there is one or not, and for the client
//! that makes them. In memory, by process: nobody's name or address is kept.

use dlcs_domain::DefinitionId;
use dlcs_objects::Digest;
use moka::sync::Cache;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Wrong tries of one account within [`WITHIN_US`].
const PER_ACCOUNT: u32 = 10;
/// Wrong tries of one client; behind a proxy of ours many readers are one client.
const PER_CLIENT: u32 = 60;
const WITHIN_US: i64 = 60_000_000;
/// Longer than that, a counter says nothing any more.
const KEPT_FOR: Duration = Duration::from_secs(120);
const KEPT_MAX: u64 = 100_000;

/// The address at the other end of the connection; put beside each request by whoever accepts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

/// Counts wrong tries. Cheap to clone; clones count together.
#[derive(Debug, Clone)]
pub struct Tries(Cache<String, Arc<Mutex<Counter>>>);

#[derive(Debug, Default)]
struct Counter {
    began_us: i64,
    count: u32,
}

/// A try that has begun, and counts as wrong until it is taken back.
pub(super) struct Try {
    counters: Vec<Arc<Mutex<Counter>>>,
}

impl Default for Tries {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(KEPT_MAX).time_to_idle(KEPT_FOR).build())
    }
}

impl Tries {
    /// Begins a try, or returns the seconds after which the next one may begin. That is counted before
    /// anything is checked: many at once are as many tries.
    pub(super) fn begin(
        &self,
        account: &DefinitionId,
        client: Option<ClientAddress>,
        now_us: i64,
    ) -> Result<Try, i64> {
        let name = Digest::of(account.name.as_bytes());
        let names = [
            (format!("account {}/{name}", account.customer), PER_ACCOUNT),
            (format!("client {}", client.map(network).unwrap_or_default()), PER_CLIENT),
        ];
        let mut begun = Try { counters: Vec::new() };
        for (name, most) in names {
            let counter = self.0.get_with(name, Arc::default);
            if let Err(after_s) = locked(&counter).add(most, now_us) {
                begun.take_back();
                return Err(after_s);
            }
            begun.counters.push(counter);
        }
        Ok(begun)
    }
}

impl Try {
    /// It was none: the password was right, or could not be checked.
    pub(super) fn take_back(self) {
        for counter in &self.counters {
            let mut counter = locked(counter);
            counter.count = counter.count.saturating_sub(1);
        }
    }
}

impl Counter {
    fn add(&mut self, most: u32, now_us: i64) -> Result<(), i64> {
        if now_us - self.began_us >= WITHIN_US {
            *self = Self { began_us: now_us, count: 0 };
        }
        if self.count >= most {
            let left_us = self.began_us + WITHIN_US - now_us;
            return Err((left_us / 1_000_000).clamp(0, WITHIN_US / 1_000_000) + 1);
        }
        self.count += 1;
        Ok(())
    }
}

fn locked(counter: &Mutex<Counter>) -> MutexGuard<'_, Counter> {
    counter.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whoever has one address of IPv6 has its whole network of 64 bits.
fn network(client: ClientAddress) -> String {
    match client.0.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dlcs_domain::CustomerId;

    const START_US: i64 = 1_700_000_000_000_000;

    fn account(customer: u32, name: &str) -> DefinitionId {
        DefinitionId { customer: CustomerId(customer), name: name.to_owned() }
    }

    fn client(address: &str) -> Option<ClientAddress> {
        Some(ClientAddress(address.parse().unwrap()))
    }

    #[test]
    fn an_account_is_tried_ten_times_a_minute_from_anywhere() {
        let tries = Tries::default();
        let begin = |account: &DefinitionId, n: u32, now_us| {
            tries.begin(account, client(&format!("192.0.2.{n}")), now_us)
        };
        let jane = account(1, "jane");
        for n in 0..PER_ACCOUNT {
            assert!(begin(&jane, n, START_US).is_ok(), "{n}");
        }
        assert_eq!(begin(&jane, 99, START_US + 1_000_000).err(), Some(60));
        assert_eq!(begin(&jane, 99, START_US + WITHIN_US - 1).err(), Some(1));
        assert!(begin(&account(2, "jane"), 99, START_US).is_ok(), "of another customer");
        assert!(begin(&account(1, "john"), 99, START_US).is_ok());
        assert!(begin(&jane, 99, START_US + WITHIN_US).is_ok(), "a minute later");
    }

    #[test]
    fn a_client_tries_sixty_times_whatever_names() {
        let tries = Tries::default();
        let begin = |n: u32, address: &str| {
            tries.begin(&account(1, &format!("name-{n}")), client(address), START_US)
        };
        for n in 0..PER_CLIENT {
            assert!(begin(n, &format!("2001:db8:0:1::{n:x}")).is_ok(), "{n}");
        }
        assert!(begin(99, "2001:db8:0:1:ffff::1").is_err(), "of the same network");
        assert!(begin(99, "2001:db8:0:2::1").is_ok());
        // What was refused for the client does not count for the account.
        for n in 0..PER_ACCOUNT {
            assert!(begin(100, "2001:db8:0:1::1").is_err(), "{n}");
        }
        assert!(begin(100, "2001:db8:0:2::1").is_ok());
    }

    #[test]
    fn a_right_password_is_no_try() {
        let tries = Tries::default();
        let jane = account(1, "jane");
        for _ in 0..10 * PER_CLIENT {
            tries.begin(&jane, None, START_US).expect("none was wrong").take_back();
        }
        assert_eq!(network(client("::ffff:192.0.2.1").unwrap()), "192.0.2.1");
    }
}
