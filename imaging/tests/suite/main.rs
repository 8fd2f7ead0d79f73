//! From files through derivatives to answers.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

mod delivery;
mod forms;
mod hostile;
mod sources;
mod support;
