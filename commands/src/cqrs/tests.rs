//! The executor over the in-memory log: conflicts, repeats, bulk.

use super::{Decided, DispatchError, Executor, Outcome, Sourced, SourcedEvent};
use crate::context::CommandContext;
use crate::testing::{World, context, repeatable};
use cqrs_es::test::TestFramework;
use dlcs_domain::space::{
    Space, SpaceChange, SpaceCommand, SpaceCreated, SpaceError, SpaceEvent, SpaceRenamed,
};
use dlcs_domain::{DomainEvent, Languages};
use dlcs_eventlog::{Append, EventId, EventLog, Expected, Position, StreamId, StreamRevision};
use uuid::Uuid;

fn create(name: &str) -> SpaceCommand {
    SpaceCommand::Create {
        name: name.to_owned(),
        default_tags: vec![],
        default_roles: vec![],
        default_recognise: Languages::default(),
    }
}

fn rename(name: &str) -> SpaceCommand {
    SpaceCommand::Change(SpaceChange { name: Some(name.to_owned()), ..SpaceChange::default() })
}

fn renamed(name: &str) -> SpaceEvent {
    SpaceEvent::Renamed(SpaceRenamed { name: name.to_owned() })
}

/// What another process appends to space 1/1.
fn rival(event: impl Into<DomainEvent>, event_id: EventId, expected: Expected) -> Append {
    crate::testing::rival("space-1/1", event_id, expected, event)
}

fn new_id() -> EventId {
    EventId(Uuid::new_v4())
}

async fn execute(
    executor: &Executor,
    context: &CommandContext,
    command: SpaceCommand,
) -> Result<Decided, DispatchError<SpaceError>> {
    executor.execute::<Space>(context, "1/1", command).await
}

#[test]
fn the_test_framework_serves() {
    let created = SpaceCreated {
        name: "maps".to_owned(),
        default_tags: vec![],
        default_roles: vec![],
        default_recognise: Languages::default(),
    };
    TestFramework::<Sourced<Space>>::with(())
        .given(vec![SourcedEvent(SpaceEvent::Created(created))])
        .when(rename("atlases"))
        .then_expect_events(vec![SourcedEvent(renamed("atlases"))]);
}

