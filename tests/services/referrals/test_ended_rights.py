"""A suspended caller gets nothing through earlier arrangements: webhooks, messages, forms or links."""

import time
from datetime import timedelta
from typing import Any

import pytest
from common import clock
from referrals.settings import Settings

from tests.services.referrals.screening_words import SUPERVISOR
from tests.services.referrals.story import REFUGIO, SALUD, Story
from tests.services.referrals.test_bridges import PRIMERO, PRIMERO_MAPPING, case_form
from tests.services.referrals.test_channels import MAILBOX, World, world
from tests.services.referrals.test_intake import send
from tests.services.referrals.test_webhooks import dispatched, receiver, registered
from tests.support.principals import bearer
from tests.support.receiver import Receiver
from tests.support.rights import people_told, tell, told

__all__ = ["receiver", "world"]
OFF = {"organisation": [str(SALUD)]}


async def test_a_suspended_organisation_is_not_called_and_is_once_the_suspension_has_ended(
    story: Story, settings: Settings, receiver: Receiver
) -> None:
    """The suspension holds back queued calls and those that arrive while it lasts."""
    await registered(story, receiver)
    receiver.status = 503
    before = await story.sent()
    assert await dispatched(story, settings) == 1  # It failed and waits.
    await told(story.client, "referrals", suspended=OFF)
    receiver.status, receiver.calls = 204, []
    meanwhile = await story.sent()
    with clock.shifted(timedelta(minutes=10)):
        assert await dispatched(story, settings) == 0
    assert receiver.calls == []
    await told(story.client, "referrals")
    with clock.shifted(timedelta(minutes=10)):
        assert await dispatched(story, settings) == 2
    called = b"".join(body for _, body in receiver.calls)
    assert before["id"].encode() in called
    assert meanwhile["id"].encode() in called
    feed = (await story.get("ngo-salud", "/feed")).json()["items"]
    assert {before["id"], meanwhile["id"]} <= {each["subject_id"] for each in feed}


async def test_a_webhook_waits_once_whoever_added_it_is_gone_until_a_colleague_answers_for_it(
    story: Story, settings: Settings, receiver: Receiver
) -> None:
    hook = await registered(story, receiver)
    await told(story.client, "referrals", suspended={"client": ["ngo-salud"]})
    await story.sent()
    assert await dispatched(story, settings) == 0
    who = "ngo-salud-supervisor"
    assert await story.told_to(who, hook["id"]) == ["webhook.held"]
    (seen,) = (await story.get(who, "/webhooks")).json()
    assert (seen["active"], seen["held"]) == (True, True)
    refused = await story.post(who, f"/webhooks/{hook['id']}/ping")
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    await told(story.client, "referrals", suspended={"client": ["ngo-salud"]})
    assert await story.told_to(who, hook["id"]) == ["webhook.held"]  # Told once.
    answering = {"roles": ["supervisor"], "scope": "referrals:read referrals:write"}
    await story.made(who, f"/webhooks/{hook['id']}/enable", {}, **answering)
    assert (await story.get(who, "/webhooks")).json()[0]["held"] is False
    assert (
        await dispatched(story, settings) == 2
    )  # The referral, and the notice that the webhook is on hold.


@pytest.mark.parametrize(
    "lost",
    [{"roles": ["reader"]}, {"scopes": ["directory:read"]}, {"organisation_id": str(REFUGIO)}],
)
async def test_a_webhook_waits_once_its_owner_has_no_cases_of_the_organisation_any_more(
    story: Story, settings: Settings, receiver: Receiver, lost: dict[str, Any]
) -> None:
    hook, chief = await registered(story, receiver), "ngo-salud-supervisor"
    await people_told(story.client, {"ngo-salud": {}})
    assert await story.told_to(chief, hook["id"]) == []
    for _ in range(2):  # sent once, to the organisation that owns the webhook
        await people_told(story.client, {"ngo-salud": lost})
        assert await story.told_to(chief, hook["id"]) == ["webhook.held"]
    assert await story.told_to("ngo-refugio", hook["id"]) == []
    await story.sent()
    assert await dispatched(story, settings) == 0
    (seen,) = (await story.get(chief, "/webhooks")).json()
    assert (seen["active"], seen["held"]) == (True, True)
    await people_told(story.client, {"ngo-salud": {}})
    assert (
        await dispatched(story, settings) == 2
    )  # the referral, and the notice that the webhook is on hold


