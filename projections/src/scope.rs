//! Who may ask what: the checks that every management query begins with.

use crate::paging::QueryError;
use dlcs_domain::CustomerId;
use dlcs_domain::access::{AccessRule, Action, Decision, Principal, decide};

/// Lets those pass who may read the management resources of a customer.
pub fn management(principal: &Principal, customer: CustomerId) -> Result<(), QueryError> {
    allowed(principal, &AccessRule::Management { customer }, Action::ReadManagement)
}

/// Lets those pass who may see the keys of a customer.
pub fn keys(principal: &Principal, customer: CustomerId) -> Result<(), QueryError> {
    allowed(principal, &AccessRule::Management { customer }, Action::ManageKeys)
}

/// Lets those pass who may read what stands above customers.
pub fn administration(principal: &Principal) -> Result<(), QueryError> {
    allowed(principal, &AccessRule::Administration, Action::ReadManagement)
}

/// Narrows a list to what a principal may see of what it asks for: a customer's key that names no
/// customer asks for its own.
pub fn narrowed(
    principal: &Principal,
    asked: Option<CustomerId>,
) -> Result<Option<CustomerId>, QueryError> {
    let own = match principal {
        Principal::Key { scope, .. } => scope.customer(),
        _ => None,
    };
    let customer = asked.or(own);
    match customer {
        Some(customer) => management(principal, customer)?,
        None => administration(principal)?,
    }
    Ok(customer)
}

fn allowed(principal: &Principal, rule: &AccessRule, action: Action) -> Result<(), QueryError> {
    match decide(principal, rule, action) {
        Decision::Granted => Ok(()),
        Decision::CredentialsNeeded | Decision::RightNeeded | Decision::Refused => {
            Err(QueryError::NotAllowed)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dlcs_domain::ActorId;
    use dlcs_domain::access::Scope;

    #[test]
    fn a_key_sees_its_customer_and_nobody_else() {
        let actor = ActorId("key-1".into());
        let key = Principal::Key { actor, scope: Scope::of_customer(CustomerId(1)) };
        assert!(management(&key, CustomerId(1)).is_ok());
        assert!(matches!(management(&key, CustomerId(2)), Err(QueryError::NotAllowed)));
        assert!(matches!(administration(&key), Err(QueryError::NotAllowed)));
        assert_eq!(narrowed(&key, None).unwrap(), Some(CustomerId(1)));
        assert!(matches!(narrowed(&key, Some(CustomerId(2))), Err(QueryError::NotAllowed)));
        assert!(matches!(narrowed(&Principal::Anonymous, None), Err(QueryError::NotAllowed)));
    }
}
