"""Ruta notifies people of waiting work through a real relay, push service and SMS gateway."""

import asyncio
import base64
import json
import re
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from common import clock
from common.crypto import key_from_base64
from common.ids import new_id
from common.messages.mail import Mail
from common.messages.mail import Relay as RelayAddress
from common.messages.retries import PAUSES
from common.messages.sms import RapidPro, Said, Sms, Template
from common.webhooks.addresses import networks
from common.webhooks.client import client
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from fastapi import FastAPI
from jose import jwt
from referrals.ground.notices.service import fan_out
from referrals.settings import Settings
from referrals.telling.channels.dispatch import lapse, ping
from referrals.telling.channels.duty_service import Duty
from referrals.telling.channels.kinds import ChannelKind
from referrals.telling.channels.messages import CONFIRMED_FOR, SPACING
from referrals.telling.channels.sealed_addresses import Sealing
from referrals.telling.channels.transports.offered import Transports
from referrals.telling.channels.transports.push import Push

from tests.services.referrals.one_round import called
from tests.services.referrals.rounds import ZONE, tell_due
from tests.services.referrals.story import Story
from tests.support.channel_servers import LOGIN, Answering, Relay, answering, relay
from tests.support.returned_mails import report

LOOPBACK = networks("127.0.0.0/8")
FRONT = "https://ruta.example.org"
MAILBOX = "guardia@salud.example.org"
NUMBER = "+584125550101"
SECRETS = ("Yolimar", "Canaria", "HLT", "refugio", "Refugio", "VE23", "urgent", "emergency")


@dataclass
class World:
    """The story, the servers, and the worker's round that sends due messages."""

    story: Story
    transports: Transports
    sealing: Sealing
    mail: Relay
    push: Answering
    sms: Answering
    trusted: ssl.SSLContext
    hand_over: timedelta = field(default=timedelta(minutes=10))

    async def told(self) -> int:
        """Forward notices and send due messages until none is left; return the number of channels."""
        follower = partial(ping, zone=ZONE, hand_over=self.hand_over)
        database, count, found = self.story.database, 0, 1
        while found:
            waits = "notices" in await called(database)
            found = await fan_out(database, [follower])
            assert waits == bool(found)
        async with client(LOOPBACK) as http:
            while True:
                waits = not (await called(database)).isdisjoint(ChannelKind)
                found = await tell_due(database, http, self.transports, self.sealing, FRONT)
                # The lookup calls only the job that has work.
                assert waits == bool(found)
                if not found:
                    return count
                count += found

    async def channel(self, who: str = "ngo-salud", **changes: Any) -> dict[str, Any]:
        """Return a confirmed mailbox."""
        body = {"kind": "email", "address": MAILBOX, **changes}
        made = await self.story.made(who, "/channels", body)
        await self.told()
        said = self.mail.mails.pop().get_content()
        digits = digits_in(said)
        confirmed = await self.story.made(who, f"/channels/{made['id']}/confirm", {"code": digits})
        assert confirmed["status"] == "active"
        return confirmed

    async def browser(self, who: str = "ngo-salud", name: str = "a") -> dict[str, Any]:
        keys = {"p256dh": "BPcMbnWQL5GOYX_5LKZXT6sLmHiMsJSiEvIFvfcDvX7I", "auth": "x1y2z3"}
        endpoint = f"{self.push.address}/send/{name}"
        body = {"kind": "push", "endpoint": endpoint, "keys": keys}
        return await self.story.made(who, "/channels", body)

    async def pings(self) -> list[str]:
        return sorted(row[0] for row in await self.story.rows("SELECT status FROM pings"))


@pytest.fixture
async def world(
    story: Story, settings: Settings, app: FastAPI, tmp_path: Path
) -> AsyncIterator[World]:
    async with world_of(story, settings, app, tmp_path) as made:
        yield made


