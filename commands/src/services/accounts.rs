//! Accounts of readers: the definition in the log, the hash of its password beside it.

use super::definitions::DefinitionCommands;
use crate::context::CommandContext;
use crate::cqrs::Decided;
use crate::error::CommandError;
use crate::passwords::{PasswordError, Passwords};
use dlcs_domain::DefinitionId;
use dlcs_domain::definition::{Account, Definition, Password};
use uuid::Uuid;

/// Cheap to clone.
#[derive(Clone)]
pub struct AccountCommands {
    definitions: DefinitionCommands,
    passwords: Passwords,
}

impl From<PasswordError> for CommandError {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Store(text) => Self::Unavailable(text),
            PasswordError::Busy => Self::Unavailable(error.to_string()),
            PasswordError::Broken(text) => Self::Damaged(text),
        }
    }
}

impl AccountCommands {
    pub fn new(definitions: DefinitionCommands, passwords: Passwords) -> Self {
        Self { definitions, passwords }
    }

    /// Returns who checks the passwords of accounts.
    pub fn passwords(&self) -> &Passwords {
        &self.passwords
    }

    /// Makes an account. `account` says nothing of a password.
    pub async fn define(
        &self,
        context: &CommandContext,
        id: &DefinitionId,
        account: Account,
        password: Option<Password>,
    ) -> Result<Decided, CommandError> {
        let account = self.with_password(context, id, account, password).await?;
        let said = account.password_id;
        let decided = self.definitions.define(context, id, account).await;
        self.tidy(id, [said, None], &decided).await;
        decided
    }

    /// Makes an account, or changes what is there; without a password, the one that is there stays.
    pub async fn put(
        &self,
        context: &CommandContext,
        id: &DefinitionId,
        account: Account,
        password: Option<Password>,
    ) -> Result<Decided, CommandError> {
        let known = self.password_of(id).await?;
        let account = self.with_password(context, id, account, password).await?;
        let said = account.password_id;
        let decided = self.definitions.put(context, id, account).await;
        self.tidy(id, [said, known], &decided).await;
        decided
    }

    /// Removes an account, and forgets its password.
    pub async fn remove(
        &self,
        context: &CommandContext,
        id: &DefinitionId,
    ) -> Result<Decided, CommandError> {
        let known = self.password_of(id).await?;
        let decided = self.definitions.remove::<Account>(context, id).await;
        self.tidy(id, [known, None], &decided).await;
        decided
    }

    /// Keeps the hash before the event that names it. A repeated command names the same one again.
    async fn with_password(
        &self,
        context: &CommandContext,
        id: &DefinitionId,
        mut account: Account,
        password: Option<Password>,
    ) -> Result<Account, CommandError> {
        account.keeps_password = password.is_none();
        let Some(password) = password else { return Ok(account) };
        let name = self.definitions.new_id::<Account>(context);
        account.password_id = Some(name);
        // What is refused anyway costs no hash.
        account.check(&id.name).map_err(crate::error::Rule::refusal)?;
        self.passwords.keep(name, password).await?;
        Ok(account)
    }

    async fn password_of(&self, id: &DefinitionId) -> Result<Option<Uuid>, CommandError> {
        let known = self.definitions.known::<Account>(id).await?;
        Ok(known.and_then(|account| account.password_id))
    }

    /// Forgets those of some passwords that the account does not have now. One that stays behind is
    /// named by nothing, and opens nothing.
    async fn tidy(
        &self,
        id: &DefinitionId,
        passwords: [Option<Uuid>; 2],
        decided: &Result<Decided, CommandError>,
    ) {
        // Whether it happened is not known: it may name the password yet.
        if decided.as_ref().is_err_and(CommandError::may_pass) {
            return;
        }
        let Ok(now) = self.password_of(id).await else { return };
        for password in passwords.into_iter().flatten().filter(|it| now != Some(*it)) {
            let _ = self.passwords.forget(password).await;
        }
    }
}
