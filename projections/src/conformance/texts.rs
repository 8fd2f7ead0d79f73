//! The texts of assets, and their summary beside the assets.

use super::Store;
use super::given::{
    Given, a_blob, admin, an_image, blobs, corrected, deleted, id, imported, key_of, read,
    recognition_failed, recognition_requested, recognition_started, registered, registration,
    reingest, started, withdrawn,
};
use crate::assets::TextSummary;
use crate::page_text::{PageTextRow, TextStatus};
use crate::paging::QueryError;
use dlcs_domain::access::Principal;
use dlcs_domain::asset::{AssetEvent, Delivered, IngestDelivered, Registered};
use dlcs_domain::transcription::{Transcription, TranscriptionEvent};
use dlcs_domain::{Aggregate, AssetId};

/// An asset that delivers the image with this number.
async fn delivers<S: Store>(given: &Given<S>, id: &AssetId, attempt: u32, original: u64) {
    let delivered = Delivered { original: a_blob(original), ..an_image() };
    let delivered = AssetEvent::IngestDelivered(IngestDelivered { attempt, delivered });
    for event in [started(attempt), delivered] {
        given.asset(id, event).await;
    }
}

/// A living asset that delivers image 1.
async fn with_page<S: Store>(given: &Given<S>) -> AssetId {
    let page = id("1/2/page-7");
    given.asset(&page, registered(1)).await;
    delivers(given, &page, 1, 1).await;
    page
}

async fn row<S: Store>(given: &Given<S>, id: &AssetId) -> PageTextRow {
    given.catch_up().await;
    let row = given.queries().page_texts.page_text(&admin(), id).await.expect("the query works");
    let row = row.expect("the asset is there");
    let asset = given.queries().assets.asset(&admin(), id).await.expect("the query works");
    let words = row.text.as_ref().map_or(0, |it| it.words);
    let summary = TextSummary { status: row.status.clone(), words };
    assert_eq!(asset.expect("the asset is there").text, summary, "lists say the same");
    row
}

pub(super) async fn a_text_goes_from_request_to_correction<S: Store>(given: &Given<S>) {
    let page = with_page(given).await;
    let it = row(given, &page).await;
    assert_eq!((it.status, it.text, it.edit_revision), (TextStatus::None, None, 0));
    let failure = recognition_failed(2, None);
    let TranscriptionEvent::RecognitionFailed(failed) = &failure else { unreachable!() };
    let failed = TextStatus::Failed(failed.failure.clone());
    let history = [
        (recognition_requested(1, 1), TextStatus::Requested, None),
        (recognition_started(1), TextStatus::Started, None),
        (read(1, 1, 11), TextStatus::Ready, Some(11)),
        (corrected(11, 12), TextStatus::Ready, Some(12)),
        (recognition_requested(2, 1), TextStatus::Requested, Some(12)),
        (recognition_started(2), TextStatus::Started, Some(12)),
        (failure, failed, Some(12)),
        (imported(13), TextStatus::Ready, Some(13)),
        (withdrawn(), TextStatus::None, None),
    ];
    let mut transcription = Transcription::default();
    for (event, status, layout) in history {
        transcription.apply(&event);
        let at = given.text(&page, event.clone()).await;
        let it = row(given, &page).await;
        assert_eq!((&it.status, it.position), (&status, at.0), "after {event:?}");
        let text = it.text.map(|it| (it.source, it.blobs));
        assert_eq!(text.as_ref().map(|it| &it.1), layout.map(blobs).as_ref(), "after {event:?}");
        let known = transcription.text.as_ref().map(|it| (it.source.clone(), it.blobs.clone()));
        assert_eq!(text, known, "after {event:?}");
        assert_eq!(it.edit_revision, transcription.edit_revision(), "after {event:?}");
    }
}

