//! An account of a reader: whoever knows its password is let in by the access services it names.

use super::{Definition, DefinitionError};
use crate::names::{check_display_name, check_flat_id};
use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

const PASSWORD_CHARACTERS_MIN: usize = 12;
const PASSWORD_BYTES_MAX: usize = 1024;
/// Access services that one account opens, at most.
const SERVICES_MAX: usize = 100;

/// What is said of an account. Its password is not in it: that is kept elsewhere, as a hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// For people.
    pub label: String,
    /// Names of the customer's access services that it opens.
    pub auth_services: Vec<String>,
    /// Names the password: another one has another id. Nothing of it follows from this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_id: Option<Uuid>,
    /// Nothing was said of a password: the one that is there stays.
    #[serde(skip)]
    pub keeps_password: bool,
}

/// A password that an account may have. Its `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

impl Password {
    /// Checks its length, and that it can be typed. The sentence of a refusal holds nothing of it.
    pub fn new(text: String) -> Result<Self, &'static str> {
        if text.chars().take(PASSWORD_CHARACTERS_MIN).count() < PASSWORD_CHARACTERS_MIN {
            return Err("a password has at least 12 characters");
        }
        Self::check_typed(&text)?;
        Ok(Self(text))
    }

    /// Says whether somebody may have typed a text as a password: what is no such text is that of no
    /// account.
    pub fn check_typed(text: &str) -> Result<(), &'static str> {
        if text.len() > PASSWORD_BYTES_MAX {
            return Err("a password has at most 1024 bytes");
        }
        if text.chars().any(char::is_control) {
            return Err("a password has no control characters: nobody could type them");
        }
        Ok(())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Account {
    /// Code of what is refused.
    pub const PASSWORD_MISSING: &'static str = "password-missing";

    pub fn opens(&self, auth_service: &str) -> bool {
        self.auth_services.iter().any(|it| it == auth_service)
    }

    /// Says whether whoever was let into a service by a password is still in.
    pub fn still_opens(&self, auth_service: &str, password_id: Uuid) -> bool {
        self.password_id == Some(password_id) && self.opens(auth_service)
    }
}

impl Definition for Account {
    const CATEGORY: &'static str = "account";
    const NAME: &'static str = "account";

    fn check(&self, name: &str) -> Result<(), DefinitionError> {
        check_flat_id(name)?;
        check_display_name(&self.label)?;
        if self.auth_services.len() > SERVICES_MAX {
            let detail = format!("an account opens at most {SERVICES_MAX} access services");
            return Err(DefinitionError::Invalid(detail));
        }
        for service in &self.auth_services {
            check_flat_id(service)?;
        }
        if self.password_id.is_none() {
            let detail = "a new account needs a `password`".to_owned();
            return Err(DefinitionError::Refused { code: Self::PASSWORD_MISSING, detail });
        }
        Ok(())
    }

    fn merged(mut self, known: &Self) -> Self {
        if self.keeps_password {
            self.password_id = known.password_id;
        }
        self.keeps_password = false;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition::{
        Defined, DefinitionCommand as Do, DefinitionEvent as Then, DefinitionRemoved,
    };
    use crate::given::given;

    const FIRST: Option<Uuid> = Some(Uuid::from_u128(1));
    const SECOND: Option<Uuid> = Some(Uuid::from_u128(2));

    fn account(password_id: Option<Uuid>) -> Account {
        Account {
            label: "A reader".to_owned(),
            auth_services: vec!["members".to_owned()],
            password_id,
            keeps_password: false,
        }
    }

    fn define(value: Account) -> Do<Account> {
        Do::Define { name: "jane".to_owned(), value }
    }

    fn change(value: Account) -> Do<Account> {
        Do::Change { name: "jane".to_owned(), value }
    }

    #[test]
    fn an_account_has_a_password() {
        given::<Defined<Account>>([])
            .when(define(account(FIRST)))
            .then([Then::Defined(account(FIRST))]);
        let missing = DefinitionError::Refused {
            code: Account::PASSWORD_MISSING,
            detail: "a new account needs a `password`".to_owned(),
        };
        given::<Defined<Account>>([]).when(define(account(None))).then_refused(&missing);
        let history = [Then::Defined(account(FIRST)), Then::Removed(DefinitionRemoved {})];
        let keeping = Account { keeps_password: true, ..account(None) };
        given::<Defined<Account>>(history).when(define(keeping)).then_refused(&missing);
    }

    #[test]
    fn a_password_stays_until_another_one_is_said() {
        let history = || [Then::Defined(account(FIRST))];
        let keeping = || Account { keeps_password: true, ..account(None) };
        given::<Defined<Account>>(history()).when(change(keeping())).then([]);
        let other = Account { auth_services: vec![], ..keeping() };
        let expected = Account { auth_services: vec![], ..account(FIRST) };
        given::<Defined<Account>>(history()).when(change(other)).then([Then::Changed(expected)]);
        given::<Defined<Account>>(history())
            .when(change(account(SECOND)))
            .then([Then::Changed(account(SECOND))]);
    }

    #[test]
    fn it_opens_what_it_names_as_long_as_its_password_is_the_same() {
        let [first, second] = [Uuid::from_u128(1), Uuid::from_u128(2)];
        let account = account(Some(first));
        assert!(account.still_opens("members", first));
        assert!(!account.still_opens("members", second));
        assert!(!account.still_opens("staff", first));
    }

    #[test]
    fn what_cannot_be_an_account_is_refused() {
        let with = |services: Vec<String>| Account { auth_services: services, ..account(FIRST) };
        assert!(account(FIRST).check("jane").is_ok());
        for name in ["", "a/b", "a\0b", "..", &"a".repeat(256)] {
            assert!(account(FIRST).check(name).is_err(), "{name:?}");
        }
        assert!(with(vec!["a/b".to_owned()]).check("jane").is_err());
        assert!(with(vec!["a".to_owned(); SERVICES_MAX]).check("jane").is_ok());
        assert!(with(vec!["a".to_owned(); SERVICES_MAX + 1]).check("jane").is_err());
        let long = Account { label: "a".repeat(1025), ..account(FIRST) };
        assert!(long.check("jane").is_err());
    }

    #[test]
    fn a_password_is_long_enough_can_be_typed_and_is_not_shown() {
        for good in ["twelve chars", "ünïcödé-wörd", "a\u{2028}<b>&\"'hello", &"a".repeat(1024)]
        {
            let password = Password::new(good.to_owned()).expect(good);
            assert_eq!(password.as_str(), good);
            assert!(!format!("{password:?}").contains(good));
        }
        for bad in ["", "eleven char", "üüüüüüüüüüü", "twelve\0chars", "twelve\nchars"] {
            assert!(Password::new(bad.to_owned()).is_err(), "{bad:?}");
        }
        assert!(Password::new("a".repeat(1025)).is_err());
        assert!(Password::new("ü".repeat(513)).is_err(), "bytes count");
    }
}