@asynccontextmanager
async def world_of(
    story: Story, settings: Settings, app: FastAPI, tmp_path: Path
) -> AsyncIterator[World]:
    key = ec.generate_private_key(ec.SECP256R1())
    file = tmp_path / "push.pem"
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    sealing = Sealing(key_from_base64(settings.stored_result_key.get_secret_value()))
    async with relay(tmp_path) as (mail, trusted), answering() as push, answering() as sms:
        url = f"smtp+starttls://{LOGIN[0]}:{LOGIN[1].replace(' ', '%20')}@localhost:{mail.port}"
        transports = Transports(
            mail=Mail(RelayAddress.at(url), "ruta@ruta.example.org", trusted),
            push=Push(file, "mailto:im@ruta.example.org", LOOPBACK),
            sms=Sms(RapidPro(kind="rapidpro", url=sms.address, token="0123456789abcdef")),
        )
        app.state.context.parts["transports"] = transports
        duty = Duty(ZONE, timedelta(minutes=10), transports.offered)
        app.state.context.parts["watch"] = duty
        yield World(story, transports, sealing, mail, push, sms, trusted)


def digits_in(text: str) -> str:
    found = re.search(r"[0-9]{8}", text)
    assert found, text
    return found[0]


def body_of(world: World, place: int = -1) -> str:
    return str(world.mail.mails[place].get_content())


async def test_a_mailbox_is_confirmed_first_and_then_told_without_a_word_about_anybody(
    world: World,
) -> None:
    made = await world.story.made("ngo-salud", "/channels", {"kind": "email", "address": MAILBOX})
    assert made["status"] == "to_confirm"
    assert made["address"] == "g…@salud.example.org"
    await world.story.sent()
    await world.told()
    assert len(world.mail.mails) == 1  # Ruta sends only the code before the confirmation.
    wrong = await world.story.post(
        "ngo-salud", f"/channels/{made['id']}/confirm", {"code": "00000000"}
    )
    assert (wrong.status_code, wrong.json()["code"]) == (409, "wrong_code")
    assert "00000000" not in wrong.text
    digits = digits_in(body_of(world))
    await world.story.made("ngo-salud", f"/channels/{made['id']}/confirm", {"code": digits})
    await world.story.sent(urgency="emergency")
    await world.told()
    mail = world.mail.mails[-1]
    assert len(world.mail.mails) == 2
    assert mail.get_content().strip() == f"Hay algo nuevo en Ruta: {FRONT}"
    assert (mail["Subject"], mail["From"], mail["To"]) == ("Ruta", "ruta@ruta.example.org", MAILBOX)
    for secret in SECRETS:
        assert secret not in mail.as_string()
    assert set(world.mail.sessions) == {"ruta.example.org"}  # Not this machine's name.
    stored = await world.story.rows("SELECT address::text, shown FROM channels")
    assert MAILBOX.encode().hex() not in stored[0][0]


async def test_what_one_side_did_is_told_to_the_other_once(world: World) -> None:
    await world.channel()
    await world.channel("ngo-refugio", address="caso@refugio.example.org")
    referral = await world.story.sent()
    await world.told()
    assert [m["To"] for m in world.mail.mails] == [MAILBOX]
    await world.told()
    assert len(world.mail.mails) == 1
    with clock.shifted(SPACING * 2):
        path = f"/referrals/{referral['id']}/accept"
        await world.story.made("ngo-salud", path, {"focal_point": "Dra. M."})
        await world.told()
    assert [m["To"] for m in world.mail.mails] == [MAILBOX, "caso@refugio.example.org"]


async def test_many_at_once_are_one_message_and_the_next_waits(world: World) -> None:
    await world.channel()
    for _ in range(3):
        await world.story.sent()
    await world.told()
    assert len(world.mail.mails) == 1
    await world.story.sent()
    await world.told()
    assert len(world.mail.mails) == 1
    with clock.shifted(SPACING + timedelta(minutes=1)):
        await world.told()
    assert len(world.mail.mails) == 2
    assert await world.pings() == ["told"] * 4


async def test_quiet_hours_are_quiet_and_an_emergency_passes_through_them(world: World) -> None:
    now = clock.now().astimezone(ZONE)

    def at(hours: int) -> str:
        return (now + timedelta(hours=hours)).strftime("%H:%M")

    await world.channel(quiet_from=at(-2), quiet_until=at(2))
    other = "noche@salud.example.org"
    await world.channel(address=other, quiet_from=at(-2), quiet_until=at(2), wakes=False)
    await world.story.sent()
    await world.told()
    assert world.mail.mails == []
    await world.story.sent(urgency="emergency")
    await world.told()
    assert [m["To"] for m in world.mail.mails] == [MAILBOX]
    with clock.shifted(timedelta(hours=2, minutes=1)):
        await world.told()
    assert sorted(m["To"] for m in world.mail.mails) == [MAILBOX, MAILBOX, other]
    assert await world.pings() == ["told"] * 4


