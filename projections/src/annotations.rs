//! Which annotations are there: in a container, on a canvas, by whom, and why?
//!
//! Containers belong to the same projection, so that totals agree with lists; closed images too, so
//! that what is said of them is seen by those who may see them.

mod about;
mod fold;
mod words;

pub use words::{Sought, WordsQuery};

pub use fold::{
    AnnotationRecord, AnnotationsChange, AnnotationsTables, ClosedAsset, ContainerRecord, Term,
    TermKind, fold, project,
};

use crate::paging::{Page, PageRequest, QueryError};
use async_trait::async_trait;
use dlcs_domain::access::{AccessRule, Action, Decision, Principal, decide, role_name};
use dlcs_domain::{AnnotationId, AssetId, ContainerId, CustomerId};
pub use dlcs_iiif::web_annotation::Subject;
pub use dlcs_iiif::web_annotation::region::Region;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// Name of the projection.
pub const NAME: &str = "annotations";
/// Version of its rows.
pub const VERSION: u32 = 3;

/// A container and how much is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerRow {
    pub id: ContainerId,
    /// May be empty.
    pub label: String,
    /// Who may read it; anybody when there is none.
    pub roles: Vec<String>,
    pub deleted: bool,
    /// Living annotations, those too that not everybody may see.
    pub total: u64,
    /// Microseconds since 1970.
    pub created_at_us: i64,
    /// Of the container, or of anything in it.
    pub modified_at_us: i64,
    /// Counts clients' edits of the container itself.
    pub edit_revision: u64,
    /// Position of the newest event of the container, or of anything in it.
    pub position: u64,
}

impl ContainerRow {
    /// Returns the rule that guards the container and what is in it.
    pub fn rule(&self) -> AccessRule {
        AccessRule::of_asset(self.id.customer, &self.roles)
    }

    /// Says whether a principal may read what is in it.
    pub fn is_readable_by(&self, principal: &Principal) -> bool {
        decide(principal, &self.rule(), Action::ReadContent) == Decision::Granted
    }

    /// Returns the names of the roles that can open it.
    pub fn role_names(&self) -> Vec<String> {
        holdable(&self.roles)
    }
}

/// Returns the names of those roles that somebody can hold: none has a control character, which
/// databases need not agree about.
fn holdable(roles: &[String]) -> Vec<String> {
    let names = roles.iter().map(|it| role_name(it));
    names.filter(|it| !it.chars().any(char::is_control)).map(str::to_owned).collect()
}

/// An annotation as delivery and GraphQL show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnnotationRow {
    pub id: AnnotationId,
    /// JSON text without id, relative to the placeholder; empty once it is deleted.
    pub document: String,
    /// What it is about.
    pub subjects: Vec<Subject>,
    pub motivations: Vec<String>,
    /// Addresses and names of those who made it.
    pub creators: Vec<String>,
    pub deleted: bool,
    pub created_at_us: i64,
    pub modified_at_us: i64,
    pub edit_revision: u64,
    pub position: u64,
}

impl AnnotationRow {
    /// Returns the images of its customer that it is about: who may see them may see it.
    pub fn assets(&self) -> impl Iterator<Item = AssetId> {
        let assets = self.subjects.iter().filter_map(|it| about::asset_of(&it.source));
        assets.filter(|it| it.customer() == self.id.container.customer)
    }
}

/// What a question about annotations is narrowed to. Every field that is given must match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnnotationFilter {
    pub customer: CustomerId,
    pub container: Option<ContainerId>,
    /// IRI without fragment, relative to the placeholder where it is ours.
    pub source: Option<String>,
    /// Boxes that overlap with this one, and what is about the whole source; with `source`.
    pub region: Option<Region>,
    pub motivation: Option<String>,
    /// Address or name.
    pub creator: Option<String>,
    /// What its bodies say, tags too.
    pub words: Option<WordsQuery>,
    /// First written at this time or later, in microseconds since 1970.
    pub from_us: Option<i64>,
    /// First written before this time.
    pub until_us: Option<i64>,
}

impl AnnotationFilter {
    /// Asks for everything of a customer.
    pub fn of(customer: CustomerId) -> Self {
        Self {
            customer,
            container: None,
            source: None,
            region: None,
            motivation: None,
            creator: None,
            words: None,
            from_us: None,
            until_us: None,
        }
    }
}

/// A canvas, or something else, with annotations that anybody may read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Annotated {
    pub source: String,
    /// Of the newest of them.
    pub modified_at_us: i64,
}

/// What somebody may not see of a container that they may read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Hidden {
    /// Annotations about closed images.
    pub count: u64,
    /// Position of the newest event that closed one of these; 0: there are none.
    pub position: u64,
}

/// Lets containers of a customer count what the principal may see, and returns how much that left
/// out.
pub async fn count_visible(
    annotations: &dyn Annotations,
    principal: &Principal,
    customer: CustomerId,
    containers: &mut [ContainerRow],
) -> Result<HashMap<ContainerId, Hidden>, QueryError> {
    let hidden = annotations.hidden(principal, customer).await?;
    for container in containers {
        if let Some(hidden) = hidden.get(&container.id) {
            container.total = container.total.saturating_sub(hidden.count);
        }
    }
    Ok(hidden)
}

#[async_trait]
pub trait Annotations: Send + Sync {
    /// Returns a container, deleted ones and closed ones too: whoever asks decides by its rule.
    async fn container(&self, id: &ContainerId) -> Result<Option<ContainerRow>, QueryError>;

    /// Lists the living containers of a customer that the principal may read, in the order of
    /// creation. With the total.
    async fn containers(
        &self,
        principal: &Principal,
        customer: CustomerId,
        page: &PageRequest,
    ) -> Result<Page<ContainerRow>, QueryError>;

    /// Returns how much the principal may not see, by container, of those that hold something of
    /// the kind.
    async fn hidden(
        &self,
        principal: &Principal,
        customer: CustomerId,
    ) -> Result<HashMap<ContainerId, Hidden>, QueryError>;

    /// Returns an annotation, deleted ones too: whoever asks decides by the rule of its container,
    /// and by those of the images that it is about.
    async fn annotation(&self, id: &AnnotationId) -> Result<Option<AnnotationRow>, QueryError>;

    /// Returns the rules of those of these images that are closed: all of them must let a reader
    /// in.
    async fn rules_of(&self, assets: &[AssetId]) -> Result<Vec<AccessRule>, QueryError>;

    /// Lists living annotations that the principal may see, in living containers that the principal
    /// may read, in the order of creation.
    async fn find(
        &self,
        principal: &Principal,
        filter: &AnnotationFilter,
        page: &PageRequest,
        with_total: bool,
    ) -> Result<Page<AnnotationRow>, QueryError>;

    /// Returns the first annotations of each of these sources, as `find` lists them, with one query.
    async fn on_sources(
        &self,
        principal: &Principal,
        customer: CustomerId,
        sources: &[String],
        first: usize,
    ) -> Result<HashMap<String, Vec<AnnotationRow>>, QueryError>;

    /// Returns those of these sources that have annotations, in open containers of a customer, that
    /// anybody may see.
    async fn annotated(
        &self,
        customer: CustomerId,
        sources: &[String],
    ) -> Result<Vec<Annotated>, QueryError>;
}

/// Says whether a principal manages a customer, and so reads all that is closed there.
pub fn reads_all(principal: &Principal, customer: CustomerId) -> bool {
    let rule = AccessRule::Management { customer };
    decide(principal, &rule, Action::ReadManagement) == Decision::Granted
}
