//! Following the annotations on a target.

use super::change;
use crate::context::{customer_id, principal, query_error, refused, state};
use crate::types::annotation::{self, Annotation};
use async_graphql::{Context, Error, Result, SimpleObject, Subscription};
use dlcs_domain::access::Principal;
use dlcs_domain::{AnnotationId, ContainerId};
use dlcs_projections::annotations::{AnnotationFilter, AnnotationRow, NAME};
use dlcs_projections::paging::Direction;
use dlcs_projections::{PageRequest, Position, Queries};
use futures::Stream;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::sync::watch::Receiver;

/// Annotations on one target that can be followed.
const FOLLOWED_MAX: usize = 500;
/// Questions to the read model at the same time, of all subscribers together: one change wakes
/// all of them, and the others wait.
const LOOKS_AT_ONCE: usize = 8;
/// Pause before a look, so that many changes at once are one.
const GATHER: Duration = Duration::from_millis(250);

/// What is different from what was told before.
#[derive(SimpleObject)]
pub(crate) struct AnnotationChanges {
    /// The first answer: what is not among `changed` is not there.
    whole: bool,
    /// All of them at first, then those that are new or were changed, in the order in which they
    /// were first written.
    changed: Vec<Annotation>,
    /// Addresses of those that were deleted, are about something else now, or may not be read any
    /// more.
    gone: Vec<String>,
}

pub(super) struct AnnotationSubscription {
    looks: Arc<Semaphore>,
}

impl Default for AnnotationSubscription {
    fn default() -> Self {
        Self { looks: Arc::new(Semaphore::new(LOOKS_AT_ONCE)) }
    }
}

#[Subscription]
impl AnnotationSubscription {
    /// Follows the annotations on a target, for example a canvas: all that may be read now, then
    /// each change. At most 500.
    async fn annotation_changes(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 1)] customer: u32,
        target: String,
        container: Option<String>,
    ) -> Result<impl Stream<Item = Result<AnnotationChanges>> + use<>> {
        let customer = customer_id(customer)?;
        let state = state(ctx);
        let source = target.split_once('#').map_or(target.as_str(), |(source, _)| source);
        let filter = AnnotationFilter {
            container: container.map(|id| ContainerId { customer, id }),
            source: Some(state.annotations.relative(source)),
            ..AnnotationFilter::of(customer)
        };
        let queries = state.queries.clone();
        let position = queries.freshness.subscribe(NAME);
        let public_url = state.public_url.to_string();
        let who = principal(ctx);
        let told = Told::default();
        let looks = Arc::clone(&self.looks);
        let begin =
            Follow { queries, looks, who, filter, public_url, position, told, ended: false };
        Ok(futures::stream::unfold(begin, |mut follow| async move {
            let item = follow.next().await?;
            Some((item, follow))
        }))
    }
}

/// Looks when it is asked for more: a slow subscriber is told less often, and nothing waits for it.
struct Follow {
    queries: Queries,
    looks: Arc<Semaphore>,
    who: Principal,
    filter: AnnotationFilter,
    public_url: String,
    position: Option<Receiver<Position>>,
    told: Told,
    ended: bool,
}

impl Follow {
    /// Waits for the next change; the access is decided again each time.
    async fn next(&mut self) -> Option<Result<AnnotationChanges>> {
        while !self.ended {
            if !self.told.is_new() {
                change(&mut self.position).await;
                tokio::time::sleep(GATHER).await;
                // What has come meanwhile is seen by this very look.
                self.position.iter_mut().for_each(Receiver::mark_unchanged);
            }
            match self.look().await {
                Ok(rows) => {
                    if let Some(news) = self.told.tell(rows) {
                        return Some(Ok(self.shown(news)));
                    }
                }
                Err(error) => {
                    self.ended = true;
                    return Some(Err(error));
                }
            }
        }
        None
    }

