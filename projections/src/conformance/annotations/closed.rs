//! Annotations about closed images: whoever may see the image sees what is said of it, nobody else.

use super::{CANVAS, ONE, annotation, container, container_created, created, found_by, row};
use crate::annotations::{AnnotationFilter, Hidden};
use crate::conformance::Store;
use crate::conformance::given::{Given, admin, deleted, id, key_of, page, registered};
use dlcs_domain::access::{AccessRule, Principal};
use dlcs_domain::asset::{AccessChanged, AssetEvent, Registered};
use dlcs_domain::container::{ContainerCreated, ContainerEvent};
use dlcs_domain::{AssetId, CustomerId, DomainEvent};

const PAINTED: &str = "{{dlcs-base}}/1/manifests/book/canvases/2%2Fpage#xywh=0,0,10,10";
const OTHER: &str = "{{dlcs-base}}/iiif-manifest/1/2/other/canvas";
const STAFF: &str = "https://dlcs.example/customers/1/roles/staff";

fn page_asset() -> AssetId {
    id("1/2/page")
}

fn with_roles(generation: u32, roles: &[&str]) -> AssetEvent {
    let AssetEvent::Registered(it) = registered(generation) else { unreachable!("it registers") };
    AssetEvent::Registered(Registered { roles: owned(roles), ..it })
}

fn access(roles: &[&str]) -> AssetEvent {
    AssetEvent::AccessChanged(AccessChanged { roles: owned(roles) })
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|it| (*it).to_owned()).collect()
}

fn reader(customer: u32, role: &str) -> Principal {
    Principal::Reader { roles: vec![(CustomerId(customer), role.to_owned())] }
}

/// What somebody finds: in all, on the canvas, by words; and what is counted as hidden.
async fn seen<S: Store>(given: &Given<S>, who: &Principal) -> (Vec<String>, usize, u64) {
    let annotations = given.queries().annotations;
    let listed = found_by(given, who, &AnnotationFilter::of(ONE)).await;
    let sources = [CANVAS.to_owned(), PAINTED.split('#').next().unwrap_or_default().to_owned()];
    let on_sources = annotations.on_sources(who, ONE, &sources, 10).await;
    let on_sources = on_sources.expect("the query works").values().map(Vec::len).sum();
    for source in sources {
        let filter = AnnotationFilter { source: Some(source), ..AnnotationFilter::of(ONE) };
        let found = found_by(given, who, &filter).await.len();
        assert_eq!(found, usize::from(listed.len() > 1), "{who:?}");
    }
    let hidden = annotations.hidden(who, ONE).await.expect("the query works");
    let hidden = hidden.get(&container("notes")).copied().unwrap_or_default();
    (listed, on_sources, hidden.count)
}

pub(in crate::conformance) async fn what_is_said_of_a_closed_image_is_closed<S: Store>(
    given: &Given<S>,
) {
    given.happened("container-1/notes", container_created(&[])).await;
    given.happened("annotation-1/notes/own", created(CANVAS)).await;
    given.asset(&page_asset(), with_roles(1, &[STAFF])).await;
    given.asset(&id("1/2/other"), registered(1)).await;
    given.happened("annotation-1/notes/painted", created(PAINTED)).await;
    given.happened("annotation-1/notes/other", created(OTHER)).await;
    given.catch_up().await;
    let all = || (owned(&["own", "painted", "other"]), 2, 0);
    let open = || (owned(&["other"]), 0, 2);
    for who in [admin(), key_of(1), reader(1, "staff")] {
        assert_eq!(seen(given, &who).await, all(), "{who:?}");
    }
    for who in [Principal::Anonymous, reader(1, "other"), reader(2, "staff"), key_of(2)] {
        assert_eq!(seen(given, &who).await, open(), "{who:?}");
    }
    let annotations = given.queries().annotations;
    let hidden = annotations.hidden(&Principal::Anonymous, ONE).await.expect("the query works");
    let of_notes = Hidden { count: 2, position: 3 };
    assert_eq!(hidden.into_iter().collect::<Vec<_>>(), [(container("notes"), of_notes)]);
    let sources = [CANVAS.to_owned(), OTHER.to_owned()];
    let annotated = annotations.annotated(ONE, &sources).await.expect("the query works");
    let annotated: Vec<_> = annotated.into_iter().map(|it| it.source).collect();
    assert_eq!(annotated, [OTHER], "a manifest is the same for everybody");
    let about: Vec<_> = row(given, "own").await.assets().collect();
    assert_eq!(about, [page_asset()]);
    let rules = annotations.rules_of(&about).await.expect("the query works");
    let rule = AccessRule::Roles { customer: ONE, roles: owned(&["staff"]) };
    assert_eq!(rules, [rule]);
    let other: Vec<_> = row(given, "other").await.assets().collect();
    assert_eq!((other.len(), annotations.rules_of(&other).await.expect("it works").len()), (1, 0));
    assert_eq!(row(given, "own").await.id, annotation("own"));
}

pub(in crate::conformance) async fn what_is_said_of_an_image_follows_its_roles<S: Store>(
    given: &Given<S>,
) {
    given.happened("container-1/notes", container_created(&[])).await;
    given.happened("annotation-1/notes/own", created(CANVAS)).await;
    given.happened("annotation-1/notes/painted", created(PAINTED)).await;
    let nothing = || (owned(&[]), 0, 2);
    let all = || (owned(&["own", "painted"]), 2, 0);
    let anybody = Principal::Anonymous;
    for (event, expected) in [
        (with_roles(1, &[]), all()),
        (access(&["staff"]), nothing()),
        (access(&[]), all()),
        // Nobody can hold it.
        (access(&["st\u{0}aff"]), nothing()),
        (deleted(1), nothing()),
        (with_roles(2, &[]), all()),
        (access(&["one", "two"]), nothing()),
        (deleted(2), nothing()),
        (with_roles(3, &["two"]), nothing()),
    ] {
        let said = format!("{event:?}");
        given.asset(&page_asset(), event).await;
        given.catch_up().await;
        assert_eq!(seen(given, &anybody).await, expected, "{said}");
        assert_eq!(seen(given, &key_of(1)).await, all(), "{said}");
    }
    assert_eq!(seen(given, &reader(1, "two")).await, all());
    assert_eq!(seen(given, &reader(1, "one")).await, nothing());
}

pub(in crate::conformance) async fn a_role_opens_a_container<S: Store>(given: &Given<S>) {
    let created_with = ContainerCreated { label: String::new(), roles: owned(&[STAFF]) };
    let event = DomainEvent::Container(ContainerEvent::Created(created_with));
    given.happened("container-1/notes", event).await;
    given.happened("annotation-1/notes/a", created("https://example.org/c")).await;
    given.catch_up().await;
    let annotations = given.queries().annotations;
    for (who, sees) in [
        (reader(1, "staff"), 1),
        (reader(1, "other"), 0),
        (reader(2, "staff"), 0),
        (Principal::Anonymous, 0),
        (key_of(1), 1),
    ] {
        let listed = annotations.containers(&who, ONE, &page(10)).await.expect("the query works");
        assert_eq!((listed.items.len(), listed.total), (sees, Some(sees as u64)), "{who:?}");
        let found = found_by(given, &who, &AnnotationFilter::of(ONE)).await;
        assert_eq!(found.len(), sees, "{who:?}");
    }
}
