//! Annotations: totals, what they are about, who sees them.

pub(super) mod closed;
pub(super) mod words;

use super::Store;
use super::given::{Given, admin, key_of, page};
use crate::annotations::{Annotated, AnnotationFilter, AnnotationRow};
use crate::paging::{Direction, PageRequest};
use dlcs_domain::access::Principal;
use dlcs_domain::annotation::{
    AnnotationCreated, AnnotationDeleted, AnnotationDocument, AnnotationEvent, AnnotationReplaced,
    AnnotationRestored,
};
use dlcs_domain::container::{
    ContainerChanged, ContainerCreated, ContainerDeleted, ContainerEvent, ContainerRestored,
};
use dlcs_domain::{AnnotationId, ContainerId, CustomerId, DomainEvent, Patch};
use dlcs_iiif::web_annotation::region::Region;
use serde_json::json;

const ONE: CustomerId = CustomerId(1);
const CANVAS: &str = "{{dlcs-base}}/iiif-manifest/1/2/page/canvas";

fn container(id: &str) -> ContainerId {
    ContainerId { customer: ONE, id: id.to_owned() }
}

fn annotation(id: &str) -> AnnotationId {
    AnnotationId { container: container("notes"), id: id.to_owned() }
}

fn document(target: &str, motivation: &str) -> AnnotationDocument {
    let document = json!({
        "@context": "http://www.w3.org/ns/anno.jsonld",
        "type": "Annotation",
        "motivation": motivation,
        "creator": {"id": "https://people.example/me", "name": "Me"},
        "bodyValue": "a wood\u{0}",
        "target": target,
    });
    AnnotationDocument::new(document.to_string()).expect("JSON")
}

fn created(target: &str) -> DomainEvent {
    let document = document(target, "commenting");
    DomainEvent::Annotation(AnnotationEvent::Created(AnnotationCreated { document }))
}

fn container_created(roles: &[&str]) -> DomainEvent {
    let roles = roles.iter().map(|it| (*it).to_owned()).collect();
    let created = ContainerCreated { label: "Notes".to_owned(), roles };
    DomainEvent::Container(ContainerEvent::Created(created))
}

async fn container_happened<S: Store>(given: &Given<S>, event: ContainerEvent) {
    given.happened("container-1/notes", DomainEvent::Container(event)).await;
    given.catch_up().await;
}

async fn found<S: Store>(given: &Given<S>, filter: &AnnotationFilter) -> Vec<String> {
    found_by(given, &Principal::Anonymous, filter).await
}

async fn found_by<S: Store>(
    given: &Given<S>,
    principal: &Principal,
    filter: &AnnotationFilter,
) -> Vec<String> {
    let annotations = given.queries().annotations;
    let page = annotations.find(principal, filter, &page(100), true).await;
    let page = page.expect("the query works");
    assert_eq!(page.total, Some(page.items.len() as u64), "{filter:?}");
    page.items.into_iter().map(|it| it.id.id).collect()
}

async fn row<S: Store>(given: &Given<S>, id: &str) -> AnnotationRow {
    let row = given.queries().annotations.annotation(&annotation(id)).await;
    row.expect("the query works").expect("it is known")
}

pub(super) async fn a_container_counts_its_living_annotations<S: Store>(given: &Given<S>) {
    let total = async || {
        given.catch_up().await;
        let row = given.queries().annotations.container(&container("notes")).await;
        row.expect("the query works").map(|it| (it.total, it.edit_revision, it.position))
    };
    assert_eq!(total().await, None);
    given.happened("container-1/notes", container_created(&[])).await;
    assert_eq!(total().await, Some((0, 1, 1)));
    given.happened("annotation-1/notes/a", created(CANVAS)).await;
    given.happened("annotation-1/notes/b", created(CANVAS)).await;
    assert_eq!(total().await, Some((2, 1, 3)), "what is in it is no edit of it");
    let deleted = AnnotationEvent::Deleted(AnnotationDeleted {});
    given.happened("annotation-1/notes/a", DomainEvent::Annotation(deleted)).await;
    assert_eq!(total().await, Some((1, 1, 4)));
    assert_eq!(row(given, "a").await.document, "");
    assert!(row(given, "a").await.deleted);
    let document = document(CANVAS, "commenting");
    let restored = AnnotationRestored { revision: 0, document };
    let restored = DomainEvent::Annotation(AnnotationEvent::Restored(restored));
    given.happened("annotation-1/notes/a", restored).await;
    assert_eq!(total().await, Some((2, 1, 5)));
    let again = row(given, "a").await;
    assert_eq!((again.edit_revision, again.deleted), (3, false));
    assert!(again.document.contains("a wood\\u0000"), "every text is kept");
    let filter = AnnotationFilter::of(ONE);
    assert_eq!(found(given, &filter).await, ["a", "b"], "it keeps its place");
}

