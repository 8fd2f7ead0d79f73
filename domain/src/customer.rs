//! A customer, and the numbers of its spaces.

use crate::aggregate::Aggregate;
use crate::ids::SpaceNumber;
use crate::names::{NameError, check_customer_name, check_display_name};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CustomerError {
    #[error("there is no such customer")]
    NotFound,
    #[error("the customer has been deleted")]
    Deleted,
    #[error("the customer exists already")]
    AlreadyExists,
    #[error("the customer still has spaces")]
    NotEmpty,
    #[error("every space number of the customer has been used")]
    NumbersExhausted,
    #[error("spaces are numbered from 1 on")]
    NumberZero,
    #[error(transparent)]
    Name(#[from] NameError),
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Customer {
    #[default]
    Absent,
    Live(LiveCustomer),
    /// For ever: a customer's number is not used again.
    Deleted {
        edits: u64,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveCustomer {
    pub name: String,
    pub display_name: String,
    pub spaces: SpaceNumbers,
    pub edits: u64,
}

/// The numbers of spaces that have been given out; none is given out twice.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SpaceNumbers {
    /// All from 1 to this.
    last: u32,
    /// Those above `last + 1` that clients chose.
    chosen: BTreeSet<u32>,
}

impl SpaceNumbers {
    pub fn contains(&self, number: SpaceNumber) -> bool {
        (1..=self.last).contains(&number.0) || self.chosen.contains(&number.0)
    }

    fn next(&self) -> Option<u32> {
        self.last.checked_add(1)
    }

    fn insert(&mut self, number: u32) {
        if number > self.last {
            self.chosen.insert(number);
        }
        while self.next().is_some_and(|next| self.chosen.remove(&next)) {
            self.last = self.last.saturating_add(1);
        }
    }
}

#[derive(Debug, Clone)]
pub enum CustomerCommand {
    Create {
        name: String,
        display_name: String,
    },
    ChangeDisplayName {
        display_name: String,
    },
    /// Gives out the lowest unused number.
    AllocateSpaceNumber,
    /// Gives out a number that a client chose; nothing happens when it has been given out.
    ChooseSpaceNumber {
        number: SpaceNumber,
    },
    /// Whether it is empty was looked up.
    Delete {
        is_empty: bool,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum CustomerEvent {
    Created(CustomerCreated),
    DisplayNameChanged(CustomerDisplayNameChanged),
    SpaceNumberAllocated(SpaceNumberAllocated),
    Deleted(CustomerDeleted),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerCreated {
    /// Usable in public addresses in place of the number.
    pub name: String,
    pub display_name: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerDisplayNameChanged {
    pub display_name: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpaceNumberAllocated {
    pub number: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerDeleted {}

impl Aggregate for Customer {
    const CATEGORY: &'static str = "customer";
    type Command = CustomerCommand;
    type Event = CustomerEvent;
    type Error = CustomerError;

    fn handle(&self, command: CustomerCommand) -> Result<Vec<CustomerEvent>, CustomerError> {
        use {Customer as State, CustomerCommand as Do, CustomerEvent as Then};
        Ok(match (self, command) {
            (State::Absent, Do::Create { name, display_name }) => {
                check_customer_name(&name)?;
                check_display_name(&display_name)?;
                vec![Then::Created(CustomerCreated { name, display_name })]
            }
            (State::Absent, _) => return Err(CustomerError::NotFound),
            (State::Deleted { .. }, _) => return Err(CustomerError::Deleted),
            (State::Live(_), Do::Create { .. }) => return Err(CustomerError::AlreadyExists),
            (State::Live(customer), Do::ChangeDisplayName { display_name }) => {
                check_display_name(&display_name)?;
                let differs = display_name != customer.display_name;
                let event = Then::DisplayNameChanged(CustomerDisplayNameChanged { display_name });
                differs.then_some(event).into_iter().collect()
            }
            (State::Live(customer), Do::AllocateSpaceNumber) => {
                let number = customer.spaces.next().ok_or(CustomerError::NumbersExhausted)?;
                vec![Then::SpaceNumberAllocated(SpaceNumberAllocated { number })]
            }
            (State::Live(_), Do::ChooseSpaceNumber { number: SpaceNumber(0) }) => {
                return Err(CustomerError::NumberZero);
            }
            (State::Live(customer), Do::ChooseSpaceNumber { number }) => {
                let is_new = !customer.spaces.contains(number);
                let event = Then::SpaceNumberAllocated(SpaceNumberAllocated { number: number.0 });
                is_new.then_some(event).into_iter().collect()
            }
            (State::Live(_), Do::Delete { is_empty: false }) => {
                return Err(CustomerError::NotEmpty);
            }
            (State::Live(_), Do::Delete { is_empty: true }) => {
                vec![Then::Deleted(CustomerDeleted {})]
            }
        })
    }

    fn apply(&mut self, event: &CustomerEvent) {
        let edits = self.edit_revision().saturating_add(1);
        match (&mut *self, event) {
            (_, CustomerEvent::Created(it)) => {
                *self = Self::Live(LiveCustomer {
                    name: it.name.clone(),
                    display_name: it.display_name.clone(),
                    spaces: SpaceNumbers::default(),
                    edits,
                });
            }
            (_, CustomerEvent::Deleted(_)) => *self = Self::Deleted { edits },
            (Self::Live(customer), CustomerEvent::DisplayNameChanged(it)) => {
                customer.display_name.clone_from(&it.display_name);
                customer.edits = edits;
            }
            (Self::Live(customer), CustomerEvent::SpaceNumberAllocated(it)) => {
                customer.spaces.insert(it.number);
            }
            (Self::Absent | Self::Deleted { .. }, _) => {}
        }
    }

    /// A number given out to a space is no edit of the customer.
    fn makes_room(command: &CustomerCommand) -> bool {
        matches!(command, CustomerCommand::Delete { .. })
    }

    fn edit_revision(&self) -> u64 {
        match self {
            Self::Absent => 0,
            Self::Live(customer) => customer.edits,
            Self::Deleted { edits } => *edits,
        }
    }

    fn exists(&self) -> bool {
        matches!(self, Self::Live(_))
    }
}

#[cfg(test)]
mod tests;
