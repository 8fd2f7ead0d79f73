//! Who may do what, by example and by property.

use super::{AccessRule, Action, Decision, Principal, Reach, Right, Scope, decide};
use crate::ids::{ActorId, CustomerId};
use proptest::prelude::*;

const ACTIONS: [Action; 7] = [
    Action::ReadService,
    Action::ReadContent,
    Action::ReadDescription,
    Action::ReadManagement,
    Action::WriteManagement,
    Action::ManageKeys,
    Action::Administer,
];
const MANAGEMENT: [Action; 4] =
    [Action::ReadManagement, Action::WriteManagement, Action::ManageKeys, Action::Administer];

fn actor() -> ActorId {
    ActorId("key-1".to_owned())
}

fn key_of(customer: u32) -> Principal {
    Principal::Key { actor: actor(), scope: Scope::of_customer(CustomerId(customer)) }
}

fn admin() -> Principal {
    Principal::Key { actor: actor(), scope: Scope::ADMIN }
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

fn key_with(right: Right) -> Principal {
    let scope = Scope { right, ..Scope::of_customer(CustomerId(1)) };
    Principal::Key { actor: actor(), scope }
}

#[test]
fn a_key_does_what_its_right_says_and_is_told_what_it_lacks() {
    let rule = AccessRule::Management { customer: CustomerId(1) };
    let told = |right, action| decide(&key_with(right), &rule, action);
    assert_eq!(told(Right::Read, Action::ReadManagement), Decision::Granted);
    assert_eq!(told(Right::Read, Action::WriteManagement), Decision::RightNeeded);
    assert_eq!(told(Right::Write, Action::WriteManagement), Decision::Granted);
    assert_eq!(told(Right::Write, Action::ManageKeys), Decision::RightNeeded);
    assert_eq!(told(Right::Manage, Action::ManageKeys), Decision::Granted);
    let other = AccessRule::Management { customer: CustomerId(2) };
    let refused = decide(&key_with(Right::Read), &other, Action::WriteManagement);
    assert_eq!(refused, Decision::Refused);
    let content = decide(&key_with(Right::Read), &closed(1), Action::ReadContent);
    assert_eq!(content, Decision::Granted);
}

#[test]
fn a_key_that_ends_makes_none_that_lasts_longer() {
    let ends = Scope { until_us: Some(10), ..Scope::of_customer(CustomerId(1)) };
    for (until_us, is_well) in [(Some(9), true), (Some(10), true), (Some(11), false), (None, false)]
    {
        assert_eq!(ends.may_issue(&Scope { until_us, ..ends }), is_well, "{until_us:?}");
    }
    assert!(Scope::of_customer(CustomerId(1)).may_issue(&ends));
    let writes = Scope { right: Right::Write, ..Scope::of_customer(CustomerId(1)) };
    assert!(!writes.may_issue(&writes), "only who manages makes keys");
    assert!(!ends.may_issue(&Scope { until_us: Some(1), ..Scope::ADMIN }));
}

fn reader(roles: &[(u32, &str)]) -> Principal {
    let role = |(customer, name): &(u32, &str)| (CustomerId(*customer), (*name).to_owned());
    Principal::Reader { roles: roles.iter().map(role).collect() }
}

#[test]
fn a_reader_sees_what_one_of_its_roles_opens_and_manages_nothing() {
    let see = |who: &Principal, rule| decide(who, &rule, Action::ReadContent);
    let agreed = reader(&[(1, "clickthrough")]);
    assert_eq!(see(&agreed, closed(1)), Decision::Granted);
    assert_eq!(see(&agreed, closed(2)), Decision::CredentialsNeeded, "another customer's role");
    assert_eq!(see(&reader(&[(1, "staff")]), closed(1)), Decision::CredentialsNeeded);
    let roles = ["staff", "https://dlcs.example/customers/1/roles/clickthrough"];
    let both = AccessRule::of_asset(CustomerId(1), &roles.map(str::to_owned));
    assert_eq!(see(&agreed, both), Decision::Granted, "one is enough, under its address too");
    for action in MANAGEMENT {
        assert_eq!(decide(&agreed, &closed(1), action), Decision::CredentialsNeeded);
        let rule = AccessRule::Management { customer: CustomerId(1) };
        assert_eq!(decide(&agreed, &rule, action), Decision::CredentialsNeeded);
    }
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
        scopes().prop_map(|scope| Principal::Key { actor: actor(), scope }),
        (1_u32..5).prop_map(|customer| reader(&[(customer, "a"), (customer, "")])),
        Just(Principal::Process { actor: actor() }),
    ]
}

fn scopes() -> impl Strategy<Value = Scope> {
    let reach = prop_oneof![Just(Reach::Everything), customers().prop_map(Reach::Customer)];
    let right = prop::sample::select(&[Right::Read, Right::Write, Right::Manage]);
    (reach, right, prop::option::of(0_i64..4)).prop_map(|(reach, right, until_us)| Scope {
        reach,
        right,
        until_us,
    })
}

proptest! {
    /// THREATS 15: a key never makes a key stronger than itself, nor one of these in its turn.
    #[test]
    fn what_a_key_makes_can_do_nothing_that_it_could_not(
        first in scopes(),
        wishes in prop::collection::vec(scopes(), 1..12),
        rule in rules(),
        action in prop::sample::select(&ACTIONS),
        now in 0_i64..5,
    ) {
        let last = wishes.into_iter().fold(first, |key, wished| {
            if key.may_issue(&wished) { wished } else { key }
        });
        let granted = |scope: Scope| {
            let lives = scope.until_us.is_none_or(|until| now < until);
            let key = Principal::Key { actor: actor(), scope };
            lives && decide(&key, &rule, action) == Decision::Granted
        };
        prop_assert!(!granted(last) || granted(first));
    }

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
    fn only_readers_are_asked_for_credentials(
        who in principals(),
        rule in rules(),
        action in prop::sample::select(&ACTIONS),
    ) {
        let is_asked = decide(&who, &rule, action) == Decision::CredentialsNeeded;
        let is_reader = matches!(who, Principal::Anonymous | Principal::Reader { .. });
        prop_assert!(!is_asked || is_reader);
    }
}