pub(super) async fn recognised_text_is_shown_with_its_image_only<S: Store>(given: &Given<S>) {
    let page = with_page(given).await;
    for event in [recognition_requested(1, 1), recognition_started(1), read(1, 1, 11)] {
        given.text(&page, event).await;
    }
    given.asset(&page, reingest(2, None)).await;
    assert_eq!(row(given, &page).await.status, TextStatus::Ready, "until there is another image");
    delivers(given, &page, 2, 2).await;
    let it = row(given, &page).await;
    assert_eq!((it.status, it.text), (TextStatus::None, None));
    given.text(&page, imported(12)).await;
    given.asset(&page, reingest(3, None)).await;
    delivers(given, &page, 3, 3).await;
    let it = row(given, &page).await;
    assert_eq!((it.status, it.image.map(|it| it.original)), (TextStatus::Ready, Some(a_blob(3))));
    assert_eq!(it.text.map(|it| it.blobs), Some(blobs(12)), "what is imported stays");
}

pub(super) async fn the_late_result_of_an_old_attempt_changes_nothing<S: Store>(given: &Given<S>) {
    let page = with_page(given).await;
    let history =
        [recognition_requested(1, 1), recognition_started(1), recognition_requested(2, 1)];
    for event in history {
        given.text(&page, event).await;
    }
    for late in [read(1, 1, 11), recognition_failed(1, None)] {
        given.text(&page, late).await;
        let it = row(given, &page).await;
        assert_eq!((it.status, it.text), (TextStatus::Requested, None));
    }
}

pub(super) async fn a_text_goes_with_its_asset<S: Store>(given: &Given<S>) {
    let page = with_page(given).await;
    given.text(&page, imported(11)).await;
    given.asset(&page, deleted(1)).await;
    let it = row(given, &page).await;
    assert_eq!((it.is_deleted, it.status, it.text), (true, TextStatus::None, None));
    given.text(&page, imported(12)).await;
    assert_eq!(row(given, &page).await.text, None, "it came too late");
    given.asset(&page, registered(2)).await;
    delivers(given, &page, 1, 1).await;
    given.text(&page, imported(13)).await;
    let it = row(given, &page).await;
    assert_eq!((it.is_deleted, it.generation, it.text), (false, 2, None), "of the earlier life");
    assert_eq!(it.edit_revision, 3, "an ETag does not come back");
}

pub(super) async fn a_closed_text_is_shown_to_its_customer_only<S: Store>(given: &Given<S>) {
    let (open, closed) = (with_page(given).await, id("1/2/closed"));
    let roles = vec!["staff".to_owned()];
    given.asset(&closed, AssetEvent::Registered(Registered { roles, ..registration(1) })).await;
    for id in [&open, &closed] {
        given.text(id, imported(11)).await;
    }
    given.catch_up().await;
    let texts = given.queries().page_texts;
    let ids = [closed.clone(), open];
    for (principal, sees) in
        [(Principal::Anonymous, false), (key_of(2), false), (key_of(1), true), (admin(), true)]
    {
        let answer = texts.page_text(&principal, &closed).await;
        match sees {
            true => assert!(answer.expect("it is allowed").is_some_and(|it| it.text.is_some())),
            false => assert!(matches!(answer, Err(QueryError::NotAllowed)), "{principal:?}"),
        }
        let rows = texts.of_assets(&principal, &ids).await.expect("the query works");
        assert_eq!(rows.len(), if sees { 2 } else { 1 }, "{principal:?}");
    }
}

pub(super) async fn texts_come_in_the_order_of_the_ids<S: Store>(given: &Given<S>) {
    for name in ["1/2/a", "1/2/b", "1/2/c"] {
        given.asset(&id(name), registered(1)).await;
        given.text(&id(name), imported(11)).await;
    }
    given.asset(&id("1/2/b"), deleted(1)).await;
    given.catch_up().await;
    let ids = ["1/2/c", "1/2/none", "1/2/b", "1/2/a"].map(id);
    let texts = given.queries().page_texts;
    let rows = texts.of_assets(&Principal::Anonymous, &ids).await.expect("the query works");
    let found: Vec<_> = rows.into_iter().map(|it| it.id.to_string()).collect();
    assert_eq!(found, ["1/2/c", "1/2/a"], "what is missing or deleted is left out");
    assert!(texts.of_assets(&admin(), &[]).await.expect("the query works").is_empty());
    let none = texts.page_text(&admin(), &id("1/2/none")).await.expect("the query works");
    assert_eq!(none, None);
}
