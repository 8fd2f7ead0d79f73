//! A name reservation: makes a name unique without a second stream in one transaction.

use crate::aggregate::Aggregate;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameReservationError {
    #[error("the name is in use")]
    Taken { owner: String },
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Name {
    #[default]
    Free,
    Reserved {
        owner: String,
        changes: u64,
    },
    Released {
        changes: u64,
    },
}

/// An owner is the stream of the resource that has the name.
#[derive(Debug, Clone)]
pub enum NameCommand {
    /// Nothing happens when the owner has it already.
    Reserve { owner: String },
    /// Says of a name that the owner has already that it is about to use it: whoever looked at it
    /// before and was about to release it finds it changed.
    Renew { owner: String },
    /// Nothing happens when somebody else has it.
    Release { owner: String },
    /// Takes the name from an owner that does not use it: a crash kept it from being released.
    TakeOver { owner: String, from: String },
}

impl Name {
    /// Returns the stream that has the name.
    pub fn owner(&self) -> Option<&str> {
        match self {
            Self::Reserved { owner, .. } => Some(owner),
            Self::Free | Self::Released { .. } => None,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum NameEvent {
    Reserved(NameReserved),
    Released(NameReleased),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameReserved {
    /// Stream of the resource that has the name, for example `space-1/2`.
    pub owner: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameReleased {
    pub owner: String,
}

impl Aggregate for Name {
    const CATEGORY: &'static str = "name";
    type Command = NameCommand;
    type Event = NameEvent;
    type Error = NameReservationError;

    fn handle(&self, command: NameCommand) -> Result<Vec<NameEvent>, NameReservationError> {
        use {NameCommand as Do, NameEvent as Then};
        let reserved = |owner| Then::Reserved(NameReserved { owner });
        let released = |owner| Then::Released(NameReleased { owner });
        Ok(match (self.owner(), command) {
            (None, Do::Reserve { owner } | Do::Renew { owner } | Do::TakeOver { owner, .. }) => {
                vec![reserved(owner)]
            }
            (Some(holder), Do::Renew { owner }) if holder == owner => vec![reserved(owner)],
            (Some(holder), Do::Reserve { owner } | Do::TakeOver { owner, .. })
                if holder == owner =>
            {
                vec![]
            }
            (Some(holder), Do::TakeOver { owner, from }) if holder == from => {
                vec![released(from), reserved(owner)]
            }
            (Some(holder), Do::Reserve { .. } | Do::Renew { .. } | Do::TakeOver { .. }) => {
                return Err(NameReservationError::Taken { owner: holder.to_owned() });
            }
            (Some(holder), Do::Release { owner }) if holder == owner => vec![released(owner)],
            (_, Do::Release { .. }) => vec![],
        })
    }

    fn apply(&mut self, event: &NameEvent) {
        let changes = self.edit_revision().saturating_add(1);
        *self = match event {
            NameEvent::Reserved(it) => Self::Reserved { owner: it.owner.clone(), changes },
            NameEvent::Released(_) => Self::Released { changes },
        };
    }

    fn makes_room(command: &NameCommand) -> bool {
        matches!(command, NameCommand::Release { .. })
    }

    fn edit_revision(&self) -> u64 {
        match self {
            Self::Free => 0,
            Self::Reserved { changes, .. } | Self::Released { changes } => *changes,
        }
    }

    fn exists(&self) -> bool {
        self.owner().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::{
        Name, NameCommand as Do, NameEvent as Then, NameReleased, NameReservationError,
        NameReserved,
    };
    use crate::given::given;

    fn reserved(owner: &str) -> Then {
        Then::Reserved(NameReserved { owner: owner.to_owned() })
    }

    fn released(owner: &str) -> Then {
        Then::Released(NameReleased { owner: owner.to_owned() })
    }

    fn reserve(owner: &str) -> Do {
        Do::Reserve { owner: owner.to_owned() }
    }

    fn taken(owner: &str) -> NameReservationError {
        NameReservationError::Taken { owner: owner.to_owned() }
    }

    #[test]
    fn a_name_has_one_owner() {
        given::<Name>([]).when(reserve("space-1/1")).then([reserved("space-1/1")]);
        given::<Name>([reserved("space-1/1")]).when(reserve("space-1/1")).then([]);
        given::<Name>([reserved("space-1/1")])
            .when(reserve("space-1/2"))
            .then_refused(&taken("space-1/1"));
    }

    #[test]
    fn a_renewal_is_seen_by_whoever_looked_before() {
        let renew = |owner: &str| Do::Renew { owner: owner.to_owned() };
        given::<Name>([reserved("space-1/1")])
            .when(renew("space-1/1"))
            .then([reserved("space-1/1")]);
        given::<Name>([reserved("space-1/1")])
            .when(renew("space-1/2"))
            .then_refused(&taken("space-1/1"));
        given::<Name>([]).when(renew("space-1/1")).then([reserved("space-1/1")]);
    }

    #[test]
    fn only_the_owner_releases() {
        let release = |owner: &str| Do::Release { owner: owner.to_owned() };
        given::<Name>([reserved("space-1/1")]).when(release("space-1/2")).then([]);
        given::<Name>([reserved("space-1/1")])
            .when(release("space-1/1"))
            .then([released("space-1/1")]);
        given::<Name>([reserved("space-1/1"), released("space-1/1")])
            .when(reserve("space-1/2"))
            .then([reserved("space-1/2")]);
    }

    #[test]
    fn a_name_is_taken_over_from_the_owner_that_was_looked_at() {
        let take = |from: &str| Do::TakeOver { owner: "space-1/3".into(), from: from.into() };
        given::<Name>([reserved("space-1/1")])
            .when(take("space-1/1"))
            .then([released("space-1/1"), reserved("space-1/3")]);
        given::<Name>([reserved("space-1/2")])
            .when(take("space-1/1"))
            .then_refused(&taken("space-1/2"));
    }
}