async def test_an_emergency_goes_up_the_chain_until_somebody_acts(world: World) -> None:
    await world.channel(language="en")
    chief = await world.channel("ngo-salud-supervisor", address="jefa@salud.example.org")
    assert chief["person"] == "ngo-salud-supervisor"
    now = datetime.now(UTC)
    shift = {
        "person": "ngo-salud",
        "starts_at": (now - timedelta(hours=1)).isoformat(),
        "ends_at": (now + timedelta(hours=8)).isoformat(),
    }
    made = await world.story.made("ngo-salud-supervisor", "/on-call", shift)
    assert made["reachable"] is True
    first = await world.story.sent(urgency="emergency")
    await world.told()
    assert [m["To"] for m in world.mail.mails] == [MAILBOX]
    assert body_of(world).startswith("There is something new in Ruta")
    with clock.shifted(timedelta(minutes=9)):
        await world.told()
        assert len(world.mail.mails) == 1
    with clock.shifted(timedelta(minutes=11)):
        await world.told()
        assert [m["To"] for m in world.mail.mails] == [MAILBOX, "jefa@salud.example.org"]
        await world.story.sent(urgency="emergency")
        await world.told()
        assert [m["To"] for m in world.mail.mails][2:] == [MAILBOX]
    # A person acts on the second message, so the escalation chain ends there.
    with clock.shifted(timedelta(minutes=15)):
        listed = (await world.story.get("ngo-salud", "/referrals/inbox")).json()["items"]
        second = next(r["id"] for r in listed if r["id"] != first["id"])
        await world.story.made("ngo-salud", f"/referrals/{second}/acknowledge", {})
    with clock.shifted(timedelta(minutes=40)):
        await world.told()
    assert len(world.mail.mails) == 3
    assert "moot" in await world.pings()


async def test_the_second_of_a_chain_sleeps_on_when_the_first_has_opened_it(world: World) -> None:
    """If only an automatic system opens the referral, no person has seen it, so the escalation continues."""
    chief = "jefa@salud.example.org"
    await world.channel()
    await world.channel("ngo-salud-supervisor", address=chief)
    await on_call(world, "ngo-salud", "ngo-salud-supervisor")
    for reader, woken in (("ngo-salud", [MAILBOX]), ("ngo-salud-2", [MAILBOX, chief])):
        referral = await world.story.sent(urgency="emergency")
        await world.told()
        path = f"/referrals/{referral['id']}/disclosure"
        read = await world.story.get("ngo-salud", path, sub=reader)
        assert read.status_code == 200, read.text
        with clock.shifted(timedelta(minutes=11)):
            await world.told()
        assert [m["To"] for m in world.mail.mails] == woken
        world.mail.mails.clear()


async def on_call(world: World, *people: str) -> None:
    for rank, person in enumerate(people, start=1):
        shift = {
            "person": person,
            "rank": rank,
            "starts_at": (clock.now() - timedelta(hours=1)).isoformat(),
            "ends_at": (clock.now() + timedelta(hours=8)).isoformat(),
        }
        await world.story.made("ngo-salud-supervisor", "/on-call", shift)


async def test_an_accepted_emergency_wakes_nobody_of_the_sender_and_is_told_by_day_at_once(
    world: World,
) -> None:
    now = clock.now().astimezone(ZONE)
    night = {
        "quiet_from": (now - timedelta(hours=2)).strftime("%H:%M"),
        "quiet_until": (now + timedelta(hours=2)).strftime("%H:%M"),
    }
    asleep, awake = "noche@refugio.example.org", "dia@refugio.example.org"
    await world.channel("ngo-refugio", address=asleep, **night)
    await world.channel("ngo-refugio", address=awake)
    referral = await world.story.sent(urgency="emergency")
    path = f"/referrals/{referral['id']}"
    await world.story.made("ngo-salud", f"{path}/accept", {"focal_point": "Dra. M."})
    await world.told()
    assert [m["To"] for m in world.mail.mails] == [awake]
    declined = await world.story.sent(urgency="emergency")
    body = {"reason": "capacity"}
    await world.story.made("ngo-salud", f"/referrals/{declined['id']}/decline", body)
    await world.told()
    assert sorted(m["To"] for m in world.mail.mails) == sorted([awake, asleep, awake])


