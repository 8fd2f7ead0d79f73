//! `/annotations/{w3c|oa}/{c}/{container}/`: containers and their pages. Protocol, section 4.

use super::documents::Vocabulary;
use super::headers::{Kind, Sent, no_content};
use super::preferences::Shown;
use super::single;
use crate::access::Caller;
use crate::delivery::info::see_other;
use crate::error::{Answer, Problem};
use crate::http::body;
use crate::http::conditional::{IfMatch, Validators};
use crate::http::fields::Fields;
use crate::http::query::QueryParams;
use crate::http::raw_path::PathParams;
use crate::http::time::iso;
use crate::management::write::{Done, Incoming, insert_position};
use crate::state::{Resource, Shared};
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use dlcs_commands::Decided;
use dlcs_commands::services::NewContainer;
use dlcs_domain::ContainerId;
use dlcs_domain::access::Principal;
use dlcs_iiif::web_annotation::container::{self, Collection, Items, Page};
use dlcs_projections::PageRequest;
use dlcs_projections::annotations::{AnnotationFilter, ContainerRow, Hidden, count_visible};
use dlcs_projections::paging::Direction;
use serde_json::Value;

/// Annotations of one page.
pub(super) const PAGE_SIZE: usize = 100;

/// A container, or one page of it: `?page=0`, `&iris=1`, `&desc=1`.
pub(crate) async fn read(
    State(state): State<Shared>,
    caller: Caller,
    params: PathParams,
    query: QueryParams,
    headers: HeaderMap,
) -> Answer {
    let vocabulary = Vocabulary::of(&params)?;
    let id = ContainerId { customer: caller.customer()?, id: params.get("container").to_owned() };
    let row = single::open_container(&state, &caller, &id).await?;
    let book = Book::open(&state, &caller, vocabulary, row).await?;
    match query.number::<u64>("page")? {
        None => book.container(Shown::preferred(&headers)).await?.respond(&headers),
        Some(number) => {
            let is_descending = query.get("desc") == Some("1");
            let leaf = Leaf { number, by_iri: Shown::of_page(&query).by_iri, is_descending };
            let page = book.page(leaf).await?.ok_or_else(Problem::not_found)?;
            let sent = Sent {
                kind: Kind::Page,
                vocabulary,
                location: page.id.clone(),
                document: book.worded(container::page(page)),
                validators: book.validators(),
                is_open: book.is_open(),
            };
            sent.respond(&headers)
        }
    }
}

/// The address of a container ends with a slash.
pub(crate) async fn redirect(
    State(state): State<Shared>,
    caller: Caller,
    params: PathParams,
) -> Answer {
    let vocabulary = Vocabulary::of(&params)?;
    let customer = caller.customer()?;
    let path = match params.find("container") {
        Some(id) => vocabulary.container_path(&ContainerId { customer, id: id.to_owned() }),
        None => vocabulary.customer_path(customer),
    };
    see_other(&state.public_url.at(path))
}

/// Creates a container; `Slug` suggests its id.
pub(crate) async fn create(request: Incoming, body: Body) -> Answer {
    let vocabulary = Vocabulary::of(&request.params)?;
    let customer = request.caller.customer()?;
    let json = body::json(&request.headers, body, request.state.limits.json_bytes_max).await?;
    let container = new_container(&json.value)?;
    let slug = slug(&request.headers);
    let request = &request;
    request
        .once(&json.bytes, |context| async move {
            let annotations = &request.state.commands.annotations;
            let (id, decided) =
                annotations.create_container(&context, customer, slug, container).await?;
            answer(request, vocabulary, id, decided, StatusCode::CREATED).await
        })
        .await
}

/// Creates a container under this very address (201), or changes what is said of it (200).
pub(crate) async fn put(mut request: Incoming, body: Body) -> Answer {
    let vocabulary = Vocabulary::of(&request.params)?;
    let id = id(&mut request)?;
    let json = body::json(&request.headers, body, request.state.limits.json_bytes_max).await?;
    let (container, fields) = (new_container(&json.value)?, Fields::of(&json.value)?);
    let (label, roles) = (fields.patch_text("label")?, fields.patch_texts("roles")?);
    let is_there = request.state.queries.annotations.container(&id).await?.is_some();
    let if_match = IfMatch::read(&request.headers)?;
    if if_match != IfMatch::Absent && !is_there {
        return Err(Problem::precondition_failed());
    }
    let request = &request;
    request
        .once(&json.bytes, |context| async move {
            let annotations = &request.state.commands.annotations;
            if is_there {
                let decided = annotations.change_container(&context, &id, label, roles).await?;
                return answer(request, vocabulary, id, decided, StatusCode::OK).await;
            }
            let decided = annotations.create_container_as(&context, &id, container).await?;
            answer(request, vocabulary, id, decided, StatusCode::CREATED).await
        })
        .await
}