async def test_a_supervisor_hears_that_the_webhook_of_a_demoted_colleague_waits(
    world: World,
) -> None:
    await world.channel("ngo-salud-supervisor", address="jefa@salud.example.org")
    story, chief = world.story, "ngo-salud-supervisor"
    await people_told(story.client, {"ngo-salud": {}, chief: {}})
    await story.made("ngo-salud", "/webhooks", {"url": "https://127.0.0.1/hook"})
    await people_told(story.client, {"ngo-salud": {"roles": ["reader"]}, chief: {}})
    await world.told()
    assert [mail["To"] for mail in world.mail.mails] == ["jefa@salud.example.org"]


async def test_whoever_is_suspended_is_told_nothing_more_and_the_next_on_call_at_once(
    world: World,
) -> None:
    await world.channel()
    await world.channel("ngo-salud-supervisor", address="dos@salud.example.org")
    story = world.story
    hour = timedelta(hours=1)
    for rank, person in enumerate(("ngo-salud", "ngo-salud-supervisor"), start=1):
        shift = {
            "person": person,
            "rank": rank,
            "starts_at": (clock.now() - hour).isoformat(),
            "ends_at": (clock.now() + hour).isoformat(),
        }
        await story.made("ngo-salud-supervisor", "/on-call", shift)
    await told(story.client, "referrals", suspended={"subject": ["ngo-salud"]})
    await story.sent(urgency="emergency")
    assert await world.told() == 1
    assert [mail["To"] for mail in world.mail.mails] == ["dos@salud.example.org"]
    world.mail.mails.clear()
    await told(story.client, "referrals", suspended=OFF)
    await story.sent(urgency="emergency")
    assert await world.told() == 0
    assert world.mail.mails == []
    await told(story.client, "referrals")
    await story.sent(urgency="emergency")
    assert await world.told() == 1
    assert [mail["To"] for mail in world.mail.mails] == [MAILBOX]


async def test_the_secret_of_a_suspended_organisations_form_brings_nothing_in(
    story: Story,
) -> None:
    form = await case_form(story, "primero", PRIMERO_MAPPING)
    await told(story.client, "referrals", suspended={"organisation": [str(REFUGIO)]})
    refused = await send(story, form, PRIMERO)
    assert refused.status_code == 403, refused.text
    assert refused.json()["code"] == "form_held"
    wrong = await send(story, {**form, "secret": "x" * 40}, PRIMERO)
    assert (wrong.status_code, wrong.json()["code"]) == (404, "form_unknown")
    assert (await story.get(SUPERVISOR, "/intake/submissions")).json()["items"] == []
    await told(story.client, "referrals")
    assert (await send(story, form, PRIMERO)).json()["status"] == "taken"


async def test_a_suspended_recipients_link_answers_nothing_until_that_has_ended(
    story: Story,
) -> None:
    referral = await story.sent()
    links = f"/referrals/{referral['id']}/answer-links"
    url = (await story.made("ngo-refugio", links, {}))["url"]
    page = url[url.index("/referrals/v1") :]
    await told(story.client, "referrals", suspended=OFF)
    nobody = bearer("anonymous", audience="ruta-referrals")
    assert (await story.client.get(page, headers=nobody)).status_code == 410
    answer = {"answer": "accept", "focal_point": "x"}
    assert (await story.client.post(page, data=answer, headers=nobody)).status_code == 410
    await told(story.client, "referrals")
    assert (await story.client.get(page, headers=nobody)).status_code == 200


async def test_only_the_front_tells_and_an_older_list_brings_nothing_back(
    story: Story, settings: Settings, receiver: Receiver
) -> None:
    refused = await tell(story.client, "referrals", suspended=OFF, scope="admin referrals:write")
    assert refused.status_code == 403, refused.text
    await registered(story, receiver)
    await told(story.client, "referrals", suspended=OFF)
    older = await tell(story.client, "referrals", as_of=time.time() - 5)
    assert older.status_code == 204
    await story.sent()
    assert await dispatched(story, settings) == 0
