//! The life of an asset: given, when, then.

use super::*;
use crate::given::given;
use crate::ids::BlobRef;
use crate::patch::Patch;
use proptest::prelude::*;
use uuid::Uuid;

mod properties;

const BATCH: BatchId = BatchId(Uuid::from_u128(1));
const OTHER_BATCH: BatchId = BatchId(Uuid::from_u128(2));

fn origin(name: &str) -> Source {
    Source::Origin { url: format!("https://example.org/{name}") }
}

fn upload(byte: &str) -> Source {
    Source::Upload { blob: blob(byte) }
}

fn blob(byte: &str) -> BlobRef {
    BlobRef { sha256: byte.repeat(32), length_bytes: 7 }
}

fn register(source: Source) -> AssetCommand {
    with(Registration::of(source))
}

fn with(registration: Registration) -> AssetCommand {
    AssetCommand::Register { registration, defaults: Arc::default() }
}

fn registered_as(source: Source) -> Registered {
    Registered {
        generation: 1,
        attempt: 1,
        source,
        media_type: None,
        metadata: AssetMetadata::default(),
        roles: vec![],
        delivery: Delivery::standard(),
        recognise: Languages::default(),
        limits: SizeLimits::default(),
        batch: None,
        queue: Queue::Default,
    }
}

fn registered() -> AssetEvent {
    AssetEvent::Registered(registered_as(origin("a")))
}

fn started(attempt: u32) -> AssetEvent {
    AssetEvent::IngestStarted(IngestStarted { attempt })
}

fn measured() -> Delivered {
    Delivered {
        width_px: 40,
        height_px: 30,
        media_type: "image/jpeg".to_owned(),
        original: blob("aa"),
        derivative_bytes: 700,
        thumbnails: vec![(40, 30)],
        tile_side_px: 512,
        levels: 1,
        gray: false,
    }
}

fn delivered(attempt: u32) -> AssetEvent {
    AssetEvent::IngestDelivered(IngestDelivered { attempt, delivered: measured() })
}

fn failed(attempt: u32, code: IngestErrorCode, next_attempt_at_us: Option<i64>) -> AssetEvent {
    let failure = Failure { code, detail: "no".to_owned(), next_attempt_at_us };
    AssetEvent::IngestFailed(IngestFailed { attempt, failure })
}

fn reingested(attempt: u32, batch: Option<BatchId>) -> AssetEvent {
    let queue = Queue::Default;
    AssetEvent::ReingestRequested(ReingestRequested { attempt, batch, queue })
}

fn origin_changed(source: Source, attempt: u32) -> AssetEvent {
    let queue = Queue::Default;
    let changed = OriginChanged { source, media_type: None, attempt, batch: None, queue };
    AssetEvent::OriginChanged(changed)
}

fn deleted() -> AssetEvent {
    AssetEvent::Deleted(Deleted { generation: 1 })
}

fn start(now_us: i64) -> AssetCommand {
    AssetCommand::StartIngest { generation: 1, now_us }
}

fn report_delivered(attempt: u32) -> AssetCommand {
    AssetCommand::ReportDelivered { generation: 1, attempt, delivered: measured() }
}

fn report_failed(attempt: u32, code: IngestErrorCode) -> AssetCommand {
    let detail = "no".to_owned();
    AssetCommand::ReportFailed { generation: 1, attempt, code, detail, now_us: 1_000_000 }
}

fn languages(text: &str) -> Languages {
    text.parse().expect("languages")
}

fn live(history: &[AssetEvent]) -> LiveAsset {
    Asset::folded(history).live().expect("registered").clone()
}

#[test]
fn a_new_asset_takes_over_what_the_client_does_not_say() {
    let defaults = AssetDefaults {
        tags: vec!["map".to_owned()],
        roles: vec!["staff".to_owned()],
        delivery: Delivery::standard(),
        recognise: languages("deu"),
    };
    let defaults = Arc::new(defaults);
    let registration = Registration { roles: Patch::Clear, ..Registration::of(origin("a")) };
    let metadata = AssetMetadata { tags: vec!["map".to_owned()], ..AssetMetadata::default() };
    let recognise = languages("deu");
    let expected = Registered { metadata, recognise, ..registered_as(origin("a")) };
    given::<Asset>([])
        .when(AssetCommand::Register { registration, defaults })
        .then([AssetEvent::Registered(expected)]);
}

#[test]
fn a_deleted_id_begins_a_new_generation() {
    let expected = Registered { generation: 2, ..registered_as(origin("b")) };
    given::<Asset>([registered(), deleted()])
        .when(register(origin("b")))
        .then([AssetEvent::Registered(expected)]);
}