/// Deletes an empty container; `?recursive=true`: with all that is in it.
pub(crate) async fn delete(mut request: Incoming) -> Answer {
    let vocabulary = Vocabulary::of(&request.params)?;
    let id = id(&mut request)?;
    let recursive = match request.query.get("recursive") {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(Problem::field("recursive", "`recursive` is true or false")),
    };
    let request = &request;
    request
        .once(&[], |context| async move {
            let annotations = &request.state.commands.annotations;
            let decided = annotations.delete_container(&context, &id, recursive).await?;
            answer(request, vocabulary, id, decided, StatusCode::NO_CONTENT).await
        })
        .await
}

/// Creates an annotation in a container; `Slug` suggests its id.
pub(crate) async fn annotate(request: Incoming, body: Body) -> Answer {
    let vocabulary = Vocabulary::of(&request.params)?;
    let customer = request.caller.customer()?;
    let container = ContainerId { customer, id: request.params.get("container").to_owned() };
    let json =
        body::json(&request.headers, body, request.state.limits.annotation_bytes_max).await?;
    let document = vocabulary.read(&request.state.public_url, &json.bytes, None)?;
    let slug = slug(&request.headers);
    let request = &request;
    request
        .once(&json.bytes, |context| async move {
            let annotations = &request.state.commands.annotations;
            let (id, decided) = annotations.create(&context, &container, slug, document).await?;
            single::answer(request, vocabulary, id, decided, StatusCode::CREATED).await
        })
        .await
}

/// What is needed to show a container.
struct Book<'a> {
    state: &'a Shared,
    caller: &'a Caller,
    vocabulary: Vocabulary,
    /// Counts what the caller may see.
    row: ContainerRow,
    /// What the caller may not see.
    hidden: Hidden,
}

/// Which page.
#[derive(Clone, Copy)]
struct Leaf {
    /// From 0 on.
    number: u64,
    by_iri: bool,
    is_descending: bool,
}

impl<'a> Book<'a> {
    async fn open(
        state: &'a Shared,
        caller: &'a Caller,
        vocabulary: Vocabulary,
        mut row: ContainerRow,
    ) -> Answer<Self> {
        let (annotations, customer) = (&*state.queries.annotations, row.id.customer);
        let rows = std::slice::from_mut(&mut row);
        let hidden = count_visible(annotations, &caller.principal, customer, rows).await?;
        let hidden = hidden.get(&row.id).copied().unwrap_or_default();
        Ok(Self { state, caller, vocabulary, row, hidden })
    }

    /// Says whether it looks like this to everybody.
    fn is_open(&self) -> bool {
        self.row.roles.is_empty() && self.caller.principal == Principal::Anonymous
    }

    fn address(&self) -> String {
        self.state.public_url.at(self.vocabulary.container_path(&self.row.id))
    }

    fn page_address(&self, leaf: Leaf) -> String {
        let Leaf { number, by_iri, is_descending } = leaf;
        let order = if is_descending { "&desc=1" } else { "" };
        format!("{}?page={number}&iris={}{order}", self.address(), u8::from(by_iri))
    }

    fn last(&self) -> Option<u64> {
        (self.row.total > 0).then(|| (self.row.total - 1) / PAGE_SIZE as u64)
    }

    /// The edit revision tells what may be changed, the position what is in it. What is hidden from
    /// the caller has no time.
    fn validators(&self) -> Validators {
        let ContainerRow { edit_revision, position, modified_at_us, .. } = self.row;
        match self.hidden {
            Hidden { count: 0, .. } => Validators {
                etag: format!("{edit_revision}-{position}"),
                modified_at_us: Some(modified_at_us),
            },
            Hidden { count, position: closed } => Validators {
                etag: format!("{edit_revision}-{position}-{count}-{closed}"),
                modified_at_us: None,
            },
        }
    }

    async fn container(&self, shown: Shown) -> Answer<Sent> {
        let leaf = |number| Leaf { number, by_iri: shown.by_iri, is_descending: false };
        let pages =
            self.last().map(|last| (self.page_address(leaf(0)), self.page_address(leaf(last))));
        let first = match (&pages, shown.is_minimal) {
            (Some(_), false) => self.page(leaf(0)).await?.map(container::embedded_page),
            _ => None,
        };
        let collection = Collection {
            id: self.address(),
            label: self.row.label.clone(),
            created: iso(self.row.created_at_us),
            modified: iso(self.row.modified_at_us),
            total: self.row.total,
            pages,
        };
        Ok(Sent {
            kind: Kind::Container,
            vocabulary: self.vocabulary,
            document: self.worded(container::collection(&collection, first)),
            validators: self.validators(),
            is_open: self.is_open(),
            location: self.address(),
        })
    }

