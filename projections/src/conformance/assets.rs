//! Rows of assets and of tile metadata.

use super::Store;
use super::given::{
    Given, admin, an_image, batch_id, deleted, delivered, failed, id, registered, registration,
    reingest, started,
};
use crate::assets::{AssetRow, AssetState};
use crate::tile_metadata::TileMetadataRow;
use dlcs_domain::asset::{
    AccessChanged, Asset, AssetEvent, IngestErrorCode, MetadataPatch, Registered, SizeLimits,
};
use dlcs_domain::{Aggregate, AssetId, Patch};

async fn row<S: Store>(given: &Given<S>, id: &AssetId) -> AssetRow {
    given.catch_up().await;
    let row = given.queries().assets.asset(&admin(), id).await.expect("the query works");
    row.expect("the asset is there")
}

async fn tile<S: Store>(given: &Given<S>, id: &AssetId) -> TileMetadataRow {
    given.catch_up().await;
    let tile = given.queries().tile_metadata.tile_metadata(id).await.expect("the query works");
    tile.expect("the image is there")
}

pub(super) async fn an_asset_is_registered_delivered_and_deleted<S: Store>(given: &Given<S>) {
    let page = id("1/2/page-7");
    let at = given.asset(&page, registered(1)).await;
    let it = row(given, &page).await;
    assert_eq!((it.state, it.generation, it.attempt), (AssetState::Ingesting, 1, 1));
    assert_eq!((it.position, it.media_type.as_deref()), (at.0, Some("image/jpeg")));
    assert_eq!(tile(given, &page).await, TileMetadataRow::Pending { roles: vec![] });

    given.asset(&page, started(1)).await;
    given.asset(&page, delivered(1)).await;
    let it = row(given, &page).await;
    assert_eq!((it.state, it.delivered_attempt), (AssetState::Delivered, Some(1)));
    assert_eq!(it.delivered, Some(an_image()));
    assert_eq!(it.media_type.as_deref(), Some("image/png"), "the bytes decide");
    assert!(it.finished_at_us > Some(it.created_at_us));
    assert!(matches!(tile(given, &page).await, TileMetadataRow::Ready { attempt: 1, .. }));

    given.asset(&page, deleted(1)).await;
    assert_eq!(row(given, &page).await.state, AssetState::Deleted);
    assert_eq!(tile(given, &page).await, TileMetadataRow::Deleted);

    given.asset(&page, registered(2)).await;
    let it = row(given, &page).await;
    assert_eq!((it.state, it.generation, it.edit_revision), (AssetState::Ingesting, 2, 3));
    assert_eq!((it.delivered, it.finished_at_us), (None, None));
    assert_eq!(tile(given, &page).await, TileMetadataRow::Pending { roles: vec![] });
}

pub(super) async fn size_limits_come_with_an_image_and_change<S: Store>(given: &Given<S>) {
    let page = id("1/2/page-7");
    let limits = |max_width_px, open_full_max_px| SizeLimits { max_width_px, open_full_max_px };
    let born = Registered { limits: limits(600, 0), ..registration(1) };
    given.asset(&page, AssetEvent::Registered(born)).await;
    assert_eq!(row(given, &page).await.limits, limits(600, 0));
    assert_eq!(tile(given, &page).await.limits(), limits(0, 0), "there is nothing to show yet");
    given.asset(&page, started(1)).await;
    given.asset(&page, delivered(1)).await;
    assert_eq!(tile(given, &page).await.limits(), limits(600, 0));
    for changed in [limits(0, 400), limits(300, 400), limits(0, 0)] {
        given.asset(&page, AssetEvent::LimitsChanged(changed)).await;
        assert_eq!(tile(given, &page).await.limits(), changed);
        let it = row(given, &page).await;
        assert_eq!((it.limits, it.state), (changed, AssetState::Delivered));
    }
}

pub(super) async fn a_failure_that_is_repeated_is_not_the_end<S: Store>(given: &Given<S>) {
    let page = id("1/2/page-7");
    for event in [registered(1), started(1), failed(1, Some(99))] {
        given.asset(&page, event).await;
    }
    let it = row(given, &page).await;
    assert_eq!((it.state, it.finished_at_us), (AssetState::Ingesting, None));
    assert_eq!(it.failure.expect("it is told").next_attempt_at_us, Some(99));
    assert!(matches!(tile(given, &page).await, TileMetadataRow::Pending { .. }));

    given.asset(&page, started(2)).await;
    assert_eq!(row(given, &page).await.failure, None);
    given.asset(&page, failed(2, None)).await;
    let it = row(given, &page).await;
    assert_eq!(it.state, AssetState::Failed);
    assert_eq!(it.failure.expect("it is told").code, IngestErrorCode::ImageCorrupt);
    assert!(matches!(tile(given, &page).await, TileMetadataRow::Failed { .. }));
}