pub(super) async fn annotations_are_found_by_what_they_are_about<S: Store>(given: &Given<S>) {
    given.happened("container-1/notes", container_created(&[])).await;
    given.happened("container-1/other", container_created(&[])).await;
    let about = |box_: &str| created(&format!("{CANVAS}#xywh={box_}"));
    given.happened("annotation-1/notes/left", about("0,0,10,10")).await;
    given.happened("annotation-1/notes/right", about("20,0,10,10")).await;
    given.happened("annotation-1/notes/whole", created(CANVAS)).await;
    given.happened("annotation-1/notes/elsewhere", created("https://example.org/c")).await;
    given.happened("annotation-1/other/left", about("5,5,10,10")).await;
    given.catch_up().await;
    let all = || AnnotationFilter::of(ONE);
    let on_canvas = || AnnotationFilter { source: Some(CANVAS.to_owned()), ..all() };
    assert_eq!(found(given, &on_canvas()).await, ["left", "right", "whole", "left"]);
    let in_notes = AnnotationFilter { container: Some(container("notes")), ..on_canvas() };
    assert_eq!(found(given, &in_notes).await, ["left", "right", "whole"]);
    let within = |x, y, width, height| AnnotationFilter {
        region: Some(Region { x, y, width, height }),
        ..on_canvas()
    };
    assert_eq!(found(given, &within(0, 0, 5, 5)).await, ["left", "whole"]);
    assert_eq!(found(given, &within(9, 9, 12, 1)).await, ["left", "right", "whole", "left"]);
    assert_eq!(found(given, &within(10, 0, 10, 5)).await, ["whole"], "an edge is no overlap");
    let nobody = AnnotationFilter { source: Some("https://example.org".to_owned()), ..all() };
    assert_eq!(found(given, &nobody).await, [""; 0]);
    let other = AnnotationFilter { customer: CustomerId(2), ..on_canvas() };
    assert_eq!(found(given, &other).await, [""; 0]);

    let document = document(CANVAS, "tagging");
    let replaced = AnnotationEvent::Replaced(AnnotationReplaced { document });
    given.happened("annotation-1/notes/left", DomainEvent::Annotation(replaced)).await;
    given.catch_up().await;
    assert_eq!(found(given, &within(40, 40, 5, 5)).await, ["left", "whole"]);
    let tagging = AnnotationFilter { motivation: Some("tagging".to_owned()), ..all() };
    assert_eq!(found(given, &tagging).await, ["left"]);
    for creator in ["https://people.example/me", "Me"] {
        let by = AnnotationFilter { creator: Some(creator.to_owned()), ..tagging.clone() };
        assert_eq!(found(given, &by).await, ["left"]);
    }
    let by = AnnotationFilter { creator: Some("You".to_owned()), ..all() };
    assert_eq!(found(given, &by).await, [""; 0]);
    let from_us = Some(row(given, "whole").await.created_at_us);
    let late = AnnotationFilter { from_us, ..all() };
    assert_eq!(found(given, &late).await, ["whole", "elsewhere", "left"]);
    let early = AnnotationFilter { until_us: from_us, ..all() };
    assert_eq!(found(given, &early).await, ["left", "right"]);

    let sources = [CANVAS, "https://example.org/none", "https://example.org/c"];
    let annotated = given.queries().annotations.annotated(ONE, &sources.map(str::to_owned)).await;
    let modified_at_us = row(given, "left").await.modified_at_us;
    let canvas = Annotated { source: CANVAS.to_owned(), modified_at_us };
    let annotated = annotated.expect("the query works");
    assert_eq!(annotated.len(), 2);
    assert!(annotated.contains(&canvas), "{annotated:?}");
}

