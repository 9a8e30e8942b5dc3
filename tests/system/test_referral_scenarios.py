"""The acceptance scenarios of referrals through the gateway, by number.

Most are the functions of tests/services/referrals/test_scenarios.py, run with a story that calls the running stack.
Scenarios that need a second service are here.
"""

import pytest

from tests.services.referrals.story import LEGAL, SALUD
from tests.services.referrals.test_scenarios import (
    test_01_consent_withdrawn_after_sending_stops_reading_at_once,
    test_01_the_person_withdraws_with_their_own_code,
    test_01_withdrawing_never_fails_and_can_be_repeated,
    test_02_withdrawn_while_in_service_keeps_the_recipients_own_record,
    test_03_an_approved_exception_covers_what_it_names_and_is_listed,
    test_03_an_override_is_refused,
    test_03_nobody_approves_their_own_exception,
    test_04_a_consent_for_health_does_not_cover_a_legal_referral,
    test_05_an_answer_stays_within_the_grant,
    test_05_an_item_that_was_not_granted_is_refused_and_not_disclosed,
    test_06_a_colleague_outside_the_recipient_service_reads_404,
    test_07_the_referrer_cannot_accept_its_own_referral,
    test_08_a_referral_of_another_case_is_not_found_on_any_verb,
    test_09_declined_for_capacity_tells_the_directory_and_needs_a_new_grant,
    test_12_child_of_8_whose_caregiver_is_the_alleged_perpetrator,
    test_13_child_of_16_dissents_while_the_caregiver_consents,
    test_15_an_offer_ends_with_the_consent_that_it_is_under,
    test_15_one_transfer_at_a_time_and_only_the_last_holder_has_access,
    test_17_a_repeated_send_is_one_referral_and_one_notification,
    test_18_a_notice_names_no_person_no_service_type_no_agency,
    test_19_completed_with_nothing_provided_is_impossible,
    test_20_a_provider_suspended_mid_referral_flags_it_and_tells_the_referrer,
    test_21_an_off_platform_recipient_answers_once_by_link,
    test_22_a_cross_border_referral_needs_a_protocol_for_the_pair,
    test_26_nothing_goes_to_an_implicated_organisation,
)
from tests.system.gateway_story import GatewayStory

pytestmark = pytest.mark.system

__all__ = [
    "test_01_consent_withdrawn_after_sending_stops_reading_at_once",
    "test_01_the_person_withdraws_with_their_own_code",
    "test_01_withdrawing_never_fails_and_can_be_repeated",
    "test_02_withdrawn_while_in_service_keeps_the_recipients_own_record",
    "test_03_an_approved_exception_covers_what_it_names_and_is_listed",
    "test_03_an_override_is_refused",
    "test_03_nobody_approves_their_own_exception",
    "test_04_a_consent_for_health_does_not_cover_a_legal_referral",
    "test_05_an_answer_stays_within_the_grant",
    "test_05_an_item_that_was_not_granted_is_refused_and_not_disclosed",
    "test_06_a_colleague_outside_the_recipient_service_reads_404",
    "test_07_the_referrer_cannot_accept_its_own_referral",
    "test_08_a_referral_of_another_case_is_not_found_on_any_verb",
    "test_09_declined_for_capacity_tells_the_directory_and_needs_a_new_grant",
    "test_12_child_of_8_whose_caregiver_is_the_alleged_perpetrator",
    "test_13_child_of_16_dissents_while_the_caregiver_consents",
    "test_15_an_offer_ends_with_the_consent_that_it_is_under",
    "test_15_one_transfer_at_a_time_and_only_the_last_holder_has_access",
    "test_17_a_repeated_send_is_one_referral_and_one_notification",
    "test_18_a_notice_names_no_person_no_service_type_no_agency",
    "test_19_completed_with_nothing_provided_is_impossible",
    "test_20_a_provider_suspended_mid_referral_flags_it_and_tells_the_referrer",
    "test_21_an_off_platform_recipient_answers_once_by_link",
    "test_22_a_cross_border_referral_needs_a_protocol_for_the_pair",
    "test_26_nothing_goes_to_an_implicated_organisation",
]


async def test_09_after_a_decline_the_published_pathway_says_who_is_next(
    story: GatewayStory,
) -> None:
    """The directory publishes a pathway, and its event determines the ranking that the referrer sees."""
    declining, following = [
        await story.service(owner, ("GBV-PSS",), ("VE1501",)) for owner in (SALUD, LEGAL)
    ]
    path, answer = "/proposals/GBV", None
    for step in ("", "/submit", "/publish"):
        # The person who submits a pathway must not publish it.
        headers = story.keyed_as("im-officer") if step == "/submit" else story.coordinator()
        if answer is not None:
            headers["If-Match"] = answer.headers["ETag"]
            path = f"/{answer.json()['pathway_id']}{step}"
        body = {"area": "VE15"} if answer is None else None
        answer = await story.client.post(
            f"/directory/v1/pathways{path}", json=body, headers=headers
        )
        assert answer.status_code in (200, 201), answer.text
    referral = await story.sent(
        case_id=(await story.case(area="VE1501"))["id"],
        service_id=declining,
        category="GBV-PSS",
        consent={"purpose": "GBV-PSS"},
    )
    referral_path = f"/referrals/{referral['id']}"
    await story.made("ngo-salud", f"{referral_path}/decline", {"reason": "capacity"})

    async def ranked() -> bool:
        offered = (await story.get("ngo-refugio", f"{referral_path}/alternatives")).json()
        ranks = {each["service_id"]: each["pathway_rank"] for each in offered}
        assert declining not in ranks
        return ranks.get(following) is not None

    await story.eventually(ranked)