async def test_a_channel_that_does_not_wake_is_told_of_emergencies_by_day_without_a_rest(
    world: World,
) -> None:
    await world.channel(wakes=False)
    for number in (1, 2):
        await world.story.sent(urgency="emergency")
        await world.told()
        assert len(world.mail.mails) == number


async def test_a_relay_that_is_away_for_a_day_loses_no_message_and_doubles_none(
    world: World,
) -> None:
    await world.channel()
    await world.story.sent()
    world.mail.refused[MAILBOX] = "451 4.3.0 try later"
    later = timedelta(0)
    for pause in (0, *PAUSES[:-1]):
        later += timedelta(seconds=pause * 1.2 + 1)
        with clock.shifted(later):
            await world.told()
    assert (await world.pings()) == ["waiting"]
    listed = (await world.story.get("ngo-salud", "/channels")).json()[0]
    assert (listed["status"], listed["failure"]) == ("active", "smtp_451")
    world.mail.refused.clear()
    with clock.shifted(later + timedelta(days=1)):
        await world.told()
        await world.told()
    assert len(world.mail.mails) == 1
    assert await world.pings() == ["told"]


async def test_a_relay_that_is_away_or_slow_is_asked_again_and_tells_once(world: World) -> None:
    await world.channel()
    await world.story.sent()
    url = f"smtp+starttls://{LOGIN[0]}:{LOGIN[1].replace(' ', '%20')}@localhost"
    working = world.transports.mail
    with socket.socket() as nobody_listens:
        nobody_listens.bind(("127.0.0.1", 0))
        port = nobody_listens.getsockname()[1]
        world.transports.__dict__["mail"] = Mail(RelayAddress.at(f"{url}:{port}"), "r@example.org")
        await world.told()
    assert await world.pings() == ["waiting"]
    slow = Mail(RelayAddress.at(f"{url}:{world.mail.port}"), "r@example.org", world.trusted, 0.5)
    world.transports.__dict__["mail"] = slow
    world.mail.slow = asyncio.Event()
    with clock.shifted(timedelta(minutes=1)):
        await world.told()
    world.mail.slow.set()
    listed = (await world.story.get("ngo-salud", "/channels")).json()[0]
    assert (listed["status"], listed["failure"]) == ("active", "timeout")
    assert await world.pings() == ["waiting"]
    world.transports.__dict__["mail"], world.mail.slow = working, None
    with clock.shifted(timedelta(minutes=10)):
        await world.told()
        await world.told()
    assert len(world.mail.mails) == 1
    assert await world.pings() == ["told"]


async def test_a_greylisted_message_comes_with_the_same_id(world: World) -> None:
    await world.channel()
    await world.story.sent()
    world.mail.greylisted.add(MAILBOX)
    await world.told()
    assert not world.mail.mails
    with clock.shifted(timedelta(minutes=1)):
        await world.told()
    assert len(world.mail.mails) == 1
    first = await world.story.rows("SELECT id FROM pings ORDER BY id")
    assert world.mail.mails[0]["Message-ID"] == f"<{first[0][0]}@ruta.example.org>"


async def test_a_refused_address_is_switched_off_and_its_supervisor_hears_so(world: World) -> None:
    made = await world.channel()
    await world.channel("ngo-salud-supervisor", address="jefa@salud.example.org")
    world.mail.refused[MAILBOX] = "550 5.1.1 <guardia@salud.example.org> no such user"
    await world.story.sent()
    await world.told()
    listed = (await world.story.get("ngo-salud", "/channels")).json()[0]
    assert (listed["status"], listed["switched_off"]) == ("off", "refused")
    assert listed["failure"] == "smtp_550"  # The server's own text would contain the address.
    assert await world.story.told_to("ngo-salud-supervisor", made["id"]) == ["channel.switched_off"]
    await world.told()
    assert "jefa@salud.example.org" in [m["To"] for m in world.mail.mails]
    team = (await world.story.get("ngo-salud-supervisor", "/channels/team")).json()
    assert {c["status"] for c in team} == {"off", "active"}
    world.mail.refused.clear()
    asked = await world.story.post("ngo-salud", f"/channels/{made['id']}/code")
    assert asked.status_code == 202
    await world.told()
    digits = digits_in(body_of(world))
    again = await world.story.made("ngo-salud", f"/channels/{made['id']}/confirm", {"code": digits})
    assert again["status"] == "active"