    async fn look(&self) -> Result<Vec<AnnotationRow>, Error> {
        let page = PageRequest {
            limit: FOLLOWED_MAX,
            after: None,
            offset: 0,
            direction: Direction::Ascending,
        };
        let _turn = self.looks.acquire().await;
        let annotations = &self.queries.annotations;
        let found = annotations.find(&self.who, &self.filter, &page, false).await;
        let found = found.map_err(query_error)?;
        if found.has_more {
            let message = format!("more than {FOLLOWED_MAX} annotations cannot be followed");
            return Err(refused("too-many", message));
        }
        Ok(found.items)
    }

    fn shown(&self, news: News) -> AnnotationChanges {
        let address = |id: &AnnotationId| annotation::address(&self.public_url, id);
        AnnotationChanges {
            whole: news.whole,
            changed: news.changed.into_iter().map(Annotation::from).collect(),
            gone: news.gone.iter().map(address).collect(),
        }
    }
}

/// What a subscriber knows: annotations, with the position of the last change of each.
#[derive(Default)]
struct Told(Option<BTreeMap<AnnotationId, u64>>);

struct News {
    whole: bool,
    changed: Vec<AnnotationRow>,
    gone: Vec<AnnotationId>,
}

impl Told {
    fn is_new(&self) -> bool {
        self.0.is_none()
    }

    /// Takes what is there now, and returns what is new in it; at first everything is, even nothing.
    fn tell(&mut self, rows: Vec<AnnotationRow>) -> Option<News> {
        let whole = self.is_new();
        let now = rows.iter().map(|row| (row.id.clone(), row.position)).collect();
        let before = self.0.replace(now).unwrap_or_default();
        let now = self.0.get_or_insert_default();
        let gone: Vec<_> = before.keys().filter(|id| !now.contains_key(*id)).cloned().collect();
        let is_new = |row: &AnnotationRow| before.get(&row.id) != Some(&row.position);
        let changed: Vec<_> = rows.into_iter().filter(is_new).collect();
        let is_news = whole || !changed.is_empty() || !gone.is_empty();
        is_news.then_some(News { whole, changed, gone })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: &str, position: u64) -> AnnotationRow {
        AnnotationRow {
            id: format!("1/notes/{id}").parse().unwrap(),
            document: "{}".into(),
            subjects: vec![],
            motivations: vec![],
            creators: vec![],
            deleted: false,
            created_at_us: 0,
            modified_at_us: 0,
            edit_revision: 1,
            position,
        }
    }

    /// Says what is told: `whole` or not, the changed ones, those that are gone.
    fn told(told: &mut Told, rows: &[(&str, u64)]) -> Option<String> {
        let news = told.tell(rows.iter().map(|(id, position)| row(id, *position)).collect())?;
        let changed: Vec<_> = news.changed.iter().map(|it| it.id.id.as_str()).collect();
        let gone: Vec<_> = news.gone.iter().map(|it| it.id.as_str()).collect();
        Some(format!("{} +{} -{}", news.whole, changed.join(","), gone.join(",")))
    }

    #[test]
    fn everything_is_told_at_first_and_then_what_is_different() {
        let mut known = Told::default();
        let mut told = |rows: &[(&str, u64)]| told(&mut known, rows);
        assert_eq!(told(&[("a", 1), ("b", 2)]).as_deref(), Some("true +a,b -"));
        assert_eq!(told(&[("a", 1), ("b", 2)]), None);
        assert_eq!(told(&[("a", 3), ("b", 2), ("c", 4)]).as_deref(), Some("false +a,c -"));
        assert_eq!(told(&[("a", 3), ("c", 4)]).as_deref(), Some("false + -b"));
        assert_eq!(told(&[("b", 5), ("c", 4)]).as_deref(), Some("false +b -a"));
        assert_eq!(told(&[("b", 5), ("c", 4)]), None);
    }

    #[test]
    fn that_there_is_nothing_is_told_once() {
        let mut known = Told::default();
        assert_eq!(told(&mut known, &[]).as_deref(), Some("true + -"));
        assert_eq!(told(&mut known, &[]), None);
    }
}
