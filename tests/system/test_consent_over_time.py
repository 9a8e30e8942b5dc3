"""Consent over time, implicated organisations and break-glass through the gateway, with real tokens.

It runs the functions of tests/services/referrals with a story that calls the running stack. Tests that move one
process's clock or check every route at once run only there.
"""

import pytest

from tests.services.referrals.test_break_glass import (
    test_a_transfer_ends_what_is_open_and_gives_the_new_holder_the_decision,
    test_an_implicated_organisation_is_answered_as_any_other_and_opens_nothing,
    test_an_open_access_ends_when_its_organisation_is_implicated,
    test_colleagues_of_whoever_asks_do_not_decide,
    test_people_of_an_implicated_organisation_decide_nothing,
    test_the_implicated_are_named_beside_the_record_and_cannot_be_called,
)
from tests.services.referrals.test_implicated import (
    test_after_a_later_withdrawal_the_accused_has_to_delete_as_others_do,
    test_commands_of_the_accused_are_answered_as_after_any_recall,
    test_its_feed_falls_silent,
    test_recipients_are_told_no_reason_of_a_recall,
    test_the_holder_does_not_mark_itself,
)
from tests.services.referrals.test_over_time import (
    test_a_caregivers_contact_is_suppressed_in_what_was_disclosed_and_told_not_to_be_used,
    test_a_caregivers_word_ends_for_new_facts_on_all_roads_alike,
    test_a_consent_is_not_dated_in_the_future,
    test_a_corrected_record_of_an_adult_asks_for_consent_anew_at_once,
    test_a_record_corrected_to_a_childs_ends_the_childs_lonely_word,
    test_a_withdrawal_without_an_offset_or_from_the_future_still_works,
    test_an_exception_that_a_former_holder_approved_sends_nothing,
    test_text_typed_freely_goes_only_with_an_item_that_covers_it,
    test_what_is_open_to_the_new_holder_of_a_case_ends_as_its_own_work,
)
from tests.services.referrals.test_recipient_facts import (
    test_a_kept_answer_to_a_command_holds_no_content,
)
from tests.services.referrals.test_withdrawal_page import (
    test_an_answer_that_was_read_in_the_history_was_read,
    test_whoever_received_her_case_goes_on_and_she_is_told,
)

pytestmark = pytest.mark.system

__all__ = [
    "test_a_caregivers_contact_is_suppressed_in_what_was_disclosed_and_told_not_to_be_used",
    "test_a_caregivers_word_ends_for_new_facts_on_all_roads_alike",
    "test_a_consent_is_not_dated_in_the_future",
    "test_a_corrected_record_of_an_adult_asks_for_consent_anew_at_once",
    "test_a_kept_answer_to_a_command_holds_no_content",
    "test_a_record_corrected_to_a_childs_ends_the_childs_lonely_word",
    "test_a_transfer_ends_what_is_open_and_gives_the_new_holder_the_decision",
    "test_a_withdrawal_without_an_offset_or_from_the_future_still_works",
    "test_after_a_later_withdrawal_the_accused_has_to_delete_as_others_do",
    "test_an_answer_that_was_read_in_the_history_was_read",
    "test_an_exception_that_a_former_holder_approved_sends_nothing",
    "test_an_implicated_organisation_is_answered_as_any_other_and_opens_nothing",
    "test_an_open_access_ends_when_its_organisation_is_implicated",
    "test_colleagues_of_whoever_asks_do_not_decide",
    "test_commands_of_the_accused_are_answered_as_after_any_recall",
    "test_its_feed_falls_silent",
    "test_people_of_an_implicated_organisation_decide_nothing",
    "test_recipients_are_told_no_reason_of_a_recall",
    "test_text_typed_freely_goes_only_with_an_item_that_covers_it",
    "test_the_holder_does_not_mark_itself",
    "test_the_implicated_are_named_beside_the_record_and_cannot_be_called",
    "test_what_is_open_to_the_new_holder_of_a_case_ends_as_its_own_work",
    "test_whoever_received_her_case_goes_on_and_she_is_told",
]
