//! Assets: registering, changing, deleting.

use super::{ONE, asset, named, page, space, with_space};
use crate::error::CommandError;
use crate::services::NewSpace;
use crate::testing::{World, context, repeatable};
use dlcs_domain::asset::AssetChange;
use dlcs_domain::space::SpaceChange;
use dlcs_domain::{AssetId, Patch};

#[tokio::test]
async fn an_asset_needs_a_living_space() {
    let world = World::with_customer().await;
    let assets = &world.commands.assets;
    let register = async || assets.register(&context(), &asset("a"), page("a")).await;
    assert!(matches!(register().await, Err(CommandError::NotFound(_))));
    world.commands.spaces.create(&context(), ONE, named("maps")).await.expect("it is new");
    assert!(register().await.expect("the space is there").created);
    let refused = world.commands.spaces.delete(&context(), space(1)).await;
    assert!(matches!(refused, Err(CommandError::NotEmpty(_))), "it is not empty");
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
    let row = |it| (repeatable(1).row(it, None), asset(&format!("p{it}")), page(&format!("{it}")));
    const ROWS: u64 = 24_000;
    // The last one is in another append than the first, and changes it.
    let last = || (repeatable(1).row(ROWS, None), asset("p0"), page("other"));
    let rows = || (0..ROWS).map(row).chain([last()]).collect();
    let assets = &world.commands.assets;
    let answers = assets.register_many(rows()).await;
    let (last, first) = answers.split_last().expect("there are many");
    assert!(first.iter().all(|it| it.as_ref().is_ok_and(|it| it.decided.created)));
    assert!(last.as_ref().is_ok_and(|it| it.decided.changed && !it.decided.created));
    assert_eq!(world.log.append_calls() - calls, 7);
    let count = world.events().await.len();
    let again = assets.register_many(rows()).await;
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
    let rows = rows.into_iter().map(|(id, page)| (context(), id, page)).collect();
    let answers = world.commands.assets.register_many(rows).await;
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
async fn a_registration_is_repeated_though_its_space_has_gone_since() {
    let world = with_space().await;
    let assets = &world.commands.assets;
    let register = async || assets.register(&repeatable(1), &asset("a"), page("a")).await;
    let first = register().await.expect("it is new");
    assets.delete(&context(), &asset("a")).await.expect("it is there");
    world.commands.spaces.delete(&context(), space(1)).await.expect("it is empty");
    assert_eq!(register().await, Ok(first));
    let refused = assets.register(&repeatable(2), &asset("a"), page("a")).await;
    assert!(matches!(refused, Err(CommandError::Gone(_))));
}