pub(super) async fn annotations_of_many_canvases_come_together<S: Store>(given: &Given<S>) {
    let canvas = |number: u32| format!("https://example.org/canvas/{number}");
    given.happened("container-1/notes", container_created(&[])).await;
    given.happened("container-1/closed", container_created(&["staff"])).await;
    for number in 0..6 {
        let target = format!("{}#xywh={number},0,10,10", canvas(number % 2));
        given.happened(&format!("annotation-1/notes/{number}"), created(&target)).await;
    }
    given.happened("annotation-1/closed/c", created(&canvas(1))).await;
    given.happened("annotation-1/notes/other", created(&canvas(7))).await;
    let deleted = AnnotationEvent::Deleted(AnnotationDeleted {});
    given.happened("annotation-1/notes/0", DomainEvent::Annotation(deleted)).await;
    given.catch_up().await;
    let asked = async |principal: &Principal, first: usize| {
        let sources = [1, 0, 5, 1].map(canvas);
        let annotations = given.queries().annotations;
        let found = annotations.on_sources(principal, ONE, &sources, first).await;
        let mut found = found.expect("the query works");
        let mut of = |number| {
            let rows = found.remove(&canvas(number)).unwrap_or_default();
            rows.into_iter().map(|it| it.id.id).collect::<Vec<_>>().join(" ")
        };
        let answer = [of(0), of(1), of(5)];
        assert!(found.is_empty(), "nothing else comes along: {found:?}");
        answer
    };
    assert_eq!(asked(&Principal::Anonymous, 10).await, ["2 4", "1 3 5", ""]);
    assert_eq!(asked(&Principal::Anonymous, 2).await, ["2 4", "1 3", ""]);
    assert_eq!(asked(&admin(), 10).await, ["2 4", "1 3 5 c", ""]);
    let none = given.queries().annotations.on_sources(&admin(), ONE, &[], 10).await;
    assert!(none.expect("the query works").is_empty());
}

pub(super) async fn what_is_in_a_closed_container_is_closed<S: Store>(given: &Given<S>) {
    given.happened("container-1/notes", container_created(&["staff"])).await;
    given.happened("annotation-1/notes/a", created(CANVAS)).await;
    given.catch_up().await;
    let filter = AnnotationFilter { source: Some(CANVAS.to_owned()), ..AnnotationFilter::of(ONE) };
    let annotated = async || {
        let found = given.queries().annotations.annotated(ONE, &[CANVAS.to_owned()]).await;
        found.expect("the query works").len()
    };
    let seen = async |principal: &Principal| {
        let listed = given.queries().annotations.containers(principal, ONE, &page(10)).await;
        let listed = listed.expect("the query works");
        assert_eq!(listed.total, Some(listed.items.len() as u64));
        (found_by(given, principal, &filter).await.len(), listed.items.len())
    };
    for (principal, sees) in
        [(admin(), 1), (key_of(1), 1), (key_of(2), 0), (Principal::Anonymous, 0)]
    {
        assert_eq!(seen(&principal).await, (sees, sees), "{principal:?}");
    }
    assert_eq!(annotated().await, 0, "a manifest is the same for everybody");
    let changed = ContainerChanged { label: Patch::Keep, roles: Patch::Clear };
    container_happened(given, ContainerEvent::Changed(changed)).await;
    assert_eq!(seen(&Principal::Anonymous).await, (1, 1));
    assert_eq!(annotated().await, 1);
    let deleted = ContainerEvent::Deleted(ContainerDeleted { recursive: true });
    container_happened(given, deleted).await;
    assert_eq!((seen(&admin()).await, annotated().await), ((0, 0), 0));
    container_happened(given, ContainerEvent::Restored(ContainerRestored {})).await;
    assert_eq!((seen(&admin()).await, annotated().await), ((1, 1), 1));
}

pub(super) async fn annotations_come_in_pages_in_both_directions<S: Store>(given: &Given<S>) {
    given.happened("container-1/notes", container_created(&[])).await;
    for number in 0..9 {
        let target = format!("{CANVAS}#xywh={number},0,10,10");
        given.happened(&format!("annotation-1/notes/{number}"), created(&target)).await;
    }
    given.catch_up().await;
    let filter = AnnotationFilter { source: Some(CANVAS.to_owned()), ..AnnotationFilter::of(ONE) };
    for direction in [Direction::Ascending, Direction::Descending] {
        assert_eq!(in_pages(given, &filter, direction).await.join(""), "012345678");
    }
    let second = PageRequest { offset: 4, ..page(4) };
    let page = given.queries().annotations.find(&admin(), &filter, &second, false).await;
    let page = page.expect("the query works");
    assert_eq!((page.items.len(), page.items[0].id.id.as_str(), page.has_more), (4, "4", true));
}

/// Lists what anybody finds, of which there are nine, in pages of four; in the order of creation.
async fn in_pages<S: Store>(
    given: &Given<S>,
    filter: &AnnotationFilter,
    direction: Direction,
) -> Vec<String> {
    let (mut ids, mut after) = (Vec::new(), None);
    loop {
        let request = PageRequest { limit: 4, after, offset: 0, direction };
        let annotations = given.queries().annotations;
        let page = annotations.find(&Principal::Anonymous, filter, &request, true).await;
        let page = page.expect("the query works");
        assert_eq!(page.total, Some(9));
        after = page.next().cloned();
        ids.extend(page.items.into_iter().map(|it| it.id.id));
        if after.is_none() {
            break;
        }
    }
    if direction == Direction::Descending {
        ids.reverse();
    }
    ids
}