pub(super) async fn what_was_delivered_is_shown_until_there_is_better<S: Store>(given: &Given<S>) {
    let page = id("1/2/page-7");
    let first = [registered(1), started(1), delivered(1)];
    for event in first.into_iter().chain([reingest(2, None), started(2), failed(2, None)]) {
        given.asset(&page, event).await;
    }
    let it = row(given, &page).await;
    assert_eq!((it.state, it.delivered_attempt), (AssetState::Failed, Some(1)));
    assert!(matches!(tile(given, &page).await, TileMetadataRow::Ready { attempt: 1, .. }));
    for event in [reingest(3, None), started(3), delivered(3)] {
        given.asset(&page, event).await;
    }
    assert_eq!(row(given, &page).await.failure, None);
    assert!(matches!(tile(given, &page).await, TileMetadataRow::Ready { attempt: 3, .. }));
}

pub(super) async fn the_late_result_of_an_old_attempt_changes_nothing<S: Store>(given: &Given<S>) {
    let page = id("1/2/page-7");
    for event in [registered(1), started(1), reingest(2, None), delivered(1)] {
        given.asset(&page, event).await;
    }
    let it = row(given, &page).await;
    assert_eq!((it.state, it.attempt, it.delivered), (AssetState::Ingesting, 2, None));
    assert!(matches!(tile(given, &page).await, TileMetadataRow::Pending { .. }));
}

pub(super) async fn edits_are_counted_as_the_aggregate_counts_them<S: Store>(given: &Given<S>) {
    let page = id("1/2/page-7");
    let string1 = Patch::Set("folio".to_owned());
    let history = [
        registered(1),
        AssetEvent::MetadataChanged(MetadataPatch { string1, ..MetadataPatch::default() }),
        AssetEvent::AccessChanged(AccessChanged { roles: vec!["staff".into()] }),
        started(1),
        delivered(1),
        reingest(2, Some(batch_id(1))),
        deleted(1),
        registered(2),
    ];
    let mut asset = Asset::default();
    for event in history {
        asset.apply(&event);
        given.asset(&page, event.clone()).await;
        let it = row(given, &page).await;
        assert_eq!(it.edit_revision, asset.edit_revision(), "after {event:?}");
        let Some(live) = asset.live() else { continue };
        assert_eq!((&it.metadata, &it.roles), (&live.metadata, &live.roles), "after {event:?}");
        assert_eq!((it.attempt, it.batch), (live.attempt, live.batch), "after {event:?}");
    }
}

pub(super) async fn rows_come_in_the_order_of_the_ids<S: Store>(given: &Given<S>) {
    for name in ["1/2/a", "1/2/b", "1/2/c"] {
        given.asset(&id(name), AssetEvent::Registered(registration(1))).await;
    }
    given.catch_up().await;
    let ids = ["1/2/c", "1/2/none", "1/2/a"].map(id);
    let rows = given.queries().assets.assets_by_id(&admin(), &ids).await.expect("the query works");
    let found: Vec<_> = rows.into_iter().map(|it| it.id.to_string()).collect();
    assert_eq!(found, ["1/2/c", "1/2/a"]);
}

pub(super) async fn images_come_in_the_order_of_the_ids<S: Store>(given: &Given<S>) {
    for name in ["1/2/a", "1/2/b", "1/2/c"] {
        given.asset(&id(name), registered(1)).await;
    }
    given.asset(&id("1/2/a"), delivered(1)).await;
    given.asset(&id("1/2/b"), deleted(1)).await;
    // Asked one by one before, and not: what is remembered and what is read come together.
    tile(given, &id("1/2/c")).await;
    let images = given.queries().tile_metadata;
    let ids = ["1/2/c", "1/2/none", "1/2/b", "1/2/a", "1/2/c"].map(id);
    for _ in 0..2 {
        let rows = images.tile_metadata_of(&ids).await.expect("the query works");
        let [c, None, Some(TileMetadataRow::Deleted), a, again] = &rows[..] else {
            panic!("{rows:?}");
        };
        assert!(matches!(a, Some(TileMetadataRow::Ready { attempt: 1, .. })), "{a:?}");
        assert!(
            matches!(c, Some(TileMetadataRow::Pending { .. })) && c == again,
            "{c:?} {again:?}"
        );
    }
    assert!(images.tile_metadata_of(&[]).await.expect("the query works").is_empty());
    given.asset(&id("1/2/c"), delivered(1)).await;
    given.catch_up().await;
    let rows = images.tile_metadata_of(&ids[..1]).await.expect("the query works");
    assert!(matches!(rows[..], [Some(TileMetadataRow::Ready { .. })]), "{rows:?}");
}
