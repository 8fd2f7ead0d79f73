//! The directory of customers: allocates their numbers. One stream, `directory-customers`.

use crate::aggregate::Aggregate;
use serde::{Deserialize, Serialize};

/// Id of the one stream.
pub const DIRECTORY_ID: &str = "customers";

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DirectoryError {
    #[error("every customer number has been used")]
    NumbersExhausted,
}

/// The numbers given out so far: all from 1 to `last`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Directory {
    pub last: u32,
    /// How many have been given out.
    pub count: u64,
}

#[derive(Debug, Clone)]
pub enum DirectoryCommand {
    /// Gives out the next number.
    AllocateNumber { name: String },
    /// Gives out number 1; nothing happens when it has been given out.
    AllocateFirst { name: String },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum DirectoryEvent {
    CustomerNumberAllocated(CustomerNumberAllocated),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerNumberAllocated {
    pub number: u32,
    pub name: String,
}

impl Aggregate for Directory {
    const CATEGORY: &'static str = "directory";
    type Command = DirectoryCommand;
    type Event = DirectoryEvent;
    type Error = DirectoryError;

    fn handle(&self, command: DirectoryCommand) -> Result<Vec<DirectoryEvent>, DirectoryError> {
        let name = match command {
            DirectoryCommand::AllocateFirst { .. } if self.last > 0 => return Ok(vec![]),
            DirectoryCommand::AllocateFirst { name }
            | DirectoryCommand::AllocateNumber { name } => name,
        };
        let number = self.last.checked_add(1).ok_or(DirectoryError::NumbersExhausted)?;
        let allocated = CustomerNumberAllocated { number, name };
        Ok(vec![DirectoryEvent::CustomerNumberAllocated(allocated)])
    }

    fn apply(&mut self, event: &DirectoryEvent) {
        let DirectoryEvent::CustomerNumberAllocated(it) = event;
        self.last = self.last.max(it.number);
        self.count = self.count.saturating_add(1);
    }

    fn edit_revision(&self) -> u64 {
        self.count
    }

    fn exists(&self) -> bool {
        self.count > 0
    }
}

#[cfg(test)]
mod tests {
    use super::{
        CustomerNumberAllocated, Directory, DirectoryCommand as Do, DirectoryError, DirectoryEvent,
    };
    use crate::given::given;

    fn allocated(number: u32) -> DirectoryEvent {
        let name = "maps".to_owned();
        DirectoryEvent::CustomerNumberAllocated(CustomerNumberAllocated { number, name })
    }

    fn name() -> String {
        "maps".to_owned()
    }

    #[test]
    fn numbers_follow_each_other() {
        given::<Directory>([]).when(Do::AllocateNumber { name: name() }).then([allocated(1)]);
        given::<Directory>([allocated(1)])
            .when(Do::AllocateNumber { name: name() })
            .then([allocated(2)]);
    }

    #[test]
    fn the_first_number_is_given_out_once() {
        given::<Directory>([]).when(Do::AllocateFirst { name: name() }).then([allocated(1)]);
        given::<Directory>([allocated(1)]).when(Do::AllocateFirst { name: name() }).then([]);
    }

    #[test]
    fn numbers_end() {
        given::<Directory>([allocated(u32::MAX)])
            .when(Do::AllocateNumber { name: name() })
            .then_refused(&DirectoryError::NumbersExhausted);
    }
}
