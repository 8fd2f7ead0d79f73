//! Readers who were let in: what a cookie or an access token of IIIF Auth stands for.
//!
//! Neither event nor fold: who read what is nobody's business later. A secret is known here by its
//! SHA-256 only.

mod memory;

pub use memory::MemorySessions;

use async_trait::async_trait;
use dlcs_domain::CustomerId;
use uuid::Uuid;

/// A reader of one customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// SHA-256 of the secret, in hexadecimal.
    pub id: String,
    /// The session that this token speaks for; `None`: it is one itself.
    pub parent: Option<String>,
    pub customer: CustomerId,
    /// Names of the access services that let the reader in.
    pub services: Vec<String>,
    /// Who said a password; `None`: a reader who needed none.
    pub account: Option<SessionAccount>,
    /// Microseconds since 1970.
    pub expires_at_us: i64,
}

/// The account that a reader came in with, and its password at that time: when it has another one,
/// or is gone, the session is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionAccount {
    pub name: String,
    pub password_id: Uuid,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the control store cannot be used: {0}")]
pub struct SessionError(pub String);

#[async_trait]
pub trait SessionStore: Send + Sync + 'static {
    /// Returns a session, expired ones too until they are purged.
    async fn session(&self, id: &str) -> Result<Option<Session>, SessionError>;

    /// Keeps a session, in place of an older one of this id.
    async fn keep(&self, session: Session) -> Result<(), SessionError>;

    /// Ends a session, and every token that speaks for it.
    async fn end(&self, id: &str) -> Result<(), SessionError>;

    /// Forgets what expired before a time and returns how much.
    async fn purge_expired(&self, before_us: i64) -> Result<u64, SessionError>;
}

/// What every store of sessions must pass. Panics with what was wrong.
#[cfg(any(test, feature = "conformance"))]
pub async fn conformance(store: &dyn SessionStore) {
    let session = |id: &str, parent: Option<&str>, expires_at_us| Session {
        id: id.to_owned(),
        parent: parent.map(str::to_owned),
        customer: CustomerId(7),
        services: vec!["terms".to_owned(), "ein „Lesesaal“".to_owned()],
        account: None,
        expires_at_us,
    };
    let found = async |id: &str| store.session(id).await.expect("the store works");
    assert_eq!(found("a").await, None);
    for it in [session("a", None, 10), session("b", Some("a"), 5), session("c", None, 20)] {
        store.keep(it).await.expect("the store works");
    }
    assert_eq!(found("a").await, Some(session("a", None, 10)));
    assert_eq!(found("b").await, Some(session("b", Some("a"), 5)));
    let other = Session { services: vec![], ..session("a", None, 11) };
    store.keep(other.clone()).await.expect("the store works");
    assert_eq!(found("a").await, Some(other));
    let name = "Jäne „O’Neill“".to_owned();
    let account = Some(SessionAccount { name, password_id: Uuid::from_u128(9) });
    let member = Session { account, ..session("d", Some("c"), 20) };
    store.keep(member.clone()).await.expect("the store works");
    assert_eq!(found("d").await, Some(member));
    store.keep(session("d", None, 30)).await.expect("the store works");
    assert_eq!(found("d").await, Some(session("d", None, 30)), "nothing of the older one stays");
    store.end("a").await.expect("the store works");
    assert_eq!((found("a").await, found("b").await), (None, None));
    assert!(found("c").await.is_some(), "another one stays");
    store.end("a").await.expect("ending it again is no harm");
    assert_eq!(store.purge_expired(20).await, Ok(0));
    assert_eq!(store.purge_expired(21).await, Ok(1));
    assert_eq!(found("c").await, None);
}
