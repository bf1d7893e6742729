//! The list of all cases, as tests.

/// Runs the conformance suite against a type that implements [`StoreUnderTest`](crate::testing::StoreUnderTest): one
/// test for each case, and two random comparisons with the model.
///
/// ```
/// mod conformance {
///     swing_core::conformance!(swing_core::testing::model::ModelUnderTest);
/// }
/// ```
#[macro_export]
macro_rules! conformance {
    ($store:ty) => {
        $crate::conformance!(@cases $store, kv:
            a_key_has_the_value_that_was_set_last,
            keys_are_in_the_order_of_their_utf8_bytes,
            the_next_key_is_found_from_keys_that_are_not_there,
            committed_and_uncommitted_keys_are_one_store,
            keys_and_values_may_be_long_empty_or_odd,
            the_kernel_can_do_nothing_with_host_keys,
            the_kernels_next_key_steps_over_the_host_section,
            the_host_writes_only_host_keys,
            the_host_reads_everything,
            host_and_local_keys_are_neither_hashed_nor_exported,
            keys_that_only_resemble_a_section_are_consensus_keys,
        );
        $crate::conformance!(@cases $store, cranks:
            a_crankhash_is_over_all_changes_in_the_order_of_the_calls,
            deleting_an_absent_key_still_hashes_and_exports,
            setting_the_same_value_again_still_hashes_and_exports,
            an_empty_crank_has_the_hash_of_nothing,
            activityhashes_chain_from_the_empty_text,
            the_activityhash_is_a_key_that_is_exported_but_not_hashed,
            crank_hashes_are_emitted_outside_a_crank_too,
            starting_a_crank_drops_what_was_not_emitted_from_the_hash,
            a_crankhash_goes_on_until_it_is_emitted,
            a_rollback_does_not_rewind_the_crankhash,
            a_rollback_does_rewind_the_activityhash,
            a_refused_call_is_not_hashed,
            a_crank_inside_a_crank_is_refused,
            what_belongs_in_a_crank_is_refused_outside_one,
            a_rollback_undoes_changes_of_every_kind,
            a_rollback_keeps_what_was_done_before_the_savepoint,
            a_rollback_forgets_its_savepoint_and_all_later_ones,
            of_two_savepoints_with_one_name_the_first_counts,
            an_unknown_savepoint_is_refused_and_nothing_changes,
            savepoints_may_have_any_name,
            savepoints_end_with_their_crank,
        );
        $crate::conformance!(@cases $store, exports:
            a_batch_is_in_key_order_with_the_last_change_of_each_key,
            a_key_that_was_deleted_and_set_again_is_exported_with_its_value,
            each_crank_has_its_batch_and_the_commit_has_the_rest,
            a_batch_is_never_empty,
            a_rolled_back_crank_leaves_no_export,
            a_callback_that_fails_at_the_end_of_a_crank_leaves_it_open_and_loses_nothing,
            a_callback_that_fails_in_a_commit_commits_nothing_and_loses_nothing,
            what_a_failed_commit_left_is_abandoned_by_closing,
            without_a_callback_everything_else_is_the_same,
            all_batches_add_up_to_the_full_export,
            a_full_export_is_in_its_own_order_and_not_in_that_of_keys,
        );
        $crate::conformance!(@cases $store, blocks:
            what_is_committed_is_there_after_reopening,
            what_is_not_committed_is_gone_after_reopening,
            ending_a_crank_commits_nothing,
            a_commit_inside_a_crank_is_refused,
            a_commit_without_changes_is_no_error,
            reopening_ends_a_crank_and_its_hash,
            many_blocks_of_many_cranks_end_where_they_should,
        );
        $crate::conformance!(@cases $store, transcripts:
            a_new_transcript_is_an_empty_span_at_zero,
            a_vat_has_one_transcript,
            a_span_hash_is_over_its_items_one_after_another,
            items_are_read_in_order_committed_or_not,
            adding_an_item_exports_the_current_span,
            an_item_may_hold_anything_but_a_line_feed,
            items_need_a_current_span,
            rolling_over_closes_the_span_and_opens_an_empty_one,
            a_new_incarnation_counts_up_and_its_items_say_so,
            rolling_an_empty_span_over_is_refused_and_nothing_changes,
            a_vat_that_was_never_there_has_no_spans,
            a_span_is_found_by_its_start_only,
            closed_spans_keep_their_items_if_they_are_to_be_kept,
            closed_spans_lose_their_items_but_not_their_records_if_not,
            stopping_a_transcript_closes_its_span_for_good,
            stopping_right_after_a_rollover_leaves_an_empty_closed_span,
            deleting_within_a_budget_takes_the_newest_spans_first,
            deleting_without_a_budget_takes_all_spans_and_no_other_vats,
            a_deleted_vat_can_begin_anew,
            a_rolled_back_deletion_deletes_nothing,
        );
        $crate::conformance!(@cases $store, snapshots:
            a_snapshot_is_loaded_as_it_was_saved,
            saving_exports_the_record_and_which_one_is_current,
            a_new_snapshot_takes_the_place_of_the_one_in_use,
            saving_at_the_same_position_replaces_the_snapshot_there,
            a_vat_without_a_snapshot_has_none,
            a_stream_that_fails_changes_nothing,
            stopping_keeps_the_record_and_takes_the_current_one_back,
            unused_snapshots_lose_their_bytes_unless_they_are_kept,
            deleting_without_a_budget_always_takes_the_current_one_back,
            deleting_within_a_budget_takes_the_newest_first,
            a_budget_of_just_enough_is_done_at_once,
            deleting_all_unused_snapshots_tells_nobody,
        );
        $crate::conformance!(@cases $store, bundles:
            bundles_come_back_as_they_went,
            adding_and_deleting_a_bundle_are_exported,
            deleting_an_absent_bundle_does_nothing,
            an_absent_bundle_cannot_be_had,
            a_bundle_is_added_once,
            an_id_that_is_not_the_bundles_is_refused,
            a_nested_bundle_of_another_module_format_is_refused,
        );
        $crate::conformance!(@cases $store, worked_example:
            the_worked_example_has_its_published_hashes,
        );
        #[test]
        fn random_calls_get_the_models_answers() {
            use $crate::testing::suite::{RandomRun, random_calls_get_the_models_answers};
            random_calls_get_the_models_answers::<$store>(RandomRun::default());
        }

        #[test]
        fn many_random_calls_get_the_models_answers() {
            use $crate::testing::suite::{RandomRun, random_calls_get_the_models_answers};
            random_calls_get_the_models_answers::<$store>(RandomRun::long());
        }
    };
    (@cases $store:ty, $file:ident: $($case:ident,)+) => {
        $(
            #[test]
            fn $case() {
                $crate::testing::suite::$file::$case::<$store>();
            }
        )+
    };
}
