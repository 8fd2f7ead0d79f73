//! A batch: assets registered together. Its members are the asset events that name it.

use crate::aggregate::Aggregate;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    #[error("the batch has been submitted with other members")]
    AlreadySubmitted,
}

/// While its members are being registered a batch is open; submitting it tells how many there are.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Batch {
    #[default]
    Open,
    Submitted {
        count: u64,
        queue: String,
    },
}

/// Where a batch and its members wait. What waits in the priority queue passes the others.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Queue {
    #[default]
    Default,
    Priority,
}

impl Queue {
    /// Returns the queue of a word; whatever is not known waits with the others.
    pub fn of(word: &str) -> Self {
        if word == Self::Priority.as_str() { Self::Priority } else { Self::Default }
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::Default
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Priority => "priority",
        }
    }
}

#[derive(Debug, Clone)]
pub enum BatchCommand {
    Submit { count: u64, queue: Queue },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum BatchEvent {
    Submitted(BatchSubmitted),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchSubmitted {
    /// Number of members.
    pub count: u64,
    /// `default` or `priority`.
    pub queue: String,
}

impl Aggregate for Batch {
    const CATEGORY: &'static str = "batch";
    type Command = BatchCommand;
    type Event = BatchEvent;
    type Error = BatchError;

    fn handle(&self, command: BatchCommand) -> Result<Vec<BatchEvent>, BatchError> {
        let BatchCommand::Submit { count, queue } = command;
        let queue = queue.as_str().to_owned();
        match self {
            Self::Open => Ok(vec![BatchEvent::Submitted(BatchSubmitted { count, queue })]),
            Self::Submitted { count: known, queue: in_queue }
                if (*known, in_queue) == (count, &queue) =>
            {
                Ok(vec![])
            }
            Self::Submitted { .. } => Err(BatchError::AlreadySubmitted),
        }
    }

    fn apply(&mut self, event: &BatchEvent) {
        let BatchEvent::Submitted(it) = event;
        *self = Self::Submitted { count: it.count, queue: it.queue.clone() };
    }

    fn edit_revision(&self) -> u64 {
        u64::from(self.exists())
    }

    fn exists(&self) -> bool {
        matches!(self, Self::Submitted { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::{Batch, BatchCommand, BatchError, BatchEvent, BatchSubmitted, Queue};
    use crate::given::given;

    fn submit(count: u64) -> BatchCommand {
        BatchCommand::Submit { count, queue: Queue::Default }
    }

    fn submitted(count: u64) -> BatchEvent {
        BatchEvent::Submitted(BatchSubmitted { count, queue: "default".to_owned() })
    }

    #[test]
    fn a_batch_is_submitted_once() {
        given::<Batch>([]).when(submit(3)).then([submitted(3)]);
        given::<Batch>([submitted(3)]).when(submit(3)).then([]);
        given::<Batch>([submitted(3)]).when(submit(4)).then_refused(&BatchError::AlreadySubmitted);
    }
}
