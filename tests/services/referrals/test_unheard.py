"""An emergency that reached nobody is shown to the sender, the supervisors, the coordinators and the operators."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from common import clock
from common.process.telemetry import Metrics
from referrals.telling.unheard_service import Unheard

from tests.services.referrals.line_words import TIP, Reporter
from tests.services.referrals.story import SALUD
from tests.services.referrals.test_channels import MAILBOX, World, world
from tests.support.rights import people_told

__all__ = ["world"]
AFTER = timedelta(minutes=15)
LATER = AFTER + timedelta(minutes=1)
COORDINATORS = ("cp-coordinator", "gbv-coordinator", "tip-coordinator")


class Watched:
    def __init__(self, world: World) -> None:
        self.world, self.metrics = world, Metrics()
        self.unheard = Unheard(world.story.database, self.metrics, AFTER)

    async def look(self) -> int:
        return await self.unheard.look()

    async def alarms(self) -> tuple[int, int]:
        """Return the alert's counts of emergencies and of other messages."""
        await self.unheard.measure()
        names = ("ruta_emergencies_unheard", "ruta_messages_unheard")
        found = [self.metrics.registry.get_sample_value(name) for name in names]
        return int(found[0] or 0), int(found[1] or 0)

    async def seen_by_sender(self, referral: dict[str, Any]) -> bool:
        path = f"/referrals/{referral['id']}"
        return (await self.world.story.get("ngo-refugio", path)).json()["unheard_at"] is not None


@pytest.fixture
def watched(world: World) -> Watched:
    return Watched(world)


async def no_channel(world: World) -> None:
    pass


async def switched_off(world: World) -> None:
    await world.channel()
    world.mail.refused[MAILBOX] = "550 5.1.1 no such user"
    await world.story.sent()
    await world.told()
    world.mail.mails.clear()
    assert (await world.story.get("ngo-salud", "/channels")).json()[0]["status"] == "off"
    await world.story.rows(
        "UPDATE referrals SET state = 'recalled' WHERE state = 'sent' RETURNING id"
    )


async def refuses_it(world: World) -> None:
    await world.channel()
    world.mail.refused[MAILBOX] = "550 5.1.1 no such user"


async def is_late(world: World) -> None:
    await world.channel()
    world.mail.refused[MAILBOX] = "451 4.3.0 try later"


async def has_gone(world: World) -> None:
    await world.channel()
    assert (await people_told(world.story.client, {})).status_code == 204


@pytest.mark.parametrize("road", [no_channel, switched_off, is_late, has_gone])
async def test_an_emergency_that_reached_nobody_is_known_to_all_who_can_do_something(
    world: World, watched: Watched, road: Any
) -> None:
    story = world.story
    await road(world)
    await people_told(story.client, {who: {} for who in COORDINATORS}, until="ngo-a")
    referral = await story.sent(urgency="emergency")
    await world.told()
    assert (await watched.look(), await watched.alarms()) == (0, (0, 0))
    with clock.shifted(AFTER - timedelta(minutes=1)):
        await world.told()
        assert await watched.look() == 0
        assert not await watched.seen_by_sender(referral)
    with clock.shifted(LATER):
        await world.told()
        assert await watched.look() == 1
        assert await watched.alarms() == (1, 0)
        assert await watched.seen_by_sender(referral)
        for who in ("ngo-refugio", "ngo-refugio-supervisor", "ngo-salud-supervisor"):
            assert "referral.unheard" in await story.told_to(who, referral["id"])
        for who in COORDINATORS:  # No area of responsibility owns health.
            assert await story.told_to(who, str(SALUD)) == ["organisation.unheard"]
            # Coordinators find the organisation among those to call, but no referral.
            (late,) = (await story.get(who, "/timers/overdue/organisations")).json()
            assert (late["organisation_id"], late["to_call"]) == (str(SALUD), True)
            assert referral["id"] not in str(late)
        path = f"/timers/overdue/organisations/{SALUD}/calls"
        await story.made(COORDINATORS[0], path, {"aor": "MULTI", "outcome": "will_act"})
        assert await watched.look() == 0  # Told once.


