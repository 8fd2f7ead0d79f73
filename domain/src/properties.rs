//! Whatever happens, in whatever order: for the aggregates without a property test of their own.

use crate::aggregate::Aggregate;
use crate::annotation::{Annotation, AnnotationCommand, AnnotationDocument};
use crate::batch::{Batch, BatchCommand, Queue};
use crate::collection::{
    Collection, CollectionCommand, CollectionKind, CollectionPatch, NewCollection,
};
use crate::container::{Container, ContainerCommand};
use crate::customer::{Customer, CustomerCommand};
use crate::directory::{Directory, DirectoryCommand};
use crate::ids::{BlobRef, SpaceNumber};
use crate::label::Label;
use crate::languages::Languages;
use crate::manifest::{LabelledBlob, Manifest, ManifestCommand};
use crate::name::{Name, NameCommand};
use crate::named_query::{NamedQuery, NamedQueryCommand};
use crate::patch::Patch;
use crate::place::{Place, PlacePatch};
use crate::space::{Space, SpaceChange, SpaceCommand};
use crate::transcription::Transcription;
use crate::wire::{DomainEvent, decode, encode};
use proptest::prelude::*;
use transcription::transcription;

mod transcription;

fn names() -> impl Strategy<Value = String> {
    prop::sample::select(&["maps", "globes", "iiif", "", "a/b"][..]).prop_map(str::to_owned)
}

fn owners() -> impl Strategy<Value = String> {
    (1..4_u32).prop_map(|number| format!("space-1/{number}"))
}

fn numbers() -> impl Strategy<Value = u32> {
    prop_oneof![0..6_u32, Just(u32::MAX - 1), Just(u32::MAX)]
}

fn directory() -> impl Strategy<Value = DirectoryCommand> {
    prop_oneof![
        names().prop_map(|name| DirectoryCommand::AllocateNumber { name }),
        names().prop_map(|name| DirectoryCommand::AllocateFirst { name }),
    ]
}

fn customer() -> impl Strategy<Value = CustomerCommand> {
    use CustomerCommand as Do;
    prop_oneof![
        (names(), names()).prop_map(|(name, display_name)| Do::Create { name, display_name }),
        names().prop_map(|display_name| Do::ChangeDisplayName { display_name }),
        Just(Do::AllocateSpaceNumber),
        numbers().prop_map(|it| Do::ChooseSpaceNumber { number: SpaceNumber(it) }),
        prop::bool::weighted(0.1).prop_map(|is_empty| Do::Delete { is_empty }),
    ]
}

fn space() -> impl Strategy<Value = SpaceCommand> {
    use SpaceCommand as Do;
    prop_oneof![
        names().prop_map(|name| Do::Create {
            name,
            default_tags: vec![],
            default_roles: vec![],
            default_recognise: Languages::default(),
        }),
        (prop::option::of(names()), names()).prop_map(|(name, tag)| {
            let default_tags = Patch::Set(vec![tag]);
            Do::Change(SpaceChange { name, default_tags, ..SpaceChange::default() })
        }),
        any::<bool>().prop_map(|is_empty| Do::Delete { is_empty }),
    ]
}

fn batch() -> impl Strategy<Value = BatchCommand> {
    any::<u64>().prop_map(|count| BatchCommand::Submit { count, queue: Queue::Default })
}

fn labelled() -> impl Strategy<Value = LabelledBlob> {
    "[ab]".prop_map(|sha256| {
        let label = Label::none(&sha256);
        LabelledBlob { blob: BlobRef { sha256, length_bytes: 7 }, label }
    })
}

fn places() -> impl Strategy<Value = Place> {
    let one = || prop::option::of(names());
    (one(), one()).prop_map(|(parent, slug)| Place { parent, slug })
}

fn place_patches() -> impl Strategy<Value = PlacePatch> {
    let one = || prop_oneof![Just(Patch::Keep), Just(Patch::Clear), names().prop_map(Patch::Set)];
    (one(), one()).prop_map(|(parent, slug)| PlacePatch { parent, slug })
}

fn manifest() -> impl Strategy<Value = ManifestCommand> {
    use ManifestCommand as Do;
    prop_oneof![
        (places(), labelled()).prop_map(|(place, document)| Do::Create { place, document }),
        (place_patches(), prop::option::of(labelled()))
            .prop_map(|(place, document)| Do::Change { place, document }),
        Just(Do::Delete),
    ]
}

fn collection() -> impl Strategy<Value = CollectionCommand> {
    use CollectionCommand as Do;
    let kind = || prop::sample::select(&[CollectionKind::Storage, CollectionKind::Iiif][..]);
    prop_oneof![
        (kind(), places(), any::<bool>(), labelled()).prop_map(
            |(kind, place, is_public, document)| {
                Do::Create(NewCollection { kind, place, is_public, document })
            }
        ),
        (place_patches(), any::<Option<bool>>(), prop::option::of(labelled())).prop_map(
            |(place, is_public, document)| {
                Do::Change(CollectionPatch { kind: None, place, is_public, document })
            }
        ),
        any::<bool>().prop_map(|is_empty| Do::Delete { is_empty }),
        Just(Do::Restore),
    ]
}

