"""Every path shows that a consent expires. Ruta reminds the sender in time, and a new consent lets the referral
continue."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from common import clock
from referrals.case.consents import queries as consents
from referrals.case.consents.decision import STANDINGS, status_at
from referrals.case.consents.models import Grant
from referrals.ground.row_security import act_as_service
from referrals.referral.referrals.renewals import tell_ends
from sqlmodel import col

from tests.services.referrals.story import LEGAL, SALUD, Story
from tests.services.referrals.test_fhir import OWNER
from tests.services.referrals.test_over_time import in_hours
from tests.services.referrals.test_scenarios import code, exception_body

SENDER, RECIPIENT = "ngo-refugio", "ngo-salud"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
AFTER = 2 * HOUR
"""When a consent of `ending` has ended."""


async def ending(story: Story, hours: float = 1, **changes: Any) -> dict[str, Any]:
    return await story.sent(consent={"valid_until": in_hours(hours)}, **changes)


async def again(story: Story, referral: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return await story.consent(referral["case_id"], referral["service_id"], **changes)


async def renewed(story: Story, referral: dict[str, Any], grant: dict[str, Any]) -> dict[str, Any]:
    path = f"/referrals/{referral['id']}/renew-consent"
    return await story.made(SENDER, path, {"grant_id": grant["id"]})


async def grant_status(story: Story, grant_id: str) -> list[Any]:
    """Return the status from our API and from FHIR, read alone and in lists."""
    read = (await story.get(SENDER, f"/consents/{grant_id}")).json()["status"]
    resource = (await story.get(SENDER, f"/fhir/Consent/{grant_id}")).json()["status"]
    found = []
    for of in ("active", "expired"):
        listed = (await story.get(SENDER, f"/consents?status={of}&limit=200")).json()["items"]
        found += [of for one in listed if one["id"] == grant_id]
    for of in ("active", "inactive"):
        path = f"/fhir/Consent?_id={grant_id}&status={of}"
        entries = (await story.get(SENDER, path)).json().get("entry", [])
        found += [of for _ in entries]
    return [read, resource, *found]


async def test_an_end_by_date_is_a_status_of_its_own_that_no_clock_makes_for_good(
    story: Story,
) -> None:
    referral = await ending(story)
    grant_id = referral["grant_id"]
    assert await grant_status(story, grant_id) == ["active"] * 4
    with clock.shifted(AFTER):
        assert await grant_status(story, grant_id) == ["expired", "inactive", "expired", "inactive"]
        resource = (await story.get(SENDER, f"/fhir/Consent/{grant_id}")).json()
        ended = resource["provision"]["period"]["end"]
        at = [datetime.fromisoformat(each) for each in (resource["meta"]["lastUpdated"], ended)]
        assert at[0] == at[1]
    assert await grant_status(story, grant_id) == ["active"] * 4
    await story.made(SENDER, f"/consents/{grant_id}/withdraw", {})
    with clock.shifted(AFTER):
        assert (await grant_status(story, grant_id))[:2] == ["withdrawn", "inactive"]


async def test_the_status_in_sql_is_that_of_the_rule(story: Story) -> None:
    referral = await story.sent()
    set_to = "UPDATE grants SET status = :status, valid_until = :until WHERE id = :id RETURNING 1"
    for status in ("active", "pending", "refused", "withdrawn"):
        assert status in STANDINGS
        for until in (None, clock.now() - HOUR, clock.now() + HOUR):
            grant_id = UUID(referral["grant_id"])
            await story.rows(set_to, status=status, until=until, id=grant_id)
            async with story.database.transaction() as session:
                await act_as_service(session)
                shown = sa.select(consents.status_now()).where(col(Grant.id) == grant_id)
                found = await session.scalar(shown)
            assert found == status_at(status, until, clock.now())


@pytest.mark.parametrize("by", ["the clock of the service", "the database itself"])
async def test_the_recipient_reads_that_the_date_is_over_and_not_that_the_person_took_it_back(
    story: Story, by: str
) -> None:
    referral = await ending(story)
    path = f"/referrals/{referral['id']}"
    later = AFTER
    if by == "the database itself":
        # Row security hides the snapshot from the recipient once these dates have passed.
        later = timedelta(0)
        over = clock.now() - HOUR
        for table, column, key in (
            ("grants", "valid_until", referral["grant_id"]),
            ("snapshots", "readable_until", referral["id"]),
        ):
            own = "id" if table == "grants" else "referral_id"
            change = f"UPDATE {table} SET {column} = :over WHERE {own} = :own RETURNING 1"
            await story.rows(change, over=over, own=UUID(key))
    with clock.shifted(later):
        refused = await story.get(RECIPIENT, f"{path}/disclosure")
        assert code(refused) == (410, "consent_expired")
        assert "Ask the sender to ask the person for consent again" in refused.json()["detail"]
        whole = (await story.get(RECIPIENT, f"{path}?with=disclosure")).json()
        assert whole["disclosure_refused"] == "consent_expired"


async def test_a_withdrawal_after_the_date_is_told_as_every_other_end(story: Story) -> None:
    referral = await ending(story)
    with clock.shifted(AFTER):
        await story.made(SENDER, f"/consents/{referral['grant_id']}/withdraw", {})
        read = await story.get(RECIPIENT, f"/referrals/{referral['id']}/disclosure")
        assert code(read) == (410, "consent_withdrawn")


async def test_nobody_accepts_a_person_of_whom_they_can_read_nothing(story: Story) -> None:
    referral = await ending(story)
    path = f"/referrals/{referral['id']}"
    link = await story.made(SENDER, f"{path}/answer-links", {"language": "en"})
    page = "/answer/" + link["url"].rsplit("/", 1)[1]
    with clock.shifted(AFTER):
        accepting = {"focal_point": "x"}
        refused = await story.post(RECIPIENT, f"{path}/accept", accepting)
        assert code(refused) == (410, "consent_expired")
        assert "Ask the sender" in refused.json()["detail"]
        task = (await story.get(RECIPIENT, f"/fhir/Task/{referral['id']}")).json()
        task |= {"status": "accepted", **OWNER}
        by_fhir = await story.call(RECIPIENT, "PUT", f"/fhir/Task/{referral['id']}", task)
        assert by_fhir.status_code == 410
        answered = await story.form(page, {"answer": "accept", "focal_point": "x"})
        assert answered.status_code == 422
        assert "Ask the organisation that sent it" in answered.text
        # A step that discloses nothing about the person still works through the same link.
        declined = await story.form(page, {"answer": "decline", "reason": "capacity"})
        assert declined.status_code == 200, declined.text
    assert (await story.get(SENDER, path)).json()["state"] == "declined"


async def test_no_link_asks_for_an_answer_about_what_cannot_be_read(story: Story) -> None:
    referral = await ending(story)
    path = f"/referrals/{referral['id']}/answer-links"
    with clock.shifted(AFTER):
        refused = await story.post(SENDER, path, {"language": "es"})
        assert code(refused) == (409, "no_consent")
        assert "attach it to the referral" in refused.json()["detail"]
        await renewed(story, referral, await again(story, referral))
        await story.made(SENDER, path, {"language": "es"})


async def waits(story: Story, referral_id: str) -> list[str]:
    """Return the deadline of each work row, after checking that the list of referrals shows the same."""
    rows = (await story.get(SENDER, "/work?kind=referral_consent_ending&limit=200")).json()["items"]
    found = [row["due"] for row in rows if row["ids"]["referral_id"] == referral_id]
    listed = (await story.get(SENDER, "/referrals?consent_ending=true&limit=200")).json()["items"]
    assert len(found) == [one["id"] for one in listed].count(referral_id)
    return found


async def test_the_sender_is_asked_in_time_and_both_sides_are_told_of_the_end_once(
    story: Story,
) -> None:
    referral = await ending(story, 20 * 24)

    async def told() -> int:
        return await tell_ends(story.database, clock.now())

    async def kinds(who: str) -> list[str]:
        found = await story.told_to(who, referral["id"])
        return [kind.removeprefix("referral.consent_") for kind in found if "consent" in kind]

    assert (await told(), await waits(story, referral["id"])) == (0, [])
    with clock.shifted(14 * DAY):
        grant = (await story.get(SENDER, f"/consents/{referral['grant_id']}")).json()
        (due,) = await waits(story, referral["id"])
        assert datetime.fromisoformat(due) == datetime.fromisoformat(grant["valid_until"])
        assert [await told(), await told()] == [1, 0]
        assert (await kinds(SENDER), await kinds(RECIPIENT)) == (["ending"], [])
    with clock.shifted(21 * DAY):
        assert [await told(), await told()] == [1, 0]
        assert (await kinds(SENDER), await kinds(RECIPIENT)) == (["ending", "ended"], ["ended"])
        assert len(await waits(story, referral["id"])) == 1
        fresh = await again(story, referral)
        await renewed(story, referral, fresh)
        assert await waits(story, referral["id"]) == []
        assert (await kinds(RECIPIENT))[-1] == "renewed"
        assert await told() == 0


async def test_an_open_referral_goes_on_under_a_fresh_yes_as_far_as_it_goes(story: Story) -> None:
    referral = await ending(story)
    path = f"/referrals/{referral['id']}"
    with clock.shifted(AFTER):
        fresh = await again(story, referral, items=["name", "contact"])
        seen = await renewed(story, referral, fresh)
        assert (seen["grant_id"], seen["state"]) == (fresh["id"], "sent")
        assert seen["version"] == referral["version"] + 1
        read = (await story.get(RECIPIENT, f"{path}/disclosure")).json()
        assert set(read["items"]) == {"name", "contact"}
        await story.made(RECIPIENT, f"{path}/accept", {"focal_point": "x"})
        steps = (await story.get(SENDER, f"{path}/history")).json()
        assert [step["command"] for step in steps[-2:]] == ["renew-consent", "accept"]
        # A repeated renewal changes nothing, and each consent is for only one referral.
        assert (await renewed(story, referral, fresh))["version"] == seen["version"] + 1
        shared: dict[str, Any] = {"payload": {}, "from_case": ["name", "contact"]}
        other = await story.draft(referral["case_id"], referral["service_id"], **shared)
        for used in (referral["grant_id"], fresh["id"]):
            sending = {"grant_id": used, "in_addition": True}
            refused = await story.post(SENDER, f"/referrals/{other['id']}/send", sending)
            assert code(refused) == (409, "no_consent")


async def test_nothing_goes_on_under_a_consent_that_does_not_cover_it(story: Story) -> None:
    referral = await ending(story)
    other_case = await story.case()
    other_service = await story.service(owner=LEGAL)
    ended = await again(story, referral)
    await story.made(SENDER, f"/consents/{ended['id']}/withdraw", {})
    path = f"/referrals/{referral['id']}/renew-consent"
    short = await again(story, referral, valid_until=in_hours(1))
    used = await story.sent(case_id=referral["case_id"], service_id=referral["service_id"])
    for grant, expected in (
        (await story.consent(other_case["id"], referral["service_id"]), (409, "no_consent")),
        (await story.consent(referral["case_id"], other_service), (409, "no_consent")),
        (ended, (409, "no_consent")),
        (short, (409, "no_consent")),
        ({"id": used["grant_id"]}, (409, "no_consent")),
        (await again(story, referral, items=["name"]), (422, "no_way_to_reach")),
    ):
        with clock.shifted(AFTER):
            answer = await story.post(SENDER, path, {"grant_id": grant["id"]})
        assert code(answer) == expected, answer.text
    fresh = await again(story, referral)
    body = {"grant_id": fresh["id"]}
    assert code(await story.post(RECIPIENT, path, body)) == (403, "not_your_step")
    assert (await story.post("ngo-legal", path, body)).status_code == 404
    stale = await story.post(SENDER, path, {**body, "expected_version": 1})
    assert code(stale) == (409, "version_conflict")
    await story.made(RECIPIENT, f"/referrals/{referral['id']}/decline", {"reason": "capacity"})
    assert code(await story.post(SENDER, path, body)) == (409, "conflict")


async def test_nothing_goes_on_to_an_organisation_that_is_implicated_meanwhile(
    story: Story,
) -> None:
    referral = await ending(story)
    fresh = await again(story, referral)
    accused = {"organisation_ids": [str(SALUD)]}
    case = f"/cases/{referral['case_id']}/implicated-organisations"
    assert (await story.call(SENDER, "PUT", case, accused)).status_code == 200
    path = f"/referrals/{referral['id']}/renew-consent"
    assert (await story.post(SENDER, path, {"grant_id": fresh["id"]})).status_code == 409


async def test_a_referral_goes_on_under_a_consent_that_its_task_names(story: Story) -> None:
    referral = await story.sent()
    task = (await story.get(SENDER, f"/fhir/Task/{referral['id']}")).json()
    fresh = await again(story, referral)

    async def put(who: str, grant_id: str) -> Any:
        reference = {"reference": f"Consent/{grant_id}"}
        named = {"type": {"coding": [{"code": "consent"}]}, "valueReference": reference}
        body = {**task, "input": [named]}
        return await story.call(who, "PUT", f"/fhir/Task/{referral['id']}", body)

    assert (await put(RECIPIENT, fresh["id"])).status_code in (403, 409)
    answer = await put(SENDER, fresh["id"])
    assert (answer.status_code, answer.json()["status"]) == (200, task["status"])
    seen = (await story.get(SENDER, f"/referrals/{referral['id']}")).json()
    assert (seen["grant_id"], seen["state"]) == (fresh["id"], referral["state"])


@pytest.mark.parametrize("which", ["former", "fresh"])
async def test_whichever_consent_is_taken_back_the_referral_ends_with_all_of_them(
    story: Story, which: str
) -> None:
    service_id, case = await story.service(), await story.case()
    first = await story.consent(case["id"], service_id, valid_until=in_hours(1))
    draft = await story.draft(case["id"], service_id)
    path = f"/referrals/{draft['id']}"
    referral = await story.made(SENDER, f"{path}/send", {"grant_id": first["id"]})
    await story.get(RECIPIENT, f"{path}/disclosure")
    with clock.shifted(AFTER):
        fresh = await again(story, referral)
        await renewed(story, referral, fresh)
        withdrawal = (first if which == "former" else fresh)["withdrawal_code"]
        told = await story.made("anonymous", "/withdrawals", {"code": withdrawal})
        assert [one["referral_id"] for one in told["already_read"]] == [referral["id"]]
        assert told["ended_before"] is None
        assert (await story.get(SENDER, path)).json()["state"] == "withdrawn"
        read = await story.get(RECIPIENT, f"{path}/disclosure")
        assert code(read) == (410, "consent_withdrawn")
        for grant in (first, fresh):
            status = (await story.get(SENDER, f"/consents/{grant['id']}")).json()["status"]
            assert status == "withdrawn"


@pytest.mark.parametrize(
    ("language", "words"), [("en", "had already expired"), ("es", "ya había vencido")]
)
async def test_the_page_says_that_the_consent_had_ended_by_itself(
    story: Story, language: str, words: str
) -> None:
    service_id, case = await story.service(), await story.case()
    grant = await story.consent(case["id"], service_id, valid_until=in_hours(1))
    with clock.shifted(AFTER):
        page = await story.form(
            f"/withdraw?language={language}", {"code": grant["withdrawal_code"]}
        )
    assert page.status_code == 200
    assert words in page.text


async def test_the_person_is_asked_again_where_nobody_else_may_be_referred_now(
    story: Story,
) -> None:
    referral = await ending(story)
    await story.suspended(referral["service_id"])
    other = await story.case()
    body = story.consent_body(other["id"], referral["service_id"])
    assert code(await story.post(SENDER, "/consents", body)) == (409, "not_referable")
    with clock.shifted(AFTER):
        await renewed(story, referral, await again(story, referral))


async def test_a_consent_takes_the_place_of_an_exception_and_ends_it(story: Story) -> None:
    service_id, case = await story.service(), await story.case()
    body = {**exception_body(case["id"], service_id), "items": ["name", "contact", "situation"]}
    asked = await story.made(SENDER, "/exceptions", body)
    decision = f"/exceptions/{asked['id']}/decision"
    await story.made("ngo-refugio-supervisor", decision, {"approve": True})
    draft = await story.draft(case["id"], service_id)
    path = f"/referrals/{draft['id']}"
    referral = await story.made(SENDER, f"{path}/send", {"exception_id": asked["id"]})
    of_case = f"/cases/{case['id']}{path}/renew-consent"
    body = {"grant_id": (await again(story, referral))["id"]}
    assert (await story.made(SENDER, of_case, body))["exception_id"] is None
    ended = (await story.get(SENDER, f"/exceptions/{asked['id']}")).json()
    assert ended["status"] == "ended"
    assert (await story.get(RECIPIENT, f"{path}/disclosure")).status_code == 200


async def test_nobody_decides_on_a_consent_whose_date_is_over(story: Story) -> None:
    service_id, child = await story.service(), await story.child(16, caregiver="available")
    grant = await story.consent(
        child["id"], service_id, decided_by="caregiver", child_assent="dissents",
        valid_until=in_hours(1),
    )  # fmt: skip
    chief, asked = "ngo-refugio-supervisor", "/consents?mine_to_decide=true"
    assert [one["id"] for one in (await story.get(chief, asked)).json()["items"]] == [grant["id"]]
    with clock.shifted(AFTER):
        assert (await story.get(chief, asked)).json()["items"] == []
        late = await story.post(chief, f"/consents/{grant['id']}/decision", {"approve": True})
        assert code(late) == (409, "already_decided")
        assert (await story.get(SENDER, f"/consents/{grant['id']}")).json()["status"] == "expired"
