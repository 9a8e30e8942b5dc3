"""An emergency uses every remaining channel. No channel waits for another, for a routine message or for a lease, and
nobody gets the same message twice."""

import asyncio
import json
import socket
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from common import clock
from common.db.session import Database
from common.messages.delivery import Result
from common.messages.mail import Mail
from common.messages.mail import Relay as RelayAddress
from common.messages.queues import work_off
from common.messages.sms import Said, Sms, Template
from common.webhooks.client import client
from httpx import ASGITransport, AsyncClient
from referrals.app import create_app
from referrals.ground.keys.store import CaseKeys
from referrals.ground.notices.service import fan_out
from referrals.settings import Settings
from referrals.telling.channels.dispatch import Claimed, Queue, ping
from referrals.telling.channels.kinds import ChannelKind
from referrals.telling.channels.messages import SPACING, something_new

from tests.services.referrals.rounds import ZONE
from tests.services.referrals.story import Story
from tests.services.referrals.test_channels import (
    FRONT,
    LOOPBACK,
    MAILBOX,
    World,
    number,
    world,
    world_of,
)
from tests.support.channel_servers import LOGIN
from tests.support.databases import MigratedDatabases
from tests.support.patience import PATIENCE
from tests.support.returned_mails import report

__all__ = ["world"]
SMS = ChannelKind.SMS


@pytest.fixture
async def committed(
    settings: Settings, databases: MigratedDatabases, case_keys: CaseKeys, tmp_path: Path
) -> AsyncIterator[World]:
    """Yield a world with queues that run in parallel, each with its own connections."""
    to = await databases.of("referrals", "referrals_roads")
    database = Database.at(to.app_url, pool_size=8)
    app = create_app(settings, database=database, keys=case_keys)
    transport = ASGITransport(app, raise_app_exceptions=False)
    async with (
        AsyncClient(transport=transport, base_url="http://ruta") as http,
        world_of(Story(http, database), settings, app, tmp_path) as made,
    ):
        yield made
        for table in ("pings", "channels", "codes_asked"):
            await made.story.rows(f"DELETE FROM {table} RETURNING 1")
    await database.close()


def queue(world: World, kind: ChannelKind = SMS) -> Queue:
    return Queue(world.story.database, world.transports, world.sealing, FRONT, ZONE, kind)


@asynccontextmanager
async def at_work(world: World) -> AsyncIterator[Callable[[], None]]:
    """Run the worker's three queues, and yield the function that wakes them."""
    stop, called = asyncio.Event(), [asyncio.Event() for _ in ChannelKind]

    def call() -> None:
        for each in called:
            each.set()

    async with client(LOOPBACK) as http:

        async def work(kind: ChannelKind, called: asyncio.Event) -> None:
            of = queue(world, kind)
            await work_off(of.claim, lambda one: of.tell(one, http), called, PATIENCE, stop)

        tasks = [
            asyncio.create_task(work(kind, each))
            for kind, each in zip(ChannelKind, called, strict=True)
        ]
        try:
            yield call
        finally:
            stop.set()
            await asyncio.gather(*tasks)


