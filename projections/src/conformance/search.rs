//! What every search index must pass: one library of pages, one list of cases, the same answers
//! down to the boxes; and what happens to an index as pages change.
//!
//! An engine gives a constructor and says when what was applied can be found. Everything else is
//! here.

mod changes;
mod given;
mod hostile;
mod lists;
mod pages;
mod scenarios;

pub use given::{Library, customer, layout};
pub use pages::{PAGES, PageText};

use crate::projection::ReadModel;
use crate::search::SearchIndex;
use async_trait::async_trait;
use dlcs_objects::Objects;
use std::sync::Arc;

/// An index under test, empty at first.
#[async_trait]
pub trait SearchEngine: Send + Sync {
    fn model(&self) -> Arc<dyn ReadModel>;
    fn index(&self) -> Arc<dyn SearchIndex>;

    /// Returns when everything that was applied can be found.
    async fn settle(&self) {}
}

/// Runs every case. `make` gives an empty index that reads page records from a store.
pub async fn search<E: SearchEngine>(make: impl AsyncFn(Arc<dyn Objects>) -> E) {
    let library = Library::with_all_pages(&make).await;
    scenarios::every_case_has_its_hits(&library).await;
    lists::every_part_of_the_hits_is_the_same_list(&library).await;
    lists::pages_come_in_the_order_of_the_manifest(&library).await;
    lists::the_best_page_comes_first(&library).await;
    lists::twenty_thousand_pages_are_one_scope(&library).await;
    lists::words_are_suggested_with_their_pages(&library).await;
    lists::suggestions_keep_secrets(&library).await;
    hostile::nothing_is_an_operator_that_should_not_be(&library).await;
    hostile::limits_are_told(&library).await;
    hostile::deep_parts_are_refused(&library).await;
    macro_rules! run {
        ($($module:ident::$case:ident,)*) => {
            $($module::$case(&Library::new(&make).await).await;)*
        };
    }
    run! {
        changes::a_correction_replaces_the_text,
        changes::a_withdrawn_text_is_not_found,
        changes::a_deleted_asset_is_not_found,
        changes::an_asset_that_is_registered_again_begins_without_text,
        changes::access_opens_and_closes_what_is_found,
        changes::another_original_takes_recognised_text_away,
        changes::imported_text_stays_with_another_original,
        changes::the_late_result_of_an_old_attempt_changes_nothing,
        changes::a_page_without_its_record_hides_no_other,
        changes::a_poison_event_parks_its_stream_and_no_other,
        changes::a_checkpoint_that_moved_is_told,
    }
    changes::a_rebuild_stops_at_poison(&Library::new(&make).await).await;
    changes::pieces_of_any_size_give_equal_dumps(&make).await;
}
