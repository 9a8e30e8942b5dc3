"""The worker does not send a queued message to a person who may no longer read its subject."""

import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from common import clock
from referrals.ground.notices.kinds import ENDS
from referrals.referral.referrals.lifecycle import SHARING_ENDS
from referrals.settings import Settings

from tests.services.referrals.line_words import TIP, Reporter, handed_over
from tests.services.referrals.story import LEGAL, SALUD, Story
from tests.services.referrals.test_channels import World, world
from tests.services.referrals.test_implicated import mark, recalled, withdrawn
from tests.services.referrals.test_line_desk import NGO
from tests.services.referrals.test_scenarios import transfer_offer
from tests.services.referrals.test_webhooks import dispatched, receiver, registered
from tests.support.receiver import Receiver

__all__ = ["receiver", "world"]
LATER = timedelta(minutes=10)
End = Callable[[Story, dict[str, Any]], Awaitable[None]]


async def accused(story: Story, referral: dict[str, Any]) -> None:
    await mark(story, referral["case_id"], SALUD)


async def moved(story: Story, referral: dict[str, Any]) -> None:
    transfer = await story.made(
        "ngo-refugio", "/transfers", await transfer_offer(story, referral["case_id"], LEGAL)
    )
    await story.made("ngo-legal", f"/transfers/{transfer['id']}/accept", {})


def kinds_in(receiver: Receiver) -> list[str]:
    return [json.loads(body)["type"] for _, body in receiver.calls]


async def statuses(story: Story, who: str, hook: dict[str, Any]) -> list[str]:
    """Return the statuses of the webhook's deliveries, oldest first."""
    page = (await story.get(who, f"/webhooks/{hook['id']}/deliveries")).json()
    return [each["status"] for each in page["items"]][::-1]


async def refusing(story: Story, settings: Settings, receiver: Receiver, tried: int = 1) -> None:
    """Make the receiver refuse calls, so that due calls become due again in some minutes."""
    receiver.status = 503
    assert await dispatched(story, settings) == tried
    receiver.status, receiver.calls = 204, []


@pytest.mark.parametrize(
    ("end", "told"),
    [
        (recalled, "referral.recalled"),
        (withdrawn, "referral.withdrawn"),
        (accused, "referral.recalled"),
    ],
)
async def test_a_call_that_waited_is_not_made_once_its_referral_is_shared_no_more(
    story: Story, settings: Settings, receiver: Receiver, end: End, told: str
) -> None:
    """The worker still makes the call that announces the end. The delivery list gives the reason, and retrying changes
    nothing."""
    hook = await registered(story, receiver)
    referral = await story.sent()
    await refusing(story, settings, receiver)
    await end(story, referral)
    with clock.shifted(LATER):
        assert await dispatched(story, settings) == 2
        assert kinds_in(receiver) == [told]
        assert await statuses(story, "ngo-salud", hook) == ["access_ended", "delivered"]
        path = f"/webhooks/{hook['id']}"
        page = (await story.get("ngo-salud", f"{path}/deliveries?status=access_ended")).json()
        again = {"delivery_id": page["items"][0]["id"]}
        await story.made("ngo-salud", f"{path}/replay", again)
        assert await dispatched(story, settings) == 1
        assert await dispatched(story, settings) == 0
    assert kinds_in(receiver) == [told]
    assert await statuses(story, "ngo-salud", hook) == ["access_ended", "delivered"]


async def test_a_call_that_waited_is_not_made_to_whoever_gave_the_case_away(
    story: Story, settings: Settings, receiver: Receiver
) -> None:
    kinds = ["referral.accepted"]
    hook = await story.made("ngo-refugio", "/webhooks", {"url": receiver.url, "kinds": kinds})
    await registered(story, receiver, kinds=kinds)
    referral = await story.accepted()
    await refusing(story, settings, receiver, tried=2)
    await moved(story, referral)
    with clock.shifted(LATER):
        assert await dispatched(story, settings) == 2
    assert (
        kinds_in(receiver) == kinds
    )  # The organisation that accepted the referral still gets its calls.
    assert await statuses(story, "ngo-refugio", hook) == ["access_ended"]


async def test_a_call_that_waited_is_not_made_to_whom_a_report_of_the_line_turned_against(
    story: Story, settings: Settings, receiver: Receiver
) -> None:
    hook = await story.made(
        NGO, "/webhooks", {"url": receiver.url, "kinds": ["line.report_changed"]}
    )
    reporter = Reporter(story)
    report = await handed_over(story, reporter)
    await reporter.do("messages", text="siguen allá")
    await refusing(story, settings, receiver)
    implicated = {"organisation_ids": [str(LEGAL)]}
    await story.call(TIP, "PUT", f"/line/reports/{report}/implicated-organisations", implicated)
    with clock.shifted(LATER):
        assert await dispatched(story, settings) == 1
    assert receiver.calls == []
    assert await statuses(story, NGO, hook) == ["access_ended"]


async def test_a_message_that_waited_is_not_sent_to_whoever_gave_the_case_away(
    world: World,
) -> None:
    await world.channel("ngo-refugio", address="caso@refugio.example.org", pace="digest")
    referral = await world.story.accepted()
    await world.told()
    assert await world.pings() == ["waiting"]
    await moved(world.story, referral)
    await world.told()
    with clock.shifted(timedelta(days=1)):
        await world.told()
    assert await world.pings() == ["access_ended", "told"]  # The transfer was accepted.
    assert len(world.mail.mails) == 1


async def test_a_message_that_waited_is_not_sent_to_whoever_left_the_team(world: World) -> None:
    await world.channel(pace="digest")
    story = world.story
    service = await story.any_service()
    await story.sent(service_id=service)
    await world.told()
    assert await world.pings() == ["waiting"]
    team = {"clients": ["ngo-salud-other"]}
    supervising: dict[str, Any] = {
        "roles": ["supervisor"],
        "scope": "referrals:read referrals:write",
    }
    answer = await story.call(
        "ngo-salud-supervisor", "PUT", f"/services/{service}/team", team, **supervising
    )
    assert answer.status_code == 200, answer.text
    with clock.shifted(timedelta(days=1)):
        await world.told()
    assert world.mail.mails == []
    assert await world.pings() == ["access_ended"]


def test_whatever_says_that_sharing_ended_is_told() -> None:
    assert {f"referral.{state}" for state in SHARING_ENDS} <= ENDS
