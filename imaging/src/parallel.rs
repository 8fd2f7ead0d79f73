//! Shares work out to a few threads.

/// Runs `work(0)` to `work(shares - 1)`, each on a thread of its own if there can be one.
///
/// The first share runs here. Where no thread can be started, for want of memory or of right, its
/// share runs here too: slower, but done.
pub(crate) fn in_shares<T: Send>(shares: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let work = &work;
    std::thread::scope(|scope| {
        let started: Vec<_> = (1..shares)
            .map(|share| {
                let thread = std::thread::Builder::new();
                (share, thread.spawn_scoped(scope, move || work(share)))
            })
            .collect();
        let mut results = vec![work(0)];
        for (share, thread) in started {
            results.push(match thread.map(|thread| thread.join()) {
                Ok(Ok(result)) => result,
                Ok(Err(panic)) => std::panic::resume_unwind(panic),
                Err(_) => work(share),
            });
        }
        results
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_stand_in_the_order_of_their_shares() {
        assert_eq!(in_shares(1, |share| share), [0]);
        assert_eq!(in_shares(5, |share| share * 10), [0, 10, 20, 30, 40]);
    }
}