#[test]
fn registering_equal_content_changes_nothing() {
    given::<Asset>([registered()]).when(register(origin("a"))).then([]);
    let explicit =
        Registration { delivery: Some(Delivery::standard()), ..Registration::of(origin("a")) };
    given::<Asset>([registered()]).when(with(explicit)).then([]);
}

#[test]
fn another_origin_opens_an_attempt() {
    let events = [origin_changed(origin("b"), 2)];
    given::<Asset>([registered()]).when(register(origin("b"))).then(events.clone());
    let change = AssetChange { source: Some(origin("b")), ..AssetChange::default() };
    given::<Asset>([registered()]).when(AssetCommand::Change(change)).then(events);
}

#[test]
fn what_a_patch_leaves_out_stays() {
    let registration = Registered {
        metadata: AssetMetadata { string1: "x".into(), number1: 3, ..AssetMetadata::default() },
        roles: vec!["staff".to_owned()],
        ..registered_as(origin("a"))
    };
    let patch = MetadataPatch {
        string1: Patch::Clear,
        string2: Patch::Set("y".into()),
        number1: Patch::Set(3),
        ..MetadataPatch::default()
    };
    let differs = MetadataPatch { number1: Patch::Keep, ..patch.clone() };
    let change = AssetChange { metadata: patch, ..AssetChange::default() };
    let history = [AssetEvent::Registered(registration)];
    given::<Asset>(history.clone())
        .when(AssetCommand::Change(change))
        .then([AssetEvent::MetadataChanged(differs.clone())]);
    let asset = live(&[history[0].clone(), AssetEvent::MetadataChanged(differs)]);
    let metadata = AssetMetadata { string2: "y".into(), number1: 3, ..AssetMetadata::default() };
    assert_eq!((asset.metadata, asset.roles), (metadata, vec!["staff".to_owned()]));
}

#[test]
fn null_opens_what_was_closed() {
    let closed = Registered { roles: vec!["staff".into()], ..registered_as(origin("a")) };
    let change = AssetChange { roles: Patch::Clear, ..AssetChange::default() };
    given::<Asset>([AssetEvent::Registered(closed)])
        .when(AssetCommand::Change(change.clone()))
        .then([AssetEvent::AccessChanged(AccessChanged { roles: vec![] })]);
    given::<Asset>([registered()]).when(AssetCommand::Change(change)).then([]);
}

#[test]
fn other_languages_hold_and_open_no_attempt() {
    let change = |recognise| AssetChange { recognise, ..AssetChange::default() };
    let changed =
        |text| AssetEvent::RecognitionChanged(RecognitionChanged { languages: languages(text) });
    let set = || Patch::Set(languages("deu+lat"));
    given::<Asset>([registered()])
        .when(AssetCommand::Change(change(set())))
        .then([changed("deu+lat")]);
    let history = [registered(), changed("deu+lat")];
    given::<Asset>(history.clone())
        .when(with(Registration { recognise: set(), ..Registration::of(origin("a")) }))
        .then([]);
    given::<Asset>(history.clone())
        .when(AssetCommand::Change(change(Patch::Clear)))
        .then([changed("")]);
    assert_eq!((live(&history).attempt, live(&history).edits), (1, 2));
}

#[test]
fn size_limits_hold_and_open_no_attempt() {
    let patch = |max: u32, open: Patch<u32>| SizeLimitsPatch {
        max_width_px: Patch::Set(max),
        open_full_max_px: open,
    };
    let change = |limits| AssetCommand::Change(AssetChange { limits, ..AssetChange::default() });
    let changed = |max_width_px, open_full_max_px| {
        AssetEvent::LimitsChanged(SizeLimits { max_width_px, open_full_max_px })
    };
    given::<Asset>([registered()])
        .when(change(patch(1_000, Patch::Set(400))))
        .then([changed(1_000, 400)]);
    let history = [registered(), changed(1_000, 400)];
    given::<Asset>(history.clone()).when(change(patch(1_000, Patch::Keep))).then([]);
    given::<Asset>(history.clone()).when(change(patch(0, Patch::Keep))).then([changed(0, 400)]);
    assert_eq!((live(&history).attempt, live(&history).edits), (1, 2));
    let limits = patch(255, Patch::Keep);
    let refusal = limits.applied_to(SizeLimits::default()).check().expect_err("too little");
    let registration = Registration { limits: limits.clone(), ..Registration::of(origin("b")) };
    let refused = AssetError::InvalidLimits(refusal);
    given::<Asset>(history).when(change(limits)).then_refused(&refused);
    given::<Asset>([]).when(with(registration)).then_refused(&refused);
}

