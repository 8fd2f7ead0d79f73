//! What every store of read models must pass. Each case panics with what was wrong.

mod access;
mod activities;
mod annotations;
mod api_keys;
mod assets;
mod audit_tree;
mod batches;
mod definitions;
pub mod given;
mod lists;
mod manifests;
mod named_queries;
mod poison;
pub mod search;
mod spaces;
mod texts;

pub use given::Given;

use annotations::{closed, words};

use crate::Queries;
use crate::projection::ReadModel;
use dlcs_eventlog::EventLog;
use std::sync::Arc;

/// A store under test, fed from a log and empty at first.
pub trait Store {
    fn queries(&self) -> Queries;
    fn models(&self) -> Vec<Arc<dyn ReadModel>>;
}

/// Runs every case. `make` gives an empty store that is fed from the log.
pub async fn read_models<S: Store>(make: impl AsyncFn(Arc<dyn EventLog>) -> S) {
    macro_rules! run {
        ($($module:ident::$case:ident,)*) => {
            $($module::$case(&Given::new(&make).await).await;)*
        };
    }
    run! {
        assets::an_asset_is_registered_delivered_and_deleted,
        assets::size_limits_come_with_an_image_and_change,
        assets::a_failure_that_is_repeated_is_not_the_end,
        assets::what_was_delivered_is_shown_until_there_is_better,
        assets::the_late_result_of_an_old_attempt_changes_nothing,
        assets::edits_are_counted_as_the_aggregate_counts_them,
        assets::rows_come_in_the_order_of_the_ids,
        assets::images_come_in_the_order_of_the_ids,
        api_keys::a_key_is_found_until_it_is_revoked,
        definitions::roles_and_services_are_defined_changed_and_removed,
        definitions::accounts_and_webhooks_are_kept_beside_them,
        definitions::custom_headers_are_kept_beside_them,
        named_queries::a_named_query_is_defined_changed_and_removed,
        activities::what_happened_is_told_in_order,
        activities::activities_are_read_by_their_numbers,
        activities::collections_are_told_of_while_they_are_public,
        activities::a_customer_has_activities_until_it_goes,
        annotations::a_container_counts_its_living_annotations,
        annotations::annotations_are_found_by_what_they_are_about,
        annotations::annotations_of_many_canvases_come_together,
        annotations::what_is_in_a_closed_container_is_closed,
        annotations::annotations_come_in_pages_in_both_directions,
        closed::what_is_said_of_a_closed_image_is_closed,
        closed::what_is_said_of_an_image_follows_its_roles,
        closed::a_role_opens_a_container,
        words::annotations_are_found_by_what_they_say,
        words::signs_of_a_query_are_plain_text,
        words::what_annotations_say_changes_with_them,
        words::words_go_with_every_other_question,
        texts::a_text_goes_from_request_to_correction,
        texts::recognised_text_is_shown_with_its_image_only,
        texts::the_late_result_of_an_old_attempt_changes_nothing,
        texts::a_text_goes_with_its_asset,
        texts::a_closed_text_is_shown_to_its_customer_only,
        texts::texts_come_in_the_order_of_the_ids,
        audit_tree::the_tree_is_that_of_the_log,
        batches::a_batch_is_a_fold_of_its_members,
        batches::each_queue_counts_what_waits_in_it,
        batches::members_may_come_before_the_batch,
        batches::a_newer_batch_takes_members_over,
        batches::a_member_that_was_asked_for_twice_counts_once,
        batches::batches_that_run_and_that_are_done_are_listed,
        spaces::names_are_found_without_case,
        spaces::a_space_counts_its_living_assets,
        spaces::a_space_sums_up_what_is_kept,
        spaces::a_space_that_is_created_again_is_there_again,
        manifests::a_manifest_is_found_by_slug_and_keeps_its_place,
        manifests::edits_of_a_manifest_stay_until_its_document_is_kept_anew,
        manifests::a_manifest_moves_and_goes,
        manifests::a_collection_lists_what_is_in_it,
        manifests::former_paths_lead_to_what_has_moved,
        manifests::a_collection_is_shown_hidden_deleted_and_restored,
        spaces::the_audit_trail_tells_who_did_what,
        lists::every_filter_finds_what_it_should,
        lists::pages_give_every_row_once_in_both_directions,
        lists::a_foreign_cursor_is_refused,
        access::a_key_sees_its_own_customer_only,
        access::anonymous_sees_what_is_public,
        poison::a_poison_event_parks_its_stream_and_no_other,
        poison::a_rebuild_stops_at_poison,
        poison::a_checkpoint_that_moved_is_told,
    }
    poison::pieces_of_any_size_give_equal_dumps(&make).await;
}
