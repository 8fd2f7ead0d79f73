//! The life of a space: given, when, then.

use super::{
    Space, SpaceChange, SpaceCommand as Do, SpaceCreated, SpaceDefaultsChanged, SpaceDeleted,
    SpaceError, SpaceEvent as Then, SpaceRenamed,
};
use crate::Aggregate;
use crate::given::given;
use crate::languages::Languages;
use crate::names::NameError;
use crate::patch::Patch;

fn created() -> Then {
    let default_roles = vec!["staff".to_owned()];
    Then::Created(SpaceCreated {
        name: "maps".to_owned(),
        default_tags: vec![],
        default_roles,
        default_recognise: Languages::default(),
    })
}

fn create() -> Do {
    let default_roles = vec!["staff".to_owned()];
    Do::Create {
        name: "maps".to_owned(),
        default_tags: vec![],
        default_roles,
        default_recognise: Languages::default(),
    }
}

fn rename(name: &str) -> Do {
    Do::Change(SpaceChange { name: Some(name.to_owned()), ..SpaceChange::default() })
}

fn deleted() -> Then {
    Then::Deleted(SpaceDeleted {})
}

#[test]
fn a_living_space_is_not_created_again() {
    given::<Space>([]).when(create()).then([created()]);
    given::<Space>([created()]).when(create()).then_refused(&SpaceError::AlreadyExists);
}

#[test]
fn a_deleted_space_can_be_created_again_and_goes_on_counting_edits() {
    given::<Space>([created(), deleted()]).when(create()).then([created()]);
    assert_eq!(Space::folded(&[created(), deleted(), created()]).edit_revision(), 3);
}

#[test]
fn only_another_name_renames() {
    given::<Space>([created()]).when(rename("maps")).then([]);
    given::<Space>([created()])
        .when(rename("atlas"))
        .then([Then::Renamed(SpaceRenamed { name: "atlas".to_owned() })]);
    given::<Space>([created()])
        .when(rename("thumbs"))
        .then_refused(&SpaceError::Name(NameError::Reserved("thumbs".to_owned())));
    given::<Space>([]).when(rename("atlas")).then_refused(&SpaceError::NotFound);
}

#[test]
fn a_default_that_is_left_out_stays() {
    let change =
        SpaceChange { default_tags: Patch::Set(vec!["old".to_owned()]), ..SpaceChange::default() };
    let changed = SpaceDefaultsChanged {
        default_tags: vec!["old".to_owned()],
        default_roles: vec!["staff".to_owned()],
        default_recognise: Languages::default(),
    };
    given::<Space>([created()]).when(Do::Change(change)).then([Then::DefaultsChanged(changed)]);
}

#[test]
fn null_clears_a_default() {
    let change = SpaceChange { default_roles: Patch::Clear, ..SpaceChange::default() };
    let changed = SpaceDefaultsChanged {
        default_tags: vec![],
        default_roles: vec![],
        default_recognise: Languages::default(),
    };
    given::<Space>([created()]).when(Do::Change(change)).then([Then::DefaultsChanged(changed)]);
}

#[test]
fn assets_may_be_recognised_by_default() {
    let default_recognise: Languages = "deu+frk".parse().expect("languages");
    let change = || {
        Do::Change(SpaceChange {
            default_recognise: Patch::Set(default_recognise.clone()),
            ..SpaceChange::default()
        })
    };
    let changed = Then::DefaultsChanged(SpaceDefaultsChanged {
        default_tags: vec![],
        default_roles: vec!["staff".to_owned()],
        default_recognise: default_recognise.clone(),
    });
    given::<Space>([created()]).when(change()).then([changed.clone()]);
    given::<Space>([created(), changed]).when(change()).then([]);
}

#[test]
fn a_space_with_assets_stays() {
    let delete = |is_empty| Do::Delete { is_empty };
    given::<Space>([created()]).when(delete(false)).then_refused(&SpaceError::NotEmpty);
    given::<Space>([created()]).when(delete(true)).then([deleted()]);
    given::<Space>([created(), deleted()]).when(delete(true)).then_refused(&SpaceError::Deleted);
}