async def until(what: Callable[[], Any]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not what():  # noqa: ASYNC110 - servers set no event
            await asyncio.sleep(0.02)


async def until_row(world: World, statement: str) -> Any:
    async with asyncio.timeout(PATIENCE):
        while not (rows := await world.story.rows(statement)):  # noqa: ASYNC110 - nor a record
            await asyncio.sleep(0.02)
    return rows[0]


async def passed_on(world: World) -> None:
    follower = partial(ping, zone=ZONE, hand_over=world.hand_over)
    while await fan_out(world.story.database, [follower]):
        pass


async def taken(world: World, kind: ChannelKind = SMS) -> list[Claimed]:
    """Return the messages that a killed worker claimed and never settled."""
    await passed_on(world)
    _, claimed = await queue(world, kind).claim(20, only_urgent=False)
    return list(claimed)


async def handed(world: World, kind: ChannelKind, claimed: list[Claimed]) -> None:
    async with client(LOOPBACK) as http:
        for one in claimed:
            await world.transports.hand_over(http, kind, one.address, one.message, one.message_id)


def names(world: World) -> list[str]:
    """Return the ids of the SMS that reached the gateway."""
    return [headers["idempotency-key"] for _, headers, _ in world.sms.requests]


def checking(world: World) -> Sms:
    """Return a gateway that sends each message once, however often it receives it."""
    return Sms(
        Template(
            kind="template",
            url=world.sms.address,
            content_type="application/json",
            body='{"to": "{number}", "text": "{text}"}',
            accepted=Said(values=[""]),
            once_per_id=True,
        )
    )


async def test_a_relay_that_hangs_holds_up_no_short_message(committed: World) -> None:
    await committed.channel()
    await number(committed)
    committed.sms.requests.clear()
    committed.mail.slow = asyncio.Event()
    try:
        async with at_work(committed) as call:
            await committed.story.sent(urgency="emergency")
            await passed_on(committed)
            call()
            await until(lambda: len(committed.sms.requests) == 1)
            await committed.story.sent(urgency="emergency")
            await passed_on(committed)
            call()
            await until(lambda: len(committed.sms.requests) == 2)
            # The relay has received two e-mails and responded to neither.
            handing = "SELECT kind FROM pings JOIN channels c ON c.id = channel_id"
            handing += " WHERE status = 'handing' AND kind = 'email' GROUP BY kind"
            await until_row(committed, f"{handing} HAVING count(*) = 2")
            committed.mail.slow.set()
    finally:
        committed.mail.slow.set()


async def test_each_message_is_settled_when_it_was_taken(committed: World) -> None:
    made = await committed.channel()
    await committed.channel("ngo-salud-supervisor", address="jefa@salud.example.org")
    committed.mail.held[MAILBOX] = asyncio.Event()
    try:
        async with at_work(committed) as call:
            await committed.story.sent(urgency="emergency")
            await passed_on(committed)
            call()
            told = await until_row(committed, "SELECT channel_id FROM pings WHERE status = 'told'")
            assert str(told[0]) != made["id"]
            committed.mail.held[MAILBOX].set()
    finally:
        committed.mail.held[MAILBOX].set()


async def test_routine_messages_that_hang_leave_room_for_an_emergency() -> None:
    routine, urgent, told = ["routine"] * 100, list[str](), list[str]()
    under_way, answered = list[str](), asyncio.Event()
    called, stop = asyncio.Event(), asyncio.Event()

    async def claim(limit: int, only_urgent: bool) -> tuple[int, list[str]]:
        waiting = [*urgent, *([] if only_urgent else routine)][:limit]
        for one in waiting:
            (urgent if one == "urgent" else routine).remove(one)
        return len(waiting), waiting

    async def tell(one: str) -> None:
        under_way.append(one)
        if one == "routine":
            await answered.wait()
        told.append(one)

    work = asyncio.create_task(work_off(claim, tell, called, PATIENCE, stop))
    try:
        await until(lambda: under_way)
        assert len(under_way) < 20
        urgent.append("urgent")
        called.set()
        for _ in range(100):  # Give the event loop some turns; it waits for nothing outside.
            await asyncio.sleep(0)
        assert told == ["urgent"]
    finally:
        stop.set()
        answered.set()
        await work


async def test_an_emergency_is_taken_before_all_that_waited_longer(world: World) -> None:
    await world.channel()
    await world.channel("ngo-refugio", address="caso@refugio.example.org")
    referral = await world.story.sent()
    await world.told()
    with clock.shifted(SPACING * 2):
        await world.story.made(
            "ngo-salud", f"/referrals/{referral['id']}/accept", {"focal_point": "Dra. M."}
        )
        await passed_on(world)
    with clock.shifted(SPACING * 3):
        await world.story.sent(urgency="emergency")
        await passed_on(world)
        _, first = await queue(world, ChannelKind.EMAIL).claim(1, only_urgent=False)
        _, second = await queue(world, ChannelKind.EMAIL).claim(5, only_urgent=True)
        _, third = await queue(world, ChannelKind.EMAIL).claim(5, only_urgent=False)
    assert [one.address for one in (*first, *second, *third)] == [
        MAILBOX,
        "caso@refugio.example.org",
    ]
    assert [one.urgent for one in first] == [True]


async def test_the_limit_of_time_is_for_the_whole_mail(world: World) -> None:
    """Each response of the relay is in time, but together they exceed the limit."""
    url = f"smtp+starttls://{LOGIN[0]}:{LOGIN[1].replace(' ', '%20')}@localhost:{world.mail.port}"
    world.mail.pause = 2
    mail = Mail(RelayAddress.at(url), "r@example.org", world.trusted, seconds=3)
    message = something_new("es", FRONT)
    handing = await mail.hand_over(MAILBOX, message, "one")
    assert (handing.result, handing.failure) == (Result.LATER, "timeout")


async def test_a_mail_that_the_relay_took_is_told_whatever_it_says_then(world: World) -> None:
    await world.channel()
    world.mail.stays = asyncio.Event()
    try:
        await world.story.sent()
        await world.told()
        assert await world.pings() == ["told"]
    finally:
        world.mail.stays.set()


async def test_what_a_routine_message_waits_for_holds_up_no_emergency(world: World) -> None:
    await number(world)
    await world.story.sent()
    world.sms.status, world.sms.headers = 429, {"Retry-After": "7200"}
    await world.told()
    world.sms.requests.clear()
    world.sms.status, world.sms.headers = 201, {}
    await world.story.sent()
    await world.told()
    assert world.sms.requests == []  # The second routine message waits for the first.
    await world.story.sent(urgency="emergency")
    await world.told()
    assert len(world.sms.requests) == 1
    assert await world.pings() == ["told"] * 3


async def test_an_emergency_is_tried_again_within_seconds_whatever_was_asked_for(
    world: World,
) -> None:
    await number(world)
    world.sms.status, world.sms.headers = 429, {"Retry-After": "86400"}
    await world.story.sent(urgency="emergency")
    await world.told()
    world.sms.status, world.sms.headers = 503, {}
    with clock.shifted(timedelta(seconds=70)):
        await world.told()
    world.sms.status = 201
    with clock.shifted(timedelta(seconds=83)):
        await world.told()
    assert await world.pings() == ["told"]
    assert len(set(names(world))) == 1  # It is one message, tried three times.


async def test_an_emergency_does_not_wait_for_a_message_that_is_being_handed_over(
    world: World,
) -> None:
    await number(world)
    await world.story.sent()
    hanging = await taken(world)
    await world.story.sent(urgency="emergency")
    other = await taken(world)
    assert len(hanging) == len(other) == 1
    assert hanging[0].message_id != other[0].message_id
    assert await taken(world) == []


async def test_a_short_message_of_a_killed_worker_is_not_sent_again(world: World) -> None:
    await number(world)
    await world.story.sent()
    await handed(world, SMS, await taken(world))
    with clock.shifted(timedelta(hours=3)):
        await world.told()
    assert len(names(world)) == 1
    assert await world.pings() == ["unclear"]


async def test_a_message_of_a_killed_worker_is_unclear_at_once_and_not_after_a_rest(
    world: World,
) -> None:
    await number(world)
    await world.story.sent()
    await handed(world, SMS, await taken(world))
    await world.story.sent(urgency="emergency")
    await world.told()
    with clock.shifted(timedelta(minutes=1)):
        assert await taken(world) == []
    assert await world.pings() == ["told", "unclear"]
    assert len(names(world)) == 2


async def test_names_of_others_that_hang_hold_up_no_message(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.channel()
    await world.story.sent(urgency="emergency")
    over, really, asked = threading.Event(), socket.getaddrinfo, list[str]()

    def looked_up(host: Any, *rest: Any, **more: Any) -> Any:
        if "partner" in str(host):
            asked.append(host)
            over.wait()
            raise socket.gaierror
        return really(host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", looked_up)
    async with client(LOOPBACK) as http:

        async def called(number: int) -> None:
            with suppress(aiohttp.ClientError):
                await http.get(f"https://partner{number // 10}.example.org/")

        calls = [asyncio.create_task(called(number)) for number in range(200)]
        relays = [
            asyncio.create_task(
                Mail(RelayAddress.at("smtp://partner-relay"), "r@example.org").hand_over(
                    MAILBOX, something_new("es", FRONT), str(number)
                )
            )
            for number in range(20)
        ]
        try:
            # On most machines an event loop has fewer threads.
            with suppress(TimeoutError):
                async with asyncio.timeout(60):
                    await until(lambda: len(asked) == 40)
            assert len(asked) == 40, "each name of a partner once"
            await world.told()
            assert await world.pings() == ["told"]
        finally:
            over.set()
            await asyncio.gather(*calls, *relays, return_exceptions=True)


async def test_an_emergency_of_a_killed_worker_is_told_again_by_its_name(world: World) -> None:
    """Sending twice is better than never, and the gateway recognises the message by its id."""
    await number(world)
    await world.story.sent(urgency="emergency")
    await handed(world, SMS, await taken(world))
    with clock.shifted(timedelta(seconds=20)):
        assert await taken(world) == []  # The lease is longer than the longest attempt.
    with clock.shifted(timedelta(minutes=1)):
        await world.told()
    assert len(names(world)) == 2
    assert len(set(names(world))) == 1
    assert await world.pings() == ["told"]


async def test_an_emergency_whose_answer_was_lost_is_told_again_until_it_is_taken(
    world: World,
) -> None:
    await number(world)
    await world.story.sent(urgency="emergency")
    world.sms.drop = True
    await world.told()
    assert await world.pings() == ["handing"]
    world.sms.drop = False
    with clock.shifted(timedelta(seconds=7)):
        await world.told()
    assert await world.pings() == ["told"]
    assert len(set(names(world))) == 1


async def test_who_heard_of_an_emergency_otherwise_gets_no_second_short_message(
    world: World,
) -> None:
    await number(world)
    await world.channel()
    await world.story.sent(urgency="emergency")
    await handed(world, SMS, await taken(world))
    with clock.shifted(timedelta(minutes=1)):
        await world.told()
    assert len(names(world)) == 1
    assert len(world.mail.mails) == 1
    assert await world.pings() == ["told", "unclear"]


async def test_a_gateway_that_compares_ids_is_asked_again(world: World) -> None:
    await number(world)
    world.transports.__dict__["sms"] = checking(world)
    world.sms.requests.clear()
    await world.story.sent()
    world.sms.drop = True
    await world.told()
    world.sms.drop = False
    with clock.shifted(timedelta(minutes=1)):
        await handed(world, SMS, await taken(world))
    with clock.shifted(timedelta(minutes=3)):
        await world.told()
    assert len(names(world)) == 3
    assert len(set(names(world))) == 1
    assert await world.pings() == ["told"]


async def test_a_worker_that_stood_still_for_its_lease_sends_nothing(world: World) -> None:
    await number(world)
    await world.story.sent()
    claimed = await taken(world)
    world.sms.requests.clear()
    with clock.shifted(timedelta(minutes=1)):
        async with client(LOOPBACK) as http:
            await queue(world).tell(claimed[0], http)
    assert world.sms.requests == []


async def test_what_was_taken_is_told_although_the_clock_leapt_before_the_answer(
    world: World,
) -> None:
    await world.channel()
    await world.story.sent(urgency="emergency")
    (claimed,) = await taken(world, ChannelKind.EMAIL)
    world.mail.held[MAILBOX] = asyncio.Event()
    world.mail.sessions.clear()
    async with client(LOOPBACK) as http:
        telling = asyncio.create_task(queue(world, ChannelKind.EMAIL).tell(claimed, http))
        await until(lambda: world.mail.sessions)
        with clock.shifted(timedelta(hours=1)):
            world.mail.held[MAILBOX].set()
            await telling
    assert await world.pings() == ["told"]


async def test_what_another_worker_took_since_is_not_held_back_by_the_first(world: World) -> None:
    await number(world)
    await world.story.sent(urgency="emergency")
    first = await taken(world)
    world.sms.status = 503
    with clock.shifted(timedelta(minutes=1)):
        second = await taken(world)
    async with client(LOOPBACK) as http:
        await queue(world).tell(first[0], http)
    due = await world.story.rows("SELECT status, next_attempt_at FROM pings")
    assert [tuple(row) for row in due] == [("handing", second[0].until)]


async def test_a_refusal_inside_a_200_is_one_also_of_rapidpro(world: World) -> None:
    await number(world)
    await world.story.sent()
    world.sms.body = json.dumps({"id": 1, "status": "failed"})
    await world.told()
    listed = (await world.story.get("ngo-salud", "/channels")).json()[0]
    assert (listed["status"], listed["failure"]) == ("active", "sms_not_accepted")
    assert await world.pings() == ["waiting"]


def test_a_gateway_is_not_set_up_without_the_answer_that_means_yes() -> None:
    with pytest.raises(ValueError, match="accepted"):
        Template.model_validate(
            {
                "kind": "template",
                "url": "https://sms.example.org",
                "content_type": "application/json",
                "body": "{}",
            }
        )


async def test_a_mail_that_comes_back_has_told_nobody(world: World) -> None:
    await world.channel()
    await world.story.sent(urgency="emergency")
    await world.told()
    assert await world.pings() == ["told"]
    message = {"message": report(world.mail.mails[-1])}
    answer = await world.story.post("im-officer", "/channels/bounces", message)
    assert answer.status_code == 204
    assert await world.pings() == ["given_up"]


async def test_the_owner_of_a_wrong_number_hears_so_on_another_channel(world: World) -> None:
    wrong = await number(world)
    await world.channel()
    world.sms.status, world.sms.body = 400, json.dumps({"urns": {"0": ["Invalid URN"]}})
    await world.story.sent(urgency="emergency")
    await world.told()
    listed = (await world.story.get("ngo-salud", "/channels")).json()
    assert {(c["id"] == wrong["id"], c["status"], c["switched_off"]) for c in listed} == {
        (True, "off", "refused"),
        (False, "active", None),
    }
    assert len(world.mail.mails) == 1  # Of the emergency.
    with clock.shifted(SPACING * 2):
        await world.told()
    assert [mail["To"] for mail in world.mail.mails] == [MAILBOX] * 2


async def test_what_waited_for_its_next_try_wakes_nobody(world: World) -> None:
    now = clock.now().astimezone(ZONE)
    quiet = [(now + timedelta(hours=hours)).strftime("%H:%M") for hours in (1, 9)]
    await world.channel(quiet_from=quiet[0], quiet_until=quiet[1])
    await world.story.sent()
    world.mail.refused[MAILBOX] = "451 4.3.0 try later"
    await world.told()
    world.mail.refused.clear()
    with clock.shifted(timedelta(hours=2)):
        await world.told()
    assert world.mail.mails == []
    with clock.shifted(timedelta(hours=9, minutes=1)):
        await world.told()
    assert await world.pings() == ["told"]
