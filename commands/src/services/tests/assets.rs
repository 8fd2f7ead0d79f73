//! Assets: registering and the reports of ingest.

use super::{ONE, asset, named, page, space, with_space};
use crate::error::CommandError;
use crate::services::{NewSpace, StartOutcome};
use crate::testing::{World, context, repeatable};
use dlcs_domain::asset::{AssetChange, Delivered, IngestErrorCode, IngestPhase};
use dlcs_domain::space::SpaceChange;
use dlcs_domain::{AssetId, BlobRef, Patch};

fn measured() -> Delivered {
    Delivered {
        width_px: 40,
        height_px: 30,
        media_type: "image/jpeg".to_owned(),
        original: BlobRef { sha256: "aa".repeat(32), length_bytes: 7 },
        derivative_bytes: 700,
        thumbnails: vec![(40, 30)],
        tile_side_px: 512,
        levels: 1,
        gray: false,
    }
}

async fn start(world: &World, name: &str) -> StartOutcome {
    let assets = &world.commands.assets;
    assets.start_ingest(&context(), &asset(name), 1).await.expect("the process manager is heard")
}

async fn start_attempt(world: &World, name: &str) -> u32 {
    match start(world, name).await {
        StartOutcome::Started(it) => it.attempt,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_asset_needs_a_living_space() {
    let world = World::with_customer().await;
    let assets = &world.commands.assets;
    let register = async || assets.register(&context(), &asset("a"), page("a")).await;
    assert!(matches!(register().await, Err(CommandError::NotFound(_))));
    world.commands.spaces.create(&context(), ONE, named("maps")).await.expect("it is new");
    assert!(register().await.expect("the space is there").created);
    let refused = world.commands.spaces.delete(&context(), space(1)).await;
    assert!(matches!(refused, Err(CommandError::Conflict(_))), "it is not empty");
    world.commands.assets.delete(&context(), &asset("a")).await.expect("it is there");
    world.commands.spaces.delete(&context(), space(1)).await.expect("it is empty");
    assert!(matches!(register().await, Err(CommandError::Gone(_))));
}

#[tokio::test]
async fn a_new_asset_takes_over_the_defaults_of_its_space() {
    let world = World::with_customer().await;
    let new = NewSpace { default_roles: vec!["staff".into()], ..named("maps") };
    world.commands.spaces.create(&context(), ONE, new).await.expect("it is new");
    let assets = &world.commands.assets;
    assets.register(&context(), &asset("a"), page("a")).await.expect("it is new");
    let change = SpaceChange { default_roles: Patch::Clear, ..SpaceChange::default() };
    world.commands.spaces.change(&context(), space(1), change).await.expect("it is there");
    assets.register(&context(), &asset("b"), page("b")).await.expect("it is new");
    let again = assets.register(&context(), &asset("a"), page("a")).await.expect("it is there");
    assert!(!again.changed, "a default is for new assets");
    let mut roles = Vec::new();
    for name in ["a", "b"] {
        let (state, _) = assets.load(&asset(name)).await.expect("memory can be read");
        roles.push(state.live().expect("registered").roles.clone());
    }
    assert_eq!(roles, [vec!["staff".to_owned()], vec![]]);
}

#[tokio::test]
async fn many_assets_cost_few_appends_and_a_repetition_none() {
    let world = with_space().await;
    let calls = world.log.append_calls();
    let rows = || (0..1200).map(|it| (asset(&format!("p{it}")), page(&format!("{it}")))).collect();
    let assets = &world.commands.assets;
    let answers = assets.register_many(&repeatable(1), 0, rows()).await;
    assert!(answers.iter().all(|it| it.as_ref().is_ok_and(|it| it.decided.created)));
    assert_eq!(world.log.append_calls() - calls, 3);
    let count = world.events().await.len();
    let again = assets.register_many(&repeatable(1), 0, rows()).await;
    let positions = |answers: &[Result<crate::services::RegisterOutcome, CommandError>]| {
        answers.iter().flatten().map(|it| it.decided).collect::<Vec<_>>()
    };
    assert_eq!(positions(&answers), positions(&again));
    assert_eq!(world.events().await.len(), count);
}

#[tokio::test]
async fn rows_fail_one_by_one() {
    let world = with_space().await;
    let elsewhere = AssetId::new(space(9), "a").expect("a valid name");
    let rows = vec![
        (asset("a"), page("a")),
        (elsewhere, page("a")),
        (asset("a"), page("b")),
        (asset("c"), page("c")),
    ];
    let answers = world.commands.assets.register_many(&context(), 0, rows).await;
    let changed: Vec<_> =
        answers.iter().map(|it| it.as_ref().ok().map(|it| it.decided.created)).collect();
    assert_eq!(changed, [Some(true), None, Some(false), Some(true)]);
    let (state, _) = world.commands.assets.load(&asset("a")).await.expect("memory can be read");
    assert_eq!(state.live().map(|it| it.attempt), Some(2), "the later row won");
}

#[tokio::test]
async fn changes_in_bulk_are_answered_one_by_one() {
    let world = with_space().await;
    let assets = &world.commands.assets;
    assets.register(&context(), &asset("a"), page("a")).await.expect("it is new");
    let change = AssetChange { roles: Patch::Set(vec!["staff".into()]), ..AssetChange::default() };
    let changes = vec![(asset("a"), change.clone()), (asset("b"), change)];
    let answers = assets.change_many(&context(), changes).await;
    assert!(answers[0].as_ref().is_ok_and(|it| it.changed));
    assert!(matches!(answers[1], Err(CommandError::NotFound(_))));
    let answers = assets.delete_many(&context(), vec![asset("a"), asset("a")]).await;
    assert!(answers[0].is_ok());
    assert!(matches!(answers[1], Err(CommandError::Gone(_))));
}

#[tokio::test]
async fn an_attempt_is_started_and_delivered() {
    let world = with_space().await;
    let assets = &world.commands.assets;
    let registered = assets.register(&context(), &asset("a"), page("a")).await.expect("new");
    assert_eq!(start_attempt(&world, "a").await, 1);
    assets.report_delivered(&context(), &asset("a"), 1, 1, measured()).await.expect("heard");
    assert_eq!(start(&world, "a").await, StartOutcome::NotNeeded);
    let (state, revision) = assets.load(&asset("a")).await.expect("memory can be read");
    assert_eq!(state.live().map(|it| it.ingest.clone()), Some(IngestPhase::Delivered));
    assert_eq!(revision.map(|it| it.0), Some(2));
    assert_eq!(state.live().map(|it| it.edits), Some(registered.edit_revision));
}

#[tokio::test]
async fn a_failure_that_may_pass_is_repeated_when_it_is_due() {
    let world = with_space().await;
    let assets = &world.commands.assets;
    assets.register(&context(), &asset("a"), page("a")).await.expect("it is new");
    let attempt = start_attempt(&world, "a").await;
    let code = IngestErrorCode::OriginUnreachable;
    let (_, next) = assets
        .report_failed(&context(), &asset("a"), 1, attempt, code, "no answer".into())
        .await
        .expect("the worker is heard");
    let at_us = next.expect("it may pass");
    assert_eq!(start(&world, "a").await, StartOutcome::NotBefore { at_us });
    world.clock.advance_us(at_us - crate::testing::NOW_US);
    assert_eq!(start_attempt(&world, "a").await, 2);
}

#[tokio::test]
async fn a_crash_loop_ends() {
    let world = with_space().await;
    let assets = &world.commands.assets;
    assets.register(&context(), &asset("a"), page("a")).await.expect("it is new");
    for attempt in 1..=5 {
        assert_eq!(start_attempt(&world, "a").await, attempt);
    }
    assert_eq!(start(&world, "a").await, StartOutcome::NotNeeded);
    assert_eq!(world.types().await.last().map(String::as_str), Some("asset.ingest_failed"));
}

#[tokio::test]
async fn what_is_not_there_is_not_ingested() {
    let world = with_space().await;
    assert_eq!(start(&world, "a").await, StartOutcome::NotNeeded);
    let assets = &world.commands.assets;
    assets.register(&context(), &asset("a"), page("a")).await.expect("it is new");
    assets.delete(&context(), &asset("a")).await.expect("it is there");
    assert_eq!(start(&world, "a").await, StartOutcome::NotNeeded);
    let late = assets.report_delivered(&context(), &asset("a"), 1, 1, measured()).await;
    assert!(!late.expect("a worker may be late").changed);
}
