//! Annotation containers and annotations.

use super::ONE;
use crate::cqrs::Decided;
use crate::error::CommandError;
use crate::services::NewContainer;
use crate::testing::{World, context, repeatable, rival};
use dlcs_domain::annotation::{AnnotationCreated, AnnotationDocument, AnnotationEvent};
use dlcs_domain::{AnnotationId, ContainerId, CustomerId, Patch};
use dlcs_eventlog::{EventId, Expected};
use uuid::Uuid;

fn document(text: &str) -> AnnotationDocument {
    AnnotationDocument::new(format!(r#"{{"bodyValue":"{text}"}}"#)).expect("JSON")
}

fn notes() -> ContainerId {
    ContainerId { customer: ONE, id: "notes".to_owned() }
}

fn note(id: &str) -> AnnotationId {
    AnnotationId { container: notes(), id: id.to_owned() }
}

async fn make_notes(world: &World) -> Result<Decided, CommandError> {
    let new = NewContainer::default();
    world.commands.annotations.create_container_as(&context(), &notes(), new).await
}

async fn with_notes() -> World {
    let world = World::with_customer().await;
    assert!(make_notes(&world).await.expect("the id is free").created);
    world
}

#[tokio::test]
async fn a_suggested_id_is_taken_up_where_it_is_free() {
    let world = with_notes().await;
    let annotations = &world.commands.annotations;
    let slug = || Some("notes".to_owned());
    let new = NewContainer::default();
    let other = annotations.create_container(&context(), ONE, slug(), new.clone()).await;
    assert_ne!(other.expect("another id is made up").0, notes());
    let again = make_notes(&world).await;
    assert!(matches!(again, Err(CommandError::Conflict(_))), "this very id is taken");
    let nobody = annotations.create_container(&context(), CustomerId(7), None, new).await;
    assert!(matches!(nobody, Err(CommandError::NotFound(_))));
    let create = async |number| {
        let slug = Some("n1".to_owned());
        let created = annotations.create(&repeatable(number), &notes(), slug, document("a")).await;
        created.expect("some id is free").0
    };
    assert_eq!(create(1).await, note("n1"));
    let second = create(2).await;
    assert_ne!(second, note("n1"));
    assert_eq!((create(1).await, create(2).await), (note("n1"), second), "both are repeated");
}

#[tokio::test]
async fn an_annotation_needs_its_container() {
    let world = with_notes().await;
    let annotations = &world.commands.annotations;
    let elsewhere = ContainerId { customer: ONE, id: "elsewhere".to_owned() };
    let missing = annotations.create(&context(), &elsewhere, None, document("a")).await;
    assert!(matches!(missing, Err(CommandError::NotFound(_))));
    annotations.put(&context(), &note("n1"), document("a")).await.expect("it is created");
    let full = annotations.delete_container(&context(), &notes(), false).await;
    assert!(matches!(full, Err(CommandError::NotEmpty(_))));
    annotations.delete_container(&context(), &notes(), true).await.expect("with all of it");
    for id in ["n1", "n2"] {
        let gone = annotations.put(&context(), &note(id), document("b")).await;
        assert!(matches!(gone, Err(CommandError::Gone(_))), "{id}: {gone:?}");
    }
    let again = make_notes(&world).await;
    assert!(matches!(again, Err(CommandError::Gone(_))), "no address is used twice");
}

#[tokio::test]
async fn who_annotates_while_a_container_is_deleted_loses_nothing() {
    let world = with_notes().await;
    let annotations = &world.commands.annotations;
    let event = AnnotationEvent::Created(AnnotationCreated { document: document("a") });
    let stream = format!("annotation-{}", note("n1"));
    let id = EventId(Uuid::from_u128(9));
    world.log.race(vec![rival(&stream, id, Expected::NoStream, event)]);
    let deleted = annotations.delete_container(&context(), &notes(), false).await;
    assert!(matches!(deleted, Err(CommandError::NotEmpty(_))), "{deleted:?}");
    let replaced = annotations.replace(&context(), &note("n1"), document("b")).await;
    assert!(replaced.expect("the container is there again").changed);
}

#[tokio::test]
async fn an_earlier_version_comes_back_also_after_a_deletion() {
    let world = with_notes().await;
    let annotations = &world.commands.annotations;
    let id = note("n1");
    annotations.put(&context(), &id, document("a")).await.expect("it is created");
    annotations.put(&context(), &id, document("b")).await.expect("it is replaced");
    assert_eq!(annotations.document_at(&id, 0).await, Ok(document("a")));
    annotations.delete(&context(), &id).await.expect("it is there");
    let nothing = annotations.restore(&context(), &id, 2).await;
    assert!(matches!(nothing, Err(CommandError::Invalid(_))), "a deletion is no version");
    let missing = annotations.restore(&context(), &id, 7).await;
    assert!(matches!(missing, Err(CommandError::NotFound(_))));
    let restored = annotations.restore(&context(), &id, 0).await.expect("version 0 is there");
    assert_eq!((restored.changed, restored.edit_revision), (true, 4));
    assert_eq!(annotations.document_at(&id, 3).await, Ok(document("a")));
}

#[tokio::test]
async fn a_stale_edit_is_refused_and_a_repeated_one_is_not() {
    let world = with_notes().await;
    let annotations = &world.commands.annotations;
    let id = note("n1");
    let first = annotations.put(&repeatable(1), &id, document("a")).await.expect("created");
    annotations.put(&context(), &id, document("b")).await.expect("it is replaced");
    assert_eq!(annotations.put(&repeatable(1), &id, document("a")).await, Ok(first));
    let mut stale = context();
    stale.expected_edit = Some(1);
    let refused = annotations.put(&stale, &id, document("c")).await;
    assert_eq!(refused, Err(CommandError::EditMismatch { actual: 2 }));
    let refused = annotations.put(&stale, &note("n2"), document("c")).await;
    assert_eq!(refused, Err(CommandError::EditMismatch { actual: 0 }));
}

#[tokio::test]
async fn a_container_is_changed_field_by_field() {
    let world = with_notes().await;
    let annotations = &world.commands.annotations;
    let label = Patch::Set("Notes".to_owned());
    for changes in [true, false] {
        let (context, roles) = (context(), Patch::Keep);
        let done = annotations.change_container(&context, &notes(), label.clone(), roles).await;
        assert_eq!(done.expect("it is there").changed, changes);
    }
}