#[test]
fn another_delivery_needs_other_derivatives() {
    let delivery = Delivery { tile_side_px: 256, ..Delivery::standard() };
    let change = |delivery| AssetChange { delivery: Some(delivery), ..AssetChange::default() };
    given::<Asset>([registered()])
        .when(AssetCommand::Change(change(delivery.clone())))
        .then([AssetEvent::DeliveryChanged(DeliveryChanged { delivery, attempt: 2 })]);
    let odd = Delivery { tile_side_px: 300, ..Delivery::standard() };
    let refusal = odd.check().expect_err("300 is no power of two");
    given::<Asset>([registered()])
        .when(AssetCommand::Change(change(odd)))
        .then_refused(&AssetError::InvalidDelivery(refusal));
}

#[test]
fn what_is_not_there_cannot_be_changed() {
    let change = || AssetCommand::Change(AssetChange::default());
    given::<Asset>([]).when(change()).then_refused(&AssetError::NotRegistered);
    given::<Asset>([registered(), deleted()]).when(change()).then_refused(&AssetError::Deleted);
    given::<Asset>([registered(), deleted()])
        .when(AssetCommand::Delete)
        .then_refused(&AssetError::Deleted);
}

#[test]
fn every_member_of_a_batch_names_it_once() {
    let member = |batch| with(Registration { batch: Some(batch), ..Registration::of(origin("a")) });
    let joined = reingested(2, Some(BATCH));
    given::<Asset>([registered()]).when(member(BATCH)).then([joined.clone()]);
    given::<Asset>([registered(), joined.clone()]).when(member(BATCH)).then([]);
    given::<Asset>([registered(), joined])
        .when(member(OTHER_BATCH))
        .then([reingested(3, Some(OTHER_BATCH))]);
}

#[test]
fn the_same_upload_once_more_repeats_what_failed() {
    let uploaded = AssetEvent::Registered(registered_as(upload("aa")));
    let failed = failed(1, IngestErrorCode::ImageCorrupt, None);
    given::<Asset>([uploaded.clone()]).when(register(upload("aa"))).then([]);
    given::<Asset>([uploaded.clone(), started(1), failed])
        .when(register(upload("aa")))
        .then([reingested(2, None)]);
}

#[test]
fn a_pending_attempt_begins_under_its_own_number() {
    given::<Asset>([registered()]).when(start(0)).then([started(1)]);
    given::<Asset>([registered(), started(1), reingested(2, None)])
        .when(start(0))
        .then([started(2)]);
}

#[test]
fn an_attempt_without_a_result_is_dead() {
    given::<Asset>([registered(), started(1)]).when(start(0)).then([started(2)]);
}

#[test]
fn what_is_delivered_or_has_failed_for_good_does_not_begin() {
    given::<Asset>([registered(), started(1), delivered(1)]).when(start(0)).then([]);
    let lasting = failed(1, IngestErrorCode::ImageCorrupt, None);
    given::<Asset>([registered(), started(1), lasting]).when(start(i64::MAX)).then([]);
}

#[test]
fn a_retry_begins_when_it_is_due() {
    let passing = || failed(1, IngestErrorCode::OriginTimeout, Some(50));
    given::<Asset>([registered(), started(1), passing()]).when(start(49)).then([]);
    given::<Asset>([registered(), started(1), passing()]).when(start(50)).then([started(2)]);
}

#[test]
fn a_failure_that_may_pass_says_when_the_next_attempt_is() {
    given::<Asset>([registered(), started(1)])
        .when(report_failed(1, IngestErrorCode::OriginTimeout))
        .then([failed(1, IngestErrorCode::OriginTimeout, Some(6_000_000))]);
    given::<Asset>([registered(), started(1)])
        .when(report_failed(1, IngestErrorCode::ImageCorrupt))
        .then([failed(1, IngestErrorCode::ImageCorrupt, None)]);
}

#[test]
fn a_crash_loop_ends_until_a_client_asks_again() {
    let mut history = vec![registered()];
    history.extend((1..=TRIES_MAX).map(started));
    let asset = Asset::folded(&history);
    let events = asset.handle(start(0)).expect("the process manager is heard");
    let [AssetEvent::IngestFailed(it)] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!(it.attempt, TRIES_MAX);
    assert_eq!((it.failure.code, it.failure.next_attempt_at_us), (IngestErrorCode::Internal, None));
    history.extend(events.clone());
    given::<Asset>(history.clone()).when(start(i64::MAX)).then([]);
    history.push(reingested(6, None));
    given::<Asset>(history).when(start(0)).then([started(6)]);
}

