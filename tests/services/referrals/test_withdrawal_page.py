"""The page where a person withdraws a consent accepts codes as people type them, and tells the truth."""

import re
from datetime import timedelta

from common import clock
from common.words.choices import in_sentence
from referrals.ground.audit.models import Restore
from referrals.ground.row_security import act_as_service

from tests.services.referrals.story import LEGAL, Story
from tests.services.referrals.test_break_glass import ASKER, opened
from tests.services.referrals.test_scenarios import transfer_offer


async def form(story: Story, fields: dict[str, str], language: str = "es") -> tuple[int, str]:
    answer = await story.form(f"/withdraw?language={language}", fields)
    assert answer.headers["cache-control"] == "no-store"
    assert f'<html lang="{language}">' in answer.text
    return answer.status_code, answer.text


async def test_the_code_typed_as_people_type_it_withdraws_and_says_what_was_read(
    story: Story,
) -> None:
    referral = await story.sent()
    grant = (await story.get("ngo-refugio", f"/consents/{referral['grant_id']}")).json()
    renewed = await story.post("ngo-refugio", f"/consents/{grant['id']}/withdrawal-code", {})
    code = renewed.json()["withdrawal_code"]
    disclosed = await story.get("ngo-salud", f"/referrals/{referral['id']}/disclosure")
    assert disclosed.status_code == 200
    status, page = await form(story, {"code": f" {code.lower().replace('-', ' ')} "})
    assert status == 200
    assert "Su permiso quedó retirado" in page
    assert "Información que ya se había leído" in page
    assert code not in page
    assert "Yolimar" not in page
    again = await story.get("ngo-salud", f"/referrals/{referral['id']}/disclosure")
    assert again.status_code == 410


async def test_whoever_received_her_case_goes_on_and_she_is_told(story: Story) -> None:
    """The page reports all paths: the new holder can keep reading, and another organisation read in an emergency."""
    case = await story.case()
    offer = await transfer_offer(story, case["id"], LEGAL)
    transfer = await story.made("ngo-refugio", "/transfers", offer)
    assert (await story.get(ASKER, f"{await opened(story, case)}/case")).status_code == 200
    await story.made("ngo-legal", f"/transfers/{transfer['id']}/accept", {})
    await story.get("ngo-legal", f"/cases/{case['id']}")
    await story.made("ngo-legal", f"/cases/{case['id']}/close", {"reason": "needs_met"})
    consent = f"/consents/{offer['grant_id']}"
    code = await story.made("ngo-legal", f"{consent}/withdrawal-code", {})
    status, page = await form(story, {"code": code["withdrawal_code"]}, "en")
    assert status == 200
    assert "The organisation that received your case keeps it" in page
    assert "the organisation that received your case: your whole case" in page
    assert "an organisation, in an emergency: your whole case" in page
    assert "Nobody had" not in page
    told = (await story.post("ngo-legal", f"{consent}/withdraw", {})).json()
    assert told["goes_on_reading"] == str(LEGAL)
    assert [read["road"] for read in told["record_read"]] == ["break_glass", "transfer"]


async def test_after_a_restore_she_is_told_that_readings_may_be_missing(story: Story) -> None:
    """The backup contains none of the later reads, so "nobody opened it" would be untrue."""
    referral = await story.sent()
    counted = {"case_id": referral["case_id"], "kind": "reporting", "method": "verbal"}
    statistics = (await story.made("ngo-refugio", "/consents", counted))["id"]
    async with story.database.transaction() as session:
        await act_as_service(session)
        session.add(Restore(at=clock.now(), kept_until=clock.now() - timedelta(hours=9)))
    consent = f"/consents/{referral['grant_id']}"
    code = (await story.post("ngo-refugio", f"{consent}/withdrawal-code", {})).json()
    status, page = await form(story, {"code": code["withdrawal_code"]})
    assert status == 200
    assert "no sabemos quién leyó" in page
    assert "Nadie había abierto" not in page
    told = (await story.post("ngo-refugio", f"{consent}/withdraw", {})).json()
    assert len(told["readings_missing"]) == 1
    told = (await story.post("ngo-refugio", f"/consents/{statistics}/withdraw", {})).json()
    assert told["readings_missing"] == [], "nobody reads under a consent to statistics"
    later = await story.sent()
    told = (await story.post("ngo-refugio", f"/consents/{later['grant_id']}/withdraw", {})).json()
    assert told["readings_missing"] == [], "given after the restore"


async def test_an_answer_that_was_read_in_the_history_was_read(story: Story) -> None:
    referral = await story.sent()
    path = f"/referrals/{referral['id']}"
    await story.made("ngo-salud", f"{path}/acknowledge", {})
    await story.made("ngo-salud", f"{path}/request-information", {"question": "?"})
    answer = {"payload": {"situation": "more"}}
    await story.made("ngo-refugio", f"{path}/answer-information", answer)
    await story.get("ngo-refugio", f"{path}/disclosure")
    assert "more" in (await story.get("ngo-salud", f"{path}/history")).text
    consent = f"/consents/{referral['grant_id']}"
    told = (await story.post("ngo-refugio", f"{consent}/withdraw", {})).json()
    assert [read["items"] for read in told["already_read"]] == [["situation"]]


async def test_a_wrong_code_says_so_and_keeps_what_was_typed(story: Story) -> None:
    for typed, status, said in (
        ("0000-0000-0000-0000", 404, "No consent has this code"),
        ("abc", 422, "sixteen letters"),
        ("", 422, "sixteen letters"),
        ("<b>x</b>", 422, "&lt;b&gt;"),
    ):
        found, page = await form(story, {"code": typed}, "en")
        assert (found, said in page) == (status, True), typed
        assert 'role="alert"' in page
        value = re.search(r'value="([^"]*)"[^>]*aria-describedby="code-hint problem"', page)
        assert value


async def test_a_slip_shows_the_code_and_the_way_and_looks_nothing_up(story: Story) -> None:
    status, page = await form(story, {"code": "abcd efgh 0123 4567", "action": "slip"})
    assert status == 200
    assert "ABCD-EFGH-0123-4567" in page
    assert "/withdraw</strong>" in page
    assert "<svg" in page


def test_an_item_that_is_no_more_is_named_by_its_code() -> None:
    """Earlier reads stay listed, and an unknown item code never breaks the withdrawal page."""
    assert in_sentence("name", "es") == "nombre"
    assert in_sentence("gone_since", "es") == "gone_since"