async def bounce(world: World, text: str, who: str = "im-officer") -> int:
    answer = await world.story.post(who, "/channels/bounces", {"message": text})
    assert MAILBOX not in answer.text
    return answer.status_code


async def test_a_mail_that_comes_back_later_switches_its_channel_off(world: World) -> None:
    made = await world.channel()
    await world.story.sent()
    await world.told()
    mail = world.mail.mails[-1]

    async def status() -> tuple[str, str | None]:
        listed = (await world.story.get("ngo-salud", "/channels")).json()[0]
        return listed["status"], listed["failure"]

    for harmless in (report(mail, "4.4.1"), report(mail, "5.7.1"), report(mail, action="delayed")):
        assert await bounce(world, harmless) == 204
    forged = EmailMessage()
    forged["Message-ID"] = f"<{new_id()}@ruta.example.org>"
    assert await bounce(world, report(forged)) == 204
    assert await bounce(world, mail.as_string()) == 422  # Not a delivery report.
    assert await bounce(world, report(mail), "ngo-salud") == 403
    assert await status() == ("active", None)
    assert await bounce(world, report(mail)) == 204
    assert await status() == ("off", "smtp_5.1.1")
    told = await world.story.told_to("ngo-salud-supervisor", made["id"])
    assert told == ["channel.switched_off"]
    # The owner confirms it again, so the same report is now about an earlier message.
    with clock.shifted(timedelta(hours=1)):
        await world.story.post("ngo-salud", f"/channels/{made['id']}/code")
        await world.told()
        digits = digits_in(body_of(world))
        path = f"/channels/{made['id']}/confirm"
        await world.story.made("ngo-salud", path, {"code": digits})
        assert await bounce(world, report(mail)) == 204
        assert await status() == ("active", None)


async def test_a_code_that_comes_back_is_the_channels_end(world: World) -> None:
    made = await world.story.made("ngo-salud", "/channels", {"kind": "email", "address": MAILBOX})
    await world.told()
    assert await bounce(world, report(world.mail.mails[-1])) == 204
    listed = (await world.story.get("ngo-salud", "/channels")).json()[0]
    assert (listed["id"], listed["status"]) == (made["id"], "off")


async def test_a_relay_that_refuses_everybody_switches_off_nobody(world: World) -> None:
    await world.channel()
    await world.story.sent()
    world.mail.refused[MAILBOX] = "554 5.7.1 this server is blocked"
    await world.told()
    listed = (await world.story.get("ngo-salud", "/channels")).json()[0]
    assert (listed["status"], listed["failure"]) == ("active", "smtp_554")


async def test_a_relay_whose_certificate_nobody_vouches_for_gets_nothing(
    world: World, tmp_path: Path
) -> None:
    port = world.mail.port
    url = f"smtp+starttls://{LOGIN[0]}:{LOGIN[1].replace(' ', '%20')}@localhost:{port}"
    untrusting = Mail(RelayAddress.at(url), "ruta@ruta.example.org", ssl.create_default_context())
    made = await world.channel()
    world.transports.__dict__["mail"] = untrusting
    await world.story.sent()
    await world.told()
    assert not world.mail.mails
    listed = (await world.story.get("ngo-salud", "/channels")).json()[0]
    assert (listed["id"], listed["failure"]) == (made["id"], "unreachable")


async def test_browsers_get_an_empty_signed_message_that_replaces_an_unseen_one(
    world: World,
) -> None:
    await world.browser(name="desk")
    await world.browser(name="phone")  # One person's two devices.
    await world.story.sent()
    await world.told()
    kinds = (await world.story.get("ngo-salud", "/channels/kinds")).json()
    assert kinds["kinds"] == ["email", "push", "sms"]
    point = base64.urlsafe_b64decode(kinds["push_key"] + "=")
    assert (len(point), point[0]) == (65, 4)  # A point of P-256, as browsers require.
    known = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    key = known.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    assert sorted(path for path, _, _ in world.push.requests) == ["/send/desk", "/send/phone"]
    for _, headers, body in world.push.requests:
        assert body == b""
        assert headers["topic"] == "ruta"
        assert headers["ttl"] == "86400"
        scheme, _, parts = headers.get("authorization", "").partition(" ")
        assert scheme == "vapid"
        signed = dict(p.strip().split("=", 1) for p in parts.split(","))
        # A push service checks the signature with the key that the browser named at the subscription.
        assert signed["k"] == kinds["push_key"]
        claims = jwt.decode(signed["t"], key, ["ES256"], audience=world.push.address)
        readable = {**headers, "authorization": claims}
        assert not [s for s in SECRETS if s in json.dumps(readable)]


