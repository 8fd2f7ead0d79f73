//! A named query: a template by which images are chosen, and arguments put in from an address.

mod template;

pub use template::{Order, OrderField, Selection, Template, TemplateError};

use crate::aggregate::Aggregate;
use crate::names::{NameError, check_query_name};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NamedQueryError {
    #[error("there is no such named query")]
    NotFound,
    #[error("the named query exists already")]
    AlreadyExists,
    #[error(transparent)]
    Template(#[from] TemplateError),
    #[error(transparent)]
    Name(#[from] NameError),
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NamedQuery {
    #[default]
    Absent,
    Live(LiveNamedQuery),
    /// Until somebody defines another one of this name.
    Removed {
        edits: u64,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveNamedQuery {
    pub template: Template,
    pub edits: u64,
}

#[derive(Debug, Clone)]
pub enum NamedQueryCommand {
    /// The name is the last part of the stream's name, handed in to be checked.
    Define {
        name: String,
        template: String,
    },
    Change {
        template: String,
    },
    Remove,
}

impl NamedQuery {
    pub fn live(&self) -> Option<&LiveNamedQuery> {
        match self {
            Self::Live(it) => Some(it),
            Self::Absent | Self::Removed { .. } => None,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum NamedQueryEvent {
    Defined(NamedQueryDefined),
    Changed(NamedQueryChanged),
    Removed(NamedQueryRemoved),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedQueryDefined {
    pub template: Template,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedQueryChanged {
    pub template: Template,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedQueryRemoved {}

impl Aggregate for NamedQuery {
    const CATEGORY: &'static str = "named_query";
    type Command = NamedQueryCommand;
    type Event = NamedQueryEvent;
    type Error = NamedQueryError;

    fn handle(&self, command: NamedQueryCommand) -> Result<Vec<NamedQueryEvent>, NamedQueryError> {
        use {NamedQueryCommand as Do, NamedQueryEvent as Then};
        Ok(match (self, command) {
            (Self::Absent | Self::Removed { .. }, Do::Define { name, template }) => {
                check_query_name(&name)?;
                vec![Then::Defined(NamedQueryDefined { template: template.parse()? })]
            }
            (Self::Live(_), Do::Define { .. }) => return Err(NamedQueryError::AlreadyExists),
            (Self::Live(it), Do::Change { template }) => {
                let template: Template = template.parse()?;
                if it.template == template {
                    return Ok(vec![]);
                }
                vec![Then::Changed(NamedQueryChanged { template })]
            }
            (Self::Live(_), Do::Remove) => vec![Then::Removed(NamedQueryRemoved {})],
            (Self::Absent | Self::Removed { .. }, Do::Change { .. } | Do::Remove) => {
                return Err(NamedQueryError::NotFound);
            }
        })
    }

    fn apply(&mut self, event: &NamedQueryEvent) {
        let edits = self.edit_revision().saturating_add(1);
        *self = match event {
            NamedQueryEvent::Defined(NamedQueryDefined { template })
            | NamedQueryEvent::Changed(NamedQueryChanged { template }) => {
                Self::Live(LiveNamedQuery { template: template.clone(), edits })
            }
            NamedQueryEvent::Removed(_) => Self::Removed { edits },
        };
    }

    fn makes_room(command: &NamedQueryCommand) -> bool {
        matches!(command, NamedQueryCommand::Remove)
    }

    fn edit_revision(&self) -> u64 {
        match self {
            Self::Absent => 0,
            Self::Live(it) => it.edits,
            Self::Removed { edits } => *edits,
        }
    }

    fn exists(&self) -> bool {
        matches!(self, Self::Live(_))
    }
}

#[cfg(test)]
mod tests {
    use super::{
        NamedQuery, NamedQueryChanged, NamedQueryCommand as Do, NamedQueryDefined, NamedQueryError,
        NamedQueryEvent as Then, NamedQueryRemoved,
    };
    use crate::given::given;

    fn defined(template: &str) -> Then {
        Then::Defined(NamedQueryDefined { template: template.parse().expect("a template") })
    }

    fn define(template: &str) -> Do {
        Do::Define { name: "book".to_owned(), template: template.to_owned() }
    }

    fn change(template: &str) -> Do {
        Do::Change { template: template.to_owned() }
    }

    #[test]
    fn a_query_is_defined_once_at_a_time() {
        given::<NamedQuery>([]).when(define("s1=p1")).then([defined("s1=p1")]);
        let twice = NamedQueryError::AlreadyExists;
        given::<NamedQuery>([defined("s1=p1")]).when(define("s1=p1")).then_refused(&twice);
        let removed = Then::Removed(NamedQueryRemoved {});
        given::<NamedQuery>([defined("s1=p1")]).when(Do::Remove).then([removed.clone()]);
        let history = [defined("s1=p1"), removed];
        given::<NamedQuery>(history.clone()).when(define("s2=p1")).then([defined("s2=p1")]);
        given::<NamedQuery>(history).when(Do::Remove).then_refused(&NamedQueryError::NotFound);
    }

    #[test]
    fn only_another_template_changes() {
        let changed = Then::Changed(NamedQueryChanged { template: "s2=p1".parse().expect("one") });
        given::<NamedQuery>([defined("s1=p1")]).when(change("s1=p1")).then([]);
        given::<NamedQuery>([defined("s1=p1")]).when(change("s2=p1")).then([changed]);
        given::<NamedQuery>([]).when(change("s2=p1")).then_refused(&NamedQueryError::NotFound);
    }

    #[test]
    fn what_is_no_template_is_refused() {
        let refused = NamedQuery::default();
        let refused = crate::Aggregate::handle(&refused, define("colour=red"));
        assert!(matches!(refused, Err(NamedQueryError::Template(_))), "{refused:?}");
    }
}
