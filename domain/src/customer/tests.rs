//! The life of a customer: given, when, then.

use super::{
    Customer, CustomerCommand as Do, CustomerCreated, CustomerDeleted, CustomerDisplayNameChanged,
    CustomerError, CustomerEvent as Then, SpaceNumberAllocated,
};
use crate::Aggregate;
use crate::given::given;
use crate::ids::SpaceNumber;
use crate::names::NameError;

fn created() -> Then {
    Then::Created(CustomerCreated { name: "maps".to_owned(), display_name: "Maps".to_owned() })
}

fn allocated(number: u32) -> Then {
    Then::SpaceNumberAllocated(SpaceNumberAllocated { number })
}

fn deleted() -> Then {
    Then::Deleted(CustomerDeleted {})
}

fn create(name: &str) -> Do {
    Do::Create { name: name.to_owned(), display_name: "Maps".to_owned() }
}

fn choose(number: u32) -> Do {
    Do::ChooseSpaceNumber { number: SpaceNumber(number) }
}

#[test]
fn a_customer_is_created_once() {
    given::<Customer>([]).when(create("maps")).then([created()]);
    given::<Customer>([created()]).when(create("maps")).then_refused(&CustomerError::AlreadyExists);
    given::<Customer>([created(), deleted()])
        .when(create("maps"))
        .then_refused(&CustomerError::Deleted);
}

#[test]
fn a_reserved_name_is_refused() {
    given::<Customer>([])
        .when(create("Customers"))
        .then_refused(&CustomerError::Name(NameError::Reserved("Customers".to_owned())));
}

#[test]
fn only_another_display_name_is_a_change() {
    let change = |name: &str| Do::ChangeDisplayName { display_name: name.to_owned() };
    let changed =
        Then::DisplayNameChanged(CustomerDisplayNameChanged { display_name: "Atlas".to_owned() });
    given::<Customer>([created()]).when(change("Maps")).then([]);
    given::<Customer>([created()]).when(change("Atlas")).then([changed]);
    given::<Customer>([]).when(change("Atlas")).then_refused(&CustomerError::NotFound);
}

#[test]
fn the_lowest_unused_number_is_given_out() {
    given::<Customer>([created()]).when(Do::AllocateSpaceNumber).then([allocated(1)]);
    given::<Customer>([created(), allocated(1), allocated(2)])
        .when(Do::AllocateSpaceNumber)
        .then([allocated(3)]);
    given::<Customer>([created(), allocated(2), allocated(5)])
        .when(Do::AllocateSpaceNumber)
        .then([allocated(1)]);
    given::<Customer>([created(), allocated(2), allocated(5), allocated(1)])
        .when(Do::AllocateSpaceNumber)
        .then([allocated(3)]);
}

#[test]
fn a_chosen_number_is_given_out_once() {
    given::<Customer>([created()]).when(choose(u32::MAX)).then([allocated(u32::MAX)]);
    given::<Customer>([created(), allocated(7)]).when(choose(7)).then([]);
    given::<Customer>([created(), allocated(1)]).when(choose(1)).then([]);
    given::<Customer>([created()]).when(choose(0)).then_refused(&CustomerError::NumberZero);
}

#[test]
fn a_customer_with_spaces_stays() {
    let delete = |is_empty| Do::Delete { is_empty };
    given::<Customer>([created()]).when(delete(false)).then_refused(&CustomerError::NotEmpty);
    given::<Customer>([created()]).when(delete(true)).then([deleted()]);
    given::<Customer>([created(), deleted()])
        .when(delete(true))
        .then_refused(&CustomerError::Deleted);
}

#[test]
fn a_number_given_out_is_no_edit() {
    let customer = Customer::folded(&[created(), allocated(1), allocated(2)]);
    assert_eq!(customer.edit_revision(), 1);
}