fn container() -> impl Strategy<Value = ContainerCommand> {
    use ContainerCommand as Do;
    let roles = || prop::collection::vec(names(), 0..2);
    prop_oneof![
        (names(), names(), roles()).prop_map(|(id, label, roles)| Do::Create { id, label, roles }),
        (names(), roles()).prop_map(|(label, roles)| Do::Change {
            label: Patch::Set(label),
            roles: Patch::Set(roles)
        }),
        any::<(bool, bool)>().prop_map(|(is_empty, recursive)| Do::Delete { is_empty, recursive }),
        Just(Do::Restore),
    ]
}

fn annotation() -> impl Strategy<Value = AnnotationCommand> {
    use AnnotationCommand as Do;
    let document = || {
        let texts = prop::sample::select(&[r#"{"a":[1,2.50,null]}"#, r#"{ "b" : "\u0000" }"#][..]);
        texts.prop_map(|it| AnnotationDocument::new(it.to_owned()).expect("JSON"))
    };
    prop_oneof![
        (names(), document()).prop_map(|(id, document)| Do::Create { id, document }),
        document().prop_map(|document| Do::Replace { document }),
        (0..9_u64, document()).prop_map(|(revision, document)| Do::Restore { revision, document }),
        Just(Do::Delete),
    ]
}

fn named_query() -> impl Strategy<Value = NamedQueryCommand> {
    use NamedQueryCommand as Do;
    let templates = || prop::sample::select(&["s1=p1", "n1=7&canvas=s2 desc", "x"][..]);
    prop_oneof![
        (names(), templates()).prop_map(|(name, it)| Do::Define { name, template: it.to_owned() }),
        templates().prop_map(|it| Do::Change { template: it.to_owned() }),
        Just(Do::Remove),
    ]
}

fn name() -> impl Strategy<Value = NameCommand> {
    use NameCommand as Do;
    prop_oneof![
        owners().prop_map(|owner| Do::Reserve { owner }),
        owners().prop_map(|owner| Do::Release { owner }),
        (owners(), owners()).prop_map(|(owner, from)| Do::TakeOver { owner, from }),
    ]
}

/// Every history that commands make folds to the state that made it, survives the wire, and its
/// edit revision never runs backwards; and so does every part of it, in any order.
fn check<A: Aggregate + PartialEq>(commands: Vec<A::Command>) -> Result<(), TestCaseError> {
    let mut aggregate = A::default();
    let mut history = Vec::new();
    for command in commands {
        let edits = aggregate.edit_revision();
        for event in aggregate.handle(command).unwrap_or_default() {
            aggregate.apply(&event);
            history.push(event);
        }
        prop_assert!(aggregate.edit_revision() >= edits);
    }
    prop_assert_eq!(&A::folded(&history), &aggregate);
    for event in &history {
        let any: DomainEvent = event.clone().into();
        let encoded = encode(&any);
        let decoded = decode(encoded.type_name, encoded.schema_version, &encoded.payload);
        prop_assert_eq!(decoded.expect("written by us"), vec![any]);
    }
    let backwards = A::folded(history.iter().rev());
    prop_assert!(backwards.edit_revision() <= history.len() as u64);
    Ok(())
}

macro_rules! histories {
    ($($test:ident: $aggregate:ident of $commands:ident),+ $(,)?) => {
        proptest! {$(
            #[test]
            fn $test(commands in prop::collection::vec($commands(), 0..40)) {
                check::<$aggregate>(commands)?;
            }
        )+}
    };
}

histories! {
    any_history_of_the_directory_folds: Directory of directory,
    any_history_of_a_customer_folds: Customer of customer,
    any_history_of_a_space_folds: Space of space,
    any_history_of_a_batch_folds: Batch of batch,
    any_history_of_a_manifest_folds: Manifest of manifest,
    any_history_of_a_collection_folds: Collection of collection,
    any_history_of_a_container_folds: Container of container,
    any_history_of_an_annotation_folds: Annotation of annotation,
    any_history_of_a_named_query_folds: NamedQuery of named_query,
    any_history_of_a_name_folds: Name of name,
    any_history_of_a_text_folds: Transcription of transcription,
}

proptest! {
    #[test]
    fn no_space_number_is_given_out_twice(
        commands in prop::collection::vec(customer(), 0..60),
    ) {
        let mut customer = Customer::default();
        let mut given = std::collections::BTreeSet::new();
        for command in commands {
            for event in customer.handle(command).unwrap_or_default() {
                customer.apply(&event);
                if let crate::customer::CustomerEvent::SpaceNumberAllocated(it) = event {
                    prop_assert!(given.insert(it.number), "{} twice", it.number);
                }
            }
        }
    }
}