async def test_no_coordinator_learns_of_a_house_that_is_hidden_from_them(
    world: World, watched: Watched
) -> None:
    """A coordinator who sees the house gets the notice. A colleague does not, because the notice names the house's
    organisation."""
    story = world.story
    await people_told(story.client, {who: {} for who in COORDINATORS}, until="ngo-a")
    house = UUID(await story.any_service())
    await story.sent(service_id=str(house), urgency="emergency")
    await story.service(service_id=house, version=2, visibility="restricted", aors=("GBV",))
    with clock.shifted(LATER):
        assert await watched.look() == 1
        told = [await story.told_to(who, str(SALUD)) for who in COORDINATORS]
        assert told == [[], ["organisation.unheard"], []]
        colleague = {"sub": "colleague", "roles": ["partner", "caseworker", "supervisor"]}
        feed = await story.get("gbv-coordinator", "/feed?limit=500", **colleague)
        assert (feed.status_code, feed.json()["items"]) == (200, [])


async def test_an_emergency_whose_messages_were_all_refused_is_known_at_once(
    world: World, watched: Watched
) -> None:
    await refuses_it(world)
    referral = await world.story.sent(urgency="emergency")
    await world.told()
    assert (await watched.look(), await watched.alarms()) == (1, (1, 0))
    assert await watched.seen_by_sender(referral)


async def test_it_is_over_once_somebody_has_heard(world: World, watched: Watched) -> None:
    await is_late(world)
    referral = await world.story.sent(urgency="emergency")
    await world.told()
    with clock.shifted(LATER):
        assert await watched.look() == 1
        world.mail.refused.clear()
    with clock.shifted(LATER + timedelta(hours=3)):
        await world.told()
        assert await watched.look() == 0
        assert await watched.alarms() == (0, 0)
        assert not await watched.seen_by_sender(referral)


@pytest.mark.parametrize("how", ["message", "read", "acknowledge"])
async def test_what_was_heard_raises_nothing(world: World, watched: Watched, how: str) -> None:
    if how == "message":
        await world.channel()
    referral = await world.story.sent(urgency="emergency")
    await world.told()
    path = f"/referrals/{referral['id']}"
    if how == "read":
        assert (await world.story.get("ngo-salud", f"{path}/disclosure")).status_code == 200
    elif how == "acknowledge":
        await world.story.made("ngo-salud", f"{path}/acknowledge", {})
    with clock.shifted(LATER):
        assert await watched.look() == 0
        assert await watched.alarms() == (0, 0)


async def test_the_senders_own_reading_is_no_hearing(world: World, watched: Watched) -> None:
    referral = await world.story.sent(urgency="emergency")
    await world.story.get("ngo-refugio", f"/referrals/{referral['id']}/disclosure")
    with clock.shifted(LATER):
        assert await watched.look() == 1


async def test_a_routine_message_that_was_given_up_is_known_too(
    world: World, watched: Watched
) -> None:
    await refuses_it(world)
    referral = await world.story.sent()
    assert await watched.look() == 0
    await world.told()
    assert await watched.look() == 1
    assert await watched.alarms() == (0, 1)
    assert await watched.seen_by_sender(referral)
    without = (
        await world.story.sent()
    )  # Without a message, the referral waits in the list like a routine one.
    with clock.shifted(LATER):
        assert await watched.look() == 0
    assert not await watched.seen_by_sender(without)


async def test_a_report_of_danger_that_reached_no_desk_raises_the_alarm(
    world: World, watched: Watched
) -> None:
    reporter = Reporter(world.story)
    await reporter.report(urgent=False)
    report = await reporter.report(urgent=True)
    await world.told()
    with clock.shifted(LATER):
        assert await watched.alarms() == (1, 0)
        await world.story.get(TIP, f"/line/reports/{report['id']}")
        assert await watched.alarms() == (0, 0)
    await world.channel("tip-coordinator", address="tip@example.org")
    await reporter.report(urgent=True)
    await world.told()
    assert world.mail.mails
    with clock.shifted(LATER):
        assert await watched.alarms() == (0, 0)