#[test]
fn a_sourced_event_is_read_by_its_type_name() {
    let event = SourcedEvent(renamed("atlases"));
    let json = serde_json::to_string(&event).expect("plain data");
    assert_eq!(json, r#"["space.renamed",1,{"name":"atlases"}]"#);
    assert_eq!(serde_json::from_str::<SourcedEvent<SpaceEvent>>(&json).expect("own"), event);
    let foreign = r#"["name.reserved",1,{"owner":"space-1/1"}]"#;
    assert!(serde_json::from_str::<SourcedEvent<SpaceEvent>>(foreign).is_err());
}

#[tokio::test]
async fn the_answer_knows_revision_position_and_edits() {
    let world = World::new();
    let executor = world.commands.executor();
    let decided = execute(executor, &context(), create("maps")).await;
    let expected = Decided {
        revision: Some(StreamRevision(0)),
        position: Position(1),
        edit_revision: 1,
        changed: true,
        created: true,
    };
    assert_eq!(decided, Ok(expected));
    let unchanged = execute(executor, &context(), rename("maps")).await;
    assert_eq!(unchanged, Ok(Decided { changed: false, created: false, ..expected }));
    let refused = executor.execute::<Space>(&context(), "1/2", rename("maps")).await;
    assert_eq!(refused, Err(DispatchError::Rejected(SpaceError::NotFound)));
}

#[tokio::test]
async fn metadata_are_exact_bytes_without_addresses() {
    let world = World::new();
    let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let context = CommandContext {
        causation_id: Some(Uuid::from_u128(8)),
        traceparent: Some(traceparent.to_owned()),
        ..repeatable(9)
    };
    execute(world.commands.executor(), &context, create("maps")).await.expect("it is new");
    let events = world.events().await;
    let uuid = |number: u128| Uuid::from_u128(number);
    let expected = format!(
        r#"{{"actor":"key-1","customer":1,"correlation_id":"{}","causation_id":"{}","program":"0.0.1","traceparent":"{traceparent}","command_id":"{}"}}"#,
        uuid(7),
        uuid(8),
        uuid(9),
    );
    assert_eq!(String::from_utf8_lossy(&events[0].metadata), expected);
}

#[tokio::test]
async fn a_conflict_is_decided_again() {
    let world = World::new();
    let executor = world.commands.executor();
    execute(executor, &context(), create("maps")).await.expect("it is new");
    let expected = Expected::Revision(StreamRevision(0));
    world.log.race(vec![rival(renamed("atlases"), new_id(), expected)]);
    let decided = execute(executor, &context(), rename("globes")).await.expect("decided again");
    assert_eq!((decided.revision, decided.edit_revision), (Some(StreamRevision(2)), 3));
}

#[tokio::test]
async fn endless_conflicts_are_given_up() {
    let world = World::new();
    let executor = world.commands.executor();
    execute(executor, &context(), create("maps")).await.expect("it is new");
    for revision in 0..6 {
        let expected = Expected::Revision(StreamRevision(revision));
        world.log.race(vec![rival(renamed(&format!("n{revision}")), new_id(), expected)]);
    }
    let refused = execute(executor, &context(), rename("globes")).await;
    assert_eq!(refused, Err(DispatchError::Busy));
}

#[tokio::test]
async fn if_match_guards_against_edits_of_others() {
    let world = World::new();
    let executor = world.commands.executor();
    let at = |edit| CommandContext { expected_edit: Some(edit), ..context() };
    let absent = execute(executor, &at(1), create("maps")).await;
    assert_eq!(absent, Err(DispatchError::EditMismatch { actual: 0 }));
    let missing = execute(executor, &at(1), rename("maps")).await;
    assert_eq!(missing, Err(DispatchError::Rejected(SpaceError::NotFound)));
    execute(executor, &context(), create("maps")).await.expect("it is new");
    execute(executor, &at(1), rename("atlases")).await.expect("nobody else edited");
    let stale = execute(executor, &at(1), rename("globes")).await;
    assert_eq!(stale, Err(DispatchError::EditMismatch { actual: 2 }));
}

#[tokio::test]
async fn if_none_match_guards_what_is_there_already() {
    let world = World::new();
    let executor = world.commands.executor();
    let absent = |number| CommandContext { expects_absent: true, ..repeatable(number) };
    let first = execute(executor, &absent(1), create("maps")).await.expect("it is new");
    let again = execute(executor, &absent(1), create("maps")).await;
    assert_eq!(again, Ok(first), "a repetition is answered as the first time");
    let refused = execute(executor, &absent(2), rename("atlases")).await;
    assert_eq!(refused, Err(DispatchError::EditMismatch { actual: 1 }));
}

#[tokio::test]
async fn if_match_holds_when_a_rival_edits_at_the_last_moment() {
    let world = World::new();
    let executor = world.commands.executor();
    execute(executor, &context(), create("maps")).await.expect("it is new");
    let expected = Expected::Revision(StreamRevision(0));
    world.log.race(vec![rival(renamed("atlases"), new_id(), expected)]);
    let at_one = CommandContext { expected_edit: Some(1), ..context() };
    let refused = execute(executor, &at_one, rename("globes")).await;
    assert_eq!(refused, Err(DispatchError::EditMismatch { actual: 2 }));
}

#[tokio::test]
async fn a_repeated_command_is_answered_as_the_first_time() {
    let world = World::new();
    let executor = world.commands.executor();
    let first = execute(executor, &repeatable(1), create("maps")).await.expect("it is new");
    execute(executor, &context(), rename("atlases")).await.expect("it is there");
    let again = execute(executor, &repeatable(1), create("maps")).await;
    assert_eq!(again, Ok(first));
    assert_eq!(world.types().await, ["space.created", "space.renamed"]);
    let other = execute(executor, &repeatable(2), create("maps")).await;
    assert_eq!(other, Err(DispatchError::Rejected(SpaceError::AlreadyExists)));
}

#[tokio::test]
async fn a_repeated_command_with_another_body_is_refused() {
    let world = World::new();
    let executor = world.commands.executor();
    let body = |text: &str| CommandContext { body_sha256: Some(text.to_owned()), ..repeatable(1) };
    execute(executor, &body("aa"), create("maps")).await.expect("it is new");
    assert!(execute(executor, &body("aa"), create("maps")).await.is_ok());
    let refused = execute(executor, &body("bb"), create("globes")).await;
    assert_eq!(refused, Err(DispatchError::OtherBody));
}

#[tokio::test]
async fn the_same_command_in_another_process_is_applied_once() {
    let world = World::new();
    let executor = world.commands.executor();
    execute(executor, &context(), create("maps")).await.expect("it is new");
    let stream = StreamId::new("space", "1/1");
    let same_id = crate::metadata::repeatable_event_id(Uuid::from_u128(1), &stream, 0);
    let expected = Expected::Revision(StreamRevision(0));
    world.log.race(vec![rival(renamed("atlases"), same_id, expected)]);
    let decided = execute(executor, &repeatable(1), rename("atlases")).await.expect("applied");
    assert_eq!((decided.position, decided.changed), (Position(2), true));
    assert_eq!(world.types().await, ["space.created", "space.renamed"]);
}

#[tokio::test]
async fn many_commands_cost_one_append_and_keep_their_order() {
    let world = World::new();
    let executor = world.commands.executor();
    let command = |id: &str, command| (context(), id.to_owned(), command);
    let commands = vec![
        command("1/1", create("maps")),
        command("1/2", create("globes")),
        command("1/1", create("maps")),
        command("1/1", rename("atlases")),
    ];
    let answers = executor.execute_many::<Space>(commands).await;
    let edits: Vec<_> =
        answers.iter().map(|it| it.as_ref().ok().map(|it| it.decided.edit_revision)).collect();
    assert_eq!(edits, [Some(1), Some(1), None, Some(2)]);
    assert_eq!(world.log.append_calls(), 1);
    let revisions: Vec<_> = answers.iter().flatten().map(|it| it.decided.revision).collect();
    assert_eq!(revisions, [0, 0, 1].map(|it| Some(StreamRevision(it))));
}

#[tokio::test]
async fn a_conflict_is_the_guilty_streams_only() {
    let world = World::new();
    let executor = world.commands.executor();
    let created = SpaceCreated {
        name: "x".into(),
        default_tags: vec![],
        default_roles: vec![],
        default_recognise: Languages::default(),
    };
    let created = SpaceEvent::Created(created);
    world.log.race(vec![rival(created, new_id(), Expected::NoStream)]);
    let commands = vec![
        (context(), "1/1".to_owned(), create("maps")),
        (context(), "1/1".to_owned(), rename("atlases")),
        (context(), "1/2".to_owned(), create("globes")),
    ];
    let answers = executor.execute_many::<Space>(commands).await;
    let [first, second, third] = answers.as_slice() else { panic!("three answers") };
    assert_eq!(
        first.as_ref().err(),
        Some(&DispatchError::Rejected(SpaceError::AlreadyExists)),
        "decided again over what the rival wrote"
    );
    let revision =
        |it: &Result<Outcome<Space>, _>| it.as_ref().ok().and_then(|it| it.decided.revision);
    assert_eq!(revision(second), Some(StreamRevision(1)));
    assert_eq!(revision(third), Some(StreamRevision(0)));
}

/// The sample of many streams is wrong about some, and nobody can tell from the answers.
#[tokio::test]
async fn a_known_stream_among_many_new_ones_is_found() {
    let world = World::new();
    let executor = world.commands.executor();
    let command = |id: usize, command| (context(), format!("1/{id}"), command);
    let known = [7_usize, 1_030, 2_001].map(|id| command(id, create("maps")));
    assert!(executor.execute_many::<Space>(known.into()).await.iter().all(Result::is_ok));
    let commands = (0..2_100).map(|id| match id {
        // On a new stream and on one that is there: neither appends anything to a new one.
        2_000 | 2_001 => command(id, rename("atlases")),
        _ => command(id, create("globes")),
    });
    let answers = executor.execute_many::<Space>(commands.collect()).await;
    for (id, answer) in answers.iter().enumerate() {
        match id {
            7 | 1_030 => {
                let exists = DispatchError::Rejected(SpaceError::AlreadyExists);
                assert_eq!(answer.as_ref().err(), Some(&exists), "space {id}");
            }
            2_000 => {
                let absent = DispatchError::Rejected(SpaceError::NotFound);
                assert_eq!(answer.as_ref().err(), Some(&absent), "space {id}");
            }
            2_001 => {
                let decided = answer.as_ref().expect("it is there").decided;
                assert_eq!(decided.revision, Some(StreamRevision(1)), "space {id}");
            }
            _ => assert!(answer.as_ref().is_ok_and(|it| it.decided.created), "space {id}"),
        }
    }
}

#[tokio::test]
async fn commands_on_one_stream_queue_up_within_the_process() {
    let world = World::new();
    let executor = world.commands.executor();
    execute(executor, &context(), create("maps")).await.expect("it is new");
    let tasks: Vec<_> = (0..40)
        .map(|number| {
            let executor = executor.clone();
            let command = rename(&format!("n{number}"));
            tokio::spawn(async move { execute(&executor, &context(), command).await })
        })
        .collect();
    for task in tasks {
        task.await.expect("no panic").expect("nobody is refused");
    }
    assert_eq!(world.log.append_calls(), 41, "there was no conflict");
}

#[tokio::test]
async fn a_long_stream_is_read_in_pages() {
    let world = World::new();
    let executor = world.commands.executor();
    execute(executor, &context(), create("maps")).await.expect("it is new");
    let commands = (0..1100)
        .map(|number| (context(), "1/1".to_owned(), rename(&format!("n{number}"))))
        .collect();
    assert!(executor.execute_many::<Space>(commands).await.iter().all(Result::is_ok));
    let loaded = executor.load::<Space>("1/1").await.expect("memory can be read");
    assert_eq!(loaded.revision, Some(StreamRevision(1100)));
    assert_eq!(loaded.state.live().map(|it| it.name.as_str()), Some("n1099"));
}

#[tokio::test]
async fn a_foreign_event_in_a_stream_is_damage() {
    let world = World::new();
    let reserved = dlcs_domain::name::NameReserved { owner: "space-1/1".to_owned() };
    let event = dlcs_domain::name::NameEvent::Reserved(reserved);
    for result in world.log.append(vec![rival(event, new_id(), Expected::NoStream)]).await {
        result.expect("the log does not judge");
    }
    let refused = execute(world.commands.executor(), &context(), create("maps")).await;
    assert!(matches!(refused, Err(DispatchError::Damaged(_))), "{refused:?}");
}
