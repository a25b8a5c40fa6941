"""The failure catalogue: every row has its tests, and every test exists.

Row numbers are those of the catalogue of order protocol faults. Rows of the live feed and of screen text
belong to other tables.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
ROWS = [*range(1, 18), *range(24, 34), *range(35, 39), 45, *range(48, 51), *range(53, 66), 68]

FAULTS = "faults/test_faulted_submissions.py::test_no_order_is_doubled_lost_or_misjudged_under_any_fault"

# row: (fault, tests that prove the state afterwards and what the user sees)
PROOFS: dict[int, tuple[str, list[str]]] = {
    1: (
        "no name, refused, connect time-out, TLS",
        [
            "exchange/http/test_transport.py::test_an_unknown_host_name_proves_that_nothing_was_sent",
            "exchange/http/test_transport.py::test_a_refused_connection_proves_that_nothing_was_sent",
            "exchange/http/test_transport.py::test_an_unanswered_connection_proves_that_nothing_was_sent",
            "exchange/http/test_transport.py::test_a_certificate_of_another_host_proves_that_nothing_was_sent",
            "orders/execution/test_submission.py::test_an_exchange_that_cannot_be_reached_got_nothing",
            "orders/execution/test_submission.py::test_what_never_left_is_sent_again_twice_at_most_with_the_same_id",
        ],
    ),
    2: (
        "time-out after the exchange accepted",
        [
            "orders/execution/test_submission.py::test_an_order_whose_answer_was_lost_is_found_by_its_own_id",
            "journeys/test_signals.py::test_ctrl_c_waits_for_the_order_and_shows_what_became_of_it",
            FAULTS,
        ],
    ),
    3: (
        "request lost before the exchange",
        [
            "orders/execution/test_submission.py::"
            "test_an_order_proved_absent_is_reported_as_not_placed_with_the_time_of_the_proof",
            "orders/execution/test_recovery.py::test_absence_needs_two_whole_fresh_looks_apart",
            "journeys/test_signals.py::"
            "test_during_an_unknown_outcome_the_screen_says_what_to_do_and_the_menu_works",
        ],
    ),
    4: (
        "request arrives late",
        [
            "orders/execution/test_submission.py::test_an_order_that_shows_up_late_is_found_at_a_later_look",
            "orders/execution/test_recovery.py::"
            "test_an_order_that_had_been_written_off_is_adopted_and_announced_once",
            "orders/execution/test_recovery.py::"
            "test_an_order_proved_absent_here_is_noticed_when_it_appears_after_all",
            FAULTS,
        ],
    ),
    5: (
        "reset in the answer, truncated body",
        [
            "exchange/http/test_transport.py::test_an_answer_cut_off_anywhere_leaves_the_order_unknown",
            "exchange/http/test_transport.py::test_an_answer_in_chunks_cut_off_anywhere_leaves_the_order_unknown",
        ],
    ),
    6: (
        "201 with invalid JSON, without an order, or of another order",
        [
            "test_api_client.py::test_an_answer_that_does_not_fit_the_order_leaves_it_unknown",
            "orders/execution/test_submission.py::test_an_order_that_is_not_found_stays_unknown_and_unresolved",
            FAULTS,
        ],
    ),
    7: (
        "success that carries an error",
        [
            "exchange/http/test_error_mapping.py::test_a_success_that_is_none_leaves_the_order_unknown",
            "orders/execution/test_submission.py::test_an_order_that_is_not_found_stays_unknown_and_unresolved",
            FAULTS,
        ],
    ),
    8: (
        "pages of proxies, 408, 425, 5xx, redirects",
        [
            "exchange/http/test_error_mapping.py::test_every_other_status_leaves_the_order_unknown",
            "exchange/http/test_error_mapping.py::"
            "test_a_page_of_a_proxy_is_shown_short_and_without_control_characters",
            "exchange/http/test_transport.py::test_a_redirect_is_not_followed_with_a_signature",
            FAULTS,
        ],
    ),
    9: (
        "definite refusals",
        [
            "exchange/http/test_error_mapping.py::"
            "test_a_refusal_of_a_write_is_definite_in_the_exchanges_own_shapes_only",
            "exchange/http/test_error_mapping.py::test_what_only_looks_like_a_refusal_leaves_the_write_unknown",
            "exchange/http/test_error_mapping.py::test_the_refusals_a_trader_meets_say_what_to_do",
            "orders/execution/test_submission.py::test_a_refused_order_is_rejected_and_never_placed",
        ],
    ),
    10: (
        "409 duplicate",
        [
            "orders/execution/test_submission.py::test_a_duplicate_id_means_that_the_order_arrived_and_is_looked_up",
            "orders/execution/test_submission.py::"
            "test_a_duplicate_id_whose_order_is_not_shown_is_unknown_and_not_rejected",
            FAULTS,
        ],
    ),
    11: (
        "429 and its Retry-After",
        [
            "exchange/http/test_transport.py::test_a_retry_after_header_changes_nothing",
            "exchange/http/test_transport.py::test_a_storm_of_rate_limits_ends_after_five_retries_whatever_is_set",
            "exchange/http/test_transport.py::test_a_write_that_the_exchange_refuses_is_refused_and_was_sent_once",
            "exchange/http/test_rate_limiter.py::test_orders_leave_a_fifth_of_the_bucket_to_cancels",
            "exchange/http/test_rate_limiter.py::test_no_sequence_of_requests_ever_meets_a_refusal",
        ],
    ),
    12: (
        "slow and dripping answers",
        [
            "exchange/http/test_transport.py::test_no_read_outlives_its_deadline",
            "exchange/http/test_transport.py::"
            "test_a_write_without_a_trustworthy_answer_is_unknown_and_was_sent_once",
            "journeys/test_signals.py::test_ctrl_c_waits_for_the_order_and_shows_what_became_of_it",
        ],
    ),
    13: (
        "idle connections that are closed",
        [
            "exchange/http/test_transport.py::test_a_write_uses_a_connection_only_when_it_was_used_a_moment_ago",
            "exchange/http/test_transport.py::test_a_read_on_a_connection_that_died_meanwhile_succeeds",
        ],
    ),
    14: (
        "wrong clock",
        [
            "exchange/http/test_transport.py::"
            "test_a_clock_that_is_off_is_reported_and_the_exchanges_is_used_from_then_on",
            "exchange/http/test_transport.py::test_a_clock_that_is_wrong_is_corrected_by_the_exchanges_once",
            "exchange/http/test_transport.py::test_an_exchange_that_never_accepts_the_clock_does_not_loop",
            "orders/execution/test_recovery.py::"
            "test_the_margin_counts_in_the_exchanges_time_when_this_clock_is_wrong",
            "ui/test_menu.py::test_a_clock_skew_is_reported_and_orders_go_through",
        ],
    ),
    15: (
        "captive portals, wrong hosts, bad certificates",
        [
            "exchange/http/test_error_mapping.py::test_a_page_where_an_object_belongs_is_not_the_exchange",
            "exchange/http/test_transport.py::test_a_certificate_of_another_host_proves_that_nothing_was_sent",
            "test_config.py::test_a_key_is_never_sent_to_the_other_environments_host",
        ],
    ),
    16: (
        "answers too large, too deep, no JSON",
        [
            "exchange/http/test_transport.py::test_an_answer_larger_than_any_is_given_up",
            "exchange/http/test_transport.py::test_json_that_cannot_be_trusted_is_not_the_exchange",
        ],
    ),
    17: (
        "cursors that repeat or go in a circle",
        [
            "test_api_client.py::test_a_cursor_that_repeats_ends_the_list_and_says_so",
            "test_api_client.py::test_cursors_in_a_circle_end_the_list_and_say_so",
            "test_api_client.py::test_pages_without_end_are_cut_off_and_say_so",
            "orders/execution/test_recovery.py::test_lists_with_rows_missing_never_prove_anything",
        ],
    ),
    24: (
        "killed at each step",
        [
            "faults/test_kills.py::"
            "test_a_session_killed_at_any_step_is_recovered_whatever_became_of_its_order",
            "faults/test_kills.py::test_a_session_killed_while_it_recovers_leaves_everything_to_the_next_one",
            "journeys/test_signals.py::test_a_kill_leaves_an_order_that_the_next_start_names_first_and_finds",
            "orders/execution/test_recovery.py::"
            "test_an_order_whose_program_was_killed_before_it_was_sent_is_proved_absent",
        ],
    ),
    25: (
        "killed at random",
        [
            "faults/test_kills.py::"
            "test_orders_of_sessions_killed_at_random_times_all_have_an_intent_and_all_are_recovered",
        ],
    ),
    26: (
        "interrupted during a submission",
        [
            "journeys/test_signals.py::test_ctrl_c_waits_for_the_order_and_shows_what_became_of_it",
            "journeys/test_signals.py::test_a_second_ctrl_c_leaves_the_order_to_recovery",
            "journeys/test_signals.py::test_an_end_waits_two_seconds_for_the_answer_to_an_order",
        ],
    ),
    27: (
        "disk full before the intent",
        [
            "orders/execution/test_submission.py::"
            "test_a_journal_that_cannot_be_written_sends_nothing_and_locks_trading",
            "journal/test_records.py::test_a_full_disk_refuses_the_line_and_room_made_lets_it_go_on",
        ],
    ),
    28: (
        "disk full after acceptance",
        [
            "orders/execution/test_submission.py::test_a_result_that_cannot_be_recorded_stays_valid_and_locks_trading",
            "orders/execution/test_submission.py::test_trading_goes_on_once_the_missing_result_is_in_the_journal",
        ],
    ),
    29: (
        "folder read-only, missing or deleted; a flush that fails",
        [
            "journal/test_records.py::test_a_read_only_folder_is_a_journal_error_and_can_still_be_read",
            "journal/test_records.py::"
            "test_a_flush_that_fails_is_an_error_and_the_next_line_looks_at_the_file_anew",
            "journal/test_records.py::test_files_deleted_while_writers_wait_are_made_anew",
            "ui/test_menu.py::test_a_journal_that_cannot_be_read_locks_orders_and_leaves_reads_and_cancels",
        ],
    ),
    30: (
        "two sessions at once",
        [
            "journal/test_records.py::"
            "test_four_writers_across_midnights_lose_and_tear_nothing_and_readers_see_each_line_once",
            "orders/execution/test_recovery.py::test_recovery_leaves_the_orders_of_a_session_that_is_alive_to_it",
            "ui/test_menu.py::test_an_order_of_a_session_that_is_alive_is_left_to_it",
            "faults/test_kills.py::test_two_sessions_that_recover_at_once_come_to_the_same_end",
        ],
    ),
    31: (
        "midnight while writing",
        [
            "journal/test_records.py::"
            "test_four_writers_across_midnights_lose_and_tear_nothing_and_readers_see_each_line_once",
            "journal/test_records.py::test_a_midnight_in_the_middle_of_a_reading_hides_no_line_from_it",
        ],
    ),
    32: (
        "torn and damaged lines",
        [
            "journal/test_records.py::"
            "test_cut_at_every_byte_of_its_last_record_the_journal_keeps_the_others_and_goes_on",
            "journal/test_records.py::test_an_unknown_event_is_a_record_and_an_unknown_version_is_reported",
            "test_trade_logger.py::test_a_damaged_line_is_reported_by_its_number_and_hides_no_other",
        ],
    ),
    33: (
        "journal edited, or of another account",
        [
            "test_trade_logger.py::test_whatever_byte_is_changed_the_journal_can_be_read",
            "orders/execution/test_recovery.py::test_recovery_names_the_orders_of_other_keys_and_leaves_them_alone",
            "ui/test_menu.py::test_an_order_of_another_key_is_named_and_left_alone",
        ],
    ),
    35: (
        "text that is no number",
        [
            "core/test_money.py::test_what_is_not_a_price_is_refused",
            "core/test_money.py::test_what_is_not_a_number_of_contracts_is_refused",
            "core/test_money.py::test_any_text_is_a_price_in_the_grammar_or_refused",
            "core/test_money.py::test_any_text_is_a_count_in_the_grammar_or_refused",
        ],
    ),
    36: (
        "prices off the grid",
        [
            "orders/pretrade/test_risk.py::test_a_price_off_the_grid_is_denied_and_the_nearest_are_named",
            "ui/screens/test_trade.py::"
            "test_a_price_that_is_none_here_or_may_be_two_is_asked_again_and_never_snapped",
            "orders/execution/test_price_exactness.py::test_a_price_as_typed_reaches_the_disk_as_it_reaches_the_wire",
        ],
    ),
    37: (
        "four directions",
        [
            "exchange/wire/test_account.py::"
            "test_every_price_in_every_direction_means_at_the_exchange_what_the_user_said",
            "orders/execution/test_price_exactness.py::test_all_9999_prices_are_shown_recorded_and_sent_alike",
            "orders/test_service.py::test_each_direction_moves_position_and_cash_as_the_exchange_says",
        ],
    ),
    38: (
        "text that is no ticker",
        [
            "exchange/wire/test_fields.py::test_what_is_not_a_ticker_is_refused",
            "exchange/wire/test_fields.py::test_no_text_becomes_anything_but_a_ticker",
            "orders/test_service.py::test_text_that_is_no_ticker_is_refused_before_anything_is_asked",
        ],
    ),
    45: (
        "key of another environment",
        [
            "journeys/test_start_and_end.py::test_a_key_the_exchange_does_not_know_is_refused_at_the_start",
            "test_config.py::test_a_key_is_never_sent_to_the_other_environments_host",
            "test_trade_logger.py::test_each_environment_has_a_journal_of_its_own",
        ],
    ),
    48: (
        "market closes or pauses before the order",
        [
            "orders/pretrade/test_risk.py::test_from_the_closing_time_on_nothing_is_sent",
            "orders/pretrade/test_risk.py::test_only_an_active_market_takes_orders",
            "orders/execution/test_submission.py::test_a_refused_order_is_rejected_and_never_placed",
            "practice/api/test_refusals.py::test_pauses_refuse_orders_and_only_a_full_one_refuses_cancels",
        ],
    ),
    49: (
        "price moves before the order",
        [
            "ui/screens/test_trade.py::test_what_changed_while_the_user_read_is_shown_and_asked_again",
            "ui/views/test_ticket.py::test_a_moved_book_shows_both_numbers",
            "orders/execution/test_submission.py::test_a_preview_that_is_not_of_this_moment_is_denied",
        ],
    ),
    50: (
        "balance, own orders, post-only, partial fills, orders killed at once",
        [
            "orders/execution/test_submission.py::test_what_happened_is_read_from_the_counts",
            "orders/execution/test_submission.py::test_a_refused_order_is_rejected_and_never_placed",
            "orders/test_service.py::test_what_the_exchange_refuses_is_shown_as_refused",
            "orders/pretrade/test_risk.py::test_cash_must_cover_the_cost_and_should_cover_the_fee",
            "orders/pretrade/test_pricing.py::test_an_order_that_would_meet_an_own_order_is_warned_of",
        ],
    ),
    53: (
        "cancels that race fills or lose their answer",
        [
            "orders/test_service.py::test_a_cancel_that_finds_nothing_tells_what_became_of_the_order",
            "orders/test_service.py::test_a_cancel_is_tried_three_times_and_then_not_known",
            "orders/execution/test_panic.py::test_what_is_never_acknowledged_and_still_listed_is_unknown",
            "orders/execution/test_panic.py::test_lists_that_never_catch_up_are_named_with_their_time",
            "orders/execution/test_panic_while_reads_lag.py::test_panic_waits_for_the_lists_to_show_what_was_just_sent",
            "ui/views/test_result.py::test_panic_names_each_order_it_could_not_cancel",
        ],
    ),
    54: (
        "keys typed ahead, pasted or held",
        [
            "journeys/test_type_ahead.py::test_no_older_key_sends_an_order_and_a_deliberate_one_always_does",
            "ui/prompts/test_terminal_prompter.py::test_keys_typed_ahead_do_nothing",
            "ui/prompts/test_terminal_prompter.py::test_a_key_held_down_does_nothing_however_long",
            "ui/prompts/test_terminal_prompter.py::test_a_paste_does_nothing",
            "ui/prompts/test_terminal_prompter.py::"
            "test_on_a_slow_line_keys_pressed_before_the_question_was_seen_do_nothing",
        ],
    ),
    55: (
        "sequences of the terminal that are no keys",
        [
            "ui/terminal/test_keys.py::test_nothing_else_is_a_key",
            "ui/prompts/test_sequences_at_questions.py::test_no_sequence_does_anything",
            "journeys/test_terminal_sequences.py::test_sending_canceling_and_leaving_with_orders",
            "journeys/test_terminal_sequences.py::test_every_consequential_question_is_among_these",
        ],
    ),
    56: (
        "signals at any moment, a terminal that goes away",
        [
            "journeys/test_random_ends.py::test_a_signal_at_any_moment_ends_the_program_in_time",
            "journeys/test_random_ends.py::test_a_hang_up_at_any_moment_ends_the_program_in_time",
            "journeys/test_signals.py::test_an_end_waits_two_seconds_for_the_answer_to_an_order",
        ],
    ),
    57: (
        "stopped or asleep between check and send",
        [
            "faults/test_protocol_steps.py::test_a_stopped_process_wakes_too_late_to_place_its_order",
            "faults/test_protocol_steps.py::test_nothing_is_sent_once_the_clock_has_jumped",
            "orders/execution/test_submission.py::test_nothing_is_sent_again_after_the_machine_slept",
            "orders/execution/test_submission.py::"
            "test_an_order_that_the_last_check_stopped_is_not_tried_again_when_the_reason_has_gone",
        ],
    ),
    58: (
        "sessions that confirm at once",
        [
            "faults/test_rails_between_sessions.py::test_as_many_orders_as_fit_are_sent_and_not_one_more",
            "orders/pretrade/test_pricing.py::"
            "test_a_sale_of_contracts_that_another_session_is_selling_is_denied",
        ],
    ),
    59: (
        "panic not recorded, or while an order is under way elsewhere",
        [
            "orders/execution/test_panic.py::test_a_panic_is_recorded_as_soon_as_the_journal_works",
            "orders/execution/test_panic.py::"
            "test_orders_of_other_sessions_that_cannot_be_read_leave_open_whether_all_is_canceled",
            "orders/execution/test_panic.py::"
            "test_an_order_that_another_session_is_sending_is_looked_for_as_long_as_it_can_arrive",
            "ui/test_background_task.py::test_the_waiting_text_says_what_is_waited_for_when_it_takes_long",
            "faults/test_protocol_steps.py::test_nothing_rests_after_another_session_s_panic",
        ],
    ),
    60: (
        "foreign 4xx, acknowledgements that are none",
        [
            "exchange/http/test_error_mapping.py::test_what_only_looks_like_a_refusal_leaves_the_write_unknown",
            "exchange/http/test_error_mapping.py::test_every_other_status_leaves_the_order_unknown",
            "test_api_client.py::test_an_answer_that_does_not_fit_the_order_leaves_it_unknown",
        ],
    ),
    61: (
        "409: paused, closed",
        [
            "orders/execution/test_submission.py::"
            "test_a_409_for_a_pause_a_close_or_too_little_volume_is_a_rejection",
            "orders/execution/test_submission.py::"
            "test_any_other_409_leaves_the_order_unknown_and_is_looked_up",
            "exchange/http/test_error_mapping.py::"
            "test_a_refusal_of_a_write_is_definite_in_the_exchanges_own_shapes_only",
            "orders/execution/test_submission.py::test_a_duplicate_id_means_that_the_order_arrived_and_is_looked_up",
        ],
    ),
    62: (
        "a pipe, a device, a folder, a socket, what is another user's; long journals and lines, gzip bombs",
        [
            "journal/files/test_private_files.py::"
            "test_a_foreign_file_at_the_journals_path_is_reported_and_never_waited_for",
            "journal/test_digest.py::test_a_start_reads_only_what_came_after_the_checkpoint",
            "journal/test_digest.py::test_cut_or_flipped_anywhere_it_changes_nothing",
            "journal/test_digest.py::test_no_file_takes_more_memory_than_a_good_one",
            "journal/files/test_private_files.py::"
            "test_a_foreign_file_at_an_earlier_days_path_is_reported_and_the_journal_goes_on",
            "journal/files/test_private_files.py::"
            "test_the_start_names_each_file_that_is_not_ours_once_with_what_to_do",
            "journal/files/test_private_files.py::test_a_foreign_file_put_there_after_the_check_is_refused",
            "practice/storage/test_private_files.py::"
            "test_anything_but_a_file_of_ours_is_refused_without_waiting",
            "journeys/test_files_of_a_session.py::test_pipes_in_place_of_files_are_reported_and_lock_orders",
            "journeys/test_files_of_a_session.py::"
            "test_all_that_a_session_leaves_is_its_owners_alone_and_what_was_open_is_closed",
        ],
    ),
    63: (
        "control characters in the journal",
        [
            "ui/test_hostile_journal.py::test_no_text_of_a_journal_acts_on_the_terminal",
            "ui/test_hostile_journal.py::"
            "test_no_text_of_a_journal_acts_on_the_terminal_from_the_story_of_any_order",
            "ui/test_hostile_journal.py::test_an_unresolved_order_on_the_ticket_is_harmless",
            "ui/test_hostile_journal.py::test_the_export_of_a_journal_has_its_text_to_the_character",
        ],
    ),
    64: (
        "secrets in child processes, foreign Host headers, huge bodies",
        [
            "exchange/test_practice_launcher.py::test_an_exchange_inherits_what_it_needs_and_no_secret",
            "exchange/test_practice_launcher.py::test_an_exchange_that_runs_alone_inherits_no_secret",
            "test_config.py::test_git_is_asked_about_the_key_without_inheriting_it",
            "practice/server/test_request_guard.py::test_requests_to_another_host_are_refused",
            "practice/server/test_request_guard.py::test_a_body_of_400_mb_costs_neither_time_nor_memory",
        ],
    ),
    65: (
        "certificates, CA files, proxies",
        [
            "exchange/http/test_connection_errors.py::test_a_request_that_found_no_way_was_not_sent_and_says_why",
            "exchange/http/test_connection_errors.py::"
            "test_an_order_that_found_no_way_ends_not_sent_in_the_journal",
            "exchange/http/test_connection_errors.py::"
            "test_what_goes_wrong_after_the_handshake_leaves_an_order_unknown",
            "journeys/test_start_and_end.py::"
            "test_a_setting_that_bars_the_way_to_the_exchange_is_named_at_the_start",
        ],
    ),
    68: (
        # .ci/run also runs quick on a random day in a distant zone
        "any day and any zone",
        [
            "test_support.py::test_a_program_its_files_and_its_children_live_on_another_day",
            "journal/test_records.py::"
            "test_a_new_day_begins_a_new_file_and_the_old_one_is_compressed_and_private",
            "core/test_dates.py::test_a_day_lasts_from_midnight_to_midnight_also_when_the_clocks_change",
            "orders/pretrade/test_day_pnl.py::test_midnight_is_the_local_one_also_when_the_clocks_change",
            "journal/files/test_log_reader.py::test_a_day_without_a_midnight_has_the_records_of_its_hours",
        ],
    ),
}


@cache
def names_in(file: str) -> frozenset[str]:
    tree = ast.parse((TESTS / file).read_text())
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def test_no_row_is_missing() -> None:
    assert sorted(PROOFS) == sorted(ROWS)


@pytest.mark.parametrize("row", sorted(PROOFS))
def test_every_row_is_proved_by_tests_that_are_there(row: int) -> None:
    fault, proofs = PROOFS[row]
    assert proofs, fault
    for proof in proofs:
        file, _, name = proof.partition("::")
        assert (TESTS / file).is_file(), proof
        assert name in names_in(file), proof