async def test_a_browser_that_gave_up_is_forgotten(world: World) -> None:
    await world.browser()
    world.push.status = 410
    await world.story.sent()
    await world.told()
    listed = (await world.story.get("ngo-salud", "/channels")).json()[0]
    assert (listed["status"], listed["switched_off"]) == ("off", "gone")
    assert await world.told() == 0


async def number(world: World, who: str = "ngo-salud") -> dict[str, Any]:
    """Return a confirmed phone."""
    made = await world.story.made(who, "/channels", {"kind": "sms", "address": NUMBER})
    await world.told()
    text = json.loads(world.sms.requests.pop()[2])["text"]
    digits = digits_in(text)
    return await world.story.made(who, f"/channels/{made['id']}/confirm", {"code": digits})


async def test_a_short_message_goes_as_rapidpro_takes_it(world: World) -> None:
    await number(world)
    await world.story.sent()
    await world.told()
    path, headers, body = world.sms.requests[-1]
    assert path == "/api/v2/broadcasts.json"
    assert headers["authorization"] == "Token 0123456789abcdef"
    assert json.loads(body) == {
        "urns": [f"tel:{NUMBER}"],
        "text": f"Hay algo nuevo en Ruta: {FRONT}",
    }


async def test_a_gateway_says_when_to_come_back_and_which_number_is_no_good(world: World) -> None:
    await number(world)
    await world.story.sent()
    world.sms.status, world.sms.headers = 429, {"Retry-After": "7200"}
    await world.told()
    count = len(world.sms.requests)
    with clock.shifted(timedelta(hours=1)):
        await world.told()
        assert len(world.sms.requests) == count
    world.sms.status, world.sms.headers = 400, {}
    world.sms.body = json.dumps({"urns": {"0": ["Invalid URN: tel:" + NUMBER]}})
    with clock.shifted(timedelta(hours=3)):
        await world.told()
    listed = (await world.story.get("ngo-salud", "/channels")).json()[0]
    assert (listed["status"], listed["switched_off"]) == ("off", "refused")
    assert NUMBER not in json.dumps(listed)


async def test_an_answer_that_was_lost_is_not_told_twice(world: World) -> None:
    await number(world)
    await world.story.sent()
    world.sms.drop = True
    await world.told()
    world.sms.drop = False
    with clock.shifted(timedelta(days=1)):
        await world.told()
    assert len(world.sms.requests) == 1
    assert await world.pings() == ["unclear"]


@pytest.mark.parametrize(
    ("content_type", "body", "sent"),
    [
        (
            "application/json",
            '{"to": "{digits}", "message": "{text}", "ref": "{id}"}',
            b'{"to": "584125550101", "message": "Hay algo',
        ),
        ("application/x-www-form-urlencoded", "to={number}&m={text}", b"to=%2B584125550101&m=Hay"),
    ],
)
async def test_any_gateway_is_described_by_a_template(
    world: World, content_type: Any, body: str, sent: bytes
) -> None:
    template = Template(
        kind="template",
        url=f"{world.sms.address}/v1/send",
        content_type=content_type,
        body=body,
        headers={"x-api-key": "k"},
        accepted=Said(path="result/0/status", values=["queued", "sent"]),
        refused=Said(path="result/0/error", values=["unknown_subscriber"]),
    )
    await number(world)
    world.transports.__dict__["sms"] = Sms(template)
    await world.story.sent()
    # A response with status 200 and an error inside.
    world.sms.status, world.sms.body = 200, json.dumps({"result": [{"status": "no credit"}]})
    await world.told()
    assert world.sms.requests[-1][2].startswith(sent)
    listed = (await world.story.get("ngo-salud", "/channels")).json()[0]
    assert listed["failure"] == "sms_not_accepted"
    world.sms.body = json.dumps({"result": [{"status": "QUEUED"}]})
    with clock.shifted(timedelta(minutes=2)):
        await world.told()
    assert await world.pings() == ["told"]
    await world.story.sent()
    world.sms.body = json.dumps({"result": [{"error": "unknown_subscriber"}]})
    with clock.shifted(timedelta(hours=2)):
        await world.told()
    listed = (await world.story.get("ngo-salud", "/channels")).json()[0]
    assert listed["switched_off"] == "refused"