#[test]
fn the_late_result_of_an_old_attempt_changes_nothing() {
    let history = [registered(), started(1), reingested(2, None), started(2)];
    given::<Asset>(history.clone()).when(report_delivered(1)).then([]);
    given::<Asset>(history.clone()).when(report_failed(1, IngestErrorCode::Internal)).then([]);
    given::<Asset>(history).when(report_delivered(2)).then([delivered(2)]);
}

#[test]
fn a_result_counts_once_and_only_for_what_has_begun() {
    given::<Asset>([registered(), started(1), delivered(1)]).when(report_delivered(1)).then([]);
    given::<Asset>([registered()]).when(report_delivered(1)).then([]);
    given::<Asset>([registered(), started(1), deleted()]).when(report_delivered(1)).then([]);
    given::<Asset>([]).when(start(0)).then([]);
}

#[test]
fn the_result_of_an_old_generation_changes_nothing() {
    let again = AssetEvent::Registered(Registered { generation: 2, ..registered_as(origin("a")) });
    let history = [registered(), started(1), deleted(), again, started(1)];
    given::<Asset>(history.clone()).when(report_delivered(1)).then([]);
    given::<Asset>(history).when(start(0)).then([]);
}

#[test]
fn what_was_delivered_stays_until_there_is_better() {
    let mut history = vec![registered(), started(1), delivered(1), reingested(2, None)];
    let served = |history: &[AssetEvent]| live(history).delivered.map(|it| it.attempt);
    assert_eq!(served(&history), Some(1));
    assert!(live(&history).is_ingesting());
    history.extend([started(2), failed(2, IngestErrorCode::ImageCorrupt, None)]);
    assert_eq!(served(&history), Some(1));
    history.extend([reingested(3, None), started(3), delivered(3)]);
    assert_eq!(served(&history), Some(3));
}

#[test]
fn only_clients_edit() {
    let history = [registered(), started(1), delivered(1)];
    assert_eq!(Asset::folded(&history).edit_revision(), 1);
    let again = Registered { generation: 2, ..registered_as(origin("a")) };
    let history = [registered(), deleted(), AssetEvent::Registered(again)];
    assert_eq!(Asset::folded(&history).edit_revision(), 3, "an ETag does not come back");
}

#[test]
fn a_list_is_changed_whatever_it_holds_by_then() {
    let texts = |names: &[&str]| names.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
    let tagged = |names: &[&str]| {
        let metadata = AssetMetadata { tags: texts(names), ..AssetMetadata::default() };
        AssetEvent::Registered(Registered { metadata, ..registered_as(origin("a")) })
    };
    let change = |operation| AssetCommand::ChangeList { list: AssetList::Tags, operation };
    let becomes = |names: &[&str]| {
        let tags = Patch::Set(texts(names));
        AssetEvent::MetadataChanged(MetadataPatch { tags, ..MetadataPatch::default() })
    };
    let add = || change(ListOperation::Add(texts(&["b", "c", "c"])));
    given::<Asset>([tagged(&["a", "b"])]).when(add()).then([becomes(&["a", "b", "c"])]);
    given::<Asset>([tagged(&["b", "c"])]).when(add()).then([]);
    let remove = change(ListOperation::Remove(texts(&["b", "x"])));
    given::<Asset>([tagged(&["a", "b"])]).when(remove).then([becomes(&["a"])]);
    let replace = change(ListOperation::Replace(texts(&["z"])));
    given::<Asset>([tagged(&["a", "b"])]).when(replace).then([becomes(&["z"])]);
    let roles = AssetCommand::ChangeList {
        list: AssetList::Roles,
        operation: ListOperation::Add(texts(&["staff"])),
    };
    let closed = AssetEvent::AccessChanged(AccessChanged { roles: texts(&["staff"]) });
    given::<Asset>([tagged(&["a"])]).when(roles).then([closed]);
    given::<Asset>([]).when(add()).then_refused(&AssetError::NotRegistered);
}

#[test]
fn what_is_asked_for_says_where_it_waits() {
    let queue = Queue::Priority;
    let asked =
        |source| with(Registration { batch: Some(BATCH), queue, ..Registration::of(source) });
    let first = Registered { batch: Some(BATCH), queue, ..registered_as(origin("a")) };
    let first = AssetEvent::Registered(first);
    given::<Asset>([]).when(asked(origin("a"))).then([first]);
    let again = ReingestRequested { attempt: 2, batch: Some(BATCH), queue };
    let again = AssetEvent::ReingestRequested(again);
    given::<Asset>([registered()]).when(asked(origin("a"))).then([again]);
    let (source, media_type) = (origin("b"), None);
    let other = OriginChanged { source, media_type, attempt: 2, batch: Some(BATCH), queue };
    let other = AssetEvent::OriginChanged(other);
    given::<Asset>([registered()]).when(asked(origin("b"))).then([other]);
}
