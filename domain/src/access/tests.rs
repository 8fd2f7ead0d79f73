//! Who may do what, by example and by property.

use super::{AccessRule, Action, Decision, Principal, Scope, decide};
use crate::ids::{ActorId, CustomerId};
use proptest::prelude::*;

const ACTIONS: [Action; 6] = [
    Action::ReadService,
    Action::ReadContent,
    Action::ReadDescription,
    Action::ReadManagement,
    Action::WriteManagement,
    Action::Administer,
];
const MANAGEMENT: [Action; 3] =
    [Action::ReadManagement, Action::WriteManagement, Action::Administer];

fn actor() -> ActorId {
    ActorId("key-1".to_owned())
}

fn key_of(customer: u32) -> Principal {
    Principal::Key { actor: actor(), scope: Scope::Customer(CustomerId(customer)) }
}

fn admin() -> Principal {
    Principal::Key { actor: actor(), scope: Scope::Admin }
}

fn closed(customer: u32) -> AccessRule {
    AccessRule::of_asset(CustomerId(customer), &["clickthrough".to_owned()])
}

#[test]
fn a_closed_image_asks_for_credentials_but_describes_itself() {
    let who = Principal::Anonymous;
    assert_eq!(decide(&who, &closed(1), Action::ReadContent), Decision::CredentialsNeeded);
    assert_eq!(decide(&who, &closed(1), Action::ReadDescription), Decision::Granted);
    assert_eq!(decide(&key_of(1), &closed(1), Action::ReadContent), Decision::Granted);
    assert_eq!(decide(&key_of(2), &closed(1), Action::ReadContent), Decision::Refused);
}

#[test]
fn an_image_without_roles_is_open() {
    let rule = AccessRule::of_asset(CustomerId(1), &[]);
    assert_eq!(rule, AccessRule::Open);
    assert_eq!(decide(&Principal::Anonymous, &rule, Action::ReadContent), Decision::Granted);
}

#[test]
fn a_rule_whose_roles_are_missing_stays_closed() {
    let rule = AccessRule::Roles { customer: CustomerId(1), roles: vec![] };
    let decision = decide(&Principal::Anonymous, &rule, Action::ReadContent);
    assert_eq!(decision, Decision::CredentialsNeeded);
}

#[test]
fn a_customer_manages_its_own_and_is_no_administrator() {
    let rule = AccessRule::Management { customer: CustomerId(1) };
    assert_eq!(decide(&key_of(1), &rule, Action::WriteManagement), Decision::Granted);
    assert_eq!(decide(&key_of(1), &rule, Action::Administer), Decision::Refused);
    let above = AccessRule::Administration;
    assert_eq!(decide(&key_of(1), &above, Action::ReadManagement), Decision::Refused);
}

#[test]
fn a_process_works_for_everybody_and_makes_no_customers() {
    let who = Principal::Process { actor: ActorId("process-ingest".to_owned()) };
    assert_eq!(decide(&who, &closed(1), Action::WriteManagement), Decision::Granted);
    assert_eq!(decide(&who, &AccessRule::Administration, Action::Administer), Decision::Refused);
}

fn customers() -> impl Strategy<Value = CustomerId> {
    (1_u32..5).prop_map(CustomerId)
}

fn rules() -> impl Strategy<Value = AccessRule> {
    let roles = prop::collection::vec("[a-z]{0,3}", 0..3);
    prop_oneof![
        Just(AccessRule::Open),
        Just(AccessRule::Administration),
        customers().prop_map(|customer| AccessRule::Management { customer }),
        (customers(), roles).prop_map(|(customer, roles)| AccessRule::Roles { customer, roles }),
    ]
}

fn principals() -> impl Strategy<Value = Principal> {
    prop_oneof![
        Just(Principal::Anonymous),
        Just(admin()),
        (1_u32..5).prop_map(key_of),
        Just(Principal::Process { actor: actor() }),
    ]
}

proptest! {
    #[test]
    fn nobody_manages_anonymously(rule in rules(), action in prop::sample::select(&MANAGEMENT)) {
        prop_assert_eq!(decide(&Principal::Anonymous, &rule, action), Decision::CredentialsNeeded);
    }

    #[test]
    fn a_key_never_reaches_another_customer(
        own in customers(),
        rule in rules(),
        action in prop::sample::select(&MANAGEMENT),
    ) {
        prop_assume!(rule.customer() != Some(own));
        prop_assert_eq!(decide(&key_of(own.0), &rule, action), Decision::Refused);
    }

    #[test]
    fn an_administrator_may_do_everything(
        rule in rules(),
        action in prop::sample::select(&ACTIONS),
    ) {
        prop_assert_eq!(decide(&admin(), &rule, action), Decision::Granted);
    }

    #[test]
    fn credentials_never_take_away(
        who in principals(),
        rule in rules(),
        action in prop::sample::select(&ACTIONS),
    ) {
        if decide(&Principal::Anonymous, &rule, action) == Decision::Granted {
            prop_assert_eq!(decide(&who, &rule, action), Decision::Granted);
        }
    }

    #[test]
    fn only_the_anonymous_are_asked_for_credentials(
        who in principals(),
        rule in rules(),
        action in prop::sample::select(&ACTIONS),
    ) {
        let is_asked = decide(&who, &rule, action) == Decision::CredentialsNeeded;
        prop_assert!(!is_asked || who == Principal::Anonymous);
    }
}
