//! A role: who holds it may see what it closes.

use super::{Defined, Definition, DefinitionError};
use crate::names::{check_display_name, check_flat_id};
use serde::{Deserialize, Serialize};

/// The aggregate of a role.
pub type RoleDefinition = Defined<Role>;

/// What is said of a role. One that nobody defined closes an image all the same; nobody can get it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Role {
    /// For people.
    pub label: String,
    /// Name of the customer's access service that gives it; `None`: nobody can get it.
    pub auth_service: Option<String>,
}

impl Definition for Role {
    const CATEGORY: &'static str = "role";
    const NAME: &'static str = "role";

    fn check(&self, name: &str) -> Result<(), DefinitionError> {
        check_flat_id(name)?;
        check_display_name(&self.label)?;
        self.auth_service.as_deref().map_or(Ok(()), check_flat_id)?;
        Ok(())
    }
}
