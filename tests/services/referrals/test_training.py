"""Trainings become activities, and certificates decide who may conclude a screening."""

from datetime import timedelta
from typing import Any

from common import clock

from tests.services.referrals.screening_words import SUPERVISOR, certify
from tests.services.referrals.story import Story


def training(**changes: Any) -> dict[str, Any]:
    day = str(clock.today() - timedelta(days=10))
    return {
        "topic": "screening",
        "area": "VE2313",
        "starts_on": day,
        "ends_on": day,
        "sessions": 2,
        "women": 9,
        "men": 4,
        **changes,
    }


async def test_a_training_is_announced_and_its_correction_too(story: Story) -> None:
    made = await story.made("ngo-refugio", "/trainings", training())
    await story.call(
        "ngo-refugio", "PUT", f"/trainings/{made['id']}", training(women=10, cancelled=True)
    )
    rows = await story.rows("SELECT payload FROM outbox WHERE aggregatetype = 'training'")
    assert [(r.payload["version"], r.payload["women"]) for r in rows] == [(1, 9), (2, 10)]
    assert rows[1].payload["cancelled"] is True
    foreign = await story.call("ngo-salud", "PUT", f"/trainings/{made['id']}", training())
    assert foreign.status_code == 404


IMPOSSIBLE: list[tuple[dict[str, Any], str]] = [
    ({"topic": "cooking"}, "/topic"),
    ({"starts_on": "2026-02-30"}, "/starts_on"),
    ({"starts_on": "2999-01-01", "ends_on": "2999-01-01"}, "/starts_on"),
    ({"starts_on": "1999-01-01", "ends_on": "1999-01-01"}, "/starts_on"),
    ({"ends_on": "2020-01-01"}, ""),
    ({"women": -1}, "/women"),
    ({"area": "VE"}, "/area"),
    ({"area": "XX99"}, "/area"),
    ({"names": ["Ana"]}, "/names"),
]


async def test_an_impossible_training_is_refused(story: Story) -> None:
    for changes, pointer in IMPOSSIBLE:
        refused = await story.post("ngo-refugio", "/trainings", training(**changes))
        assert refused.status_code == 422, changes
        assert refused.json()["errors"][0]["pointer"] == pointer


async def test_nobody_certifies_themselves_and_partners_certify_nobody(story: Story) -> None:
    today = clock.today()
    body = {
        "holder": SUPERVISOR,
        "certified_on": str(today),
        "valid_until": str(today + timedelta(1)),
    }
    own = await story.post(SUPERVISOR, "/certificates", body)
    assert (own.status_code, own.json()["code"]) == (403, "second_person_needed")
    by_partner = await story.post("ngo-refugio", "/certificates", {**body, "holder": "R-1"})
    assert by_partner.status_code == 403
    for wrong in (
        {"holder": "Ana María Pérez"},
        {"certified_on": str(today + timedelta(2)), "valid_until": str(today + timedelta(9))},
        {"valid_until": str(today)},
        {"valid_until": str(today + timedelta(5000))},
        {"topic": "trafficking_basics"},
    ):
        refused = await story.post(SUPERVISOR, "/certificates", {**body, "holder": "R-1", **wrong})
        assert refused.status_code == 422, wrong


async def test_who_is_certified_and_whose_certificate_ends_soon(story: Story) -> None:
    today = clock.today()
    await certify(story, "R-1")
    await certify(story, "R-2", valid_until=str(today + timedelta(days=20)))
    await certify(story, "R-3", valid_until=str(today - timedelta(days=1)))
    gone = await certify(story, "R-4")
    revoke = f"/certificates/{gone['id']}/revoke"
    await story.made(SUPERVISOR, revoke, {"reason": "left"})
    assert (await story.post("ngo-salud-supervisor", revoke, {"reason": "left"})).status_code == 404
    listed = (await story.get("ngo-refugio", "/certificates")).json()["items"]
    assert {each["holder"]: each["standing"] for each in listed} == {
        "R-1": "valid",
        "R-2": "expiring",
        "R-3": "expired",
        "R-4": "revoked",
    }
    soon = await story.get("tip-coordinator", "/certificates?expiring_within_days=60")
    assert [each["holder"] for each in soon.json()["items"]] == ["R-2"]
    assert (await story.get("ngo-salud", "/certificates")).json()["items"] == []
