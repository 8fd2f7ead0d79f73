//! Passwords of readers' accounts: kept as hashes (Argon2id), in the control store only.
//!
//! Neither event nor fold: what is removed there is gone. A definition names its password by an id
//! out of which nothing follows.

mod memory;

pub use memory::MemoryPasswords;

use argon2::password_hash::{Output, PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use async_trait::async_trait;
use dlcs_domain::definition::Password;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use uuid::Uuid;

/// Hashes that are made at once: each takes [`MEMORY_KIB`] and a core.
const AT_ONCE: usize = 2;
const MEMORY_KIB: u32 = 19 * 1024;
const ROUNDS: u32 = 2;
/// Longest wait for a turn.
const TURN_WITHIN: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    #[error("the control store cannot be used: {0}")]
    Store(String),
    /// Too many want a hash: try again.
    #[error("too many passwords are being checked")]
    Busy,
    /// Will not pass by itself.
    #[error("{0}")]
    Broken(String),
}

#[async_trait]
pub trait PasswordStore: Send + Sync + 'static {
    /// Returns the hash that is kept under an id, in the PHC form.
    async fn hash(&self, id: Uuid) -> Result<Option<String>, PasswordError>;

    /// Keeps a hash, in place of an older one of this id. It is durable then.
    async fn keep(&self, id: Uuid, hash: String) -> Result<(), PasswordError>;

    /// Forgets a hash. It is no harm if there is none.
    async fn forget(&self, id: Uuid) -> Result<(), PasswordError>;
}

/// Makes and checks hashes, a few at once. Cheap to clone; clones share the turns.
#[derive(Clone)]
pub struct Passwords {
    store: Arc<dyn PasswordStore>,
    turns: Arc<Semaphore>,
    /// Of a password that nobody has.
    nobody: Arc<str>,
}

impl Passwords {
    pub fn new(store: Arc<dyn PasswordStore>) -> Result<Self, PasswordError> {
        let turns = Arc::new(Semaphore::new(AT_ONCE));
        Ok(Self { store, turns, nobody: of_nobody()?.into() })
    }

    pub(crate) async fn keep(&self, id: Uuid, password: Password) -> Result<(), PasswordError> {
        let hash = self.in_turn(move || hashed(password.as_str())).await??;
        self.store.keep(id, hash).await
    }

    pub(crate) async fn forget(&self, id: Uuid) -> Result<(), PasswordError> {
        self.store.forget(id).await
    }

    /// Says whether a text is the password of this id. `None`, which no text fits, takes as long as
    /// any other: nobody learns by a clock which accounts there are.
    pub async fn fits(&self, id: Option<Uuid>, text: &str) -> Result<bool, PasswordError> {
        let known = self.store.hash(id.unwrap_or_default()).await?;
        let is_known = id.is_some() && known.is_some();
        let hash = known.filter(|_| is_known).unwrap_or_else(|| self.nobody.to_string());
        let text = text.to_owned();
        let fits = self.in_turn(move || fits(&hash, &text)).await??;
        Ok(fits && is_known)
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PasswordError> {
        let turn = Arc::clone(&self.turns).acquire_owned();
        let turn = tokio::time::timeout(TURN_WITHIN, turn).await;
        let turn = turn.map_err(|_| PasswordError::Busy)?.map_err(|_| PasswordError::Busy)?;
        // The turn ends with the work, also where nobody waits for it any more.
        let work = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(turn);
            done
        });
        work.await.map_err(|error| PasswordError::Broken(error.to_string()))
    }
}

fn argon2() -> Result<Argon2<'static>, PasswordError> {
    let params = Params::new(MEMORY_KIB, ROUNDS, 1, None).map_err(broken)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hashed(text: &str) -> Result<String, PasswordError> {
    let salt = SaltString::encode_b64(&rand::random::<[u8; 16]>()).map_err(broken)?;
    let hash = argon2()?.hash_password(text.as_bytes(), &salt).map_err(broken)?;
    Ok(hash.to_string())
}

/// Returns what no password is known to give, and takes as long to compare.
fn of_nobody() -> Result<String, PasswordError> {
    let hash = Output::new(&rand::random::<[u8; 32]>()).map_err(broken)?;
    let salt = SaltString::encode_b64(&rand::random::<[u8; 16]>()).map_err(broken)?;
    Ok(format!("$argon2id$v=19$m={MEMORY_KIB},t={ROUNDS},p=1${salt}${hash}"))
}

fn fits(hash: &str, text: &str) -> Result<bool, PasswordError> {
    use argon2::password_hash::Error;
    let hash = PasswordHash::new(hash).map_err(broken)?;
    match argon2()?.verify_password(text.as_bytes(), &hash) {
        Ok(()) => Ok(true),
        Err(Error::Password) => Ok(false),
        Err(error) => Err(broken(error)),
    }
}

