"""Bulletins by e-mail through a real relay: subscribe, confirm, receive and unsubscribe."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any, cast

import pytest
import sqlalchemy as sa
from common import clock
from common.crypto import key_from_base64
from common.db.endings import end_rows
from common.db.session import Database
from common.ids import new_id
from common.messages.mail import Mail
from common.messages.mail import Relay as RelayAddress
from common.messages.retries import PAUSES
from httpx import AsyncClient, Response
from reporting.publish.bulletins.models import bulletins
from reporting.publish.subscribers.api import MAIL
from reporting.publish.subscribers.due_mails import PATH, send_due
from reporting.publish.subscribers.keys import Keys
from reporting.publish.subscribers.models import ENDING, UNCONFIRMED_FOR, subscribers
from reporting.settings import Settings

from tests.services.reporting.bulletins.story import bulletin
from tests.services.reporting.conftest import AUDIENCE
from tests.support.channel_servers import LOGIN, Relay, relay
from tests.support.principals import bearer
from tests.support.returned_mails import report

FRONT = "https://ruta.example.org"
ADDRESS = "Lectora@Example.org"


@dataclass
class World:
    api: AsyncClient
    database: Database
    keys: Keys
    mail: Mail
    relay: Relay

    async def sent(self) -> int:
        return await send_due(self.database, self.mail, self.keys, FRONT)

    async def ask(self, address: str = ADDRESS, **more: str) -> Response:
        form = {"address": address, **more}
        return await self.api.post(PATH, data=form, headers=bearer("anonymous", audience=AUDIENCE))

    async def call(self, method: str, link: str) -> Response:
        headers = bearer("anonymous", audience=AUDIENCE)
        return await self.api.request(method, link.removeprefix(FRONT), headers=headers)

    async def subscribed(self, address: str = ADDRESS, **more: str) -> None:
        await self.ask(address, **more)
        await self.sent()
        assert (await self.call("POST", self.link(self.relay.mails.pop()))).status_code == 200

    async def rows(self) -> list[Any]:
        async with self.database.transaction() as session:
            return list((await session.execute(sa.select(subscribers))).all())

    async def published(self, period: str = "2026-11a") -> None:
        content = bulletin(period)
        now = clock.now()
        async with self.database.transaction() as session:
            await session.execute(
                bulletins.insert().values(
                    id=new_id(),
                    kind=content.kind,
                    period=period,
                    edition=1,
                    state="published",
                    content=content.model_dump(mode="json"),
                    content_sha256="0",
                    drafted_at=now,
                    drafted_by="schedule",
                    published_at=now,
                    published_by="im-officer",
                )
            )

    def link(self, mail: Any) -> str:
        found = re.search(rf"{FRONT}{PATH}/\S+", mail.get_content())
        assert found
        return found[0]


@pytest.fixture
async def world(
    api: AsyncClient, database: Database, settings: Settings, tmp_path: Path
) -> AsyncIterator[World]:
    async with relay(tmp_path) as (server, trusted):
        url = f"smtp+starttls://{LOGIN[0]}:{LOGIN[1].replace(' ', '%20')}@localhost:{server.port}"
        mail = Mail(RelayAddress.at(url), "ruta@ruta.example.org", trusted)
        cast("Any", api)._transport.app.state.context.parts[MAIL] = mail
        keys = Keys(key_from_base64(settings.stored_result_key.get_secret_value()))
        yield World(api, database, keys, mail, server)


async def test_a_bulletin_is_told_to_whoever_confirmed_and_to_nobody_else(world: World) -> None:
    assert (await world.ask()).status_code == 202
    await world.published("2026-10b")
    await world.sent()
    (asked,) = world.relay.mails
    assert (asked["To"], asked["Subject"]) == (
        "Lectora@example.org", "Ruta: confirme su suscripción",
    )  # fmt: skip
    opened = await world.call("GET", world.link(asked))  # A mail scanner opens the link like this.
    assert "Confirmar" in opened.text
    assert (await world.rows())[0].confirmed_at is None
    assert "confirmada" in (await world.call("POST", world.link(asked))).text
    assert await world.sent() == 0  # Subscribers get no earlier publications.
    with clock.shifted(timedelta(days=1)):
        await world.published()
        await world.sent()
        assert await world.sent() == 0
    told = world.relay.mails[1]
    assert told["Subject"] == "Ruta: boletines"
    assert "/reports/v1/bulletins/" in told.get_content()
    assert "/files/es/bulletin.html" in told.get_content()
    assert told["List-Unsubscribe"] == f"<{world.link(told)}>"
    assert told["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert len(world.relay.mails) == 2


async def test_leaving_deletes_all_that_is_known(world: World) -> None:
    await world.subscribed(language="en")
    with clock.shifted(timedelta(days=1)):
        await world.published()
        await world.sent()
    told = world.relay.mails[-1]
    assert told["Subject"] == "Ruta: bulletins"
    leave = world.link(told)
    assert "Delete my address" in (await world.call("GET", leave)).text
    assert len(await world.rows()) == 1
    for _ in range(2):  # A mail program posts twice.
        assert (await world.call("POST", leave)).status_code == 200
    assert await world.rows() == []


async def test_an_address_is_sealed_and_its_row_holds_nothing_else(world: World) -> None:
    await world.subscribed()
    (row,) = await world.rows()
    assert b"ectora" not in row.address
    assert set(row._mapping) == {
        "id", "address", "address_digest", "language", "asked_at", "asked", "confirm_wanted",
        "confirmed_at", "told_until", "attempts", "next_attempt_at",
    }  # fmt: skip


async def test_nobody_learns_who_is_subscribed_and_nobody_is_flooded(world: World) -> None:
    await world.subscribed()
    known, new = await world.ask(), await world.ask("otra@example.org")
    assert (known.status_code, known.text) == (new.status_code, new.text)
    assert await world.sent() == 1
    for _ in range(9):
        await world.ask("otra@example.org")
        await world.sent()
    assert [m["To"] for m in world.relay.mails] == ["otra@example.org"] * 3


async def test_what_nobody_confirms_is_forgotten(world: World) -> None:
    await world.ask()
    await world.sent()
    link = world.link(world.relay.mails[-1])
    await world.subscribed("otra@example.org")
    with clock.shifted(UNCONFIRMED_FOR + timedelta(minutes=1)):
        assert (await world.call("POST", link)).status_code == 404
        async with world.database.transaction() as session:
            await end_rows(session, ENDING, clock.now())
        assert len(await world.rows()) == 1


@pytest.mark.parametrize("use", ["confirm", "leave"])
async def test_a_key_opens_only_what_it_is_for(world: World, use: str) -> None:
    await world.subscribed()
    (row,) = await world.rows()
    other = world.keys.link("leave" if use == "confirm" else "confirm", row.id)
    forged = f"{row.id.hex}.{'0' * 32}"
    for key in (other, forged):
        assert (await world.call("POST", f"{PATH}/{use}?key={key}")).status_code == 404
    assert (await world.call("POST", f"{PATH}/{use}?key=x")).status_code == 422
    assert len(await world.rows()) == 1


async def test_a_refused_address_is_deleted_and_a_relay_that_is_away_is_waited_for(
    world: World,
) -> None:
    await world.subscribed()
    await world.subscribed("otra@example.org")
    world.relay.refused["Lectora@example.org"] = "550 5.1.1 no such user"
    world.relay.refused["otra@example.org"] = "451 4.3.0 try later"
    with clock.shifted(timedelta(days=1)):
        await world.published()
        await world.sent()
    assert len(await world.rows()) == 1
    world.relay.refused.clear()
    with clock.shifted(timedelta(days=1, seconds=PAUSES[0] * 2)):
        await world.sent()
        await world.sent()
    assert [m["To"] for m in world.relay.mails] == ["otra@example.org"]


async def bounce(world: World, text: str, who: str = "im-officer") -> int:
    headers = bearer(who, audience=AUDIENCE)
    body = {"message": text}
    answer = await world.api.post("/reports/v1/subscribers/bounces", json=body, headers=headers)
    assert ADDRESS not in answer.text
    return answer.status_code


async def test_a_bulletin_that_comes_back_later_ends_the_subscription(world: World) -> None:
    await world.subscribed()
    await world.subscribed("otra@example.org")
    with clock.shifted(timedelta(days=1)):
        await world.published()
        await world.sent()
    told, _other = sorted(world.relay.mails, key=lambda mail: str(mail["To"]))
    for harmless in (report(told, "4.4.1"), report(told, "5.7.1"), report(told, action="delayed")):
        assert await bounce(world, harmless) == 204
    forged = EmailMessage()
    forged["Message-ID"] = f"<{new_id()}@ruta.example.org>"
    assert await bounce(world, report(forged)) == 204
    assert await bounce(world, told.as_string()) == 422  # Not a delivery report.
    assert await bounce(world, report(told), "ngo-salud") == 403
    assert len(await world.rows()) == 2
    assert await bounce(world, report(told)) == 204
    (left,) = await world.rows()
    assert world.keys.open(left.id, left.address) == "otra@example.org"
    # A new subscription ignores the old bounce, but not a new bounce.
    await world.ask()
    await world.sent()
    assert await bounce(world, report(told)) == 204
    assert len(await world.rows()) == 2
    assert await bounce(world, report(world.relay.mails[-1])) == 204
    assert len(await world.rows()) == 1


async def test_no_address_is_refused_and_stays_in_its_field_to_be_mended(world: World) -> None:
    answer = await world.ask('lectora 📬"><script>')
    assert answer.status_code == 422
    assert 'value="lectora 📬&#34;&gt;&lt;script&gt;"' in answer.text
    assert answer.text.count("lectora") == 1
    assert "Escriba una dirección" in answer.text
    assert await world.rows() == []
    cast("Any", world.api)._transport.app.state.context.parts[MAIL] = None
    assert (await world.ask()).status_code == 404