async def test_an_address_that_changed_hands_tells_its_new_owner_only(world: World) -> None:
    former = await world.channel()
    await world.channel("ngo-legal")
    listed = (await world.story.get("ngo-salud", "/channels")).json()[0]
    assert (listed["id"], listed["switched_off"]) == (former["id"], "taken")
    await world.story.sent()
    await world.told()
    assert world.mail.mails == []


async def test_what_waited_is_not_told_to_an_address_that_is_to_be_confirmed_again(
    world: World,
) -> None:
    former = await world.channel(pace="digest")
    await world.story.sent()
    await world.told()
    await world.channel("ngo-legal")
    await world.story.post("ngo-salud", f"/channels/{former['id']}/code")
    with clock.shifted(timedelta(days=2)):
        await world.told()
        assert ["confirma" in mail.get_content() for mail in world.mail.mails] == [True]


async def test_removing_a_channel_gives_nobody_another_message_to_a_stranger(world: World) -> None:
    body = {"kind": "sms", "address": NUMBER}
    for _ in range(4):
        made = await world.story.made("ngo-salud", "/channels", body)
        answer = await world.story.call("ngo-salud", "DELETE", f"/channels/{made['id']}")
        assert answer.status_code == 204
    for who in (
        "ngo-salud",
        "ngo-legal",
    ):  # A colleague in another organisation cannot add the number either.
        refused = await world.story.post(who, "/channels", body)
        assert refused.status_code == 409
        assert refused.json()["code"] == "conflict"
        assert NUMBER not in refused.text
    for number in range(4):
        other = body | {"address": f"+58412555020{number}"}
        made = await world.story.made("ngo-salud", "/channels", other)
    refused = await world.story.post("ngo-salud", "/channels", body | {"address": "+584125550209"})
    assert refused.status_code == 409
    refused = await world.story.post("ngo-salud", f"/channels/{made['id']}/code")
    assert refused.status_code == 409
    with clock.shifted(timedelta(days=1, minutes=1)):
        await world.story.made("ngo-salud", "/channels", body)


async def test_an_address_that_nobody_confirms_again_falls_silent(world: World) -> None:
    await world.channel()
    with clock.shifted(CONFIRMED_FOR - timedelta(days=1)):
        assert await lapse(world.story.database) == 0
    with clock.shifted(CONFIRMED_FOR + timedelta(days=1)):
        assert await lapse(world.story.database) == 1
        await world.story.sent()
        await world.told()
    assert world.mail.mails == []


async def test_a_supervisor_removes_a_colleagues_channel_and_nobody_elses(world: World) -> None:
    made = await world.channel()
    assert (await world.story.get("ngo-salud-supervisor", "/channels")).json() == []
    for who, status in (("ngo-legal", 404), ("ngo-refugio-supervisor", 404)):
        answer = await world.story.call(who, "DELETE", f"/channels/{made['id']}")
        assert answer.status_code == status
    assert (await world.story.get("ngo-salud", "/channels/team")).status_code == 403
    answer = await world.story.call("ngo-salud-supervisor", "DELETE", f"/channels/{made['id']}")
    assert answer.status_code == 204
    await world.story.sent()
    await world.told()
    assert world.mail.mails == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"kind": "email", "address": "guardia"}, "invalid"),
        ({"kind": "sms", "address": "+58 📱"}, "invalid"),
        ({"kind": "email", "address": MAILBOX, "quiet_from": "21:00"}, "invalid"),
        (
            {"kind": "email", "address": MAILBOX, "quiet_from": "21:00Z", "quiet_until": "6:00"},
            "invalid",
        ),
        ({"kind": "pigeon", "address": MAILBOX}, "invalid"),
        (
            {"kind": "push", "endpoint": "http://10.0.0.1/x", "keys": {"p256dh": "a", "auth": "b"}},
            "unsafe_address",
        ),
    ],
)
async def test_bad_input_is_refused_without_being_repeated(
    world: World, body: dict[str, Any], code: str
) -> None:
    answer = await world.story.post("ngo-salud", "/channels", body)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    for value in {str(v) for name, v in body.items() if name != "kind"} | {"pigeon"}:
        assert value not in answer.text
    assert (await world.story.get("ngo-salud", "/channels")).json() == []