fn broken(error: impl std::fmt::Display) -> PasswordError {
    PasswordError::Broken(format!("a password cannot be hashed: {error}"))
}

/// What every store of passwords must pass. Panics with what was wrong.
#[cfg(any(test, feature = "conformance"))]
pub async fn conformance(store: &dyn PasswordStore) {
    let [first, second] = [Uuid::from_u128(1), Uuid::from_u128(u128::MAX)];
    let found = async |id| store.hash(id).await.expect("the store works");
    let keep = async |id, hash: &str| store.keep(id, hash.to_owned()).await;
    assert_eq!(found(first).await, None);
    keep(first, "$argon2id$a").await.expect("the store works");
    keep(second, "$argon2id$b").await.expect("the store works");
    assert_eq!(found(first).await.as_deref(), Some("$argon2id$a"));
    keep(first, "$argon2id$c").await.expect("the store works");
    assert_eq!(found(first).await.as_deref(), Some("$argon2id$c"));
    store.forget(first).await.expect("the store works");
    store.forget(first).await.expect("forgetting it again is no harm");
    assert_eq!(found(first).await, None);
    assert_eq!(found(second).await.as_deref(), Some("$argon2id$b"), "another one stays");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(text: &str) -> Password {
        Password::new(text.to_owned()).unwrap()
    }

    #[tokio::test]
    async fn a_password_fits_its_own_id_and_is_kept_as_a_hash() {
        let store = Arc::new(MemoryPasswords::default());
        let passwords = Passwords::new(store.clone()).unwrap();
        let [id, other] = [Uuid::from_u128(1), Uuid::from_u128(2)];
        passwords.keep(id, password("correct horse battery")).await.unwrap();
        passwords.keep(other, password("correct horse battery")).await.unwrap();
        let kept = [store.hash(id).await.unwrap(), store.hash(other).await.unwrap()];
        let kept = kept.map(|it| it.expect("it was kept"));
        assert!(
            kept.iter().all(|it| it.starts_with("$argon2id$v=19$m=19456,t=2,p=1$")),
            "{kept:?}"
        );
        assert_ne!(kept[0], kept[1], "each has a salt of its own");
        for (id, text, fits) in [
            (Some(id), "correct horse battery", true),
            (Some(id), "correct horse batterY", false),
            (Some(id), "", false),
            (Some(Uuid::from_u128(3)), "correct horse battery", false),
            (None, "correct horse battery", false),
        ] {
            assert_eq!(passwords.fits(id, text).await, Ok(fits), "{id:?} {text}");
        }
        passwords.forget(id).await.unwrap();
        assert_eq!(passwords.fits(Some(id), "correct horse battery").await, Ok(false));
    }

    #[tokio::test]
    async fn a_hash_that_cannot_be_read_lets_nobody_in() {
        let store = Arc::new(MemoryPasswords::default());
        let passwords = Passwords::new(store.clone()).unwrap();
        store.keep(Uuid::from_u128(1), "not a hash".to_owned()).await.unwrap();
        let asked = passwords.fits(Some(Uuid::from_u128(1)), "not a hash").await;
        assert!(matches!(asked, Err(PasswordError::Broken(_))), "{asked:?}");
    }

    /// THREATS 31: the quickest of some tries, for a machine does other things too.
    #[tokio::test]
    async fn an_account_that_is_not_there_takes_as_long() {
        let passwords = Passwords::new(Arc::new(MemoryPasswords::default())).unwrap();
        let id = Uuid::from_u128(1);
        passwords.keep(id, password("correct horse battery")).await.unwrap();
        let mut quickest = [Duration::MAX; 2];
        for _ in 0..10 {
            for (quickest, id) in quickest.iter_mut().zip([Some(id), None]) {
                let started = std::time::Instant::now();
                assert_eq!(passwords.fits(id, "wrong horse battery").await, Ok(false));
                *quickest = started.elapsed().min(*quickest);
            }
        }
        let [known, unknown] = quickest.map(|it| it.as_secs_f64());
        assert!((0.6..1.7).contains(&(unknown / known)), "{known} and {unknown}");
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_gets_no_turn_is_told_so() {
        let passwords = Passwords::new(Arc::new(MemoryPasswords::default())).unwrap();
        let turns = passwords.turns.acquire_many(AT_ONCE as u32).await.unwrap();
        assert_eq!(passwords.fits(None, "a").await, Err(PasswordError::Busy));
        drop(turns);
        assert_eq!(passwords.turns.available_permits(), AT_ONCE);
    }
}
