//! Accounts of readers, and what becomes of their passwords.

use super::ONE;
use crate::error::CommandError;
use crate::passwords::{MemoryPasswords, Passwords};
use crate::services::AccountCommands;
use crate::testing::{World, context, repeatable};
use dlcs_domain::DefinitionId;
use dlcs_domain::definition::{Account, Password};
use std::sync::Arc;
use uuid::Uuid;

const OLD: &str = "correct horse battery";
const NEW: &str = "staple correct horse";

struct Accounts {
    world: World,
    hashes: Arc<MemoryPasswords>,
    accounts: AccountCommands,
}

impl Accounts {
    async fn new() -> Self {
        let world = World::with_customer().await;
        let hashes = Arc::new(MemoryPasswords::default());
        let passwords = Passwords::new(hashes.clone()).expect("hashes can be made");
        let accounts = AccountCommands::new(world.commands.definitions.clone(), passwords);
        Self { world, hashes, accounts }
    }

    async fn password_id(&self) -> Option<Uuid> {
        let known = self.world.commands.definitions.known::<Account>(&jane()).await;
        known.expect("the log works").and_then(|account| account.password_id)
    }

    async fn fits(&self, text: &str) -> bool {
        let id = self.password_id().await;
        self.accounts.passwords().fits(id, text).await.expect("the store works")
    }
}

fn jane() -> DefinitionId {
    DefinitionId { customer: ONE, name: "jane".to_owned() }
}

fn account(service: &str) -> Account {
    Account {
        label: String::new(),
        auth_services: vec![service.to_owned()],
        password_id: None,
        keeps_password: true,
    }
}

fn password(text: &str) -> Option<Password> {
    Some(Password::new(text.to_owned()).expect("a good one"))
}

#[tokio::test]
async fn the_hash_of_a_password_is_there_as_long_as_it_is_the_password() {
    let it = Accounts::new().await;
    let made = it.accounts.put(&context(), &jane(), account("a"), password(OLD)).await;
    assert!(made.expect("it is made").created);
    assert!(it.fits(OLD).await && !it.fits(NEW).await);
    it.accounts.put(&context(), &jane(), account("b"), None).await.expect("it is changed");
    assert!(it.fits(OLD).await, "it stays");
    it.accounts.put(&context(), &jane(), account("b"), password(NEW)).await.expect("changed");
    assert!(it.fits(NEW).await && !it.fits(OLD).await);
    assert_eq!(it.hashes.count(), 1, "the old one is forgotten");
    it.accounts.remove(&context(), &jane()).await.expect("it is removed");
    assert_eq!(it.hashes.count(), 0);
}

#[tokio::test]
async fn what_is_refused_leaves_no_hash() {
    let it = Accounts::new().await;
    let missing = it.accounts.put(&context(), &jane(), account("a"), None).await;
    let code = |error| match error {
        Err(CommandError::Refused { code, .. }) => code,
        other => panic!("{other:?}"),
    };
    assert_eq!(code(missing), Account::PASSWORD_MISSING);
    let bad = it.accounts.put(&context(), &jane(), account("a/b"), password(OLD)).await;
    assert!(matches!(bad, Err(CommandError::Name(_))), "{bad:?}");
    assert_eq!(it.hashes.count(), 0);
    it.accounts.define(&context(), &jane(), account("a"), password(OLD)).await.expect("made");
    let twice = it.accounts.define(&context(), &jane(), account("a"), password(NEW)).await;
    assert!(matches!(twice, Err(CommandError::Conflict(_))), "{twice:?}");
    let mut stale = context();
    stale.expected_edit = Some(7);
    let stale = it.accounts.put(&stale, &jane(), account("a"), password(NEW)).await;
    assert!(matches!(stale, Err(CommandError::EditMismatch { .. })), "{stale:?}");
    assert_eq!(it.hashes.count(), 1);
    assert!(it.fits(OLD).await);
}

#[tokio::test]
async fn a_repeated_command_leaves_the_password_that_is_there_now() {
    let it = Accounts::new().await;
    let first = repeatable(1);
    for _ in 0..2 {
        it.accounts.put(&first, &jane(), account("a"), password(OLD)).await.expect("made once");
        assert!(it.fits(OLD).await);
        assert_eq!(it.hashes.count(), 1);
    }
    it.accounts.put(&repeatable(2), &jane(), account("a"), password(NEW)).await.expect("changed");
    // Its answer was lost, and the client says it again after another one has been here.
    let late = it.accounts.put(&first, &jane(), account("a"), password(OLD)).await;
    assert!(late.is_ok(), "{late:?}");
    assert!(it.fits(NEW).await && !it.fits(OLD).await);
    assert_eq!(it.hashes.count(), 1);
}
