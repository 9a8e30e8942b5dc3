"""On the real stack, everybody who can act learns of an emergency that reached nobody. The issuer's current data
decides who may be told."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from common import clock

from tests.services.referrals.story import SALUD
from tests.support.system import System, until
from tests.system.gateway_story import GatewayStory, told_through_gateway

pytestmark = pytest.mark.system
SUPERVISOR = "ngo-salud-supervisor"
_SUPERVISES = {"roles": ["supervisor"], "scope": "referrals:read referrals:write"}


@pytest.fixture
async def story(system: System) -> AsyncIterator[GatewayStory]:
    async with told_through_gateway(system) as told:
        yield told


async def test_an_emergency_to_people_without_a_channel_raises_the_alarm_until_it_is_read(
    story: GatewayStory, system: System
) -> None:
    referral = await story.sent(urgency="emergency")
    path = f"/referrals/{referral['id']}"
    assert (await story.get("ngo-refugio", path)).json()["unheard_at"] is None
    await story.changed(
        "UPDATE referrals SET sent_at = sent_at - interval '16 minutes' WHERE id = :id",
        id=referral["id"],
    )

    async def known() -> bool:
        return (await story.get("ngo-refugio", path)).json()["unheard_at"] is not None

    await story.eventually(known)
    assert "referral.unheard" in await story.told_to("ngo-refugio", referral["id"])
    assert "organisation.unheard" in await story.told_to("gbv-coordinator", str(SALUD))
    late = (await story.get("gbv-coordinator", "/timers/overdue/organisations")).json()
    assert str(SALUD) in [one["organisation_id"] for one in late]
    until(lambda: _unheard(system) >= 1, "it is measured")
    told = system.ruta("doctor", check=False)
    assert told.returncode == 1
    assert "emergencies that reached nobody" in told.stdout
    before = _unheard(system)
    assert (await story.get("ngo-salud", f"{path}/disclosure")).status_code == 200

    async def over() -> bool:
        return not await known() and _unheard(system) < before

    await story.eventually(over)


def _unheard(system: System) -> int:
    found = re.search(
        r"^ruta_emergencies_unheard (.+)$", system.measured("referrals"), re.MULTILINE
    )
    assert found
    return int(float(found[1]))


async def test_a_shift_names_somebody_whom_the_issuer_knows_until_they_are_switched_off(
    story: GatewayStory,
) -> None:
    made = story._identity(
        "/clients",
        {
            "id": f"guardia-{clock.now():%H%M%S%f}",
            "organisation_id": str(SALUD),
            "name": "of a scenario",
            "roles": ["caseworker"],
            "scopes": ["referrals:read", "referrals:write"],
        },
    )

    async def taken(person: str) -> bool:
        now = clock.now()
        shift = {
            "person": person,
            "starts_at": now.isoformat(),
            "ends_at": (now + timedelta(minutes=1)).isoformat(),
        }
        answer = await story.post(SUPERVISOR, "/on-call", shift, **_SUPERVISES)
        assert answer.status_code in (201, 422), answer.text
        return answer.status_code == 201

    async def known() -> bool:
        return await taken(made["id"])

    await story.eventually(known)
    assert not await taken("nobody")
    assert not await taken("ngo-refugio")
    await _changed(story, made["id"], roles=["reader"])

    async def gone() -> bool:
        return not await known()

    await story.eventually(gone)
    await _changed(story, made["id"], roles=["caseworker"])
    await story.eventually(known)
    await _changed(story, made["id"], active=False)
    await story.eventually(gone)


async def _changed(story: GatewayStory, client: str, **change: Any) -> None:
    path = f"/identity/v1/clients/{client}"
    seen = await story.client.get(path, headers=story.keyed_as("im-officer"))
    headers = {**story.keyed_as("im-officer"), "If-Match": seen.headers["ETag"]}
    answer = await story.client.patch(path, json=change, headers=headers)
    assert answer.status_code == 200, answer.text
