"""The acceptance scenarios of referrals through the gateway, by their numbers.

Most are the very functions of tests/services/referrals/test_scenarios.py, told by a story that
calls the running stack. Those in which time passes or a process dies are written here.
"""

from datetime import timedelta

import httpx
import pytest
from common import clock

from tests.services.referrals.story import LEGAL, SALUD
from tests.services.referrals.test_scenarios import (
    code,
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
from tests.support.system import System, until
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
DAY = timedelta(days=1)


async def test_09_after_a_decline_the_published_pathway_says_who_is_next(
    story: GatewayStory,
) -> None:
    """The directory publishes a pathway; its event ranks what the referrer is offered."""
    declining, following = [
        await story.service(owner, ("GBV-PSS",), ("VE1501",)) for owner in (SALUD, LEGAL)
    ]
    path, answer = "/proposals/GBV", None
    for step in ("", "/submit", "/publish"):
        # Whoever submits it does not publish it.
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


@pytest.mark.slow
async def test_10_14_after_a_day_the_worker_dies_and_each_timer_has_fired_once(
    story: GatewayStory, system: System
) -> None:
    """10: an urgent health referral that nobody answers. 14: a child turns 18 meanwhile."""
    service_id = await story.service()
    waiting = [await story.sent(service_id=service_id, urgency="urgent") for _ in range(8)]
    birth = _eighteen_years_before(clock.today() + DAY)
    child = await story.child(0, identity={"age": None, "birth_date": birth}, caregiver="available")
    grant = await story.consent(
        child["id"],
        service_id,
        decided_by="caregiver",
        child_assent="agrees",
        items=["name", "situation"],
    )
    draft = await story.draft(child["id"], service_id, from_case=["name"])
    ids = [referral["id"] for referral in waiting]
    fired = "SELECT referral_id, step FROM escalations WHERE referral_id = ANY (:ids)"
    try:
        # The worker writes the escalation of this one and then waits for the case's audit chain.
        chain = "SELECT 1 FROM audit_heads WHERE chain = :case FOR UPDATE"
        async with story.held("referrals", chain, case=waiting[4]["case_id"]):
            story.move_clock(DAY.total_seconds() + 3600)

            async def in_the_midst() -> bool:
                return bool(
                    await story.rows(
                        "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                        " AND application_name = 'ruta-referrals'"
                    )
                )

            await story.eventually(in_the_midst)
            former = system.kill("referrals")
        until(lambda: serves_again(system, "referrals", former), "referrals is up again")

        async def all_fired() -> bool:
            return len(await story.rows(fired, ids=ids)) >= len(ids)

        await story.eventually(all_fired)

        async def asked() -> bool:
            tasks = (await story.get("ngo-refugio", "/tasks?limit=500")).json()["items"]
            return ("reconsent_at_18", child["id"]) in [(t["kind"], t["case_id"]) for t in tasks]

        await story.eventually(asked)
        refused = await story.post(
            "ngo-refugio", f"/referrals/{draft['id']}/send", {"grant_id": grant["id"]}
        )
        assert code(refused) == (409, "wrong_decider")
    finally:
        story.move_clock(0)
    rows = await story.rows(fired, ids=ids)
    assert sorted((str(r.referral_id), r.step) for r in rows) == sorted(
        (referral_id, "reminder") for referral_id in ids
    )
    told = await story.rows(
        "SELECT aggregateid, count(*) AS count FROM outbox WHERE type LIKE '%escalation.raised%'"
        " AND aggregateid = ANY (:ids) GROUP BY 1",
        ids=ids,
    )
    assert {(row.aggregateid, row.count) for row in told} == {(each, 1) for each in ids}


def serves_again(system: System, name: str, former: int) -> bool:
    """Cheaper than `ruta status`, which looks at every process."""
    state = system.state
    if state.processes[name] == former:
        return False
    try:
        address = f"http://127.0.0.1:{state.ports[name]}/readyz"
        return httpx.get(address, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def _eighteen_years_before(day: object) -> str:
    text = str(day)
    return f"{int(text[:4]) - 18}{text[4:]}"