    /// Returns a page; `None`: there is no such page.
    async fn page(&self, leaf: Leaf) -> Answer<Option<Page>> {
        let Some(last) = self.last().filter(|last| leaf.number <= *last) else { return Ok(None) };
        let start_index = leaf.number * PAGE_SIZE as u64;
        let customer = self.row.id.customer;
        let container = Some(self.row.id.clone());
        let filter = AnnotationFilter { container, ..AnnotationFilter::of(customer) };
        let request = PageRequest {
            limit: PAGE_SIZE,
            after: None,
            offset: usize::try_from(start_index).unwrap_or(usize::MAX),
            direction: match leaf.is_descending {
                true => Direction::Descending,
                false => Direction::Ascending,
            },
        };
        let annotations = &self.state.queries.annotations;
        let found = annotations.find(&self.caller.principal, &filter, &request, false).await?;
        let base = &self.state.public_url;
        let items = match leaf.by_iri {
            true => {
                let paths = found.items.iter().map(|it| self.vocabulary.annotation_path(&it.id));
                Items::Iris(paths.map(|path| base.at(path)).collect())
            }
            false => {
                let shown = found.items.iter().map(|it| self.vocabulary.show(base, it));
                Items::Descriptions(shown.collect::<Answer<_>>()?)
            }
        };
        let at = |number| self.page_address(Leaf { number, ..leaf });
        Ok(Some(Page {
            id: at(leaf.number),
            part_of: self.address(),
            total: self.row.total,
            start_index,
            next: (leaf.number < last).then(|| at(leaf.number + 1)),
            prev: leaf.number.checked_sub(1).map(at),
            items,
        }))
    }

    /// Open Annotation is printed in its own context.
    fn worded(&self, document: Value) -> Value {
        self.vocabulary.worded(document)
    }
}

async fn answer(
    request: &Incoming,
    vocabulary: Vocabulary,
    id: ContainerId,
    decided: Decided,
    status: StatusCode,
) -> Answer {
    let path = vocabulary.container_path(&id);
    let done = Done { status, resource: Resource::Container(id.clone()), decided, path };
    let row = match request.settled(&done).await {
        true => request.state.queries.annotations.container(&id).await?,
        false => None,
    };
    let mut response = match row {
        _ if status == StatusCode::NO_CONTENT => no_content(Kind::Container),
        None => return request.answer(&done, None),
        Some(row) => {
            let (state, caller) = (&request.state, &request.caller);
            let book = Book::open(state, caller, vocabulary, row).await?;
            book.container(Shown::preferred(&request.headers)).await?.written(status)?
        }
    };
    insert_position(response.headers_mut(), done.decided.position);
    Ok(response)
}

/// Returns the container of the address, and takes from `If-Match` what edits are guarded by: the
/// tag of a container tells what is in it too, which is nobody's edit.
fn id(request: &mut Incoming) -> Answer<ContainerId> {
    let customer = request.caller.customer()?;
    if let Some(tag) = request.headers.get(header::IF_MATCH) {
        let text = tag.to_str().unwrap_or_default().trim().trim_start_matches("W/");
        let edits = text.trim_matches('"').split('-').next().unwrap_or_default();
        let edits = if text == "*" { "*".to_owned() } else { format!("\"{edits}\"") };
        let edits = HeaderValue::try_from(edits).map_err(Problem::internal)?;
        request.headers.insert(header::IF_MATCH, edits);
    }
    Ok(ContainerId { customer, id: request.params.get("container").to_owned() })
}

fn new_container(body: &Value) -> Answer<NewContainer> {
    let fields = Fields::of(body)?;
    let is_collection = |it: &Value| it == "AnnotationCollection" || it == "BasicContainer";
    let is_right = match fields.get("type") {
        None => true,
        Some(Value::Array(types)) => types.iter().any(is_collection),
        Some(one) => is_collection(one),
    };
    if !is_right {
        let detail = "a container is an `AnnotationCollection`";
        return Err(Problem::field("type", detail));
    }
    let label = fields.text("label")?.unwrap_or_default().to_owned();
    Ok(NewContainer { label, roles: fields.texts("roles")?.unwrap_or_default() })
}

/// Returns the suggestion of a client as a segment of an address: letters, digits, `-`, `_`, `.`.
fn slug(headers: &HeaderMap) -> Option<String> {
    let text = headers.get("slug")?.to_str().ok()?;
    let plain = |it: char| if it.is_ascii_alphanumeric() || "-_.".contains(it) { it } else { '-' };
    let slug: String = text.trim().chars().take(128).map(plain).collect();
    let slug = slug.trim_matches(|it| it == '-' || it == '.').to_owned();
    (!slug.is_empty()).then_some(slug)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suggestion_becomes_a_segment() {
        let read = |text: &str| {
            let value = HeaderValue::try_from(text).expect("a header");
            slug(&HeaderMap::from_iter([(header::HeaderName::from_static("slug"), value)]))
        };
        assert_eq!(read("My notes/1").as_deref(), Some("My-notes-1"));
        assert_eq!(read("../..").as_deref(), None);
        assert_eq!(read(" ").as_deref(), None);
        assert_eq!(slug(&HeaderMap::new()), None);
    }
}
