//! Who may ask what: the checks that every management query begins with.

use crate::paging::QueryError;
use dlcs_domain::CustomerId;
use dlcs_domain::access::{Principal, Scope};

/// Which customers' rows somebody may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visible {
    Everything,
    Customer(CustomerId),
}

/// Returns which customers' management rows a principal may see.
pub fn visible(principal: &Principal) -> Result<Visible, QueryError> {
    match principal {
        Principal::Anonymous => Err(QueryError::NotAllowed),
        Principal::Key { scope: Scope::Customer(customer), .. } => Ok(Visible::Customer(*customer)),
        Principal::Key { scope: Scope::Admin, .. } | Principal::Process { .. } => {
            Ok(Visible::Everything)
        }
    }
}

/// Lets those pass who may read the management resources of a customer.
pub fn management(principal: &Principal, customer: CustomerId) -> Result<(), QueryError> {
    match visible(principal)? {
        Visible::Customer(own) if own != customer => Err(QueryError::NotAllowed),
        _ => Ok(()),
    }
}

/// Lets those pass who may read what stands above customers.
pub fn administration(principal: &Principal) -> Result<(), QueryError> {
    match visible(principal)? {
        Visible::Everything => Ok(()),
        Visible::Customer(_) => Err(QueryError::NotAllowed),
    }
}

/// Narrows a list to what a principal may see of what it asks for.
pub fn narrowed(
    principal: &Principal,
    asked: Option<CustomerId>,
) -> Result<Option<CustomerId>, QueryError> {
    match (visible(principal)?, asked) {
        (Visible::Everything, asked) => Ok(asked),
        (Visible::Customer(own), None) => Ok(Some(own)),
        (Visible::Customer(own), Some(asked)) if own == asked => Ok(Some(own)),
        (Visible::Customer(_), Some(_)) => Err(QueryError::NotAllowed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dlcs_domain::ActorId;

    #[test]
    fn a_key_sees_its_customer_and_nobody_else() {
        let actor = ActorId("key-1".into());
        let key = Principal::Key { actor, scope: Scope::Customer(CustomerId(1)) };
        assert!(management(&key, CustomerId(1)).is_ok());
        assert!(matches!(management(&key, CustomerId(2)), Err(QueryError::NotAllowed)));
        assert!(matches!(administration(&key), Err(QueryError::NotAllowed)));
        assert_eq!(narrowed(&key, None).unwrap(), Some(CustomerId(1)));
        assert!(matches!(narrowed(&key, Some(CustomerId(2))), Err(QueryError::NotAllowed)));
        assert!(matches!(visible(&Principal::Anonymous), Err(QueryError::NotAllowed)));
    }
}
